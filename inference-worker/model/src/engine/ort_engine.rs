//! The engine over ONNX Runtime.
//!
//! Four rules make decode, any chunking of a prefill and a replay agree bit for bit on one numerics
//! class; the figures are those of the profile's [`Numerics`]:
//!
//! 1. Flash attention is off ([`super::pin_environment`]): its blocks depend on the processor's cache.
//! 2. Sessions are never batched together.
//! 3. No call has fewer rows than the profile allows, as the library has other kernels for them. Rows
//!    that are missing are filled up with zeros, whose output is dropped and whose cache slots the next
//!    call overwrites; every cache therefore has that many slots more than the session may hold rows.
//! 4. A call has at most so many rows as bound the memory of the attention scores.
//!
//! The cache lies in buffers that are bound as input and output of the same call, so it is never copied.
//! What lies behind a session's length is never read; cutting a session back is a change of a number.

use super::{
	adapted::{Factors, Places},
	assembly::Assembly,
	class,
	fuse::{Fuser, InMemoryModel},
	library::{runtime, Runtime},
	Engine, EngineError, SessionId,
};
use crate::{
	manifest::{Manifest, ModelConfig, ShardFile},
	numerics::{CacheElement, Numerics},
	splitter::shards::{HIDDEN_IN, HIDDEN_OUT, LAST_ROW, TOTAL_ROWS},
};
use dllm_primitives::{ids::Digest, model::LayerRange};
use ort::{
	session::{IoBinding, Session},
	value::{PrimitiveTensorElementType, Tensor},
};
use std::{
	borrow::Cow,
	collections::HashMap,
	fmt::Debug,
	path::Path,
	sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A range of layers in one ONNX Runtime session.
pub struct OrtEngine {
	range: LayerRange,
	config: ModelConfig,
	numerics: Numerics,
	profile_id: Digest,
	/// Bytes that all caches may take together.
	cache_budget: u64,
	/// Projections for which every session brings the factors of an adapter.
	places: Arc<Places>,
	state: Mutex<State>,
}

struct State {
	graph: Session,
	caches: HashMap<SessionId, Cache>,
}

/// The cache of one session.
struct Cache {
	/// Holds the buffers, bound as past and present of every layer.
	binding: IoBinding,
	/// Rows held.
	rows: u32,
	max_rows: u32,
	bytes: u64,
}

impl Engine for OrtEngine {
	fn load(
		manifest: &Manifest,
		folder: &Path,
		range: LayerRange,
		memory: u64,
	) -> Result<Self, EngineError> {
		let numerics = Numerics::of(manifest.profile);
		Self::load_as(manifest, folder, range, memory, numerics)
	}

	fn range(&self) -> LayerRange {
		self.range
	}

	fn hidden(&self) -> usize {
		self.config.hidden as usize
	}

	fn open(&self, session: SessionId, max_rows: u32) -> Result<(), EngineError> {
		self.open_with(session, max_rows, None)
	}

	fn prefill(
		&self,
		session: SessionId,
		position: u32,
		rows: &[f32],
	) -> Result<Vec<f32>, EngineError> {
		let count = self.check_rows(rows)?;
		let mut state = self.state();
		let State { graph, caches } = &mut *state;
		let cache = caches
			.get_mut(&session)
			.ok_or(EngineError::UnknownSession(session))?;
		if position != cache.rows {
			let expected = cache.rows;
			return Err(EngineError::WrongPosition {
				session,
				found: position,
				expected,
			});
		}
		let total = u64::from(position) + count as u64;
		if total > u64::from(cache.max_rows) {
			let max_rows = cache.max_rows;
			return Err(EngineError::SessionFull {
				session,
				rows: total,
				max_rows,
			});
		}

		let mut output = Vec::with_capacity(rows.len());
		let mut start = position;
		for chunk in padded_chunks(rows, self.hidden(), &self.numerics) {
			output.extend(self.run(graph, cache, start, &chunk)?);
			start += chunk.rows as u32;
		}
		cache.rows = start;
		Ok(output)
	}

	fn decode(
		&self,
		session: SessionId,
		position: u32,
		row: &[f32],
	) -> Result<Vec<f32>, EngineError> {
		if row.len() != self.hidden() {
			return Err(EngineError::WrongWidth {
				values: row.len(),
				hidden: self.hidden(),
			});
		}
		self.prefill(session, position, row)
	}

	fn rollback(&self, session: SessionId, rows: u32) -> Result<(), EngineError> {
		let mut state = self.state();
		let cache = state
			.caches
			.get_mut(&session)
			.ok_or(EngineError::UnknownSession(session))?;
		if rows > cache.rows {
			let expected = cache.rows;
			return Err(EngineError::WrongPosition {
				session,
				found: rows,
				expected,
			});
		}
		cache.rows = rows;
		Ok(())
	}

	fn close(&self, session: SessionId) -> bool {
		self.state().caches.remove(&session).is_some()
	}

	fn memory_left(&self) -> u64 {
		self.left(&self.state())
	}

	fn session_bytes(&self, max_rows: u32) -> u64 {
		let per_row = u64::from(self.numerics.cache_bytes_per_row(&self.config));
		per_row * u64::from(self.range.len()) * self.slots(max_rows) as u64
	}

	fn profile_id(&self) -> Digest {
		self.profile_id
	}
}

impl OrtEngine {
	/// Like [`Engine::load`], but under other rules than the profile's own. So a measurement can show
	/// what a rule is worth; whoever serves a model obeys its profile.
	pub fn load_as(
		manifest: &Manifest,
		folder: &Path,
		range: LayerRange,
		memory: u64,
		numerics: &Numerics,
	) -> Result<Self, EngineError> {
		Self::load_with(manifest, folder, range, memory, numerics, &Arc::default())
	}

	/// Like [`Engine::load`], with projections left open for adapters: every session brings the factors of one
	/// ([`Self::open_adapted`]). The shards stay as they are, so another engine can serve the plain model.
	pub fn load_adaptable(
		manifest: &Manifest,
		folder: &Path,
		range: LayerRange,
		memory: u64,
		places: &Arc<Places>,
	) -> Result<Self, EngineError> {
		let numerics = Numerics::of(manifest.profile);
		Self::load_with(manifest, folder, range, memory, numerics, places)
	}

	/// Like [`Engine::open`], with an adapter: its factors are those of the places that the engine was loaded
	/// for. They are charged to nobody here: sessions share them.
	pub fn open_adapted(
		&self,
		session: SessionId,
		max_rows: u32,
		factors: &Factors,
	) -> Result<(), EngineError> {
		self.open_with(session, max_rows, Some(factors))
	}

	fn load_with(
		manifest: &Manifest,
		folder: &Path,
		range: LayerRange,
		memory: u64,
		numerics: &Numerics,
		places: &Arc<Places>,
	) -> Result<Self, EngineError> {
		let layers = manifest.config.layers;
		let files = manifest
			.layers
			.get(usize::from(range.start)..usize::from(range.end));
		let files = files
			.filter(|files| !files.is_empty())
			.ok_or(EngineError::RangeOutside { range, layers })?;
		let weights = manifest.memory_of(files);
		let cache_budget = memory
			.checked_sub(weights)
			.ok_or(EngineError::TooLittleMemory {
				what: "the layers",
				need: weights,
				have: memory,
			})?;

		let runtime = runtime()?;
		let config = manifest.config.clone();
		let mut assembly = Assembly::new(&config, numerics);
		for (layer, file) in (u32::from(range.start)..).zip(files) {
			assembly.push(layer, &file.file, file.read(folder)?)?;
		}
		for (layer, module) in places.iter() {
			assembly.adapt(*layer, module)?;
		}
		let profile_id = class::class_id(numerics)?;
		let engine = Self::start(
			runtime,
			&assembly.finish()?,
			config,
			*numerics,
			range,
			cache_budget,
			profile_id,
		)?;
		Ok(Self {
			places: places.clone(),
			..engine
		})
	}

	/// An engine over all layers of a model that lies in memory, without a class id: for the run that
	/// finds the id, and for measurements.
	pub fn over(
		model: &InMemoryModel,
		config: ModelConfig,
		numerics: Numerics,
	) -> Result<Self, EngineError> {
		let range = LayerRange {
			start: 0,
			end: config.layers as u16,
		};
		let unknown = Digest::zero();
		Self::start(
			runtime()?,
			model,
			config,
			numerics,
			range,
			u64::MAX,
			unknown,
		)
	}

	/// Starts one layer whose shard this process has just written or verified, and uses its weights where
	/// they lie on disk. Slow, small in memory, and of no numerics class: for the splitter's own check.
	pub(crate) fn on_disk(
		config: &ModelConfig,
		numerics: &Numerics,
		folder: &Path,
		layer: u32,
		shard: &ShardFile,
	) -> Result<Self, EngineError> {
		let mut fuser = Fuser::default();
		fuser.push_on_disk(layer, folder, &shard.file)?;
		let range = LayerRange {
			start: layer as u16,
			end: layer as u16 + 1,
		};
		let (config, none) = (config.clone(), Digest::zero());
		let model = fuser.finish()?;
		Self::start(runtime()?, &model, config, *numerics, range, u64::MAX, none)
	}

	fn start(
		runtime: &Runtime,
		model: &InMemoryModel,
		config: ModelConfig,
		numerics: Numerics,
		range: LayerRange,
		cache_budget: u64,
		profile_id: Digest,
	) -> Result<Self, EngineError> {
		let graph = runtime.session(model, &numerics)?;
		let state = Mutex::new(State {
			graph,
			caches: HashMap::new(),
		});
		Ok(Self {
			range,
			config,
			numerics,
			profile_id,
			cache_budget,
			places: Arc::default(),
			state,
		})
	}

	fn open_with(
		&self,
		session: SessionId,
		max_rows: u32,
		factors: Option<&Factors>,
	) -> Result<(), EngineError> {
		let brought = factors.map_or(&[][..], Factors::tensors);
		if factors.map_or(!self.places.is_empty(), |factors| {
			*factors.places() != self.places
		}) {
			return Err(EngineError::OtherPlaces);
		}
		let max = self.config.max_context;
		if max_rows == 0 || max_rows > max {
			return Err(EngineError::ContextTooLong {
				rows: max_rows,
				max,
			});
		}
		let mut state = self.state();
		if state.caches.contains_key(&session) {
			return Err(EngineError::SessionExists(session));
		}
		let (need, have) = (self.session_bytes(max_rows), self.left(&state));
		if need > have {
			return Err(EngineError::TooLittleMemory {
				what: "the session's cache",
				need,
				have,
			});
		}
		let mut binding = self.bind_cache(&state.graph, max_rows)?;
		for (name, factor) in brought {
			binding.bind_input(name.as_str(), factor)?;
		}
		state.caches.insert(
			session,
			Cache {
				binding,
				rows: 0,
				max_rows,
				bytes: need,
			},
		);
		Ok(())
	}

	/// Slots of the cache of a session.
	fn slots(&self, max_rows: u32) -> usize {
		max_rows as usize + self.numerics.padding_rows()
	}

	/// Allocates the cache of a session and binds it as past and present.
	fn bind_cache(&self, graph: &Session, max_rows: u32) -> Result<IoBinding, EngineError> {
		let mut binding = graph.create_binding()?;
		for layer in self.range.start..self.range.end {
			for buffer in self.numerics.cache {
				let names = buffer.names(layer.into());
				let shape = [
					1,
					self.config.kv_heads as usize,
					self.slots(max_rows),
					buffer.elements(&self.config) as usize,
				];
				match buffer.element {
					CacheElement::F32 => bind::<f32>(graph, &mut binding, names, shape)?,
					CacheElement::U8 => bind::<u8>(graph, &mut binding, names, shape)?,
					CacheElement::I8 => bind::<i8>(graph, &mut binding, names, shape)?,
				}
			}
		}
		Ok(binding)
	}

	/// Runs one chunk behind the first `start` rows and gives its real rows.
	fn run(
		&self,
		graph: &mut Session,
		cache: &mut Cache,
		start: u32,
		chunk: &PaddedChunk<'_>,
	) -> Result<Vec<f32>, EngineError> {
		let hidden = self.hidden();
		let run_rows = chunk.values.len() / hidden;
		let total = start as i32 + run_rows as i32;
		let shape = [1, run_rows, hidden];
		let binding = &mut cache.binding;
		let input = Tensor::from_array((shape, chunk.values.to_vec()))?;
		binding.bind_input(HIDDEN_IN, &input)?;
		binding.bind_input(LAST_ROW, &Tensor::from_array(([1_usize], vec![total - 1]))?)?;
		binding.bind_input(TOTAL_ROWS, &Tensor::from_array(([1_usize], vec![total]))?)?;
		let mut output = Tensor::<f32>::new(graph.allocator(), shape)?;
		binding.bind_output(HIDDEN_OUT, &mut output)?;
		graph.run_binding(binding)?;
		Ok(output.extract_tensor().1[..chunk.rows * hidden].to_vec())
	}

	/// The number of rows, if they are whole and finite.
	fn check_rows(&self, rows: &[f32]) -> Result<usize, EngineError> {
		let hidden = self.hidden();
		if rows.is_empty() || !rows.len().is_multiple_of(hidden) {
			return Err(EngineError::WrongWidth {
				values: rows.len(),
				hidden,
			});
		}
		match rows.iter().position(|value| !value.is_finite()) {
			Some(at) => Err(EngineError::NotFinite { row: at / hidden }),
			None => Ok(rows.len() / hidden),
		}
	}

	fn left(&self, state: &State) -> u64 {
		let used = state.caches.values().map(|cache| cache.bytes).sum::<u64>();
		self.cache_budget.saturating_sub(used)
	}

	/// A call that panicked cannot have left a half-made change: lengths change last.
	fn state(&self) -> MutexGuard<'_, State> {
		self.state.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

/// Rows of one call, filled up with rows of zeros.
pub struct PaddedChunk<'a> {
	/// Values of the call, `[rows or the profile's least, width]`.
	pub values: Cow<'a, [f32]>,
	/// Rows that were asked for.
	pub rows: usize,
}

/// Cuts rows into calls of as many rows as the profile allows.
pub fn padded_chunks<'a>(
	rows: &'a [f32],
	width: usize,
	numerics: &Numerics,
) -> impl Iterator<Item = PaddedChunk<'a>> {
	let least = numerics.least_rows;
	rows.chunks(numerics.chunk_rows * width).map(move |chunk| {
		let rows = chunk.len() / width;
		if rows >= least {
			return PaddedChunk {
				values: Cow::Borrowed(chunk),
				rows,
			};
		}
		let mut values = chunk.to_vec();
		values.resize(least * width, 0.0);
		PaddedChunk {
			values: Cow::Owned(values),
			rows,
		}
	})
}

/// Allocates a buffer of zeros and binds it as input and output of every call.
fn bind<T: PrimitiveTensorElementType + Clone + Debug + Default>(
	graph: &Session,
	binding: &mut IoBinding,
	[past, present]: [String; 2],
	shape: [usize; 4],
) -> Result<(), EngineError> {
	let mut buffer = Tensor::<T>::new(graph.allocator(), shape)?;
	buffer.extract_tensor_mut().1.fill(T::default());
	binding.bind_input(past, &buffer)?;
	binding.bind_output(present, &mut buffer)?;
	Ok(())
}
