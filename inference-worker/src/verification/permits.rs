//! Hands the rows of a stage to those who check it.
//!
//! Nobody else gets them, as rows reveal what was said, and only a lead hands them out: who was given those of a
//! checker, with its opening, could say that it had executed the stage. What was sent comes with the opening of
//! the commitment, what was received with the receipt that both ends of the hop signed: by either a checker knows
//! the rows for what they are, so that neither end can keep them from it alone.

use crate::{
	commitment::{Ledger, LedgerError, MadeBy, RowFile, StageRecord},
	network::{
		frame::{Ask, Frame, Reason, Record, Rows, Side, MAX_PAYLOAD, MAX_ROWS},
		link::{out_of_turn, Link, LinkError},
		slots::Slots,
		Network, NetworkError, Stream,
	},
	pipeline::Conduct,
};
use dllm_primitives::{
	hop::HopReceipt,
	ids::{JobId, StageIndex},
};
use libp2p::{bytes::Bytes, PeerId, StreamProtocol};
use std::{
	collections::{HashMap, HashSet},
	sync::{Arc, Mutex, MutexGuard, PoisonError},
	time::Duration,
};
use tokio::task::spawn_blocking;

/// The protocol: `Ask`, then `Record`, rows and `Close`.
pub const PROTOCOL: StreamProtocol = StreamProtocol::new("/dllm/rows/2");
/// Longest wait for the question.
const ASK_TIMEOUT: Duration = Duration::from_secs(5);
/// Checkers that are served at once, in all and for one peer: it may check several jobs.
const MAX_SERVED: (usize, usize) = (16, 4);

/// Who may fetch which rows of which stage.
#[derive(Clone, Default)]
pub struct Permits {
	allowed: Arc<Mutex<Allowed>>,
}

type Allowed = HashMap<(JobId, StageIndex, Side), HashSet<PeerId>>;

/// Why a checker did not get all rows.
#[derive(thiserror::Error, Debug)]
enum ServeError {
	#[error(transparent)]
	Link(#[from] LinkError),
	#[error(transparent)]
	Ledger(#[from] LedgerError),
	#[error("a thread died")]
	Interrupted,
}

impl Permits {
	/// Lets exactly these peers fetch the rows of one side of a stage.
	pub fn set(&self, job: JobId, stage: StageIndex, side: Side, peers: HashSet<PeerId>) {
		match peers.is_empty() {
			true => drop(self.allowed().remove(&(job, stage, side))),
			false => drop(self.allowed().insert((job, stage, side), peers)),
		}
	}

	/// Answers checkers until the network stops.
	pub fn serve(
		&self,
		network: &Network,
		ledger: &Ledger,
		conduct: &Arc<dyn Conduct>,
	) -> Result<(), NetworkError> {
		let mut incoming = network.accept(PROTOCOL)?;
		let (permits, ledger, conduct) = (self.clone(), ledger.clone(), conduct.clone());
		let slots = Slots::new(MAX_SERVED.0, MAX_SERVED.1);
		tokio::spawn(async move {
			while let Some((peer, stream)) = incoming.next().await {
				let Some(slot) = slots.take(peer) else {
					tracing::debug!(%peer, "too many checkers at once, one is refused");
					continue;
				};
				let (permits, ledger) = (permits.clone(), ledger.clone());
				let conduct = conduct.clone();
				tokio::spawn(async move {
					let answered = permits.answer(&ledger, &*conduct, peer, stream);
					if let Err(error) = answered.await {
						tracing::debug!(%peer, %error, "a checker was not served to the end");
					}
					drop(slot);
				});
			}
		});
		Ok(())
	}

	async fn answer(
		&self,
		ledger: &Ledger,
		conduct: &dyn Conduct,
		peer: PeerId,
		stream: Stream,
	) -> Result<(), ServeError> {
		let mut link = Link::new(stream);
		let ask = match link.receive_first(ASK_TIMEOUT).await? {
			Frame::Ask(ask) => ask,
			other => return Err(out_of_turn(&other).into()),
		};
		let allowed = self
			.allowed()
			.get(&(ask.job, ask.stage, ask.side))
			.is_some_and(|of| of.contains(&peer));
		if !allowed || !conduct.hands_out(ask.stage) {
			tracing::debug!(%peer, job = ask.job, stage = ask.stage, "no permit for these rows");
			link.abort(Reason::Refused).await;
			return Ok(());
		}
		let found = ledger.blocking(move |ledger| {
			let record = ledger.record(ask.job, ask.stage)?;
			let Some(record) = record.filter(|record| record.made_by == MadeBy::Lead) else {
				return Ok(None);
			};
			let rows = ledger.rows(ask.job, ask.stage, ask.side)?;
			let receipt = match ask.side {
				Side::Input => ledger.receipt(ask.job, ask.stage, ask.side)?,
				Side::Output => None,
			};
			Ok(Some((record, receipt, rows)))
		});
		let Some((record, receipt, rows)) = found.await? else {
			link.abort(Reason::NotExpected).await;
			return Ok(());
		};
		hand_out(link, ask, (&record, receipt), rows).await
	}

	fn allowed(&self) -> MutexGuard<'_, Allowed> {
		self.allowed.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

async fn hand_out(
	mut link: Link,
	ask: Ask,
	(record, receipt): (&StageRecord, Option<HopReceipt>),
	mut file: RowFile,
) -> Result<(), ServeError> {
	let (rows, width, dtype) = (record.opening.roots.rows, record.width, record.dtype());
	let opening = (ask.side == Side::Output).then_some(record.opening);
	let answer = Record {
		job_key: record.job_key,
		rows,
		width,
		dtype,
		opening,
		receipt,
	};
	link.send(&Frame::Record(Box::new(answer))).await?;

	let row_bytes = width as usize * dtype.bytes();
	let at_once = (MAX_PAYLOAD / row_bytes).clamp(1, MAX_ROWS) as u32;
	let mut position = 0;
	while position < rows {
		let count = at_once.min(rows - position);
		let reading = spawn_blocking(move || {
			let read = file.read(position, count as usize, row_bytes);
			(file, read)
		});
		let (back, read) = reading.await.map_err(|_| ServeError::Interrupted)?;
		file = back;
		let (count, payload) = (count as u16, Bytes::from(read?));
		link.send(&Frame::Rows(Rows {
			session: ask.job,
			position,
			dtype,
			count,
			payload,
		}))
		.await?;
		position += u32::from(count);
	}
	link.send(&Frame::Close { rows }).await?;
	Ok(link.finish().await?)
}
