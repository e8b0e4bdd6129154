//! Weights of a Hugging Face folder: one safetensors file, or several with an index.
//!
//! Files are mapped, never read whole, and what was read is given back to the system: a model larger than
//! the machine's memory can be split. Values are converted to f32 when they are asked for, and refused
//! if the tensor's shape is not the one that the graph needs or if one is not finite.

use super::{shards::TensorSource, SplitError};
use crate::{manifest::is_plain_name, mapping::Mapping};
use half::{bf16, f16};
use safetensors::{tensor::Metadata, Dtype, SafeTensors};
use serde::Deserialize;
use std::{
	collections::{BTreeSet, HashMap},
	fs::{self, File},
	io,
	ops::Range,
	path::Path,
	time::UNIX_EPOCH,
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
	name: String,
	map: Mapping,
	/// When it was last changed, in nanoseconds.
	changed: u128,
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
		Self::open_files(folder, file_names(folder)?)
	}

	/// Maps files of a folder and checks every header.
	pub fn open_files(folder: &Path, names: Vec<String>) -> Result<Self, SplitError> {
		let mut checkpoint = Self {
			files: Vec::new(),
			holder: HashMap::new(),
		};
		for name in names {
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

impl Checkpoint {
	/// Digest of what tells this checkpoint from another one without reading it whole: names, sizes and
	/// times of the files, and the headers with every tensor's name, type and place.
	pub fn fingerprint(&self) -> blake3::Hash {
		let mut hasher = blake3::Hasher::new();
		for file in &self.files {
			let facts = format!(
				"{} {} {}\n",
				file.name,
				file.map.as_ref().len(),
				file.changed
			);
			hasher.update(facts.as_bytes());
			hasher.update(&file.map.as_ref()[..file.data]);
		}
		hasher.finalize()
	}

	/// Names of all tensors.
	pub fn names(&self) -> impl Iterator<Item = &str> {
		self.holder.keys().map(String::as_str)
	}

	/// The file with a tensor, and where its bytes lie.
	fn find(
		&self,
		name: &str,
		shape: &[u32],
	) -> Result<(&WeightFile, Dtype, Range<usize>), SplitError> {
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
		Ok((file, info.dtype, file.data + start..file.data + end))
	}
}

impl TensorSource for Checkpoint {
	fn tensor(&self, name: &str, shape: &[u32]) -> Result<Vec<f32>, SplitError> {
		let (file, kind, place) = self.find(name, shape)?;
		file.read(name, kind, place, 0)
	}

	fn rows(&self, name: &str, shape: [u32; 2], rows: Range<u32>) -> Result<Vec<f32>, SplitError> {
		let (file, kind, place) = self.find(name, &shape)?;
		let row = (place.end - place.start) / shape[0].max(1) as usize;
		let [start, end] = [rows.start, rows.end].map(|at| place.start + at as usize * row);
		file.read(
			name,
			kind,
			start..end,
			rows.start as usize * shape[1] as usize,
		)
	}
}

impl WeightFile {
	fn open(folder: &Path, name: &str) -> Result<Self, SplitError> {
		let path = folder.join(name);
		let (map, changed) = map(&path).map_err(|source| match source.kind() {
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
			SafeTensors::read_metadata(map.as_ref()).map_err(|source| SplitError::BadWeights {
				file: name.into(),
				source,
			})?;
		Ok(Self {
			name: name.into(),
			data: LENGTH_PREFIX + header,
			metadata,
			map,
			changed,
		})
	}

	/// The values in a range of bytes, the first of which is number `first` of its tensor.
	fn read(
		&self,
		name: &str,
		kind: Dtype,
		place: Range<usize>,
		first: usize,
	) -> Result<Vec<f32>, SplitError> {
		let values = self
			.map
			.as_ref()
			.get(place.clone())
			.and_then(|bytes| to_f32(bytes, kind));
		let values = values.ok_or_else(|| SplitError::UnsupportedType {
			name: name.into(),
			file: self.name.clone(),
			found: format!("{kind:?}"),
		})?;
		self.map.release(place);
		match values.iter().position(|value| !value.is_finite()) {
			Some(at) => Err(SplitError::NotFinite {
				name: name.into(),
				file: self.name.clone(),
				at: first + at,
				value: values[at],
			}),
			None => Ok(values),
		}
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
			reason: format!("{INDEX} names {name:?}, which is no plain file name"),
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

/// Maps a file, and says when it was last changed.
fn map(path: &Path) -> io::Result<(Mapping, u128)> {
	let file = File::open(path)?;
	let changed = file.metadata()?.modified().ok();
	let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
	let changed = changed.map_or(0, |since| since.as_nanos());
	Ok((Mapping::open(&file)?, changed))
}
