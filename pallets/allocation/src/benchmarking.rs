//! Benchmarks of the calls and of the sweep, with the largest plan.

use crate::{pallet::*, Contender};
use dllm_primitives::{
	capacity::Terms,
	cost::{link::LinkFigures, Workload},
	flow::{CapacityRounds, Footing, ModelCatalog},
	ids::{PipelineId, MAX_REPLICAS},
	plan::{PipelineState, Plan},
};
use frame_benchmarking::v2::*;
use frame_support::traits::{fungible::Mutate, Get};
use frame_system::RawOrigin;

/// What a runtime prepares for the benchmarks.
pub trait BenchmarkSetup<AccountId> {
	/// A feasible plan of as many stages and workers as there may be, for an active model; the workers are
	/// registered and active, in no plan of another number, and cheaper than those of a lower number.
	fn largest_plan(number: u32) -> Plan<AccountId>;
	/// A worker of a plan may be given work no longer.
	fn deactivate(worker: &AccountId);
	/// The plan window of a round with as many winners as there may be is open; the workers of the plan are
	/// among them.
	fn tender(plan: &Plan<AccountId>, terms: Terms);
}

/// For mocks, in which benchmarks are not run.
impl<AccountId> BenchmarkSetup<AccountId> for () {
	fn largest_plan(_: u32) -> Plan<AccountId> {
		Plan {
			model: 0,
			slots: 0,
			entries: Default::default(),
			segments: Default::default(),
		}
	}
	fn deactivate(_: &AccountId) {}
	fn tender(_: &Plan<AccountId>, _: Terms) {}
}

const PURSE: u128 = 1_000_000_000_000_000_000;

/// A round for the largest plan.
fn terms() -> Terms {
	Terms {
		replicas: MAX_REPLICAS as u8,
		jobs: 1,
		reserve: 1_000,
		deposit: 1_000_000_000_000,
		commit_blocks: 1,
		reveal_blocks: 1,
		plan_blocks: 1,
		workload: Workload {
			prompt_tokens: 128,
			new_tokens: 128,
			sessions: 1,
			row_bytes: 8_192,
			packet_bytes: 1_200,
		},
		link: LinkFigures {
			latency_us: 20_000,
			jitter_us: 1_000,
			loss_ppm: 1_000,
			bytes_per_second: 10_000_000,
			efficiency_ppm: 900_000,
		},
	}
}

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
		number: u32,
	) -> Result<(PipelineId, Plan<T::AccountId>), BenchmarkError> {
		let plan = T::BenchmarkSetup::largest_plan(number);
		Pallet::<T>::do_submit_plan(submitter.clone(), plan.clone())
			.map_err(|_| BenchmarkError::Stop("the plan is not accepted"))?;
		Ok((NextPipeline::<T>::get().saturating_sub(1), plan))
	}

	/// The worker at which a look at all of them ends.
	fn last_member<T: Config>(plan: &Plan<T::AccountId>) -> Result<T::AccountId, BenchmarkError> {
		let member = plan.members().last().map(|(_, who)| who.clone());
		member.ok_or(BenchmarkError::Stop("the plan has no worker"))
	}

	/// The model has all its pipelines; the dearest of them makes room.
	#[benchmark]
	fn submit_plan() -> Result<(), BenchmarkError> {
		let submitter = submitter::<T>();
		let most = T::MaxPipelinesPerModel::get();
		for number in 0..most {
			accepted::<T>(&submitter, number)?;
		}
		let plan = T::BenchmarkSetup::largest_plan(most);

		#[extrinsic_call]
		_(RawOrigin::Signed(submitter), plan);

		assert_eq!(Pipelines::<T>::iter_keys().count(), most as usize);
		assert!(Pipelines::<T>::get(0).is_none());
		Ok(())
	}

	/// Every other worker is ready already.
	#[benchmark]
	fn ready() -> Result<(), BenchmarkError> {
		let (id, plan) = accepted::<T>(&submitter::<T>(), 0)?;
		let last = last_member::<T>(&plan)?;
		for (_, other) in plan.members().filter(|(_, who)| **who != last) {
			Pallet::<T>::do_ready(other.clone(), id)?;
		}

		#[extrinsic_call]
		_(RawOrigin::Signed(last), id);

		let standing = Pipelines::<T>::get(id).ok_or(BenchmarkError::Stop("it is closed"))?;
		assert_eq!(standing.pipeline.state, PipelineState::Live);
		Ok(())
	}

	/// Somebody else closes it because its last worker is inactive.
	#[benchmark]
	fn close() -> Result<(), BenchmarkError> {
		let (id, plan) = accepted::<T>(&submitter::<T>(), 0)?;
		T::BenchmarkSetup::deactivate(&last_member::<T>(&plan)?);
		let other: T::AccountId = account("other", 0, 0);

		#[extrinsic_call]
		_(RawOrigin::Signed(other), id);

		assert!(Pipelines::<T>::get(id).is_none());
		Ok(())
	}

	#[benchmark]
	fn leave() -> Result<(), BenchmarkError> {
		let (id, plan) = accepted::<T>(&submitter::<T>(), 0)?;
		let worker = last_member::<T>(&plan)?;

		#[extrinsic_call]
		_(RawOrigin::Signed(worker), id);

		assert!(Pipelines::<T>::get(id).is_none());
		Ok(())
	}

	/// A better plan takes the place of the standing contender, while the model has all its pipelines.
	#[benchmark]
	fn compete() -> Result<(), BenchmarkError> {
		let submitter = submitter::<T>();
		let most = T::MaxPipelinesPerModel::get();
		for number in 0..most {
			accepted::<T>(&submitter, number)?;
		}
		let plan = T::BenchmarkSetup::largest_plan(most);
		T::BenchmarkSetup::tender(&plan, terms());
		let model = T::Models::model(plan.model).ok_or(BenchmarkError::Stop("no model"))?;
		let Footing::Competing(tender) = T::Rounds::footing(plan.model) else {
			return Err(BenchmarkError::Stop("no plan window"));
		};
		let judged = Pallet::<T>::judge(&plan, &model.spec, &tender)
			.map_err(|_| BenchmarkError::Stop("the plan has no score"))?;
		let deposit = T::PlanDeposit::get();
		let beaten: T::AccountId = account("beaten", 0, 0);
		T::Currency::set_balance(&beaten, PURSE);
		Pallet::<T>::hold_deposit(&beaten, deposit)?;
		let contender = Contender {
			plan: plan.clone(),
			submitter: beaten,
			deposit,
			score: u128::MAX,
		};
		Contenders::<T>::insert(plan.model, contender);
		let id = plan.model;

		#[extrinsic_call]
		_(RawOrigin::Signed(submitter), plan, judged.score);

		let leads = Contenders::<T>::get(id).ok_or(BenchmarkError::Stop("no contender"))?;
		assert_eq!(leads.score, judged.score);
		Ok(())
	}

	/// The sweep begins anew, and ends a pipeline because its last worker is inactive.
	#[benchmark]
	fn sweep() -> Result<(), BenchmarkError> {
		let (id, plan) = accepted::<T>(&submitter::<T>(), 0)?;
		T::BenchmarkSetup::deactivate(&last_member::<T>(&plan)?);
		Swept::<T>::put(id);
		let now = frame_system::Pallet::<T>::block_number();

		#[block]
		{
			Pallet::<T>::sweep(now);
		}

		assert!(Pipelines::<T>::get(id).is_none());
		Ok(())
	}
}
