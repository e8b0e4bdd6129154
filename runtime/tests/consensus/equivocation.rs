//! Two blocks for one slot are slashed, whatever the author weighs.

use crate::chain::{By, Chain, VALIDATORS};
use codec::Encode;
use dllm_primitives::poaw::BASE_WEIGHT;
use dllm_runtime::{
	constants::money::DLLM, Header, Historical, Runtime, RuntimeCall, Session, Staking,
};
use frame_support::traits::KeyOwnerProofSystem;
use sp_consensus_babe::{EquivocationProof, BABE_ENGINE_ID};
use sp_core::H256;
use sp_keyring::Sr25519Keyring;
use sp_runtime::{traits::Header as _, Digest, DigestItem};
use sp_staking::StakingInterface;

/// Who signs twice.
const OFFENDER: Sr25519Keyring = Sr25519Keyring::Bob;

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

#[test]
fn an_equivocation_of_a_heavy_author_is_slashed_like_any_other() {
	let mut chain = weighted();
	let slot = slot(&mut chain);
	let blocks = [1, 2].map(|state| sealed(&mut chain, slot, state));
	let report = report(&mut chain, blocks);
	chain.run([(By::Nobody, report.clone())]);
	let bob = OFFENDER.to_account_id();
	let place = place(&mut chain);
	chain.read(|| {
		assert_eq!(Session::disabled_validators(), [place]);
		assert_eq!(pallet_offences::Reports::<Runtime>::iter().count(), 1);
		assert_eq!(Staking::active_stake(&bob), Ok(100_000 * DLLM), "deferred");
	});

	let (again, _) = chain.block(vec![(By::Nobody, report)]);
	let known = pallet_babe::Error::<Runtime>::DuplicateOffenceReport;
	assert_eq!(again, [Err(known.into())]);

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
