//! The clock of the benchmarks: what the processor spent on this thread, so that whatever else the machine
//! does in the meantime is not counted.

// The macro speaks of the wasm side as well, which has no part here.
#![allow(dead_code, unexpected_cfgs)]

use sp_runtime_interface::{pass_by::AllocateAndReturnPointer, runtime_interface};

/// Overrides the function of the same name of `frame_benchmarking::benchmarking`.
#[runtime_interface]
pub trait Benchmarking {
	/// Nanoseconds, as the bytes of a `u128`, the lowest first.
	fn current_time() -> AllocateAndReturnPointer<[u8; 16], 16> {
		let mut time = libc::timespec {
			tv_sec: 0,
			tv_nsec: 0,
		};
		// SAFETY: the pointer is to a live value of the type that the call fills.
		let failed = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
		assert_eq!(
			failed, 0,
			"this system has no clock for the time of a thread"
		);
		let nanos = time.tv_sec as u128 * 1_000_000_000 + time.tv_nsec as u128;
		nanos.to_le_bytes()
	}
}
