//! The three kinds of shards as graphs: embedding, decoder layer, head.
//!
//! A layer is the pre-norm block of Llama and its relatives: RMS norm, grouped-query attention with
//! rotary positions, residual, RMS norm, gated SiLU feed-forward, residual. Qwen2 adds biases to query,
//! key and value, Qwen3 norms every head of query and key, Mistral looks back over a window. The plain
//! residual stream crosses every boundary. Attention is one operator that keeps keys and values in
//! buffers which the caller owns and passes as both input and output.
//!
//! Every name inside a layer begins with `layer.<number>.`, so that consecutive layers can be put into
//! one graph by joining their boundaries; the rotary tables carry the same name in all of them.

use super::{
	graph::{Attribute, Dim, Graph},
	matrix::Matrix,
	onnx::{FLOAT, INT32, INT64, INT8, UINT8},
	rope,
	writer::ShardWriter,
	SplitError,
};
use crate::{
	exact,
	manifest::ModelConfig,
	numerics::{CacheElement, Numerics, KEYS, VALUES},
};
use std::{io::Write, ops::Range};

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

/// The table of embeddings, under its name in checkpoints.
pub(super) const EMBED_WEIGHT: &str = "model.embed_tokens.weight";
/// The weight of the final norm.
pub(super) const FINAL_NORM: &str = "model.norm.weight";
/// The output projection of a model that does not share it with the embedding.
const HEAD_WEIGHT: &str = "lm_head.weight";

/// Where weights come from, under the names of Hugging Face checkpoints.
pub trait TensorSource {
	/// The tensor of that name and shape, row-major.
	fn tensor(&self, name: &str, shape: &[u32]) -> Result<Vec<f32>, SplitError>;

	/// Some rows of a matrix `[outputs, inputs]`.
	fn rows(&self, name: &str, shape: [u32; 2], rows: Range<u32>) -> Result<Vec<f32>, SplitError> {
		let width = shape[1] as usize;
		let range = rows.start as usize * width..rows.end as usize * width;
		Ok(self.tensor(name, &shape)?[range].to_vec())
	}
}

/// The figures of a shard that go into the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
	/// Trained elements.
	pub parameters: u64,
	/// Two for every trained element of a projection.
	pub flops_per_token: u64,
	/// Bytes of cache that one token needs.
	pub kv_bytes_per_token: u32,
}

/// Writes the embedding, token ids to rows: a look-up.
pub fn embed(
	config: &ModelConfig,
	numerics: &Numerics,
	source: &dyn TensorSource,
	out: &mut dyn Write,
) -> Result<Figures, SplitError> {
	let mut graph = ShardWriter::new("embed", out);
	graph
		.graph
		.input(TOKEN_IDS, INT64, &[Dim::Is(1), Dim::Open("rows")]);
	graph
		.graph
		.output(HIDDEN_OUT, FLOAT, &rows_of(config.hidden));
	let table = Matrix {
		weight: EMBED_WEIGHT,
		outputs: config.vocab,
		inputs: config.hidden,
	};
	table.look_up(
		&mut graph,
		numerics.embedding,
		source,
		TOKEN_IDS,
		HIDDEN_OUT,
	)?;
	close(graph, 0, 0)
}

/// Writes the head, rows to logits: final norm and output projection.
pub fn head(
	config: &ModelConfig,
	numerics: &Numerics,
	source: &dyn TensorSource,
	out: &mut dyn Write,
) -> Result<Figures, SplitError> {
	let flops = 2 * u64::from(config.hidden) * u64::from(config.vocab);
	if numerics.exact.is_some() {
		return Ok(Figures {
			parameters: exact::write_head(config, source, out)?,
			flops_per_token: flops,
			kv_bytes_per_token: 0,
		});
	}
	let mut graph = ShardWriter::new("head", out);
	graph.graph.input(HIDDEN_IN, FLOAT, &rows_of(config.hidden));
	graph.graph.output(LOGITS, FLOAT, &rows_of(config.vocab));
	let norm = source.tensor(FINAL_NORM, &[config.hidden])?;
	graph.weight("head.norm", &[config.hidden], &norm)?;
	rms_norm(&mut graph, config, HIDDEN_IN, "head.norm", "head.normed");
	let projection = Matrix {
		weight: head_weight(config),
		outputs: config.vocab,
		inputs: config.hidden,
	};
	projection.multiply(&mut graph, numerics.head, source, "head.normed", LOGITS)?;
	close(graph, flops, 0)
}

/// Writes one decoder layer.
pub fn layer(
	config: &ModelConfig,
	numerics: &Numerics,
	layer: u32,
	source: &dyn TensorSource,
	out: &mut dyn Write,
) -> Result<Figures, SplitError> {
	let (hidden, inner) = (u64::from(config.hidden), u64::from(config.intermediate));
	let query = u64::from(config.heads) * u64::from(config.head_dim);
	let key_value = u64::from(config.kv_heads) * u64::from(config.head_dim);
	let flops = 2 * hidden * (2 * query + 2 * key_value + 3 * inner);
	let cache = numerics.cache_bytes_per_row(config);
	if numerics.exact.is_some() {
		return Ok(Figures {
			parameters: exact::write_layer(config, numerics, layer, source, out)?,
			flops_per_token: flops,
			kv_bytes_per_token: cache,
		});
	}
	let mut graph = ShardWriter::new(&format!("layer-{layer:03}"), out);
	graph.graph.input(HIDDEN_IN, FLOAT, &rows_of(config.hidden));
	graph.graph.input(LAST_ROW, INT32, &[Dim::Is(1)]);
	graph.graph.input(TOTAL_ROWS, INT32, &[Dim::Is(1)]);
	graph
		.graph
		.output(HIDDEN_OUT, FLOAT, &rows_of(config.hidden));
	let mut block = Block {
		config,
		numerics,
		layer,
		source,
		graph: &mut graph,
	};
	block.attention()?;
	block.feed_forward()?;
	close(graph, flops, cache)
}

/// Projections to which an adapter may add.
pub const ADAPTABLE: [&str; 7] = [
	"self_attn.q_proj",
	"self_attn.k_proj",
	"self_attn.v_proj",
	"self_attn.o_proj",
	"mlp.gate_proj",
	"mlp.up_proj",
	"mlp.down_proj",
];

/// A projection of a layer, as an adapter sees it.
pub struct Adaptable {
	/// `[outputs, inputs]`.
	pub shape: [u32; 2],
	/// Name of the product within the layer, before a bias is added.
	pub output: &'static str,
}

/// One of the projections [`ADAPTABLE`].
pub fn adaptable(config: &ModelConfig, module: &str) -> Option<Adaptable> {
	let (hidden, inner) = (config.hidden, config.intermediate);
	let [query, shared] = [config.heads, config.kv_heads].map(|heads| heads * config.head_dim);
	let plain = |biased, plain| if config.qkv_bias { biased } else { plain };
	let (shape, output) = match module {
		"self_attn.q_proj" => ([query, hidden], plain("query.unbiased", "query")),
		"self_attn.k_proj" => ([shared, hidden], plain("key.unbiased", "key")),
		"self_attn.v_proj" => ([shared, hidden], plain("value.unbiased", "value")),
		"self_attn.o_proj" => ([hidden, query], "attention.output"),
		"mlp.gate_proj" => ([inner, hidden], "gate"),
		"mlp.up_proj" => ([inner, hidden], "up"),
		"mlp.down_proj" => ([hidden, inner], "down"),
		_ => return None,
	};
	Some(Adaptable { shape, output })
}

/// Name of a value of a layer in the graphs.
pub fn value_name(layer: u32, value: &str) -> String {
	format!("layer.{layer}.{value}")
}

/// Name of the output projection in a checkpoint.
pub(super) fn head_weight(config: &ModelConfig) -> &'static str {
	match config.tied {
		true => EMBED_WEIGHT,
		false => HEAD_WEIGHT,
	}
}

/// Name of a tensor of a layer in a checkpoint.
pub(super) fn layer_weight(layer: u32, tensor: &str) -> String {
	format!("model.layers.{layer}.{tensor}")
}

/// Declares the buffers of a layer's cache as inputs and outputs.
pub fn declare_cache(graph: &mut Graph, config: &ModelConfig, numerics: &Numerics, layer: u32) {
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

/// A decoder layer under construction.
struct Block<'a, 'w> {
	config: &'a ModelConfig,
	numerics: &'a Numerics,
	layer: u32,
	source: &'a dyn TensorSource,
	graph: &'a mut ShardWriter<'w>,
}

impl Block<'_, '_> {
	/// From the input rows to `residual` (input plus attention) and `normed` (its norm).
	fn attention(&mut self) -> Result<(), SplitError> {
		let config = self.config;
		let (hidden, head_dim) = (config.hidden, config.head_dim);
		let query = config.heads * head_dim;

		let norm = self.vector("input_layernorm.weight", hidden)?;
		let input = self.name("attention.input");
		rms_norm(self.graph, config, HIDDEN_IN, &norm, &input);
		self.head_projection("q", config.heads, "query")?;
		self.head_projection("k", config.kv_heads, "key")?;
		self.head_projection("v", config.kv_heads, "value")?;
		if config.qk_norm {
			self.norm_heads("q", config.heads, "query", "query.normed")?;
			self.norm_heads("k", config.kv_heads, "key", "key.normed")?;
		}
		self.attend()?;
		self.project(
			"self_attn.o_proj",
			[hidden, query],
			"attended",
			"attention.output",
		)?;

		let norm = self.vector("post_attention_layernorm.weight", hidden)?;
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

	/// Query, key or value of all heads, with the bias where the model has one.
	fn head_projection(&mut self, which: &str, heads: u32, output: &str) -> Result<(), SplitError> {
		let (module, width) = (
			format!("self_attn.{which}_proj"),
			heads * self.config.head_dim,
		);
		let shape = [width, self.config.hidden];
		if !self.config.qkv_bias {
			return self.project(&module, shape, "attention.input", output);
		}
		let plain = format!("{output}.unbiased");
		self.project(&module, shape, "attention.input", &plain)?;
		let bias = self.vector(&format!("{module}.bias"), width)?;
		let (plain, output) = (self.name(&plain), self.name(output));
		self.graph.node("Add", &[&plain, &bias], &output, &[]);
		Ok(())
	}

	/// Norms every head by itself.
	fn norm_heads(
		&mut self,
		which: &str,
		heads: u32,
		input: &str,
		output: &str,
	) -> Result<(), SplitError> {
		let config = self.config;
		let weight = self.vector(&format!("self_attn.{which}_norm.weight"), config.head_dim)?;
		let [input, output] = [input, output].map(|value| self.name(value));
		let apart = self.shape(
			&output,
			"apart",
			&[1, -1, heads.into(), config.head_dim.into()],
		)?;
		let width = i64::from(heads) * i64::from(config.head_dim);
		let joined = self.shape(&output, "joined", &[1, -1, width])?;
		let (heads, normed) = (format!("{output}.heads"), format!("{output}.heads.normed"));
		self.graph.node("Reshape", &[&input, &apart], &heads, &[]);
		rms_norm(self.graph, config, &heads, &weight, &normed);
		self.graph
			.node("Reshape", &[&normed, &joined], &output, &[]);
		Ok(())
	}

	/// Grouped-query attention over the cache, with rotary positions inside the operator.
	fn attend(&mut self) -> Result<(), SplitError> {
		let config = self.config;
		declare_cache(&mut self.graph.graph, config, self.numerics, self.layer);

		let (cos, sin) = rope::tables(config);
		let shape = [rope::rows(config), config.head_dim / 2];
		self.graph.table(ROPE_COS, &shape, &cos)?;
		self.graph.table(ROPE_SIN, &shape, &sin)?;

		let [query, key] = match config.qk_norm {
			true => ["query.normed", "key.normed"],
			false => ["query", "key"],
		};
		let [query, key, value, attended] =
			[query, key, "value", "attended"].map(|value| self.name(value));
		let [past_key, present_key] = KEYS.names(self.layer);
		let [past_value, present_value] = VALUES.names(self.layer);
		let scale = 1.0 / f64::from(config.head_dim).sqrt();
		let mut attributes = vec![
			("num_heads", Attribute::Int(i64::from(config.heads))),
			("kv_num_heads", Attribute::Int(i64::from(config.kv_heads))),
			("scale", Attribute::Float(scale as f32)),
			("do_rotary", Attribute::Int(1)),
		];
		if let Some(rows) = config.window_of(self.layer) {
			attributes.push(("local_window_size", Attribute::Int(rows.into())));
		}
		self.graph.contrib(
			"GroupQueryAttention",
			&[
				&query,
				&key,
				&value,
				&past_key,
				&past_value,
				LAST_ROW,
				TOTAL_ROWS,
				ROPE_COS,
				ROPE_SIN,
			],
			&[&attended, &present_key, &present_value],
			&attributes,
		);
		Ok(())
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
		[outputs, inputs]: [u32; 2],
		input: &str,
		output: &str,
	) -> Result<(), SplitError> {
		let weight = layer_weight(self.layer, &format!("{module}.weight"));
		let matrix = Matrix {
			weight: &weight,
			outputs,
			inputs,
		};
		let (input, output) = (self.name(input), self.name(output));
		matrix.multiply(
			self.graph,
			self.numerics.layers,
			self.source,
			&input,
			&output,
		)
	}

	/// Adds the weight of a norm or a bias and gives its name.
	fn vector(&mut self, tensor: &str, width: u32) -> Result<String, SplitError> {
		let values = self
			.source
			.tensor(&layer_weight(self.layer, tensor), &[width])?;
		let name = self.name(tensor);
		self.graph.weight(&name, &[width], &values)?;
		Ok(name)
	}

	/// Adds a shape and gives its name.
	fn shape(&mut self, output: &str, which: &str, sizes: &[i64]) -> Result<String, SplitError> {
		let name = format!("{output}.{which}");
		let raw = sizes.iter().flat_map(|size| size.to_le_bytes());
		let raw = raw.collect::<Vec<_>>();
		self.graph
			.tensor(&name, INT64, &[sizes.len() as u32], &raw)?;
		Ok(name)
	}

	fn name(&self, value: &str) -> String {
		value_name(self.layer, value)
	}
}

fn rms_norm(
	graph: &mut ShardWriter<'_>,
	config: &ModelConfig,
	input: &str,
	weight: &str,
	out: &str,
) {
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

fn rows_of(width: u32) -> [Dim; 3] {
	[Dim::Is(1), Dim::Open("rows"), Dim::Is(width)]
}

fn close(
	graph: ShardWriter<'_>,
	flops_per_token: u64,
	kv_bytes_per_token: u32,
) -> Result<Figures, SplitError> {
	Ok(Figures {
		parameters: graph.finish()?,
		flops_per_token,
		kv_bytes_per_token,
	})
}
