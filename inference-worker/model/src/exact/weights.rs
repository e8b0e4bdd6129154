//! A checkpoint's weights as integer codes: what the shards of the exact profile hold.
//!
//! The splitter makes them, once, in a fixed order of IEEE operations, so that the same checkpoint gives
//! the same bytes on every machine. What is folded into the codes here – the weights of the norms –
//! costs nothing later.

use super::rules::{MAX_INPUTS, WEIGHT_MAX, WEIGHT_SCALE};
use crate::{
	manifest::ModelConfig,
	splitter::{shards::TensorSource, SplitError},
};

/// A projection: `[inputs, outputs]` codes, row-major, and a scale for every output.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
	/// Codes between −63 and 63.
	pub codes: Vec<i8>,
	/// What one step of an output's codes is worth.
	pub scales: Vec<f32>,
}

/// What a decoder layer needs besides tables.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerWeights {
	/// Weights of the norm before the attention, as far as they are not folded into `attention`.
	pub attention_norm: Vec<f32>,
	/// Queries, keys and values side by side.
	pub attention: Matrix,
	/// Biases of queries, keys and values; empty where the model has none.
	pub bias: Vec<f32>,
	/// Norm of every query head; empty where the model has none.
	pub query_norm: Vec<f32>,
	/// Norm of every key head; empty where the model has none.
	pub key_norm: Vec<f32>,
	/// Output of the attention.
	pub output: Matrix,
	/// Weights of the norm before the feed-forward block.
	pub gate_norm: Vec<f32>,
	/// Gate and up side by side.
	pub gate: Matrix,
	/// Down.
	pub down: Matrix,
}

/// What the head needs.
#[derive(Clone, Debug, PartialEq)]
pub struct HeadWeights {
	/// Weights of the last norm.
	pub norm: Vec<f32>,
	/// Rows to logits.
	pub logits: Matrix,
}

/// Where the weight of a norm goes: to the activations before they become codes, or to the columns of
/// the projection behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
	/// Activations keep it.
	Kept,
	/// All into the projection.
	Folded,
	/// Every channel is balanced between the two (SmoothQuant with the norm's weight standing for the
	/// size of the activations, so that no text is needed; Xiao et al., 2022).
	Balanced,
}

/// How shards are prepared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preparation {
	/// Where norm weights go.
	pub fold: Fold,
	/// Whether the residual stream is turned by a Hadamard matrix, which spreads outlier channels.
	pub rotate: bool,
	/// Whether the scale of an output is searched for the smallest squared error, instead of following
	/// from its largest weight.
	pub search: bool,
}

impl Preparation {
	/// How the splitter does it: the plainest way, as none of the means paid on a trained model (the
	/// table in `docs/exact-profile.md`).
	pub const RULE: Self = Self {
		fold: Fold::Kept,
		rotate: false,
		search: false,
	};
}

/// Reads and quantises weights.
pub struct Quantiser<'a> {
	/// The checkpoint.
	pub source: &'a dyn TensorSource,
	/// Its shape.
	pub config: &'a ModelConfig,
	/// What to do with it.
	pub preparation: Preparation,
}

/// A projection before it is quantised: `[outputs, inputs]`, as checkpoints store it.
struct Dense {
	values: Vec<f32>,
	inputs: usize,
}

impl Quantiser<'_> {
	/// Rows of the embedding, `[vocab, hidden]`.
	pub fn embedding(&self) -> Result<Vec<f32>, SplitError> {
		let mut table = self.dense(
			"model.embed_tokens.weight",
			self.config.vocab,
			self.config.hidden,
		)?;
		self.turn_inputs(&mut table);
		Ok(table.values)
	}

	/// One decoder layer.
	pub fn layer(&self, layer: u32) -> Result<LayerWeights, SplitError> {
		let config = self.config;
		let name = |module: &str| format!("model.layers.{layer}.{module}");
		let (hidden, inner) = (config.hidden, config.intermediate);
		let query = config.heads * config.head_dim;
		let key_value = config.kv_heads * config.head_dim;
		let mut attention = Dense {
			values: Vec::new(),
			inputs: hidden as usize,
		};
		let (mut bias, mut query_norm, mut key_norm) = (Vec::new(), Vec::new(), Vec::new());
		for (part, outputs) in [("q", query), ("k", key_value), ("v", key_value)] {
			let weight = name(&format!("self_attn.{part}_proj.weight"));
			attention
				.values
				.extend(self.dense(&weight, outputs, hidden)?.values);
			if config.qkv_bias {
				let weight = name(&format!("self_attn.{part}_proj.bias"));
				bias.extend(self.source.tensor(&weight, &[outputs])?);
			}
		}
		if config.qk_norm {
			let norm = |part: &str| {
				self.source.tensor(
					&name(&format!("self_attn.{part}_norm.weight")),
					&[config.head_dim],
				)
			};
			(query_norm, key_norm) = (norm("q")?, norm("k")?);
		}
		let attention_norm = self.fold(&name("input_layernorm.weight"), &mut attention)?;

		let mut gate = self.dense(&name("mlp.gate_proj.weight"), inner, hidden)?;
		gate.values.extend(
			self.dense(&name("mlp.up_proj.weight"), inner, hidden)?
				.values,
		);
		let gate_norm = self.fold(&name("post_attention_layernorm.weight"), &mut gate)?;

		let mut output = self.dense(&name("self_attn.o_proj.weight"), hidden, query)?;
		self.turn_outputs(&mut output);
		let mut down = self.dense(&name("mlp.down_proj.weight"), hidden, inner)?;
		self.turn_outputs(&mut down);
		Ok(LayerWeights {
			attention_norm,
			attention: self.quantise(&attention)?,
			bias,
			query_norm,
			key_norm,
			output: self.quantise(&output)?,
			gate_norm,
			gate: self.quantise(&gate)?,
			down: self.quantise(&down)?,
		})
	}

	/// Final norm and output projection.
	pub fn head(&self) -> Result<HeadWeights, SplitError> {
		let name = match self.config.tied {
			true => "model.embed_tokens.weight",
			false => "lm_head.weight",
		};
		let mut logits = self.dense(name, self.config.vocab, self.config.hidden)?;
		let norm = self.fold("model.norm.weight", &mut logits)?;
		Ok(HeadWeights {
			norm,
			logits: self.quantise(&logits)?,
		})
	}

	fn dense(&self, name: &str, outputs: u32, inputs: u32) -> Result<Dense, SplitError> {
		if inputs > MAX_INPUTS {
			return Err(SplitError::Implausible {
				reason: format!(
					"{name} has rows of {inputs} values, exact sums end at {MAX_INPUTS}"
				),
			});
		}
		Ok(Dense {
			values: self.source.tensor(name, &[outputs, inputs])?,
			inputs: inputs as usize,
		})
	}

	/// Divides a norm's weights between activations and projection, and turns the projection; gives the
	/// activations' part.
	fn fold(&self, norm: &str, projection: &mut Dense) -> Result<Vec<f32>, SplitError> {
		let weights = self.source.tensor(norm, &[self.config.hidden])?;
		let fold = match self.preparation.rotate {
			// A turned channel is a mixture of all, so no weight can stay behind.
			true => Fold::Folded,
			false => self.preparation.fold,
		};
		let kept = match fold {
			Fold::Kept => return Ok(weights),
			Fold::Folded => vec![1.0; weights.len()],
			Fold::Balanced => balance(&weights, projection),
		};
		for row in projection.values.chunks_mut(projection.inputs) {
			for ((value, weight), kept) in row.iter_mut().zip(&weights).zip(&kept) {
				*value *= weight / kept;
			}
		}
		self.turn_inputs(projection);
		Ok(kept)
	}

	/// Turns what a projection reads from the residual stream.
	fn turn_inputs(&self, projection: &mut Dense) {
		if self.preparation.rotate {
			projection
				.values
				.chunks_mut(projection.inputs)
				.for_each(turn);
		}
	}

	/// Turns what a projection adds to the residual stream.
	fn turn_outputs(&self, projection: &mut Dense) {
		if !self.preparation.rotate {
			return;
		}
		let outputs = projection.values.len() / projection.inputs;
		let mut column = vec![0.0; outputs];
		for input in 0..projection.inputs {
			for (value, row) in column
				.iter_mut()
				.zip(projection.values.chunks(projection.inputs))
			{
				*value = row[input];
			}
			turn(&mut column);
			for (value, row) in column
				.iter()
				.zip(projection.values.chunks_mut(projection.inputs))
			{
				row[input] = *value;
			}
		}
	}

	/// Codes of every output under its own scale, transposed.
	fn quantise(&self, dense: &Dense) -> Result<Matrix, SplitError> {
		let outputs = dense.values.len() / dense.inputs;
		let mut codes = vec![0; dense.values.len()];
		let mut scales = Vec::with_capacity(outputs);
		for (output, row) in dense.values.chunks(dense.inputs).enumerate() {
			let scale = match self.preparation.search {
				true => best_scale(row),
				false => full_scale(row),
			};
			for (input, value) in row.iter().enumerate() {
				codes[input * outputs + output] = code(*value, scale);
			}
			scales.push(scale);
		}
		Ok(Matrix { codes, scales })
	}
}

/// The scale under which the largest weight has the largest code.
fn full_scale(row: &[f32]) -> f32 {
	let largest = row
		.iter()
		.fold(0.0f32, |largest, value| largest.max(value.abs()));
	(largest / WEIGHT_MAX as f32).clamp(WEIGHT_SCALE[0], WEIGHT_SCALE[1])
}

/// The scale of least squared error among the full one and smaller ones, down to two thirds.
fn best_scale(row: &[f32]) -> f32 {
	const STEPS: u32 = 32;
	let full = full_scale(row);
	let error = |scale: f32| {
		row.iter()
			.map(|value| {
				let rest = f64::from(*value) - f64::from(code(*value, scale)) * f64::from(scale);
				rest * rest
			})
			.sum::<f64>()
	};
	let mut best = (error(full), full);
	for step in 1..=STEPS {
		let scale = full * (1.0 - step as f32 / (3 * STEPS) as f32);
		if scale < WEIGHT_SCALE[0] {
			break;
		}
		let error = error(scale);
		if error < best.0 {
			best = (error, scale);
		}
	}
	best.1
}

fn code(value: f32, scale: f32) -> i8 {
	let bound = WEIGHT_MAX as f32;
	(value / scale).round_ties_even().clamp(-bound, bound) as i8
}

/// The activations' part of every channel: √(size of the activation · largest weight)-balanced.
fn balance(weights: &[f32], projection: &Dense) -> Vec<f32> {
	let mut largest = vec![f32::MIN_POSITIVE; weights.len()];
	for row in projection.values.chunks(projection.inputs) {
		for (largest, value) in largest.iter_mut().zip(row) {
			*largest = largest.max(value.abs());
		}
	}
	let channel = |(weight, largest): (&f32, &f32)| {
		// Both sides then reach √(|weight| · largest).
		let size = weight.abs().max(1e-6);
		(size * largest).sqrt()
	};
	weights.iter().zip(&largest).map(channel).collect()
}

/// Multiplies a row by a symmetric, orthogonal Hadamard matrix in blocks of the largest power of two
/// that divides its width.
fn turn(row: &mut [f32]) {
	let block = 1 << row.len().trailing_zeros();
	let norm = 1.0 / f64::from(block).sqrt();
	for block in row.chunks_mut(block as usize) {
		let mut wide = block
			.iter()
			.map(|value| f64::from(*value))
			.collect::<Vec<_>>();
		let mut half = 1;
		while half < wide.len() {
			for pair in wide.chunks_mut(2 * half) {
				let (low, high) = pair.split_at_mut(half);
				for (a, b) in low.iter_mut().zip(high) {
					(*a, *b) = (*a + *b, *a - *b);
				}
			}
			half *= 2;
		}
		for (value, wide) in block.iter_mut().zip(wide) {
			*value = (wide * norm) as f32;
		}
	}
}
