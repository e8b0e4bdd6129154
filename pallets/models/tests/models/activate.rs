//! Activation: by the owner, once.

use crate::mock::*;
use dllm_primitives::flow::ModelCatalog;
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

#[test]
fn opens_the_model_for_plans_and_prompts() {
	execute(|| {
		let model = register(5);
		assert!(Models::active(model).is_none());
		assert_ok!(Models::activate(signed(ALICE), model));
		assert!(Models::active(model).is_some());
		assert_eq!(last_event(), Event::Activated { model }.into());
	});
}

#[test]
fn is_for_the_owner_of_a_known_model() {
	execute(|| {
		let model = register(5);
		assert_noop!(
			Models::activate(RuntimeOrigin::root(), model),
			DispatchError::BadOrigin
		);
		assert_noop!(Models::activate(signed(BOB), model), Error::NotOwner);
		assert_noop!(Models::activate(signed(ALICE), model + 1), Error::NotFound);
	});
}

#[test]
fn happens_once_and_never_after_retirement() {
	execute(|| {
		let model = register(5);
		assert_ok!(Models::activate(signed(ALICE), model));
		assert_noop!(Models::activate(signed(ALICE), model), Error::NotProposed);
		assert_ok!(Models::retire(signed(ALICE), model));
		assert_noop!(Models::activate(signed(ALICE), model), Error::NotProposed);
	});
}
