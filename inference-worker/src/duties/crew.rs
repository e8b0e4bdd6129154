//! What the board has others do: the tasks themselves, shards, and permits.

use super::{DutyError, Key, Progress, Worker};
use crate::network::frame::Side;
use dllm_primitives::{
	api::{AccountId32, Prompt, Route},
	dispute,
	ids::{Digest, JobId, ModelId, PipelineId, StageIndex},
	model::LayerRange,
	verdict::Part,
};
use libp2p::PeerId;
use std::future::Future;

/// A piece of work that a duty asks for.
#[derive(Clone, PartialEq, Debug)]
pub enum Task {
	/// Load stages of a pipeline and say so, unless that was said.
	Host {
		pipeline: PipelineId,
		model: ModelId,
		stages: Vec<LayerRange>,
		slots: u8,
		ready: bool,
	},
	/// Lead a stage.
	Run {
		route: Route,
		stage: StageIndex,
		prompt: Option<Prompt>,
	},
	/// Tell how far a stage came that was led.
	Tally { job: JobId, stage: StageIndex },
	/// Execute a stage again.
	Check {
		route: Route,
		stage: StageIndex,
		part: Part,
		prompt: Option<Prompt>,
		commitments: Vec<(StageIndex, AccountId32, Digest)>,
		until: u32,
	},
	/// Draw a lot over a stage, and show it if it is below the threshold.
	Summon {
		job: JobId,
		stage: StageIndex,
		seed: Digest,
		threshold: u64,
	},
	/// Open a commitment.
	Reveal { job: JobId, stage: StageIndex },
	/// Show the receipt of a hop of which two workers tell other rows.
	Reconcile { route: Route, boundary: StageIndex },
	/// Show rows of a stage to be compared.
	Compare {
		job: JobId,
		stage: StageIndex,
		positions: Vec<u32>,
	},
	/// Make the next move in a dispute.
	Dispute {
		route: Route,
		stage: StageIndex,
		side: dispute::Side,
		record: Box<dispute::Record>,
		commitments: Vec<(StageIndex, AccountId32, Digest)>,
		until: u32,
	},
	/// Say how a job ended, and forget it.
	Close { job: JobId },
}

/// Does what the board decides. Clones are the same crew.
pub trait Crew: Clone + Send + 'static {
	/// Does a piece of work, to its end or as far as it can be done now.
	fn perform(self, task: Task) -> impl Future<Output = Result<Progress, DutyError>> + Send;

	/// Lets exactly these peers fetch the rows of one side of a stage.
	fn allow(&self, job: JobId, stage: StageIndex, side: Side, peers: Vec<PeerId>);

	/// Frees layers, or the entry where the range is empty; whether they were loaded.
	fn release(&self, model: ModelId, layers: LayerRange) -> bool;
}

impl Task {
	/// Names the task.
	pub fn key(&self) -> Key {
		match self {
			Self::Host { pipeline, .. } => Key::Host(*pipeline),
			Self::Run { route, stage, .. } => Key::Run(route.job, *stage),
			Self::Tally { job, stage } => Key::Tally(*job, *stage),
			Self::Check { route, stage, .. } => Key::Check(route.job, *stage),
			Self::Summon {
				job, stage, seed, ..
			} => Key::Summon(*job, *stage, *seed),
			Self::Reveal { job, stage } => Key::Reveal(*job, *stage),
			Self::Reconcile { route, boundary } => Key::Reconcile(route.job, *boundary),
			Self::Compare {
				job,
				stage,
				positions,
			} => Key::of_comparison(*job, *stage, positions),
			Self::Dispute {
				route,
				stage,
				record,
				..
			} => Key::of_dispute(route.job, *stage, record),
			Self::Close { job } => Key::Close(*job),
		}
	}
}

impl Crew for Worker {
	async fn perform(self, task: Task) -> Result<Progress, DutyError> {
		match task {
			Task::Host {
				pipeline,
				model,
				stages,
				slots,
				ready,
			} => self.host(pipeline, model, stages, slots, ready).await,
			Task::Run {
				route,
				stage,
				prompt,
			} => self.run(route, stage, prompt).await,
			Task::Tally { job, stage } => self.tally(job, stage).await,
			Task::Check {
				route,
				stage,
				part,
				prompt,
				commitments,
				until,
			} => {
				self.check(route, stage, part, prompt, (commitments, until))
					.await
			}
			Task::Summon {
				job,
				stage,
				seed,
				threshold,
			} => self.summon(job, stage, (seed, threshold)).await,
			Task::Reveal { job, stage } => self.reveal(job, stage).await,
			Task::Reconcile { route, boundary } => self.reconcile(route, boundary).await,
			Task::Compare {
				job,
				stage,
				positions,
			} => self.compare(job, stage, positions).await,
			Task::Dispute {
				route,
				stage,
				side,
				record,
				commitments,
				until,
			} => {
				self.dispute(route, stage, side, *record, (commitments, until))
					.await
			}
			Task::Close { job } => self.close(job).await,
		}
	}

	fn allow(&self, job: JobId, stage: StageIndex, side: Side, peers: Vec<PeerId>) {
		self.workshop.allow(job, stage, side, peers);
	}

	fn release(&self, model: ModelId, layers: LayerRange) -> bool {
		let host = &self.workshop.host;
		match layers.is_empty() {
			true => host.release_entry(model),
			false => host.release(model, layers),
		}
	}
}
