//! Attention of a block of queries against the plain rules, and the tiles that it is made of.

use crate::{
	bits,
	reference::{self, Cache},
};
use dllm_model::exact::{
	kernels::{
		attention::Seen,
		block::{attend_block, Block, BlockScratch},
		dispatch::{level, Level},
		tile::{multiply, multiply_on, COLUMNS, ROWS},
	},
	rules::{Tables, QUERY_MAX},
};
use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use std::{cell::RefCell, ops::Range};

/// Runs a block of queries over what the reference has.
fn block(
	queries: &[Vec<i32>],
	factors: &[f32],
	ranges: &[Range<usize>],
	cache: &Cache,
	scratch: &mut BlockScratch,
) -> Vec<f32> {
	let narrow = |rows: &[Vec<i32>]| rows.concat().iter().map(|code| *code as i8).collect();
	let (keys, values): (Vec<i8>, Vec<i8>) = (narrow(&cache.keys), narrow(&cache.values));
	let codes = queries
		.concat()
		.iter()
		.map(|code| *code as i16)
		.collect::<Vec<_>>();
	let block = Block {
		seen: Seen {
			keys: &keys,
			key_scales: &cache.key_scales,
			values: &values,
			value_scales: &cache.value_scales,
		},
		ranges,
		queries: &codes,
		factors,
		width: queries[0].len(),
	};
	let mut out = vec![0.0; codes.len()];
	attend_block(&block, &Tables::default().exponent, scratch, &mut out);
	out
}

/// What one query of a block sees.
fn part(cache: &Cache, range: &Range<usize>) -> Cache {
	Cache {
		keys: cache.keys[range.clone()].to_vec(),
		key_scales: cache.key_scales[range.clone()].to_vec(),
		values: cache.values[range.clone()].to_vec(),
		value_scales: cache.value_scales[range.clone()].to_vec(),
	}
}

#[test]
fn blocks_follow_the_rules() {
	let codes = |width: usize| vec(-127..=127i32, width);
	// Rows that see what came before them, or a window of it, with one to three heads each.
	let cases = (1..80usize, 1..70usize, 1..=70usize, 1..=3usize, 0..70usize);
	let cases = cases.prop_flat_map(move |(width, rows, window, group, earlier)| {
		let keys = earlier + rows;
		(
			vec(vec(-QUERY_MAX..=QUERY_MAX, width), rows * group),
			vec(1e-7f32..1e-4, rows * group),
			vec(codes(width), keys),
			vec(1e-4f32..1.0, keys),
			vec(codes(width), keys),
			vec(1e-4f32..1.0, keys),
			Just((window, group, earlier)),
		)
	});
	let scratch = RefCell::new(BlockScratch::default());
	TestRunner::new(ProptestConfig::with_cases(200))
		.run(
			&cases,
			|(queries, factors, keys, key_scales, values, value_scales, shape)| {
				let (window, group, earlier) = shape;
				let oldest = (earlier + 1_usize).saturating_sub(window);
				let ends = (0..queries.len()).map(|query| earlier + query / group + 1);
				let ranges = ends.map(|end| end.saturating_sub(window) - oldest..end - oldest);
				let ranges = ranges.collect::<Vec<_>>();
				let cache = Cache {
					keys: keys[oldest..].to_vec(),
					key_scales: key_scales[oldest..].to_vec(),
					values: values[oldest..].to_vec(),
					value_scales: value_scales[oldest..].to_vec(),
				};
				let room = &mut scratch.borrow_mut();
				let out = block(&queries, &factors, &ranges, &cache, room);
				let rows = out.chunks(queries[0].len()).zip(&queries).zip(&factors);
				for (((out, query), factor), range) in rows.zip(&ranges) {
					let expected = reference::attend(query, *factor, &part(&cache, range));
					prop_assert_eq!(bits(out), bits(&expected));
				}
				Ok(())
			},
		)
		.unwrap();
}

/// Several blocks of packed keys, a last one that is not whole, and the largest sums in each.
#[test]
fn blocks_over_a_long_context_of_extremes() {
	let rows = 3 * 1_024 + 7;
	let width = 34;
	for (key, value) in [(127, 127), (-127, -127)] {
		let cache = Cache {
			keys: vec![vec![key; width]; rows],
			key_scales: vec![1.0; rows],
			values: vec![vec![value; width]; rows],
			value_scales: (0..rows).map(|row| 0.5 + (row / 1_000) as f32).collect(),
		};
		let queries = vec![vec![QUERY_MAX; width]; 5];
		let ranges = [0..1, 1..900, 2..1_500, 1_400..3_000, 3_000..rows];
		let mut scratch = BlockScratch::default();
		let out = block(&queries, &[1e-9; 5], &ranges, &cache, &mut scratch);
		for ((out, query), range) in out.chunks(width).zip(&queries).zip(&ranges) {
			let expected = reference::attend(query, 1e-9, &part(&cache, range));
			assert_eq!(bits(out), bits(&expected), "{range:?}");
		}
	}
}

#[test]
fn tiles_are_the_same_on_all_vector_units() {
	let code = -i32::from(i16::MAX)..=i32::from(i16::MAX);
	let cases = (0..40usize).prop_flat_map(move |pairs| {
		let codes = |count| vec(code.clone().prop_map(|code| code as i16), count);
		(codes(ROWS * 2 * pairs), codes(2 * pairs * COLUMNS))
	});
	TestRunner::new(ProptestConfig::with_cases(300))
		.run(&cases, |(rows, panel)| {
			let pairs = rows.len() / ROWS;
			let row = |row: usize| &rows[row * pairs..][..pairs];
			let tile = [row(0), row(1), row(2), row(3)];
			let expected = multiply(tile, &panel);
			for (row, sums) in tile.iter().zip(expected) {
				for (column, sum) in sums.into_iter().enumerate() {
					let entry = |at: usize| panel[at / 2 * 2 * COLUMNS + 2 * column + at % 2];
					let products = (0..pairs).map(|at| i64::from(row[at]) * i64::from(entry(at)));
					prop_assert_eq!(sum, products.sum::<i64>() as i32);
				}
			}
			let units = [Level::Plain, Level::Avx2, Level::Avx512];
			for units in units.into_iter().filter(|units| *units <= level()) {
				prop_assert_eq!(multiply_on(units, tile, &panel), expected);
			}
			Ok(())
		})
		.unwrap();
}
