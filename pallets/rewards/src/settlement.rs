//! Paying a bill. What leaves the hold is exactly the fee and the surplus, or nothing at all.

use crate::{Config, Error, Event, Lines, Pallet, PaymentRecord, Payments};
use alloc::vec::Vec;
use dllm_primitives::{
	flow::{Bill, Payouts},
	ids::JobId,
	payout,
};
use frame_support::{
	ensure,
	storage::with_storage_layer,
	traits::{
		fungible::{InspectHold, MutateHold},
		tokens::{Fortitude, Precision, Restriction},
		Get,
	},
};
use sp_runtime::{traits::AccountIdConversion, DispatchError, DispatchResult};

/// What the client's hold is for.
pub type ReasonOf<T> =
	<<T as Config>::Currency as InspectHold<<T as frame_system::Config>::AccountId>>::Reason;

impl<T: Config> Payouts<T::AccountId, ReasonOf<T>> for Pallet<T> {
	fn pay(reason: &ReasonOf<T>, bill: &Bill<T::AccountId>) -> DispatchResult {
		with_storage_layer(|| Self::settle(reason, bill))
	}

	fn forget(job: JobId) {
		Payments::<T>::remove(job);
	}
}

impl<T: Config> Pallet<T> {
	/// What was paid for a job; none before it is settled and after it is pruned.
	pub fn payment(job: JobId) -> Option<PaymentRecord<T::AccountId>> {
		Payments::<T>::get(job)
	}

	/// The treasury's account.
	pub fn treasury() -> T::AccountId {
		T::PalletId::get().into_account_truncating()
	}

	fn settle(reason: &ReasonOf<T>, bill: &Bill<T::AccountId>) -> DispatchResult {
		let Bill {
			job,
			client,
			fee,
			surplus,
			..
		} = bill;
		let charged = fee.saturating_add(*surplus);
		ensure!(!Payments::<T>::contains_key(job), Error::<T>::AlreadyPaid);
		let held = T::Currency::balance_on_hold(reason, client);
		ensure!(held >= charged, Error::<T>::EscrowTooSmall);

		let split = payout::split(*fee, &bill.miners, &bill.verifiers);
		let mut purse = Purse::<T> {
			reason,
			client,
			left: charged,
		};
		let miners = purse.pay_lines(&split.miners)?;
		let verifiers = purse.pay_lines(&split.verifiers)?;
		let to_burn = split.burned.saturating_add(*surplus);
		let treasury = purse.pay(&Self::treasury(), purse.left.saturating_sub(to_burn));
		let burned = purse.burn()?;

		let record = PaymentRecord {
			fee: charged,
			miners,
			verifiers,
			treasury,
			burned,
		};
		Payments::<T>::insert(job, &record);
		let PaymentRecord {
			miners, verifiers, ..
		} = record;
		let (job, client) = (*job, client.clone());
		Self::deposit_event(Event::Paid {
			job,
			client,
			miners,
			verifiers,
			treasury,
			burned,
		});
		Ok(())
	}
}

/// The fee and the surplus on their way out of the client's hold.
struct Purse<'a, T: Config> {
	reason: &'a ReasonOf<T>,
	client: &'a T::AccountId,
	/// What has not moved yet.
	left: u128,
}

impl<T: Config> Purse<'_, T> {
	fn pay_lines<const N: u32>(
		&mut self,
		lines: &[(T::AccountId, u128)],
	) -> Result<Lines<T::AccountId, N>, Error<T>> {
		ensure!(lines.len() <= N as usize, Error::<T>::TooManyPayees);
		let paid = lines
			.iter()
			.map(|(who, part)| (who.clone(), self.pay(who, *part)));
		paid.collect::<Vec<_>>()
			.try_into()
			.map_err(|_| Error::<T>::TooManyPayees)
	}

	/// Pays `part` to `who` and returns it; 0, and nothing moved, where the account cannot receive it.
	fn pay(&mut self, who: &T::AccountId, part: u128) -> u128 {
		if part == 0 {
			return 0;
		}
		let moved = with_storage_layer(|| {
			T::Currency::transfer_on_hold(
				self.reason,
				self.client,
				who,
				part,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			)
		});
		let paid = moved.unwrap_or(0);
		self.left = self.left.saturating_sub(paid);
		paid
	}

	/// Burns what is left and returns it.
	fn burn(self) -> Result<u128, DispatchError> {
		if self.left == 0 {
			return Ok(0);
		}
		let Self {
			reason,
			client,
			left,
		} = self;
		T::Currency::burn_held(reason, client, left, Precision::Exact, Fortitude::Force)
	}
}
