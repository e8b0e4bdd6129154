//! What always holds of the catalogue: the indices name exactly the models that stand, and every deposit
//! is on hold.

use crate::{
	AdapterOf, AdapterRetirements, Adapters, Config, Deposits, HoldReason, ModelOf, Models,
	NextAdapter, NextModel, Pallet, Retirements,
};
use alloc::collections::BTreeMap;
use dllm_primitives::model::ModelState;
use frame_support::{
	ensure,
	traits::{fungible::InspectHold, Get},
};
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the catalogue.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		ensure!(
			Models::<T>::count() <= T::MaxModels::get(),
			"more models than the bound"
		);
		ensure!(
			Models::<T>::iter_keys().count() == Models::<T>::count() as usize,
			"the number of models is miscounted"
		);
		Self::check_models()?;
		Self::check_indices()?;
		Self::check_deposits()?;
		Self::check_adapters()?;
		Self::check_adapter_deposits()
	}

	fn check_models() -> Result<(), TryRuntimeError> {
		for (id, model) in Models::<T>::iter() {
			ensure!(
				id == model.id && id < NextModel::<T>::get(),
				"a model has a wrong number"
			);
			ensure!(model.spec.is_plausible(), "a model is implausible");
			let retired = model.state == ModelState::Retired;
			let indexed = ModelOf::<T>::get(model.spec.manifest_root) == Some(id);
			ensure!(
				indexed != retired,
				"a manifest root is held by a retired model, or by none"
			);
			ensure!(
				Deposits::<T>::contains_key(id) != retired,
				"a deposit does not fit its model"
			);
			let listed = Retirements::<T>::get()
				.iter()
				.any(|(other, _)| *other == id);
			ensure!(listed == retired, "the list of retired models is wrong");
		}
		Ok(())
	}

	/// With [`Self::check_models`] this makes every index a bijection.
	fn check_indices() -> Result<(), TryRuntimeError> {
		let count = Models::<T>::count() as usize;
		let retired = Retirements::<T>::get();
		let standing = count.saturating_sub(retired.len());
		ensure!(
			retired.len() <= count,
			"a retired model is listed twice or unknown"
		);
		ensure!(
			ModelOf::<T>::iter().count() == standing,
			"a manifest root has no model"
		);
		ensure!(
			Deposits::<T>::iter().count() == standing,
			"a deposit has no model"
		);
		ensure!(
			retired.is_sorted_by_key(|(_, since)| *since),
			"retirements are out of order"
		);
		Ok(())
	}

	/// Adapters are numbered and counted, and the indices name exactly those that stand, or were retired.
	fn check_adapters() -> Result<(), TryRuntimeError> {
		let count = Adapters::<T>::count();
		ensure!(
			count <= T::MaxAdapters::get() && Adapters::<T>::iter_keys().count() == count as usize,
			"more adapters than the bound, or miscounted"
		);
		let retired = AdapterRetirements::<T>::get();
		for (id, adapter) in Adapters::<T>::iter() {
			ensure!(
				id == adapter.id && id < NextAdapter::<T>::get(),
				"an adapter has a wrong number"
			);
			ensure!(
				adapter.spec.is_plausible() && adapter.model < NextModel::<T>::get(),
				"an adapter is implausible, or of a model that never was"
			);
			let indexed = AdapterOf::<T>::get(adapter.spec.manifest_root) == Some(id);
			ensure!(
				indexed != adapter.retired,
				"a manifest root is held by a retired adapter, or by none"
			);
			let listed = retired.iter().any(|(other, _)| *other == id);
			ensure!(
				listed == adapter.retired,
				"the list of retired adapters is wrong"
			);
		}
		let standing = (count as usize).saturating_sub(retired.len());
		ensure!(
			retired.len() <= count as usize && AdapterOf::<T>::iter().count() == standing,
			"an adapter is listed twice, or a manifest root has none"
		);
		ensure!(
			retired.is_sorted_by_key(|(_, since)| *since),
			"retirements of adapters are out of order"
		);
		Ok(())
	}

	fn check_adapter_deposits() -> Result<(), TryRuntimeError> {
		let mut owed: BTreeMap<T::AccountId, u128> = BTreeMap::new();
		for adapter in Adapters::<T>::iter_values() {
			let sum = owed.entry(adapter.owner).or_default();
			if !adapter.retired {
				*sum = sum.saturating_add(T::AdapterDeposit::get());
			}
		}
		for (owner, sum) in owed {
			let held = T::Currency::balance_on_hold(&HoldReason::AdapterDeposit.into(), &owner);
			ensure!(
				held == sum,
				"the deposits for adapters are not what is on hold"
			);
		}
		Ok(())
	}

	fn check_deposits() -> Result<(), TryRuntimeError> {
		let mut owed: BTreeMap<T::AccountId, u128> = BTreeMap::new();
		for (id, model) in Models::<T>::iter() {
			let sum = owed.entry(model.owner).or_default();
			*sum = sum.saturating_add(Deposits::<T>::get(id).unwrap_or_default());
		}
		for (owner, sum) in owed {
			let held = T::Currency::balance_on_hold(&HoldReason::ModelDeposit.into(), &owner);
			ensure!(
				held == sum,
				"the deposits of an owner are not what is on hold"
			);
		}
		Ok(())
	}
}
