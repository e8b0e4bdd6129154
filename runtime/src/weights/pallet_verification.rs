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
		Weight::from_parts(169_198_905, 550)
			.saturating_add(Weight::from_parts(6_190_552, 235).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	/// `s`: 2 to 17.
	fn commit_reply(s: u32) -> Weight {
		Weight::from_parts(236_137_141, 792)
			.saturating_add(Weight::from_parts(2_834_333, 235).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	/// `s`: 2 to 17.
	fn reveal(s: u32) -> Weight {
		Weight::from_parts(1_447_398_210, 2_356)
			.saturating_add(Weight::from_parts(613_498_855, 3_576).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(24))
			.saturating_add(T::DbWeight::get().reads(16_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(21))
			.saturating_add(T::DbWeight::get().writes(14_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn reveal_and_draw(s: u32) -> Weight {
		Weight::from_parts(4_155_345_000, 136_351)
			.saturating_add(Weight::from_parts(2_198_586_157, 52_653).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(93))
			.saturating_add(T::DbWeight::get().reads(119_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(13))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn attest(s: u32) -> Weight {
		Weight::from_parts(2_303_820_000, 6_107)
			.saturating_add(Weight::from_parts(1_065_475_632, 4_877).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(27))
			.saturating_add(T::DbWeight::get().reads(22_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(24))
			.saturating_add(T::DbWeight::get().writes(22_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn show_receipt(s: u32) -> Weight {
		Weight::from_parts(246_085_978, 473)
			.saturating_add(Weight::from_parts(21_301_022, 1_553).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	/// Not measured yet: the figures of `show_receipt`, which looks at two signatures.
	/// `s`: 2 to 17.
	fn summon(s: u32) -> Weight {
		Self::show_receipt(s)
	}

	fn dispute_level() -> Weight {
		Weight::from_parts(1_304_016_000, 10_664)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn dispute_claim() -> Weight {
		Weight::from_parts(726_386_000, 1_491)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn expire_none() -> Weight {
		Weight::from_parts(51_866_000, 217)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	fn uphold() -> Weight {
		Weight::from_parts(34_905_000, 45)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	/// `r`: 0 to 64.
	fn pardon(r: u32) -> Weight {
		Weight::from_parts(39_093_174, 279)
			.saturating_add(Weight::from_parts(139_224_362, 953).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().reads(4_u64.saturating_mul(r.into())))
			.saturating_add(T::DbWeight::get().writes(4))
			.saturating_add(T::DbWeight::get().writes(5_u64.saturating_mul(r.into())))
	}

	/// `s`: 2 to 17.
	fn expire(s: u32) -> Weight {
		Weight::from_parts(965_832_000, 5_144)
			.saturating_add(Weight::from_parts(588_308_453, 4_400).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(14))
			.saturating_add(T::DbWeight::get().reads(16_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(8))
			.saturating_add(T::DbWeight::get().writes(20_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn expire_and_draw(s: u32) -> Weight {
		Weight::from_parts(3_160_793_769, 136_351)
			.saturating_add(Weight::from_parts(1_801_388_683, 52_653).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(94))
			.saturating_add(T::DbWeight::get().reads(119_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(14))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(s.into())))
	}
}
