//! Weights of `pallet_miners`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: Intel(R) Xeon(R) Processor @ 2.50GHz, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_miners`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_miners::WeightInfo for WeightInfo<T> {
	fn register() -> Weight {
		Weight::from_parts(159_223_000, 4)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(7))
	}

	fn accept_worker() -> Weight {
		Weight::from_parts(114_604_000, 920)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn update() -> Weight {
		Weight::from_parts(106_419_000, 1_148)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(8))
	}

	fn bond_extra() -> Weight {
		Weight::from_parts(163_991_000, 979)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn unbond() -> Weight {
		Weight::from_parts(183_594_000, 1_094)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(6))
	}

	fn rebond() -> Weight {
		Weight::from_parts(166_326_000, 848)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn withdraw() -> Weight {
		Weight::from_parts(219_552_000, 876)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(5))
	}
}
