//! What a conviction costs. The first takes a multiple of what the cheated stage would have paid, the
//! second everything, and the worker never works again.
//!
//! Who is checked and does not open what it committed to forfeits as much as cheating unchecked could have gained
//! it: this is no conviction. How much all that is, and who gets it, stands in [`dllm_primitives::slash`].

use crate::{Config, Event, HoldReason, Pallet, Qualities, WorkerOf, Workers};
use dllm_primitives::{
	miner::WorkerState,
	slash::{self, CONVICTORS_PERCENT, USER_PERCENT},
	verdict::Verdict,
};
use frame_support::{
	storage::with_storage_layer,
	traits::{
		fungible::{InspectHold, MutateHold},
		tokens::{Fortitude, Precision, Restriction},
		Get,
	},
};

impl<T: Config> Pallet<T> {
	pub(crate) fn do_slash(
		who: &T::AccountId,
		pay: u128,
		user: &T::AccountId,
		convicted_by: &[T::AccountId],
	) -> u128 {
		let Some(mut worker) = Workers::<T>::get(who) else {
			return 0;
		};
		worker.cheats = worker.cheats.saturating_add(1);
		let again = worker.cheats > 1;
		let due = if again {
			worker.bond
		} else {
			slash::first(worker.bond, pay)
		};
		let (to_user, to_convictors, burned) = Self::take_bond(who, due, Some(user), convicted_by);
		let amount = to_user.saturating_add(to_convictors).saturating_add(burned);
		worker.bond = worker.bond.saturating_sub(amount);
		let event = Event::Slashed {
			worker: who.clone(),
			amount,
			to_user,
			to_convictors,
			burned,
		};
		Self::deposit_event(event);
		Self::punish(who, worker, again);
		Self::note_verdict(who, Verdict::Cheat);
		amount
	}

	pub(crate) fn do_forfeit(who: &T::AccountId, pay: u128, user: Option<&T::AccountId>) -> u128 {
		let Some(mut worker) = Workers::<T>::get(who) else {
			return 0;
		};
		let due = slash::withheld(worker.bond, pay);
		let (to_user, _, burned) = Self::take_bond(who, due, user, &[]);
		let amount = to_user.saturating_add(burned);
		worker.bond = worker.bond.saturating_sub(amount);
		Self::deposit_event(Event::Forfeited {
			worker: who.clone(),
			amount,
			to_user,
			burned,
		});
		Self::punish(who, worker, false);
		amount
	}

	/// Takes a conviction back and puts `amount` that lies free in the worker's account into its bond. A ban
	/// that rested on it is lifted, its rank is that of a newcomer; work it has to ask for itself, as after
	/// every leave.
	pub(crate) fn do_acquit(who: &T::AccountId, amount: u128, convicted: bool) -> u128 {
		let Some(mut worker) = Workers::<T>::get(who) else {
			return 0;
		};
		if convicted {
			worker.cheats = worker.cheats.saturating_sub(1);
			Qualities::<T>::remove(who);
		}
		if worker.state == WorkerState::Banned && worker.cheats < 2 {
			worker.state = WorkerState::Unbonding(Self::free_from());
		}
		// Who stays banned has no bond: the money stays free in its account.
		let bonds = worker.state != WorkerState::Banned;
		let held = bonds && T::Currency::hold(&HoldReason::Bond.into(), who, amount).is_ok();
		let added = if held { amount } else { 0 };
		worker.bond = worker.bond.saturating_add(added);
		Self::store(who, worker);
		Self::deposit_event(Event::Acquitted {
			worker: who.clone(),
			amount: added,
		});
		added
	}

	/// Bans a worker convicted again; lets one go whose bond is no longer enough, until it has added to
	/// it and rebonded.
	fn punish(who: &T::AccountId, mut worker: WorkerOf<T>, again: bool) {
		let was_banned = worker.state == WorkerState::Banned;
		if again {
			worker.state = WorkerState::Banned;
		} else if worker.state == WorkerState::Active && worker.bond < T::MinBond::get() {
			let free_from = Self::free_from();
			worker.state = WorkerState::Unbonding(free_from);
			Self::deposit_event(Event::Unbonding {
				worker: who.clone(),
				free_from,
			});
		}
		Self::store(who, worker);
		if again && !was_banned {
			Self::deposit_event(Event::Banned {
				worker: who.clone(),
			});
		}
	}

	/// Takes `due` from the bond on hold. Returns what the user got, what the convictors got, and what
	/// was burned: every share that cannot be received, and every rounding.
	fn take_bond(
		who: &T::AccountId,
		due: u128,
		user: Option<&T::AccountId>,
		convicted_by: &[T::AccountId],
	) -> (u128, u128, u128) {
		let due = due.min(T::Currency::balance_on_hold(&HoldReason::Bond.into(), who));
		if due == 0 {
			return (0, 0, 0);
		}
		let to_user = user.map_or(0, |user| {
			Self::hand_over(who, user, percent(due, USER_PERCENT))
		});
		let reward = percent(due, CONVICTORS_PERCENT);
		let each = reward.checked_div(convicted_by.len() as u128).unwrap_or(0);
		let to_convictors = convicted_by.iter().fold(0u128, |sum, convictor| {
			sum.saturating_add(Self::hand_over(who, convictor, each))
		});
		let rest = due.saturating_sub(to_user).saturating_sub(to_convictors);
		let burned = T::Currency::burn_held(
			&HoldReason::Bond.into(),
			who,
			rest,
			Precision::BestEffort,
			Fortitude::Force,
		);
		(to_user, to_convictors, burned.unwrap_or(0))
	}

	/// Moves a share out of a bond and returns it; 0 where it cannot be received.
	fn hand_over(from: &T::AccountId, to: &T::AccountId, share: u128) -> u128 {
		if share == 0 {
			return 0;
		}
		with_storage_layer(|| {
			T::Currency::transfer_on_hold(
				&HoldReason::Bond.into(),
				from,
				to,
				share,
				Precision::Exact,
				Restriction::Free,
				Fortitude::Force,
			)
		})
		.unwrap_or(0)
	}
}

fn percent(amount: u128, part: u128) -> u128 {
	amount.saturating_mul(part) / 100
}
