//! Runs a job: rows go from the entry through every segment and back, worker to worker.
//!
//! The chain names the members of a job's ring ([`Route`]). Each member executes its stage here: the
//! entry in [`entry::run`], a segment in [`lead`]. Nobody in between repeats the prompt: every segment
//! keeps its cache, and a token costs one row on every link. What crossed the links is recorded for the
//! commitment; posting it is left to the chain access.
//!
//! [`Route`]: dllm_primitives::api::Route

mod conduct;
pub mod entry;
mod handover;
mod host;
mod parting;
mod pledge;
mod recorder;
mod ring;
mod segment;
mod session;
mod switchboard;
mod tallies;

pub use conduct::{Conduct, Honest};
pub use host::{expect_constants, Host, HostError, HostedEntry, Segment};
pub use parting::contradicted;
pub use ring::{Member, Ring, COPIES_PROTOCOL, PROTOCOL};
pub use segment::lead;
pub use tallies::Tallies;

pub(crate) use session::Session;

use crate::{
	commitment::{Ledger, LedgerError},
	dispute::Traces,
	network::{
		dtype::NotFinite,
		frame::{Reason, Side},
		link::LinkError,
		Network, NetworkError,
	},
	verification::Permits,
};
use dllm_model::{engine::EngineError, entry::EntryError};
use dllm_primitives::{
	api::AccountId32,
	ids::{JobId, StageIndex},
};
use libp2p::PeerId;
use std::{future::Future, sync::Arc, time::Duration};
use switchboard::Switchboard;
use tokio::sync::watch;

/// How long a stage waits for others.
#[derive(Clone, Copy, Debug)]
pub struct Timings {
	/// To find the neighbours in the ring: some blocks, as each learns of the job by itself.
	pub join: Duration,
	/// For one neighbour to stand ready.
	pub ready: Duration,
	/// For the stage of a link that came early; shorter than `ready`, so that its peer hears of it.
	pub early: Duration,
	/// For the next rows: the slowest member's longest step.
	pub idle: Duration,
}

impl Default for Timings {
	fn default() -> Self {
		Self {
			join: Duration::from_secs(45),
			ready: Duration::from_secs(20),
			early: Duration::from_secs(15),
			idle: Duration::from_secs(60),
		}
	}
}

/// What every stage of this worker shares.
#[derive(Clone)]
pub struct Workshop {
	/// The other workers.
	pub network: Network,
	/// What this worker ran.
	pub ledger: Ledger,
	/// What it can run.
	pub host: Arc<Host>,
	/// How it behaves.
	pub conduct: Arc<dyn Conduct>,
	/// Its account.
	pub account: AccountId32,
	/// How long it waits.
	pub timings: Timings,
	/// Its trace, where it is in a dispute.
	pub traces: Traces,
	/// How far the stages came that it leads.
	pub tallies: Tallies,
	switchboard: Switchboard,
	permits: Permits,
	head: Arc<watch::Sender<u32>>,
}

impl Workshop {
	/// Opens the workshop: from now on peers can join and checkers can ask, until the network stops.
	pub fn open(
		network: Network,
		ledger: Ledger,
		host: Arc<Host>,
		conduct: Arc<dyn Conduct>,
		account: AccountId32,
		timings: Timings,
	) -> Result<Self, NetworkError> {
		let (switchboard, permits) = (Switchboard::default(), Permits::default());
		switchboard.serve(&network, timings.early)?;
		permits.serve(&network, &ledger, &conduct)?;
		let head = Arc::new(watch::Sender::new(0));
		Ok(Self {
			network,
			ledger,
			host,
			conduct,
			account,
			timings,
			traces: Traces::default(),
			tallies: Tallies::default(),
			switchboard,
			permits,
			head,
		})
	}

	/// Lets exactly these peers fetch the rows of one side of a stage; nobody where the list is empty.
	pub fn allow(
		&self,
		job: JobId,
		stage: StageIndex,
		side: Side,
		peers: impl IntoIterator<Item = PeerId>,
	) {
		self.permits
			.set(job, stage, side, peers.into_iter().collect());
	}

	/// Says which block is the best one now; runs end with the block by which they were due.
	pub fn set_block(&self, number: u32) {
		self.head.send_replace(number);
	}

	/// The best block, as it was said last.
	pub(crate) fn block(&self) -> u32 {
		*self.head.borrow()
	}

	/// Removes everything of a job that has ended.
	pub async fn forget(&self, job: JobId) -> Result<(), LedgerError> {
		self.switchboard.forget(job);
		self.tallies.forget(job);
		let traces = self.traces.clone();
		let forgetting = self.ledger.blocking(move |ledger| {
			traces.forget(job);
			ledger.forget(job)
		});
		forgetting.await
	}

	/// Does a stage's work, unless the block by which it is due passes or the network stops.
	pub(crate) async fn run_until<T, E: From<PipelineError>>(
		&self,
		job: JobId,
		block: u32,
		work: impl Future<Output = Result<T, E>>,
	) -> Result<T, E> {
		tokio::select! {
			result = work => result,
			() = self.past(block) => Err(PipelineError::Overdue { job, block }.into()),
			() = self.network.stopped() => Err(PipelineError::Interrupted { job }.into()),
		}
	}

	/// Resolves once the best block is behind `block`.
	pub(crate) async fn past(&self, block: u32) {
		// The sender lives in this handle, so waiting cannot fail.
		let _ = self.head.subscribe().wait_for(|head| *head > block).await;
	}
}

/// Why a stage did not come to its end.
#[derive(thiserror::Error, Debug)]
pub enum PipelineError {
	/// The chain's route makes no ring.
	#[error("job {job}: {what} in its route is wrong: use the version of this program that belongs to the chain")]
	BadRoute { job: JobId, what: &'static str },
	/// A neighbour cannot be reached.
	#[error(transparent)]
	Network(#[from] NetworkError),
	/// A link to a neighbour failed.
	#[error("job {job}: link to {peer}: {error}; it is tried again while the job is due")]
	Link {
		job: JobId,
		peer: PeerId,
		error: LinkError,
	},
	/// The neighbour that opens a link did not.
	#[error("job {job}: nobody opened boundary {boundary} in {} s: if this repeats, check that the addresses in `advertise` can be reached from outside", waited.as_secs())]
	NobodyCame {
		job: JobId,
		boundary: StageIndex,
		waited: Duration,
	},
	/// The same stage was started again.
	#[error("job {job}: the stage was started twice, this is the earlier one: nothing is lost")]
	Superseded { job: JobId },
	/// A neighbour means another session than the chain.
	#[error("job {job}: {peer} opened a session of another shape ({what}): it reads another chain or has another version; nothing to do here")]
	OtherSession {
		job: JobId,
		peer: PeerId,
		what: &'static str,
	},
	/// A neighbour sent rows that do not belong there.
	#[error("job {job}: {peer} sent wrong rows ({what}): the job is refunded; nothing to do here")]
	WrongRows {
		job: JobId,
		peer: PeerId,
		what: &'static str,
	},
	/// This end has no key to sign with.
	#[error("job {job}: the network key is no Ed25519 key, so nobody takes the rows of a sealed prompt from this program: remove the file of the key, another one is made")]
	CannotSign { job: JobId },
	/// The block by which it was due has passed.
	#[error("job {job}: not finished by block {block}: give jobs a longer deadline, or this worker a faster machine or fewer slots")]
	Overdue { job: JobId, block: u32 },
	/// The worker is being shut down, or a thread died.
	#[error("job {job}: interrupted: start the worker again, it goes on with what is still due")]
	Interrupted { job: JobId },
	/// The job allows fewer rows than the prompt and the reply take.
	#[error("the prompt has {prompt} tokens and the reply may have {reply}, but the job allows {ceiling} rows: shorten the prompt or the reply")]
	PromptTooLong {
		prompt: u32,
		reply: u32,
		ceiling: u32,
	},
	/// The prompt is no text.
	#[error("the prompt is not UTF-8: send it as text")]
	NotText,
	/// The model is not ready.
	#[error(transparent)]
	Host(#[from] HostError),
	/// The layers could not be executed.
	#[error(transparent)]
	Engine(#[from] EngineError),
	/// The prompt or the sampling failed.
	#[error(transparent)]
	Entry(#[from] EntryError),
	/// A result cannot be sent.
	#[error(transparent)]
	NotFinite(#[from] NotFinite),
	/// The disk failed while the stage ran; the log says how.
	#[error("job {job}: its rows cannot be recorded: free space on the disk of the data folder; the log says more")]
	NotRecorded { job: JobId },
	/// It cannot be recorded.
	#[error(transparent)]
	Ledger(#[from] LedgerError),
}

impl PipelineError {
	/// Whether the stage can be tried again while its duty stands.
	pub fn is_retryable(&self) -> bool {
		match self {
			Self::Network(error) => error.is_retryable(),
			Self::Link { .. } | Self::NobodyCame { .. } => true,
			Self::Host(error) => error.is_retryable(),
			Self::Engine(error) => error.is_retryable(),
			_ => false,
		}
	}

	/// Whether this worker failed, and none of its neighbours. Values that are not finite may have come from one.
	fn is_own(&self) -> bool {
		match self {
			Self::Engine(error) => !matches!(error, EngineError::NotFinite { .. }),
			Self::Entry(_) | Self::Host(_) | Self::Ledger(_) | Self::NotRecorded { .. } => true,
			Self::CannotSign { .. } | Self::PromptTooLong { .. } | Self::NotText => true,
			_ => false,
		}
	}

	/// What the neighbours are told.
	fn reason(&self) -> Reason {
		match self {
			Self::Link { error, .. } => error.reason(),
			Self::Network(_) => Reason::PeerLost,
			Self::NobodyCame { .. } | Self::Overdue { .. } => Reason::Late,
			Self::OtherSession { .. } | Self::WrongRows { .. } => Reason::Protocol,
			Self::Interrupted { .. } | Self::Superseded { .. } => Reason::CalledOff,
			_ => Reason::Engine,
		}
	}
}

fn link_error(job: JobId, peer: PeerId, error: LinkError) -> PipelineError {
	PipelineError::Link { job, peer, error }
}
