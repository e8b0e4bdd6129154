//! Who makes blocks and who makes them final: BABE authors, GRANDPA votes, over a set of validators
//! that stands from genesis on.

use crate::{
	constants::{
		money::deposit,
		time::{EPOCH_DURATION_IN_SLOTS, PRIMARY_PROBABILITY, SLOT_DURATION},
	},
	AccountId, Babe, Balance, Balances, BlockNumber, Hash, Runtime, RuntimeEvent, Session,
	SessionKeys, System,
};
use codec::Encode;
use frame_support::{
	parameter_types,
	traits::{ConstU32, ConstU64, Randomness},
};
use pallet_session::FindAccountFromAuthorIndex;
use sp_consensus_babe::{AllowedSlots, BabeEpochConfiguration};
use sp_runtime::traits::{BlakeTwo256, ConvertInto, Hash as _, OpaqueKeys};

/// BABE from genesis on. A slot without a primary author has a secondary one that proves a VRF output,
/// so that every block carries randomness.
pub const BABE_GENESIS_EPOCH_CONFIG: BabeEpochConfiguration = BabeEpochConfiguration {
	c: PRIMARY_PROBABILITY,
	allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots,
};

/// Validators at most.
pub type MaxAuthorities = ConstU32<100>;

/// Reports of two blocks or votes for one slot or round are not taken while validators have no stake
/// that could be slashed; there is no proof of key ownership then.
type KeyOwnerProof = sp_core::Void;

impl pallet_babe::Config for Runtime {
	type EpochDuration = ConstU64<EPOCH_DURATION_IN_SLOTS>;
	type ExpectedBlockTime = ConstU64<SLOT_DURATION>;
	type EpochChangeTrigger = pallet_babe::ExternalTrigger;
	type DisabledValidators = Session;
	type WeightInfo = ();
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = ConstU32<0>;
	type KeyOwnerProof = KeyOwnerProof;
	type EquivocationReportSystem = ();
}

impl pallet_timestamp::Config for Runtime {
	type Moment = u64;
	type OnTimestampSet = Babe;
	type MinimumPeriod = ConstU64<{ SLOT_DURATION / 2 }>;
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_authorship::Config for Runtime {
	type FindAuthor = FindAccountFromAuthorIndex<Self, Babe>;
	type EventHandler = ();
}

parameter_types! {
	/// Two keys of 32 bytes under an account, and the way back from each key.
	pub const KeyDeposit: Balance = deposit(3, 256);
}

/// No manager of sessions: the validators of genesis stay, but each may rotate its keys.
impl pallet_session::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = Babe;
	type NextSessionRotation = Babe;
	type SessionManager = ();
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = SessionKeys;
	type DisablingStrategy = ();
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type KeyDeposit = KeyDeposit;
}

impl pallet_grandpa::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ();
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = ConstU32<0>;
	type MaxSetIdSessionEntries = ConstU64<0>;
	type KeyOwnerProof = KeyOwnerProof;
	type EquivocationReportSystem = ();
}

/// Randomness of the parent block, for drawing verifiers.
///
/// Its limits: the author of the parent block knew it two epochs before and can withhold the block, at
/// the price of its slot, to have another draw; so can whoever submits the transaction that triggers
/// the draw choose the block. A draw therefore decides only *who* gives the third opinion, never the
/// verdict, and a worker that was drawn still stands behind its own bond. Where a block carries no VRF
/// output (the first block) the parent's hash stands in for it.
pub struct ParentRandomness;

impl Randomness<Hash, BlockNumber> for ParentRandomness {
	fn random(subject: &[u8]) -> (Hash, BlockNumber) {
		let (vrf, known_since) = pallet_babe::ParentBlockRandomness::<Runtime>::random(subject);
		let random =
			vrf.unwrap_or_else(|| BlakeTwo256::hash_of(&(System::parent_hash(), subject.encode())));
		(random, known_since)
	}
}
