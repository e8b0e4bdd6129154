//! Deadlines and old records.

use crate::mock::*;
use dllm_primitives::{
	flow::{Conclusion, OnVerdict},
	job::{JobState, Refund},
};
use frame_support::{assert_noop, assert_ok};
use pallet_jobs::{Agenda, EndedRange, Error, Event, Requests, Waiting};

#[test]
fn a_job_that_nobody_takes_is_refunded_at_its_deadline() {
	execute(|| {
		let job = submit(ALICE, 700, 5);
		run_to(5);
		assert_eq!(escrow(ALICE), 700);
		run_to(6);
		assert_eq!((escrow(ALICE), free(ALICE)), (0, PURSE));
		let state = Jobs::job(job).expect("is kept").state;
		assert_eq!(state, JobState::Refunded(Refund::NotAwarded));
		let refunded = Event::Refunded {
			job,
			client: ALICE,
			reason: Refund::NotAwarded,
			amount: 700,
		};
		assert_eq!(last_event(), refunded);
		assert!(Waiting::<Test>::get().is_empty());
		assert_eq!(Agenda::<Test>::get(6), None);
	});
}

#[test]
fn every_block_refunds_only_its_own() {
	execute(|| {
		let jobs = [
			submit(ALICE, 1, 5),
			submit(BOB, 1, 6),
			submit(ALICE, 1, 5),
			submit(BOB, 1, 5),
		];
		let open = || jobs.map(|id| !Jobs::job(id).expect("is kept").state.is_final());
		assert_eq!(open(), [true; 4]);
		run_to(6);
		assert_eq!(open(), [false, true, false, true]);
		run_to(7);
		assert_eq!(open(), [false; 4]);
	});
}

#[test]
fn records_are_kept_for_receipts_and_then_dropped_everywhere() {
	execute(|| {
		let job = submit_and_award(ALICE, 700);
		<Jobs as OnVerdict<AccountId>>::answered(job, 4, reply(b"because"));
		run_to(3);
		<Jobs as OnVerdict<AccountId>>::concluded(job, Conclusion::Failed(Refund::Unserved));
		run_to(52);
		assert!(Jobs::job(job).is_some() && Jobs::reply(job).is_some());
		run_to(53);
		assert_eq!(
			(Jobs::job(job), Jobs::reply(job), Requests::<Test>::get(job)),
			(None, None, None)
		);
		assert_eq!(
			(ForgottenTrials::get(), ForgottenPayments::get()),
			(vec![job], vec![job])
		);
		assert_eq!(EndedRange::<Test>::get(), (1, 1));
	});
}

#[test]
fn a_block_drops_a_bounded_number_of_records() {
	execute(|| {
		for _ in 0..5 {
			let job = submit(ALICE, 1, 20);
			assert_ok!(Jobs::cancel(RuntimeOrigin::signed(ALICE), job));
		}
		let kept = || (0..5).filter(|id| Jobs::job(*id).is_some()).count();
		run_to(50);
		assert_eq!(kept(), 5);
		for left in [3, 1, 0] {
			run_blocks(1);
			assert_eq!(kept(), left);
		}
	});
}

#[test]
fn an_open_job_is_never_dropped() {
	execute(|| {
		let job = submit_and_award(ALICE, 700);
		run_to(400);
		assert!(Jobs::job(job).is_some());
		<Jobs as OnVerdict<AccountId>>::concluded(job, Conclusion::Failed(Refund::Unserved));
	});
}

#[test]
fn no_more_records_are_kept_than_can_be_dropped_in_time() {
	let ask = || {
		Jobs::submit(
			RuntimeOrigin::signed(ALICE),
			MODEL,
			inline(b"hi"),
			limits(10),
			1,
			20,
			STANDARD,
		)
	};
	execute(|| {
		// The mock drops 2 in a block and keeps them for 50 blocks.
		for _ in 0..100 {
			let job = submit(ALICE, 1, 20);
			assert_ok!(Jobs::cancel(RuntimeOrigin::signed(ALICE), job));
		}
		assert_noop!(ask(), Error::<Test>::QueueFull);
		let first_dropped = System::block_number() + 50;
		run_to(first_dropped - 1);
		assert_noop!(ask(), Error::<Test>::QueueFull);
		run_to(first_dropped);
		assert_ok!(ask());
	});
}
