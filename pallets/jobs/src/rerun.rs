//! A job that its workers failed goes back to the queue, where its client chose that.
//!
//! It goes back as another job. Everything that workers, trials and receipts keep is found by the number of a job,
//! commitments never change, and the queue is in the order of numbers; so a failed run stays on record as it was,
//! and the next one begins with nothing. The two name each other: the state of the failed job, and the lineage of
//! the other one. The money on hold does not move: the failed job lets go of what the other one holds.

use crate::{
	pallet::{Config, Error, Event, JobOf, Jobs, NextJob, Pallet, Requests},
	Job, Lineage, Request, WeightInfo, MIN_RUN_BLOCKS, SEARCH_BLOCKS,
};
use alloc::vec::Vec;
use dllm_primitives::{
	flow::{ModelCatalog, PipelineBook, Trials},
	ids::{Digest, JobId, PipelineId},
	job::{JobState, OnFailure, Options, Refund, MAX_RERUNS},
	model::ModelSpec,
	plan::Pipeline,
};
use frame_support::{dispatch::DispatchClass, storage::with_storage_layer, BoundedVec};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Saturating, DispatchError};

impl<T: Config> Pallet<T> {
	/// Ends a job that was awarded and failed: another one takes its place, or everything comes back.
	pub(crate) fn rerun_or_refund(id: JobId, job: JobOf<T>, reason: Refund) {
		let request = Requests::<T>::get(id)
			.filter(|request| reason.is_workers_fault() && may_rerun(&job, &request.options));
		if let Some(request) = request {
			// The weight of the verdict that led here knows nothing of this.
			let weight = T::WeightInfo::rerun();
			frame_system::Pallet::<T>::register_extra_weight_unchecked(
				weight,
				DispatchClass::Mandatory,
			);
			if with_storage_layer(|| Self::rerun(id, &job, request, reason)).is_ok() {
				return;
			}
		}
		Self::refund(id, job, reason);
	}

	/// Lets another job wait in the place of a failed one, with its deadline or, where the agenda of that block is
	/// full, a few blocks less.
	fn rerun(
		id: JobId,
		job: &JobOf<T>,
		request: Request,
		reason: Refund,
	) -> Result<(), DispatchError> {
		Self::check_room()?;
		let lineage = Self::lineage(id, job)?;
		let by = NextJob::<T>::get();
		let deadline = Self::enqueue(by, deadlines_until::<T>(job.deadline))?;
		NextJob::<T>::put(by.saturating_add(1));
		let successor = Job {
			client: job.client.clone(),
			model: job.model,
			rows_ceiling: job.rows_ceiling,
			own_entry: job.own_entry,
			max_price: job.max_price,
			submitted: job.submitted,
			deadline,
			state: JobState::Waiting,
			pipeline: None,
			awarded: None,
			ended: None,
			surplus: 0,
			fee: 0,
			rows: 0,
			tokens: 0,
			result: Digest::zero(),
			lineage: Some(lineage),
		};
		Jobs::<T>::insert(by, successor);
		Requests::<T>::insert(by, request);
		Self::file(id, job.clone(), JobState::Rerun { by, reason });
		Self::deposit_event(Event::Rerun {
			job: id,
			by,
			client: job.client.clone(),
			reason,
		});
		Ok(())
	}

	/// What the successor of a failed job has to know of it.
	fn lineage(id: JobId, job: &JobOf<T>) -> Result<Lineage, DispatchError> {
		let last = job.pipeline.ok_or(Error::<T>::WrongPipeline)?;
		// There is room: a job that was run again as often as it may has no successor.
		let failed = BoundedVec::truncate_from([job.failed(), &[last]].concat());
		let shunned = Self::shunned(id, job, &failed);
		Ok(Lineage {
			of: id,
			failed,
			shunned: BoundedVec::truncate_from(shunned),
		})
	}

	/// Live pipelines that share a worker to blame for the failures of a job, where another one could take it.
	fn shunned(id: JobId, job: &JobOf<T>, failed: &[PipelineId]) -> Vec<PipelineId> {
		let Some(model) = T::Models::model(job.model) else {
			return Vec::new();
		};
		// Twice is as often as a job is run again, so this names every run.
		let runs = core::iter::once(id).chain(job.lineage.iter().map(|lineage| lineage.of));
		let blamed = runs.flat_map(T::Trials::blamed).collect::<Vec<_>>();
		let shares = |pipeline: &Pipeline<T::AccountId>| {
			let mut members = pipeline.plan.members();
			members.any(|(_, who)| blamed.contains(who))
		};
		let takes = |pipeline: &Pipeline<_>| takes(job, &model.spec, failed, pipeline);
		let able = T::Book::live(job.model).into_iter().filter(takes);
		let (shunned, clean) = able.partition::<Vec<_>, _>(shares);
		match clean.is_empty() {
			true => Vec::new(),
			false => shunned.into_iter().map(|pipeline| pipeline.id).collect(),
		}
	}

	/// Block by which the leads of `pipeline` must have committed. Where the job could be run again after that,
	/// they have half of the time, without what it takes to find out that they failed: silence is noticed at the end
	/// only.
	pub(crate) fn run_until(
		job: &JobOf<T>,
		pipeline: &Pipeline<T::AccountId>,
		model: &ModelSpec,
		options: &Options,
	) -> BlockNumberFor<T> {
		let half = half_of_time_until::<T>(job.deadline);
		if !may_rerun(job, options) || half < MIN_RUN_BLOCKS.into() {
			return job.deadline;
		}
		let another = |other: &Pipeline<T::AccountId>| {
			other.id != pipeline.id && takes(job, model, job.failed(), other)
		};
		match T::Book::live(job.model).iter().any(another) {
			true => frame_system::Pallet::<T>::block_number().saturating_add(half),
			false => job.deadline,
		}
	}
}

/// Whether a job is run again where it fails.
fn may_rerun<AccountId, BlockNumber>(job: &Job<AccountId, BlockNumber>, options: &Options) -> bool {
	options.on_failure == OnFailure::Rerun && job.reruns() < MAX_RERUNS
}

/// Whether a pipeline could be given a job that those in `failed` have failed.
fn takes<AccountId, BlockNumber>(
	job: &Job<AccountId, BlockNumber>,
	model: &ModelSpec,
	failed: &[PipelineId],
	pipeline: &Pipeline<AccountId>,
) -> bool {
	pipeline.serves(job.own_entry)
		&& !failed.contains(&pipeline.id)
		&& pipeline.fee(model, job.rows_ceiling, job.own_entry) <= job.max_price
}

/// Half of the blocks that are left for two runs until a deadline.
fn half_of_time_until<T: Config>(deadline: BlockNumberFor<T>) -> BlockNumberFor<T> {
	let left = deadline.saturating_sub(frame_system::Pallet::<T>::block_number());
	left.saturating_sub(T::Trials::unserved_blocks()) / 2u32.into()
}

/// Deadlines for a job that was promised this one: the nearest first, none in which nobody could run it.
fn deadlines_until<T: Config>(
	promised: BlockNumberFor<T>,
) -> impl Iterator<Item = BlockNumberFor<T>> {
	let first = frame_system::Pallet::<T>::block_number().saturating_add(MIN_RUN_BLOCKS.into());
	(0..SEARCH_BLOCKS)
		.map(move |offset| promised.saturating_sub(offset.into()))
		.filter(move |deadline| *deadline >= first)
}
