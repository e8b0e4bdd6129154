//! The next move of this worker in a dispute about one value, as its defender or its challenger.
//!
//! All of it follows from the chain's record of the dispute, from the ledger and from the shards, so a worker
//! that was started again goes on where it was. The trace of a segment takes long and much memory: one is
//! kept from move to move, until its job ends or another dispute needs the place. The rules of the game and
//! both honest players are the chain's own code (`dllm_primitives::dispute`); docs/dispute.md explains them.

use crate::{
	commitment::{Leaves, Ledger, LedgerError, StageRecord},
	network::frame,
	pipeline::{Conduct, Workshop},
};
use dllm_model::{
	exact::trace::{TraceError, Traced},
	manifest::{Manifest, ManifestError},
};
use dllm_primitives::{
	commitment::{merkle_root, row_leaf},
	dispute::{
		players::{defend, Challenger, Rows, Trace},
		Game, Move, Record, Refusal, Side, Subject,
	},
	ids::{Digest, JobId, StageIndex},
	model::LayerRange,
	trace::{layout::Step, Held},
};
use std::{
	path::{Path, PathBuf},
	sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::task::spawn_blocking;

/// Why no move can be found.
#[derive(thiserror::Error, Debug)]
pub enum DisputeError {
	/// The ledger does not hold the rows that the dispute is about.
	#[error("job {job}: the rows of stage {stage} that were committed to are not in the ledger: was the data folder replaced? A checker fetches them again, a lead loses the dispute")]
	NoRows { job: JobId, stage: StageIndex },
	/// The chain's record makes no game.
	#[error("job {job}: the dispute about stage {stage} cannot be followed ({refusal:?}): the node lags, or this program is of another version than the chain")]
	BadRecord {
		job: JobId,
		stage: StageIndex,
		refusal: Refusal,
	},
	/// The trace that was kept had to make room.
	#[error("job {job}: another dispute took the place of the trace: it is computed again")]
	MadeRoom { job: JobId },
	/// The trace cannot be computed.
	#[error(transparent)]
	Trace(#[from] TraceError),
	/// The model's manifest cannot be read.
	#[error(transparent)]
	Manifest(#[from] ManifestError),
	/// The ledger cannot be read.
	#[error(transparent)]
	Ledger(#[from] LedgerError),
	/// A blocking thread died.
	#[error("job {job}: the thread that looked for a move died: it is tried again; does the trace fit into memory?")]
	ThreadDied { job: JobId },
}

impl DisputeError {
	/// Whether a move can be looked for again while it is due.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::BadRecord { .. }
			| Self::MadeRoom { .. }
			| Self::Ledger(_)
			| Self::ThreadDied { .. } => true,
			Self::Trace(error) => error.is_retryable(),
			Self::Manifest(error) => error.is_retryable(),
			Self::NoRows { .. } => false,
		}
	}
}

/// A dispute in which this worker has to move.
#[derive(Clone, Debug)]
pub struct Case {
	/// The dispute as it stands.
	pub record: Record,
	/// As whom.
	pub side: Side,
	/// The layers of the stage.
	pub layers: LayerRange,
	/// Folder of their shards; none where the trace should be at hand ([`Traces::holds`]).
	pub folder: Option<PathBuf>,
}

/// The traces that are kept: one at most.
#[derive(Clone, Default)]
pub struct Traces(Arc<Mutex<Option<Kept>>>);

/// The trace of one side of a dispute.
struct Kept {
	subject: Subject,
	side: Side,
	rows: Rows,
	held: Held,
}

/// The next move; `None` where no honest one is left, or the worker's conduct is to be silent.
pub async fn next_move(workshop: &Workshop, case: Case) -> Result<Option<Move>, DisputeError> {
	let (traces, ledger) = (workshop.traces.clone(), workshop.ledger.clone());
	let conduct = workshop.conduct.clone();
	let job = case.record.subject.job;
	let moving = spawn_blocking(move || {
		let mut place = traces.place();
		let mut kept = match place.take() {
			Some(kept) if kept.is_of(&case.record, case.side) => kept,
			other => {
				// What was kept is freed before more memory is taken.
				drop(other);
				Kept::compute(&ledger, conduct.as_ref(), &case)?
			}
		};
		let made = kept.next_move(&case.record);
		*place = Some(kept);
		Ok(made?.and_then(|made| conduct.dispute(made)))
	});
	moving
		.await
		.unwrap_or(Err(DisputeError::ThreadDied { job }))
}

impl Traces {
	/// Whether the trace of this side is at hand; not while another one is being computed.
	pub fn holds(&self, record: &Record, side: Side) -> bool {
		let place = self.0.try_lock();
		place.is_ok_and(|kept| kept.as_ref().is_some_and(|kept| kept.is_of(record, side)))
	}

	/// Drops the trace of a job. Blocks while a move is looked for.
	pub(crate) fn forget(&self, job: JobId) {
		let mut place = self.place();
		*place = place.take().filter(|kept| kept.subject.job != job);
	}

	fn place(&self) -> MutexGuard<'_, Option<Kept>> {
		self.0.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

impl Kept {
	fn is_of(&self, record: &Record, side: Side) -> bool {
		self.side == side && self.subject == record.subject
	}

	/// Computes the trace of the rows that both sides received, bound to the defender.
	fn compute(ledger: &Ledger, conduct: &dyn Conduct, case: &Case) -> Result<Self, DisputeError> {
		let (subject, side) = (case.record.subject.clone(), case.side);
		let (job, stage) = (subject.job, subject.stage);
		let folder = case.folder.as_deref();
		let folder = folder.ok_or(DisputeError::MadeRoom { job })?;
		let own = Own::read(ledger, &subject, side)?;
		let own = own.ok_or(DisputeError::NoRows { job, stage })?;
		let mut held = trace(folder, case.layers, &own.received)?;
		let binding = subject.binding(own.job_key);
		held.bind(&binding);
		conduct.trace(&mut held, &binding);
		let output = match own.output {
			Some(output) => output,
			None => sent(&subject, &own.job_key, &mut held),
		};
		tracing::info!(job, stage, ?side, rows = subject.rows, "trace computed");
		Ok(Self {
			subject,
			side,
			rows: Rows {
				job_key: own.job_key,
				input: own.input,
				output,
			},
			held,
		})
	}

	fn next_move(&mut self, record: &Record) -> Result<Option<Move>, DisputeError> {
		if record.game.turn() != Some(self.side) {
			return Err(bad(&self.subject, Refusal::NotAwaited));
		}
		match self.side {
			Side::Defender => Ok(defend(
				&self.subject,
				&record.game,
				&self.rows,
				&mut self.held,
			)),
			Side::Challenger => self.challenge(record),
		}
	}

	/// Lets a challenger see everything that the defender has shown, and takes its answer to the last.
	fn challenge(&mut self, record: &Record) -> Result<Option<Move>, DisputeError> {
		let subject = &self.subject;
		let refused = |refusal| bad(subject, refusal);
		let mut game = Game::new(subject).map_err(refused)?;
		let mut challenger = Challenger::new(subject, &self.rows, &mut self.held)
			.ok_or(refused(Refusal::NotDisputable))?;
		let mut answer = None;
		for (before, shown) in &record.shown {
			game.state = *before;
			game.play(subject, shown).map_err(refused)?;
			answer = challenger.answer(before, &game, shown);
		}
		match game == record.game {
			true => Ok(answer),
			false => Err(refused(Refusal::NotAwaited)),
		}
	}
}

/// What the ledger holds of a stage in dispute.
struct Own {
	job_key: [u8; 32],
	/// The rows received.
	received: Vec<f32>,
	/// Their digests.
	input: Vec<Digest>,
	/// Digests of the rows sent; none for the challenger, which sent none.
	output: Option<Vec<Digest>>,
}

impl Own {
	/// Reads it; none where the ledger holds other rows than both sides committed to, or none at all.
	fn read(ledger: &Ledger, subject: &Subject, side: Side) -> Result<Option<Self>, LedgerError> {
		let Some(record) = ledger.record(subject.job, subject.stage)? else {
			return Ok(None);
		};
		let read = |of, root| read(ledger, &record, subject, of, root);
		let Some((bytes, input)) = read(frame::Side::Input, subject.input)? else {
			return Ok(None);
		};
		let output = match side {
			Side::Challenger => None,
			Side::Defender => match read(frame::Side::Output, subject.output)? {
				Some((_, output)) => Some(output),
				None => return Ok(None),
			},
		};
		Ok(Some(Self {
			job_key: record.job_key,
			received: record.dtype().decode(&bytes),
			input,
			output,
		}))
	}
}

/// The rows of one side of a stage with their digests, where they come to `root`.
fn read(
	ledger: &Ledger,
	record: &StageRecord,
	subject: &Subject,
	side: frame::Side,
	root: Digest,
) -> Result<Option<(Vec<u8>, Vec<Digest>)>, LedgerError> {
	let (job, stage) = (subject.job, subject.stage);
	let row_bytes = record.row_bytes();
	let rows = ledger
		.rows(job, stage, side)
		.and_then(|mut rows| rows.read(0, subject.rows as usize, row_bytes));
	let rows = match rows {
		Err(error) if error.is_missing() => return Ok(None),
		rows => rows?,
	};
	let boundary = match side {
		frame::Side::Input => stage.saturating_sub(1),
		frame::Side::Output => stage,
	};
	let mut leaves = Leaves::new(job, record.job_key, boundary, row_bytes);
	leaves.append(0, &rows)?;
	let digests = leaves.into_digests();
	Ok((merkle_root(&digests) == root).then_some((rows, digests)))
}

/// The trace of rows through layers; their weights are freed again.
fn trace(folder: &Path, layers: LayerRange, rows: &[f32]) -> Result<Held, DisputeError> {
	let manifest = Manifest::load(folder)?;
	Ok(Traced::load(&manifest, folder, layers)?.trace(rows)?)
}

/// Digests of the rows with which a trace ends.
fn sent(subject: &Subject, job_key: &[u8; 32], held: &mut Held) -> Vec<Digest> {
	let slot = held.layout.output_slot();
	let leaf = |row| {
		let place = held.layout.place(Step { row, slot });
		let bytes = held.step(place).unwrap_or_default();
		row_leaf(job_key, subject.job, subject.stage, row, &bytes)
	};
	(0..subject.rows).map(leaf).collect()
}

fn bad(subject: &Subject, refusal: Refusal) -> DisputeError {
	DisputeError::BadRecord {
		job: subject.job,
		stage: subject.stage,
		refusal,
	}
}
