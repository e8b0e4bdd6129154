//! The life of a pipeline: preparing, live, draining, closed.

use crate::{
	pallet::{
		ByModel, Config, Error, Event, HoldReason, Hosted, Pallet, Pipelines, StandingOf, Swept,
	},
	Cause,
};
use dllm_primitives::{
	flow::{ModelCatalog, WorkerPool},
	ids::PipelineId,
	miner::WorkerState,
	plan::PipelineState,
};
use frame_support::{
	defensive, ensure,
	traits::{fungible::MutateHold, tokens::Precision, Get},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Saturating, DispatchResult};

impl<T: Config> Pallet<T> {
	/// Notes that a worker has loaded its shards; the last one makes the pipeline live.
	pub(crate) fn do_ready(worker: T::AccountId, id: PipelineId) -> DispatchResult {
		let mut standing = Pipelines::<T>::get(id).ok_or(Error::<T>::UnknownPipeline)?;
		ensure!(standing.has_member(&worker), Error::<T>::NotMember);
		let preparing = standing.pipeline.state == PipelineState::Preparing;
		ensure!(preparing, Error::<T>::NotPreparing);
		ensure!(Self::is_active(&worker), Error::<T>::WorkerNotActive);
		let new = standing
			.ready
			.try_insert(worker.clone())
			.map_err(|_| Error::<T>::NotMember)?;
		ensure!(new, Error::<T>::AlreadyReady);

		let live = standing.all_ready();
		if live {
			standing.pipeline.state = PipelineState::Live;
		}
		let model = standing.pipeline.plan.model;
		Pipelines::<T>::insert(id, standing);
		Self::deposit_event(Event::WorkerReady {
			pipeline: id,
			worker,
		});
		if live {
			Self::deposit_event(Event::PipelineLive {
				pipeline: id,
				model,
			});
		}
		Ok(())
	}

	/// A worker ends the pipeline.
	pub(crate) fn do_leave(worker: T::AccountId, id: PipelineId) -> DispatchResult {
		let standing = Self::undrained(id)?;
		ensure!(standing.has_member(&worker), Error::<T>::NotMember);
		Self::drain(standing, Cause::MemberLeft);
		Ok(())
	}

	/// Its submitter, or the state that it is in, ends the pipeline.
	pub(crate) fn do_close(who: T::AccountId, id: PipelineId) -> DispatchResult {
		let standing = Self::undrained(id)?;
		let cause = if standing.submitter == who {
			Cause::Withdrawn
		} else {
			let now = frame_system::Pallet::<T>::block_number();
			Self::disorder(&standing, now).ok_or(Error::<T>::InOrder)?
		};
		Self::drain(standing, cause);
		Ok(())
	}

	/// Looks at the next pipeline in the order of storage, and ends it where it is not in order.
	pub(crate) fn sweep(now: BlockNumberFor<T>) {
		let after = Swept::<T>::get();
		let next = after.and_then(|id| Pipelines::<T>::iter_keys_from_key(id).next());
		let Some(id) = next.or_else(|| Pipelines::<T>::iter_keys().next()) else {
			return;
		};
		Swept::<T>::put(id);
		let Ok(standing) = Self::undrained(id) else {
			return;
		};
		if let Some(cause) = Self::disorder(&standing, now) {
			Self::drain(standing, cause);
		}
	}

	/// Takes no more jobs; closes now, or with the last open job.
	pub(crate) fn drain(mut standing: StandingOf<T>, cause: Cause) {
		let pipeline = standing.pipeline.id;
		Self::deposit_event(Event::PipelineDraining { pipeline, cause });
		if standing.pipeline.open_jobs == 0 {
			Self::end(standing);
			return;
		}
		standing.pipeline.state = PipelineState::Draining;
		Pipelines::<T>::insert(pipeline, standing);
	}

	/// Forgets a pipeline: memory and deposit are free again.
	pub(crate) fn end(standing: StandingOf<T>) {
		let (id, model) = (standing.pipeline.id, standing.pipeline.plan.model);
		for (who, bytes) in standing.members() {
			Hosted::<T>::mutate_exists(&who, |promised| {
				let Some(hosting) = promised else { return };
				hosting.memory = hosting.memory.saturating_sub(bytes);
				hosting.pipelines.retain(|other| *other != id);
				if hosting.pipelines.is_empty() {
					*promised = None;
				}
			});
		}
		ByModel::<T>::mutate_exists(model, |ids| {
			let Some(left) = ids else { return };
			left.retain(|other| *other != id);
			if left.is_empty() {
				*ids = None;
			}
		});
		Self::leave_succession(id, model);
		Pipelines::<T>::remove(id);
		Self::release_deposit(&standing.submitter, standing.deposit);
		Self::deposit_event(Event::PipelineClosed {
			pipeline: id,
			model,
		});
	}

	fn undrained(id: PipelineId) -> Result<StandingOf<T>, Error<T>> {
		let standing = Pipelines::<T>::get(id).ok_or(Error::<T>::UnknownPipeline)?;
		let drained = standing.pipeline.state == PipelineState::Draining;
		ensure!(!drained, Error::<T>::AlreadyDraining);
		Ok(standing)
	}

	/// Why anyone may end the pipeline; none where it is in order.
	fn disorder(standing: &StandingOf<T>, now: BlockNumberFor<T>) -> Option<Cause> {
		let pipeline = &standing.pipeline;
		let ready_by = standing.accepted.saturating_add(T::PrepareBlocks::get());
		if pipeline.state == PipelineState::Preparing && now > ready_by {
			return Some(Cause::NeverReady);
		}
		if T::Models::active(pipeline.plan.model).is_none() {
			return Some(Cause::ModelNotActive);
		}
		if Self::is_succeeded(pipeline.id) {
			return Some(Cause::Replaced);
		}
		let mut members = pipeline.plan.members();
		(!members.all(|(_, who)| Self::is_active(who))).then_some(Cause::MemberInactive)
	}

	fn is_active(who: &T::AccountId) -> bool {
		T::Workers::worker(who).is_some_and(|worker| worker.state == WorkerState::Active)
	}

	pub(crate) fn release_deposit(submitter: &T::AccountId, deposit: u128) {
		let reason = HoldReason::Plan.into();
		match T::Currency::release(&reason, submitter, deposit, Precision::BestEffort) {
			Ok(released) if released == deposit => {}
			other => {
				defensive!("the hold of a submitter is less than its deposits", other);
			}
		}
	}
}
