//! A chain with balances and the catalogue.

use dllm_primitives::{
	ids::Digest,
	model::{AdapterSpec, ModelSpec, Profile, Shard},
};
use frame_support::{derive_impl, parameter_types, traits::fungible::InspectHold};
use pallet_models::HoldReason;
use sp_runtime::{traits::IdentityLookup, BuildStorage};

pub type AccountId = u64;
pub type Error = pallet_models::Error<Test>;
pub type Event = pallet_models::Event<Test>;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
/// Has the existential deposit only.
pub const POOR: AccountId = 3;

pub const EXISTENTIAL: u128 = 10;
pub const FUNDS: u128 = 1_000_000;
pub const BASE: u128 = 1_000;
pub const PER_SHARD: u128 = 7;
pub const MAX_MODELS: u32 = 3;
pub const ADAPTER_DEPOSIT: u128 = 300;
pub const MAX_ADAPTERS: u32 = 2;
pub const RETIRED_BLOCKS: u32 = 50;

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
	pub type Models = pallet_models;
}

parameter_types! {
	pub const ExistentialDeposit: u128 = EXISTENTIAL;
	pub const DepositBase: u128 = BASE;
	pub const DepositPerShard: u128 = PER_SHARD;
	pub const MaxModels: u32 = MAX_MODELS;
	pub const AdapterDeposit: u128 = ADAPTER_DEPOSIT;
	pub const MaxAdapters: u32 = MAX_ADAPTERS;
	pub const RetiredBlocks: u32 = RETIRED_BLOCKS;
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
}

impl pallet_models::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type DepositBase = DepositBase;
	type DepositPerShard = DepositPerShard;
	type MaxModels = MaxModels;
	type RetiredBlocks = RetiredBlocks;
	type AdapterDeposit = AdapterDeposit;
	type MaxAdapters = MaxAdapters;
	type WeightInfo = ();
}

/// Runs a test at block 1, then checks the invariants and that no money came or went.
pub fn execute(test: impl FnOnce()) {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.unwrap();
	pallet_balances::GenesisConfig::<Test> {
		balances: vec![(ALICE, FUNDS), (BOB, FUNDS), (POOR, EXISTENTIAL)],
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	sp_io::TestExternalities::new(storage).execute_with(|| {
		System::set_block_number(1);
		let issuance = pallet_balances::TotalIssuance::<Test>::get();
		test();
		assert_eq!(Models::do_try_state(), Ok(()));
		assert_eq!(pallet_balances::TotalIssuance::<Test>::get(), issuance);
	});
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

pub fn held(who: AccountId) -> u128 {
	Balances::balance_on_hold(&HoldReason::ModelDeposit.into(), &who)
}

pub fn shard(hash: u64) -> Shard {
	let hash = Digest::from_low_u64_be(hash);
	Shard {
		hash,
		bytes: 1_000,
		flops_per_token: 2_000,
		kv_bytes_per_token: 16,
	}
}

/// A model of two layers; `root` sets it apart.
pub fn spec(root: u64) -> ModelSpec {
	ModelSpec {
		name: b"tiny".to_vec().try_into().unwrap(),
		licence: b"Apache-2.0".to_vec().try_into().unwrap(),
		manifest_root: Digest::from_low_u64_be(root),
		tokenizer_hash: Digest::from_low_u64_be(99),
		profile: Profile::F32,
		hidden_size: 64,
		max_context: 128,
		embed: shard(1),
		layers: vec![shard(2), shard(3)].try_into().unwrap(),
		head: shard(4),
		constants: None,
	}
}

/// Registers a model of ALICE and returns its number.
pub fn register(root: u64) -> u32 {
	let id = pallet_models::NextModel::<Test>::get();
	Models::register(signed(ALICE), spec(root)).unwrap();
	id
}

/// Planck on hold for adapters.
pub fn held_for_adapters(who: AccountId) -> u128 {
	Balances::balance_on_hold(&HoldReason::AdapterDeposit.into(), &who)
}

/// An adapter; `root` sets it apart.
pub fn adapter(root: u64) -> AdapterSpec {
	AdapterSpec {
		name: b"pirate".to_vec().try_into().unwrap(),
		licence: b"Apache-2.0".to_vec().try_into().unwrap(),
		manifest_root: Digest::from_low_u64_be(root),
		rank: 8,
		bytes: 1_000,
	}
}

/// Registers an adapter of BOB for a model and returns its number.
pub fn register_adapter(model: u32, root: u64) -> u32 {
	let id = pallet_models::NextAdapter::<Test>::get();
	Models::register_adapter(signed(BOB), model, adapter(root)).unwrap();
	id
}

pub fn last_event() -> RuntimeEvent {
	System::events().pop().unwrap().event
}
