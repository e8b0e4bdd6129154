//! What the runtime API answers about weights and ledger. Nothing here writes.

use crate::{Config, Ledger, Pallet, Rules};
use alloc::vec::Vec;
use dllm_primitives::poaw::{AccountId32, AuthorView, CreditView, PoawView};

impl<T: Config + frame_system::Config<AccountId = AccountId32>> Pallet<T> {
	/// Weights, ledger and rules.
	pub fn view() -> PoawView {
		let params = Rules::<T>::get();
		let queued = pallet_session::QueuedKeys::<T>::get();
		let queued: Vec<_> = queued.into_iter().map(|(who, _)| who).collect();
		let validators = pallet_session::Validators::<T>::get();

		let mut accounts = validators.clone();
		accounts.extend(
			queued
				.iter()
				.filter(|who| !validators.contains(who))
				.cloned(),
		);
		let target = Self::target(queued.len() as u32, &params);
		let config = pallet_babe::EpochConfig::<T>::get();
		PoawView {
			session: Self::session(),
			primary: config.map_or((1, 1), |config| config.c),
			target,
			pot: Self::pot_balance(),
			current: authors(validators, &pallet_babe::Authorities::<T>::get()),
			next: authors(queued, &pallet_babe::NextAuthorities::<T>::get()),
			ledger: accounts.into_iter().map(Self::credit_view).collect(),
			params,
		}
	}

	/// What the ledger knows of a validator.
	pub fn credit_view(account: AccountId32) -> CreditView {
		let rules = Rules::<T>::get();
		let session = Self::session();
		let entry = Ledger::<T>::get(&account);
		CreditView {
			credit: entry.entering(session, rules.decay),
			earned: entry.earned_in(session),
			self_bond: <T::Stakes as crate::StakeBook<_>>::self_bond(&account),
			counted: Self::counted(&account, &rules),
			banned_until: Self::banned_until(&account),
			account,
		}
	}
}

/// Accounts with the weights of their keys, which stand in the same order.
fn authors<Key>(accounts: Vec<AccountId32>, weights: &[(Key, u64)]) -> Vec<AuthorView> {
	let pairs = accounts.into_iter().zip(weights);
	pairs
		.map(|(account, (_, weight))| AuthorView {
			account,
			weight: *weight,
		})
		.collect()
}
