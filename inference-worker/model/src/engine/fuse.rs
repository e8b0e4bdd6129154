//! Puts consecutive layers into one graph whose weights lie in memory beside it.
//!
//! Shards are decoded, joined at their boundaries and encoded again without their large tensors. Those
//! are handed to ONNX Runtime as buffers under names made here: a shard cannot name a file, and no
//! graph meets the 2 GiB limit of a message.

use super::EngineError;
use crate::{
	exact::{self, rules::Limbs},
	manifest::ModelConfig,
	numerics::{ExactForm, Numerics},
	splitter::{
		graph::model_of,
		onnx::{
			GraphProto, ModelProto, StringEntry, TensorProto, CONTRIB, CONTRIB_OPSET, EXTERNAL,
			OPSET,
		},
		shards::{HIDDEN_IN, HIDDEN_OUT, LAST_ROW, ROPE_COS, ROPE_SIN, TOTAL_ROWS},
	},
};
use ort::operator::OperatorDomain;
use prost::{
	bytes::{Bytes, BytesMut},
	Message,
};
use std::{collections::HashMap, sync::Arc};

/// Tensors below this many bytes stay inside the graph: shapes and small norms.
const INLINE_BYTES: usize = 1024;
/// Where tensors begin inside a buffer: a cache line, and more than any vector register.
const ALIGNMENT: usize = 64;

/// Weights under the name by which a graph refers to them.
pub type NamedBuffer = (String, Arc<[u8]>);

/// A graph and the buffers of its weights. ONNX Runtime copies them when a session is made.
pub struct InMemoryModel {
	/// The graph, encoded.
	pub graph: Vec<u8>,
	/// Its weights.
	pub buffers: Vec<NamedBuffer>,
	/// Operators that the library does not have itself.
	pub operators: Option<Arc<OperatorDomain>>,
}

/// Why a shard cannot become part of a graph.
#[derive(thiserror::Error, Debug)]
#[error("{file} is no usable shard ({reason}): split the model again with this version")]
pub struct FuseError {
	/// The shard.
	pub file: String,
	/// What is wrong with it.
	pub reason: String,
}

/// A shard that stands alone: embedding or head.
pub fn single(file: &str, content: Vec<u8>) -> Result<InMemoryModel, FuseError> {
	let mut graph = decode(file, content)?;
	let buffers = extract_weights(file, &mut graph.initializer)?
		.into_iter()
		.collect();
	Ok(InMemoryModel {
		graph: model_of(graph).encode_to_vec(),
		buffers,
		operators: None,
	})
}

/// The head, in the form that the profile's rules give it.
pub fn head(
	config: &ModelConfig,
	numerics: &Numerics,
	file: &str,
	content: Vec<u8>,
) -> Result<InMemoryModel, EngineError> {
	if numerics.exact.is_none() {
		return Ok(single(file, content)?);
	}
	let graph = decode(file, content.clone())?;
	let weights = exact::read_head(config, &graph).map_err(|refusal| refused(file, refusal))?;
	Ok(match numerics.exact {
		Some(ExactForm::Own) => exact::fast_head(config, weights, Limbs::RULE)?,
		_ => single(file, content)?,
	})
}

/// Consecutive layers under construction, in the form that the profile's rules give them.
pub enum Assembly {
	/// The graphs of the shards, joined.
	Graphs(Fuser),
	/// Graphs of the exact profile, joined: each is checked first.
	Checked(Box<(ModelConfig, Numerics, Fuser)>),
	/// The exact profile in operators of our own.
	Own(Box<(ModelConfig, Numerics, exact::Segment)>),
}

impl Assembly {
	/// No layers yet.
	pub fn new(config: &ModelConfig, numerics: &Numerics) -> Self {
		let parts = (config.clone(), *numerics);
		match numerics.exact {
			None => Self::Graphs(Fuser::default()),
			Some(ExactForm::Standard) => {
				Self::Checked(Box::new((parts.0, parts.1, Fuser::default())))
			}
			Some(ExactForm::Own) => {
				let segment = exact::Segment::new(config, numerics, Limbs::RULE);
				Self::Own(Box::new((parts.0, parts.1, segment)))
			}
		}
	}

	/// Appends the next layer.
	pub fn push(&mut self, layer: u32, file: &str, content: Vec<u8>) -> Result<(), FuseError> {
		let read = |config: &ModelConfig, numerics: &Numerics, content: Vec<u8>| {
			let graph = decode(file, content)?;
			exact::read_layer(config, numerics, layer, &graph)
				.map_err(|refusal| refused(file, refusal))
		};
		match self {
			Self::Graphs(fuser) => fuser.push(layer, file, content),
			Self::Checked(parts) => {
				read(&parts.0, &parts.1, content.clone())?;
				parts.2.push(layer, file, content)
			}
			Self::Own(parts) => {
				let weights = read(&parts.0, &parts.1, content)?;
				parts.2.push(layer, weights);
				Ok(())
			}
		}
	}

	/// Closes the graph.
	pub fn finish(self) -> Result<InMemoryModel, EngineError> {
		Ok(match self {
			Self::Graphs(fuser) => fuser.finish(),
			Self::Checked(parts) => parts.2.finish(),
			Self::Own(parts) => parts.2.finish()?,
		})
	}
}

fn refused(file: &str, refusal: exact::Refusal) -> FuseError {
	error(file, format!("{} {}", refusal.node, refusal.reason))
}

/// Consecutive layers under construction.
#[derive(Default)]
pub struct Fuser {
	graph: GraphProto,
	buffers: Vec<NamedBuffer>,
	/// The rotary tables of the first layer, which stand for all.
	tables: HashMap<String, Bytes>,
	/// Name of the rows that leave the last layer so far.
	boundary: Option<String>,
}

impl Fuser {
	/// Appends the next layer.
	pub fn push(&mut self, layer: u32, file: &str, content: Vec<u8>) -> Result<(), FuseError> {
		let mut part = decode(file, content)?;
		self.share_tables(file, &mut part.initializer)?;
		self.buffers
			.extend(extract_weights(file, &mut part.initializer)?);

		let entering = self.boundary.take();
		let leaving = format!("layer.{layer}.{HIDDEN_OUT}");
		let first = entering.is_none();
		rename(
			&mut part,
			HIDDEN_IN,
			entering.as_deref().unwrap_or(HIDDEN_IN),
		);
		rename(&mut part, HIDDEN_OUT, &leaving);
		self.boundary = Some(leaving);
		for node in &mut part.node {
			node.name = format!("layer.{layer}/{}", node.name);
		}

		let shared = [HIDDEN_IN, LAST_ROW, TOTAL_ROWS];
		part.input
			.retain(|input| first || !shared.contains(&input.name.as_str()));
		if !first {
			part.output.retain(|output| output.name != HIDDEN_OUT);
		}
		self.graph.node.append(&mut part.node);
		self.graph.initializer.append(&mut part.initializer);
		self.graph.input.append(&mut part.input);
		self.graph.output.append(&mut part.output);
		Ok(())
	}

	/// Closes the graph.
	pub fn finish(mut self) -> InMemoryModel {
		self.graph.name = "segment".into();
		if let Some(leaving) = self.boundary.take() {
			rename(&mut self.graph, &leaving, HIDDEN_OUT);
		}
		InMemoryModel {
			graph: model_of(self.graph).encode_to_vec(),
			buffers: self.buffers,
			operators: None,
		}
	}

	/// Takes the rotary tables out of every layer but the first, if they are the same.
	fn share_tables(
		&mut self,
		file: &str,
		tensors: &mut Vec<TensorProto>,
	) -> Result<(), FuseError> {
		let mut differing = None;
		tensors.retain(|tensor| {
			if tensor.name != ROPE_COS && tensor.name != ROPE_SIN {
				return true;
			}
			let data = tensor.raw_data.clone().unwrap_or_default();
			match self.tables.get(&tensor.name) {
				Some(known) if *known == data => false,
				Some(_) => {
					differing = Some(tensor.name.clone());
					false
				}
				None => {
					self.tables.insert(tensor.name.clone(), data);
					true
				}
			}
		});
		match differing {
			Some(name) => Err(error(
				file,
				format!("{name} differs from that of the layers before"),
			)),
			None => Ok(()),
		}
	}
}

fn decode(file: &str, content: Vec<u8>) -> Result<GraphProto, FuseError> {
	let model = ModelProto::decode(Bytes::from(content))
		.map_err(|cause| error(file, format!("it is no ONNX file: {cause}")))?;
	for set in &model.opset_import {
		let known = [("", OPSET), (CONTRIB, CONTRIB_OPSET)];
		let domain = set.domain.as_deref().unwrap_or("");
		if !known.contains(&(domain, set.version)) {
			return Err(error(
				file,
				format!("operator set {domain:?} {} is unknown", set.version),
			));
		}
	}
	model
		.graph
		.ok_or_else(|| error(file, "it holds no graph".into()))
}

/// Moves the large tensors of a shard into one buffer; none if there are no large ones.
fn extract_weights(
	file: &str,
	tensors: &mut [TensorProto],
) -> Result<Option<NamedBuffer>, FuseError> {
	let mut buffer = BytesMut::new();
	for tensor in tensors {
		if tensor.data_location == Some(EXTERNAL) || !tensor.external_data.is_empty() {
			return Err(error(
				file,
				format!("tensor {} lies in another file", tensor.name),
			));
		}
		let Some(data) = tensor.raw_data.take_if(|data| data.len() >= INLINE_BYTES) else {
			continue;
		};
		let offset = buffer.len().next_multiple_of(ALIGNMENT);
		buffer.resize(offset, 0);
		buffer.extend_from_slice(&data);
		let place = [
			("location", buffer_name(file)),
			("offset", offset.to_string()),
			("length", data.len().to_string()),
		];
		tensor.data_location = Some(EXTERNAL);
		tensor.external_data = place
			.into_iter()
			.map(|(key, value)| StringEntry {
				key: key.into(),
				value,
			})
			.collect();
	}
	Ok((!buffer.is_empty()).then(|| (buffer_name(file), Arc::from(&buffer[..]))))
}

/// Renames a value where nodes read and write it.
fn rename(graph: &mut GraphProto, from: &str, to: &str) {
	for node in &mut graph.node {
		for name in node
			.input
			.iter_mut()
			.chain(&mut node.output)
			.filter(|name| *name == from)
		{
			*name = to.into();
		}
	}
}

fn buffer_name(file: &str) -> String {
	format!("{file}.weights")
}

fn error(file: &str, reason: String) -> FuseError {
	FuseError {
		file: file.into(),
		reason,
	}
}
