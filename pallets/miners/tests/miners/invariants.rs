//! Every invariant, broken once: try-state must say so.

use crate::mock::*;
use dllm_primitives::{
	links::Report,
	miner::{Roles, WorkerState},
};
use frame_support::{
	assert_ok,
	storage::{with_transaction, TransactionOutcome},
	traits::fungible::MutateHold,
};
use pallet_miners::{
	HoldReason, LinkReports, UnverifiedPay, VerifierAt, VerifierCount, VerifierNumber, WorkerOf,
	WorkerOfPeer, Workers,
};
use sp_runtime::DispatchError;

/// Breaks the state of a pool with ALICE active, BOB waiting for ALICE and CAROL banned, and expects a
/// complaint.
fn broken_by(harm: fn()) {
	execute(|| {
		worker(ALICE);
		pending(BOB, ALICE);
		worker(CAROL);
		assert_ok!(Miners::report_links(signed(ALICE), probed(&[BOB])));
		convict(&CAROL, 0, &DAVE, &[]);
		convict(&CAROL, 0, &DAVE, &[]);
		assert_ok!(Miners::do_try_state());
		let _ = with_transaction(|| {
			harm();
			assert!(Miners::do_try_state().is_err());
			TransactionOutcome::Rollback(Ok::<_, DispatchError>(()))
		});
	});
}

fn change(who: AccountId, harm: impl FnOnce(&mut WorkerOf<Test>)) {
	Workers::<Test>::mutate(who, |worker| harm(worker.as_mut().unwrap()));
}

#[test]
fn a_bond_that_is_not_on_hold() {
	broken_by(|| change(ALICE, |worker| worker.bond += 1));
	broken_by(|| Balances::hold(&HoldReason::Bond.into(), &ALICE, 1).unwrap());
}

#[test]
fn an_active_worker_with_too_small_a_bond() {
	broken_by(|| {
		Balances::release(
			&HoldReason::Bond.into(),
			&ALICE,
			1,
			frame_support::traits::tokens::Precision::Exact,
		)
		.unwrap();
		change(ALICE, |worker| worker.bond -= 1);
	});
}

#[test]
fn a_declaration_that_says_nothing() {
	broken_by(|| change(BOB, |worker| worker.spec.roles = Roles::default()));
}

#[test]
fn an_identity_that_names_another() {
	broken_by(|| WorkerOfPeer::<Test>::insert(spec(ALICE).peer_id, BOB));
	broken_by(|| WorkerOfPeer::<Test>::insert(spec(77).peer_id, ALICE));
	broken_by(|| WorkerOfPeer::<Test>::remove(spec(BOB).peer_id));
}

#[test]
fn a_ban_that_does_not_fit() {
	broken_by(|| change(CAROL, |worker| worker.cheats = 1));
	broken_by(|| change(BOB, |worker| worker.state = WorkerState::Banned));
}

#[test]
fn a_banned_worker_with_a_bond() {
	broken_by(|| {
		Balances::hold(&HoldReason::Bond.into(), &CAROL, 5).unwrap();
		change(CAROL, |worker| worker.bond = 5);
	});
}

#[test]
fn a_worker_that_waits_for_itself() {
	broken_by(|| change(BOB, |worker| worker.operator = BOB));
}

#[test]
fn a_wrong_index_of_verifiers() {
	broken_by(|| VerifierCount::<Test>::put(2));
	broken_by(|| VerifierCount::<Test>::put(0));
	broken_by(|| VerifierNumber::<Test>::remove(ALICE));
	broken_by(|| VerifierNumber::<Test>::insert(DAVE, 1));
	broken_by(|| VerifierAt::<Test>::insert(0, BOB));
	broken_by(|| VerifierAt::<Test>::insert(1, BOB));
	broken_by(|| change(ALICE, |worker| worker.spec.roles.verifier = false));
	broken_by(|| change(BOB, |worker| worker.state = WorkerState::Active));
}

#[test]
fn unverified_pay_without_a_worker() {
	broken_by(|| UnverifiedPay::<Test>::insert(DAVE, 5));
	broken_by(|| UnverifiedPay::<Test>::insert(ALICE, 0));
}

fn change_report(harm: impl FnOnce(&mut Report<AccountId, u32>)) {
	LinkReports::<Test>::mutate(ALICE, |report| harm(report.as_mut().unwrap()));
}

#[test]
fn a_report_of_links_that_is_not_sound() {
	broken_by(|| {
		let report = LinkReports::<Test>::get(ALICE).unwrap();
		LinkReports::<Test>::insert(DAVE, report);
	});
	broken_by(|| change_report(|report| report.block = 2));
	broken_by(|| change_report(|report| report.links = probed(&[ALICE])));
	broken_by(|| change_report(|report| report.links = probed(&[BOB, BOB])));
	broken_by(|| change_report(|report| report.links[0].reading.rtt_us = 0));
}
