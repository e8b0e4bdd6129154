//! A model's life: Proposed → Active → Retired, and what others may know of it.

use crate::{
	Adapters, Config, Deposits, Error, Event, HoldReason, ModelOf, Models, NextModel, Pallet,
	Retirements,
};
use alloc::vec::Vec;
use dllm_primitives::{
	flow::ModelCatalog,
	ids::{AdapterId, ModelId},
	model::{Adapter, Model, ModelSpec, ModelState},
};
use frame_support::{
	ensure,
	traits::{fungible::MutateHold, tokens::Precision, Get},
};
use sp_runtime::{traits::Saturating, ArithmeticError, DispatchError, DispatchResult};

impl<T: Config> ModelCatalog<T::AccountId> for Pallet<T> {
	fn model(id: ModelId) -> Option<Model<T::AccountId>> {
		Models::<T>::get(id)
	}

	fn adapter(id: AdapterId) -> Option<Adapter<T::AccountId>> {
		Adapters::<T>::get(id)
	}
}

impl<T: Config> Pallet<T> {
	/// Every model of the catalogue, by number.
	pub fn all() -> Vec<Model<T::AccountId>> {
		let mut models: Vec<_> = Models::<T>::iter_values().collect();
		models.sort_by_key(|model| model.id);
		models
	}

	/// Deposit for a model, in planck. Every layer is a shard; embedding and head are two more.
	pub fn deposit_for(spec: &ModelSpec) -> u128 {
		let shards = (spec.layers.len() as u128).saturating_add(2);
		T::DepositBase::get().saturating_add(T::DepositPerShard::get().saturating_mul(shards))
	}

	pub(crate) fn do_register(owner: T::AccountId, spec: ModelSpec) -> DispatchResult {
		ensure!(spec.is_plausible(), Error::<T>::Implausible);
		let manifest_root = spec.manifest_root;
		ensure!(
			!ModelOf::<T>::contains_key(manifest_root),
			Error::<T>::AlreadyRegistered
		);
		let id = NextModel::<T>::get();
		let next = id.checked_add(1).ok_or(ArithmeticError::Overflow)?;
		Self::make_room()?;

		let deposit = Self::deposit_for(&spec);
		T::Currency::hold(&HoldReason::ModelDeposit.into(), &owner, deposit)?;
		NextModel::<T>::put(next);
		ModelOf::<T>::insert(manifest_root, id);
		Deposits::<T>::insert(id, deposit);
		let model = Model {
			id,
			owner: owner.clone(),
			state: ModelState::Proposed,
			spec,
		};
		Models::<T>::insert(id, model);
		Self::deposit_event(Event::Registered {
			model: id,
			owner,
			manifest_root,
		});
		Ok(())
	}

	pub(crate) fn do_activate(owner: T::AccountId, id: ModelId) -> DispatchResult {
		let mut model = Self::owned(&owner, id)?;
		ensure!(model.state == ModelState::Proposed, Error::<T>::NotProposed);

		model.state = ModelState::Active;
		Models::<T>::insert(id, model);
		Self::deposit_event(Event::Activated { model: id });
		Ok(())
	}

	pub(crate) fn do_retire(owner: T::AccountId, id: ModelId) -> DispatchResult {
		let mut model = Self::owned(&owner, id)?;
		ensure!(
			model.state != ModelState::Retired,
			Error::<T>::AlreadyRetired
		);

		let deposit = Deposits::<T>::take(id).unwrap_or_default();
		let reason = HoldReason::ModelDeposit.into();
		let released = T::Currency::release(&reason, &owner, deposit, Precision::Exact)?;
		let now = frame_system::Pallet::<T>::block_number();
		// There is a place: the list is as long as the catalogue.
		Retirements::<T>::try_mutate(|retired| retired.try_push((id, now)))
			.map_err(|_| Error::<T>::CatalogueFull)?;
		ModelOf::<T>::remove(model.spec.manifest_root);
		model.state = ModelState::Retired;
		Models::<T>::insert(id, model);
		Self::deposit_event(Event::Retired {
			model: id,
			released,
		});
		Ok(())
	}

	fn owned(who: &T::AccountId, id: ModelId) -> Result<Model<T::AccountId>, DispatchError> {
		let model = Models::<T>::get(id).ok_or(Error::<T>::NotFound)?;
		ensure!(model.owner == *who, Error::<T>::NotOwner);
		Ok(model)
	}

	/// Drops the model that was retired first if the catalogue is full and nobody can need it any more.
	fn make_room() -> DispatchResult {
		if Models::<T>::count() < T::MaxModels::get() {
			return Ok(());
		}
		let mut retired = Retirements::<T>::get();
		let (id, since) = *retired.first().ok_or(Error::<T>::CatalogueFull)?;
		let kept = frame_system::Pallet::<T>::block_number().saturating_sub(since);
		ensure!(kept >= T::RetiredBlocks::get(), Error::<T>::CatalogueFull);

		retired.remove(0);
		Retirements::<T>::put(retired);
		Models::<T>::remove(id);
		Self::deposit_event(Event::Forgotten { model: id });
		Ok(())
	}
}
