//! Registration: deposit, plausibility, one model per manifest root, a bounded catalogue.

use crate::mock::*;
use dllm_primitives::{
	ids::Digest,
	model::{ModelSpec, ModelState, Shard},
};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::{DispatchError, TokenError};

#[test]
fn holds_the_deposit_and_proposes_the_model() {
	execute(|| {
		assert_ok!(Models::register(signed(ALICE), spec(5)));

		let model = pallet_models::Models::<Test>::get(0).unwrap();
		assert_eq!(model.owner, ALICE);
		assert_eq!(model.state, ModelState::Proposed);
		assert_eq!(model.spec, spec(5));
		// Two layers, embedding and head.
		assert_eq!(held(ALICE), BASE + 4 * PER_SHARD);
		let manifest_root = Digest::from_low_u64_be(5);
		let event = Event::Registered {
			model: 0,
			owner: ALICE,
			manifest_root,
		};
		assert_eq!(last_event(), event.into());
	});
}

#[test]
fn deposits_of_one_owner_add_up() {
	execute(|| {
		assert_eq!((register(5), register(6)), (0, 1));
		assert_eq!(held(ALICE), 2 * (BASE + 4 * PER_SHARD));
	});
}

#[test]
fn needs_an_account_that_can_pay() {
	execute(|| {
		assert_noop!(
			Models::register(RuntimeOrigin::root(), spec(5)),
			DispatchError::BadOrigin
		);
		assert_noop!(
			Models::register(signed(POOR), spec(5)),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn refuses_what_cannot_be_true() {
	let spoils: [fn(&mut ModelSpec); 11] = [
		|spec| spec.name = Default::default(),
		|spec| spec.name = vec![0xff].try_into().unwrap(),
		|spec| spec.licence = vec![0xff].try_into().unwrap(),
		|spec| spec.manifest_root = Digest::zero(),
		|spec| spec.hidden_size = 0,
		|spec| spec.max_context = 0,
		|spec| spec.layers = Default::default(),
		|spec| spec.embed = Shard::default(),
		|spec| spec.head.bytes = 0,
		|spec| spec.layers[1].hash = Digest::zero(),
		|spec| spec.layers[0].flops_per_token = 0,
	];
	execute(|| {
		for spoil in spoils {
			let mut spoiled = spec(5);
			spoil(&mut spoiled);
			assert_noop!(Models::register(signed(ALICE), spoiled), Error::Implausible);
		}
	});
}

#[test]
fn refuses_a_second_model_with_the_same_manifest() {
	execute(|| {
		register(5);
		assert_noop!(
			Models::register(signed(BOB), spec(5)),
			Error::AlreadyRegistered
		);
	});
}

#[test]
fn refuses_more_models_than_the_bound() {
	execute(|| {
		for root in 0..MAX_MODELS {
			register(u64::from(root) + 5);
		}
		assert_noop!(
			Models::register(signed(BOB), spec(100)),
			Error::CatalogueFull
		);
	});
}

#[test]
fn never_gives_a_number_twice() {
	execute(|| {
		pallet_models::NextModel::<Test>::put(u32::MAX);
		assert_noop!(
			Models::register(signed(ALICE), spec(5)),
			DispatchError::Arithmetic(sp_runtime::ArithmeticError::Overflow)
		);
	});
}
