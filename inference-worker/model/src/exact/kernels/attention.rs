//! Attention over a cache of integer codes.

use super::{
	dispatch::dispatched,
	row::{root_mean_square, rounded},
};
use crate::exact::rules::{EXPONENTS, EXP_ONE, SCORE_MAX, SCORE_STEPS};

/// Rows after which 32-bit sums move to 64 bits: 1,024 · 16,383 · 127 < 2^31.
pub const BLOCK_ROWS: usize = 1_024;

/// One head's cached keys and values, as far as a query sees them.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
	/// `[rows, width]`.
	pub keys: &'a [i8],
	/// `[rows]`.
	pub key_scales: &'a [f32],
	/// `[rows, width]`.
	pub values: &'a [i8],
	/// `[rows]`.
	pub value_scales: &'a [f32],
}

/// Room for one head's attention, kept between calls.
#[derive(Default)]
pub struct Scratch {
	scores: Vec<i32>,
	sums: Vec<i32>,
	wide: Vec<i64>,
}

dispatched! {
	/// Turns a head by the angles of its position, in halves (rule P).
	rotate = rotate_body(head: &mut [f32], cos: &[f32], sin: &[f32])
}

#[inline(always)]
fn rotate_body(head: &mut [f32], cos: &[f32], sin: &[f32]) {
	let (first, second) = head.split_at_mut(cos.len());
	for (((a, b), cos), sin) in first.iter_mut().zip(second).zip(cos).zip(sin) {
		let (x, y) = (*a, *b);
		*a = x * cos - y * sin;
		*b = y * cos + x * sin;
	}
}

dispatched! {
	/// Norms a head (rule H).
	norm_head = norm_head_body(head: &mut [f32], weights: &[f32], epsilon: f32)
}

#[inline(always)]
fn norm_head_body(head: &mut [f32], weights: &[f32], epsilon: f32) {
	let root = root_mean_square(head, epsilon);
	for (value, weight) in head.iter_mut().zip(weights) {
		*value = *value / root * weight;
	}
}

/// One query head over what it sees: `[width]` (rules A1 to A5). `factor` is the query's scale times
/// 1/√width.
pub fn attend(
	query: &[i16],
	factor: f32,
	seen: Seen<'_>,
	exponent: &[i32; EXPONENTS],
	scratch: &mut Scratch,
	out: &mut [f32],
) {
	scratch.scores.resize(seen.key_scales.len(), 0);
	scratch.sums.resize(out.len(), 0);
	scratch.wide.resize(out.len(), 0);
	score(
		query,
		factor,
		seen.keys,
		seen.key_scales,
		&mut scratch.scores,
	);
	mix(seen.values, seen.value_scales, exponent, scratch, out);
}

dispatched! {
	/// Scores in steps, `[rows]` (rule A1).
	score = score_body(query: &[i16], factor: f32, keys: &[i8], scales: &[f32], scores: &mut [i32])
}

#[inline(always)]
fn score_body(query: &[i16], factor: f32, keys: &[i8], scales: &[f32], scores: &mut [i32]) {
	for ((score, key), scale) in scores
		.iter_mut()
		.zip(keys.chunks_exact(query.len()))
		.zip(scales)
	{
		let dot = query
			.iter()
			.zip(key)
			.map(|(q, k)| i32::from(*q).wrapping_mul(i32::from(i16::from(*k))))
			.fold(0, i32::wrapping_add);
		let steps = dot as f32 * scale * factor * SCORE_STEPS;
		*score = rounded(steps.clamp(-SCORE_MAX, SCORE_MAX));
	}
}

/// Turns scores into exponents and gives their sum (rule A2).
#[inline(always)]
pub fn exponents_body(scores: &mut [i32], exponent: &[i32; EXPONENTS]) -> i64 {
	const LAST: u32 = EXPONENTS as u32 - 1;
	let best = scores.iter().copied().fold(i32::MIN, i32::max);
	let mut total = 0;
	for scores in scores.chunks_mut(BLOCK_ROWS) {
		// So many exponents add up inside 32 bits.
		let mut sum = 0i32;
		for score in scores {
			// No score is above the best, so no distance is negative.
			*score = exponent[(best.wrapping_sub(*score) as u32).min(LAST) as usize];
			sum = sum.wrapping_add(*score);
		}
		total = i64::wrapping_add(total, sum.into());
	}
	total
}

dispatched! {
	/// The largest of scales, which are positive: their bits are ordered like them.
	largest_scale = largest_body(scales: &[f32]) -> f32
}

#[inline(always)]
fn largest_body(scales: &[f32]) -> f32 {
	let bits = scales.iter().map(|scale| scale.to_bits() as i32);
	f32::from_bits(bits.fold(0, i32::max) as u32)
}

dispatched! {
	/// Mixes the values by the exponents of the scores (rules A2 to A5).
	mix = mix_body(values: &[i8], scales: &[f32], exponent: &[i32; EXPONENTS], scratch: &mut Scratch, out: &mut [f32])
}

#[inline(always)]
fn mix_body(
	values: &[i8],
	scales: &[f32],
	exponent: &[i32; EXPONENTS],
	scratch: &mut Scratch,
	out: &mut [f32],
) {
	let Scratch { scores, sums, wide } = scratch;
	let total = exponents_body(scores, exponent);
	let largest = largest_body(scales);
	for (weight, scale) in scores.iter_mut().zip(scales) {
		*weight = rounded(*weight as f32 * (scale / largest));
		debug_assert!((0..=EXP_ONE).contains(weight));
	}

	wide.fill(0);
	let blocks = scores
		.chunks(BLOCK_ROWS)
		.zip(values.chunks(BLOCK_ROWS * out.len()));
	for (weights, rows) in blocks {
		sums.fill(0);
		for (weight, row) in weights.iter().zip(rows.chunks_exact(out.len())) {
			if *weight == 0 {
				continue;
			}
			let weight = *weight as i16;
			for (sum, value) in sums.iter_mut().zip(row) {
				*sum =
					sum.wrapping_add(i32::from(weight).wrapping_mul(i32::from(i16::from(*value))));
			}
		}
		for (wide, sum) in wide.iter_mut().zip(sums.iter()) {
			*wide = wide.wrapping_add(i64::from(*sum));
		}
	}
	let factor = largest / total as f32;
	for (out, sum) in out.iter_mut().zip(wide.iter()) {
		*out = *sum as f32 * factor;
	}
}
