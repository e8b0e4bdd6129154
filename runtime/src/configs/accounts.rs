//! What belongs to accounts: names that somebody vouches for, and money that is freed over time.

use crate::{
	configs::{
		governance::{MoreThanHalf, RootOr},
		staking::TreasuryAccount,
	},
	constants::{
		money::{deposit, DLLM},
		time::DAYS,
	},
	AccountId, Balance, Balances, Runtime, RuntimeEvent, Signature, System,
};
use frame_support::{
	parameter_types,
	traits::{ConstU128, ConstU32, Currency, OnUnbalanced, TypedGet, WithdrawReasons},
};
use pallet_identity::legacy::IdentityInfo;
use sp_runtime::traits::{ConvertInto, Verify};

parameter_types! {
	// An identity of 258 bytes under its account.
	pub const IdentityDeposit: Balance = deposit(1, 258);
	pub const IdentityByteDeposit: Balance = deposit(0, 1);
	pub const UsernameDeposit: Balance = deposit(1, 32);
	// A sub-account of 53 bytes.
	pub const SubAccountDeposit: Balance = deposit(1, 53);
	/// Money that is still vesting pays no fees and is not moved; it may be staked.
	pub UnvestedUse: WithdrawReasons =
		WithdrawReasons::except(WithdrawReasons::TRANSFER | WithdrawReasons::RESERVE);
}

/// Deposits that a registrar finds forfeited go to the treasury.
pub struct ToTreasury;

type Forfeited = <Balances as Currency<AccountId>>::NegativeImbalance;

impl OnUnbalanced<Forfeited> for ToTreasury {
	fn on_nonzero_unbalanced(forfeited: Forfeited) {
		Balances::resolve_creating(&TreasuryAccount::get(), forfeited);
	}
}

impl pallet_identity::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Currency = Balances;
	type BasicDeposit = IdentityDeposit;
	type ByteDeposit = IdentityByteDeposit;
	type UsernameDeposit = UsernameDeposit;
	type SubAccountDeposit = SubAccountDeposit;
	type MaxSubAccounts = ConstU32<100>;
	type IdentityInformation = IdentityInfo<ConstU32<100>>;
	type MaxRegistrars = ConstU32<20>;
	type Slashed = ToTreasury;
	type ForceOrigin = RootOr<MoreThanHalf>;
	type RegistrarOrigin = RootOr<MoreThanHalf>;
	type OffchainSignature = Signature;
	type SigningPublicKey = <Signature as Verify>::Signer;
	type UsernameAuthorityOrigin = RootOr<MoreThanHalf>;
	type PendingUsernameExpiration = ConstU32<{ 7 * DAYS }>;
	type UsernameGracePeriod = ConstU32<{ 30 * DAYS }>;
	type MaxSuffixLength = ConstU32<7>;
	type MaxUsernameLength = ConstU32<32>;
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkHelper = ();
	type WeightInfo = pallet_identity::weights::SubstrateWeight<Runtime>;
}

impl pallet_vesting::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type Currency = Balances;
	type BlockNumberToBalance = ConvertInto;
	type MinVestedTransfer = ConstU128<DLLM>;
	type WeightInfo = pallet_vesting::weights::SubstrateWeight<Runtime>;
	type UnvestedFundsAllowedWithdrawReasons = UnvestedUse;
	type BlockNumberProvider = System;
	/// Schedules of an account at most.
	const MAX_VESTING_SCHEDULES: u32 = 28;
}
