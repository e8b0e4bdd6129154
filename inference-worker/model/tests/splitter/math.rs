//! The portable functions against the platform's, and against themselves on other machines.

use dllm_model::portable_math::{cos_sin, exp, ln};
use proptest::prelude::*;

proptest! {
	#[test]
	fn exp_is_exact_to_the_last_bits(x in -600.0..600.0f64) {
		prop_assert!((exp(x) / x.exp() - 1.0).abs() < 1e-15);
	}

	#[test]
	fn ln_is_exact_to_the_last_bits(x in 1e-6..1e9f64) {
		prop_assert!((ln(x) - x.ln()).abs() < 1e-15 * x.ln().abs().max(1.0));
	}

	#[test]
	fn cos_and_sin_are_exact_to_the_last_bits(x in 0.0..1_000_000.0f64) {
		let (cos, sin) = cos_sin(x);
		prop_assert!((cos - x.cos()).abs() < 1e-15 && (sin - x.sin()).abs() < 1e-15);
	}
}

#[test]
fn ends_of_the_ranges() {
	assert_eq!(exp(0.0), 1.0);
	assert_eq!(exp(-1e9), 0.0);
	assert!(exp(1e9).is_finite());
	assert_eq!(ln(1.0), 0.0);
	assert_eq!(cos_sin(0.0), (1.0, 0.0));
}
