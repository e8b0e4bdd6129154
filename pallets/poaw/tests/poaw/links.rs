//! Workers and validators tie themselves to each other.

use crate::mock::*;
use dllm_primitives::flow::WorkLedger;
use frame_support::{assert_noop, assert_ok};
use pallet_poaw::{Ledger, LinkState, Links};

fn propose(worker: AccountId, validator: AccountId) -> sp_runtime::DispatchResult {
	Poaw::propose_link(RuntimeOrigin::signed(worker), validator)
}

fn accept(validator: AccountId, worker: AccountId) -> sp_runtime::DispatchResult {
	Poaw::accept_link(RuntimeOrigin::signed(validator), worker)
}

fn end(party: AccountId, worker: AccountId) -> sp_runtime::DispatchResult {
	Poaw::end_link(RuntimeOrigin::signed(party), worker)
}

#[test]
fn a_link_takes_both_sides_and_a_deposit() {
	execute(|| {
		assert_ok!(propose(WORKER, 1));
		assert_eq!(free(WORKER), FUNDS - LINK_DEPOSIT);
		assert_noop!(accept(2, WORKER), Error::NotProposed);
		assert_ok!(accept(1, WORKER));
		assert_eq!(
			Links::<Test>::get(WORKER).unwrap().state,
			LinkState::Standing
		);
		assert_noop!(accept(1, WORKER), Error::NotProposed);
		assert_noop!(accept(1, OTHER), Error::NotProposed);
		assert_noop!(propose(WORKER, 2), Error::AlreadyLinked);
	});
}

#[test]
fn who_cannot_pay_the_deposit_is_not_linked() {
	execute(|| {
		assert!(propose(200, 1).is_err());
		assert!(!Links::<Test>::contains_key(200));
	});
}

#[test]
fn a_proposal_is_withdrawn_or_refused_at_once() {
	execute(|| {
		for party in [WORKER, 1] {
			assert_ok!(propose(WORKER, 1));
			assert_noop!(end(2, WORKER), Error::NotParty);
			assert_ok!(end(party, WORKER));
			assert_eq!(free(WORKER), FUNDS);
		}
		assert_noop!(end(WORKER, WORKER), Error::NotLinked);
	});
}

#[test]
fn an_ended_link_still_answers_for_what_was_done_under_it() {
	execute(|| {
		link(WORKER, 1);
		Poaw::credit(1_000, &[(WORKER, 1)]);
		assert_ok!(end(WORKER, WORKER));
		assert_noop!(end(1, WORKER), Error::AlreadyEnding);

		Poaw::credit(1_000, &[(WORKER, 1)]);
		assert_eq!(
			Ledger::<Test>::get(1).earned,
			1_000,
			"no work counts any more"
		);
		turns(NOTICE - 1);
		Poaw::convict(&WORKER);
		assert_eq!(Ledger::<Test>::get(1).at_close(1, rules().decay), 0);
	});
}

#[test]
fn a_link_is_gone_when_its_notice_has_run_out() {
	execute(|| {
		link(WORKER, 1);
		Poaw::credit(1_000, &[(WORKER, 1)]);
		assert_ok!(end(1, WORKER));
		turns(NOTICE);
		Poaw::convict(&WORKER);
		assert!(Ledger::<Test>::get(1).earned > 0);
		assert_ok!(end(1, WORKER));
		assert_eq!(free(WORKER), FUNDS);
		assert_ok!(propose(WORKER, 2));
	});
}
