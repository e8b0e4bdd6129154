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
		Weight::from_parts(878_891_000, 57_941)
			.saturating_add(T::DbWeight::get().reads(21))
			.saturating_add(T::DbWeight::get().writes(6))
	}

	fn submit_with() -> Weight {
		Weight::from_parts(788_040_000, 58_184)
			.saturating_add(T::DbWeight::get().reads(22))
			.saturating_add(T::DbWeight::get().writes(6))
	}

	fn rerun() -> Weight {
		Weight::from_parts(441_384_000, 67_493)
			.saturating_add(T::DbWeight::get().reads(17))
			.saturating_add(T::DbWeight::get().writes(8))
	}

	fn cancel() -> Weight {
		Weight::from_parts(221_353_000, 3_157)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(6))
	}

	/// `e`: 0 to 32.
	/// `p`: 0 to 32.
	fn on_initialize(e: u32, p: u32) -> Weight {
		Weight::from_parts(1_624_662_000, 10_202)
			.saturating_add(Weight::from_parts(100_377_724, 131).saturating_mul(e.into()))
			.saturating_add(Weight::from_parts(40_671_797, 304).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(e.into())))
			.saturating_add(T::DbWeight::get().reads(3_u64.saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(3))
			.saturating_add(T::DbWeight::get().writes(2_u64.saturating_mul(e.into())))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(p.into())))
	}
}
