//! The last step of the walk: the fee of a verified job is divided and paid.
//!
//! Jobs hands over a bill; this pallet moves exactly its fee and surplus out of the client's hold, the fee by
//! the pure [`dllm_primitives::payout::split`], the surplus into the fire, and keeps what it paid for the receipt until jobs prunes the job.
//! It has no calls: nobody can ask for a payment but the pallet that holds the escrow, through
//! [`dllm_primitives::flow::Payouts`], and that pallet's weights include the payment.
//!
//! Storage is declared here; `settlement` pays, `try_state` states what always holds.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod settlement;
mod try_state;

pub use pallet::*;
pub use settlement::ReasonOf;

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dllm_primitives::ids::MAX_STAGES;
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;

/// Verifiers of a job at most: a replica and a tiebreaker for every stage.
pub const MAX_VERIFIERS: u32 = MAX_STAGES * 2;

/// Who got how much, in planck, in the order of the bill; 0 for who could not receive its share.
pub type Lines<AccountId, const N: u32> = BoundedVec<(AccountId, u128), ConstU32<N>>;

/// What was paid for a job. The parts add up to the fee.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct PaymentRecord<AccountId> {
	/// What the user was charged, in planck: the pipeline's fee and the surplus of the auction.
	pub fee: u128,
	/// The lead of every stage and what it got.
	pub miners: Lines<AccountId, MAX_STAGES>,
	/// The workers that checked them and what they got.
	pub verifiers: Lines<AccountId, MAX_VERIFIERS>,
	/// What the treasury got.
	pub treasury: u128,
	/// What was burned, the surplus included.
	pub burned: u128,
}

#[frame_support::pallet]
pub mod pallet {
	use crate::{Lines, PaymentRecord, MAX_VERIFIERS};
	use dllm_primitives::ids::{JobId, MAX_STAGES};
	use frame_support::{
		pallet_prelude::*,
		traits::{fungible, StorageVersion},
		PalletId,
	};
	use frame_system::pallet_prelude::*;

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// Where escrow is held; its hold reasons are those that a bill may name.
		type Currency: fungible::Mutate<Self::AccountId, Balance = u128>
			+ fungible::MutateHold<Self::AccountId>;
		/// Names the treasury's account. Give it the existential deposit at genesis: until it exists, a
		/// share too small to create it is burned.
		#[pallet::constant]
		type PalletId: Get<PalletId>;
	}

	/// What was paid for every settled job whose record stands.
	#[pallet::storage]
	pub type Payments<T: Config> =
		StorageMap<_, Twox64Concat, JobId, PaymentRecord<T::AccountId>, OptionQuery>;

	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// The fee of a job was divided; the parts add up to what was charged.
		Paid {
			/// The job.
			job: JobId,
			/// Who paid.
			client: T::AccountId,
			/// The lead of every stage and what it got, in planck.
			miners: Lines<T::AccountId, MAX_STAGES>,
			/// The workers that checked them and what they got.
			verifiers: Lines<T::AccountId, MAX_VERIFIERS>,
			/// What the treasury got.
			treasury: u128,
			/// What was burned.
			burned: u128,
		},
	}

	#[pallet::error]
	pub enum Error<T> {
		/// The job is paid.
		AlreadyPaid,
		/// The bill names more workers than a ring can have.
		TooManyPayees,
		/// The client's escrow does not cover the fee.
		EscrowTooSmall,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}
}
