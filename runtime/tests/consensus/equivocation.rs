//! Two blocks for one slot, and two votes in one round of finality, are slashed, whatever the offender
//! weighs as an author.

use crate::chain::{By, Chain, VALIDATORS};
use codec::{Decode, Encode};
use dllm_primitives::poaw::BASE_WEIGHT;
use dllm_runtime::{
	constants::money::DLLM, BlockNumber, Hash, Header, Historical, Runtime, RuntimeCall, Session,
	Staking,
};
use frame_support::traits::KeyOwnerProofSystem;
use sp_consensus_babe::{EquivocationProof, BABE_ENGINE_ID};
use sp_consensus_grandpa::{localized_payload, Message, Prevote};
use sp_core::H256;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::{traits::Header as _, Digest, DigestItem, DispatchError};
use sp_staking::StakingInterface;

/// Who signs twice.
const OFFENDER: Sr25519Keyring = Sr25519Keyring::Bob;
/// The key with which it votes.
const VOTER: Ed25519Keyring = Ed25519Keyring::Bob;
/// Round of finality in which it votes twice.
const ROUND: u64 = 7;

/// The offender's place among the validators.
fn place(chain: &mut Chain) -> u32 {
	let validators = chain.read(Session::validators);
	let mut places = validators.iter();
	let place = places.position(|who| *who == OFFENDER.to_account_id());
	place.expect("the offender is a validator") as u32
}

/// A chain whose offender has twice the base weight and the others have the base.
fn weighted() -> Chain {
	let mut chain = Chain::with(|genesis| {
		genesis.poaw.credits = vec![(OFFENDER.to_account_id(), 1_000_000 * DLLM)];
	});
	(0..4).for_each(|_| drop(chain.turn()));
	let weights: Vec<_> = chain
		.current()
		.into_iter()
		.map(|(_, weight)| weight)
		.collect();
	assert_eq!(weights[place(&mut chain) as usize], 2 * BASE_WEIGHT);
	assert_eq!(weights.iter().filter(|one| **one == BASE_WEIGHT).count(), 3);
	chain
}

/// A block of the offender for `slot`, sealed; `state` tells two of them apart.
fn sealed(chain: &mut Chain, slot: u64, state: u8) -> Header {
	let draw = chain.draw(slot);
	let place = place(chain);
	let claim = chain.claim(&draw, place, slot);
	let digest = Digest { logs: vec![claim] };
	let root = H256::repeat_byte(state);
	let mut header = Header::new(99, H256::zero(), root, H256::zero(), digest);
	let key = &draw.authorities[place as usize].0;
	let signature = chain.sign(key, header.hash().as_ref());
	header
		.digest_mut()
		.push(DigestItem::Seal(BABE_ENGINE_ID, signature.encode()));
	header
}

/// The running slot.
fn slot(chain: &mut Chain) -> u64 {
	chain.read(|| *pallet_babe::CurrentSlot::<Runtime>::get())
}

/// The report of two blocks of the offender in the running slot.
fn report(chain: &mut Chain, [first_header, second_header]: [Header; 2]) -> RuntimeCall {
	let slot = slot(chain);
	let place = place(chain);
	let offender = chain.current()[place as usize].0.clone();
	let equivocation_proof = EquivocationProof {
		slot: slot.into(),
		offender: offender.clone(),
		first_header,
		second_header,
	};
	let key_owner_proof = chain
		.read(|| Historical::prove((sp_consensus_babe::KEY_TYPE, offender)))
		.expect("the key is one of this session's");
	pallet_babe::Call::report_equivocation_unsigned {
		equivocation_proof: Box::new(equivocation_proof),
		key_owner_proof,
	}
	.into()
}

/// The report of two votes in one round, of these blocks, for the GRANDPA set of the running session; each
/// signed by a key of its own choice, and said to be the offender's.
fn report_votes(chain: &mut Chain, votes: [(Ed25519Keyring, u8); 2]) -> RuntimeCall {
	let set = chain.read(pallet_grandpa::CurrentSetId::<Runtime>::get);
	let [first, second] = votes.map(|(signer, block)| {
		let vote = Prevote::<Header> {
			target_hash: H256::repeat_byte(block),
			target_number: 9,
		};
		let message = Message::<Header>::Prevote(vote.clone());
		let signature = signer.sign(&localized_payload(ROUND, set, &message));
		(vote, signature)
	});
	// Variant 0 is an equivocation of prevotes; the crate of the votes themselves is not at hand here.
	let proof = (set, 0u8, ROUND, VOTER.public(), first, second).encode();
	let proof =
		sp_consensus_grandpa::EquivocationProof::<Hash, BlockNumber>::decode(&mut &proof[..]);
	let voter = sp_consensus_grandpa::AuthorityId::from(VOTER.public());
	let key_owner_proof = chain
		.read(|| Historical::prove((sp_consensus_grandpa::KEY_TYPE, voter)))
		.expect("the key is one of this session's");
	pallet_grandpa::Call::report_equivocation_unsigned {
		equivocation_proof: Box::new(proof.expect("the parts are in their order")),
		key_owner_proof,
	}
	.into()
}

/// Reports the offender: it is disabled at once, and slashed when the time to cancel is over; the same
/// report again is refused as `known`, and nobody else is slashed.
fn assert_slashed(chain: &mut Chain, report: RuntimeCall, known: DispatchError) {
	chain.run([(By::Nobody, report.clone())]);
	let bob = OFFENDER.to_account_id();
	let place = place(chain);
	chain.read(|| {
		assert_eq!(Session::disabled_validators(), [place]);
		assert_eq!(pallet_offences::Reports::<Runtime>::iter().count(), 1);
		assert_eq!(Staking::active_stake(&bob), Ok(100_000 * DLLM), "deferred");
	});

	let (again, _) = chain.block(vec![(By::Nobody, report)]);
	assert_eq!(again, [Err(known)]);

	let era = chain.era();
	chain.turn_to_era(era + 2);
	chain.read(|| {
		// (3 · offenders ⁄ validators)² of the stake: 9⁄16 for one of four, whatever it weighs.
		assert_eq!(Staking::active_stake(&bob), Ok(100_000 * DLLM * 7 / 16));
		for other in VALIDATORS.into_iter().filter(|who| *who != OFFENDER) {
			let stake = Staking::active_stake(&other.to_account_id());
			assert_eq!(stake, Ok(100_000 * DLLM));
		}
	});
}

#[test]
fn an_equivocation_of_a_heavy_author_is_slashed_like_any_other() {
	let mut chain = weighted();
	let slot = slot(&mut chain);
	let blocks = [1, 2].map(|state| sealed(&mut chain, slot, state));
	let report = report(&mut chain, blocks);
	let known = pallet_babe::Error::<Runtime>::DuplicateOffenceReport;
	assert_slashed(&mut chain, report, known.into());
}

#[test]
fn two_votes_in_a_round_are_slashed_like_two_blocks() {
	let mut chain = weighted();
	let report = report_votes(&mut chain, [(VOTER, 1), (VOTER, 2)]);
	let known = pallet_grandpa::Error::<Runtime>::DuplicateOffenceReport;
	assert_slashed(&mut chain, report, known.into());
}

#[test]
fn one_vote_said_twice_or_a_vote_of_another_is_no_offence() {
	let mut chain = weighted();
	let twice = report_votes(&mut chain, [(VOTER, 1), (VOTER, 1)]);
	let forged = report_votes(&mut chain, [(VOTER, 1), (Ed25519Keyring::Alice, 2)]);
	let (results, _) = chain.block(vec![(By::Nobody, twice), (By::Nobody, forged)]);
	let invalid = pallet_grandpa::Error::<Runtime>::InvalidEquivocationProof;
	let refused = Err(invalid.into());
	assert_eq!(results, [refused, refused]);
	chain.read(|| assert!(Session::disabled_validators().is_empty()));
}

#[test]
fn two_copies_of_one_block_are_no_offence() {
	let mut chain = weighted();
	let slot = slot(&mut chain);
	// One header, sealed once: a second seal would make another block of it.
	let block = sealed(&mut chain, slot, 1);
	let report = report(&mut chain, [block.clone(), block]);
	let (results, _) = chain.block(vec![(By::Nobody, report)]);
	let invalid = pallet_babe::Error::<Runtime>::InvalidEquivocationProof;
	assert_eq!(results, [Err(invalid.into())]);
	chain.read(|| assert!(Session::disabled_validators().is_empty()));
}
