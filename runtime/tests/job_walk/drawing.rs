//! The draw on the runtime: who serves a float model is always checked, and who is checked and does not open pays for
//! it.

use crate::{
	cast::*,
	chain::{account, Chain},
};
use dllm_primitives::{
	draw::PROBATION,
	ids::JobId,
	job::{JobState, Refund},
};
use dllm_runtime::{views, Runtime};
use pallet_miners::UnverifiedPay;

/// Runs a public job of an honest ring to its end: its workers lead and check by turns.
fn serve(chain: &mut Chain, job: JobId) {
	let turn = (job % 2) as usize;
	let leads = STAGES.map(|workers| workers[turn]);
	let checkers = STAGES.map(|workers| workers[1 - turn]);
	let of = |workers: [&'static str; 3], stage: u8| workers[usize::from(stage)];
	chain.block([submit_public()]);
	chain.block([
		commit_reply(leads[0], job, roots(0)),
		commit(leads[1], job, 1, roots(1)),
		commit(leads[2], job, 2, roots(2)),
	]);
	drawn(chain);
	let receipt = chain.read(|| views::receipt(job).unwrap());
	assert_eq!(receipt.checked, Some(true), "job {job}");
	chain.block([0, 1, 2].map(|stage| commit(of(checkers, stage), job, stage, roots(stage))));
	chain.block([0, 1, 2].map(|stage| reveal(of(leads, stage), job, stage, roots(stage))));
	chain.block([0, 1, 2].map(|stage| reveal(of(checkers, stage), job, stage, roots(stage))));
	let state = chain.read(|| views::job(job).unwrap().state);
	assert_eq!(state, JobState::Settled, "job {job}");
}

/// In a float profile who names another class is not convicted, so nothing is left to chance.
#[test]
fn every_job_of_a_float_model_is_checked_however_proven_its_workers_are() {
	let mut chain = with_pipeline();
	for job in 0..u64::from(PROBATION) + 10 {
		serve(&mut chain, job);
	}
	let worker = chain.read(|| views::worker(&account("Miner1")).unwrap());
	assert!(worker.passed > PROBATION, "{worker:?}");
	assert!(chain.read(|| UnverifiedPay::<Runtime>::iter().next().is_none()));
}

/// Lest a cheat be silent whenever it is checked.
#[test]
fn who_is_checked_and_does_not_open_forfeits_forty_times_its_pay() {
	let mut chain = with_pipeline();
	chain.block([submit_public()]);
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner1", JOB, 1, roots(1)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	checked(&mut chain, JOB);
	chain.block([
		reveal("Entry1", JOB, 0, roots(0)),
		reveal("Miner3", JOB, 2, roots(2)),
		reveal("Entry2", JOB, 0, roots(0)),
		reveal("Miner2", JOB, 1, roots(1)),
		reveal("Miner4", JOB, 2, roots(2)),
	]);
	let user = wealth(&mut chain, &account(USER));
	chain.skip(21);
	let job = chain.read(|| views::job(JOB).unwrap());
	assert_eq!(job.state, JobState::Refunded(Refund::Unserved));
	let silent = chain.read(|| views::worker(&account("Miner1")).unwrap());
	// 4 MFLOP a row, 200 rows at most, 1 DLLM a GFLOP.
	let forfeit = 40 * 800_000_000_000;
	assert_eq!(
		(silent.bond, silent.cheats, silent.faults),
		(BOND - forfeit, 0, 1)
	);
	assert_eq!(wealth(&mut chain, &account(USER)), user + forfeit / 5);
}
