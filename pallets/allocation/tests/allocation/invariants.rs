//! Every invariant notices the state that breaks it.

use crate::mock::*;
use frame_support::{
	assert_ok,
	storage::with_transaction,
	traits::{fungible::MutateHold, tokens::Precision},
};
use pallet_allocation::{ByModel, HoldReason, Hosted, NextPipeline, Pipelines, Standing};
use sp_runtime::{DispatchError, TransactionOutcome};

/// Breaks the state of a chain with a live and a preparing pipeline, and mends it.
fn broken_by(harm: impl FnOnce()) {
	execute(|| {
		make_live(ALICE, usual());
		submit(BOB, plan(&[], &[&[21, 22]]));
		assert_ok!(Allocation::do_try_state());
		let noticed = with_transaction(|| {
			harm();
			let verdict = Allocation::do_try_state();
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(verdict))
		});
		assert!(
			noticed.expect("is rolled back").is_err(),
			"the harm went unnoticed"
		);
	});
}

fn edit(id: u32, edit: impl FnOnce(&mut Standing<AccountId, u32>)) {
	Pipelines::<Test>::mutate(id, |standing| edit(standing.as_mut().expect("stands")));
}

#[test]
fn more_jobs_than_slots() {
	broken_by(|| edit(0, |standing| standing.pipeline.open_jobs = 2));
}

#[test]
fn a_live_pipeline_that_is_not_ready() {
	broken_by(|| edit(0, |standing| standing.ready = Default::default()));
}

#[test]
fn a_stranger_that_is_ready() {
	broken_by(|| {
		edit(1, |standing| {
			standing.ready.try_insert(40).expect("has room");
		})
	});
}

#[test]
fn a_worker_that_checks_itself() {
	broken_by(|| {
		edit(1, |standing| {
			standing.pipeline.plan.segments[0].replicas[1] = 21
		})
	});
}

#[test]
fn memory_that_was_not_promised() {
	broken_by(|| Hosted::<Test>::mutate(13, |hosting| hosting.memory -= 1));
}

#[test]
fn memory_promised_to_nobody() {
	broken_by(|| Hosted::<Test>::mutate(40, |hosting| hosting.memory = 1));
}

#[test]
fn a_pipeline_that_the_index_forgot() {
	broken_by(|| {
		ByModel::<Test>::mutate(0, |ids| ids.pop());
	});
}

#[test]
fn an_index_of_another_model() {
	broken_by(|| {
		let ids = ByModel::<Test>::take(0);
		ByModel::<Test>::insert(1, ids);
	});
}

#[test]
fn rows_in_flight_without_a_job() {
	broken_by(|| edit(0, |standing| standing.pipeline.load.take(1)));
}

#[test]
fn a_number_given_twice() {
	broken_by(|| NextPipeline::<Test>::put(1));
}

#[test]
fn a_deposit_that_is_missing() {
	broken_by(|| {
		let reason = HoldReason::Plan.into();
		assert_ok!(Balances::release(&reason, &BOB, 1, Precision::Exact));
	});
}
