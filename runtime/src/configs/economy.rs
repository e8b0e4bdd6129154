//! Money and transaction fees.

use crate::{
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
use sp_runtime::{traits::One, FixedPointNumber, Perquintill};

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
	type OnChargeTransaction = FungibleAdapter<Balances, ToAuthor>;
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

/// Gives transaction fees and tips to the author of the block; burns them where it is not known.
pub struct ToAuthor;

impl OnUnbalanced<Credit<AccountId, Balances>> for ToAuthor {
	fn on_nonzero_unbalanced(fees: Credit<AccountId, Balances>) {
		if let Some(author) = Authorship::author() {
			// What the author's account cannot receive is burned as the credit is dropped.
			drop(Balances::resolve(&author, fees));
		}
	}
}
