//! Which validator a worker's credit counts for. The worker asks, the validator countersigns: it answers
//! for the worker with all of its credit.

use crate::{Config, CurrencyOf, Error, Event, HoldReason, Links, Pallet};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	ensure,
	traits::{
		fungible::{InspectHold, MutateHold},
		tokens::Precision,
		Get,
	},
};
use scale_info::TypeInfo;
use sp_runtime::DispatchResult;
use sp_staking::SessionIndex;

/// How far a link is.
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
)]
pub enum LinkState {
	/// The validator has not countersigned.
	Proposed,
	/// Work counts.
	Standing,
	/// No work counts; a conviction still does before this session.
	Ending(SessionIndex),
}

/// A worker's link to a validator.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Link<AccountId> {
	/// The validator.
	pub validator: AccountId,
	/// How far it is.
	pub state: LinkState,
	/// What the worker has on hold for it, in planck.
	pub deposit: u128,
}

impl<AccountId> Link<AccountId> {
	/// Whether a conviction of the worker in session `now` reaches the validator.
	pub fn reaches(&self, now: SessionIndex) -> bool {
		match self.state {
			LinkState::Proposed => false,
			LinkState::Standing => true,
			LinkState::Ending(until) => now < until,
		}
	}
}

impl<T: Config> Pallet<T> {
	pub(crate) fn do_propose_link(worker: T::AccountId, validator: T::AccountId) -> DispatchResult {
		ensure!(
			!Links::<T>::contains_key(&worker),
			Error::<T>::AlreadyLinked
		);
		let deposit = T::LinkDeposit::get();
		CurrencyOf::<T>::hold(&HoldReason::LinkDeposit.into(), &worker, deposit)?;
		let link = Link {
			validator: validator.clone(),
			state: LinkState::Proposed,
			deposit,
		};
		Links::<T>::insert(&worker, link);
		Self::deposit_event(Event::LinkProposed { worker, validator });
		Ok(())
	}

	pub(crate) fn do_accept_link(validator: T::AccountId, worker: T::AccountId) -> DispatchResult {
		let mut link = Links::<T>::get(&worker).ok_or(Error::<T>::NotProposed)?;
		let waits = link.state == LinkState::Proposed && link.validator == validator;
		ensure!(waits, Error::<T>::NotProposed);
		link.state = LinkState::Standing;
		Links::<T>::insert(&worker, link);
		Self::deposit_event(Event::LinkAccepted { worker, validator });
		Ok(())
	}

	pub(crate) fn do_end_link(party: T::AccountId, worker: T::AccountId) -> DispatchResult {
		let mut link = Links::<T>::get(&worker).ok_or(Error::<T>::NotLinked)?;
		ensure!(
			party == worker || party == link.validator,
			Error::<T>::NotParty
		);
		let now = Self::session();
		match link.state {
			LinkState::Ending(until) => {
				ensure!(now >= until, Error::<T>::AlreadyEnding);
				return Self::remove_link(&worker, &link);
			}
			LinkState::Proposed => Self::remove_link(&worker, &link)?,
			LinkState::Standing => {
				link.state = LinkState::Ending(now.saturating_add(T::UnlinkSessions::get()));
				Links::<T>::insert(&worker, &link);
			}
		}
		Self::deposit_event(Event::LinkEnded {
			worker,
			validator: link.validator,
		});
		Ok(())
	}

	/// Releases what is left of the deposit: a slash of another pallet may have taken some.
	fn remove_link(worker: &T::AccountId, link: &Link<T::AccountId>) -> DispatchResult {
		let reason = HoldReason::LinkDeposit.into();
		let held = CurrencyOf::<T>::balance_on_hold(&reason, worker).min(link.deposit);
		CurrencyOf::<T>::release(&reason, worker, held, Precision::Exact)?;
		Links::<T>::remove(worker);
		Ok(())
	}
}
