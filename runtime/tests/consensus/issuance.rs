//! New money: how much, and who gets it.

use crate::chain::Chain;
use dllm_runtime::{
	configs::{
		economy::{Issuance, YEAR_MILLIS},
		pipeline::treasury_account,
		staking::BAGS,
	},
	constants::money::DLLM,
	Balances, Poaw, RuntimeEvent,
};
use sp_staking::EraPayout;

/// Money of a chain of a hundred million tokens.
const ISSUED: u128 = 100_000_000 * DLLM;
/// Milliseconds of an era of six hours.
const ERA: u64 = 21_600_000;
/// Eras of a year, 1 461.
const ERAS: u128 = (YEAR_MILLIS / ERA) as u128;

/// What a year of equal eras pays stakers and the rest, in parts of ten thousand of all money.
fn yearly(staked: u128) -> (u128, u128) {
	let (stakers, rest) = Issuance::era_payout(staked, ISSUED, ERA);
	let parts = |planck: u128| (planck * ERAS * 10_000 + ISSUED / 2) / ISSUED;
	(parts(stakers), parts(rest))
}

/// `8 % · 60 % · f`, with `f` = 1⁄4, 5⁄8, 1, 5⁄8, 1⁄4 at stakes of 0, 25, 50, 75 and 100 %.
#[test]
fn the_stakers_share_is_a_tent_over_the_staked_part() {
	for (percent, stakers) in [(0, 120), (25, 300), (50, 480), (75, 300), (100, 120)] {
		let (got, rest) = yearly(ISSUED * percent / 100);
		assert_eq!(got, stakers, "at {percent} %");
		assert_eq!(got + rest, 800, "8 % in all at {percent} %");
	}
}

#[test]
fn nothing_is_made_of_nothing() {
	assert_eq!(Issuance::era_payout(0, 0, ERA), (0, 0));
	assert_eq!(Issuance::era_payout(ISSUED / 2, ISSUED, 0), (0, 0));
}

#[test]
fn a_chain_that_stood_still_makes_up_for_a_day_at_most() {
	let day = Issuance::era_payout(ISSUED / 2, ISSUED, 86_400_000);
	assert_eq!(Issuance::era_payout(ISSUED / 2, ISSUED, u64::MAX), day);
}

#[test]
fn the_most_for_stakers_is_at_the_ideal_stake() {
	let most = Issuance::most_for_stakers(ISSUED, ERA);
	for percent in 0..=100 {
		assert!(Issuance::era_payout(ISSUED * percent / 100, ISSUED, ERA).0 <= most);
	}
}

#[test]
fn what_an_era_leaves_over_fills_the_pot_and_the_treasury() {
	let mut chain = Chain::new();
	let before = chain.read(|| {
		(
			Poaw::pot_balance(),
			Balances::free_balance(treasury_account()),
		)
	});
	let era = chain.era();
	let events = chain.turn_to_era(era + 2);
	let remainder: u128 = events
		.iter()
		.map(|event| match event {
			RuntimeEvent::Staking(pallet_staking::Event::EraPaid { remainder, .. }) => *remainder,
			_ => 0,
		})
		.sum();
	let after = chain.read(|| {
		let pot = Balances::free_balance(Poaw::pot());
		(pot, Balances::free_balance(treasury_account()))
	});
	let (pot, treasury) = (after.0 - before.0, after.1 - before.1);
	assert!(remainder > 0);
	assert_eq!(pot + treasury, remainder);
	assert!(pot.abs_diff(remainder * 3 / 4) <= 2, "{pot} of {remainder}");
}

#[test]
fn bags_of_voters_grow_by_a_quarter() {
	for pair in BAGS.windows(2) {
		assert!(pair[1] > pair[0] && pair[1] <= pair[0] / 4 * 5 + 5);
	}
	assert!(*BAGS.last().unwrap() > u64::MAX / 2);
}
