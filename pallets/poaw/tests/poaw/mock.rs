//! A chain with balances, sessions, BABE and proof of AI work. Sessions turn when a test says so; the
//! validators are those that it names.

use codec::Encode;
use frame_support::{
	derive_impl, parameter_types,
	traits::{fungible::Inspect, ConstU128, ConstU32, ConstU64, Hooks},
	PalletId,
};
use frame_system::EnsureRoot;
use pallet_poaw::StakeBook;
use sp_consensus_babe::{
	digests::{PreDigest, SecondaryPlainPreDigest},
	AllowedSlots, AuthorityId, BabeEpochConfiguration, BABE_ENGINE_ID,
};
use sp_core::sr25519;
use sp_runtime::{
	impl_opaque_keys,
	traits::{ConvertInto, IdentityLookup, OpaqueKeys},
	BuildStorage, Digest, DigestItem,
};
use sp_staking::SessionIndex;
use std::{cell::RefCell, collections::BTreeMap};

pub use dllm_primitives::poaw::{Params, BASE_WEIGHT, PROBATION_WEIGHT};

pub type AccountId = u64;
pub type Error = pallet_poaw::Error<Test>;
pub type Event = pallet_poaw::Event<Test>;

pub const EXISTENTIAL: u128 = 10;
pub const FUNDS: u128 = 1_000_000;
pub const LINK_DEPOSIT: u128 = 100;
pub const BAN: SessionIndex = 20;
pub const NOTICE: SessionIndex = 2;
/// Slots of an epoch.
pub const EPOCH: u64 = 10;
/// Validators of genesis, each with its own number as its key.
pub const VALIDATORS: [AccountId; 4] = [1, 2, 3, 4];
/// A worker of validator 1, as the tests link it.
pub const WORKER: AccountId = 101;
/// A worker of validator 2.
pub const OTHER: AccountId = 102;
/// Credit for the full multiplier.
pub const TARGET: u128 = 1_000;

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
	pub type Babe = pallet_babe;
	#[runtime::pallet_index(2)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(3)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(4)]
	pub type Session = pallet_session;
	#[runtime::pallet_index(5)]
	pub type Poaw = pallet_poaw;
}

impl_opaque_keys! {
	pub struct Keys {
		pub babe: Poaw,
	}
}

thread_local! {
	static ELECTED: RefCell<Option<Vec<AccountId>>> = const { RefCell::new(None) };
	static BONDS: RefCell<BTreeMap<AccountId, u128>> = const { RefCell::new(BTreeMap::new()) };
	static REWARD: RefCell<u128> = const { RefCell::new(0) };
}

/// Elects whom the test named with [`elect`], once; otherwise the set stays.
pub struct Elections;

impl pallet_session::SessionManager<AccountId> for Elections {
	fn new_session(_: SessionIndex) -> Option<Vec<AccountId>> {
		ELECTED.with(|elected| elected.borrow_mut().take())
	}
	fn start_session(_: SessionIndex) {}
	fn end_session(_: SessionIndex) {}
}

/// Never: tests turn sessions themselves.
pub struct Never;

impl<N> pallet_session::ShouldEndSession<N> for Never {
	fn should_end_session(_: N) -> bool {
		false
	}
}

/// Bonds and rewards as the test set them; a bond is large unless it did.
pub struct Stakes;

impl StakeBook<AccountId> for Stakes {
	fn self_bond(who: &AccountId) -> u128 {
		BONDS.with(|bonds| bonds.borrow().get(who).copied().unwrap_or(u128::MAX))
	}
	fn session_reward() -> u128 {
		REWARD.with(|reward| *reward.borrow())
	}
}

parameter_types! {
	pub const PotId: PalletId = PalletId(*b"dllm/pot");
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlock<Test>;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
	type AccountData = pallet_balances::AccountData<u128>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = u128;
	type ExistentialDeposit = ConstU128<EXISTENTIAL>;
	type AccountStore = System;
}

impl pallet_timestamp::Config for Test {
	type Moment = u64;
	type OnTimestampSet = Babe;
	type MinimumPeriod = ConstU64<1>;
	type WeightInfo = ();
}

impl pallet_babe::Config for Test {
	type EpochDuration = ConstU64<EPOCH>;
	type ExpectedBlockTime = ConstU64<1>;
	type EpochChangeTrigger = pallet_babe::ExternalTrigger;
	type DisabledValidators = Session;
	type WeightInfo = ();
	type MaxAuthorities = ConstU32<10>;
	type MaxNominators = ConstU32<0>;
	type KeyOwnerProof = sp_core::Void;
	type EquivocationReportSystem = ();
}

impl pallet_session::Config for Test {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId;
	type ValidatorIdOf = ConvertInto;
	type ShouldEndSession = Never;
	type NextSessionRotation = Babe;
	type SessionManager = Elections;
	type SessionHandler = <Keys as OpaqueKeys>::KeyTypeIdProviders;
	type Keys = Keys;
	type DisablingStrategy = ();
	type WeightInfo = ();
	type Currency = Balances;
	type KeyDeposit = ConstU128<0>;
}

impl pallet_poaw::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Stakes = Stakes;
	type GovernanceOrigin = EnsureRoot<AccountId>;
	type LinkDeposit = ConstU128<LINK_DEPOSIT>;
	type BanSessions = ConstU32<BAN>;
	type UnlinkSessions = ConstU32<NOTICE>;
	type PotId = PotId;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkSetup = ();
}

/// The rules of the tests: the defaults, with a small target and no least number of validators.
pub fn rules() -> Params {
	Params {
		target: TARGET,
		pot_limit: 5_000,
		min_validators: 1,
		..Params::default()
	}
}

/// Key of that number.
pub fn key(number: u64) -> AuthorityId {
	let mut raw = [0; 32];
	raw[..8].copy_from_slice(&number.to_le_bytes());
	sr25519::Public::from_raw(raw).into()
}

/// Gives an account the session key of that number, from the next planned session on.
pub fn set_key(who: AccountId, number: u64) {
	pallet_session::NextKeys::<Test>::insert(who, Keys { babe: key(number) });
}

/// Names the validators that the next election elects.
pub fn elect(validators: &[AccountId]) {
	ELECTED.with(|elected| *elected.borrow_mut() = Some(validators.to_vec()));
}

/// Sets an account's own bond.
pub fn bond(who: AccountId, planck: u128) {
	BONDS.with(|bonds| bonds.borrow_mut().insert(who, planck));
}

/// Sets what a session pays all validators.
pub fn session_reward(planck: u128) {
	REWARD.with(|reward| *reward.borrow_mut() = planck);
}

/// Runs a test with the rules of [`rules`] in the first block.
pub fn execute(test: impl FnOnce()) {
	execute_with(rules(), vec![], test)
}

/// Runs a test with these rules and these credits at genesis, then checks the invariants.
pub fn execute_with(rules: Params, credits: Vec<(AccountId, u128)>, test: impl FnOnce()) {
	ELECTED.with(|elected| *elected.borrow_mut() = None);
	BONDS.with(|bonds| bonds.borrow_mut().clear());
	session_reward(0);
	let funded = VALIDATORS.into_iter().chain([5, 6, 7, WORKER, OTHER]);
	let genesis = RuntimeGenesisConfig {
		balances: pallet_balances::GenesisConfig {
			balances: funded.map(|who| (who, FUNDS)).collect(),
			..Default::default()
		},
		babe: pallet_babe::GenesisConfig {
			epoch_config: BabeEpochConfiguration {
				c: (2, 5),
				allowed_slots: AllowedSlots::PrimaryAndSecondaryVRFSlots,
			},
			..Default::default()
		},
		session: pallet_session::GenesisConfig {
			keys: VALIDATORS
				.map(|who| (who, who, Keys { babe: key(who) }))
				.to_vec(),
			..Default::default()
		},
		poaw: pallet_poaw::GenesisConfig { rules, credits },
		..Default::default()
	};
	let mut state = sp_io::TestExternalities::new(genesis.build_storage().unwrap());
	state.execute_with(|| {
		block(1, 1);
		test();
		Poaw::do_try_state().unwrap();
	});
}

/// Starts a block in a slot.
fn block(number: u64, slot: u64) {
	let digest = PreDigest::SecondaryPlain(SecondaryPlainPreDigest {
		authority_index: 0,
		slot: slot.into(),
	});
	let digest = DigestItem::PreRuntime(BABE_ENGINE_ID, digest.encode());
	System::initialize(&number, &Default::default(), &Digest { logs: vec![digest] });
	Babe::on_initialize(number);
}

/// Turns the session in the first block of the next epoch.
pub fn turn() {
	turn_after(EPOCH);
}

/// Turns the session in a block that comes so many slots after the last.
pub fn turn_after(slots: u64) {
	Babe::on_finalize(System::block_number());
	let slot = *pallet_babe::CurrentSlot::<Test>::get() + slots;
	block(System::block_number() + 1, slot);
	Session::rotate_session();
}

/// Turns so many sessions.
pub fn turns(sessions: u32) {
	(0..sessions).for_each(|_| turn());
}

/// Weights of the running epoch, by key, in order.
pub fn current() -> Vec<(AuthorityId, u64)> {
	pallet_babe::Authorities::<Test>::get().into_inner()
}

/// Weights that were announced for the next epoch.
pub fn next() -> Vec<(AuthorityId, u64)> {
	pallet_babe::NextAuthorities::<Test>::get().into_inner()
}

/// The announced weights alone.
pub fn next_weights() -> Vec<u64> {
	next().into_iter().map(|(_, weight)| weight).collect()
}

/// Links a worker to a validator.
pub fn link(worker: AccountId, validator: AccountId) {
	Poaw::propose_link(RuntimeOrigin::signed(worker), validator).unwrap();
	Poaw::accept_link(RuntimeOrigin::signed(validator), worker).unwrap();
}

/// Balance that an account may spend.
pub fn free(who: AccountId) -> u128 {
	Balances::balance(&who)
}

/// The events of the pallet in this block.
pub fn events() -> Vec<Event> {
	let all = System::events().into_iter();
	all.filter_map(|record| match record.event {
		RuntimeEvent::Poaw(event) => Some(event),
		_ => None,
	})
	.collect()
}
