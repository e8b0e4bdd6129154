//! Plans of a capacity round: who may compete, what a false score costs, and which plan stands at the end.

use crate::mock::*;
use dllm_primitives::{
	cost::{self, link::LinkFigures, DeviceFigures, Limits, Measurements, Weights},
	flow::{Footing, RoundPlans, Tender},
	ids::PipelineId,
	model::Shard,
	plan::{PipelineState, Plan},
};
use frame_support::{assert_noop, assert_ok};
use pallet_allocation::{Cause, Error, Event};
use sp_runtime::DispatchResult;

/// The figures of a tender, as a planner reads them; nobody holds anything.
struct Planner(Tender<AccountId>);

impl Measurements<AccountId> for Planner {
	fn device(&self, who: &AccountId) -> Option<DeviceFigures> {
		self.0
			.winners
			.iter()
			.find(|won| won.who == *who)
			.map(|won| won.device)
	}
	fn link(&self, _: Option<&AccountId>, _: Option<&AccountId>) -> LinkFigures {
		self.0.terms.link
	}
	fn price(&self, who: &AccountId) -> u128 {
		self.0
			.winners
			.iter()
			.find(|won| won.who == *who)
			.map_or(0, |won| won.price)
	}
	fn holds(&self, _: &AccountId, _: &Shard) -> bool {
		false
	}
}

fn score(plan: &Plan<AccountId>, tender: &Tender<AccountId>) -> u128 {
	let planner = Planner(tender.clone());
	let (weights, limits) = (Weights::DLLM, Limits::default());
	cost::score(
		plan,
		&spec(),
		&tender.terms.workload,
		&weights,
		&limits,
		&planner,
	)
	.expect("has a score")
	.total()
}

fn compete(who: AccountId, plan: Plan<AccountId>, score: u128) -> DispatchResult {
	Allocation::compete(RuntimeOrigin::signed(who), plan, score)
}

/// Opens the plan window of a round.
fn open(tender: &Tender<AccountId>) {
	Round::set(Footing::Competing(tender.clone()));
}

/// Closes it.
fn close(tender: Tender<AccountId>) -> Option<PipelineId> {
	Round::set(Footing::Posted);
	Allocation::close_window(0, tender)
}

/// On workers 17 to 20, of which 17 and 18 are ten times slower than those of the usual plan.
fn slower() -> (Plan<AccountId>, Tender<AccountId>) {
	let mut tender = tender();
	for won in tender.winners.iter_mut().filter(|won| won.who > 16) {
		won.device.memory_bytes_per_second /= 10;
	}
	(plan(&[11, 12], &[&[17, 18], &[19, 20]]), tender)
}

#[test]
fn a_round_closes_the_direct_path_of_its_model_only() {
	execute(|| {
		for footing in [Footing::Bidding, Footing::Competing(tender())] {
			Round::set(footing);
			let direct = Allocation::submit_plan(RuntimeOrigin::signed(ALICE), usual());
			assert_noop!(direct, Error::<Test>::RoundInProgress);
			submit(
				ALICE,
				Plan {
					model: 1,
					..usual()
				},
			);
		}
		Round::set(Footing::Posted);
		assert_noop!(compete(ALICE, usual(), 1), Error::<Test>::NoPlanWindow);
		Round::set(Footing::Bidding);
		assert_noop!(compete(ALICE, usual(), 1), Error::<Test>::NoPlanWindow);
		Round::set(Footing::Posted);
	});
}

#[test]
fn the_best_plan_of_the_window_stands_at_critical_prices() {
	execute(|| {
		let (slow, mut tender) = slower();
		tender.winners.iter_mut().for_each(|won| won.price = 7);
		open(&tender);
		assert_ok!(compete(ALICE, slow.clone(), score(&slow, &tender)));
		assert_eq!(deposit(ALICE), DEPOSIT);
		assert_ok!(compete(BOB, usual(), score(&usual(), &tender)));
		assert_eq!((deposit(ALICE), deposit(BOB)), (0, DEPOSIT));
		let again = compete(ALICE, slow.clone(), score(&slow, &tender));
		assert_noop!(again, Error::<Test>::NotBetter);
		let same = compete(ALICE, usual(), score(&usual(), &tender));
		assert_noop!(same, Error::<Test>::NotBetter);

		let id = close(tender).expect("a plan stands");
		let standing = Allocation::standing(id).expect("stands");
		assert_eq!((standing.submitter, standing.deposit), (BOB, DEPOSIT));
		assert_eq!(standing.pipeline.plan, usual());
		// Entries at their posted price, segments at what their workers won.
		assert_eq!(standing.pipeline.stage_prices.to_vec(), [3, 7, 7]);
		assert_eq!(standing.pipeline.cost, (3 + 4 * 7) * 1_000_000_000);
		assert_eq!(Allocation::contender(0), None);
	});
}

#[test]
fn a_score_false_by_more_than_a_millionth_costs_the_deposit() {
	execute(|| {
		let tender = tender();
		open(&tender);
		let truth = score(&usual(), &tender);
		let millionth = truth / 1_000_000;
		assert!(millionth > 1);
		for claimed in [truth - millionth - 1, truth + millionth + 1, 0] {
			let before = free(ALICE);
			assert_ok!(compete(ALICE, usual(), claimed));
			assert_eq!((free(ALICE), deposit(ALICE)), (before - DEPOSIT, 0));
			let found = Event::FalseScore {
				model: 0,
				submitter: ALICE,
				claimed,
				found: truth,
				burned: DEPOSIT,
			};
			assert_eq!(last_events(), [found]);
		}
		assert_eq!(Allocation::contender(0), None);
		assert_ok!(compete(ALICE, usual(), truth + millionth));
		let leads = Event::PlanLeads {
			model: 0,
			submitter: ALICE,
			score: truth,
		};
		assert_eq!(last_events(), [leads]);
		close(tender).expect("stands");
	});
}

#[test]
fn refuses_plans_that_the_round_did_not_buy() {
	execute(|| {
		let mut tender = tender();
		tender.winners[0].slots = 1;
		tender.winners.retain(|won| won.who != 16);
		open(&tender);
		let refused = |plan, error: Error<Test>| {
			assert_noop!(compete(ALICE, plan, 1), error);
		};
		refused(usual(), Error::<Test>::MoreThanWon);
		refused(
			plan(&[11, 12], &[&[14, 15], &[16, 17]]),
			Error::<Test>::NotWinner,
		);
		let free = plan(&[11, 12], &[&[14, 15], &[17, 18]]);
		refused(
			Plan {
				slots: 2,
				..free.clone()
			},
			Error::<Test>::NotAsTendered,
		);
		refused(
			plan(&[11, 12], &[&[14, 15], &[17, 18, 19]]),
			Error::<Test>::NotAsTendered,
		);
		refused(
			plan(&[11, 12], &[&[14], &[17, 18]]),
			Error::<Test>::TooFewReplicas,
		);
		change(14, |worker| worker.spec.roles.miner = false);
		refused(free.clone(), Error::<Test>::RoleNotOffered);
		change(14, |worker| worker.spec.roles.miner = true);
		assert_noop!(
			compete(POOR, free.clone(), 1),
			Error::<Test>::InsufficientFunds
		);
		tender.winners[1].device.flops_per_second = 0;
		open(&tender);
		refused(free, Error::<Test>::NoScore);
		Round::set(Footing::Posted);
	});
}

#[test]
fn a_plan_whose_memory_is_promised_cannot_compete() {
	execute(|| {
		change(13, |worker| {
			worker.spec.memory = 2 * LAYER_BYTES * 100 / 80 + 100
		});
		submit(
			ALICE,
			Plan {
				model: 1,
				..usual()
			},
		);
		let tender = tender();
		open(&tender);
		let taken = compete(BOB, usual(), score(&usual(), &tender));
		assert_noop!(taken, Error::<Test>::MemoryTaken);
		Round::set(Footing::Posted);
	});
}

#[test]
fn without_a_plan_the_chain_makes_one() {
	execute(|| {
		let id = close(tender()).expect("the chain's own stands");
		let standing = Allocation::standing(id).expect("stands");
		assert_eq!((standing.submitter, standing.deposit), (BOB, 0));
		assert_eq!(
			standing.pipeline.plan,
			plan(&[13, 14], &[&[13, 14], &[15, 16]])
		);
		assert_ok!(Allocation::close(RuntimeOrigin::signed(BOB), id));
	});
}

#[test]
fn the_chains_plan_has_no_entries_where_winners_do_not_offer_the_role() {
	execute(|| {
		change(13, |worker| worker.spec.roles.entry = false);
		let id = close(tender()).expect("the chain's own stands");
		let standing = Allocation::standing(id).expect("stands");
		assert_eq!(standing.pipeline.plan, plan(&[], &[&[13, 14], &[15, 16]]));
	});
}

#[test]
fn winners_that_cannot_make_a_plan_leave_none() {
	execute(|| {
		let mut tender = tender();
		tender.winners.truncate(3);
		assert_eq!(close(tender), None);
		let mut inactive = self::tender();
		inactive.winners.truncate(4);
		change(13, |worker| {
			worker.state = dllm_primitives::miner::WorkerState::Banned
		});
		assert_eq!(close(inactive), None);
		let error = Error::<Test>::WorkerNotActive.into();
		assert_eq!(last_events(), [Event::PlanFailed { model: 0, error }]);
	});
}

#[test]
fn a_contender_that_became_infeasible_gives_way_to_the_chains_plan() {
	execute(|| {
		let tender = tender();
		open(&tender);
		let plan = plan(&[11, 12], &[&[17, 18], &[19, 20]]);
		assert_ok!(compete(ALICE, plan.clone(), score(&plan, &tender)));
		change(20, |worker| {
			worker.state = dllm_primitives::miner::WorkerState::Banned
		});
		let id = close(tender).expect("the chain's own stands");
		assert_eq!((deposit(ALICE), free(ALICE)), (0, PURSE));
		let standing = Allocation::standing(id).expect("stands");
		assert_eq!(standing.submitter, BOB);
	});
}

/// Lets a plan of a round be live.
fn incumbent() -> PipelineId {
	let id = close(tender()).expect("stands");
	let standing = Allocation::standing(id).expect("stands");
	standing.members().keys().for_each(|who| ready(*who, id));
	id
}

#[test]
fn an_equal_plan_does_not_move_what_stands() {
	execute(|| {
		let old = incumbent();
		let other = plan(&[11, 12], &[&[17, 18], &[19, 20]]);
		let tender = tender();
		open(&tender);
		let found = score(&other, &tender);
		assert_ok!(compete(ALICE, other, found));
		assert_eq!(close(tender), None);
		assert_eq!((deposit(ALICE), free(ALICE)), (0, PURSE));
		let stays = Event::IncumbentStays {
			pipeline: old,
			model: 0,
			score: found,
		};
		assert_eq!(last_events(), [stays]);
	});
}

#[test]
fn a_plan_that_gains_less_than_moving_costs_does_not_move_what_stands() {
	execute(|| {
		incumbent();
		let other = plan(&[11, 12], &[&[17, 18], &[19, 20]]);
		let mut tender = tender();
		// The new workers are a millionth faster, and would have to fetch their layers.
		for won in tender.winners.iter_mut().filter(|won| won.who > 16) {
			won.device.flops_per_second += 1_000_000;
		}
		let without_moving = |plan: &Plan<AccountId>| {
			let planner = Planner(tender.clone());
			let (weights, limits) = (Weights::DLLM, Limits::default());
			let workload = &tender.terms.workload;
			let terms = cost::score(plan, &spec(), workload, &weights, &limits, &planner);
			let terms = terms.expect("has a score");
			terms.total() - terms.migration
		};
		let chains = plan(&[13, 14], &[&[13, 14], &[15, 16]]);
		assert!(without_moving(&other) < without_moving(&chains));
		open(&tender);
		assert_ok!(compete(ALICE, other.clone(), score(&other, &tender)));
		assert_eq!(close(tender.clone()), None);
	});
}

#[test]
fn a_better_plan_takes_over_once_it_is_live() {
	execute(|| {
		let old = incumbent();
		let other = plan(&[11, 12], &[&[17, 18], &[19, 20]]);
		let mut tender = tender();
		for won in tender.winners.iter_mut().filter(|won| won.who <= 16) {
			won.device.memory_bytes_per_second /= 10;
		}
		open(&tender);
		assert_ok!(compete(ALICE, other.clone(), score(&other, &tender)));
		let new = close(tender).expect("is better");
		run_idle_blocks(4);
		let state = |id| Allocation::standing(id).map(|standing| standing.pipeline.state);
		assert_eq!(state(old), Some(PipelineState::Live));
		let close_old = Allocation::close(RuntimeOrigin::signed(ALICE), old);
		assert_noop!(close_old, Error::<Test>::InOrder);

		let standing = Allocation::standing(new).expect("stands");
		standing.members().keys().for_each(|who| ready(*who, new));
		run_idle_blocks(4);
		assert_eq!((state(old), state(new)), (None, Some(PipelineState::Live)));
		let drained = Event::PipelineDraining {
			pipeline: old,
			cause: Cause::Replaced,
		};
		assert!(events().contains(&drained));
	});
}

#[test]
fn an_incumbent_whose_workers_did_not_win_again_gives_way() {
	execute(|| {
		incumbent();
		let mut tender = tender();
		tender.winners.retain(|won| won.who > 16);
		let new = close(tender).expect("the chain's own stands");
		let standing = Allocation::standing(new).expect("stands");
		assert_eq!(
			standing.pipeline.plan,
			plan(&[17, 18], &[&[17, 18], &[19, 20]])
		);
	});
}
