//! Which plans stand.

use crate::mock::*;
use dllm_primitives::{
	ids::PipelineId,
	miner::WorkerState,
	model::ModelState,
	plan::{PipelineState, Plan},
};
use frame_support::{assert_noop, assert_ok};
use pallet_allocation::{ByModel, Cause, Error, Event};

fn refused(plan: Plan<AccountId>, error: Error<Test>) {
	assert_noop!(
		Allocation::submit_plan(RuntimeOrigin::signed(ALICE), plan),
		error
	);
}

/// A plan whose four workers have a price of their own.
fn priced(first: AccountId, price: u128) -> Plan<AccountId> {
	(first..first + 2).for_each(|who| change(who, |worker| worker.spec.price = price));
	plan(&[], &[&[first, first + 1]])
}

#[test]
fn a_feasible_plan_stands_at_the_highest_price_of_each_stage() {
	execute(|| {
		change(12, |worker| worker.spec.price = 7);
		change(15, |worker| worker.spec.price = 5);
		let id = submit(ALICE, usual());
		let standing = Allocation::standing(id).expect("stands");
		assert_eq!(standing.pipeline.state, PipelineState::Preparing);
		assert_eq!(standing.pipeline.stage_prices.to_vec(), [7, 3, 5]);
		// Head 1 × 7, two layers × 3, two layers × 5.
		let cost = 23_000_000_000;
		assert_eq!((standing.pipeline.cost, standing.accepted), (cost, 1));
		assert_eq!((deposit(ALICE), free(ALICE)), (DEPOSIT, PURSE - DEPOSIT));
		assert_eq!(ByModel::<Test>::get(0).to_vec(), [id]);
		let accepted = Event::PlanAccepted {
			pipeline: id,
			model: 0,
			submitter: ALICE,
			cost,
		};
		assert_eq!(last_events(), [accepted]);
	});
}

#[test]
fn a_later_price_does_not_change_a_standing_pipeline() {
	execute(|| {
		let id = submit(ALICE, usual());
		(11..=16).for_each(|who| change(who, |worker| worker.spec.price = 900));
		let standing = Allocation::standing(id).expect("stands");
		assert_eq!(standing.pipeline.stage_prices.to_vec(), [3, 3, 3]);
	});
}

#[test]
fn the_model_is_active() {
	execute(|| {
		let for_model = |model| Plan { model, ..usual() };
		refused(for_model(9), Error::UnknownModel);
		States::set(vec![ModelState::Proposed, ModelState::Retired]);
		refused(for_model(0), Error::ModelNotActive);
		refused(for_model(1), Error::ModelNotActive);
	});
}

#[test]
fn the_segments_cover_the_layers() {
	execute(|| {
		let with = |at: usize, start, end| {
			let mut plan = usual();
			plan.segments[at].layers.start = start;
			plan.segments[at].layers.end = end;
			plan
		};
		refused(with(0, 0, 1), Error::Coverage);
		refused(with(1, 1, 4), Error::Coverage);
		refused(with(1, 2, 3), Error::Coverage);
		refused(with(1, 2, 5), Error::Coverage);
		refused(with(0, 1, 2), Error::Coverage);
		refused(
			Plan {
				segments: Default::default(),
				..usual()
			},
			Error::Coverage,
		);
	});
}

#[test]
fn every_stage_has_two_workers_of_two_operators() {
	execute(|| {
		refused(plan(&[11], &[&[13, 14]]), Error::TooFewReplicas);
		refused(plan(&[11, 12], &[&[13, 14], &[15]]), Error::TooFewReplicas);
		refused(plan(&[11, 11], &[&[13, 14]]), Error::WorkerTwice);
		refused(plan(&[], &[&[13, 14], &[14, 15]]), Error::WorkerTwice);
		change(14, |worker| worker.operator = 1_013);
		refused(plan(&[], &[&[13, 14]]), Error::OperatorTwice);
		assert_ok!(Allocation::submit_plan(
			RuntimeOrigin::signed(ALICE),
			plan(&[], &[&[13, 15], &[14, 16]]),
		));
	});
}

#[test]
fn an_entry_may_hold_a_segment_too() {
	execute(|| {
		let id = submit(ALICE, plan(&[13, 14], &[&[13, 14]]));
		let standing = Allocation::standing(id).expect("stands");
		assert_eq!(standing.members().len(), 2);
		assert_eq!(promised(13), ENTRY_BYTES + 4 * LAYER_BYTES);
	});
}

#[test]
fn the_workers_are_known_active_and_offer_their_role() {
	execute(|| {
		refused(plan(&[], &[&[13, 99]]), Error::UnknownWorker);
		for state in [
			WorkerState::Pending,
			WorkerState::Unbonding(9),
			WorkerState::Banned,
		] {
			change(13, |worker| worker.state = state);
			refused(usual(), Error::WorkerNotActive);
		}
		change(13, |worker| worker.state = WorkerState::Active);
		change(13, |worker| worker.spec.roles.miner = false);
		refused(usual(), Error::RoleNotOffered);
		change(13, |worker| worker.spec.roles.miner = true);
		change(11, |worker| worker.spec.roles.entry = false);
		refused(usual(), Error::RoleNotOffered);
	});
}

#[test]
fn slots_are_one_to_eight() {
	execute(|| {
		refused(
			Plan {
				slots: 0,
				..usual()
			},
			Error::Slots,
		);
		refused(
			Plan {
				slots: 9,
				..usual()
			},
			Error::Slots,
		);
		submit(
			ALICE,
			Plan {
				slots: 8,
				..usual()
			},
		);
	});
}

#[test]
fn a_worker_holds_its_share_to_the_byte() {
	execute(|| {
		// Two layers take 5 200 bytes, which is 80 % of 6 500.
		change(13, |worker| worker.spec.memory = 6_499);
		refused(usual(), Error::Memory);
		change(13, |worker| worker.spec.memory = 6_500);
		submit(ALICE, usual());
		assert_eq!(promised(13), 2 * LAYER_BYTES);
	});
}

#[test]
fn memory_is_promised_once() {
	execute(|| {
		change(13, |worker| worker.spec.memory = 12_900);
		let id = submit(ALICE, usual());
		refused(usual(), Error::MemoryTaken);
		change(13, |worker| worker.spec.memory = 13_000);
		submit(BOB, usual());
		assert_eq!(promised(13), 4 * LAYER_BYTES);
		assert_ok!(Allocation::close(RuntimeOrigin::signed(ALICE), id));
		assert_eq!(promised(13), 2 * LAYER_BYTES);
	});
}

#[test]
fn the_submitter_can_pay_the_deposit() {
	execute(|| {
		let submitted = Allocation::submit_plan(RuntimeOrigin::signed(POOR), usual());
		assert_eq!(submitted, Err(Error::<Test>::InsufficientFunds.into()));
		assert_eq!((promised(13), free(POOR)), (0, DEPOSIT));
	});
}

#[test]
fn a_cheaper_plan_takes_the_place_of_the_dearest_that_prepares() {
	execute(|| {
		let dear = submit(ALICE, priced(21, 9));
		let dearest = submit(ALICE, priced(23, 10));
		refused(priced(25, 10), Error::TooManyPipelines);
		let cheap = submit(BOB, priced(25, 8));
		assert_eq!(ByModel::<Test>::get(0).to_vec(), [dear, cheap]);
		assert_eq!(
			(deposit(ALICE), deposit(BOB), promised(23)),
			(DEPOSIT, DEPOSIT, 0)
		);
		let [draining, closed, _] = last_events();
		let cause = Cause::Replaced;
		assert_eq!(
			draining,
			Event::PipelineDraining {
				pipeline: dearest,
				cause
			}
		);
		assert_eq!(
			closed,
			Event::PipelineClosed {
				pipeline: dearest,
				model: 0
			}
		);
	});
}

#[test]
fn a_plan_may_use_the_memory_of_the_one_that_it_replaces() {
	execute(|| {
		(23..=24).for_each(|who| change(who, |worker| worker.spec.memory = 13_000));
		submit(ALICE, priced(21, 3));
		submit(ALICE, priced(23, 10));
		let cheaper = priced(23, 9);
		submit(BOB, cheaper);
		assert_eq!(promised(23), 4 * LAYER_BYTES);
	});
}

#[test]
fn a_live_pipeline_is_never_replaced() {
	execute(|| {
		make_live(ALICE, priced(21, 90));
		make_live(ALICE, priced(23, 80));
		refused(priced(25, 1), Error::TooManyPipelines);
	});
}

#[test]
fn a_refused_plan_replaces_nothing() {
	execute(|| {
		submit(ALICE, priced(21, 9));
		submit(ALICE, priced(23, 10));
		let cheap = priced(25, 1);
		let submitted = Allocation::submit_plan(RuntimeOrigin::signed(POOR), cheap);
		assert_eq!(submitted, Err(Error::<Test>::InsufficientFunds.into()));
		assert_eq!(ByModel::<Test>::get(0).len(), 2);
	});
}

#[test]
fn models_have_their_own_places() {
	execute(|| {
		let for_model = |model: u32, first| Plan {
			model,
			..priced(first, 3)
		};
		let ids: Vec<PipelineId> = vec![
			submit(ALICE, for_model(0, 21)),
			submit(ALICE, for_model(0, 23)),
			submit(ALICE, for_model(1, 25)),
		];
		assert_eq!(ids, [0, 1, 2]);
		assert_eq!(ByModel::<Test>::get(1).to_vec(), [2]);
	});
}
