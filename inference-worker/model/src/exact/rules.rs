//! Constants and tables of the exact profile; `docs/exact-profile.md` says what each is for.
//!
//! A change of any of them changes bytes, and with them the numerics class: then [`NAME`] changes too.

use crate::portable_math::exp;
use std::sync::Arc;

/// Names these rules inside a class id.
pub const NAME: &str = "exact/1";

/// Largest weight code: with activations up to 255, a pair of products stays inside 16 bits, in which
/// AVX2 adds pairs (2 · 255 · 63 = 32,130).
pub const WEIGHT_MAX: i32 = 63;
/// What is added to activation codes so that they are unsigned.
pub const ZERO_POINT: i32 = 128;
/// Bits of the lower limb of an activation of two limbs.
pub const LIMB_BITS: u32 = 7;
/// Largest activation code of one limb, and of two: 127 · 128.
pub const ACTIVATION_MAX: [i32; 2] = [127, 16_256];
/// Largest code in the sum of squares of a norm.
pub const NORM_MAX: i32 = 32_767;
/// Largest query code: limbs of 7 bits each, upper 1..=127 around 64.
pub const QUERY_MAX: i32 = 8_064;
/// Largest key or value code.
pub const CACHE_MAX: i32 = 127;

/// Bounds of the largest magnitude of a row, so that scales and their inverses are finite and normal.
pub const MAGNITUDE: [f32; 2] = [
	f32::from_bits((127 - 60) << 23),
	f32::from_bits((127 + 60) << 23),
];
/// Bounds of the scales of weights; with [`MAGNITUDE`], a scaled sum is always finite.
pub const WEIGHT_SCALE: [f32; 2] = [
	f32::from_bits((127 - 40) << 23),
	f32::from_bits((127 + 30) << 23),
];

/// Steps of attention scores per unit.
pub const SCORE_STEPS: f32 = 256.0;
/// Largest score, in steps.
pub const SCORE_MAX: f32 = 2_097_152.0;
/// Score of a row that a query may not see; far below any that it may.
pub const SCORE_HIDDEN: i32 = -(1 << 30);
/// What e^0 is in the exponent table: two limbs of 7 bits.
pub const EXP_ONE: i32 = 16_383;
/// Entries of the exponent table, of which only the last is 0.
pub const EXPONENTS: usize = 2_663;
/// Steps of the sigmoid's argument per unit.
pub const SIGMOID_STEPS: f32 = 128.0;
/// Largest argument of the sigmoid table, in steps: ±16, where it is 1 or 0 up to 10^-7.
pub const SIGMOID_LAST: i32 = 2_048;
/// Entries of the sigmoid table.
pub const SIGMOIDS: usize = 2 * SIGMOID_LAST as usize + 1;

/// Longest row of a projection: above it a sum of products could leave 32 bits
/// (133,000 · 255 · 63 < 2^31); far above any model's.
pub const MAX_INPUTS: u32 = 131_072;

/// Limbs of the activations that enter each projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limbs {
	/// Queries, keys and values.
	pub attention: usize,
	/// Output of the attention.
	pub output: usize,
	/// Gate and up.
	pub gate: usize,
	/// Down.
	pub down: usize,
	/// Head.
	pub head: usize,
}

impl Limbs {
	/// One everywhere.
	pub const ONE: Self = Self {
		attention: 1,
		output: 1,
		gate: 1,
		down: 1,
		head: 1,
	};
	/// What shards are written with.
	pub const RULE: Self = Self::ONE;
}

/// The two tables that every machine holds.
#[derive(Clone)]
pub struct Tables {
	/// e^(−d / 256) · 16,383, rounded; the last entry is 0 and stands for all larger distances.
	pub exponent: Arc<[i32; EXPONENTS]>,
	/// 1 / (1 + e^(−i / 128)) for i from −2,048 to 2,048.
	pub sigmoid: Arc<[f32; SIGMOIDS]>,
}

impl Default for Tables {
	fn default() -> Self {
		let entry =
			|d: usize| (exp(-(d as f64) / f64::from(SCORE_STEPS)) * f64::from(EXP_ONE)).round();
		let sigmoid = |at: usize| {
			let steps = f64::from(at as i32 - SIGMOID_LAST);
			(1.0 / (1.0 + exp(-steps / f64::from(SIGMOID_STEPS)))) as f32
		};
		Self {
			exponent: Arc::new(std::array::from_fn(|distance| entry(distance) as i32)),
			sigmoid: Arc::new(std::array::from_fn(sigmoid)),
		}
	}
}
