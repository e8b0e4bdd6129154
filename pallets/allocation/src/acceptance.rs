//! A plan becomes a pipeline: checked, priced, its memory promised once.

use crate::{
	pallet::{
		ByModel, Config, Error, Event, HoldReason, Hosted, NextPipeline, Pallet, Pipelines,
		StandingOf,
	},
	standing::memory_by_stage,
	Cause, Standing,
};
use dllm_primitives::{
	flow::{ModelCatalog, WorkerPool},
	ids::ModelId,
	miner::WorkerState,
	model::ModelState,
	plan::{self, Candidate, Pipeline, PipelineState, Plan},
};
use frame_support::{
	ensure,
	traits::{
		fungible::{InspectHold, MutateHold},
		Get,
	},
};
use sp_runtime::DispatchResult;

impl<T: Config> Pallet<T> {
	/// Lets a feasible plan stand.
	pub(crate) fn do_submit_plan(
		submitter: T::AccountId,
		plan: Plan<T::AccountId>,
	) -> DispatchResult {
		let model = T::Models::model(plan.model).ok_or(Error::<T>::UnknownModel)?;
		ensure!(
			model.state == ModelState::Active,
			Error::<T>::ModelNotActive
		);
		let quote = plan::check(&plan, &model.spec, Self::candidate).map_err(Error::<T>::from)?;
		Self::make_room(plan.model, quote.cost)?;

		let id = NextPipeline::<T>::get();
		let standing = Standing {
			submitter: submitter.clone(),
			deposit: T::PlanDeposit::get(),
			accepted: frame_system::Pallet::<T>::block_number(),
			ready: Default::default(),
			failures: 0,
			stage_memory: memory_by_stage(&plan, &model.spec),
			pipeline: Pipeline {
				id,
				state: PipelineState::Preparing,
				plan,
				stage_prices: quote.stage_prices,
				cost: quote.cost,
				open_jobs: 0,
			},
		};
		Self::promise_memory(&standing)?;
		Self::hold_deposit(&submitter, standing.deposit)?;
		ByModel::<T>::try_append(model.id, id).map_err(|()| Error::<T>::TooManyPipelines)?;
		Pipelines::<T>::insert(id, standing);
		NextPipeline::<T>::put(id.saturating_add(1));
		let (model, cost) = (model.id, quote.cost);
		Self::deposit_event(Event::PlanAccepted {
			pipeline: id,
			model,
			submitter,
			cost,
		});
		Ok(())
	}

	/// What the check has to know of a worker.
	fn candidate(who: &T::AccountId) -> Option<Candidate<T::AccountId>> {
		let worker = T::Workers::worker(who)?;
		Some(Candidate {
			operator: worker.operator,
			active: worker.state == WorkerState::Active,
			roles: worker.spec.roles,
			memory: worker.spec.memory,
			price: worker.spec.price,
		})
	}

	/// Where the model has all its pipelines, closes the dearest that is still preparing, if it costs more
	/// than the new plan.
	fn make_room(model: ModelId, cost: u128) -> Result<(), Error<T>> {
		let ids = ByModel::<T>::get(model);
		if ids.len() < T::MaxPipelinesPerModel::get() as usize {
			return Ok(());
		}
		let dearest = ids
			.iter()
			.filter_map(Pipelines::<T>::get)
			.filter(|standing| standing.pipeline.state == PipelineState::Preparing)
			.max_by_key(|standing| standing.pipeline.cost)
			.filter(|standing| standing.pipeline.cost > cost)
			.ok_or(Error::<T>::TooManyPipelines)?;
		Self::drain(dearest, Cause::Replaced);
		Ok(())
	}

	/// Adds the plan's share to what its workers have promised.
	fn promise_memory(standing: &StandingOf<T>) -> Result<(), Error<T>> {
		for (who, bytes) in standing.members() {
			let declared = T::Workers::worker(&who)
				.ok_or(Error::<T>::UnknownWorker)?
				.spec
				.memory;
			let mut hosting = Hosted::<T>::get(&who);
			hosting.memory = hosting.memory.saturating_add(bytes);
			ensure!(
				hosting.memory <= plan::usable_memory(declared),
				Error::<T>::MemoryTaken
			);
			let added = hosting.pipelines.try_push(standing.pipeline.id);
			added.map_err(|_| Error::<T>::HostsTooMany)?;
			Hosted::<T>::insert(&who, hosting);
		}
		Ok(())
	}

	fn hold_deposit(submitter: &T::AccountId, deposit: u128) -> DispatchResult {
		let reason = HoldReason::Plan.into();
		let affordable = T::Currency::can_hold(&reason, submitter, deposit);
		ensure!(affordable, Error::<T>::InsufficientFunds);
		T::Currency::hold(&reason, submitter, deposit)
	}
}
