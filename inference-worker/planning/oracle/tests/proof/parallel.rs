//! Proofs of many seeds, on all processors.

use anyhow::Result;
use std::{
	sync::{
		atomic::{AtomicU64, Ordering},
		Mutex,
	},
	thread,
};

/// Proves every seed below `seeds`; fails with the first failure.
pub fn each<T: Send>(seeds: u64, prove: impl Fn(u64) -> Result<T> + Sync) -> Result<Vec<T>> {
	let next = AtomicU64::new(0);
	let proved = Mutex::new(Vec::new());
	let work = || loop {
		let seed = next.fetch_add(1, Ordering::Relaxed);
		if seed >= seeds {
			return;
		}
		let result = prove(seed);
		if result.is_err() {
			next.store(seeds, Ordering::Relaxed);
		}
		proved.lock().expect("no proof panics").push(result);
	};
	let threads = thread::available_parallelism().map_or(1, usize::from);
	thread::scope(|scope| {
		for _ in 0..threads {
			scope.spawn(work);
		}
	});
	proved
		.into_inner()
		.expect("no proof panics")
		.into_iter()
		.collect()
}
