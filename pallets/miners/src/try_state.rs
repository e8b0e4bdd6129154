//! What always holds of the pool: bonds are on hold, identities are unique, the index names exactly the
//! workers that may be drawn, and reports of links are sound and belong to workers.

use crate::{
	Config, HoldReason, LinkReports, Pallet, Qualities, UnverifiedPay, VerifierAt, VerifierCount,
	VerifierNumber, WorkerOf, WorkerOfPeer, Workers,
};
use dllm_primitives::miner::WorkerState;
use frame_support::{
	ensure,
	traits::{fungible::InspectHold, Get},
};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the pool.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let count = Workers::<T>::count();
		ensure!(count <= T::MaxWorkers::get(), "more workers than the bound");
		ensure!(
			Workers::<T>::iter_keys().count() == count as usize,
			"the number of workers is miscounted"
		);
		ensure!(
			Qualities::<T>::iter_keys().all(Workers::<T>::contains_key),
			"a record of work has no worker"
		);
		ensure!(
			UnverifiedPay::<T>::iter().all(|(who, sum)| sum > 0 && Workers::<T>::contains_key(who)),
			"unverified pay has no worker"
		);
		let now = frame_system::Pallet::<T>::block_number();
		for (who, report) in LinkReports::<T>::iter() {
			ensure!(
				Workers::<T>::contains_key(&who),
				"a report of links has no worker"
			);
			ensure!(report.block <= now, "a report of links is of the future");
			ensure!(
				Self::check_links(&who, &report.links).is_ok(),
				"a report of links is not valid"
			);
		}
		let mut drawable = 0u32;
		for (who, worker) in Workers::<T>::iter() {
			Self::check_worker(&who, &worker)?;
			drawable = drawable.saturating_add(VerifierNumber::<T>::contains_key(&who).into());
		}
		// With the checks of every worker this makes both indices bijections.
		ensure!(
			WorkerOfPeer::<T>::iter().count() == count as usize,
			"a libp2p identity has no worker"
		);
		ensure!(
			VerifierCount::<T>::get() == drawable,
			"verifiers are miscounted"
		);
		ensure!(
			VerifierAt::<T>::iter().count() == drawable as usize,
			"a number has no verifier"
		);
		ensure!(
			VerifierNumber::<T>::iter().count() == drawable as usize,
			"a verifier is not registered"
		);
		Ok(())
	}

	fn check_worker(who: &T::AccountId, worker: &WorkerOf<T>) -> Result<(), TryRuntimeError> {
		let held = T::Currency::balance_on_hold(&HoldReason::Bond.into(), who);
		ensure!(held == worker.bond, "a bond is not what is on hold");
		ensure!(
			Self::check_spec(&worker.spec).is_ok(),
			"a declaration is not valid"
		);
		let holder = WorkerOfPeer::<T>::get(&worker.spec.peer_id);
		ensure!(
			holder.as_ref() == Some(who),
			"a libp2p identity names another worker"
		);

		let active = worker.state == WorkerState::Active;
		let bonded = worker.bond >= T::MinBond::get();
		ensure!(!active || bonded, "an active worker has too small a bond");
		let banned = worker.state == WorkerState::Banned;
		ensure!(
			banned == (worker.cheats > 1),
			"a ban does not fit the convictions"
		);
		ensure!(!banned || worker.bond == 0, "a banned worker has a bond");
		let pending = worker.state == WorkerState::Pending;
		ensure!(
			!pending || worker.operator != *who,
			"a worker waits for itself"
		);

		let number = VerifierNumber::<T>::get(who);
		ensure!(
			number.is_some() == (active && worker.spec.roles.verifier),
			"the index of verifiers does not fit a worker"
		);
		let named = number.is_none_or(|n| VerifierAt::<T>::get(n).as_ref() == Some(who));
		ensure!(named, "a number names another verifier");
		let in_range = number.is_none_or(|n| n < VerifierCount::<T>::get());
		ensure!(in_range, "a verifier's number leaves a gap");
		Ok(())
	}
}
