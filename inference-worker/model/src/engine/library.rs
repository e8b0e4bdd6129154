//! Finds ONNX Runtime, refuses any version but the pinned one, and starts it once per process.
//!
//! Numerics differ between versions, so a network agrees on one. The version is read from the file
//! before it is loaded, as loading already runs code. Telemetry is switched off in two places; all
//! sessions share one thread pool whose idle threads sleep.

use super::fuse::InMemoryModel;
use crate::{
	manifest::digest_of,
	numerics::{Numerics, WeightFormat},
};
use dllm_primitives::ids::Digest;
use ort::{
	environment::{Environment, GlobalThreadPoolOptions},
	session::{builder::GraphOptimizationLevel, Session},
};
use std::{
	env, fs,
	path::{Path, PathBuf},
	sync::OnceLock,
};

/// The only version whose numerics are known here.
pub const ORT_VERSION: &str = "1.31.1";
/// Environment variable that names the library file.
pub const LIBRARY_VARIABLE: &str = "DLLM_ORT_LIB";
/// Environment variable that, set to 1, lets another version be loaded.
pub const ANY_VERSION_VARIABLE: &str = "DLLM_ORT_ANY_VERSION";
/// Environment variable with the number of threads; all processors without it.
pub const THREADS_VARIABLE: &str = "DLLM_ORT_THREADS";
/// Environment variable that, set to `off`, leaves graphs as they are: a proof compares both.
pub const OPTIMISER_VARIABLE: &str = "DLLM_ORT_OPTIMISER";

/// Session option with the folder of files that a graph refers to.
const FOLDER_OPTION: &str = "session.model_external_initializers_file_folder_path";
/// Folder in which `scripts/fetch-onnxruntime.sh` installs the library, below the checkout.
const TOOLS_FOLDER: &str = ".tools/onnxruntime";
const PREFIX: &str = "libonnxruntime.";

/// Variables that ONNX Runtime reads itself: no telemetry, and attention whose sums do not depend on
/// the size of the processor's cache.
const PINNED: [(&str, &str); 2] = [
	("ORT_DISABLE_TELEMETRY", "1"),
	("ORT_GQA_DISABLE_FLASH_ATTENTION", "1"),
];

/// Why ONNX Runtime cannot be used.
#[derive(thiserror::Error, Debug, Clone)]
pub enum LibraryError {
	/// The library is nowhere.
	#[error("onnxruntime {ORT_VERSION} not found (looked in {}): run scripts/fetch-onnxruntime.sh, or set {LIBRARY_VARIABLE} to the library file", .looked.join(", "))]
	NotFound { looked: Vec<String> },
	/// The named file cannot be read.
	#[error("{path} cannot be read: {reason}; correct {LIBRARY_VARIABLE} or run scripts/fetch-onnxruntime.sh")]
	NotReadable { path: PathBuf, reason: String },
	/// The library has other numerics.
	#[error("{path} is not onnxruntime {ORT_VERSION}, the version that the network computes with: run scripts/fetch-onnxruntime.sh (or set {ANY_VERSION_VARIABLE}=1 to try; verifiers will disagree)")]
	WrongVersion { path: PathBuf },
	/// The library does not start.
	#[error("{path} does not start: {reason}")]
	NotStarted { path: PathBuf, reason: String },
}

/// The started library.
pub struct Runtime {
	environment: Environment,
	/// The file that was loaded.
	pub path: PathBuf,
	/// blake3 of that file.
	pub digest: Digest,
	/// Threads of the pool.
	pub threads: usize,
}

/// Starts ONNX Runtime on the first call; later calls give the same one, or the same error.
pub fn runtime() -> Result<&'static Runtime, LibraryError> {
	static RUNTIME: OnceLock<Result<Runtime, LibraryError>> = OnceLock::new();
	RUNTIME
		.get_or_init(Runtime::start)
		.as_ref()
		.map_err(Clone::clone)
}

/// Sets what ONNX Runtime reads from the environment. The environment of a process must not change
/// while other threads read it, so `main` calls this before it starts any.
pub fn pin_environment() {
	for (name, value) in PINNED {
		if env::var_os(name).is_none_or(|found| found != value) {
			env::set_var(name, value);
		}
	}
}

/// The library file: from [`LIBRARY_VARIABLE`], else from the tools folder of the working directory or
/// one above it, else beside the executable.
pub fn find_library() -> Result<PathBuf, LibraryError> {
	if let Some(path) = env::var_os(LIBRARY_VARIABLE).filter(|path| !path.is_empty()) {
		return Ok(path.into());
	}
	let working = env::current_dir().unwrap_or_default();
	let tools = working.ancestors().map(|folder| folder.join(TOOLS_FOLDER));
	let beside = env::current_exe()
		.ok()
		.and_then(|path| path.parent().map(Path::to_path_buf));
	if let Some(path) = tools
		.chain(beside.clone())
		.find_map(|folder| library_in(&folder))
	{
		return Ok(path);
	}
	let looked = [Some(working.join(TOOLS_FOLDER)), beside];
	let looked = looked
		.into_iter()
		.flatten()
		.map(|path| path.display().to_string())
		.collect();
	Err(LibraryError::NotFound { looked })
}

impl Runtime {
	fn start() -> Result<Self, LibraryError> {
		let path = find_library()?;
		let bytes = fs::read(&path).map_err(|error| LibraryError::NotReadable {
			path: path.clone(),
			reason: error.to_string(),
		})?;
		let any_version = env::var_os(ANY_VERSION_VARIABLE).is_some_and(|value| value == "1");
		if !any_version && !names_version(&bytes, ORT_VERSION) {
			return Err(LibraryError::WrongVersion { path });
		}
		let digest = digest_of(&bytes);
		drop(bytes);

		pin_environment();
		let threads = thread_count();
		match environment(&path, threads) {
			Ok(environment) => Ok(Self {
				environment,
				path,
				digest,
				threads,
			}),
			Err(reason) => Err(LibraryError::NotStarted { path, reason }),
		}
	}

	/// Makes a session of a graph that lies in memory.
	pub fn session(
		&self,
		model: &InMemoryModel,
		numerics: &Numerics,
	) -> Result<Session, ort::Error> {
		// Weights that are left on disk are used where they lie: nothing may be folded into copies, and
		// of the kernels only those for blocks need a copy in an order of their own.
		let on_disk = model.folder.is_some();
		let level = match numerics.optimise && !on_disk && !optimiser_is_off() {
			true => GraphOptimizationLevel::All,
			false => GraphOptimizationLevel::Disable,
		};
		let mut builder = Session::builder(&self.environment)?
			.with_optimization_level(level)
			.map_err(plain)?;
		for (name, buffer) in &model.buffers {
			builder = builder
				.with_external_initializer_file_in_memory(name, buffer.clone())
				.map_err(plain)?;
		}
		if let Some(folder) = &model.folder {
			builder = builder
				.with_config_entry(FOLDER_OPTION, folder.to_string_lossy())
				.map_err(plain)?
				.with_prepacking(matches!(numerics.layers, WeightFormat::Blocks { .. }))
				.map_err(plain)?;
		}
		if let Some(operators) = &model.operators {
			builder = builder.with_operators(operators.clone()).map_err(plain)?;
		}
		builder.commit_from_memory(&model.graph)
	}
}

fn environment(path: &Path, threads: usize) -> Result<Environment, String> {
	let builder = ort::init_from(path).map_err(|error| error.to_string())?;
	let pool = GlobalThreadPoolOptions::default()
		.with_intra_threads(threads)
		.and_then(|pool| pool.with_spin_control(false))
		.map_err(|error| error.to_string())?;
	builder
		.with_name("dllm")
		.with_telemetry(false)
		.with_global_thread_pool(pool)
		.build()
		.map_err(|error| error.to_string())
}

fn optimiser_is_off() -> bool {
	env::var_os(OPTIMISER_VARIABLE).is_some_and(|value| value == "off")
}

fn thread_count() -> usize {
	let wanted = env::var(THREADS_VARIABLE)
		.ok()
		.and_then(|value| value.parse().ok());
	let processors = std::thread::available_parallelism().map_or(1, |count| count.get());
	wanted.filter(|threads| *threads > 0).unwrap_or(processors)
}

/// The library in a folder; the pinned version before any other.
fn library_in(folder: &Path) -> Option<PathBuf> {
	let mut names = fs::read_dir(folder)
		.ok()?
		.filter_map(|entry| entry.ok()?.file_name().into_string().ok())
		.filter(|name| name.starts_with(PREFIX))
		.collect::<Vec<_>>();
	names.sort_by_key(|name| (!name.contains(ORT_VERSION), name.clone()));
	names.first().map(|name| folder.join(name))
}

/// Whether a library carries that version as a text of its own, as the function that reports it needs.
fn names_version(library: &[u8], version: &str) -> bool {
	let text = [b"\0", version.as_bytes(), b"\0"].concat();
	library.windows(text.len()).any(|window| window == text)
}

/// Drops the builder out of an error of the builder.
fn plain<R>(error: ort::Error<R>) -> ort::Error {
	ort::Error::new_with_code(error.code(), error.message())
}
