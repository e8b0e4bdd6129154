//! A plain forward pass straight from the checkpoint, against which written shards are verified.
//!
//! It shares the names of the tensors and the frequencies of the rotary embedding with the graphs, and
//! nothing else: sums run in loops written here, over weights that stream past. Rows are few, so its time
//! is that of reading the weights.

use super::{
	matrix::Matrix,
	rope,
	shards::{head_weight, layer_weight, TensorSource, EMBED_WEIGHT, FINAL_NORM},
	SplitError,
};
use crate::manifest::ModelConfig;

/// Computes rows as the model's authors defined them.
pub struct Reference<'a> {
	/// Shape of the model.
	pub config: &'a ModelConfig,
	/// Its weights.
	pub source: &'a dyn TensorSource,
}

impl Reference<'_> {
	/// Rows of tokens, `[tokens, hidden]`.
	pub fn embed(&self, tokens: &[u32]) -> Result<Vec<f32>, SplitError> {
		let shape = [self.config.vocab, self.config.hidden];
		let row = |token: &u32| self.source.rows(EMBED_WEIGHT, shape, *token..token + 1);
		let rows = tokens.iter().map(row).collect::<Result<Vec<_>, _>>()?;
		Ok(rows.concat())
	}

	/// Rows that leave a layer whose first rows these are.
	pub fn layer(&self, layer: u32, rows: &[f32]) -> Result<Vec<f32>, SplitError> {
		let config = self.config;
		let (hidden, inner) = (config.hidden, config.intermediate);
		let attended = config.heads * config.head_dim;

		let normed = self.norm(&layer_weight(layer, "input_layernorm.weight"), rows)?;
		let query = self.heads(layer, "q", config.heads, &normed)?;
		let key = self.heads(layer, "k", config.kv_heads, &normed)?;
		let value = self.heads(layer, "v", config.kv_heads, &normed)?;
		let mixed = self.attend(layer, &query, &key, &value);
		let attention = self.project(layer, "self_attn.o_proj", [hidden, attended], &mixed)?;
		let residual = sum(rows, &attention);

		let norm = layer_weight(layer, "post_attention_layernorm.weight");
		let normed = self.norm(&norm, &residual)?;
		let gate = self.project(layer, "mlp.gate_proj", [inner, hidden], &normed)?;
		let up = self.project(layer, "mlp.up_proj", [inner, hidden], &normed)?;
		let product = gate
			.iter()
			.zip(up)
			.map(|(gate, up)| gate / (1.0 + (-gate).exp()) * up);
		let product = product.collect::<Vec<_>>();
		let down = self.project(layer, "mlp.down_proj", [hidden, inner], &product)?;
		Ok(sum(&residual, &down))
	}

	/// Logits of rows, `[rows, vocab]`.
	pub fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, SplitError> {
		let normed = self.norm(FINAL_NORM, rows)?;
		let shape = [self.config.vocab, self.config.hidden];
		self.multiply(head_weight(self.config), shape, &normed)
	}

	/// Query, key or value of all heads: projected, biased, normed and turned as the model has it.
	fn heads(
		&self,
		layer: u32,
		which: &str,
		heads: u32,
		rows: &[f32],
	) -> Result<Vec<f32>, SplitError> {
		let config = self.config;
		let width = heads * config.head_dim;
		let module = format!("self_attn.{which}_proj");
		let mut out = self.project(layer, &module, [width, config.hidden], rows)?;
		if config.qkv_bias {
			let name = layer_weight(layer, &format!("{module}.bias"));
			let bias = self.source.tensor(&name, &[width])?;
			for row in out.chunks_mut(width as usize) {
				row.iter_mut().zip(&bias).for_each(|(value, b)| *value += b);
			}
		}
		if which == "v" {
			return Ok(out);
		}
		if config.qk_norm {
			let name = layer_weight(layer, &format!("self_attn.{which}_norm.weight"));
			let weight = self.source.tensor(&name, &[config.head_dim])?;
			out = norm_rows(&out, &weight, config.norm_eps);
		}
		self.turn(&mut out, width as usize);
		Ok(out)
	}

	/// Turns every head by the angles of its row's position.
	fn turn(&self, rows: &mut [f32], width: usize) {
		let frequencies = rope::frequencies(self.config);
		let magnitude = rope::magnitude(self.config);
		let half = frequencies.len();
		for (position, row) in rows.chunks_mut(width).enumerate() {
			for head in row.chunks_mut(2 * half) {
				for (pair, frequency) in frequencies.iter().enumerate() {
					let (sin, cos) = (position as f64 * frequency).sin_cos();
					let (sin, cos) = (magnitude * sin, magnitude * cos);
					let (a, b) = (f64::from(head[pair]), f64::from(head[pair + half]));
					head[pair] = (a * cos - b * sin) as f32;
					head[pair + half] = (b * cos + a * sin) as f32;
				}
			}
		}
	}

	fn attend(&self, layer: u32, query: &[f32], key: &[f32], value: &[f32]) -> Vec<f32> {
		let config = self.config;
		let width = config.head_dim as usize;
		let (heads, kv_heads) = (config.heads as usize, config.kv_heads as usize);
		let seen = config
			.window_of(layer)
			.map_or(usize::MAX, |rows| rows as usize);
		let at = |row: usize, head: usize, heads: usize| {
			let start = (row * heads + head) * width;
			start..start + width
		};
		let mut mixed = Vec::with_capacity(query.len());
		for row in 0..query.len() / (heads * width) {
			let rows = (row + 1).saturating_sub(seen)..row + 1;
			for head in 0..heads {
				let shared = head / (heads / kv_heads);
				let query = &query[at(row, head, heads)];
				let score = |other| {
					let product = dot(query, &key[at(other, shared, kv_heads)]);
					product / f64::from(config.head_dim).sqrt()
				};
				let scores = rows.clone().map(score).collect::<Vec<_>>();
				let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
				let shares = scores.iter().map(|score| (score - largest).exp());
				let shares = shares.collect::<Vec<_>>();
				let total = shares.iter().sum::<f64>();
				mixed.extend((0..width).map(|element| {
					let terms = rows.clone().zip(&shares);
					let sum = terms
						.map(|(other, share)| {
							share * f64::from(value[at(other, shared, kv_heads)][element])
						})
						.sum::<f64>();
					(sum / total) as f32
				}));
			}
		}
		mixed
	}

	fn norm(&self, weight: &str, rows: &[f32]) -> Result<Vec<f32>, SplitError> {
		let weight = self.source.tensor(weight, &[self.config.hidden])?;
		Ok(norm_rows(rows, &weight, self.config.norm_eps))
	}

	fn project(
		&self,
		layer: u32,
		module: &str,
		shape: [u32; 2],
		rows: &[f32],
	) -> Result<Vec<f32>, SplitError> {
		let weight = layer_weight(layer, &format!("{module}.weight"));
		self.multiply(&weight, shape, rows)
	}

	/// Rows times a transposed matrix, a panel of it at a time.
	fn multiply(
		&self,
		weight: &str,
		[outputs, inputs]: [u32; 2],
		rows: &[f32],
	) -> Result<Vec<f32>, SplitError> {
		let matrix = Matrix {
			weight,
			outputs,
			inputs,
		};
		let (width, height) = (inputs as usize, outputs as usize);
		let mut out = vec![0.0; rows.len() / width * height];
		matrix.panels(self.source, &mut |first, panel| {
			let start = first / width;
			for (number, row) in rows.chunks(width).enumerate() {
				for (output, weights) in panel.chunks(width).enumerate() {
					out[number * height + start + output] = dot(row, weights) as f32;
				}
			}
			Ok(())
		})?;
		Ok(out)
	}
}

/// Every row of the weight's width, divided by its root mean square and scaled.
fn norm_rows(rows: &[f32], weight: &[f32], eps: f64) -> Vec<f32> {
	let norm = |row: &[f32]| {
		let scale = 1.0 / (dot(row, row) / row.len() as f64 + eps).sqrt();
		let scaled = |(value, weight): (&f32, &f32)| (f64::from(*value) * scale) as f32 * weight;
		row.iter().zip(weight).map(scaled).collect::<Vec<_>>()
	};
	rows.chunks(weight.len()).flat_map(norm).collect()
}

/// Sum of products: lanes that the compiler can keep in vector registers, then in double precision.
fn dot(a: &[f32], b: &[f32]) -> f64 {
	const LANES: usize = 16;
	let mut lanes = [0.0_f32; LANES];
	let (a_parts, b_parts) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
	let rest = a_parts.remainder().iter().zip(b_parts.remainder());
	let rest = rest.map(|(a, b)| f64::from(a * b)).sum::<f64>();
	for (a, b) in a_parts.zip(b_parts) {
		for lane in 0..LANES {
			lanes[lane] += a[lane] * b[lane];
		}
	}
	rest + lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>()
}

fn sum(a: &[f32], b: &[f32]) -> Vec<f32> {
	a.iter().zip(b).map(|(a, b)| a + b).collect()
}
