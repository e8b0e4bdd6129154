//! The end of a plan window: the best plan of the round, or else the chain's own, follows the pipeline of the
//! round before, if it is better by more than the cost of moving. The old pipeline drains once the new one is
//! live.

use crate::{
	pallet::{
		Config, Contenders, Event, Incumbents, NextPipeline, Pallet, Pipelines, StandingOf,
		Successors,
	},
	Contender,
};
use dllm_primitives::{
	fallback,
	flow::{ModelCatalog, RoundPlans, Tender},
	ids::{ModelId, PipelineId},
	model::Model,
	plan::{PipelineState, Plan, Segment},
};
use frame_support::{storage::with_storage_layer, BoundedVec};
use sp_runtime::DispatchError;

impl<T: Config> RoundPlans<T::AccountId> for Pallet<T> {
	fn close_window(model: ModelId, tender: Tender<T::AccountId>) -> Option<PipelineId> {
		let contender = Contenders::<T>::take(model);
		let Some(model) = T::Models::active(model) else {
			contender.iter().for_each(Self::give_back);
			return None;
		};
		let Some(contender) = contender else {
			return Self::stand_fallback(&model, &tender);
		};
		match Self::succeed(&model, &tender, &contender) {
			Ok(pipeline) => pipeline,
			Err(error) => {
				Self::give_back(&contender);
				Self::report_failure(model.id, error);
				Self::stand_fallback(&model, &tender)
			}
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Lets the contender stand, whose deposit is on hold. Where the standing pipeline is no worse it stays,
	/// and the deposit goes back.
	fn succeed(
		model: &Model<T::AccountId>,
		tender: &Tender<T::AccountId>,
		contender: &Contender<T::AccountId>,
	) -> Result<Option<PipelineId>, DispatchError> {
		with_storage_layer(|| {
			let judged = Self::judge(&contender.plan, &model.spec, tender)?;
			let incumbent = Self::incumbent(model.id);
			if let Some(standing) =
				incumbent.filter(|old| !Self::beats(judged.score, old, model, tender))
			{
				Self::give_back(contender);
				Self::deposit_event(Event::IncumbentStays {
					pipeline: standing.pipeline.id,
					model: model.id,
					score: judged.score,
				});
				return Ok(None);
			}
			let id = NextPipeline::<T>::get();
			let Contender {
				plan,
				submitter,
				deposit,
				..
			} = contender.clone();
			Self::stand(plan, &model.spec, judged.quote, submitter, deposit)?;
			if let Some(old) = Incumbents::<T>::get(model.id) {
				Successors::<T>::insert(old, id);
			}
			Incumbents::<T>::insert(model.id, id);
			Ok(Some(id))
		})
	}

	/// The pipeline of the last round, while it takes jobs.
	fn incumbent(model: ModelId) -> Option<StandingOf<T>> {
		let standing = Incumbents::<T>::get(model).and_then(Pipelines::<T>::get)?;
		let live = standing.pipeline.state == PipelineState::Live;
		live.then_some(standing)
	}

	/// Whether a score, in which loading what is not loaded yet counts, is below that of a standing pipeline,
	/// whose workers have loaded all. One whose workers did not win has no score, and goes.
	fn beats(
		score: u128,
		standing: &StandingOf<T>,
		model: &Model<T::AccountId>,
		tender: &Tender<T::AccountId>,
	) -> bool {
		let plan = &standing.pipeline.plan;
		Self::judge(plan, &model.spec, tender).map_or(true, |old| score < old.score)
	}

	/// Makes a plan from the winners, with the first segment's workers as entries where they can be, and lets
	/// it stand in the name of the model's owner.
	fn stand_fallback(
		model: &Model<T::AccountId>,
		tender: &Tender<T::AccountId>,
	) -> Option<PipelineId> {
		let layers = model.spec.layers.len() as u16;
		let segments = fallback::segments(layers, tender.terms.replicas, &tender.winners)?;
		let first = segments
			.first()
			.map(|segment: &Segment<T::AccountId>| segment.replicas.clone());
		let mut failure = None;
		for entries in [first.unwrap_or_default(), BoundedVec::default()] {
			let plan = Plan {
				model: model.id,
				slots: tender.terms.jobs,
				entries,
				segments: segments.clone(),
			};
			match Self::stand_without_deposit(model, tender, plan) {
				Ok(pipeline) => return pipeline,
				Err(error) => failure = Some(error),
			}
		}
		if let Some(error) = failure {
			Self::report_failure(model.id, error);
		}
		None
	}

	fn stand_without_deposit(
		model: &Model<T::AccountId>,
		tender: &Tender<T::AccountId>,
		plan: Plan<T::AccountId>,
	) -> Result<Option<PipelineId>, DispatchError> {
		Self::ensure_memory(&plan, &model.spec)?;
		let contender = Contender {
			plan,
			submitter: model.owner.clone(),
			deposit: 0,
			score: 0,
		};
		Self::succeed(model, tender, &contender)
	}

	/// Whether the pipeline that follows this one is live.
	pub(crate) fn is_succeeded(id: PipelineId) -> bool {
		let next = Successors::<T>::get(id).and_then(Pipelines::<T>::get);
		next.is_some_and(|next| next.pipeline.state == PipelineState::Live)
	}

	/// Forgets what was stored of the succession of a pipeline that ends.
	pub(crate) fn leave_succession(id: PipelineId, model: ModelId) {
		Successors::<T>::remove(id);
		if Incumbents::<T>::get(model) == Some(id) {
			Incumbents::<T>::remove(model);
		}
	}

	fn give_back(contender: &Contender<T::AccountId>) {
		Self::release_deposit(&contender.submitter, contender.deposit);
	}

	fn report_failure(model: ModelId, error: DispatchError) {
		Self::deposit_event(Event::PlanFailed { model, error });
	}
}
