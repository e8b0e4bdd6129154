//! What a profile costs: the perplexity of texts that the model was not trained on, beside the same model
//! in single precision.
//!
//! Splitting loses something in every profile but `f32`. Whoever chooses a model should see how much, so
//! the figure stands in the manifest, under its root: an owner measures before registering, and anybody
//! with the shards, the source and the texts can measure again. Profile `exact` then gives the same figure
//! to the last digit.

use crate::{
	engine::{Engine, EngineError, OrtEngine},
	entry::{Entry, EntryError, Message, Tokenizer},
	manifest::{digest_of, nine_decimals, Accuracy, Manifest, ManifestError},
	splitter::{self, SplitError},
};
use dllm_primitives::{
	ids::Digest,
	model::{LayerRange, Profile},
};
use serde::Deserialize;
use std::{
	fs, io,
	path::{Path, PathBuf},
};

/// Texts that a model was not trained on.
#[derive(Debug)]
pub struct Evaluation {
	/// Name of the file.
	pub name: String,
	/// blake3 of the file.
	pub digest: Digest,
	/// Question and reply.
	pub texts: Vec<[String; 2]>,
}

/// How well a model expects replies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
	/// e to the mean surprise of a token, in nats.
	pub perplexity: f64,
	/// Tokens that were predicted: those of the replies, their ends included.
	pub tokens: u64,
}

/// Why nothing was measured.
#[derive(thiserror::Error, Debug)]
pub enum AccuracyError {
	/// The texts cannot be read.
	#[error("{path}: {source}; give a file with texts")]
	NoTexts { path: PathBuf, source: io::Error },
	/// The file is something else.
	#[error("{path} cannot be read: {source}; it should be {{\"texts\": [[question, reply], …]}}")]
	BadTexts {
		path: PathBuf,
		source: serde_json::Error,
	},
	/// There is nothing to measure on.
	#[error("{path} holds no texts: give some that the model was not trained on")]
	Empty { path: PathBuf },
	/// A text does not suit the model.
	#[error("text {number}: {source}; leave it out")]
	BadText { number: usize, source: EntryError },
	/// The source is not what the shards were split from.
	#[error("{source_folder} is another model than the shards in {folder} ({what} differs): give the folder that they were split from")]
	OtherModel {
		source_folder: PathBuf,
		folder: PathBuf,
		what: &'static str,
	},
	/// The reference cannot be split.
	#[error(transparent)]
	Split(#[from] SplitError),
	/// A folder of shards is not as it should be.
	#[error(transparent)]
	Manifest(#[from] ManifestError),
	/// A model does not run.
	#[error(transparent)]
	Entry(#[from] EntryError),
}

impl From<EngineError> for AccuracyError {
	fn from(error: EngineError) -> Self {
		Self::Entry(error.into())
	}
}

impl Evaluation {
	/// Reads a file of texts; fields besides `texts` are left alone.
	pub fn read(path: &Path) -> Result<Self, AccuracyError> {
		#[derive(Deserialize)]
		struct File {
			texts: Vec<[String; 2]>,
		}
		let bytes = fs::read(path).map_err(|source| AccuracyError::NoTexts {
			path: path.into(),
			source,
		})?;
		let file: File =
			serde_json::from_slice(&bytes).map_err(|source| AccuracyError::BadTexts {
				path: path.into(),
				source,
			})?;
		if file.texts.is_empty() {
			return Err(AccuracyError::Empty { path: path.into() });
		}
		let name = path.file_name().unwrap_or(path.as_os_str());
		Ok(Self {
			name: name.to_string_lossy().into_owned(),
			digest: digest_of(&bytes),
			texts: file.texts,
		})
	}
}

/// Measures the shards in `folder` against the model in `source` that they were split from, which is split
/// once more in single precision beside the folder for as long as it takes.
pub fn measure(
	folder: &Path,
	source: &Path,
	evaluation: &Evaluation,
) -> Result<Accuracy, AccuracyError> {
	let manifest = Manifest::load(folder)?;
	let reference = Reference::beside(folder);
	let in_f32 = reference.folder.join("f32");
	let of_source = splitter::split(source, &in_f32, Profile::F32, &mut |_| {})?;
	if let Some(what) = difference(&manifest, &of_source) {
		return Err(AccuracyError::OtherModel {
			source_folder: source.into(),
			folder: folder.into(),
			what,
		});
	}
	let Score { perplexity, tokens } = perplexity_of(&manifest, folder, evaluation)?;
	let in_f32 = perplexity_of(&of_source, &in_f32, evaluation)?;
	Ok(Accuracy {
		evaluation: evaluation.name.clone(),
		blake3: evaluation.digest,
		texts: evaluation.texts.len() as u64,
		tokens,
		perplexity: nine_decimals(perplexity),
		perplexity_f32: nine_decimals(in_f32.perplexity),
	})
}

/// Perplexity of the replies; `logits` gives those of all rows of a text, and `end` ends a reply where the
/// model has such a token.
pub fn perplexity<E>(
	tokenizer: &Tokenizer,
	texts: &[[String; 2]],
	end: Option<u32>,
	mut logits: impl FnMut(&[u32]) -> Result<Vec<f32>, E>,
) -> Result<Score, E>
where
	E: From<AccuracyError>,
{
	let (mut surprise, mut tokens) = (0.0, 0);
	for (number, text) in (1..).zip(texts) {
		let encoded = encode(tokenizer, text, end);
		let bad = |source| AccuracyError::BadText { number, source };
		let (start, encoded) = encoded.map_err(bad)?;
		let logits = logits(&encoded[..encoded.len() - 1])?;
		let width = logits.len() / (encoded.len() - 1);
		let rows = logits.chunks(width).zip(&encoded[1..]);
		for (row, token) in rows.skip(start - 1) {
			surprise -= log_share(row, *token as usize);
			tokens += 1;
		}
	}
	Ok(Score {
		perplexity: (surprise / tokens as f64).exp(),
		tokens,
	})
}

/// Tokens of a text, and where the reply begins.
fn encode(
	tokenizer: &Tokenizer,
	[question, reply]: &[String; 2],
	end: Option<u32>,
) -> Result<(usize, Vec<u32>), EntryError> {
	let mut tokens = tokenizer.prompt(&[Message::user(question)])?;
	let start = tokens.len();
	tokens.extend(tokenizer.encode(reply)?);
	tokens.extend(end);
	if tokens.len() == start {
		return Err(EntryError::EmptyPrompt);
	}
	tokenizer.check_length(&tokens)?;
	Ok((start, tokens))
}

/// Natural logarithm of the share that a row gives to a token.
fn log_share(row: &[f32], token: usize) -> f64 {
	let largest = row.iter().copied().fold(f32::MIN, f32::max);
	let sum = row
		.iter()
		.map(|value| f64::from(value - largest).exp())
		.sum::<f64>();
	f64::from(row[token] - largest) - sum.ln()
}

fn perplexity_of(
	manifest: &Manifest,
	folder: &Path,
	evaluation: &Evaluation,
) -> Result<Score, AccuracyError> {
	let entry = Entry::load(manifest, folder)?;
	let range = LayerRange {
		start: 0,
		end: manifest.layers.len() as u16,
	};
	let engine = OrtEngine::load(manifest, folder, range, u64::MAX)?;
	let end = manifest.config.eos_ids.first().copied();
	perplexity(&entry.tokenizer, &evaluation.texts, end, |tokens| {
		let rows = entry.embedder.embed(tokens)?;
		engine.open(0, tokens.len() as u32)?;
		let output = engine.prefill(0, 0, &rows);
		engine.close(0);
		Ok(entry.head.logits(&output?)?)
	})
}

/// What of two splits shows that they are of different models.
fn difference(one: &Manifest, other: &Manifest) -> Option<&'static str> {
	if one.config != other.config {
		return Some("config.json");
	}
	if one.tokenizer.blake3 != other.tokenizer.blake3 {
		return Some("tokenizer.json");
	}
	let same_profile = one.profile == other.profile;
	let weights = |of: &Manifest| of.shards().map(|shard| shard.blake3).collect::<Vec<_>>();
	(same_profile && weights(one) != weights(other)).then_some("a weight")
}

/// A folder for the reference, removed at the end.
struct Reference {
	folder: PathBuf,
}

impl Reference {
	/// A name beside a folder that no other process takes.
	fn beside(folder: &Path) -> Self {
		let name = folder.file_name().map(|name| name.to_string_lossy());
		let name = name.unwrap_or("model".into());
		let name = format!(".{name}.reference-{}", std::process::id());
		Self {
			folder: folder.with_file_name(name),
		}
	}
}

impl Drop for Reference {
	fn drop(&mut self) {
		// Nothing can be done about a failure here.
		let _ = fs::remove_dir_all(&self.folder);
	}
}
