//! A prompt as one vector: the mean of the rows that leave its last layer, behind the model's final norm,
//! at length 1.
//!
//! This is what libraries for embeddings call mean pooling. It is computed in plain floats and shown to the
//! user only: nobody commits to it and nobody checks it.

use super::EntryError;
use crate::{
	engine::{decode_shard, EngineError, FuseError},
	manifest::ModelConfig,
};

/// The weight of the final norm inside a head, in every profile.
const NORM: &str = "head.norm";

/// The final norm of a model: `weight · row / √(mean(row²) + epsilon)`.
#[derive(Clone, Debug)]
pub struct FinalNorm {
	weight: Vec<f32>,
	epsilon: f64,
}

/// The mean of normed rows in the making.
#[derive(Clone, Debug)]
pub struct Pool<'a> {
	norm: &'a FinalNorm,
	sum: Vec<f64>,
	/// Rows taken in: the position of the next one in the prompt.
	position: usize,
}

impl FinalNorm {
	/// Takes the norm out of the bytes of a head.
	pub(super) fn of(
		config: &ModelConfig,
		file: &str,
		content: Vec<u8>,
	) -> Result<Self, EntryError> {
		let graph = decode_shard(file, content)?;
		let tensor = graph.initializer.iter().find(|tensor| tensor.name == NORM);
		let raw = tensor.and_then(|tensor| tensor.raw_data.as_deref());
		let (values, _) = raw.unwrap_or_default().as_chunks::<4>();
		let weight = values.iter().map(|value| f32::from_le_bytes(*value));
		let weight = weight.collect::<Vec<_>>();
		if weight.len() != config.hidden as usize {
			return Err(EntryError::from(FuseError {
				file: file.into(),
				reason: format!("{NORM} has {} values", weight.len()),
			}));
		}
		Ok(Self {
			weight,
			epsilon: config.norm_eps,
		})
	}

	/// An empty mean.
	pub fn pool(&self) -> Pool<'_> {
		Pool {
			norm: self,
			sum: vec![0.0; self.weight.len()],
			position: 0,
		}
	}
}

impl Pool<'_> {
	/// Takes rows in, `[rows, hidden]`; fails at one that is not finite, and names its position in the prompt.
	pub fn push(&mut self, rows: &[f32]) -> Result<(), EntryError> {
		let hidden = self.sum.len();
		if !rows.len().is_multiple_of(hidden) {
			let values = rows.len();
			return Err(EngineError::WrongWidth { values, hidden }.into());
		}
		for row in rows.chunks_exact(hidden) {
			let squares = row.iter().map(|value| f64::from(*value).powi(2));
			let mean = squares.sum::<f64>() / hidden as f64;
			if !mean.is_finite() {
				let row = self.position;
				return Err(EngineError::NotFinite { row }.into());
			}
			let scale = 1.0 / (mean + self.norm.epsilon).sqrt();
			let values = row.iter().zip(&self.norm.weight);
			for (sum, (value, weight)) in self.sum.iter_mut().zip(values) {
				*sum += f64::from(*value) * scale * f64::from(*weight);
			}
			self.position += 1;
		}
		Ok(())
	}

	/// The mean at length 1; the sum points the same way. Zeros where no rows were taken in.
	pub fn finish(self) -> Vec<f32> {
		let squares = self.sum.iter().map(|value| value * value);
		let length = squares.sum::<f64>().sqrt();
		let unit = |value: f64| match length > 0.0 {
			true => (value / length) as f32,
			false => 0.0,
		};
		self.sum.into_iter().map(unit).collect()
	}
}
