//! LoRA adapters: split along the layers, added when a range is loaded, refused where they do not fit.

use crate::{bits, checkpoints, distance, golden, Model, PLENTY};
use checkpoints::{edit_json, read_file, write_tensors, Tensors};
use dllm_model::{
	adapter::{AdapterError, AdapterManifest},
	engine::{Engine, EngineError, Factors, OrtEngine, Places},
	entry::{sample, SamplingParams},
	splitter::{split_adapter, SplitError},
};
use dllm_primitives::model::{LayerRange, Profile, MAX_ADAPTER_RANK};
use serde_json::{json, Value};
use std::{
	fs,
	path::{Path, PathBuf},
	sync::Arc,
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
		Self::split(&checkpoints::model(ADAPTER), base)
	}

	/// With other weights, or another configuration.
	fn changed(base: &Model, config: Value, change: impl FnOnce(&mut Tensors)) -> Self {
		let guard = copy();
		edit_json(&guard.path().join("adapter_config.json"), config);
		let weights = guard.path().join(WEIGHTS);
		let mut tensors = read_file(&weights);
		change(&mut tensors);
		write_tensors(&weights, &tensors);
		Self::split(guard.path(), base)
	}

	fn split(source: &Path, base: &Model) -> Self {
		let guard = tempdir().unwrap();
		let folder = guard.path().join("adapter");
		let manifest = split_adapter(source, &base.manifest, &folder).unwrap();
		assert_eq!(AdapterManifest::load(&folder).unwrap(), manifest);
		Self {
			manifest,
			folder,
			_guard: guard,
		}
	}

	fn factors(&self, base: &Model, start: u16, end: u16) -> Result<Factors, EngineError> {
		let range = LayerRange { start, end };
		Factors::read(&base.manifest, range, &self.manifest, &self.folder)
	}

	fn engine(&self, base: &Model, start: u16, end: u16) -> Result<Adapted, EngineError> {
		let factors = self.factors(base, start, end)?;
		let engine = adaptable(base, start, end, factors.places())?;
		Ok(Adapted { engine, factors })
	}
}

/// An engine and the adapter that its sessions bring.
struct Adapted {
	engine: OrtEngine,
	factors: Factors,
}

impl Adapted {
	fn whole(&self, session: u64, rows: &[f32]) -> Vec<f32> {
		whole(&self.engine, session, rows, Some(&self.factors))
	}
}

fn adaptable(
	base: &Model,
	start: u16,
	end: u16,
	places: &Arc<Places>,
) -> Result<OrtEngine, EngineError> {
	let range = LayerRange { start, end };
	OrtEngine::load_adaptable(&base.manifest, &base.folder, range, PLENTY, places)
}

/// All rows as one prefill in a session of their own.
fn whole(engine: &OrtEngine, session: u64, rows: &[f32], factors: Option<&Factors>) -> Vec<f32> {
	let count = (rows.len() / engine.hidden()) as u32;
	match factors {
		Some(factors) => engine.open_adapted(session, count, factors).unwrap(),
		None => engine.open(session, count).unwrap(),
	}
	engine.prefill(session, 0, rows).unwrap()
}

/// The same, row by row.
fn one_by_one(engine: &OrtEngine, session: u64, rows: &[f32], factors: &Factors) -> Vec<f32> {
	let count = (rows.len() / engine.hidden()) as u32;
	engine.open_adapted(session, count, factors).unwrap();
	let rows = (0..).zip(rows.chunks(engine.hidden()));
	rows.flat_map(|(position, row)| engine.decode(session, position, row).unwrap())
		.collect()
}

/// A copy of the adapter's folder.
fn copy() -> TempDir {
	let folder = tempdir().unwrap();
	for entry in fs::read_dir(checkpoints::model(ADAPTER)).unwrap() {
		let entry = entry.unwrap();
		fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
	}
	folder
}

#[test]
fn the_adapted_model_speaks_as_its_authors_saw() {
	let base = Model::named(BASE);
	let adapter = Adapter::of(&base);
	assert_eq!(adapter.manifest.rank, 8);
	assert_eq!(adapter.manifest.layers.len(), 4);
	let Adapted { engine, factors } = adapter.engine(&base, 0, 4).unwrap();
	let entry = base.entry();
	for (session, prompt) in (0..).zip(golden::prompts(ADAPTER)) {
		let mut position = prompt.input_ids.len() as u32;
		let most = position + prompt.greedy_ids.len() as u32;
		engine.open_adapted(session, most, &factors).unwrap();
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
		let before = whole(&plain, 0, &rows, None);
		let with = adapted.whole(0, &rows);
		assert!(distance(&with, &before) > 0.05);
		assert_eq!(bits(&whole(&plain, 1, &rows, None)), bits(&before));
		let again = one_by_one(&adapted.engine, 2, &rows, &adapted.factors);
		assert_eq!(bits(&again), bits(&with), "{profile:?}");

		let first = adapter.engine(&base, 0, 2).unwrap().whole(0, &rows);
		let second = adapter.engine(&base, 2, 4).unwrap().whole(0, &first);
		assert_eq!(bits(&second), bits(&with));
	}
}

#[test]
fn adapters_of_one_shape_share_an_engine() {
	let base = Model::named(BASE);
	let rows = base.rows(24);
	let one = Adapter::of(&base);
	let other = Adapter::changed(&base, json!({ "lora_alpha": 3 }), |_| {});
	let Adapted { engine, factors } = one.engine(&base, 0, 4).unwrap();
	let others = other.factors(&base, 0, 4).unwrap();
	assert_eq!(factors.places(), others.places());
	let layers = one.manifest.layers.iter().flatten();
	let weights = layers.map(|layer| 4 * layer.parameters).sum::<u64>();
	assert_eq!(factors.bytes(), weights);

	// Interleaved row by row, each is what it is alone.
	let alone = [
		one.engine(&base, 0, 4).unwrap().whole(0, &rows),
		other.engine(&base, 0, 4).unwrap().whole(0, &rows),
	];
	assert!(distance(&alone[0], &alone[1]) > 0.01);
	engine.open_adapted(1, 24, &factors).unwrap();
	engine.open_adapted(2, 24, &others).unwrap();
	let mut together = [Vec::new(), Vec::new()];
	for (position, row) in (0..).zip(rows.chunks(engine.hidden())) {
		for (session, output) in (1..).zip(&mut together) {
			output.extend(engine.decode(session, position, row).unwrap());
		}
	}
	for (together, alone) in together.iter().zip(&alone) {
		assert_eq!(bits(together), bits(alone));
	}
}

#[test]
fn products_of_rank_one_agree_too() {
	let base = Model::named(BASE);
	let rows = base.rows(40);
	let narrow = Adapter::changed(&base, json!({ "r": 1 }), |tensors| {
		// A is [8, inputs], B [outputs, 8]: the first row of one, the first column of the other.
		for (name, (kind, shape, data)) in tensors {
			let value = kind.bitsize() / 8;
			if name.contains("lora_A") {
				shape[0] = 1;
				data.truncate(data.len() / 8);
			} else {
				shape[1] = 1;
				let rows = data.chunks(8 * value);
				*data = rows.flat_map(|row| row[..value].to_vec()).collect();
			}
		}
	});
	let Adapted { engine, factors } = narrow.engine(&base, 0, 4).unwrap();
	let whole = whole(&engine, 0, &rows, Some(&factors));
	assert_eq!(bits(&one_by_one(&engine, 1, &rows, &factors)), bits(&whole));
}

#[test]
fn a_session_brings_the_factors_that_its_engine_has_places_for() {
	let base = Model::named(BASE);
	let adapter = Adapter::of(&base);
	let without = Adapter::changed(&base, json!({}), |tensors| {
		tensors.retain(|name, _| !name.contains("layers.1.mlp.up_proj"));
	});
	let Adapted { engine, factors } = adapter.engine(&base, 0, 4).unwrap();
	let refused = |opened: Result<(), EngineError>| {
		assert!(
			matches!(opened, Err(EngineError::OtherPlaces)),
			"{opened:?}"
		)
	};
	refused(engine.open(1, 8));
	refused(engine.open_adapted(1, 8, &without.factors(&base, 0, 4).unwrap()));
	refused(engine.open_adapted(1, 8, &adapter.factors(&base, 0, 2).unwrap()));
	refused(base.whole().open_adapted(1, 8, &factors));
	engine.open_adapted(1, 8, &factors).unwrap();
}

#[test]
fn layers_that_are_not_adapted_need_no_other_engine() {
	let base = Model::named(BASE);
	let rows = base.rows(8);
	let first_only = Adapter::changed(&base, json!({}), |tensors| {
		tensors.retain(|name, _| name.contains("layers.0."));
	});
	let factors = first_only.factors(&base, 1, 4).unwrap();
	assert!(factors.places().is_empty());
	let plain = OrtEngine::load(
		&base.manifest,
		&base.folder,
		LayerRange { start: 1, end: 4 },
		PLENTY,
	);
	let plain = plain.unwrap();
	let adapted = whole(&plain, 0, &rows, Some(&factors));
	assert_eq!(bits(&adapted), bits(&whole(&plain, 1, &rows, None)));
}

#[test]
fn a_base_of_profile_exact_is_refused() {
	let source = checkpoints::model(ADAPTER);
	let exact = Model::split_as(&checkpoints::model(BASE), Profile::Exact);
	let folder = tempdir().unwrap();
	let error = split_adapter(&source, &exact.manifest, &folder.path().join("out")).unwrap_err();
	assert!(error.to_string().contains("profile exact"), "{error}");
	// As is one that was made for it all the same.
	let mut adapter = Adapter::of(&Model::named(BASE));
	adapter.manifest.base = exact.manifest.root();
	let error = adapter.factors(&exact, 0, 1).err().unwrap();
	assert!(error.to_string().contains("profile exact"), "{error}");
}

#[test]
fn a_rank_that_the_manifest_does_not_say_is_refused() {
	let base = Model::named(BASE);
	let mut adapter = Adapter::of(&base);
	adapter.manifest.rank = 4;
	let error = adapter.factors(&base, 0, 4).err().unwrap();
	assert!(error.to_string().contains("rank 4"), "{error}");
	let error = refusal(|source| {
		let most = MAX_ADAPTER_RANK + 1;
		edit_json(&source.join("adapter_config.json"), json!({ "r": most }));
	});
	assert!(error.to_string().contains("rank 257"), "{error}");
}

#[test]
fn what_is_registered_of_an_adapter() {
	let adapter = Adapter::of(&Model::named(BASE));
	adapter.manifest.verify_all(&adapter.folder).unwrap();
	let spec = adapter.manifest.spec("MIT").unwrap();
	assert_eq!(spec.name.as_slice(), ADAPTER.as_bytes());
	assert_eq!((spec.licence.as_slice(), spec.rank), (&b"MIT"[..], 8));
	assert_eq!(spec.manifest_root, adapter.manifest.root);
	let files = fs::read_dir(&adapter.folder).unwrap();
	let files = files.map(|file| file.unwrap()).filter(|file| {
		file.path()
			.extension()
			.is_some_and(|end| end == "safetensors")
	});
	let bytes = files
		.map(|file| file.metadata().unwrap().len())
		.sum::<u64>();
	assert_eq!(spec.bytes, bytes);
	let long = "x".repeat(33);
	let error = adapter.manifest.spec(&long).unwrap_err();
	assert!(error.to_string().contains("32 bytes"), "{error}");
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
	let source = copy();
	let folder = tempdir().unwrap();
	damage(source.path());
	let base = Model::named(BASE);
	let target = folder.path().join("out");
	let error = split_adapter(source.path(), &base.manifest, &target).unwrap_err();
	assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{error}");
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
