//! What the other pallets ask of the pool: look up, rank, draw, engage, release, slash.

use crate::{Config, Pallet, Qualities, UnverifiedPay, WorkerOf, Workers};
use alloc::vec::Vec;
use dllm_primitives::{
	draw::{self, Trust},
	flow::{WorkerPool, WorkerRanks},
	ids::Digest,
	slash::{Conviction, Ground},
	verdict::Verdict,
};
use frame_system::pallet_prelude::BlockNumberFor;

impl<T: Config> WorkerPool<T::AccountId, u128, BlockNumberFor<T>> for Pallet<T> {
	fn worker(who: &T::AccountId) -> Option<WorkerOf<T>> {
		Workers::<T>::get(who)
	}

	fn draw_verifier(seed: Digest, excluded: &[T::AccountId], memory: u64) -> Option<T::AccountId> {
		Self::draw(seed, excluded, memory)
	}

	fn is_late(who: &T::AccountId) -> bool {
		let missed = Qualities::<T>::get(who).is_some_and(|quality| quality.late);
		missed || Self::has_stopped_reporting(who)
	}

	fn trust(who: &T::AccountId) -> Trust {
		let Some(worker) = Workers::<T>::get(who) else {
			return Trust::default();
		};
		let unverified = UnverifiedPay::<T>::get(who).unwrap_or(0);
		Trust {
			passed: worker.passed,
			rank: Self::rank_of(who),
			room: draw::room(worker.bond, unverified),
		}
	}

	fn unverified(who: &T::AccountId, pay: u128) {
		if pay > 0 && Workers::<T>::contains_key(who) {
			UnverifiedPay::<T>::mutate(who, |sum| {
				*sum = Some(sum.unwrap_or(0).saturating_add(pay));
			});
		}
	}

	fn engage(who: &T::AccountId) {
		Self::change(who, |worker| {
			worker.open_jobs = worker.open_jobs.saturating_add(1)
		});
	}

	fn release(who: &T::AccountId, verdict: Verdict) {
		Self::change(who, |worker| {
			worker.open_jobs = worker.open_jobs.saturating_sub(1);
			match verdict {
				Verdict::Pass => worker.passed = worker.passed.saturating_add(1),
				Verdict::WorkerFault | Verdict::VerifierFault => {
					worker.faults = worker.faults.saturating_add(1)
				}
				// A conviction is counted where the bond is slashed.
				Verdict::Cheat
				| Verdict::Indeterminate
				| Verdict::Unchecked
				| Verdict::Pardoned => {}
			}
		});
		if verdict == Verdict::Pass {
			UnverifiedPay::<T>::remove(who);
		}
		Self::note_verdict(who, verdict);
	}

	fn withheld(who: &T::AccountId, pay: u128, user: Option<&T::AccountId>) -> u128 {
		Self::do_forfeit(who, pay, user)
	}

	fn slash(who: &T::AccountId, conviction: &Conviction<T::AccountId>) -> u128 {
		Self::do_slash(who, conviction)
	}

	/// The bond grows by what of `amount` lies free in the worker's account.
	fn acquit(who: &T::AccountId, amount: u128, ground: Option<Ground>) -> u128 {
		Self::do_acquit(who, amount, ground)
	}
}

impl<T: Config> WorkerRanks<T::AccountId> for Pallet<T> {
	fn rank(who: &T::AccountId) -> u32 {
		Self::rank_of(who)
	}
}

impl<T: Config> Pallet<T> {
	/// Every worker of the pool with its account, in the order of the accounts.
	pub fn all() -> Vec<(T::AccountId, WorkerOf<T>)> {
		let mut workers: Vec<_> = Workers::<T>::iter().collect();
		workers.sort_by(|(a, _), (b, _)| a.cmp(b));
		workers
	}

	/// Changes the counters of a worker that is still registered.
	fn change(who: &T::AccountId, change: impl FnOnce(&mut WorkerOf<T>)) {
		if let Some(mut worker) = Workers::<T>::get(who) {
			change(&mut worker);
			Workers::<T>::insert(who, worker);
		}
	}
}
