//! Every invariant, broken once: try-state must say so.

use crate::mock::*;
use dllm_primitives::{ids::Digest, model::ModelState};
use frame_support::{assert_ok, traits::fungible::MutateHold};
use pallet_models::{
	AdapterOf, AdapterRetirements, Adapters, Deposits, HoldReason, ModelOf, NextAdapter, NextModel,
	Retirements,
};

/// Breaks the state of a catalogue with model 0 active and model 1 retired, and two adapters of model 0, the
/// second one retired; expects a complaint.
fn broken_by(harm: fn()) {
	execute(|| {
		register(5);
		register(6);
		assert_ok!(Models::activate(signed(ALICE), 0));
		register_adapter(0, 20);
		register_adapter(0, 21);
		assert_ok!(Models::retire_adapter(signed(BOB), 1));
		assert_ok!(Models::retire(signed(ALICE), 1));
		assert_ok!(Models::do_try_state());
		let _ = frame_support::storage::with_transaction(|| {
			harm();
			assert!(Models::do_try_state().is_err());
			frame_support::storage::TransactionOutcome::Rollback(
				Ok::<_, sp_runtime::DispatchError>(()),
			)
		});
	});
}

fn set_state(id: u32, state: ModelState) {
	pallet_models::Models::<Test>::mutate(id, |model| model.as_mut().unwrap().state = state);
}

#[test]
fn a_number_beyond_the_next() {
	broken_by(|| NextModel::<Test>::put(1));
}

#[test]
fn an_implausible_model() {
	broken_by(|| {
		pallet_models::Models::<Test>::mutate(0, |model| {
			model.as_mut().unwrap().spec.max_context = 0
		})
	});
}

#[test]
fn a_state_that_does_not_fit_the_indices() {
	broken_by(|| set_state(0, ModelState::Retired));
	broken_by(|| set_state(1, ModelState::Active));
}

#[test]
fn a_manifest_root_without_a_model() {
	broken_by(|| ModelOf::<Test>::insert(Digest::from_low_u64_be(77), 9));
	broken_by(|| ModelOf::<Test>::remove(Digest::from_low_u64_be(5)));
}

#[test]
fn a_deposit_without_a_model_or_a_hold() {
	broken_by(|| Deposits::<Test>::insert(9, 1));
	broken_by(|| Deposits::<Test>::insert(0, 1));
	broken_by(|| Deposits::<Test>::remove(0));
	broken_by(|| Balances::hold(&HoldReason::ModelDeposit.into(), &ALICE, 1).unwrap());
}

#[test]
fn a_wrong_list_of_retirements() {
	broken_by(Retirements::<Test>::kill);
	broken_by(|| Retirements::<Test>::mutate(|list| list.try_push((1, 0)).unwrap()));
	broken_by(|| Retirements::<Test>::mutate(|list| list.try_push((9, 5)).unwrap()));
}

fn change_adapter(id: u32, change: fn(&mut dllm_primitives::model::Adapter<AccountId>)) {
	Adapters::<Test>::mutate(id, |adapter| change(adapter.as_mut().unwrap()));
}

#[test]
fn an_adapter_of_a_wrong_number_or_an_unknown_model() {
	broken_by(|| NextAdapter::<Test>::put(1));
	broken_by(|| change_adapter(0, |adapter| adapter.id = 1));
	broken_by(|| change_adapter(0, |adapter| adapter.model = 9));
	broken_by(|| change_adapter(0, |adapter| adapter.spec.rank = 0));
}

#[test]
fn an_adapter_that_does_not_fit_the_indices() {
	broken_by(|| change_adapter(0, |adapter| adapter.retired = true));
	broken_by(|| change_adapter(1, |adapter| adapter.retired = false));
	broken_by(|| AdapterOf::<Test>::insert(Digest::from_low_u64_be(77), 9));
	broken_by(|| AdapterOf::<Test>::remove(Digest::from_low_u64_be(20)));
	broken_by(AdapterRetirements::<Test>::kill);
	broken_by(|| AdapterRetirements::<Test>::mutate(|list| list.try_push((1, 0)).unwrap()));
}

#[test]
fn a_deposit_for_an_adapter_that_is_not_on_hold() {
	broken_by(|| Balances::hold(&HoldReason::AdapterDeposit.into(), &BOB, 1).unwrap());
}
