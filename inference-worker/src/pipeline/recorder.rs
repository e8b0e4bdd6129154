//! Hashes and stores the rows of a running stage, off the path of the next token.
//!
//! Rows are handed over in batches: nothing of them is needed before the stage ends, and what a restart
//! finds half-written is overwritten.

use super::PipelineError;
use crate::{
	commitment::{Leaves, Ledger, LedgerError, RowLog},
	network::frame::{Open, Side},
};
use dllm_primitives::ids::{Digest, JobId, StageIndex};
use libp2p::bytes::Bytes;
use std::sync::{Mutex, PoisonError};
use tokio::{sync::mpsc, task::JoinHandle};

/// Batches that may wait to be hashed, each of at most [`BATCH_BYTES`] and one frame: 18 MiB at most.
const WAITING: usize = 8;
/// Bytes that are handed over at once. A decode step brings about a kilobyte, and waking the thread for
/// each of them would take its time from the next token.
const BATCH_BYTES: usize = 256 << 10;
/// Rows of a side that come together: their position and their bytes.
type Entry = (Side, u32, Bytes);

/// Rows that were not handed over yet.
#[derive(Default)]
struct Batch {
	entries: Vec<Entry>,
	bytes: usize,
}

/// Writes both sides of a stage.
pub(super) struct Recorder {
	job: JobId,
	batch: Mutex<Batch>,
	batches: mpsc::Sender<Vec<Entry>>,
	worker: JoinHandle<Result<Sums, LedgerError>>,
}

/// What the rows of a stage come to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sums {
	/// Root of the rows received.
	pub input: Digest,
	/// Root of the rows sent.
	pub output: Digest,
	/// Rows received, and sent.
	pub rows: u32,
}

impl Recorder {
	/// Opens the logs of a stage that receives over one boundary and sends over another.
	pub async fn start(
		ledger: &Ledger,
		stage: StageIndex,
		boundaries: (StageIndex, StageIndex),
		open: &Open,
	) -> Result<Self, PipelineError> {
		let (ledger, open) = (ledger.clone(), *open);
		let (batches, mut queue) = mpsc::channel::<Vec<Entry>>(WAITING);
		let row_bytes = open.width as usize * open.dtype.bytes();
		let worker = tokio::task::spawn_blocking(move || {
			let log = |side, boundary| {
				let leaves = Leaves::new(open.job, open.job_key, boundary, row_bytes);
				ledger.log(open.job, stage, side, leaves)
			};
			let mut input = log(Side::Input, boundaries.0)?;
			let mut output = log(Side::Output, boundaries.1)?;
			while let Some(batch) = queue.blocking_recv() {
				for (side, position, rows) in batch {
					let log = if side == Side::Input {
						&mut input
					} else {
						&mut output
					};
					log.append(position, &rows).inspect_err(|error| {
						tracing::error!(job = open.job, stage, %error, "rows cannot be recorded");
					})?;
				}
			}
			finish(input, output)
		});
		Ok(Self {
			job: open.job,
			batch: Mutex::default(),
			batches,
			worker,
		})
	}

	/// Takes rows; hands them over once they are many, and waits only where the disk cannot follow.
	pub async fn push(&self, side: Side, position: u32, rows: Bytes) -> Result<(), PipelineError> {
		let full = {
			let mut batch = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
			batch.bytes += rows.len();
			batch.entries.push((side, position, rows));
			(batch.bytes >= BATCH_BYTES).then(|| std::mem::take(&mut *batch))
		};
		let Some(full) = full else { return Ok(()) };
		// Batches keep their order: the queue is fair.
		let sent = self.batches.send(full.entries).await;
		sent.map_err(|_| PipelineError::NotRecorded { job: self.job })
	}

	/// Waits until everything is on disk.
	pub async fn finish(self) -> Result<Sums, PipelineError> {
		let rest = self
			.batch
			.into_inner()
			.unwrap_or_else(PoisonError::into_inner);
		// Fails only where the thread has ended, which says below why.
		let _ = self.batches.send(rest.entries).await;
		drop(self.batches);
		match self.worker.await {
			Ok(sums) => Ok(sums?),
			Err(_) => Err(PipelineError::Interrupted { job: self.job }),
		}
	}
}

fn finish(input: RowLog, output: RowLog) -> Result<Sums, LedgerError> {
	let (input, received) = input.finish()?;
	let (output, sent) = output.finish()?;
	if received != sent {
		return Err(LedgerError::WrongPosition {
			found: received,
			expected: sent,
		});
	}
	Ok(Sums {
		input,
		output,
		rows: sent,
	})
}
