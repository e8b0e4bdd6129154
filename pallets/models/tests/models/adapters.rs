//! Adapters: registered for one model of a float profile, by anybody with a deposit, and retired by who did.

use crate::mock::*;
use dllm_primitives::{
	flow::ModelCatalog,
	ids::Digest,
	model::{AdapterSpec, Profile, MAX_ADAPTER_RANK},
};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, TokenError};

#[test]
fn anybody_registers_one_for_a_deposit() {
	execute(|| {
		let model = register(5);
		assert_ok!(Models::register_adapter(signed(BOB), model, adapter(20)));
		let stored = Models::adapter(0).unwrap();
		assert_eq!((stored.id, stored.model, stored.owner), (0, model, BOB));
		assert_eq!((stored.retired, stored.spec), (false, adapter(20)));
		assert_eq!((held_for_adapters(BOB), held(BOB)), (ADAPTER_DEPOSIT, 0));
		let event = Event::AdapterRegistered {
			adapter: 0,
			model,
			owner: BOB,
			manifest_root: Digest::from_low_u64_be(20),
		};
		assert_eq!(last_event(), event.into());
		// Another one gets the next number.
		assert_eq!(register_adapter(model, 21), 1);
		let numbers = Models::all_adapters().into_iter().map(|adapter| adapter.id);
		assert_eq!(numbers.collect::<Vec<_>>(), [0, 1]);
	});
}

#[test]
fn needs_an_account_that_can_pay() {
	execute(|| {
		let model = register(5);
		let root = RuntimeOrigin::root();
		assert_noop!(
			Models::register_adapter(root, model, adapter(20)),
			DispatchError::BadOrigin
		);
		assert_noop!(
			Models::register_adapter(signed(POOR), model, adapter(20)),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn refuses_what_cannot_be_true() {
	let spoils: [fn(&mut AdapterSpec); 7] = [
		|spec| spec.name = Default::default(),
		|spec| spec.name = vec![0xff].try_into().unwrap(),
		|spec| spec.licence = vec![0xff].try_into().unwrap(),
		|spec| spec.manifest_root = Digest::zero(),
		|spec| spec.rank = 0,
		|spec| spec.rank = MAX_ADAPTER_RANK + 1,
		|spec| spec.bytes = 0,
	];
	execute(|| {
		let model = register(5);
		for spoil in spoils {
			let mut spoiled = adapter(20);
			spoil(&mut spoiled);
			assert_noop!(
				Models::register_adapter(signed(BOB), model, spoiled),
				Error::AdapterImplausible
			);
		}
		let mut widest = adapter(20);
		widest.rank = MAX_ADAPTER_RANK;
		assert_ok!(Models::register_adapter(signed(BOB), model, widest));
	});
}

#[test]
fn its_model_is_known_not_retired_and_not_exact() {
	execute(|| {
		let asked = |model| Models::register_adapter(signed(BOB), model, adapter(20));
		assert_noop!(asked(0), Error::NotFound);

		let mut exact = spec(5);
		exact.profile = Profile::Exact;
		assert_ok!(Models::register(signed(ALICE), exact));
		assert_noop!(asked(0), Error::ExactModel);

		register(6);
		assert_ok!(Models::retire(signed(ALICE), 1));
		assert_noop!(asked(1), Error::AlreadyRetired);
	});
}

#[test]
fn a_root_is_registered_once_at_a_time() {
	execute(|| {
		let (one, other) = (register(5), register(6));
		let adapter_id = register_adapter(one, 20);
		assert_noop!(
			Models::register_adapter(signed(ALICE), other, adapter(20)),
			Error::AdapterAlreadyRegistered
		);
		assert_ok!(Models::retire_adapter(signed(BOB), adapter_id));
		assert_ok!(Models::register_adapter(signed(ALICE), other, adapter(20)));
	});
}

#[test]
fn never_gives_a_number_twice() {
	execute(|| {
		let model = register(5);
		pallet_models::NextAdapter::<Test>::put(u32::MAX);
		assert_noop!(
			Models::register_adapter(signed(BOB), model, adapter(20)),
			DispatchError::Arithmetic(sp_runtime::ArithmeticError::Overflow)
		);
	});
}

#[test]
fn retirement_is_for_the_owner_once_and_releases_the_deposit() {
	execute(|| {
		let model = register(5);
		let id = register_adapter(model, 20);
		let root = RuntimeOrigin::root();
		assert_noop!(Models::retire_adapter(root, id), DispatchError::BadOrigin);
		// Not even the owner of the model.
		assert_noop!(
			Models::retire_adapter(signed(ALICE), id),
			Error::AdapterNotOwner
		);
		assert_noop!(
			Models::retire_adapter(signed(BOB), id + 1),
			Error::AdapterNotFound
		);
		assert_ok!(Models::retire_adapter(signed(BOB), id));
		let released = ADAPTER_DEPOSIT;
		let event = Event::AdapterRetired {
			adapter: id,
			released,
		};
		assert_eq!(last_event(), event.into());
		assert_eq!(held_for_adapters(BOB), 0);
		assert!(Models::adapter(id).unwrap().retired);
		assert_noop!(
			Models::retire_adapter(signed(BOB), id),
			Error::AdapterAlreadyRetired
		);
	});
}

#[test]
fn outlives_its_model_and_can_still_be_retired() {
	execute(|| {
		let model = register(5);
		let id = register_adapter(model, 20);
		assert_ok!(Models::retire(signed(ALICE), model));
		assert_ok!(Models::retire_adapter(signed(BOB), id));
		assert_eq!(held_for_adapters(BOB), 0);
	});
}

#[test]
fn makes_room_for_another_but_only_after_its_time() {
	execute(|| {
		let model = register(5);
		for root in 0..MAX_ADAPTERS {
			register_adapter(model, u64::from(root) + 20);
		}
		let another = || Models::register_adapter(signed(ALICE), model, adapter(100));
		assert_noop!(another(), Error::AdaptersFull);
		assert_ok!(Models::retire_adapter(signed(BOB), 1));
		System::set_block_number(RETIRED_BLOCKS);
		assert_noop!(another(), Error::AdaptersFull);

		System::set_block_number(RETIRED_BLOCKS + 1);
		assert_ok!(another());
		assert!(Models::adapter(1).is_none());
		assert!(Models::adapter(0).is_some());
		System::assert_has_event(Event::AdapterForgotten { adapter: 1 }.into());
	});
}
