//! The rows that went into a stage, on their way from the lead that hands them out to the checker's disk.

use super::{CheckError, Commitments, PROTOCOL};
use crate::{
	commitment::{Leaves, RowLog},
	network::{
		frame::{Ask, Frame, Record, Rows, Side},
		link::{out_of_turn, Link},
		Dtype,
	},
	pipeline::{PipelineError, Ring, Workshop},
};
use codec::Encode;
use dllm_primitives::{
	commitment::commitment,
	ids::{Digest, JobId, StageIndex},
};
use libp2p::{bytes::Bytes, PeerId};
use std::time::Duration;
use tokio::task::spawn_blocking;

/// The rows that went into a stage, as a lead hands them out.
pub(super) struct Source {
	/// The job.
	pub job: JobId,
	peer: PeerId,
	link: Link,
	/// What the lead says of them.
	pub record: Record,
	/// Root that the rows must come to; none where the checked lead itself hands them out.
	committed: Option<Digest>,
	/// The rows on their way to disk; none once all of them came.
	input: Option<RowLog>,
	/// Rows so far.
	rows: u32,
	/// Root of the rows, once all of them came.
	pub root: Digest,
	idle: Duration,
}

impl Source {
	/// Asks for the rows that went into `stage`. They come from the stage before; where that is the user,
	/// from the lead of the stage itself, whose roots must then equal the checker's on this side too.
	pub async fn open(
		workshop: &Workshop,
		ring: &Ring,
		stage: StageIndex,
		commitments: &Commitments,
		shape: (u32, Dtype),
	) -> Result<Self, CheckError> {
		let job = ring.job;
		let boundary = ring.boundary_into(stage);
		let before = ring.member(boundary)?;
		let (from, side) = match before.account {
			Some(_) => (boundary, Side::Output),
			None => (stage, Side::Input),
		};
		let lead = &ring.member(from)?.peer;
		let failed = |error| CheckError::Link {
			job,
			peer: lead.id,
			error,
		};
		let mut link = Link::new(workshop.network.open(lead, PROTOCOL).await?);
		link.send(&Frame::Ask(Ask {
			job,
			stage: from,
			side,
		}))
		.await
		.map_err(failed)?;
		let record = match link.receive(workshop.timings.ready).await.map_err(failed)? {
			Frame::Record(record) => *record,
			other => return Err(failed(out_of_turn(&other))),
		};
		if (record.width, record.dtype) != shape || !(1..=ring.rows_ceiling).contains(&record.rows)
		{
			return Err(CheckError::OtherRows { job, peer: lead.id });
		}
		let committed = match side {
			Side::Input => None,
			Side::Output => Some(opened(ring, from, &record, commitments)?),
		};
		let row_bytes = record.width as usize * record.dtype.bytes();
		let leaves = Leaves::new(job, record.job_key, boundary, row_bytes);
		let input = workshop
			.ledger
			.blocking(move |ledger| ledger.log(job, stage, Side::Input, leaves));
		Ok(Self {
			job,
			peer: lead.id,
			link,
			record,
			committed,
			input: Some(input.await?),
			rows: 0,
			root: Digest::zero(),
			idle: workshop.timings.idle,
		})
	}

	/// The next rows and the position of the first; `None` once all came and match the commitment.
	pub async fn next(&mut self) -> Result<Option<(u32, Bytes)>, CheckError> {
		let (job, peer) = (self.job, self.peer);
		let Some(input) = self.input.take() else {
			return Ok(None);
		};
		let frame = self.link.receive(self.idle).await;
		let rows = match frame.map_err(|error| CheckError::Link { job, peer, error })? {
			Frame::Rows(rows) => rows,
			Frame::Close { rows } => {
				let complete = rows == self.record.rows && rows == self.rows;
				self.root = finished(job, input).await?;
				let matching = self.committed.is_none_or(|root| root == self.root);
				return match complete && matching {
					true => Ok(None),
					false => Err(CheckError::OtherRows { job, peer }),
				};
			}
			other => {
				let error = out_of_turn(&other);
				return Err(CheckError::Link { job, peer, error });
			}
		};
		if !self.follows(&rows) {
			return Err(CheckError::OtherRows { job, peer });
		}
		let Rows {
			position,
			count,
			payload,
			..
		} = rows;
		self.input = Some(logged(job, input, position, payload.clone()).await?);
		self.rows += u32::from(count);
		Ok(Some((position, payload)))
	}

	fn follows(&self, rows: &Rows) -> bool {
		rows.session == self.job
			&& rows.position == self.rows
			&& rows.dtype == self.record.dtype
			&& rows.payload.len() == usize::from(rows.count) * self.row_bytes()
			&& u32::from(rows.count) <= self.record.rows - self.rows
	}

	/// Bytes of a row.
	pub fn row_bytes(&self) -> usize {
		self.record.width as usize * self.record.dtype.bytes()
	}
}

/// Hashes and writes further rows off the threads of the network: a frame holds up to 2 MiB.
async fn logged(
	job: JobId,
	mut log: RowLog,
	position: u32,
	rows: Bytes,
) -> Result<RowLog, CheckError> {
	let logging = spawn_blocking(move || log.append(position, &rows).map(|()| log));
	let logged = logging
		.await
		.map_err(|_| PipelineError::Interrupted { job })?;
	Ok(logged?)
}

/// Makes the rows durable and gives their root.
async fn finished(job: JobId, log: RowLog) -> Result<Digest, CheckError> {
	let finishing = spawn_blocking(move || log.finish());
	let finished = finishing
		.await
		.map_err(|_| PipelineError::Interrupted { job })?;
	Ok(finished?.0)
}

/// The root of the rows that a lead sent, out of an opening that matches its commitment on chain.
fn opened(
	ring: &Ring,
	stage: StageIndex,
	record: &Record,
	commitments: &Commitments,
) -> Result<Digest, CheckError> {
	let job = ring.job;
	let found = commitments.iter().find(|(of, _, _)| *of == stage);
	let (_, account, on_chain) = found.ok_or(CheckError::NotCommitted { job, stage })?;
	let peer = ring.member(stage)?.peer.id;
	let opening = record
		.opening
		.ok_or(CheckError::OtherOpening { job, peer })?;
	let opens = commitment(job, stage, &account.encode(), &opening) == *on_chain;
	if !opens || opening.roots.rows != record.rows {
		return Err(CheckError::OtherOpening { job, peer });
	}
	Ok(opening.roots.output)
}
