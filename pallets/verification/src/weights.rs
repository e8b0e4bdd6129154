//! Weights of the calls and of an expiring deadline.
//!
//! Until the benchmarks have run on the reference machine these are counted by hand: the reads and
//! writes that the code does at most, at the price of the database, and 100 µs of computing a call.
//! Whatever ends a trial counts as if it ended in the costliest way: three workers in every stage, each
//! released and paid or slashed. `s` is the number of stages.

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{
		constants::{RocksDbWeight, WEIGHT_REF_TIME_PER_MICROS},
		RuntimeDbWeight, Weight,
	},
};

/// What the calls of the pallet cost for a trial of `s` stages.
pub trait WeightInfo {
	/// A commitment, the last one of its phase.
	fn commit(s: u32) -> Weight;
	/// The same with a reply.
	fn commit_reply(s: u32) -> Weight;
	/// An opening that ends the trial.
	fn reveal(s: u32) -> Weight;
	/// The attestation that ends the trial.
	fn attest(s: u32) -> Weight;
	/// A deadline that ends the trial.
	fn expire(s: u32) -> Weight;
}

/// Computing that a call may take beside its database accesses, in microseconds.
const COMPUTE_MICROS: u64 = 100;
/// Lists of the agenda that moving a deadline touches at most: the old one, and a whole window.
const AGENDA_ACCESSES: u64 = crate::AGENDA_WINDOW as u64 + 1;
/// Accesses for one worker at the end of a trial: its record, its balance, its hold, the slash or pay
/// of its counterparts, once read and once written.
const ACCESSES_PER_WORKER: u64 = 6;
/// Accesses of the job, its hold, its pipeline, the treasury and the issuance at the end of a trial.
const ACCESSES_PER_JOB: u64 = 10;

fn call() -> Weight {
	Weight::from_parts(COMPUTE_MICROS.saturating_mul(WEIGHT_REF_TIME_PER_MICROS), 0)
}

/// The trial, and a deadline that moves.
fn moved(db: RuntimeDbWeight) -> Weight {
	db.reads_writes(AGENDA_ACCESSES.saturating_add(1), 3)
}

/// The verdicts of `s` stages carried out.
fn closed(db: RuntimeDbWeight, s: u32) -> Weight {
	let workers = u64::from(s).saturating_mul(3);
	let accesses = workers
		.saturating_mul(ACCESSES_PER_WORKER)
		.saturating_add(ACCESSES_PER_JOB);
	db.reads_writes(accesses, accesses)
}

/// Weights by the database of the runtime.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn commit(_: u32) -> Weight {
		call().saturating_add(moved(T::DbWeight::get()))
	}

	fn commit_reply(s: u32) -> Weight {
		// The job's record takes the reply.
		Self::commit(s).saturating_add(T::DbWeight::get().reads_writes(1, 1))
	}

	fn reveal(s: u32) -> Weight {
		Self::commit(s).saturating_add(closed(T::DbWeight::get(), s))
	}

	fn attest(s: u32) -> Weight {
		Self::reveal(s)
	}

	fn expire(s: u32) -> Weight {
		Self::reveal(s)
	}
}

impl WeightInfo for () {
	fn commit(_: u32) -> Weight {
		call().saturating_add(moved(RocksDbWeight::get()))
	}

	fn commit_reply(s: u32) -> Weight {
		Self::commit(s).saturating_add(RocksDbWeight::get().reads_writes(1, 1))
	}

	fn reveal(s: u32) -> Weight {
		Self::commit(s).saturating_add(closed(RocksDbWeight::get(), s))
	}

	fn attest(s: u32) -> Weight {
		Self::reveal(s)
	}

	fn expire(s: u32) -> Weight {
		Self::reveal(s)
	}
}
