//! Attention of many queries over the same keys: rules A1 to A5, a block of rows at once.
//!
//! One query at a time reads every key for itself; here keys and values are packed once for all queries
//! of a block, and products run in tiles. Steps, exponents and weights follow query by query.

use super::{
	attention::{exponents_body, largest_scale, Seen, BLOCK_ROWS},
	dispatch::dispatched,
	row::rounded,
	tile::{multiply, pack_rows, pack_rows_as_columns, packed_len, Sums, COLUMNS, ROWS},
};
use crate::exact::rules::{EXPONENTS, SCORE_HIDDEN, SCORE_MAX, SCORE_STEPS};
use std::ops::Range;

/// Queries over one head's keys and values.
pub struct Block<'a> {
	/// Keys and values that at least one query sees.
	pub seen: Seen<'a>,
	/// What each query sees of them; starts and ends never decrease, and none is empty.
	pub ranges: &'a [Range<usize>],
	/// Codes, `[queries, width]`.
	pub queries: &'a [i16],
	/// Scale of each query times 1/√width.
	pub factors: &'a [f32],
	/// Entries of a head.
	pub width: usize,
}

/// Room for a block, kept between calls.
#[derive(Default)]
pub struct BlockScratch {
	/// Keys, then values, of up to [`BLOCK_ROWS`] rows.
	packed: Vec<i16>,
	/// Queries with a row of an even length each, and whole tiles of them.
	queries: Vec<i16>,
	/// Key scales, whole panels of them.
	scales: Vec<f32>,
	/// Scores in steps, `[queries, keys]`.
	scores: Vec<i32>,
	/// Weights, `[queries, keys]`, 0 for what a query does not see.
	weights: Vec<i16>,
	/// What each query's mixture is to be multiplied by.
	factors: Vec<f32>,
	/// Value scales over the largest that is seen.
	ratios: Vec<f32>,
	/// Mixtures, `[queries, columns]`.
	mixed: Vec<i64>,
}

/// Attends with every query: `out` takes `[queries, width]`.
pub fn attend_block(
	block: &Block<'_>,
	exponent: &[i32; EXPONENTS],
	scratch: &mut BlockScratch,
	out: &mut [f32],
) {
	let shape = Shape::of(block);
	shape.make_room(scratch);
	for (room, query) in scratch
		.queries
		.chunks_exact_mut(2 * shape.pairs)
		.zip(block.queries.chunks_exact(block.width))
	{
		room[..block.width].copy_from_slice(query);
	}
	scratch.scales.extend_from_slice(block.seen.key_scales);
	scratch.scales.resize(shape.keys, 0.0);
	for first in (0..shape.keys).step_by(BLOCK_ROWS) {
		score_keys(block, &shape, first, scratch);
	}
	weigh_queries(block, &shape, exponent, scratch);
	for first in (0..shape.keys).step_by(BLOCK_ROWS) {
		mix_values(block, &shape, first, scratch);
	}
	let mixed = scratch.mixed.chunks_exact(shape.columns);
	for ((out, mixed), factor) in out
		.chunks_exact_mut(block.width)
		.zip(mixed)
		.zip(&scratch.factors)
	{
		values_of(mixed, *factor, out);
	}
}

/// Sizes of a block, with what fills it up to whole tiles.
struct Shape {
	/// Queries, whole tiles of them.
	queries: usize,
	/// Keys, whole panels of them: the length of a row of scores.
	keys: usize,
	/// Pairs of a query's entries.
	pairs: usize,
	/// A head's entries, whole panels of them.
	columns: usize,
}

impl Shape {
	fn of(block: &Block<'_>) -> Self {
		Self {
			queries: block.factors.len().next_multiple_of(ROWS),
			keys: block.seen.key_scales.len().next_multiple_of(COLUMNS),
			pairs: block.width.div_ceil(2),
			columns: block.width.next_multiple_of(COLUMNS),
		}
	}

	fn make_room(&self, scratch: &mut BlockScratch) {
		scratch.queries.clear();
		scratch.queries.resize(self.queries * 2 * self.pairs, 0);
		scratch.scales.clear();
		scratch.scores.resize(self.queries * self.keys, 0);
		scratch.weights.clear();
		scratch.weights.resize(self.queries * self.keys, 0);
		scratch.factors.clear();
		scratch.ratios.resize(self.keys, 0.0);
		scratch.mixed.clear();
		scratch.mixed.resize(self.queries * self.columns, 0);
	}
}

/// Rows of a buffer that one tile of queries has.
fn tile_rows(buffer: &[i16], first: usize, width: usize, part: Range<usize>) -> [&[i16]; ROWS] {
	std::array::from_fn(|row| &buffer[(first + row) * width..][..width][part.clone()])
}

/// What a tile of queries sees together, within `of`, relative to its start.
fn tile_range(ranges: &[Range<usize>], first: usize, of: &Range<usize>) -> Range<usize> {
	let last = (first + ROWS).min(ranges.len()) - 1;
	let clip = |at: usize| at.clamp(of.start, of.end) - of.start;
	clip(ranges[first].start)..clip(ranges[last].end)
}

/// Scores of the keys from `first` on, up to [`BLOCK_ROWS`] of them (rule A1).
fn score_keys(block: &Block<'_>, shape: &Shape, first: usize, scratch: &mut BlockScratch) {
	let (seen, width) = (&block.seen, block.width);
	let last = (first + BLOCK_ROWS).min(seen.key_scales.len());
	let packed = packed_len(last - first, shape.pairs);
	scratch.packed.resize(packed, 0);
	let keys = &seen.keys[first * width..last * width];
	pack_rows_as_columns(keys, width, &mut scratch.packed);
	for tile in (0..block.factors.len()).step_by(ROWS) {
		let range = tile_range(block.ranges, tile, &(first..last));
		let rows = tile_rows(&scratch.queries, tile, 2 * shape.pairs, 0..2 * shape.pairs);
		let panels = scratch.packed.chunks_exact(shape.pairs * 2 * COLUMNS);
		let whole = scratch.scales[first..].as_chunks().0;
		for ((panel, packed), scales) in panels.enumerate().zip(whole) {
			let at = panel * COLUMNS;
			if at + COLUMNS <= range.start || at >= range.end {
				continue;
			}
			let sums = multiply(rows, packed);
			let factors = &block.factors[tile..(tile + ROWS).min(block.factors.len())];
			let scores = &mut scratch.scores[tile * shape.keys + first + at..];
			steps(&sums, scales, factors, scores, shape.keys);
		}
	}
}

dispatched! {
	/// Scores in steps from the products of a tile, into rows that are `stride` apart.
	steps = steps_body(
		sums: &Sums,
		scales: &[f32; COLUMNS],
		factors: &[f32],
		scores: &mut [i32],
		stride: usize,
	)
}

#[inline(always)]
fn steps_body(
	sums: &Sums,
	scales: &[f32; COLUMNS],
	factors: &[f32],
	scores: &mut [i32],
	stride: usize,
) {
	let rows = scores.chunks_mut(stride).zip(sums).zip(factors);
	for ((scores, sums), factor) in rows {
		let Some(scores) = scores.first_chunk_mut::<COLUMNS>() else {
			continue;
		};
		for column in 0..COLUMNS {
			let steps = sums[column] as f32 * scales[column] * factor * SCORE_STEPS;
			scores[column] = rounded(steps.clamp(-SCORE_MAX, SCORE_MAX));
		}
	}
}

/// Weights of what each query sees, and what its mixture is worth (rules A2, A3).
fn weigh_queries(
	block: &Block<'_>,
	shape: &Shape,
	exponent: &[i32; EXPONENTS],
	scratch: &mut BlockScratch,
) {
	let scales = block.seen.value_scales;
	let (mut largest, mut before, mut of) = (0.0, 0..0, None);
	for (query, range) in block.ranges.iter().enumerate() {
		// What the query before saw from the same start on needs no second look.
		largest = match range.start == before.start {
			true => largest_scale(&scales[before.end..range.end]).max(largest),
			false => largest_scale(&scales[range.clone()]),
		};
		before = range.clone();
		if of != Some(largest) {
			of = Some(largest);
			divide(scales, largest, &mut scratch.ratios);
		}
		// Whole panels, in which what the query does not see counts nothing.
		let whole = range.start / COLUMNS * COLUMNS..range.end.next_multiple_of(COLUMNS);
		let row = query * shape.keys;
		let scores = &mut scratch.scores[row..row + shape.keys];
		scores[whole.start..range.start].fill(SCORE_HIDDEN);
		scores[range.end..whole.end].fill(SCORE_HIDDEN);
		let weights = &mut scratch.weights[row..row + shape.keys];
		let total = weigh(
			scores[whole.clone()].as_chunks_mut().0,
			scratch.ratios[whole.clone()].as_chunks().0,
			exponent,
			weights[whole].as_chunks_mut().0,
		);
		scratch.factors.push(largest / total as f32);
	}
}

dispatched! {
	/// Every scale over the largest.
	divide = divide_body(scales: &[f32], largest: f32, ratios: &mut [f32])
}

#[inline(always)]
fn divide_body(scales: &[f32], largest: f32, ratios: &mut [f32]) {
	for (ratio, scale) in ratios.iter_mut().zip(scales) {
		*ratio = scale / largest;
	}
}

dispatched! {
	/// Weights of one query's scores; gives the sum of the exponents.
	weigh = weigh_body(
		scores: &mut [[i32; COLUMNS]],
		ratios: &[[f32; COLUMNS]],
		exponent: &[i32; EXPONENTS],
		weights: &mut [[i16; COLUMNS]],
	) -> i64
}

#[inline(always)]
fn weigh_body(
	scores: &mut [[i32; COLUMNS]],
	ratios: &[[f32; COLUMNS]],
	exponent: &[i32; EXPONENTS],
	weights: &mut [[i16; COLUMNS]],
) -> i64 {
	let total = exponents_body(scores.as_flattened_mut(), exponent);
	for ((exponents, ratios), weights) in scores.iter().zip(ratios).zip(weights) {
		for column in 0..COLUMNS {
			weights[column] = rounded(exponents[column] as f32 * ratios[column]) as i16;
		}
	}
	total
}

/// Adds the values from row `first` on, up to [`BLOCK_ROWS`] of them, to the mixtures (rule A4).
fn mix_values(block: &Block<'_>, shape: &Shape, first: usize, scratch: &mut BlockScratch) {
	let width = block.width;
	let last = (first + BLOCK_ROWS).min(block.seen.value_scales.len());
	let pairs = (last - first).div_ceil(2);
	scratch.packed.resize(packed_len(width, pairs), 0);
	pack_rows(
		&block.seen.values[first * width..last * width],
		width,
		&mut scratch.packed,
	);
	for tile in (0..block.factors.len()).step_by(ROWS) {
		let range = tile_range(block.ranges, tile, &(first..last));
		if range.is_empty() {
			continue;
		}
		let (from, to) = (range.start / 2, range.end.div_ceil(2));
		let part = first + 2 * from..first + 2 * to;
		let rows = tile_rows(&scratch.weights, tile, shape.keys, part);
		for (panel, packed) in scratch.packed.chunks_exact(pairs * 2 * COLUMNS).enumerate() {
			let sums = multiply(rows, &packed[from * 2 * COLUMNS..to * 2 * COLUMNS]);
			let at = tile * shape.columns + panel * COLUMNS;
			add_sums(&sums, &mut scratch.mixed[at..], shape.columns);
		}
	}
}

dispatched! {
	/// Adds a tile to rows that are `stride` apart.
	add_sums = add_sums_body(sums: &Sums, mixed: &mut [i64], stride: usize)
}

#[inline(always)]
fn add_sums_body(sums: &Sums, mixed: &mut [i64], stride: usize) {
	for (mixed, sums) in mixed.chunks_mut(stride).zip(sums) {
		for (mixed, sum) in mixed.iter_mut().zip(sums) {
			*mixed = mixed.wrapping_add(i64::from(*sum));
		}
	}
}

dispatched! {
	/// Values of a mixture (rule A5).
	values_of = values_of_body(mixed: &[i64], factor: f32, out: &mut [f32])
}

#[inline(always)]
fn values_of_body(mixed: &[i64], factor: f32, out: &mut [f32]) {
	for (out, sum) in out.iter_mut().zip(mixed) {
		*out = *sum as f32 * factor;
	}
}
