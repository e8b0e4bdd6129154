//! Turns a model folder of Hugging Face form into shards, without Python.
//!
//! `embed.onnx`, one `layer-000.onnx` … per decoder layer, and `head.onnx` are plain ONNX files with
//! their weights inside; `manifest.json` names and hashes them. Layers are stored singly, so that any
//! range can be hosted. The same folder always gives the same bytes, on every machine.
//!
//! Everything streams: weights are read panel by panel and written as they come, so a model is split in
//! little more memory than its largest shard takes. The shards are then run, one by one, and compared with a
//! plain forward pass over the checkpoint. All of it happens in a folder beside the target that is
//! renamed at the end: a target folder is either absent or complete. Whoever is interrupted starts again
//! and goes on behind the last complete shard.

mod adapter;
mod checkpoint;
mod config;
pub mod graph;
pub(crate) mod matrix;
pub mod onnx;
mod output;
mod reference;
pub mod rope;
pub mod shards;
mod verify;
pub mod writer;

pub use adapter::split_adapter;
pub use checkpoint::Checkpoint;
pub use config::{read as read_config, MAX_CONTEXT};

use crate::{
	engine::EngineError,
	exact::Refusal,
	manifest::{self, Manifest, ManifestError, ModelConfig, ShardFile},
	numerics::Numerics,
};
use dllm_primitives::model::Profile;
use output::Unfinished;
use reference::Reference;
use shards::Figures;
use std::{
	fs,
	io::{self, Write},
	path::{Path, PathBuf},
};
use verify::Verifier;

const TOKENIZER: &str = "tokenizer.json";
/// Files that belong to the tokenizer where a model has them.
const TEXTS: [&str; 2] = ["tokenizer_config.json", "chat_template.jinja"];
/// ONNX files are protobuf messages, which end at 2 GiB.
const MAX_SHARD_BYTES: u64 = i32::MAX as u64;
/// Changes whenever the same source would give other shards, so that no run goes on with older ones.
const LAYOUT: u32 = 2;

/// What has been done so far.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
	/// The file that is done.
	pub file: &'a str,
	/// What was done to it.
	pub step: Step,
	/// Steps done.
	pub done: u32,
	/// Steps in all.
	pub total: u32,
}

/// What happens to every shard: it is written or found, then verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
	/// Written now.
	Written,
	/// Written by an earlier run, and unchanged since.
	Kept,
	/// Run, and compared with the checkpoint.
	Verified,
}

/// Why a model cannot be split.
#[derive(thiserror::Error, Debug)]
pub enum SplitError {
	/// The source is no model folder.
	#[error("no config.json in {folder}: give the folder of a Hugging Face model")]
	NoConfig { folder: PathBuf },
	/// A JSON file cannot be understood.
	#[error("{file} cannot be read: {source}")]
	BadConfig {
		file: &'static str,
		source: serde_json::Error,
	},
	/// The architecture has another graph.
	#[error("architecture {found:?} in config.json is not supported: only {offered} are")]
	UnsupportedArchitecture { found: String, offered: String },
	/// The architecture is known, but not this variant of it.
	#[error("{feature} is not offered yet: use another model or a variant without it")]
	UnsupportedFeature { feature: String },
	/// The configuration contradicts itself.
	#[error("the model contradicts itself: {reason}")]
	Implausible { reason: String },
	/// There are no weights.
	#[error("no {file} in {folder}: download the model's safetensors files")]
	NoWeights { file: String, folder: PathBuf },
	/// A file of weights is truncated or damaged.
	#[error("{file} is truncated or damaged ({source}): download it again")]
	BadWeights {
		file: String,
		source: safetensors::SafeTensorError,
	},
	/// The graph needs a tensor that is nowhere.
	#[error(
		"tensor {name} is missing in the weights: download the model again, with all its files"
	)]
	MissingTensor { name: String },
	/// A tensor does not fit the configuration.
	#[error("tensor {name} has shape {found:?}, config.json asks for {expected:?}: download config.json and weights of the same model")]
	WrongShape {
		name: String,
		found: Vec<usize>,
		expected: Vec<usize>,
	},
	/// A tensor is quantised or of another unknown type.
	#[error(
		"tensor {name} in {file} has type {found}: use the unquantised model, in F32, F16 or BF16"
	)]
	UnsupportedType {
		name: String,
		file: String,
		found: String,
	},
	/// A weight is not a number.
	#[error("tensor {name} in {file} holds {value} at element {at}: download the file again")]
	NotFinite {
		name: String,
		file: String,
		at: usize,
		value: f32,
	},
	/// A weight is too large for half precision.
	#[error("tensor {name} holds {value} at element {at}, half precision ends at 65504: use profile f32")]
	LeavesHalf { name: String, at: usize, value: f32 },
	/// An adapter does not fit its base.
	#[error("this adapter cannot be split for this base: {reason}; give the base that it was trained on, or download it again")]
	WrongAdapter { reason: String },
	/// What was built departs from the rules of the exact profile.
	#[error(transparent)]
	NotExact(#[from] Refusal),
	/// There is no tokenizer.
	#[error("no {TOKENIZER} in {folder}: only models with a fast tokenizer can be served")]
	NoTokenizer { folder: PathBuf },
	/// One layer is larger than a file can be.
	#[error(
		"{file} would have {bytes} bytes, ONNX files end at 2 GiB: use profile f16, int8 or int4"
	)]
	ShardTooLarge { file: String, bytes: u64 },
	/// The target exists.
	#[error("{folder} already exists: remove it or give another folder")]
	TargetExists { folder: PathBuf },
	/// Another process writes the same target.
	#[error("{folder} is being written by another process: wait for it")]
	TargetBusy { folder: PathBuf },
	/// A shard computes other rows than the checkpoint.
	#[error("{file} computes other rows than the checkpoint (relative distance {distance:.1e}, allowed {allowed:.0e}): split again on another disk, and report it if it stays")]
	NotVerified {
		file: String,
		distance: f64,
		allowed: f64,
	},
	/// A shard does not run.
	#[error(transparent)]
	Engine(#[from] EngineError),
	/// The figures do not make a manifest.
	#[error(transparent)]
	Manifest(#[from] ManifestError),
	/// The file system failed.
	#[error("{path}: {source}")]
	Io { path: PathBuf, source: io::Error },
	/// A shard cannot be written.
	#[error("a shard cannot be written: {0}")]
	NotWritten(#[from] io::Error),
}

impl SplitError {
	/// Whether the same command can succeed later and go on where this one ended: the disk was full, the
	/// library was missing.
	pub fn is_retryable(&self) -> bool {
		matches!(
			self,
			Self::Io { .. } | Self::NotWritten(_) | Self::Engine(EngineError::Library(_))
		)
	}
}

/// Splits the model in `source` into the new folder `target`.
pub fn split(
	source: &Path,
	target: &Path,
	profile: Profile,
	progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Manifest, SplitError> {
	let numerics = Numerics::of(profile);
	if target.exists() {
		return Err(SplitError::TargetExists {
			folder: target.into(),
		});
	}
	let config = config::read(source)?;
	let name = model_name(source)?;
	if !source.join(TOKENIZER).exists() {
		return Err(SplitError::NoTokenizer {
			folder: source.into(),
		});
	}
	let weights = Checkpoint::open(source)?;
	let fingerprint = fingerprint(&config, numerics, &weights);
	let mut folder = Unfinished::open(target, fingerprint)?;
	let job = Job {
		source,
		name,
		config,
		numerics,
		weights,
	};
	match job.run(&mut folder, progress) {
		Ok(manifest) => {
			folder.finish(target)?;
			Ok(manifest)
		}
		Err(error) => {
			if error.is_retryable() {
				folder.keep();
			}
			Err(error)
		}
	}
}

/// One model on its way to shards.
struct Job<'a> {
	source: &'a Path,
	name: String,
	config: ModelConfig,
	numerics: &'static Numerics,
	weights: Checkpoint,
}

impl Job<'_> {
	fn run(
		&self,
		folder: &mut Unfinished,
		progress: &mut dyn FnMut(Progress<'_>),
	) -> Result<Manifest, SplitError> {
		let Self {
			config,
			numerics,
			weights,
			..
		} = self;
		let mut steps = Steps {
			done: 0,
			total: 2 * (config.layers + 2),
			progress,
		};
		let embed = write_shard(folder, &mut steps, "embed.onnx".into(), &mut |out| {
			shards::embed(config, numerics, weights, out)
		})?;
		let mut layers = Vec::new();
		for layer in 0..config.layers {
			let file = format!("layer-{layer:03}.onnx");
			layers.push(write_shard(folder, &mut steps, file, &mut |out| {
				shards::layer(config, numerics, layer, weights, out)
			})?);
		}
		let head = write_shard(folder, &mut steps, "head.onnx".into(), &mut |out| {
			shards::head(config, numerics, weights, out)
		})?;
		self.verify(&folder.path, &mut steps, [&embed, &head], &layers)?;

		let tokenizer = folder.copy(self.source, TOKENIZER)?;
		let texts = TEXTS
			.into_iter()
			.filter(|file| self.source.join(file).exists())
			.map(|file| folder.copy(self.source, file))
			.collect::<Result<Vec<_>, _>>()?;
		let (manifest, bytes) = Manifest::assemble(
			self.name.clone(),
			numerics.profile,
			self.config.clone(),
			embed,
			layers,
			head,
			tokenizer,
			texts,
		)?;
		folder.write(manifest::FILE, &bytes)?;
		Ok(manifest)
	}

	fn verify(
		&self,
		folder: &Path,
		steps: &mut Steps<'_>,
		[embed, head]: [&ShardFile; 2],
		layers: &[ShardFile],
	) -> Result<(), SplitError> {
		let reference = Reference {
			config: &self.config,
			source: &self.weights,
		};
		let mut verifier = Verifier::embed(reference, self.numerics, folder, embed)?;
		steps.did(&embed.file, Step::Verified);
		for (layer, shard) in (0..).zip(layers) {
			verifier.layer(layer, shard)?;
			steps.did(&shard.file, Step::Verified);
		}
		verifier.head(head)?;
		steps.did(&head.file, Step::Verified);
		Ok(())
	}
}

/// Counts what has been done.
struct Steps<'a> {
	done: u32,
	total: u32,
	progress: &'a mut dyn FnMut(Progress<'_>),
}

impl Steps<'_> {
	fn did(&mut self, file: &str, step: Step) {
		self.done += 1;
		(self.progress)(Progress {
			file,
			step,
			done: self.done,
			total: self.total,
		});
	}
}

/// Writes a shard, unless an earlier run completed it.
fn write_shard(
	folder: &mut Unfinished,
	steps: &mut Steps<'_>,
	file: String,
	write: &mut dyn FnMut(&mut dyn Write) -> Result<Figures, SplitError>,
) -> Result<ShardFile, SplitError> {
	if let Some(shard) = folder.kept(&file) {
		steps.did(&file, Step::Kept);
		return Ok(shard);
	}
	let mut out = folder.create(&file)?;
	let figures = write(&mut out).map_err(|error| match error {
		SplitError::NotWritten(source) => SplitError::Io {
			path: out.path.clone(),
			source,
		},
		other => other,
	})?;
	let bytes = out.bytes;
	let digest = out.finish()?;
	if bytes > MAX_SHARD_BYTES {
		return Err(SplitError::ShardTooLarge { file, bytes });
	}
	let shard = ShardFile {
		file,
		blake3: (*digest.as_bytes()).into(),
		bytes,
		parameters: figures.parameters,
		flops_per_token: figures.flops_per_token,
		kv_bytes_per_token: figures.kv_bytes_per_token,
	};
	folder.completed(&shard)?;
	steps.did(&shard.file, Step::Written);
	Ok(shard)
}

/// Digest of everything that the shards depend on.
fn fingerprint(config: &ModelConfig, numerics: &Numerics, weights: &Checkpoint) -> blake3::Hash {
	let facts = format!(
		"{LAYOUT} {} {config:?} {numerics:?}",
		env!("CARGO_PKG_VERSION")
	);
	let mut hasher = blake3::Hasher::new();
	hasher.update(facts.as_bytes());
	hasher.update(weights.fingerprint().as_bytes());
	hasher.finalize()
}

fn model_name(source: &Path) -> Result<String, SplitError> {
	let path = fs::canonicalize(source).map_err(|error| SplitError::Io {
		path: source.into(),
		source: error,
	})?;
	let name = path
		.file_name()
		.map(|name| name.to_string_lossy().into_owned());
	name.ok_or_else(|| SplitError::Implausible {
		reason: "the folder has no name".into(),
	})
}
