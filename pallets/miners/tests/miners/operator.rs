//! The operator's word: without it a worker gets no work.

use crate::mock::*;
use dllm_primitives::{flow::WorkerPool, ids::Digest, miner::WorkerState};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn makes_a_waiting_worker_active() {
	execute(|| {
		pending(ALICE, BOB);
		assert_eq!(
			(get(ALICE).operator, state(ALICE)),
			(BOB, WorkerState::Pending)
		);
		assert_eq!(Miners::draw_verifier(Digest::zero(), &[], 0), None);

		assert_ok!(Miners::accept_worker(signed(BOB), ALICE));
		assert_eq!(state(ALICE), WorkerState::Active);
		assert_eq!(Miners::draw_verifier(Digest::zero(), &[], 0), Some(ALICE));
		System::assert_last_event(
			Event::Accepted {
				worker: ALICE,
				operator: BOB,
			}
			.into(),
		);
	});
}

#[test]
fn is_only_the_named_operators_to_give() {
	execute(|| {
		pending(ALICE, BOB);
		assert_noop!(
			Miners::accept_worker(RuntimeOrigin::root(), ALICE),
			DispatchError::BadOrigin
		);
		assert_noop!(
			Miners::accept_worker(signed(ALICE), ALICE),
			Error::NotOperator
		);
		assert_noop!(
			Miners::accept_worker(signed(CAROL), ALICE),
			Error::NotOperator
		);
		assert_noop!(
			Miners::accept_worker(signed(BOB), CAROL),
			Error::NotRegistered
		);
	});
}

#[test]
fn is_given_once() {
	execute(|| {
		pending(ALICE, BOB);
		assert_ok!(Miners::accept_worker(signed(BOB), ALICE));
		assert_noop!(Miners::accept_worker(signed(BOB), ALICE), Error::NotPending);
		worker(CAROL);
		assert_noop!(
			Miners::accept_worker(signed(CAROL), CAROL),
			Error::NotPending
		);
	});
}

#[test]
fn is_not_needed_to_take_a_bond_back() {
	execute(|| {
		pending(ALICE, BOB);
		assert_noop!(Miners::unbond(signed(ALICE)), Error::NotActive);
		assert_ok!(Miners::withdraw(signed(ALICE)));
		assert_eq!((held(ALICE), free(ALICE)), (0, FUNDS));
		assert_noop!(
			Miners::accept_worker(signed(BOB), ALICE),
			Error::NotRegistered
		);
	});
}

#[test]
fn does_not_activate_a_worker_whose_bond_was_slashed() {
	execute(|| {
		pending(ALICE, BOB);
		convict(&ALICE, 0, &CAROL, &[]);
		assert_noop!(Miners::accept_worker(signed(BOB), ALICE), Error::BondTooLow);
		assert_ok!(Miners::bond_extra(signed(ALICE), MIN_BOND / 10));
		assert_ok!(Miners::accept_worker(signed(BOB), ALICE));
	});
}
