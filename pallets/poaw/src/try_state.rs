//! What always holds: authorities stand where their validators do, with the weights that were announced;
//! weights stay in their bounds, the rules in theirs, deposits on hold.

use crate::{
	weighing, Announcement, Config, CurrencyOf, HoldReason, Links, Pallet, Rules, Snapshot,
};
use dllm_primitives::poaw::{BASE_WEIGHT, MOST_KAPPA_MILLI, PROBATION_WEIGHT};
use frame_support::{ensure, traits::fungible::InspectHold};
use sp_consensus_babe::{AuthorityId, KEY_TYPE};
use sp_runtime::{
	traits::{Hash, OpaqueKeys},
	TryRuntimeError,
};

impl<T: Config> Pallet<T> {
	/// Checks every invariant of proof of AI work.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		ensure!(
			Rules::<T>::get().is_sound(),
			"the rules are out of their bounds"
		);
		Self::check_weights()?;
		Self::check_order()?;
		Self::check_announcement()?;
		for (worker, link) in Links::<T>::iter() {
			let held = CurrencyOf::<T>::balance_on_hold(&HoldReason::LinkDeposit.into(), &worker);
			ensure!(held == link.deposit, "the deposit of a link is not on hold");
		}
		Ok(())
	}

	fn check_weights() -> Result<(), TryRuntimeError> {
		let most = weighing::weight(1, 1, MOST_KAPPA_MILLI);
		let current = pallet_babe::Authorities::<T>::get();
		let next = pallet_babe::NextAuthorities::<T>::get();
		for (_, weight) in current.iter().chain(next.iter()) {
			ensure!(
				(PROBATION_WEIGHT..=most).contains(weight),
				"an announced weight is out of its bounds"
			);
		}
		for (_, weight) in Snapshot::<T>::get() {
			ensure!(
				(BASE_WEIGHT..=most).contains(&weight),
				"a weight of the snapshot is out of its bounds"
			);
		}
		Ok(())
	}

	/// Every announced authority is the key of the validator in the same place.
	fn check_order() -> Result<(), TryRuntimeError> {
		let current = pallet_babe::Authorities::<T>::get();
		let next = pallet_babe::NextAuthorities::<T>::get();
		let validators = pallet_session::Validators::<T>::get();
		let queued = pallet_session::QueuedKeys::<T>::get();
		ensure!(
			current.len() == validators.len() && next.len() == queued.len(),
			"there are not as many authorities as validators"
		);
		for ((key, _), (_, keys)) in next.iter().zip(&queued) {
			ensure!(
				keys.get::<AuthorityId>(KEY_TYPE).as_ref() == Some(key),
				"the authorities are not in the order of the validators"
			);
		}
		Ok(())
	}

	/// The running session has the authorities and weights that the last one announced.
	fn check_announcement() -> Result<(), TryRuntimeError> {
		if let Some(announcement) = Announcement::<T>::get() {
			let current = T::Hashing::hash_of(&pallet_babe::Authorities::<T>::get());
			ensure!(
				current == announcement,
				"the running weights are not those that were announced"
			);
		}
		Ok(())
	}
}
