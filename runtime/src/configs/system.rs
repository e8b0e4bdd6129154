//! Blocks and calls: bounds of a block, and the pallets that wrap calls of others.

use crate::{
	constants::{block, money::deposit},
	AccountId, Balance, Balances, Block, BlockNumber, Hash, Nonce, OriginCaller, PalletInfo,
	Runtime, RuntimeCall, RuntimeEvent, RuntimeOrigin, RuntimeTask, SafeMode, System, VERSION,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	derive_impl,
	dispatch::DispatchClass,
	parameter_types,
	traits::{ConstU32, InstanceFilter},
	weights::constants::{BlockExecutionWeight, ExtrinsicBaseWeight, ParityDbWeight},
};
use frame_system::limits::{BlockLength, BlockWeights};
use scale_info::TypeInfo;
use sp_runtime::traits::{AccountIdLookup, BlakeTwo256};
use sp_version::RuntimeVersion;

parameter_types! {
	pub const BlockHashCount: BlockNumber = block::HASHES_KEPT;
	pub const Version: RuntimeVersion = VERSION;
	/// The generic prefix of addresses, so that every wallet knows it.
	pub const SS58Prefix: u16 = 42;
	pub RuntimeBlockLength: BlockLength = block_length();
	pub RuntimeBlockWeights: BlockWeights = block_weights();
}

fn block_length() -> BlockLength {
	BlockLength::builder()
		.max_length(block::MAX_LENGTH)
		.modify_max_length_for_class(DispatchClass::Normal, |length| {
			*length = block::NORMAL_SHARE * *length;
		})
		.build()
}

fn block_weights() -> BlockWeights {
	let normal = block::NORMAL_SHARE * block::MAX_WEIGHT;
	BlockWeights::builder()
		.base_block(BlockExecutionWeight::get())
		.for_class(DispatchClass::all(), |weights| {
			weights.base_extrinsic = ExtrinsicBaseWeight::get();
		})
		.for_class(DispatchClass::Normal, |weights| {
			weights.max_total = Some(normal)
		})
		.for_class(DispatchClass::Operational, |weights| {
			weights.max_total = Some(block::MAX_WEIGHT);
			// A full block of ordinary transactions still leaves this to operational ones.
			weights.reserved = Some(block::MAX_WEIGHT.saturating_sub(normal));
		})
		.avg_block_initialization(block::HOOKS_SHARE)
		.build_or_panic()
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
	// The safe mode stops everything that is not essential.
	type BaseCallFilter = SafeMode;
	type Block = Block;
	type BlockWeights = RuntimeBlockWeights;
	type BlockLength = RuntimeBlockLength;
	type AccountId = AccountId;
	type Nonce = Nonce;
	type Hash = Hash;
	type Hashing = BlakeTwo256;
	type Lookup = AccountIdLookup<AccountId, ()>;
	type BlockHashCount = BlockHashCount;
	type DbWeight = ParityDbWeight;
	type Version = Version;
	type AccountData = pallet_balances::AccountData<Balance>;
	type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
	type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
	type SS58Prefix = SS58Prefix;
	type MaxConsumers = ConstU32<16>;
}

impl pallet_utility::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type PalletsOrigin = OriginCaller;
	type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

parameter_types! {
	// A multisig of 32 bytes account, block, index, call hash, depositor: 120 bytes, and 32 a signatory.
	pub const MultisigDepositBase: Balance = deposit(1, 120);
	pub const MultisigDepositFactor: Balance = deposit(0, 32);
}

impl pallet_multisig::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	type DepositBase = MultisigDepositBase;
	type DepositFactor = MultisigDepositFactor;
	type MaxSignatories = ConstU32<100>;
	type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
	type BlockNumberProvider = System;
}

/// What a proxy may do for the account that named it.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Copy,
	Clone,
	Eq,
	PartialEq,
	Ord,
	PartialOrd,
	Debug,
	Default,
)]
pub enum ProxyType {
	/// Everything.
	#[default]
	Any,
	/// Everything but moving money: the account's own tokens stay where they are.
	NonTransfer,
	/// The duties of a worker: registration, readiness, commitments, openings, attestations. A server
	/// that holds only such a key cannot spend what it earns.
	Worker,
	/// Paying for prompts and cancelling them.
	Prompts,
	/// Staking, nomination pools and session keys.
	Staking,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
	fn filter(&self, call: &RuntimeCall) -> bool {
		match self {
			Self::Any => true,
			Self::NonTransfer => !matches!(
				call,
				// A proxy call inside a proxy call is checked again; Sudo acts for the chain.
				RuntimeCall::Balances(_)
					| RuntimeCall::Jobs(_)
					| RuntimeCall::Sudo(_)
					| RuntimeCall::Vesting(_)
			),
			Self::Worker => matches!(
				call,
				RuntimeCall::Miners(_)
					| RuntimeCall::Auctions(_)
					| RuntimeCall::Allocation(_)
					| RuntimeCall::Verification(_)
					| RuntimeCall::Utility(_)
			),
			Self::Prompts => matches!(call, RuntimeCall::Jobs(_) | RuntimeCall::Utility(_)),
			Self::Staking => matches!(
				call,
				RuntimeCall::Staking(_)
					| RuntimeCall::NominationPools(_)
					| RuntimeCall::VoterList(_)
					| RuntimeCall::Session(_)
					| RuntimeCall::Utility(_)
			),
		}
	}

	fn is_superset(&self, other: &Self) -> bool {
		match (self, other) {
			(Self::Any, _) => true,
			(Self::NonTransfer, Self::Worker | Self::Staking) => true,
			(a, b) => a == b,
		}
	}
}

parameter_types! {
	// A list of proxies takes 8 bytes of deposit, and 32 + 1 + 4 a proxy.
	pub const ProxyDepositBase: Balance = deposit(1, 8);
	pub const ProxyDepositFactor: Balance = deposit(0, 37);
	// An announcement takes 32 + 32 + 4 bytes.
	pub const AnnouncementDepositBase: Balance = deposit(1, 8);
	pub const AnnouncementDepositFactor: Balance = deposit(0, 68);
}

impl pallet_proxy::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	type ProxyType = ProxyType;
	type ProxyDepositBase = ProxyDepositBase;
	type ProxyDepositFactor = ProxyDepositFactor;
	type MaxProxies = ConstU32<32>;
	type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
	type MaxPending = ConstU32<32>;
	type CallHasher = BlakeTwo256;
	type AnnouncementDepositBase = AnnouncementDepositBase;
	type AnnouncementDepositFactor = AnnouncementDepositFactor;
	type BlockNumberProvider = System;
}

/// Only the presets that one machine runs (`dev`, `local`, `fast`) set a key; without one the pallet does nothing.
impl pallet_sudo::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}
