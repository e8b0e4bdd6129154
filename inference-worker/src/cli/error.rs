//! Why a command did not do what it was asked for.

use super::audit::AuditError;
use crate::{
	chain::{AccountError, Amount, ChainError},
	commitment::LedgerError,
	config::ConfigError,
	daemon::DaemonError,
	gateway::{keys::KeyError, server::GatewayError, FileError},
	metrics::MetricsError,
	network::{identity::IdentityError, shards::ShardError, NetworkError},
	pipeline::HostError,
	planning::PlanningError,
};
use dllm_model::{
	accuracy::AccuracyError, adapter::AdapterError, engine::LibraryError, entry::EntryError,
	exact::trace::TraceError, manifest::ManifestError, splitter::SplitError,
};
use dllm_planning::what_if::WhatIfError;
use dllm_primitives::{
	capacity::RoundId,
	ids::{AdapterId, Digest, ModelId},
	model::ModelState,
	plan::PlanError,
};
use std::{io, path::PathBuf};

/// Why a command did not do what it was asked for.
#[derive(thiserror::Error, Debug)]
pub enum CliError {
	/// The configuration makes no sense.
	#[error(transparent)]
	Config(#[from] ConfigError),
	/// There is no account to sign with.
	#[error(transparent)]
	Account(#[from] AccountError),
	/// The chain did not answer or refused.
	#[error(transparent)]
	Chain(#[from] ChainError),
	/// There is nothing to audit.
	#[error(transparent)]
	Audit(#[from] AuditError),
	/// A model folder is not as it should be.
	#[error(transparent)]
	Manifest(#[from] ManifestError),
	/// The constants of a model cannot be computed.
	#[error(transparent)]
	Trace(#[from] TraceError),
	/// A model cannot be split.
	#[error(transparent)]
	Split(#[from] SplitError),
	/// The accuracy of a model cannot be measured.
	#[error(transparent)]
	Accuracy(#[from] AccuracyError),
	/// ONNX Runtime is not there.
	#[error(transparent)]
	Library(#[from] LibraryError),
	/// The prompt cannot be turned into rows.
	#[error(transparent)]
	Entry(#[from] EntryError),
	/// Data cannot be written as JSON.
	#[error("cannot write JSON: {0}; run the command without --json")]
	Json(#[from] serde_json::Error),
	/// The log filter makes no sense.
	#[error("--log {given:?}: {reason}; give a level (error, warn, info, debug), a filter like dllm_worker=debug, or json")]
	BadLog { given: String, reason: String },
	/// The operating system gives no threads.
	#[error("cannot start threads: {0}; raise the limit of processes (`ulimit -u`)")]
	NoThreads(io::Error),
	/// A file cannot be read or written.
	#[error("{path}: {source}; correct the path, or its permissions")]
	Io { path: PathBuf, source: io::Error },
	/// There is nothing to pay for.
	#[error("the chain has no active model: register one with `dllm-worker model add`, then `model activate`")]
	NoModel,
	/// Several models could be meant.
	#[error("several models are active ({one}, {other}, …): name one with --model; `dllm-worker model list` shows them")]
	WhichModel { one: String, other: String },
	/// There is no such model.
	#[error("no model {named:?} on this chain; it has: {}; name one of them with --model", if .known.is_empty() { "none" } else { .known })]
	UnknownModel { named: String, known: String },
	/// An adapter's folder is not usable.
	#[error(transparent)]
	Adapter(#[from] AdapterError),
	/// There is no such adapter.
	#[error("no adapter {named:?} of this model; it has: {}; `dllm-worker adapter list` shows those of all models", if .known.is_empty() { "none" } else { .known })]
	UnknownAdapter { named: String, known: String },
	/// The adapter takes no prompts.
	#[error("adapter {id} ({name}) is retired and takes no prompts: name another one, or none")]
	AdapterRetired { id: AdapterId, name: String },
	/// No model is the base of an adapter.
	#[error("no model on this chain has the root {base:?} that the adapter was split for: register the model first, or split the adapter with --base naming a model that is registered")]
	NoBase { base: Digest },
	/// The model takes no prompts.
	#[error("model {id} ({name}) is {state:?} and takes no prompts or plans: activate it, or name another")]
	ModelNotActive {
		id: ModelId,
		name: String,
		state: ModelState,
	},
	/// A registration names something that the chain cannot hold.
	#[error("{what} is longer than the chain allows: shorten it")]
	TooLong { what: &'static str },
	/// A word makes no sense here.
	#[error("{what}: {reason}")]
	BadArgument { what: &'static str, reason: String },
	/// A file describes no network.
	#[error("{path}: {error}")]
	WhatIf { path: PathBuf, error: WhatIfError },
	/// The workers do not suffice for a plan.
	#[error("no plan: {reason}")]
	NoPlan { reason: String },
	/// The plan would not be accepted.
	#[error("the plan is not feasible: {}", plan_remedy(.0))]
	PlanRefused(PlanError),
	/// There is no such round.
	#[error("capacity round {0} is not in progress: `dllm-worker rounds` shows those that are")]
	NoRound(RoundId),
	/// A bid could not be revealed any more.
	#[error("a bid in capacity round {round} is sealed, and its deposit would be lost: run this again once it is revealed, after block {clears} at the latest")]
	BidSealed { round: RoundId, clears: u32 },
	/// The chain computed another score.
	#[error("the chain found another score for the plan in block {block}, and burned its deposit: its pipelines changed in that moment; look at `dllm-worker status`, then plan again")]
	FalseScore { block: u32 },
	/// Nobody serves the prompt.
	#[error("no live pipeline of model {name} serves such a prompt: start its workers, submit a plan with `dllm-worker plan`, or ask for fewer tokens; `dllm-worker status` shows them")]
	NoPipeline { name: String },
	/// The account cannot pay.
	#[error("account {account} has {free} free, the prompt may cost {price}: send it some DLLM, or ask for fewer tokens")]
	InsufficientFunds {
		account: String,
		free: Amount,
		price: Amount,
	},
	/// The worker is not in the pool.
	#[error("{account} is no registered worker: run `dllm-worker register` first")]
	NotRegistered { account: String },
	/// The model's files are nowhere on this machine.
	#[error("the files of model {name} are not on this machine and could not be fetched ({reason}): name their folder with --folder, or under `models` in the configuration")]
	NoFolder { name: String, reason: String },
	/// The ring did not bring a reply.
	#[error("the reply broke off: {reason}; rows that ran may be charged, the rest comes back; send the prompt again")]
	BrokeOff { reason: String },
	/// This machine cannot be part of the network.
	#[error(transparent)]
	Network(#[from] NetworkError),
	/// There is no network key.
	#[error(transparent)]
	Identity(#[from] IdentityError),
	/// The shards of a model cannot be used.
	#[error(transparent)]
	Shards(#[from] ShardError),
	/// The entry of a model cannot be loaded.
	#[error(transparent)]
	Host(#[from] HostError),
	/// The rows of a job cannot be recorded.
	#[error(transparent)]
	Ledger(#[from] LedgerError),
	/// Nobody can scrape the worker.
	#[error(transparent)]
	Metrics(#[from] MetricsError),
	/// The worker cannot serve.
	#[error(transparent)]
	Daemon(#[from] DaemonError),
	/// The gateway cannot serve.
	#[error(transparent)]
	Gateway(#[from] GatewayError),
	/// The keys of a gateway cannot be changed.
	#[error(transparent)]
	Keys(#[from] KeyError),
	/// A file of a gateway cannot be used.
	#[error(transparent)]
	GatewayFile(#[from] FileError),
	/// Ctrl-C before a pipeline took the job.
	#[error("interrupted; job {job} is cancelled and refunded")]
	Cancelled { job: u64 },
	/// Ctrl-C.
	#[error(
		"interrupted; job {job} goes on without you and is settled or refunded by block {deadline}"
	)]
	Interrupted { job: u64, deadline: u32 },
}

impl CliError {
	/// Whether the person ended the command.
	pub fn is_interruption(&self) -> bool {
		matches!(self, Self::Cancelled { .. } | Self::Interrupted { .. })
	}
}

impl From<PlanningError> for CliError {
	fn from(error: PlanningError) -> Self {
		match error {
			PlanningError::NoPlan { reason } => Self::NoPlan { reason },
			PlanningError::Refused(error) => Self::PlanRefused(error),
			PlanningError::TooLong { what } => Self::TooLong { what },
		}
	}
}

/// What can be done about a plan that cannot stand.
fn plan_remedy(error: &PlanError) -> &'static str {
	match error {
		PlanError::Coverage => "its segments do not cover the model's layers once, in order",
		PlanError::TooFewReplicas => "every segment and the entry need two workers: register more",
		PlanError::WorkerTwice => "a worker stands in two segments",
		PlanError::UnknownWorker => "a worker is not registered",
		PlanError::WorkerNotActive => {
			"a worker is not active: its operator must accept it, or it is leaving"
		}
		PlanError::RoleNotOffered => "a worker does not offer the role",
		PlanError::OperatorTwice => {
			"two workers of a stage share an operator: register workers of other operators"
		}
		PlanError::Memory => {
			"a worker's memory is too small: use more segments, fewer slots, or more memory"
		}
		PlanError::Slots => "the number of slots must be 1 to 8",
	}
}
