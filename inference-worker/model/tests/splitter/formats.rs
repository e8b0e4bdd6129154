//! What the formats store: sizes, values, and places in the file.

use crate::checkpoints::{model, read_tensors, values};
use dllm_model::splitter::{
	onnx::{ModelProto, TensorProto, FLOAT, FLOAT16, UINT8},
	split,
};
use dllm_primitives::model::Profile;
use prost::Message;
use std::{fs, path::Path};
use tempfile::tempdir;

/// The constants of a shard of a freshly split fixture.
fn tensors(profile: Profile, file: &str) -> Vec<TensorProto> {
	let folder = tempdir().unwrap();
	let target = folder.path().join("out");
	split(&model("fixture-tied"), &target, profile, &mut |_| {}).unwrap();
	decode(&target.join(file)).graph.unwrap().initializer
}

fn decode(path: &Path) -> ModelProto {
	ModelProto::decode(fs::read(path).unwrap().as_slice()).unwrap()
}

fn named<'a>(tensors: &'a [TensorProto], name: &str) -> &'a TensorProto {
	tensors.iter().find(|tensor| tensor.name == name).unwrap()
}

fn floats(tensor: &TensorProto) -> Vec<f32> {
	assert_eq!(tensor.data_type, FLOAT);
	let raw = tensor.raw_data.clone().unwrap();
	raw.chunks_exact(4)
		.map(|b| f32::from_le_bytes(b.try_into().unwrap()))
		.collect()
}

/// The weights that codes and scales stand for, `[outputs, inputs]`.
fn dequantised(tensors: &[TensorProto], name: &str, bits: u8, inputs: usize) -> Vec<f32> {
	let codes = named(tensors, name);
	assert_eq!(codes.data_type, UINT8);
	let scales = floats(named(tensors, &format!("{name}.scales")));
	let raw = codes.raw_data.clone().unwrap();
	let codes: Vec<f32> = match bits {
		4 => raw
			.iter()
			.flat_map(|pair| [pair & 15, pair >> 4])
			.map(|code| f32::from(code) - 8.0)
			.collect(),
		_ => raw.iter().map(|code| f32::from(*code) - 128.0).collect(),
	};
	let values = codes
		.chunks(32)
		.zip(&scales)
		.flat_map(|(block, scale)| block.iter().map(move |code| code * scale));
	let padded = inputs.div_ceil(32) * 32;
	let values = values.collect::<Vec<_>>();
	values
		.chunks(padded)
		.flat_map(|row| row[..inputs].to_vec())
		.collect()
}

#[test]
fn blocks_stay_within_half_a_step() {
	let source = read_tensors(&model("fixture-tied"));
	let weights = values(&source, "model.layers.1.mlp.down_proj.weight");
	for (profile, bits) in [(Profile::Int8, 8), (Profile::Int4, 4)] {
		let tensors = tensors(profile, "layer-001.onnx");
		let found = dequantised(&tensors, "layer.1.down.weight", bits, 160);
		assert_eq!(found.len(), weights.len());
		for (found, expected) in found.chunks(32).zip(weights.chunks(32)) {
			let largest = expected
				.iter()
				.fold(0f32, |max, value| max.max(value.abs()));
			let step = largest / f32::from(1u8 << (bits - 1));
			for (found, expected) in found.iter().zip(expected) {
				// The code above the middle's far end does not exist: one whole step is lost there.
				let allowed = if expected.abs() > largest - step {
					1.01
				} else {
					0.51
				} * step;
				assert!((found - expected).abs() <= allowed, "{found} {expected}");
			}
			// The value of largest magnitude is kept as it is, up to the rounding of the scale.
			let at = expected
				.iter()
				.position(|value| value.abs() == largest)
				.unwrap();
			assert!((found[at] - expected[at]).abs() <= largest * 1e-6);
		}
	}
}

#[test]
fn a_last_block_may_be_short() {
	// Rows of 48 values: a block of 32 and one of 16.
	let folder = tempdir().unwrap();
	let target = folder.path().join("out");
	let source = model("fixture-qwen3");
	split(&source, &target, Profile::Int8, &mut |_| {}).unwrap();
	let tensors = decode(&target.join("layer-000.onnx"))
		.graph
		.unwrap()
		.initializer;
	let found = dequantised(&tensors, "layer.0.gate.weight", 8, 48);
	let expected = values(
		&read_tensors(&source),
		"model.layers.0.mlp.gate_proj.weight",
	);
	let error = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
	assert!(error.fold(0f32, f32::max) < 0.01);
}

#[test]
fn embeddings_of_quantised_models_stay_in_half_precision() {
	let source = values(
		&read_tensors(&model("fixture-tied")),
		"model.embed_tokens.weight",
	);
	for profile in [Profile::F16, Profile::Int8, Profile::Int4] {
		let tensors = tensors(profile, "embed.onnx");
		let table = named(&tensors, "model.embed_tokens.weight");
		assert_eq!(table.data_type, FLOAT16);
		let raw = table.raw_data.clone().unwrap();
		let halves = raw
			.chunks_exact(2)
			.map(|b| half::f16::from_le_bytes([b[0], b[1]]).to_f32());
		// The fixture itself is stored in half precision, so nothing is lost.
		assert_eq!(halves.collect::<Vec<_>>(), source);
	}
}

#[test]
fn constants_begin_at_multiples_of_64() {
	let folder = tempdir().unwrap();
	let target = folder.path().join("out");
	split(&model("fixture-tied"), &target, Profile::Int4, &mut |_| {}).unwrap();
	let mut checked = 0;
	for entry in fs::read_dir(&target).unwrap() {
		let path = entry.unwrap().path();
		if path.extension().is_none_or(|extension| extension != "onnx") {
			continue;
		}
		let bytes = prost::bytes::Bytes::from(fs::read(&path).unwrap());
		let model = ModelProto::decode(bytes.clone()).unwrap();
		for tensor in model.graph.unwrap().initializer {
			let data = tensor.raw_data.unwrap();
			let offset = data.as_ptr() as usize - bytes.as_ptr() as usize;
			assert_eq!(offset % 64, 0, "{path:?} {}", tensor.name);
			checked += 1;
		}
	}
	assert!(checked > 4 * 10, "{checked}");
}
