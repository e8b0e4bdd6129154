//! One auction: read the jobs, read the market, decide, hand over. Nothing is done that the weight left in
//! the block does not cover.

use crate::{
	market::Market,
	pallet::{Config, Event, Pallet},
	WeightInfo,
};
use dllm_primitives::{
	auction::{self, Award},
	flow::{JobQueue, PipelineBook},
};
use frame_support::{
	storage::with_storage_layer,
	traits::Get,
	weights::{Weight, WeightMeter},
};
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
	/// Awards waiting jobs to free slots within the weight of `meter`.
	pub(crate) fn hold_auction(meter: &mut WeightMeter) {
		let handover = T::WeightInfo::award();
		let least = T::WeightInfo::model().saturating_add(handover);
		let limit = Self::affordable_jobs(meter.remaining(), least);
		if limit == 0 {
			return;
		}
		let jobs = T::Queue::waiting(limit);
		meter.consume(T::WeightInfo::consider(jobs.len() as u32));
		if jobs.is_empty() {
			return;
		}
		let market = Market::<T>::read(&jobs, meter, handover);
		// Prices hold for exactly as many awards as are handed over.
		let most = meter
			.remaining()
			.checked_div_per_component(&handover)
			.unwrap_or(u64::MAX)
			.min(T::MaxAwards::get().into());
		let offers = market.offers(frame_system::Pallet::<T>::block_number());
		let awards = auction::award(&jobs, &offers, most as usize, |job, pipeline| {
			market.fee(job, pipeline)
		});
		for award in awards {
			meter.consume(handover);
			Self::hand_over(award);
		}
	}

	/// Jobs that can be read so that `least`, one model and one award, can still be paid for.
	fn affordable_jobs(remaining: Weight, least: Weight) -> u32 {
		let base = T::WeightInfo::consider(0).saturating_add(least);
		let each = T::WeightInfo::consider(1).saturating_sub(T::WeightInfo::consider(0));
		let room = remaining
			.checked_sub(&base)
			.and_then(|room| room.checked_div_per_component(&each));
		let jobs = room.unwrap_or(0).min(T::MaxConsidered::get().into());
		u32::try_from(jobs).unwrap_or(u32::MAX)
	}

	/// Takes the slot and opens the trial, or does neither.
	pub(crate) fn hand_over(award: Award) {
		let Award {
			job,
			pipeline,
			rows,
			..
		} = award;
		let handed = with_storage_layer::<(), DispatchError, _>(|| {
			T::Book::reserve(pipeline, rows)?;
			T::Queue::award(job, pipeline, award.surplus())
		});
		if let Err(error) = handed {
			Self::deposit_event(Event::AwardFailed {
				job,
				pipeline,
				error,
			});
		}
	}
}
