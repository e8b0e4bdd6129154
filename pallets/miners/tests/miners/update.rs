//! What a worker may change about itself, and when.

use crate::mock::*;
use dllm_primitives::{
	flow::WorkerPool,
	miner::{Roles, WorkerSpec},
	verdict::Verdict,
};
use frame_support::{assert_noop, assert_ok};
use pallet_miners::{VerifierCount, WorkerOfPeer};
use sp_runtime::DispatchError;

#[test]
fn replaces_the_declaration() {
	execute(|| {
		worker(ALICE);
		let changed = WorkerSpec {
			price: 9,
			memory: 7,
			..spec(ALICE)
		};
		assert_ok!(Miners::update(signed(ALICE), changed.clone()));
		assert_eq!(get(ALICE).spec, changed);
		System::assert_last_event(Event::Updated { worker: ALICE }.into());
	});
}

#[test]
fn moves_to_a_free_identity_and_frees_the_old_one() {
	execute(|| {
		worker(ALICE);
		worker(BOB);
		assert_noop!(Miners::update(signed(ALICE), spec(BOB)), Error::PeerTaken);
		assert_ok!(Miners::update(signed(ALICE), spec(77)));
		assert_eq!(WorkerOfPeer::<Test>::get(spec(77).peer_id), Some(ALICE));
		assert_ok!(Miners::update(signed(BOB), spec(ALICE)));
	});
}

#[test]
fn enters_and_leaves_the_verifiers() {
	execute(|| {
		worker(ALICE);
		let roles = Roles {
			miner: true,
			..Roles::default()
		};
		assert_ok!(Miners::update(
			signed(ALICE),
			WorkerSpec {
				roles,
				..spec(ALICE)
			}
		));
		assert_eq!(VerifierCount::<Test>::get(), 0);
		assert_ok!(Miners::update(signed(ALICE), spec(ALICE)));
		assert_eq!(VerifierCount::<Test>::get(), 1);
	});
}

#[test]
fn does_not_make_a_waiting_worker_drawable() {
	execute(|| {
		pending(ALICE, BOB);
		assert_ok!(Miners::update(signed(ALICE), spec(77)));
		assert_eq!(VerifierCount::<Test>::get(), 0);
	});
}

#[test]
fn waits_until_every_job_is_over() {
	execute(|| {
		worker(ALICE);
		Miners::engage(&ALICE);
		assert_noop!(Miners::update(signed(ALICE), spec(ALICE)), Error::Engaged);
		Miners::release(&ALICE, Verdict::Pass);
		assert_ok!(Miners::update(signed(ALICE), spec(ALICE)));
	});
}

#[test]
fn is_for_workers_that_stay() {
	execute(|| {
		assert_noop!(
			Miners::update(RuntimeOrigin::root(), spec(ALICE)),
			DispatchError::BadOrigin
		);
		assert_noop!(
			Miners::update(signed(ALICE), spec(ALICE)),
			Error::NotRegistered
		);
		worker(ALICE);
		assert_ok!(Miners::unbond(signed(ALICE)));
		assert_noop!(Miners::update(signed(ALICE), spec(ALICE)), Error::Leaving);
		worker(BOB);
		convict(&BOB, 0, &CAROL, &[]);
		convict(&BOB, 0, &CAROL, &[]);
		assert_noop!(Miners::update(signed(BOB), spec(BOB)), Error::Banned);
	});
}

#[test]
fn is_checked_like_a_registration() {
	execute(|| {
		worker(ALICE);
		let no_role = WorkerSpec {
			roles: Roles::default(),
			..spec(ALICE)
		};
		assert_noop!(Miners::update(signed(ALICE), no_role), Error::NoRole);
		let no_peer = WorkerSpec {
			peer_id: Default::default(),
			..spec(ALICE)
		};
		assert_noop!(Miners::update(signed(ALICE), no_peer), Error::NoPeerId);
	});
}
