//! `adapter.json`: what a split LoRA adapter consists of, and the base model that it belongs to.
//!
//! An adapter changes what a model's layers compute without changing their shards. The engine reads the
//! files of its own layers, compares each with its digest, and adds the low-rank products to the graph;
//! the same base can serve with and without it, side by side.

use crate::{
	manifest::{digest_of, is_plain_name, read_verified, ManifestError, MAX_BYTES},
	splitter::shards::ADAPTABLE,
};
use dllm_primitives::ids::Digest;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use std::{
	fs, io,
	path::{Path, PathBuf},
};

/// Name of the adapter's manifest inside its folder.
pub const FILE: &str = "adapter.json";
/// The only format that is read or written.
pub const FORMAT: &str = "dllm-adapter/1";

/// Everything that is known of a split adapter.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct AdapterManifest {
	/// [`FORMAT`].
	pub format: String,
	/// Name for people: the name of the folder that was split.
	pub adapter: String,
	/// Root of the split model that it adapts.
	pub base: Digest,
	/// Width of the low-rank products.
	pub rank: u32,
	/// One file a layer; none where the layer stays as it is.
	pub layers: Vec<Option<AdapterFile>>,
	/// blake3 of the bytes that this was read from or written as.
	#[serde(skip)]
	pub root: Digest,
}

/// The adapter of one layer, and what it costs on top of the layer.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct AdapterFile {
	/// Plain file name inside the adapter's folder.
	pub file: String,
	/// Digest of the file.
	pub blake3: Digest,
	/// Bytes of the file.
	pub bytes: u64,
	/// Weights in the file.
	pub parameters: u64,
	/// Two operations for every weight.
	pub flops_per_token: u64,
}

/// The two factors that are added to one projection: `output += input · aᵀ · bᵀ`.
#[derive(Clone, Debug, PartialEq)]
pub struct LowRank {
	/// The projection, one of [`ADAPTABLE`].
	pub module: &'static str,
	/// `[rank, inputs]`, little-endian f32.
	pub a: Vec<u8>,
	/// `[outputs, rank]`, little-endian f32, with the scale in it.
	pub b: Vec<u8>,
}

/// Why an adapter cannot be used.
#[derive(thiserror::Error, Debug)]
pub enum AdapterError {
	/// There is no adapter in the folder.
	#[error("no {FILE} in {folder}: run `dllm-worker split` with --base, or fetch the adapter")]
	NoAdapter { folder: PathBuf },
	/// The file is of another format, or cannot be understood.
	#[error("{FILE} cannot be used ({reason}): split the adapter again with this version")]
	NotReadable { reason: String },
	/// The adapter was split for another model.
	#[error("this adapter belongs to the model with root {base:?}, not to {found:?}: split it again with --base naming this model")]
	OtherBase { base: Digest, found: Digest },
	/// A file does not hold what the base asks for.
	#[error("{file} is no adapter of this model ({reason}): split the adapter again")]
	WrongShape { file: String, reason: String },
	/// A file is missing or corrupt.
	#[error(transparent)]
	File(#[from] ManifestError),
}

impl AdapterManifest {
	/// Reads and checks the manifest of a folder.
	pub fn load(folder: &Path) -> Result<Self, AdapterError> {
		let path = folder.join(FILE);
		let bytes = fs::read(&path).map_err(|source| match source.kind() {
			io::ErrorKind::NotFound => AdapterError::NoAdapter {
				folder: folder.into(),
			},
			_ => ManifestError::Io { path, source }.into(),
		})?;
		Self::from_bytes(&bytes)
	}

	/// Checks a manifest that came from anywhere.
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, AdapterError> {
		let unreadable = |reason: String| AdapterError::NotReadable { reason };
		if bytes.len() as u64 > MAX_BYTES {
			return Err(unreadable(format!("it has {} bytes", bytes.len())));
		}
		let mut manifest: Self =
			serde_json::from_slice(bytes).map_err(|error| unreadable(error.to_string()))?;
		if manifest.format != FORMAT {
			return Err(unreadable(format!("its format is {:?}", manifest.format)));
		}
		let mut files = manifest.layers.iter().flatten();
		if let Some(file) = files.find(|file| !is_plain_name(&file.file)) {
			return Err(unreadable(format!("{:?} is no plain file name", file.file)));
		}
		manifest.root = digest_of(bytes);
		Ok(manifest)
	}

	/// Fails unless the adapter was split for that model.
	pub fn expect_base(&self, root: Digest) -> Result<(), AdapterError> {
		if self.base == root {
			return Ok(());
		}
		Err(AdapterError::OtherBase {
			base: self.base,
			found: root,
		})
	}

	/// The factors of a layer, verified; none where the layer stays as it is.
	pub fn layer(&self, folder: &Path, layer: u32) -> Result<Vec<LowRank>, AdapterError> {
		match self.layers.get(layer as usize) {
			Some(Some(file)) => {
				let content = read_verified(folder, &file.file, file.blake3)?;
				factors(&file.file, &content)
			}
			_ => Ok(Vec::new()),
		}
	}
}

/// The factors in a layer's file.
fn factors(file: &str, content: &[u8]) -> Result<Vec<LowRank>, AdapterError> {
	let wrong = |reason: String| AdapterError::WrongShape {
		file: file.into(),
		reason,
	};
	let tensors = SafeTensors::deserialize(content).map_err(|error| wrong(error.to_string()))?;
	let factor = |name: String| match tensors.tensor(&name) {
		Ok(tensor) if tensor.dtype() == Dtype::F32 => Ok(tensor.data().to_vec()),
		Ok(tensor) => Err(wrong(format!("{name} has type {:?}", tensor.dtype()))),
		Err(error) => Err(wrong(error.to_string())),
	};
	let adapted = ADAPTABLE
		.into_iter()
		.filter(|module| tensors.tensor(&format!("{module}.a")).is_ok());
	adapted
		.map(|module| {
			Ok(LowRank {
				module,
				a: factor(format!("{module}.a"))?,
				b: factor(format!("{module}.b"))?,
			})
		})
		.collect()
}
