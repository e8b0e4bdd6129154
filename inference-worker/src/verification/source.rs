//! The rows that went into a stage, from either end of the hop over which they came to the checker's disk.
//!
//! First the lead of the stage before is asked, whose rows have to match what it committed to; where it is the
//! user of a sealed job it listens nowhere. Whoever refuses, is too slow, or hands out anything else is passed
//! over for the other end: the lead under check itself, whose rows have to match the receipt that both ends
//! signed. Nothing is executed before all rows are here and match.

use super::{CheckError, Commitments, PROTOCOL};
use crate::{
	commitment::{Leaves, RowFile, RowLog},
	network::{
		frame::{Ask, Frame, Record, Rows, Side, MAX_PAYLOAD, MAX_ROWS},
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

/// Blocks before its deadline in which a checker executes the stage, or tells the chain that nobody handed out
/// the rows: two of them get a call into a block.
const RESERVED: u32 = 6;

/// The rows that went into a stage, on disk.
pub(super) struct Source {
	/// The job.
	pub job: JobId,
	/// What was said of the rows by who handed them out.
	pub record: Record,
	/// Root of the rows.
	pub root: Digest,
	file: Option<RowFile>,
	/// Rows that were read.
	read: u32,
}

/// What a checker asks for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
	/// The ring that ran the job.
	pub ring: &'a Ring,
	/// The stage under check.
	pub stage: StageIndex,
	/// What the leads committed to.
	pub commitments: &'a Commitments,
	/// Values in a row, and how they travel.
	pub shape: (u32, Dtype),
	/// Block by which the check is due.
	pub until: u32,
}

impl Source {
	/// Fetches the rows that went into a stage.
	pub async fn fetch(workshop: &Workshop, wanted: Wanted<'_>) -> Result<Self, CheckError> {
		let Wanted { ring, stage, .. } = wanted;
		let job = ring.job;
		let boundary = ring.boundary_into(stage);
		// However slowly an end sends, the check does not run into its deadline.
		let now = workshop.block();
		let end = last_block(wanted.until).max(now);
		let from_receiver = fetch_from(workshop, wanted, stage, Side::Input);
		let from_receiver = workshop.run_until(job, end, from_receiver);
		if ring.member(boundary)?.account.is_none() {
			return from_receiver.await;
		}
		// Half of the time is left for the other end.
		let half = now + (end - now) / 2;
		let from_sender = fetch_from(workshop, wanted, boundary, Side::Output);
		let sender = match workshop.run_until(job, half, from_sender).await {
			Err(error) if !error.is_interruption() => error,
			fetched => return fetched,
		};
		tracing::debug!(job, stage, %sender, "the stage before does not hand out its rows, the lead is asked");
		match from_receiver.await {
			Err(error) if !error.is_interruption() => Err(CheckError::NeitherEnd {
				job,
				stage,
				sender: Box::new(sender),
				receiver: Box::new(error),
			}),
			fetched => fetched,
		}
	}

	/// The next rows and the position of the first; `None` once all were read.
	pub async fn next(&mut self) -> Result<Option<(u32, Bytes)>, CheckError> {
		let interrupted = PipelineError::Interrupted { job: self.job };
		let Some(mut file) = self.file.take() else {
			return Ok(None);
		};
		let (position, row_bytes) = (self.read, self.row_bytes());
		let at_once = (MAX_PAYLOAD / row_bytes).clamp(1, MAX_ROWS) as u32;
		let count = at_once.min(self.record.rows - position);
		if count == 0 {
			return Ok(None);
		}
		let reading = spawn_blocking(move || {
			let rows = file.read(position, count as usize, row_bytes);
			(file, rows)
		});
		let (file, rows) = reading.await.map_err(|_| interrupted)?;
		self.file = Some(file);
		self.read += count;
		Ok(Some((position, Bytes::from(rows?))))
	}

	/// Bytes of a row.
	pub fn row_bytes(&self) -> usize {
		row_bytes(&self.record)
	}
}

/// The last block in which rows are waited for.
pub(super) fn last_block(until: u32) -> u32 {
	until.saturating_sub(RESERVED)
}

/// Fetches the rows from one end: from the lead of `from`, on one side of its stage.
async fn fetch_from(
	workshop: &Workshop,
	wanted: Wanted<'_>,
	from: StageIndex,
	side: Side,
) -> Result<Source, CheckError> {
	let Wanted { ring, stage, .. } = wanted;
	let job = ring.job;
	let lead = &ring.member(from)?.peer;
	let peer = lead.id;
	let failed = |error| CheckError::Link { job, peer, error };
	let mut link = Link::new(workshop.network.open(lead, PROTOCOL).await?);
	let ask = Ask {
		job,
		stage: from,
		side,
	};
	link.send(&Frame::Ask(ask)).await.map_err(failed)?;
	let record = match link.receive(workshop.timings.ready).await.map_err(failed)? {
		Frame::Record(record) => *record,
		other => return Err(failed(out_of_turn(&other))),
	};
	if (record.width, record.dtype) != wanted.shape
		|| !(1..=ring.rows_ceiling).contains(&record.rows)
	{
		return Err(CheckError::OtherRows { job, peer });
	}
	let committed = match side {
		Side::Input => None,
		Side::Output => Some(opened(ring, from, &record, wanted.commitments)?),
	};

	let boundary = ring.boundary_into(stage);
	let leaves = Leaves::new(job, record.job_key, boundary, row_bytes(&record));
	let ledger = &workshop.ledger;
	let log = ledger.blocking(move |ledger| ledger.log(job, stage, Side::Input, leaves));
	let mut taking = Taking {
		job,
		peer,
		link,
		record,
		rows: 0,
		idle: workshop.timings.idle,
	};
	let root = taking.all(log.await?).await?;
	let record = taking.record;
	let vouched = match committed {
		Some(committed) => committed == root,
		None => is_signed(ring, stage, &record, root)?,
	};
	if !vouched {
		return Err(CheckError::OtherRows { job, peer });
	}
	if let Some(receipt) = record.receipt.filter(|_| side == Side::Input) {
		// Where the lead tells other rows than those, this is the proof.
		let keeping =
			ledger.blocking(move |ledger| ledger.keep_receipt(job, stage, Side::Input, &receipt));
		keeping.await?;
	}
	let file = ledger.blocking(move |ledger| ledger.rows(job, stage, Side::Input));
	Ok(Source {
		job,
		record,
		root,
		file: Some(file.await?),
		read: 0,
	})
}

/// Rows on their way to the checker's disk.
struct Taking {
	job: JobId,
	peer: PeerId,
	link: Link,
	record: Record,
	/// Rows so far.
	rows: u32,
	idle: Duration,
}

impl Taking {
	/// Takes all rows and gives their root.
	async fn all(&mut self, mut log: RowLog) -> Result<Digest, CheckError> {
		let (job, peer) = (self.job, self.peer);
		loop {
			let frame = self.link.receive(self.idle).await;
			let rows = match frame.map_err(|error| CheckError::Link { job, peer, error })? {
				Frame::Rows(rows) if self.follows(&rows) => rows,
				Frame::Close { rows } if rows == self.record.rows && rows == self.rows => {
					return finished(job, log).await;
				}
				Frame::Rows(_) | Frame::Close { .. } => {
					return Err(CheckError::OtherRows { job, peer })
				}
				other => {
					let error = out_of_turn(&other);
					return Err(CheckError::Link { job, peer, error });
				}
			};
			log = logged(job, log, rows.position, rows.payload).await?;
			self.rows += u32::from(rows.count);
		}
	}

	fn follows(&self, rows: &Rows) -> bool {
		rows.session == self.job
			&& rows.position == self.rows
			&& rows.dtype == self.record.dtype
			&& rows.payload.len() == usize::from(rows.count) * row_bytes(&self.record)
			&& u32::from(rows.count) <= self.record.rows - self.rows
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

/// Whether both ends of the hop into a stage signed for rows with this root. The user of a sealed job, too: it signs
/// as it goes, so whoever ran its rows has its signature for them.
fn is_signed(
	ring: &Ring,
	stage: StageIndex,
	record: &Record,
	root: Digest,
) -> Result<bool, PipelineError> {
	let boundary = ring.boundary_into(stage);
	let (from, to) = (ring.member(boundary)?, ring.member(stage)?);
	let hop = ring.hop(boundary, record.rows, root);
	let ends = [from, to].map(|end| end.peer.id.to_bytes());
	let [sender, receiver] = &ends;
	let receipt = record.receipt;
	Ok(receipt.is_some_and(|receipt| receipt.is_of(&hop, sender, receiver)))
}

fn row_bytes(record: &Record) -> usize {
	record.width as usize * record.dtype.bytes()
}
