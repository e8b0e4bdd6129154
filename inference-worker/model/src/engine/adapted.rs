//! The factors of an adapter, as sessions of an engine bind them.
//!
//! An engine that is loaded for [`Places`] leaves those projections open; each of its sessions brings the
//! factors of one adapter. So adapters that adapt the same projections share an engine, and what is kept of
//! each is no more than its factors.

use super::{fuse::factor_names, EngineError};
use crate::{
	adapter::{AdapterError, AdapterManifest, LowRank},
	manifest::{Manifest, ModelConfig},
	splitter::shards::adaptable,
};
use dllm_primitives::model::{LayerRange, Profile};
use ort::value::Tensor;
use std::{collections::BTreeSet, path::Path, sync::Arc};

/// Projections that an adapter adds to, each with its layer.
pub type Places = BTreeSet<(u32, &'static str)>;

/// The factors of an adapter for a range of layers. Clones share them.
#[derive(Clone)]
pub struct Factors {
	places: Arc<Places>,
	/// Under the names of the graph's inputs.
	tensors: Arc<[(String, Tensor<f32>)]>,
	bytes: u64,
}

impl Factors {
	/// Reads the factors of an adapter of this model from its folder, and compares files and shapes.
	pub fn read(
		manifest: &Manifest,
		range: LayerRange,
		adapter: &AdapterManifest,
		folder: &Path,
	) -> Result<Self, EngineError> {
		adapter.expect_base(manifest.root())?;
		if manifest.profile == Profile::Exact {
			return Err(AdapterError::Exact.into());
		}
		let (mut places, mut tensors, mut bytes) = (Places::new(), Vec::new(), 0);
		for layer in u32::from(range.start)..u32::from(range.end) {
			for low_rank in adapter.layer(folder, layer)? {
				places.insert((layer, low_rank.module));
				bytes += (low_rank.a.len() + low_rank.b.len()) as u64;
				tensors.extend(bound(&manifest.config, layer, adapter, low_rank)?);
			}
		}
		Ok(Self {
			places: Arc::new(places),
			tensors: tensors.into(),
			bytes,
		})
	}

	/// The projections that they add to; empty where the adapter leaves the layers as they are.
	pub fn places(&self) -> &Arc<Places> {
		&self.places
	}

	/// Bytes that they take.
	pub fn bytes(&self) -> u64 {
		self.bytes
	}

	/// The factors under the names of the graph's inputs.
	pub(super) fn tensors(&self) -> &[(String, Tensor<f32>)] {
		&self.tensors
	}
}

/// The factors of one projection as the library takes them.
fn bound(
	config: &ModelConfig,
	layer: u32,
	adapter: &AdapterManifest,
	low_rank: LowRank,
) -> Result<[(String, Tensor<f32>); 2], EngineError> {
	let module = low_rank.module;
	let wrong = |reason: String| AdapterError::WrongShape {
		file: adapter.adapter.clone(),
		reason,
	};
	let projection = adaptable(config, module);
	let projection = projection.ok_or_else(|| wrong(format!("the layer has no {module}")))?;
	let [outputs, inputs] = projection.shape.map(|size| size as usize);
	let rank = adapter.rank as usize;
	let fits = |raw: &[u8], size: usize| rank > 0 && raw.len() == 4 * rank * size;
	if !fits(&low_rank.a, inputs) || !fits(&low_rank.b, outputs) {
		let reason = format!("the factors of {module} in layer {layer} are not of rank {rank}");
		return Err(wrong(reason).into());
	}
	let [a, b] = factor_names(layer, &projection);
	Ok([
		(a, tensor([rank, inputs], &low_rank.a)?),
		(b, tensor([outputs, rank], &low_rank.b)?),
	])
}

/// A tensor of little-endian values.
fn tensor(shape: [usize; 2], raw: &[u8]) -> Result<Tensor<f32>, EngineError> {
	let values = raw.as_chunks::<4>().0.iter();
	let values = values.map(|bytes| f32::from_le_bytes(*bytes));
	Ok(Tensor::from_array((shape, values.collect::<Vec<_>>()))?)
}
