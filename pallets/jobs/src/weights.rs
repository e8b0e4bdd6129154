//! Weights of the calls and hooks.
//!
//! They are not measured yet: every figure is the number of database reads and writes that the code makes
//! at most, times the price of the configured database, plus a fixed allowance of 100 µs a call. The
//! benchmarks in `benchmarking.rs` replace them once they have been run by the node build.

use crate::SEARCH_BLOCKS;
use core::marker::PhantomData;
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
	/// What `OnVerdict::answered` costs the pallet that calls it.
	fn answered() -> Weight;
	/// What `OnVerdict::concluded` costs the pallet that calls it, without the payout.
	fn concluded() -> Weight;
}

fn counted(db: RuntimeDbWeight, reads: u64, writes: u64) -> Weight {
	Weight::from_parts(CALL_TIME, 0).saturating_add(db.reads_writes(reads, writes))
}

/// Reads: model, the index of its pipelines and 8 of them, `Waiting`, `NextJob`, `Account`, `Holds`, and
/// the agendas of the search. Writes: `Account`, `Holds`, `Waiting`, `Agenda`, `NextJob`, `Jobs`,
/// `Requests`.
fn submit(db: RuntimeDbWeight) -> Weight {
	counted(db, 14u64.saturating_add(SEARCH_BLOCKS.into()), 7)
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

/// Reads: `Jobs`. Writes: `Jobs`, `Replies`.
fn answered(db: RuntimeDbWeight) -> Weight {
	counted(db, 1, 2)
}

/// Reads: `Jobs`, model, pipeline, `Account`, `Holds`, `EndedRange`, and the pipeline again with its index,
/// its submitter's account and hold, and the commitments of 68 members where it closes. Writes: `Jobs`,
/// `Account`, `Holds`, `EndedRange`, `Ended`, and what closing a pipeline writes.
fn concluded(db: RuntimeDbWeight) -> Weight {
	counted(db, 6, 5).saturating_add(db.reads_writes(72, 72))
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
	fn answered() -> Weight {
		answered(T::DbWeight::get())
	}
	fn concluded() -> Weight {
		concluded(T::DbWeight::get())
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
	fn answered() -> Weight {
		answered(RocksDbWeight::get())
	}
	fn concluded() -> Weight {
		concluded(RocksDbWeight::get())
	}
}
