//! Models: what can be true, and what a stage of one costs.

use crate::specimens::{model, shard};
use dllm_primitives::{
	model::{LayerRange, ModelConstants, ModelSpec, Profile},
	trace::{Layer, Shape},
};
use proptest::prelude::*;

proptest! {
	#[test]
	fn stages_that_cover_a_model_cost_what_its_shards_cost(layers in 1..100u16, cut in 0..100u16) {
		let model = model(layers);
		let cut = cut.min(layers);
		let part = |start, end| model.stage_flops(LayerRange { start, end }, false);
		let all: u64 = model.layers.iter().map(|layer| layer.flops_per_token).sum();
		prop_assert_eq!(part(0, cut) + part(cut, layers), all);
		let entry = model.stage_flops(LayerRange::default(), true);
		prop_assert_eq!(entry, shard(1_000).flops_per_token + shard(2_000).flops_per_token);
	}

	#[test]
	fn a_range_that_leaves_the_model_has_no_shards(layers in 1..100u16, start: u16, end: u16) {
		let model = model(layers);
		let range = LayerRange { start, end };
		let inside = start <= end && end <= layers;
		let expected = if inside { usize::from(range.len()) } else { 0 };
		prop_assert_eq!(model.segment(range).len(), expected);
		prop_assert_eq!(range.is_empty(), end <= start);
	}
}

#[test]
fn a_model_without_readable_names_is_not_plausible() {
	assert!(model(2).is_plausible());
	assert!(ModelSpec {
		licence: Default::default(),
		..model(2)
	}
	.is_plausible());
	let unreadable = vec![0xff];
	let name = unreadable.clone().try_into().unwrap();
	assert!(!ModelSpec { name, ..model(2) }.is_plausible());
	let licence = unreadable.try_into().unwrap();
	assert!(!ModelSpec {
		licence,
		..model(2)
	}
	.is_plausible());
	assert!(!ModelSpec {
		name: Default::default(),
		..model(2)
	}
	.is_plausible());
}

#[test]
fn constants_stand_for_every_layer_of_an_exact_model_and_of_no_other() {
	let constants = |layers, hidden| {
		let shape = Shape {
			hidden,
			heads: 4,
			kv_heads: 2,
			head_dim: 16,
			inner: 128,
			bias: false,
			head_norm: false,
			epsilon: 0,
			factor: 0,
		};
		let layers = vec![Layer::default(); layers].try_into().unwrap();
		Some(ModelConstants { shape, layers })
	};
	let plausible = |profile, constants| {
		let spec = ModelSpec {
			profile,
			constants,
			..model(2)
		};
		spec.is_plausible()
	};
	assert!(plausible(Profile::Exact, constants(2, 64)));
	assert!(plausible(Profile::Exact, None));
	assert!(!plausible(Profile::F32, constants(2, 64)));
	assert!(!plausible(Profile::Exact, constants(1, 64)));
	assert!(!plausible(Profile::Exact, constants(2, 65)));
}
