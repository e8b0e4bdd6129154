//! Subcommands: specifications, and the database of a stopped node.

use crate::process::{raw_specification, run, run_well, Folder, Node};
use serde_json::{json, Value};
use sp_io::hashing::twox_128;
use std::path::Path;

/// Storage key of the runtime's code.
const CODE_KEY: &str = "0x3a636f6465";

/// `(name, id, title, chain type, authorities at genesis)`
const PRESETS: [(&str, &str, &str, &str, usize); 4] = [
	("dev", "dllm_dev", "DLLM Development", "Development", 1),
	("local", "dllm_local", "DLLM Local Testnet", "Local", 2),
	("fast", "dllm_fast", "DLLM Fast Local Testnet", "Local", 4),
	("testnet", "dllm_testnet", "DLLM Testnet", "Live", 4),
];

#[test]
fn every_preset_makes_a_specification() {
	for (name, id, title, chain_type, authorities) in PRESETS {
		let raw = parse(&raw_specification(name));
		assert_eq!(raw["id"], json!(id));
		assert_eq!(raw["name"], json!(title));
		assert_eq!(raw["chainType"], json!(chain_type));
		assert_eq!(raw["properties"]["tokenSymbol"], json!("DLLM"));
		let top = &raw["genesis"]["raw"]["top"];
		assert!(top[CODE_KEY].is_string(), "{name} carries the runtime");
		assert_eq!(genesis_validators(top), authorities, "{name}");
	}
}

#[test]
fn a_written_specification_can_be_read_again() {
	let folder = Folder::new();
	let file = folder.path().join("plain.json");
	let file = file.to_str().expect("a plain name");
	run_well(&["export-chain-spec", "--chain", "local", "--output", file]);
	let again = run_well(&[
		"build-spec",
		"--raw",
		"--disable-default-bootnode",
		"--chain",
		file,
	]);
	assert_eq!(parse(&again), parse(&raw_specification("local")));
}

#[test]
fn the_files_of_the_repository_are_the_presets_without_the_runtime() {
	for (name, ..) in PRESETS {
		let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../chain-spec");
		let file = folder.join(format!("{name}.json"));
		let committed = std::fs::read_to_string(&file).expect("a file for every preset");
		let mut built = parse(&run_well(&["export-chain-spec", "--chain", name]));
		let genesis = built.pointer_mut("/genesis/runtimeGenesis");
		let genesis = genesis
			.and_then(Value::as_object_mut)
			.expect("a plain genesis");
		genesis.remove("code").expect("the runtime");
		assert_eq!(
			parse(&committed),
			built,
			"{name} has changed: run `make chain-spec`"
		);
	}
}

#[test]
fn a_file_without_the_runtime_takes_the_one_of_the_node() {
	let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../chain-spec/local.json");
	let file = file.to_str().expect("a plain name");
	let raw = run_well(&[
		"build-spec",
		"--raw",
		"--disable-default-bootnode",
		"--chain",
		file,
	]);
	assert_eq!(parse(&raw), parse(&raw_specification("local")));
}

#[test]
fn a_file_that_is_no_specification_is_refused_by_name() {
	let folder = Folder::new();
	let file = folder.path().join("spoiled.json");
	std::fs::write(&file, "{ \"name\": ").expect("a file");
	let output = run(&["--chain", file.to_str().expect("a plain name")]);
	let message = String::from_utf8_lossy(&output.stderr);
	assert!(!output.status.success());
	assert!(
		message.contains("spoiled.json: this is no chain specification"),
		"{message}"
	);
}

#[test]
fn an_unknown_chain_says_what_to_do() {
	let output = run(&["--chain", "nowhere"]);
	let message = String::from_utf8_lossy(&output.stderr);
	assert!(!output.status.success());
	assert!(
		message.contains("neither a built-in chain (dev, local, fast, testnet) nor a file"),
		"{message}"
	);
}

#[tokio::test]
async fn commands_read_the_database_of_a_stopped_node() {
	let (folder, second_folder) = (Folder::new(), Folder::new());
	let chain = folder.specification("dev");
	let base = ["--chain", &chain, "--base-path", folder.text()];
	let second_base = ["--chain", &chain, "--base-path", second_folder.text()];
	let file = folder.path().join("blocks");
	let file = file.to_str().expect("a plain name");

	let node = Node::start(&[&["--dev"], &base[..]].concat()).await;
	node.best_reaches(4).await;
	node.finalised_reaches(1).await;
	node.stop();
	let info = chain_info(&base);
	let best = info["best_number"].as_u64().expect("a number");
	let finalised = info["finalized_number"].as_u64().expect("a number");
	assert!(best >= 4 && (1..best).contains(&finalised), "{info}");

	run_well(&[&["check-block", "1"], &base[..]].concat());
	run_well(&[&["export-blocks", "--to", "3", file], &base[..]].concat());
	run_well(&[&["import-blocks", file], &second_base[..]].concat());
	assert_eq!(chain_info(&second_base)["best_number"], json!(3));

	run_well(&[&["revert", "1"], &base[..]].concat());
	assert_eq!(chain_info(&base)["best_number"], json!(best - 1));
	let node = Node::start(&[&["--dev"], &base[..]].concat()).await;
	node.best_reaches(best + 1).await;
	node.stop();

	run_well(&[&["purge-chain", "-y"], &base[..]].concat());
	assert_eq!(chain_info(&base)["best_number"], json!(0));
}

fn chain_info(base: &[&str]) -> Value {
	parse(&run_well(&[&["chain-info"], base].concat()))
}

fn parse(text: &str) -> Value {
	serde_json::from_str(text).expect("the command prints JSON")
}

/// Number of validators that the first session has. Its storage value is a SCALE list, whose
/// length of below 64 is the first byte divided by 4.
fn genesis_validators(top: &Value) -> usize {
	let key: Vec<u8> = [twox_128(b"Session"), twox_128(b"Validators")].concat();
	let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
	let value = top[format!("0x{key}")]
		.as_str()
		.expect("the first session has validators");
	let first = u8::from_str_radix(&value[2..4], 16).expect("storage is hex");
	(first >> 2) as usize
}
