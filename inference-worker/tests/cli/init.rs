//! `init` makes a worker that the other commands take; completions and manuals name every command.

use super::worker::Folder;
use dllm_worker::config::Config;
use serde_json::Value;
use std::{fs, net::TcpListener};

/// An address on which no node listens.
fn nobody() -> String {
	let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
	format!("ws://{}", listener.local_addr().expect("its address"))
}

#[test]
fn init_makes_what_it_says() {
	let folder = Folder::new();
	let url = nobody();
	let options = [
		"--chain",
		&url,
		"--json",
		"init",
		"new",
		"--port",
		"30999",
		"--memory",
		"512MiB",
		"--price",
		"0.01 DLLM",
		"--roles",
		"entry,verifier",
		"--metrics",
		"127.0.0.1:9777",
		"--advertise",
		"/ip4/203.0.113.7/tcp/30999",
	];
	let ran = folder.run(&options);
	let made = serde_json::from_str::<Value>(ran.printed()).expect("JSON");

	let config = Config::load(Some(&folder.path("new/worker.toml")), None).expect("a sound file");
	assert_eq!(config.node, url);
	assert_eq!(config.memory, 512 << 20);
	assert_eq!(config.price.0, 10_000_000_000);
	assert!(config.roles.entry && config.roles.verifier && !config.roles.miner);
	assert_eq!(config.metrics, "127.0.0.1:9777".parse().ok());
	let listen = config.listen.iter().map(|address| address.to_string());
	assert!(
		listen.eq(["/ip4/0.0.0.0/udp/30999/quic-v1", "/ip4/0.0.0.0/tcp/30999"].map(String::from))
	);
	assert_eq!(
		config.advertise[0].to_string(),
		"/ip4/203.0.113.7/tcp/30999"
	);

	let shown = folder.run(&["--config", "new/worker.toml", "--json", "keys", "show"]);
	let shown = serde_json::from_str::<Value>(shown.printed()).expect("JSON");
	assert_eq!(shown["address"], made["address"]);
	assert_eq!(shown["peerId"], made["peerId"]);
	assert!(
		made["free"].is_null(),
		"without a node nothing is known of money"
	);
}

#[test]
fn init_without_options_takes_the_defaults() {
	let folder = Folder::new();
	folder.run(&["--chain", &nobody(), "init"]).printed();
	let made = Config::load(Some(&folder.path("worker.toml")), None).expect("a sound file");
	let default = Config::default();
	assert_eq!(made.listen, default.listen);
	assert_eq!(made.memory, default.memory);
	assert_eq!(made.price, default.price);
	assert_eq!(made.roles, default.roles);
	assert_eq!(made.metrics, None);
}

#[test]
fn init_overwrites_nothing() {
	let folder = Folder::new();
	let url = nobody();
	folder.write("worker.toml", "memory = 1\n");
	folder
		.run(&["--chain", &url, "init"])
		.fails_with(&["worker.toml exists", "never overwritten"]);
	assert!(!folder.path("account.key").exists());

	// A key from before is taken up.
	fs::create_dir(folder.path("other")).expect("a folder");
	let key = folder.run(&["keys", "generate", "--out", "other/account.key"]);
	let made = folder.run(&["--chain", &url, "--json", "init", "other"]);
	let made = serde_json::from_str::<Value>(made.printed()).expect("JSON");
	assert_eq!(made["address"], key.printed());
}

#[test]
fn init_refuses_senseless_options() {
	let folder = Folder::new();
	for (option, value) in [
		("--memory", "plenty"),
		("--price", "cheap"),
		("--roles", "king"),
		("--metrics", "9615"),
		("--advertise", "example.org:30400"),
		("--port", "70000"),
	] {
		let ran = folder.run(&["init", "new", option, value]);
		ran.fails_with(&[option, value]);
	}
	assert!(!folder.path("new").exists());
}

#[test]
fn init_cannot_register_without_a_node() {
	let folder = Folder::new();
	let url = nobody();
	let ran = folder.run(&["--chain", &url, "init", "--register"]);
	ran.fails_with(&["cannot reach a node at", &url]);
}

#[test]
fn completions_know_every_command() {
	let folder = Folder::new();
	for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
		let ran = folder.run(&["completions", shell]);
		for command in ["register", "serve", "doctor", "completions"] {
			assert!(ran.printed().contains(command), "{shell} lacks {command}");
		}
	}
	folder
		.run(&["completions", "cmd"])
		.fails_with(&["cmd", "bash"]);
}

#[test]
fn every_command_has_a_manual_page() {
	let folder = Folder::new();
	let ran = folder.run(&["--json", "man", "man1"]);
	let written = serde_json::from_str::<Value>(ran.printed()).expect("JSON");
	let pages = written["pages"].as_array().expect("a list");
	for page in [
		"dllm-worker.1",
		"dllm-worker-serve.1",
		"dllm-worker-keys-generate.1",
	] {
		assert!(pages.iter().any(|name| name == page), "{page} is missing");
		let text = fs::read_to_string(folder.path("man1").join(page)).expect("the page");
		assert!(text.contains(".SH NAME"), "{page} is no manual page");
	}
}
