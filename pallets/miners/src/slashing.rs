//! What a conviction costs. The first takes a multiple of what the cheated stage would have paid, the
//! second that is proved everything, and the worker never works again.
//!
//! Who is checked and does not open what it committed to forfeits as much as cheating unchecked could have gained
//! it: this is no conviction. How much all that is, and who gets it, stands in [`dllm_primitives::slash`].

use crate::{Config, Event, HoldReason, Pallet, Qualities, WorkerOf, Workers};
use dllm_primitives::{
	miner::WorkerState,
	slash::{self, Conviction, Ground},
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
	pub(crate) fn do_slash(who: &T::AccountId, conviction: &Conviction<T::AccountId>) -> u128 {
		let Some(mut worker) = Workers::<T>::get(who) else {
			return 0;
		};
		let banned = conviction.bans(worker.cheats);
		let due = Self::at_most_held(who, conviction.takes(worker.bond, worker.cheats));
		let proved = conviction.ground == Ground::Proof;
		worker.cheats = worker.cheats.saturating_add(proved.into());
		let (share, each) = conviction.shares(due);
		let to_user = Self::hand_over(who, conviction.user, share);
		let convictors = conviction.convicted_by.iter();
		let to_convictors = convictors.fold(0u128, |sum, convictor| {
			sum.saturating_add(Self::hand_over(who, convictor, each))
		});
		let shared = to_user.saturating_add(to_convictors);
		let burned = Self::burn(who, due.saturating_sub(shared));
		let amount = shared.saturating_add(burned);
		worker.bond = worker.bond.saturating_sub(amount);
		let event = Event::Slashed {
			worker: who.clone(),
			amount,
			to_user,
			to_convictors,
			burned,
		};
		Self::deposit_event(event);
		Self::punish(who, worker, banned);
		Self::note_verdict(who, Verdict::Cheat);
		amount
	}

	pub(crate) fn do_forfeit(who: &T::AccountId, pay: u128, user: Option<&T::AccountId>) -> u128 {
		let Some(mut worker) = Workers::<T>::get(who) else {
			return 0;
		};
		let due = Self::at_most_held(who, slash::withheld(worker.bond, pay));
		let share = slash::to_user(due);
		let to_user = user.map_or(0, |user| Self::hand_over(who, user, share));
		let burned = Self::burn(who, due.saturating_sub(to_user));
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
	pub(crate) fn do_acquit(who: &T::AccountId, amount: u128, ground: Option<Ground>) -> u128 {
		let Some(mut worker) = Workers::<T>::get(who) else {
			return 0;
		};
		if ground == Some(Ground::Proof) {
			worker.cheats = worker.cheats.saturating_sub(1);
		}
		if ground.is_some() {
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

	/// Bans a worker; or lets one go whose bond is no longer enough, until it has added to it and rebonded.
	fn punish(who: &T::AccountId, mut worker: WorkerOf<T>, banned: bool) {
		let was_banned = worker.state == WorkerState::Banned;
		if banned {
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
		if banned && !was_banned {
			Self::deposit_event(Event::Banned {
				worker: who.clone(),
			});
		}
	}

	/// What of `due` the bond on hold can give.
	fn at_most_held(who: &T::AccountId, due: u128) -> u128 {
		due.min(T::Currency::balance_on_hold(&HoldReason::Bond.into(), who))
	}

	/// Burns the rest of what was taken of a bond: what nobody shares, or can receive, and every rounding.
	fn burn(who: &T::AccountId, rest: u128) -> u128 {
		if rest == 0 {
			return 0;
		}
		let burned = T::Currency::burn_held(
			&HoldReason::Bond.into(),
			who,
			rest,
			Precision::BestEffort,
			Fortitude::Force,
		);
		burned.unwrap_or(0)
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
