//! Pipelines as jobs, auctions and the runtime API see them.

use crate::{
	pallet::{ByModel, Config, Error, Hosted, Pallet, Pipelines, StandingOf},
	Cause, FAILURES_TO_CLOSE,
};
use alloc::vec::Vec;
use dllm_primitives::{
	flow::{Ending, PipelineBook},
	ids::{ModelId, PipelineId, StageIndex},
	load::Run,
	model::LayerRange,
	plan::{Pipeline, PipelineState},
};
use frame_support::{defensive, ensure};
use sp_runtime::DispatchResult;

/// A stage that a worker stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HostedStage {
	/// The pipeline.
	pub pipeline: PipelineId,
	/// Its model.
	pub model: ModelId,
	/// Its place in the ring.
	pub stage: StageIndex,
	/// Its layers; empty for the entry.
	pub layers: LayerRange,
	/// Jobs at once.
	pub slots: u8,
	/// Whether the worker has said that it loaded its shards.
	pub ready: bool,
}

impl<T: Config> Pallet<T> {
	/// A pipeline that is not closed, with who submitted it and which of its workers are ready.
	pub fn standing(id: PipelineId) -> Option<StandingOf<T>> {
		Pipelines::<T>::get(id)
	}

	/// Pipelines of a model that are not closed, the oldest first.
	pub fn pipelines_of(model: ModelId) -> Vec<StandingOf<T>> {
		ByModel::<T>::get(model)
			.into_iter()
			.filter_map(Pipelines::<T>::get)
			.collect()
	}

	/// The stages that a worker stands for, in all its pipelines.
	pub fn duties_of(worker: &T::AccountId) -> Vec<HostedStage> {
		let pipelines = Hosted::<T>::get(worker).pipelines;
		let standings = pipelines.into_iter().filter_map(Pipelines::<T>::get);
		standings
			.flat_map(|standing| Self::stages_in(&standing, worker))
			.collect()
	}

	fn stages_in(standing: &StandingOf<T>, worker: &T::AccountId) -> Vec<HostedStage> {
		let Pipeline { id, plan, .. } = &standing.pipeline;
		let stages = plan.members().filter(|(_, who)| *who == worker);
		let hosted = |stage| HostedStage {
			pipeline: *id,
			model: plan.model,
			stage,
			layers: plan.layers_of(stage),
			slots: plan.slots,
			ready: standing.ready.contains(worker),
		};
		stages.map(|(stage, _)| hosted(stage)).collect()
	}
}

impl<T: Config> PipelineBook<T::AccountId> for Pallet<T> {
	fn pipeline(id: PipelineId) -> Option<Pipeline<T::AccountId>> {
		Pipelines::<T>::get(id).map(|standing| standing.pipeline)
	}

	fn live(model: ModelId) -> Vec<Pipeline<T::AccountId>> {
		let pipelines = Self::pipelines_of(model)
			.into_iter()
			.map(|standing| standing.pipeline);
		pipelines
			.filter(|pipeline| pipeline.state == PipelineState::Live)
			.collect()
	}

	fn reserve(id: PipelineId, rows: u32) -> DispatchResult {
		Pipelines::<T>::try_mutate(id, |standing| {
			let standing = standing.as_mut().ok_or(Error::<T>::UnknownPipeline)?;
			ensure!(standing.pipeline.free_slots() > 0, Error::<T>::NoFreeSlot);
			standing.pipeline.open_jobs = standing.pipeline.open_jobs.saturating_add(1);
			standing.pipeline.load.take(rows);
			Ok(())
		})
	}

	fn release(id: PipelineId, ending: Ending, run: Run) {
		let Some(mut standing) = Pipelines::<T>::get(id) else {
			defensive!("a slot of an unknown pipeline is given back", id);
			return;
		};
		standing.pipeline.open_jobs = standing.pipeline.open_jobs.saturating_sub(1);
		match ending {
			Ending::Served | Ending::Failed => standing.pipeline.load.learn(&run),
			Ending::Blameless => standing.pipeline.load.give_back(run.ceiling),
		}
		standing.failures = match ending {
			Ending::Served => 0,
			Ending::Failed => standing.failures.saturating_add(1),
			Ending::Blameless => standing.failures,
		};
		match standing.pipeline.state {
			PipelineState::Draining if standing.pipeline.open_jobs == 0 => Self::end(standing),
			PipelineState::Live if standing.failures >= FAILURES_TO_CLOSE => {
				Self::drain(standing, Cause::Failing)
			}
			_ => Pipelines::<T>::insert(id, standing),
		}
	}
}
