//! What a node takes for two blocks of one author in one slot.

use dllm_node::service::equivocations::{Seen, REMEMBERED_SLOTS};
use dllm_runtime::Header;
use sp_consensus_babe::{AuthorityId, Slot};
use sp_core::{sr25519, H256};
use sp_runtime::traits::Header as _;

fn author(number: u8) -> AuthorityId {
	sr25519::Public::from_raw([number; 32]).into()
}

/// Some header; `state` sets it apart.
fn header(state: u8) -> Header {
	let state = H256::repeat_byte(state);
	Header::new(7, H256::zero(), state, H256::zero(), Default::default())
}

#[test]
fn two_blocks_of_an_author_in_a_slot_are_a_proof() {
	let mut seen = Seen::default();
	assert!(seen.note(Slot::from(5), author(1), header(1)).is_none());
	let proof = seen.note(Slot::from(5), author(1), header(2)).unwrap();
	assert_eq!(
		(
			proof.offender,
			*proof.slot,
			proof.first_header,
			proof.second_header
		),
		(author(1), 5, header(1), header(2))
	);
	let third = seen.note(Slot::from(5), author(1), header(3)).unwrap();
	assert_eq!(third.first_header, header(1));
}

#[test]
fn the_same_block_twice_other_authors_and_other_slots_are_none() {
	let mut seen = Seen::default();
	for (slot, who, state) in [(5, 1, 1), (5, 1, 1), (5, 2, 2), (6, 1, 3), (4, 1, 4)] {
		let found = seen.note(Slot::from(slot), author(who), header(state));
		assert!(found.is_none(), "slot {slot}, author {who}");
	}
}

#[test]
fn what_is_older_than_the_remembered_slots_is_forgotten() {
	let mut seen = Seen::default();
	let old = Slot::from(5);
	seen.note(old, author(1), header(1));
	seen.note(old + REMEMBERED_SLOTS, author(2), header(2));
	assert!(
		seen.note(old, author(1), header(3)).is_some(),
		"just remembered"
	);
	seen.note(old + REMEMBERED_SLOTS + 1, author(2), header(4));
	assert!(seen.note(old, author(1), header(5)).is_none());
	assert!(
		seen.note(old, author(1), header(6)).is_none(),
		"nor is it noted again"
	);
}
