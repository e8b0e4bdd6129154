//! Submitting and cancelling: what may be asked, and the escrow of its price.

use crate::{
	pallet::{
		Config, EndedRange, Error, Event, HoldReason, Jobs, NextJob, Pallet, Requests, Waiting,
	},
	Job, Request, SEARCH_BLOCKS,
};
use dllm_primitives::{
	flow::{ModelCatalog, PipelineBook},
	ids::{AdapterId, Digest, JobId, ModelId},
	job::{Body, JobState, Refund},
	model::{Model, ModelState},
	plan,
};
use frame_support::{
	ensure,
	traits::{
		fungible::{InspectHold, MutateHold},
		Get,
	},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Saturating, DispatchResult, SaturatedConversion};

impl<T: Config> Pallet<T> {
	/// Checks a request, holds its price and lets it wait.
	pub(crate) fn do_submit(
		client: T::AccountId,
		model: ModelId,
		request: Request,
		max_price: u128,
		deadline_blocks: u32,
	) -> DispatchResult {
		let catalogued = T::Models::model(model).ok_or(Error::<T>::UnknownModel)?;
		Self::check_request(&catalogued, &request)?;
		Self::check_adapter(model, request.options.adapter)?;
		let rows_ceiling = request.limits.rows_ceiling(&request.body);
		let own_entry = matches!(request.body, Body::Sealed { .. });
		Self::check_price(&catalogued, rows_ceiling, own_entry, max_price)?;
		let wish = Self::check_deadline(deadline_blocks)?;
		Self::check_room()?;
		Self::hold_escrow(&client, max_price)?;

		let id = NextJob::<T>::get();
		let deadlines = (0..SEARCH_BLOCKS).map(|offset| wish.saturating_add(offset.into()));
		let deadline = Self::enqueue(id, deadlines)?;
		NextJob::<T>::put(id.saturating_add(1));
		let job = Job {
			client: client.clone(),
			model,
			rows_ceiling,
			own_entry,
			max_price,
			submitted: frame_system::Pallet::<T>::block_number(),
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
			lineage: None,
		};
		Jobs::<T>::insert(id, job);
		Requests::<T>::insert(id, request);
		Self::deposit_event(Event::Submitted {
			job: id,
			client,
			model,
			max_price,
			deadline,
		});
		Ok(())
	}

	/// Refunds a job that still waits.
	pub(crate) fn do_cancel(client: T::AccountId, id: JobId) -> DispatchResult {
		let job = Jobs::<T>::get(id).ok_or(Error::<T>::UnknownJob)?;
		ensure!(job.client == client, Error::<T>::NotClient);
		ensure!(job.state == JobState::Waiting, Error::<T>::NotWaiting);
		Self::dequeue(id, job.deadline);
		Self::refund(id, job, Refund::Cancelled);
		Ok(())
	}

	fn check_request(model: &Model<T::AccountId>, request: &Request) -> Result<(), Error<T>> {
		ensure!(
			model.state == ModelState::Active,
			Error::<T>::ModelNotActive
		);
		ensure!(request.limits.is_valid(), Error::<T>::InvalidLimits);
		match &request.body {
			Body::Inline(text) => {
				ensure!(!text.is_empty(), Error::<T>::EmptyPrompt);
				ensure!(
					core::str::from_utf8(text).is_ok(),
					Error::<T>::PromptNotUtf8
				);
			}
			Body::Sealed {
				prompt_tokens,
				entry,
				..
			} => {
				ensure!(*prompt_tokens > 0, Error::<T>::EmptyPrompt);
				ensure!(!entry.is_empty(), Error::<T>::NoEntryPeer);
			}
		}
		let ceiling = request.limits.rows_ceiling(&request.body);
		ensure!(ceiling <= model.spec.max_context, Error::<T>::PromptTooLong);
		Ok(())
	}

	/// An adapter is one of the model, and takes prompts.
	fn check_adapter(model: ModelId, adapter: Option<AdapterId>) -> Result<(), Error<T>> {
		let Some(id) = adapter else {
			return Ok(());
		};
		let adapter = T::Models::adapter(id).ok_or(Error::<T>::UnknownAdapter)?;
		ensure!(adapter.model == model, Error::<T>::AdapterOfOtherModel);
		ensure!(!adapter.retired, Error::<T>::AdapterRetired);
		Ok(())
	}

	/// A price that no live pipeline takes is refused at once; where none is live the job may wait.
	fn check_price(
		model: &Model<T::AccountId>,
		rows: u32,
		own_entry: bool,
		max_price: u128,
	) -> Result<(), Error<T>> {
		let pipelines = T::Book::live(model.id);
		let base = plan::cheapest_fee(&pipelines, &model.spec, rows, own_entry).unwrap_or(0);
		ensure!(
			max_price > 0 && max_price >= base,
			Error::<T>::PriceBelowBase
		);
		Ok(())
	}

	/// The block that the client wishes as deadline.
	fn check_deadline(blocks: u32) -> Result<BlockNumberFor<T>, Error<T>> {
		let (least, most) = T::DeadlineRange::get();
		ensure!(
			(least..=most).contains(&blocks),
			Error::<T>::DeadlineOutOfRange
		);
		Ok(frame_system::Pallet::<T>::block_number().saturating_add(blocks.into()))
	}

	/// There is room among the waiting jobs, and among the records of ended ones for this one later: no more
	/// are kept than the chain drops in as many blocks as it keeps them.
	pub(crate) fn check_room() -> Result<(), Error<T>> {
		let waiting = Waiting::<T>::decode_len().unwrap_or(0);
		let (oldest, next) = EndedRange::<T>::get();
		let most =
			u64::from(T::AgendaSize::get()).saturating_mul(T::History::get().saturated_into());
		let room = waiting < T::MaxWaiting::get() as usize && next.saturating_sub(oldest) < most;
		ensure!(room, Error::<T>::QueueFull);
		Ok(())
	}

	fn hold_escrow(client: &T::AccountId, price: u128) -> DispatchResult {
		let reason = HoldReason::Escrow.into();
		ensure!(
			T::Currency::can_hold(&reason, client, price),
			Error::<T>::InsufficientFunds
		);
		T::Currency::hold(&reason, client, price)
	}
}
