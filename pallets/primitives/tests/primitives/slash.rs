//! What a conviction takes, and who gets it.

use dllm_primitives::slash::{
	first, outvoted, to_user, withheld, Conviction,
	Ground::{self, Proof, Votes},
};
use proptest::prelude::*;

const BOND: u128 = 100_000;

fn conviction(ground: Ground, exact: bool, pay: u128, convicted_by: &[u8]) -> Conviction<'_, u8> {
	Conviction {
		pay,
		ground,
		exact,
		user: &0,
		convicted_by,
	}
}

#[test]
fn a_proof_takes_all_the_second_time_and_bans() {
	for exact in [true, false] {
		let proof = conviction(Proof, exact, 100, &[]);
		assert_eq!((proof.takes(BOND, 0), proof.bans(0)), (30_000, false));
		assert_eq!((proof.takes(BOND, 1), proof.bans(1)), (BOND, true));
	}
}

#[test]
fn votes_ban_nobody_and_take_a_tenth_where_all_is_checked() {
	for before in [0, 1, 5] {
		let exact = conviction(Votes, true, 100, &[]);
		assert_eq!(
			(exact.takes(BOND, before), exact.bans(before)),
			(30_000, false)
		);
		let float = conviction(Votes, false, 100, &[]);
		assert_eq!(
			(float.takes(BOND, before), float.bans(before)),
			(10_000, false)
		);
		// Eight times the pay is more.
		let dear = conviction(Votes, false, 2_000, &[]);
		assert_eq!(dear.takes(BOND, before), 16_000);
	}
}

#[test]
fn who_votes_gets_nothing_and_the_user_at_most_what_the_stage_costs() {
	let proof = conviction(Proof, true, 100, &[1, 2]);
	assert_eq!(proof.shares(30_000), (6_000, 4_500));
	let votes = conviction(Votes, true, 100, &[1, 2]);
	assert_eq!(votes.shares(30_000), (100, 0));
	// A fifth is less.
	assert_eq!(votes.shares(400), (80, 0));
}

#[test]
fn nobody_convicts_and_the_share_is_burned() {
	assert_eq!(conviction(Proof, true, 100, &[]).shares(30_000), (6_000, 0));
}

proptest! {
	#[test]
	fn no_more_is_taken_than_there_is_and_no_more_given_than_half(
		bond: u64, pay: u128, before in 0..3u32, exact: bool, proof: bool,
		convictors in 0..40u8,
	) {
		let convicted_by = (0..convictors).collect::<Vec<_>>();
		let ground = if proof { Proof } else { Votes };
		let conviction = conviction(ground, exact, pay, &convicted_by);
		let bond = u128::from(bond);
		let taken = conviction.takes(bond, before);
		prop_assert!(taken <= bond && taken >= bond / 10);
		let (user, each) = conviction.shares(taken);
		let given = user.saturating_add(each.saturating_mul(convictors.into()));
		prop_assert!(given <= taken / 2);
		prop_assert!(proof || (each == 0 && user <= pay));
	}

	#[test]
	fn being_outvoted_costs_no_more_than_a_proof_and_silence_no_more_than_the_bond(
		bond: u128, pay: u128,
	) {
		prop_assert!(outvoted(bond, pay) <= first(bond, pay));
		prop_assert!(withheld(bond, pay) <= bond);
		prop_assert!(to_user(bond) <= bond / 5);
	}
}
