//! First blocks that are built in: `dev` (one validator), `local` (two), `fast` (four, with eras of half a
//! minute) and `testnet` (four).
//!
//! All of them endow accounts whose keys everybody knows, so that a demo needs no faucet. `testnet` is
//! the pattern of a public network: whoever starts one replaces validators and balances in the plain
//! chain specification before making it raw, and with them council, committee and stakes. Only `testnet` has
//! no sudo key.

use crate::{
	configs::{
		consensus::BABE_GENESIS_EPOCH_CONFIG,
		pipeline::treasury_account,
		staking::{MIN_JOIN_BOND, MIN_NOMINATOR_BOND, MIN_VALIDATOR_BOND},
	},
	constants::{
		money::{DLLM, EXISTENTIAL_DEPOSIT},
		time::SLOT_DURATION,
	},
	pace::Lengths,
	AccountId, BabeConfig, Balance, BalancesConfig, CouncilConfig, NominationPoolsConfig,
	PaceConfig, PoawConfig, RuntimeGenesisConfig, SessionConfig, SessionKeys, StakingConfig,
	SudoConfig, TechnicalCommitteeConfig,
};
use alloc::{string::ToString, vec, vec::Vec};
use dllm_primitives::poaw::Params;
use frame_support::build_struct_json_patch;
use pallet_staking::StakerStatus;
use serde_json::Value;
use sp_core::{crypto::get_public_from_string_or_panic, sr25519};
use sp_genesis_builder::PresetId;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};
use sp_runtime::Perbill;

/// One validator, blocks at once.
pub const DEV: &str = "dev";
/// Two validators on one machine.
pub const LOCAL: &str = "local";
/// Four validators on one machine, slots of a second and eras of half a minute: for tests of staking. So
/// short a session brings BABE hardly any new randomness.
pub const FAST: &str = "fast";
/// Four validators, no sudo key.
pub const TESTNET: &str = "testnet";

/// Balance of each well-known person.
const PERSON_ENDOWMENT: Balance = 1_000_000 * DLLM;
/// Balance of each well-known worker and of the demo's user: enough for its bond and years of fees.
const WORKER_ENDOWMENT: Balance = 100_000 * DLLM;

/// Own bond of each validator.
const VALIDATOR_BOND: Balance = 100_000 * DLLM;
/// Part of a slash that goes to who reported it.
const REPORTERS_SHARE: Perbill = Perbill::from_percent(10);

/// Persons: validators, operators, owners of models.
const PERSONS: [Sr25519Keyring; 6] = [
	Sr25519Keyring::Alice,
	Sr25519Keyring::Bob,
	Sr25519Keyring::Charlie,
	Sr25519Keyring::Dave,
	Sr25519Keyring::Eve,
	Sr25519Keyring::Ferdie,
];

/// Derivation paths, below the development phrase, of the accounts of workers and of the demo's user.
pub const WORKERS: [&str; 10] = [
	"Miner1",
	"Miner2",
	"Miner3",
	"Miner4",
	"Miner5",
	"Miner6",
	"Entry1",
	"Entry2",
	"Verifier1",
	"User",
];

/// Account of a worker of [`WORKERS`].
pub fn worker_account(path: &'static str) -> AccountId {
	let key = get_public_from_string_or_panic::<sr25519::Public>(path);
	AccountId::from(key.0)
}

/// JSON of a built-in first block, as a patch of the default.
pub fn get_preset(id: &PresetId) -> Option<Vec<u8>> {
	let patch = match id.as_str() {
		DEV => genesis(&PERSONS[..1], HOME),
		LOCAL => genesis(&PERSONS[..2], HOME),
		FAST => genesis(&PERSONS[..4], HURRIED),
		TESTNET => genesis(&PERSONS[..4], Kind::default()),
		_ => return None,
	};
	Some(patch.to_string().into_bytes())
}

/// Names of the built-in first blocks.
pub fn preset_names() -> Vec<PresetId> {
	vec![DEV.into(), LOCAL.into(), FAST.into(), TESTNET.into()]
}

/// In what presets differ besides their validators.
#[derive(Default)]
struct Kind {
	lengths: Lengths,
	/// Whether one machine runs it: Alice is root, and a handful of validators is enough for weights.
	at_home: bool,
}

/// Slots as on the public network, sessions of five minutes.
const HOME: Kind = Kind {
	lengths: Lengths {
		slot_millis: SLOT_DURATION,
		session_slots: 100,
		era_sessions: 3,
		bonding_eras: 4,
	},
	at_home: true,
};

/// As fast as real processes on one machine can follow.
const HURRIED: Kind = Kind {
	lengths: Lengths {
		slot_millis: 1_000,
		session_slots: 15,
		era_sessions: 2,
		bonding_eras: 2,
	},
	at_home: true,
};

fn genesis(validators: &[Sr25519Keyring], kind: Kind) -> Value {
	let Kind { lengths, at_home } = kind;
	let root = at_home.then(|| Sr25519Keyring::Alice.to_account_id());
	let accounts: Vec<AccountId> = validators.iter().map(|who| who.to_account_id()).collect();
	let staker = |who: &AccountId| {
		let bond = VALIDATOR_BOND;
		(who.clone(), who.clone(), bond, StakerStatus::Validator)
	};
	let mut rules = Params::default();
	if at_home {
		rules.min_validators = 1;
	}
	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: BalancesConfig {
			balances: balances()
		},
		pace: PaceConfig { lengths },
		// Session tells Babe, Grandpa and authority discovery their authorities.
		babe: BabeConfig {
			epoch_config: BABE_GENESIS_EPOCH_CONFIG
		},
		session: SessionConfig {
			keys: validators.iter().map(session_keys).collect::<Vec<_>>()
		},
		staking: StakingConfig {
			validator_count: validators.len() as u32,
			// With fewer than these an election fails, and the validators that are there go on.
			minimum_validator_count: 1,
			stakers: accounts.iter().map(staker).collect::<Vec<_>>(),
			slash_reward_fraction: REPORTERS_SHARE,
			min_nominator_bond: MIN_NOMINATOR_BOND,
			min_validator_bond: MIN_VALIDATOR_BOND,
		},
		nomination_pools: NominationPoolsConfig {
			min_create_bond: MIN_NOMINATOR_BOND,
			min_join_bond: MIN_JOIN_BOND,
		},
		poaw: PoawConfig { rules },
		council: CouncilConfig {
			members: accounts.clone()
		},
		technical_committee: TechnicalCommitteeConfig { members: accounts },
		sudo: SudoConfig { key: root },
	})
}

fn balances() -> Vec<(AccountId, Balance)> {
	let persons = PERSONS
		.iter()
		.map(|who| (who.to_account_id(), PERSON_ENDOWMENT));
	let workers = WORKERS
		.iter()
		.map(|path| (worker_account(path), WORKER_ENDOWMENT));
	// So that the treasury can receive any amount, however small.
	let treasury = [(treasury_account(), EXISTENTIAL_DEPOSIT)];
	persons.chain(workers).chain(treasury).collect()
}

fn session_keys(validator: &Sr25519Keyring) -> (AccountId, AccountId, SessionKeys) {
	let account = validator.to_account_id();
	let grandpa = match validator {
		Sr25519Keyring::Alice => Ed25519Keyring::Alice,
		Sr25519Keyring::Bob => Ed25519Keyring::Bob,
		Sr25519Keyring::Charlie => Ed25519Keyring::Charlie,
		Sr25519Keyring::Dave => Ed25519Keyring::Dave,
		Sr25519Keyring::Eve => Ed25519Keyring::Eve,
		_ => Ed25519Keyring::Ferdie,
	};
	let keys = SessionKeys {
		babe: validator.public().into(),
		grandpa: grandpa.public().into(),
		authority_discovery: validator.public().into(),
	};
	(account.clone(), account, keys)
}
