//! LoRA adapters: split along the layers, added when a range is loaded, refused where they do not fit.

use crate::{bits, checkpoints, distance, golden, Model, PLENTY};
use checkpoints::{edit_json, read_file, write_tensors, Tensors};
use dllm_model::{
	adapter::{AdapterError, AdapterManifest},
	engine::{Engine, EngineError, OrtEngine},
	entry::{sample, SamplingParams},
	splitter::{split_adapter, SplitError},
};
use dllm_primitives::model::{LayerRange, Profile};
use serde_json::json;
use std::{
	fs,
	path::{Path, PathBuf},
};
use tempfile::{tempdir, TempDir};

const BASE: &str = "fixture-tied";
const ADAPTER: &str = "fixture-tied-lora";
const WEIGHTS: &str = "adapter_model.safetensors";

/// A split adapter that disappears with the test.
struct Adapter {
	manifest: AdapterManifest,
	folder: PathBuf,
	_guard: TempDir,
}

impl Adapter {
	fn of(base: &Model) -> Self {
		let guard = tempdir().unwrap();
		let folder = guard.path().join("adapter");
		let source = checkpoints::model(ADAPTER);
		let manifest = split_adapter(&source, &base.manifest, &folder).unwrap();
		assert_eq!(AdapterManifest::load(&folder).unwrap(), manifest);
		Self {
			manifest,
			folder,
			_guard: guard,
		}
	}

	fn engine(&self, base: &Model, start: u16, end: u16) -> Result<OrtEngine, EngineError> {
		OrtEngine::load_adapted(
			&base.manifest,
			&base.folder,
			LayerRange { start, end },
			PLENTY,
			&self.manifest,
			&self.folder,
		)
	}
}

#[test]
fn the_adapted_model_speaks_as_its_authors_saw() {
	let base = Model::named(BASE);
	let adapter = Adapter::of(&base);
	assert_eq!(adapter.manifest.rank, 8);
	assert_eq!(adapter.manifest.layers.len(), 4);
	let engine = adapter.engine(&base, 0, 4).unwrap();
	let entry = base.entry();
	for (session, prompt) in (0..).zip(golden::prompts(ADAPTER)) {
		let mut position = prompt.input_ids.len() as u32;
		engine
			.open(session, position + prompt.greedy_ids.len() as u32)
			.unwrap();
		let rows = entry.embedder.embed(&prompt.input_ids).unwrap();
		let output = engine.prefill(session, 0, &rows).unwrap();
		let last = &output[output.len() - engine.hidden()..];
		let expected = &prompt.hidden_last_prompt_token[&3];
		let distance = distance(&last[..expected.len()], expected);
		assert!(distance < 1e-4, "{distance:e}");
		let mut logits = entry.head.logits(last).unwrap();
		let mut tokens = Vec::new();
		while tokens.len() < prompt.greedy_ids.len() {
			let token = sample(&logits, &SamplingParams::GREEDY, position).unwrap();
			tokens.push(token);
			let row = entry.embedder.embed(&[token]).unwrap();
			let output = engine.decode(session, position, &row).unwrap();
			logits = entry.head.logits(&output).unwrap();
			position += 1;
		}
		assert_eq!(tokens, prompt.greedy_ids);
	}
}

#[test]
fn the_base_stays_as_it_was_and_decode_agrees_with_prefill() {
	for profile in [Profile::F32, Profile::Int8] {
		let base = Model::split_as(&checkpoints::model(BASE), profile);
		let plain = base.whole();
		let adapter = Adapter::of(&base);
		let adapted = adapter.engine(&base, 0, 4).unwrap();
		let rows = base.rows(40);
		let whole = |engine: &OrtEngine, session| {
			engine.open(session, 40).unwrap();
			engine.prefill(session, 0, &rows).unwrap()
		};
		let before = whole(&plain, 0);
		let with = whole(&adapted, 0);
		assert!(distance(&with, &before) > 0.05);
		assert_eq!(bits(&whole(&plain, 1)), bits(&before));

		adapted.open(2, 40).unwrap();
		let mut one_by_one = Vec::new();
		for (position, row) in (0..).zip(rows.chunks(adapted.hidden())) {
			one_by_one.extend(adapted.decode(2, position, row).unwrap());
		}
		assert_eq!(bits(&one_by_one), bits(&with), "{profile:?}");

		let first = whole(&adapter.engine(&base, 0, 2).unwrap(), 0);
		let second = adapter.engine(&base, 2, 4).unwrap();
		second.open(0, 40).unwrap();
		assert_eq!(bits(&second.prefill(0, 0, &first).unwrap()), bits(&with));
	}
}

#[test]
fn an_adapter_of_another_base_is_refused() {
	let base = Model::named(BASE);
	let adapter = Adapter::of(&base);
	let other = Model::split_as(&checkpoints::model(BASE), Profile::F16);
	let error = adapter.engine(&other, 0, 1).err().unwrap();
	assert!(
		matches!(error, EngineError::Adapter(AdapterError::OtherBase { .. })),
		"{error}"
	);
	assert!(error.to_string().contains("--base"), "{error}");

	// Split for a model of other shapes.
	let folder = tempdir().unwrap();
	let wide = Model::named("fixture-qwen3");
	let source = checkpoints::model(ADAPTER);
	let error = split_adapter(&source, &wide.manifest, &folder.path().join("out")).unwrap_err();
	assert!(matches!(error, SplitError::WrongAdapter { .. }), "{error}");
	assert!(error.to_string().contains(WEIGHTS), "{error}");
	assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_flipped_bit_is_refused() {
	let base = Model::named(BASE);
	let adapter = Adapter::of(&base);
	let path = adapter.folder.join("layer-001.safetensors");
	let mut bytes = fs::read(&path).unwrap();
	let last = bytes.len() - 1;
	bytes[last] ^= 1;
	fs::write(&path, bytes).unwrap();
	let error = adapter.engine(&base, 0, 4).err().unwrap();
	assert!(
		error.to_string().contains("layer-001.safetensors"),
		"{error}"
	);
	adapter.engine(&base, 2, 4).unwrap();
}

/// The refusal of a damaged adapter, having checked that nothing was written.
fn refusal(damage: impl FnOnce(&Path)) -> SplitError {
	let folder = tempdir().unwrap();
	let source = folder.path().join("source");
	fs::create_dir(&source).unwrap();
	for entry in fs::read_dir(checkpoints::model(ADAPTER)).unwrap() {
		let entry = entry.unwrap();
		fs::copy(entry.path(), source.join(entry.file_name())).unwrap();
	}
	damage(&source);
	let base = Model::named(BASE);
	let target = folder.path().join("out");
	let error = split_adapter(&source, &base.manifest, &target).unwrap_err();
	assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{error}");
	error
}

/// The refusal of changed weights.
fn refusal_of_weights(change: impl FnOnce(&mut Tensors)) -> SplitError {
	refusal(|source| {
		let mut tensors = read_file(&source.join(WEIGHTS));
		change(&mut tensors);
		write_tensors(&source.join(WEIGHTS), &tensors);
	})
}

#[test]
fn wrong_ranks() {
	let error = refusal(|source| {
		edit_json(&source.join("adapter_config.json"), json!({ "r": 4 }));
	});
	assert!(matches!(error, SplitError::WrongAdapter { .. }), "{error}");
	let text = error.to_string();
	assert!(text.contains("rank 4") && text.contains(WEIGHTS), "{text}");
	let error = refusal(|source| {
		edit_json(&source.join("adapter_config.json"), json!({ "r": 0 }));
	});
	assert!(error.to_string().contains("rank 0"), "{error}");
}

#[test]
fn variants_that_are_not_offered() {
	for (change, name) in [
		(json!({ "peft_type": "IA3" }), "LORA"),
		(json!({ "use_dora": true }), "use_dora"),
		(json!({ "bias": "all" }), "biases"),
		(json!({ "modules_to_save": ["lm_head"] }), "modules_to_save"),
		(json!({ "rank_pattern": { "q_proj": 4 } }), "rank_pattern"),
	] {
		let error = refusal(|source| edit_json(&source.join("adapter_config.json"), change));
		assert!(
			matches!(error, SplitError::UnsupportedFeature { .. }),
			"{error}"
		);
		assert!(error.to_string().contains(name), "{error}");
	}
}

#[test]
fn tensors_that_are_missing_or_have_no_place() {
	let b = "base_model.model.model.layers.1.mlp.up_proj.lora_B.weight";
	let error = refusal_of_weights(|tensors| drop(tensors.remove(b)));
	assert!(matches!(error, SplitError::MissingTensor { .. }), "{error}");
	assert!(error.to_string().contains(b), "{error}");

	let error = refusal_of_weights(|tensors| {
		let moved = tensors.remove(b).unwrap();
		tensors.insert(b.replace("layers.1", "layers.9"), moved.clone());
		tensors.insert(b.into(), moved);
	});
	assert!(error.to_string().contains("layers.9"), "{error}");

	let error = refusal(|source| fs::remove_file(source.join(WEIGHTS)).unwrap());
	assert!(error.to_string().contains(WEIGHTS), "{error}");
	let error = refusal(|source| fs::write(source.join(WEIGHTS), "short").unwrap());
	assert!(matches!(error, SplitError::BadWeights { .. }), "{error}");
}
