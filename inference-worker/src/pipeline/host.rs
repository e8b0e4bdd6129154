//! The models that this machine holds ready: segments of layers, and entries.
//!
//! What is loaded stays until it is released. Weights and the caches of all slots are charged against
//! the worker's memory before anything is loaded, and one thing is loaded after another: what is being
//! loaded counts when the next one is decided on.
//!
//! Layers for jobs with an adapter are loaded beside the plain ones, once for all adapters that adapt the same
//! projections; of an adapter itself only the factors are kept. Both stay for the next such job, and make room
//! for anything else.

use super::Conduct;
use crate::network::Dtype;
use dllm_model::{
	adapter::AdapterManifest,
	engine::{Engine, EngineError, Factors, OrtEngine, Places},
	entry::{Entry, EntryError},
	exact::trace::{self, TraceError},
	manifest::{Manifest, ManifestError, ShardFile},
};
use dllm_primitives::{
	commitment::shards_root,
	ids::{Digest, ModelId},
	model::{LayerRange, ModelConstants},
};
use std::{
	collections::BTreeMap,
	path::Path,
	sync::{
		atomic::{AtomicU64, Ordering},
		Arc, Mutex, MutexGuard, PoisonError,
	},
};

/// Rows of cache that the engine adds to every session.
const SPARE_ROWS: u64 = 1;

/// Layers that stand ready.
#[derive(Clone)]
pub struct Segment {
	/// Executes them.
	pub engine: Arc<OrtEngine>,
	/// The adapter that every session brings; none for the plain model.
	pub factors: Option<Factors>,
	/// Digest of the shards that the chain expects to be executed.
	pub weights: Digest,
	/// Values in a row.
	pub width: u32,
	/// How rows travel.
	pub dtype: Dtype,
}

/// An entry that stands ready.
#[derive(Clone)]
pub struct HostedEntry {
	/// Tokenizer, embedding, head.
	pub entry: Arc<Entry>,
	/// Digest of embedding and head.
	pub weights: Digest,
	/// Numerics class of this machine for the model.
	pub class: Digest,
	/// Values in a row.
	pub width: u32,
	/// How rows travel.
	pub dtype: Dtype,
}

/// Why a model does not stand ready.
#[derive(thiserror::Error, Debug)]
pub enum HostError {
	/// Nothing of the kind was loaded.
	#[error("layers {}..{} of model {model} are not loaded: the worker loads them when its plan says so", range.start, range.end)]
	SegmentNotLoaded { model: ModelId, range: LayerRange },
	/// The layers were not loaded for an adapter.
	#[error("layers {}..{} of model {model} are not loaded with adapter {adapter:?}: the worker loads them when a job asks for it", range.start, range.end)]
	AdapterNotLoaded {
		model: ModelId,
		range: LayerRange,
		adapter: Digest,
	},
	/// The entry was not loaded.
	#[error("the entry of model {model} is not loaded: the worker loads it when its plan says so")]
	EntryNotLoaded { model: ModelId },
	/// The machine would run out of memory.
	#[error("too little memory for {what}: needs {need} bytes, {have} are left; raise `memory`, or offer fewer models")]
	TooLittleMemory { what: String, need: u64, have: u64 },
	/// The manifest is wrong, or a file is corrupt.
	#[error(transparent)]
	Manifest(#[from] ManifestError),
	/// The layers cannot be loaded.
	#[error(transparent)]
	Engine(#[from] EngineError),
	/// The chain would judge a dispute about the layers wrongly, or that cannot be found out.
	#[error(transparent)]
	Constants(#[from] TraceError),
	/// The entry cannot be loaded.
	#[error(transparent)]
	Entry(#[from] EntryError),
}

impl HostError {
	/// Whether fetching files again, or waiting for memory, can help.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::SegmentNotLoaded { .. }
			| Self::AdapterNotLoaded { .. }
			| Self::EntryNotLoaded { .. }
			| Self::TooLittleMemory { .. } => true,
			Self::Manifest(error) => error.is_retryable(),
			Self::Engine(error) => error.is_retryable(),
			Self::Constants(error) => error.is_retryable(),
			Self::Entry(EntryError::Manifest(error)) => error.is_retryable(),
			Self::Entry(_) => false,
		}
	}
}

/// The models of this machine.
pub struct Host {
	/// Bytes for weights and caches.
	memory: u64,
	conduct: Arc<dyn Conduct>,
	/// Held from the decision whether something fits until it is loaded.
	loading: Mutex<()>,
	loaded: Mutex<Loaded>,
	sessions: AtomicU64,
}

#[derive(Default)]
struct Loaded {
	segments: BTreeMap<(ModelId, LayerRange), (Segment, u64)>,
	entries: BTreeMap<ModelId, (HostedEntry, u64)>,
	/// Layers with places for an adapter.
	adaptable: BTreeMap<(ModelId, LayerRange, Arc<Places>), (Segment, u64)>,
	/// Adapters by the root of their manifest.
	adapters: BTreeMap<(ModelId, LayerRange, Digest), Factors>,
}

impl Host {
	/// Nothing loaded yet; weights and caches may take `memory` bytes.
	pub fn new(memory: u64, conduct: Arc<dyn Conduct>) -> Self {
		Self {
			memory,
			conduct,
			loading: Mutex::default(),
			loaded: Mutex::default(),
			sessions: AtomicU64::new(0),
		}
	}

	/// Loads layers out of a model's folder for `slots` sessions at once, and one more for checks where
	/// memory allows; does nothing where they are loaded already. Blocks: call it on a blocking thread.
	pub fn ensure(
		&self,
		model: ModelId,
		folder: &Path,
		range: LayerRange,
		slots: u8,
	) -> Result<Segment, HostError> {
		let _one_at_a_time = self.loading();
		if let Ok(segment) = self.segment(model, range) {
			return Ok(segment);
		}
		let manifest = Manifest::load(folder)?;
		let files = layer_files(&manifest, range)?;
		let weights = manifest.memory_of(files);
		let cache = cache_bytes(&manifest, files);
		let need = weights.saturating_add(cache.saturating_mul(u64::from(slots.max(1))));
		let budget = self.reserve(need, cache, || {
			format!("layers {}..{}", range.start, range.end)
		})?;

		let (executed, due) = (
			self.conduct.model_folder(folder),
			self.conduct.layers(range),
		);
		let executed_manifest = if executed == folder {
			manifest.clone()
		} else {
			Manifest::load(&executed)?
		};
		let engine = OrtEngine::load(&executed_manifest, &executed, due, budget)?;
		let segment = Segment {
			engine: Arc::new(engine),
			factors: None,
			weights: shards_root(files.iter().map(|file| &file.blake3)),
			width: manifest.config.hidden,
			dtype: Dtype::of(manifest.profile),
		};
		self.loaded()
			.segments
			.insert((model, range), (segment.clone(), budget));
		Ok(segment)
	}

	/// Loads layers with an adapter out of the folders of both, for one session at least and `slots` more where
	/// memory allows; does nothing where that was done. What other jobs with adapters left behind makes room.
	/// Blocks.
	pub fn ensure_adapted(
		&self,
		(model, folder): (ModelId, &Path),
		range: LayerRange,
		(adapter, adapter_folder): (Digest, &Path),
		slots: u8,
	) -> Result<Segment, HostError> {
		if let Ok(segment) = self.adapted(model, range, adapter) {
			return Ok(segment);
		}
		let manifest = Manifest::load(folder)?;
		let read = AdapterManifest::load(adapter_folder).map_err(EngineError::from)?;
		let factors = Factors::read(&manifest, range, &read, adapter_folder)?;
		let segment = match factors.places().is_empty() {
			true => self.ensure(model, folder, range, slots)?,
			false => self.ensure_places(model, (&manifest, folder), range, &factors, slots)?,
		};
		let _one_at_a_time = self.loading();
		self.reserve(factors.bytes(), 0, || format!("adapter {}", read.adapter))?;
		self.loaded()
			.adapters
			.insert((model, range, adapter), factors.clone());
		Ok(Segment {
			factors: Some(factors),
			..segment
		})
	}

	/// Loads layers with places for an adapter, unless that was done.
	fn ensure_places(
		&self,
		model: ModelId,
		(manifest, folder): (&Manifest, &Path),
		range: LayerRange,
		factors: &Factors,
		slots: u8,
	) -> Result<Segment, HostError> {
		let _one_at_a_time = self.loading();
		let key = (model, range, factors.places().clone());
		if let Some((segment, _)) = self.loaded().adaptable.get(&key) {
			return Ok(segment.clone());
		}
		let files = layer_files(manifest, range)?;
		let cache = cache_bytes(manifest, files);
		let need = manifest.memory_of(files).saturating_add(cache);
		let more = cache.saturating_mul(u64::from(slots));
		let budget = self.reserve(need, more, || {
			format!("layers {}..{} with an adapter", range.start, range.end)
		})?;
		let places = factors.places();
		let engine = OrtEngine::load_adaptable(manifest, folder, range, budget, places)?;
		let segment = Segment {
			engine: Arc::new(engine),
			factors: None,
			weights: shards_root(files.iter().map(|file| &file.blake3)),
			width: manifest.config.hidden,
			dtype: Dtype::of(manifest.profile),
		};
		self.loaded()
			.adaptable
			.insert(key, (segment.clone(), budget));
		Ok(segment)
	}

	/// Loads the entry out of a model's folder; does nothing where it is loaded already. Blocks.
	pub fn ensure_entry(&self, model: ModelId, folder: &Path) -> Result<HostedEntry, HostError> {
		let _one_at_a_time = self.loading();
		if let Ok(entry) = self.entry(model) {
			return Ok(entry);
		}
		let manifest = Manifest::load(folder)?;
		let need = manifest.embed.bytes.saturating_add(manifest.head.bytes);
		let budget = self.reserve(need, 0, || "embedding and head".to_string())?;
		let hosted = HostedEntry {
			entry: Arc::new(Entry::load(&manifest, folder)?),
			weights: shards_root([&manifest.embed.blake3, &manifest.head.blake3]),
			class: dllm_model::engine::profile_id(manifest.profile)?,
			width: manifest.config.hidden,
			dtype: Dtype::of(manifest.profile),
		};
		self.loaded()
			.entries
			.insert(model, (hosted.clone(), budget));
		Ok(hosted)
	}

	/// Layers that stand ready.
	pub fn segment(&self, model: ModelId, range: LayerRange) -> Result<Segment, HostError> {
		let loaded = self.loaded();
		let found = loaded
			.segments
			.get(&(model, range))
			.map(|(segment, _)| segment.clone());
		found.ok_or(HostError::SegmentNotLoaded { model, range })
	}

	/// Layers that stand ready, with the adapter of that root where one is named.
	pub fn segment_for(
		&self,
		model: ModelId,
		range: LayerRange,
		adapter: Option<Digest>,
	) -> Result<Segment, HostError> {
		match adapter {
			Some(adapter) => self.adapted(model, range, adapter),
			None => self.segment(model, range),
		}
	}

	fn adapted(
		&self,
		model: ModelId,
		range: LayerRange,
		adapter: Digest,
	) -> Result<Segment, HostError> {
		let loaded = self.loaded();
		let factors = loaded.adapters.get(&(model, range, adapter));
		let segment = factors.and_then(|factors| loaded.adapted(model, range, factors));
		segment.ok_or(HostError::AdapterNotLoaded {
			model,
			range,
			adapter,
		})
	}

	/// An entry that stands ready.
	pub fn entry(&self, model: ModelId) -> Result<HostedEntry, HostError> {
		let found = self
			.loaded()
			.entries
			.get(&model)
			.map(|(entry, _)| entry.clone());
		found.ok_or(HostError::EntryNotLoaded { model })
	}

	/// Frees layers once their last session ends; whether they were loaded.
	pub fn release(&self, model: ModelId, range: LayerRange) -> bool {
		let mut loaded = self.loaded();
		loaded
			.adapters
			.retain(|of, _| (of.0, of.1) != (model, range));
		let adaptable = loaded.adaptable.len();
		loaded
			.adaptable
			.retain(|of, _| (of.0, of.1) != (model, range));
		let plain = loaded.segments.remove(&(model, range)).is_some();
		plain || loaded.adaptable.len() < adaptable
	}

	/// Frees an entry once its last job ends; whether it was loaded.
	pub fn release_entry(&self, model: ModelId) -> bool {
		self.loaded().entries.remove(&model).is_some()
	}

	/// Bytes that are not taken.
	pub fn memory_left(&self) -> u64 {
		self.memory.saturating_sub(self.loaded().bytes())
	}

	/// A number for a session, used once.
	pub(super) fn next_session(&self) -> u64 {
		self.sessions.fetch_add(1, Ordering::Relaxed)
	}

	/// The budget of something that needs `need` bytes and could use `extra` more. Where they are missing, what
	/// jobs with adapters left behind is freed first.
	fn reserve(
		&self,
		need: u64,
		extra: u64,
		what: impl FnOnce() -> String,
	) -> Result<u64, HostError> {
		if need > self.memory_left() {
			self.loaded().drop_idle();
		}
		let have = self.memory_left();
		if need > have {
			return Err(HostError::TooLittleMemory {
				what: what(),
				need,
				have,
			});
		}
		Ok(need.saturating_add(extra).min(have))
	}

	fn loading(&self) -> MutexGuard<'_, ()> {
		self.loading.lock().unwrap_or_else(PoisonError::into_inner)
	}

	fn loaded(&self) -> MutexGuard<'_, Loaded> {
		self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

impl Loaded {
	fn bytes(&self) -> u64 {
		let segments = self.segments.values().map(|(_, bytes)| bytes);
		let engines = segments
			.chain(self.entries.values().map(|(_, bytes)| bytes))
			.chain(self.adaptable.values().map(|(_, bytes)| bytes));
		engines.sum::<u64>() + self.adapters.values().map(Factors::bytes).sum::<u64>()
	}

	/// Layers with an adapter.
	fn adapted(&self, model: ModelId, range: LayerRange, factors: &Factors) -> Option<Segment> {
		let places = factors.places();
		let (segment, _) = match places.is_empty() {
			true => self.segments.get(&(model, range)),
			false => self.adaptable.get(&(model, range, places.clone())),
		}?;
		Some(Segment {
			factors: Some(factors.clone()),
			..segment.clone()
		})
	}

	/// Frees layers for adapters that nobody uses now, and all adapters; sessions keep what they brought.
	fn drop_idle(&mut self) {
		self.adaptable
			.retain(|_, (segment, _)| Arc::strong_count(&segment.engine) > 1);
		self.adapters.clear();
	}
}

/// Fails where a dispute about these layers would be judged by other constants than their shards hold: an
/// honest worker could lose it. Reads one layer after another. Blocks.
pub fn expect_constants(
	folder: &Path,
	range: LayerRange,
	registered: &ModelConstants,
) -> Result<(), HostError> {
	let manifest = Manifest::load(folder)?;
	Ok(trace::compare(&manifest, folder, range, registered)?)
}

fn layer_files(manifest: &Manifest, range: LayerRange) -> Result<&[ShardFile], HostError> {
	let layers = manifest.config.layers;
	let files = manifest
		.layers
		.get(usize::from(range.start)..usize::from(range.end));
	let files = files.filter(|files| !files.is_empty());
	Ok(files.ok_or(EngineError::RangeOutside { range, layers })?)
}

/// Bytes of the cache of one session of the longest kind.
fn cache_bytes(manifest: &Manifest, files: &[ShardFile]) -> u64 {
	let rows = u64::from(manifest.config.max_context) + SPARE_ROWS;
	files
		.iter()
		.map(|file| u64::from(file.kv_bytes_per_token).saturating_mul(rows))
		.sum()
}
