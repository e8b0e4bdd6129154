//! The job auction: in every block, waiting jobs go to free slots of live pipelines.
//!
//! Second step of the walk, between `jobs` (who waits) and `allocation` (who runs). It is held in what
//! weight a block leaves over, after the block's own calls, so that a job submitted in a block is awarded in
//! the same block. Who gets what is decided by the pure function [`dllm_primitives::auction::award`]:
//! highest bid for a row first, each at the cheapest pipeline that it can pay.
//!
//! There is nothing to call here. Pipelines ask their posted prices; the capacity round, in which workers
//! bid for the right to host a segment, comes to this pallet when it is built.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod market;
mod round;
pub mod weights;

pub use pallet::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use crate::WeightInfo;
	use dllm_primitives::{
		flow::{JobQueue, ModelCatalog, PipelineBook},
		ids::{JobId, ModelId, PipelineId},
		plan,
	};
	use frame_support::{pallet_prelude::*, weights::WeightMeter};
	use frame_system::pallet_prelude::*;

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// What the jobs ask for.
		type Models: ModelCatalog<Self::AccountId>;
		/// Who could run them.
		type Book: PipelineBook<Self::AccountId>;
		/// Who waits.
		type Queue: JobQueue<u128, BlockNumberFor<Self>>;
		/// Waiting jobs that a block looks at, at most. Below the length of the queue, jobs that nobody can
		/// serve keep younger ones from being seen until their deadline.
		#[pallet::constant]
		type MaxConsidered: Get<u32>;
		/// Awards of a block at most.
		#[pallet::constant]
		type MaxAwards: Get<u32>;
		/// What the steps of an auction cost.
		type WeightInfo: WeightInfo;
		/// Prepares benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkSetup: crate::benchmarking::BenchmarkSetup;
	}

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A job won a slot and could not be handed over; it waits on, and the slot is free again.
		AwardFailed {
			/// The job.
			job: JobId,
			/// The pipeline.
			pipeline: PipelineId,
			/// Why.
			error: DispatchError,
		},
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Holds the auction of the block with the weight that is left.
		fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let mut meter = WeightMeter::with_limit(remaining);
			Self::hold_auction(&mut meter);
			meter.consumed()
		}

		fn integrity_test() {
			assert!(
				T::MaxConsidered::get() > 0 && T::MaxAwards::get() > 0,
				"no job could be awarded"
			);
		}
	}

	impl<T: Config> Pallet<T> {
		/// Lowest fee in planck for a prompt and a reply of so many tokens, over the live pipelines that
		/// serve such a job, whether or not they have a free slot now; none where there is no such pipeline.
		pub fn quote(
			model: ModelId,
			prompt_tokens: u32,
			max_tokens: u32,
			own_entry: bool,
		) -> Option<u128> {
			let model = T::Models::active(model)?;
			let rows = prompt_tokens.saturating_add(max_tokens);
			plan::cheapest_fee(&T::Book::live(model.id), &model.spec, rows, own_entry)
		}
	}
}
