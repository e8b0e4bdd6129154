//! How far each stage came that this worker leads: rows that came over the hop into it and rows that it sent. If
//! the job does not come to its end, the worker tells that on chain, which finds out who stopped the ring.

use dllm_primitives::{
	ids::{Digest, JobId, StageIndex},
	stall::Tally,
};
use std::{
	collections::HashMap,
	sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The tallies of all stages. Clones share them.
#[derive(Clone, Default)]
pub struct Tallies {
	stages: Arc<Mutex<HashMap<(JobId, StageIndex), Run>>>,
}

/// A stage in one run of a job.
struct Run {
	/// Names the run: after a fork another job may have the same number.
	id: Digest,
	mark: Mark,
}

/// The tally of one stage, to be written while it runs. Clones share it.
#[derive(Clone, Default)]
pub(super) struct Mark(Arc<Mutex<Tally>>);

impl Tallies {
	/// Begins a try of a stage: what counts is the most of all tries of one run.
	pub(super) fn begin(&self, job: JobId, stage: StageIndex, run: Digest) -> Mark {
		let mut stages = lock(&self.stages);
		let known = stages.get(&(job, stage)).filter(|known| known.id == run);
		let mark = known.map(|known| known.mark.clone()).unwrap_or_default();
		lock(&mark.0).lost_next = false;
		let (id, begun) = (run, mark.clone());
		stages.insert((job, stage), Run { id, mark });
		begun
	}

	/// The stage failed here, not at its neighbours: there is nothing to tell of them.
	pub(super) fn fail(&self, job: JobId, stage: StageIndex) {
		lock(&self.stages).remove(&(job, stage));
	}

	/// How far a stage came; none where it was not tried, or failed here.
	pub fn of(&self, job: JobId, stage: StageIndex) -> Option<Tally> {
		let stages = lock(&self.stages);
		stages.get(&(job, stage)).map(|run| *lock(&run.mark.0))
	}

	/// Forgets a job that is over.
	pub(super) fn forget(&self, job: JobId) {
		lock(&self.stages).retain(|(of, _), _| *of != job);
	}
}

impl Mark {
	/// So many rows have come from the stage before; none as yet, where the link only stands.
	pub fn received(&self, rows: u32) {
		let mut tally = lock(&self.0);
		tally.received = tally.received.max(Some(rows));
	}

	/// So many rows are sent to the next stage, or about to be; none as yet, where the link only stands.
	pub fn sent(&self, rows: u32) {
		let mut tally = lock(&self.0);
		tally.sent = tally.sent.max(Some(rows));
	}

	/// The next stage gave this try up, or cannot be reached.
	pub fn lost_next(&self) {
		lock(&self.0).lost_next = true;
	}
}

/// What is behind a lock is whole whenever a thread may die.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
	mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
