//! The state transition function of DLLM: which pallets there are, in which order, and what they are
//! made of.
//!
//! The pallets follow the walk of a prompt: its model is in `Models`, its workers in `Miners`, the
//! prompt and its price in `Jobs`; `Auctions` gives it to a pipeline of `Allocation`, `Verification`
//! tries what the workers did, `Rewards` pays them, and `Poaw` weighs block authors by it. What each pallet is configured with stands in
//! [`configs`], what the outside may ask in [`apis`], the first block in [`genesis_presets`].

#![cfg_attr(not(feature = "std"), no_std)]
// The metadata and the calls of all pallets are one type each.
#![recursion_limit = "512"]

#[cfg(feature = "std")]
include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));

extern crate alloc;

pub mod apis;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarks;
pub mod configs;
pub mod constants;
pub mod genesis_presets;
pub mod pace;
pub mod views;
pub mod weights;

#[cfg(feature = "std")]
pub use apis::RuntimeApi;
pub use apis::RUNTIME_API_VERSIONS;
pub use configs::consensus::BABE_GENESIS_EPOCH_CONFIG;
pub use constants::time::SLOT_DURATION;

use alloc::{borrow::Cow, vec::Vec};
use sp_runtime::{
	generic, impl_opaque_keys,
	traits::{BlakeTwo256, IdentifyAccount, Verify},
	MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

/// Number of a block.
pub type BlockNumber = u32;
/// Amount of money, in planck.
pub type Balance = u128;
/// Number of transactions that an account has sent.
pub type Nonce = u32;
/// Digest of blocks, states and transactions.
pub type Hash = sp_core::H256;
/// Signature of any scheme that accounts may use.
pub type Signature = MultiSignature;
/// An account: the public key that signs for it, or its digest.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;
/// How transactions name an account.
pub type Address = MultiAddress<AccountId, ()>;
/// Header of a block.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
/// A block with its transactions decoded.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;
/// What a transaction carries besides its call, in the order in which it is checked. Authorization
/// comes first because it may set the origin, weight is reclaimed last.
pub type TxExtension = (
	frame_system::AuthorizeCall<Runtime>,
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckMortality<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
	frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
	frame_system::WeightReclaim<Runtime>,
);
/// A transaction as it travels.
pub type UncheckedExtrinsic =
	generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;
/// What is signed of a transaction.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;
/// Runs blocks.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
>;

/// The same types for the node, which does not decode transactions, so that it can follow the chain
/// over upgrades of the runtime.
pub mod opaque {
	use super::*;
	pub use sp_runtime::OpaqueExtrinsic as UncheckedExtrinsic;

	/// Header of a block.
	pub type Header = generic::Header<BlockNumber, BlakeTwo256>;
	/// A block with its transactions as bytes.
	pub type Block = generic::Block<Header, UncheckedExtrinsic>;
	/// Number or hash of a block.
	pub type BlockId = generic::BlockId<Block>;
}

impl_opaque_keys! {
	/// Keys with which a validator takes part in consensus.
	pub struct SessionKeys {
		/// Authors blocks. BABE's key, handed over by proof of AI work, which weighs it.
		pub babe: Poaw,
		/// Votes on finality, with the same weight as everybody.
		pub grandpa: Grandpa,
		/// Signs the addresses under which other validators find this one.
		pub authority_discovery: AuthorityDiscovery,
	}
}

impl RuntimeCall {
	/// The call with which an account registers its session keys; `proof` shows that it owns them.
	pub fn set_session_keys(keys: SessionKeys, proof: Vec<u8>) -> Self {
		pallet_session::Call::set_keys { keys, proof }.into()
	}
}

/// What this runtime is. `spec_version` goes up with every change of behaviour, `transaction_version`
/// with every change of how a call or an extension is encoded.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: Cow::Borrowed("dllm"),
	impl_name: Cow::Borrowed("dllm-node"),
	authoring_version: 1,
	spec_version: 1,
	impl_version: 0,
	apis: RUNTIME_API_VERSIONS,
	transaction_version: 1,
	system_version: 1,
};

#[frame_support::runtime]
mod runtime {
	/// The runtime.
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Utility = pallet_utility;
	#[runtime::pallet_index(12)]
	pub type Pace = crate::pace;
	// Babe before Timestamp: it reads the slot that Timestamp then checks.
	#[runtime::pallet_index(2)]
	pub type Babe = pallet_babe;
	#[runtime::pallet_index(3)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(4)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(5)]
	pub type TransactionPayment = pallet_transaction_payment;
	// Authorship before Session: it finds the author among this session's validators.
	#[runtime::pallet_index(6)]
	pub type Authorship = pallet_authorship;

	// Stake. Staking before Session: its genesis elects the first validators.
	#[runtime::pallet_index(30)]
	pub type Staking = pallet_staking;
	#[runtime::pallet_index(31)]
	pub type VoterList = pallet_bags_list;
	#[runtime::pallet_index(32)]
	pub type NominationPools = pallet_nomination_pools;
	#[runtime::pallet_index(33)]
	pub type DelegatedStaking = pallet_delegated_staking;
	#[runtime::pallet_index(34)]
	pub type Offences = pallet_offences;
	#[runtime::pallet_index(35)]
	pub type Historical = pallet_session::historical;

	// Sessions, and what follows them.
	#[runtime::pallet_index(7)]
	pub type Session = pallet_session;
	#[runtime::pallet_index(27)]
	pub type Poaw = pallet_poaw;
	#[runtime::pallet_index(8)]
	pub type Grandpa = pallet_grandpa;
	#[runtime::pallet_index(36)]
	pub type AuthorityDiscovery = pallet_authority_discovery;

	#[runtime::pallet_index(9)]
	pub type Proxy = pallet_proxy;
	#[runtime::pallet_index(10)]
	pub type Multisig = pallet_multisig;
	#[runtime::pallet_index(11)]
	pub type Sudo = pallet_sudo;
	#[runtime::pallet_index(37)]
	pub type Identity = pallet_identity;
	#[runtime::pallet_index(38)]
	pub type Vesting = pallet_vesting;

	// Who decides.
	#[runtime::pallet_index(40)]
	pub type Council = pallet_collective<Instance1>;
	#[runtime::pallet_index(41)]
	pub type TechnicalCommittee = pallet_collective<Instance2>;
	#[runtime::pallet_index(42)]
	pub type Whitelist = pallet_whitelist;
	#[runtime::pallet_index(43)]
	pub type Preimage = pallet_preimage;
	#[runtime::pallet_index(44)]
	pub type Scheduler = pallet_scheduler;
	#[runtime::pallet_index(45)]
	pub type Treasury = pallet_treasury;
	#[runtime::pallet_index(46)]
	pub type SafeMode = pallet_safe_mode;

	// The walk of a prompt.
	#[runtime::pallet_index(20)]
	pub type Models = pallet_models;
	#[runtime::pallet_index(21)]
	pub type Miners = pallet_miners;
	#[runtime::pallet_index(22)]
	pub type Jobs = pallet_jobs;
	#[runtime::pallet_index(23)]
	pub type Auctions = pallet_auctions;
	#[runtime::pallet_index(24)]
	pub type Allocation = pallet_allocation;
	#[runtime::pallet_index(25)]
	pub type Verification = pallet_verification;
	#[runtime::pallet_index(26)]
	pub type Rewards = pallet_rewards;
}
