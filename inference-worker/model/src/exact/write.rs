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
	splitter::{graph::Graph, shards::TensorSource, writer::ShardWriter, SplitError},
};
use std::io::Write;

/// One decoder layer; gives the number of trained elements.
pub fn layer(
	config: &ModelConfig,
	numerics: &Numerics,
	layer: u32,
	source: &dyn TensorSource,
	out: &mut dyn Write,
) -> Result<u64, SplitError> {
	let weights = quantiser(config, source).layer(layer)?;
	let graph = standard::layer(config, numerics, layer, &weights, Limbs::RULE);
	write(graph, out)
}

/// Final norm and output projection; gives the number of trained elements.
pub fn head(
	config: &ModelConfig,
	source: &dyn TensorSource,
	out: &mut dyn Write,
) -> Result<u64, SplitError> {
	let weights = quantiser(config, source).head()?;
	let graph = standard::head(config, &weights, Limbs::RULE);
	write(graph, out)
}

fn write(graph: Graph, out: &mut dyn Write) -> Result<u64, SplitError> {
	linter::check(&graph.graph)?;
	ShardWriter::write(graph, out)
}

fn quantiser<'a>(config: &'a ModelConfig, source: &'a dyn TensorSource) -> Quantiser<'a> {
	Quantiser {
		source,
		config,
		preparation: Preparation::RULE,
	}
}
