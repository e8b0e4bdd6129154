//! Products with weights of 4 bits: against plain floats, against plain integers, and in the engine.

use crate::{bits, checkpoints, Model};
use dllm_model::{
	blocks::{
		kernel::{multiply, multiply_with, quantise, Codes},
		take, Packed, DOMAIN, TILE,
	},
	engine::{Engine, OrtEngine},
	exact::kernels::dispatch::{level, Level},
	numerics::BLOCK,
	splitter::{
		graph::{Attribute, Graph},
		onnx::{GraphProto, CONTRIB, FLOAT, UINT8},
	},
};
use dllm_primitives::model::Profile;
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};

/// Most inputs of a random matrix: several blocks and a short one.
const INPUTS: usize = 200;

/// A matrix as a shard holds it, and rows for it.
#[derive(Clone, Debug)]
struct Case {
	inputs: usize,
	outputs: usize,
	/// Codes of the weights, 0 to 15, `[outputs, inputs in whole blocks]`.
	codes: Vec<u8>,
	scales: Vec<f32>,
	/// `[rows, inputs]`.
	rows: Vec<f32>,
}

impl Case {
	fn blocks(&self) -> usize {
		self.inputs.div_ceil(BLOCK as usize)
	}

	fn packed(&self) -> Packed {
		let bytes = self.codes.as_chunks::<2>().0.iter();
		let bytes = bytes.map(|[low, high]| low | high << 4).collect::<Vec<_>>();
		Packed::new(self.inputs, self.outputs, &bytes, &self.scales).unwrap()
	}

	fn quantised(&self) -> Vec<Codes> {
		let mut codes = Vec::new();
		for row in self.rows.chunks(self.inputs) {
			let mut of_row = vec![Codes::default(); self.blocks()];
			quantise(row, &mut of_row);
			codes.extend(of_row);
		}
		codes
	}

	/// Products by the kernel, `[rows, outputs]`.
	fn products(&self, units: Level) -> Vec<f32> {
		let (packed, rows) = (self.packed(), self.quantised());
		let count = self.rows.len() / self.inputs;
		let mut out = vec![0.0; count * self.outputs];
		for (tile, cells) in packed.tiles().enumerate() {
			let mut products = vec![[0.0; TILE]; count];
			multiply_with(units, cells, &rows, &mut products);
			for (out, products) in out.chunks_mut(self.outputs).zip(products) {
				let out = &mut out[tile * TILE..];
				let width = out.len().min(TILE);
				out[..width].copy_from_slice(&products[..width]);
			}
		}
		out
	}

	/// Value of a weight.
	fn weight(&self, output: usize, input: usize) -> f64 {
		let width = self.blocks() * BLOCK as usize;
		let scale = self.scales[output * self.blocks() + input / BLOCK as usize];
		(f64::from(self.codes[output * width + input]) - 8.0) * f64::from(scale)
	}
}

fn cases(value: impl Strategy<Value = f32> + Clone) -> impl Strategy<Value = Case> {
	(1..=INPUTS, 1..=3 * TILE, 1..=9usize).prop_flat_map(move |(inputs, outputs, rows)| {
		let blocks = inputs.div_ceil(BLOCK as usize);
		let codes = vec(0..16u8, outputs * blocks * BLOCK as usize);
		let scales = vec(-0.1f32..0.1, outputs * blocks);
		let rows = vec(value.clone(), rows * inputs);
		(codes, scales, rows).prop_map(move |(codes, scales, rows)| Case {
			inputs,
			outputs,
			codes,
			scales,
			rows,
		})
	})
}

/// Common values, outliers, zeros, and what is too small for a scale.
fn values() -> impl Strategy<Value = f32> + Clone {
	prop_oneof![
		8 => -4.0f32..4.0,
		1 => -300.0f32..300.0,
		1 => Just(0.0f32),
		1 => prop::num::f32::SUBNORMAL,
	]
}

fn runner() -> TestRunner {
	TestRunner::new(ProptestConfig::with_cases(200))
}

/// Rounding a value moves it by half a step at most, and a product by that much of every weight.
#[test]
fn products_lie_within_half_a_step_of_the_floats() {
	runner()
		.run(&cases(values()), |case| {
			let found = case.products(level());
			let rows = case.rows.chunks(case.inputs);
			for (row, found) in rows.zip(found.chunks(case.outputs)) {
				for (output, found) in found.iter().enumerate() {
					let (mut exact, mut bound, mut size) = (0.0, 0.0, 0.0);
					for (block, values) in row.chunks(BLOCK as usize).enumerate() {
						let largest = values
							.iter()
							.fold(0.0f32, |most, value| most.max(value.abs()));
						// Beside half a step, whole values that are too small for a scale.
						let step = f64::from(largest) / 254.0 * 1.001 + 1e-36;
						for (at, value) in values.iter().enumerate() {
							let weight = case.weight(output, block * BLOCK as usize + at);
							exact += weight * f64::from(*value);
							bound += weight.abs() * step;
							size += weight.abs() * f64::from(value.abs());
						}
					}
					let error = (f64::from(*found) - exact).abs();
					prop_assert!(error <= bound + 1e-5 * size, "{error} beyond {bound}");
				}
			}
			Ok(())
		})
		.unwrap();
}

#[test]
fn vectors_and_plain_rust_give_the_same_bits() {
	runner()
		.run(&cases(values()), |case| {
			let plain = bits(&case.products(Level::Plain));
			for units in [Level::Avx2, Level::Avx512] {
				if units <= level() {
					prop_assert_eq!(bits(&case.products(units)), plain.clone());
				}
			}
			Ok(())
		})
		.unwrap();
}

/// All weights and all values at their ends: the largest sums that 16 bits must hold.
#[test]
fn the_largest_sums_fit() {
	for (code, value) in [(15, 1.0), (15, -1.0), (0, 1.0), (0, -1.0)] {
		let (inputs, outputs) = (5_632, TILE);
		let case = Case {
			inputs,
			outputs,
			codes: vec![code; inputs * outputs],
			scales: vec![0.5; inputs / BLOCK as usize * outputs],
			rows: vec![value; 2 * inputs],
		};
		let expected = (f32::from(code) - 8.0) * 0.5 * value * inputs as f32;
		for units in [Level::Plain, level()] {
			for found in case.products(units) {
				assert!((found - expected).abs() <= 1e-4 * expected.abs());
			}
		}
	}
}

#[test]
fn a_row_has_the_same_bits_in_any_company() {
	runner()
		.run(&cases(values()), |case| {
			let together = case.products(level());
			let rows = case.rows.chunks(case.inputs);
			for (row, together) in rows.zip(together.chunks(case.outputs)) {
				let alone = Case {
					rows: row.to_vec(),
					..case.clone()
				};
				prop_assert_eq!(bits(&alone.products(level())), bits(together));
			}
			Ok(())
		})
		.unwrap();
}

#[test]
fn codes_follow_the_rule() {
	let mut row = vec![0.0; 3 * BLOCK as usize + 1];
	row[..3].copy_from_slice(&[-2.0, 1.0, 0.5 / 127.0 * 2.0]);
	row[32] = 1e-38;
	row[64] = 0.25;
	row[65] = f32::NAN;
	row[96] = f32::MAX;
	let mut codes = [Codes::default(); 4];
	quantise(&row, &mut codes);
	// 0.5 and 63.5 are halfway: to the even one.
	assert_eq!(codes[0].groups[0], [-127, 64, 0, 0]);
	assert_eq!(codes[0].offset, -8 * (64 - 127));
	assert_eq!(codes[0].scale, 2.0 / 127.0);
	assert_eq!(
		codes[1],
		Codes::default(),
		"no finite inverse: as good as zero"
	);
	assert!(codes[2].scale.is_nan());
	assert_eq!(codes[3].groups[0], [127, 0, 0, 0]);
	assert_eq!(codes[3].scale, f32::MAX / 127.0);
}

#[test]
fn what_is_not_finite_spoils_its_row_only() {
	let (inputs, outputs) = (64, TILE);
	for spoiler in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
		let mut rows = vec![1.0; 5 * inputs];
		rows[2 * inputs + 40] = spoiler;
		let case = Case {
			inputs,
			outputs,
			codes: vec![9; inputs * outputs],
			scales: vec![1.0; 2 * outputs],
			rows,
		};
		for units in [Level::Plain, level()] {
			let found = case.products(units);
			for (row, found) in found.chunks(outputs).enumerate() {
				assert!(found.iter().all(|value| value.is_nan() == (row == 2)));
			}
		}
	}
}

#[test]
fn rows_of_zeros_give_zeros() {
	let case = Case {
		inputs: 40,
		outputs: 5,
		codes: vec![3; 5 * 64],
		scales: vec![1.0; 10],
		rows: vec![0.0; 80],
	};
	assert_eq!(bits(&case.products(level())), vec![0; 10]);
}

#[test]
fn weights_that_do_not_fit_are_refused() {
	let (codes, scales) = ([0; 64], [0.0; 4]);
	assert!(Packed::new(64, 2, &codes, &scales).is_some());
	assert!(Packed::new(65, 2, &codes, &scales).is_none());
	assert!(Packed::new(64, 2, &codes[1..], &scales).is_none());
	assert!(Packed::new(64, 2, &codes, &scales[1..]).is_none());
	assert!(Packed::new(0, 2, &[], &[]).is_none());
	assert!(Packed::new(64, 0, &[], &[]).is_none());
	assert!(Packed::new(usize::MAX, usize::MAX, &codes, &scales).is_none());
}

/// A graph of one product as the splitter writes it.
fn product(bits: i64, codes: usize) -> GraphProto {
	let mut graph = Graph::new("product");
	let attributes = [
		("K", Attribute::Int(64)),
		("N", Attribute::Int(2)),
		("bits", Attribute::Int(bits)),
		("block_size", Attribute::Int(32)),
		("accuracy_level", Attribute::Int(4)),
	];
	let inputs = ["rows", "codes", "scales"];
	graph.node(CONTRIB, "MatMulNBits", &inputs, &["out"], &attributes);
	graph.tensor("codes", UINT8, &[2, 2, 16], vec![0; codes]);
	graph.tensor("kept", FLOAT, &[1], vec![0; 4]);
	graph.floats("scales", &[2, 2], &[0.0; 4]);
	graph.graph
}

#[test]
fn products_of_4_bits_are_taken_and_no_others() {
	let (mut graph, mut matrices) = (product(4, 64), Vec::new());
	take(&mut graph, &mut matrices).unwrap();
	take(&mut product(4, 64), &mut matrices).unwrap();
	assert_eq!(matrices.len(), 2);
	let node = &graph.node[0];
	assert_eq!((&*node.domain, node.input.len()), (DOMAIN, 1));
	assert_eq!(node.output, ["out"]);
	let left = graph.initializer.iter().map(|tensor| &*tensor.name);
	assert_eq!(left.collect::<Vec<_>>(), ["kept"]);

	let mut graph = product(8, 64);
	take(&mut graph, &mut matrices).unwrap();
	assert_eq!(graph, product(8, 64));
	assert_eq!(matrices.len(), 2);
}

#[test]
fn a_node_whose_weights_do_not_fit_is_named() {
	let mut graphs = [product(4, 63), product(4, 64), product(4, 64)];
	graphs[1].initializer.clear();
	graphs[2].node[0].attribute[0].i = Some(-1);
	for mut graph in graphs {
		let refusal = take(&mut graph, &mut Vec::new()).unwrap_err();
		assert!(refusal.contains("out/MatMulNBits"), "{refusal}");
	}
}

#[test]
#[should_panic]
fn rows_of_another_width_are_refused() {
	let packed = Packed::new(64, 2, &[0; 64], &[0.0; 4]).unwrap();
	let cells = packed.tiles().next().unwrap();
	multiply(cells, &[Codes::default()], &mut [[0.0; TILE]]);
}

/// One session of all layers and one session a layer: nothing of a product depends on the graph around it.
#[test]
fn sessions_of_any_cut_agree() {
	let model = Model::split_as(&checkpoints::model("tiny-chat-nano"), Profile::Int4);
	let rows = model.rows(41);
	let engine = model.whole();
	let run = |engine: &OrtEngine, rows: &[f32]| {
		engine.open(0, 41).unwrap();
		engine.prefill(0, 0, rows).unwrap()
	};
	let whole = run(&engine, &rows);
	let single = (0..model.layers()).fold(rows, |rows, layer| {
		run(&model.engine(layer, layer + 1), &rows)
	});
	assert_eq!(bits(&single), bits(&whole));
}
