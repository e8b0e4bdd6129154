//! What always holds of the capacity rounds between two blocks. Every mock run of the tests ends here.

use crate::{
	pallet::{
		Agenda, Bids, Config, HoldReason, NextRound, Overdue, Pallet, Rounds, Sealed, Winners,
	},
	MAX_ROUNDS,
};
use alloc::collections::{BTreeMap, BTreeSet};
use dllm_primitives::ids::ModelId;
use frame_support::{ensure, traits::fungible::InspectHold};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Checks every invariant of the pallet.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let mut bidding = BTreeSet::new();
		let mut deadlines = 0usize;
		for (model, round) in Rounds::<T>::iter() {
			ensure!(
				round.id < NextRound::<T>::get(),
				"a round has a number that was not given yet"
			);
			let named = |block: BlockNumberFor<T>| Agenda::<T>::get(block) == Some(model);
			ensure!(named(round.closes), "a round is never closed");
			ensure!(
				round.cleared || named(round.clears),
				"a round is never cleared"
			);
			ensure!(
				round.cleared == Winners::<T>::contains_key(model),
				"winners do not fit the state of their round"
			);
			deadlines = deadlines.saturating_add(if round.cleared { 1 } else { 2 });
			if !round.cleared {
				bidding.insert(round.id);
				let sealed = Sealed::<T>::iter_prefix(round.id).count();
				let revealed = Bids::<T>::get(model).len();
				ensure!(
					sealed.saturating_add(revealed) == round.sealed as usize,
					"bids are miscounted"
				);
			}
		}
		ensure!(
			Agenda::<T>::iter_keys().count() == deadlines,
			"a deadline has no round"
		);
		let open = |model: ModelId| Rounds::<T>::get(model).is_some_and(|round| !round.cleared);
		ensure!(Bids::<T>::iter_keys().all(open), "a bid has no open round");
		ensure!(
			Winners::<T>::iter_keys().all(Rounds::<T>::contains_key),
			"winners have no round"
		);
		let overdue = Overdue::<T>::get();
		ensure!(
			overdue.len().saturating_add(bidding.len()) <= MAX_ROUNDS as usize,
			"more rounds than the bound"
		);
		Self::check_deposits(|round| bidding.contains(&round) || overdue.contains(&round))
	}

	/// What bidders have on hold is the deposits of their sealed bids, in rounds that still heed them.
	fn check_deposits(heeded: impl Fn(u32) -> bool) -> Result<(), TryRuntimeError> {
		let mut held = BTreeMap::<T::AccountId, u128>::new();
		for (round, bidder, sealed) in Sealed::<T>::iter() {
			ensure!(heeded(round), "a sealed bid has no round");
			let sum = held.entry(bidder).or_default();
			*sum = sum.saturating_add(sealed.deposit);
		}
		let reason = HoldReason::Bid.into();
		let exact = held
			.iter()
			.all(|(who, sum)| T::Currency::balance_on_hold(&reason, who) == *sum);
		ensure!(exact, "deposits on hold differ from those of sealed bids");
		Ok(())
	}
}
