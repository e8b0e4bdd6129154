//! Paying a bill: everybody's part, who cannot receive, and what is refused.

use crate::mock::*;
use dllm_primitives::{flow::Payouts, ids::MAX_STAGES};
use frame_support::{assert_noop, assert_ok};
use pallet_rewards::MAX_VERIFIERS;

const FEE: u128 = 100_000;

#[test]
fn pays_everybody_its_part_to_the_planck() {
	execute(|| {
		let before = issuance();
		let miners = [(MINERS[0], 30_000), (MINERS[1], 45_000)];
		let verifiers = [(VERIFIERS[0], 30_000), (VERIFIERS[1], 45_000)];
		assert_ok!(Rewards::pay(
			&Reason::Escrow,
			&bill(FEE, &miners, &verifiers)
		));

		assert_eq!(free(MINERS[0]), SMALL + 30_000);
		assert_eq!(free(MINERS[1]), SMALL + 45_000);
		assert_eq!(free(VERIFIERS[0]), SMALL + 4_000);
		assert_eq!(free(VERIFIERS[1]), SMALL + 6_000);
		assert_eq!(free(treasury()), SMALL + 5_000);
		assert_eq!(before - issuance(), 10_000);
		assert_eq!(ESCROW - escrow(), FEE);
	});
}

#[test]
fn leaves_other_holds_and_the_free_balance_alone() {
	use frame_support::traits::fungible::InspectHold;
	execute(|| {
		assert_ok!(Rewards::pay(
			&Reason::Escrow,
			&bill(FEE, &[(MINERS[0], 75_000)], &[])
		));
		assert_eq!(Balances::balance_on_hold(&Reason::Other, &CLIENT), ESCROW);
		assert_eq!(free(CLIENT), SMALL);
	});
}

#[test]
fn gives_every_rounding_to_the_treasury() {
	execute(|| {
		let verifiers = [(VERIFIERS[0], 1), (VERIFIERS[1], 1), (VERIFIERS[2], 1)];
		assert_ok!(Rewards::pay(
			&Reason::Escrow,
			&bill(107, &[(MINERS[0], 79)], &verifiers)
		));
		// 10 burned, 10 for three verifiers, 80 at most for miners.
		assert_eq!(free(MINERS[0]), SMALL + 79);
		assert_eq!(free(VERIFIERS[0]), SMALL + 3);
		assert_eq!(free(treasury()), SMALL + 107 - 79 - 9 - 10);
	});
}

#[test]
fn keeps_lines_of_one_account_apart() {
	execute(|| {
		let miners = [(MINERS[0], 30_000), (MINERS[0], 45_000)];
		assert_ok!(Rewards::pay(&Reason::Escrow, &bill(FEE, &miners, &[])));
		assert_eq!(free(MINERS[0]), SMALL + 75_000);
		assert_eq!(
			Rewards::payment(7).unwrap().miners.to_vec(),
			miners.to_vec()
		);
	});
}

#[test]
fn pays_a_client_that_is_its_own_miner() {
	execute(|| {
		assert_ok!(Rewards::pay(
			&Reason::Escrow,
			&bill(FEE, &[(CLIENT, 75_000)], &[])
		));
		assert_eq!(free(CLIENT), SMALL + 75_000);
		assert_eq!(ESCROW - escrow(), FEE);
	});
}

#[test]
fn creates_an_account_that_its_share_can_keep_alive() {
	execute(|| {
		assert_ok!(Rewards::pay(
			&Reason::Escrow,
			&bill(FEE, &[(STRANGER, EXISTENTIAL)], &[])
		));
		assert_eq!(free(STRANGER), EXISTENTIAL);
	});
}

#[test]
fn gives_a_share_that_cannot_be_received_to_the_treasury() {
	execute(|| {
		let miners = [
			(STRANGER, EXISTENTIAL - 1),
			(MINERS[0], 75_000 - EXISTENTIAL + 1),
		];
		assert_ok!(Rewards::pay(
			&Reason::Escrow,
			&bill(FEE, &miners, &[(VERIFIERS[0], 1)])
		));
		assert_eq!(free(STRANGER), 0);
		assert_eq!(free(treasury()), SMALL + 5_000 + EXISTENTIAL - 1);
		assert_eq!(Rewards::payment(7).unwrap().miners[0], (STRANGER, 0));
		assert_eq!(ESCROW - escrow(), FEE);
	});
}

#[test]
fn burns_what_the_treasury_cannot_receive() {
	execute_with_accounts(&MINERS, || {
		let before = issuance();
		let fee = 1_000;
		assert_ok!(Rewards::pay(
			&Reason::Escrow,
			&bill(fee, &[(MINERS[0], 750), (STRANGER, 0)], &[(MINERS[1], 1)])
		));
		// 5 % are 50, below the existential deposit.
		assert_eq!(free(treasury()), 0);
		assert_eq!(before - issuance(), 100 + 50);
		let record = Rewards::payment(7).unwrap();
		assert_eq!((record.treasury, record.burned), (0, 150));
		assert_eq!(ESCROW - escrow(), fee);
	});
}

#[test]
fn pays_the_whole_escrow() {
	execute(|| {
		assert_ok!(Rewards::pay(
			&Reason::Escrow,
			&bill(ESCROW, &[(MINERS[0], 1)], &[])
		));
		assert_eq!(escrow(), 0);
	});
}

#[test]
fn refuses_more_than_the_escrow() {
	execute(|| {
		let bill = bill(ESCROW + 1, &[(MINERS[0], 1)], &[]);
		assert_noop!(Rewards::pay(&Reason::Escrow, &bill), Error::EscrowTooSmall);
	});
}

#[test]
fn refuses_to_pay_a_job_twice() {
	execute(|| {
		let bill = bill(FEE, &[(MINERS[0], 75_000)], &[]);
		assert_ok!(Rewards::pay(&Reason::Escrow, &bill));
		assert_noop!(Rewards::pay(&Reason::Escrow, &bill), Error::AlreadyPaid);
	});
}

#[test]
fn refuses_more_payees_than_a_ring_has_and_moves_nothing() {
	execute(|| {
		let miners = vec![(MINERS[0], 200); MAX_STAGES as usize + 1];
		assert_noop!(
			Rewards::pay(&Reason::Escrow, &bill(FEE, &miners, &[])),
			Error::TooManyPayees
		);
		let verifiers = vec![(MINERS[0], 1); MAX_VERIFIERS as usize + 1];
		let bill = bill(FEE, &[(MINERS[0], 200)], &verifiers);
		assert_noop!(Rewards::pay(&Reason::Escrow, &bill), Error::TooManyPayees);
	});
}

#[test]
fn burns_the_whole_surplus_and_pays_nobody_more() {
	execute(|| {
		let before = issuance();
		let mut bill = bill(FEE, &[(MINERS[0], 75_000)], &[(VERIFIERS[0], 1)]);
		bill.surplus = 33_333;
		assert_ok!(Rewards::pay(&Reason::Escrow, &bill));
		assert_eq!(free(MINERS[0]), SMALL + 75_000);
		assert_eq!(free(VERIFIERS[0]), SMALL + 10_000);
		assert_eq!(free(treasury()), SMALL + 5_000);
		assert_eq!(before - issuance(), 10_000 + 33_333);
		assert_eq!(ESCROW - escrow(), FEE + 33_333);
		let record = Rewards::payment(7).unwrap();
		assert_eq!((record.fee, record.burned), (FEE + 33_333, 43_333));
	});
}

#[test]
fn refuses_a_surplus_that_the_escrow_does_not_cover() {
	execute(|| {
		let mut bill = bill(ESCROW, &[(MINERS[0], 1)], &[]);
		bill.surplus = 1;
		assert_noop!(Rewards::pay(&Reason::Escrow, &bill), Error::EscrowTooSmall);
	});
}
