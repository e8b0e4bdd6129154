//! Benchmarks of every call, each at its dearest path: a link that ends for good gives its deposit back.

use crate::{Call, Config, CurrencyOf, LinkState, Links, Pallet, Rules};
use dllm_primitives::poaw::{Params, MOST_KAPPA_MILLI};
use frame_benchmarking::v2::*;
use frame_support::traits::{
	fungible::{Inspect, Mutate},
	EnsureOrigin, Get,
};
use frame_system::RawOrigin;

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

	/// The second call, when the link has run out.
	#[benchmark]
	fn end_link() -> Result<(), BenchmarkError> {
		let worker: T::AccountId = whitelisted_caller();
		proposed::<T>(&worker, &account("validator", 0, 0))?;
		Links::<T>::mutate(&worker, |link| {
			if let Some(link) = link {
				link.state = LinkState::Ending(Pallet::<T>::session());
			}
		});

		#[extrinsic_call]
		_(RawOrigin::Signed(worker.clone()), worker.clone());

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
}
