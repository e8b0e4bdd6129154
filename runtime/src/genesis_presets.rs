//! First blocks that are built in: `dev` (one validator), `local` (two) and `testnet` (four).
//!
//! All three endow accounts whose keys everybody knows, so that a demo needs no faucet. `testnet` is
//! the pattern of a public network: whoever starts one replaces validators and balances in the plain
//! chain specification before making it raw. Only `dev` and `local` have a sudo key.

use crate::{
	configs::{consensus::BABE_GENESIS_EPOCH_CONFIG, pipeline::treasury_account},
	constants::money::{DLLM, EXISTENTIAL_DEPOSIT},
	AccountId, BabeConfig, Balance, BalancesConfig, RuntimeGenesisConfig, SessionConfig,
	SessionKeys, SudoConfig,
};
use alloc::{string::ToString, vec, vec::Vec};
use frame_support::build_struct_json_patch;
use serde_json::Value;
use sp_core::{crypto::get_public_from_string_or_panic, sr25519};
use sp_genesis_builder::PresetId;
use sp_keyring::{Ed25519Keyring, Sr25519Keyring};

/// One validator, blocks at once.
pub const DEV: &str = "dev";
/// Two validators on one machine.
pub const LOCAL: &str = "local";
/// Four validators, no sudo key.
pub const TESTNET: &str = "testnet";

/// Balance of each well-known person.
const PERSON_ENDOWMENT: Balance = 1_000_000 * DLLM;
/// Balance of each well-known worker and of the demo's user: enough for its bond and years of fees.
const WORKER_ENDOWMENT: Balance = 100_000 * DLLM;

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
	let root = Some(Sr25519Keyring::Alice.to_account_id());
	let patch = match id.as_str() {
		DEV => genesis(&PERSONS[..1], root),
		LOCAL => genesis(&PERSONS[..2], root),
		TESTNET => genesis(&PERSONS[..4], None),
		_ => return None,
	};
	Some(patch.to_string().into_bytes())
}

/// Names of the built-in first blocks.
pub fn preset_names() -> Vec<PresetId> {
	vec![DEV.into(), LOCAL.into(), TESTNET.into()]
}

fn genesis(validators: &[Sr25519Keyring], sudo: Option<AccountId>) -> Value {
	build_struct_json_patch!(RuntimeGenesisConfig {
		balances: BalancesConfig {
			balances: balances()
		},
		// Session tells Babe and Grandpa their authorities.
		babe: BabeConfig {
			epoch_config: BABE_GENESIS_EPOCH_CONFIG
		},
		session: SessionConfig {
			keys: validators.iter().map(session_keys).collect()
		},
		sudo: SudoConfig { key: sudo },
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
	};
	(account.clone(), account, keys)
}
