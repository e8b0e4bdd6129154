//! Weights of `pallet_verification`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: AMD EPYC, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_verification`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_verification::WeightInfo for WeightInfo<T> {
	/// `s`: 2 to 17.
	fn commit(s: u32) -> Weight {
		Weight::from_parts(90_066_597, 549)
			.saturating_add(Weight::from_parts(3_493_862, 234).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	/// `s`: 2 to 17.
	fn commit_reply(s: u32) -> Weight {
		Weight::from_parts(105_368_711, 790)
			.saturating_add(Weight::from_parts(11_124_732, 234).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	/// `s`: 2 to 17.
	fn reveal(s: u32) -> Weight {
		Weight::from_parts(1_259_538_344, 2_354)
			.saturating_add(Weight::from_parts(454_913_211, 3_575).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(24))
			.saturating_add(T::DbWeight::get().reads(16_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(21))
			.saturating_add(T::DbWeight::get().writes(14_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn reveal_and_draw(s: u32) -> Weight {
		Weight::from_parts(3_041_283_189, 136_349)
			.saturating_add(Weight::from_parts(1_762_048_370, 52_652).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(92))
			.saturating_add(T::DbWeight::get().reads(119_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(13))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn attest(s: u32) -> Weight {
		Weight::from_parts(2_396_812_013, 6_105)
			.saturating_add(Weight::from_parts(971_477_728, 4_876).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(27))
			.saturating_add(T::DbWeight::get().reads(22_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(24))
			.saturating_add(T::DbWeight::get().writes(22_u64.saturating_mul(s.into())))
	}

	fn dispute_level() -> Weight {
		Weight::from_parts(2_051_519_000, 10_660)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn dispute_claim() -> Weight {
		Weight::from_parts(472_432_000, 1_487)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	/// `s`: 2 to 17.
	fn show_receipt(s: u32) -> Weight {
		Weight::from_parts(472_432_000, 2_354)
			.saturating_add(Weight::from_parts(454_913_211, 3_575).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(3))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn expire_none() -> Weight {
		Weight::from_parts(32_431_000, 217)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn uphold() -> Weight {
		Weight::from_parts(35_516_000, 45)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	/// `r`: 0 to 64.
	fn pardon(r: u32) -> Weight {
		Weight::from_parts(41_247_000, 279)
			.saturating_add(Weight::from_parts(210_525_872, 953).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().reads(4_u64.saturating_mul(r.into())))
			.saturating_add(T::DbWeight::get().writes(4))
			.saturating_add(T::DbWeight::get().writes(5_u64.saturating_mul(r.into())))
	}

	/// `s`: 2 to 17.
	fn expire(s: u32) -> Weight {
		Weight::from_parts(932_099_000, 5_142)
			.saturating_add(Weight::from_parts(788_959_935, 4_399).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(13))
			.saturating_add(T::DbWeight::get().reads(16_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(8))
			.saturating_add(T::DbWeight::get().writes(20_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn expire_and_draw(s: u32) -> Weight {
		Weight::from_parts(3_190_369_795, 136_349)
			.saturating_add(Weight::from_parts(1_765_775_381, 52_652).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(93))
			.saturating_add(T::DbWeight::get().reads(119_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(14))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(s.into())))
	}
}
