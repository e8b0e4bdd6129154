//! The chain clears a round, closes it, and burns the deposits of bids that were not revealed.

use crate::mock::*;
use dllm_primitives::{
	capacity::Won,
	flow::{CapacityRounds, Footing, Tender},
};
use frame_support::{traits::Hooks, weights::Weight};
use pallet_auctions::{Event, Overdue, Rounds, Sealed, WeightInfo, Winners};

fn run<R>(test: impl FnOnce() -> R) -> R {
	execute(vec![], vec![], test)
}

fn won(who: AccountId, price: u128) -> Won<AccountId> {
	Won {
		who,
		operator: who + 1_000,
		slots: 1,
		price,
		device: DEVICE,
	}
}

/// The model has one layer, so that two replicas are two slots.
#[test]
fn the_cheapest_win_at_what_the_next_one_asks() {
	run(|| {
		cleared(&[
			(11, offer(30, 1)),
			(12, offer(10, 1)),
			(13, offer(70, 1)),
			(14, offer(99, 1)),
		]);
		let winners = vec![won(12, 70), won(11, 70)];
		let Footing::Competing(tender) = Auctions::footing(0) else {
			panic!("plans do not compete");
		};
		assert_eq!((tender.round, tender.terms), (0, TERMS));
		assert_eq!(tender.winners, winners);
		let cleared = Event::RoundCleared {
			round: 0,
			model: 0,
			winners: 2,
			slots: 2,
		};
		assert_eq!(events().last(), Some(&cleared));
	});
}

#[test]
fn without_a_loser_the_reserve_is_paid_by_rank() {
	run(|| {
		RanksOf::set(vec![(12, 500_000)]);
		cleared(&[(11, offer(30, 1)), (12, offer(10, 1))]);
		// At half the rank 50 counts as 100.
		assert_eq!(
			Winners::<Test>::get(0).into_inner(),
			[won(12, 50), won(11, 100)]
		);
	});
}

#[test]
fn one_operator_cannot_win_both_replicas() {
	run(|| {
		Operators::set(vec![(11, 5), (12, 5)]);
		cleared(&[(11, offer(10, 1)), (12, offer(20, 1)), (13, offer(90, 1))]);
		let winners = Winners::<Test>::get(0);
		let names: Vec<_> = winners.iter().map(|won| (won.who, won.price)).collect();
		// Of the operator's two the cheaper wins, at what the other asks.
		assert_eq!(names, [(11, 20), (13, 100)]);
	});
}

#[test]
fn a_round_that_cannot_buy_everything_is_over() {
	run(|| {
		cleared(&[(11, offer(30, 1)), (12, offer(101, 1))]);
		let failed = Event::RoundFailed {
			round: 0,
			model: 0,
			bought: 1,
			wanted: 2,
		};
		assert_eq!(events().last(), Some(&failed));
		assert_eq!(Auctions::footing(0), Footing::Posted);
		run_to(20);
		assert!(Closed::get().is_empty());
	});
}

#[test]
fn a_closed_round_hands_its_tender_to_the_plans() {
	run(|| {
		Outcome::set(Some(7));
		cleared(&[(11, offer(30, 1)), (12, offer(10, 1))]);
		run_to(13);
		assert!(Closed::get().is_empty());
		run_to(14);
		let tender = Tender {
			round: 0,
			terms: TERMS,
			winners: vec![won(12, 100), won(11, 100)],
		};
		assert_eq!(Closed::get(), [(0, tender)]);
		let closed = Event::RoundClosed {
			round: 0,
			model: 0,
			pipeline: Some(7),
		};
		assert_eq!(events().last(), Some(&closed));
		assert_eq!(Auctions::footing(0), Footing::Posted);
		open_round(0);
		assert_eq!(Auctions::round_id(0), Some(1));
	});
}

#[test]
fn deposits_of_bids_not_revealed_burn_after_the_clearing() {
	run(|| {
		open_round(0);
		commit(11, 0, offer(30, 1));
		commit(12, 0, offer(30, 1));
		run_to(9);
		idle();
		assert_eq!((held(11), held(12)), (DEPOSIT, DEPOSIT));
		run_to(10);
		assert_eq!(Overdue::<Test>::get().into_inner(), [0]);
		idle();
		assert_eq!((held(11), free(11)), (0, PURSE - DEPOSIT));
		assert_eq!((held(12), free(12)), (0, PURSE - DEPOSIT));
		assert_eq!(burned(), 2 * DEPOSIT);
		assert!(Overdue::<Test>::get().is_empty());
	});
}

#[test]
fn a_block_without_weight_burns_nothing_and_the_next_one_goes_on() {
	run(|| {
		open_round(0);
		(11..14).for_each(|who| commit(who, 0, offer(30, 1)));
		run_to(10);
		assert!(
			idle_with(<() as WeightInfo>::forfeit() - Weight::from_parts(1, 0)) == Weight::zero()
		);
		assert_eq!(Sealed::<Test>::iter_keys().count(), 3);
		idle_with(<() as WeightInfo>::forfeit());
		assert_eq!(Sealed::<Test>::iter_keys().count(), 2);
		idle();
		assert_eq!(
			(Sealed::<Test>::iter_keys().count(), burned()),
			(0, 3 * DEPOSIT)
		);
	});
}

#[test]
fn hooks_weigh_what_is_due() {
	run(|| {
		let weight = |block| {
			System::set_block_number(block);
			Auctions::on_initialize(block)
		};
		open_round(0);
		assert_eq!(weight(2), <() as WeightInfo>::no_deadline());
		commit(11, 0, offer(30, 1));
		commit(12, 0, offer(10, 1));
		System::set_block_number(8);
		for who in [11, 12] {
			reveal(who, 0, offer(if who == 11 { 30 } else { 10 }, 1)).expect("is sealed");
		}
		assert_eq!(weight(10), <() as WeightInfo>::clear_round(2));
		assert!(Rounds::<Test>::get(0).is_some_and(|round| round.cleared));
		assert_eq!(weight(14), <() as WeightInfo>::close_round(2));
	});
}
