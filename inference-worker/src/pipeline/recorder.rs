//! Hashes and stores the rows of a running stage, off the path of the next token.

use super::PipelineError;
use crate::{
	commitment::{Leaves, Ledger, LedgerError, RowLog},
	network::frame::{Open, Side},
};
use dllm_primitives::ids::{Digest, JobId, StageIndex};
use libp2p::bytes::Bytes;
use tokio::{sync::mpsc, task::JoinHandle};

/// Frames that may wait to be hashed: 16 MiB at most.
const WAITING: usize = 8;

/// Writes both sides of a stage.
pub(super) struct Recorder {
	job: JobId,
	entries: mpsc::Sender<(Side, u32, Bytes)>,
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
		let (entries, mut queue) = mpsc::channel::<(Side, u32, Bytes)>(WAITING);
		let row_bytes = open.width as usize * open.dtype.bytes();
		let worker = tokio::task::spawn_blocking(move || {
			let log = |side, boundary| {
				let leaves = Leaves::new(open.job, open.job_key, boundary, row_bytes);
				ledger.log(open.job, stage, side, leaves)
			};
			let mut input = log(Side::Input, boundaries.0)?;
			let mut output = log(Side::Output, boundaries.1)?;
			while let Some((side, position, rows)) = queue.blocking_recv() {
				let log = if side == Side::Input {
					&mut input
				} else {
					&mut output
				};
				log.append(position, &rows).inspect_err(|error| {
					tracing::error!(job = open.job, stage, %error, "rows cannot be recorded");
				})?;
			}
			finish(input, output)
		});
		Ok(Self {
			job: open.job,
			entries,
			worker,
		})
	}

	/// Hands rows over; waits only where the disk cannot follow.
	pub async fn push(&self, side: Side, position: u32, rows: Bytes) -> Result<(), PipelineError> {
		let sent = self.entries.send((side, position, rows)).await;
		sent.map_err(|_| PipelineError::NotRecorded { job: self.job })
	}

	/// Waits until everything is on disk.
	pub async fn finish(self) -> Result<Sums, PipelineError> {
		drop(self.entries);
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
