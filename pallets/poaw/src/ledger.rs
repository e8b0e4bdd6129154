//! Credit: what of the fees of verified work is lost for good, per validator, fading by the session.
//!
//! `A ← δA + Q` at the end of every session, with `Q` what was earned in it. Nothing loops over validators:
//! an entry keeps the session of its last change, and whoever reads it lets the time since then fade.

use crate::{
	weighing, Bans, Config, Error, Event, Ledger, LinkState, Links, Pallet, Rules, Snapshot,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dllm_primitives::{flow::WorkLedger, poaw::Params};
use frame_support::{ensure, traits::Get};
use scale_info::TypeInfo;
use sp_runtime::{
	helpers_128bit::multiply_by_rational_with_rounding, DispatchResult, Permill, Rounding,
};
use sp_staking::SessionIndex;

/// What the staking pallet tells.
pub trait StakeBook<AccountId> {
	/// The account's own active bond, in planck; 0 for who has none.
	fn self_bond(who: &AccountId) -> u128;

	/// What all validators together are paid for a session at most, in planck.
	fn session_reward() -> u128;
}

/// Credit of a validator.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
	Default,
)]
pub struct Entry {
	/// Credit at the close of the session before `session`, in planck.
	pub prior: u128,
	/// What was earned in `session`, in planck.
	pub earned: u128,
	/// Session of the last change.
	pub session: SessionIndex,
}

impl Entry {
	/// An entry that stands from the first block on.
	pub fn standing(credit: u128) -> Self {
		Self {
			prior: credit,
			..Self::default()
		}
	}

	/// Credit at the close of `session`, in planck, rounded down. A session before the entry's last
	/// change but one is not remembered: the oldest that is known stands in for it.
	pub fn at_close(&self, session: SessionIndex, decay: Permill) -> u128 {
		let Some(since) = session.checked_sub(self.session) else {
			return self.prior;
		};
		let closed = weighing::decayed(self.prior, decay, 1).saturating_add(self.earned);
		weighing::decayed(closed, decay, since)
	}

	/// Credit with which `session` began, in planck.
	pub fn entering(&self, session: SessionIndex, decay: Permill) -> u128 {
		let closed = session.checked_sub(1);
		closed.map_or(self.prior, |closed| self.at_close(closed, decay))
	}

	/// What was earned in `session`, in planck.
	pub fn earned_in(&self, session: SessionIndex) -> u128 {
		if session == self.session {
			self.earned
		} else {
			0
		}
	}

	/// Adds what was earned in `now`.
	fn earn(&mut self, now: SessionIndex, amount: u128, decay: Permill) {
		if now != self.session {
			*self = Self {
				prior: self.entering(now, decay),
				earned: 0,
				session: now,
			};
		}
		self.earned = self.earned.saturating_add(amount);
	}
}

impl<T: Config> WorkLedger<T::AccountId> for Pallet<T> {
	fn credit(sunk: u128, paid: &[(T::AccountId, u128)]) {
		let total = paid
			.iter()
			.fold(0u128, |sum, (_, pay)| sum.saturating_add(*pay));
		for (worker, pay) in paid {
			let part = multiply_by_rational_with_rounding(sunk, *pay, total.max(1), Rounding::Down)
				.unwrap_or(0);
			if part > 0 {
				Self::credit_worker(worker, part);
				Self::rebate(worker, part);
			}
		}
	}

	fn convict(worker: &T::AccountId) {
		let Some(link) = Links::<T>::get(worker) else {
			return;
		};
		if !link.reaches(Self::session()) {
			return;
		}
		let until = Self::session().saturating_add(T::BanSessions::get());
		Ledger::<T>::remove(&link.validator);
		Bans::<T>::insert(&link.validator, until);
		Snapshot::<T>::mutate(|weights| weights.retain(|(who, _)| *who != link.validator));
		Self::deposit_event(Event::Banned {
			validator: link.validator,
			worker: worker.clone(),
			until,
		});
	}
}

impl<T: Config> Pallet<T> {
	/// The session that runs.
	pub(crate) fn session() -> SessionIndex {
		pallet_session::Pallet::<T>::current_index()
	}

	/// First session in which a validator's work counts again, where it is banned now.
	pub fn banned_until(validator: &T::AccountId) -> Option<SessionIndex> {
		Bans::<T>::get(validator).filter(|until| Self::session() < *until)
	}

	/// What counts of the credit with which a validator entered the session that runs, in planck.
	pub fn counted(validator: &T::AccountId, rules: &Params) -> u128 {
		let credit = Ledger::<T>::get(validator).entering(Self::session(), rules.decay);
		weighing::counted(credit, T::Stakes::self_bond(validator), rules.bond_share)
	}

	pub(crate) fn do_set_rules(rules: Params) -> DispatchResult {
		ensure!(rules.is_sound(), Error::<T>::OutOfBounds);
		Rules::<T>::put(rules);
		Self::deposit_event(Event::RulesSet { rules });
		Ok(())
	}

	fn credit_worker(worker: &T::AccountId, amount: u128) {
		let Some(link) = Links::<T>::get(worker) else {
			return;
		};
		let validator = link.validator;
		if link.state != LinkState::Standing || Self::banned_until(&validator).is_some() {
			return;
		}
		let decay = Rules::<T>::get().decay;
		Ledger::<T>::mutate(&validator, |entry| {
			entry.earn(Self::session(), amount, decay)
		});
		Self::deposit_event(Event::Credited {
			validator,
			worker: worker.clone(),
			amount,
		});
	}
}
