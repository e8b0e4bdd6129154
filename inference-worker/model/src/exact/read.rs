//! Reads a shard of the exact profile, and takes only one that this version could have written.
//!
//! The weights are taken out of the graph and the graph is built anew around them: if a single node,
//! constant or name differs, the shard is refused. So the standard form on disk, which anybody can
//! execute, and the engine's own operators cannot mean different things.

use super::{
	linter::{self, Refusal},
	rules::{Limbs, WEIGHT_MAX, WEIGHT_SCALE},
	standard::{self, layer_prefix, names, HEAD_PREFIX},
	weights::{HeadWeights, LayerWeights, Matrix},
};
use crate::{
	manifest::ModelConfig,
	numerics::Numerics,
	splitter::onnx::{GraphProto, FLOAT, INT8},
};
use std::collections::HashMap;

/// The weights of a decoder layer.
pub fn layer(
	config: &ModelConfig,
	numerics: &Numerics,
	layer: u32,
	graph: &GraphProto,
) -> Result<LayerWeights, Refusal> {
	linter::check(graph)?;
	let tensors = Tensors::of(graph, layer_prefix(layer));
	let (hidden, inner) = (config.hidden, config.intermediate);
	let query = config.heads * config.head_dim;
	let outputs = query + 2 * config.kv_heads * config.head_dim;
	let optional = |name, width, present| match present {
		true => tensors.vector(name, width),
		false => Ok(Vec::new()),
	};
	let weights = LayerWeights {
		attention_norm: tensors.vector(names::ATTENTION_NORM, hidden)?,
		attention: tensors.matrix(names::ATTENTION, hidden, outputs)?,
		bias: optional(names::BIAS, outputs, config.qkv_bias)?,
		query_norm: optional(names::QUERY_NORM, config.head_dim, config.qk_norm)?,
		key_norm: optional(names::KEY_NORM, config.head_dim, config.qk_norm)?,
		output: tensors.matrix(names::OUTPUT, query, hidden)?,
		gate_norm: tensors.vector(names::GATE_NORM, hidden)?,
		gate: tensors.matrix(names::GATE, hidden, 2 * inner)?,
		down: tensors.matrix(names::DOWN, inner, hidden)?,
	};
	let expected = standard::layer(config, numerics, layer, &weights, Limbs::RULE);
	compare(graph, &expected.graph)?;
	Ok(weights)
}

/// The weights of the head.
pub fn head(config: &ModelConfig, graph: &GraphProto) -> Result<HeadWeights, Refusal> {
	linter::check(graph)?;
	let tensors = Tensors::of(graph, HEAD_PREFIX.into());
	let weights = HeadWeights {
		norm: tensors.vector(names::HEAD_NORM, config.hidden)?,
		logits: tensors.matrix(names::LOGITS, config.hidden, config.vocab)?,
	};
	compare(graph, &standard::head(config, &weights, Limbs::RULE).graph)?;
	Ok(weights)
}

fn compare(found: &GraphProto, expected: &GraphProto) -> Result<(), Refusal> {
	let node = found
		.node
		.iter()
		.zip(&expected.node)
		.find(|(found, expected)| found != expected);
	if let Some((node, _)) = node {
		return Err(Refusal::other(
			&node.name,
			"is not the node that the rules have here",
		));
	}
	match found == expected {
		true => Ok(()),
		false => Err(Refusal::other(
			"the graph",
			"is not the one that the rules give for its weights",
		)),
	}
}

/// Tensors of a shard by name.
struct Tensors<'a> {
	data: HashMap<&'a str, (i32, &'a [i64], &'a [u8])>,
	prefix: String,
}

impl<'a> Tensors<'a> {
	fn of(graph: &'a GraphProto, prefix: String) -> Self {
		let data = graph.initializer.iter().map(|tensor| {
			let raw = tensor.raw_data.as_deref().unwrap_or(&[]);
			(
				tensor.name.as_str(),
				(tensor.data_type, &tensor.dims[..], raw),
			)
		});
		Self {
			data: data.collect(),
			prefix,
		}
	}

	fn get(&self, name: &str, element: i32, shape: &[u32]) -> Result<&'a [u8], Refusal> {
		let name = format!("{}{name}", self.prefix);
		let Some((found, dims, raw)) = self.data.get(name.as_str()) else {
			return Err(Refusal::other(&name, "is missing"));
		};
		let width = if element == FLOAT { 4 } else { 1 };
		let size = shape.iter().map(|size| *size as usize).product::<usize>() * width;
		let fits = dims
			.iter()
			.copied()
			.eq(shape.iter().map(|size| i64::from(*size)));
		if *found != element || !fits || raw.len() != size {
			return Err(Refusal::other(
				&name,
				"has another type or shape than the model",
			));
		}
		Ok(raw)
	}

	fn vector(&self, name: &str, width: u32) -> Result<Vec<f32>, Refusal> {
		let values = floats(self.get(name, FLOAT, &[width])?);
		match values.iter().all(|value| value.is_finite()) {
			true => Ok(values),
			false => Err(Refusal::other(name, "holds a value that is not finite")),
		}
	}

	fn matrix(&self, name: &str, inputs: u32, outputs: u32) -> Result<Matrix, Refusal> {
		let raw = self.get(&format!("{name}.codes"), INT8, &[inputs, outputs])?;
		let codes = raw.iter().map(|code| *code as i8).collect::<Vec<_>>();
		if codes.iter().any(|code| i32::from(*code).abs() > WEIGHT_MAX) {
			return Err(Refusal::other(name, "has codes beyond ±63"));
		}
		let scales = floats(self.get(&format!("{name}.scales"), FLOAT, &[outputs])?);
		let allowed = WEIGHT_SCALE[0]..=WEIGHT_SCALE[1];
		if scales.iter().any(|scale| !allowed.contains(scale)) {
			return Err(Refusal::other(
				name,
				"has scales that can leave the range of floats",
			));
		}
		Ok(Matrix { codes, scales })
	}
}

fn floats(raw: &[u8]) -> Vec<f32> {
	raw.chunks_exact(4)
		.map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
		.collect()
}
