//! Builds an ONNX graph node by node, in memory.
//!
//! Large constants do not pass through here: `writer.rs` streams them into the file, and puts the graph
//! behind them.

use super::onnx::*;
use prost::bytes::Bytes;

/// A size in the shape of an input or output.
#[derive(Clone, Copy)]
pub enum Dim {
	/// Fixed.
	Is(u32),
	/// Chosen by the caller.
	Open(&'static str),
}

/// A parameter of an operator.
#[derive(Clone, Copy)]
pub enum Attribute {
	/// An integer.
	Int(i64),
	/// A float.
	Float(f32),
	/// A list of integers.
	Ints(&'static [i64]),
}

/// A graph under construction. Names are unique by the caller's care.
pub struct Graph {
	/// What has been declared and added so far.
	pub graph: GraphProto,
	/// Elements of all weights so far; tables that are computed are not counted.
	pub parameters: u64,
}

impl Graph {
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

	/// Adds a constant in single precision.
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

/// Wraps a graph with the versions that every shard has.
pub fn model_of(graph: GraphProto) -> ModelProto {
	let set = |domain: &str, version| OperatorSetId {
		domain: Some(domain.into()),
		version,
	};
	ModelProto {
		ir_version: IR_VERSION,
		producer_name: "dllm".into(),
		graph: Some(graph),
		opset_import: vec![set("", OPSET), set(CONTRIB, CONTRIB_OPSET)],
	}
}

fn attribute(name: &str, value: Attribute) -> AttributeProto {
	let name = name.into();
	match value {
		Attribute::Float(value) => AttributeProto {
			name,
			f: Some(value),
			kind: ATTRIBUTE_FLOAT,
			..Default::default()
		},
		Attribute::Int(value) => AttributeProto {
			name,
			i: Some(value),
			kind: ATTRIBUTE_INT,
			..Default::default()
		},
		Attribute::Ints(values) => AttributeProto {
			name,
			ints: values.to_vec(),
			kind: ATTRIBUTE_INTS,
			..Default::default()
		},
	}
}

/// An input or output of a graph.
pub fn value_info(name: &str, element: i32, shape: &[Dim]) -> ValueInfo {
	let dim = shape
		.iter()
		.map(|dim| Dimension {
			size: Some(match dim {
				Dim::Is(size) => Size::Fixed(i64::from(*size)),
				Dim::Open(name) => Size::Named(name.to_string()),
			}),
		})
		.collect();
	let tensor = TensorType {
		element,
		shape: Some(TensorShape { dim }),
	};
	ValueInfo {
		name: name.into(),
		kind: Some(TypeProto {
			tensor: Some(tensor),
		}),
	}
}
