//! The pot: a bounded part of what an era leaves over goes back to those whose verified work sank a fee.
//!
//! It pays β times the sunk fee and nothing else, so every loop in which somebody pays himself loses at
//! least (1 − β) of what it sinks, however large his share of the market is.

use crate::{Config, CurrencyOf, Event, Pallet, Rules};
use frame_support::traits::{
	fungible::{Balanced, Credit, Inspect, Mutate},
	tokens::{Fortitude, Preservation},
	Get, Imbalance,
};
use sp_runtime::traits::AccountIdConversion;

impl<T: Config> Pallet<T> {
	/// Account of the pot.
	pub fn pot() -> T::AccountId {
		T::PotId::get().into_account_truncating()
	}

	/// What the pot can pay, in planck; the existential deposit stays.
	pub fn pot_balance() -> u128 {
		CurrencyOf::<T>::reducible_balance(&Self::pot(), Preservation::Preserve, Fortitude::Polite)
	}

	/// Takes of `offered` what the pot has room for, and returns the rest.
	pub fn fill_pot(
		offered: Credit<T::AccountId, CurrencyOf<T>>,
	) -> Credit<T::AccountId, CurrencyOf<T>> {
		let room = Rules::<T>::get()
			.pot_limit
			.saturating_sub(Self::pot_balance());
		let (taken, rest) = offered.split(room);
		match CurrencyOf::<T>::resolve(&Self::pot(), taken) {
			Ok(()) => rest,
			// Too little to open the pot's account.
			Err(refused) => rest.merge(refused),
		}
	}

	/// Pays a worker β times what it sank, as far as the pot reaches.
	pub(crate) fn rebate(worker: &T::AccountId, sunk: u128) {
		let due = Rules::<T>::get().rebate.mul_floor(sunk);
		let amount = due.min(Self::pot_balance());
		if amount == 0 {
			return;
		}
		let paid = CurrencyOf::<T>::transfer(&Self::pot(), worker, amount, Preservation::Preserve);
		// A worker whose account cannot receive it goes without: the settlement stands.
		if paid.is_ok() {
			Self::deposit_event(Event::Rebated {
				worker: worker.clone(),
				amount,
			});
		}
	}
}
