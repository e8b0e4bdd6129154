//! Puts consecutive layers into one graph whose weights lie in memory beside it.
//!
//! Shards are decoded, joined at their boundaries and encoded again without their large tensors. Those
//! stay where they are in the file's bytes, which are handed to ONNX Runtime under a name made here: a
//! shard cannot name a file, and no graph meets the 2 GiB limit of a message. A splitter may also leave
//! its own shards on disk and have them read from there.

use super::{library::runtime, EngineError};
use crate::{
	blocks::{self, Packed},
	exact::kernels::dispatch::{level, Level},
	manifest::ModelConfig,
	mapping::Mapping,
	splitter::{
		graph::{model_of, value_info, Dim},
		onnx::{
			AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetId, StringEntry,
			TensorProto, ATTRIBUTE_INT, CONTRIB, CONTRIB_OPSET, EXTERNAL, FLOAT, OPSET,
		},
		shards::{
			adaptable, value_name, Adaptable, HIDDEN_IN, HIDDEN_OUT, LAST_ROW, ROPE_COS, ROPE_SIN,
			TOTAL_ROWS,
		},
		writer::ALIGNMENT,
	},
};
use ort::operator::OperatorDomain;
use prost::{bytes::Bytes, Message};
use std::{
	collections::HashMap,
	fs::File,
	path::{Path, PathBuf},
	sync::Arc,
};

/// Tensors below this many bytes stay inside the graph: shapes and small norms.
const INLINE_BYTES: usize = 1024;

/// Name of the open size of an adapter's factors.
const RANK: &str = "rank";

/// Bytes under the name by which a graph refers to them.
pub type NamedBuffer = (String, Arc<[u8]>);

/// A graph and where its weights are.
pub struct InMemoryModel {
	/// The graph, encoded.
	pub graph: Vec<u8>,
	/// The files with its weights. ONNX Runtime copies what it needs when a session is made.
	pub buffers: Vec<NamedBuffer>,
	/// The folder of those files, where they are left on disk.
	pub folder: Option<PathBuf>,
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
	let content = Content::in_memory(file, content);
	let mut graph = content.decode(file)?;
	content.extract_weights(file, &mut graph.initializer)?;
	Ok(InMemoryModel {
		graph: model_of(graph).encode_to_vec(),
		buffers: content.buffer.into_iter().collect(),
		folder: None,
		operators: None,
	})
}

/// Like [`single`], but the weights stay on disk. Only for files that this process has just written or
/// verified: whoever changes them changes the weights.
pub fn single_on_disk(folder: &Path, file: &str) -> Result<InMemoryModel, FuseError> {
	let content = Content::on_disk(folder, file)?;
	let mut graph = content.decode(file)?;
	content.extract_weights(file, &mut graph.initializer)?;
	Ok(InMemoryModel {
		graph: model_of(graph).encode_to_vec(),
		buffers: Vec::new(),
		folder: Some(folder.into()),
		operators: None,
	})
}

/// The graph of a shard.
pub fn decode(file: &str, content: Vec<u8>) -> Result<GraphProto, FuseError> {
	let content = Content {
		bytes: Bytes::from(content),
		location: String::new(),
		buffer: None,
	};
	content.decode(file)
}

/// Consecutive layers under construction.
#[derive(Default)]
pub struct Fuser {
	graph: GraphProto,
	buffers: Vec<NamedBuffer>,
	/// Weights that operators of our own multiply with.
	matrices: Vec<Packed>,
	/// The rotary tables of the first layer, which stand for all.
	tables: HashMap<String, Bytes>,
	/// Name of the rows that leave the last layer so far.
	boundary: Option<String>,
	/// Where files lie that are left on disk.
	folder: Option<PathBuf>,
}

impl Fuser {
	/// Appends the next layer.
	pub fn push(&mut self, layer: u32, file: &str, content: Vec<u8>) -> Result<(), FuseError> {
		self.push_content(layer, file, Content::in_memory(file, content))
	}

	/// Appends the next layer and leaves its weights on disk, under the condition of [`single_on_disk`].
	/// All files lie in the same folder.
	pub fn push_on_disk(&mut self, layer: u32, folder: &Path, file: &str) -> Result<(), FuseError> {
		self.folder = Some(folder.into());
		self.push_content(layer, file, Content::on_disk(folder, file)?)
	}

	fn push_content(&mut self, layer: u32, file: &str, content: Content) -> Result<(), FuseError> {
		let mut part = content.decode(file)?;
		self.share_tables(file, &mut part.initializer)?;
		// Weights that stay on disk stay in the library's order.
		if content.buffer.is_some() && level() >= Level::Avx2 {
			blocks::take(&mut part, &mut self.matrices).map_err(|reason| error(file, reason))?;
		}
		content.extract_weights(file, &mut part.initializer)?;
		self.buffers.extend(content.buffer);

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

	/// Adds low-rank products to projections of a layer that was pushed. Their factors are inputs of the graph,
	/// named by [`factor_names`], so that every call brings those of its session.
	pub fn adapt(
		&mut self,
		config: &ModelConfig,
		layer: u32,
		module: &str,
	) -> Result<(), FuseError> {
		let missing = || error(module, format!("layer {layer} has no such projection"));
		let projection = adaptable(config, module).ok_or_else(missing)?;
		let output = value_name(layer, projection.output);
		let at = self
			.graph
			.node
			.iter()
			.position(|node| node.output[0] == output);
		let at = at.ok_or_else(missing)?;
		let node = &mut self.graph.node[at];
		let (base, input) = (format!("{output}.base"), node.input[0].clone());
		node.output[0] = base.clone();

		let factors = factor_names(layer, &projection);
		let [narrow, added] = ["narrow", "added"].map(|part| format!("{output}.adapter.{part}"));
		let product = |input: &str, factor: &str, output: &str| NodeProto {
			input: vec![input.into(), factor.into()],
			output: vec![output.into()],
			name: format!("{output}/FusedMatMul"),
			op_type: "FusedMatMul".into(),
			attribute: vec![transposed()],
			domain: CONTRIB.into(),
		};
		let sum = NodeProto {
			input: vec![base, added.clone()],
			output: vec![output.clone()],
			name: format!("{output}/Add"),
			op_type: "Add".into(),
			..Default::default()
		};
		let nodes = [
			product(&input, &factors[0], &narrow),
			product(&narrow, &factors[1], &added),
			sum,
		];
		self.graph.node.splice(at + 1..at + 1, nodes);
		let [outputs, inputs] = projection.shape.map(Dim::Is);
		let shapes = [[Dim::Open(RANK), inputs], [outputs, Dim::Open(RANK)]];
		for (name, shape) in factors.iter().zip(shapes) {
			self.graph.input.push(value_info(name, FLOAT, &shape));
		}
		Ok(())
	}

	/// Closes the graph.
	#[expect(
		clippy::arc_with_non_send_sync,
		reason = "the session that holds the operators keeps them on its own thread"
	)]
	pub fn finish(mut self) -> Result<InMemoryModel, EngineError> {
		self.graph.name = "segment".into();
		if let Some(leaving) = self.boundary.take() {
			rename(&mut self.graph, &leaving, HIDDEN_OUT);
		}
		let mut model = model_of(self.graph);
		let mut operators = None;
		if !self.matrices.is_empty() {
			model.opset_import.push(OperatorSetId {
				domain: Some(blocks::DOMAIN.into()),
				version: blocks::VERSION,
			});
			// Operators are made by the library, so it must be there.
			runtime()?;
			operators = Some(Arc::new(blocks::domain(self.matrices)?));
		}
		Ok(InMemoryModel {
			graph: model.encode_to_vec(),
			buffers: self.buffers,
			folder: self.folder,
			operators,
		})
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

/// The bytes of a shard.
struct Content {
	bytes: Bytes,
	/// The name by which the graph refers to them.
	location: String,
	/// The same bytes, where the library gets them from memory.
	buffer: Option<NamedBuffer>,
}

impl Content {
	fn in_memory(file: &str, content: Vec<u8>) -> Self {
		let location = format!("{file}.weights");
		let content: Arc<[u8]> = content.into();
		Self {
			bytes: Bytes::from_owner(content.clone()),
			buffer: Some((location.clone(), content)),
			location,
		}
	}

	fn on_disk(folder: &Path, file: &str) -> Result<Self, FuseError> {
		let map = File::open(folder.join(file)).and_then(|file| Mapping::open(&file));
		let map = map.map_err(|cause| error(file, format!("it cannot be read: {cause}")))?;
		Ok(Self {
			bytes: Bytes::from_owner(map),
			location: file.into(),
			buffer: None,
		})
	}

	fn decode(&self, file: &str) -> Result<GraphProto, FuseError> {
		let model = ModelProto::decode(self.bytes.clone())
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

	/// Takes the elements of large tensors out of the graph and says where they lie instead.
	fn extract_weights(&self, file: &str, tensors: &mut [TensorProto]) -> Result<(), FuseError> {
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
			let offset = self.offset_of(&data).filter(|at| at % ALIGNMENT == 0);
			let offset = offset.ok_or_else(|| {
				let reason = format!(
					"{} does not begin at a multiple of {ALIGNMENT}",
					tensor.name
				);
				error(file, reason)
			})?;
			let place = [
				("location", self.location.clone()),
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
		Ok(())
	}

	/// Where a decoded tensor's bytes lie in the file; decoding does not copy them.
	fn offset_of(&self, data: &Bytes) -> Option<usize> {
		let offset = (data.as_ptr() as usize).checked_sub(self.bytes.as_ptr() as usize)?;
		(offset + data.len() <= self.bytes.len()).then_some(offset)
	}
}

/// Names under which a graph takes the factors of a projection: `[rank, inputs]`, then `[outputs, rank]`.
pub fn factor_names(layer: u32, projection: &Adaptable) -> [String; 2] {
	let output = value_name(layer, projection.output);
	["a", "b"].map(|factor| format!("{output}.adapter.{factor}"))
}

/// Says that the second factor of a product is stored transposed.
fn transposed() -> AttributeProto {
	AttributeProto {
		name: "transB".into(),
		i: Some(1),
		kind: ATTRIBUTE_INT,
		..Default::default()
	}
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

fn error(file: &str, reason: String) -> FuseError {
	FuseError {
		file: file.into(),
		reason,
	}
}
