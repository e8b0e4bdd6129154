//! Weights of the calls and of the hook. What an award costs is in the auction's weights, and what the end of
//! a trial costs in those of verification.
//!
//! They are not measured yet: every figure is the number of database reads and writes that the code makes
//! at most, times the price of the configured database, plus a fixed allowance of 100 µs a call. The
//! benchmarks in `benchmarking.rs` replace them once they have been run by the node build.

use crate::SEARCH_BLOCKS;
use core::marker::PhantomData;
use dllm_primitives::plan::MAX_PIPELINES;
use frame_support::{
	traits::Get,
	weights::{constants::RocksDbWeight, RuntimeDbWeight, Weight},
};

/// Time allowed for the execution of a call, or of one item of a hook, in picoseconds.
const CALL_TIME: u64 = 100_000_000;

/// What calls and hooks cost.
pub trait WeightInfo {
	/// `submit`.
	fn submit() -> Weight;
	/// `cancel`.
	fn cancel() -> Weight;
	/// The hook of a block that refunds `expired` jobs and drops `pruned` records.
	fn on_initialize(expired: u32, pruned: u32) -> Weight;
}

fn counted(db: RuntimeDbWeight, reads: u64, writes: u64) -> Weight {
	Weight::from_parts(CALL_TIME, 0).saturating_add(db.reads_writes(reads, writes))
}

/// Reads: model, the index of its pipelines and the pipelines, `Waiting`, `NextJob`, `Account`, `Holds`, and
/// the agendas of the search. Writes: `Account`, `Holds`, `Waiting`, `Agenda`, `NextJob`, `Jobs`,
/// `Requests`.
fn submit(db: RuntimeDbWeight) -> Weight {
	counted(
		db,
		6u64.saturating_add((MAX_PIPELINES + SEARCH_BLOCKS).into()),
		7,
	)
}

/// Reads: `Jobs`, `Waiting`, `Agenda`, `Account`, `Holds`, `EndedRange`. Writes: the same and `Ended`.
fn cancel(db: RuntimeDbWeight) -> Weight {
	counted(db, 6, 7)
}

/// Reads: `Agenda`, `EndedRange`, `Ended`, `Jobs`; writes: `Agenda`, `EndedRange`. A refund reads `Jobs`,
/// `Waiting`, `Account`, `Holds`, `EndedRange` and writes them and `Ended`; a dropped record reads `Ended`,
/// `Jobs` and writes `Ended`, `Jobs`, `Requests`, `Replies`, and the records of trial and payment.
fn on_initialize(db: RuntimeDbWeight, expired: u32, pruned: u32) -> Weight {
	counted(db, 4, 2)
		.saturating_add(counted(db, 5, 6).saturating_mul(expired.into()))
		.saturating_add(counted(db, 2, 6).saturating_mul(pruned.into()))
}

/// Weights by the runtime's own database.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn submit() -> Weight {
		submit(T::DbWeight::get())
	}
	fn cancel() -> Weight {
		cancel(T::DbWeight::get())
	}
	fn on_initialize(expired: u32, pruned: u32) -> Weight {
		on_initialize(T::DbWeight::get(), expired, pruned)
	}
}

/// For mocks.
impl WeightInfo for () {
	fn submit() -> Weight {
		submit(RocksDbWeight::get())
	}
	fn cancel() -> Weight {
		cancel(RocksDbWeight::get())
	}
	fn on_initialize(expired: u32, pruned: u32) -> Weight {
		on_initialize(RocksDbWeight::get(), expired, pruned)
	}
}
