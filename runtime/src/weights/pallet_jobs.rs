//! Weights of `pallet_jobs`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: AMD EPYC, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_jobs`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_jobs::WeightInfo for WeightInfo<T> {
	fn submit() -> Weight {
		Weight::from_parts(449_939_000, 57_941)
			.saturating_add(T::DbWeight::get().reads(21))
			.saturating_add(T::DbWeight::get().writes(6))
	}

	fn submit_with() -> Weight {
		Weight::from_parts(452_835_000, 58_184)
			.saturating_add(T::DbWeight::get().reads(22))
			.saturating_add(T::DbWeight::get().writes(6))
	}

	fn rerun() -> Weight {
		Weight::from_parts(420_215_000, 67_663)
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().writes(8))
	}

	fn cancel() -> Weight {
		Weight::from_parts(164_076_000, 3_157)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(6))
	}

	/// `e`: 0 to 32.
	/// `p`: 0 to 32.
	fn on_initialize(e: u32, p: u32) -> Weight {
		Weight::from_parts(1_687_961_000, 10_397)
			.saturating_add(Weight::from_parts(53_386_330, 132).saturating_mul(e.into()))
			.saturating_add(Weight::from_parts(21_023_880, 308).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(e.into())))
			.saturating_add(T::DbWeight::get().reads(3_u64.saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(3))
			.saturating_add(T::DbWeight::get().writes(2_u64.saturating_mul(e.into())))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(p.into())))
	}
}
