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
		Weight::from_parts(148_827_796, 550)
			.saturating_add(Weight::from_parts(0, 240).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	/// `s`: 2 to 17.
	fn commit_reply(s: u32) -> Weight {
		Weight::from_parts(138_176_685, 792)
			.saturating_add(Weight::from_parts(4_185_651, 240).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	/// `s`: 2 to 17.
	fn reveal(s: u32) -> Weight {
		Weight::from_parts(330_856_669, 2_356)
			.saturating_add(Weight::from_parts(509_046_725, 3_581).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(24))
			.saturating_add(T::DbWeight::get().reads(16_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(21))
			.saturating_add(T::DbWeight::get().writes(14_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn reveal_and_draw(s: u32) -> Weight {
		Weight::from_parts(719_910_751, 136_351)
			.saturating_add(Weight::from_parts(1_350_116_863, 52_658).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(93))
			.saturating_add(T::DbWeight::get().reads(119_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(13))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn attest(s: u32) -> Weight {
		Weight::from_parts(437_364_806, 6_107)
			.saturating_add(Weight::from_parts(837_651_635, 4_882).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(27))
			.saturating_add(T::DbWeight::get().reads(22_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(24))
			.saturating_add(T::DbWeight::get().writes(22_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn show_receipt(s: u32) -> Weight {
		Weight::from_parts(161_084_262, 473)
			.saturating_add(Weight::from_parts(18_888_841, 1_558).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	/// `s`: 2 to 17.
	fn summon(s: u32) -> Weight {
		Weight::from_parts(861_029_300, 2_795)
			.saturating_add(Weight::from_parts(10_877_381, 1_114).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(12))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn dispute_level() -> Weight {
		Weight::from_parts(1_262_276_000, 10_679)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn dispute_claim() -> Weight {
		Weight::from_parts(481_067_000, 1_506)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn expire_none() -> Weight {
		Weight::from_parts(29_164_000, 217)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn uphold() -> Weight {
		Weight::from_parts(35_496_000, 45)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	/// `r`: 0 to 64.
	fn pardon(r: u32) -> Weight {
		Weight::from_parts(37_039_000, 279)
			.saturating_add(Weight::from_parts(132_949_814, 953).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().reads(4_u64.saturating_mul(r.into())))
			.saturating_add(T::DbWeight::get().writes(4))
			.saturating_add(T::DbWeight::get().writes(5_u64.saturating_mul(r.into())))
	}

	/// `s`: 2 to 17.
	fn expire(s: u32) -> Weight {
		Weight::from_parts(348_950_595, 5_144)
			.saturating_add(Weight::from_parts(446_470_084, 4_405).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().reads(16_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(8))
			.saturating_add(T::DbWeight::get().writes(20_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn expire_and_draw(s: u32) -> Weight {
		Weight::from_parts(592_179_861, 136_351)
			.saturating_add(Weight::from_parts(1_273_181_534, 52_658).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(94))
			.saturating_add(T::DbWeight::get().reads(119_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(14))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(s.into())))
	}
}
