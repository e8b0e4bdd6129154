//! Memory that a long-lived process has freed goes back to the system.
//!
//! The C library of GNU/Linux keeps what is freed for later, scattered over arenas of its threads: a gateway with
//! 23 MiB in use held 100 MiB after half an hour at its limit, and 27 MiB more every hour.

use std::time::Duration;
use tokio::{task::spawn_blocking, time::sleep};

/// Between two times that memory is given back.
const PAUSE: Duration = Duration::from_secs(60);

/// Gives memory back every minute; never ends.
pub async fn tend() {
	loop {
		sleep(PAUSE).await;
		if let Err(error) = spawn_blocking(give_back).await {
			tracing::warn!(%error, "no memory is given back any more");
			return;
		}
	}
}

/// Looks through all that is free, for some milliseconds.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn give_back() {
	// SAFETY: it takes the allocator's own locks, and touches nothing that is in use.
	unsafe { libc::malloc_trim(0) };
}

/// Other libraries do it by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}
