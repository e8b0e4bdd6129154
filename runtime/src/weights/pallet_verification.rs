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
		Weight::from_parts(80_539_969, 550)
			.saturating_add(Weight::from_parts(2_321_429, 240).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	/// `s`: 2 to 17.
	fn commit_reply(s: u32) -> Weight {
		Weight::from_parts(119_012_201, 792)
			.saturating_add(Weight::from_parts(3_676_756, 240).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	/// `s`: 2 to 17.
	fn reveal(s: u32) -> Weight {
		Weight::from_parts(496_177_746, 2_356)
			.saturating_add(Weight::from_parts(446_798_945, 3_581).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(24))
			.saturating_add(T::DbWeight::get().reads(16_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(21))
			.saturating_add(T::DbWeight::get().writes(14_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn attest(s: u32) -> Weight {
		Weight::from_parts(518_132_958, 6_107)
			.saturating_add(Weight::from_parts(782_341_124, 4_882).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(27))
			.saturating_add(T::DbWeight::get().reads(22_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(24))
			.saturating_add(T::DbWeight::get().writes(22_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn show_receipt(s: u32) -> Weight {
		Weight::from_parts(149_226_744, 473)
			.saturating_add(Weight::from_parts(18_978_435, 1_558).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	/// `s`: 2 to 17.
	fn show_rows(s: u32) -> Weight {
		Self::reveal(s)
			.saturating_add(Weight::from_parts(120_000_000_000, 0))
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	/// `s`: 2 to 17.
	fn summon(s: u32) -> Weight {
		Weight::from_parts(797_208_301, 2_795)
			.saturating_add(Weight::from_parts(12_443_086, 1_114).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(12))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn dispute_level() -> Weight {
		Weight::from_parts(1_220_528_000, 10_679)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn dispute_claim() -> Weight {
		Weight::from_parts(447_545_000, 1_506)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn expire_none() -> Weight {
		Weight::from_parts(29_064_000, 217)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn uphold() -> Weight {
		Weight::from_parts(35_035_000, 45)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	/// `r`: 0 to 64.
	fn pardon(r: u32) -> Weight {
		Weight::from_parts(74_327_190, 279)
			.saturating_add(Weight::from_parts(120_474_324, 953).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().reads(4_u64.saturating_mul(r.into())))
			.saturating_add(T::DbWeight::get().writes(4))
			.saturating_add(T::DbWeight::get().writes(5_u64.saturating_mul(r.into())))
	}

	/// `s`: 2 to 17.
	fn expire(s: u32) -> Weight {
		Weight::from_parts(834_256_000, 5_144)
			.saturating_add(Weight::from_parts(374_373_279, 4_405).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().reads(16_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(8))
			.saturating_add(T::DbWeight::get().writes(20_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn expire_and_draw(s: u32) -> Weight {
		Weight::from_parts(748_420_956, 136_681)
			.saturating_add(Weight::from_parts(1_755_226_408, 52_703).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(94))
			.saturating_add(T::DbWeight::get().reads(120_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(14))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(s.into())))
	}
}
