//! Benchmark of the decision of an auction. The rest of an auction is reading and writing of other pallets.

use crate::pallet::*;
use alloc::vec::Vec;
use dllm_primitives::{
	auction::{award, Offer},
	job::WaitingJob,
};
use frame_benchmarking::v2::*;
use frame_support::traits::Get;

#[benchmarks]
mod benchmarks {
	use super::*;

	#[benchmark]
	fn consider(j: Linear<1, { T::MaxConsidered::get() }>) {
		let job = |id: u32| WaitingJob {
			id: id.into(),
			model: 0,
			rows: 50,
			max_price: id.wrapping_mul(2_654_435_761).into(),
			own_entry: false,
			submitted: id,
		};
		let jobs = (0..j).map(job).collect::<Vec<_>>();
		let offers = (0..8)
			.map(|pipeline| Offer {
				pipeline,
				model: 0,
				free_slots: u8::MAX,
			})
			.collect::<Vec<_>>();
		let mut awarded = Vec::new();

		#[block]
		{
			awarded = award(&jobs, &offers, |_, pipeline| Some(pipeline.into()));
		}

		assert!(!awarded.is_empty());
	}
}
