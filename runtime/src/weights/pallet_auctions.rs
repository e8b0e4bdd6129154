//! Weights of `pallet_auctions`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: AMD EPYC, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_auctions`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_auctions::WeightInfo for WeightInfo<T> {
	/// `j`: 1 to 256.
	fn consider(j: u32) -> Weight {
		Weight::from_parts(624_500_713, 232)
			.saturating_add(Weight::from_parts(29_197_382, 174).saturating_mul(j.into()))
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(j.into())))
	}

	fn model() -> Weight {
		Weight::from_parts(355_263_000, 53_596)
			.saturating_add(T::DbWeight::get().reads(10))
	}

	fn open_round() -> Weight {
		Weight::from_parts(128_940_000, 13_609)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn commit() -> Weight {
		Weight::from_parts(291_033_000, 1_191)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn reveal() -> Weight {
		Weight::from_parts(225_250_000, 122_897)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn no_deadline() -> Weight {
		Weight::from_parts(12_864_000, 4)
			.saturating_add(T::DbWeight::get().reads(1))
	}

	/// `b`: 0 to 1000.
	fn clear_round(b: u32) -> Weight {
		Weight::from_parts(191_373_692, 13_933)
			.saturating_add(Weight::from_parts(1_760_143, 108).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	/// `w`: 68 to 1000.
	fn close_round(w: u32) -> Weight {
		Weight::from_parts(4_177_853_272, 66_368)
			.saturating_add(Weight::from_parts(438_466, 112).saturating_mul(w.into()))
			.saturating_add(T::DbWeight::get().reads(145))
			.saturating_add(T::DbWeight::get().writes(77))
	}

	fn forfeit() -> Weight {
		Weight::from_parts(117_609_000, 497)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn award() -> Weight {
		Weight::from_parts(1_308_412_000, 80_080)
			.saturating_add(T::DbWeight::get().reads(35))
			.saturating_add(T::DbWeight::get().writes(24))
	}
}
