//! A forward pass through freshly written shards, compared with one straight from the checkpoint.
//!
//! Each shard gets the reference's rows as input, so that an error is found in the shard that makes it.
//! Shards are run where they lie on disk: of a model larger than the memory only one shard is in use.

use super::{
	reference::Reference,
	shards::{HIDDEN_IN, HIDDEN_OUT, LOGITS, TOKEN_IDS},
	SplitError,
};
use crate::{
	engine::{runtime, single_on_disk, Engine, EngineError, OrtEngine},
	manifest::ShardFile,
	numerics::Numerics,
};
use ort::{session::Session, value::Tensor};
use std::path::Path;

/// Rows that are compared: more than the least of a call, and few, as each costs a pass over the weights.
const ROWS: u32 = 3;

/// Compares shards with the model they were made of.
pub struct Verifier<'a> {
	/// The model.
	pub reference: Reference<'a>,
	/// The rules by which shards run.
	pub numerics: &'a Numerics,
	/// Where the shards lie.
	pub folder: &'a Path,
	/// Rows that enter the next shard.
	rows: Vec<f32>,
}

impl<'a> Verifier<'a> {
	/// Begins with the embedding.
	pub fn embed(
		reference: Reference<'a>,
		numerics: &'a Numerics,
		folder: &'a Path,
		shard: &ShardFile,
	) -> Result<Self, SplitError> {
		// Tokens from all over the vocabulary.
		let step = (reference.config.vocab / ROWS).max(1);
		let tokens = (0..ROWS).map(|row| row * step % reference.config.vocab);
		let tokens = tokens.collect::<Vec<_>>();
		let rows = reference.embed(&tokens)?;
		let verifier = Self {
			reference,
			numerics,
			folder,
			rows,
		};
		// The library must be loaded before anything else of it is touched.
		let mut session = verifier.session(shard)?;
		let ids = tokens.into_iter().map(i64::from).collect::<Vec<_>>();
		let ids = Tensor::from_array(([1, ids.len()], ids)).map_err(EngineError::from)?;
		let output = session
			.run(ort::inputs![TOKEN_IDS => ids])
			.map_err(EngineError::from)?;
		let found = output[HIDDEN_OUT]
			.try_extract_tensor::<f32>()
			.map_err(EngineError::from)?;
		verifier.compare(shard, found.1, &verifier.rows)?;
		drop(output);
		Ok(verifier)
	}

	/// Goes on with a layer.
	pub fn layer(&mut self, layer: u32, shard: &ShardFile) -> Result<(), SplitError> {
		let config = self.reference.config;
		let engine = OrtEngine::on_disk(config, self.numerics, self.folder, layer, shard)?;
		engine.open(0, ROWS)?;
		let found = engine.prefill(0, 0, &self.rows)?;
		drop(engine);
		let expected = self.reference.layer(layer, &self.rows)?;
		self.compare(shard, &found, &expected)?;
		self.rows = expected;
		Ok(())
	}

	/// Ends with the head.
	pub fn head(self, shard: &ShardFile) -> Result<(), SplitError> {
		let hidden = self.reference.config.hidden as usize;
		let mut session = self.session(shard)?;
		let rows = Tensor::from_array(([1, ROWS as usize, hidden], self.rows.clone()));
		let output = session
			.run(ort::inputs![HIDDEN_IN => rows.map_err(EngineError::from)?])
			.map_err(EngineError::from)?;
		let found = output[LOGITS]
			.try_extract_tensor::<f32>()
			.map_err(EngineError::from)?;
		let expected = self.reference.logits(&self.rows)?;
		self.compare(shard, found.1, &expected)
	}

	fn session(&self, shard: &ShardFile) -> Result<Session, SplitError> {
		let model = single_on_disk(self.folder, &shard.file).map_err(EngineError::from)?;
		let runtime = runtime().map_err(EngineError::from)?;
		let session = runtime.session(&model, self.numerics);
		Ok(session.map_err(EngineError::from)?)
	}

	fn compare(
		&self,
		shard: &ShardFile,
		found: &[f32],
		expected: &[f32],
	) -> Result<(), SplitError> {
		let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>();
		let mut pairs = found
			.iter()
			.zip(expected)
			.map(|(a, b)| f64::from(*a) - f64::from(*b));
		let length = square(&mut expected.iter().map(|value| f64::from(*value)));
		let distance = (square(&mut pairs) / length.max(f64::MIN_POSITIVE)).sqrt();
		let allowed = f64::from(self.numerics.tolerance_permille) / 1000.0;
		// Also refuses a distance that is not a number.
		if found.len() == expected.len() && distance <= allowed {
			return Ok(());
		}
		Err(SplitError::NotVerified {
			file: shard.file.clone(),
			distance,
			allowed,
		})
	}
}
