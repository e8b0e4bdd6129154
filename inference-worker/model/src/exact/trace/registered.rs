//! What the chain is told of a model's layers, and whether what it was told is true.
//!
//! A dispute is judged by the registered constants, not by the shards. Who registers a model computes them
//! here, and who serves it compares them first. Both hold one layer in memory at a time: its weights, once
//! as read and once as a tree.

use super::{shape, TraceError, Traced};
use crate::{
	manifest::{Manifest, ManifestError},
	numerics::Numerics,
};
use dllm_primitives::{
	model::{LayerRange, ModelConstants},
	trace::Layer,
};
use std::path::Path;

/// The constants of all layers of a model, from its shards in `folder`; none where its profile is not exact.
pub fn constants(manifest: &Manifest, folder: &Path) -> Result<Option<ModelConstants>, TraceError> {
	if Numerics::of(manifest.profile).exact.is_none() {
		return Ok(None);
	}
	let what = "the list of layers";
	let too_long = || ManifestError::TooLongForChain { what };
	let all = 0..u16::try_from(manifest.layers.len()).map_err(|_| too_long())?;
	let layers = all
		.map(|number| layer(manifest, folder, number))
		.collect::<Result<Vec<_>, _>>()?;
	Ok(Some(ModelConstants {
		shape: shape(&manifest.config),
		layers: layers.try_into().map_err(|_| too_long())?,
	}))
}

/// Fails unless the layers `range` of a model have the constants that are registered of them.
pub fn compare(
	manifest: &Manifest,
	folder: &Path,
	range: LayerRange,
	registered: &ModelConstants,
) -> Result<(), TraceError> {
	if registered.shape != shape(&manifest.config) {
		return Err(TraceError::OtherShape);
	}
	for number in range.start..range.end {
		let found = layer(manifest, folder, number)?;
		if registered.layers.get(usize::from(number)) != Some(&found) {
			return Err(TraceError::OtherConstants { layer: number });
		}
	}
	Ok(())
}

fn layer(manifest: &Manifest, folder: &Path, number: u16) -> Result<Layer, TraceError> {
	let range = LayerRange {
		start: number,
		end: number + 1,
	};
	let traced = Traced::load(manifest, folder, range)?;
	let profile = manifest.profile;
	let mut layers = traced.layers().into_iter();
	layers.next().ok_or(TraceError::NotExact { range, profile })
}
