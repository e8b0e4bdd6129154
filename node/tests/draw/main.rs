//! Who authors how much: BABE's own lottery, each author with a keystore of its own, over fifty thousand
//! slots, against the formula that the node tells.

use dllm_node::block_share::expected;
use sc_consensus_babe::{authorship::claim_slot, Epoch};
use sc_keystore::LocalKeystore;
use sp_consensus_babe::{AllowedSlots, AuthorityId, BabeEpochConfiguration};
use sp_core::crypto::key_types;
use sp_io::hashing::blake2_128;
use sp_keystore::{Keystore, KeystorePtr};
use std::thread;

/// Slots that are drawn.
const SLOTS: u64 = 50_000;
/// Part of the slots with a primary author, as on every chain of ours.
const PRIMARY: (u64, u64) = (2, 5);
/// Weights of the authors: two without work, one with twice and one with four times the base.
const WEIGHTS: [u64; 4] = [10_000, 10_000, 20_000, 40_000];
/// χ² with three degrees of freedom that chance exceeds once in a thousand times.
const CRITICAL: f64 = 16.266;

/// The keystores of the authors, each with its one key, and an epoch as long as the test.
fn authors() -> (Vec<KeystorePtr>, Epoch) {
	let author = |number: usize| -> (KeystorePtr, AuthorityId) {
		let keystore = LocalKeystore::in_memory();
		// A raw seed: the keystore would stretch a phrase anew at every use.
		let seed = format!("0x{:064x}", number + 1);
		let public = keystore.sr25519_generate_new(key_types::BABE, Some(&seed));
		let key = public.expect("the keystore takes keys");
		(keystore.into(), key.into())
	};
	let (keystores, keys): (Vec<_>, Vec<_>) = (0..WEIGHTS.len()).map(author).unzip();
	let epoch = sp_consensus_babe::Epoch {
		epoch_index: 1,
		start_slot: 0.into(),
		duration: SLOTS,
		authorities: keys.into_iter().zip(WEIGHTS).collect(),
		randomness: [7; 32],
		config: BabeEpochConfiguration {
			c: PRIMARY,
			allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots,
		},
	};
	(keystores, epoch.into())
}

/// The author whose block of a slot survives: one of those with a primary claim, each as likely, or else
/// the one with the secondary.
fn author_of(slot: u64, keystores: &[KeystorePtr], epoch: &Epoch) -> usize {
	let (mut primaries, mut secondaries) = (Vec::new(), Vec::new());
	for (author, keystore) in keystores.iter().enumerate() {
		match claim_slot(slot.into(), epoch, keystore) {
			Some((claim, _)) if claim.is_primary() => primaries.push(author),
			Some(_) => secondaries.push(author),
			None => (),
		}
	}
	if primaries.is_empty() {
		assert_eq!(secondaries.len(), 1, "a slot has one secondary author");
		return secondaries[0];
	}
	let draw = u128::from_le_bytes(blake2_128(&slot.to_le_bytes()));
	primaries[(draw % primaries.len() as u128) as usize]
}

/// Blocks of each author over all slots.
fn drawn() -> Vec<u64> {
	let (keystores, epoch) = authors();
	let halves = [0..SLOTS / 2, SLOTS / 2..SLOTS].map(|slots| {
		let (keystores, epoch) = (keystores.clone(), epoch.clone());
		thread::spawn(move || {
			let mut blocks = vec![0; keystores.len()];
			for slot in slots {
				blocks[author_of(slot, &keystores, &epoch)] += 1;
			}
			blocks
		})
	});
	let [first, second] = halves.map(|half| half.join().expect("every slot is drawn"));
	first.iter().zip(second).map(|(a, b)| a + b).collect()
}

/// χ² of what was drawn against shares.
fn chi_squared(drawn: &[u64], shares: &[f64]) -> f64 {
	let term = |(seen, share): (&u64, &f64)| {
		let awaited = share * SLOTS as f64;
		(*seen as f64 - awaited).powi(2) / awaited
	};
	drawn.iter().zip(shares).map(term).sum()
}

#[test]
fn the_lottery_follows_the_formula_and_not_equal_shares() {
	let drawn = drawn();
	let told = chi_squared(&drawn, &expected(&WEIGHTS, PRIMARY));
	let equal = chi_squared(&drawn, &[0.25; 4]);
	println!("drawn {drawn:?}, χ² {told:.2} against the formula, {equal:.0} against equal shares");
	assert!(told < CRITICAL, "{drawn:?}: χ² {told}");
	assert!(equal > CRITICAL, "{drawn:?}: χ² {equal}");
}

/// The shares of the design's test network of weights 1 : 1 : 2 : 4, computed there by Monte Carlo.
#[test]
fn the_formula_gives_the_shares_of_the_design() {
	let shares = expected(&WEIGHTS, PRIMARY);
	for (share, design) in shares.iter().zip([0.2002, 0.2002, 0.2502, 0.3493]) {
		assert!((share - design).abs() < 0.0002, "{shares:?}");
	}
}

#[test]
fn shares_add_up_to_one_and_equal_weights_share_equally() {
	for weights in [
		&[1][..],
		&[1; 7],
		&[10_000, 1, 20_000],
		&[u64::from(u32::MAX); 3],
	] {
		let shares = expected(weights, PRIMARY);
		let sum: f64 = shares.iter().sum();
		assert!((sum - 1.0).abs() < 1e-12, "{weights:?}: {sum}");
	}
	assert!(expected(&[5; 4], PRIMARY)
		.iter()
		.all(|share| (share - 0.25).abs() < 1e-12));
	assert!(expected(&[], PRIMARY).is_empty());
}

/// Nobody on probation is left without its secondary slots.
#[test]
fn a_key_on_probation_authors_secondary_blocks_only() {
	let shares = expected(&[1, 10_000, 10_000], PRIMARY);
	assert!(shares[0] > 0.2 && shares[0] < 0.2001, "{shares:?}");
}
