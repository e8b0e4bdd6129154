//! An exact graph under construction, in memory: it is compared whole, so it is never streamed.

use crate::splitter::{
	graph::{attribute, value_info, Attribute, Dim},
	onnx::{GraphProto, NodeProto, TensorProto, FLOAT},
};
use prost::bytes::Bytes;

/// Nodes and constants; names are unique by the caller's care.
pub struct Builder {
	/// The graph so far.
	pub graph: GraphProto,
	/// Trained elements so far.
	pub parameters: u64,
}

impl Builder {
	/// Starts an empty graph.
	pub fn new(name: &str) -> Self {
		Self {
			graph: GraphProto {
				name: name.into(),
				..Default::default()
			},
			parameters: 0,
		}
	}

	/// Declares what the caller gives.
	pub fn input(&mut self, name: &str, element: i32, shape: &[Dim]) {
		self.graph.input.push(value_info(name, element, shape));
	}

	/// Declares what the caller gets.
	pub fn output(&mut self, name: &str, element: i32, shape: &[Dim]) {
		self.graph.output.push(value_info(name, element, shape));
	}

	/// Adds floats: `[values]` or of another shape.
	pub fn floats(&mut self, name: &str, shape: &[u32], values: &[f32]) {
		let raw = values.iter().flat_map(|value| value.to_le_bytes());
		self.tensor(name, FLOAT, shape, raw.collect());
	}

	/// Adds a constant: its elements as little-endian bytes, row-major.
	pub fn tensor(&mut self, name: &str, element: i32, shape: &[u32], raw: Vec<u8>) {
		self.graph.initializer.push(TensorProto {
			dims: shape.iter().map(|size| i64::from(*size)).collect(),
			data_type: element,
			name: name.into(),
			raw_data: Some(Bytes::from(raw)),
			..Default::default()
		});
	}

	/// Adds an operation; the standard operators are of domain "".
	pub fn node(
		&mut self,
		domain: &str,
		op: &str,
		inputs: &[&str],
		outputs: &[&str],
		with: &[(&str, Attribute)],
	) {
		let owned = |names: &[&str]| {
			names
				.iter()
				.map(|name| name.to_string())
				.collect::<Vec<_>>()
		};
		let attributes = with.iter().map(|(name, value)| attribute(name, *value));
		self.graph.node.push(NodeProto {
			input: owned(inputs),
			output: owned(outputs),
			name: format!("{}/{op}", outputs[0]),
			op_type: op.into(),
			attribute: attributes.collect(),
			domain: domain.into(),
		});
	}
}
