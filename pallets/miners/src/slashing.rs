//! What a conviction costs. The first takes a multiple of what the cheated stage would have paid, the
//! second everything, and the worker never works again.
//!
//! With every stage checked, cheating cannot pay; the factor leaves the same true where only one stage
//! in a few hundred is checked. At least half of a slash is burned, so nobody gains by convicting himself.

use crate::{Config, Event, HoldReason, Pallet, WorkerOf, Workers};
use dllm_primitives::{miner::WorkerState, verdict::Verdict};
use frame_support::{
	storage::with_storage_layer,
	traits::{
		fungible::{InspectHold, MutateHold},
		tokens::{Fortitude, Precision, Restriction},
		Get,
	},
};

/// The first slash takes this many times the pay of the stage at least.
pub const SLASH_PAY_FACTOR: u128 = 300;
/// … and at least this share of the bond, in percent, rounded up.
pub const SLASH_BOND_PERCENT: u128 = 10;
/// Share of a slash for the user of the job, in percent, rounded down.
pub const USER_PERCENT: u128 = 20;
/// Share of a slash for the workers that convicted it, in equal parts, in percent, rounded down. The
/// rest is burned.
pub const CONVICTORS_PERCENT: u128 = 30;

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
			first_slash(worker.bond, pay)
		};
		let (to_user, to_convictors, burned) = Self::take_bond(who, due, user, convicted_by);
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
		user: &T::AccountId,
		convicted_by: &[T::AccountId],
	) -> (u128, u128, u128) {
		let due = due.min(T::Currency::balance_on_hold(&HoldReason::Bond.into(), who));
		if due == 0 {
			return (0, 0, 0);
		}
		let to_user = Self::hand_over(who, user, percent(due, USER_PERCENT));
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

fn first_slash(bond: u128, pay: u128) -> u128 {
	let share = bond.saturating_mul(SLASH_BOND_PERCENT).div_ceil(100);
	pay.saturating_mul(SLASH_PAY_FACTOR).max(share).min(bond)
}

fn percent(amount: u128, part: u128) -> u128 {
	amount.saturating_mul(part) / 100
}
