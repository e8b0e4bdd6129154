//! Getting ready and going live.

use crate::mock::*;
use dllm_primitives::{
	flow::PipelineBook, miner::WorkerState, model::LayerRange, plan::PipelineState,
};
use frame_support::{assert_noop, dispatch::Pays};
use pallet_allocation::{Error, Event, HostedStage};

fn say_ready(
	worker: AccountId,
	pipeline: u32,
) -> frame_support::dispatch::DispatchResultWithPostInfo {
	Allocation::ready(RuntimeOrigin::signed(worker), pipeline)
}

#[test]
fn goes_live_with_the_last_worker() {
	execute(|| {
		let id = submit(ALICE, usual());
		for who in 11..=15 {
			ready(who, id);
			assert!(Allocation::live(0).is_empty());
		}
		ready(16, id);
		let live = Allocation::live(0);
		assert_eq!(
			(live.len(), live[0].id, live[0].state),
			(1, id, PipelineState::Live)
		);
		assert_eq!(
			last_events(),
			[
				Event::WorkerReady {
					pipeline: id,
					worker: 16
				},
				Event::PipelineLive {
					pipeline: id,
					model: 0
				},
			]
		);
	});
}

#[test]
fn a_worker_of_two_stages_says_it_once() {
	execute(|| {
		let id = submit(ALICE, plan(&[13, 14], &[&[13, 14]]));
		ready(13, id);
		ready(14, id);
		assert_eq!(Allocation::live(0).len(), 1);
	});
}

#[test]
fn is_free_of_charge() {
	execute(|| {
		let id = submit(ALICE, usual());
		let said = say_ready(11, id).expect("is a worker");
		assert_eq!(said.pays_fee, Pays::No);
	});
}

#[test]
fn refuses_what_does_not_fit() {
	execute(|| {
		let id = submit(ALICE, usual());
		assert_noop!(say_ready(11, 7), Error::<Test>::UnknownPipeline);
		assert_noop!(say_ready(20, id), Error::<Test>::NotMember);
		ready(11, id);
		assert_noop!(say_ready(11, id), Error::<Test>::AlreadyReady);
		change(12, |worker| worker.state = WorkerState::Unbonding(9));
		assert_noop!(say_ready(12, id), Error::<Test>::WorkerNotActive);
		change(12, |worker| worker.state = WorkerState::Active);
		(12..=16).for_each(|who| ready(who, id));
		assert_noop!(say_ready(16, id), Error::<Test>::NotPreparing);
	});
}

#[test]
fn a_worker_sees_its_duties() {
	execute(|| {
		let first = submit(ALICE, usual());
		let second = submit(ALICE, plan(&[15, 12], &[&[15, 14]]));
		ready(15, second);
		let duty = |pipeline, stage, start, end, ready| HostedStage {
			pipeline,
			model: 0,
			stage,
			layers: LayerRange { start, end },
			slots: 1,
			ready,
		};
		let expected = [
			duty(first, 2, 2, 4, false),
			duty(second, 0, 0, 0, true),
			duty(second, 1, 0, 4, true),
		];
		assert_eq!(Allocation::duties_of(&15), expected);
		assert_eq!(Allocation::duties_of(&20), []);
		let ids = Allocation::pipelines_of(0)
			.into_iter()
			.map(|standing| standing.pipeline.id);
		assert_eq!(ids.collect::<Vec<_>>(), [first, second]);
	});
}
