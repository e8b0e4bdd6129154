//! Cancelling before the award.

use crate::mock::*;
use dllm_primitives::job::{JobState, Refund};
use frame_support::{assert_noop, assert_ok};
use pallet_jobs::{Agenda, Error, Event, Waiting};

#[test]
fn gives_everything_back() {
	execute(|| {
		let (first, second) = (submit(ALICE, 700, 20), submit(ALICE, 50, 20));
		assert_ok!(Jobs::cancel(RuntimeOrigin::signed(ALICE), first));
		let job = Jobs::job(first).expect("is kept for the receipt");
		assert_eq!(job.state, JobState::Refunded(Refund::Cancelled));
		assert_eq!((job.ended, job.held(), job.refunded()), (Some(1), 0, 700));
		assert_eq!((escrow(ALICE), free(ALICE)), (50, PURSE - 50));
		assert_eq!(Waiting::<Test>::get().to_vec(), [second]);
		assert_eq!(Agenda::<Test>::get(21).expect("is used").to_vec(), [second]);
		let refunded = Event::Refunded {
			job: first,
			client: ALICE,
			reason: Refund::Cancelled,
			amount: 700,
		};
		assert_eq!(last_event(), refunded);
	});
}

#[test]
fn only_the_client_cancels_and_only_once() {
	execute(|| {
		let job = submit(ALICE, 700, 20);
		assert_noop!(
			Jobs::cancel(RuntimeOrigin::signed(BOB), job),
			Error::<Test>::NotClient
		);
		assert_noop!(
			Jobs::cancel(RuntimeOrigin::signed(ALICE), 9),
			Error::<Test>::UnknownJob
		);
		assert_ok!(Jobs::cancel(RuntimeOrigin::signed(ALICE), job));
		assert_noop!(
			Jobs::cancel(RuntimeOrigin::signed(ALICE), job),
			Error::<Test>::NotWaiting
		);
	});
}

#[test]
fn an_awarded_job_runs_to_its_end() {
	execute(|| {
		let job = submit_and_award(ALICE, 700);
		assert_noop!(
			Jobs::cancel(RuntimeOrigin::signed(ALICE), job),
			Error::<Test>::NotWaiting
		);
	});
}
