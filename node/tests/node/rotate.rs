//! Session keys made in one step, with the proof that the chain wants.

use crate::process::{run, run_well, Folder};
use dllm_node::rotate::Rotation;
use dllm_runtime::{AccountId, RuntimeCall};
use sp_core::{bytes::from_hex, crypto::Ss58Codec};
use sp_keystore::testing::MemoryKeystore;
use sp_runtime::{
	codec::{DecodeAll, Encode},
	traits::OpaqueKeys,
};
use std::{fs::read_dir, sync::Arc};

/// Alice of every development chain.
const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

fn alice() -> AccountId {
	AccountId::from_ss58check(ALICE).expect("an address")
}

#[test]
fn the_proof_shows_that_the_owner_knows_the_keys() {
	let rotation = Rotation::make(&alice(), Arc::new(MemoryKeystore::new()));
	let proves = |owner: &AccountId| {
		owner.using_encoded(|owner| {
			rotation
				.keys
				.ownership_proof_is_valid(owner, &rotation.proof)
		})
	};
	assert!(proves(&alice()));
	assert!(!proves(&AccountId::from([1; 32])));
}

#[test]
fn the_command_leaves_the_keys_in_the_keystore_and_prints_the_call() {
	let folder = Folder::new();
	let arguments = [
		"key",
		"rotate",
		"--owner",
		ALICE,
		"--chain",
		"dev",
		"--base-path",
	];
	let printed = run_well(&[&arguments[..], &[folder.text()]].concat());
	let field = |name: &str| {
		let line = printed.lines().find(|line| line.starts_with(name));
		let value = line.and_then(|line| line.split_whitespace().nth(1));
		from_hex(value.expect("the field is printed")).expect("hex")
	};
	let keys = field("keys");
	assert_eq!(keys.len(), 3 * 32, "BABE, GRANDPA, authority discovery");
	let call = RuntimeCall::decode_all(&mut &field("call")[..]).expect("a call of the runtime");
	let expected = [&call.encode()[..2], &keys, &field("proof").encode()].concat();
	assert_eq!(call.encode(), expected);

	let stored = folder.path().join("chains/dllm_dev/keystore");
	let stored = read_dir(stored).expect("the keystore is there").count();
	assert_eq!(stored, 3);
}

#[test]
fn an_owner_that_is_no_address_is_refused() {
	let output = run(&["key", "rotate", "--owner", "Alice"]);
	let message = String::from_utf8_lossy(&output.stderr);
	assert!(!output.status.success());
	assert!(message.contains("is no SS58 address"), "{message}");
}
