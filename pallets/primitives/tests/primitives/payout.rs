//! The split of a fee: nothing is created or lost, nobody gets more than its share.

use dllm_primitives::payout::{fee_for, split, stage_pay, surplus_for, Split, GFLOP};
use proptest::{collection::vec, prelude::*};

/// Small, usual and absurd amounts.
fn amount() -> impl Strategy<Value = u128> {
	prop_oneof![0..1_000u128, 0..10u128.pow(24), any::<u128>()]
}

fn lines() -> impl Strategy<Value = Vec<(u8, u128)>> {
	vec((any::<u8>(), amount()), 0..20)
}

/// `fee · part ⁄ 100`, rounded down.
fn percent(fee: u128, part: u128) -> u128 {
	fee / 100 * part + fee % 100 * part / 100
}

fn sum(lines: &[(u8, u128)]) -> u128 {
	lines
		.iter()
		.fold(0, |sum, (_, part)| sum.checked_add(*part).unwrap())
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(2_000))]

	#[test]
	fn neither_creates_nor_loses(fee in amount(), miners in lines(), verifiers in lines()) {
		let Split { miners, verifiers, treasury, burned } = split(fee, &miners, &verifiers);
		let parts = [sum(&miners), sum(&verifiers), treasury, burned];
		let total = parts.iter().try_fold(0u128, |sum, part| sum.checked_add(*part));
		prop_assert_eq!(total, Some(fee));
	}

	#[test]
	fn keeps_everybody_to_its_share(fee in amount(), miners in lines(), verifiers in lines()) {
		let parts = split(fee, &miners, &verifiers);
		prop_assert!(sum(&parts.miners) <= percent(fee, 75));
		prop_assert!(sum(&parts.verifiers) <= percent(fee, 10));
		prop_assert_eq!(parts.burned, percent(fee, 10));
		prop_assert!(parts.treasury >= percent(fee, 5));
		prop_assert_eq!(parts.total(), fee);
	}

	#[test]
	fn keeps_the_order_and_the_names(fee in amount(), miners in lines(), verifiers in lines()) {
		let parts = split(fee, &miners, &verifiers);
		let names = |lines: &[(u8, u128)]| lines.iter().map(|(who, _)| *who).collect::<Vec<_>>();
		prop_assert_eq!(names(&parts.miners), names(&miners));
		prop_assert_eq!(names(&parts.verifiers), names(&verifiers));
		for ((_, asked), (_, paid)) in miners.iter().zip(&parts.miners) {
			prop_assert!(paid <= asked);
		}
	}

	#[test]
	fn pays_miners_in_full_out_of_the_fee_that_was_asked_for_them(
		miners in vec((any::<u8>(), 0..10u128.pow(24)), 0..20),
	) {
		let fee = fee_for(sum(&miners));
		prop_assert_eq!(split(fee, &miners, &[]).miners, miners.clone());
		// And a planck less would not do.
		prop_assert!(fee == 0 || percent(fee - 1, 75) < sum(&miners));
	}

	#[test]
	fn divides_the_verifiers_share_by_weight(
		fee in 0..10u128.pow(18),
		weights in vec(1..10u128.pow(17), 1..20),
	) {
		let verifiers: Vec<_> = (0u8..).zip(weights.iter().copied()).collect();
		let total: u128 = weights.iter().sum();
		let parts = split(fee, &[], &verifiers).verifiers;
		for ((_, part), weight) in parts.iter().zip(&weights) {
			prop_assert_eq!(*part, percent(fee, 10) * weight / total);
		}
	}

	#[test]
	fn leaves_less_than_a_planck_a_verifier_to_rounding(
		fee in 0..10u128.pow(18),
		weights in vec(1..10u128.pow(9), 1..20),
	) {
		let verifiers: Vec<_> = (0u8..).zip(weights).collect();
		let paid = sum(&split(fee, &[], &verifiers).verifiers);
		prop_assert!(percent(fee, 10) - paid < verifiers.len() as u128);
	}

	#[test]
	fn pays_a_stage_by_price_and_work(
		price in 0..10u128.pow(15),
		flops in 0..1u64 << 40,
		rows in 0..1u32 << 12,
	) {
		let exact = price * u128::from(flops) * u128::from(rows) / GFLOP;
		prop_assert_eq!(stage_pay(price, flops, rows), exact);
	}
}

#[test]
fn splits_a_round_fee_as_the_paper_says() {
	let parts = split(1_000, &[('a', 250), ('b', 500)], &[('c', 1), ('d', 3)]);
	assert_eq!(parts.miners, vec![('a', 250), ('b', 500)]);
	assert_eq!(parts.verifiers, vec![('c', 25), ('d', 75)]);
	assert_eq!((parts.treasury, parts.burned), (50, 100));
}

#[test]
fn cuts_miners_in_order_where_they_ask_for_more_than_their_share() {
	let parts = split(1_000, &[('a', 700), ('b', 100), ('c', 5)], &[]);
	assert_eq!(parts.miners, vec![('a', 700), ('b', 50), ('c', 0)]);
	assert_eq!((parts.treasury, parts.burned), (150, 100));
}

#[test]
fn gives_an_unclaimed_share_to_the_treasury() {
	let parts = split(1_000, &[], &[('a', 0)]);
	assert_eq!(parts.verifiers, vec![('a', 0)]);
	assert_eq!((parts.treasury, parts.burned), (900, 100));
}

#[test]
fn conserves_the_fee_where_the_weights_leave_their_range() {
	let weights = [('a', u128::MAX), ('b', u128::MAX), ('c', 7)];
	let parts = split(1_000, &[], &weights);
	assert_eq!(parts.total(), 1_000);
	let most = split(u128::MAX, &weights, &weights);
	assert_eq!(most.total(), u128::MAX);
}

#[test]
fn prices_never_overflow() {
	assert_eq!(stage_pay(u128::MAX, u64::MAX, u32::MAX), u128::MAX / GFLOP);
	assert_eq!(fee_for(u128::MAX), u128::MAX.div_ceil(75));
	assert_eq!(fee_for(0), 0);
}

#[test]
fn a_surplus_falls_on_the_rows_in_proportion() {
	assert_eq!(surplus_for(99, 20, 50), 39);
	assert_eq!(surplus_for(99, 50, 50), 99);
	assert_eq!(surplus_for(99, 0, 50), 0);
	// More rows than the ceiling, and none at all, cost no more than the whole.
	assert_eq!(surplus_for(99, 60, 50), 99);
	assert_eq!(surplus_for(99, 1, 0), 0);
	assert_eq!(surplus_for(u128::MAX, u32::MAX, u32::MAX), u128::MAX);
	assert_eq!(
		surplus_for(u128::MAX, 1, u32::MAX),
		u128::MAX / u128::from(u32::MAX)
	);
}
