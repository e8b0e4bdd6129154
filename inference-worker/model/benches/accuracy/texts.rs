//! Held-out texts of a model and how well it expects them.

use anyhow::{Context, Result};
use dllm_model::{
	accuracy::perplexity,
	entry::{sample, Message, SamplingParams, Tokenizer},
	manifest::Manifest,
};
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

/// Name of the file in a model's folder; `models/training/heldout.py` writes it.
pub const FILE: &str = "heldout.json";
/// Tokens of an answer at most; longer ones are wrong anyway.
const MOST_TOKENS: usize = 64;

/// Texts that the model was not trained on.
#[derive(Deserialize)]
pub struct HeldOut {
	/// Question and reply.
	pub texts: Vec<[String; 2]>,
	/// Questions with the only right answer, by kind.
	tasks: BTreeMap<String, Vec<[String; 2]>>,
}

/// How well a model does.
pub struct Score {
	/// Of the replies, their end included.
	pub perplexity: f64,
	/// Share of the questions that are answered to the letter.
	pub right: f64,
}

impl HeldOut {
	pub fn read(model: &Path) -> Result<Self> {
		let path = model.join(FILE);
		let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
		Ok(serde_json::from_slice(&bytes)?)
	}

	pub fn questions(&self) -> usize {
		self.tasks.values().map(Vec::len).sum()
	}

	/// Perplexity of the replies; `logits` gives those of all rows of a text.
	pub fn perplexity(
		&self,
		model: &Manifest,
		tokenizer: &Tokenizer,
		logits: impl FnMut(&[u32]) -> Result<Vec<f32>>,
	) -> Result<f64> {
		let end = model.config.eos_ids.first().copied();
		Ok(perplexity(tokenizer, &self.texts, end, logits)?.perplexity)
	}

	/// Share of the questions answered to the letter; `logits` continues at a position and gives those
	/// of the last row.
	pub fn share_right(
		&self,
		tokenizer: &Tokenizer,
		mut logits: impl FnMut(u32, &[u32]) -> Result<Vec<f32>>,
	) -> Result<f64> {
		let mut right = 0;
		for [question, expected] in self.tasks.values().flatten() {
			let mut next = tokenizer.prompt(&[Message::user(question)])?;
			let (mut position, mut reply) = (0, Vec::new());
			while reply.len() < MOST_TOKENS {
				let row = logits(position, &next)?;
				position += next.len() as u32;
				let token = sample(&row, &SamplingParams::GREEDY, position)?;
				if tokenizer.is_end(token) {
					break;
				}
				reply.push(token);
				next = vec![token];
			}
			right += u32::from(tokenizer.decode_visible(&reply)? == *expected);
		}
		Ok(f64::from(right) / self.questions() as f64)
	}
}
