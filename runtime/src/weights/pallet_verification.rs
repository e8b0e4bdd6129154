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
		Weight::from_parts(89_146_443, 549)
			.saturating_add(Weight::from_parts(3_173_141, 232).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(9))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	/// `s`: 2 to 17.
	fn commit_reply(s: u32) -> Weight {
		Weight::from_parts(127_655_138, 790)
			.saturating_add(Weight::from_parts(4_529_545, 232).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(10))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	/// `s`: 2 to 17.
	fn reveal(s: u32) -> Weight {
		Weight::from_parts(392_934_593, 2_326)
			.saturating_add(Weight::from_parts(486_727_299, 3_572).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(18))
			.saturating_add(T::DbWeight::get().reads(16_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(16))
			.saturating_add(T::DbWeight::get().writes(14_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn reveal_and_draw(s: u32) -> Weight {
		Weight::from_parts(3_291_853_000, 129_710)
			.saturating_add(Weight::from_parts(1_806_431_049, 53_244).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(82))
			.saturating_add(T::DbWeight::get().reads(120_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(13))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn attest(s: u32) -> Weight {
		Weight::from_parts(1_124_633_122, 6_077)
			.saturating_add(Weight::from_parts(1_272_835_634, 4_872).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(20))
			.saturating_add(T::DbWeight::get().reads(22_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(18))
			.saturating_add(T::DbWeight::get().writes(22_u64.saturating_mul(s.into())))
	}

	fn dispute_level() -> Weight {
		Weight::from_parts(1_774_133_000, 10_651)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn dispute_claim() -> Weight {
		Weight::from_parts(731_365_000, 1_478)
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().writes(2))
	}

	fn expire_none() -> Weight {
		Weight::from_parts(22_322_000, 217)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(1))
	}

	// By hand, until the benchmarks are run: a list of breakers read and written twice, a key looked for.
	fn uphold() -> Weight {
		Weight::from_parts(100_000_000, 20_000)
			.saturating_add(T::DbWeight::get().reads(4))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	// The same: a transfer, a hold and a worker for each.
	fn pardon(r: u32) -> Weight {
		Weight::from_parts(200_000_000, 30_000)
			.saturating_add(Weight::from_parts(400_000_000, 10_000).saturating_mul(r.into()))
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().reads(9_u64.saturating_mul(r.into())))
			.saturating_add(T::DbWeight::get().writes(4))
			.saturating_add(T::DbWeight::get().writes(8_u64.saturating_mul(r.into())))
	}

	/// `s`: 2 to 17.
	fn expire(s: u32) -> Weight {
		Weight::from_parts(797_726_271, 5_114)
			.saturating_add(Weight::from_parts(601_269_403, 4_395).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().reads(16_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(3))
			.saturating_add(T::DbWeight::get().writes(20_u64.saturating_mul(s.into())))
	}

	/// `s`: 2 to 17.
	fn expire_and_draw(s: u32) -> Weight {
		Weight::from_parts(1_525_117_110, 129_710)
			.saturating_add(Weight::from_parts(1_840_012_438, 53_244).saturating_mul(s.into()))
			.saturating_add(T::DbWeight::get().reads(83))
			.saturating_add(T::DbWeight::get().reads(120_u64.saturating_mul(s.into())))
			.saturating_add(T::DbWeight::get().writes(14))
			.saturating_add(T::DbWeight::get().writes(6_u64.saturating_mul(s.into())))
	}
}
