//! The waiting jobs: in the order of submission for the auction, by deadline for the refund.

use crate::pallet::{Agenda, Config, Error, Event, Jobs, Pallet, Requests, Waiting};
use alloc::vec::Vec;
use dllm_primitives::{
	draw,
	flow::{Award, JobBook, JobFacts, JobQueue, ModelCatalog, PipelineBook, Trials},
	ids::{Digest, JobId, PipelineId},
	job::{Assurance, JobState, Options, WaitingJob},
	plan::Pipeline,
};
use frame_support::{ensure, storage::with_storage_layer};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Saturating, DispatchResult};

/// Blocks after the wished deadline among which a free place on the agenda is sought.
pub const SEARCH_BLOCKS: u32 = 16;
/// Blocks before its deadline within which a job is not offered any more: its leads could not deliver in
/// time and would be blamed for it.
pub const MIN_RUN_BLOCKS: u32 = 3;

impl<T: Config> Pallet<T> {
	/// Lets a new job wait, with the first of these deadlines that has room.
	pub(crate) fn enqueue(
		id: JobId,
		mut deadlines: impl Iterator<Item = BlockNumberFor<T>>,
	) -> Result<BlockNumberFor<T>, Error<T>> {
		Waiting::<T>::try_append(id).map_err(|()| Error::<T>::QueueFull)?;
		deadlines
			.find(|deadline| Agenda::<T>::try_append(deadline, id).is_ok())
			.ok_or(Error::<T>::AgendaFull)
	}

	/// Takes a job out of both orders.
	pub(crate) fn dequeue(id: JobId, deadline: BlockNumberFor<T>) {
		Self::stop_waiting(id);
		Agenda::<T>::mutate_exists(deadline, |due| {
			let Some(ids) = due else { return };
			ids.retain(|other| *other != id);
			if ids.is_empty() {
				*due = None;
			}
		});
	}

	/// Takes a job out of the order of submission. Numbers grow, so that order is sorted.
	pub(crate) fn stop_waiting(id: JobId) {
		Waiting::<T>::mutate(|ids| {
			if let Ok(at) = ids.binary_search(&id) {
				ids.remove(at);
			}
		});
	}

	fn do_award(id: JobId, pipeline: Pipeline<T::AccountId>, surplus: u128) -> DispatchResult {
		let mut job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
		ensure!(job.state == JobState::Waiting, Error::<T>::NotWaiting);
		let fits = pipeline.plan.model == job.model && pipeline.serves(job.own_entry);
		let failed_it = job.failed().contains(&pipeline.id);
		ensure!(fits && !failed_it, Error::<T>::WrongPipeline);
		let asked = Requests::<T>::get(id);
		let options = asked
			.as_ref()
			.map_or_else(Options::default, |asked| asked.options);
		let assurance = asked.map_or(Assurance::Full, |asked| asked.assurance);
		let model = T::Models::model(job.model).ok_or(Error::<T>::UnknownModel)?;
		let fee = pipeline.fee(&model.spec, job.rows_ceiling, job.own_entry);
		let price_ceiling = fee.saturating_add(surplus);
		let run_until = Self::run_until(&job, &pipeline, &model.spec, &options);

		Self::dequeue(id, job.deadline);
		job.state = JobState::Running {
			pipeline: pipeline.id,
		};
		job.pipeline = Some(pipeline.id);
		job.surplus = surplus;
		job.awarded = Some(frame_system::Pallet::<T>::block_number());
		Jobs::<T>::insert(id, &job);
		Self::deposit_event(Event::Awarded {
			job: id,
			pipeline: pipeline.id,
			price_ceiling,
		});
		T::Trials::open(Award {
			job: id,
			client: job.client,
			pipeline,
			rows_ceiling: job.rows_ceiling,
			own_entry: job.own_entry,
			assurance,
			run_until,
		})
	}
}

impl<T: Config> JobQueue<u128, BlockNumberFor<T>> for Pallet<T> {
	/// Reads `limit` jobs at most; those that are too close to their deadline are left out, and so are those of
	/// a suspended model: they wait for the breaker, or for their refund.
	fn waiting(limit: u32) -> Vec<WaitingJob<u128, BlockNumberFor<T>>> {
		let now = frame_system::Pallet::<T>::block_number();
		let in_time = now.saturating_add(MIN_RUN_BLOCKS.into());
		let suspended = T::Trials::suspended();
		Waiting::<T>::get()
			.into_iter()
			.take(limit as usize)
			.filter_map(|id| Jobs::<T>::get(id).map(|job| (id, job)))
			.filter(|(_, job)| job.deadline >= in_time && !suspended.contains(&job.model))
			.map(|(id, job)| WaitingJob {
				id,
				model: job.model,
				rows: job.rows_ceiling,
				max_price: job.max_price,
				own_entry: job.own_entry,
				submitted: job.submitted,
				avoided: job.avoided(),
			})
			.collect()
	}

	/// Changes nothing where it fails.
	fn award(job: JobId, pipeline: PipelineId, surplus: u128) -> DispatchResult {
		with_storage_layer(|| {
			let pipeline = T::Book::pipeline(pipeline).ok_or(Error::<T>::WrongPipeline)?;
			Self::do_award(job, pipeline, surplus)
		})
	}
}

impl<T: Config> JobBook<T::AccountId> for Pallet<T> {
	fn facts(job: JobId) -> Option<JobFacts<T::AccountId>> {
		Self::facts(job)
	}

	fn asked(job: JobId) -> Digest {
		Requests::<T>::get(job).map_or(Digest::zero(), |request| draw::asked(&request))
	}

	fn adapter(job: JobId) -> Option<Digest> {
		let asked = Requests::<T>::get(job)?.options.adapter?;
		T::Models::adapter(asked).map(|adapter| adapter.spec.manifest_root)
	}
}
