//! Exact layers and head in the engine's own operators: eight nodes a layer.
//!
//! | node | of |
//! |---|---|
//! | `Enter`, first layer only; later `Join` of the layer before | norm, codes |
//! | `MatMulInteger` | queries, keys, values |
//! | `Attend` | positions, cache, attention, codes |
//! | `MatMulInteger` | output |
//! | `Join` | residual, norm, codes |
//! | `MatMulInteger` | gate and up |
//! | `Gate` | silu, product, codes |
//! | `MatMulInteger` | down |
//!
//! `Leave` adds the last residual.

use super::{
	operators::{self, Cluster, Constants, LayerConstants, DOMAIN, FROM, LAYER, VERSION},
	rules::{Limbs, Tables, ZERO_POINT},
	weights::{HeadWeights, LayerWeights, Matrix},
};
use crate::{
	engine::{InMemoryModel, NamedBuffer},
	manifest::ModelConfig,
	numerics::Numerics,
	splitter::{
		graph::{model_of, Attribute, Dim, Graph},
		onnx::{OperatorSetId, StringEntry, TensorProto, EXTERNAL, FLOAT, INT32, INT8, UINT8},
		rope,
		shards::{declare_cache, HIDDEN_IN, HIDDEN_OUT, LAST_ROW, LOGITS, TOTAL_ROWS},
	},
};
use prost::Message;
use std::{collections::HashMap, sync::Arc};

const ZERO: &str = "zero";

/// Consecutive layers under construction.
pub struct Segment {
	config: ModelConfig,
	numerics: Numerics,
	limbs: Limbs,
	net: Net,
	layers: HashMap<u32, LayerConstants>,
	/// Last layer so far, and its sums and scale, which wait for what follows.
	open: Option<Open>,
}

/// What a layer leaves to the next: the rows before its last residual, its sums, and their scale.
struct Open {
	layer: u32,
	rows: String,
	sums: String,
	scale: String,
}

impl Segment {
	/// An empty segment.
	pub fn new(config: &ModelConfig, numerics: &Numerics, limbs: Limbs) -> Self {
		let mut net = Net::new("segment", config);
		net.graph.input(LAST_ROW, INT32, &[Dim::Is(1)]);
		net.graph.input(TOTAL_ROWS, INT32, &[Dim::Is(1)]);
		Self {
			config: config.clone(),
			numerics: *numerics,
			limbs,
			net,
			layers: HashMap::new(),
			open: None,
		}
	}

	/// Appends the next layer.
	pub fn push(&mut self, layer: u32, weights: LayerWeights) {
		let name = |value: &str| format!("layer.{layer}.{value}");
		let entering = [name("entering"), name("entering.scale")];
		let rows = match self.open.take() {
			None => {
				self.net.cluster(
					Cluster::Enter,
					&[HIDDEN_IN],
					&[&entering[0], &entering[1]],
					layer,
					0,
				);
				HIDDEN_IN.to_string()
			}
			Some(open) => {
				let rows = name("rows");
				let inputs = [&*open.rows, &open.sums, &open.scale];
				let outputs = [&*rows, &entering[0], &entering[1]];
				self.net
					.cluster(Cluster::Join, &inputs, &outputs, open.layer, 1);
				rows
			}
		};
		declare_cache(&mut self.net.graph, &self.config, &self.numerics, layer);
		let sums = self
			.net
			.product(&entering[0], &name("attention"), &weights.attention);
		let caches = self.numerics.cache.iter().map(|buffer| buffer.names(layer));
		let caches = caches.collect::<Vec<_>>();
		let attended = [name("attended"), name("attended.scale")];
		let mut inputs = vec![sums.as_str(), &entering[1], TOTAL_ROWS];
		inputs.extend(caches.iter().map(|[past, _]| past.as_str()));
		let mut outputs = attended.iter().map(String::as_str).collect::<Vec<_>>();
		outputs.extend(caches.iter().map(|[_, present]| present.as_str()));
		self.net
			.cluster(Cluster::Attend, &inputs, &outputs, layer, 0);

		let sums = self
			.net
			.product(&attended[0], &name("output"), &weights.output);
		let between = [name("residual"), name("normed"), name("normed.scale")];
		let outputs = [&*between[0], &between[1], &between[2]];
		self.net.cluster(
			Cluster::Join,
			&[&rows, &sums, &attended[1]],
			&outputs,
			layer,
			0,
		);
		let sums = self.net.product(&between[1], &name("gate"), &weights.gate);
		let gated = [name("gated"), name("gated.scale")];
		self.net.cluster(
			Cluster::Gate,
			&[&sums, &between[2]],
			&[&gated[0], &gated[1]],
			layer,
			0,
		);
		let sums = self.net.product(&gated[0], &name("down"), &weights.down);
		let [rows, _, _] = between;
		let [_, scale] = gated;
		self.open = Some(Open {
			layer,
			rows,
			sums,
			scale,
		});
		self.layers.insert(
			layer,
			LayerConstants {
				attention_norm: weights.attention_norm,
				attention_scales: weights.attention.scales,
				bias: weights.bias,
				query_norm: weights.query_norm,
				key_norm: weights.key_norm,
				output_scales: weights.output.scales,
				gate_norm: weights.gate_norm,
				gate_scales: weights.gate.scales,
				down_scales: weights.down.scales,
				window: self
					.config
					.window_of(layer)
					.map_or(usize::MAX, |rows| rows as usize),
			},
		);
	}

	/// Closes the segment.
	pub fn finish(mut self) -> Result<InMemoryModel, ort::Error> {
		if let Some(open) = self.open.take() {
			let inputs = [&*open.rows, &open.sums, &open.scale];
			self.net
				.cluster(Cluster::Leave, &inputs, &[HIDDEN_OUT], open.layer, 1);
		}
		let rows = [Dim::Is(1), Dim::Open("rows"), Dim::Is(self.config.hidden)];
		self.net.graph.output(HIDDEN_OUT, FLOAT, &rows);
		let (cos, sin) = rope::tables(&self.config);
		self.net.finish(Constants {
			config: self.config,
			limbs: self.limbs,
			tables: Tables::default(),
			cos,
			sin,
			layers: self.layers,
			head_norm: Vec::new(),
			head_scales: Vec::new(),
		})
	}
}

/// Final norm and output projection.
pub fn head(
	config: &ModelConfig,
	weights: HeadWeights,
	limbs: Limbs,
) -> Result<InMemoryModel, ort::Error> {
	let mut net = Net::new("head", config);
	let rows = [Dim::Is(1), Dim::Open("rows"), Dim::Is(config.vocab)];
	net.graph.output(LOGITS, FLOAT, &rows);
	net.cluster(
		Cluster::EnterHead,
		&[HIDDEN_IN],
		&["entering", "entering.scale"],
		0,
		0,
	);
	let sums = net.product("entering", "head", &weights.logits);
	net.cluster(Cluster::Logits, &[&sums, "entering.scale"], &[LOGITS], 0, 0);
	net.finish(Constants {
		config: config.clone(),
		limbs,
		tables: Tables::default(),
		cos: Vec::new(),
		sin: Vec::new(),
		layers: HashMap::new(),
		head_norm: weights.norm,
		head_scales: weights.logits.scales,
	})
}

/// A graph whose matrices lie in memory beside it.
struct Net {
	graph: Graph,
	buffers: Vec<NamedBuffer>,
	/// Tensors that lie in `buffers`.
	matrices: Vec<TensorProto>,
}

impl Net {
	fn new(name: &str, config: &ModelConfig) -> Self {
		let mut graph = Graph::new(name);
		let rows = [Dim::Is(1), Dim::Open("rows"), Dim::Is(config.hidden)];
		graph.input(HIDDEN_IN, FLOAT, &rows);
		graph.tensor(ZERO, UINT8, &[], vec![ZERO_POINT as u8]);
		Self {
			graph,
			buffers: Vec::new(),
			matrices: Vec::new(),
		}
	}

	fn cluster(
		&mut self,
		cluster: Cluster,
		inputs: &[&str],
		outputs: &[&str],
		layer: u32,
		from: i64,
	) {
		let attributes = [
			(LAYER, Attribute::Int(layer.into())),
			(FROM, Attribute::Int(from)),
		];
		self.graph
			.node(DOMAIN, cluster.name(), inputs, outputs, &attributes);
	}

	/// Integer product of codes and a matrix; gives the name of the sums.
	fn product(&mut self, codes: &str, name: &str, matrix: &Matrix) -> String {
		let outputs = matrix.scales.len();
		let shape = [matrix.codes.len() / outputs, outputs];
		let (weights, sums) = (format!("{name}.codes"), format!("{name}.sums"));
		self.graph
			.node("", "MatMulInteger", &[codes, &weights, ZERO], &[&sums], &[]);
		let raw = matrix
			.codes
			.iter()
			.map(|code| *code as u8)
			.collect::<Arc<[u8]>>();
		let place = [
			("location", weights.clone()),
			("offset", "0".into()),
			("length", raw.len().to_string()),
		];
		self.matrices.push(TensorProto {
			dims: shape.map(|size| size as i64).to_vec(),
			data_type: INT8,
			name: weights.clone(),
			external_data: place
				.into_iter()
				.map(|(key, value)| StringEntry {
					key: key.into(),
					value,
				})
				.collect(),
			data_location: Some(EXTERNAL),
			..Default::default()
		});
		self.buffers.push((weights, raw));
		sums
	}

	#[expect(
		clippy::arc_with_non_send_sync,
		reason = "the session that holds the operators keeps them on its own thread"
	)]
	fn finish(self, constants: Constants) -> Result<InMemoryModel, ort::Error> {
		let mut graph = self.graph.graph;
		graph.initializer.extend(self.matrices);
		let mut model = model_of(graph);
		model.opset_import.push(OperatorSetId {
			domain: Some(DOMAIN.into()),
			version: VERSION,
		});
		Ok(InMemoryModel {
			graph: model.encode_to_vec(),
			buffers: self.buffers,
			folder: None,
			operators: Some(Arc::new(operators::domain(&Arc::new(constants))?)),
		})
	}
}
