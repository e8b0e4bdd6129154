//! Nobody delivers: the user has everything back without anyone's help, and silence costs no bond.

use crate::{cast::*, chain::account, chain::Chain};
use dllm_primitives::{
	ids::JobId,
	job::{Body, JobState, Refund},
	stall::Tally,
	verdict::{Phase, Verdict},
};
use dllm_runtime::{views, Runtime, RuntimeCall};

fn state(chain: &mut Chain, job: JobId) -> JobState {
	chain.read(|| views::job(job).unwrap().state)
}

#[test]
fn a_silent_lead_costs_the_job_but_not_the_bond() {
	let mut chain = with_pipeline();
	let user = {
		chain.block([submit_public()]);
		wealth(&mut chain, &account(USER))
	};
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	let deadline = chain.read(|| views::job(JOB).unwrap().deadline);
	let running = JobState::Running { pipeline: PIPELINE };
	let phase = |chain: &mut Chain| chain.read(|| views::job(JOB).unwrap().phase);
	chain.skip_to(deadline);
	assert_eq!(phase(&mut chain), Some(Phase::Running));
	chain.skip(1);
	assert_eq!(phase(&mut chain), Some(Phase::Tallying));
	// It has six blocks more.
	chain.skip(6);
	assert_eq!(state(&mut chain, JOB), running);
	chain.skip(1);
	assert_eq!(state(&mut chain, JOB), JobState::Refunded(Refund::Unserved));
	assert_eq!(wealth(&mut chain, &account(USER)), user);
	let receipt = chain.read(|| views::receipt(JOB).unwrap());
	assert_eq!(
		receipt.stages[1].participants[0].verdict,
		Some(Verdict::WorkerFault)
	);
	assert_eq!(
		(receipt.refunded, receipt.burned, receipt.treasury),
		(MAX_PRICE, 0, 0)
	);
	let silent = chain.read(|| views::worker(&account("Miner1")).unwrap());
	assert_eq!(
		(silent.faults, silent.cheats, silent.bond, silent.active),
		(1, 0, BOND, true)
	);
}

/// The entry and two segments tell how many rows came and went; nobody has committed.
fn told(tallies: [(u32, u32); 3]) -> Chain {
	let mut chain = with_pipeline();
	chain.block([submit_public()]);
	overdue(&mut chain, JOB);
	let [entry, first, second] = tallies;
	chain.block([
		report_tally("Entry1", JOB, 0, entry),
		report_tally("Miner1", JOB, 1, first),
		report_tally("Miner3", JOB, 2, second),
	]);
	chain
}

/// Faults of the leads, which keep their bonds and are released.
fn faults(chain: &mut Chain) -> [u32; 3] {
	["Entry1", "Miner1", "Miner3"].map(|lead| {
		let lead = chain.read(|| views::worker(&account(lead)).unwrap());
		assert_eq!((lead.cheats, lead.bond, lead.open_jobs), (0, BOND, 0));
		lead.faults
	})
}

#[test]
fn when_all_leads_have_told_the_job_is_refunded_at_once_and_who_kept_rows_is_at_fault() {
	let mut chain = told([(20, 30), (30, 20), (20, 20)]);
	assert_eq!(state(&mut chain, JOB), JobState::Refunded(Refund::Unserved));
	assert_eq!(faults(&mut chain), [0, 1, 0]);
	let receipt = chain.read(|| views::receipt(JOB).unwrap());
	let tally = Tally {
		received: Some(30),
		sent: Some(20),
		lost_next: false,
	};
	assert_eq!(receipt.stages[1].tally, Some(tally));
	assert_eq!((receipt.refunded, receipt.burned), (MAX_PRICE, 0));
}

#[test]
fn who_kept_rows_and_denies_it_shares_the_fault_with_the_next_stage() {
	let mut chain = told([(20, 30), (30, 30), (20, 20)]);
	assert_eq!(faults(&mut chain), [0, 1, 1]);
}

#[test]
fn an_entry_to_which_all_rows_came_back_is_at_fault() {
	let mut chain = told([(30, 30); 3]);
	assert_eq!(faults(&mut chain), [1, 0, 0]);
}

#[test]
fn to_tell_how_far_one_came_is_free_once() {
	let mut chain = with_pipeline();
	chain.block([submit_public()]);
	overdue(&mut chain, JOB);
	let before = wealth(&mut chain, &account("Miner1"));
	chain.block([report_tally("Miner1", JOB, 1, (30, 20))]);
	assert_eq!(wealth(&mut chain, &account("Miner1")), before);
	let (who, call) = report_tally("Miner1", JOB, 1, (30, 30));
	assert_eq!(
		chain.refuse(who, call),
		pallet_verification::Error::<Runtime>::AlreadyReported.into()
	);
	assert!(wealth(&mut chain, &account("Miner1")) < before);
}

#[test]
fn a_silent_replica_is_replaced_by_a_third_worker() {
	let mut chain = with_pipeline();
	chain.block([submit_public()]);
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner1", JOB, 1, roots(1)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	drawn(&mut chain);
	chain.block([
		commit("Entry2", JOB, 0, roots(0)),
		commit("Miner4", JOB, 2, roots(2)),
	]);
	// The replicas have 20 blocks; then the others open.
	chain.skip(20);
	chain.block([
		reveal("Entry1", JOB, 0, roots(0)),
		reveal("Miner1", JOB, 1, roots(1)),
		reveal("Miner3", JOB, 2, roots(2)),
		reveal("Entry2", JOB, 0, roots(0)),
		reveal("Miner4", JOB, 2, roots(2)),
	]);
	drawn(&mut chain);
	chain.block([attest(VERIFIER, JOB, 1, roots(1))]);
	assert_eq!(state(&mut chain, JOB), JobState::Settled);
	let silent = chain.read(|| views::worker(&account("Miner2")).unwrap());
	assert_eq!((silent.faults, silent.cheats, silent.bond), (1, 0, BOND));
}

/// All leads have committed, and the checkers but that of the first segment, which got no rows.
fn with_a_report() -> Chain {
	let mut chain = with_pipeline();
	chain.block([submit_public()]);
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner1", JOB, 1, roots(1)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	drawn(&mut chain);
	chain.block([
		commit("Entry2", JOB, 0, roots(0)),
		report_withheld("Miner2", JOB, 1),
		commit("Miner4", JOB, 2, roots(2)),
	]);
	// Another one is drawn at the deadline.
	chain.skip(20);
	chain
}

fn leads_and_others_reveal(chain: &mut Chain) {
	chain.block([
		reveal("Entry1", JOB, 0, roots(0)),
		reveal("Miner1", JOB, 1, roots(1)),
		reveal("Miner3", JOB, 2, roots(2)),
		reveal("Entry2", JOB, 0, roots(0)),
		reveal("Miner4", JOB, 2, roots(2)),
	]);
}

#[test]
fn a_lead_whose_rows_two_checkers_did_not_get_forfeits_to_nobody() {
	let mut chain = with_a_report();
	let user = wealth(&mut chain, &account(USER));
	chain.block([report_withheld(VERIFIER, JOB, 1)]);
	leads_and_others_reveal(&mut chain);
	assert_eq!(state(&mut chain, JOB), JobState::Refunded(Refund::Unserved));
	assert_eq!(wealth(&mut chain, &account(USER)), user);
	let receipt = chain.read(|| views::receipt(JOB).unwrap());
	let refused = ["Miner2", VERIFIER].map(account).to_vec();
	assert_eq!(receipt.stages[1].refused, refused);
	let lead = chain.read(|| views::worker(&account("Miner1")).unwrap());
	assert_eq!((lead.faults, lead.cheats), (1, 0));
	assert!(lead.bond < BOND);
	for innocent in ["Miner2", "Miner3", VERIFIER] {
		let innocent = chain.read(|| views::worker(&account(innocent)).unwrap());
		assert_eq!((innocent.faults, innocent.bond), (0, BOND));
		assert_eq!(innocent.open_jobs, 0, "everybody is released");
	}
}

#[test]
fn a_lead_that_one_checker_accuses_is_paid_once_another_has_its_rows() {
	let mut chain = with_a_report();
	chain.block([commit(VERIFIER, JOB, 1, roots(1))]);
	leads_and_others_reveal(&mut chain);
	chain.block([reveal(VERIFIER, JOB, 1, roots(1))]);
	assert_eq!(state(&mut chain, JOB), JobState::Settled);
	let lead = chain.read(|| views::worker(&account("Miner1")).unwrap());
	assert_eq!((lead.faults, lead.bond), (0, BOND));
}

#[test]
fn a_job_without_a_pipeline_is_refunded_at_its_deadline() {
	let mut chain = with_model();
	let body = Body::Inline(PROMPT.to_vec().try_into().unwrap());
	chain.block([submit(body, MAX_PRICE, 5)]);
	let user = wealth(&mut chain, &account(USER));
	let job = chain.read(|| views::job(JOB).unwrap());
	assert_eq!(
		(job.state, job.awarded, job.phase),
		(JobState::Waiting, None, None)
	);
	chain.skip_to(job.deadline);
	assert_eq!(
		state(&mut chain, JOB),
		JobState::Refunded(Refund::NotAwarded)
	);
	assert_eq!(wealth(&mut chain, &account(USER)), user);
}

#[test]
fn a_waiting_job_can_be_cancelled_by_its_client_only() {
	let mut chain = with_model();
	chain.block([submit_public()]);
	let user = wealth(&mut chain, &account(USER));
	let cancel: RuntimeCall = pallet_jobs::Call::cancel { job: JOB }.into();
	assert_eq!(
		chain.refuse("Alice", cancel.clone()),
		pallet_jobs::Error::<Runtime>::NotClient.into()
	);
	let events = chain.block([(USER, cancel.clone())]);
	assert_eq!(
		state(&mut chain, JOB),
		JobState::Refunded(Refund::Cancelled)
	);
	assert_eq!(
		wealth(&mut chain, &account(USER)),
		user - transaction_fee(&events)
	);
	assert_eq!(
		chain.refuse(USER, cancel),
		pallet_jobs::Error::<Runtime>::NotWaiting.into()
	);
}

#[test]
fn a_job_that_is_running_cannot_be_cancelled() {
	let mut chain = with_pipeline();
	chain.block([submit_public()]);
	let cancel = pallet_jobs::Call::cancel { job: JOB };
	assert_eq!(
		chain.refuse(USER, cancel.into()),
		pallet_jobs::Error::<Runtime>::NotWaiting.into()
	);
}

#[test]
fn a_worker_cannot_unbond_while_it_is_engaged() {
	let mut chain = with_pipeline();
	chain.block([submit_public()]);
	let unbond: RuntimeCall = pallet_miners::Call::unbond {}.into();
	assert_eq!(
		chain.refuse("Miner1", unbond.clone()),
		pallet_miners::Error::<Runtime>::Engaged.into()
	);
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner1", JOB, 1, roots(1)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	check_and_reveal(&mut chain, JOB);
	chain.block([("Miner1", unbond)]);
}

#[test]
fn a_prompt_for_an_unknown_model_is_refused() {
	let mut chain = crate::chain::Chain::new();
	let (who, call) = submit_public();
	assert_eq!(
		chain.refuse(who, call),
		pallet_jobs::Error::<Runtime>::UnknownModel.into()
	);
}

#[test]
fn what_a_worker_has_to_say_is_free_and_what_it_must_not_say_is_not() {
	let mut chain = with_pipeline();
	chain.block([submit_public()]);
	let before = wealth(&mut chain, &account("Miner1"));
	chain.block([commit("Miner1", JOB, 1, roots(1))]);
	assert_eq!(wealth(&mut chain, &account("Miner1")), before);
	let (who, call) = commit("Miner1", JOB, 1, roots(1));
	chain.refuse(who, call);
	assert!(wealth(&mut chain, &account("Miner1")) < before);
}
