//! Builds an ONNX file node by node, and writes its constants out as they come.
//!
//! A protobuf message may name a field several times; the parts are then merged. So every constant
//! becomes a part of its own, written at once, and nodes follow at the end: however large a shard is,
//! nothing of it is held here. The elements of every constant begin at a multiple of [`ALIGNMENT`] in
//! the file, behind a comment of zeros, so that a file can be used where it lies in memory.

use super::{onnx::*, SplitError};
use prost::{encode_length_delimiter, length_delimiter_len, Message};
use std::io::{self, Write};

/// Where the elements of a constant begin, in bytes: a cache line, and more than any vector register.
pub const ALIGNMENT: usize = 64;

/// Keys of the fields that are written by hand, as bytes; the numbers are those of `onnx.proto`.
mod key {
	/// A field that begins with its length; its number is below 16.
	const fn of(field: u8) -> u8 {
		field << 3 | 2
	}
	pub const MODEL_GRAPH: u8 = of(7);
	pub const GRAPH_INITIALIZER: u8 = of(5);
	pub const TENSOR_RAW_DATA: u8 = of(9);
	pub const TENSOR_DOC_STRING: u8 = of(12);
}

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
pub struct GraphBuilder<'a> {
	graph: GraphProto,
	/// Elements of all weights so far; tables that are computed are not counted.
	parameters: u64,
	out: &'a mut dyn Write,
	/// Bytes written so far.
	written: usize,
}

impl<'a> GraphBuilder<'a> {
	/// Starts a graph that is written to `out`.
	pub fn new(name: &str, out: &'a mut dyn Write) -> Self {
		Self {
			graph: GraphProto {
				name: name.into(),
				..Default::default()
			},
			parameters: 0,
			out,
			written: 0,
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

	/// Adds a trained tensor in single precision.
	pub fn weight(&mut self, name: &str, shape: &[u32], values: &[f32]) -> Result<(), SplitError> {
		self.trained(values.len() as u64);
		self.table(name, shape, values)
	}

	/// Adds a computed constant in single precision.
	pub fn table(&mut self, name: &str, shape: &[u32], values: &[f32]) -> Result<(), SplitError> {
		let raw = values.iter().flat_map(|value| value.to_le_bytes());
		self.tensor(name, FLOAT, shape, &raw.collect::<Vec<_>>())
	}

	/// Adds a constant of any type: its elements as little-endian bytes, row-major.
	pub fn tensor(
		&mut self,
		name: &str,
		element: i32,
		shape: &[u32],
		raw: &[u8],
	) -> Result<(), SplitError> {
		self.stream(name, element, shape, raw.len(), &mut |out| {
			Ok(out.write_all(raw)?)
		})
	}

	/// Adds a constant of `bytes` bytes, which `fill` writes piece by piece.
	pub fn stream(
		&mut self,
		name: &str,
		element: i32,
		shape: &[u32],
		bytes: usize,
		fill: &mut dyn FnMut(&mut dyn Write) -> Result<(), SplitError>,
	) -> Result<(), SplitError> {
		let opening = TensorProto {
			dims: shape.iter().map(|size| i64::from(*size)).collect(),
			data_type: element,
			name: name.into(),
			..Default::default()
		}
		.encode_to_vec();
		let padded = (0..2 * ALIGNMENT)
			.map(|padding| tensor_head(&opening, padding, bytes))
			.find(|head| (self.written + head.len()).is_multiple_of(ALIGNMENT));
		// One byte more of padding is one byte more of head, so twice as many meet every remainder.
		let head = padded.unwrap_or_else(|| tensor_head(&opening, 0, bytes));
		self.out.write_all(&head)?;
		let mut counted = Counted {
			out: &mut *self.out,
			bytes: 0,
		};
		fill(&mut counted)?;
		let found = counted.bytes;
		if found != bytes {
			let reason = format!("{name} has {found} bytes instead of {bytes}");
			return Err(SplitError::Implausible { reason });
		}
		self.written += head.len() + bytes;
		Ok(())
	}

	/// Counts trained elements that were added in a form of their own.
	pub fn trained(&mut self, elements: u64) {
		self.parameters += elements;
	}

	/// Adds an operation of the standard set.
	pub fn node(&mut self, op: &str, inputs: &[&str], output: &str, with: &[(&str, Attribute)]) {
		self.push(op, "", inputs, &[output], with);
	}

	/// Adds an operation of ONNX Runtime's own set.
	pub fn contrib(
		&mut self,
		op: &str,
		inputs: &[&str],
		outputs: &[&str],
		with: &[(&str, Attribute)],
	) {
		self.push(op, CONTRIB, inputs, outputs, with);
	}

	/// Writes the nodes and gives the number of trained elements.
	pub fn finish(self) -> Result<u64, SplitError> {
		self.out.write_all(&model_of(self.graph).encode_to_vec())?;
		Ok(self.parameters)
	}

	/// What has been declared so far.
	pub(crate) fn graph_mut(&mut self) -> &mut GraphProto {
		&mut self.graph
	}

	/// Writes a graph that lies in memory, with as many trained elements.
	pub fn write(
		graph: GraphProto,
		parameters: u64,
		out: &'a mut dyn Write,
	) -> Result<u64, SplitError> {
		let mut builder = Self::new(&graph.name, out);
		builder.graph = graph;
		for tensor in std::mem::take(&mut builder.graph.initializer) {
			let sizes = tensor
				.dims
				.iter()
				.map(|size| *size as u32)
				.collect::<Vec<_>>();
			let raw = tensor.raw_data.unwrap_or_default();
			builder.tensor(&tensor.name, tensor.data_type, &sizes, &raw)?;
		}
		builder.trained(parameters);
		builder.finish()
	}

	fn push(
		&mut self,
		op: &str,
		domain: &str,
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
		self.graph.node.push(NodeProto {
			input: owned(inputs),
			output: owned(outputs),
			name: format!("{}/{op}", outputs[0]),
			op_type: op.into(),
			attribute: with
				.iter()
				.map(|(name, value)| attribute(name, *value))
				.collect(),
			domain: domain.into(),
		});
	}
}

/// A writer that counts.
struct Counted<'a> {
	out: &'a mut dyn Write,
	bytes: usize,
}

impl Write for Counted<'_> {
	fn write(&mut self, part: &[u8]) -> io::Result<usize> {
		let taken = self.out.write(part)?;
		self.bytes += taken;
		Ok(taken)
	}

	fn flush(&mut self) -> io::Result<()> {
		self.out.flush()
	}
}

/// What stands before the elements of a constant: the openings of model, graph and tensor, a comment of
/// `padding` zeros, and the length of the elements.
fn tensor_head(opening: &[u8], padding: usize, elements: usize) -> Vec<u8> {
	let mut tensor = opening.to_vec();
	begin(&mut tensor, key::TENSOR_DOC_STRING, padding);
	tensor.resize(tensor.len() + padding, 0);
	begin(&mut tensor, key::TENSOR_RAW_DATA, elements);

	let tensor_bytes = tensor.len() + elements;
	let mut head = Vec::new();
	let graph_bytes = 1 + length_delimiter_len(tensor_bytes) + tensor_bytes;
	begin(&mut head, key::MODEL_GRAPH, graph_bytes);
	begin(&mut head, key::GRAPH_INITIALIZER, tensor_bytes);
	head.extend(tensor);
	head
}

/// Writes the key and the length of a field.
fn begin(out: &mut Vec<u8>, key: u8, bytes: usize) {
	out.push(key);
	// A vector has room for every length.
	let _ = encode_length_delimiter(bytes, out);
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

pub(crate) fn attribute(name: &str, value: Attribute) -> AttributeProto {
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

pub(crate) fn value_info(name: &str, element: i32, shape: &[Dim]) -> ValueInfo {
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
