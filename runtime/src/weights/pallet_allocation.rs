//! Weights of `pallet_allocation`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: AMD EPYC, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_allocation`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_allocation::WeightInfo for WeightInfo<T> {
	fn submit_plan() -> Weight {
		Weight::from_parts(3_296_322_000, 110_775)
			.saturating_add(T::DbWeight::get().reads(218))
			.saturating_add(T::DbWeight::get().writes(142))
	}

	fn ready() -> Weight {
		Weight::from_parts(106_719_000, 6_494)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn close() -> Weight {
		Weight::from_parts(1_847_688_000, 71_282)
			.saturating_add(T::DbWeight::get().reads(142))
			.saturating_add(T::DbWeight::get().writes(72))
	}

	fn leave() -> Weight {
		Weight::from_parts(697_762_000, 7_603)
			.saturating_add(T::DbWeight::get().reads(72))
			.saturating_add(T::DbWeight::get().writes(72))
	}

	fn compete() -> Weight {
		Weight::from_parts(5_690_429_000, 221_082)
			.saturating_add(T::DbWeight::get().reads(152))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn sweep() -> Weight {
		Weight::from_parts(2_205_064_000, 71_305)
			.saturating_add(T::DbWeight::get().reads(144))
			.saturating_add(T::DbWeight::get().writes(73))
	}
}
