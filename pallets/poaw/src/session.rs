//! The turn of a session, in the place of BABE's own handler: the authorities of the new session are those
//! that were announced, those of the next get their weights.
//!
//! When session `s` ends, the weights of session `s + 2` are announced. They come from the ledger that
//! closed with session `s − 1`: the randomness of `s + 2` is mixed while `s` runs, so that a weight, or a
//! key, that could still be chosen at the end of `s` could be chosen to win. A key that was not in the
//! set of `s + 1` is *fresh* and weighs next to nothing for one session. Where more than a third of the
//! set is fresh no key is on probation, or the few old ones would have nearly all primary slots.

use crate::{weighing, Announcement, Config, Event, Pallet, Rules, Snapshot, StakeBook};
use alloc::{collections::BTreeMap, vec::Vec};
use dllm_primitives::poaw::{Params, BASE_WEIGHT, PROBATION_WEIGHT};
use frame_support::{traits::OneSessionHandler, WeakBoundedVec};
use sp_consensus_babe::{AuthorityId, BabeAuthorityWeight};
use sp_runtime::{traits::Hash, BoundToRuntimeAppPublic};

/// Authorities as BABE takes them.
type Authorities<T> =
	WeakBoundedVec<(AuthorityId, BabeAuthorityWeight), <T as pallet_babe::Config>::MaxAuthorities>;

impl<T: Config> BoundToRuntimeAppPublic for Pallet<T> {
	type Public = AuthorityId;
}

impl<T: Config> OneSessionHandler<T::AccountId> for Pallet<T> {
	type Key = AuthorityId;

	fn on_genesis_session<'a, I>(validators: I)
	where
		I: Iterator<Item = (&'a T::AccountId, AuthorityId)> + 'a,
	{
		<pallet_babe::Pallet<T> as OneSessionHandler<T::AccountId>>::on_genesis_session(validators)
	}

	fn on_new_session<'a, I>(_changed: bool, validators: I, queued: I)
	where
		I: Iterator<Item = (&'a T::AccountId, AuthorityId)> + 'a,
	{
		let validators: Vec<_> = validators.collect();
		let queued: Vec<_> = queued.collect();
		let session = Self::session();

		// What BABE is about to replace by the next announcement.
		let announcement = T::Hashing::hash_of(&pallet_babe::NextAuthorities::<T>::get());
		Announcement::<T>::put(announcement);
		let current = announced::<T>(&validators);
		let (next, fresh) = Self::weigh(&validators, &queued);
		let total = next.iter().map(|(_, weight)| weight).sum();
		Self::take_snapshot(&queued);
		pallet_babe::Pallet::<T>::enact_epoch_change(current, next, Some(session));
		Self::deposit_event(Event::Weighed {
			session: session.saturating_add(1),
			total,
			fresh,
		});
	}

	fn on_disabled(validator: u32) {
		<pallet_babe::Pallet<T> as OneSessionHandler<T::AccountId>>::on_disabled(validator)
	}
}

/// The authorities of the new session, with the weights that were announced for them: never computed
/// again. A node that starts from a state reads them there, the others follow the announcements, and both
/// have to agree on every slot's threshold.
fn announced<T: Config>(validators: &[(&T::AccountId, AuthorityId)]) -> Authorities<T> {
	let announced = pallet_babe::NextAuthorities::<T>::get();
	let same = announced.len() == validators.len()
		&& announced
			.iter()
			.zip(validators)
			.all(|((said, _), (_, key))| said == key);
	if same {
		return announced;
	}
	log::error!(target: "runtime::poaw", "the validators are not those that were announced");
	let weight_of = |key: &AuthorityId| {
		let said = announced.iter().find(|(said, _)| said == key);
		said.map_or(PROBATION_WEIGHT, |(_, weight)| *weight)
	};
	let authorities = validators
		.iter()
		.map(|(_, key)| (key.clone(), weight_of(key)));
	WeakBoundedVec::force_from(authorities.collect(), None)
}

impl<T: Config> Pallet<T> {
	/// Weights of the queued validators, in their order, and how many of their keys are fresh.
	fn weigh(
		validators: &[(&T::AccountId, AuthorityId)],
		queued: &[(&T::AccountId, AuthorityId)],
	) -> (Authorities<T>, u32) {
		let known: BTreeMap<_, _> = validators.iter().map(|(who, key)| (*who, key)).collect();
		let is_fresh = |(who, key): &(&T::AccountId, AuthorityId)| known.get(who) != Some(&key);
		let fresh = queued.iter().filter(|one| is_fresh(one)).count();
		let exempt = fresh.saturating_mul(3) > queued.len();

		let earned: BTreeMap<_, _> = Snapshot::<T>::get().into_iter().collect();
		let weight_of = |one: &(&T::AccountId, AuthorityId)| {
			if is_fresh(one) && !exempt {
				return PROBATION_WEIGHT;
			}
			earned.get(one.0).copied().unwrap_or(BASE_WEIGHT)
		};
		let next = queued.iter().map(|one| (one.1.clone(), weight_of(one)));
		let next =
			WeakBoundedVec::force_from(next.collect(), Some("authorities of the next session"));
		(next, fresh as u32)
	}

	/// Weighs the queued validators by the ledger of the session that just ended. A set too small for
	/// weights leaves no snapshot: everybody then has the base weight.
	fn take_snapshot(queued: &[(&T::AccountId, AuthorityId)]) {
		let rules = Rules::<T>::get();
		let small = (queued.len() as u32) < rules.min_validators;
		let weights = if small {
			Vec::new()
		} else {
			Self::weights_now(queued.iter().map(|(who, _)| *who), &rules)
		};
		Snapshot::<T>::put(WeakBoundedVec::<_, T::MaxAuthorities>::force_from(
			weights,
			Some("weights of the queued validators"),
		));
	}

	fn weights_now<'a>(
		validators: impl ExactSizeIterator<Item = &'a T::AccountId>,
		rules: &Params,
	) -> Vec<(T::AccountId, u64)>
	where
		T::AccountId: 'a,
	{
		let target = Self::target(validators.len() as u32, rules);
		let weigh = |who: &T::AccountId| {
			let counted = Self::counted(who, rules);
			(
				who.clone(),
				weighing::weight(counted, target, rules.kappa_milli),
			)
		};
		validators.map(weigh).collect()
	}

	/// Credit for the full multiplier in a set of so many validators, in planck: what governance set, or
	/// what makes it no bargain if that is more.
	pub fn target(validators: u32, rules: &Params) -> u128 {
		let primary = pallet_babe::EpochConfig::<T>::get().map_or((1, 1), |config| config.c);
		let least = weighing::least_target(rules, T::Stakes::session_reward(), validators, primary);
		rules.target.max(least)
	}
}
