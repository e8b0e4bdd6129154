//! Values survive the codec as far as their type allows.

use dllm_worker::network::dtype::{Dtype, NotFinite};
use proptest::{collection::vec, prelude::*};

proptest! {
	#[test]
	fn single_precision_loses_nothing(values in vec(any::<f32>().prop_filter("finite", |v| v.is_finite()), 0..200)) {
		let bytes = Dtype::F32.encode(&values).unwrap();
		prop_assert_eq!(bytes.len(), values.len() * 4);
		let back = Dtype::F32.decode(&bytes);
		let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
		prop_assert_eq!(bits(&back), bits(&values));
	}

	#[test]
	fn half_precision_is_close_and_stable(values in vec(-60_000f32..60_000.0, 0..200)) {
		let bytes = Dtype::F16.encode(&values).unwrap();
		prop_assert_eq!(bytes.len(), values.len() * 2);
		let back = Dtype::F16.decode(&bytes);
		for (value, back) in values.iter().zip(&back) {
			prop_assert!((value - back).abs() <= value.abs() * 5e-4 + 1e-7);
		}
		// A second trip changes nothing, so a replay hashes the same bytes.
		prop_assert_eq!(Dtype::F16.encode(&back).unwrap(), bytes);
	}

	#[test]
	fn any_bytes_decode(bytes in vec(any::<u8>(), 0..200)) {
		prop_assert_eq!(Dtype::F32.decode(&bytes).len(), bytes.len() / 4);
		prop_assert_eq!(Dtype::F16.decode(&bytes).len(), bytes.len() / 2);
	}
}

#[test]
fn what_is_not_finite_does_not_travel() {
	for dtype in [Dtype::F32, Dtype::F16] {
		for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
			assert_eq!(dtype.encode(&[1.0, value]), Err(NotFinite { at: 1, dtype }));
		}
	}
	let (too_large, dtype) = (70_000.0, Dtype::F16);
	assert_eq!(dtype.encode(&[too_large]), Err(NotFinite { at: 0, dtype }));
	assert!(Dtype::F32.encode(&[too_large]).is_ok());
}
