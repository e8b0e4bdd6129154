//! Every preset is a first block from which a chain can start.

use dllm_runtime::{
	configs::{governance::CouncilInstance, pipeline::treasury_account},
	constants::money::{DLLM, EXISTENTIAL_DEPOSIT},
	genesis_presets::{
		get_preset, preset_names, worker_account, DEV, FAST, LOCAL, TESTNET, WORKERS,
	},
	pace::{
		BondingEras, BondingSessions, EraSessions, Lengths, Pace, ReportBlocks, SessionMillis,
		SessionSlots, SlashDeferEras,
	},
	AccountId, Balances, Runtime, RuntimeGenesisConfig, Session, Staking,
};
use frame_support::traits::Get;
use serde_json::Value;
use sp_core::{sr25519, Pair};
use sp_io::TestExternalities;
use sp_keyring::Sr25519Keyring;
use sp_staking::StakingInterface;

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
	assert_eq!(preset_names(), [DEV, LOCAL, FAST, TESTNET]);
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
	// The election of genesis orders them as it likes.
	for (name, size) in [(DEV, 1), (LOCAL, 2), (FAST, 4), (TESTNET, 4)] {
		let mut expected = people[..size].to_vec();
		let mut elected = validators(name);
		expected.sort();
		elected.sort();
		assert_eq!(elected, expected, "{name}");
	}
}

#[test]
fn only_local_networks_have_a_sudo_key() {
	let sudo = |name| built(name).execute_with(pallet_sudo::Key::<Runtime>::get);
	let alice = Some(Sr25519Keyring::Alice.to_account_id());
	assert_eq!(sudo(DEV), alice);
	assert_eq!(sudo(LOCAL), alice);
	assert_eq!(sudo(FAST), alice);
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

#[test]
fn the_validators_of_a_preset_have_stake_and_are_elected() {
	for name in preset_names() {
		let validators = validators(&name);
		built(&name).execute_with(|| {
			for who in &validators {
				assert_eq!(Staking::active_stake(who), Ok(100_000 * DLLM), "{name}");
				assert!(pallet_staking::Validators::<Runtime>::contains_key(who));
			}
			assert_eq!(pallet_staking::CurrentEra::<Runtime>::get(), Some(0));
			let council = pallet_collective::Members::<Runtime, CouncilInstance>::get();
			assert_eq!(council.len(), validators.len());
		});
	}
}

#[test]
fn the_public_network_keeps_the_lengths_of_the_design() {
	built(TESTNET).execute_with(|| {
		assert_eq!(Pace::<Runtime>::get(), Lengths::default());
		assert_eq!(SessionMillis::get(), 3_600_000);
		assert_eq!(pallet_poaw::Rules::<Runtime>::get().min_validators, 7);
	});
}

/// Reports of an offence are remembered as long as stake is bonded, and slashes wait less long.
#[test]
fn offences_are_slashed_while_the_stake_is_bonded() {
	for name in preset_names() {
		built(&name).execute_with(|| {
			let bonding = BondingEras::get();
			assert!(SlashDeferEras::get() < bonding);
			let sessions = u64::from(bonding) * u64::from(EraSessions::get());
			assert_eq!(<BondingSessions as Get<u64>>::get(), sessions);
			assert_eq!(ReportBlocks::get(), sessions * SessionSlots::get());
		});
	}
}
