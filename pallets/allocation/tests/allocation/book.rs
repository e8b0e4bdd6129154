//! Slots, and what failing costs a pipeline.

use crate::mock::*;
use dllm_primitives::{
	flow::{Ending, PipelineBook},
	load::{Load, Run},
	plan::Plan,
};
use frame_support::{assert_noop, assert_ok};
use pallet_allocation::{Cause, Error, Event};

/// A job of ten rows at most, all of which passed in four blocks.
const RUN: Run = Run {
	ceiling: 10,
	rows: 10,
	from: 4,
	until: 8,
};

fn live_with_slots(slots: u8) -> u32 {
	make_live(ALICE, Plan { slots, ..usual() })
}

fn serve(id: u32, ending: Ending) {
	assert_ok!(Allocation::reserve(id, 10));
	Allocation::release(id, ending, RUN);
}

#[test]
fn slots_are_taken_and_given_back() {
	execute(|| {
		let id = live_with_slots(2);
		assert_ok!(Allocation::reserve(id, 10));
		assert_ok!(Allocation::reserve(id, 10));
		assert_noop!(Allocation::reserve(id, 10), Error::<Test>::NoFreeSlot);
		assert_eq!(
			Allocation::pipeline(id).map(|pipeline| pipeline.open_jobs),
			Some(2)
		);
		Allocation::release(id, Ending::Served, RUN);
		assert_ok!(Allocation::reserve(id, 10));
	});
}

#[test]
fn jobs_show_how_fast_a_pipeline_is() {
	execute(|| {
		let id = live_with_slots(2);
		let load = || Allocation::pipeline(id).expect("stands").load;
		assert_eq!(load(), Load::default());
		assert_ok!(Allocation::reserve(id, 10));
		assert_ok!(Allocation::reserve(id, 10));
		assert_eq!((load().in_flight, load().pace(8)), (20, None));
		Allocation::release(id, Ending::Served, RUN);
		// Ten rows in four blocks.
		assert_eq!((load().in_flight, load().pace(8)), (10, Some(2_500)));
		let known = load();
		Allocation::release(id, Ending::Blameless, RUN);
		let free = Load {
			in_flight: 0,
			..known
		};
		assert_eq!(load(), free, "a user that never came says nothing");
		assert_ok!(Allocation::reserve(id, 10));
		let unserved = Run {
			rows: 0,
			from: 8,
			until: 12,
			..RUN
		};
		Allocation::release(id, Ending::Failed, unserved);
		assert!(
			load().pace(12) < Some(1_250),
			"ten rows in eight blocks, fading"
		);
	});
}

#[test]
fn a_pipeline_that_prepares_takes_no_job() {
	execute(|| {
		let id = submit(ALICE, usual());
		assert_noop!(Allocation::reserve(id, 10), Error::<Test>::NoFreeSlot);
		assert_noop!(Allocation::reserve(77, 10), Error::<Test>::UnknownPipeline);
		assert_eq!(Allocation::pipeline(77), None);
	});
}

#[test]
fn three_failures_in_a_row_close_it() {
	execute(|| {
		let id = live_with_slots(1);
		serve(id, Ending::Failed);
		serve(id, Ending::Failed);
		assert!(Allocation::standing(id).is_some());
		serve(id, Ending::Failed);
		assert!(Allocation::standing(id).is_none());
		assert_eq!(
			last_events(),
			[
				Event::PipelineDraining {
					pipeline: id,
					cause: Cause::Failing
				},
				Event::PipelineClosed {
					pipeline: id,
					model: 0
				},
			]
		);
	});
}

#[test]
fn a_served_job_resets_the_count() {
	execute(|| {
		let id = live_with_slots(1);
		for _ in 0..4 {
			serve(id, Ending::Failed);
			serve(id, Ending::Failed);
			serve(id, Ending::Served);
		}
		assert!(Allocation::standing(id).is_some());
	});
}

#[test]
fn a_failing_pipeline_finishes_its_other_jobs() {
	execute(|| {
		let id = live_with_slots(4);
		for _ in 0..4 {
			assert_ok!(Allocation::reserve(id, 10));
		}
		(0..3).for_each(|_| Allocation::release(id, Ending::Failed, RUN));
		let standing = Allocation::standing(id).expect("has an open job");
		assert_eq!(standing.pipeline.open_jobs, 1);
		assert!(Allocation::live(0).is_empty());
		Allocation::release(id, Ending::Served, RUN);
		assert!(Allocation::standing(id).is_none());
	});
}

#[test]
fn a_user_that_never_came_does_not_count_against_a_pipeline() {
	execute(|| {
		let id = live_with_slots(1);
		serve(id, Ending::Failed);
		serve(id, Ending::Failed);
		(0..5).for_each(|_| serve(id, Ending::Blameless));
		assert_ok!(Allocation::reserve(id, 10));
		Allocation::release(id, Ending::Failed, RUN);
		assert_noop!(Allocation::reserve(id, 10), Error::<Test>::UnknownPipeline);
	});
}
