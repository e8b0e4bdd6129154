//! What stays of a payment for the receipt, and the invariant that try-state checks.

use crate::mock::*;
use dllm_primitives::flow::Payouts;
use frame_support::assert_ok;
use pallet_rewards::{PaymentRecord, Payments};

fn pay() -> PaymentRecord<AccountId> {
	let bill = bill(
		1_000,
		&[(MINERS[0], 700)],
		&[(VERIFIERS[0], 7), (VERIFIERS[1], 3)],
	);
	assert_ok!(Rewards::pay(&Reason::Escrow, &bill));
	Rewards::payment(7).unwrap()
}

#[test]
fn says_who_got_how_much() {
	execute(|| {
		let expected = PaymentRecord {
			fee: 1_000,
			miners: vec![(MINERS[0], 700)].try_into().unwrap(),
			verifiers: vec![(VERIFIERS[0], 70), (VERIFIERS[1], 30)]
				.try_into()
				.unwrap(),
			treasury: 100,
			burned: 100,
		};
		assert_eq!(pay(), expected);
		let PaymentRecord {
			miners,
			verifiers,
			treasury,
			burned,
			..
		} = expected;
		let event = Event::Paid {
			job: 7,
			client: CLIENT,
			miners,
			verifiers,
			treasury,
			burned,
		};
		System::assert_last_event(event.into());
	});
}

#[test]
fn is_forgotten_with_its_job() {
	execute(|| {
		pay();
		<Rewards as Payouts<AccountId, Reason>>::forget(8);
		assert!(Rewards::payment(7).is_some());
		<Rewards as Payouts<AccountId, Reason>>::forget(7);
		assert!(Rewards::payment(7).is_none());
	});
}

#[test]
fn whose_parts_do_not_add_up_is_found() {
	execute(|| {
		let record = pay();
		Payments::<Test>::insert(
			7,
			PaymentRecord {
				treasury: record.treasury + 1,
				..record.clone()
			},
		);
		assert!(Rewards::do_try_state().is_err());
		Payments::<Test>::insert(
			7,
			PaymentRecord {
				treasury: u128::MAX,
				..record.clone()
			},
		);
		assert!(Rewards::do_try_state().is_err());
		Payments::<Test>::insert(7, record);
	});
}
