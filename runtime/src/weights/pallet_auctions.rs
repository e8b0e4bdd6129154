//! Weights of `pallet_auctions`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: Intel(R) Xeon(R) Processor @ 2.50GHz, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_auctions`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_auctions::WeightInfo for WeightInfo<T> {
	/// `j`: 1 to 256.
	fn consider(j: u32) -> Weight {
		Weight::from_parts(162_826_419, 193)
			.saturating_add(Weight::from_parts(18_757_126, 157).saturating_mul(j.into()))
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(j.into())))
	}

	fn model() -> Weight {
		Weight::from_parts(492_115_000, 53_337)
			.saturating_add(T::DbWeight::get().reads(10))
	}

	fn award() -> Weight {
		Weight::from_parts(1_908_404_000, 55_179)
			.saturating_add(T::DbWeight::get().reads(42))
			.saturating_add(T::DbWeight::get().writes(41))
	}
}
