//! Announced weights are the weights that hold, over fifty sessions in which keys rotate, validators come
//! and go and work is done.

use crate::chain::{By, Chain, VALIDATORS};
use dllm_primitives::{
	flow::WorkLedger,
	poaw::{BASE_WEIGHT, PROBATION_WEIGHT},
};
use dllm_runtime::{
	constants::money::DLLM, AccountId, Poaw, Runtime, RuntimeCall, Session, SessionKeys,
};
use pallet_staking::{RewardDestination, ValidatorPrefs};
use sp_keyring::Sr25519Keyring;
use std::collections::BTreeSet;

/// A worker that is linked to Alice.
const ALICES: Sr25519Keyring = Sr25519Keyring::One;
/// A worker that is linked to Bob.
const BOBS: Sr25519Keyring = Sr25519Keyring::Two;

fn link(chain: &mut Chain, worker: Sr25519Keyring, validator: Sr25519Keyring) {
	let funds = pallet_balances::Call::transfer_keep_alive {
		dest: worker.to_account_id().into(),
		value: 100 * DLLM,
	};
	let propose = pallet_poaw::Call::propose_link {
		validator: validator.to_account_id(),
	};
	let accept = pallet_poaw::Call::accept_link {
		worker: worker.to_account_id(),
	};
	chain.run([
		(By::Account(Sr25519Keyring::Charlie), funds.into()),
		(By::Account(worker), propose.into()),
		(By::Account(validator), accept.into()),
	]);
}

/// Candidates that are not in the first set: they bond, set keys and offer themselves.
fn candidate(chain: &mut Chain, who: Sr25519Keyring) {
	let keys = chain.rotate(who);
	let bond = pallet_staking::Call::bond {
		value: 200_000 * DLLM,
		payee: RewardDestination::Stash,
	};
	let validate = pallet_staking::Call::validate {
		prefs: ValidatorPrefs::default(),
	};
	chain.run([
		(By::Account(who), bond.into()),
		(By::Account(who), keys),
		(By::Account(who), validate.into()),
	]);
}

/// The change of session `at`: a rotation of keys, or another size of the set.
fn change(chain: &mut Chain, at: u32) {
	if at.is_multiple_of(3) {
		let who = VALIDATORS[at as usize / 3 % VALIDATORS.len()];
		let keys = chain.rotate(who);
		chain.run([(By::Account(who), keys)]);
	}
	if at % 7 == 4 {
		let new = 3 + at / 7 % 4;
		let size = pallet_staking::Call::set_validator_count { new };
		chain.run([(By::Root, size.into())]);
	}
}

#[test]
fn authorities_are_what_was_announced_over_fifty_sessions() {
	let mut chain = Chain::new();
	link(&mut chain, ALICES, Sr25519Keyring::Alice);
	link(&mut chain, BOBS, Sr25519Keyring::Bob);
	candidate(&mut chain, Sr25519Keyring::Eve);
	candidate(&mut chain, Sr25519Keyring::Ferdie);

	let (mut weights, mut sizes, mut keys) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
	for at in 0..50u32 {
		change(&mut chain, at);
		chain.read(|| {
			let sunk = u128::from(at % 5) * DLLM;
			Poaw::credit(
				sunk,
				&[(ALICES.to_account_id(), 3), (BOBS.to_account_id(), 1)],
			);
		});
		let promised = chain.next();
		let queued = chain.read(pallet_session::QueuedKeys::<Runtime>::get);
		chain.turn();
		let current = chain.current();
		assert_eq!(current, promised, "session {}", chain.session());
		assert_eq!(
			chain.announced(),
			Some(chain.next()),
			"the digest says the same"
		);
		chain.read(|| check_order(&queued));

		sizes.insert(current.len());
		keys.extend(current.iter().map(|(key, _)| key.clone()));
		weights.extend(current.into_iter().map(|(_, weight)| weight));
	}
	// The fifty sessions were not fifty times the same one.
	assert!(sizes.len() > 2, "{sizes:?}");
	assert!(keys.len() > 10, "{} keys", keys.len());
	assert!(weights.contains(&BASE_WEIGHT) && weights.contains(&PROBATION_WEIGHT));
	assert!(
		weights.iter().any(|weight| *weight > BASE_WEIGHT),
		"{weights:?}"
	);
}

/// Every authority stands where its validator does, and GRANDPA knows no weights.
fn check_order(queued: &[(AccountId, SessionKeys)]) {
	let (accounts, keys): (Vec<_>, Vec<_>) = queued
		.iter()
		.map(|(who, keys)| (who.clone(), keys.babe.clone()))
		.unzip();
	assert_eq!(Session::validators(), accounts);
	let authorities = pallet_babe::Authorities::<Runtime>::get();
	let authors: Vec<_> = authorities.iter().map(|(key, _)| key.clone()).collect();
	assert_eq!(authors, keys);
	let votes = pallet_grandpa::Authorities::<Runtime>::get();
	assert!(votes.iter().all(|(_, weight)| *weight == 1));
	assert_eq!(votes.len(), accounts.len());
}

#[test]
fn keys_without_a_proof_of_ownership_are_refused() {
	let mut chain = Chain::new();
	let RuntimeCall::Session(pallet_session::Call::set_keys { keys, proof }) =
		chain.rotate(Sr25519Keyring::Alice)
	else {
		panic!("a rotation sets keys")
	};
	let stolen = pallet_session::Call::set_keys {
		keys: keys.clone(),
		proof,
	};
	let unproved = pallet_session::Call::set_keys {
		keys,
		proof: vec![],
	};
	let (results, _) = chain.block(vec![
		(By::Account(Sr25519Keyring::Eve), stolen.into()),
		(By::Account(Sr25519Keyring::Alice), unproved.into()),
	]);
	let refused = Err(pallet_session::Error::<Runtime>::InvalidProof.into());
	assert_eq!(results, [refused, refused]);
}
