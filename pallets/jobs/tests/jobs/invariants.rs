//! Every invariant notices the state that breaks it.

use crate::mock::*;
use dllm_primitives::job::{JobState, Refund};
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
