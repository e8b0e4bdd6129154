//! Exact shards in standard ONNX operators: what lies on disk, and what any other runtime can execute.
//!
//! The engine runs the same rules through operators of its own (`fast.rs`), which give the same bytes;
//! this form defines them. Every value inside a layer carries the layer's prefix, so that consecutive
//! layers can be put into one graph.

use super::{
	rules::*,
	weights::{HeadWeights, LayerWeights, Matrix},
};
use crate::{
	manifest::ModelConfig,
	numerics::Numerics,
	splitter::{
		graph::{Attribute, Dim, Graph},
		onnx::{FLOAT, INT32, INT64, INT8, UINT8},
		rope,
		shards::{
			declare_cache, HIDDEN_IN, HIDDEN_OUT, LAST_ROW, LOGITS, ROPE_COS, ROPE_SIN, TOTAL_ROWS,
		},
	},
};
use std::collections::HashMap;

/// Names of the tensors of a layer, behind its prefix; `.codes` and `.scales` follow for a projection.
pub mod names {
	pub const ATTENTION_NORM: &str = "attention.norm";
	pub const ATTENTION: &str = "attention";
	pub const BIAS: &str = "attention.bias";
	pub const QUERY_NORM: &str = "query.norm";
	pub const KEY_NORM: &str = "key.norm";
	pub const OUTPUT: &str = "output";
	pub const GATE_NORM: &str = "gate.norm";
	pub const GATE: &str = "gate";
	pub const DOWN: &str = "down";
	pub const HEAD_NORM: &str = "norm";
	pub const LOGITS: &str = "logits";
}

/// Prefix of the values of a layer.
pub fn layer_prefix(layer: u32) -> String {
	format!("layer.{layer}.")
}

/// Prefix of the values of the head.
pub const HEAD_PREFIX: &str = "head.";

/// One decoder layer.
pub fn layer(
	config: &ModelConfig,
	numerics: &Numerics,
	layer: u32,
	weights: &LayerWeights,
	limbs: Limbs,
) -> Graph {
	let mut graph = Graph::new(&format!("layer-{layer:03}"));
	let rows = [Dim::Is(1), Dim::Open("rows"), Dim::Is(config.hidden)];
	graph.input(HIDDEN_IN, FLOAT, &rows);
	graph.input(LAST_ROW, INT32, &[Dim::Is(1)]);
	graph.input(TOTAL_ROWS, INT32, &[Dim::Is(1)]);
	graph.output(HIDDEN_OUT, FLOAT, &rows);
	declare_cache(&mut graph, config, numerics, layer);
	let mut net = Net::new(graph, layer_prefix(layer));
	net.layer_weights(config, weights);
	let (cos, sin) = rope::tables(config);
	let shape = [rope::rows(config), config.head_dim / 2];
	net.graph.floats(ROPE_COS, &shape, &cos);
	net.graph.floats(ROPE_SIN, &shape, &sin);

	let attended = Attention {
		net: &mut net,
		config,
		numerics,
		layer,
	}
	.build(limbs);
	let entering = net.quantise(&attended, limbs.output);
	let output = net.project(&entering, names::OUTPUT, config.hidden, limbs.output);
	let residual = net.op("Add", &[&output, HIDDEN_IN]);

	let entering = net.prepare(&residual, names::GATE_NORM, config, limbs.gate);
	let inner = config.intermediate;
	let both = net.project(&entering, names::GATE, 2 * inner, limbs.gate);
	let gate = net.columns(&both, 0, inner);
	let up = net.columns(&both, inner, 2 * inner);
	let silu = net.silu(&gate);
	let product = net.op("Mul", &[&silu, &up]);
	let entering = net.quantise(&product, limbs.down);
	let down = net.project(&entering, names::DOWN, config.hidden, limbs.down);
	net.op_into("Add", &[&down, &residual], HIDDEN_OUT, &[]);
	net.graph
}

/// Final norm and output projection.
pub fn head(config: &ModelConfig, weights: &HeadWeights, limbs: Limbs) -> Graph {
	let mut graph = Graph::new("head");
	let rows = |width| [Dim::Is(1), Dim::Open("rows"), Dim::Is(width)];
	graph.input(HIDDEN_IN, FLOAT, &rows(config.hidden));
	graph.output(LOGITS, FLOAT, &rows(config.vocab));
	let mut net = Net::new(graph, HEAD_PREFIX.into());
	net.vector(names::HEAD_NORM, &weights.norm);
	net.matrix(names::LOGITS, &weights.logits);
	let entering = net.prepare(HIDDEN_IN, names::HEAD_NORM, config, limbs.head);
	let scaled = net.project_scaled(&entering, names::LOGITS, config.vocab, limbs.head);
	net.op_into("Mul", &[&scaled, &entering.scale], LOGITS, &[]);
	net.graph
}

/// Codes of rows and what a step of each row is worth.
struct Codes {
	/// `[1, limbs · rows, width]`, unsigned.
	codes: String,
	/// `[1, rows, 1]`.
	scale: String,
}

/// A graph under construction, with names for what has none.
struct Net {
	graph: Graph,
	prefix: String,
	values: u32,
	constants: HashMap<(i32, Vec<u32>, Vec<u8>), String>,
}

impl Net {
	fn new(graph: Graph, prefix: String) -> Self {
		Self {
			graph,
			prefix,
			values: 0,
			constants: HashMap::new(),
		}
	}

	fn layer_weights(&mut self, config: &ModelConfig, weights: &LayerWeights) {
		self.vector(names::ATTENTION_NORM, &weights.attention_norm);
		self.matrix(names::ATTENTION, &weights.attention);
		if config.qkv_bias {
			self.vector(names::BIAS, &weights.bias);
		}
		if config.qk_norm {
			self.vector(names::QUERY_NORM, &weights.query_norm);
			self.vector(names::KEY_NORM, &weights.key_norm);
		}
		self.matrix(names::OUTPUT, &weights.output);
		self.vector(names::GATE_NORM, &weights.gate_norm);
		self.matrix(names::GATE, &weights.gate);
		self.matrix(names::DOWN, &weights.down);
	}

	/// Adds a projection under its name.
	fn matrix(&mut self, name: &str, matrix: &Matrix) {
		let outputs = matrix.scales.len();
		let inputs = matrix.codes.len() / outputs;
		let raw = matrix.codes.iter().map(|code| *code as u8).collect();
		let codes = format!("{}{name}.codes", self.prefix);
		let shape = [inputs as u32, outputs as u32];
		self.graph.tensor(&codes, INT8, &shape, raw);
		self.graph.parameters += matrix.codes.len() as u64;
		let scales = format!("{}{name}.scales", self.prefix);
		self.graph
			.floats(&scales, &[outputs as u32], &matrix.scales);
	}

	fn vector(&mut self, name: &str, values: &[f32]) {
		let name = format!("{}{name}", self.prefix);
		self.graph.parameters += values.len() as u64;
		self.graph.floats(&name, &[values.len() as u32], values);
	}

	/// Adds an operation and gives the name of its output.
	fn op(&mut self, op: &str, inputs: &[&str]) -> String {
		self.op_with(op, inputs, &[])
	}

	fn op_with(&mut self, op: &str, inputs: &[&str], with: &[(&str, Attribute)]) -> String {
		let output = format!("{}{}", self.prefix, self.values);
		self.values += 1;
		self.op_into(op, inputs, &output, with);
		output
	}

	fn op_into(&mut self, op: &str, inputs: &[&str], output: &str, with: &[(&str, Attribute)]) {
		self.graph.node("", op, inputs, &[output], with);
	}

	fn constant(&mut self, element: i32, shape: &[u32], raw: Vec<u8>) -> String {
		let key = (element, shape.to_vec(), raw);
		if let Some(name) = self.constants.get(&key) {
			return name.clone();
		}
		let name = format!("{}constant.{}", self.prefix, self.constants.len());
		self.graph.tensor(&name, element, shape, key.2.clone());
		self.constants.insert(key, name.clone());
		name
	}

	fn float(&mut self, value: f32) -> String {
		self.constant(FLOAT, &[], value.to_le_bytes().to_vec())
	}

	fn int32(&mut self, value: i32) -> String {
		self.constant(INT32, &[], value.to_le_bytes().to_vec())
	}

	fn int64(&mut self, value: i64) -> String {
		self.constant(INT64, &[], value.to_le_bytes().to_vec())
	}

	fn unsigned(&mut self, value: i32) -> String {
		self.constant(UINT8, &[], vec![value as u8])
	}

	/// A list of 64-bit integers: axes, bounds, shapes.
	fn list(&mut self, values: &[i64]) -> String {
		let raw = values
			.iter()
			.flat_map(|value| value.to_le_bytes())
			.collect();
		self.constant(INT64, &[values.len() as u32], raw)
	}

	fn cast(&mut self, value: &str, to: i32) -> String {
		self.op_with("Cast", &[value], &[("to", Attribute::Int(to.into()))])
	}

	fn reshape(&mut self, value: &str, shape: &[i64]) -> String {
		let shape = self.list(shape);
		self.op("Reshape", &[value, &shape])
	}

	fn transpose(&mut self, value: &str, order: &'static [i64]) -> String {
		self.op_with("Transpose", &[value], &[("perm", Attribute::Ints(order))])
	}

	fn concat(&mut self, values: &[&str], axis: i64) -> String {
		self.op_with("Concat", values, &[("axis", Attribute::Int(axis))])
	}

	fn gather(&mut self, table: &str, at: &str) -> String {
		self.op_with("Gather", &[table, at], &[("axis", Attribute::Int(0))])
	}

	/// Largest or sum along the last axis, which stays with size one.
	fn reduce(&mut self, op: &str, value: &str) -> String {
		let axes = self.list(&[-1]);
		self.op_with(op, &[value, &axes], &[("keepdims", Attribute::Int(1))])
	}

	fn clip(&mut self, value: &str, low: f32, high: f32) -> String {
		let (low, high) = (self.float(low), self.float(high));
		self.op("Clip", &[value, &low, &high])
	}

	/// Columns `from..to` of the last axis.
	fn columns(&mut self, value: &str, from: u32, to: u32) -> String {
		let (from, to) = (self.list(&[from.into()]), self.list(&[to.into()]));
		let axis = self.list(&[-1]);
		self.op("Slice", &[value, &from, &to, &axis])
	}

	/// Rounded codes up to ±`bound` as floats, and the largest magnitude (rule Q).
	fn codes(&mut self, rows: &str, bound: i32) -> (String, String) {
		let bound = bound as f32;
		let magnitudes = self.op("Abs", &[rows]);
		let largest = self.reduce("ReduceMax", &magnitudes);
		let magnitude = self.clip(&largest, MAGNITUDE[0], MAGNITUDE[1]);
		let top = self.float(bound);
		let inverse = self.op("Div", &[&top, &magnitude]);
		let scaled = self.op("Mul", &[rows, &inverse]);
		let clipped = self.clip(&scaled, -bound, bound);
		(self.op("Round", &[&clipped]), magnitude)
	}

	/// What a step of codes up to `bound` is worth.
	fn step(&mut self, magnitude: &str, bound: i32) -> String {
		let bound = self.float(bound as f32);
		self.op("Div", &[magnitude, &bound])
	}

	/// Rows as unsigned codes in limbs (rules Q, L).
	fn quantise(&mut self, rows: &str, limbs: usize) -> Codes {
		let bound = ACTIVATION_MAX[limbs - 1];
		let (codes, magnitude) = self.codes(rows, bound);
		let scale = self.step(&magnitude, bound);
		let codes = match limbs {
			1 => {
				let zero = self.float(ZERO_POINT as f32);
				let shifted = self.op("Add", &[&codes, &zero]);
				self.cast(&shifted, UINT8)
			}
			_ => {
				let half = 1 << (LIMB_BITS - 1);
				let (high, low) = self.split(&codes, (ZERO_POINT << LIMB_BITS) + half);
				let back = self.int32(ZERO_POINT - half);
				let low = self.op("Add", &[&low, &back]);
				let both = self.concat(&[&high, &low], 1);
				self.cast(&both, UINT8)
			}
		};
		Codes { codes, scale }
	}

	/// Upper and lower seven bits of codes that `offset` makes positive, as 32-bit integers.
	fn split(&mut self, codes: &str, offset: i32) -> (String, String) {
		let whole = self.cast(codes, INT32);
		let (offset, base) = (self.int32(offset), self.int32(1 << LIMB_BITS));
		let shifted = self.op("Add", &[&whole, &offset]);
		let high = self.op("Div", &[&shifted, &base]);
		(high, self.op("Mod", &[&shifted, &base]))
	}

	/// Norm of rows, weighted and quantised (rules N, Q, L).
	fn prepare(&mut self, rows: &str, norm: &str, config: &ModelConfig, limbs: usize) -> Codes {
		let root = self.root(rows, config.hidden, config.norm_eps as f32);
		let norm = format!("{}{norm}", self.prefix);
		let weighted = self.op("Mul", &[rows, &norm]);
		let Codes { codes, scale } = self.quantise(&weighted, limbs);
		let scale = self.op("Div", &[&scale, &root]);
		Codes { codes, scale }
	}

	/// Root of the mean square along the last axis (rule N).
	fn root(&mut self, rows: &str, width: u32, epsilon: f32) -> String {
		let (codes, magnitude) = self.codes(rows, NORM_MAX);
		let whole = self.cast(&codes, INT64);
		let squares = self.op("Mul", &[&whole, &whole]);
		let sum = self.reduce("ReduceSum", &squares);
		let sum = self.cast(&sum, FLOAT);
		let width = self.float(width as f32);
		let mean = self.op("Div", &[&sum, &width]);
		let step = self.step(&magnitude, NORM_MAX);
		let once = self.op("Mul", &[&mean, &step]);
		let twice = self.op("Mul", &[&once, &step]);
		let epsilon = self.float(epsilon);
		let sum = self.op("Add", &[&twice, &epsilon]);
		self.op("Sqrt", &[&sum])
	}

	/// Values of a projection (rules M, L, S).
	fn project(&mut self, entering: &Codes, matrix: &str, outputs: u32, limbs: usize) -> String {
		let scaled = self.project_scaled(entering, matrix, outputs, limbs);
		self.op("Mul", &[&scaled, &entering.scale])
	}

	/// Values of a projection, but for the scale of the rows.
	fn project_scaled(
		&mut self,
		entering: &Codes,
		matrix: &str,
		outputs: u32,
		limbs: usize,
	) -> String {
		let codes = format!("{}{matrix}.codes", self.prefix);
		let scales = format!("{}{matrix}.scales", self.prefix);
		let zero = self.unsigned(ZERO_POINT);
		let sums = self.op("MatMulInteger", &[&entering.codes, &codes, &zero]);
		let sums = match limbs {
			1 => self.cast(&sums, FLOAT),
			_ => {
				let split = self.reshape(&sums, &[2, -1, outputs.into()]);
				let [high, low] = [0, 1].map(|limb| {
					let limb = self.list(&[limb]);
					self.gather(&split, &limb)
				});
				self.join(&high, &low)
			}
		};
		self.op("Mul", &[&sums, &scales])
	}

	/// Sums of two limbs as one float (rule L).
	fn join(&mut self, high: &str, low: &str) -> String {
		let [high, low] = [high, low].map(|sums| self.cast(sums, INT64));
		let base = self.int64(1 << LIMB_BITS);
		let high = self.op("Mul", &[&high, &base]);
		let sum = self.op("Add", &[&high, &low]);
		self.cast(&sum, FLOAT)
	}

	/// x · sigmoid(x), the sigmoid by table (rule G).
	fn silu(&mut self, rows: &str) -> String {
		let sigmoid = Tables::default().sigmoid;
		let raw = sigmoid
			.iter()
			.flat_map(|value| value.to_le_bytes())
			.collect();
		let table = self.constant(FLOAT, &[sigmoid.len() as u32], raw);
		let steps = self.float(SIGMOID_STEPS);
		let steps = self.op("Mul", &[rows, &steps]);
		let bound = SIGMOID_LAST as f32;
		let clipped = self.clip(&steps, -bound, bound);
		let rounded = self.op("Round", &[&clipped]);
		let whole = self.cast(&rounded, INT32);
		let offset = self.int32(SIGMOID_LAST);
		let at = self.op("Add", &[&whole, &offset]);
		let sigmoid = self.gather(&table, &at);
		self.op("Mul", &[rows, &sigmoid])
	}
}

/// Rows of positions of one call.
struct Positions {
	/// Rows in the cache after the call: `[1]`.
	total: String,
	/// Rows of the call: `[1]`.
	rows: String,
	/// Position of every row: `[rows]`.
	each: String,
	/// Whether a row sees a position: `[rows, total]`.
	visible: String,
}

/// The attention of a layer under construction.
struct Attention<'a> {
	net: &'a mut Net,
	config: &'a ModelConfig,
	numerics: &'a Numerics,
	layer: u32,
}

impl Attention<'_> {
	/// From the rows that enter to the attended rows, `[1, rows, heads · head_dim]`.
	fn build(mut self, limbs: Limbs) -> String {
		let config = self.config;
		let entering = self
			.net
			.prepare(HIDDEN_IN, names::ATTENTION_NORM, config, limbs.attention);
		let query = config.heads * config.head_dim;
		let key_value = config.kv_heads * config.head_dim;
		let outputs = query + 2 * key_value;
		let mut values = self
			.net
			.project(&entering, names::ATTENTION, outputs, limbs.attention);
		if config.qkv_bias {
			let bias = format!("{}{}", self.net.prefix, names::BIAS);
			values = self.net.op("Add", &[&values, &bias]);
		}
		let part = |this: &mut Self, from, to, heads: u32| {
			let part = this.net.columns(&values, from, to);
			this.net
				.reshape(&part, &[1, -1, heads.into(), config.head_dim.into()])
		};
		let queries = part(&mut self, 0, query, config.heads);
		let keys = part(&mut self, query, query + key_value, config.kv_heads);
		let values = part(&mut self, query + key_value, outputs, config.kv_heads);

		let positions = self.positions();
		let [cos, sin] = [ROPE_COS, ROPE_SIN].map(|table| {
			let rows = self.net.gather(table, &positions.each);
			self.net
				.reshape(&rows, &[1, -1, 1, (config.head_dim / 2).into()])
		});
		let queries = self.norm_heads(queries, names::QUERY_NORM);
		let keys = self.norm_heads(keys, names::KEY_NORM);
		let queries = self.rotate(&queries, &cos, &sin);
		let keys = self.rotate(&keys, &cos, &sin);
		let (keys, key_scales) = self.store(&keys, [0, 1], &positions);
		let (values, value_scales) = self.store(&values, [2, 3], &positions);
		let scores = self.scores(&queries, &keys, &key_scales);
		self.mix(&scores, &values, &value_scales, &positions)
	}

	fn positions(&mut self) -> Positions {
		let net = &mut *self.net;
		let total = net.cast(TOTAL_ROWS, INT64);
		let bounds = [("start", Attribute::Int(1)), ("end", Attribute::Int(2))];
		let rows = net.op_with("Shape", &[HIDDEN_IN], &bounds);
		let start = net.op("Sub", &[&total, &rows]);
		let [first, end] = [&start, &total].map(|bound| net.op("Squeeze", &[bound]));
		let (zero, one) = (net.int64(0), net.int64(1));
		let each = net.op("Range", &[&first, &end, &one]);
		let all = net.op("Range", &[&zero, &end, &one]);
		let column = net.reshape(&each, &[-1, 1]);
		let mut visible = net.op("LessOrEqual", &[&all, &column]);
		if let Some(window) = self.config.window_of(self.layer) {
			let window = net.int64(window.into());
			let before = net.op("Sub", &[&column, &window]);
			let inside = net.op("Greater", &[&all, &before]);
			visible = net.op("And", &[&visible, &inside]);
		}
		Positions {
			total,
			rows,
			each,
			visible,
		}
	}

	/// Norms every head, where the model does (rule H).
	fn norm_heads(&mut self, heads: String, norm: &str) -> String {
		if !self.config.qk_norm {
			return heads;
		}
		let epsilon = self.config.norm_eps as f32;
		let root = self.net.root(&heads, self.config.head_dim, epsilon);
		let normed = self.net.op("Div", &[&heads, &root]);
		let weights = format!("{}{norm}", self.net.prefix);
		self.net.op("Mul", &[&normed, &weights])
	}

	/// Turns heads by the angles of their positions (rule P).
	fn rotate(&mut self, heads: &str, cos: &str, sin: &str) -> String {
		let (net, width) = (&mut *self.net, self.config.head_dim);
		let first = net.columns(heads, 0, width / 2);
		let second = net.columns(heads, width / 2, width);
		let [xc, ys, yc, xs] = [(&first, cos), (&second, sin), (&second, cos), (&first, sin)]
			.map(|(half, table)| net.op("Mul", &[half, table]));
		let first = net.op("Sub", &[&xc, &ys]);
		let second = net.op("Add", &[&yc, &xs]);
		net.concat(&[&first, &second], -1)
	}

	/// Writes rows into the cache as codes and scales (rule K), and gives what is cached so far:
	/// `[1, kv_heads, total, width or 1]`.
	fn store(
		&mut self,
		rows: &str,
		buffers: [usize; 2],
		positions: &Positions,
	) -> (String, String) {
		let net = &mut *self.net;
		let (codes, magnitude) = net.codes(rows, CACHE_MAX);
		let codes = net.cast(&codes, INT8);
		let scales = net.step(&magnitude, CACHE_MAX);
		let place = net.reshape(&positions.each, &[1, 1, -1, 1]);
		let [codes, scales] = [(codes, buffers[0]), (scales, buffers[1])].map(|(rows, buffer)| {
			let rows = net.transpose(&rows, &[0, 2, 1, 3]);
			let shape = net.op("Shape", &[&rows]);
			let places = net.op("Expand", &[&place, &shape]);
			let [past, present] = self.numerics.cache[buffer].names(self.layer);
			let axis = [("axis", Attribute::Int(2))];
			net.op_into("ScatterElements", &[&past, &places, &rows], &present, &axis);
			let (from, axis) = (net.list(&[0]), net.list(&[2]));
			net.op("Slice", &[&present, &from, &positions.total, &axis])
		});
		(codes, scales)
	}

	/// Scores in steps: `[1, kv_heads, heads / kv_heads · rows, total]` (rules K, A1).
	fn scores(&mut self, queries: &str, keys: &str, key_scales: &str) -> String {
		let (net, config) = (&mut *self.net, self.config);
		let (codes, magnitude) = net.codes(queries, QUERY_MAX);
		let scales = net.step(&magnitude, QUERY_MAX);
		let factor = net.float(factor(config));
		let factors = net.op("Mul", &[&scales, &factor]);
		let mut grouped = |heads: &str, width: u32| {
			let heads = net.transpose(heads, &[0, 2, 1, 3]);
			net.reshape(&heads, &[1, config.kv_heads.into(), -1, width.into()])
		};
		let codes = grouped(&codes, config.head_dim);
		let factors = grouped(&factors, 1);

		let zero = ZERO_POINT >> 1;
		let (high, low) = net.split(&codes, (zero << LIMB_BITS) + zero);
		let keys = net.transpose(keys, &[0, 1, 3, 2]);
		let zero = net.unsigned(zero);
		let [high, low] = [high, low].map(|limb| {
			let limb = net.cast(&limb, UINT8);
			net.op("MatMulInteger", &[&limb, &keys, &zero])
		});
		let dots = net.join(&high, &low);
		let key_scales = net.transpose(key_scales, &[0, 1, 3, 2]);
		let scaled = net.op("Mul", &[&dots, &key_scales]);
		let scores = net.op("Mul", &[&scaled, &factors]);
		let steps = net.float(SCORE_STEPS);
		let steps = net.op("Mul", &[&scores, &steps]);
		let clipped = net.clip(&steps, -SCORE_MAX, SCORE_MAX);
		let rounded = net.op("Round", &[&clipped]);
		net.cast(&rounded, INT32)
	}

	/// The attended rows: `[1, rows, heads · head_dim]` (rules A2 to A5).
	fn mix(&mut self, scores: &str, values: &str, scales: &str, positions: &Positions) -> String {
		let (net, config) = (&mut *self.net, self.config);
		let (kv_heads, width) = (i64::from(config.kv_heads), i64::from(config.head_dim));
		let group = i64::from(config.heads / config.kv_heads);
		let leading = net.list(&[1, kv_heads, group]);
		let by_total = net.concat(&[&leading, &positions.rows, &positions.total], 0);
		let scores = net.op("Reshape", &[scores, &by_total]);
		let hidden = net.int32(SCORE_HIDDEN);
		let scores = net.op("Where", &[&positions.visible, &scores, &hidden]);
		let best = net.reduce("ReduceMax", &scores);
		let distance = net.op("Sub", &[&best, &scores]);
		let table = Tables::default().exponent;
		let last = net.int32(table.len() as i32 - 1);
		let distance = net.op("Min", &[&distance, &last]);
		let raw = table.iter().flat_map(|value| value.to_le_bytes()).collect();
		let table = net.constant(INT32, &[table.len() as u32], raw);
		let exponents = net.gather(&table, &distance);
		let wide = net.cast(&exponents, INT64);
		let total = net.reduce("ReduceSum", &wide);
		let total = net.cast(&total, FLOAT);

		// Scales of what each row sees, [1, kv_heads, 1, rows, total].
		let scales = net.reshape(scales, &[1, kv_heads, 1, 1, -1]);
		let nothing = net.float(0.0);
		let seen = net.op("Where", &[&positions.visible, &scales, &nothing]);
		let largest = net.reduce("ReduceMax", &seen);
		let ratios = net.op("Div", &[&seen, &largest]);
		let exponents = net.cast(&exponents, FLOAT);
		let weights = net.op("Mul", &[&exponents, &ratios]);
		let clipped = net.clip(&weights, 0.0, EXP_ONE as f32);
		let weights = net.op("Round", &[&clipped]);

		let flat = net.list(&[1, kv_heads, -1]);
		let flat = net.concat(&[&flat, &positions.total], 0);
		let weights = net.op("Reshape", &[&weights, &flat]);
		let (high, low) = net.split(&weights, 0);
		let [high, low] = [high, low].map(|limb| {
			let limb = net.cast(&limb, UINT8);
			net.op("MatMulInteger", &[&limb, values])
		});
		let sums = net.join(&high, &low);
		let by_width = net.list(&[width]);
		let by_width = net.concat(&[&leading, &positions.rows, &by_width], 0);
		let sums = net.op("Reshape", &[&sums, &by_width]);
		let factors = net.op("Div", &[&largest, &total]);
		let mixed = net.op("Mul", &[&sums, &factors]);
		let by_row = net.transpose(&mixed, &[0, 3, 1, 2, 4]);
		net.reshape(&by_row, &[1, -1, i64::from(config.heads) * width])
	}
}

/// 1/√width of a head, as the rules round it.
pub fn factor(config: &ModelConfig) -> f32 {
	(1.0 / f64::from(config.head_dim).sqrt()) as f32
}
