//! Replies, settlement and refunds after the trial.

use crate::mock::*;
use dllm_primitives::{
	flow::{Bill, Conclusion, Ending, OnVerdict},
	ids::Digest,
	job::{JobState, Refund},
	load::Run,
};
use frame_support::assert_ok;
use pallet_jobs::Event;
use sp_runtime::DispatchError;

fn served(rows: u32) -> Conclusion<AccountId> {
	Conclusion::Served {
		rows,
		checked: true,
		result: Digest::repeat_byte(9),
		leads: vec![(0, 21), (1, 11)],
		checkers: vec![(0, 22), (1, 12)],
	}
}

fn answer(job: u64) {
	<Jobs as OnVerdict<AccountId>>::answered(job, 4, reply(b"because"));
}

fn conclude(job: u64, conclusion: Conclusion<AccountId>) {
	<Jobs as OnVerdict<AccountId>>::concluded(job, conclusion);
}

#[test]
fn the_reply_is_kept_and_shown() {
	execute(|| {
		let job = submit_and_award(ALICE, 700);
		answer(job);
		assert_eq!(Jobs::reply(job), Some(reply(b"because")));
		assert_eq!(
			last_event(),
			Event::Answered {
				job,
				tokens: 4,
				reply: reply(b"because")
			}
		);
	});
}

#[test]
fn a_reply_outside_the_run_is_ignored() {
	execute(|| {
		let job = submit(ALICE, 700, 20);
		let before = events();
		answer(job);
		answer(77);
		assert_eq!((Jobs::reply(job), events()), (None, before));
	});
}

#[test]
fn a_served_job_is_charged_for_its_rows() {
	execute(|| {
		let job = submit_and_award(ALICE, 700);
		answer(job);
		run_blocks(3);
		conclude(job, served(20));
		// 20 rows: head 20 × 1 × 3 = 60, layers 20 × 2 × 3 = 120; 180 ÷ 0.75 = 240.
		let bill = Bill {
			job,
			client: ALICE,
			fee: 240,
			surplus: 0,
			checked: true,
			miners: vec![(21, 60), (11, 120)],
			verifiers: vec![(22, 60), (12, 120)],
		};
		assert_eq!(Paid::get(), [bill]);
		assert_eq!(
			(escrow(ALICE), free(ALICE), free(TILL)),
			(0, PURSE - 240, ED + 240)
		);
		let settled = Event::Settled {
			job,
			client: ALICE,
			rows: 20,
			tokens: 4,
			fee: 240,
			refunded: 460,
			result: Digest::repeat_byte(9),
		};
		assert_eq!(last_event(), settled);
		let record = Jobs::job(job).expect("is kept for the receipt");
		assert_eq!((record.state, record.ended), (JobState::Settled, Some(4)));
		assert_eq!(
			(record.fee, record.refunded(), record.held()),
			(240, 460, 0)
		);
		// It was awarded in block 1; no lead is known to have committed before its end.
		let run = Run {
			ceiling: record.rows_ceiling,
			rows: record.rows,
			from: 1,
			until: 4,
		};
		assert_eq!(Released::get(), [(0, Ending::Served, run)]);
	});
}

#[test]
fn the_run_ends_with_the_last_commitment_and_not_with_the_verdict() {
	execute(|| {
		let job = submit_and_award(ALICE, 700);
		run_to(9);
		Ran::set(Some(3));
		conclude(job, served(20));
		let [(_, _, run)] = Released::get()[..] else {
			panic!("{:?}", Released::get());
		};
		assert_eq!((run.from, run.until, run.rows), (1, 3, 20));
	});
}

#[test]
fn a_client_that_is_its_own_entry_pays_for_segments_only() {
	execute(|| {
		use dllm_primitives::flow::JobQueue;
		Pipelines::set(vec![pipeline(0, 3)]);
		let origin = RuntimeOrigin::signed(BOB);
		assert_ok!(Jobs::submit(
			origin,
			MODEL,
			sealed(20),
			limits(10),
			700,
			20,
			STANDARD
		));
		assert_ok!(<Jobs as JobQueue<u128, u32>>::award(0, 0, 0));
		let conclusion = Conclusion::Served {
			rows: 25,
			checked: true,
			result: Digest::zero(),
			leads: vec![(1, 11)],
			checkers: vec![(1, 12)],
		};
		conclude(0, conclusion);
		// 25 rows × 2 GFLOP × 3 planck = 150, so 200.
		assert_eq!((escrow(BOB), free(BOB)), (0, PURSE - 200));
		assert_eq!(Paid::get()[0].miners, [(11, 150)]);
	});
}

#[test]
fn the_surplus_of_the_auction_is_charged_for_the_rows_that_passed() {
	execute(|| {
		use dllm_primitives::flow::JobQueue;
		Pipelines::set(vec![pipeline(0, 3)]);
		let job = submit(ALICE, 700, 20);
		// 600 for all 50 rows, and 99 above it: 1.98 a row.
		assert_ok!(<Jobs as JobQueue<u128, u32>>::award(job, 0, 99));
		conclude(job, served(20));
		let bill = Paid::get().pop().expect("is paid");
		assert_eq!((bill.fee, bill.surplus), (240, 39));
		let record = Jobs::job(job).expect("is kept for the receipt");
		assert_eq!((record.fee, record.refunded()), (279, 421));
		assert_eq!((escrow(ALICE), free(ALICE)), (0, PURSE - 279));
	});
}

#[test]
fn a_surplus_above_the_ceiling_is_cut() {
	execute(|| {
		use dllm_primitives::flow::JobQueue;
		Pipelines::set(vec![pipeline(0, 3)]);
		let job = submit(ALICE, 700, 20);
		assert_ok!(<Jobs as JobQueue<u128, u32>>::award(job, 0, 5_000));
		conclude(job, served(50));
		assert_eq!((escrow(ALICE), free(ALICE)), (0, PURSE - 700));
	});
}

#[test]
fn the_fee_never_exceeds_the_ceiling() {
	execute(|| {
		let job = submit_and_award(ALICE, 600);
		conclude(job, served(10_000));
		assert_eq!((escrow(ALICE), free(ALICE)), (0, PURSE - 600));
		assert_eq!(Paid::get()[0].fee, 600);
	});
}

#[test]
fn a_failed_job_costs_nothing() {
	for (reason, ending) in [
		(Refund::Unserved, Ending::Failed),
		(Refund::NoShow, Ending::Blameless),
		(Refund::Cheated, Ending::Failed),
		(Refund::Indeterminate, Ending::Failed),
	] {
		execute(|| {
			let job = submit_and_award(ALICE, 700);
			conclude(job, Conclusion::Failed(reason));
			assert_eq!((escrow(ALICE), free(ALICE)), (0, PURSE));
			let refunded = Event::Refunded {
				job,
				client: ALICE,
				reason,
				amount: 700,
			};
			assert_eq!(last_event(), refunded);
			let record = Jobs::job(job).expect("is kept");
			assert_eq!(record.state, JobState::Refunded(reason));
			let [(0, ended, run)] = Released::get()[..] else {
				panic!("{:?}", Released::get());
			};
			assert_eq!((ended, run.rows), (ending, 0));
			assert!(Paid::get().is_empty());
		});
	}
}

#[test]
fn a_job_concludes_once() {
	execute(|| {
		let job = submit_and_award(ALICE, 700);
		conclude(job, served(20));
		conclude(job, served(20));
		conclude(job, Conclusion::Failed(Refund::Cheated));
		assert_eq!((Paid::get().len(), Released::get().len()), (1, 1));
		assert_eq!(free(ALICE), PURSE - 240);
	});
}

#[test]
fn a_waiting_job_cannot_conclude() {
	execute(|| {
		let job = submit(ALICE, 700, 20);
		conclude(job, served(20));
		conclude(77, served(20));
		assert_eq!(Jobs::job(job).expect("is stored").state, JobState::Waiting);
		assert!(Released::get().is_empty());
	});
}

#[test]
fn nobody_is_charged_where_the_payout_fails() {
	execute(|| {
		let job = submit_and_award(ALICE, 700);
		PayoutsFail::set(true);
		conclude(job, served(20));
		assert_eq!((escrow(ALICE), free(ALICE), free(TILL)), (0, PURSE, ED));
		let failed = Event::PaymentFailed {
			job,
			error: DispatchError::Unavailable,
		};
		assert!(events().contains(&failed));
		let record = Jobs::job(job).expect("is kept");
		assert_eq!(record.state, JobState::Refunded(Refund::Indeterminate));
		assert_eq!(record.fee, 0);
	});
}
