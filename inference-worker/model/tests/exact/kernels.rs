//! The kernels against the plain rules, on random rows and on the largest sums that can occur.

use crate::{
	bits,
	reference::{self, Cache},
};
use dllm_model::{
	engine::{runtime, InMemoryModel},
	exact::{
		kernels::{
			add,
			attention::{attend, Scratch, Seen},
			gate, prepare, quantise, scale,
		},
		rules::{Tables, ACTIVATION_MAX, EXP_ONE, MAX_INPUTS, QUERY_MAX, WEIGHT_MAX},
	},
	numerics::Numerics,
	splitter::{
		graph::{model_of, Dim, Graph},
		onnx::{INT32, INT8, UINT8},
		MAX_CONTEXT,
	},
};
use dllm_primitives::model::Profile;
use ort::value::Tensor;
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use prost::Message;

/// Rows with outliers, tiny and huge values.
fn row(width: impl Into<prop::collection::SizeRange>) -> impl Strategy<Value = Vec<f32>> {
	let value = prop_oneof![
		8 => -4.0f32..4.0,
		2 => -300.0f32..300.0,
		1 => prop::num::f32::NORMAL.prop_map(|value| value.clamp(-1e18, 1e18)),
		1 => Just(0.0f32),
		1 => Just(-0.0f32),
	];
	vec(value, width)
}

/// Signed codes out of the limbs that a kernel wrote.
fn joined(high: &[u8], low: &[u8]) -> Vec<i32> {
	let upper = high.iter().map(|code| i32::from(*code) - 128);
	match low.is_empty() {
		true => upper.collect(),
		false => upper
			.zip(low)
			.map(|(high, low)| high * 128 + i32::from(*low) - 128)
			.collect(),
	}
}

fn limbs_room(limbs: usize, width: usize) -> (Vec<u8>, Vec<u8>) {
	(vec![0; width], vec![0; if limbs == 2 { width } else { 0 }])
}

#[test]
fn codes_follow_the_rules() {
	TestRunner::new(ProptestConfig::with_cases(2_000))
		.run(&(row(1..200usize), 1..=2usize), |(row, limbs)| {
			let (mut high, mut low) = limbs_room(limbs, row.len());
			let scale = quantise(&row, &mut high, &mut low);
			let (codes, expected) = reference::codes(&row, ACTIVATION_MAX[limbs - 1]);
			prop_assert_eq!(scale.to_bits(), expected.to_bits());
			prop_assert_eq!(joined(&high, &low), codes);
			Ok(())
		})
		.unwrap();
}

#[test]
fn norms_follow_the_rules() {
	let cases = (1..200usize).prop_flat_map(|width| (row(width), row(width), 1..=2usize));
	TestRunner::new(ProptestConfig::with_cases(2_000))
		.run(&cases, |(row, weights, limbs)| {
			let weights = weights
				.iter()
				.map(|weight| weight.clamp(-50.0, 50.0))
				.collect::<Vec<_>>();
			let (mut high, mut low) = limbs_room(limbs, row.len());
			let mut room = vec![0.0; row.len()];
			let scale = prepare(&row, &weights, 1e-5, &mut room, &mut high, &mut low);
			let (codes, expected) = reference::prepare(&row, &weights, 1e-5, limbs);
			prop_assert_eq!(scale.to_bits(), expected.to_bits());
			prop_assert_eq!(joined(&high, &low), codes);
			Ok(())
		})
		.unwrap();
}

/// Sums of two limbs, scales, and the scale of the row.
type Projection = (Vec<(i32, i32, f32)>, f32, usize);

fn projection() -> impl Strategy<Value = Projection> {
	const MOST: i32 = 14_336 * 255 * 63;
	(
		vec((-MOST..=MOST, -MOST..=MOST, 1e-6f32..1e-1), 2..120),
		1e-7f32..1.0,
		1..=2usize,
	)
}

#[test]
fn sums_are_scaled_and_added_by_the_rules() {
	TestRunner::new(ProptestConfig::with_cases(2_000))
		.run(&projection(), |(sums, activation, limbs)| {
			let high = sums.iter().map(|sum| sum.0).collect::<Vec<_>>();
			let low = sums
				.iter()
				.filter(|_| limbs == 2)
				.map(|sum| sum.1)
				.collect::<Vec<_>>();
			let weights = sums.iter().map(|sum| sum.2).collect::<Vec<_>>();
			let expected = sums.iter().map(|(high, low, weight)| {
				reference::value(*high, (limbs == 2).then_some(*low), *weight, activation)
			});
			let expected = expected.collect::<Vec<_>>();
			let mut out = vec![0.0; sums.len()];
			scale(&high, &low, &weights, activation, &mut out);
			prop_assert_eq!(bits(&out), bits(&expected));

			let before = weights
				.iter()
				.map(|weight| weight * 77.0 - 1.0)
				.collect::<Vec<_>>();
			add(&before, &high, &low, &weights, activation, &mut out);
			let expected = expected
				.iter()
				.zip(&before)
				.map(|(value, before)| value + before);
			prop_assert_eq!(bits(&out), bits(&expected.collect::<Vec<_>>()));
			Ok(())
		})
		.unwrap();
}

#[test]
fn gates_follow_the_rules() {
	let tables = Tables::default();
	TestRunner::new(ProptestConfig::with_cases(2_000))
		.run(
			&(projection(), 1..=2usize),
			|((mut sums, activation, limbs), next)| {
				sums.truncate(sums.len() / 2 * 2);
				let width = sums.len() / 2;
				let high = sums.iter().map(|sum| sum.0 / 64).collect::<Vec<_>>();
				let low = sums
					.iter()
					.filter(|_| limbs == 2)
					.map(|sum| sum.1)
					.collect::<Vec<_>>();
				let weights = sums.iter().map(|sum| sum.2).collect::<Vec<_>>();
				let value = |at: usize| {
					let low = low.get(at).copied();
					reference::value(high[at], low, weights[at], activation)
				};
				let products = (0..width).map(|at| reference::gated(value(at), value(at + width)));
				let (codes, expected) =
					reference::codes(&products.collect::<Vec<_>>(), ACTIVATION_MAX[next - 1]);
				let (mut upper, mut lower) = limbs_room(next, width);
				let mut room = vec![0.0; 2 * width];
				let sigmoid = &tables.sigmoid;
				let scale = gate(
					&high, &low, &weights, activation, sigmoid, &mut room, &mut upper, &mut lower,
				);
				prop_assert_eq!(scale.to_bits(), expected.to_bits());
				prop_assert_eq!(joined(&upper, &lower), codes);
				Ok(())
			},
		)
		.unwrap();
}

/// Runs the kernel on what the reference has.
fn kernel(query: &[i32], factor: f32, cache: &Cache) -> Vec<f32> {
	let narrow = |rows: &[Vec<i32>]| {
		rows.iter()
			.flatten()
			.map(|code| *code as i8)
			.collect::<Vec<_>>()
	};
	let (keys, values) = (narrow(&cache.keys), narrow(&cache.values));
	let query = query.iter().map(|code| *code as i16).collect::<Vec<_>>();
	let seen = Seen {
		keys: &keys,
		key_scales: &cache.key_scales,
		values: &values,
		value_scales: &cache.value_scales,
	};
	let mut out = vec![0.0; query.len()];
	// What an earlier head left behind does not matter.
	let mut scratch = Scratch::default();
	for _ in 0..2 {
		attend(
			&query,
			factor,
			seen,
			&Tables::default().exponent,
			&mut scratch,
			&mut out,
		);
	}
	out
}

#[test]
fn attention_follows_the_rules() {
	let codes = |width: usize| vec(-127..=127i32, width);
	let cases = (1..80usize, 1..70usize).prop_flat_map(move |(width, rows)| {
		(
			vec(-QUERY_MAX..=QUERY_MAX, width),
			1e-7f32..1e-4,
			vec(codes(width), rows),
			vec(1e-4f32..1.0, rows),
			vec(codes(width), rows),
			vec(1e-4f32..1.0, rows),
		)
	});
	TestRunner::new(ProptestConfig::with_cases(500))
		.run(
			&cases,
			|(query, factor, keys, key_scales, values, value_scales)| {
				let cache = Cache {
					keys,
					key_scales,
					values,
					value_scales,
				};
				let expected = reference::attend(&query, factor, &cache);
				prop_assert_eq!(bits(&kernel(&query, factor, &cache)), bits(&expected));
				Ok(())
			},
		)
		.unwrap();
}

#[test]
fn attention_over_a_long_context_of_extremes() {
	let rows = 2 * MAX_CONTEXT as usize + 3;
	for (key, value) in [(127, 127), (-127, -127)] {
		let cache = Cache {
			keys: vec![vec![key; 256]; rows],
			key_scales: vec![1.0; rows],
			values: vec![vec![value; 256]; rows],
			value_scales: vec![0.5; rows],
		};
		let query = vec![QUERY_MAX; 256];
		let expected = reference::attend(&query, 1e-9, &cache);
		assert_eq!(expected[0], value as f32 * 0.5);
		assert_eq!(bits(&kernel(&query, 1e-9, &cache)), bits(&expected));
	}
}

#[test]
fn bounds_of_integer_sums() {
	let most = i64::from(i32::MAX);
	// A projection: any activation times any weight, over the longest row.
	assert!(i64::from(MAX_INPUTS) * 255 * i64::from(WEIGHT_MAX) < most);
	// A pair of products, which AVX2 adds in 16 bits.
	assert!(2 * 255 * WEIGHT_MAX <= i32::from(i16::MAX));
	assert!(2 * 127 * 128 <= i32::from(i16::MAX));
	// A score: query and key codes over the widest head.
	assert!(256 * i64::from(QUERY_MAX) * 127 < most);
	// A block of the mixture, in the kernel, and a limb of it in standard operators.
	assert!(1_024 * i64::from(EXP_ONE) * 127 < most);
	assert!(i64::from(MAX_INPUTS) * 127 * 128 < most);
	const { assert!(MAX_CONTEXT <= MAX_INPUTS) };
}

#[test]
fn tables_are_what_they_claim() {
	let tables = Tables::default();
	assert_eq!(tables.exponent[0], EXP_ONE);
	assert_eq!(tables.exponent.last(), Some(&0));
	assert!(tables.exponent.windows(2).all(|pair| pair[0] >= pair[1]));
	assert_eq!(tables.exponent.len(), 2_663);
	assert_eq!(tables.sigmoid.len(), 4_097);
	assert_eq!(tables.sigmoid[2_048], 0.5);
	// Near 1 neighbours are the same float.
	assert!(tables.sigmoid.windows(2).all(|pair| pair[0] <= pair[1]));
}

/// The library's own product, at the largest sums of a row of 14,336 and on one row as on several.
#[test]
fn integer_products_of_the_library_are_exact() {
	const INPUTS: usize = 14_336;
	let columns = [63i8, -63, 1];
	let mut weights = Vec::new();
	for input in 0..INPUTS {
		let alternating = if input % 2 == 0 { 63 } else { -63 };
		weights.extend(columns.map(|code| code as u8));
		weights.push(alternating as u8);
	}
	let mut graph = Graph::new("product");
	graph.input("codes", UINT8, &[Dim::Open("rows"), Dim::Is(INPUTS as u32)]);
	graph.output("sums", INT32, &[Dim::Open("rows"), Dim::Is(4)]);
	graph.tensor("weights", INT8, &[INPUTS as u32, 4], weights);
	graph.tensor("zero", UINT8, &[], vec![128]);
	let inputs = ["codes", "weights", "zero"];
	graph.node("", "MatMulInteger", &inputs, &["sums"], &[]);
	let model = InMemoryModel {
		graph: model_of(graph.graph).encode_to_vec(),
		buffers: Vec::new(),
		folder: None,
		operators: None,
	};
	let numerics = Numerics::of(Profile::Exact);
	let mut session = runtime().unwrap().session(&model, numerics).unwrap();
	for rows in [vec![255u8], vec![1], vec![255, 1, 128], vec![255; 40]] {
		let codes = rows
			.iter()
			.flat_map(|code| vec![*code; INPUTS])
			.collect::<Vec<_>>();
		let input = Tensor::from_array(([rows.len(), INPUTS], codes)).unwrap();
		let output = session.run(ort::inputs!["codes" => input]).unwrap();
		let sums = output["sums"].try_extract_tensor::<i32>().unwrap().1;
		for (code, sums) in rows.iter().zip(sums.chunks(4)) {
			let value = i32::from(*code) - 128;
			let all = INPUTS as i32 * value;
			assert_eq!(sums, [63 * all, -63 * all, all, 0]);
		}
	}
}
