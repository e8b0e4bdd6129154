//! Paid prompts: what is asked, under which limits, with the price on hold.
//!
//! First and last step of the walk. A job waits here after [`Call::submit`], is given to a pipeline by the
//! auction, goes to trial in verification, and comes back with a conclusion: settled (rewards divides the
//! fee), refunded, or, where its client chose that and its workers failed it, run again. It needs nobody's help to end: a job that waits past its deadline is refunded by the
//! chain, and verification ends every trial.
//!
//! | file | duty |
//! |---|---|
//! | `submission` | what may be asked; escrow; cancelling |
//! | `queue` | the waiting jobs, in order and by deadline; the award |
//! | `conclusion` | replies, settlement, refunds |
//! | `rerun` | a job that its workers failed goes back to the queue as another one |
//! | `upkeep` | deadlines and old records, every block |
//! | `try_state` | what always holds |

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod conclusion;
mod queue;
mod record;
mod rerun;
mod submission;
mod try_state;
mod upkeep;
pub mod weights;

pub use pallet::*;
pub use queue::{MIN_RUN_BLOCKS, SEARCH_BLOCKS};
pub use record::{Job, Lineage, Request};
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use crate::{Job, Request, WeightInfo};
	use dllm_primitives::{
		flow::{JobFacts, ModelCatalog, Payouts, PipelineBook, Trials},
		ids::{Bytes, Digest, JobId, ModelId, PipelineId, MAX_INLINE},
		job::{Assurance, Body, Limits, Options, Refund},
	};
	use frame_support::{
		pallet_prelude::*,
		traits::{
			fungible::{Inspect, MutateHold},
			StorageVersion,
		},
	};
	use frame_system::pallet_prelude::*;

	/// A job as it is stored.
	pub(crate) type JobOf<T> = Job<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// Holds the price of a job until it ends.
		type Currency: Inspect<Self::AccountId, Balance = u128>
			+ MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;
		/// Why money is on hold.
		type RuntimeHoldReason: From<HoldReason>;
		/// What can be asked for.
		type Models: ModelCatalog<Self::AccountId>;
		/// Who could run it, and at what price.
		type Book: PipelineBook<Self::AccountId>;
		/// Who judges it.
		type Trials: Trials<Self::AccountId, BlockNumberFor<Self>>;
		/// Who divides its fee.
		type Payouts: Payouts<Self::AccountId, Self::RuntimeHoldReason>;
		/// Jobs that wait at once at most.
		#[pallet::constant]
		type MaxWaiting: Get<u32>;
		/// Waiting jobs whose deadline is the same block at most; also the old records dropped in a block at
		/// most. With `AgendaSize · SEARCH_BLOCKS > MaxWaiting` a job always finds a block.
		#[pallet::constant]
		type AgendaSize: Get<u32>;
		/// Blocks from submission to deadline, at least and at most.
		#[pallet::constant]
		type DeadlineRange: Get<(u32, u32)>;
		/// Blocks for which the record of a finished job is kept for receipts.
		#[pallet::constant]
		type History: Get<BlockNumberFor<Self>>;
		/// What calls and hooks cost.
		type WeightInfo: WeightInfo;
		/// Prepares benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkSetup: crate::benchmarking::BenchmarkSetup;
	}

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(3);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// Why money of an account is on hold.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// The price ceiling of a job that has not ended.
		#[codec(index = 0)]
		Escrow,
	}

	/// Number of the next job.
	#[pallet::storage]
	pub type NextJob<T> = StorageValue<_, JobId, ValueQuery>;

	/// Where every job stands, from its submission until `History` blocks after its end.
	#[pallet::storage]
	pub type Jobs<T: Config> = StorageMap<_, Twox64Concat, JobId, JobOf<T>>;

	/// What was asked, kept apart from where the job stands: the auction reads every waiting job in every
	/// block, and has no use for texts.
	#[pallet::storage]
	pub type Requests<T> = StorageMap<_, Twox64Concat, JobId, Request>;

	/// The reply of a public job as its entry posted it, UTF-8. Verified once the job is settled.
	#[pallet::storage]
	pub type Replies<T> = StorageMap<_, Twox64Concat, JobId, Bytes<MAX_INLINE>>;

	/// The jobs that wait for a pipeline, the oldest first.
	#[pallet::storage]
	pub type Waiting<T: Config> = StorageValue<_, BoundedVec<JobId, T::MaxWaiting>, ValueQuery>;

	/// The waiting jobs that are refunded in a block, unless a pipeline takes them before.
	#[pallet::storage]
	pub type Agenda<T: Config> =
		StorageMap<_, Twox64Concat, BlockNumberFor<T>, BoundedVec<JobId, T::AgendaSize>>;

	/// The finished jobs in the order in which they ended, by a running number.
	#[pallet::storage]
	pub type Ended<T> = StorageMap<_, Twox64Concat, u64, JobId>;

	/// Running number of the oldest entry of `Ended`, and of the next one.
	#[pallet::storage]
	pub type EndedRange<T> = StorageValue<_, (u64, u64), ValueQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A job waits for a pipeline; its price is on hold.
		Submitted {
			/// The job.
			job: JobId,
			/// Who pays.
			client: T::AccountId,
			/// The model asked for.
			model: ModelId,
			/// What is on hold, in planck: the job never costs more.
			max_price: u128,
			/// Block by which it has been run, or is refunded.
			deadline: BlockNumberFor<T>,
		},
		/// A pipeline runs the job.
		Awarded {
			/// The job.
			job: JobId,
			/// The pipeline.
			pipeline: PipelineId,
			/// What it costs at this pipeline's prices if every token asked for is generated, in planck.
			price_ceiling: u128,
		},
		/// The entry posted its reply, which is not verified yet.
		Answered {
			/// The job.
			job: JobId,
			/// Tokens of the reply.
			tokens: u32,
			/// The reply, UTF-8.
			reply: Bytes<MAX_INLINE>,
		},
		/// The reply is verified and paid for.
		Settled {
			/// The job.
			job: JobId,
			/// Who paid.
			client: T::AccountId,
			/// Rows that passed through the ring, all of them charged.
			rows: u32,
			/// Tokens of the reply; 0 where the client was the entry.
			tokens: u32,
			/// What was charged, in planck.
			fee: u128,
			/// What came back from the hold, in planck.
			refunded: u128,
			/// Digest of the sampled tokens; zero where the client was the entry.
			result: Digest,
		},
		/// Nothing was charged; the whole hold came back.
		Refunded {
			/// The job.
			job: JobId,
			/// Whose money came back.
			client: T::AccountId,
			/// Why.
			reason: Refund,
			/// What came back, in planck.
			amount: u128,
		},
		/// Its workers failed a job, and nothing was charged: another job asks the same of other workers, with the
		/// same price on hold.
		Rerun {
			/// The job that failed.
			job: JobId,
			/// The job that takes its place.
			by: JobId,
			/// Whose job it is.
			client: T::AccountId,
			/// Why it failed.
			reason: Refund,
		},
		/// The fee of a served job could not be divided; the job is refunded.
		PaymentFailed {
			/// The job.
			job: JobId,
			/// Why.
			error: DispatchError,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// There is no model of this number.
		UnknownModel,
		/// The model takes no prompts: it is not activated yet, or retired.
		ModelNotActive,
		/// There is no adapter of this number.
		UnknownAdapter,
		/// The adapter takes no prompts any more: it is retired.
		AdapterRetired,
		/// The adapter was made for another model than the job names.
		AdapterOfOtherModel,
		/// A limit is out of its range: 1 to 2048 tokens, temperature up to 5000, top-p 1 to 1000
		/// thousandths, no empty stop text.
		InvalidLimits,
		/// The prompt is empty.
		EmptyPrompt,
		/// The prompt is not valid UTF-8.
		PromptNotUtf8,
		/// A sealed prompt names no peer that may enter the ring.
		NoEntryPeer,
		/// Prompt and reply together exceed what the model can hold. Ask for fewer tokens.
		PromptTooLong,
		/// The deadline is too near or too far; `DeadlineRange` names the blocks allowed.
		DeadlineOutOfRange,
		/// No live pipeline runs this job for the offered price. Offer at least the quoted fee.
		PriceBelowBase,
		/// The free balance does not cover the price ceiling besides the existential deposit.
		InsufficientFunds,
		/// Too many jobs wait already, or have ended of late. Try again in a few blocks.
		QueueFull,
		/// Too many jobs have their deadline about that block. Choose another deadline.
		AgendaFull,
		/// There is no job of this number, or its record was dropped.
		UnknownJob,
		/// Only who submitted the job may cancel it.
		NotClient,
		/// The job does not wait any more.
		NotWaiting,
		/// The pipeline does not exist, does not serve such a job, or has failed it before.
		WrongPipeline,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		/// Refunds the jobs that waited until their deadline, then drops old records.
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			let expired = Self::refund_expired(now);
			let pruned = Self::prune(now);
			T::WeightInfo::on_initialize(expired, pruned)
		}

		fn integrity_test() {
			let (least, most) = T::DeadlineRange::get();
			assert!(
				crate::MIN_RUN_BLOCKS <= least && least <= most,
				"deadlines must leave time to run"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Asks a model for a reply and puts `max_price` planck on hold until the job ends.
		///
		/// `body` is the prompt in public text, or the digest of a sealed one whose client enters the ring.
		/// `limits` say how the reply is sampled and when it ends. The job is charged for what was computed,
		/// never more than `max_price`, and only after verification. Unless it has been run by
		/// `deadline_blocks` from now, everything is refunded. With `assurance` Full its stages are always
		/// executed again, else as often as the chain asks for.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::submit())]
		pub fn submit(
			origin: OriginFor<T>,
			model: ModelId,
			body: Body,
			limits: Limits,
			max_price: u128,
			deadline_blocks: u32,
			assurance: Assurance,
		) -> DispatchResult {
			let client = ensure_signed(origin)?;
			let request = Request {
				body,
				limits,
				assurance,
				options: Options::default(),
			};
			Self::do_submit(client, model, request, max_price, deadline_blocks)
		}

		/// Takes back a job that still waits; everything is refunded.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::cancel())]
		pub fn cancel(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			let client = ensure_signed(origin)?;
			Self::do_cancel(client, job)
		}

		/// Like [`Call::submit`], with what a job may ask for besides.
		///
		/// With `options.on_failure` Rerun, a job that its workers fail – convicted, silent, or at odds – is run
		/// again by another pipeline, up to twice, under the number of another job that takes its hold over, and
		/// not after the deadline. A job may then run for half of the time that is left only, where another
		/// pipeline could take it, so that silence leaves time too. `options.adapter` names an adapter of the
		/// model: every segment adds it to its layers, for this job alone.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::submit_with())]
		// A call has the arguments that wallets show one by one.
		#[allow(clippy::too_many_arguments)]
		pub fn submit_with(
			origin: OriginFor<T>,
			model: ModelId,
			body: Body,
			limits: Limits,
			max_price: u128,
			deadline_blocks: u32,
			assurance: Assurance,
			options: Options,
		) -> DispatchResult {
			let client = ensure_signed(origin)?;
			let request = Request {
				body,
				limits,
				assurance,
				options,
			};
			Self::do_submit(client, model, request, max_price, deadline_blocks)
		}
	}

	impl<T: Config> Pallet<T> {
		/// Where a job stands.
		pub fn job(job: JobId) -> Option<JobOf<T>> {
			Jobs::<T>::get(job)
		}

		/// The reply of a public job, once its entry posted it.
		pub fn reply(job: JobId) -> Option<Bytes<MAX_INLINE>> {
			Replies::<T>::get(job)
		}

		/// Block by which a job has been run, or is refunded.
		pub fn deadline(job: JobId) -> Option<BlockNumberFor<T>> {
			Jobs::<T>::get(job).map(|job| job.deadline)
		}

		/// What a job asks for besides.
		pub fn options(job: JobId) -> Option<Options> {
			Requests::<T>::get(job).map(|request| request.options)
		}

		/// Whether a job asks for an adapter.
		pub(crate) fn names_adapter(job: JobId) -> bool {
			Self::options(job).is_some_and(|options| options.adapter.is_some())
		}

		/// What a worker has to know of a job that it takes part in.
		pub fn facts(job: JobId) -> Option<JobFacts<T::AccountId>> {
			let Job { client, model, .. } = Jobs::<T>::get(job)?;
			let Request {
				body,
				limits,
				assurance,
				options,
			} = Requests::<T>::get(job)?;
			Some(JobFacts {
				client,
				model,
				body,
				limits,
				assurance,
				options,
			})
		}
	}
}
