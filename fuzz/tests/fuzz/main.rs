//! Damaged files never make a reader panic, and never leave anything half-written.
//!
//! Damaged frames are with the worker's own tests, so that this target compiles without it.

mod checkpoint;

use checkpoint::Folder;
use dllm_fuzz::Campaign;
use dllm_model::{
	engine::{single, Fuser},
	manifest::Manifest,
	splitter::split,
};
use dllm_primitives::model::Profile;
use std::fs;

#[test]
fn manifests() {
	let folder = Folder::new();
	let target = folder.path().join("split");
	split(folder.path(), &target, Profile::F32, &mut |_| {}).unwrap();
	let sound = fs::read(target.join("manifest.json")).unwrap();
	Manifest::from_bytes(&sound).unwrap();
	let campaign = Campaign {
		name: "manifest",
		seeds: vec![sound],
		words: &[
			"{",
			"}",
			"[",
			"]",
			"\"",
			",",
			":",
			"null",
			"true",
			"\"exact\"",
			"../",
			"\\u0000",
		],
		front: None,
		inputs: 20_000,
	};
	let summary = campaign.run(|input| match Manifest::from_bytes(input) {
		Ok(manifest) => {
			let files = manifest.shards().map(|shard| &shard.file);
			assert!(files.into_iter().all(|file| !file.contains(['/', '\\'])));
			format!("{:?}", manifest.spec("none", None).map(|_| ()))
		}
		Err(error) => error.to_string(),
	});
	assert!(summary.outcomes > 20, "{summary:?}");
}

#[test]
fn weights() {
	let folder = Folder::new();
	let campaign = Campaign {
		name: "weights",
		seeds: vec![folder.read("model.safetensors")],
		words: &[
			"F32",
			"F16",
			"BF16",
			"I8",
			"[0,0]",
			"\"shape\"",
			"data_offsets",
			"{",
			"}",
			",",
		],
		front: Some(3000),
		inputs: 300,
	};
	let summary = campaign.run(|input| folder.split_with("model.safetensors", input));
	assert!(summary.outcomes > 5, "{summary:?}");
}

#[test]
fn indices_of_weights() {
	let folder = Folder::new();
	folder.shard_weights();
	let campaign = Campaign {
		name: "index",
		seeds: vec![folder.read("model.safetensors.index.json")],
		words: &[
			"../",
			"/",
			"{",
			"}",
			"\"",
			"model.safetensors",
			"\\u0000",
			"config.json",
		],
		front: None,
		inputs: 300,
	};
	let summary = campaign.run(|input| folder.split_with("model.safetensors.index.json", input));
	assert!(summary.outcomes > 5, "{summary:?}");
}

#[test]
fn configurations() {
	let folder = Folder::new();
	let campaign = Campaign {
		name: "config",
		seeds: vec![folder.read("config.json")],
		words: &[
			"\"rope_scaling\":",
			"\"sliding_window\":",
			"\"head_dim\":",
			"\"Qwen3ForCausalLM\"",
			"\"MistralForCausalLM\"",
			"\"Qwen2ForCausalLM\"",
			"{\"rope_type\":\"llama3\",\"factor\":0}",
			"null",
			"true",
			"{",
			"}",
			",",
		],
		front: None,
		inputs: 300,
	};
	let summary = campaign.run(|input| folder.split_with("config.json", input));
	assert!(summary.outcomes > 5, "{summary:?}");
}

#[test]
fn shards() {
	let folder = Folder::new();
	let target = folder.path().join("split");
	split(folder.path(), &target, Profile::F32, &mut |_| {}).unwrap();
	let seeds = ["layer-000.onnx", "embed.onnx", "head.onnx"]
		.map(|file| fs::read(target.join(file)).unwrap());
	let campaign = Campaign {
		name: "shard",
		seeds: seeds.to_vec(),
		words: &[
			"hidden_in",
			"hidden_out",
			"com.microsoft",
			"rope.cos",
			"location",
		],
		front: Some(4000),
		inputs: 3_000,
	};
	let summary = campaign.run(|input| {
		let alone = single("shard.onnx", input.to_vec());
		let mut fuser = Fuser::default();
		let fused = (0..2).try_for_each(|layer| fuser.push(layer, "shard.onnx", input.to_vec()));
		let size = fuser.finish().map_or(0, |model| model.graph.len());
		format!("{:?} {:?} {}", alone.map(|_| ()), fused, size > 0)
	});
	assert!(summary.outcomes > 5, "{summary:?}");
}
