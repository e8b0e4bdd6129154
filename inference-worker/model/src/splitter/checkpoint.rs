//! Weights of a Hugging Face folder: one safetensors file, or several with an index.
//!
//! Files are mapped, never read whole. A tensor is converted to f32 when it is asked for, and refused
//! if its shape is not the one that the graph needs or if a value is not finite.

use super::{shards::TensorSource, SplitError};
use crate::manifest::is_plain_name;
use half::{bf16, f16};
use memmap2::Mmap;
use safetensors::{tensor::Metadata, Dtype, SafeTensors};
use serde::Deserialize;
use std::{
	collections::{BTreeSet, HashMap},
	fs::{self, File},
	io,
	path::Path,
};

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";
/// Bytes of the header's length at the start of a safetensors file.
const LENGTH_PREFIX: usize = 8;

/// The open files of a checkpoint.
pub struct Checkpoint {
	files: Vec<WeightFile>,
	/// Which file holds a tensor.
	holder: HashMap<String, usize>,
}

struct WeightFile {
	map: Mmap,
	metadata: Metadata,
	/// Where the data begin.
	data: usize,
}

#[derive(Deserialize)]
struct Index {
	weight_map: HashMap<String, String>,
}

impl Checkpoint {
	/// Maps the weights of a folder and checks every header.
	pub fn open(folder: &Path) -> Result<Self, SplitError> {
		let mut checkpoint = Self {
			files: Vec::new(),
			holder: HashMap::new(),
		};
		for name in file_names(folder)? {
			let file = WeightFile::open(folder, &name)?;
			let number = checkpoint.files.len();
			let names = file.metadata.tensors().into_keys();
			checkpoint
				.holder
				.extend(names.map(|tensor| (tensor, number)));
			checkpoint.files.push(file);
		}
		Ok(checkpoint)
	}
}

impl TensorSource for Checkpoint {
	fn tensor(&self, name: &str, shape: &[u32]) -> Result<Vec<f32>, SplitError> {
		let missing = || SplitError::MissingTensor { name: name.into() };
		let file = &self.files[*self.holder.get(name).ok_or_else(missing)?];
		let info = file.metadata.info(name).ok_or_else(missing)?;
		let expected = shape.iter().map(|size| *size as usize).collect::<Vec<_>>();
		if info.shape != expected {
			let found = info.shape.clone();
			return Err(SplitError::WrongShape {
				name: name.into(),
				found,
				expected,
			});
		}
		let (start, end) = info.data_offsets;
		let bytes = &file.map[file.data + start..file.data + end];
		let values = to_f32(bytes, info.dtype).ok_or_else(|| SplitError::UnsupportedType {
			name: name.into(),
			found: format!("{:?}", info.dtype),
		})?;
		match values.iter().position(|value| !value.is_finite()) {
			Some(at) => Err(SplitError::NotFinite {
				name: name.into(),
				at,
				value: values[at],
			}),
			None => Ok(values),
		}
	}
}

impl WeightFile {
	fn open(folder: &Path, name: &str) -> Result<Self, SplitError> {
		let path = folder.join(name);
		let map = map(&path).map_err(|source| match source.kind() {
			io::ErrorKind::NotFound => SplitError::NoWeights {
				file: name.into(),
				folder: folder.into(),
			},
			_ => SplitError::Io {
				path: path.clone(),
				source,
			},
		})?;
		let (header, metadata) =
			SafeTensors::read_metadata(&map).map_err(|source| SplitError::BadWeights {
				file: name.into(),
				source,
			})?;
		Ok(Self {
			data: LENGTH_PREFIX + header,
			metadata,
			map,
		})
	}
}

/// Names of the files with weights, in a fixed order.
fn file_names(folder: &Path) -> Result<Vec<String>, SplitError> {
	let path = folder.join(INDEX);
	let bytes = match fs::read(&path) {
		Ok(bytes) => bytes,
		Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![SINGLE.into()]),
		Err(source) => return Err(SplitError::Io { path, source }),
	};
	let index: Index = serde_json::from_slice(&bytes).map_err(|source| SplitError::BadConfig {
		file: INDEX,
		source,
	})?;
	let names = index.weight_map.into_values().collect::<BTreeSet<_>>();
	match names.iter().find(|name| !is_plain_name(name)) {
		Some(name) => Err(SplitError::Implausible {
			reason: format!("{INDEX} names {name:?}"),
		}),
		None => Ok(names.into_iter().collect()),
	}
}

fn to_f32(bytes: &[u8], kind: Dtype) -> Option<Vec<f32>> {
	let pairs = || bytes.chunks_exact(2).map(|b| [b[0], b[1]]);
	match kind {
		Dtype::F32 => {
			let words = bytes.chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
			Some(words.map(f32::from_le_bytes).collect())
		}
		Dtype::F16 => Some(pairs().map(|b| f16::from_le_bytes(b).to_f32()).collect()),
		Dtype::BF16 => Some(pairs().map(|b| bf16::from_le_bytes(b).to_f32()).collect()),
		_ => None,
	}
}

/// Maps a file for reading.
#[allow(unsafe_code)]
fn map(path: &Path) -> io::Result<Mmap> {
	let file = File::open(path)?;
	// SAFETY: the map is only read. Whoever truncates the model's own files while it is being split
	// ends this process, which is a command of its own and has written nothing but a temporary folder.
	unsafe { Mmap::map(&file) }
}
