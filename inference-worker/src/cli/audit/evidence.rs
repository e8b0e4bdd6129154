//! What an audit reads: public data, all of them of the block that ended the job, or of the one before.

use crate::planning::spec_of;
use codec::Decode;
use dllm_primitives::{
	api::{planck, AccountId32, ModelView, PaymentView, PipelineView, Receipt, WorkerView},
	compare::Likeness,
	ids::{AdapterId, Digest, JobId, ModelId, PipelineId, StageIndex},
	job::{Assurance, JobState, OnFailure, Refund},
	model::{LayerRange, ModelSpec, Profile},
	plan::{Pipeline, Plan, Segment},
	verdict::{Part, Verdict},
};
use serde::{Deserialize, Serialize};

/// Everything that is known of a job that is over.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
	/// The job.
	pub job: JobId,
	/// The block that ended it.
	pub block: u32,
	/// What the runtime tells of it there.
	pub receipt: Receipt,
	/// What is stored of it there.
	pub record: Record,
	/// What was asked.
	pub asked: Asked,
	/// Its model, one block earlier.
	pub model: ModelView,
	/// Its pipeline one block earlier, before it could close; none where no pipeline had the job.
	pub pipeline: Option<PipelineView>,
	/// The workers of the pipeline and of the trial, one block earlier.
	pub workers: Vec<WorkerView>,
	/// What the block did.
	pub events: Events,
}

/// The stored record of a job: the fields of `pallet_jobs::Job`, in their order.
#[derive(Decode, Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Record {
	/// Who pays.
	pub client: AccountId32,
	/// The model.
	pub model: ModelId,
	/// Rows at most.
	pub rows_ceiling: u32,
	/// Whether the client is the entry.
	pub own_entry: bool,
	/// Ceiling of the price.
	#[serde(with = "planck")]
	pub max_price: u128,
	/// Block of submission.
	pub submitted: u32,
	/// Block by which it has been run.
	pub deadline: u32,
	/// Where it stands.
	pub state: JobState,
	/// Its pipeline.
	pub pipeline: Option<PipelineId>,
	/// Block of the award.
	pub awarded: Option<u32>,
	/// Block of the final state.
	pub ended: Option<u32>,
	/// What it pays above the pipeline's fee for as many rows as it may have.
	#[serde(with = "planck")]
	pub surplus: u128,
	/// What was charged.
	#[serde(with = "planck")]
	pub fee: u128,
	/// Rows charged.
	pub rows: u32,
	/// Tokens of the reply.
	pub tokens: u32,
	/// Digest of the reply.
	pub result: Digest,
	/// What it comes from, where it runs a failed job again.
	pub lineage: Option<Lineage>,
}

/// What a job comes from that runs a failed one again: the fields of `pallet_jobs::Lineage`, in their order.
#[derive(Decode, Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Lineage {
	/// The job that failed.
	pub of: JobId,
	/// The pipelines that failed it.
	pub failed: Vec<PipelineId>,
	/// Pipelines that share a worker to blame.
	pub shunned: Vec<PipelineId>,
}

/// What the stored request says of the extent of a job.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Asked {
	/// Digest of the stored request, as the ends of a hop sign it.
	pub digest: Digest,
	/// Rows at most.
	pub rows_ceiling: u32,
	/// Whether only a digest of the prompt is on chain.
	pub sealed: bool,
	/// How sure the client wanted to be.
	pub assurance: Assurance,
	/// What is to become of it where its workers fail it.
	pub on_failure: OnFailure,
	/// The adapter that it names; none for the plain model.
	pub adapter: Option<AdapterId>,
}

/// The events about a job in the block that ended it.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct Events {
	/// `Jobs.Settled`.
	pub settled: Option<Settled>,
	/// `Jobs.Refunded`.
	pub refunded: Option<Refunded>,
	/// `Jobs.Rerun`.
	pub rerun: Option<Rerun>,
	/// Whether there is a `Jobs.PaymentFailed`.
	pub payment_failed: bool,
	/// `Rewards.Paid`.
	pub paid: Option<Paid>,
	/// `Verification.Compared`, where that was in the block that ended the job.
	pub compared: Vec<Compared>,
	/// `Verification.Judged`.
	pub judged: Vec<Judged>,
	/// `Verification.Served`, with the rows.
	pub served: Option<u32>,
	/// `Verification.Failed`.
	pub failed: Option<Refund>,
	/// `Miners.Slashed` of the closing of its trial.
	pub slashed: Vec<Slashed>,
	/// `Miners.Forfeited` of the same.
	pub forfeited: Vec<Forfeited>,
	/// Whose bonds, or convictions, the block changed besides.
	pub bonds_changed: Vec<AccountId32>,
}

/// A job was paid for.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Settled {
	/// Who paid.
	pub client: AccountId32,
	/// Rows charged.
	pub rows: u32,
	/// Tokens of the reply.
	pub tokens: u32,
	/// What was charged.
	#[serde(with = "planck")]
	pub fee: u128,
	/// What came back.
	#[serde(with = "planck")]
	pub refunded: u128,
	/// Digest of the reply.
	pub result: Digest,
}

/// A job failed and is run again.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Rerun {
	/// The job that runs it again.
	pub by: JobId,
	/// Whose job it is.
	pub client: AccountId32,
	/// Why it failed.
	pub reason: Refund,
}

/// A job was refunded.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Refunded {
	/// Whose money came back.
	pub client: AccountId32,
	/// Why.
	pub reason: Refund,
	/// How much.
	#[serde(with = "planck")]
	pub amount: u128,
}

/// A fee was divided.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Paid {
	/// Who paid.
	pub client: AccountId32,
	/// Leads.
	pub miners: Vec<PaymentView>,
	/// Checkers.
	pub verifiers: Vec<PaymentView>,
	/// What the treasury got.
	#[serde(with = "planck")]
	pub treasury: u128,
	/// What was burned.
	#[serde(with = "planck")]
	pub burned: u128,
}

/// The comparison of a stage was over.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Compared {
	/// The stage.
	pub stage: StageIndex,
	/// What came of it.
	pub likeness: Likeness,
}

/// A verdict was announced.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Judged {
	/// The stage.
	pub stage: StageIndex,
	/// The worker.
	pub worker: AccountId32,
	/// Its part.
	pub part: Part,
	/// What was found.
	pub verdict: Verdict,
}

/// A bond was slashed.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Slashed {
	/// Whose bond.
	pub worker: AccountId32,
	/// How much, in planck.
	#[serde(with = "planck")]
	pub amount: u128,
	/// To the user of the job.
	#[serde(with = "planck")]
	pub to_user: u128,
	/// To those that convicted the worker.
	#[serde(with = "planck")]
	pub to_convictors: u128,
	/// Burned.
	#[serde(with = "planck")]
	pub burned: u128,
}

/// A worker that was checked did not open.
#[derive(Serialize, Deserialize, Clone, PartialEq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Forfeited {
	/// Whose bond.
	pub worker: AccountId32,
	/// How much, in planck.
	#[serde(with = "planck")]
	pub amount: u128,
	/// To the user of the job.
	#[serde(with = "planck")]
	pub to_user: u128,
	/// Burned.
	#[serde(with = "planck")]
	pub burned: u128,
}

impl Evidence {
	/// Whether the model is exact, so that there is one numerics class.
	pub(super) fn is_exact(&self) -> bool {
		self.model.profile == Profile::Exact
	}

	/// The model as the chain holds it; none where it could not hold it.
	pub(super) fn spec(&self) -> Option<ModelSpec> {
		spec_of(&self.model).ok()
	}

	/// The pipeline, as the rules want it; none where there is none, or the view is no ring.
	pub(super) fn pipeline(&self) -> Option<Pipeline<AccountId32>> {
		let view = self.pipeline.as_ref()?;
		let (entry, segments) = view.stages.split_first()?;
		let mut numbered = view.stages.iter().enumerate();
		let in_order = numbered.all(|(at, stage)| usize::from(stage.stage) == at);
		if !in_order || entry.layers != LayerRange::default() {
			return None;
		}
		let segments = segments.iter().map(|stage| {
			Some(Segment {
				layers: stage.layers,
				replicas: stage.workers.clone().try_into().ok()?,
			})
		});
		let prices = view.stages.iter().map(|stage| stage.price);
		Some(Pipeline {
			id: view.id,
			state: view.state,
			plan: Plan {
				model: view.model,
				slots: view.slots,
				entries: entry.workers.clone().try_into().ok()?,
				segments: segments.collect::<Option<Vec<_>>>()?.try_into().ok()?,
			},
			stage_prices: prices.collect::<Vec<_>>().try_into().ok()?,
			// What chose the plan, and the load; no rule of a job reads them.
			cost: 0,
			open_jobs: view.open_jobs,
			load: Default::default(),
		})
	}

	/// What is known of a worker.
	pub(super) fn worker(&self, who: &AccountId32) -> Option<&WorkerView> {
		self.workers.iter().find(|worker| worker.account == *who)
	}

	/// Whether the user was charged.
	pub(super) fn is_settled(&self) -> bool {
		self.record.state == JobState::Settled
	}
}
