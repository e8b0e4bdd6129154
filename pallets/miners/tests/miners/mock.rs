//! A chain with balances and the pool.

use dllm_primitives::{
	flow::WorkerPool,
	links::{Links, Probed, Reading},
	miner::{Roles, WorkerSpec, WorkerState},
	slash::{Conviction, Ground},
};
use frame_support::{derive_impl, parameter_types, traits::fungible::InspectHold};
use pallet_miners::{HoldReason, WorkerOf};
use sp_runtime::{traits::IdentityLookup, BuildStorage};

pub type AccountId = u64;
pub type Error = pallet_miners::Error<Test>;
pub type Event = pallet_miners::Event<Test>;

/// Accounts from 1 on that have funds.
pub const ACCOUNTS: u64 = 100;
pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const CAROL: AccountId = 3;
pub const DAVE: AccountId = 4;
/// Has no account.
pub const STRANGER: AccountId = 999;

pub const EXISTENTIAL: u128 = 10;
pub const FUNDS: u128 = 1_000_000;
pub const MIN_BOND: u128 = 10_000;
pub const DELAY: u32 = 20;
pub const MAX_WORKERS: u32 = 90;
/// Blocks between two reports of links, and for which one counts.
pub const PAUSE: u32 = 4;
pub const LIFETIME: u32 = 12;
pub const MEMORY: u64 = 1 << 30;

/// What a probe of the tests says.
pub const READING: Reading = Reading {
	rtt_us: 20_000,
	jitter_us: 1_000,
	loss_ppm: 100,
	bytes_per_second: 10_000_000,
};

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
	pub type Miners = pallet_miners;
}

parameter_types! {
	pub const ExistentialDeposit: u128 = EXISTENTIAL;
	pub const MinBond: u128 = MIN_BOND;
	pub const UnbondDelay: u32 = DELAY;
	pub const MaxWorkers: u32 = MAX_WORKERS;
	pub const LinkReportPause: u32 = PAUSE;
	pub const LinkReportLifetime: u32 = LIFETIME;
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

impl pallet_miners::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type MinBond = MinBond;
	type UnbondDelay = UnbondDelay;
	type MaxWorkers = MaxWorkers;
	type LinkReportPause = LinkReportPause;
	type LinkReportLifetime = LinkReportLifetime;
	type WeightInfo = ();
}

/// Runs a test at block 1, then checks the invariants and that only slashes burned money.
pub fn execute(test: impl FnOnce()) {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.unwrap();
	let balances = (1..=ACCOUNTS).map(|who| (who, FUNDS)).collect();
	pallet_balances::GenesisConfig::<Test> {
		balances,
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	sp_io::TestExternalities::new(storage).execute_with(|| {
		System::set_block_number(1);
		let issuance = pallet_balances::TotalIssuance::<Test>::get();
		test();
		assert_eq!(Miners::do_try_state(), Ok(()));
		assert_eq!(money(), pallet_balances::TotalIssuance::<Test>::get());
		assert_eq!(money() + burned(), issuance);
	});
}

/// Everything in every account.
pub fn money() -> u128 {
	frame_system::Account::<Test>::iter_values()
		.map(|a| a.data.free + a.data.reserved)
		.sum()
}

/// What slashes and forfeits say that they burned.
pub fn burned() -> u128 {
	let events = System::events().into_iter().map(|record| record.event);
	events
		.map(|event| match event {
			RuntimeEvent::Miners(
				Event::Slashed { burned, .. } | Event::Forfeited { burned, .. },
			) => burned,
			_ => 0,
		})
		.sum()
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

pub fn held(who: AccountId) -> u128 {
	Balances::balance_on_hold(&HoldReason::Bond.into(), &who)
}

pub fn free(who: AccountId) -> u128 {
	Balances::free_balance(who)
}

/// What a worker of this account declares: every role, its own identity.
pub fn spec(who: AccountId) -> WorkerSpec {
	WorkerSpec {
		peer_id: who.to_le_bytes().to_vec().try_into().unwrap(),
		addresses: vec![b"/ip4/127.0.0.1/tcp/4001".to_vec().try_into().unwrap()]
			.try_into()
			.unwrap(),
		roles: Roles {
			entry: true,
			miner: true,
			verifier: true,
		},
		memory: MEMORY,
		price: 5,
	}
}

/// Registers an active worker with the least bond.
pub fn worker(who: AccountId) -> AccountId {
	bonded(who, MIN_BOND)
}

pub fn bonded(who: AccountId, bond: u128) -> AccountId {
	Miners::register(signed(who), None, spec(who), bond).unwrap();
	who
}

/// Slashes a worker for what is proved; answers what it lost.
pub fn convict(who: &AccountId, pay: u128, user: &AccountId, convicted_by: &[AccountId]) -> u128 {
	let conviction = Conviction {
		pay,
		ground: Ground::Proof,
		exact: true,
		user,
		convicted_by,
	};
	Miners::slash(who, &conviction)
}

/// Registers a worker that waits for `operator`.
pub fn pending(who: AccountId, operator: AccountId) -> AccountId {
	Miners::register(signed(who), Some(operator), spec(who), MIN_BOND).unwrap();
	who
}

pub fn get(who: AccountId) -> WorkerOf<Test> {
	pallet_miners::Workers::<Test>::get(who).unwrap()
}

pub fn state(who: AccountId) -> WorkerState<u32> {
	get(who).state
}

/// Links to these peers, all alike.
pub fn probed(peers: &[AccountId]) -> Links<AccountId> {
	let link = |peer: &AccountId| Probed {
		peer: *peer,
		reading: READING,
	};
	peers
		.iter()
		.map(link)
		.collect::<Vec<_>>()
		.try_into()
		.unwrap()
}
