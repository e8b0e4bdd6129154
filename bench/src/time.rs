//! Time that a process spent on processors.
//!
//! With one thread that is the time that a step takes on a quiet machine; what else the machine does shows
//! in it only through shared caches and memory. Where several workers wait for one another, wall time is
//! the measure instead.

use anyhow::{Context, Result};
use std::{fs, time::Duration};

/// Time on processors of all threads of a process, so far. Threads that ended are not counted.
pub fn processor_time(process: u32) -> Result<Duration> {
	let folder = format!("/proc/{process}/task");
	let mut total = 0;
	for task in fs::read_dir(&folder).context("processor time can only be read on Linux")? {
		// The first figure is nanoseconds on a processor (Documentation/scheduler/sched-stats.rst).
		let text = fs::read_to_string(task?.path().join("schedstat"))?;
		let first = text
			.split_whitespace()
			.next()
			.context("schedstat is empty")?;
		total += first.parse::<u64>()?;
	}
	Ok(Duration::from_nanos(total))
}

/// The middle of some values.
pub fn median(values: &[f64]) -> f64 {
	let mut sorted = values.to_vec();
	sorted.sort_by(f64::total_cmp);
	sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
