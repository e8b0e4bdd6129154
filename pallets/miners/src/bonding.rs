//! How a bond grows, and how a worker gets it back. Only an active worker unbonds, so who rebonds was
//! confirmed by its operator before.

use crate::{
	Config, Error, Event, HoldReason, LinkReports, Pallet, Qualities, UnverifiedPay, WorkerOfPeer,
	Workers,
};
use dllm_primitives::miner::WorkerState;
use frame_support::{
	ensure,
	traits::{fungible::MutateHold, tokens::Precision, Get},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Saturating, ArithmeticError, DispatchResult};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_bond_extra(who: T::AccountId, amount: u128) -> DispatchResult {
		let mut worker = Self::registered(&who)?;
		ensure!(worker.state != WorkerState::Banned, Error::<T>::Banned);
		let bond = worker
			.bond
			.checked_add(amount)
			.ok_or(ArithmeticError::Overflow)?;

		T::Currency::hold(&HoldReason::Bond.into(), &who, amount)?;
		worker.bond = bond;
		Self::store(&who, worker);
		Self::deposit_event(Event::BondExtended { worker: who, bond });
		Ok(())
	}

	pub(crate) fn do_unbond(who: T::AccountId) -> DispatchResult {
		let mut worker = Self::registered(&who)?;
		ensure!(worker.state == WorkerState::Active, Error::<T>::NotActive);
		ensure!(worker.open_jobs == 0, Error::<T>::Engaged);

		let free_from = Self::free_from();
		worker.state = WorkerState::Unbonding(free_from);
		Self::store(&who, worker);
		Self::deposit_event(Event::Unbonding {
			worker: who,
			free_from,
		});
		Ok(())
	}

	pub(crate) fn do_rebond(who: T::AccountId) -> DispatchResult {
		let mut worker = Self::registered(&who)?;
		ensure!(
			matches!(worker.state, WorkerState::Unbonding(_)),
			Error::<T>::NotUnbonding
		);
		ensure!(worker.bond >= T::MinBond::get(), Error::<T>::BondTooLow);

		worker.state = WorkerState::Active;
		Self::store(&who, worker);
		Self::deposit_event(Event::Rebonded { worker: who });
		Ok(())
	}

	pub(crate) fn do_withdraw(who: T::AccountId) -> DispatchResult {
		let worker = Self::registered(&who)?;
		match worker.state {
			WorkerState::Pending => {}
			WorkerState::Unbonding(free_from) => {
				let now = frame_system::Pallet::<T>::block_number();
				ensure!(now >= free_from, Error::<T>::TooEarly);
			}
			WorkerState::Active => return Err(Error::<T>::NotUnbonding.into()),
			WorkerState::Banned => return Err(Error::<T>::Banned.into()),
		}
		ensure!(worker.open_jobs == 0, Error::<T>::Engaged);

		let reason = HoldReason::Bond.into();
		let bond = T::Currency::release(&reason, &who, worker.bond, Precision::Exact)?;
		WorkerOfPeer::<T>::remove(&worker.spec.peer_id);
		Workers::<T>::remove(&who);
		Qualities::<T>::remove(&who);
		UnverifiedPay::<T>::remove(&who);
		LinkReports::<T>::remove(&who);
		Self::deposit_event(Event::Withdrawn { worker: who, bond });
		Ok(())
	}

	/// Block from which a bond is free if its worker leaves now.
	pub(crate) fn free_from() -> BlockNumberFor<T> {
		frame_system::Pallet::<T>::block_number().saturating_add(T::UnbondDelay::get())
	}
}
