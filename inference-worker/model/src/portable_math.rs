//! Elementary functions that give the same bits on every machine.
//!
//! The standard library leaves `exp`, `ln`, `sin` and `cos` to the platform's C library, whose last bit
//! differs between systems. A manifest root and a sampled token must not. These use only IEEE
//! additions, multiplications and divisions in a fixed order (Rust never contracts them), and are exact
//! to about one unit in the last place of `f64` over the ranges that are stated.

/// ln 2 in two parts; the first ends in 21 zero bits, so its multiples by an exponent are exact.
const LN2_HIGH: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
const LN2_LOW: f64 = f64::from_bits(0x3DEA_39EF_3579_3C76);
/// π/2 in three parts with 33 significant bits in each of the first two, after Cody and Waite.
const HALF_PI_1: f64 = f64::from_bits(0x3FF9_21FB_5440_0000);
const HALF_PI_2: f64 = f64::from_bits(0x3DD0_B461_1A60_0000);
const HALF_PI_3: f64 = f64::from_bits(0x3BA3_198A_2E03_7073);

/// e^x. Below −700 the result is 0, above 700 it is that of 700: callers stay between.
pub fn exp(x: f64) -> f64 {
	if x < -700.0 {
		return 0.0;
	}
	let x = x.min(700.0);
	let power = (x * core::f64::consts::LOG2_E).round();
	let rest = (x - power * LN2_HIGH) - power * LN2_LOW;
	// Taylor's series: |rest| ≤ 0.35, so the term of degree 15 is below 2^-63.
	let series = (1..=15)
		.rev()
		.fold(1.0, |sum, degree| 1.0 + sum * rest / f64::from(degree));
	series * f64::from_bits(((1023 + power as i64) as u64) << 52)
}

/// Natural logarithm of a positive, normal number.
pub fn ln(x: f64) -> f64 {
	let bits = x.to_bits();
	let mut exponent = ((bits >> 52) & 0x7ff) as i64 - 1023;
	let mut mantissa = f64::from_bits((bits & ((1 << 52) - 1)) | (1023 << 52));
	if mantissa > core::f64::consts::SQRT_2 {
		mantissa /= 2.0;
		exponent += 1;
	}
	// ln m = 2 artanh((m − 1)/(m + 1)); |s| ≤ 0.172, so the term of degree 25 is below 2^-64.
	let s = (mantissa - 1.0) / (mantissa + 1.0);
	let square = s * s;
	let series = (0..13)
		.rev()
		.fold(0.0, |sum, k| 1.0 / f64::from(2 * k + 1) + sum * square);
	2.0 * s * series + exponent as f64 * LN2_LOW + exponent as f64 * LN2_HIGH
}

/// Cosine and sine of an angle between 0 and 2^20 radians.
pub fn cos_sin(angle: f64) -> (f64, f64) {
	let quadrant = (angle * core::f64::consts::FRAC_2_PI).round();
	let rest = ((angle - quadrant * HALF_PI_1) - quadrant * HALF_PI_2) - quadrant * HALF_PI_3;
	let square = rest * rest;
	// Taylor's series: |rest| ≤ π/4, so the terms left out are below 2^-64.
	let cos = (1..=10).rev().fold(1.0, |sum, k| {
		1.0 - sum * square / f64::from((2 * k - 1) * (2 * k))
	});
	let sin = rest
		* (1..=10).rev().fold(1.0, |sum, k| {
			1.0 - sum * square / f64::from((2 * k) * (2 * k + 1))
		});
	match quadrant as i64 & 3 {
		0 => (cos, sin),
		1 => (-sin, cos),
		2 => (-cos, -sin),
		_ => (sin, -cos),
	}
}
