//! Weights of the calls.
//!
//! They are not measured: every figure is the number of database reads and writes that the code makes,
//! times the price of the configured database, plus a fixed allowance of 100 µs a call.

use core::marker::PhantomData;
use frame_support::{
	traits::Get,
	weights::{constants::RocksDbWeight, RuntimeDbWeight, Weight},
};

/// Time allowed for the execution of a call, in picoseconds.
const CALL_TIME: u64 = 100_000_000;
/// Proof of a link, a ledger entry and two accounts, in bytes.
const PROOF_SIZE: u64 = 5_000;

/// What a call costs.
pub trait WeightInfo {
	/// `propose_link`.
	fn propose_link() -> Weight;
	/// `accept_link`.
	fn accept_link() -> Weight;
	/// `end_link`.
	fn end_link() -> Weight;
	/// `set_rules`.
	fn set_rules() -> Weight;
}

fn counted(db: RuntimeDbWeight, reads: u64, writes: u64) -> Weight {
	Weight::from_parts(CALL_TIME, PROOF_SIZE).saturating_add(db.reads_writes(reads, writes))
}

/// Weights by the runtime's own database.
pub struct SubstrateWeight<T>(PhantomData<T>);

impl<T: frame_system::Config> WeightInfo for SubstrateWeight<T> {
	/// Reads and writes: `Links`, `Account`, `Holds`.
	fn propose_link() -> Weight {
		counted(T::DbWeight::get(), 3, 3)
	}
	/// Reads and writes: `Links`.
	fn accept_link() -> Weight {
		counted(T::DbWeight::get(), 1, 1)
	}
	/// Reads: `Links`, `CurrentIndex`, `Account`, `Holds`. Writes: `Links`, `Account`, `Holds`.
	fn end_link() -> Weight {
		counted(T::DbWeight::get(), 4, 3)
	}
	/// Writes: `Rules`.
	fn set_rules() -> Weight {
		counted(T::DbWeight::get(), 0, 1)
	}
}

/// For mocks.
impl WeightInfo for () {
	fn propose_link() -> Weight {
		counted(RocksDbWeight::get(), 3, 3)
	}
	fn accept_link() -> Weight {
		counted(RocksDbWeight::get(), 1, 1)
	}
	fn end_link() -> Weight {
		counted(RocksDbWeight::get(), 4, 3)
	}
	fn set_rules() -> Weight {
		counted(RocksDbWeight::get(), 0, 1)
	}
}
