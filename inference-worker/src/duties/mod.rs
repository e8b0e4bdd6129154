//! What the chain expects of this worker, made into tasks.
//!
//! At every best block the list of duties is compared with what is under way ([`Board`]): a new duty
//! starts a task, a failed one is tried again after a pause, one that is gone is dropped. A task that
//! was interrupted finds what it had done in the ledger and goes on from there, so neither a restart
//! nor a lost node makes the worker run, or say, anything twice.

mod board;
mod check;
mod compare;
mod crew;
mod dispute;
mod host;
mod outcome;
mod reconcile;
mod run;
mod summon;
mod tally;

pub use board::{Board, Pauses};
pub use compare::shown_rows;
pub use crew::{Crew, Task};
pub use summon::winning_lot;

use crate::{
	chain::{calls, AccountId32, Chain, ChainError, Submitter},
	commitment::LedgerError,
	dispute::DisputeError,
	metrics::metrics,
	network::{
		shards::{ShardError, ShardStore},
		NetworkError,
	},
	pipeline::{HostError, PipelineError, Workshop},
	verification::CheckError,
};
use codec::Encode;
use dllm_primitives::{
	api::{Duty, Receipt},
	commitment::{commitment, Opening},
	dispute::Record,
	ids::{Digest, JobId, ModelId, PipelineId, StageIndex},
};

/// What every task works with.
#[derive(Clone)]
pub struct Worker {
	/// The node.
	pub chain: Chain,
	/// Signs for this worker.
	pub submitter: Submitter,
	/// Executes stages.
	pub workshop: Workshop,
	/// Shards, here and at other workers.
	pub store: ShardStore,
}

/// Names a task: there is one at most for each.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Key {
	/// Load all stages of a pipeline.
	Host(PipelineId),
	/// Lead a stage.
	Run(JobId, StageIndex),
	/// Tell how far a stage came that was led.
	Tally(JobId, StageIndex),
	/// Execute a stage again.
	Check(JobId, StageIndex),
	/// Draw a lot over a stage, of the draw with that seed: after a fork there may be another.
	Summon(JobId, StageIndex, Digest),
	/// Open a commitment.
	Reveal(JobId, StageIndex),
	/// Show the receipt of the hop over a boundary.
	Reconcile(JobId, StageIndex),
	/// Show rows of a stage to be compared, those at the positions with that digest: after a fork there may be others.
	Compare(JobId, StageIndex, Digest),
	/// Make a move in the dispute about a stage, as the game with that digest stands: every move is another
	/// task, also where a fork undid one.
	Dispute(JobId, StageIndex, Digest),
	/// Say how a job ended, and forget it.
	Close(JobId),
}

impl Key {
	fn of_comparison(job: JobId, stage: StageIndex, positions: &[u32]) -> Self {
		Self::Compare(job, stage, digest(&positions.encode()))
	}

	fn of_dispute(job: JobId, stage: StageIndex, record: &Record) -> Self {
		Self::Dispute(job, stage, digest(&record.game.encode()))
	}
}

fn digest(bytes: &[u8]) -> Digest {
	Digest::from(*blake3::hash(bytes).as_bytes())
}

/// How far a task came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
	/// To its end.
	Done,
	/// The time for it has not come; the next block may bring it.
	NotYet,
}

/// Why a duty is not done.
#[derive(thiserror::Error, Debug)]
pub enum DutyError {
	/// The chain did not answer, or refused.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// The stage did not come to its end.
	#[error(transparent)]
	Pipeline(#[from] PipelineError),
	/// The stage could not be executed again.
	#[error(transparent)]
	Check(#[from] CheckError),
	/// No move can be found.
	#[error(transparent)]
	Dispute(#[from] DisputeError),
	/// The shards cannot be loaded.
	#[error(transparent)]
	Host(#[from] HostError),
	/// The shards cannot be fetched.
	#[error(transparent)]
	Shards(#[from] ShardError),
	/// A peer is described wrongly.
	#[error(transparent)]
	Network(#[from] NetworkError),
	/// The ledger cannot be read.
	#[error(transparent)]
	Ledger(#[from] LedgerError),
	/// The chain does not know the model of a pipeline.
	#[error("model {0} is not on the chain: the node lags; it is asked again")]
	NoModel(ModelId),
	/// The chain does not know what a job asks.
	#[error("job {job}: the chain does not say what it asks: the node lags; it is asked again")]
	NoRequest { job: JobId },
	/// What was committed to is gone.
	#[error("job {job}: nothing in the ledger opens stage {stage}: was the data folder replaced?")]
	NothingToReveal { job: JobId, stage: StageIndex },
	/// The reply is longer than a text on chain may be.
	#[error("job {job}: the reply does not fit on the chain: use the version of this program that belongs to the chain")]
	ReplyTooLong { job: JobId },
	/// The trial refused a call that was due when it was sent: its block stands on another branch.
	#[error("the trial refused the call ({0}), as it may on another branch of the chain: it is made again while it is due")]
	OtherBranch(String),
	/// A blocking thread died.
	#[error(
		"a thread of the worker died: it is tried again; report it with the log if it repeats"
	)]
	ThreadDied,
}

impl DutyError {
	/// Whether the duty can be tried again while it stands.
	pub fn is_retryable(&self) -> bool {
		match self {
			// What a fork has undone is unknown until it is back, a block or two later.
			Self::Chain(error) => error.is_retryable() || error.names_nothing_known(),
			Self::Pipeline(error) => error.is_retryable(),
			Self::Check(error) => error.is_retryable(),
			Self::Dispute(error) => error.is_retryable(),
			Self::Host(error) => error.is_retryable(),
			Self::Shards(error) => error.is_retryable(),
			Self::Network(error) => error.is_retryable(),
			Self::Ledger(_) | Self::ThreadDied | Self::NoModel(_) | Self::NoRequest { .. } => true,
			// After a fork the commitment, or another job of that number, may be back in the next block.
			Self::OtherBranch(_) | Self::NothingToReveal { .. } => true,
			Self::ReplyTooLong { .. } => false,
		}
	}
}

impl Worker {
	/// This worker's account.
	pub fn account(&self) -> &AccountId32 {
		self.submitter.account().id()
	}

	/// The commitment that this worker posts for a stage that it has executed; none if it stays silent.
	async fn commitment(&self, job: JobId, stage: StageIndex) -> Result<Option<Digest>, DutyError> {
		let account = self.account().clone();
		let own = self
			.workshop
			.ledger
			.blocking(move |ledger| ledger.commitment(job, stage, &account));
		let own = own
			.await?
			.ok_or(DutyError::NothingToReveal { job, stage })?;
		let receipt = self.chain.receipt(job).await?;
		let stages = receipt.iter().flat_map(|receipt| &receipt.stages);
		let others = stages
			.flat_map(|stage| &stage.participants)
			.filter(|participant| participant.worker != *self.account())
			.filter_map(|participant| participant.commitment.map(|(digest, _)| digest))
			.collect::<Vec<_>>();
		Ok(self.workshop.conduct.commitment(own, &others))
	}

	/// Submits what a duty asks for and gives the block that holds it; none if the duty does not stand any
	/// more, as when the call reached a block over a connection that was lost.
	async fn say(&self, key: Key, call: &calls::Call) -> Result<Option<u32>, DutyError> {
		const SAID: [&str; 6] = [
			"Verification::AlreadyCommitted",
			"Verification::AlreadyRevealed",
			"Verification::AlreadyReported",
			"Verification::AlreadyMoved",
			"Verification::AlreadySummoned",
			"Verification::AlreadyShown",
		];
		let duties = self.chain.duties(self.account()).await?;
		if !duties.iter().any(|duty| key_of(duty) == Some(key)) {
			tracing::warn!(duty = ?key, "not due any more");
			return Ok(None);
		}
		match self.submitter.submit(call).await {
			Ok(included) => Ok(Some(included.block)),
			Err(error)
				if error
					.dispatch_error()
					.is_some_and(|name| SAID.contains(&name)) =>
			{
				Ok(None)
			}
			Err(error) => Err(match error.dispatch_error() {
				Some(refusal) if refusal.starts_with("Verification::") => {
					DutyError::OtherBranch(refusal.into())
				}
				_ => error.into(),
			}),
		}
	}

	/// What opens this worker's commitment to a stage: the one on chain, which after a fork may belong to another
	/// job of the same number than the ledger holds.
	async fn own_opening(&self, job: JobId, stage: StageIndex) -> Result<Opening, DutyError> {
		let ledger = &self.workshop.ledger;
		let opening = ledger.blocking(move |ledger| ledger.opening(job, stage));
		let nothing = DutyError::NothingToReveal { job, stage };
		let Some(opening) = opening.await? else {
			return Err(nothing);
		};
		let receipt = self.chain.receipt(job).await?;
		let on_chain = receipt.and_then(|receipt| own_commitment(&receipt, stage, self.account()));
		let own = commitment(job, stage, &self.account().encode(), &opening);
		match on_chain == Some(own) {
			true => Ok(opening),
			false => Err(nothing),
		}
	}

	/// Opens the commitment to a stage.
	async fn reveal(&self, job: JobId, stage: StageIndex) -> Result<Progress, DutyError> {
		if !self.workshop.conduct.opens(stage) {
			return Ok(Progress::Done);
		}
		let opening = self.own_opening(job, stage).await?;
		if let Some(block) = self
			.say(
				Key::Reveal(job, stage),
				&calls::reveal(job, stage, &opening),
			)
			.await?
		{
			metrics().reveals.inc();
			tracing::info!(job, stage, block, "revealed");
		}
		Ok(Progress::Done)
	}
}

/// What an account has committed to for a stage.
fn own_commitment(receipt: &Receipt, stage: StageIndex, account: &AccountId32) -> Option<Digest> {
	let stage = receipt.stages.iter().find(|of| of.stage == stage)?;
	let own = stage.participants.iter().find(|of| of.worker == *account)?;
	own.commitment.map(|(digest, _)| digest)
}

/// The task that a duty asks for; none where there is nothing to do but to stand by.
fn key_of(duty: &Duty) -> Option<Key> {
	match duty {
		Duty::Host { pipeline, .. } => Some(Key::Host(*pipeline)),
		Duty::Run {
			committed: true, ..
		}
		| Duty::Serve { .. } => None,
		Duty::Run { route, stage, .. } => Some(Key::Run(route.job, *stage)),
		Duty::Tally { job, stage, .. } => Some(Key::Tally(*job, *stage)),
		Duty::Check { route, stage, .. } => Some(Key::Check(route.job, *stage)),
		Duty::Summon {
			job, stage, seed, ..
		} => Some(Key::Summon(*job, *stage, *seed)),
		Duty::Reveal { job, stage, .. } => Some(Key::Reveal(*job, *stage)),
		Duty::Reconcile {
			route, boundary, ..
		} => Some(Key::Reconcile(route.job, *boundary)),
		Duty::Compare {
			job,
			stage,
			positions,
			..
		} => Some(Key::of_comparison(*job, *stage, positions)),
		Duty::Dispute {
			route,
			stage,
			record,
			..
		} => Some(Key::of_dispute(route.job, *stage, record)),
	}
}

/// The job of a duty.
fn job_of(duty: &Duty) -> Option<JobId> {
	match duty {
		// Who is not summoned has no part in the job.
		Duty::Host { .. } | Duty::Summon { .. } => None,
		Duty::Run { route, .. }
		| Duty::Check { route, .. }
		| Duty::Reconcile { route, .. }
		| Duty::Dispute { route, .. } => Some(route.job),
		Duty::Tally { job, .. }
		| Duty::Reveal { job, .. }
		| Duty::Compare { job, .. }
		| Duty::Serve { job, .. } => Some(*job),
	}
}
