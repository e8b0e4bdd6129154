//! The pure arithmetic: decay, cap, floor, multiplier.

use crate::mock::{rules, BASE_WEIGHT};
use dllm_primitives::poaw::{LEAST_DECAY, MOST_DECAY, MOST_KAPPA_MILLI};
use pallet_poaw::weighing::{counted, decayed, least_target, weight};
use proptest::prelude::*;
use sp_runtime::Permill;

const DELTA: Permill = Permill::from_percent(90);

#[test]
fn credit_fades_by_a_tenth_a_session() {
	assert_eq!(decayed(1_000_000, DELTA, 0), 1_000_000);
	assert_eq!(decayed(1_000_000, DELTA, 1), 900_000);
	assert_eq!(decayed(1_000_000, DELTA, 2), 810_000);
	// 0.9¹⁰ = 0.3486784401
	assert!((348_677..=348_678).contains(&decayed(1_000_000, DELTA, 10)));
	assert_eq!(decayed(1_000_000, DELTA, 1_000), 0);
	assert_eq!(decayed(u128::MAX, DELTA, u32::MAX), 0);
}

#[test]
fn rounding_is_against_the_holder() {
	assert_eq!(decayed(9, DELTA, 1), 8);
	assert_eq!(decayed(1, DELTA, 1), 0);
	assert_eq!(counted(100, 99, Permill::from_percent(10)), 9);
	assert_eq!(weight(1, 3, 2_000), BASE_WEIGHT + 3_333);
}

#[test]
fn only_a_part_of_the_own_bond_counts() {
	let share = Permill::from_percent(10);
	assert_eq!(counted(500, 10_000, share), 500);
	assert_eq!(counted(1_500, 10_000, share), 1_000);
	assert_eq!(counted(1_500, 0, share), 0);
}

#[test]
fn weight_runs_from_the_base_to_kappa_times_it() {
	assert_eq!(weight(0, 1_000, 2_000), 10_000);
	assert_eq!(weight(250, 1_000, 2_000), 12_500);
	assert_eq!(weight(1_000, 1_000, 2_000), 20_000);
	assert_eq!(weight(u128::MAX, 1_000, 2_000), 20_000);
	assert_eq!(weight(1_000, 1_000, 1_000), 10_000);
	assert_eq!(weight(1_000, 1_000, 4_000), 40_000);
	assert_eq!(weight(5, 0, 2_000), 20_000);
}

/// With c = 2⁄5, κ = 2, β = 1⁄2 and δ = 9⁄10 the least target is 3⁄2 · 8 · R ⁄ n.
#[test]
fn the_least_target_is_that_of_the_formula() {
	assert_eq!(least_target(&rules(), 1_000, 10, (2, 5)), 1_200);
	assert_eq!(least_target(&rules(), 0, 10, (2, 5)), 0);
	assert_eq!(least_target(&rules(), u128::MAX, 1, (1, 1)), u128::MAX);
}

proptest! {
	#[test]
	fn weights_stay_in_their_bounds_and_rise_with_credit(
		low in any::<u128>(),
		more in any::<u128>(),
		target in 1..u128::MAX,
		kappa in 1_000..=MOST_KAPPA_MILLI,
	) {
		let (low, high) = (low.min(more), low.max(more));
		let (small, large) = (weight(low, target, kappa), weight(high, target, kappa));
		prop_assert!(BASE_WEIGHT <= small && small <= large);
		prop_assert!(large <= BASE_WEIGHT * u64::from(kappa) / 1_000);
	}

	/// One long fading is as good as many short ones, but for what each of them rounds away.
	#[test]
	fn fading_is_the_same_in_one_step_or_in_many(
		credit in 0..1_000_000_000_000_000_000_000u128,
		decay in LEAST_DECAY.deconstruct()..=MOST_DECAY.deconstruct(),
		sessions in 0..200u32,
	) {
		let decay = Permill::from_parts(decay);
		let stepwise = (0..sessions).fold(credit, |left, _| decayed(left, decay, 1));
		let at_once = decayed(credit, decay, sessions);
		let slack = u128::from(sessions) + credit / 1_000_000_000_000_000;
		prop_assert!(at_once.abs_diff(stepwise) <= slack, "{at_once} {stepwise}");
	}
}
