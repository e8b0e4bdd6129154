//! What others may know of the catalogue.

use crate::mock::*;
use dllm_primitives::flow::ModelCatalog;
use frame_support::assert_ok;

#[test]
fn lists_every_model_by_number() {
	execute(|| {
		register(9);
		register(5);
		assert_ok!(Models::retire(signed(ALICE), 0));
		let listed: Vec<_> = Models::all()
			.into_iter()
			.map(|model| (model.id, model.spec))
			.collect();
		assert_eq!(listed, vec![(0, spec(9)), (1, spec(5))]);
	});
}

#[test]
fn does_not_know_what_was_never_registered() {
	execute(|| {
		assert!(Models::model(0).is_none());
		assert!(Models::active(0).is_none());
		assert!(Models::all().is_empty());
	});
}
