//! Where the steps of a stage are computed: on a blocking thread, or at once where they are so brief that
//! handing them over would take longer than they do.
//!
//! A decode step of a small model takes a few hundred microseconds, and waking another thread and being
//! woken by it takes tens of them, at every stage for every token. A step that took long the last time is
//! handed over, so that the other tasks of this thread go on.

use std::{
	sync::{
		atomic::{AtomicU64, Ordering},
		Arc,
	},
	time::{Duration, Instant},
};
use tokio::task::{spawn_blocking, JoinHandle};

/// A step that took less than this is brief: other tasks of the thread can wait that long.
const BRIEF: Duration = Duration::from_millis(1);

/// Remembers how long the steps of a stage take.
#[derive(Clone, Debug)]
pub(super) struct Handover {
	/// Nanoseconds of the last step that counts.
	last: Arc<AtomicU64>,
}

/// A step that was started.
pub(super) enum Started<T> {
	/// It is done already.
	Done(Option<T>),
	/// It runs on a blocking thread.
	Running(JoinHandle<T>),
}

/// The thread died, or the worker is being shut down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Died;

impl Default for Handover {
	/// Nothing is known yet: the first step is handed over.
	fn default() -> Self {
		let last = Arc::new(AtomicU64::new(u64::MAX));
		Self { last }
	}
}

impl Handover {
	/// Starts a step. One that is `small`, a single row, is measured, and done at once where the last such
	/// one was brief.
	pub fn start<T: Send + 'static>(
		&self,
		small: bool,
		work: impl FnOnce() -> T + Send + 'static,
	) -> Started<T> {
		let last = self.last.clone();
		let measured = move || {
			let started = Instant::now();
			let result = work();
			if small {
				let taken = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
				last.store(taken, Ordering::Relaxed);
			}
			result
		};
		match small && self.is_brief() {
			true => Started::Done(Some(measured())),
			false => Started::Running(spawn_blocking(measured)),
		}
	}

	fn is_brief(&self) -> bool {
		u128::from(self.last.load(Ordering::Relaxed)) < BRIEF.as_nanos()
	}
}

impl<T> Started<T> {
	/// The result, given once; dropping the call keeps it for the next one.
	pub async fn result(&mut self) -> Result<T, Died> {
		match self {
			Self::Done(result) => result.take().ok_or(Died),
			Self::Running(running) => running.await.map_err(|_| Died),
		}
	}
}
