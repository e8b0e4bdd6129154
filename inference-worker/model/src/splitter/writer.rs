//! Writes the constants of an ONNX file out as they come, and its graph behind them.
//!
//! A protobuf message may name a field several times; the parts are then merged. So every constant
//! becomes a part of its own, written at once, and nodes follow at the end: however large a shard is,
//! nothing of it is held here. The elements of every constant begin at a multiple of [`ALIGNMENT`] in
//! the file, behind a comment of zeros, so that a file can be used where it lies in memory.

use super::{
	graph::{model_of, Attribute, Graph},
	onnx::*,
	SplitError,
};
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

/// A graph whose constants are written as they come.
pub struct ShardWriter<'a> {
	/// Inputs, outputs and nodes so far; its constants are in the file already.
	pub graph: Graph,
	out: &'a mut dyn Write,
	/// Bytes written so far.
	written: usize,
}

impl<'a> ShardWriter<'a> {
	/// Starts a graph that is written to `out`.
	pub fn new(name: &str, out: &'a mut dyn Write) -> Self {
		Self {
			graph: Graph::new(name),
			out,
			written: 0,
		}
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
		self.graph.parameters += elements;
	}

	/// Adds an operation of the standard set.
	pub fn node(&mut self, op: &str, inputs: &[&str], output: &str, with: &[(&str, Attribute)]) {
		self.graph.node("", op, inputs, &[output], with);
	}

	/// Adds an operation of ONNX Runtime's own set.
	pub fn contrib(
		&mut self,
		op: &str,
		inputs: &[&str],
		outputs: &[&str],
		with: &[(&str, Attribute)],
	) {
		self.graph.node(CONTRIB, op, inputs, outputs, with);
	}

	/// Writes the nodes and gives the number of trained elements.
	pub fn finish(self) -> Result<u64, SplitError> {
		let Graph { graph, parameters } = self.graph;
		self.out.write_all(&model_of(graph).encode_to_vec())?;
		Ok(parameters)
	}

	/// Writes a graph that lies in memory whole, and gives the number of its trained elements.
	pub fn write(mut graph: Graph, out: &'a mut dyn Write) -> Result<u64, SplitError> {
		let constants = std::mem::take(&mut graph.graph.initializer);
		let mut writer = Self {
			graph,
			out,
			written: 0,
		};
		for tensor in constants {
			let sizes = tensor.dims.iter().map(|size| *size as u32);
			let sizes = sizes.collect::<Vec<_>>();
			let raw = tensor.raw_data.unwrap_or_default();
			writer.tensor(&tensor.name, tensor.data_type, &sizes, &raw)?;
		}
		writer.finish()
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
