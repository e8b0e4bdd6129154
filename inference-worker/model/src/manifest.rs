//! `manifest.json`: what a split model consists of, and the digests that make it trustworthy.
//!
//! The splitter writes it, the owner registers its root on chain, and every worker loads shards only
//! through it: a file is read once, compared with its digest, and used from memory. What the numbers
//! are needed for (planning, prices) is left to their readers.

use crate::numerics::Numerics;
use dllm_primitives::{
	ids::{Digest, MAX_LAYERS},
	model::{ModelConstants, ModelSpec, Profile, Shard},
};
use serde::{Deserialize, Serialize};
use std::{
	collections::HashSet,
	fs,
	io::{self, Write},
	path::{Path, PathBuf},
};

/// Name of the manifest inside a model's folder.
pub const FILE: &str = "manifest.json";
/// The only format that is read or written.
pub const FORMAT: &str = "dllm-manifest/2";
/// Bytes of a manifest at most: 256 layers take about 64 KiB, and a peer may send one.
pub const MAX_BYTES: u64 = 1 << 20;
/// What the width of a head must be a multiple of: the attention operator takes no other.
pub const HEAD_DIM_STEP: u32 = 16;
/// Values in a row at most: integer products of longer ones would not fit (docs/exact-profile.md).
const MAX_WIDTH: u32 = 131_072;
/// Heads, and values in a head, at most: far beyond any model, so that their product is a number.
const MAX_HEADS: u32 = 1_024;
/// Token ids at most: four times those of the largest known vocabularies.
const MAX_VOCAB: u32 = 1 << 20;

/// Everything that is known of a split model.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
	/// [`FORMAT`].
	pub format: String,
	/// Name for people: the name of the folder that was split.
	pub model: String,
	/// Numeric profile of the shards.
	pub profile: Profile,
	/// What is needed to run the model.
	pub config: ModelConfig,
	/// Token ids to rows.
	pub embed: ShardFile,
	/// Decoder layers in order.
	pub layers: Vec<ShardFile>,
	/// Rows to logits: final norm and output projection.
	pub head: ShardFile,
	/// `tokenizer.json`.
	pub tokenizer: TextFile,
	/// Tokenizer settings and chat template, as far as the model has them.
	pub texts: Vec<TextFile>,
	/// Numerics class, where it is the same on every machine; float profiles have one per kind of
	/// processor, which every worker measures for itself.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub class: Option<Digest>,
	/// What the profile costs, where somebody measured it.
	#[serde(default, skip_serializing_if = "Option::is_none")]
	pub accuracy: Option<Accuracy>,
	/// blake3 of the bytes that this was read from or written as.
	#[serde(skip)]
	root: Digest,
}

/// Shape and constants of a decoder-only transformer.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
	/// Which family of architectures the graphs follow.
	pub family: Family,
	/// Width of a hidden row, in values.
	pub hidden: u32,
	/// Width inside the feed-forward block.
	pub intermediate: u32,
	/// Decoder layers.
	pub layers: u32,
	/// Query heads.
	pub heads: u32,
	/// Key and value heads; divides `heads`.
	pub kv_heads: u32,
	/// Width of one head; a multiple of [`HEAD_DIM_STEP`].
	pub head_dim: u32,
	/// Number of token ids.
	pub vocab: u32,
	/// Base of the rotary embedding's angles.
	pub rope_theta: f64,
	/// How the angles are stretched for longer contexts.
	pub rope_scaling: RopeScaling,
	/// Which layers see only the rows just before each row.
	pub window: Option<Window>,
	/// Whether query, key and value have biases.
	pub qkv_bias: bool,
	/// Whether every head of query and key is normed, before it is turned.
	pub qk_norm: bool,
	/// Added to the mean square in every norm.
	pub norm_eps: f64,
	/// Rows that a session may hold at most.
	pub max_context: u32,
	/// Token that begins a text, where the model has one.
	pub bos_id: Option<u32>,
	/// Tokens that end a reply.
	pub eos_ids: Vec<u32>,
	/// Whether the head uses the embedding's weights.
	pub tied: bool,
}

/// A family of architectures.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Family {
	/// Llama and models of the same graph.
	Llama,
}

/// How the angles of the rotary embedding are stretched.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub enum RopeScaling {
	/// Not at all.
	None,
	/// Every angle is divided by a factor (position interpolation; Chen et al. 2023).
	Linear {
		/// At least 1.
		factor: f64,
	},
	/// Slow angles are divided by a factor, fast ones are kept, those between are mixed (Llama 3.1).
	Llama3 {
		/// At least 1.
		factor: f64,
		/// Turns within the original context below which an angle is slow.
		low_freq_factor: f64,
		/// Turns within the original context above which an angle is fast; greater than the other.
		high_freq_factor: f64,
		/// Rows of the context before it was stretched.
		original_context: u32,
	},
	/// As Llama 3.1, but mixed along the pairs, and queries and keys are longer (YaRN; Peng et al. 2023).
	Yarn {
		/// At least 1.
		factor: f64,
		/// Turns within the original context above which an angle is fast; greater than the other.
		beta_fast: f64,
		/// Turns within the original context below which an angle is slow.
		beta_slow: f64,
		/// Rows of the context before it was stretched.
		original_context: u32,
		/// What every turned query and key is multiplied by.
		magnitude: f64,
	},
}

/// A sliding window of attention.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Window {
	/// Rows that a row sees, itself among them.
	pub rows: u32,
	/// The first layer that has the window; all after it have it too.
	pub from_layer: u32,
}

/// One ONNX file and what it costs to run.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct ShardFile {
	/// Plain file name inside the model's folder.
	pub file: String,
	/// Digest of the file.
	pub blake3: Digest,
	/// Bytes of the file.
	pub bytes: u64,
	/// Weights in the file.
	pub parameters: u64,
	/// Two operations for every weight of a projection; attention over the context is not counted,
	/// as it depends on the position.
	pub flops_per_token: u64,
	/// Bytes that one token leaves in the key-value cache.
	pub kv_bytes_per_token: u32,
}

/// What a profile costs in accuracy, measured on texts.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Accuracy {
	/// The texts, by the name of their file.
	pub evaluation: String,
	/// blake3 of that file.
	pub blake3: Digest,
	/// Texts in it.
	pub texts: u64,
	/// Tokens that were predicted.
	pub tokens: u64,
	/// Perplexity of this profile.
	pub perplexity: f64,
	/// Perplexity of the same model in single precision.
	pub perplexity_f32: f64,
}

/// One text file that belongs to the tokenizer.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct TextFile {
	/// Plain file name inside the model's folder.
	pub file: String,
	/// Digest of the file.
	pub blake3: Digest,
	/// Bytes of the file.
	pub bytes: u64,
}

/// What can be wrong with a model's folder.
#[derive(thiserror::Error, Debug)]
pub enum ManifestError {
	/// There is no manifest in the folder.
	#[error("no {FILE} in {folder}: run `dllm-worker split`, or fetch the model")]
	NoManifest { folder: PathBuf },
	/// The manifest is longer than any real one.
	#[error("{FILE} has {bytes} bytes, at most {MAX_BYTES} are read")]
	TooLarge { bytes: u64 },
	/// The manifest is of another format or version.
	#[error("manifest format is {found:?}, this worker reads {FORMAT:?}: split the model again with this version")]
	WrongFormat { found: String },
	/// The manifest is no JSON, or lacks fields.
	#[error("{FILE} cannot be read: {0}")]
	NotReadable(#[from] serde_json::Error),
	/// The manifest contradicts itself.
	#[error("{FILE} contradicts itself: {reason}")]
	Implausible { reason: String },
	/// A file that the manifest names is missing.
	#[error("{file} is missing in {folder}: fetch or split the model again")]
	MissingFile { file: String, folder: PathBuf },
	/// A file has other bytes than the manifest says.
	#[error(
		"{file} is corrupt (blake3 {found:?}, expected {expected:?}): delete it and fetch it again"
	)]
	HashMismatch {
		file: String,
		found: Digest,
		expected: Digest,
	},
	/// The manifest is sound but not the one that was asked for.
	#[error("this is the manifest of another model (root {found:?}, expected {expected:?}): fetch the model that the chain names")]
	OtherModel { found: Digest, expected: Digest },
	/// A name or list is longer than the chain allows.
	#[error("{what} is longer than the chain allows")]
	TooLongForChain { what: &'static str },
	/// The file system failed.
	#[error("cannot read {path}: {source}")]
	Io { path: PathBuf, source: io::Error },
	/// The manifest cannot be replaced.
	#[error("cannot write {path}: {source}; it is as it was")]
	NotWritten { path: PathBuf, source: io::Error },
}

impl ManifestError {
	/// Whether fetching the named file again can help.
	pub fn is_retryable(&self) -> bool {
		matches!(
			self,
			Self::MissingFile { .. } | Self::HashMismatch { .. } | Self::Io { .. }
		)
	}
}

impl Manifest {
	/// Reads and checks the manifest of a folder. The shards are checked when they are read, so a
	/// worker needs only those of its own layers.
	pub fn load(folder: &Path) -> Result<Self, ManifestError> {
		let path = folder.join(FILE);
		match fs::metadata(&path) {
			Ok(metadata) if metadata.len() > MAX_BYTES => {
				return Err(ManifestError::TooLarge {
					bytes: metadata.len(),
				})
			}
			Ok(_) => {}
			Err(error) if error.kind() == io::ErrorKind::NotFound => {
				return Err(ManifestError::NoManifest {
					folder: folder.into(),
				})
			}
			Err(source) => return Err(ManifestError::Io { path, source }),
		}
		let bytes = fs::read(&path).map_err(|source| ManifestError::Io { path, source })?;
		Self::from_bytes(&bytes)
	}

	/// Checks a manifest that came from anywhere.
	pub fn from_bytes(bytes: &[u8]) -> Result<Self, ManifestError> {
		#[derive(Deserialize)]
		struct Opening {
			format: String,
		}
		if bytes.len() as u64 > MAX_BYTES {
			return Err(ManifestError::TooLarge {
				bytes: bytes.len() as u64,
			});
		}
		let opening: Opening = serde_json::from_slice(bytes)?;
		if opening.format != FORMAT {
			return Err(ManifestError::WrongFormat {
				found: opening.format,
			});
		}
		let mut manifest: Self = serde_json::from_slice(bytes)?;
		manifest.check()?;
		manifest.root = digest_of(bytes);
		Ok(manifest)
	}

	/// Puts a manifest together and gives it with the bytes that are written.
	#[allow(clippy::too_many_arguments)]
	pub(crate) fn assemble(
		model: String,
		profile: Profile,
		config: ModelConfig,
		embed: ShardFile,
		layers: Vec<ShardFile>,
		head: ShardFile,
		tokenizer: TextFile,
		texts: Vec<TextFile>,
	) -> Result<(Self, Vec<u8>), ManifestError> {
		let root = Digest::zero();
		let format = FORMAT.to_string();
		let mut manifest = Self {
			format,
			model,
			profile,
			config,
			embed,
			layers,
			head,
			tokenizer,
			texts,
			class: None,
			accuracy: None,
			root,
		};
		let bytes = manifest.seal()?;
		Ok((manifest, bytes))
	}

	/// Checks the manifest, gives it the root of its present content, and the bytes to write as
	/// [`FILE`]. Whoever adds an accuracy or a class before a model is registered calls it again.
	pub fn seal(&mut self) -> Result<Vec<u8>, ManifestError> {
		self.check()?;
		let mut bytes = serde_json::to_vec_pretty(self)?;
		bytes.push(b'\n');
		self.root = digest_of(&bytes);
		Ok(bytes)
	}

	/// Seals the manifest and writes it into its folder, whole or not at all.
	pub fn write(&mut self, folder: &Path) -> Result<(), ManifestError> {
		let bytes = self.seal()?;
		let path = folder.join(FILE);
		let unfinished = folder.join(format!(".{FILE}.unfinished"));
		let written = fs::File::create(&unfinished).and_then(|mut file| {
			file.write_all(&bytes)?;
			file.sync_all()?;
			fs::rename(&unfinished, &path)
		});
		written.map_err(|source| {
			// Nothing can be done about a failure here, and the cause is being reported.
			let _ = fs::remove_file(&unfinished);
			ManifestError::NotWritten { path, source }
		})
	}

	/// blake3 of the manifest's bytes as written: the name of the model on chain.
	pub fn root(&self) -> Digest {
		self.root
	}

	/// Fails unless this is the manifest with that root.
	pub fn expect_root(&self, expected: Digest) -> Result<(), ManifestError> {
		if self.root == expected {
			return Ok(());
		}
		Err(ManifestError::OtherModel {
			found: self.root,
			expected,
		})
	}

	/// All shards: embedding, layers in order, head.
	pub fn shards(&self) -> impl Iterator<Item = &ShardFile> {
		[&self.embed]
			.into_iter()
			.chain(&self.layers)
			.chain([&self.head])
	}

	/// Bytes of memory that layers take once they are loaded: their files', and more where the library
	/// widens the weights.
	pub fn memory_of(&self, layers: &[ShardFile]) -> u64 {
		let growth = Numerics::of(self.profile).layers.growth();
		let bytes = layers.iter().map(|file| file.bytes).sum::<u64>();
		bytes.saturating_mul(growth)
	}

	/// The text file of that name, where the model has it.
	pub fn text(&self, file: &str) -> Option<&TextFile> {
		self.texts.iter().find(|text| text.file == file)
	}

	/// Compares every file of the folder with its digest.
	pub fn verify_all(&self, folder: &Path) -> Result<(), ManifestError> {
		for shard in self.shards() {
			shard.read(folder)?;
		}
		for text in self.texts.iter().chain([&self.tokenizer]) {
			text.read(folder)?;
		}
		Ok(())
	}

	/// What the owner registers on chain; `constants` are those of the shards
	/// ([`crate::exact::trace::constants`]).
	pub fn spec(
		&self,
		licence: &str,
		constants: Option<ModelConstants>,
	) -> Result<ModelSpec, ManifestError> {
		let too_long = |what| move |_| ManifestError::TooLongForChain { what };
		let layers = self
			.layers
			.iter()
			.map(ShardFile::on_chain)
			.collect::<Vec<_>>();
		Ok(ModelSpec {
			name: self
				.model
				.clone()
				.into_bytes()
				.try_into()
				.map_err(too_long("the model's name"))?,
			licence: licence
				.as_bytes()
				.to_vec()
				.try_into()
				.map_err(too_long("the licence"))?,
			manifest_root: self.root,
			tokenizer_hash: self.tokenizer.blake3,
			profile: self.profile,
			hidden_size: self.config.hidden,
			max_context: self.config.max_context,
			embed: self.embed.on_chain(),
			layers: layers
				.try_into()
				.map_err(|_| ManifestError::TooLongForChain {
					what: "the list of layers",
				})?,
			head: self.head.on_chain(),
			constants,
		})
	}

	fn check(&self) -> Result<(), ManifestError> {
		let implausible = |reason: String| Err(ManifestError::Implausible { reason });
		self.config.check().or_else(implausible)?;
		if self.layers.len() != self.config.layers as usize {
			let (files, layers) = (self.layers.len(), self.config.layers);
			return implausible(format!("{files} layer files for {layers} layers"));
		}
		if let Some(accuracy) = &self.accuracy {
			accuracy.check().or_else(implausible)?;
		}
		let mut seen = HashSet::new();
		let shards = self.shards().map(|shard| &shard.file);
		let texts = self
			.texts
			.iter()
			.chain([&self.tokenizer])
			.map(|text| &text.file);
		for file in shards.chain(texts) {
			if !is_plain_name(file) {
				return implausible(format!("{file:?} is no plain file name"));
			}
			if !seen.insert(file) {
				return implausible(format!("{file:?} is named twice"));
			}
		}
		Ok(())
	}
}

impl ModelConfig {
	/// Says what cannot be true; the graphs rely on all of it.
	pub fn check(&self) -> Result<(), String> {
		let sizes = [
			("hidden", self.hidden, MAX_WIDTH),
			("intermediate", self.intermediate, MAX_WIDTH),
			("layers", self.layers, MAX_LAYERS),
			("heads", self.heads, MAX_HEADS),
			("kv_heads", self.kv_heads, MAX_HEADS),
			("head_dim", self.head_dim, MAX_HEADS),
			("vocab", self.vocab, MAX_VOCAB),
			("max_context", self.max_context, u32::MAX),
		];
		if let Some((name, ..)) = sizes.iter().find(|(_, size, _)| *size == 0) {
			return Err(format!("{name} is 0"));
		}
		if let Some((name, size, most)) = sizes.iter().find(|(_, size, most)| size > most) {
			return Err(format!("{name} is {size}, at most {most} is possible"));
		}
		if !self.heads.is_multiple_of(self.kv_heads) {
			return Err(format!(
				"{} heads cannot share {} kv_heads",
				self.heads, self.kv_heads
			));
		}
		if !self.head_dim.is_multiple_of(HEAD_DIM_STEP) {
			return Err(format!(
				"head_dim {} is no multiple of {HEAD_DIM_STEP}",
				self.head_dim
			));
		}
		if !(self.rope_theta.is_finite() && self.rope_theta > 1.0) {
			return Err(format!("rope_theta {} is out of range", self.rope_theta));
		}
		if !(self.norm_eps > 0.0 && self.norm_eps < 1.0) {
			return Err(format!("norm_eps {} is out of range", self.norm_eps));
		}
		if self.window.is_some_and(|window| window.rows == 0) {
			return Err("a sliding window of no rows".into());
		}
		self.rope_scaling.check()
	}

	/// Rows that a row of that layer sees, itself among them; all where there is no window.
	pub fn window_of(&self, layer: u32) -> Option<u32> {
		let window = self.window.filter(|window| layer >= window.from_layer)?;
		Some(window.rows)
	}
}

impl RopeScaling {
	fn check(&self) -> Result<(), String> {
		let sound =
			match *self {
				Self::None => true,
				Self::Linear { factor } => factor.is_finite() && factor >= 1.0,
				Self::Llama3 {
					factor,
					low_freq_factor,
					high_freq_factor,
					original_context,
				} => {
					factor.is_finite()
						&& factor >= 1.0 && low_freq_factor > 0.0
						&& high_freq_factor > low_freq_factor
						&& high_freq_factor.is_finite()
						&& original_context > 0
				}
				Self::Yarn {
					factor,
					beta_fast,
					beta_slow,
					original_context,
					magnitude,
				} => {
					factor.is_finite()
						&& factor >= 1.0 && beta_slow > 0.0
						&& beta_fast > beta_slow
						&& beta_fast.is_finite()
						&& original_context > 0
						&& magnitude > 0.0 && magnitude.is_finite()
				}
			};
		match sound {
			true => Ok(()),
			false => Err(format!("rope scaling {self:?} is out of range")),
		}
	}
}

impl Accuracy {
	/// How much larger the perplexity is than in single precision: 0.01 is one per cent.
	pub fn loss(&self) -> f64 {
		self.perplexity / self.perplexity_f32 - 1.0
	}

	fn check(&self) -> Result<(), String> {
		let sound = |perplexity: f64| perplexity.is_finite() && perplexity >= 1.0;
		match self.texts > 0
			&& self.tokens > 0
			&& sound(self.perplexity)
			&& sound(self.perplexity_f32)
		{
			true => Ok(()),
			false => Err("an accuracy that nobody can have measured".into()),
		}
	}
}

impl ShardFile {
	/// Reads the shard and compares it with its digest.
	pub fn read(&self, folder: &Path) -> Result<Vec<u8>, ManifestError> {
		read_verified(folder, &self.file, self.blake3)
	}

	/// The part of it that the chain knows.
	pub fn on_chain(&self) -> Shard {
		Shard {
			hash: self.blake3,
			bytes: self.bytes,
			flops_per_token: self.flops_per_token,
			kv_bytes_per_token: self.kv_bytes_per_token,
		}
	}
}

impl TextFile {
	/// Reads the file and compares it with its digest.
	pub fn read(&self, folder: &Path) -> Result<Vec<u8>, ManifestError> {
		read_verified(folder, &self.file, self.blake3)
	}
}

/// A figure with nine decimals, which JSON gives back to the last bit: its parser is exact up to 15 digits,
/// and a manifest that is read must say what was written.
pub(crate) fn nine_decimals(value: f64) -> f64 {
	(value * 1e9).round() / 1e9
}

/// blake3 as the chain's digest type.
pub fn digest_of(bytes: &[u8]) -> Digest {
	Digest::from(*blake3::hash(bytes).as_bytes())
}

/// Whether a name stays inside its folder on every system.
pub fn is_plain_name(name: &str) -> bool {
	let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
	!name.is_empty() && !name.starts_with('.') && name.bytes().all(plain)
}

/// Reads a file and compares it with its digest.
pub(crate) fn read_verified(
	folder: &Path,
	file: &str,
	expected: Digest,
) -> Result<Vec<u8>, ManifestError> {
	let path = folder.join(file);
	let bytes = fs::read(&path).map_err(|source| match source.kind() {
		io::ErrorKind::NotFound => ManifestError::MissingFile {
			file: file.into(),
			folder: folder.into(),
		},
		_ => ManifestError::Io { path, source },
	})?;
	let found = digest_of(&bytes);
	if found != expected {
		return Err(ManifestError::HashMismatch {
			file: file.into(),
			found,
			expected,
		});
	}
	Ok(bytes)
}
