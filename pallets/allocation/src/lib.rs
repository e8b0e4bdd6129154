//! Plans and the pipelines that they become.
//!
//! Before a prompt can be paid for, somebody says which worker stands for which layers of a model. Anyone
//! may submit such a plan, with a deposit; the pure [`dllm_primitives::plan::check`] decides whether it is
//! feasible, and prices it. Its workers then load their shards and say so; once all have, the pipeline takes
//! jobs from the auction. It ends when its submitter, one of its workers, its failures or the state of its
//! workers and model end it, after its last job.
//!
//! | file | duty |
//! |---|---|
//! | `standing` | what is stored of a pipeline, and what follows from it alone |
//! | `acceptance` | a plan becomes a pipeline; memory is never promised twice |
//! | `tender` | plans that compete for a capacity round, with a score |
//! | `succession` | the best of them, or the chain's own, follows the last round's pipeline |
//! | `life` | ready, leave, close, and the sweep that ends what nobody ends |
//! | `book` | pipelines as jobs, auctions and the runtime API see them |
//! | `try_state` | what always holds |

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod acceptance;
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod book;
mod life;
mod standing;
mod succession;
mod tender;
mod try_state;
pub mod weights;

pub use book::HostedStage;
pub use pallet::*;
pub use standing::{
	Cause, Contender, Hosting, Standing, FAILURES_TO_CLOSE, MAX_HOSTED, MAX_MEMBERS,
};
pub use tender::SCORE_TOLERANCE_PPM;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use crate::{Cause, Contender, Hosting, Standing, WeightInfo};
	use dllm_primitives::{
		flow::{CapacityRounds, ModelCatalog, WorkerPool},
		ids::{ModelId, PipelineId},
		plan::{Plan, PlanError},
	};
	use frame_support::{
		pallet_prelude::*,
		traits::fungible::{Inspect, MutateHold},
	};
	use frame_system::pallet_prelude::*;

	/// A pipeline as it is stored.
	pub(crate) type StandingOf<T> =
		Standing<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// Holds the deposit of a plan while its pipeline stands.
		type Currency: Inspect<Self::AccountId, Balance = u128>
			+ MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;
		/// Why money is on hold.
		type RuntimeHoldReason: From<HoldReason>;
		/// What plans are made for.
		type Models: ModelCatalog<Self::AccountId>;
		/// Whom plans name.
		type Workers: WorkerPool<Self::AccountId, u128, BlockNumberFor<Self>>;
		/// On which footing plans are made.
		type Rounds: CapacityRounds<Self::AccountId>;
		/// Planck on hold while a plan competes and while its pipeline stands.
		#[pallet::constant]
		type PlanDeposit: Get<u128>;
		/// Pipelines of a model at most, up to [`dllm_primitives::plan::MAX_PIPELINES`].
		#[pallet::constant]
		type MaxPipelinesPerModel: Get<u32>;
		/// Blocks within which every worker of an accepted plan says that it is ready.
		#[pallet::constant]
		type PrepareBlocks: Get<BlockNumberFor<Self>>;
		/// What calls and hooks cost.
		type WeightInfo: WeightInfo;
		/// Prepares benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkSetup: crate::benchmarking::BenchmarkSetup<Self::AccountId>;
	}

	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// Why money of an account is on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The deposit of a plan that competes, or whose pipeline stands.
		#[codec(index = 0)]
		Plan,
	}

	/// Number of the next pipeline.
	#[pallet::storage]
	pub type NextPipeline<T> = StorageValue<_, PipelineId, ValueQuery>;

	/// The pipelines that are not closed.
	#[pallet::storage]
	pub type Pipelines<T: Config> = StorageMap<_, Twox64Concat, PipelineId, StandingOf<T>>;

	/// The pipelines of a model that are not closed, the oldest first.
	#[pallet::storage]
	pub type ByModel<T: Config> = StorageMap<
		_,
		Twox64Concat,
		ModelId,
		BoundedVec<PipelineId, T::MaxPipelinesPerModel>,
		ValueQuery,
	>;

	/// What a worker has promised: the memory that its pipelines take together, and which they are.
	#[pallet::storage]
	pub type Hosted<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, Hosting, ValueQuery>;

	/// The pipeline that the sweep looked at last.
	#[pallet::storage]
	pub type Swept<T> = StorageValue<_, PipelineId>;

	/// The best plan so far for the capacity round of a model, in its plan window.
	#[pallet::storage]
	pub type Contenders<T: Config> = StorageMap<_, Twox64Concat, ModelId, Contender<T::AccountId>>;

	/// The pipeline of the last capacity round of a model, while it stands.
	#[pallet::storage]
	pub type Incumbents<T> = StorageMap<_, Twox64Concat, ModelId, PipelineId>;

	/// The pipeline that takes the place of another one once it is live.
	#[pallet::storage]
	pub type Successors<T> = StorageMap<_, Twox64Concat, PipelineId, PipelineId>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A plan stands; its workers now load their shards.
		PlanAccepted {
			/// The pipeline that it becomes.
			pipeline: PipelineId,
			/// The model.
			model: ModelId,
			/// Whose deposit is on hold.
			submitter: T::AccountId,
			/// Planck × 10⁹ for one token through all stages.
			cost: u128,
		},
		/// A worker has loaded its shards.
		WorkerReady {
			/// The pipeline.
			pipeline: PipelineId,
			/// The worker.
			worker: T::AccountId,
		},
		/// Every worker is ready: the pipeline takes jobs.
		PipelineLive {
			/// The pipeline.
			pipeline: PipelineId,
			/// Its model.
			model: ModelId,
		},
		/// The pipeline takes no more jobs and closes after its last one.
		PipelineDraining {
			/// The pipeline.
			pipeline: PipelineId,
			/// Why.
			cause: Cause,
		},
		/// The pipeline is over; its workers' memory is free and the deposit is back.
		PipelineClosed {
			/// The pipeline.
			pipeline: PipelineId,
			/// Its model.
			model: ModelId,
		},
		/// A plan is the best so far for the capacity round of a model.
		PlanLeads {
			/// The model.
			model: ModelId,
			/// Whose deposit is on hold.
			submitter: T::AccountId,
			/// Its cost as the chain finds it, in femtoseconds.
			score: u128,
		},
		/// A plan was submitted with a score that it does not have; its deposit is burned.
		FalseScore {
			/// The model.
			model: ModelId,
			/// Who lost the deposit.
			submitter: T::AccountId,
			/// What was claimed, in femtoseconds.
			claimed: u128,
			/// What the chain found.
			found: u128,
			/// What was burned, in planck.
			burned: u128,
		},
		/// The best plan of a capacity round does not beat what stands by more than the cost of moving.
		IncumbentStays {
			/// The pipeline that stays.
			pipeline: PipelineId,
			/// Its model.
			model: ModelId,
			/// Score of the best plan, in femtoseconds.
			score: u128,
		},
		/// A plan of a capacity round cannot stand any more.
		PlanFailed {
			/// The model.
			model: ModelId,
			/// Why.
			error: DispatchError,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The model has a capacity round in progress. In its plan window, submit the plan with `compete`.
		RoundInProgress,
		/// The model has no capacity round whose plans compete now.
		NoPlanWindow,
		/// The plan has another number of jobs at once, or of replicas, than the round asks for.
		NotAsTendered,
		/// A worker of a segment did not win in the round.
		NotWinner,
		/// A segment is longer than what one of its workers won.
		MoreThanWon,
		/// The figures that a worker revealed do not give the plan a score.
		NoScore,
		/// A plan of the same or a lower score competes already.
		NotBetter,
		/// There is no model of this number.
		UnknownModel,
		/// The model takes no plans: it is not activated yet, or retired.
		ModelNotActive,
		/// The segments do not cover every layer once, in order, without a gap.
		Coverage,
		/// A segment, or the entry, has fewer than two workers.
		TooFewReplicas,
		/// A worker stands in two segments, or twice in the same stage.
		WorkerTwice,
		/// A worker is not registered.
		UnknownWorker,
		/// A worker may not be given work now: it is pending, leaving or banned.
		WorkerNotActive,
		/// A worker does not offer the role that the plan gives it.
		RoleNotOffered,
		/// Two workers of one stage have the same operator.
		OperatorTwice,
		/// A worker's declared memory cannot hold its weights and caches.
		Memory,
		/// The number of slots is not between 1 and 8.
		Slots,
		/// A worker's memory is promised to other pipelines. Wait until they close, or name another worker.
		MemoryTaken,
		/// A worker stands in too many pipelines.
		HostsTooMany,
		/// The model has all the pipelines that it may have, and none that is still preparing costs more.
		TooManyPipelines,
		/// The free balance does not cover the deposit besides the existential deposit.
		InsufficientFunds,
		/// There is no pipeline of this number, or it is closed.
		UnknownPipeline,
		/// Only a worker of the pipeline may say this.
		NotMember,
		/// The pipeline does not wait for its workers any more.
		NotPreparing,
		/// The worker has said so already.
		AlreadyReady,
		/// The pipeline takes no more jobs already; it closes after its last one.
		AlreadyDraining,
		/// Only its submitter may close a pipeline in order: its model is active, its workers are, and they
		/// are ready or still have time.
		InOrder,
		/// The pipeline has no free slot.
		NoFreeSlot,
	}

	impl<T> From<PlanError> for Error<T> {
		fn from(error: PlanError) -> Self {
			match error {
				PlanError::Coverage => Self::Coverage,
				PlanError::TooFewReplicas => Self::TooFewReplicas,
				PlanError::WorkerTwice => Self::WorkerTwice,
				PlanError::UnknownWorker => Self::UnknownWorker,
				PlanError::WorkerNotActive => Self::WorkerNotActive,
				PlanError::RoleNotOffered => Self::RoleNotOffered,
				PlanError::OperatorTwice => Self::OperatorTwice,
				PlanError::Memory => Self::Memory,
				PlanError::Slots => Self::Slots,
			}
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Looks at one pipeline, and ends it where anyone might.
		fn on_idle(now: BlockNumberFor<T>, remaining: Weight) -> Weight {
			let weight = T::WeightInfo::sweep();
			if !remaining.all_gte(weight) {
				return Weight::zero();
			}
			Self::sweep(now);
			weight
		}

		fn integrity_test() {
			let most = T::MaxPipelinesPerModel::get();
			assert!(most > 0, "no plan could stand");
			assert!(
				most <= dllm_primitives::plan::MAX_PIPELINES,
				"more than an auction can read"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Proposes who stands for which layers of a model; a deposit is on hold until the pipeline closes.
		///
		/// The plan stands at once if it is feasible. Where the model has all the pipelines that it may have,
		/// a cheaper plan takes the place of the dearest one that is still preparing.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::submit_plan())]
		pub fn submit_plan(origin: OriginFor<T>, plan: Plan<T::AccountId>) -> DispatchResult {
			let submitter = ensure_signed(origin)?;
			Self::do_submit_plan(submitter, plan)
		}

		/// A worker has loaded the shards of all its stages of the pipeline. Free of charge.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::ready())]
		pub fn ready(origin: OriginFor<T>, pipeline: PipelineId) -> DispatchResultWithPostInfo {
			let worker = ensure_signed(origin)?;
			Self::do_ready(worker, pipeline)?;
			Ok(Pays::No.into())
		}

		/// A worker wants to stand for the pipeline no longer: it takes no more jobs. Free of charge.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::leave())]
		pub fn leave(origin: OriginFor<T>, pipeline: PipelineId) -> DispatchResultWithPostInfo {
			let worker = ensure_signed(origin)?;
			Self::do_leave(worker, pipeline)?;
			Ok(Pays::No.into())
		}

		/// Ends a pipeline after its last job. Its submitter may always; anyone may where the pipeline was
		/// not ready in time, a worker of it is no longer active, or its model is not.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::close())]
		pub fn close(origin: OriginFor<T>, pipeline: PipelineId) -> DispatchResult {
			let who = ensure_signed(origin)?;
			Self::do_close(who, pipeline)
		}

		/// Proposes a plan for the winners of a model's capacity round, in its plan window. `score` is its cost
		/// by the chain's cost model in femtoseconds, to within 1 ppm: where it is not, the deposit is burned.
		/// The best plan of the window stands when it closes; the deposit of a beaten one comes back.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::compete())]
		pub fn compete(
			origin: OriginFor<T>,
			plan: Plan<T::AccountId>,
			#[pallet::compact] score: u128,
		) -> DispatchResult {
			let submitter = ensure_signed(origin)?;
			Self::do_compete(submitter, plan, score)
		}
	}
}
