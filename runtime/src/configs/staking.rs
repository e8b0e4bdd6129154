//! Stake: who may validate, what it earns, how it is lost. The stock staking pallet with nominators, a
//! sorted list of voters and nomination pools, so that every wallet finds what it knows.

use crate::{
	configs::{
		economy::Issuance,
		governance::{MoreThanHalf, TwoThirds},
		pipeline::treasury_account,
	},
	constants::{
		money::{DLLM, EXISTENTIAL_DEPOSIT},
		time,
	},
	pace::{BondingEras, EraSessions, SlashDeferEras},
	AccountId, Balance, Balances, DelegatedStaking, NominationPools, Poaw, Runtime, RuntimeEvent,
	RuntimeFreezeReason, RuntimeHoldReason, Session, Staking, System, Timestamp, VoterList,
};
use frame_election_provider_support::{
	bounds::{ElectionBounds, ElectionBoundsBuilder},
	onchain, SequentialPhragmen, VoteWeight,
};
use frame_support::{
	parameter_types,
	traits::{
		fungible::{Balanced, Credit},
		tokens::imbalance::ResolveTo,
		ConstBool, ConstU32, ConstU8, EitherOf, Imbalance, OnUnbalanced,
	},
	PalletId,
};
use frame_system::EnsureRoot;
use pallet_nomination_pools::adapter::DelegateStake;
use sp_core::U256;
use sp_runtime::{
	traits::{Convert, TypedGet},
	FixedU128, Perbill, Permill,
};

/// Validators of an era at most. Not above the authorities that BABE and GRANDPA have room for.
pub const MAX_VALIDATORS: u32 = 100;
/// Voters that the election on chain looks at: those with most stake come first.
pub const MAX_ELECTING_VOTERS: u32 = 1_000;
/// Candidates that it looks at.
pub const MAX_ELECTABLE_TARGETS: u32 = 200;
/// Validators that a nominator may name.
pub const MAX_NOMINATIONS: u32 = 16;
/// Nominators that one transaction pays: more of a validator's take a second page.
pub const EXPOSURE_PAGE: u32 = 64;
/// Eras whose rewards can still be claimed: three weeks.
pub const HISTORY_ERAS: u32 = 84;
/// Least bond of a validator at genesis.
pub const MIN_VALIDATOR_BOND: Balance = 1_000 * DLLM;
/// Least bond of a nominator and least stake to open a pool at genesis.
pub const MIN_NOMINATOR_BOND: Balance = 10 * DLLM;
/// Least stake to join a pool at genesis.
pub const MIN_JOIN_BOND: Balance = DLLM;

/// Part of what an era leaves over that the pot of proof of AI work may take.
const POT_SHARE: Permill = Permill::from_percent(75);

/// Origins that may cancel a slash or set the least commission.
type StakingAdmin = EitherOf<EnsureRoot<AccountId>, TwoThirds>;

parameter_types! {
	pub ElectionLimits: ElectionBounds = ElectionBoundsBuilder::default()
		.voters_count(MAX_ELECTING_VOTERS.into())
		.targets_count(MAX_ELECTABLE_TARGETS.into())
		.build();
	pub const BagThresholds: &'static [VoteWeight] = &BAGS;
	pub const PoolsPalletId: PalletId = PalletId(*b"dllm/npl");
	pub const DelegationPalletId: PalletId = PalletId(*b"dllm/dlg");
	/// Part of a slash that goes to who reports a pool member; the chain itself reports, so nothing.
	pub const NoReward: Perbill = Perbill::zero();
}

/// The treasury's account, where slashes go.
pub struct TreasuryAccount;

impl TypedGet for TreasuryAccount {
	type Type = AccountId;
	fn get() -> AccountId {
		treasury_account()
	}
}

/// Sequential Phragmén inside the block that ends the session before the era: at the bounds above it is
/// well below a block's weight.
pub struct OnChainElection;

impl onchain::Config for OnChainElection {
	type Sort = ConstBool<true>;
	type System = Runtime;
	type Solver = SequentialPhragmen<AccountId, Perbill>;
	type MaxBackersPerWinner = ConstU32<MAX_ELECTING_VOTERS>;
	type MaxWinnersPerPage = ConstU32<MAX_VALIDATORS>;
	type DataProvider = Staking;
	type WeightInfo = frame_election_provider_support::weights::SubstrateWeight<Runtime>;
	type Bounds = ElectionLimits;
}

/// Numbers of the staking benchmarks.
pub struct StakingBenchmarks;

impl pallet_staking::BenchmarkingConfig for StakingBenchmarks {
	type MaxValidators = ConstU32<MAX_VALIDATORS>;
	type MaxNominators = ConstU32<MAX_ELECTING_VOTERS>;
}

impl pallet_staking::Config for Runtime {
	type OldCurrency = Balances;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type CurrencyBalance = Balance;
	type UnixTime = Timestamp;
	type CurrencyToVote = sp_staking::currency_to_vote::U128CurrencyToVote;
	type ElectionProvider = onchain::OnChainExecution<OnChainElection>;
	type GenesisElectionProvider = onchain::OnChainExecution<OnChainElection>;
	type NominationsQuota = pallet_staking::FixedNominationsQuota<MAX_NOMINATIONS>;
	type HistoryDepth = ConstU32<HISTORY_ERAS>;
	type RewardRemainder = Remainder;
	type RuntimeEvent = RuntimeEvent;
	type Slash = ResolveTo<TreasuryAccount, Balances>;
	// Rewards are minted as they are claimed.
	type Reward = ();
	type SessionsPerEra = EraSessions;
	type BondingDuration = BondingEras;
	type SlashDeferDuration = SlashDeferEras;
	type AdminOrigin = StakingAdmin;
	type SessionInterface = Self;
	type EraPayout = Issuance;
	type NextNewSession = Session;
	type MaxExposurePageSize = ConstU32<EXPOSURE_PAGE>;
	type MaxValidatorSet = ConstU32<MAX_VALIDATORS>;
	type VoterList = VoterList;
	type TargetList = pallet_staking::UseValidatorsMap<Self>;
	type MaxUnlockingChunks = ConstU32<32>;
	type MaxControllersInDeprecationBatch = ConstU32<100>;
	type EventListeners = (NominationPools, DelegatedStaking);
	// A member of a pool stakes through it only.
	type Filter = pallet_nomination_pools::AllPoolMembers<Runtime>;
	type BenchmarkingConfig = StakingBenchmarks;
	type WeightInfo = pallet_staking::weights::SubstrateWeight<Runtime>;
}

/// What an era mints for nobody in particular: up to three quarters fill the pot of proof of AI work, the
/// rest is the treasury's.
pub struct Remainder;

impl OnUnbalanced<Credit<AccountId, Balances>> for Remainder {
	fn on_nonzero_unbalanced(minted: Credit<AccountId, Balances>) {
		let share = POT_SHARE.mul_floor(minted.peek());
		let (offered, kept) = minted.split(share);
		let rest = Poaw::fill_pot(offered);
		// The treasury's account exists from genesis; without it, it is burned as the credit is dropped.
		drop(Balances::resolve(&treasury_account(), kept.merge(rest)));
	}
}

/// Ratio of neighbouring bags of voters, in percent.
const BAG_RATIO_PERCENT: u64 = 125;
/// Stake of the lowest bag; a unit of vote is a planck as long as the issuance fits into 64 bits.
const LOWEST_BAG: u64 = EXISTENTIAL_DEPOSIT as u64;
/// Bags: from the lowest up by the ratio, as many as fit into 64 bits.
const BAG_COUNT: usize = 105;

/// Upper bounds of the bags in which voters are kept sorted, roughly.
pub const BAGS: [VoteWeight; BAG_COUNT] = bags();

const fn bags() -> [VoteWeight; BAG_COUNT] {
	let mut bags = [0; BAG_COUNT];
	let mut bound = LOWEST_BAG;
	let mut at = 0;
	while at < BAG_COUNT {
		bags[at] = bound;
		// Below 2⁶⁴ for every bag, or this does not compile.
		bound = bound / 100 * BAG_RATIO_PERCENT;
		at += 1;
	}
	bags
}

impl pallet_bags_list::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type ScoreProvider = Staking;
	type BagThresholds = BagThresholds;
	type MaxAutoRebagPerBlock = ConstU32<10>;
	type Score = VoteWeight;
	type WeightInfo = pallet_bags_list::weights::SubstrateWeight<Runtime>;
}

impl pallet_delegated_staking::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type PalletId = DelegationPalletId;
	type Currency = Balances;
	type OnSlash = ResolveTo<TreasuryAccount, Balances>;
	type SlashRewardFraction = NoReward;
	type RuntimeHoldReason = RuntimeHoldReason;
	type CoreStaking = Staking;
}

/// Balances as the pools' intermediate results take them, and back.
pub struct Wide;

impl Convert<Balance, U256> for Wide {
	fn convert(balance: Balance) -> U256 {
		balance.into()
	}
}

impl Convert<U256, Balance> for Wide {
	/// The largest balance where it does not fit.
	fn convert(wide: U256) -> Balance {
		wide.try_into().unwrap_or(Balance::MAX)
	}
}

impl pallet_nomination_pools::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type WeightInfo = pallet_nomination_pools::weights::SubstrateWeight<Runtime>;
	type Currency = Balances;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type RewardCounter = FixedU128;
	type PalletId = PoolsPalletId;
	// A slash by nine tenths closes a pool for new members.
	type MaxPointsToBalance = ConstU8<10>;
	type MaxUnbonding = ConstU32<8>;
	type BalanceToU256 = Wide;
	type U256ToBalance = Wide;
	type StakeAdapter = DelegateStake<Self, Staking, DelegatedStaking>;
	// More than the eras that stake stays bonded, so that a slash finds every era's leavers.
	type MaxUnbondingPools = ConstU32<{ time::BONDING_ERAS + 4 }>;
	type MaxMetadataLen = ConstU32<256>;
	type AdminOrigin = EitherOf<EnsureRoot<AccountId>, MoreThanHalf>;
	type BlockNumberProvider = System;
	type Filter = pallet_staking::AllStakers<Runtime>;
}
