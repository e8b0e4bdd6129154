//! Weights of the steps of an auction.
//!
//! They are not measured yet: every figure is the number of database reads and writes that the code makes
//! at most, times the price of the configured database, plus a fixed allowance of time. The benchmark in
//! `benchmarking.rs` replaces the time of the decision once it has been run by the node build; the other
//! steps are what neighbouring pallets read and write.

use core::marker::PhantomData;
use dllm_primitives::plan::MAX_PIPELINES;
use frame_support::{
	traits::Get,
	weights::{constants::RocksDbWeight, RuntimeDbWeight, Weight},
};

/// Time allowed for a step, in picoseconds.
const STEP_TIME: u64 = 100_000_000;
/// Time allowed for pricing one job at the pipelines of its model, in picoseconds.
const JOB_TIME: u64 = 30_000_000;

/// What the steps of an auction cost.
pub trait WeightInfo {
	/// Reads `jobs` waiting jobs, prices and sorts them.
	fn consider(jobs: u32) -> Weight;
	/// Reads a model and its pipelines.
	fn model() -> Weight;
	/// Takes a slot, awards the job and opens its trial.
	fn award() -> Weight;
}

/// Reads: `Waiting`, and of every job `Jobs`.
fn consider(db: RuntimeDbWeight, jobs: u32) -> Weight {
	let each = Weight::from_parts(JOB_TIME, 0).saturating_add(db.reads(1));
	let base = Weight::from_parts(STEP_TIME, 0).saturating_add(db.reads(1));
	base.saturating_add(each.saturating_mul(jobs.into()))
}

/// Reads: model, the index of its pipelines, and the pipelines.
fn model(db: RuntimeDbWeight) -> Weight {
	Weight::from_parts(STEP_TIME, 0)
		.saturating_add(db.reads(2u64.saturating_add(MAX_PIPELINES.into())))
}

/// Reads: pipeline, `Jobs`, `Waiting`, `Agenda`, model, and the trial's agenda. Writes: pipeline, `Jobs`,
/// `Waiting`, `Agenda`, the trial and its agenda. Every lead and replica of 17 stages is read and written.
fn award(db: RuntimeDbWeight) -> Weight {
	Weight::from_parts(STEP_TIME, 0).saturating_add(db.reads_writes(6 + 34, 6 + 34))
}

/// Weights by the runtime's own database.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn consider(jobs: u32) -> Weight {
		consider(T::DbWeight::get(), jobs)
	}
	fn model() -> Weight {
		model(T::DbWeight::get())
	}
	fn award() -> Weight {
		award(T::DbWeight::get())
	}
}

/// For mocks.
impl WeightInfo for () {
	fn consider(jobs: u32) -> Weight {
		consider(RocksDbWeight::get(), jobs)
	}
	fn model() -> Weight {
		model(RocksDbWeight::get())
	}
	fn award() -> Weight {
		award(RocksDbWeight::get())
	}
}
