//! A plain computation of the same model in f64, for shapes that no golden file has.

use crate::{
	checkpoints::{make, read_tensors, values, Shape, Tensors},
	distance, Model,
};
use dllm_model::engine::Engine;
use tempfile::tempdir;

struct Reference {
	shape: Shape,
	tensors: Tensors,
}

impl Reference {
	fn weight(&self, layer: usize, module: &str) -> Vec<f64> {
		let name = format!("model.layers.{layer}.{module}.weight");
		values(&self.tensors, &name)
			.into_iter()
			.map(f64::from)
			.collect()
	}

	fn norm(&self, layer: usize, module: &str, row: &[f64]) -> Vec<f64> {
		let mean = row.iter().map(|v| v * v).sum::<f64>() / row.len() as f64;
		let scale = 1.0 / (mean + 1e-5).sqrt();
		row.iter()
			.zip(self.weight(layer, module))
			.map(|(v, w)| v * scale * w)
			.collect()
	}

	fn project(&self, layer: usize, module: &str, row: &[f64]) -> Vec<f64> {
		let dot = |weights: &[f64]| weights.iter().zip(row).map(|(w, v)| w * v).sum();
		self.weight(layer, module)
			.chunks(row.len())
			.map(dot)
			.collect()
	}

	/// Turns every head of a row by the angles of its position.
	fn rotate(&self, row: &mut [f64], position: usize) {
		let width = self.shape.head_dim;
		for head in row.chunks_mut(width) {
			for pair in 0..width / 2 {
				let angle = position as f64 / 10_000f64.powf(2.0 * pair as f64 / width as f64);
				let (a, b) = (head[pair], head[pair + width / 2]);
				head[pair] = a * angle.cos() - b * angle.sin();
				head[pair + width / 2] = b * angle.cos() + a * angle.sin();
			}
		}
	}

	fn layer(&self, layer: usize, rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
		let (width, shared) = (self.shape.head_dim, self.shape.heads / self.shape.kv_heads);
		let turned = |module: &str, position: usize, row: &[f64]| {
			let mut row = self.project(layer, module, row);
			self.rotate(&mut row, position);
			row
		};
		let normed = rows
			.iter()
			.map(|row| self.norm(layer, "input_layernorm", row));
		let normed = normed.collect::<Vec<_>>();
		let keys = normed
			.iter()
			.enumerate()
			.map(|(p, row)| turned("self_attn.k_proj", p, row));
		let keys = keys.collect::<Vec<_>>();
		let held = normed
			.iter()
			.map(|row| self.project(layer, "self_attn.v_proj", row));
		let held = held.collect::<Vec<_>>();
		let step = |(position, row): (usize, &Vec<f64>)| {
			let query = turned("self_attn.q_proj", position, &normed[position]);
			let mut attended = Vec::new();
			for head in 0..self.shape.heads {
				let at = head / shared * width;
				let query = &query[head * width..(head + 1) * width];
				let score = |key: &Vec<f64>| {
					let dot = query
						.iter()
						.zip(&key[at..])
						.map(|(q, k)| q * k)
						.sum::<f64>();
					(dot / (width as f64).sqrt()).exp()
				};
				let scores = keys[..=position].iter().map(score).collect::<Vec<_>>();
				let total = scores.iter().sum::<f64>();
				attended.extend((0..width).map(|value| {
					let mix = scores.iter().zip(&held).map(|(s, v)| s * v[at + value]);
					mix.sum::<f64>() / total
				}));
			}
			let attention = self.project(layer, "self_attn.o_proj", &attended);
			let residual = row
				.iter()
				.zip(attention)
				.map(|(a, b)| a + b)
				.collect::<Vec<_>>();
			let normed = self.norm(layer, "post_attention_layernorm", &residual);
			let gate = self.project(layer, "mlp.gate_proj", &normed);
			let up = self.project(layer, "mlp.up_proj", &normed);
			let product = gate.iter().zip(up).map(|(g, u)| g / (1.0 + (-g).exp()) * u);
			let down = self.project(layer, "mlp.down_proj", &product.collect::<Vec<_>>());
			residual.iter().zip(down).map(|(a, b)| a + b).collect()
		};
		rows.iter().enumerate().map(step).collect()
	}
}

/// Runs the engine and the reference on a made-up model.
fn check(shape: Shape) {
	const ROWS: u32 = 11;
	let folder = tempdir().unwrap();
	let source = make(shape, folder.path());
	let model = Model::split(&source);
	let reference = Reference {
		shape,
		tensors: read_tensors(&source),
	};
	let rows = model.rows(ROWS);
	let wide = rows
		.chunks(shape.hidden)
		.map(|row| row.iter().map(|v| f64::from(*v)).collect());
	let expected =
		(0..shape.layers).fold(wide.collect(), |rows: Vec<_>, l| reference.layer(l, &rows));
	let expected = expected
		.iter()
		.flatten()
		.map(|v| *v as f32)
		.collect::<Vec<_>>();

	let engine = model.whole();
	engine.open(0, ROWS).unwrap();
	let mut found = engine.prefill(0, 0, &rows[..7 * shape.hidden]).unwrap();
	for (position, row) in (7..).zip(rows[7 * shape.hidden..].chunks(shape.hidden)) {
		found.extend(engine.decode(0, position, row).unwrap());
	}
	let distance = distance(&found, &expected);
	assert!(distance < 2e-6, "{distance:e}");
}

const PLAIN: Shape = Shape {
	hidden: 48,
	intermediate: 64,
	layers: 3,
	heads: 6,
	kv_heads: 3,
	head_dim: 16,
	vocab: 4096,
};

#[test]
fn grouped_heads() {
	check(PLAIN);
}

#[test]
fn heads_wider_than_their_share_of_the_row() {
	check(Shape {
		head_dim: 48,
		..PLAIN
	});
}

#[test]
fn every_head_its_own_keys() {
	check(Shape {
		kv_heads: 6,
		..PLAIN
	});
}

#[test]
fn one_pair_of_keys_and_values_for_all() {
	check(Shape {
		kv_heads: 1,
		..PLAIN
	});
}
