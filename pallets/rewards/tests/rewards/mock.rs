//! A chain with balances, holds for two reasons, and payments.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dllm_primitives::flow::Bill;
use frame_support::{
	derive_impl, parameter_types,
	traits::{
		fungible::{InspectHold, MutateHold},
		VariantCount,
	},
	PalletId,
};
use scale_info::TypeInfo;
use sp_runtime::{traits::IdentityLookup, BuildStorage};

pub type AccountId = u64;
pub type Error = pallet_rewards::Error<Test>;
pub type Event = pallet_rewards::Event<Test>;

pub const CLIENT: AccountId = 1;
pub const MINERS: [AccountId; 3] = [11, 12, 13];
pub const VERIFIERS: [AccountId; 3] = [21, 22, 23];
/// Has no account yet.
pub const STRANGER: AccountId = 99;

pub const EXISTENTIAL: u128 = 100;
/// Of every account but the client's.
pub const SMALL: u128 = 1_000;
pub const ESCROW: u128 = 1_000_000_000;

#[frame_support::runtime]
mod runtime {
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
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type Rewards = pallet_rewards;
}

/// What funds are on hold for.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
pub enum Reason {
	Escrow,
	Other,
}

impl VariantCount for Reason {
	const VARIANT_COUNT: u32 = 2;
}

parameter_types! {
	pub const ExistentialDeposit: u128 = EXISTENTIAL;
	pub const Treasury: PalletId = PalletId(*b"dllm/try");
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
	type AccountData = pallet_balances::AccountData<u128>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = u128;
	type ExistentialDeposit = ExistentialDeposit;
	type AccountStore = System;
	type RuntimeHoldReason = Reason;
}

impl pallet_rewards::Config for Test {
	type Currency = Balances;
	type PalletId = Treasury;
}

pub fn treasury() -> AccountId {
	Rewards::treasury()
}

/// Runs a test in which the client has `ESCROW` on hold for a job and as much for something else, and
/// everybody but the stranger has an account; then checks the invariants.
pub fn execute(test: impl FnOnce()) {
	execute_with_accounts(
		&[MINERS.as_slice(), &VERIFIERS, &[treasury()]].concat(),
		test,
	);
}

/// As [`execute`], but only `accounts` and the client exist.
pub fn execute_with_accounts(accounts: &[AccountId], test: impl FnOnce()) {
	let mut balances: Vec<_> = accounts.iter().map(|who| (*who, SMALL)).collect();
	balances.push((CLIENT, 2 * ESCROW + SMALL));
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.unwrap();
	pallet_balances::GenesisConfig::<Test> {
		balances,
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	sp_io::TestExternalities::new(storage).execute_with(|| {
		System::set_block_number(1);
		Balances::hold(&Reason::Escrow, &CLIENT, ESCROW).unwrap();
		Balances::hold(&Reason::Other, &CLIENT, ESCROW).unwrap();
		test();
		assert_eq!(Rewards::do_try_state(), Ok(()));
		let accounts = frame_system::Account::<Test>::iter_values();
		let money: u128 = accounts
			.map(|account| account.data.free + account.data.reserved)
			.sum();
		assert_eq!(money, pallet_balances::TotalIssuance::<Test>::get());
	});
}

pub fn bill(
	fee: u128,
	miners: &[(AccountId, u128)],
	verifiers: &[(AccountId, u128)],
) -> Bill<AccountId> {
	Bill {
		job: 7,
		client: CLIENT,
		fee,
		surplus: 0,
		checked: true,
		miners: miners.to_vec(),
		verifiers: verifiers.to_vec(),
	}
}

pub fn escrow() -> u128 {
	Balances::balance_on_hold(&Reason::Escrow, &CLIENT)
}

pub fn issuance() -> u128 {
	pallet_balances::TotalIssuance::<Test>::get()
}

pub fn free(who: AccountId) -> u128 {
	Balances::free_balance(who)
}
