//! Turns a model folder of Hugging Face form into shards, without Python.
//!
//! `embed.onnx`, one `layer-000.onnx` … per decoder layer, and `head.onnx` are plain ONNX files with
//! their weights inside; `manifest.json` names and hashes them. Layers are stored singly, so that any
//! range can be hosted. The same folder always gives the same bytes, on every machine.
//!
//! Everything is written to a folder beside the target and renamed at the end: a target folder is
//! either absent or complete.

mod checkpoint;
mod config;
pub mod graph;
pub mod onnx;
pub mod rope;
pub mod shards;

pub use config::MAX_CONTEXT;

use crate::{
	exact::Refusal,
	manifest::{self, digest_of, Manifest, ManifestError, ShardFile, TextFile},
	numerics::Numerics,
};
use checkpoint::Checkpoint;
use dllm_primitives::model::Profile;
use prost::Message;
use shards::ShardGraph;
use std::{
	fs::{self, File},
	io::{self, Write},
	path::{Path, PathBuf},
};

const TOKENIZER: &str = "tokenizer.json";
/// Files that belong to the tokenizer where a model has them.
const TEXTS: [&str; 2] = ["tokenizer_config.json", "chat_template.jinja"];
/// ONNX files are protobuf messages, which end at 2 GiB.
const MAX_SHARD_BYTES: usize = i32::MAX as usize;

/// What has been written so far.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
	/// The file that was just written.
	pub file: &'a str,
	/// Shards written.
	pub done: u32,
	/// Shards in all.
	pub total: u32,
}

/// Why a model cannot be split.
#[derive(thiserror::Error, Debug)]
pub enum SplitError {
	/// This version does not write the profile.
	#[error("profile {0:?} is not offered yet: use f32, f16 or exact")]
	ProfileNotOffered(Profile),
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
	#[error(
		"architecture {found:?} is not supported: only LlamaForCausalLM and MistralForCausalLM are"
	)]
	UnsupportedArchitecture { found: String },
	/// The architecture is known, but not this variant of it.
	#[error("{feature} is not offered yet")]
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
	#[error("tensor {name} is missing in the weights")]
	MissingTensor { name: String },
	/// A tensor does not fit the configuration.
	#[error("tensor {name} has shape {found:?}, config.json asks for {expected:?}")]
	WrongShape {
		name: String,
		found: Vec<usize>,
		expected: Vec<usize>,
	},
	/// A tensor is quantised or of another unknown type.
	#[error("tensor {name} has type {found}, only F32, F16 and BF16 can be read")]
	UnsupportedType { name: String, found: String },
	/// A weight is not a number.
	#[error("tensor {name} holds {value} at element {at}: the checkpoint is broken")]
	NotFinite { name: String, at: usize, value: f32 },
	/// A weight is too large for half precision.
	#[error("tensor {name} holds {value} at element {at}, half precision ends at 65504: use profile f32")]
	LeavesHalf { name: String, at: usize, value: f32 },
	/// What was built departs from the rules of the exact profile.
	#[error(transparent)]
	NotExact(#[from] Refusal),
	/// There is no tokenizer.
	#[error("no {TOKENIZER} in {folder}: only models with a fast tokenizer can be served")]
	NoTokenizer { folder: PathBuf },
	/// One layer is larger than a file can be.
	#[error("{file} would have {bytes} bytes, ONNX files end at 2 GiB: use a smaller model")]
	ShardTooLarge { file: String, bytes: usize },
	/// The target exists.
	#[error("{folder} already exists: remove it or give another folder")]
	TargetExists { folder: PathBuf },
	/// The figures do not make a manifest.
	#[error(transparent)]
	Manifest(#[from] ManifestError),
	/// The file system failed.
	#[error("{path}: {source}")]
	Io { path: PathBuf, source: io::Error },
}

/// Splits the model in `source` into the new folder `target`.
pub fn split(
	source: &Path,
	target: &Path,
	profile: Profile,
	progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Manifest, SplitError> {
	let numerics = Numerics::of(profile).ok_or(SplitError::ProfileNotOffered(profile))?;
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

	let folder = Unfinished::create(target)?;
	let mut writer = Writer {
		folder: &folder.path,
		done: 0,
		total: config.layers + 2,
		progress,
	};
	let embed = writer.shard(
		"embed.onnx".into(),
		shards::embed(&config, numerics, &weights)?,
	)?;
	let layers = (0..config.layers)
		.map(|layer| {
			let graph = shards::layer(&config, numerics, layer, &weights)?;
			writer.shard(format!("layer-{layer:03}.onnx"), graph)
		})
		.collect::<Result<Vec<_>, _>>()?;
	let head = writer.shard(
		"head.onnx".into(),
		shards::head(&config, numerics, &weights)?,
	)?;

	let tokenizer = writer.copy(source, TOKENIZER)?;
	let texts = TEXTS
		.into_iter()
		.filter(|file| source.join(file).exists())
		.map(|file| writer.copy(source, file))
		.collect::<Result<Vec<_>, _>>()?;
	let (manifest, bytes) =
		Manifest::assemble(name, profile, config, embed, layers, head, tokenizer, texts)?;
	writer.write(manifest::FILE, &bytes)?;
	folder.finish(target)?;
	Ok(manifest)
}

/// Writes the files of one split.
struct Writer<'a> {
	folder: &'a Path,
	done: u32,
	total: u32,
	progress: &'a mut dyn FnMut(Progress<'_>),
}

impl Writer<'_> {
	fn shard(&mut self, file: String, graph: ShardGraph) -> Result<ShardFile, SplitError> {
		let bytes = graph.model.encoded_len();
		if bytes > MAX_SHARD_BYTES {
			return Err(SplitError::ShardTooLarge { file, bytes });
		}
		let content = graph.model.encode_to_vec();
		self.write(&file, &content)?;
		self.done += 1;
		(self.progress)(Progress {
			file: &file,
			done: self.done,
			total: self.total,
		});
		Ok(ShardFile {
			file,
			blake3: digest_of(&content),
			bytes: content.len() as u64,
			parameters: graph.parameters,
			flops_per_token: graph.flops_per_token,
			kv_bytes_per_token: graph.kv_bytes_per_token,
		})
	}

	fn copy(&self, source: &Path, file: &str) -> Result<TextFile, SplitError> {
		let path = source.join(file);
		let content = fs::read(&path).map_err(|source| SplitError::Io { path, source })?;
		self.write(file, &content)?;
		Ok(TextFile {
			file: file.into(),
			blake3: digest_of(&content),
			bytes: content.len() as u64,
		})
	}

	fn write(&self, file: &str, content: &[u8]) -> Result<(), SplitError> {
		let path = self.folder.join(file);
		let written = File::create(&path).and_then(|mut out| {
			out.write_all(content)?;
			out.sync_all()
		});
		written.map_err(|source| SplitError::Io { path, source })
	}
}

/// A folder beside the target that disappears unless it is finished.
struct Unfinished {
	path: PathBuf,
	finished: bool,
}

impl Unfinished {
	fn create(target: &Path) -> Result<Self, SplitError> {
		let name = target
			.file_name()
			.map(|name| name.to_string_lossy().into_owned());
		let name = name.unwrap_or_else(|| "model".into());
		let path = target.with_file_name(format!(".{name}.unfinished-{}", std::process::id()));
		let created = match target.parent() {
			Some(parent) => fs::create_dir_all(parent).and_then(|()| fs::create_dir(&path)),
			None => fs::create_dir(&path),
		};
		match created {
			Ok(()) => Ok(Self {
				path,
				finished: false,
			}),
			Err(source) => Err(SplitError::Io { path, source }),
		}
	}

	fn finish(mut self, target: &Path) -> Result<(), SplitError> {
		fs::rename(&self.path, target).map_err(|source| SplitError::Io {
			path: target.into(),
			source,
		})?;
		self.finished = true;
		Ok(())
	}
}

impl Drop for Unfinished {
	fn drop(&mut self) {
		if !self.finished {
			// Nothing can be done about a failure here, and the cause is already being reported.
			let _ = fs::remove_dir_all(&self.path);
		}
	}
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
