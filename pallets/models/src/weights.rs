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
/// Time allowed for checking and encoding one layer, in picoseconds.
const LAYER_TIME: u64 = 500_000;
/// Proof of a model, its indices and its owner's account, in bytes: a model with 256 layers is the largest
/// item.
const PROOF_SIZE: u64 = 20_000;

/// What a call costs.
pub trait WeightInfo {
	/// `register` of a model with `layers` layers.
	fn register(layers: u32) -> Weight;
	/// `activate`.
	fn activate() -> Weight;
	/// `retire`.
	fn retire() -> Weight;
}

fn counted(db: RuntimeDbWeight, reads: u64, writes: u64) -> Weight {
	Weight::from_parts(CALL_TIME, PROOF_SIZE).saturating_add(db.reads_writes(reads, writes))
}

/// Reads: `ModelOf`, `NextModel`, counter, `Retirements`, `Models`, `Account`, `Holds`. Writes: `Account`,
/// `Holds`, `NextModel`, `ModelOf`, `Deposits`, `Models`, counter, and `Retirements`, `Models` where one
/// makes room.
fn register(db: RuntimeDbWeight, layers: u32) -> Weight {
	counted(db, 7, 9)
		.saturating_add(Weight::from_parts(LAYER_TIME, 0).saturating_mul(layers.into()))
}

/// Reads and writes: `Models`.
fn activate(db: RuntimeDbWeight) -> Weight {
	counted(db, 1, 1)
}

/// Reads: `Models`, counter, `Deposits`, `Retirements`, `Account`, `Holds`. Writes: `Deposits`, `Account`,
/// `Holds`, `Retirements`, `ModelOf`, `Models`.
fn retire(db: RuntimeDbWeight) -> Weight {
	counted(db, 6, 6)
}

/// Weights by the runtime's own database.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	fn register(layers: u32) -> Weight {
		register(T::DbWeight::get(), layers)
	}
	fn activate() -> Weight {
		activate(T::DbWeight::get())
	}
	fn retire() -> Weight {
		retire(T::DbWeight::get())
	}
}

/// For mocks.
impl WeightInfo for () {
	fn register(layers: u32) -> Weight {
		register(RocksDbWeight::get(), layers)
	}
	fn activate() -> Weight {
		activate(RocksDbWeight::get())
	}
	fn retire() -> Weight {
		retire(RocksDbWeight::get())
	}
}
