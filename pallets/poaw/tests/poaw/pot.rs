//! The pot pays β of what was sunk, and no more than it has.

use crate::mock::*;
use dllm_primitives::flow::WorkLedger;
use frame_support::traits::{fungible::Balanced, Imbalance};

/// Offers new money to the pot and returns what it did not take.
fn offer(planck: u128) -> u128 {
	let rest = Poaw::fill_pot(<Balances as Balanced<AccountId>>::issue(planck));
	rest.peek()
}

#[test]
fn the_pot_takes_no_more_than_its_limit() {
	execute(|| {
		assert_eq!(offer(3_000), 0);
		// The existential deposit is not for spending, so there is room for it on top.
		assert_eq!(offer(3_000), 1_000 - EXISTENTIAL);
		assert_eq!(Poaw::pot_balance(), rules().pot_limit);
		assert_eq!(offer(1), 1);
	});
}

#[test]
fn what_cannot_open_the_account_comes_back() {
	execute(|| assert_eq!(offer(EXISTENTIAL - 1), EXISTENTIAL - 1));
}

#[test]
fn half_of_what_was_sunk_comes_back_to_who_sank_it() {
	execute(|| {
		offer(1_000 + EXISTENTIAL);
		Poaw::credit(401, &[(WORKER, 3), (OTHER, 1)]);
		assert_eq!(free(WORKER), FUNDS + 150);
		assert_eq!(free(OTHER), FUNDS + 50);
		assert_eq!(Poaw::pot_balance(), 800);
		assert!(events().contains(&Event::Rebated {
			worker: OTHER,
			amount: 50,
		}));
	});
}

#[test]
fn an_empty_pot_pays_what_is_left_and_then_nothing() {
	execute(|| {
		offer(100 + EXISTENTIAL);
		Poaw::credit(1_000, &[(WORKER, 1)]);
		assert_eq!(free(WORKER), FUNDS + 100);
		Poaw::credit(1_000, &[(WORKER, 1)]);
		assert_eq!(free(WORKER), FUNDS + 100);
		assert_eq!(Poaw::pot_balance(), 0);
	});
}

#[test]
fn a_pot_that_was_never_filled_pays_nothing() {
	execute(|| {
		Poaw::credit(1_000, &[(WORKER, 1)]);
		assert_eq!(free(WORKER), FUNDS);
	});
}
