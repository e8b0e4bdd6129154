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
	flow::{CapacityRounds, Footing, ModelCatalog, WorkerPool},
	ids::ModelId,
	load::Load,
	miner::WorkerState,
	model::{ModelSpec, ModelState},
	plan::{self, Candidate, Pipeline, PipelineState, Plan, Quote},
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
		let posted = matches!(T::Rounds::footing(plan.model), Footing::Posted);
		ensure!(posted, Error::<T>::RoundInProgress);
		let quote = plan::check(&plan, &model.spec, Self::candidate).map_err(Error::<T>::from)?;
		let deposit = T::PlanDeposit::get();
		Self::hold_deposit(&submitter, deposit)?;
		Self::stand(plan, &model.spec, quote, submitter, deposit)
	}

	/// Lets a checked plan stand whose deposit is on hold.
	pub(crate) fn stand(
		plan: Plan<T::AccountId>,
		model: &ModelSpec,
		quote: Quote,
		submitter: T::AccountId,
		deposit: u128,
	) -> DispatchResult {
		Self::make_room(plan.model, quote.cost)?;
		let (id, model_id) = (NextPipeline::<T>::get(), plan.model);
		let standing = Standing {
			submitter: submitter.clone(),
			deposit,
			accepted: frame_system::Pallet::<T>::block_number(),
			ready: Default::default(),
			failures: 0,
			stage_memory: memory_by_stage(&plan, model),
			pipeline: Pipeline {
				id,
				state: PipelineState::Preparing,
				plan,
				stage_prices: quote.stage_prices,
				cost: quote.cost,
				open_jobs: 0,
				load: Load::default(),
			},
		};
		Self::promise_memory(&standing)?;
		ByModel::<T>::try_append(model_id, id).map_err(|()| Error::<T>::TooManyPipelines)?;
		Pipelines::<T>::insert(id, standing);
		NextPipeline::<T>::put(id.saturating_add(1));
		Self::deposit_event(Event::PlanAccepted {
			pipeline: id,
			model: model_id,
			submitter,
			cost: quote.cost,
		});
		Ok(())
	}

	/// What the check has to know of a worker.
	pub(crate) fn candidate(who: &T::AccountId) -> Option<Candidate<T::AccountId>> {
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

	pub(crate) fn hold_deposit(submitter: &T::AccountId, deposit: u128) -> DispatchResult {
		let reason = HoldReason::Plan.into();
		let affordable = T::Currency::can_hold(&reason, submitter, deposit);
		ensure!(affordable, Error::<T>::InsufficientFunds);
		T::Currency::hold(&reason, submitter, deposit)
	}
}
