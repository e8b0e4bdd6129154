//! What always holds between two blocks. Every mock run of the tests ends here.

use crate::pallet::{
	ByModel, Config, Contenders, HoldReason, Hosted, Incumbents, NextPipeline, Pallet, Pipelines,
	StandingOf, Successors,
};
use alloc::collections::{BTreeMap, BTreeSet};
use dllm_primitives::{
	flow::{CapacityRounds, Footing},
	ids::{ModelId, PipelineId, StageIndex},
	plan::{PipelineState, MIN_REPLICAS},
};
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the pallet.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let next = NextPipeline::<T>::get();
		for (id, standing) in Pipelines::<T>::iter() {
			ensure!(
				id < next && standing.pipeline.id == id,
				"a pipeline has a wrong number"
			);
			Self::check_state(&standing)?;
			Self::check_stages(&standing)?;
		}
		Self::check_index()?;
		Self::check_promises()?;
		Self::check_succession()?;
		Self::check_deposits()
	}

	/// Open jobs fit the slots, and the state tells how far the pipeline is.
	fn check_state(standing: &StandingOf<T>) -> Result<(), TryRuntimeError> {
		let pipeline = &standing.pipeline;
		ensure!(
			pipeline.open_jobs <= pipeline.plan.slots,
			"more jobs than slots"
		);
		ensure!(
			pipeline.open_jobs > 0 || pipeline.load.in_flight == 0,
			"rows are in flight without a job"
		);
		let fits = match pipeline.state {
			PipelineState::Preparing => !standing.all_ready() && pipeline.open_jobs == 0,
			PipelineState::Live => standing.all_ready(),
			PipelineState::Draining => pipeline.open_jobs > 0,
			PipelineState::Closed => false,
		};
		ensure!(fits, "the state of a pipeline does not fit it");
		ensure!(
			standing.ready.iter().all(|who| standing.has_member(who)),
			"a stranger is ready"
		);
		Ok(())
	}

	/// Every stage has distinct workers, enough of them, and a price.
	fn check_stages(standing: &StandingOf<T>) -> Result<(), TryRuntimeError> {
		let plan = &standing.pipeline.plan;
		ensure!(
			standing.pipeline.stage_prices.len() == plan.stages(),
			"a stage has no price"
		);
		ensure!(
			standing.stage_memory.len() == plan.stages(),
			"a stage has no memory"
		);
		for stage in 0..plan.stages() as StageIndex {
			let workers = plan.workers_of(stage);
			let distinct = workers.iter().collect::<BTreeSet<_>>().len();
			ensure!(
				distinct == workers.len(),
				"a worker stands twice in a stage"
			);
			let enough = distinct >= MIN_REPLICAS || (stage == 0 && workers.is_empty());
			ensure!(enough, "a stage has too few workers");
		}
		Ok(())
	}

	/// The index of a model names exactly its pipelines.
	fn check_index() -> Result<(), TryRuntimeError> {
		let mut named = BTreeSet::new();
		for (model, ids) in ByModel::<T>::iter() {
			ensure!(!ids.is_empty(), "an empty index is stored");
			for id in ids {
				let standing = Pipelines::<T>::get(id).ok_or("the index names no pipeline")?;
				ensure!(
					standing.pipeline.plan.model == model,
					"the index names another model"
				);
				ensure!(named.insert(id), "the index names a pipeline twice");
			}
		}
		let count = Pipelines::<T>::iter_keys().count();
		ensure!(named.len() == count, "a pipeline is missing in the index");
		Ok(())
	}

	/// What workers have promised is what their pipelines take.
	fn check_promises() -> Result<(), TryRuntimeError> {
		let mut promised = BTreeMap::<T::AccountId, (u64, BTreeSet<PipelineId>)>::new();
		for (id, standing) in Pipelines::<T>::iter() {
			for (who, bytes) in standing.members() {
				let (memory, pipelines) = promised.entry(who).or_default();
				*memory = memory.saturating_add(bytes);
				pipelines.insert(id);
			}
		}
		let stored = Hosted::<T>::iter()
			.map(|(who, hosting)| {
				(
					who,
					(hosting.memory, hosting.pipelines.into_iter().collect()),
				)
			})
			.collect::<BTreeMap<_, _>>();
		ensure!(
			stored == promised,
			"promised memory differs from what the pipelines take"
		);
		Ok(())
	}

	/// Who follows and who is followed stands, and contenders have a plan window.
	fn check_succession() -> Result<(), TryRuntimeError> {
		let stands = |id: PipelineId| Pipelines::<T>::contains_key(id);
		ensure!(
			Successors::<T>::iter_keys().all(stands),
			"a pipeline that ended is followed"
		);
		let of_its_model = |(model, id): (ModelId, PipelineId)| {
			Pipelines::<T>::get(id).is_some_and(|found| found.pipeline.plan.model == model)
		};
		ensure!(
			Incumbents::<T>::iter().all(of_its_model),
			"the pipeline of a round does not stand"
		);
		let competes = |model: ModelId| matches!(T::Rounds::footing(model), Footing::Competing(_));
		ensure!(
			Contenders::<T>::iter_keys().all(competes),
			"a plan competes for no round"
		);
		Ok(())
	}

	/// What submitters have on hold is the deposits of their pipelines and of their competing plans.
	fn check_deposits() -> Result<(), TryRuntimeError> {
		let mut held = BTreeMap::<T::AccountId, u128>::new();
		for standing in Pipelines::<T>::iter_values() {
			let sum = held.entry(standing.submitter).or_default();
			*sum = sum.saturating_add(standing.deposit);
		}
		for contender in Contenders::<T>::iter_values() {
			let sum = held.entry(contender.submitter).or_default();
			*sum = sum.saturating_add(contender.deposit);
		}
		let reason = HoldReason::Plan.into();
		let exact = held
			.iter()
			.all(|(who, sum)| T::Currency::balance_on_hold(&reason, who) == *sum);
		ensure!(exact, "deposits on hold differ from those of the pipelines");
		Ok(())
	}
}
