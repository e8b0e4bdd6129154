//! A model of a few values and its trace, made rule by rule.

use crate::dice::Dice;
use dllm_primitives::{
	commitment::{merkle_root, row_leaf},
	dispute::{
		players::{Rows, Trace},
		Subject,
	},
	ids::{Digest, JobId, StageIndex},
	trace::{
		layout::{Layout, Step, BLOCK_BYTES},
		opening::Binding,
		recompute,
		shape::{Operator, Projection, Shape, LAYER},
		weights::{Layer, Weight, EXPONENTS, SIGMOIDS},
		Constants, Element, Held,
	},
};
use std::sync::Arc;

pub const JOB_KEY: [u8; 32] = [7; 32];

/// Whose trace of which segment it is.
#[derive(Clone, Copy)]
pub struct Owner {
	pub job: JobId,
	pub stage: StageIndex,
	pub worker: Digest,
}

impl Owner {
	/// Somebody.
	pub fn any() -> Self {
		Self {
			job: 9,
			stage: 2,
			worker: Subject::worker(&5u32),
		}
	}
}

/// A subject with the defender's trace and rows.
#[derive(Clone)]
pub struct Case {
	pub subject: Subject,
	pub binding: Binding,
	pub trace: Held,
	pub rows: Rows,
}

pub fn shape() -> Shape {
	Shape {
		hidden: 6,
		heads: 2,
		kv_heads: 1,
		head_dim: 4,
		inner: 5,
		bias: true,
		head_norm: true,
		epsilon: 1e-5f32.to_bits(),
		factor: 0.5f32.to_bits(),
	}
}

/// Random constants of a layer.
pub fn constants(shape: &Shape, rows: u32, random: &mut Dice) -> Constants {
	Constants::new(shape, |weight| {
		let columns = match weight {
			Weight::Codes(projection) => Some((projection, shape.outputs(projection))),
			_ => None,
		};
		if let Some((projection, outputs)) = columns {
			let stride = shape.inputs(projection).next_multiple_of(BLOCK_BYTES);
			let bytes = (0..outputs * stride).map(|at| match at % stride {
				at if at < shape.inputs(projection) => (random.below(127) as i8 - 63) as u8,
				_ => 0,
			});
			return bytes.collect();
		}
		let heads = shape.head_dim * rows / 2;
		let count = match weight {
			Weight::AttentionNorm | Weight::GateNorm => shape.hidden,
			Weight::QueryNorm | Weight::KeyNorm => shape.head_dim,
			Weight::Bias => shape.outputs(Projection::Attention),
			Weight::Cosine | Weight::Sine => heads,
			Weight::Exponent => EXPONENTS,
			Weight::Sigmoid => SIGMOIDS,
			Weight::Scales(of) => shape.outputs(of),
			Weight::Codes(_) => 0,
		};
		let values = (0..count).map(|at| constant(weight, at, random));
		let mut bytes = Vec::new();
		values.for_each(|value| weight.width().encode(value, &mut bytes));
		bytes
	})
}

/// One constant: tables as they are, the rest random.
fn constant(weight: Weight, at: u32, random: &mut Dice) -> i64 {
	let uniform = random.below(2_000) as f32 / 1_000.0 - 1.0;
	let value = match weight {
		Weight::Exponent => return ((-f64::from(at) / 256.0).exp() * 16_383.0).round() as i64,
		Weight::Sigmoid => 1.0 / (1.0 + (-(at as f32 - 2_048.0) / 128.0).exp()),
		Weight::Scales(_) => 0.001 + 0.02 * uniform.abs(),
		Weight::AttentionNorm | Weight::GateNorm | Weight::QueryNorm | Weight::KeyNorm => {
			1.0 + 0.2 * uniform
		}
		_ => uniform,
	};
	value.to_bits().into()
}

/// A trace of random rows through random layers, made by the rules themselves.
pub fn case(rows: u32, windows: &[u32], seed: u64) -> Case {
	case_of(Owner::any(), rows, windows, seed)
}

/// The same, of somebody.
pub fn case_of(owner: Owner, rows: u32, windows: &[u32], seed: u64) -> Case {
	let mut random = Dice::new(seed);
	let shape = shape();
	let all = windows
		.iter()
		.map(|_| Arc::new(constants(&shape, rows, &mut random)))
		.collect::<Vec<_>>();
	let layers = windows
		.iter()
		.zip(&all)
		.map(|(window, constants)| Layer {
			window: *window,
			weights: constants.root(),
		})
		.collect::<Vec<_>>();
	let layout = Layout::new(shape, layers.len() as u16, rows).unwrap();
	let mut trace = Held::new(layout.clone(), all);
	for row in 0..rows {
		let input = (0..shape.hidden).map(|_| random.below(4_000) as f32 / 1_000.0 - 2.0);
		let input = input.flat_map(f32::to_le_bytes).collect::<Vec<_>>();
		trace.put(row, 0, Operator::Input, &input);
	}
	compute(&mut trace, &layers, None);
	bound(owner, trace, layers)
}

/// Follows the rules from the rows that came in; `lie` changes one value as it is made.
pub fn compute(trace: &mut Held, layers: &[Layer], lie: Option<(Element, i64)>) {
	let layout = trace.layout.clone();
	for row in 0..layout.rows {
		for layer in 0..layout.layers {
			for operator in LAYER {
				let mut bytes = Vec::new();
				for index in 0..layout.elements(operator) {
					let at = Element {
						row,
						layer,
						operator,
						index,
					};
					let value = match lie {
						Some((place, value)) if place == at => value,
						_ => recompute(&layout, layers, at, trace).unwrap(),
					};
					operator.width().encode(value, &mut bytes);
				}
				trace.put(row, layer, operator, &bytes);
			}
		}
	}
}

/// Commits to the ends of a trace and binds it.
pub fn bound(owner: Owner, mut trace: Held, layers: Vec<Layer>) -> Case {
	let Owner { job, stage, worker } = owner;
	let layout = trace.layout.clone();
	let mut end = |slot, boundary| {
		let leaves = (0..layout.rows).map(|row| {
			let place = layout.place(Step { row, slot });
			let bytes = trace.step(place).unwrap();
			row_leaf(&JOB_KEY, job, boundary, row, &bytes)
		});
		leaves.collect::<Vec<_>>()
	};
	let rows = Rows {
		job_key: JOB_KEY,
		input: end(0, stage - 1),
		output: end(layout.output_slot(), stage),
	};
	let binding = Binding {
		job,
		stage,
		worker,
		job_key: JOB_KEY,
	};
	trace.bind(&binding);
	let subject = Subject {
		job,
		stage,
		worker,
		shape: layout.shape,
		layers,
		rows: layout.rows,
		input: merkle_root(&rows.input),
		output: merkle_root(&rows.output),
	};
	Case {
		subject,
		binding,
		trace,
		rows,
	}
}

/// Every value of a trace.
pub fn elements(layout: &Layout) -> Vec<Element> {
	let mut all = Vec::new();
	for row in 0..layout.rows {
		for layer in 0..layout.layers {
			for operator in LAYER {
				all.extend((0..layout.elements(operator)).map(|index| Element {
					row,
					layer,
					operator,
					index,
				}));
			}
		}
	}
	all
}
