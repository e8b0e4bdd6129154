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
		Weight::from_parts(3_128_789_000, 110_551)
			.saturating_add(T::DbWeight::get().reads(218))
			.saturating_add(T::DbWeight::get().writes(142))
	}

	fn ready() -> Weight {
		Weight::from_parts(83_787_000, 6_466)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn close() -> Weight {
		Weight::from_parts(1_228_823_000, 71_254)
			.saturating_add(T::DbWeight::get().reads(142))
			.saturating_add(T::DbWeight::get().writes(72))
	}

	fn leave() -> Weight {
		Weight::from_parts(608_265_000, 7_575)
			.saturating_add(T::DbWeight::get().reads(72))
			.saturating_add(T::DbWeight::get().writes(72))
	}

	fn compete() -> Weight {
		Weight::from_parts(3_489_170_000, 220_858)
			.saturating_add(T::DbWeight::get().reads(152))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn sweep() -> Weight {
		Weight::from_parts(1_234_995_000, 71_277)
			.saturating_add(T::DbWeight::get().reads(144))
			.saturating_add(T::DbWeight::get().writes(73))
	}
}
