//! Nobody gains by paying himself: a property test over the whole range of rules.
//!
//! The attacker runs `own` of `n` validators, is user and worker at once, and sinks what it likes session
//! by session. What it gets more than without any of it is counted generously (rebates in full, blocks by
//! the upper bound of the primary share, fractions of the last credit until it has faded) and must not
//! exceed what it lost.

use crate::mock::Params;
use dllm_primitives::poaw::{LEAST_DECAY, MOST_DECAY, MOST_KAPPA_MILLI, MOST_REBATE};
use pallet_poaw::weighing::{decayed, least_target, weight};
use proptest::{collection::vec, prelude::*};
use sp_runtime::Permill;

/// Weight of a validator without work.
const BASE: f64 = 10_000.0;

/// What the attacker gains in a session by weighing `mine`, compared with the base weight: its share of
/// the primary slots, a part `c` of all, times the reward. The others have the base weight, and a third
/// of the whole set is on probation.
fn gain(mine: &[u64], n: u32, c: f64, reward: f64) -> f64 {
	let others = (f64::from(n) * 2.0 / 3.0).ceil() - mine.len() as f64;
	let others = others.max(0.0) * BASE;
	let weighing: f64 = mine.iter().map(|weight| *weight as f64).sum();
	let plain = mine.len() as f64 * BASE;
	let share = |weight: f64| weight / (weight + others);
	c * reward * (share(weighing) - share(plain))
}

fn any_rules() -> impl Strategy<Value = Params> {
	(
		1_000..=MOST_KAPPA_MILLI,
		LEAST_DECAY.deconstruct()..=MOST_DECAY.deconstruct(),
		0..=MOST_REBATE.deconstruct(),
	)
		.prop_map(|(kappa_milli, decay, rebate)| Params {
			kappa_milli,
			decay: Permill::from_parts(decay),
			rebate: Permill::from_parts(rebate),
			..Params::default()
		})
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(2_000))]

	#[test]
	fn a_loop_of_paying_oneself_never_profits(
		rules in any_rules(),
		n in 1..=100u32,
		percent in 1..=100u64,
		own_part in 0.0..0.34f64,
		reward in 1_000_000_000_000..1_000_000_000_000_000_000u128,
		spending in vec(0.0..2.0f64, 1..30),
	) {
		// Any part of the slots may have a primary author.
		let primary = (percent, 100);
		let c = percent as f64 / 100.0;
		let target = least_target(&rules, reward, n, primary);
		prop_assume!(target > 0);
		let own = ((f64::from(n) * own_part) as usize).max(1);
		let beta = f64::from(rules.rebate.deconstruct()) / 1e6;

		let (mut credit, mut lost, mut gained) = (0u128, 0.0, 0.0);
		// After the last payment the credit fades until it weighs nothing.
		let idle = std::iter::repeat_n(0.0, 3_000);
		for part in spending.into_iter().chain(idle) {
			// Each of its validators sinks as much.
			let sunk = (part * target as f64) as u128;
			lost += own as f64 * sunk as f64 * (1.0 - beta);
			credit = decayed(credit, rules.decay, 1) + sunk;
			let mine = vec![weight(credit, target, rules.kappa_milli); own];
			gained += gain(&mine, n, c, reward as f64);
		}
		prop_assert!(gained <= lost * (1.0 + 1e-6) + 1e6, "gained {gained}, lost {lost}");
	}
}

/// The bound is not idle: a target of a fifth of it would be a bargain.
#[test]
fn a_cheaper_target_would_be_worth_buying() {
	let rules = Params::default();
	let (n, reward) = (50, 1_000_000_000_000_000u128);
	let target = least_target(&rules, reward, n, (2, 5)) / 5;
	let lost_a_session = target as f64 * 0.1 * 0.5;
	let full = weight(target, target, rules.kappa_milli);
	assert!(gain(&[full], n, 0.4, reward as f64) > lost_a_session);
}
