//! The chain, as a planner sees it: rounds whose plans compete, who may be planned with, and what a plan costs
//! its submitter.

use super::leads;
use crate::chain::{calls, AccountId32, Chain, ChainError, Submitter};
use dllm_primitives::{
	api::{ModelView, PipelineView, RoundPhase, RoundView, WorkerView},
	plan::Plan,
};
use std::future::Future;

/// A round whose plans compete.
#[derive(Clone, Debug)]
pub struct Contest {
	/// The round.
	pub round: RoundView,
	/// Its model.
	pub model: ModelView,
	/// The pipelines of the model.
	pub pipelines: Vec<PipelineView>,
}

/// What there is to see after a block.
#[derive(Clone, Debug)]
pub struct View {
	/// Number of the block.
	pub number: u32,
	/// The rounds whose plans compete.
	pub contests: Vec<Contest>,
	/// All workers.
	pub workers: Vec<WorkerView>,
	/// Planck that the planner can spend.
	pub free: u128,
	/// Planck on hold for a plan.
	pub deposit: u128,
}

/// Shows contests and takes plans. Clones are the same desk.
pub trait Desk: Clone + Send + Sync + 'static {
	/// Who plans.
	fn planner(&self) -> &AccountId32;

	/// Everything that a planner has to know, as of one block.
	fn look(&self) -> impl Future<Output = Result<View, ChainError>> + Send;

	/// Lets a plan compete; answers the block that holds it, and whether it leads since.
	fn compete(
		&self,
		plan: Plan<AccountId32>,
		score: u128,
	) -> impl Future<Output = Result<(u32, bool), ChainError>> + Send;
}

/// The chain behind a node.
#[derive(Clone)]
pub struct OnChain {
	/// The node.
	pub chain: Chain,
	/// Signs for this worker.
	pub submitter: Submitter,
}

impl Desk for OnChain {
	fn planner(&self) -> &AccountId32 {
		self.submitter.account().id()
	}

	async fn look(&self) -> Result<View, ChainError> {
		let block = *self.chain.best().borrow();
		let mut view = View {
			number: block.number,
			contests: Vec::new(),
			workers: Vec::new(),
			free: 0,
			deposit: 0,
		};
		for round in self.chain.rounds_at(block).await? {
			let mut winners = round.winners.iter();
			let has_won = winners.any(|won| won.worker == *self.planner());
			if round.phase != RoundPhase::Planning || !has_won {
				continue;
			}
			let pipelines = self.chain.pipelines(round.model).await?;
			// A model outlives its rounds.
			if let Some(model) = self.chain.model(round.model).await? {
				view.contests.push(Contest {
					round,
					model,
					pipelines,
				});
			}
		}
		if !view.contests.is_empty() {
			view.workers = self.chain.workers().await?;
			view.free = self.chain.balance(self.planner()).await?.free;
			view.deposit = self.chain.constant("Allocation", "PlanDeposit").await?;
		}
		Ok(view)
	}

	async fn compete(
		&self,
		plan: Plan<AccountId32>,
		score: u128,
	) -> Result<(u32, bool), ChainError> {
		let included = self.submitter.submit(&calls::compete(&plan, score)).await?;
		Ok((included.block, leads(&included)))
	}
}
