//! Weights of `pallet_verification`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: Intel(R) Xeon(R) Processor @ 2.50GHz, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_verification`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_verification::WeightInfo for WeightInfo<T> {
	/// `s`: 2 to 17.
	fn commit(s: u32) -> Weight {
		Weight::from_parts(366_528_456, 731)
			.saturating_add(Weight::from_parts(1_300_664, 201).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	/// `s`: 2 to 17.
	fn commit_reply(s: u32) -> Weight {
		Weight::from_parts(419_435_699, 956)
			.saturating_add(Weight::from_parts(5_295_503, 201).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(11))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	/// `s`: 2 to 17.
	fn reveal(s: u32) -> Weight {
		Weight::from_parts(2_407_954_186, 1_669)
			.saturating_add(Weight::from_parts(246_319_767, 3_036).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().reads(8_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(14))
			.saturating_add(T::DbWeight::get().writes(8_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn reveal_and_draw(s: u32) -> Weight {
		Weight::from_parts(1_022_075_271, 132_804)
			.saturating_add(Weight::from_parts(2_881_973_664, 52_610).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(95))
			.saturating_add(T::DbWeight::get().reads(118_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(12))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn attest(s: u32) -> Weight {
		Weight::from_parts(1_488_953_009, 1_435)
			.saturating_add(Weight::from_parts(998_538_707, 4_225).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(15))
			.saturating_add(T::DbWeight::get().reads(12_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(15))
			.saturating_add(T::DbWeight::get().writes(13_u64.saturating_mul(s.into())))
	}

	fn expire_none() -> Weight {
		Weight::from_parts(8_342_000, 6)
			.saturating_add(T::DbWeight::get().reads(1))
	}

	/// `s`: 2 to 17.
	fn expire(s: u32) -> Weight {
		Weight::from_parts(1_061_873_000, 688)
			.saturating_add(Weight::from_parts(632_862_761, 4_171).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().reads(12_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(7))
			.saturating_add(T::DbWeight::get().writes(13_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn expire_and_draw(s: u32) -> Weight {
		Weight::from_parts(2_103_087_347, 132_804)
			.saturating_add(Weight::from_parts(2_479_546_136, 52_610).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(95))
			.saturating_add(T::DbWeight::get().reads(118_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(12))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(s.into())))
	}
}
