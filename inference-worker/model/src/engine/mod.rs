//! Runs a contiguous range of a model's layers on this machine.
//!
//! A miner loads the shards of its segment, fused into one graph, and keeps the key-value cache of every
//! open session in place. Rows cross as `f32`, row-major, `[rows, hidden]`; how they travel between
//! machines is left to the network, what is hashed to the commitment.
//!
//! The same rows give the same bytes however they arrive, one by one or many at once; the rules that
//! make it so stand in `ort_engine.rs`. So a verifier replays a whole session as one prefill.

mod adapted;
mod assembly;
mod class;
mod fuse;
mod library;
mod ort_engine;

pub use adapted::{Factors, Places};
pub use assembly::{head, Assembly};
pub use class::{profile_id, EXACT_CLASS};
pub(crate) use fuse::{decode as decode_shard, single_on_disk};
pub use fuse::{single, FuseError, Fuser, InMemoryModel, NamedBuffer};
pub use library::{
	find_library, pin_environment, runtime, LibraryError, Runtime, ANY_VERSION_VARIABLE,
	LIBRARY_VARIABLE, OPTIMISER_VARIABLE, ORT_VERSION, THREADS_VARIABLE,
};
pub use ort_engine::{padded_chunks, OrtEngine};

use crate::{
	adapter::AdapterError,
	manifest::{Manifest, ManifestError},
};
use dllm_primitives::{ids::Digest, model::LayerRange};
use std::path::Path;

/// Names one session of an engine; chosen by the caller.
pub type SessionId = u64;

/// Executes layers. Calls block until the result is there: run them on a blocking thread.
///
/// Sessions are independent; calls are served one after another, so an engine can be shared.
pub trait Engine: Send + Sync {
	/// Loads the layers `range` of a model from `folder`, comparing every shard with the manifest.
	/// Weights and caches together stay below `memory` bytes.
	fn load(
		manifest: &Manifest,
		folder: &Path,
		range: LayerRange,
		memory: u64,
	) -> Result<Self, EngineError>
	where
		Self: Sized;

	/// The layers that are loaded.
	fn range(&self) -> LayerRange;

	/// Values in a row.
	fn hidden(&self) -> usize;

	/// Opens a session that may hold `max_rows` rows and reserves its cache.
	fn open(&self, session: SessionId, max_rows: u32) -> Result<(), EngineError>;

	/// Appends rows from `position` on and gives the rows that leave the last layer.
	///
	/// `position` is the number of rows that the session holds; anything else is an error, and an error
	/// leaves the session as it was.
	fn prefill(
		&self,
		session: SessionId,
		position: u32,
		rows: &[f32],
	) -> Result<Vec<f32>, EngineError>;

	/// Appends one row; the same bytes as a prefill of one row.
	fn decode(
		&self,
		session: SessionId,
		position: u32,
		row: &[f32],
	) -> Result<Vec<f32>, EngineError>;

	/// Cuts the session back to its first `rows` rows.
	fn rollback(&self, session: SessionId, rows: u32) -> Result<(), EngineError>;

	/// Ends a session and frees its cache; whether there was one.
	fn close(&self, session: SessionId) -> bool;

	/// Bytes that further sessions may take.
	fn memory_left(&self) -> u64;

	/// Bytes of cache that a session of `max_rows` rows takes.
	fn session_bytes(&self, max_rows: u32) -> u64;

	/// Names the numerics class: engines with the same id give the same bytes for the same rows.
	fn profile_id(&self) -> Digest;
}

/// Why an engine cannot do what it was asked.
#[derive(thiserror::Error, Debug)]
pub enum EngineError {
	/// ONNX Runtime is not there or not the right one.
	#[error(transparent)]
	Library(#[from] LibraryError),
	/// A shard is missing or corrupt.
	#[error(transparent)]
	Manifest(#[from] ManifestError),
	/// An adapter is missing, corrupt, or of another model.
	#[error(transparent)]
	Adapter(#[from] AdapterError),
	/// A shard is no layer.
	#[error(transparent)]
	Fuse(#[from] FuseError),
	/// The layers are not in the model.
	#[error("layers {}..{} are not in a model of {layers} layers", .range.start, .range.end)]
	RangeOutside { range: LayerRange, layers: u32 },
	/// Weights or a cache do not fit.
	#[error("too little memory for {what}: needs {need} bytes, {have} are left; raise the worker's memory or close sessions")]
	TooLittleMemory {
		what: &'static str,
		need: u64,
		have: u64,
	},
	/// An engine with places for an adapter was asked for a session without, or for one with factors for other
	/// places.
	#[error("the engine is loaded for an adapter of another shape: load the layers for this one")]
	OtherPlaces,
	/// There is no such session.
	#[error("session {0} is not open")]
	UnknownSession(SessionId),
	/// The session is open already.
	#[error("session {0} is already open")]
	SessionExists(SessionId),
	/// The session cannot be that long.
	#[error("a session of {rows} rows is not possible, this model allows 1 to {max}")]
	ContextTooLong { rows: u32, max: u32 },
	/// The rows do not follow those that the session holds.
	#[error("session {session} holds {expected} rows, position {found} does not follow")]
	WrongPosition {
		session: SessionId,
		found: u32,
		expected: u32,
	},
	/// The session holds all the rows that it was opened for.
	#[error("session {session} ends at {max_rows} rows, {rows} were asked for")]
	SessionFull {
		session: SessionId,
		rows: u64,
		max_rows: u32,
	},
	/// The values do not make whole rows.
	#[error("{values} values are no whole rows of {hidden}")]
	WrongWidth { values: usize, hidden: usize },
	/// A value is infinite or not a number.
	#[error("row {row} holds a value that is not finite")]
	NotFinite { row: usize },
	/// Golden rows of the exact profile come out otherwise.
	#[error("this machine computes other bytes in profile exact (class {found:?}) than every other one: its work would be convicted, so it serves no exact model; use the version of this program that belongs to the chain, and test the machine's memory and processor")]
	NotExact { found: Digest },
	/// ONNX Runtime failed.
	#[error("onnxruntime failed: {0}")]
	Runtime(#[from] ort::Error),
}

impl EngineError {
	/// Whether the engine can serve nothing more.
	pub fn is_fatal(&self) -> bool {
		matches!(self, Self::Library(_) | Self::Runtime(_))
	}

	/// Whether the same call can succeed later: other sessions end, shards are fetched again.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::TooLittleMemory { .. } => true,
			Self::Manifest(error) => error.is_retryable(),
			_ => false,
		}
	}
}
