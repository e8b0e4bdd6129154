//! Weights of `pallet_poaw`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: AMD EPYC, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_poaw`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_poaw::WeightInfo for WeightInfo<T> {
	fn propose_link() -> Weight {
		Weight::from_parts(104_866_000, 97)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn accept_link() -> Weight {
		Weight::from_parts(26_890_000, 156)
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn end_link() -> Weight {
		Weight::from_parts(164_898_000, 601)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn set_rules() -> Weight {
		Weight::from_parts(13_345_000, 0)
			.saturating_add(T::DbWeight::get().writes(1))
	}

	/// `n`: 1 to 100.
	fn turn(n: u32) -> Weight {
		Weight::from_parts(105_538_000, 1_321)
			.saturating_add(Weight::from_parts(30_045_011, 342).saturating_mul(n.into()))
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().reads(3_u64.saturating_mul(n.into())))
			.saturating_add(T::DbWeight::get().writes(9))
	}
}
