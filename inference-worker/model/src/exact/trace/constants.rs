//! A layer's constants as the tree of its weights holds them.

use super::{float_bytes, integer_bytes};
use crate::exact::{
	rules::Tables,
	weights::{LayerWeights, Matrix},
};
use dllm_primitives::trace::{
	shape::{Projection, Shape},
	weights::Weight,
};

/// Bytes of a vector of a layer's constants.
pub(super) fn bytes_of(
	weight: Weight,
	shape: &Shape,
	layer: &LayerWeights,
	tables: &Tables,
	[cos, sin]: [&[f32]; 2],
) -> Vec<u8> {
	let matrix = |projection| match projection {
		Projection::Attention => &layer.attention,
		Projection::Output => &layer.output,
		Projection::Gate => &layer.gate,
		Projection::Down => &layer.down,
	};
	match weight {
		Weight::AttentionNorm => float_bytes(&layer.attention_norm),
		Weight::GateNorm => float_bytes(&layer.gate_norm),
		Weight::QueryNorm => float_bytes(&layer.query_norm),
		Weight::KeyNorm => float_bytes(&layer.key_norm),
		Weight::Bias => float_bytes(&layer.bias),
		Weight::Cosine => float_bytes(cos),
		Weight::Sine => float_bytes(sin),
		Weight::Exponent => {
			let entries = tables.exponent.iter().map(|entry| i64::from(*entry));
			integer_bytes(weight.width(), entries)
		}
		Weight::Sigmoid => float_bytes(&tables.sigmoid[..]),
		Weight::Scales(projection) => float_bytes(&matrix(projection).scales),
		Weight::Codes(projection) => {
			let stride = weight.stride(shape).unwrap_or(0) as usize;
			columns(matrix(projection), stride)
		}
	}
}

/// Codes of a matrix, output by output.
fn columns(matrix: &Matrix, stride: usize) -> Vec<u8> {
	let outputs = matrix.scales.len();
	let mut bytes = vec![0; outputs * stride];
	for (input, codes) in matrix.codes.chunks_exact(outputs).enumerate() {
		for (output, code) in codes.iter().enumerate() {
			bytes[output * stride + input] = *code as u8;
		}
	}
	bytes
}
