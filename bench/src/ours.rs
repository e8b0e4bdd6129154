//! The whole model in this process, as an entry with all layers would run it.

use crate::time::processor_time;
use anyhow::Result;
use dllm_model::{
	engine::{Engine, OrtEngine},
	entry::{Embedder, Head},
	manifest::Manifest,
};
use dllm_primitives::model::LayerRange;
use std::{path::Path, time::Duration};

/// Memory that every profile of the model fits into.
const PLENTY: u64 = 1 << 36;
const SESSION: u64 = 1;

/// A loaded model with a session.
pub struct Ours {
	engine: OrtEngine,
	embedder: Embedder,
	head: Head,
	/// Bytes of weights that a token reads: all layers and the head.
	pub bytes_per_token: u64,
}

impl Ours {
	/// Loads the shards of `folder` for sessions of `rows` rows.
	pub fn load(folder: &Path, rows: u32) -> Result<Self> {
		let manifest = Manifest::load(folder)?;
		let range = LayerRange {
			start: 0,
			end: manifest.layers.len() as u16,
		};
		let engine = OrtEngine::load(&manifest, folder, range, PLENTY)?;
		engine.open(SESSION, rows)?;
		let layers = manifest.layers.iter().map(|layer| layer.bytes).sum::<u64>();
		Ok(Self {
			engine,
			embedder: Embedder::load(&manifest, folder)?,
			head: Head::load(&manifest, folder)?,
			bytes_per_token: layers + manifest.head.bytes,
		})
	}

	/// Processor time of a prompt of these tokens and the logits of its last row; the session then holds
	/// the prompt.
	pub fn prefill(&self, tokens: &[u32]) -> Result<Duration> {
		self.engine.rollback(SESSION, 0)?;
		let start = processor_time(std::process::id())?;
		let rows = self
			.engine
			.prefill(SESSION, 0, &self.embedder.embed(tokens)?)?;
		self.head
			.logits(&rows[rows.len() - self.engine.hidden()..])?;
		Ok(processor_time(std::process::id())? - start)
	}

	/// Processor time of these tokens one by one behind `position` rows, each with its logits.
	pub fn decode(&self, position: u32, tokens: &[u32]) -> Result<Duration> {
		self.engine.rollback(SESSION, position)?;
		let start = processor_time(std::process::id())?;
		for (position, token) in (position..).zip(tokens) {
			let row = self.embedder.embed(&[*token])?;
			self.head
				.logits(&self.engine.decode(SESSION, position, &row)?)?;
		}
		Ok(processor_time(std::process::id())? - start)
	}
}
