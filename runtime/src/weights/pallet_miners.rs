//! Weights of `pallet_miners`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: AMD EPYC, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_miners`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_miners::WeightInfo for WeightInfo<T> {
	fn register() -> Weight {
		Weight::from_parts(132_177_000, 59)
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(7))
	}

	fn accept_worker() -> Weight {
		Weight::from_parts(46_557_000, 920)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn update() -> Weight {
		Weight::from_parts(76_983_000, 1_148)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(8))
	}

	fn bond_extra() -> Weight {
		Weight::from_parts(117_710_000, 1_017)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn unbond() -> Weight {
		Weight::from_parts(69_349_000, 1_094)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(6))
	}

	fn rebond() -> Weight {
		Weight::from_parts(48_991_000, 848)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn withdraw() -> Weight {
		Weight::from_parts(112_240_000, 959)
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().writes(7))
	}

	/// `n`: 0 to 16.
	fn report_links(n: u32) -> Weight {
		Weight::from_parts(51_754_393, 2_346)
			.saturating_add(Weight::from_parts(15_787_814, 869).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().reads(2_u64.saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(1))
	}
}
