//! Writes shards of the exact profile: quantised weights inside the graph of the rules.

use super::{
	linter,
	rules::Limbs,
	standard,
	weights::{Preparation, Quantiser},
};
use crate::{
	manifest::ModelConfig,
	numerics::Numerics,
	splitter::{graph::GraphBuilder, shards::TensorSource, SplitError},
};

/// One decoder layer.
pub fn layer(
	config: &ModelConfig,
	numerics: &Numerics,
	layer: u32,
	source: &dyn TensorSource,
) -> Result<GraphBuilder, SplitError> {
	let weights = quantiser(config, source).layer(layer)?;
	let graph = standard::layer(config, numerics, layer, &weights, Limbs::RULE);
	linter::check(graph.graph())?;
	Ok(graph)
}

/// Final norm and output projection.
pub fn head(config: &ModelConfig, source: &dyn TensorSource) -> Result<GraphBuilder, SplitError> {
	let weights = quantiser(config, source).head()?;
	let graph = standard::head(config, &weights, Limbs::RULE);
	linter::check(graph.graph())?;
	Ok(graph)
}

fn quantiser<'a>(config: &'a ModelConfig, source: &'a dyn TensorSource) -> Quantiser<'a> {
	Quantiser {
		source,
		config,
		preparation: Preparation::RULE,
	}
}
