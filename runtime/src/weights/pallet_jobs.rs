//! Weights of `pallet_jobs`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: Intel(R) Xeon(R) Processor @ 2.50GHz, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_jobs`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_jobs::WeightInfo for WeightInfo<T> {
	fn submit() -> Weight {
		Weight::from_parts(745_136_000, 57_649)
			.saturating_add(T::DbWeight::get().reads(20))
			.saturating_add(T::DbWeight::get().writes(6))
	}

	fn cancel() -> Weight {
		Weight::from_parts(378_389_000, 3_107)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(6))
	}

	/// `e`: 0 to 32.
	/// `p`: 0 to 32.
	fn on_initialize(e: u32, p: u32) -> Weight {
		Weight::from_parts(2_446_730, 8_815)
			.saturating_add(Weight::from_parts(159_735_039, 122).saturating_mul(e.into()))
			.saturating_add(Weight::from_parts(103_825_738, 276).saturating_mul(p.into()))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(e.into())))
			.saturating_add(T::DbWeight::get().reads(3_u64.saturating_mul(p.into())))
			.saturating_add(T::DbWeight::get().writes(3))
			.saturating_add(T::DbWeight::get().writes(2_u64.saturating_mul(e.into())))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(p.into())))
	}
}
