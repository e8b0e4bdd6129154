//! Every preset is a first block from which a chain can start.

use dllm_runtime::{
	configs::pipeline::treasury_account,
	constants::money::EXISTENTIAL_DEPOSIT,
	genesis_presets::{get_preset, preset_names, worker_account, DEV, LOCAL, TESTNET, WORKERS},
	AccountId, Balances, Runtime, RuntimeGenesisConfig, Session,
};
use serde_json::Value;
use sp_core::{sr25519, Pair};
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;

fn patch(name: &str) -> Value {
	serde_json::from_slice(&get_preset(&name.to_string()).unwrap()).unwrap()
}

fn merge(into: &mut Value, patch: Value) {
	match (into, patch) {
		(Value::Object(into), Value::Object(patch)) => {
			for (key, value) in patch {
				merge(into.entry(key).or_insert(Value::Null), value);
			}
		}
		(into, patch) => *into = patch,
	}
}

/// Builds the first block through the runtime API's own helper.
fn built(name: &str) -> TestExternalities {
	let mut json = serde_json::to_value(RuntimeGenesisConfig::default()).unwrap();
	merge(&mut json, patch(name));
	let mut state = TestExternalities::default();
	state.execute_with(|| {
		let json = serde_json::to_vec(&json).unwrap();
		frame_support::genesis_builder_helper::build_state::<RuntimeGenesisConfig>(json).unwrap();
	});
	state
}

fn validators(name: &str) -> Vec<AccountId> {
	built(name).execute_with(|| {
		let validators = Session::validators();
		let babe = pallet_babe::Authorities::<Runtime>::get();
		let grandpa = pallet_grandpa::Authorities::<Runtime>::get();
		assert_eq!(
			(babe.len(), grandpa.len()),
			(validators.len(), validators.len())
		);
		validators
	})
}

#[test]
fn every_name_has_a_preset_and_no_other() {
	assert_eq!(preset_names(), [DEV, LOCAL, TESTNET]);
	for name in preset_names() {
		assert!(patch(&name).is_object());
	}
	assert_eq!(get_preset(&"mainnet".to_string()), None);
}

#[test]
fn presets_name_their_validators() {
	let people = [
		Sr25519Keyring::Alice,
		Sr25519Keyring::Bob,
		Sr25519Keyring::Charlie,
		Sr25519Keyring::Dave,
	]
	.map(|who| who.to_account_id());
	assert_eq!(validators(DEV), people[..1]);
	assert_eq!(validators(LOCAL), people[..2]);
	assert_eq!(validators(TESTNET), people);
}

#[test]
fn only_local_networks_have_a_sudo_key() {
	let sudo = |name| built(name).execute_with(pallet_sudo::Key::<Runtime>::get);
	let alice = Some(Sr25519Keyring::Alice.to_account_id());
	assert_eq!(sudo(DEV), alice);
	assert_eq!(sudo(LOCAL), alice);
	assert_eq!(sudo(TESTNET), None);
	assert!(patch(TESTNET)["sudo"]["key"].is_null());
}

#[test]
fn presets_endow_the_workers_the_user_and_the_treasury() {
	for name in preset_names() {
		built(&name).execute_with(|| {
			for path in WORKERS {
				let pair = sr25519::Pair::from_string(&format!("//{path}"), None).unwrap();
				assert_eq!(worker_account(path), AccountId::from(pair.public()));
				assert!(Balances::free_balance(worker_account(path)) > 0, "{path}");
			}
			assert_eq!(
				Balances::free_balance(treasury_account()),
				EXISTENTIAL_DEPOSIT
			);
		});
	}
}
