//! Sources that cannot be split: each says why, and nothing is left behind.

use crate::{
	checkpoints::{convert, copy, edit_json, model, read_tensors, write_tensors, Tensors},
	split_quietly,
};
use dllm_model::splitter::{split, SplitError};
use dllm_primitives::model::Profile;
use safetensors::Dtype;
use serde_json::json;
use std::{fs, path::Path};
use tempfile::tempdir;

/// Damages a copy of a model and gives the refusal, having checked that nothing was written.
fn refusal(damage: impl FnOnce(&Path)) -> SplitError {
	let folder = tempdir().unwrap();
	let source = copy("fixture-untied", folder.path());
	damage(&source);
	let error = split_quietly(&source, &folder.path().join("out")).unwrap_err();
	let left = fs::read_dir(folder.path())
		.unwrap()
		.map(|entry| entry.unwrap().file_name());
	assert_eq!(
		left.collect::<Vec<_>>(),
		["fixture-untied"],
		"after {error}"
	);
	error
}

/// The refusal of a changed configuration.
fn refusal_of_config(changes: serde_json::Value) -> SplitError {
	refusal(|source| edit_json(&source.join("config.json"), changes))
}

/// The refusal of changed weights.
fn refusal_of_weights(change: impl FnOnce(&mut Tensors)) -> SplitError {
	refusal(|source| {
		let mut tensors = read_tensors(source);
		change(&mut tensors);
		write_tensors(&source.join("model.safetensors"), &tensors);
	})
}

#[test]
fn no_config() {
	let error = refusal(|source| fs::remove_file(source.join("config.json")).unwrap());
	assert!(matches!(error, SplitError::NoConfig { .. }), "{error}");
}

#[test]
fn damaged_config() {
	let error = refusal(|source| fs::write(source.join("config.json"), "{").unwrap());
	assert!(
		matches!(
			error,
			SplitError::BadConfig {
				file: "config.json",
				..
			}
		),
		"{error}"
	);
}

#[test]
fn unsupported_architecture() {
	let error = refusal_of_config(json!({ "architectures": ["GPT2LMHeadModel"] }));
	assert!(error.to_string().contains("GPT2LMHeadModel"), "{error}");
	assert!(matches!(error, SplitError::UnsupportedArchitecture { .. }));
	let error = refusal_of_config(json!({ "architectures": null }));
	assert!(
		matches!(error, SplitError::UnsupportedArchitecture { .. }),
		"{error}"
	);
}

#[test]
fn unsupported_features() {
	for (changes, name) in [
		(json!({ "attention_bias": true }), "attention_bias"),
		(json!({ "mlp_bias": true }), "mlp_bias"),
		(json!({ "hidden_act": "gelu" }), "hidden_act"),
		(json!({ "partial_rotary_factor": 0.5 }), "partial_rotary"),
		(json!({ "quantization_config": {} }), "quantization_config"),
		(
			json!({ "rope_scaling": { "type": "dynamic", "factor": 2.0 } }),
			"dynamic",
		),
		(
			json!({ "rope_scaling": null, "rope_parameters": { "rope_type": "longrope" } }),
			"longrope",
		),
		(
			json!({ "rope_scaling": { "rope_type": "yarn", "factor": 4.0, "truncate": false } }),
			"truncate",
		),
		(
			json!({
				"architectures": ["MistralForCausalLM"], "sliding_window": 64,
				"layer_types": ["sliding_attention", "full_attention", "full_attention"],
			}),
			"layer_types",
		),
	] {
		let error = refusal_of_config(changes);
		assert!(
			matches!(error, SplitError::UnsupportedFeature { .. }),
			"{error}"
		);
		assert!(error.to_string().contains(name), "{error}");
	}
}

#[test]
fn implausible_shapes() {
	for changes in [
		json!({ "num_hidden_layers": 0 }),
		json!({ "num_hidden_layers": 257 }),
		json!({ "num_hidden_layers": 2_147_483_647 }),
		json!({ "hidden_size": 4_294_967_295u32 }),
		json!({ "intermediate_size": 4_294_967_295u32 }),
		json!({ "num_attention_heads": 4_294_967_294u32, "num_key_value_heads": 1 }),
		json!({ "head_dim": 4_294_967_280u32 }),
		json!({ "vocab_size": 4_294_967_295u32 }),
		json!({ "num_key_value_heads": 3 }),
		json!({ "head_dim": 15 }),
		json!({ "head_dim": 24 }),
		json!({ "rms_norm_eps": 0.0 }),
		json!({ "rope_theta": 0.5 }),
		json!({ "rope_theta": 1.0 }),
		json!({ "rope_scaling": { "rope_type": "linear" } }),
		json!({ "rope_scaling": { "rope_type": "linear", "factor": 0.5 } }),
		json!({ "rope_scaling": { "type": "yarn" } }),
		json!({ "rope_scaling": { "type": "yarn", "factor": 0.5 } }),
		json!({ "rope_scaling": { "type": "yarn", "factor": 2.0, "beta_fast": 0.5 } }),
		json!({ "rope_scaling": { "type": "yarn", "factor": 2.0, "attention_factor": 0.0 } }),
		json!({ "rope_scaling": {
			"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 4.0, "high_freq_factor": 1.0,
			"original_max_position_embeddings": 64,
		} }),
		json!({ "architectures": ["MistralForCausalLM"], "sliding_window": 0 }),
	] {
		let error = refusal_of_config(changes);
		assert!(matches!(error, SplitError::Implausible { .. }), "{error}");
	}
}

#[test]
fn no_weights() {
	let error = refusal(|source| fs::remove_file(source.join("model.safetensors")).unwrap());
	assert!(matches!(error, SplitError::NoWeights { .. }), "{error}");
}

#[test]
fn truncated_weights() {
	for keep in [0, 4, 100, 200_000] {
		let error = refusal(|source| {
			let path = source.join("model.safetensors");
			let bytes = fs::read(&path).unwrap();
			fs::write(&path, &bytes[..keep]).unwrap();
		});
		// An empty file cannot even be mapped on some systems.
		let refused = matches!(error, SplitError::BadWeights { .. } | SplitError::Io { .. });
		assert!(refused, "{keep}: {error}");
		assert!(error.to_string().contains("model.safetensors"), "{error}");
	}
}

#[test]
fn missing_tensor() {
	let name = "model.layers.1.mlp.up_proj.weight";
	let error = refusal_of_weights(|tensors| drop(tensors.remove(name)));
	assert!(matches!(error, SplitError::MissingTensor { .. }));
	assert!(error.to_string().contains(name), "{error}");
}

#[test]
fn untied_model_without_a_head() {
	let error = refusal_of_weights(|tensors| drop(tensors.remove("lm_head.weight")));
	assert!(error.to_string().contains("lm_head.weight"), "{error}");
}

#[test]
fn wrong_shape() {
	let error = refusal_of_weights(|tensors| {
		tensors
			.get_mut("model.layers.2.self_attn.k_proj.weight")
			.unwrap()
			.1
			.reverse();
	});
	assert!(matches!(error, SplitError::WrongShape { .. }), "{error}");
	assert!(error.to_string().contains("k_proj"), "{error}");
}

#[test]
fn weights_that_are_no_numbers() {
	for (bits, text) in [(half::f16::NAN, "NaN"), (half::f16::INFINITY, "inf")] {
		let error = refusal_of_weights(|tensors| {
			let data = &mut tensors.get_mut("model.norm.weight").unwrap().2;
			data[6..8].copy_from_slice(&bits.to_le_bytes());
		});
		assert!(
			matches!(error, SplitError::NotFinite { at: 3, .. }),
			"{error}"
		);
		assert!(error.to_string().contains(text), "{error}");
	}
}

#[test]
fn unsupported_type() {
	let error = refusal_of_weights(|tensors| {
		tensors.get_mut("model.norm.weight").unwrap().0 = Dtype::I16;
	});
	assert!(
		matches!(error, SplitError::UnsupportedType { .. }),
		"{error}"
	);
}

#[test]
fn no_tokenizer() {
	let error = refusal(|source| fs::remove_file(source.join("tokenizer.json")).unwrap());
	assert!(matches!(error, SplitError::NoTokenizer { .. }), "{error}");
}

#[test]
fn index_that_leaves_the_folder() {
	let error = refusal(|source| {
		let index = json!({ "weight_map": { "model.norm.weight": "../model.safetensors" } });
		fs::write(
			source.join("model.safetensors.index.json"),
			index.to_string(),
		)
		.unwrap();
	});
	assert!(matches!(error, SplitError::Implausible { .. }), "{error}");
}

#[test]
fn index_that_names_a_missing_file() {
	let missing = "model-00002-of-00002.safetensors";
	let error = refusal(|source| {
		let index = json!({ "weight_map": {
			"model.norm.weight": "model.safetensors", "lm_head.weight": missing,
		} });
		fs::write(
			source.join("model.safetensors.index.json"),
			index.to_string(),
		)
		.unwrap();
	});
	assert!(matches!(error, SplitError::NoWeights { .. }), "{error}");
	assert!(error.to_string().contains(missing), "{error}");
	assert!(error.to_string().contains("download"), "{error}");
}

#[test]
fn target_that_exists_is_left_alone() {
	let folder = tempdir().unwrap();
	let target = folder.path().join("out");
	fs::create_dir(&target).unwrap();
	fs::write(target.join("mine"), "keep").unwrap();
	let error = split_quietly(&model("fixture-tied"), &target).unwrap_err();
	assert!(matches!(error, SplitError::TargetExists { .. }), "{error}");
	assert_eq!(fs::read_to_string(target.join("mine")).unwrap(), "keep");
}

#[test]
fn weights_beyond_half_precision() {
	let folder = tempdir().unwrap();
	let source = copy("fixture-tied", folder.path());
	let mut tensors = convert(&read_tensors(&source), Dtype::F32);
	let name = "model.layers.1.mlp.up_proj.weight";
	tensors.get_mut(name).unwrap().2[4..8].copy_from_slice(&70_000f32.to_le_bytes());
	write_tensors(&source.join("model.safetensors"), &tensors);
	let target = folder.path().join("out");
	let error = split(&source, &target, Profile::F16, &mut |_| {}).unwrap_err();
	assert!(
		matches!(error, SplitError::LeavesHalf { at: 1, .. }),
		"{error}"
	);
	assert!(error.to_string().contains(name), "{error}");
	assert!(!target.exists());
}
