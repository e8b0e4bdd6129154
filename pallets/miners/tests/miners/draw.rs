//! The draw of a verifier: by seed, among fit workers of other operators, within a bounded look.

use crate::mock::*;
use dllm_primitives::{
	flow::WorkerPool,
	ids::Digest,
	miner::{Roles, WorkerSpec},
};
use frame_support::assert_ok;
use pallet_miners::MAX_LOOKS;
use std::collections::BTreeSet;

fn draw(seed: u64, excluded: &[AccountId]) -> Option<AccountId> {
	Miners::draw_verifier(Digest::from_low_u64_be(seed), excluded, MEMORY)
}

#[test]
fn finds_nobody_in_an_empty_pool() {
	execute(|| assert_eq!(draw(7, &[]), None));
}

#[test]
fn is_settled_by_the_seed_and_reaches_everybody() {
	execute(|| {
		let workers: BTreeSet<_> = (1..=20).map(worker).collect();
		let drawn: BTreeSet<_> = (0..1_000).filter_map(|seed| draw(seed, &[])).collect();
		assert_eq!(drawn, workers);
		assert_eq!(draw(12_345, &[]), draw(12_345, &[]));
	});
}

#[test]
fn passes_by_excluded_operators() {
	execute(|| {
		worker(ALICE);
		pending(BOB, ALICE);
		assert_ok!(Miners::accept_worker(signed(ALICE), BOB));
		worker(CAROL);
		for seed in 0..50 {
			// BOB is another account, but the same operator as ALICE.
			assert_eq!(draw(seed, &[ALICE]), Some(CAROL));
			assert_eq!(draw(seed, &[ALICE, CAROL]), None);
		}
	});
}

#[test]
fn passes_by_workers_with_too_little_memory() {
	execute(|| {
		worker(ALICE);
		let small = WorkerSpec {
			memory: MEMORY - 1,
			..spec(BOB)
		};
		assert_ok!(Miners::register(signed(BOB), None, small, MIN_BOND));
		for seed in 0..50 {
			assert_eq!(draw(seed, &[]), Some(ALICE));
		}
	});
}

#[test]
fn passes_by_workers_of_other_roles() {
	execute(|| {
		let roles = Roles {
			entry: true,
			miner: true,
			verifier: false,
		};
		let miner = WorkerSpec {
			roles,
			..spec(ALICE)
		};
		assert_ok!(Miners::register(signed(ALICE), None, miner, MIN_BOND));
		assert_eq!(draw(0, &[]), None);
		worker(BOB);
		assert_eq!(draw(0, &[]), Some(BOB));
	});
}

#[test]
fn closes_the_gap_that_a_leaving_worker_makes() {
	execute(|| {
		(1..=5).for_each(|who| {
			worker(who);
		});
		// The first, one in the middle, and the last of the index.
		for who in [1, 3, 5] {
			assert_ok!(Miners::unbond(signed(who)));
			assert_ok!(Miners::do_try_state());
		}
		let drawn: BTreeSet<_> = (0..100).filter_map(|seed| draw(seed, &[])).collect();
		assert_eq!(drawn, BTreeSet::from([2, 4]));
	});
}

#[test]
fn looks_at_a_bounded_number_of_workers() {
	execute(|| {
		// As many workers of one operator as a draw looks at, then one of another.
		for who in 1..=u64::from(MAX_LOOKS) {
			pending(who, 80);
			assert_ok!(Miners::accept_worker(signed(80), who));
		}
		worker(80 + 1);
		// The start is the seed modulo the number of workers: from 0 the last one is out of sight.
		assert_eq!(draw(0, &[80]), None);
		assert_eq!(draw(1, &[80]), Some(81));
	});
}
