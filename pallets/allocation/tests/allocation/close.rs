//! The end of a pipeline.

use crate::mock::*;
use dllm_primitives::{
	flow::{Ending, PipelineBook},
	load::Run,
	miner::WorkerState,
	model::ModelState,
	plan::PipelineState,
};
use frame_support::{assert_noop, assert_ok, traits::Hooks, weights::Weight};
use pallet_allocation::{ByModel, Cause, Error, Event, WeightInfo};

fn close(who: AccountId, pipeline: u32) -> sp_runtime::DispatchResult {
	Allocation::close(RuntimeOrigin::signed(who), pipeline)
}

/// The pipeline is gone with all its traces, for `cause`.
fn assert_closed(id: u32, cause: Cause) {
	assert!(Allocation::standing(id).is_none());
	assert_eq!((deposit(ALICE), free(ALICE)), (0, PURSE));
	assert_eq!((promised(11), promised(13)), (0, 0));
	assert!(ByModel::<Test>::get(0).is_empty());
	assert_eq!(
		last_events(),
		[
			Event::PipelineDraining {
				pipeline: id,
				cause
			},
			Event::PipelineClosed {
				pipeline: id,
				model: 0
			},
		]
	);
}

#[test]
fn its_submitter_closes_it() {
	execute(|| {
		let id = submit(ALICE, usual());
		assert_ok!(close(ALICE, id));
		assert_closed(id, Cause::Withdrawn);
		assert_noop!(close(ALICE, id), Error::<Test>::UnknownPipeline);
	});
}

#[test]
fn a_live_pipeline_without_jobs_closes_at_once() {
	execute(|| {
		let id = make_live(ALICE, usual());
		assert_ok!(close(ALICE, id));
		assert_closed(id, Cause::Withdrawn);
	});
}

#[test]
fn open_jobs_finish_first() {
	execute(|| {
		let id = make_live(ALICE, usual());
		assert_ok!(Allocation::reserve(id, 10));
		assert_ok!(close(ALICE, id));
		let standing = Allocation::standing(id).expect("has an open job");
		assert_eq!(standing.pipeline.state, PipelineState::Draining);
		assert_eq!(deposit(ALICE), DEPOSIT);
		assert!(Allocation::live(0).is_empty());
		assert_noop!(Allocation::reserve(id, 10), Error::<Test>::NoFreeSlot);
		assert_noop!(close(ALICE, id), Error::<Test>::AlreadyDraining);
		let left = Allocation::leave(RuntimeOrigin::signed(11), id);
		assert_eq!(
			left.map_err(|e| e.error),
			Err(Error::<Test>::AlreadyDraining.into())
		);

		Allocation::release(
			id,
			Ending::Served,
			Run {
				ceiling: 10,
				..Run::default()
			},
		);
		assert!(Allocation::standing(id).is_none());
		assert_eq!((deposit(ALICE), promised(13)), (0, 0));
		assert_eq!(
			last_events(),
			[Event::PipelineClosed {
				pipeline: id,
				model: 0
			}]
		);
	});
}

#[test]
fn a_worker_leaves() {
	execute(|| {
		let id = make_live(ALICE, usual());
		let stranger = Allocation::leave(RuntimeOrigin::signed(20), id);
		assert_eq!(
			stranger.map_err(|e| e.error),
			Err(Error::<Test>::NotMember.into())
		);
		assert_ok!(Allocation::leave(RuntimeOrigin::signed(16), id));
		assert_closed(id, Cause::MemberLeft);
	});
}

#[test]
fn nobody_else_closes_a_pipeline_in_order() {
	execute(|| {
		let preparing = submit(ALICE, plan(&[], &[&[21, 22]]));
		let live = make_live(ALICE, usual());
		System::set_block_number(101);
		assert_noop!(close(BOB, preparing), Error::<Test>::InOrder);
		assert_noop!(close(BOB, live), Error::<Test>::InOrder);
	});
}

#[test]
fn anyone_closes_a_pipeline_that_is_never_ready() {
	execute(|| {
		let id = submit(ALICE, usual());
		(11..=15).for_each(|who| ready(who, id));
		System::set_block_number(102);
		assert_ok!(close(BOB, id));
		assert_closed(id, Cause::NeverReady);
	});
}

#[test]
fn anyone_closes_a_pipeline_whose_worker_is_gone() {
	for state in [WorkerState::Unbonding(50), WorkerState::Banned] {
		execute(|| {
			let id = make_live(ALICE, usual());
			change(14, |worker| worker.state = state);
			assert_ok!(close(BOB, id));
			assert_closed(id, Cause::MemberInactive);
		});
	}
}

#[test]
fn anyone_closes_a_pipeline_of_a_retired_model() {
	execute(|| {
		let id = make_live(ALICE, usual());
		States::set(vec![ModelState::Retired; 2]);
		assert_ok!(close(BOB, id));
		assert_closed(id, Cause::ModelNotActive);
	});
}

#[test]
fn the_sweep_ends_what_nobody_ends() {
	execute(|| {
		let id = make_live(ALICE, usual());
		run_idle_blocks(3);
		assert!(Allocation::standing(id).is_some());
		change(14, |worker| worker.state = WorkerState::Banned);
		run_idle_blocks(1);
		assert_closed(id, Cause::MemberInactive);
	});
}

#[test]
fn the_sweep_reaches_every_pipeline() {
	execute(|| {
		for (model, first) in [(0, 21), (0, 23), (1, 25), (1, 27)] {
			let mut plan = plan(&[], &[&[first, first + 1]]);
			plan.model = model;
			submit(ALICE, plan);
		}
		System::set_block_number(102);
		run_idle_blocks(4);
		assert!((0..4).all(|id| Allocation::standing(id).is_none()));
	});
}

#[test]
fn the_sweep_needs_weight() {
	execute(|| {
		let id = make_live(ALICE, usual());
		change(14, |worker| worker.state = WorkerState::Banned);
		let enough = <() as WeightInfo>::sweep();
		let short = enough - Weight::from_parts(1, 0);
		assert_eq!(Allocation::on_idle(1, short), Weight::zero());
		assert!(Allocation::standing(id).is_some());
		assert_eq!(Allocation::on_idle(1, enough), enough);
		assert_closed(id, Cause::MemberInactive);
	});
}
