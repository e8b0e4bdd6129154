//! What the chain does by itself in every block: refunds at the deadline, and dropping old records.
//! Both are bounded by `AgendaSize`.

use crate::pallet::{Agenda, Config, Ended, EndedRange, Jobs, Pallet, Replies, Requests};
use dllm_primitives::{
	flow::{Payouts, Trials},
	ids::JobId,
	job::{JobState, Refund},
};
use frame_support::traits::Get;
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::traits::Saturating;

impl<T: Config> Pallet<T> {
	/// Refunds the jobs whose deadline is `now`; returns how many.
	pub(crate) fn refund_expired(now: BlockNumberFor<T>) -> u32 {
		let due = Agenda::<T>::take(now).unwrap_or_default();
		for id in &due {
			let Some(job) = Jobs::<T>::get(id) else {
				continue;
			};
			if job.state == JobState::Waiting {
				Self::stop_waiting(*id);
				Self::refund(*id, job, Refund::NotAwarded);
			}
		}
		due.len() as u32
	}

	/// Drops the records of jobs that ended `History` blocks ago; returns how many.
	pub(crate) fn prune(now: BlockNumberFor<T>) -> u32 {
		let (oldest, next) = EndedRange::<T>::get();
		let last = next.min(oldest.saturating_add(T::AgendaSize::get().into()));
		let mut at = oldest;
		while at < last {
			let job = Ended::<T>::get(at);
			let ended = job.and_then(Jobs::<T>::get).and_then(|job| job.ended);
			if ended.is_some_and(|block| block.saturating_add(T::History::get()) > now) {
				break;
			}
			Ended::<T>::remove(at);
			job.into_iter().for_each(Self::forget);
			at = at.saturating_add(1);
		}
		if at > oldest {
			EndedRange::<T>::put((at, next));
		}
		at.saturating_sub(oldest) as u32
	}

	fn forget(id: JobId) {
		Jobs::<T>::remove(id);
		Requests::<T>::remove(id);
		Replies::<T>::remove(id);
		T::Trials::forget(id);
		T::Payouts::forget(id);
	}
}
