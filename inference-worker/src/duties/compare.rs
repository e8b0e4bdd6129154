//! `Compare`: lead and checker of a stage are in two numerics classes and tell other rows, as honest workers of such
//! classes do. Each shows those that the chain has drawn, and the chain finds whether they are the same but for
//! rounding. Who cannot show them is convicted of nothing: a third worker decides.

use super::{DutyError, Key, Progress, Worker};
use crate::{
	chain::calls,
	commitment::{Leaves, Ledger, LedgerError, RowFile, StageRecord},
	metrics::metrics,
	network::frame::{MAX_PAYLOAD, MAX_ROWS},
};
use dllm_primitives::{
	commitment::{merkle_path, merkle_root, row_key},
	compare::ShownRow,
	ids::{Digest, JobId, StageIndex},
};

impl Worker {
	/// Shows rows of a stage. They reveal what was said, so they are shown only while the commitment on chain is
	/// to them: after a fork another job may have the number.
	pub(super) async fn compare(
		self,
		job: JobId,
		stage: StageIndex,
		positions: Vec<u32>,
	) -> Result<Progress, DutyError> {
		self.own_opening(job, stage).await?;
		let key = Key::of_comparison(job, stage, &positions);
		let reading = self
			.workshop
			.ledger
			.blocking(move |ledger| shown_rows(ledger, (job, stage), &positions));
		let Some(rows) = reading.await? else {
			tracing::warn!(job, stage, "no rows are shown to be compared, so a third worker decides: the rows that were committed to are not in the ledger, or damaged; was the data folder replaced, or the stage checked by an earlier version? If neither, check the disk");
			return Ok(Progress::Done);
		};
		let call = calls::show_rows(job, stage, &rows);
		if let Some(block) = self.say(key, &call).await? {
			metrics().comparisons.inc();
			let rows = rows.len();
			tracing::info!(job, stage, rows, block, "rows shown to be compared");
		}
		Ok(Progress::Done)
	}
}

/// The rows at these positions of those that a stage sent, or that its checker computed, each with what proves that
/// the record's commitment is to it. None where the ledger does not hold all rows that come to the root of that
/// commitment. It reads every one of them: call it on a blocking thread.
pub fn shown_rows(
	ledger: &Ledger,
	place: (JobId, StageIndex),
	positions: &[u32],
) -> Result<Option<Vec<ShownRow>>, LedgerError> {
	match Sent::read(ledger, place) {
		Ok(Some(sent)) => sent.show(positions),
		Ok(None) => Ok(None),
		Err(error) if error.is_missing() => Ok(None),
		Err(error) => Err(error),
	}
}

/// The rows that a worker has committed to, on disk, and the leaf of each.
struct Sent {
	stage: StageIndex,
	record: StageRecord,
	file: RowFile,
	leaves: Vec<Digest>,
}

impl Sent {
	/// Reads them all, a frame at a time; none where they are not those that were committed to.
	fn read(
		ledger: &Ledger,
		(job, stage): (JobId, StageIndex),
	) -> Result<Option<Self>, LedgerError> {
		let Some(record) = ledger.record(job, stage)? else {
			return Ok(None);
		};
		let (roots, row_bytes) = (record.opening.roots, record.row_bytes());
		let at_once = (MAX_PAYLOAD / row_bytes).clamp(1, MAX_ROWS) as u32;
		let mut file = ledger.committed_rows(job, stage, record.made_by)?;
		let mut leaves = Leaves::new(job, record.job_key, stage, row_bytes);
		while leaves.rows() < roots.rows {
			let position = leaves.rows();
			let count = at_once.min(roots.rows - position);
			leaves.append(position, &file.read(position, count as usize, row_bytes)?)?;
		}
		let leaves = leaves.into_digests();
		Ok((merkle_root(&leaves) == roots.output).then_some(Self {
			stage,
			record,
			file,
			leaves,
		}))
	}

	/// The rows at these positions, in their order; none where there is no such row, or one is longer than the
	/// chain takes.
	fn show(mut self, positions: &[u32]) -> Result<Option<Vec<ShownRow>>, LedgerError> {
		let rows = positions.iter().map(|position| self.row(*position));
		let rows = rows.collect::<Result<Vec<_>, _>>()?;
		Ok(rows.into_iter().collect())
	}

	fn row(&mut self, position: u32) -> Result<Option<ShownRow>, LedgerError> {
		if position as usize >= self.leaves.len() {
			return Ok(None);
		}
		let (record, stage) = (&self.record, self.stage);
		let bytes = self.file.read(position, 1, record.row_bytes())?;
		let key = row_key(&record.job_key, stage, position);
		let path = merkle_path(&self.leaves, position);
		Ok(shown(key, bytes, path))
	}
}

/// A row as the chain takes it; none where it is too long.
fn shown(key: [u8; 32], bytes: Vec<u8>, path: Vec<Digest>) -> Option<ShownRow> {
	Some(ShownRow {
		key,
		bytes: bytes.try_into().ok()?,
		path: path.try_into().ok()?,
	})
}
