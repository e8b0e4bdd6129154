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
		Weight::from_parts(49_522_000, 193)
			.saturating_add(Weight::from_parts(21_202_420, 173).saturating_mul(j.into()))
			.saturating_add(T::DbWeight::get().reads(1))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(j.into())))
	}

	fn model() -> Weight {
		Weight::from_parts(292_926_000, 53_371)
			.saturating_add(T::DbWeight::get().reads(10))
	}

	fn open_round() -> Weight {
		Weight::from_parts(53_850_000, 13_608)
			.saturating_add(T::DbWeight::get().reads(7))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	fn commit() -> Weight {
		Weight::from_parts(196_708_000, 1_191)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn reveal() -> Weight {
		Weight::from_parts(301_633_000, 122_896)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	fn no_deadline() -> Weight {
		Weight::from_parts(10_409_000, 4)
			.saturating_add(T::DbWeight::get().reads(1))
	}

	/// `b`: 0 to 1000.
	fn clear_round(b: u32) -> Weight {
		Weight::from_parts(69_807_032, 13_932)
			.saturating_add(Weight::from_parts(1_354_291, 108).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	/// `w`: 68 to 1000.
	fn close_round(w: u32) -> Weight {
		Weight::from_parts(3_673_120_376, 66_367)
			.saturating_add(Weight::from_parts(0, 112).saturating_mul(w.into()))
			.saturating_add(T::DbWeight::get().reads(145))
			.saturating_add(T::DbWeight::get().writes(77))
	}

	fn forfeit() -> Weight {
		Weight::from_parts(131_224_000, 497)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(3))
	}

	fn award() -> Weight {
		Weight::from_parts(922_421_000, 55_229)
			.saturating_add(T::DbWeight::get().reads(42))
			.saturating_add(T::DbWeight::get().writes(41))
	}
}
