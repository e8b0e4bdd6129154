//! Every invariant of the capacity rounds is found broken where it is.

use crate::mock::*;
use pallet_auctions::{Agenda, Bids, NextRound, Overdue, Rounds, Sealed, Winners};
use sp_runtime::TryRuntimeError;

/// What try-state says after `breakage` of a round in which one of two bids is revealed.
fn broken(breakage: impl FnOnce()) -> Result<(), TryRuntimeError> {
	let mut found = Ok(());
	let storage = || {
		open_round(0);
		commit(11, 0, offer(30, 1));
		commit(12, 0, offer(30, 1));
		run_to(7);
		reveal(11, 0, offer(30, 1)).expect("is sealed");
	};
	execute(vec![], vec![], || {
		storage();
		assert_eq!(Auctions::do_try_state(), Ok(()));
		let _ = frame_support::storage::with_transaction(|| {
			breakage();
			found = Auctions::do_try_state();
			sp_runtime::TransactionOutcome::Rollback(Ok::<_, sp_runtime::DispatchError>(()))
		});
	});
	found
}

fn says(message: &'static str) -> Result<(), TryRuntimeError> {
	Err(message.into())
}

#[test]
fn numbers_and_deadlines() {
	assert_eq!(
		broken(NextRound::<Test>::kill),
		says("a round has a number that was not given yet")
	);
	assert_eq!(
		broken(|| Agenda::<Test>::remove(14)),
		says("a round is never closed")
	);
	assert_eq!(
		broken(|| Agenda::<Test>::remove(10)),
		says("a round is never cleared")
	);
	assert_eq!(
		broken(|| Agenda::<Test>::insert(90, 0)),
		says("a deadline has no round")
	);
}

#[test]
fn bids_and_winners() {
	assert_eq!(
		broken(|| Sealed::<Test>::remove(0, 12)),
		says("bids are miscounted")
	);
	assert_eq!(
		broken(|| Bids::<Test>::insert(5, Bids::<Test>::get(0))),
		says("a bid has no open round")
	);
	assert_eq!(
		broken(|| Winners::<Test>::insert(0, Winners::<Test>::get(0))),
		says("winners do not fit the state of their round")
	);
	assert_eq!(
		broken(|| Winners::<Test>::insert(5, Winners::<Test>::get(5))),
		says("winners have no round")
	);
}

#[test]
fn deposits() {
	let other_deposit = || {
		Sealed::<Test>::mutate(0, 12, |sealed| {
			sealed.as_mut().expect("is sealed").deposit = 1;
		})
	};
	assert_eq!(
		broken(other_deposit),
		says("deposits on hold differ from those of sealed bids")
	);
	let stray = || {
		let sealed = Sealed::<Test>::get(0, 12).expect("is sealed");
		Sealed::<Test>::insert(44, 13, sealed);
	};
	assert_eq!(broken(stray), says("a sealed bid has no round"));
	let crowd = || {
		let rounds = (50..50 + pallet_auctions::MAX_ROUNDS).collect::<Vec<_>>();
		Overdue::<Test>::put(frame_support::BoundedVec::try_from(rounds).expect("fits"));
	};
	assert_eq!(broken(crowd), says("more rounds than the bound"));
	assert!(broken(|| ()).is_ok());
	execute(vec![], vec![], || assert_eq!(Rounds::<Test>::count(), 0));
}
