//! The adapters of the catalogue: registered for one model, retired, and forgotten when their place is needed.

use crate::{
	AdapterOf, AdapterRetirements, Adapters, Config, Error, Event, HoldReason, Models, NextAdapter,
	Pallet,
};
use alloc::vec::Vec;
use dllm_primitives::{
	ids::{AdapterId, ModelId},
	model::{Adapter, AdapterSpec, ModelState, Profile},
};
use frame_support::{
	ensure,
	traits::{fungible::MutateHold, tokens::Precision, Get},
};
use sp_runtime::{traits::Saturating, ArithmeticError, DispatchResult};

impl<T: Config> Pallet<T> {
	/// Every adapter of the catalogue, by number.
	pub fn all_adapters() -> Vec<Adapter<T::AccountId>> {
		let mut adapters: Vec<_> = Adapters::<T>::iter_values().collect();
		adapters.sort_by_key(|adapter| adapter.id);
		adapters
	}

	pub(crate) fn do_register_adapter(
		owner: T::AccountId,
		model: ModelId,
		spec: AdapterSpec,
	) -> DispatchResult {
		ensure!(spec.is_plausible(), Error::<T>::AdapterImplausible);
		let base = Models::<T>::get(model).ok_or(Error::<T>::NotFound)?;
		ensure!(
			base.state != ModelState::Retired,
			Error::<T>::AlreadyRetired
		);
		ensure!(base.spec.profile != Profile::Exact, Error::<T>::ExactModel);
		let manifest_root = spec.manifest_root;
		ensure!(
			!AdapterOf::<T>::contains_key(manifest_root),
			Error::<T>::AdapterAlreadyRegistered
		);
		let id = NextAdapter::<T>::get();
		let next = id.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		Self::make_room_for_adapter()?;

		let deposit = T::AdapterDeposit::get();
		T::Currency::hold(&HoldReason::AdapterDeposit.into(), &owner, deposit)?;
		NextAdapter::<T>::put(next);
		AdapterOf::<T>::insert(manifest_root, id);
		let adapter = Adapter {
			id,
			model,
			owner: owner.clone(),
			retired: false,
			spec,
		};
		Adapters::<T>::insert(id, adapter);
		Self::deposit_event(Event::AdapterRegistered {
			adapter: id,
			model,
			owner,
			manifest_root,
		});
		Ok(())
	}

	pub(crate) fn do_retire_adapter(owner: T::AccountId, id: AdapterId) -> DispatchResult {
		let mut adapter = Adapters::<T>::get(id).ok_or(Error::<T>::AdapterNotFound)?;
		ensure!(adapter.owner == owner, Error::<T>::AdapterNotOwner);
		ensure!(!adapter.retired, Error::<T>::AdapterAlreadyRetired);

		let (reason, deposit) = (HoldReason::AdapterDeposit.into(), T::AdapterDeposit::get());
		let released = T::Currency::release(&reason, &owner, deposit, Precision::Exact)?;
		let now = frame_system::Pallet::<T>::block_number();
		// There is a place: the list is as long as the catalogue.
		AdapterRetirements::<T>::try_mutate(|retired| retired.try_push((id, now)))
			.map_err(|_| Error::<T>::AdaptersFull)?;
		AdapterOf::<T>::remove(adapter.spec.manifest_root);
		adapter.retired = true;
		Adapters::<T>::insert(id, adapter);
		Self::deposit_event(Event::AdapterRetired {
			adapter: id,
			released,
		});
		Ok(())
	}

	/// Drops the adapter that was retired first if there is no other place and nobody can need it any more.
	fn make_room_for_adapter() -> DispatchResult {
		if Adapters::<T>::count() < T::MaxAdapters::get() {
			return Ok(());
		}
		let mut retired = AdapterRetirements::<T>::get();
		let (id, since) = *retired.first().ok_or(Error::<T>::AdaptersFull)?;
		let kept = frame_system::Pallet::<T>::block_number().saturating_sub(since);
		ensure!(kept >= T::RetiredBlocks::get(), Error::<T>::AdaptersFull);

		retired.remove(0);
		AdapterRetirements::<T>::put(retired);
		Adapters::<T>::remove(id);
		Self::deposit_event(Event::AdapterForgotten { adapter: id });
		Ok(())
	}
}
