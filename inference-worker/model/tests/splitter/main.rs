//! The splitter: same bytes twice, every form of source, every refusal; and the manifest's refusals.

mod checkpoints;
mod formats;
mod interrupted;
mod manifests;
mod math;
mod measured;
mod refusals;
mod stretched;

use checkpoints::{convert, copy, make, model, read_tensors, write_tensors, Shape, Tensors};
use dllm_model::{
	manifest::Manifest,
	splitter::{split, SplitError, Step},
};
use dllm_primitives::model::Profile;
use safetensors::Dtype;
use serde_json::json;
use std::{fs, path::Path};
use tempfile::tempdir;

/// Splits without watching.
fn split_quietly(source: &Path, target: &Path) -> Result<Manifest, SplitError> {
	split(source, target, Profile::F32, &mut |_| {})
}

#[test]
fn the_same_folder_gives_the_same_bytes() {
	let folder = tempdir().unwrap();
	let first = split_quietly(&model("fixture-tied"), &folder.path().join("first")).unwrap();
	let second = split_quietly(&model("fixture-tied"), &folder.path().join("second")).unwrap();
	assert_eq!(first.root(), second.root());
	let mut files = 0;
	for entry in fs::read_dir(folder.path().join("first")).unwrap() {
		let name = entry.unwrap().file_name();
		let bytes = |which: &str| fs::read(folder.path().join(which).join(&name)).unwrap();
		assert_eq!(bytes("first"), bytes("second"), "{name:?}");
		files += 1;
	}
	// Embedding, 4 layers, head, 3 texts and the manifest.
	assert_eq!(files, 10);
}

#[test]
fn figures_add_up_for_tied_and_untied_heads() {
	let folder = tempdir().unwrap();
	for (name, parameters, shared) in [
		("fixture-untied", 635_328, 0),
		("fixture-tied", 434_752, 4096 * 64),
		("tiny-chat-nano", 1_705_600, 4096 * 128),
	] {
		let target = folder.path().join(name);
		let manifest = split_quietly(&model(name), &target).unwrap();
		assert_eq!(manifest.model, name);
		let sum = manifest.shards().map(|shard| shard.parameters).sum::<u64>();
		assert_eq!(sum, parameters + shared, "{name}");
		let config = &manifest.config;
		assert_eq!(config.eos_ids, [5, 2]);
		assert_eq!(config.tied, shared > 0);
		for layer in &manifest.layers {
			// Norms are the only weights that are not in a projection.
			assert_eq!(
				layer.flops_per_token,
				2 * (layer.parameters - 2 * u64::from(config.hidden))
			);
			assert_eq!(
				layer.kv_bytes_per_token,
				8 * config.kv_heads * config.head_dim
			);
		}
		for shard in manifest.shards() {
			assert_eq!(
				fs::metadata(target.join(&shard.file)).unwrap().len(),
				shard.bytes
			);
		}
		manifest.verify_all(&target).unwrap();
		assert_eq!(Manifest::load(&target).unwrap(), manifest);
		let spec = manifest.spec("Apache-2.0", None).unwrap();
		assert!(spec.is_plausible());
		assert_eq!(spec.manifest_root, manifest.root());
	}
}

#[test]
fn every_shard_is_written_and_then_verified() {
	let folder = tempdir().unwrap();
	let mut seen = Vec::new();
	let target = folder.path().join("out");
	let source = model("fixture-untied");
	split(&source, &target, Profile::F32, &mut |progress| {
		assert_eq!(progress.total, 10);
		seen.push((progress.step, progress.file.to_string()));
		assert_eq!(progress.done as usize, seen.len());
	})
	.unwrap();
	let files = [
		"embed.onnx",
		"layer-000.onnx",
		"layer-001.onnx",
		"layer-002.onnx",
		"head.onnx",
	];
	let expected = [Step::Written, Step::Verified]
		.into_iter()
		.flat_map(|step| files.map(|file| (step, file.to_string())));
	assert_eq!(seen, expected.collect::<Vec<_>>());
}

#[test]
fn several_files_with_an_index_give_the_same_shards() {
	let folder = tempdir().unwrap();
	let source = copy("fixture-untied", folder.path());
	let whole = split_quietly(&source, &folder.path().join("whole")).unwrap();

	let tensors = read_tensors(&source);
	let half = tensors.len() / 2;
	let mut map = serde_json::Map::new();
	for (number, skip) in [(1, 0), (2, half)] {
		let file = format!("model-0000{number}-of-00002.safetensors");
		let part =
			tensors
				.clone()
				.into_iter()
				.skip(skip)
				.take(if skip == 0 { half } else { usize::MAX });
		let part = part.collect::<Tensors>();
		map.extend(part.keys().map(|name| (name.clone(), json!(file))));
		write_tensors(&source.join(&file), &part);
	}
	fs::remove_file(source.join("model.safetensors")).unwrap();
	let index = json!({ "metadata": {}, "weight_map": map });
	fs::write(
		source.join("model.safetensors.index.json"),
		index.to_string(),
	)
	.unwrap();
	let parts = split_quietly(&source, &folder.path().join("parts")).unwrap();
	assert_eq!(whole.root(), parts.root());
}

#[test]
fn every_type_of_source_is_read() {
	let folder = tempdir().unwrap();
	let source = copy("fixture-tied", folder.path());
	let weights = source.join("model.safetensors");
	let half = read_tensors(&source);
	let split_as = |tensors: &Tensors, target: &str| {
		write_tensors(&weights, tensors);
		split_quietly(&source, &folder.path().join(target))
			.unwrap()
			.root()
	};
	let of_f16 = split_as(&half, "f16");
	assert_eq!(of_f16, split_as(&convert(&half, Dtype::F32), "f32"));

	let brain = convert(&half, Dtype::BF16);
	let of_bf16 = split_as(&brain, "bf16");
	assert_eq!(of_bf16, split_as(&convert(&brain, Dtype::F32), "rounded"));
	assert_ne!(of_bf16, of_f16);
}

#[test]
fn a_head_may_be_wider_than_its_share_of_the_row() {
	let folder = tempdir().unwrap();
	let shape = Shape {
		hidden: 32,
		intermediate: 48,
		layers: 2,
		heads: 3,
		kv_heads: 1,
		head_dim: 48,
		vocab: 4096,
	};
	let source = make(shape, folder.path());
	let manifest = split_quietly(&source, &folder.path().join("out")).unwrap();
	assert_eq!(manifest.config.head_dim, 48);
	assert_eq!(manifest.layers[0].kv_bytes_per_token, 2 * 4 * 48);
	assert_eq!(
		manifest.layers[0].parameters,
		32 * (2 * 144 + 2 * 48 + 3 * 48) + 2 * 32
	);
}
