//! Weights of `pallet_auctions`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: AMD EPYC, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_auctions`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_auctions::WeightInfo for WeightInfo<T> {
	/// `j`: 1 to 256.
	fn consider(j: u32) -> Weight {
		Weight::from_parts(10_424_276, 193)
			.saturating_add(Weight::from_parts(17_646_417, 173).saturating_mul(j.into()))
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(j.into())))
	}

	fn model() -> Weight {
		Weight::from_parts(225_611_000, 53_372)
			.saturating_add(T::DbWeight::get().reads(10))
	}

	fn open_round() -> Weight {
		Weight::from_parts(55_594_000, 13_609)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn commit() -> Weight {
		Weight::from_parts(135_282_000, 1_191)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn reveal() -> Weight {
		Weight::from_parts(180_978_000, 122_897)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn no_deadline() -> Weight {
		Weight::from_parts(6_052_000, 4)
			.saturating_add(T::DbWeight::get().reads(1))
	}

	/// `b`: 0 to 1000.
	fn clear_round(b: u32) -> Weight {
		Weight::from_parts(96_645_563, 13_933)
			.saturating_add(Weight::from_parts(1_245_147, 108).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	/// `w`: 68 to 1000.
	fn close_round(w: u32) -> Weight {
		Weight::from_parts(2_711_623_304, 66_368)
			.saturating_add(Weight::from_parts(537_601, 112).saturating_mul(w.into()))
			.saturating_add(T::DbWeight::get().reads(145))
			.saturating_add(T::DbWeight::get().writes(77))
	}

	fn forfeit() -> Weight {
		Weight::from_parts(73_828_000, 497)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn award() -> Weight {
		Weight::from_parts(683_275_000, 40_443)
			.saturating_add(T::DbWeight::get().reads(26))
			.saturating_add(T::DbWeight::get().writes(24))
	}
}
