//! Benchmarks of the calls and of the sweep, with the largest plan.

use crate::pallet::*;
use dllm_primitives::{ids::PipelineId, plan::Plan};
use frame_benchmarking::v2::*;
use frame_support::traits::fungible::Mutate;
use frame_system::RawOrigin;

/// What a runtime prepares for the benchmarks.
pub trait BenchmarkSetup<AccountId> {
	/// A feasible plan of as many stages and workers as there may be, for an active model; the workers are
	/// registered and active.
	fn largest_plan() -> Plan<AccountId>;
}

const PURSE: u128 = 1_000_000_000_000_000_000;

#[benchmarks(where T::Currency: Mutate<T::AccountId>)]
mod benchmarks {
	use super::*;

	fn submitter<T: Config>() -> T::AccountId
	where
		T::Currency: Mutate<T::AccountId>,
	{
		let submitter: T::AccountId = whitelisted_caller();
		T::Currency::set_balance(&submitter, PURSE);
		submitter
	}

	fn accepted<T: Config>(
		submitter: &T::AccountId,
	) -> Result<(PipelineId, Plan<T::AccountId>), BenchmarkError> {
		let plan = T::BenchmarkSetup::largest_plan();
		Pallet::<T>::do_submit_plan(submitter.clone(), plan.clone())
			.map_err(|_| BenchmarkError::Stop("the plan is not accepted"))?;
		Ok((NextPipeline::<T>::get().saturating_sub(1), plan))
	}

	fn a_member<T: Config>(plan: &Plan<T::AccountId>) -> Result<T::AccountId, BenchmarkError> {
		let member = plan.members().next().map(|(_, who)| who.clone());
		member.ok_or(BenchmarkError::Stop("the plan has no worker"))
	}

	#[benchmark]
	fn submit_plan() -> Result<(), BenchmarkError> {
		let submitter = submitter::<T>();
		let plan = T::BenchmarkSetup::largest_plan();

		#[extrinsic_call]
		_(RawOrigin::Signed(submitter), plan);

		assert_eq!(Pipelines::<T>::iter_keys().count(), 1);
		Ok(())
	}

	#[benchmark]
	fn ready() -> Result<(), BenchmarkError> {
		let (id, plan) = accepted::<T>(&submitter::<T>())?;
		let worker = a_member::<T>(&plan)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(worker), id);

		let standing = Pipelines::<T>::get(id).ok_or(BenchmarkError::Stop("it is closed"))?;
		assert_eq!(standing.ready.len(), 1);
		Ok(())
	}

	#[benchmark]
	fn close() -> Result<(), BenchmarkError> {
		let submitter = submitter::<T>();
		let (id, _) = accepted::<T>(&submitter)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(submitter), id);

		assert!(Pipelines::<T>::get(id).is_none());
		Ok(())
	}

	#[benchmark]
	fn leave() -> Result<(), BenchmarkError> {
		let (id, plan) = accepted::<T>(&submitter::<T>())?;
		let worker = a_member::<T>(&plan)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(worker), id);

		assert!(Pipelines::<T>::get(id).is_none());
		Ok(())
	}

	#[benchmark]
	fn sweep() -> Result<(), BenchmarkError> {
		let (id, _) = accepted::<T>(&submitter::<T>())?;
		let now = frame_system::Pallet::<T>::block_number();

		#[block]
		{
			Pallet::<T>::sweep(now);
		}

		assert_eq!(Swept::<T>::get(), Some(id));
		Ok(())
	}
}
