//! Damaged files and frames never make a reader panic, and never leave anything half-written.

mod checkpoint;

use checkpoint::Folder;
use dllm_fuzz::Campaign;
use dllm_model::{
	engine::{single, Fuser},
	manifest::Manifest,
	splitter::split,
};
use dllm_primitives::{
	commitment::{Opening, Roots},
	ids::Digest,
	model::Profile,
};
use dllm_worker::network::{
	dtype::Dtype,
	frame::{Ask, Frame, Open, Reason, Record, Rows, Side, MAX_FIRST},
};
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
			format!("{:?}", manifest.spec("none").map(|_| ()))
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
		let size = fuser.finish().graph.len();
		format!("{:?} {:?} {}", alone.map(|_| ()), fused, size > 0)
	});
	assert!(summary.outcomes > 5, "{summary:?}");
}

#[test]
fn frames() {
	let campaign = Campaign {
		name: "frame",
		seeds: sound_frames().iter().map(Frame::encode).collect(),
		words: &[],
		front: Some(100),
		inputs: 100_000,
	};
	let summary = campaign.run(|input| {
		let short = Frame::decode_within(input, MAX_FIRST).map(|_| ());
		match Frame::decode(input) {
			Ok(Some((frame, taken))) => {
				// One frame has one form, so that what is hashed is what was sent.
				assert_eq!(frame.encode(), input[..taken], "{frame:?}");
				format!("{:?} {short:?}", std::mem::discriminant(&frame))
			}
			Ok(None) => "incomplete".into(),
			Err(error) => error.to_string(),
		}
	});
	assert!(summary.outcomes > 15, "{summary:?}");
}

/// One frame of every kind.
fn sound_frames() -> Vec<Frame> {
	let digest = Digest::from([7; 32]);
	let roots = Roots {
		class: digest,
		weights: digest,
		input: digest,
		output: digest,
		result: digest,
		rows: 9,
	};
	let record = |opening| {
		Frame::Record(Box::new(Record {
			job_key: [1; 32],
			rows: 9,
			width: 64,
			dtype: Dtype::F32,
			opening,
		}))
	};
	vec![
		Frame::Open(Open {
			job: 5,
			boundary: 1,
			job_key: [2; 32],
			rows_ceiling: 100,
			width: 64,
			dtype: Dtype::F16,
		}),
		Frame::Ready,
		Frame::Rows(Rows {
			session: 5,
			position: 0,
			dtype: Dtype::F32,
			count: 2,
			payload: vec![3; 64].into(),
		}),
		Frame::Close { rows: 9 },
		Frame::Abort(Reason::Busy),
		Frame::Ask(Ask {
			job: 5,
			stage: 1,
			side: Side::Output,
		}),
		record(None),
		record(Some(Opening {
			salt: digest,
			roots,
		})),
		Frame::Want {
			hash: digest,
			offset: 4096,
		},
		Frame::Have { bytes: 1 << 20 },
		Frame::Chunk(vec![4; 50].into()),
	]
}
