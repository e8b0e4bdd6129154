//! What every block brings, whatever is in it: randomness for draws, fees for the treasury, tips for its author.

use crate::{
	cast::{submit_public, transaction_fee, wealth, with_model, USER},
	chain::{account, Chain},
};
use dllm_runtime::{
	configs::{consensus::ParentRandomness, pipeline::treasury_account},
	Hash, System,
};
use frame_support::traits::Randomness;
use std::collections::BTreeSet;

fn draw(chain: &mut Chain, subject: &[u8]) -> (Hash, u32) {
	chain.read(|| ParentRandomness::random(subject))
}

#[test]
fn every_block_brings_other_randomness_and_every_subject_its_own() {
	let mut chain = Chain::new();
	let mut seen = BTreeSet::new();
	for _ in 0..5 {
		assert!(seen.insert(draw(&mut chain, b"one").0));
		assert!(seen.insert(draw(&mut chain, b"two").0));
		chain.skip(1);
	}
}

#[test]
fn randomness_comes_from_the_authors_proof_and_not_from_the_hash() {
	let mut chain = Chain::new();
	chain.skip(1);
	let drawn = draw(&mut chain, b"one");
	chain.read(|| System::set_parent_hash(Hash::repeat_byte(1)));
	assert_eq!(draw(&mut chain, b"one"), drawn);
	// Without a proof the parent's hash stands in for it.
	chain.read(pallet_babe::AuthorVrfRandomness::<dllm_runtime::Runtime>::kill);
	let fallback = draw(&mut chain, b"one");
	assert_ne!(fallback, drawn);
	chain.read(|| System::set_parent_hash(Hash::repeat_byte(2)));
	assert_ne!(draw(&mut chain, b"one"), fallback);
}

#[test]
fn fees_go_to_the_treasury_and_tips_to_the_author() {
	let mut chain = with_model();
	let parties = [account("Alice"), account(USER), treasury_account()];
	let [author, user, treasury] = parties.each_ref().map(|who| wealth(&mut chain, who));
	chain.tip = 1_000;
	let events = chain.block([submit_public()]);
	let charged = transaction_fee(&events);
	assert!(charged > 1_000);
	assert_eq!(
		parties.each_ref().map(|who| wealth(&mut chain, who)),
		[author + 1_000, user - charged, treasury + charged - 1_000]
	);
}
