//! `adapter.json`: what a split LoRA adapter consists of, and the base model that it belongs to.
//!
//! An adapter changes what a model's layers compute without changing their shards. The engine reads the
//! files of its own layers, compares each with its digest, and adds the low-rank products to the graph;
//! the same base can serve with and without it, side by side. Only the projections of decoder layers are adapted:
//! an entry, with embedding and head, serves adapted jobs as it is.

use crate::{
	manifest::{digest_of, is_plain_name, read_verified, ManifestError, MAX_BYTES},
	splitter::shards::ADAPTABLE,
};
use dllm_primitives::{
	ids::Digest,
	model::{AdapterSpec, MAX_ADAPTER_RANK},
};
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
	/// The model has no room for float products.
	#[error("a model of profile exact takes no adapter: its disputes are judged in integers; split the model in a float profile")]
	Exact,
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
		if !(1..=MAX_ADAPTER_RANK).contains(&manifest.rank) {
			let reason = format!(
				"its rank is {}, 1 to {MAX_ADAPTER_RANK} are taken",
				manifest.rank
			);
			return Err(unreadable(reason));
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

	/// Bytes of all files.
	pub fn bytes(&self) -> u64 {
		let files = self.layers.iter().flatten();
		files.fold(0, |sum, file| sum.saturating_add(file.bytes))
	}

	/// Fails unless every file is there and whole.
	pub fn verify_all(&self, folder: &Path) -> Result<(), AdapterError> {
		for layer in 0..self.layers.len() as u32 {
			self.layer(folder, layer)?;
		}
		Ok(())
	}

	/// What is registered of it.
	pub fn spec(&self, licence: &str) -> Result<AdapterSpec, AdapterError> {
		let unreadable = |reason: &str| AdapterError::NotReadable {
			reason: reason.into(),
		};
		let spec = AdapterSpec {
			name: self
				.adapter
				.as_bytes()
				.to_vec()
				.try_into()
				.map_err(|_| unreadable("its name has more than 64 bytes"))?,
			licence: licence
				.as_bytes()
				.to_vec()
				.try_into()
				.map_err(|_| unreadable("the name of the licence has more than 32 bytes"))?,
			manifest_root: self.root,
			rank: self.rank,
			bytes: self.bytes(),
		};
		match spec.is_plausible() {
			true => Ok(spec),
			false => Err(unreadable("no name, no layer, or a rank beyond 256")),
		}
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
