//! Who decides, and what is decided with: a council and a technical committee, the treasury, calls that
//! wait for their block, and the safe mode.
//!
//! Neither chamber is the root. A call runs as root when the technical committee has put its hash on the
//! whitelist (three quarters) and the council dispatches it (three quarters); the scheduler can put it
//! off to a later block.

use crate::{
	configs::{pipeline::TreasuryPalletId, staking::TreasuryAccount, system::RuntimeBlockWeights},
	constants::{
		money::{deposit, DLLM},
		time::DAYS,
	},
	AccountId, Balance, Balances, BlockNumber, OriginCaller, Preimage, Runtime, RuntimeCall,
	RuntimeEvent, RuntimeHoldReason, RuntimeOrigin, System,
};
use core::cmp::Ordering;
use frame_support::{
	parameter_types,
	traits::{
		fungible::HoldConsideration,
		tokens::{PayFromAccount, UnityAssetBalanceConversion},
		ConstU32, Contains, EitherOf, EqualPrivilegeOnly, LinearStoragePrice, PrivilegeCmp,
	},
	weights::Weight,
};
use frame_system::{EnsureRoot, EnsureRootWithSuccess, EnsureWithSuccess};
use pallet_collective::{EnsureProportionAtLeast, EnsureProportionMoreThan, RawOrigin::Members};
use sp_runtime::{traits::IdentityLookup, Perbill, Permill};

/// The council's votes.
pub type CouncilInstance = pallet_collective::Instance1;
/// The technical committee's.
pub type TechnicalInstance = pallet_collective::Instance2;

/// More than half of the council.
pub type MoreThanHalf = EnsureProportionMoreThan<AccountId, CouncilInstance, 1, 2>;
/// Two thirds of the council.
pub type TwoThirds = EnsureProportionAtLeast<AccountId, CouncilInstance, 2, 3>;
/// Three quarters of the council.
pub type ThreeQuarters = EnsureProportionAtLeast<AccountId, CouncilInstance, 3, 4>;
/// Three quarters of the technical committee.
pub type TechnicalThreeQuarters = EnsureProportionAtLeast<AccountId, TechnicalInstance, 3, 4>;
/// Two thirds of the technical committee.
type TechnicalTwoThirds = EnsureProportionAtLeast<AccountId, TechnicalInstance, 2, 3>;
/// Root, or the origin beside it.
pub type RootOr<Origin> = EitherOf<EnsureRoot<AccountId>, Origin>;

/// Time for a vote.
const MOTION: BlockNumber = 5 * DAYS;
/// What the council may spend by two thirds in one call; more takes root.
const COUNCIL_SPENDING: Balance = 100_000 * DLLM;
/// How long the technical committee may put the chain into safe mode.
const SAFE_MODE: BlockNumber = DAYS;

parameter_types! {
	/// A motion may take half of a block.
	pub MaxMotionWeight: Weight = Perbill::from_percent(50) * RuntimeBlockWeights::get().max_block;
	/// Calls that come due may take eight tenths of a block.
	pub MaxDueWeight: Weight = Perbill::from_percent(80) * RuntimeBlockWeights::get().max_block;
	pub const PreimageBaseDeposit: Balance = deposit(2, 64);
	pub const PreimageByteDeposit: Balance = deposit(0, 1);
	pub const PreimageHold: RuntimeHoldReason =
		RuntimeHoldReason::Preimage(pallet_preimage::HoldReason::Preimage);
	pub const NothingBurned: Permill = Permill::zero();
	pub const CouncilSpending: Balance = COUNCIL_SPENDING;
	pub const RootSpending: Balance = Balance::MAX;
	pub const SafeModeBlocks: BlockNumber = SAFE_MODE;
	/// Nobody buys the safe mode.
	pub const NotForSale: Option<Balance> = None;
	pub const NeverReleased: Option<BlockNumber> = None;
}

impl pallet_collective::Config<CouncilInstance> for Runtime {
	type RuntimeOrigin = RuntimeOrigin;
	type Proposal = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type MotionDuration = ConstU32<MOTION>;
	type MaxProposals = ConstU32<100>;
	type MaxMembers = ConstU32<25>;
	type DefaultVote = pallet_collective::PrimeDefaultVote;
	type WeightInfo = pallet_collective::weights::SubstrateWeight<Runtime>;
	type SetMembersOrigin = RootOr<ThreeQuarters>;
	type MaxProposalWeight = MaxMotionWeight;
	type DisapproveOrigin = RootOr<TwoThirds>;
	type KillOrigin = RootOr<TwoThirds>;
	type Consideration = ();
}

impl pallet_collective::Config<TechnicalInstance> for Runtime {
	type RuntimeOrigin = RuntimeOrigin;
	type Proposal = RuntimeCall;
	type RuntimeEvent = RuntimeEvent;
	type MotionDuration = ConstU32<MOTION>;
	type MaxProposals = ConstU32<100>;
	type MaxMembers = ConstU32<25>;
	type DefaultVote = pallet_collective::PrimeDefaultVote;
	type WeightInfo = pallet_collective::weights::SubstrateWeight<Runtime>;
	// The council names the committee.
	type SetMembersOrigin = RootOr<TwoThirds>;
	type MaxProposalWeight = MaxMotionWeight;
	type DisapproveOrigin = RootOr<TwoThirds>;
	type KillOrigin = RootOr<TwoThirds>;
	type Consideration = ();
}

impl pallet_preimage::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_preimage::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type ManagerOrigin = RootOr<TechnicalThreeQuarters>;
	type Consideration = HoldConsideration<
		AccountId,
		Balances,
		PreimageHold,
		LinearStoragePrice<PreimageBaseDeposit, PreimageByteDeposit, Balance>,
	>;
}

/// Who may cancel or change a call that somebody scheduled: root, and of the council a majority no smaller
/// than the one that scheduled it. Majorities are compared as parts of all members, so that a seat more
/// or less in between changes nothing.
pub struct Rank;

impl PrivilegeCmp<OriginCaller> for Rank {
	fn cmp_privilege(left: &OriginCaller, right: &OriginCaller) -> Option<Ordering> {
		let root = OriginCaller::system(frame_system::RawOrigin::Root);
		if *left == root && *right != root {
			return Some(Ordering::Greater);
		}
		match (left, right) {
			(
				OriginCaller::Council(Members(yes, of)),
				OriginCaller::Council(Members(other_yes, other_of)),
			) => {
				// Products of two 32-bit numbers: they fit.
				let share = u64::from(*yes) * u64::from(*other_of);
				let other_share = u64::from(*other_yes) * u64::from(*of);
				Some(share.cmp(&other_share))
			}
			_ => EqualPrivilegeOnly::cmp_privilege(left, right),
		}
	}
}

impl pallet_scheduler::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeOrigin = RuntimeOrigin;
	type PalletsOrigin = OriginCaller;
	type RuntimeCall = RuntimeCall;
	type MaximumWeight = MaxDueWeight;
	type ScheduleOrigin = RootOr<TwoThirds>;
	type OriginPrivilegeCmp = Rank;
	type MaxScheduledPerBlock = ConstU32<50>;
	type WeightInfo = pallet_scheduler::weights::SubstrateWeight<Runtime>;
	type Preimages = Preimage;
	type BlockNumberProvider = System;
}

impl pallet_whitelist::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type WhitelistOrigin = RootOr<TechnicalThreeQuarters>;
	type DispatchWhitelistedOrigin = RootOr<ThreeQuarters>;
	type Preimages = Preimage;
	type DeferredDispatchExpiration = ConstU32<{ 28 * DAYS }>;
	type BlockNumberProvider = System;
	type WeightInfo = pallet_whitelist::weights::SubstrateWeight<Runtime>;
}

impl pallet_treasury::Config for Runtime {
	type Currency = Balances;
	type RejectOrigin = RootOr<TwoThirds>;
	type RuntimeEvent = RuntimeEvent;
	type SpendPeriod = ConstU32<{ 7 * DAYS }>;
	type Burn = NothingBurned;
	// The account that jobs pay into is the treasury's.
	type PalletId = TreasuryPalletId;
	type BurnDestination = ();
	type WeightInfo = pallet_treasury::weights::SubstrateWeight<Runtime>;
	type SpendFunds = ();
	type MaxApprovals = ConstU32<100>;
	type SpendOrigin = EitherOf<
		EnsureRootWithSuccess<AccountId, RootSpending>,
		EnsureWithSuccess<TwoThirds, AccountId, CouncilSpending>,
	>;
	type AssetKind = ();
	type Beneficiary = AccountId;
	type BeneficiaryLookup = IdentityLookup<AccountId>;
	type Paymaster = PayFromAccount<Balances, TreasuryAccount>;
	type BalanceConverter = UnityAssetBalanceConversion;
	type PayoutPeriod = ConstU32<{ 30 * DAYS }>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = ();
	type BlockNumberProvider = System;
}

/// Calls that the safe mode lets through: blocks go on, trials end, governance can mend what is broken.
/// New jobs, transfers and staking wait.
pub struct EssentialCalls;

impl Contains<RuntimeCall> for EssentialCalls {
	fn contains(call: &RuntimeCall) -> bool {
		matches!(
			call,
			RuntimeCall::System(_)
				| RuntimeCall::Timestamp(_)
				| RuntimeCall::Babe(_)
				| RuntimeCall::Grandpa(_)
				| RuntimeCall::Session(_)
				| RuntimeCall::Verification(_)
				| RuntimeCall::Council(_)
				| RuntimeCall::TechnicalCommittee(_)
				| RuntimeCall::Whitelist(_)
				| RuntimeCall::Preimage(_)
				| RuntimeCall::Scheduler(_)
				| RuntimeCall::Sudo(_)
		)
	}
}

impl pallet_safe_mode::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type WhitelistedCalls = EssentialCalls;
	type EnterDuration = SafeModeBlocks;
	type ExtendDuration = SafeModeBlocks;
	type EnterDepositAmount = NotForSale;
	type ExtendDepositAmount = NotForSale;
	type ForceEnterOrigin = EitherOf<
		EnsureRootWithSuccess<AccountId, SafeModeBlocks>,
		EnsureWithSuccess<TechnicalTwoThirds, AccountId, SafeModeBlocks>,
	>;
	type ForceExtendOrigin = EitherOf<
		EnsureRootWithSuccess<AccountId, SafeModeBlocks>,
		EnsureWithSuccess<ThreeQuarters, AccountId, SafeModeBlocks>,
	>;
	type ForceExitOrigin = RootOr<EitherOf<TechnicalTwoThirds, TwoThirds>>;
	type ForceDepositOrigin = EnsureRoot<AccountId>;
	type Notify = ();
	type ReleaseDelay = NeverReleased;
	type WeightInfo = pallet_safe_mode::weights::SubstrateWeight<Runtime>;
}
