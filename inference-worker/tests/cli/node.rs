//! Commands that need a node, without one; and models that are not there.

use super::worker::Folder;
use serde_json::Value;
use std::net::TcpListener;

/// A port on which nobody listens.
fn nobody() -> String {
	let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
	let port = listener.local_addr().expect("its address").port();
	format!("ws://127.0.0.1:{port}")
}

#[test]
fn unreachable_node_is_named() {
	let folder = Folder::new();
	let url = nobody();
	let commands: [&[&str]; 6] = [
		&["status"],
		&["register"],
		&["model", "list"],
		&["plan"],
		&["pay", "hello"],
		&["prompt", "hello"],
	];
	for command in commands {
		let mut arguments = vec!["--account", "//Alice", "--chain", &url];
		arguments.extend(command);
		let ran = folder.run(&arguments);
		ran.fails_with(&["error: cannot reach a node at", &url, "start the node"]);
	}
}

#[test]
fn node_address_must_be_a_socket() {
	let folder = Folder::new();
	let ran = folder.run(&[
		"--account",
		"//Alice",
		"--chain",
		"http://127.0.0.1:9944",
		"status",
	]);
	ran.fails_with(&["http://127.0.0.1:9944", "ws://127.0.0.1:9944"]);
}

#[test]
fn missing_manifest_is_named_before_the_node_is_asked() {
	let folder = Folder::new();
	std::fs::create_dir(folder.path("model")).expect("the folder is made");
	let arguments = [
		"--chain",
		&nobody(),
		"--account",
		"//Alice",
		"model",
		"add",
		"model",
	];
	let ran = folder.run(&[&arguments[..], &["--licence", "MIT"]].concat());
	ran.fails_with(&["no manifest.json in model", "dllm-worker split"]);
}

#[test]
fn folder_without_a_model_is_not_split() {
	let folder = Folder::new();
	std::fs::create_dir(folder.path("model")).expect("the folder is made");
	let ran = folder.run(&["split", "model", "--out", "shards"]);
	ran.fails_with(&["no config.json in model"]);
	assert!(!folder.path("shards").exists());
}

#[test]
fn doctor_says_what_is_missing_and_how_to_mend_it() {
	let folder = Folder::new();
	let url = nobody();
	let ran = folder.run(&["--chain", &url, "doctor", "--json"]);
	assert!(!ran.succeeded);
	let findings = serde_json::from_str::<Vec<Value>>(&ran.stdout).expect("JSON");
	let found = |check: &str| findings.iter().find(|f| f["check"] == check).expect(check);
	assert_eq!(found("node")["level"], "missing");
	assert!(found("node")["remedy"]
		.as_str()
		.is_some_and(|r| r.contains("start the node")));
	assert_eq!(found("account")["level"], "missing");
	assert!(found("account")["remedy"]
		.as_str()
		.is_some_and(|r| r.contains("keys generate")));
	for check in ["library", "ports", "memory", "disk"] {
		assert!(found(check)["found"].is_string(), "{check}");
	}
}
