//! Retirement: the deposit is free, the record stays for open jobs, and gives its place away only later.

use crate::mock::*;
use dllm_primitives::{flow::ModelCatalog, model::ModelState};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn releases_the_deposit_and_keeps_the_record() {
	execute(|| {
		let model = register(5);
		assert_ok!(Models::activate(signed(ALICE), model));
		let deposit = held(ALICE);
		assert_ok!(Models::retire(signed(ALICE), model));

		assert_eq!(held(ALICE), 0);
		assert_eq!(Balances::free_balance(ALICE), FUNDS);
		assert!(Models::active(model).is_none());
		assert_eq!(Models::model(model).unwrap().state, ModelState::Retired);
		assert_eq!(
			last_event(),
			Event::Retired {
				model,
				released: deposit
			}
			.into()
		);
	});
}

#[test]
fn takes_a_proposed_model_too() {
	execute(|| {
		let model = register(5);
		assert_ok!(Models::retire(signed(ALICE), model));
		assert_eq!(held(ALICE), 0);
	});
}

#[test]
fn releases_one_deposit_of_several() {
	execute(|| {
		let model = register(5);
		register(6);
		assert_ok!(Models::retire(signed(ALICE), model));
		assert_eq!(held(ALICE), BASE + 4 * PER_SHARD);
	});
}

#[test]
fn is_for_the_owner_once() {
	execute(|| {
		let model = register(5);
		assert_noop!(
			Models::retire(RuntimeOrigin::root(), model),
			DispatchError::BadOrigin
		);
		assert_noop!(Models::retire(signed(BOB), model), Error::NotOwner);
		assert_noop!(Models::retire(signed(ALICE), model + 1), Error::NotFound);
		assert_ok!(Models::retire(signed(ALICE), model));
		assert_noop!(Models::retire(signed(ALICE), model), Error::AlreadyRetired);
	});
}

#[test]
fn frees_the_manifest_for_a_new_registration() {
	execute(|| {
		let model = register(5);
		assert_ok!(Models::retire(signed(ALICE), model));
		assert_ok!(Models::register(signed(BOB), spec(5)));
		assert_eq!(Models::model(model + 1).unwrap().owner, BOB);
	});
}

#[test]
fn makes_room_for_another_model_but_only_after_its_time() {
	execute(|| {
		for root in 0..MAX_MODELS {
			register(u64::from(root) + 5);
		}
		assert_ok!(Models::retire(signed(ALICE), 1));
		System::set_block_number(RETIRED_BLOCKS);
		assert_noop!(
			Models::register(signed(BOB), spec(100)),
			Error::CatalogueFull
		);

		System::set_block_number(RETIRED_BLOCKS + 1);
		assert_ok!(Models::register(signed(BOB), spec(100)));
		assert!(Models::model(1).is_none());
		assert!(Models::model(0).is_some());
		System::assert_has_event(Event::Forgotten { model: 1 }.into());
		// There is no second one to forget.
		assert_noop!(
			Models::register(signed(BOB), spec(101)),
			Error::CatalogueFull
		);
	});
}

#[test]
fn forgets_the_model_that_was_retired_first() {
	execute(|| {
		for root in 0..MAX_MODELS {
			register(u64::from(root) + 5);
		}
		assert_ok!(Models::retire(signed(ALICE), 2));
		System::set_block_number(2);
		assert_ok!(Models::retire(signed(ALICE), 0));
		System::set_block_number(RETIRED_BLOCKS + 2);
		assert_ok!(Models::register(signed(BOB), spec(100)));
		assert!(Models::model(2).is_none());
		assert!(Models::model(0).is_some());
	});
}
