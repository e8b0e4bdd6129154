//! Weights of the calls and hooks.
//!
//! They are not measured yet: every figure is the number of database reads and writes that the code makes
//! at most, times the price of the configured database, plus a fixed allowance of 100 µs a call. The
//! benchmarks in `benchmarking.rs` replace them once they have been run by the node build.

use crate::MAX_MEMBERS;
use core::marker::PhantomData;
use dllm_primitives::plan::MAX_PIPELINES;
use frame_support::{
	traits::Get,
	weights::{constants::RocksDbWeight, RuntimeDbWeight, Weight},
};

/// Time allowed for the execution of a call, in picoseconds.
const CALL_TIME: u64 = 100_000_000;
/// Time allowed for checking one worker of a plan, in picoseconds.
const MEMBER_TIME: u64 = 10_000_000;
/// Workers of a pipeline at most.
const MEMBERS: u64 = MAX_MEMBERS as u64;

/// What calls and hooks cost.
pub trait WeightInfo {
	/// `submit_plan`.
	fn submit_plan() -> Weight;
	/// `ready`.
	fn ready() -> Weight;
	/// `leave` and `close`.
	fn close() -> Weight;
	/// One step of the sweep.
	fn sweep() -> Weight;
}

fn counted(db: RuntimeDbWeight, reads: u64, writes: u64) -> Weight {
	Weight::from_parts(CALL_TIME, 0).saturating_add(db.reads_writes(reads, writes))
}

fn for_members(db: RuntimeDbWeight, reads: u64, writes: u64) -> Weight {
	let each = Weight::from_parts(MEMBER_TIME, 0).saturating_add(db.reads_writes(reads, writes));
	each.saturating_mul(MEMBERS)
}

/// Reads: model, `ByModel`, its pipelines, `NextPipeline`, `Account`, `Holds`; of every member its worker and
/// `Hosted`. Writes: `ByModel`, pipeline, `NextPipeline`, `Account`, `Holds`; of every member `Hosted`. A
/// replaced pipeline is ended besides.
fn submit_plan(db: RuntimeDbWeight) -> Weight {
	counted(db, 5u64.saturating_add(MAX_PIPELINES.into()), 5)
		.saturating_add(for_members(db, 2, 1))
		.saturating_add(end(db))
}

/// Reads: pipeline, worker. Writes: pipeline.
fn ready(db: RuntimeDbWeight) -> Weight {
	counted(db, 2, 1)
}

/// Reads and writes: pipeline, `ByModel`, `Account`, `Holds`; of every member `Hosted`.
fn end(db: RuntimeDbWeight) -> Weight {
	counted(db, 4, 4).saturating_add(for_members(db, 1, 1))
}

/// Reads the model and every worker, then ends the pipeline.
fn close(db: RuntimeDbWeight) -> Weight {
	counted(db, 1, 0)
		.saturating_add(for_members(db, 1, 0))
		.saturating_add(end(db))
}

/// Reads `Swept` and two keys, writes `Swept`, and does what `close` does.
fn sweep(db: RuntimeDbWeight) -> Weight {
	counted(db, 3, 1).saturating_add(close(db))
}

/// Weights by the runtime's own database.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn submit_plan() -> Weight {
		submit_plan(T::DbWeight::get())
	}
	fn ready() -> Weight {
		ready(T::DbWeight::get())
	}
	fn close() -> Weight {
		close(T::DbWeight::get())
	}
	fn sweep() -> Weight {
		sweep(T::DbWeight::get())
	}
}

/// For mocks.
impl WeightInfo for () {
	fn submit_plan() -> Weight {
		submit_plan(RocksDbWeight::get())
	}
	fn ready() -> Weight {
		ready(RocksDbWeight::get())
	}
	fn close() -> Weight {
		close(RocksDbWeight::get())
	}
	fn sweep() -> Weight {
		sweep(RocksDbWeight::get())
	}
}
