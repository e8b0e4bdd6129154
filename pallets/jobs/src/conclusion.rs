//! How a job ends: its reply, its settlement after the verdict, or its refund. `rerun` says when another job takes
//! its place instead.

use crate::pallet::{
	Config, Ended, EndedRange, Error, Event, HoldReason, JobOf, Jobs, Pallet, Replies,
};
use alloc::vec::Vec;
use dllm_primitives::{
	flow::{Bill, Conclusion, Ending, ModelCatalog, OnVerdict, Payouts, PipelineBook, Trials},
	ids::{Bytes, Digest, JobId, StageIndex, MAX_INLINE},
	job::{JobState, Refund},
	load::Run,
	model::ModelSpec,
	payout,
	plan::Pipeline,
};
use frame_support::{
	defensive,
	storage::with_storage_layer,
	traits::{fungible::MutateHold, tokens::Precision},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{DispatchResult, SaturatedConversion};

/// Workers with the stage that each of them ran or checked.
type Staged<T> = Vec<(StageIndex, <T as frame_system::Config>::AccountId)>;

/// An execution that is paid for.
struct Service<T: Config> {
	rows: u32,
	checked: bool,
	result: Digest,
	leads: Staged<T>,
	checkers: Staged<T>,
}

impl<T: Config> Pallet<T> {
	/// How a job that was awarded in block `awarded` went through its pipeline.
	fn run(id: JobId, ceiling: u32, rows: u32, awarded: Option<BlockNumberFor<T>>) -> Run {
		let until = T::Trials::ran(id).unwrap_or_else(frame_system::Pallet::<T>::block_number);
		Run {
			ceiling,
			rows,
			from: awarded.unwrap_or(until).saturated_into(),
			until: until.saturated_into(),
		}
	}

	/// Gives the whole hold back and ends the job.
	pub(crate) fn refund(id: JobId, job: JobOf<T>, reason: Refund) {
		let (client, amount) = (job.client.clone(), job.max_price);
		Self::release_escrow(&client, amount);
		Self::file(id, job, JobState::Refunded(reason));
		Self::deposit_event(Event::Refunded {
			job: id,
			client,
			reason,
			amount,
		});
	}

	/// Charges the rows that passed, pays the workers and gives the rest of the hold back.
	fn settle(id: JobId, mut job: JobOf<T>, service: Service<T>) -> DispatchResult {
		let model = T::Models::model(job.model).ok_or(Error::<T>::UnknownModel)?;
		let pipeline = job
			.pipeline
			.and_then(T::Book::pipeline)
			.ok_or(Error::<T>::WrongPipeline)?;
		let bill = Self::bill(id, &job, &service, &pipeline, &model.spec);
		T::Payouts::pay(&HoldReason::Escrow.into(), &bill)?;

		job.fee = bill.fee.saturating_add(bill.surplus);
		job.rows = service.rows;
		job.result = service.result;
		let refunded = job.max_price.saturating_sub(job.fee);
		Self::release_escrow(&job.client, refunded);
		let settled = Event::Settled {
			job: id,
			client: job.client.clone(),
			rows: job.rows,
			tokens: job.tokens,
			fee: job.fee,
			refunded,
			result: job.result,
		};
		Self::file(id, job, JobState::Settled);
		Self::deposit_event(settled);
		Ok(())
	}

	fn bill(
		id: JobId,
		job: &JobOf<T>,
		service: &Service<T>,
		pipeline: &Pipeline<T::AccountId>,
		model: &ModelSpec,
	) -> Bill<T::AccountId> {
		let with_pay = |staged: &Staged<T>| {
			let pay = |(stage, who): &(StageIndex, T::AccountId)| {
				(who.clone(), pipeline.stage_pay(model, *stage, service.rows))
			};
			staged.iter().map(pay).collect()
		};
		let fee = pipeline
			.fee(model, service.rows, job.own_entry)
			.min(job.max_price);
		let surplus = payout::surplus_for(job.surplus, service.rows, job.rows_ceiling);
		Bill {
			job: id,
			client: job.client.clone(),
			fee,
			surplus: surplus.min(job.max_price.saturating_sub(fee)),
			checked: service.checked,
			miners: with_pay(&service.leads),
			verifiers: with_pay(&service.checkers),
		}
	}

	/// Ends a served job. Where the fee cannot be divided nobody is charged.
	fn settle_or_refund(id: JobId, job: JobOf<T>, service: Service<T>) {
		let settled = with_storage_layer(|| Self::settle(id, job.clone(), service));
		if let Err(error) = settled {
			Self::deposit_event(Event::PaymentFailed { job: id, error });
			Self::refund(id, job, Refund::Indeterminate);
		}
	}

	/// Writes the final state of a job and files it among the ended ones.
	pub(crate) fn file(id: JobId, mut job: JobOf<T>, state: JobState) {
		job.state = state;
		job.ended = Some(frame_system::Pallet::<T>::block_number());
		Jobs::<T>::insert(id, job);
		EndedRange::<T>::mutate(|(_, next)| {
			Ended::<T>::insert(*next, id);
			*next = next.saturating_add(1);
		});
	}

	fn release_escrow(client: &T::AccountId, amount: u128) {
		if amount == 0 {
			return;
		}
		let reason = HoldReason::Escrow.into();
		match T::Currency::release(&reason, client, amount, Precision::BestEffort) {
			Ok(released) if released == amount => {}
			other => {
				defensive!("the hold of a client is less than its open jobs", other);
			}
		}
	}
}

impl<T: Config> OnVerdict<T::AccountId> for Pallet<T> {
	fn answered(id: JobId, tokens: u32, reply: Bytes<MAX_INLINE>) {
		let posted = Jobs::<T>::mutate(id, |job| match job {
			Some(job) if matches!(job.state, JobState::Running { .. }) => {
				job.tokens = tokens;
				true
			}
			_ => false,
		});
		if posted {
			Replies::<T>::insert(id, &reply);
			Self::deposit_event(Event::Answered {
				job: id,
				tokens,
				reply,
			});
		}
	}

	fn concluded(id: JobId, conclusion: Conclusion<T::AccountId>) {
		let Some(job) = Jobs::<T>::get(id) else {
			return;
		};
		let JobState::Running { pipeline } = job.state else {
			return;
		};
		let (ceiling, awarded) = (job.rows_ceiling, job.awarded);
		let passed = match conclusion {
			Conclusion::Served { rows, .. } => rows,
			Conclusion::Failed(_) => 0,
		};
		let ending = match conclusion {
			Conclusion::Served { .. } => Ending::Served,
			Conclusion::Failed(Refund::NoShow) => Ending::Blameless,
			// The adapter may be nowhere, or fit no layer.
			Conclusion::Failed(Refund::Unserved) if Self::names_adapter(id) => Ending::Blameless,
			Conclusion::Failed(_) => Ending::Failed,
		};
		match conclusion {
			Conclusion::Served {
				rows,
				checked,
				result,
				leads,
				checkers,
			} => Self::settle_or_refund(
				id,
				job,
				Service {
					rows,
					checked,
					result,
					leads,
					checkers,
				},
			),
			Conclusion::Failed(reason) => Self::rerun_or_refund(id, job, reason),
		}
		T::Book::release(pipeline, ending, Self::run(id, ceiling, passed, awarded));
	}
}
