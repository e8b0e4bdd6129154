//! Money and transaction fees.

use crate::{
	configs::pipeline::treasury_account,
	constants::{fee, money::EXISTENTIAL_DEPOSIT},
	AccountId, Authorship, Balance, Balances, Runtime, RuntimeEvent, RuntimeFreezeReason,
	RuntimeHoldReason, System,
};
use frame_support::{
	parameter_types,
	traits::{
		fungible::{Balanced, Credit},
		ConstU128, ConstU32, ConstU8, OnUnbalanced, VariantCountOf,
	},
	weights::{constants::ExtrinsicBaseWeight, ConstantMultiplier, Weight, WeightToFee},
};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use sp_runtime::{traits::One, FixedPointNumber, PerThing, Perquintill};

impl pallet_balances::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
	type Balance = Balance;
	// What is left in an account that falls below the existential deposit is burned.
	type DustRemoval = ();
	type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
	type AccountStore = System;
	type ReserveIdentifier = [u8; 8];
	type FreezeIdentifier = RuntimeFreezeReason;
	type MaxLocks = ConstU32<50>;
	type MaxReserves = ConstU32<50>;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
	type DoneSlashHandler = ();
}

/// Fee for the weight of a transaction, in proportion to an empty one.
pub struct FeeForWeight;

impl WeightToFee for FeeForWeight {
	type Balance = Balance;

	fn weight_to_fee(weight: &Weight) -> Balance {
		let base = Balance::from(ExtrinsicBaseWeight::get().ref_time());
		// Below 2⁶⁴ · 2²⁷: it cannot overflow.
		Balance::from(weight.ref_time()).saturating_mul(fee::PER_BASE_EXTRINSIC) / base.max(1)
	}
}

parameter_types! {
	/// Blocks a quarter full leave fees as they are; fuller ones raise them.
	pub const TargetFullness: Perquintill = Perquintill::from_percent(25);
	/// A day of full blocks, 28 800 of them, raises fees by about a quarter.
	pub AdjustmentRate: Multiplier = Multiplier::saturating_from_rational(1, 100_000);
	/// Fees never fall below those of [`fee`], ...
	pub LowestMultiplier: Multiplier = Multiplier::one();
	/// ... nor rise beyond a hundred times these.
	pub HighestMultiplier: Multiplier = Multiplier::saturating_from_integer(100);
}

impl pallet_transaction_payment::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type OnChargeTransaction = FungibleAdapter<Balances, FeesToTreasury>;
	type WeightToFee = FeeForWeight;
	type LengthToFee = ConstantMultiplier<Balance, ConstU128<{ fee::PER_BYTE }>>;
	type FeeMultiplierUpdate = TargetedFeeAdjustment<
		Runtime,
		TargetFullness,
		AdjustmentRate,
		LowestMultiplier,
		HighestMultiplier,
	>;
	type OperationalFeeMultiplier = ConstU8<5>;
	type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}

/// Gives transaction fees to the treasury, and tips to the author of the block.
///
/// Verified work raises a validator's share of blocks, and what a block brings its author is what that share
/// is worth. The target of proof of AI work knows what stakers are paid; it could not know the fees.
pub struct FeesToTreasury;

impl OnUnbalanced<Credit<AccountId, Balances>> for FeesToTreasury {
	/// The adapter hands over the fee, and then the tip.
	fn on_unbalanceds(mut amounts: impl Iterator<Item = Credit<AccountId, Balances>>) {
		if let Some(fee) = amounts.next() {
			// The treasury's account exists from genesis; without it the fee is burned as the credit is dropped.
			drop(Balances::resolve(&treasury_account(), fee));
		}
		let author = Authorship::author();
		for tip in amounts {
			if let Some(author) = &author {
				// What the author's account cannot receive is burned.
				drop(Balances::resolve(author, tip));
			}
		}
	}
}

/// New money a year, in parts of what there is: 8 %.
pub const YEARLY_ISSUANCE: Perquintill = Perquintill::from_percent(8);
/// Part of it for validators and nominators where the ideal part of all money is staked: 60 %.
pub const STAKERS_SHARE: Perquintill = Perquintill::from_percent(60);
/// Ideal part of all money at stake: one half.
pub const IDEAL_STAKE: Perquintill = Perquintill::from_percent(50);
/// Part of the stakers' share that they get where nothing, or everything, is staked: one quarter.
pub const STAKERS_FLOOR: Perquintill = Perquintill::from_percent(25);
/// Milliseconds of a year of 365.25 days.
pub const YEAR_MILLIS: u64 = 31_557_600_000;
/// Milliseconds of an era for which money is made at most: a chain that stood still for a month does not
/// make up for it.
pub const LONGEST_ERA_MILLIS: u64 = 86_400_000;

/// New money at the end of an era.
///
/// All of it is 8 % a year of what there is, whatever is staked. The stakers get 60 % of that times `f`,
/// which rises in a line from 1⁄4 where nothing is staked to 1 where half is, and falls in a line to 1⁄4
/// where everything is: too little stake makes staking pay, too much makes using the money pay. The
/// remainder goes to the pot of proof of AI work and to the treasury.
pub struct Issuance;

impl sp_staking::EraPayout<Balance> for Issuance {
	/// Both parts in planck, rounded down.
	fn era_payout(staked: Balance, issuance: Balance, era_millis: u64) -> (Balance, Balance) {
		let year = Perquintill::from_rational(era_millis.min(LONGEST_ERA_MILLIS), YEAR_MILLIS);
		let minted = (YEARLY_ISSUANCE * year).mul_floor(issuance);
		let stakers = (STAKERS_SHARE * incentive(staked, issuance)).mul_floor(minted);
		(stakers, minted.saturating_sub(stakers))
	}
}

impl Issuance {
	/// What all validators and nominators together can be paid for so many milliseconds at most, in
	/// planck.
	pub fn most_for_stakers(issuance: Balance, millis: u64) -> Balance {
		let ideal = IDEAL_STAKE.mul_floor(issuance);
		let (stakers, _) =
			<Self as sp_staking::EraPayout<Balance>>::era_payout(ideal, issuance, millis);
		stakers
	}
}

/// The factor `f`: a tent over the staked part of all money.
fn incentive(staked: Balance, issuance: Balance) -> Perquintill {
	let part = Perquintill::from_rational(staked, issuance.max(1));
	let slope = if part <= IDEAL_STAKE {
		part / IDEAL_STAKE
	} else {
		part.left_from_one() / IDEAL_STAKE.left_from_one()
	};
	STAKERS_FLOOR + STAKERS_FLOOR.left_from_one() * slope
}
