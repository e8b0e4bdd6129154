//! The rows that a check computes: hashed to the root that it commits to, and kept where it may have to show some.
//!
//! Lead and checker of a float model may be of two numerics classes, between which the chain compares rows. An exact
//! model has one class, so nothing of its rows is kept.

use super::CheckError;
use crate::{
	commitment::{Leaves, LedgerError, RowLog},
	pipeline::{PipelineError, Workshop},
};
use dllm_primitives::ids::{Digest, JobId, StageIndex};
use libp2p::bytes::Bytes;
use tokio::task::spawn_blocking;

/// Rows of a stage on their way to their root.
pub(super) struct Output {
	job: JobId,
	rows: Rows,
}

enum Rows {
	/// Only their digests are kept, in memory.
	Hashed(Leaves),
	/// They are kept on disk.
	Kept(RowLog),
}

impl Output {
	/// No rows yet. What an earlier check of the stage left unfinished is overwritten.
	pub async fn begin(
		workshop: &Workshop,
		(job, stage): (JobId, StageIndex),
		leaves: Leaves,
		is_exact: bool,
	) -> Result<Self, CheckError> {
		if is_exact {
			let rows = Rows::Hashed(leaves);
			return Ok(Self { job, rows });
		}
		let log = workshop
			.ledger
			.blocking(move |ledger| ledger.computed(job, stage, leaves));
		let rows = Rows::Kept(log.await?);
		Ok(Self { job, rows })
	}

	/// Takes further rows off the threads of the network: a frame holds up to 2 MiB.
	pub async fn push(mut self, position: u32, rows: Bytes) -> Result<Self, CheckError> {
		let job = self.job;
		let pushing = spawn_blocking(move || self.rows.append(position, &rows).map(|()| self));
		let pushed = pushing
			.await
			.map_err(|_| PipelineError::Interrupted { job })?;
		Ok(pushed?)
	}

	/// Makes what is kept durable and gives the root over all rows.
	pub async fn finish(self) -> Result<Digest, CheckError> {
		let Self { job, rows } = self;
		let finishing = spawn_blocking(move || rows.finish());
		let root = finishing
			.await
			.map_err(|_| PipelineError::Interrupted { job })?;
		Ok(root?)
	}
}

impl Rows {
	fn append(&mut self, position: u32, bytes: &[u8]) -> Result<(), LedgerError> {
		match self {
			Self::Hashed(leaves) => leaves.append(position, bytes),
			Self::Kept(log) => log.append(position, bytes),
		}
	}

	fn finish(self) -> Result<Digest, LedgerError> {
		match self {
			Self::Hashed(leaves) => Ok(leaves.root()),
			Self::Kept(log) => log.finish().map(|(root, _)| root),
		}
	}
}
