//! Rows into codes, and sums of products into rows.
//!
//! Integers are added and multiplied without checks, which keep loops from being vectorised: every
//! bound is stated in `rules.rs` or beside the loop.

use super::dispatch::dispatched;
use crate::exact::rules::{ACTIVATION_MAX, LIMB_BITS, MAGNITUDE, NORM_MAX, ZERO_POINT};

/// 1.5 · 2^23: adding it leaves no fraction bits, so the sum is rounded half to even.
const ROUNDER: f32 = 12_582_912.0;

/// The nearest integer, half to even, of a value between −2^22 and 2^22.
#[inline(always)]
pub fn rounded(value: f32) -> i32 {
	let bits = (value + ROUNDER).to_bits();
	bits.wrapping_sub(ROUNDER.to_bits()) as i32
}

/// Largest magnitude, within [`MAGNITUDE`]. Bits of magnitudes are ordered like the magnitudes.
#[inline(always)]
pub fn magnitude(row: &[f32]) -> f32 {
	let largest = row
		.iter()
		.map(|value| (value.to_bits() & 0x7fff_ffff) as i32)
		.fold(0, i32::max);
	f32::from_bits(largest as u32).clamp(MAGNITUDE[0], MAGNITUDE[1])
}

/// Code of one value under an inverse scale.
#[inline(always)]
fn code(value: f32, inverse: f32, bound: f32) -> i32 {
	rounded((value * inverse).clamp(-bound, bound))
}

dispatched! {
	/// Signed codes of a row up to ±`bound`, and their scale (rule Q).
	signed_codes = signed_codes_body(row: &[f32], bound: i32, codes: &mut [i16]) -> f32
}

#[inline(always)]
fn signed_codes_body(row: &[f32], bound: i32, codes: &mut [i16]) -> f32 {
	let magnitude = magnitude(row);
	let bound = bound as f32;
	let inverse = bound / magnitude;
	for (code_out, value) in codes.iter_mut().zip(row) {
		*code_out = code(*value, inverse, bound) as i16;
	}
	magnitude / bound
}

dispatched! {
	/// Unsigned codes of a row in one or two limbs (`low` empty for one), and their scale (rules Q, L).
	quantise = quantise_body(row: &[f32], high: &mut [u8], low: &mut [u8]) -> f32
}

#[inline(always)]
fn quantise_body(row: &[f32], high: &mut [u8], low: &mut [u8]) -> f32 {
	let magnitude = magnitude(row);
	let bound = ACTIVATION_MAX[usize::from(!low.is_empty())] as f32;
	let inverse = bound / magnitude;
	if low.is_empty() {
		for (code_out, value) in high.iter_mut().zip(row) {
			*code_out = code(*value, inverse, bound).wrapping_add(ZERO_POINT) as u8;
		}
		return magnitude / bound;
	}
	const HALF: i32 = 1 << (LIMB_BITS - 1);
	for ((high, low), value) in high.iter_mut().zip(low).zip(row) {
		let shifted = code(*value, inverse, bound).wrapping_add((ZERO_POINT << LIMB_BITS) + HALF);
		*high = (shifted >> LIMB_BITS) as u8;
		*low = (shifted & ((1 << LIMB_BITS) - 1)).wrapping_add(ZERO_POINT - HALF) as u8;
	}
	magnitude / bound
}

dispatched! {
	/// Norm of a row, weighted and quantised: the scale that goes with the codes (rules N, Q, L).
	/// `weighted` is room for a row.
	prepare = prepare_body(
		row: &[f32],
		weights: &[f32],
		epsilon: f32,
		weighted: &mut [f32],
		high: &mut [u8],
		low: &mut [u8],
	) -> f32
}

#[inline(always)]
fn prepare_body(
	row: &[f32],
	weights: &[f32],
	epsilon: f32,
	weighted: &mut [f32],
	high: &mut [u8],
	low: &mut [u8],
) -> f32 {
	let root = root_mean_square(row, epsilon);
	for ((out, value), weight) in weighted.iter_mut().zip(row).zip(weights) {
		*out = value * weight;
	}
	quantise_body(weighted, high, low) / root
}

/// Square root of the mean square plus `epsilon` (rule N).
#[inline(always)]
pub fn root_mean_square(row: &[f32], epsilon: f32) -> f32 {
	let magnitude = magnitude(row);
	let bound = NORM_MAX as f32;
	let inverse = bound / magnitude;
	let squares = row
		.iter()
		.map(|value| {
			let code = i64::from(code(*value, inverse, bound));
			code.wrapping_mul(code)
		})
		.fold(0, i64::wrapping_add);
	let mean = squares as f32 / row.len() as f32;
	let step = magnitude / bound;
	(mean * step * step + epsilon).sqrt()
}

dispatched! {
	/// Values of a projection from its sums; `low` is empty for one limb (rules L, S).
	scale = scale_body(high: &[i32], low: &[i32], weights: &[f32], activation: f32, out: &mut [f32])
}

#[inline(always)]
pub fn scale_body(high: &[i32], low: &[i32], weights: &[f32], activation: f32, out: &mut [f32]) {
	if low.is_empty() {
		for ((out, sum), weight) in out.iter_mut().zip(high).zip(weights) {
			*out = *sum as f32 * weight * activation;
		}
		return;
	}
	for (((out, high), low), weight) in out.iter_mut().zip(high).zip(low).zip(weights) {
		*out = joined(*high, *low) * weight * activation;
	}
}

/// Upper and lower limb's sums as one number, rounded once: the sum is exact in 64-bit floats.
#[inline(always)]
fn joined(high: i32, low: i32) -> f32 {
	(f64::from(high) * f64::from(1 << LIMB_BITS) + f64::from(low)) as f32
}

dispatched! {
	/// Adds the values of a projection to a residual row (rules L, S, R).
	add = add_body(
		residual: &[f32],
		high: &[i32],
		low: &[i32],
		weights: &[f32],
		activation: f32,
		out: &mut [f32],
	)
}

#[inline(always)]
fn add_body(
	residual: &[f32],
	high: &[i32],
	low: &[i32],
	weights: &[f32],
	activation: f32,
	out: &mut [f32],
) {
	scale_body(high, low, weights, activation, out);
	for (out, value) in out.iter_mut().zip(residual) {
		*out += value;
	}
}
