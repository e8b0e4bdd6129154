//! The walk of a prompt: bounds, prices and waiting times of our own pallets, and who stands behind each
//! of the traits through which they meet.

use crate::{
	configs::{
		consensus::ParentRandomness,
		governance::{RootOr, TwoThirds},
		work::{AccountableWorkers, CreditedPayouts},
	},
	constants::{
		money::{deposit, DLLM},
		time::{DAYS, HOURS, MINUTES},
	},
	weights, AccountId, Allocation, Auctions, Balance, Balances, BlockNumber, Jobs, Miners, Models,
	Runtime, RuntimeHoldReason, Verification,
};
use dllm_primitives::breaker::Rules;
use frame_support::{
	parameter_types,
	traits::{ConstU128, ConstU32},
	PalletId,
};
use sp_runtime::traits::AccountIdConversion;

/// Blocks from submission to deadline at least and at most: 15 seconds, an hour.
const DEADLINE_RANGE: (u32, u32) = (5, HOURS);
/// Blocks that the record of a finished job is kept for receipts.
const HISTORY: BlockNumber = 12 * HOURS;

/// What trips a breaker. Three operators in as many jobs of an hour, and a tenth of all: a release that fails on
/// one worker in ten spoils a fifth of the jobs of two workers, and more of longer rings; single cheats in a busy
/// market spoil none that counts. The council has three days: a motion ends as soon as
/// two thirds have voted for it.
const BREAKER: Rules = Rules {
	window: HOURS,
	term: BREAKER_TERM,
	operators: 3,
	share_percent: 10,
};
/// Blocks that a breaker waits for the council at most.
const BREAKER_TERM: BlockNumber = 3 * DAYS;

/// Jobs that wait at once at most; the auction of every block looks at all of them, so that a job that
/// nobody can serve never hides a younger one.
type MaxWaiting = ConstU32<256>;

/// Account of the treasury, which receives 5 % of every fee and every rounding.
pub fn treasury_account() -> AccountId {
	TreasuryPalletId::get().into_account_truncating()
}

parameter_types! {
	pub const TreasuryPalletId: PalletId = PalletId(*b"dllm/trs");
	pub const Breaker: Rules = BREAKER;
	pub const DeadlineRange: (u32, u32) = DEADLINE_RANGE;
	// Name, licence, two digests, four figures and the way from the manifest root back to the number.
	pub const ModelDepositBase: Balance = deposit(3, 300);
	// A shard is a digest and three figures; a disputable layer another digest and a figure.
	pub const ModelDepositPerShard: Balance = deposit(0, 88);
	// Two texts, a digest, an account, four figures, and the way from the root back to the number.
	pub const AdapterDeposit: Balance = deposit(2, 250);
	// A plan names up to 68 workers of 32 bytes; most name a few.
	pub const PlanDeposit: Balance = deposit(3, 1_000);
}

impl pallet_models::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type DepositBase = ModelDepositBase;
	type DepositPerShard = ModelDepositPerShard;
	type MaxModels = ConstU32<256>;
	// An open job ends within two hours of the retirement, or the term of a breaker later, and its record is
	// pruned after HISTORY.
	type RetiredBlocks = ConstU32<{ HISTORY + 2 * HOURS + BREAKER_TERM }>;
	type AdapterDeposit = AdapterDeposit;
	type MaxAdapters = ConstU32<256>;
	type WeightInfo = weights::pallet_models::WeightInfo<Runtime>;
}

impl pallet_miners::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	// A first conviction takes 300 times the pay of the stage: the bond covers stages of 3 DLLM.
	type MinBond = ConstU128<{ 1_000 * DLLM }>;
	// The longest trial takes little more than an hour.
	type UnbondDelay = ConstU32<DAYS>;
	type MaxWorkers = ConstU32<10_000>;
	type LinkReportPause = ConstU32<MINUTES>;
	// A worker says again what it measures after a quarter of it: three reports may go missing.
	type LinkReportLifetime = ConstU32<{ 10 * MINUTES }>;
	type WeightInfo = weights::pallet_miners::WeightInfo<Runtime>;
}

impl pallet_jobs::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = Models;
	type Book = Allocation;
	type Trials = Verification;
	type Payouts = CreditedPayouts;
	type MaxWaiting = MaxWaiting;
	type AgendaSize = ConstU32<32>;
	type DeadlineRange = DeadlineRange;
	type History = ConstU32<HISTORY>;
	type WeightInfo = weights::pallet_jobs::WeightInfo<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkSetup = crate::benchmarks::MarketSetup;
}

impl pallet_auctions::Config for Runtime {
	type Models = Models;
	type Book = Allocation;
	type Queue = Jobs;
	type MaxConsidered = MaxWaiting;
	type MaxAwards = ConstU32<64>;
	type Workers = Miners;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	// Cleared in one block, which takes less than a tenth of it.
	type MaxBidders = ConstU32<1_000>;
	type WeightInfo = weights::pallet_auctions::WeightInfo<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkSetup = crate::benchmarks::MarketSetup;
}

impl pallet_allocation::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = Models;
	type Workers = Miners;
	type Rounds = Auctions;
	type PlanDeposit = PlanDeposit;
	type MaxPipelinesPerModel = ConstU32<8>;
	// Time to fetch some gigabytes over an ordinary line.
	type PrepareBlocks = ConstU32<HOURS>;
	type WeightInfo = weights::pallet_allocation::WeightInfo<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkSetup = crate::benchmarks::PlanSetup;
}

impl pallet_verification::Config for Runtime {
	type Workers = AccountableWorkers;
	type Models = Models;
	type Jobs = Jobs;
	type Randomness = ParentRandomness;
	// One stage in ten, of exact models.
	type LeastCheck = ConstU32<{ dllm_primitives::draw::WHOLE / 10 }>;
	// Who would choose the draw has to hold back the last of these blocks, or to make all of them.
	type DrawBlocks = ConstU32<3>;
	// Workers see that the time is over a block later; the others are for a full one, and a lost connection.
	type TallyBlocks = ConstU32<6>;
	// Who would keep a lot out has to make all of these blocks.
	type SummonBlocks = ConstU32<6>;
	type VerifyBlocks = ConstU32<20>;
	// A minute: who is checked and has not opened by then forfeits.
	type RevealBlocks = ConstU32<20>;
	// A minute: a worker that was started again computes its trace anew. A dispute has six moves, mostly.
	type DisputeBlocks = ConstU32<20>;
	type TiebreakBlocks = ConstU32<30>;
	// As many of the largest rings as can end in one block, each after a draw for every stage. With the
	// agenda's window of 8 blocks, 96 trials may be open at once.
	type MaxTrialsPerBlock = ConstU32<12>;
	type Breaker = Breaker;
	// As many as may refuse to spend the treasury's money.
	type BreakerOrigin = RootOr<TwoThirds>;
	type WeightInfo = weights::pallet_verification::WeightInfo<Runtime>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkSetup = crate::benchmarks::TrialSetup;
}

impl pallet_rewards::Config for Runtime {
	type Currency = Balances;
	type PalletId = TreasuryPalletId;
}
