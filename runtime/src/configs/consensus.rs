//! Who makes blocks and who makes them final: BABE authors, GRANDPA votes, over the validators that stake
//! elects. Verified AI work weighs in the draw of authors, through proof of AI work, and nowhere else.

use crate::{
	configs::{
		economy::Issuance,
		governance::{RootOr, TwoThirds},
		staking::MAX_VALIDATORS,
	},
	constants::{money::deposit, time::PRIMARY_PROBABILITY},
	pace::{BondingSessions, HalfSlot, ReportBlocks, SessionMillis, SessionSlots, SlotMillis},
	AccountId, Babe, Balance, Balances, BlockNumber, Hash, Historical, Offences, Runtime,
	RuntimeCall, RuntimeEvent, RuntimeHoldReason, Session, SessionKeys, Staking, System,
	UncheckedExtrinsic,
};
use codec::Encode;
use frame_support::{
	parameter_types,
	traits::{ConstU32, Get, Randomness},
	PalletId,
};
use pallet_session::{
	disabling::UpToLimitWithReEnablingDisablingStrategy, historical, FindAccountFromAuthorIndex,
};
use sp_consensus_babe::{AllowedSlots, BabeEpochConfiguration};
use sp_runtime::traits::{BlakeTwo256, ConvertInto, Hash as _, OpaqueKeys};
use sp_staking::StakingInterface;

/// BABE from genesis on. A slot without a primary author has a secondary one that proves a VRF output,
/// so that every block carries randomness.
pub const BABE_GENESIS_EPOCH_CONFIG: BabeEpochConfiguration = BabeEpochConfiguration {
	c: PRIMARY_PROBABILITY,
	allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots,
};

/// Sessions for which a convicted worker's validator has no credit: a week of the public network.
const BAN_SESSIONS: u32 = 28 * crate::constants::time::SESSIONS_PER_ERA;
/// Sessions that a link outlives its end, for trials of what was done under it. The longest trial takes
/// little more than an hour.
const UNLINK_SESSIONS: u32 = 3;

/// Validators at most.
pub type MaxAuthorities = ConstU32<MAX_VALIDATORS>;
/// Nominators of a validator that an equivocation slashes, for the weight of the report.
type MaxNominators = ConstU32<{ crate::configs::staking::MAX_ELECTING_VOTERS }>;

impl pallet_babe::Config for Runtime {
	type EpochDuration = SessionSlots;
	type ExpectedBlockTime = SlotMillis;
	type EpochChangeTrigger = pallet_babe::ExternalTrigger;
	type DisabledValidators = Session;
	type WeightInfo = ();
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = MaxNominators;
	type KeyOwnerProof = sp_session::MembershipProof;
	type EquivocationReportSystem =
		pallet_babe::EquivocationReportSystem<Self, Offences, Historical, ReportBlocks>;
}

impl pallet_timestamp::Config for Runtime {
	type Moment = u64;
	type OnTimestampSet = Babe;
	type MinimumPeriod = HalfSlot;
	type WeightInfo = pallet_timestamp::weights::SubstrateWeight<Runtime>;
}

impl pallet_authorship::Config for Runtime {
	type FindAuthor = FindAccountFromAuthorIndex<Self, Babe>;
	// 20 era points a block: weight earns stakers in proportion to the blocks that it brings.
	type EventHandler = Staking;
}

parameter_types! {
	/// Three keys of 32 bytes under an account, and the way back from each key.
	pub const KeyDeposit: Balance = deposit(4, 352);
	/// A link names a validator.
	pub const LinkDeposit: Balance = deposit(1, 53);
	pub const PotPalletId: PalletId = PalletId(*b"dllm/pot");
}

/// Staking elects the validators of every era; the roots of past sessions are kept, so that whoever
/// signed twice can be proved to have been one of them.
impl pallet_session::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	// Any account may set keys: it needs them before it is elected.
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = Babe;
	type NextSessionRotation = Babe;
	type SessionManager = historical::NoteHistoricalRoot<Self, Staking>;
	type SessionHandler = <SessionKeys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = SessionKeys;
	// At most a third of the validators is ever disabled, the worst offenders first.
	type DisablingStrategy = UpToLimitWithReEnablingDisablingStrategy;
	type WeightInfo = pallet_session::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type KeyDeposit = KeyDeposit;
}

impl historical::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type FullIdentification = ();
	type FullIdentificationOf = pallet_staking::UnitIdentificationOf<Self>;
}

impl pallet_offences::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type IdentificationTuple = historical::IdentificationTuple<Self>;
	type OnOffenceHandler = Staking;
}

impl pallet_grandpa::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = ();
	type MaxAuthorities = MaxAuthorities;
	type MaxNominators = MaxNominators;
	// A report names the set that voted: every set is remembered as long as its stake is bonded.
	type MaxSetIdSessionEntries = BondingSessions;
	type KeyOwnerProof = sp_session::MembershipProof;
	type EquivocationReportSystem =
		pallet_grandpa::EquivocationReportSystem<Self, Offences, Historical, ReportBlocks>;
}

impl pallet_authority_discovery::Config for Runtime {
	type MaxAuthorities = MaxAuthorities;
}

/// Reports of equivocations travel as transactions without a signature.
impl<C> frame_system::offchain::CreateTransactionBase<C> for Runtime
where
	RuntimeCall: From<C>,
{
	type Extrinsic = UncheckedExtrinsic;
	type RuntimeCall = RuntimeCall;
}

impl<C> frame_system::offchain::CreateBare<C> for Runtime
where
	RuntimeCall: From<C>,
{
	fn create_bare(call: RuntimeCall) -> UncheckedExtrinsic {
		UncheckedExtrinsic::new_bare(call)
	}
}

/// What proof of AI work asks of staking.
pub struct Stakes;

impl pallet_poaw::StakeBook<AccountId> for Stakes {
	fn self_bond(who: &AccountId) -> Balance {
		Staking::active_stake(who).unwrap_or(0)
	}

	/// At the ideal stake, so that the figure can only be too high.
	fn session_reward() -> Balance {
		Issuance::most_for_stakers(Balances::total_issuance(), SessionMillis::get())
	}
}

impl pallet_poaw::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Stakes = Stakes;
	type GovernanceOrigin = RootOr<TwoThirds>;
	type LinkDeposit = LinkDeposit;
	type BanSessions = ConstU32<BAN_SESSIONS>;
	type UnlinkSessions = ConstU32<UNLINK_SESSIONS>;
	type PotId = PotPalletId;
	type WeightInfo = crate::weights::pallet_poaw::WeightInfo<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkSetup = crate::benchmarks::WorkSetup;
}

/// Randomness of the parent block, which the beacon of the draws mixes block by block.
///
/// Its limits: an author knows its own from two epochs before, and can withhold the block that has it, at the
/// price of the slot. So the last author before a draw can choose between two of them, and nobody can choose
/// the parts of the others. Where a block carries no VRF output (the first block) the parent's hash stands in
/// for it.
pub struct ParentRandomness;

impl Randomness<Hash, BlockNumber> for ParentRandomness {
	fn random(subject: &[u8]) -> (Hash, BlockNumber) {
		let (vrf, known_since) = pallet_babe::ParentBlockRandomness::<Runtime>::random(subject);
		let random =
			vrf.unwrap_or_else(|| BlakeTwo256::hash_of(&(System::parent_hash(), subject.encode())));
		(random, known_since)
	}
}
