//! Embedding and head: the model's first and last step.

use super::{pool::FinalNorm, EntryError};
use crate::{
	engine::{head, padded_chunks, runtime, single, EngineError},
	manifest::{Manifest, ShardFile},
	numerics::Numerics,
	splitter::shards::{HIDDEN_IN, HIDDEN_OUT, LOGITS, TOKEN_IDS},
};
use ort::{session::Session, value::Tensor};
use std::{
	path::Path,
	sync::{Mutex, MutexGuard, PoisonError},
};

/// Token ids to rows. A look-up: exact on every machine.
pub struct Embedder {
	graph: Mutex<Session>,
	vocab: u32,
}

/// Rows to logits: final norm and output projection, under the engine's rules for rows.
pub struct Head {
	graph: Mutex<Session>,
	norm: FinalNorm,
	numerics: Numerics,
	hidden: usize,
	vocab: usize,
}

impl Embedder {
	/// Loads `embed.onnx`.
	pub fn load(manifest: &Manifest, folder: &Path) -> Result<Self, EntryError> {
		let graph = load(&manifest.embed, folder, Numerics::of(manifest.profile))?;
		Ok(Self {
			graph,
			vocab: manifest.config.vocab,
		})
	}

	/// Rows of the tokens, `[tokens, hidden]`.
	pub fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>, EntryError> {
		if tokens.is_empty() {
			return Err(EntryError::EmptyPrompt);
		}
		if let Some(token) = tokens.iter().find(|token| **token >= self.vocab) {
			return Err(EntryError::UnknownToken {
				token: *token,
				vocab: self.vocab,
			});
		}
		let ids = tokens
			.iter()
			.map(|token| i64::from(*token))
			.collect::<Vec<_>>();
		let ids = Tensor::from_array(([1, ids.len()], ids))?;
		let mut graph = lock(&self.graph);
		let output = graph.run(ort::inputs![TOKEN_IDS => ids])?;
		let rows = output[HIDDEN_OUT].try_extract_tensor::<f32>()?.1.to_vec();
		Ok(rows)
	}
}

impl Head {
	/// Loads `head.onnx`.
	pub fn load(manifest: &Manifest, folder: &Path) -> Result<Self, EntryError> {
		let numerics = Numerics::of(manifest.profile);
		let (config, file) = (&manifest.config, &manifest.head);
		let content = file.read(folder)?;
		let norm = FinalNorm::of(config, &file.file, content.clone())?;
		let model = head(config, numerics, &file.file, content)?;
		let graph = Mutex::new(runtime()?.session(&model, numerics)?);
		Ok(Self {
			graph,
			norm,
			numerics: *numerics,
			hidden: config.hidden as usize,
			vocab: config.vocab as usize,
		})
	}

	/// Logits of the rows, `[rows, vocab]`; those of one row do not depend on its company.
	pub fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, EntryError> {
		let (hidden, values) = (self.hidden, rows.len());
		if rows.is_empty() || values % hidden != 0 {
			return Err(EngineError::WrongWidth { values, hidden }.into());
		}
		let mut graph = lock(&self.graph);
		let mut logits = Vec::with_capacity(values / hidden * self.vocab);
		for chunk in padded_chunks(rows, hidden, &self.numerics) {
			let shape = [1, chunk.values.len() / hidden, hidden];
			let input = Tensor::from_array((shape, chunk.values.into_owned()))?;
			let output = graph.run(ort::inputs![HIDDEN_IN => input])?;
			let values = output[LOGITS].try_extract_tensor::<f32>()?.1;
			logits.extend_from_slice(&values[..chunk.rows * self.vocab]);
		}
		Ok(logits)
	}

	/// The norm that rows pass before the output projection.
	pub fn norm(&self) -> &FinalNorm {
		&self.norm
	}

	/// Number of logits of one row.
	pub fn vocab(&self) -> usize {
		self.vocab
	}
}

fn load(
	file: &ShardFile,
	folder: &Path,
	numerics: &Numerics,
) -> Result<Mutex<Session>, EntryError> {
	let model = single(&file.file, file.read(folder)?)?;
	Ok(Mutex::new(runtime()?.session(&model, numerics)?))
}

fn lock(graph: &Mutex<Session>) -> MutexGuard<'_, Session> {
	graph.lock().unwrap_or_else(PoisonError::into_inner)
}
