//! Benchmarks of the calls and of the hook's items, at their dearest.

use crate::{pallet::*, Lineage, Request};
use alloc::vec::Vec;
use dllm_primitives::{
	ids::{AdapterId, Bytes, JobId, ModelId, MAX_INLINE},
	job::{Assurance, Body, JobState, Limits, OnFailure, Options, Refund},
};
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{fungible::Mutate, Get, Hooks},
	BoundedVec,
};
use frame_system::{pallet_prelude::BlockNumberFor, RawOrigin};

/// What a runtime prepares for the benchmarks.
pub trait BenchmarkSetup {
	/// An active model whose context holds an inline prompt of full length, with as many live pipelines of
	/// the largest size as it may have.
	fn active_model() -> ModelId;
	/// An adapter of that model.
	fn adapter(model: ModelId) -> AdapterId;
	/// Leaves the largest record of a closed trial behind for a job.
	fn leave_trial(job: JobId);
}

/// For mocks, in which benchmarks are not run.
impl BenchmarkSetup for () {
	fn active_model() -> ModelId {
		0
	}
	fn adapter(_: ModelId) -> AdapterId {
		0
	}
	fn leave_trial(_: JobId) {}
}

const PRICE: u128 = 1_000_000_000_000;

fn full_text() -> Bytes<MAX_INLINE> {
	BoundedVec::truncate_from(alloc::vec![b'a'; MAX_INLINE as usize])
}

fn request() -> Request {
	let limits = Limits {
		max_tokens: 16,
		temperature_milli: 0,
		top_p_milli: 1000,
		seed: 0,
		stop: Default::default(),
	};
	Request {
		body: Body::Inline(full_text()),
		limits,
		assurance: Assurance::Full,
		options: Options {
			on_failure: OnFailure::Rerun,
			adapter: None,
		},
	}
}

#[benchmarks(where T::Currency: Mutate<T::AccountId>)]
mod benchmarks {
	use super::*;

	fn client<T: Config>() -> T::AccountId
	where
		T::Currency: Mutate<T::AccountId>,
	{
		let client: T::AccountId = whitelisted_caller();
		T::Currency::set_balance(&client, PRICE.saturating_mul(1_000_000));
		client
	}

	fn submit_one<T: Config>(
		client: &T::AccountId,
		model: ModelId,
	) -> Result<JobId, BenchmarkError> {
		let (least, _) = T::DeadlineRange::get();
		submit_until::<T>(client, model, least)
	}

	fn submit_until<T: Config>(
		client: &T::AccountId,
		model: ModelId,
		deadline_blocks: u32,
	) -> Result<JobId, BenchmarkError> {
		Pallet::<T>::do_submit(client.clone(), model, request(), PRICE, deadline_blocks)
			.map_err(|_| BenchmarkError::Stop("a job could not be submitted"))?;
		Ok(NextJob::<T>::get().saturating_sub(1))
	}

	/// So many other jobs wait, with the first deadlines from `first` on; none of them is stored.
	fn crowd<T: Config>(jobs: u32, first: BlockNumberFor<T>) {
		let start = NextJob::<T>::get();
		let ids: Vec<JobId> = (start..).take(jobs as usize).collect();
		NextJob::<T>::put(start.saturating_add(jobs.into()));
		let mut deadline = first;
		for due in ids.chunks(T::AgendaSize::get() as usize) {
			Agenda::<T>::insert(deadline, BoundedVec::truncate_from(due.to_vec()));
			deadline += 1u32.into();
		}
		Waiting::<T>::put(BoundedVec::truncate_from(ids));
	}

	/// The first deadline that a job may wish for.
	fn wish<T: Config>() -> BlockNumberFor<T> {
		let (least, _) = T::DeadlineRange::get();
		frame_system::Pallet::<T>::block_number() + least.into()
	}

	/// All places but one are taken, those of the wished deadlines first.
	#[benchmark]
	fn submit() -> Result<(), BenchmarkError> {
		let client = client::<T>();
		let model = T::BenchmarkSetup::active_model();
		let (least, _) = T::DeadlineRange::get();
		let others = T::MaxWaiting::get().saturating_sub(1);
		crowd::<T>(others, wish::<T>());
		let Request {
			body,
			limits,
			assurance,
			..
		} = request();

		#[extrinsic_call]
		_(
			RawOrigin::Signed(client),
			model,
			body,
			limits,
			PRICE,
			least,
			assurance,
		);

		assert_eq!(Waiting::<T>::get().len() as u32, T::MaxWaiting::get());
		Ok(())
	}

	/// As [`submit`], with an adapter, and to be run again where it fails.
	#[benchmark]
	fn submit_with() -> Result<(), BenchmarkError> {
		let client = client::<T>();
		let model = T::BenchmarkSetup::active_model();
		let options = Options {
			on_failure: OnFailure::Rerun,
			adapter: Some(T::BenchmarkSetup::adapter(model)),
		};
		let (least, _) = T::DeadlineRange::get();
		let others = T::MaxWaiting::get().saturating_sub(1);
		crowd::<T>(others, wish::<T>());
		let Request {
			body,
			limits,
			assurance,
			..
		} = request();

		#[extrinsic_call]
		_(
			RawOrigin::Signed(client),
			model,
			body,
			limits,
			PRICE,
			least,
			assurance,
			options,
		);

		assert_eq!(Waiting::<T>::get().len() as u32, T::MaxWaiting::get());
		Ok(())
	}

	/// A job that was run again already fails once more; all places but one are taken, those of its deadline and
	/// of the blocks before it first, and as many pipelines are live as there may be.
	#[benchmark]
	fn rerun() -> Result<(), BenchmarkError> {
		let client = client::<T>();
		let model = T::BenchmarkSetup::active_model();
		let (_, most) = T::DeadlineRange::get();
		let first = submit_until::<T>(&client, model, most)?;
		let id = submit_until::<T>(&client, model, most)?;
		let stored = |id| Jobs::<T>::get(id).ok_or(BenchmarkError::Stop("a job was not stored"));
		for job in [first, id] {
			Pallet::<T>::dequeue(job, stored(job)?.deadline);
			T::BenchmarkSetup::leave_trial(job);
		}
		let mut job = stored(id)?;
		job.state = JobState::Running { pipeline: 1 };
		job.pipeline = Some(1);
		job.lineage = Some(Lineage {
			of: first,
			failed: BoundedVec::truncate_from(alloc::vec![0]),
			shunned: Default::default(),
		});
		Jobs::<T>::insert(id, &job);
		let others = T::MaxWaiting::get().saturating_sub(1);
		let full = others.div_ceil(T::AgendaSize::get()).saturating_sub(1);
		crowd::<T>(others, job.deadline - full.into());

		#[block]
		{
			Pallet::<T>::rerun_or_refund(id, job, Refund::Cheated);
		}

		assert!(matches!(stored(id)?.state, JobState::Rerun { .. }));
		assert_eq!(Waiting::<T>::get().len() as u32, T::MaxWaiting::get());
		Ok(())
	}

	#[benchmark]
	fn cancel() -> Result<(), BenchmarkError> {
		let client = client::<T>();
		let model = T::BenchmarkSetup::active_model();
		let others = T::MaxWaiting::get().saturating_sub(1);
		crowd::<T>(others, wish::<T>());
		let job = submit_one::<T>(&client, model)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(client), job);

		assert_eq!(Waiting::<T>::get().len() as u32, others);
		Ok(())
	}

	/// `e`: jobs refunded at their deadline, in a full queue. `p`: records dropped, with trial and reply.
	#[benchmark]
	fn on_initialize(
		e: Linear<0, { T::AgendaSize::get() }>,
		p: Linear<0, { T::AgendaSize::get() }>,
	) -> Result<(), BenchmarkError> {
		let client = client::<T>();
		let model = T::BenchmarkSetup::active_model();
		for _ in 0..p {
			let id = submit_one::<T>(&client, model)?;
			let job = Jobs::<T>::get(id).ok_or(BenchmarkError::Stop("a job was not stored"))?;
			Pallet::<T>::dequeue(id, job.deadline);
			Pallet::<T>::refund(id, job, Refund::Cancelled);
			T::BenchmarkSetup::leave_trial(id);
			Replies::<T>::insert(id, full_text());
		}
		let now: BlockNumberFor<T> =
			frame_system::Pallet::<T>::block_number() + T::History::get() + 1u32.into();
		let (least, _) = T::DeadlineRange::get();
		frame_system::Pallet::<T>::set_block_number(now - least.into());
		let others = T::MaxWaiting::get().saturating_sub(T::AgendaSize::get());
		crowd::<T>(others, now + 1u32.into());
		for _ in 0..e {
			submit_one::<T>(&client, model)?;
		}
		frame_system::Pallet::<T>::set_block_number(now);

		#[block]
		{
			Pallet::<T>::on_initialize(now);
		}

		assert_eq!(Waiting::<T>::get().len() as u32, others);
		assert_eq!(Jobs::<T>::iter_keys().count() as u32, e);
		Ok(())
	}
}
