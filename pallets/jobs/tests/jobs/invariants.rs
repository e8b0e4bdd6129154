//! Every invariant notices the state that breaks it.

use crate::mock::*;
use dllm_primitives::{
	flow::{Conclusion, JobQueue, OnVerdict},
	job::{JobState, Refund},
};
use frame_support::{assert_ok, traits::fungible::MutateHold, traits::tokens::Precision};
use pallet_jobs::{Agenda, Ended, HoldReason, NextJob, Replies, Requests, Waiting};

/// Breaks the state of a chain with one waiting, one running and one ended job, and mends it.
fn broken_by(harm: impl FnOnce()) {
	execute(|| {
		submit_and_award(ALICE, 700);
		submit(ALICE, 600, 20);
		let ended = submit(BOB, 600, 20);
		assert_ok!(Jobs::cancel(RuntimeOrigin::signed(BOB), ended));
		assert_ok!(Jobs::do_try_state());
		let noticed = frame_support::storage::with_transaction(|| {
			harm();
			let verdict = Jobs::do_try_state();
			sp_runtime::TransactionOutcome::Rollback(Ok::<_, sp_runtime::DispatchError>(verdict))
		});
		assert!(
			noticed.expect("is rolled back").is_err(),
			"the harm went unnoticed"
		);
	});
}

#[test]
fn escrow_that_is_missing() {
	broken_by(|| {
		let reason = HoldReason::Escrow.into();
		assert_ok!(Balances::release(&reason, &ALICE, 1, Precision::Exact));
	});
}

#[test]
fn escrow_that_is_left_over() {
	broken_by(|| {
		assert_ok!(Balances::hold(&HoldReason::Escrow.into(), &BOB, 1));
	});
}

#[test]
fn a_waiting_job_outside_the_queue() {
	broken_by(Waiting::<Test>::kill);
}

#[test]
fn a_queue_out_of_order() {
	broken_by(|| Waiting::<Test>::mutate(|ids| ids.try_insert(0, 9).expect("has room")));
}

#[test]
fn a_waiting_job_without_a_deadline() {
	broken_by(|| Agenda::<Test>::remove(21));
}

#[test]
fn an_agenda_with_a_job_that_does_not_wait() {
	broken_by(|| Agenda::<Test>::try_append(30, 0).expect("has room"));
}

#[test]
fn an_ended_job_that_is_not_filed() {
	broken_by(|| Ended::<Test>::remove(0));
}

#[test]
fn a_final_state_without_an_end() {
	broken_by(|| {
		pallet_jobs::Jobs::<Test>::mutate(0, |job| {
			job.as_mut().expect("is stored").state = JobState::Refunded(Refund::Cheated);
		})
	});
}

#[test]
fn a_job_without_a_request() {
	broken_by(|| Requests::<Test>::remove(1));
}

#[test]
fn a_reply_without_a_job() {
	broken_by(|| Replies::<Test>::insert(9, reply(b"who asked?")));
}

#[test]
fn a_number_given_twice() {
	broken_by(|| NextJob::<Test>::put(1));
}

#[test]
fn a_job_that_runs_nowhere() {
	execute(|| {
		submit_and_award(ALICE, 700);
		Pipelines::set(Vec::new());
		assert!(Jobs::do_try_state().is_err());
		Pipelines::set(vec![pipeline(0, 3)]);
	});
}

/// Breaks the state of a chain with a job that failed, job 0, and the one that runs it again, job 1.
fn broken_rerun(harm: impl FnOnce()) {
	execute(|| {
		Pipelines::set(vec![pipeline(0, 3), pipeline_with(1, 3, 31)]);
		let job = submit_rerun(ALICE, 700, 20);
		assert_ok!(<Jobs as JobQueue<u128, u32>>::award(job, 0, 0));
		let failed = Conclusion::Failed(Refund::Cheated);
		<Jobs as OnVerdict<AccountId>>::concluded(job, failed);
		assert_ok!(Jobs::do_try_state());
		let noticed = frame_support::storage::with_transaction(|| {
			harm();
			let verdict = Jobs::do_try_state();
			sp_runtime::TransactionOutcome::Rollback(Ok::<_, sp_runtime::DispatchError>(verdict))
		});
		assert!(
			noticed.expect("is rolled back").is_err(),
			"the harm went unnoticed"
		);
	});
}

fn change(job: u64, harm: impl FnOnce(&mut pallet_jobs::Job<AccountId, u32>)) {
	pallet_jobs::Jobs::<Test>::mutate(job, |job| harm(job.as_mut().expect("is stored")));
}

#[test]
fn a_successor_that_names_another_job() {
	broken_rerun(|| change(1, |job| job.lineage.as_mut().expect("is a rerun").of = 7));
}

#[test]
fn a_successor_without_a_lineage() {
	broken_rerun(|| change(1, |job| job.lineage = None));
}

#[test]
fn a_failed_job_that_names_no_successor() {
	broken_rerun(|| change(0, |job| job.state = JobState::Refunded(Refund::Cheated)));
}

#[test]
fn a_successor_of_another_client() {
	broken_rerun(|| {
		let reason = HoldReason::Escrow.into();
		assert_ok!(Balances::release(&reason, &ALICE, 700, Precision::Exact));
		assert_ok!(Balances::hold(&reason, &BOB, 700));
		change(1, |job| job.client = BOB);
	});
}

#[test]
fn a_successor_that_asks_something_else() {
	broken_rerun(|| {
		Requests::<Test>::mutate(1, |request| {
			request.as_mut().expect("is stored").limits.max_tokens += 1;
		})
	});
}

#[test]
fn a_pipeline_that_has_again_what_it_failed() {
	broken_rerun(|| change(1, |job| job.pipeline = Some(0)));
}
