//! What is credited to whom, and how long it lasts.

use crate::mock::*;
use dllm_primitives::flow::WorkLedger;
use pallet_poaw::{Bans, Entry, Ledger};

/// Credit of a validator at the close of a session.
fn credit_at(validator: AccountId, session: u32) -> u128 {
	Ledger::<Test>::get(validator).at_close(session, rules().decay)
}

#[test]
fn a_sunk_fee_is_shared_by_what_each_worker_was_paid() {
	execute(|| {
		link(WORKER, 1);
		link(OTHER, 2);
		Poaw::credit(1_000, &[(WORKER, 30), (OTHER, 10)]);
		assert_eq!((credit_at(1, 0), credit_at(2, 0)), (750, 250));
		assert!(events().contains(&Event::Credited {
			validator: 1,
			worker: WORKER,
			amount: 750,
		}));
	});
}

#[test]
fn workers_of_one_validator_add_up() {
	execute(|| {
		link(WORKER, 1);
		link(OTHER, 1);
		Poaw::credit(100, &[(WORKER, 1), (OTHER, 2)]);
		assert_eq!(credit_at(1, 0), 99);
		Poaw::credit(100, &[(WORKER, 5)]);
		assert_eq!(credit_at(1, 0), 199);
	});
}

#[test]
fn credit_fades_and_new_work_comes_on_top() {
	execute(|| {
		link(WORKER, 1);
		Poaw::credit(1_000, &[(WORKER, 1)]);
		turns(3);
		assert_eq!(credit_at(1, 2), 810);
		Poaw::credit(100, &[(WORKER, 1)]);
		// Closed before the work of session 3, and after it.
		assert_eq!(credit_at(1, 2), 810);
		assert_eq!(credit_at(1, 3), 729 + 100);
		assert_eq!(credit_at(1, 4), 746);
	});
}

#[test]
fn what_is_earned_in_a_session_is_told_apart() {
	let entry = Entry {
		prior: 100,
		earned: 7,
		session: 5,
	};
	assert_eq!(entry.earned_in(5), 7);
	assert_eq!(entry.earned_in(6), 0);
	assert_eq!(entry.at_close(4, rules().decay), 100);
	assert_eq!(entry.at_close(5, rules().decay), 97);
	assert_eq!(entry.entering(5, rules().decay), 100);
	assert_eq!(entry.entering(6, rules().decay), 97);
	assert_eq!(Entry::standing(50).at_close(0, rules().decay), 45);
	assert_eq!(Entry::standing(50).entering(0, rules().decay), 50);
}

#[test]
fn work_of_a_worker_without_a_validator_counts_for_nobody() {
	execute(|| {
		Poaw::propose_link(RuntimeOrigin::signed(WORKER), 1).unwrap();
		Poaw::credit(1_000, &[(WORKER, 1), (OTHER, 1)]);
		assert_eq!(Ledger::<Test>::iter().count(), 0);
	});
}

#[test]
fn a_job_that_paid_nobody_credits_nobody() {
	execute(|| {
		link(WORKER, 1);
		Poaw::credit(1_000, &[]);
		Poaw::credit(1_000, &[(WORKER, 0)]);
		Poaw::credit(0, &[(WORKER, 1)]);
		assert_eq!(Ledger::<Test>::iter().count(), 0);
	});
}

#[test]
fn a_conviction_takes_all_credit_and_bans() {
	execute(|| {
		link(WORKER, 1);
		link(OTHER, 1);
		Poaw::credit(1_000, &[(WORKER, 1)]);
		turns(3);
		assert!(next_weights()[0] > BASE_WEIGHT);
		Poaw::convict(&WORKER);
		assert_eq!(credit_at(1, 3), 0);
		assert_eq!(Poaw::banned_until(&1), Some(3 + BAN));
		let told = Event::Banned {
			validator: 1,
			worker: WORKER,
			until: 3 + BAN,
		};
		assert!(events().contains(&told));

		// Neither this worker nor another earns anything for it meanwhile.
		Poaw::credit(1_000, &[(WORKER, 1), (OTHER, 1)]);
		assert_eq!(credit_at(1, 3), 0);
		turn();
		assert_eq!(next_weights(), vec![BASE_WEIGHT; 4]);
		// It stays a validator all the while.
		assert_eq!(pallet_session::Validators::<Test>::get(), VALIDATORS);
		assert!(pallet_session::DisabledValidators::<Test>::get().is_empty());

		turns(BAN - 1);
		assert_eq!(Poaw::banned_until(&1), None);
		Poaw::credit(1_000, &[(OTHER, 1)]);
		assert_eq!(credit_at(1, 3 + BAN), 1_000);
	});
}

#[test]
fn a_conviction_of_a_worker_without_a_validator_changes_nothing() {
	execute(|| {
		link(WORKER, 1);
		Poaw::credit(1_000, &[(WORKER, 1)]);
		Poaw::propose_link(RuntimeOrigin::signed(OTHER), 1).unwrap();
		Poaw::convict(&OTHER);
		Poaw::convict(&7);
		assert_eq!(credit_at(1, 0), 1_000);
		assert_eq!(Bans::<Test>::iter().count(), 0);
	});
}
