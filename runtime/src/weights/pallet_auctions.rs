//! Weights of `pallet_auctions`, measured: do not edit, run `make weights`.
//!
//! 20 steps, 10 repeats, processor time of compiled wasm; machine: Intel(R) Xeon(R) Processor @ 2.50GHz, 2 cores.

#![cfg_attr(rustfmt, rustfmt_skip)]
#![allow(clippy::all)]

use core::marker::PhantomData;
use frame_support::{traits::Get, weights::Weight};

/// Measured weights of `pallet_auctions`.
pub struct WeightInfo<T>(PhantomData<T>);

impl<T: frame_system::Config> pallet_auctions::WeightInfo for WeightInfo<T> {
	/// `j`: 1 to 256.
	fn consider(j: u32) -> Weight {
		Weight::from_parts(162_826_419, 193)
			.saturating_add(Weight::from_parts(18_757_126, 157).saturating_mul(j.into()))
			.saturating_add(T::DbWeight::get().reads(2))
			.saturating_add(T::DbWeight::get().reads(1_u64.saturating_mul(j.into())))
	}

	fn model() -> Weight {
		Weight::from_parts(492_115_000, 53_337)
			.saturating_add(T::DbWeight::get().reads(10))
	}

	fn award() -> Weight {
		Weight::from_parts(1_908_404_000, 55_179)
			.saturating_add(T::DbWeight::get().reads(42))
			.saturating_add(T::DbWeight::get().writes(41))
	}

	/// Estimated, not measured yet: the owner's model, the counted map of rounds, four places of the agenda.
	fn open_round() -> Weight {
		Weight::from_parts(400_000_000, 54_000)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(5))
	}

	/// Estimated: the round, the bid, the worker, account and hold.
	fn commit() -> Weight {
		Weight::from_parts(200_000_000, 2_000)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	/// Estimated: as `commit`, and the model, the rank and the list of bids, to which the host appends.
	fn reveal() -> Weight {
		Weight::from_parts(900_000_000, 130_000)
			.saturating_add(T::DbWeight::get().reads(8))
			.saturating_add(T::DbWeight::get().writes(4))
	}

	/// Estimated.
	fn no_deadline() -> Weight {
		Weight::from_parts(5_000_000, 20)
			.saturating_add(T::DbWeight::get().reads(1))
	}

	/// Estimated: 40 microseconds for every bid to decode, sort, clear and encode; agenda, round, model, bids
	/// and overdue rounds are read, these and the winners written. `b`: 0 to 1000.
	fn clear_round(b: u32) -> Weight {
		Weight::from_parts(500_000_000, 54_000)
			.saturating_add(Weight::from_parts(40_000_000, 120).saturating_mul(b.into()))
			.saturating_add(T::DbWeight::get().reads(6))
			.saturating_add(T::DbWeight::get().writes(7))
	}

	/// Estimated: two judgements of the largest plan and one acceptance as measured for `submit_plan`, and
	/// 10 microseconds for every winner to decode and order. `w`: 0 to 1000.
	fn close_round(w: u32) -> Weight {
		Weight::from_parts(20_000_000_000, 230_000)
			.saturating_add(Weight::from_parts(10_000_000, 120).saturating_mul(w.into()))
			.saturating_add(T::DbWeight::get().reads(240))
			.saturating_add(T::DbWeight::get().writes(150))
	}

	/// Estimated: overdue rounds, the bid, account, hold and issuance.
	fn forfeit() -> Weight {
		Weight::from_parts(150_000_000, 1_200)
			.saturating_add(T::DbWeight::get().reads(5))
			.saturating_add(T::DbWeight::get().writes(5))
	}
}
