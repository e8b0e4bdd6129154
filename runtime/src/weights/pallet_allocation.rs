//! Weights of `pallet_allocation`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: Intel(R) Xeon(R) Processor @ 2.50GHz, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_allocation`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_allocation::WeightInfo for WeightInfo<T> {
	fn submit_plan() -> Weight {
		Weight::from_parts(7_428_071_000, 110_475)
			.saturating_add(T::DbWeight::get().reads(217))
			.saturating_add(T::DbWeight::get().writes(141))
	}

	fn ready() -> Weight {
		Weight::from_parts(136_650_000, 6_432)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn close() -> Weight {
		Weight::from_parts(2_178_008_000, 71_181)
			.saturating_add(T::DbWeight::get().reads(142))
			.saturating_add(T::DbWeight::get().writes(73))
	}

	fn leave() -> Weight {
		Weight::from_parts(1_084_074_000, 7_503)
			.saturating_add(T::DbWeight::get().reads(72))
			.saturating_add(T::DbWeight::get().writes(73))
	}

	fn sweep() -> Weight {
		Weight::from_parts(2_185_376_000, 71_204)
			.saturating_add(T::DbWeight::get().reads(145))
			.saturating_add(T::DbWeight::get().writes(74))
	}

	/// Estimated, not measured yet: the check of `submit_plan` on 68 workers and their promises, 10 ms of
	/// computing for the score, a thousand winners to decode, the eight pipelines of the model.
	fn compete() -> Weight {
		Weight::from_parts(17_000_000_000, 230_000)
			.saturating_add(T::DbWeight::get().reads(155))
			.saturating_add(T::DbWeight::get().writes(5))
	}
}
