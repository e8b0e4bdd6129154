//! Benchmarks of the steps of an auction, in the largest market.

use crate::{market::Market, pallet::*, Revealed, WeightInfo};
use dllm_primitives::{
	auction::{self, Award},
	capacity::{self, Bid, Offer, Terms, FULL_RANK},
	cost::{link::LinkFigures, DeviceFigures, Workload},
	flow::JobQueue,
	ids::{Digest, ModelId, MAX_REPLICAS},
	plan::MAX_PIPELINES,
};
use frame_benchmarking::v2::*;
use frame_support::{
	traits::Get,
	weights::{Weight, WeightMeter},
	BoundedVec,
};
use frame_system::RawOrigin;

/// What a runtime prepares for the benchmarks.
pub trait BenchmarkSetup<AccountId> {
	/// So many jobs wait, from number 0 on, each with another price, for one model of as many layers as a
	/// model may have. Its live pipelines, from number 0 on, are as many and as large as they may be, and
	/// have free slots.
	fn market(jobs: u32);
	/// An active model of as many layers as there may be, without pipelines, and its owner.
	fn model_for_rounds() -> (ModelId, AccountId);
	/// An active miner with money and room for every layer of that model, by a number.
	fn bidder(number: u32) -> AccountId;
	/// The round of that model is cleared, with so many winners, and the largest plan competes; it closes in
	/// block 2.
	fn plan_window(winners: u32, terms: Terms);
}

/// For mocks, in which benchmarks are not run.
impl BenchmarkSetup<u64> for () {
	fn market(_: u32) {}
	fn model_for_rounds() -> (ModelId, u64) {
		(0, 0)
	}
	fn bidder(number: u32) -> u64 {
		number.into()
	}
	fn plan_window(_: u32, _: Terms) {}
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
			let offers = market.offers(frame_system::Pallet::<T>::block_number());
			awards = auction::award(&jobs, &offers, most, |job, pipeline| {
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
			offers = market.offers(0u32.into()).len();
		}

		assert_eq!(offers, MAX_PIPELINES as usize);
		Ok(())
	}

	#[benchmark]
	fn open_round() {
		let (of, owner) = T::BenchmarkSetup::model_for_rounds();

		#[extrinsic_call]
		_(RawOrigin::Signed(owner), of, terms());

		assert!(Rounds::<T>::contains_key(of));
	}

	#[benchmark]
	fn commit() -> Result<(), BenchmarkError> {
		let of = opened::<T>()?;
		let bidder = T::BenchmarkSetup::bidder(0);

		#[extrinsic_call]
		_(RawOrigin::Signed(bidder), of, Digest::zero());

		assert_eq!(Sealed::<T>::iter_keys().count(), 1);
		Ok(())
	}

	/// Every other bid is revealed already.
	#[benchmark]
	fn reveal() -> Result<(), BenchmarkError> {
		let of = opened::<T>()?;
		let bidder = T::BenchmarkSetup::bidder(0);
		let (offer, salt) = (offer(1), Digest::repeat_byte(7));
		let seal = capacity::seal(0, &bidder, &offer, &salt);
		Pallet::<T>::do_commit(bidder.clone(), of, seal)?;
		let most = T::MaxBidders::get();
		put_bids::<T>(of, most.saturating_sub(1));
		go_to::<T>(2);

		#[extrinsic_call]
		_(RawOrigin::Signed(bidder), of, offer, salt);

		assert_eq!(Bids::<T>::get(of).len() as u32, most);
		Ok(())
	}

	#[benchmark]
	fn no_deadline() {
		#[block]
		{
			Pallet::<T>::keep_deadline(9u32.into());
		}
	}

	/// `b`: revealed bids, each of another operator and for two layers. One more was not revealed.
	#[benchmark]
	fn clear_round(b: Linear<0, { T::MaxBidders::get() }>) -> Result<(), BenchmarkError> {
		let of = opened::<T>()?;
		Pallet::<T>::do_commit(T::BenchmarkSetup::bidder(0), of, Digest::zero())?;
		put_bids::<T>(of, b);
		let clears = Rounds::<T>::get(of).map(|round| round.clears);
		let now = clears.ok_or(BenchmarkError::Stop("no round"))?;

		#[block]
		{
			Pallet::<T>::keep_deadline(now);
		}

		assert!(Bids::<T>::get(of).is_empty());
		Ok(())
	}

	/// `w`: winners. The largest plan competes and stands.
	#[benchmark]
	fn close_round(w: Linear<68, { T::MaxBidders::get() }>) {
		let (of, _) = T::BenchmarkSetup::model_for_rounds();
		T::BenchmarkSetup::plan_window(w, terms());

		#[block]
		{
			Pallet::<T>::keep_deadline(2u32.into());
		}

		assert!(!Rounds::<T>::contains_key(of));
	}

	#[benchmark]
	fn forfeit() -> Result<(), BenchmarkError> {
		let of = opened::<T>()?;
		Pallet::<T>::do_commit(T::BenchmarkSetup::bidder(0), of, Digest::zero())?;
		Overdue::<T>::put(BoundedVec::truncate_from(alloc::vec![0]));
		let mut meter = WeightMeter::with_limit(T::WeightInfo::forfeit());

		#[block]
		{
			Pallet::<T>::burn_overdue(&mut meter);
		}

		assert_eq!(Sealed::<T>::iter_keys().count(), 0);
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
				rows: 1,
				base: 0,
				price: 1,
			});
		}

		assert_eq!(T::Queue::waiting(most).len() as u32, most.saturating_sub(1));
		Ok(())
	}
}

/// A round for the largest plan.
fn terms() -> Terms {
	Terms {
		replicas: MAX_REPLICAS as u8,
		jobs: 1,
		reserve: 1_000_000,
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

fn offer(ask: u64) -> Offer {
	Offer {
		ask,
		capacity: 2,
		device: DeviceFigures {
			flops_per_second: 1_000_000_000,
			memory_bytes_per_second: 1_000_000_000,
			download_bytes_per_second: 1_000_000,
			failure_ppm: 0,
		},
	}
}

/// Opens a round in block 0: it is bid for until block 1, and revealed in block 2.
fn opened<T: Config>() -> Result<ModelId, BenchmarkError> {
	go_to::<T>(0);
	let (model, owner) = T::BenchmarkSetup::model_for_rounds();
	Pallet::<T>::do_open_round(owner, model, terms())?;
	Ok(model)
}

fn go_to<T: Config>(block: u32) {
	frame_system::Pallet::<T>::set_block_number(block.into());
}

/// So many revealed bids, the cheapest last.
fn put_bids<T: Config>(model: ModelId, count: u32) {
	let revealed = |number: u32| {
		let who: T::AccountId = account("bid", number, 0);
		let Offer {
			ask,
			capacity,
			device,
		} = offer(u64::from(count.saturating_sub(number)));
		let bid = Bid {
			operator: who.clone(),
			who,
			ask,
			capacity,
			rank: FULL_RANK,
		};
		Revealed { bid, device }
	};
	let bids = (0..count).map(revealed).collect();
	Bids::<T>::insert(model, BoundedVec::truncate_from(bids));
}

fn market<T: Config>() -> Result<Market<T>, BenchmarkError> {
	let jobs = T::Queue::waiting(1);
	if jobs.is_empty() {
		return Err(BenchmarkError::Stop("no job waits"));
	}
	Ok(Market::read(&jobs, &mut WeightMeter::new(), Weight::zero()))
}
