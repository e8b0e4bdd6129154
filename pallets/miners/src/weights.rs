//! Weights of the calls.
//!
//! They are not measured yet: every figure is the number of database reads and writes that the code
//! makes, times the price of the configured database, plus a fixed allowance of 100 µs a call. The
//! benchmarks in `benchmarking.rs` replace them once they have been run by the node build.

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::RocksDbWeight, RuntimeDbWeight, Weight},
};

/// Time allowed for the execution of a call, in picoseconds.
const CALL_TIME: u64 = 100_000_000;
/// Proof of a worker, its indices and its account, in bytes.
const PROOF_SIZE: u64 = 12_000;

/// What a call costs.
pub trait WeightInfo {
	/// `register`.
	fn register() -> Weight;
	/// `accept_worker`.
	fn accept_worker() -> Weight;
	/// `update`.
	fn update() -> Weight;
	/// `bond_extra`.
	fn bond_extra() -> Weight;
	/// `unbond`.
	fn unbond() -> Weight;
	/// `rebond`.
	fn rebond() -> Weight;
	/// `withdraw`.
	fn withdraw() -> Weight;
}

fn counted(db: RuntimeDbWeight, reads: u64, writes: u64) -> Weight {
	Weight::from_parts(CALL_TIME, PROOF_SIZE).saturating_add(db.reads_writes(reads, writes))
}

/// Reads: `Workers`, counter, `WorkerOfPeer`, `Account`, `Holds`, `VerifierNumber`, `VerifierCount`. Writes:
/// `Account`, `Holds`, `WorkerOfPeer`, `Workers`, counter, `VerifierAt`, `VerifierNumber`, `VerifierCount`.
fn register(db: RuntimeDbWeight) -> Weight {
	counted(db, 7, 8)
}

/// Reads: `Workers`, counter, `VerifierNumber`, `VerifierCount`. Writes: `Workers`, `VerifierAt`,
/// `VerifierNumber`, `VerifierCount`.
fn enter_index(db: RuntimeDbWeight) -> Weight {
	counted(db, 4, 4)
}

/// As [`leave_index`], and `WorkerOfPeer` read once and written twice.
fn update(db: RuntimeDbWeight) -> Weight {
	counted(db, 6, 8)
}

/// Reads: `Workers`, counter, `Account`, `Holds`, `VerifierNumber`. Writes: `Account`, `Holds`, `Workers`.
fn bond_extra(db: RuntimeDbWeight) -> Weight {
	counted(db, 5, 3)
}

/// Reads: `Workers`, counter, `VerifierNumber`, `VerifierCount`, `VerifierAt`. Writes: `Workers`,
/// `VerifierCount`, `VerifierNumber` and `VerifierAt` of the worker and of the one that takes its number.
fn leave_index(db: RuntimeDbWeight) -> Weight {
	counted(db, 5, 6)
}

/// Reads: `Workers`, counter, `Account`, `Holds`. Writes: `Account`, `Holds`, `WorkerOfPeer`, `Workers`,
/// counter.
fn withdraw(db: RuntimeDbWeight) -> Weight {
	counted(db, 4, 5)
}

/// Weights by the runtime's own database.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn register() -> Weight {
		register(T::DbWeight::get())
	}
	fn accept_worker() -> Weight {
		enter_index(T::DbWeight::get())
	}
	fn update() -> Weight {
		update(T::DbWeight::get())
	}
	fn bond_extra() -> Weight {
		bond_extra(T::DbWeight::get())
	}
	fn unbond() -> Weight {
		leave_index(T::DbWeight::get())
	}
	fn rebond() -> Weight {
		enter_index(T::DbWeight::get())
	}
	fn withdraw() -> Weight {
		withdraw(T::DbWeight::get())
	}
}

/// For mocks.
impl WeightInfo for () {
	fn register() -> Weight {
		register(RocksDbWeight::get())
	}
	fn accept_worker() -> Weight {
		enter_index(RocksDbWeight::get())
	}
	fn update() -> Weight {
		update(RocksDbWeight::get())
	}
	fn bond_extra() -> Weight {
		bond_extra(RocksDbWeight::get())
	}
	fn unbond() -> Weight {
		leave_index(RocksDbWeight::get())
	}
	fn rebond() -> Weight {
		enter_index(RocksDbWeight::get())
	}
	fn withdraw() -> Weight {
		withdraw(RocksDbWeight::get())
	}
}
