//! Commands that need a node, without one; and models that are not there.

use super::worker::Folder;
use jsonrpsee::{
	server::{Server, ServerHandle},
	RpcModule,
};
use serde_json::{json, Value};
use std::net::TcpListener;
use tokio::runtime::Runtime;

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
	let commands: [&[&str]; 9] = [
		&["status"],
		&["audit", "7"],
		&["register"],
		&["model", "list"],
		&["plan"],
		&["plan", "--round", "1"],
		&["rounds"],
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

/// A node of another chain, as far as one can see before asking it for anything of ours.
async fn node_of(spec_name: &'static str) -> (String, ServerHandle) {
	let mut module = RpcModule::new(());
	let version = move || {
		json!({
			"specName": spec_name, "implName": "other", "authoringVersion": 1, "specVersion": 9,
			"implVersion": 0, "apis": [], "transactionVersion": 4, "stateVersion": 1,
		})
	};
	module
		.register_method("state_getRuntimeVersion", move |_, _, _| version())
		.expect("one method of that name");
	let server = Server::builder().build("127.0.0.1:0").await;
	let server = server.expect("a port");
	let address = server.local_addr().expect("its address");
	(format!("ws://{address}"), server.start(module))
}

#[test]
fn a_node_of_another_chain_is_named() {
	let folder = Folder::new();
	let runtime = Runtime::new().expect("threads");
	let (url, _server) = runtime.block_on(node_of("westend"));
	for command in [&["status"][..], &["register"], &["prompt", "hello"]] {
		let mut arguments = vec!["--account", "//Alice", "--chain", &url];
		arguments.extend(command);
		let ran = folder.run(&arguments);
		ran.fails_with(&[
			&url,
			"runs \"westend\"",
			"not \"dllm\"",
			"address of a DLLM node",
		]);
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
