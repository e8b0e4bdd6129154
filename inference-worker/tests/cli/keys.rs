//! Accounts are made once, shown again, and kept from others.

use super::worker::Folder;
use serde_json::Value;
use std::fs;

/// `//Alice` on every development chain.
const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

#[test]
fn generated_key_is_shown_again() {
	let folder = Folder::new();
	let made = folder.run(&["keys", "generate", "--out", "account.key"]);
	let shown = folder.run(&["keys", "show", "--account", "account.key", "--json"]);
	let shown = serde_json::from_str::<Value>(shown.printed()).expect("JSON");
	assert_eq!(shown["address"], made.printed());
	assert!(shown["peerId"].is_null());

	let mnemonic = fs::read_to_string(folder.path("account.key")).expect("the key file");
	assert_eq!(mnemonic.split_whitespace().count(), 12);
	assert!(!made.stdout.contains(mnemonic.trim()) && !made.stderr.contains(mnemonic.trim()));
	let direct = folder.run(&["keys", "show", "--account", mnemonic.trim(), "--json"]);
	let direct = serde_json::from_str::<Value>(direct.printed()).expect("JSON");
	assert_eq!(direct["address"], shown["address"]);
}

#[test]
fn two_generated_keys_differ() {
	let folder = Folder::new();
	let one = folder.run(&["keys", "generate", "--out", "one.key"]);
	let two = folder.run(&["keys", "generate", "--out", "two.key"]);
	assert_ne!(one.printed(), two.printed());
}

#[test]
fn development_names_and_seeds_are_accounts() {
	let folder = Folder::new();
	let alice = folder.run(&["keys", "show", "--account", "//Alice"]);
	assert!(alice.printed().contains(ALICE), "{}", alice.stdout);

	// The seed of //Alice, as `subkey inspect` prints it.
	let seed = "0xe5be9a5092b81bca64be81d212e7f2f9eba183bb7a90954f7b76361f6edb5c0a";
	folder.write("seed.key", seed);
	set_mode(&folder, "seed.key", 0o600);
	let from_seed = folder.run(&["keys", "show", "--account", "seed.key"]);
	assert!(from_seed.printed().contains(ALICE), "{}", from_seed.stdout);
}

#[cfg(unix)]
#[test]
fn key_file_is_for_its_owner_only() {
	use std::os::unix::fs::PermissionsExt;
	let folder = Folder::new();
	folder
		.run(&["keys", "generate", "--out", "account.key"])
		.printed();
	let mode = fs::metadata(folder.path("account.key"))
		.expect("the key file")
		.permissions()
		.mode();
	assert_eq!(mode & 0o777, 0o600);

	set_mode(&folder, "account.key", 0o644);
	let shown = folder.run(&["keys", "show", "--account", "account.key"]);
	shown.fails_with(&["account.key can be read by others (mode 0644)", "chmod 600"]);
}

#[test]
fn key_file_is_never_overwritten() {
	let folder = Folder::new();
	folder
		.run(&["keys", "generate", "--out", "account.key"])
		.printed();
	let before = fs::read(folder.path("account.key")).expect("the key file");
	let again = folder.run(&["keys", "generate", "--out", "account.key"]);
	again.fails_with(&["account.key exists", "never overwritten"]);
	assert_eq!(
		fs::read(folder.path("account.key")).expect("the key file"),
		before
	);
}

#[test]
fn missing_and_senseless_keys_are_named() {
	let folder = Folder::new();
	let missing = folder.run(&["keys", "show"]);
	missing.fails_with(&["no key file at account.key", "dllm-worker keys generate"]);

	folder.write("account.key", "twelve words that are no mnemonic");
	set_mode(&folder, "account.key", 0o600);
	let senseless = folder.run(&["keys", "show"]);
	senseless.fails_with(&["account.key holds no secret", "mnemonic"]);
	assert!(
		!senseless.stderr.contains("twelve words"),
		"the secret is not repeated"
	);
}

#[cfg(unix)]
fn set_mode(folder: &Folder, name: &str, mode: u32) {
	use std::os::unix::fs::PermissionsExt;
	let permissions = fs::Permissions::from_mode(mode);
	fs::set_permissions(folder.path(name), permissions).expect("the mode is set");
}

#[cfg(not(unix))]
fn set_mode(_folder: &Folder, _name: &str, _mode: u32) {}
