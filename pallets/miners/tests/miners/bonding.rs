//! Bonds grow, are unbonded with a delay, and never while their worker is part of an open job.

use crate::mock::*;
use dllm_primitives::{flow::WorkerPool, ids::Digest, miner::WorkerState, verdict::Verdict};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, TokenError};

#[test]
fn grows_by_more_bond() {
	execute(|| {
		worker(ALICE);
		assert_ok!(Miners::bond_extra(signed(ALICE), 500));
		assert_eq!(
			(get(ALICE).bond, held(ALICE)),
			(MIN_BOND + 500, MIN_BOND + 500)
		);
		let event = Event::BondExtended {
			worker: ALICE,
			bond: MIN_BOND + 500,
		};
		System::assert_last_event(event.into());

		assert_noop!(
			Miners::bond_extra(signed(ALICE), FUNDS),
			TokenError::FundsUnavailable
		);
		assert_noop!(
			Miners::bond_extra(signed(ALICE), u128::MAX),
			DispatchError::Arithmetic(sp_runtime::ArithmeticError::Overflow)
		);
		assert_noop!(Miners::bond_extra(signed(BOB), 1), Error::NotRegistered);
	});
}

#[test]
fn comes_back_whole_after_the_delay() {
	execute(|| {
		worker(ALICE);
		assert_ok!(Miners::unbond(signed(ALICE)));
		let free_from = 1 + DELAY;
		assert_eq!(state(ALICE), WorkerState::Unbonding(free_from));
		System::assert_last_event(
			Event::Unbonding {
				worker: ALICE,
				free_from,
			}
			.into(),
		);

		System::set_block_number(free_from - 1);
		assert_noop!(Miners::withdraw(signed(ALICE)), Error::TooEarly);
		System::set_block_number(free_from);
		assert_ok!(Miners::withdraw(signed(ALICE)));
		System::assert_last_event(
			Event::Withdrawn {
				worker: ALICE,
				bond: MIN_BOND,
			}
			.into(),
		);
		assert_eq!((held(ALICE), free(ALICE)), (0, FUNDS));
		assert!(Miners::worker(&ALICE).is_none());
		// Account and identity are free again.
		worker(ALICE);
	});
}

#[test]
fn stays_while_the_worker_is_part_of_an_open_job() {
	execute(|| {
		worker(ALICE);
		Miners::engage(&ALICE);
		Miners::engage(&ALICE);
		assert_noop!(Miners::unbond(signed(ALICE)), Error::Engaged);
		Miners::release(&ALICE, Verdict::Pass);
		assert_noop!(Miners::unbond(signed(ALICE)), Error::Engaged);
		Miners::release(&ALICE, Verdict::WorkerFault);
		assert_ok!(Miners::unbond(signed(ALICE)));

		// A standing pipeline may still give it a job; then the bond answers for that one too.
		Miners::engage(&ALICE);
		System::set_block_number(1 + DELAY);
		assert_noop!(Miners::withdraw(signed(ALICE)), Error::Engaged);
		Miners::release(&ALICE, Verdict::Pass);
		assert_ok!(Miners::withdraw(signed(ALICE)));
	});
}

#[test]
fn is_not_drawn_from_a_leaving_worker() {
	execute(|| {
		worker(ALICE);
		assert_ok!(Miners::unbond(signed(ALICE)));
		assert_eq!(Miners::draw_verifier(Digest::zero(), &[], 0), None);
		assert_ok!(Miners::rebond(signed(ALICE)));
		System::assert_last_event(Event::Rebonded { worker: ALICE }.into());
		assert_eq!(state(ALICE), WorkerState::Active);
		assert_eq!(Miners::draw_verifier(Digest::zero(), &[], 0), Some(ALICE));
	});
}

#[test]
fn does_not_leave_by_half() {
	execute(|| {
		worker(ALICE);
		assert_noop!(Miners::withdraw(signed(ALICE)), Error::NotUnbonding);
		assert_noop!(Miners::rebond(signed(ALICE)), Error::NotUnbonding);
		assert_ok!(Miners::unbond(signed(ALICE)));
		assert_noop!(Miners::unbond(signed(ALICE)), Error::NotActive);
	});
}

#[test]
fn is_for_registered_workers() {
	execute(|| {
		assert_noop!(Miners::unbond(signed(ALICE)), Error::NotRegistered);
		assert_noop!(Miners::rebond(signed(ALICE)), Error::NotRegistered);
		assert_noop!(Miners::withdraw(signed(ALICE)), Error::NotRegistered);
		for call in [Miners::unbond, Miners::rebond, Miners::withdraw] {
			assert_noop!(call(RuntimeOrigin::root()), DispatchError::BadOrigin);
		}
	});
}
