//! The pool of workers: who runs them, what they offer, and the bond that answers for their honesty.
//!
//! A worker is an account with a machine behind it. It registers with a bond; where another account is
//! named as its operator, that account confirms it first, because replicas of a segment must never share
//! an operator. Allocation plans active workers, verification draws, engages and judges them; both do so
//! through [`dllm_primitives::flow::WorkerPool`].
//!
//! Calls and storage are declared here. `membership` lets workers in and out, `bonding` moves bonds, `pool`
//! answers the other pallets, `slashing` punishes, `standing` ranks, `links` keeps what workers measured of
//! the way to each other, `verifiers` the index of those that may be drawn, `try_state` states what always
//! holds.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod bonding;
mod links;
mod membership;
mod pool;
mod slashing;
mod standing;
mod try_state;
mod verifiers;
pub mod weights;

#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;

pub use dllm_primitives::slash::{
	CONVICTORS_PERCENT, OUTVOTED_PAY_FACTOR, SLASH_BOND_PERCENT, SLASH_PAY_FACTOR, USER_PERCENT,
	WITHHELD_PAY_FACTOR,
};
pub use links::LinkOf;
pub use pallet::*;
pub use verifiers::MAX_LOOKS;
pub use weights::WeightInfo;

use dllm_primitives::miner::Worker;
use frame_system::pallet_prelude::BlockNumberFor;

/// A worker of this runtime.
pub type WorkerOf<T> = Worker<<T as frame_system::Config>::AccountId, u128, BlockNumberFor<T>>;

#[frame_support::pallet]
pub mod pallet {
	use crate::{WeightInfo, WorkerOf};
	use dllm_primitives::{
		ids::PeerId,
		links::{Links, Report},
		miner::WorkerSpec,
		rank::Quality,
	};
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, StorageVersion},
	};
	use frame_system::pallet_prelude::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(2);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// Where bonds are held.
		type Currency: fungible::Mutate<Self::AccountId, Balance = u128>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;
		/// The runtime's hold reasons, ours among them.
		type RuntimeHoldReason: From<HoldReason>;
		/// Bond that an active worker has at least, in planck.
		#[pallet::constant]
		type MinBond: Get<u128>;
		/// Blocks from `unbond` to the free bond: longer than any trial, so that work done before is
		/// still answered for.
		#[pallet::constant]
		type UnbondDelay: Get<BlockNumberFor<Self>>;
		/// Workers in the pool at most, banned ones included.
		#[pallet::constant]
		type MaxWorkers: Get<u32>;
		/// Blocks from a worker's report of its links to its next one at least.
		#[pallet::constant]
		type LinkReportPause: Get<BlockNumberFor<Self>>;
		/// Blocks for which a report counts: several times the pause, so that one that is late leaves no
		/// gap.
		#[pallet::constant]
		type LinkReportLifetime: Get<BlockNumberFor<Self>>;
		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Bond of a worker; it is slashed when the worker is convicted of cheating.
		Bond,
	}

	/// The pool: every worker by its account.
	#[pallet::storage]
	pub type Workers<T: Config> =
		CountedStorageMap<_, Blake2_128Concat, T::AccountId, WorkerOf<T>, OptionQuery>;

	/// The worker that has a libp2p identity.
	#[pallet::storage]
	pub type WorkerOfPeer<T: Config> =
		StorageMap<_, Blake2_128Concat, PeerId, T::AccountId, OptionQuery>;

	/// What the verified work of a worker says of it, and what its neighbours say of its reports; nothing for one
	/// that has done none and was not contradicted.
	#[pallet::storage]
	pub type Qualities<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, Quality, OptionQuery>;

	/// What a worker was paid, or is going to be, for work that nobody executed again since it last passed a
	/// check, in planck; nothing where that is none.
	#[pallet::storage]
	pub type UnverifiedPay<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, u128, OptionQuery>;

	/// What a worker measured of its links to others, the last time that it said so. It stays until the worker
	/// reports again or leaves, and counts for [`Config::LinkReportLifetime`].
	#[pallet::storage]
	pub type LinkReports<T: Config> = StorageMap<
		_,
		Blake2_128Concat,
		T::AccountId,
		Report<T::AccountId, BlockNumberFor<T>>,
		OptionQuery,
	>;

	/// Number of workers that may be drawn as verifiers.
	#[pallet::storage]
	pub type VerifierCount<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// The workers that may be drawn as verifiers, numbered from 0 without a gap.
	#[pallet::storage]
	pub type VerifierAt<T: Config> = StorageMap<_, Twox64Concat, u32, T::AccountId, OptionQuery>;

	/// Number of a worker among those that may be drawn as verifiers.
	#[pallet::storage]
	pub type VerifierNumber<T: Config> =
		StorageMap<_, Blake2_128Concat, T::AccountId, u32, OptionQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A worker registered. If it is not its own operator, it waits for the operator's word.
		Registered {
			/// The worker's account.
			worker: T::AccountId,
			/// Who runs it.
			operator: T::AccountId,
			/// Its bond, now on hold, in planck.
			bond: u128,
		},
		/// The operator confirmed a worker; it may be given work.
		Accepted {
			/// The worker.
			worker: T::AccountId,
			/// Who runs it.
			operator: T::AccountId,
		},
		/// A worker changed its identity, addresses, roles, memory or price.
		Updated {
			/// The worker.
			worker: T::AccountId,
		},
		/// A worker's bond grew.
		BondExtended {
			/// The worker.
			worker: T::AccountId,
			/// The bond now, in planck.
			bond: u128,
		},
		/// A worker gets no more work; its bond can be withdrawn later.
		Unbonding {
			/// The worker.
			worker: T::AccountId,
			/// Block from which the bond can be withdrawn.
			free_from: BlockNumberFor<T>,
		},
		/// A worker that was leaving stays and may be given work again.
		Rebonded {
			/// The worker.
			worker: T::AccountId,
		},
		/// A worker left the pool and has its bond back.
		Withdrawn {
			/// The worker.
			worker: T::AccountId,
			/// What was released, in planck.
			bond: u128,
		},
		/// A worker was convicted of cheating and lost bond.
		Slashed {
			/// The worker.
			worker: T::AccountId,
			/// What was taken from its bond, in planck: the following three together.
			amount: u128,
			/// What the user of the job got.
			to_user: u128,
			/// What the workers that convicted it got together.
			to_convictors: u128,
			/// What was burned.
			burned: u128,
		},
		/// A worker was checked and did not open what it had committed to.
		Forfeited {
			/// The worker.
			worker: T::AccountId,
			/// What was taken from its bond, in planck: the following two together.
			amount: u128,
			/// What the user of the job got.
			to_user: u128,
			/// What was burned.
			burned: u128,
		},
		/// Governance found that what a worker lost was no fault of its own.
		Acquitted {
			/// The worker.
			worker: T::AccountId,
			/// What came back into its bond, in planck.
			amount: u128,
		},
		/// A worker was convicted again and never gets work any more.
		Banned {
			/// The worker.
			worker: T::AccountId,
		},
		/// A worker reported what it measured of its links.
		LinksReported {
			/// The worker.
			worker: T::AccountId,
			/// Number of links.
			links: u32,
		},
		/// What a worker reports of its links is contradicted by most of the operators at their other ends. Again
		/// and again, that lowers its rank.
		ReportContradicted {
			/// The worker.
			worker: T::AccountId,
			/// How its reports were answered of late, in parts per million: always contradicted is a million, and
			/// up to a quarter costs nothing.
			doubt: u32,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// This account is not a registered worker.
		NotRegistered,
		/// This account is a registered worker.
		AlreadyRegistered,
		/// The pool has no place for another worker.
		PoolFull,
		/// The bond is below the least bond of an active worker.
		BondTooLow,
		/// A worker must offer at least one role.
		NoRole,
		/// A worker must name its libp2p identity.
		NoPeerId,
		/// Another worker has this libp2p identity.
		PeerTaken,
		/// An address is empty or not text.
		BadAddress,
		/// The worker does not wait for a confirmation.
		NotPending,
		/// Only the operator that the worker named can confirm it.
		NotOperator,
		/// Only an active worker can unbond, or report links.
		NotActive,
		/// The worker is not unbonding.
		NotUnbonding,
		/// The worker is leaving; let it rebond first.
		Leaving,
		/// The worker is part of an open job.
		Engaged,
		/// The bond is not free yet, or the worker reported its links a moment ago.
		TooEarly,
		/// The worker was convicted twice and is out for good.
		Banned,
		/// A link leads to another worker, not back to the same one.
		LinkToItself,
		/// A report names each link once.
		DuplicateLink,
		/// A link leads to an account that is not a registered worker.
		UnknownPeer,
		/// No link has such a round trip, jitter, loss or bandwidth: check the unit.
		ImplausibleLink,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Registers the calling account as a worker and puts its bond on hold. Without an operator the
		/// worker is its own and active at once; another operator has to accept it first.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::register())]
		pub fn register(
			origin: OriginFor<T>,
			operator: Option<T::AccountId>,
			spec: WorkerSpec,
			bond: u128,
		) -> DispatchResult {
			let worker = ensure_signed(origin)?;
			Self::do_register(worker, operator, spec, bond)
		}

		/// Confirms, as its operator, that one runs a worker; it becomes active.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::accept_worker())]
		pub fn accept_worker(origin: OriginFor<T>, worker: T::AccountId) -> DispatchResult {
			let operator = ensure_signed(origin)?;
			Self::do_accept_worker(operator, worker)
		}

		/// Replaces what the calling worker declared; not while it is part of an open job. Standing
		/// pipelines keep the price at which they were accepted.
		#[pallet::call_index(2)]
		#[pallet::weight(T::WeightInfo::update())]
		pub fn update(origin: OriginFor<T>, spec: WorkerSpec) -> DispatchResult {
			let worker = ensure_signed(origin)?;
			Self::do_update(worker, spec)
		}

		/// Adds to the calling worker's bond.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::bond_extra())]
		pub fn bond_extra(origin: OriginFor<T>, #[pallet::compact] amount: u128) -> DispatchResult {
			let worker = ensure_signed(origin)?;
			Self::do_bond_extra(worker, amount)
		}

		/// Lets the calling worker leave: no more work, and the bond is free after the delay. Not while
		/// it is part of an open job.
		#[pallet::call_index(4)]
		#[pallet::weight(T::WeightInfo::unbond())]
		pub fn unbond(origin: OriginFor<T>) -> DispatchResult {
			let worker = ensure_signed(origin)?;
			Self::do_unbond(worker)
		}

		/// Takes the calling worker's leave back. Its bond must be enough for an active worker.
		#[pallet::call_index(5)]
		#[pallet::weight(T::WeightInfo::rebond())]
		pub fn rebond(origin: OriginFor<T>) -> DispatchResult {
			let worker = ensure_signed(origin)?;
			Self::do_rebond(worker)
		}

		/// Releases the whole bond and removes the calling worker from the pool: after the delay, or at
		/// once if its operator never confirmed it.
		#[pallet::call_index(6)]
		#[pallet::weight(T::WeightInfo::withdraw())]
		pub fn withdraw(origin: OriginFor<T>) -> DispatchResult {
			let worker = ensure_signed(origin)?;
			Self::do_withdraw(worker)
		}

		/// Says what the calling worker measured of its links to others; replaces its last report. Figures
		/// count together with those of the other ends, the worse of both; a worker that most of the other ends
		/// contradict, again and again, loses rank. Free of charge.
		#[pallet::call_index(7)]
		#[pallet::weight(T::WeightInfo::report_links(links.len() as u32))]
		pub fn report_links(
			origin: OriginFor<T>,
			links: Links<T::AccountId>,
		) -> DispatchResultWithPostInfo {
			let worker = ensure_signed(origin)?;
			Self::do_report_links(worker, links)?;
			Ok(Pays::No.into())
		}
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}
}
