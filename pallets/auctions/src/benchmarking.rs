//! Benchmarks of the steps of an auction, in the largest market.

use crate::{market::Market, pallet::*};
use dllm_primitives::{
	auction::{self, Award},
	flow::JobQueue,
	plan::MAX_PIPELINES,
};
use frame_benchmarking::v2::*;
use frame_support::{
	traits::Get,
	weights::{Weight, WeightMeter},
};

/// What a runtime prepares for the benchmarks.
pub trait BenchmarkSetup {
	/// So many jobs wait, from number 0 on, each with another price, for one model of as many layers as a
	/// model may have. Its live pipelines, from number 0 on, are as many and as large as they may be, and
	/// have free slots.
	fn market(jobs: u32);
}

/// For mocks, in which benchmarks are not run.
impl BenchmarkSetup for () {
	fn market(_: u32) {}
}

#[benchmarks]
mod benchmarks {
	use super::*;

	/// `j`: waiting jobs. They are read, priced at every pipeline and sorted; every winner's price is found.
	#[benchmark]
	fn consider(j: Linear<1, { T::MaxConsidered::get() }>) -> Result<(), BenchmarkError> {
		T::BenchmarkSetup::market(j);
		let market = market::<T>()?;
		let awards;

		#[block]
		{
			let jobs = T::Queue::waiting(j);
			let most = T::MaxAwards::get() as usize;
			awards = auction::award(&jobs, &market.offers(), most, |job, pipeline| {
				market.fee(job, pipeline)
			});
		}

		assert!(!awards.is_empty());
		Ok(())
	}

	#[benchmark]
	fn model() -> Result<(), BenchmarkError> {
		T::BenchmarkSetup::market(1);
		let jobs = T::Queue::waiting(1);
		let offers;

		#[block]
		{
			let market = Market::<T>::read(&jobs, &mut WeightMeter::new(), Weight::zero());
			offers = market.offers().len();
		}

		assert_eq!(offers, MAX_PIPELINES as usize);
		Ok(())
	}

	/// The queue is full.
	#[benchmark]
	fn award() -> Result<(), BenchmarkError> {
		let most = T::MaxConsidered::get();
		T::BenchmarkSetup::market(most);

		#[block]
		{
			Pallet::<T>::hand_over(Award {
				job: 0,
				pipeline: 0,
				base: 0,
				price: 1,
			});
		}

		assert_eq!(T::Queue::waiting(most).len() as u32, most.saturating_sub(1));
		Ok(())
	}
}

fn market<T: Config>() -> Result<Market<T>, BenchmarkError> {
	let jobs = T::Queue::waiting(1);
	if jobs.is_empty() {
		return Err(BenchmarkError::Stop("no job waits"));
	}
	Ok(Market::read(&jobs, &mut WeightMeter::new(), Weight::zero()))
}
