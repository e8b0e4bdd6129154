//! The two markets: jobs for slots of pipelines in every block, and now and then workers for the layers of a
//! model.
//!
//! The *job auction* is the second step of the walk, between `jobs` (who waits) and `allocation` (who runs).
//! It is held in what weight a block leaves over, after the block's own calls, so that a job submitted in a
//! block is awarded in the same block. Who gets what, and at which price, is decided by the pure function
//! [`dllm_primitives::auction::award`]. There is nothing to call.
//!
//! A *capacity round* is opened by the owner of a model. Miners seal bids, reveal them, and the chain clears
//! them with the pure [`dllm_primitives::capacity::clear`]; then plans for the winners compete in
//! `allocation`, at the winners' critical prices. A model without a round is planned at posted prices.
//!
//! | file | duty |
//! |---|---|
//! | `market`, `round` | the job auction of a block |
//! | `capacity` | a capacity round is opened, bids are sealed and revealed |
//! | `clearing` | the chain clears and closes it, and burns the deposits of bids not revealed |
//! | `record` | what is stored of a capacity round |
//! | `try_state` | what always holds |

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod capacity;
mod clearing;
mod market;
mod record;
mod round;
mod try_state;
pub mod weights;

pub use pallet::*;
pub use record::{Revealed, Round, SealedBid, MAX_ROUNDS, SEARCH_BLOCKS};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use crate::{Revealed, Round, SealedBid, WeightInfo, MAX_ROUNDS};
	use dllm_primitives::{
		capacity::{Offer, RoundId, Terms, Won},
		flow::{JobQueue, ModelCatalog, PipelineBook, RoundPlans, WorkerPool, WorkerRanks},
		ids::{Digest, JobId, ModelId, PipelineId},
		plan,
	};
	use frame_support::{
		pallet_prelude::*,
		traits::{
			fungible::{Inspect, MutateHold},
			StorageVersion,
		},
		weights::WeightMeter,
	};
	use frame_system::pallet_prelude::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// What the jobs ask for.
		type Models: ModelCatalog<Self::AccountId>;
		/// Who could run them, and what becomes of the plans of a capacity round.
		type Book: PipelineBook<Self::AccountId> + RoundPlans<Self::AccountId>;
		/// Who waits.
		type Queue: JobQueue<u128, BlockNumberFor<Self>>;
		/// Waiting jobs that a block looks at, at most. Below the length of the queue, jobs that nobody can
		/// serve keep younger ones from being seen until their deadline.
		#[pallet::constant]
		type MaxConsidered: Get<u32>;
		/// Awards of a block at most.
		#[pallet::constant]
		type MaxAwards: Get<u32>;
		/// Who bids for capacity.
		type Workers: WorkerPool<Self::AccountId, u128, BlockNumberFor<Self>>
			+ WorkerRanks<Self::AccountId>;
		/// Holds the deposits of sealed bids.
		type Currency: Inspect<Self::AccountId, Balance = u128>
			+ MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;
		/// Why money is on hold.
		type RuntimeHoldReason: From<HoldReason>;
		/// Bids of a capacity round at most.
		#[pallet::constant]
		type MaxBidders: Get<u32>;
		/// What the calls and steps of both markets cost.
		type WeightInfo: WeightInfo;
		/// Prepares benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkSetup: crate::benchmarking::BenchmarkSetup<Self::AccountId>;
	}

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// Why money of an account is on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit of a sealed bid; it is burned if the bid is not revealed.
		#[codec(index = 0)]
		Bid,
	}

	/// Number of the next capacity round.
	#[pallet::storage]
	pub type NextRound<T> = StorageValue<_, RoundId, ValueQuery>;

	/// The round of a model that is in progress.
	#[pallet::storage]
	pub type Rounds<T: Config> =
		CountedStorageMap<_, Twox64Concat, ModelId, Round<BlockNumberFor<T>>>;

	/// The model whose round is cleared or closed in a block.
	#[pallet::storage]
	pub type Agenda<T: Config> = StorageMap<_, Twox64Concat, BlockNumberFor<T>, ModelId>;

	/// The bids of a round that are sealed.
	#[pallet::storage]
	pub type Sealed<T: Config> =
		StorageDoubleMap<_, Twox64Concat, RoundId, Blake2_128Concat, T::AccountId, SealedBid>;

	/// The bids for a model that are revealed, until they are cleared.
	#[pallet::storage]
	pub type Bids<T: Config> = StorageMap<
		_,
		Twox64Concat,
		ModelId,
		BoundedVec<Revealed<T::AccountId>, T::MaxBidders>,
		ValueQuery,
	>;

	/// Who won the round of a model, until its plan window closes.
	#[pallet::storage]
	pub type Winners<T: Config> = StorageMap<
		_,
		Twox64Concat,
		ModelId,
		BoundedVec<Won<T::AccountId>, T::MaxBidders>,
		ValueQuery,
	>;

	/// Rounds that are cleared and of which bids were not revealed: their deposits are burned, the oldest
	/// round first.
	#[pallet::storage]
	pub type Overdue<T> = StorageValue<_, BoundedVec<RoundId, ConstU32<MAX_ROUNDS>>, ValueQuery>;

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
		/// A capacity round is open: bids may be sealed.
		RoundOpened {
			/// The round.
			round: RoundId,
			/// The model.
			model: ModelId,
			/// What it asks for.
			terms: Terms,
		},
		/// A bid was sealed; its deposit is on hold.
		BidSealed {
			/// The round.
			round: RoundId,
			/// The worker.
			bidder: T::AccountId,
		},
		/// A bid was revealed; its deposit is back.
		BidRevealed {
			/// The round.
			round: RoundId,
			/// The worker.
			bidder: T::AccountId,
			/// What it asks, in planck per GFLOP.
			ask: u64,
			/// Layers that it would host at most.
			capacity: u32,
			/// Its rank in parts per million.
			rank: u32,
		},
		/// The bids are cleared: plans for the winners may compete.
		RoundCleared {
			/// The round.
			round: RoundId,
			/// The model.
			model: ModelId,
			/// Workers that won.
			winners: u32,
			/// Layer slots that they won together.
			slots: u32,
		},
		/// The bids below the reserve do not cover every layer; the round is over.
		RoundFailed {
			/// The round.
			round: RoundId,
			/// The model.
			model: ModelId,
			/// Layer slots that could have been bought.
			bought: u32,
			/// Layer slots that were asked for.
			wanted: u32,
		},
		/// The plan window is over, and the round with it.
		RoundClosed {
			/// The round.
			round: RoundId,
			/// The model.
			model: ModelId,
			/// The pipeline of the best plan; none where no plan was feasible or better than what stands.
			pipeline: Option<PipelineId>,
		},
		/// A bid was not revealed in time, and its deposit is burned.
		BidForfeited {
			/// The round.
			round: RoundId,
			/// The worker.
			bidder: T::AccountId,
			/// What was burned, in planck.
			burned: u128,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// There is no model of this number.
		UnknownModel,
		/// The model takes no plans: it is not activated yet, or retired.
		ModelNotActive,
		/// Only the owner of a model opens its capacity rounds.
		NotModelOwner,
		/// No round can be held on these terms: 2 to 4 replicas, 1 to 8 jobs, a reserve and a deposit above
		/// 0, windows of 1 to 28 800 blocks, and a workload and a link that can be.
		InvalidTerms,
		/// The model has a round in progress.
		RoundInProgress,
		/// Too many rounds are in progress. Try again later.
		TooManyRounds,
		/// The model has no round in progress.
		NoRound,
		/// Bids can no longer be sealed in this round.
		NotCommitting,
		/// Bids cannot be revealed now: they are still being sealed, or the round is cleared.
		NotRevealing,
		/// The worker has sealed a bid in this round.
		AlreadySealed,
		/// The worker has no sealed bid in this round, or has revealed it.
		NoSealedBid,
		/// Offer and salt are not what was sealed.
		SealBroken,
		/// The round has all the bids that it may have.
		TooManyBidders,
		/// Only an active worker in the miner role bids.
		NotMiner,
		/// A bid offers at least one layer and at most those of the model.
		CapacityOutOfRange,
		/// The worker's memory cannot hold so many of the model's largest layer. Offer fewer.
		CapacityBeyondMemory,
		/// The figures of the device cannot be true. Check their units.
		ImplausibleDevice,
		/// The free balance does not cover the deposit besides the existential deposit.
		InsufficientFunds,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Clears or closes the capacity round that is due.
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			Self::keep_deadline(now)
		}

		/// Holds the auction of the block with the weight that is left, and burns overdue deposits with the
		/// rest.
		fn on_idle(_: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let mut meter = WeightMeter::with_limit(remaining);
			Self::hold_auction(&mut meter);
			Self::burn_overdue(&mut meter);
			meter.consumed()
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}

		fn integrity_test() {
			assert!(
				T::MaxConsidered::get() > 0 && T::MaxAwards::get() > 0,
				"no job could be awarded"
			);
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Opens a capacity round for a model, as its owner. Until it is closed, plans for the model are made
		/// for the winners only; standing pipelines go on.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::open_round())]
		pub fn open_round(origin: OriginFor<T>, model: ModelId, terms: Terms) -> DispatchResult {
			let owner = ensure_signed(origin)?;
			Self::do_open_round(owner, model, terms)
		}

		/// Seals the calling worker's bid: `seal` is the blake3 digest of round, bidder, offer and salt. A
		/// deposit is on hold until the bid is revealed.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::commit())]
		pub fn commit(origin: OriginFor<T>, model: ModelId, seal: Digest) -> DispatchResult {
			let bidder = ensure_signed(origin)?;
			Self::do_commit(bidder, model, seal)
		}

		/// Reveals the calling worker's sealed bid.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::reveal())]
		pub fn reveal(
			origin: OriginFor<T>,
			model: ModelId,
			offer: Offer,
			salt: Digest,
		) -> DispatchResult {
			let bidder = ensure_signed(origin)?;
			Self::do_reveal(bidder, model, offer, salt)
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
