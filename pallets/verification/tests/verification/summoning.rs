//! Lots: whose is shown first checks, whose does not win or is not its own costs its fee, and a stage for which nobody
//! shows one goes unchecked.

use crate::{
	mock::*,
	play::{all_honest, but, commits, draws, expire, lot, play, proof, stages, summon, Behaviour},
};
use dllm_primitives::{
	api::Duty,
	draw::{self, Trust},
	flow::{Award, Conclusion},
	ids::{JobId, StageIndex},
	job::{Assurance, Refund},
	verdict::{
		Part::{Lead, Replica},
		Phase,
		Verdict::{Cheat, Pass, Unchecked},
	},
};
use frame_support::{assert_noop, assert_ok};
use pallet_verification::{Error, Event};

/// The stage whose lots are looked at: led by account 20 where the job's number is a multiple of its workers'.
const STAGE: StageIndex = 1;

fn trusted() {
	Exact::set(true);
	Trusted::set(Trust {
		passed: draw::PROBATION,
		rank: draw::WHOLE / 2,
		room: u128::MAX,
	});
}

/// Opens jobs with three workers a stage until their lots over the stage are of this kind: of those of accounts 21 and
/// 22 so many win.
fn summoning(winners: usize) -> JobId {
	trusted();
	for job in (0..300).step_by(3) {
		open_with(Award {
			run_until: System::block_number() + RUN_UNTIL,
			..award(job, 3)
		})
		.unwrap();
		commits_alone(job);
		assert_eq!(phase(job), Phase::Summoning);
		let won = [21, 22].into_iter().filter(|who| lot(job, STAGE, *who));
		if won.count() == winners {
			return job;
		}
		play(job, all_honest);
	}
	panic!("no such lots");
}

/// All leads commit, and the draw passes; nobody shows a lot.
fn commits_alone(job: JobId) {
	for stage in stages(job) {
		let lead = worker(job, stage, Lead);
		let digest = digest(job, stage, &lead, honest(stage));
		assert_ok!(crate::play::commit(job, stage, Lead, digest));
	}
	expire(job, Phase::Drawing);
}

fn winner(job: JobId) -> u8 {
	[21, 22]
		.into_iter()
		.find(|who| lot(job, STAGE, *who))
		.unwrap()
}

fn summoned(job: JobId, worker: u8) -> RuntimeEvent {
	let worker = acc(worker);
	RuntimeEvent::Verification(Event::Summoned {
		job,
		stage: STAGE,
		worker,
	})
}

#[test]
fn who_is_summoned_checks_its_stage_and_no_other() {
	execute(|| {
		let job = summoning(1);
		let who = winner(job);
		assert_eq!(Verification::is_checked(job), None);
		assert_ok!(summon(job, STAGE, who));
		assert!(System::events()
			.iter()
			.any(|record| record.event == summoned(job, who)));
		assert_eq!(worker(job, STAGE, Replica), acc(who));
		assert!(Engaged::get().contains(&acc(who)));
		expire(job, Phase::Summoning);
		assert_eq!(phase(job), Phase::Verifying);
		assert_eq!(Verification::is_checked(job), Some(true));
		play(job, all_honest);
		assert_eq!(verdict(job, STAGE, Lead), Some(Pass));
		assert_eq!(verdict(job, 2, Lead), Some(Unchecked));
		assert_eq!(Verification::passed_leads(job), [false, true, false]);
		let ended = Concluded::get().pop().unwrap().2;
		assert!(
			matches!(&ended, Conclusion::Served { checked: true, checkers, .. } if *checkers == [(STAGE, acc(who))])
		);
		let receipt = &Verification::stage_receipts(job)[usize::from(STAGE)];
		assert_eq!(
			(receipt.chance, receipt.summons.len()),
			(draw::WHOLE / 2, 1)
		);
	});
}

#[test]
fn a_cheat_that_is_summoned_is_convicted() {
	execute(|| {
		trusted();
		let behave = but(STAGE, Lead, Behaviour::Altered);
		let job = (0..300)
			.step_by(3)
			.find(|job| {
				open_with(Award {
					run_until: System::block_number() + RUN_UNTIL,
					..award(*job, 3)
				})
				.unwrap();
				commits(*job, Lead, &behave);
				let found = trial(*job).stage(STAGE).unwrap().replica.is_some();
				play(*job, &behave);
				let lead = verdict(*job, STAGE, Lead);
				assert_eq!(lead, Some(if found { Cheat } else { Unchecked }));
				found
			})
			.unwrap();
		assert_eq!(Slashes::get().pop().unwrap().who, worker(job, STAGE, Lead));
		let ended = Concluded::get().pop().unwrap().2;
		assert_eq!(ended, Conclusion::Failed(Refund::Cheated));
	});
}

#[test]
fn where_nobody_is_summoned_the_leads_are_paid_unchecked() {
	execute(|| {
		let job = summoning(0);
		let until = trial(job).until;
		assert_eq!(until, System::block_number() + SUMMON);
		expire(job, Phase::Summoning);
		assert_eq!(phase(job), Phase::Revealing);
		assert_eq!(Verification::is_checked(job), Some(false));
		let noted = Unverified::get();
		let lead = trial(job).stage(STAGE).unwrap().lead.worker.clone();
		let pay = trial(job).stage(STAGE).unwrap().pay;
		assert!(noted.contains(&(lead, pay)));
		play(job, all_honest);
		assert_eq!(verdict(job, STAGE, Lead), Some(Unchecked));
	});
}

#[test]
fn a_second_winner_changes_nothing_and_pays_nothing_once() {
	execute(|| {
		let job = summoning(2);
		assert_ok!(summon(job, STAGE, 22));
		assert_ok!(summon(job, STAGE, 21));
		assert_eq!(worker(job, STAGE, Replica), acc(22));
		let trial = trial(job);
		let shown = trial.stage(STAGE).unwrap().summons.iter();
		let shown = shown.map(|one| one.worker.clone());
		assert_eq!(shown.collect::<Vec<_>>(), [acc(22), acc(21)]);
		for who in [21, 22] {
			let again = Verification::summon(
				RuntimeOrigin::signed(acc(who)),
				job,
				STAGE,
				proof(job, STAGE, who),
			);
			assert_eq!(
				again.unwrap_err().error,
				Error::<Test>::AlreadySummoned.into()
			);
		}
	});
}

#[test]
fn a_lot_is_its_holders_own_over_this_stage_of_this_job_and_has_to_win() {
	execute(|| {
		let job = summoning(1);
		let (won, lost) = match winner(job) {
			21 => (21, 22),
			_ => (22, 21),
		};
		let show = |who, stage, proof| {
			Verification::summon(RuntimeOrigin::signed(acc(who)), job, stage, proof)
				.map(|_| ())
				.map_err(|refused| refused.error)
		};
		let right = proof(job, STAGE, won);
		assert_noop!(
			show(lost, STAGE, proof(job, STAGE, lost)),
			Error::<Test>::LotLost
		);
		assert_noop!(show(lost, STAGE, right), Error::<Test>::WrongProof);
		assert_noop!(
			show(won, STAGE, proof(job, 2, won)),
			Error::<Test>::WrongProof
		);
		let mut bent = right;
		bent.output.0[0] ^= 1;
		assert_noop!(show(won, STAGE, bent), Error::<Test>::WrongProof);
		let mut bent = right;
		bent.proof.0[0] ^= 1;
		assert_noop!(show(won, STAGE, bent), Error::<Test>::WrongProof);
		// The lead, who holds another stage, who holds none, and a stage that is not there.
		assert_noop!(show(20, STAGE, right), Error::<Test>::NotAParticipant);
		assert_noop!(show(31, STAGE, right), Error::<Test>::NotAParticipant);
		assert_noop!(show(99, STAGE, right), Error::<Test>::NotAParticipant);
		assert_noop!(show(won, 9, right), Error::<Test>::NotAParticipant);
		Inactive::mutate(|all| all.insert(acc(won)));
		assert_noop!(show(won, STAGE, right), Error::<Test>::NotAParticipant);
		Inactive::mutate(|all| all.remove(&acc(won)));
		expire(job, Phase::Summoning);
		assert_noop!(show(won, STAGE, right), Error::<Test>::WrongPhase);
	});
	execute(|| {
		trusted();
		open(0);
		let early = Verification::summon(
			RuntimeOrigin::signed(acc(21)),
			0,
			STAGE,
			dllm_primitives::summons::Proof {
				output: Default::default(),
				proof: Default::default(),
			},
		);
		assert_eq!(early.unwrap_err().error, Error::<Test>::WrongPhase.into());
	});
}

/// Of the lead's operator nobody draws, nor who knows the rows as another part of the job while others can.
#[test]
fn who_has_another_part_in_the_job_draws_no_lot_while_others_can() {
	let asked = |job| {
		let holders = [21, 22].into_iter();
		let asked = holders.filter(|who| {
			let duties = Verification::duties(&acc(*who)).into_iter();
			let mut of_stage = duties.filter(
				|duty| matches!(duty, Duty::Summon { job: of, stage: STAGE, .. } if *of == job),
			);
			of_stage.next().is_some()
		});
		asked.collect::<Vec<_>>()
	};
	for (operators, expected) in [
		(vec![], vec![21, 22]),
		(vec![(21, 120)], vec![22]),
		(vec![(21, 130)], vec![22]),
		(vec![(21, 130), (22, 130)], vec![21, 22]),
	] {
		execute(|| {
			trusted();
			let operators = operators.iter().map(|(who, by)| (acc(*who), acc(*by)));
			Operators::set(operators.collect());
			open_with(award(0, 3)).unwrap();
			commits_alone(0);
			assert_eq!(asked(0), expected);
		});
	}
}

#[test]
fn a_larger_bond_wins_more_often() {
	execute(|| {
		trusted();
		Bonds::set([(acc(22), 3000)].into());
		open_with(award(0, 3)).unwrap();
		commits_alone(0);
		let due = |who| {
			let duties = Verification::duties(&acc(who)).into_iter();
			let mut due = duties.filter_map(|duty| match duty {
				Duty::Summon { threshold, .. } => Some(threshold),
				_ => None,
			});
			due.next().unwrap()
		};
		assert!(due(22).abs_diff(3 * due(21)) < 8);
		let both = (due(21) as f64 + due(22) as f64) / 2f64.powi(64);
		assert!((both - 2f64.ln()).abs() < 1e-9);
	});
}

#[test]
fn a_stage_that_nobody_can_be_counted_on_to_watch_is_checked() {
	let drawn = |prepare: &dyn Fn()| {
		let mut found = None;
		execute(|| {
			trusted();
			prepare();
			open_with(award(0, 3)).unwrap();
			commits_alone(0);
			found = Some(phase(0));
		});
		found.unwrap()
	};
	assert_eq!(drawn(&|| ()), Phase::Summoning);
	assert_eq!(
		drawn(&|| Late::mutate(|all| all.extend([acc(21)]))),
		Phase::Summoning
	);
	let both_late = || Late::mutate(|all| all.extend([acc(21), acc(22)]));
	assert_eq!(drawn(&both_late), Phase::Verifying);
	let away = || {
		Late::mutate(|all| all.extend([acc(21)]));
		Inactive::mutate(|all| all.extend([acc(22)]));
	};
	assert_eq!(drawn(&away), Phase::Verifying);
	assert_eq!(
		drawn(&|| Exact::set(false)),
		Phase::Verifying,
		"a float model"
	);
}

#[test]
fn who_asks_for_a_check_has_every_stage_checked() {
	execute(|| {
		trusted();
		open_with(Award {
			assurance: Assurance::Full,
			..award(0, 3)
		})
		.unwrap();
		draws(0);
		commits(0, Lead, &all_honest);
		assert_eq!(phase(0), Phase::Verifying);
		assert!(trial(0).stages.iter().all(|stage| stage.replica.is_some()));
	});
}

/// The phase ends early where every stage has its checker.
#[test]
fn nobody_is_waited_for_once_every_stage_is_summoned() {
	execute(|| {
		trusted();
		for job in (0..).step_by(3) {
			open_with(Award {
				run_until: System::block_number() + RUN_UNTIL,
				..award(job, 3)
			})
			.unwrap();
			commits_alone(job);
			let of = |stage: StageIndex| {
				let base = 10 * (stage + 1);
				(base + 1..base + 3).find(|who| lot(job, stage, *who))
			};
			let Some(all) = stages(job)
				.into_iter()
				.map(|stage| Some((stage, of(stage)?)))
				.collect::<Option<Vec<_>>>()
			else {
				play(job, all_honest);
				continue;
			};
			for (stage, who) in all {
				assert_eq!(phase(job), Phase::Summoning);
				assert_ok!(summon(job, stage, who));
			}
			assert_eq!(phase(job), Phase::Verifying);
			break;
		}
	});
}
