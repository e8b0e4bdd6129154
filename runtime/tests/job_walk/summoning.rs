//! Lots on the runtime: once the workers of an exact model have proven themselves, a stage is checked where its other
//! holder's lot wins, and paid unchecked where it does not.

use crate::{
	cast::*,
	chain::{account, Chain},
};
use dllm_primitives::{
	api::Duty,
	draw::PROBATION,
	ids::{JobId, StageIndex},
	job::JobState,
	model::{ModelSpec, Profile},
	summons,
	verdict::{Phase, Verdict},
};
use dllm_runtime::{views, Runtime};
use pallet_miners::UnverifiedPay;
use pallet_verification::{Error, Trials};
use sp_runtime::DispatchError;

/// Jobs after which everybody's rank is above a half, at the latest.
const PROVING: JobId = 40;
/// Jobs that are looked at once lots are drawn.
const BY_LOT: JobId = 4;

/// Who leads the stages of a job, and who holds them beside.
fn parts(job: JobId) -> [[&'static str; 3]; 2] {
	let turn = (job % 2) as usize;
	[turn, 1 - turn].map(|turn| STAGES.map(|workers| workers[turn]))
}

fn phase(chain: &mut Chain, job: JobId) -> Phase {
	chain.read(|| Trials::<Runtime>::get(job).unwrap().phase)
}

/// Asks, and lets leads run and commit, until the draw has passed.
fn run(chain: &mut Chain, job: JobId) {
	let [leads, _] = parts(job);
	chain.block([submit_public()]);
	chain.block([
		commit_reply(leads[0], job, roots(0)),
		commit(leads[1], job, 1, roots(1)),
		commit(leads[2], job, 2, roots(2)),
	]);
	drawn(chain);
}

/// Lets everybody who has to check these stages do so, and all open.
fn end(chain: &mut Chain, job: JobId, checked: &[StageIndex]) {
	let [leads, holders] = parts(job);
	let of = |workers: [&'static str; 3], stage: StageIndex| workers[usize::from(stage)];
	let all = checked.len() == 3;
	if all {
		chain.block([0, 1, 2].map(|stage| commit(of(holders, stage), job, stage, roots(stage))));
	}
	for stage in checked.iter().filter(|_| !all) {
		chain.block([commit(of(holders, *stage), job, *stage, roots(*stage))]);
	}
	chain.block([0, 1, 2].map(|stage| reveal(of(leads, stage), job, stage, roots(stage))));
	if all {
		chain.block([0, 1, 2].map(|stage| reveal(of(holders, stage), job, stage, roots(stage))));
	}
	for stage in checked.iter().filter(|_| !all) {
		chain.block([reveal(of(holders, *stage), job, *stage, roots(*stage))]);
	}
	let state = chain.read(|| views::job(job).unwrap().state);
	assert_eq!(state, JobState::Settled, "job {job}");
}

/// Whether the duty of a holder tells it that its lot over a stage wins.
fn wins(chain: &mut Chain, who: &str, job: JobId, stage: StageIndex) -> bool {
	let duties = chain.read(|| views::duties(&account(who)));
	let due = duties.into_iter().find_map(|duty| match duty {
		Duty::Summon {
			job: of,
			stage: its,
			seed,
			threshold,
			..
		} if (of, its) == (job, stage) => Some((seed, threshold)),
		_ => None,
	});
	let (seed, threshold) = due.unwrap();
	let (_, call) = summon(chain, who, job, stage);
	let dllm_runtime::RuntimeCall::Verification(pallet_verification::Call::summon {
		proof, ..
	}) = call
	else {
		panic!("another call");
	};
	let account = account(who);
	summons::lot(seed, (job, stage), account.as_ref(), &proof).unwrap() < threshold
}

#[test]
fn proven_workers_of_an_exact_model_are_checked_by_lot() {
	let mut chain = with_pipeline_of(ModelSpec {
		profile: Profile::Exact,
		..model()
	});
	let mut first = 0;
	run(&mut chain, first);
	while phase(&mut chain, first) == Phase::Verifying {
		end(&mut chain, first, &[0, 1, 2]);
		first += 1;
		assert!(first < PROVING, "nobody is trusted after {first} jobs");
		run(&mut chain, first);
	}
	// Everybody leads every second job, and checks the others.
	assert!(first >= JobId::from(PROBATION), "a lot after {first} jobs");
	let (mut checked, mut unchecked) = (0, 0);
	for job in first..first + BY_LOT {
		if job > first {
			run(&mut chain, job);
		}
		assert_eq!(phase(&mut chain, job), Phase::Summoning, "job {job}");
		let [leads, holders] = parts(job);
		let won = [0, 1, 2].map(|stage: StageIndex| {
			let holder = holders[usize::from(stage)];
			let wins = wins(&mut chain, holder, job, stage);
			let (who, call) = summon(&mut chain, holder, job, stage);
			if !wins {
				let lost = DispatchError::from(Error::<Runtime>::LotLost);
				assert_eq!(chain.refuse(who, call), lost);
				return None;
			}
			chain.block([(who, call)]);
			Some(stage)
		});
		let won = won.into_iter().flatten().collect::<Vec<_>>();
		if phase(&mut chain, job) == Phase::Summoning {
			let until = chain.read(|| Trials::<Runtime>::get(job).unwrap().until);
			chain.skip_to(until + 1);
		}
		end(&mut chain, job, &won);
		let receipt = chain.read(|| views::receipt(job).unwrap());
		assert_eq!(receipt.checked, Some(!won.is_empty()));
		for stage in &receipt.stages {
			let found = stage.participants[0].verdict.unwrap();
			let passed = won.contains(&stage.stage);
			assert_eq!(
				found,
				if passed {
					Verdict::Pass
				} else {
					Verdict::Unchecked
				}
			);
			let lead = account(leads[usize::from(stage.stage)]);
			let owed = chain.read(|| UnverifiedPay::<Runtime>::get(&lead));
			assert_eq!(owed.is_none(), passed, "{lead:?}");
		}
		checked += won.len();
		unchecked += 3 - won.len();
	}
	assert!(checked > 0 && unchecked > 0, "{checked} of 12");
}
