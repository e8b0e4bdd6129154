//! Proof of AI work: verified work becomes weight in the draw of block authors, and nothing else.
//!
//! Last step of the walk. Settlement reports what of a fee is lost for good (burned or the treasury's);
//! that is credit of the validator whose worker earned it. Credit fades session by session. At the turn
//! of a session this pallet hands BABE the next authorities with their weights, in the place where BABE's
//! own handler would hand them over with weight 1. GRANDPA keeps weight 1 for everybody: AI work never
//! buys finality. Elections, rewards and slashes of stake belong to the staking pallet.
//!
//! Storage and calls are declared here; `session` weighs authorities, `ledger` keeps credit, `links` ties
//! workers to validators, `pot` pays rebates, [`weighing`] is the pure arithmetic of all of it.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod ledger;
mod links;
mod pot;
mod session;
mod try_state;
mod views;
pub mod weighing;
pub mod weights;

pub use ledger::{Entry, StakeBook};
pub use links::{Link, LinkState};
pub use pallet::*;
pub use weights::WeightInfo;

/// Money, as this pallet's configuration names it: the session pallet's has a name of its own.
pub type CurrencyOf<T> = <T as Config>::Currency;

#[frame_support::pallet]
pub mod pallet {
	use crate::{Entry, Link, StakeBook, WeightInfo};
	use dllm_primitives::poaw::Params;
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, StorageVersion},
		PalletId, WeakBoundedVec,
	};
	use frame_system::pallet_prelude::*;
	use sp_staking::SessionIndex;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config:
		frame_system::Config<RuntimeEvent: From<Event<Self>>>
		+ pallet_session::Config<ValidatorId = <Self as frame_system::Config>::AccountId>
		+ pallet_babe::Config
	{
		/// Where deposits are held and rebates paid.
		type Currency: fungible::Mutate<Self::AccountId, Balance = u128>
			+ fungible::Balanced<Self::AccountId>
			+ fungible::MutateHold<Self::AccountId, Reason = Self::RuntimeHoldReason>;
		/// The runtime's hold reasons, ours among them.
		type RuntimeHoldReason: From<HoldReason>;
		/// Own bonds of validators, and what a session pays them.
		type Stakes: StakeBook<Self::AccountId>;
		/// Who may set the rules.
		type GovernanceOrigin: EnsureOrigin<Self::RuntimeOrigin>;
		/// Deposit of a worker that asks to be linked, in planck.
		#[pallet::constant]
		type LinkDeposit: Get<u128>;
		/// Sessions for which the work of a convicted worker's validator does not count.
		#[pallet::constant]
		type BanSessions: Get<SessionIndex>;
		/// Sessions that a worker's convictions still reach its former validator: longer than any trial.
		#[pallet::constant]
		type UnlinkSessions: Get<SessionIndex>;
		/// Names the account of the pot.
		#[pallet::constant]
		type PotId: Get<PalletId>;
		/// Weights of the calls.
		type WeightInfo: WeightInfo;
		/// Prepares benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkSetup: crate::benchmarking::BenchmarkSetup<Self::AccountId>;
	}

	/// Why this pallet holds funds.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// Deposit for a link; free again once the link is gone.
		LinkDeposit,
	}

	/// The rules in force.
	#[pallet::storage]
	pub type Rules<T: Config> = StorageValue<_, Params, ValueQuery>;

	/// Credit of every validator that ever earned some.
	#[pallet::storage]
	pub type Ledger<T: Config> = StorageMap<_, Twox64Concat, T::AccountId, Entry, ValueQuery>;

	/// First session in which a banned validator's work counts again.
	#[pallet::storage]
	pub type Bans<T: Config> = StorageMap<_, Twox64Concat, T::AccountId, SessionIndex, OptionQuery>;

	/// The validator for which a worker's credit counts.
	#[pallet::storage]
	pub type Links<T: Config> =
		StorageMap<_, Twox64Concat, T::AccountId, Link<T::AccountId>, OptionQuery>;

	/// Weights by the ledger that closed when the running session began, of the validators that were
	/// queued then. They are announced when it ends, so that nobody can choose a weight after the
	/// randomness of its session is known.
	#[pallet::storage]
	pub type Snapshot<T: Config> =
		StorageValue<_, WeakBoundedVec<(T::AccountId, u64), T::MaxAuthorities>, ValueQuery>;

	#[pallet::genesis_config]
	#[derive(frame_support::DefaultNoBound)]
	pub struct GenesisConfig<T: Config> {
		/// The rules from the first block on.
		pub rules: Params,
		/// Credit that stands from the first block on, in planck.
		pub credits: alloc::vec::Vec<(T::AccountId, u128)>,
	}

	#[pallet::genesis_build]
	impl<T: Config> BuildGenesisConfig for GenesisConfig<T> {
		fn build(&self) {
			assert!(
				self.rules.is_sound(),
				"the rules of proof of AI work are out of their bounds"
			);
			Rules::<T>::put(self.rules);
			for (validator, credit) in &self.credits {
				Ledger::<T>::insert(validator, Entry::standing(*credit));
			}
		}
	}

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A worker asked a validator to count its work.
		LinkProposed {
			/// The worker.
			worker: T::AccountId,
			/// The validator.
			validator: T::AccountId,
		},
		/// A validator took a worker: its work counts from now on, and so does its cheating.
		LinkAccepted {
			/// The worker.
			worker: T::AccountId,
			/// The validator.
			validator: T::AccountId,
		},
		/// A worker's work no longer counts for its validator.
		LinkEnded {
			/// The worker.
			worker: T::AccountId,
			/// The validator.
			validator: T::AccountId,
		},
		/// Verified work was credited.
		Credited {
			/// The validator.
			validator: T::AccountId,
			/// The worker.
			worker: T::AccountId,
			/// Part of the sunk fee, in planck.
			amount: u128,
		},
		/// A worker got a part of its sunk fee back.
		Rebated {
			/// The worker.
			worker: T::AccountId,
			/// How much, in planck.
			amount: u128,
		},
		/// A worker was convicted: the credit of its validator is gone. It stays a validator.
		Banned {
			/// The validator.
			validator: T::AccountId,
			/// The worker.
			worker: T::AccountId,
			/// First session in which its work counts again.
			until: SessionIndex,
		},
		/// The authors of the next session were announced.
		Weighed {
			/// The session in which these weights hold.
			session: SessionIndex,
			/// Sum of the weights.
			total: u64,
			/// Keys in their first session, on probation or exempt from it.
			fresh: u32,
		},
		/// The rules were set.
		RulesSet {
			/// The rules.
			rules: Params,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The worker is linked, or its last link has not run out: end it, and wait until it has.
		AlreadyLinked,
		/// There is no such link, or it is not one that can be accepted.
		NotProposed,
		/// There is no link of this worker.
		NotLinked,
		/// Only the worker and its validator may end a link.
		NotParty,
		/// The link was ended; it is gone in the session that it names.
		AlreadyEnding,
		/// A rule is out of its hard bounds.
		OutOfBounds,
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Asks a validator to count the caller's work. A deposit goes on hold until the link is gone.
		#[pallet::call_index(0)]
		#[pallet::weight(<T as Config>::WeightInfo::propose_link())]
		pub fn propose_link(origin: OriginFor<T>, validator: T::AccountId) -> DispatchResult {
			let worker = ensure_signed(origin)?;
			Self::do_propose_link(worker, validator)
		}

		/// Takes a worker that asked for it. Its sunk fees raise the caller's weight from now on, and
		/// its conviction would cost the caller all credit.
		#[pallet::call_index(1)]
		#[pallet::weight(<T as Config>::WeightInfo::accept_link())]
		pub fn accept_link(origin: OriginFor<T>, worker: T::AccountId) -> DispatchResult {
			let validator = ensure_signed(origin)?;
			Self::do_accept_link(validator, worker)
		}

		/// Ends a link, by either side. One that was never accepted is gone at once; of another no work
		/// counts any more, and it is gone, deposit and all, by a second call some sessions later.
		#[pallet::call_index(2)]
		#[pallet::weight(<T as Config>::WeightInfo::end_link())]
		pub fn end_link(origin: OriginFor<T>, worker: T::AccountId) -> DispatchResult {
			let party = ensure_signed(origin)?;
			Self::do_end_link(party, worker)
		}

		/// Sets the rules, inside their hard bounds. They hold for every weight not yet in the snapshot.
		#[pallet::call_index(3)]
		#[pallet::weight(<T as Config>::WeightInfo::set_rules())]
		pub fn set_rules(origin: OriginFor<T>, rules: Params) -> DispatchResult {
			T::GovernanceOrigin::ensure_origin(origin)?;
			Self::do_set_rules(rules)
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
