//! Weights of `pallet_models`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: AMD EPYC, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_models`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_models::WeightInfo for WeightInfo<T> {
	/// `l`: 1 to 256.
	fn register(l: u32) -> Weight {
		Weight::from_parts(382_732_959, 2_128)
			.saturating_add(Weight::from_parts(487_055, 0).saturating_mul(l.into()))
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(8))
	}

	fn activate() -> Weight {
		Weight::from_parts(173_394_000, 23_034)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn retire() -> Weight {
		Weight::from_parts(289_470_000, 23_142)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn register_adapter() -> Weight {
		Weight::from_parts(336_036_000, 15_892)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(7))
	}

	fn retire_adapter() -> Weight {
		Weight::from_parts(199_703_000, 3_442)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}
}
