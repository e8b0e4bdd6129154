//! Benchmarks of every call, each at its dearest path, and of the turn of a session. What settlements and
//! convictions do here is measured with the verdicts that cause them, in the benchmarks of `verification`.

use crate::{Call, Config, CurrencyOf, Entry, Ledger, LinkState, Links, Pallet, Rules, Snapshot};
use alloc::vec::Vec;
use codec::{Decode, Encode};
use dllm_primitives::poaw::{Params, BASE_WEIGHT, MOST_KAPPA_MILLI};
use frame_benchmarking::v2::*;
use frame_support::{
	traits::{
		fungible::{Inspect, Mutate},
		EnsureOrigin, Get, OneSessionHandler,
	},
	WeakBoundedVec,
};
use frame_system::RawOrigin;
use sp_consensus_babe::{AuthorityId, Slot};

/// What a runtime prepares for the benchmarks.
pub trait BenchmarkSetup<AccountId> {
	/// An account with a bond of its own.
	fn bonded(who: &AccountId);
}

/// For mocks, in which benchmarks are not run.
impl<AccountId> BenchmarkSetup<AccountId> for () {
	fn bonded(_: &AccountId) {}
}

fn fund<T: Config>(who: &T::AccountId) -> Result<(), BenchmarkError> {
	let funds = T::LinkDeposit::get().saturating_mul(4);
	CurrencyOf::<T>::mint_into(
		who,
		funds.saturating_add(CurrencyOf::<T>::minimum_balance()),
	)?;
	Ok(())
}

/// A link that waits for its validator.
fn proposed<T: Config>(
	worker: &T::AccountId,
	validator: &T::AccountId,
) -> Result<(), BenchmarkError> {
	fund::<T>(worker)?;
	Pallet::<T>::do_propose_link(worker.clone(), validator.clone())?;
	Ok(())
}

fn state_of<T: Config>(worker: &T::AccountId) -> Option<LinkState> {
	Links::<T>::get(worker).map(|link| link.state)
}

/// Some key, another for every number.
fn key(number: u32) -> Result<AuthorityId, BenchmarkError> {
	AuthorityId::decode(&mut &(number, [7u8; 28]).encode()[..])
		.map_err(|_| BenchmarkError::Stop("32 bytes are a key"))
}

/// So many validators in office and queued, each with credit, bond and the weight that was announced for it.
fn seated<T: Config>(n: u32) -> Result<Vec<(T::AccountId, AuthorityId)>, BenchmarkError> {
	let mut all = Vec::new();
	for number in 0..n {
		let who: T::AccountId = account("validator", number, 0);
		T::BenchmarkSetup::bonded(&who);
		Ledger::<T>::insert(&who, Entry::standing(1_000_000_000_000));
		all.push((who, key(number)?));
	}
	let weights = all.iter().map(|(who, _)| (who.clone(), BASE_WEIGHT));
	Snapshot::<T>::put(WeakBoundedVec::<_, T::MaxAuthorities>::force_from(
		weights.collect(),
		None,
	));
	let announced = all.iter().map(|(_, key)| (key.clone(), BASE_WEIGHT));
	pallet_babe::NextAuthorities::<T>::put(WeakBoundedVec::<_, T::MaxAuthorities>::force_from(
		announced.collect(),
		None,
	));
	Rules::<T>::mutate(|rules| rules.min_validators = 1);
	pallet_session::CurrentIndex::<T>::put(2);
	let slot = <T as pallet_babe::Config>::EpochDuration::get();
	pallet_babe::CurrentSlot::<T>::put(Slot::from(slot));
	Ok(all)
}

#[benchmarks]
mod benches {
	use super::*;

	#[benchmark]
	fn propose_link() -> Result<(), BenchmarkError> {
		let worker: T::AccountId = whitelisted_caller();
		fund::<T>(&worker)?;

		#[extrinsic_call]
		_(
			RawOrigin::Signed(worker.clone()),
			account("validator", 0, 0),
		);

		assert!(state_of::<T>(&worker) == Some(LinkState::Proposed));
		Ok(())
	}

	#[benchmark]
	fn accept_link() -> Result<(), BenchmarkError> {
		let validator: T::AccountId = whitelisted_caller();
		let worker: T::AccountId = account("worker", 0, 0);
		proposed::<T>(&worker, &validator)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(validator), worker.clone());

		assert!(state_of::<T>(&worker) == Some(LinkState::Standing));
		Ok(())
	}

	/// The second call, by the validator, when the link has run out: the deposit goes back.
	#[benchmark]
	fn end_link() -> Result<(), BenchmarkError> {
		let validator: T::AccountId = whitelisted_caller();
		let worker: T::AccountId = account("worker", 0, 0);
		proposed::<T>(&worker, &validator)?;
		Links::<T>::mutate(&worker, |link| {
			if let Some(link) = link {
				link.state = LinkState::Ending(Pallet::<T>::session());
			}
		});

		#[extrinsic_call]
		_(RawOrigin::Signed(validator), worker.clone());

		assert!(!Links::<T>::contains_key(&worker));
		Ok(())
	}

	#[benchmark]
	fn set_rules() -> Result<(), BenchmarkError> {
		let origin = T::GovernanceOrigin::try_successful_origin()
			.map_err(|_| BenchmarkError::Stop("nobody may set the rules"))?;
		let rules = Params {
			kappa_milli: MOST_KAPPA_MILLI,
			..Params::default()
		};

		#[extrinsic_call]
		_(origin as T::RuntimeOrigin, rules);

		assert!(Rules::<T>::get() == rules);
		Ok(())
	}

	/// `n`: validators, none of them with a fresh key.
	#[benchmark]
	fn turn(n: Linear<1, { T::MaxAuthorities::get() }>) -> Result<(), BenchmarkError> {
		let all = seated::<T>(n)?;
		let pairs = || all.iter().map(|(who, key)| (who, key.clone()));

		#[block]
		{
			<Pallet<T> as OneSessionHandler<T::AccountId>>::on_new_session(true, pairs(), pairs());
		}

		assert!(pallet_babe::Authorities::<T>::get().len() as u32 == n);
		assert!(Snapshot::<T>::get().len() as u32 == n);
		Ok(())
	}
}
