//! Angles of stretched models, beside figures of the published formula.

use crate::checkpoints::{copy, edit_json, model};
use dllm_model::{
	engine::{Engine, OrtEngine},
	manifest::{Manifest, ModelConfig, RopeScaling},
	splitter::{read_config, rope, split},
};
use dllm_primitives::model::{LayerRange, Profile};
use serde_json::{json, Value};
use tempfile::tempdir;

/// The configuration of a fixture with another stretching.
fn stretched(changes: Value) -> ModelConfig {
	let folder = tempdir().unwrap();
	let source = copy("fixture-tied", folder.path());
	edit_json(&source.join("config.json"), changes);
	read_config(&source).unwrap()
}

fn close(found: f64, expected: f64) -> bool {
	(found / expected - 1.0).abs() < 1e-12
}

/// Formula of YaRN (arXiv:2309.00071, sections 3.2 and 3.4), in double precision in Python.
#[test]
fn yarn_keeps_fast_angles_and_divides_slow_ones() {
	let config = stretched(json!({
		"rope_theta": 10_000.0,
		"rope_scaling": {
			"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 64,
		},
	}));
	let expected = [
		1.0,
		0.22399466759526024,
		0.04166666666666667,
		0.003952847075210474,
		0.00125,
		0.0003952847075210474,
		0.000125,
		3.952847075210474e-05,
	];
	let found = rope::frequencies(&config);
	assert_eq!(found.len(), expected.len());
	for (found, expected) in found.into_iter().zip(expected) {
		assert!(close(found, expected), "{found} instead of {expected}");
	}
	assert_eq!(rope::magnitude(&config), 1.207944154);
	let (cos, _) = rope::tables(&config);
	assert_eq!(cos[0], 1.2079442);
}

/// The shape and stretching that Qwen2.5 publishes for long texts.
#[test]
fn yarn_of_a_wide_head() {
	let config = ModelConfig {
		head_dim: 128,
		..stretched(json!({
			"rope_theta": 1_000_000.0,
			"rope_scaling": {
				"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32_768,
			},
		}))
	};
	let found = rope::frequencies(&config);
	for (pair, expected) in [
		(0, 1.0),
		(20, 0.01333521432163324),
		(30, 0.001064360981247002),
		(40, 4.445698525097307e-05),
		(50, 5.133812566142866e-06),
		(63, 3.102344401879299e-07),
	] {
		assert!(close(found[pair], expected), "pair {pair}: {}", found[pair]);
	}
	assert_eq!(rope::magnitude(&config), 1.138629436);
}

#[test]
fn magnitudes_of_yarn_may_be_given() {
	let magnitude = |changes: Value| {
		let mut yarn = json!({ "rope_type": "yarn", "factor": 4.0 });
		yarn.as_object_mut()
			.unwrap()
			.extend(changes.as_object().unwrap().clone());
		let config = stretched(json!({ "rope_scaling": yarn }));
		let RopeScaling::Yarn {
			original_context, ..
		} = config.rope_scaling
		else {
			panic!("{:?}", config.rope_scaling);
		};
		// Where nothing else is given, the context is the original one.
		assert_eq!(original_context, 1_024);
		rope::magnitude(&config)
	};
	assert_eq!(magnitude(json!({ "attention_factor": 1.5 })), 1.5);
	assert_eq!(
		magnitude(json!({ "mscale": 0.7, "mscale_all_dim": 0.7 })),
		1.0
	);
	let both = magnitude(json!({ "mscale": 2.0, "mscale_all_dim": 1.0 }));
	assert!((both - 1.277258872223978 / 1.138629436111989).abs() < 1e-9);
}

/// Every shard of a stretched model is run and compared with the plain forward pass.
#[test]
fn a_model_with_yarn_is_split_and_verified() {
	let folder = tempdir().unwrap();
	let source = copy("fixture-tied", folder.path());
	let yarn = json!({ "type": "yarn", "factor": 8.0, "original_max_position_embeddings": 64 });
	edit_json(&source.join("config.json"), json!({ "rope_scaling": yarn }));
	let [plain, to] = ["plain", "stretched"].map(|name| folder.path().join(name));
	let plain = split(&model("fixture-tied"), &plain, Profile::Exact, &mut |_| {}).unwrap();
	let stretched = split(&source, &to, Profile::Exact, &mut |_| {}).unwrap();
	assert_eq!(plain.head.blake3, stretched.head.blake3);
	assert_ne!(plain.layers[0].blake3, stretched.layers[0].blake3);
	// Readers build the tables anew from what the manifest says, to the bit.
	assert_eq!(Manifest::load(&to).unwrap(), stretched);
	let range = LayerRange { start: 0, end: 4 };
	OrtEngine::load(&stretched, &to, range, u64::MAX).unwrap();
}
