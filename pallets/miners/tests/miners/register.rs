//! Registration: bond, roles, identity, a bounded pool.

use crate::mock::*;
use dllm_primitives::miner::{Roles, WorkerSpec, WorkerState};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, DispatchResult, TokenError};

fn register(who: AccountId, spec: WorkerSpec) -> DispatchResult {
	Miners::register(signed(who), None, spec, MIN_BOND)
}

#[test]
fn holds_the_bond_and_activates_a_worker_that_runs_itself() {
	execute(|| {
		assert_ok!(Miners::register(
			signed(ALICE),
			None,
			spec(ALICE),
			MIN_BOND + 5
		));
		let worker = get(ALICE);
		assert_eq!(
			(worker.operator, worker.state),
			(ALICE, WorkerState::Active)
		);
		assert_eq!((worker.bond, held(ALICE)), (MIN_BOND + 5, MIN_BOND + 5));
		assert_eq!(
			(
				worker.passed,
				worker.faults,
				worker.cheats,
				worker.open_jobs
			),
			(0, 0, 0, 0)
		);
		assert_eq!(worker.spec, spec(ALICE));
		let event = Event::Registered {
			worker: ALICE,
			operator: ALICE,
			bond: MIN_BOND + 5,
		};
		System::assert_last_event(event.into());
	});
}

#[test]
fn takes_its_own_name_as_operator_for_what_it_is() {
	execute(|| {
		pending(ALICE, ALICE);
		assert_eq!(state(ALICE), WorkerState::Active);
	});
}

#[test]
fn needs_a_bond_that_is_enough_and_there() {
	execute(|| {
		assert_noop!(
			Miners::register(RuntimeOrigin::root(), None, spec(ALICE), MIN_BOND),
			DispatchError::BadOrigin
		);
		assert_noop!(
			Miners::register(signed(ALICE), None, spec(ALICE), MIN_BOND - 1),
			Error::BondTooLow
		);
		assert_noop!(
			Miners::register(signed(ALICE), None, spec(ALICE), FUNDS),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn refuses_an_account_twice() {
	execute(|| {
		worker(ALICE);
		assert_noop!(register(ALICE, spec(77)), Error::AlreadyRegistered);
	});
}

#[test]
fn refuses_an_identity_twice() {
	execute(|| {
		worker(ALICE);
		assert_noop!(register(BOB, spec(ALICE)), Error::PeerTaken);
	});
}

#[test]
fn refuses_a_declaration_that_says_nothing() {
	execute(|| {
		let no_role = WorkerSpec {
			roles: Roles::default(),
			..spec(ALICE)
		};
		assert_noop!(register(ALICE, no_role), Error::NoRole);
		let no_peer = WorkerSpec {
			peer_id: Default::default(),
			..spec(ALICE)
		};
		assert_noop!(register(ALICE, no_peer), Error::NoPeerId);
		for address in [vec![], vec![0xff]] {
			let addresses = vec![address.try_into().unwrap()].try_into().unwrap();
			let bad_address = WorkerSpec {
				addresses,
				..spec(ALICE)
			};
			assert_noop!(register(ALICE, bad_address), Error::BadAddress);
		}
	});
}

#[test]
fn accepts_any_one_role() {
	execute(|| {
		let none = Roles::default();
		let roles = [
			Roles {
				entry: true,
				..none
			},
			Roles {
				miner: true,
				..none
			},
			Roles {
				verifier: true,
				..none
			},
		];
		for (who, roles) in (1..).zip(roles) {
			assert_ok!(register(who, WorkerSpec { roles, ..spec(who) }));
		}
		assert_eq!(pallet_miners::VerifierCount::<Test>::get(), 1);
	});
}

#[test]
fn refuses_more_workers_than_the_bound() {
	execute(|| {
		(1..=u64::from(MAX_WORKERS)).for_each(|who| {
			worker(who);
		});
		assert_noop!(register(ACCOUNTS, spec(ACCOUNTS)), Error::PoolFull);
	});
}
