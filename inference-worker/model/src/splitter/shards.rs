//! The three kinds of shards as graphs: embedding, decoder layer, head.
//!
//! A layer is the pre-norm block of Llama: RMS norm, grouped-query attention with rotary positions,
//! residual, RMS norm, gated SiLU feed-forward, residual. The plain residual stream crosses every
//! boundary. Attention is one operator that keeps keys and values in buffers which the caller owns and
//! passes as both input and output.
//!
//! Every name inside a layer begins with `layer.<number>.`, so that consecutive layers can be put into
//! one graph by joining their boundaries; the rotary tables carry the same name in all of them.

use super::{
	graph::{Attribute, Dim, GraphBuilder},
	onnx::{ModelProto, FLOAT, FLOAT16, INT32, INT64, INT8, UINT8},
	rope, SplitError,
};
use crate::{
	exact,
	manifest::ModelConfig,
	numerics::{CacheElement, Numerics, WeightFormat, KEYS, VALUES},
};
use half::f16;

/// Rows that enter a layer or the head: `[1, rows, hidden]`.
pub const HIDDEN_IN: &str = "hidden_in";
/// Rows that leave the embedding or a layer: `[1, rows, hidden]`.
pub const HIDDEN_OUT: &str = "hidden_out";
/// Token ids that enter the embedding: `[1, rows]`.
pub const TOKEN_IDS: &str = "token_ids";
/// What leaves the head: `[1, rows, vocab]`.
pub const LOGITS: &str = "logits";
/// Index of the last row after the call, per batch: `[1]`.
pub const LAST_ROW: &str = "seqlens_k";
/// Rows in the cache after the call: `[1]`.
pub const TOTAL_ROWS: &str = "total_sequence_length";
/// Cosines of the rotary embedding.
pub const ROPE_COS: &str = "rope.cos";
/// Sines of the rotary embedding.
pub const ROPE_SIN: &str = "rope.sin";

/// Where weights come from, under the names of Hugging Face checkpoints.
pub trait TensorSource {
	/// The tensor of that name and shape, row-major.
	fn tensor(&self, name: &str, shape: &[u32]) -> Result<Vec<f32>, SplitError>;
}

/// A graph with the figures that go into the manifest.
pub struct ShardGraph {
	/// The graph.
	pub model: ModelProto,
	/// Trained elements.
	pub parameters: u64,
	/// Two for every trained element of a projection.
	pub flops_per_token: u64,
	/// Bytes of cache that one token needs.
	pub kv_bytes_per_token: u32,
}

/// Token ids to rows: a look-up.
pub fn embed(
	config: &ModelConfig,
	numerics: &Numerics,
	source: &dyn TensorSource,
) -> Result<ShardGraph, SplitError> {
	let shape = [config.vocab, config.hidden];
	let table = source.tensor(EMBED_WEIGHT, &shape)?;
	let mut graph = GraphBuilder::new("embed");
	graph.input(TOKEN_IDS, INT64, &[Dim::Is(1), Dim::Open("rows")]);
	graph.output(HIDDEN_OUT, FLOAT, &rows_of(config.hidden));
	match numerics.embedding {
		WeightFormat::F32 => {
			graph.weight(EMBED_WEIGHT, &shape, &table);
			graph.node("Gather", &[EMBED_WEIGHT, TOKEN_IDS], HIDDEN_OUT, &[]);
		}
		WeightFormat::F16 => {
			half_weight(&mut graph, EMBED_WEIGHT, EMBED_WEIGHT, &shape, &table)?;
			graph.node("Gather", &[EMBED_WEIGHT, TOKEN_IDS], "embed.half", &[]);
			graph.node("Cast", &["embed.half"], HIDDEN_OUT, &TO_FLOAT);
		}
	}
	Ok(close(graph, 0, 0))
}

/// Rows to logits: final norm and output projection.
pub fn head(
	config: &ModelConfig,
	numerics: &Numerics,
	source: &dyn TensorSource,
) -> Result<ShardGraph, SplitError> {
	let flops = 2 * u64::from(config.hidden) * u64::from(config.vocab);
	if numerics.exact.is_some() {
		return Ok(close(exact::write_head(config, source)?, flops, 0));
	}
	let mut graph = GraphBuilder::new("head");
	graph.input(HIDDEN_IN, FLOAT, &rows_of(config.hidden));
	graph.output(LOGITS, FLOAT, &rows_of(config.vocab));
	let norm = source.tensor("model.norm.weight", &[config.hidden])?;
	graph.weight("head.norm", &[config.hidden], &norm);
	rms_norm(&mut graph, config, HIDDEN_IN, "head.norm", "head.normed");
	let weight = if config.tied {
		EMBED_WEIGHT
	} else {
		"lm_head.weight"
	};
	let shape = [config.vocab, config.hidden];
	let format = numerics.head;
	project(
		&mut graph,
		format,
		source,
		weight,
		shape,
		"head.normed",
		LOGITS,
	)?;
	Ok(close(graph, flops, 0))
}

/// One decoder layer.
pub fn layer(
	config: &ModelConfig,
	numerics: &Numerics,
	layer: u32,
	source: &dyn TensorSource,
) -> Result<ShardGraph, SplitError> {
	let (hidden, inner) = (u64::from(config.hidden), u64::from(config.intermediate));
	let query = u64::from(config.heads) * u64::from(config.head_dim);
	let key_value = u64::from(config.kv_heads) * u64::from(config.head_dim);
	let flops = 2 * hidden * (2 * query + 2 * key_value + 3 * inner);
	let cache = numerics.cache_bytes_per_row(config);
	if numerics.exact.is_some() {
		let graph = exact::write_layer(config, numerics, layer, source)?;
		return Ok(close(graph, flops, cache));
	}
	let mut graph = GraphBuilder::new(&format!("layer-{layer:03}"));
	graph.input(HIDDEN_IN, FLOAT, &rows_of(config.hidden));
	graph.input(LAST_ROW, INT32, &[Dim::Is(1)]);
	graph.input(TOTAL_ROWS, INT32, &[Dim::Is(1)]);
	graph.output(HIDDEN_OUT, FLOAT, &rows_of(config.hidden));
	let mut block = Block {
		config,
		numerics,
		layer,
		source,
		graph: &mut graph,
	};
	block.attention()?;
	block.feed_forward()?;
	Ok(close(graph, flops, cache))
}

const EMBED_WEIGHT: &str = "model.embed_tokens.weight";
/// Parameter of a cast to single precision.
const TO_FLOAT: [(&str, Attribute); 1] = [("to", Attribute::Int(FLOAT as i64))];

/// A decoder layer under construction.
struct Block<'a> {
	config: &'a ModelConfig,
	numerics: &'a Numerics,
	layer: u32,
	source: &'a dyn TensorSource,
	graph: &'a mut GraphBuilder,
}

impl Block<'_> {
	/// From the input rows to `residual` (input plus attention) and `normed` (its norm).
	fn attention(&mut self) -> Result<(), SplitError> {
		let config = self.config;
		let (hidden, head_dim) = (config.hidden, config.head_dim);
		let (query, key_value) = (config.heads * head_dim, config.kv_heads * head_dim);

		let (norm, input) = (
			self.norm_weight("input_layernorm")?,
			self.name("attention.input"),
		);
		rms_norm(self.graph, config, HIDDEN_IN, &norm, &input);
		self.project(
			"self_attn.q_proj",
			[query, hidden],
			"attention.input",
			"query",
		)?;
		self.project(
			"self_attn.k_proj",
			[key_value, hidden],
			"attention.input",
			"key",
		)?;
		self.project(
			"self_attn.v_proj",
			[key_value, hidden],
			"attention.input",
			"value",
		)?;
		self.attend();
		self.project(
			"self_attn.o_proj",
			[hidden, query],
			"attended",
			"attention.output",
		)?;

		let norm = self.norm_weight("post_attention_layernorm")?;
		let output = self.name("attention.output");
		let (normed, residual) = (self.name("normed"), self.name("residual"));
		self.graph.contrib(
			"SkipSimplifiedLayerNormalization",
			&[HIDDEN_IN, &output, &norm],
			&[&normed, "", "", &residual],
			&[("epsilon", Attribute::Float(config.norm_eps as f32))],
		);
		Ok(())
	}

	/// Grouped-query attention over the cache, with rotary positions inside the operator.
	fn attend(&mut self) {
		let config = self.config;
		declare_cache(self.graph, config, self.numerics, self.layer);
		let (cos, sin) = rope::tables(config);
		let shape = [rope::rows(config), config.head_dim / 2];
		self.graph.table(ROPE_COS, &shape, &cos);
		self.graph.table(ROPE_SIN, &shape, &sin);

		let [query, key, value, attended] =
			["query", "key", "value", "attended"].map(|value| self.name(value));
		let [query, key, value] = [&query, &key, &value].map(String::as_str);
		let [past_key, present_key] = KEYS.names(self.layer);
		let [past_value, present_value] = VALUES.names(self.layer);
		let scale = 1.0 / f64::from(config.head_dim).sqrt();
		self.graph.contrib(
			"GroupQueryAttention",
			&[
				query,
				key,
				value,
				&past_key,
				&past_value,
				LAST_ROW,
				TOTAL_ROWS,
				ROPE_COS,
				ROPE_SIN,
			],
			&[&attended, &present_key, &present_value],
			&[
				("num_heads", Attribute::Int(i64::from(config.heads))),
				("kv_num_heads", Attribute::Int(i64::from(config.kv_heads))),
				("scale", Attribute::Float(scale as f32)),
				("do_rotary", Attribute::Int(1)),
			],
		);
	}

	/// From `normed` to the output rows: down(silu(gate) · up) + residual.
	fn feed_forward(&mut self) -> Result<(), SplitError> {
		let (hidden, inner) = (self.config.hidden, self.config.intermediate);
		self.project("mlp.gate_proj", [inner, hidden], "normed", "gate")?;
		self.project("mlp.up_proj", [inner, hidden], "normed", "up")?;
		let [gate, up, sigmoid, silu, product] =
			["gate", "up", "gate.sigmoid", "gate.silu", "product"].map(|value| self.name(value));
		self.graph.node("Sigmoid", &[&gate], &sigmoid, &[]);
		self.graph.node("Mul", &[&gate, &sigmoid], &silu, &[]);
		self.graph.node("Mul", &[&silu, &up], &product, &[]);
		self.project("mlp.down_proj", [hidden, inner], "product", "down")?;
		let (residual, down) = (self.name("residual"), self.name("down"));
		self.graph.node("Add", &[&residual, &down], HIDDEN_OUT, &[]);
		Ok(())
	}

	/// A projection between values of this layer; `shape` is that of the checkpoint.
	fn project(
		&mut self,
		module: &str,
		shape: [u32; 2],
		input: &str,
		output: &str,
	) -> Result<(), SplitError> {
		let weight = format!("model.layers.{}.{module}.weight", self.layer);
		let (input, output) = (self.name(input), self.name(output));
		let format = self.numerics.layers;
		project(
			self.graph,
			format,
			self.source,
			&weight,
			shape,
			&input,
			&output,
		)
	}

	/// Adds the weight of a norm and gives its name.
	fn norm_weight(&mut self, module: &str) -> Result<String, SplitError> {
		let weight = format!("model.layers.{}.{module}.weight", self.layer);
		let values = self.source.tensor(&weight, &[self.config.hidden])?;
		let name = self.name(module);
		self.graph.weight(&name, &[self.config.hidden], &values);
		Ok(name)
	}

	fn name(&self, value: &str) -> String {
		format!("layer.{}.{value}", self.layer)
	}
}

/// Declares the buffers of a layer's cache as inputs and outputs.
pub fn declare_cache(
	graph: &mut GraphBuilder,
	config: &ModelConfig,
	numerics: &Numerics,
	layer: u32,
) {
	for buffer in numerics.cache {
		let element = match buffer.element {
			CacheElement::F32 => FLOAT,
			CacheElement::U8 => UINT8,
			CacheElement::I8 => INT8,
		};
		let shape = |rows| {
			let width = buffer.elements(config);
			[
				Dim::Is(1),
				Dim::Is(config.kv_heads),
				Dim::Open(rows),
				Dim::Is(width),
			]
		};
		let [past, present] = buffer.names(layer);
		graph.input(&past, element, &shape("capacity"));
		graph.output(&present, element, &shape("present"));
	}
}

/// `output = input · weightᵀ`. The weight is stored transposed, `[inputs, outputs]`, which is what the
/// matrix product reads.
fn project(
	graph: &mut GraphBuilder,
	format: WeightFormat,
	source: &dyn TensorSource,
	weight: &str,
	[outputs, inputs]: [u32; 2],
	input: &str,
	output: &str,
) -> Result<(), SplitError> {
	let values = source.tensor(weight, &[outputs, inputs])?;
	let values = transpose(&values, outputs as usize, inputs as usize);
	let (name, shape) = (format!("{output}.weight"), [inputs, outputs]);
	match format {
		WeightFormat::F32 => {
			graph.weight(&name, &shape, &values);
			graph.node("MatMul", &[input, &name], output, &[]);
		}
		WeightFormat::F16 => {
			half_weight(graph, weight, &name, &shape, &values)?;
			let wide = format!("{name}.wide");
			graph.node("Cast", &[&name], &wide, &TO_FLOAT);
			graph.node("MatMul", &[input, &wide], output, &[]);
		}
	}
	Ok(())
}

/// Adds a weight in half precision; fails where a value leaves its range.
fn half_weight(
	graph: &mut GraphBuilder,
	source: &str,
	name: &str,
	shape: &[u32],
	values: &[f32],
) -> Result<(), SplitError> {
	let mut raw = Vec::with_capacity(2 * values.len());
	for (at, value) in values.iter().enumerate() {
		let half = f16::from_f32(*value);
		if !half.is_finite() {
			return Err(SplitError::LeavesHalf {
				name: source.into(),
				at,
				value: *value,
			});
		}
		raw.extend(half.to_le_bytes());
	}
	graph.trained(values.len() as u64);
	graph.tensor(name, FLOAT16, shape, raw);
	Ok(())
}

fn rms_norm(graph: &mut GraphBuilder, config: &ModelConfig, input: &str, weight: &str, out: &str) {
	let attributes = [
		("axis", Attribute::Int(-1)),
		("epsilon", Attribute::Float(config.norm_eps as f32)),
		("stash_type", Attribute::Int(1)),
	];
	graph.node(
		"SimplifiedLayerNormalization",
		&[input, weight],
		out,
		&attributes,
	);
}

/// `[rows, columns]` to `[columns, rows]`, in tiles that stay in the cache.
fn transpose(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
	const TILE: usize = 32;
	let mut out = vec![0.0; values.len()];
	for top in (0..rows).step_by(TILE) {
		for left in (0..columns).step_by(TILE) {
			for row in top..(top + TILE).min(rows) {
				for column in left..(left + TILE).min(columns) {
					out[column * rows + row] = values[row * columns + column];
				}
			}
		}
	}
	out
}

fn rows_of(width: u32) -> [Dim; 3] {
	[Dim::Is(1), Dim::Open("rows"), Dim::Is(width)]
}

fn close(graph: GraphBuilder, flops_per_token: u64, kv_bytes_per_token: u32) -> ShardGraph {
	let parameters = graph.parameters();
	ShardGraph {
		model: graph.finish(),
		parameters,
		flops_per_token,
		kv_bytes_per_token,
	}
}
