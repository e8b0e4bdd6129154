//! The agenda: which trials have a deadline in which block.
//!
//! A block has room for [`Config::MaxTrialsPerBlock`] deadlines; one that finds its block full moves to
//! one of the next [`AGENDA_WINDOW`] blocks. No more trials are open than the window has room for, each
//! with one deadline, so a deadline always finds its place and no block has more to do than it can.

use crate::{held::HELD_ROOM, Agenda, Config, Error, HeldCount, OpenTrials, Pallet};
use dllm_primitives::ids::JobId;
use frame_support::{ensure, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{One, Saturating},
	DispatchError, DispatchResult,
};

/// Blocks that are tried for a deadline: the one wanted and those after it.
pub const AGENDA_WINDOW: u32 = 8;

impl<T: Config> Pallet<T> {
	/// Counts one more open trial, where there is room for it: on the agenda, and among the held ones, should a
	/// breaker trip.
	pub(crate) fn admit() -> DispatchResult {
		let open = OpenTrials::<T>::get();
		let room = T::MaxTrialsPerBlock::get().saturating_mul(AGENDA_WINDOW);
		ensure!(open < room, Error::<T>::TooManyTrials);
		let kept = open.saturating_add(HeldCount::<T>::get());
		let most = room.saturating_mul(HELD_ROOM);
		ensure!(kept < most, Error::<T>::TooManyTrials);
		OpenTrials::<T>::put(open.saturating_add(1));
		Ok(())
	}

	/// Enters the deadline of a phase whose last block is `until`, or a little later where the agenda is
	/// full. Answers the last block of the phase.
	pub(crate) fn schedule(
		job: JobId,
		until: BlockNumberFor<T>,
	) -> Result<BlockNumberFor<T>, DispatchError> {
		let mut last = until;
		for _ in 0..AGENDA_WINDOW {
			let over = last.saturating_add(One::one());
			if Agenda::<T>::try_mutate(over, |due| due.try_push(job)).is_ok() {
				return Ok(last);
			}
			last = over;
		}
		Err(Error::<T>::TooManyTrials.into())
	}

	/// Takes the deadline of a phase off the agenda, if it is still there.
	pub(crate) fn unschedule(job: JobId, until: BlockNumberFor<T>) {
		let over = until.saturating_add(One::one());
		Agenda::<T>::mutate_exists(over, |listed| {
			if let Some(due) = listed {
				due.retain(|other| *other != job);
				if due.is_empty() {
					*listed = None;
				}
			}
		});
	}
}
