//! Planck and DLLM, there and back.

use dllm_worker::chain::{Amount, DLLM};
use proptest::prelude::*;

#[test]
fn amounts_are_written_for_people() {
	let cases = [
		(0, "0 DLLM"),
		(1, "0.000000000001 DLLM"),
		(DLLM, "1 DLLM"),
		(DLLM + DLLM / 2, "1.5 DLLM"),
		(12_345 * DLLM + 1_000_000_000, "12345.001 DLLM"),
	];
	for (planck, text) in cases {
		assert_eq!(Amount(planck).to_string(), text);
		assert_eq!(text.parse(), Ok(Amount(planck)));
	}
}

#[test]
fn numbers_without_a_unit_are_planck() {
	assert_eq!("1500".parse(), Ok(Amount(1500)));
	assert_eq!("0.25DLLM".parse(), Ok(Amount(DLLM / 4)));
}

#[test]
fn senseless_amounts_are_refused() {
	let senseless = [
		"",
		"DLLM",
		"1.5",
		"-1",
		"-1 DLLM",
		"1. DLLM",
		".5 DLLM",
		"1.0000000000001 DLLM",
		"1e3 DLLM",
		"340282366920938463463374607431768211456",
		"340282366920938463463374608 DLLM",
		"1 dllm",
	];
	for text in senseless {
		assert!(text.parse::<Amount>().is_err(), "{text:?}");
	}
}

proptest! {
	#[test]
	fn what_is_written_is_read_again(planck: u128) {
		prop_assert_eq!(Amount(planck).to_string().parse(), Ok(Amount(planck)));
	}

	#[test]
	fn reading_never_panics(text in ".{0,60}") {
		let _ = text.parse::<Amount>();
	}
}
