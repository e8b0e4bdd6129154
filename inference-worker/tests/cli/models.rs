//! Folders of models: split, whole, damaged.

use super::worker::Folder;
use std::{fs, net::TcpListener, path::PathBuf};

/// A small model with random weights.
fn fixture() -> String {
	let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../models/fixture-tied");
	folder.to_string_lossy().into_owned()
}

/// `model add` of the folder `model`, with a node address at which nobody answers.
const ADD: [&str; 9] = [
	"--chain",
	"ws://127.0.0.1:1",
	"--account",
	"//Alice",
	"model",
	"add",
	"model",
	"--licence",
	"MIT",
];

#[test]
fn split_model_is_whole() {
	let folder = Folder::with_library();
	let split = folder.run(&[
		"split",
		&fixture(),
		"--out",
		"model",
		"--profile",
		"f32",
		"--json",
	]);
	let written = serde_json::from_str::<serde_json::Value>(split.printed()).expect("JSON");
	let layers = written["layers"].as_u64().expect("a number of layers");
	for file in ["manifest.json", "embed.onnx", "head.onnx", "tokenizer.json"] {
		assert!(folder.path("model").join(file).exists(), "{file}");
	}
	let last = format!("layer-{:03}.onnx", layers - 1);
	assert!(folder.path("model").join(last).exists());
	// Nothing is wrong with it but that there is no node.
	folder
		.run(&ADD)
		.fails_with(&["cannot reach a node at ws://127.0.0.1:1"]);

	let again = folder.run(&["split", &fixture(), "--out", "model"]);
	again.fails_with(&["model already exists"]);
}

#[test]
fn adapter_is_checked_before_the_node_is_asked() {
	let folder = Folder::with_library();
	folder
		.run(&["split", &fixture(), "--out", "model"])
		.printed();
	let source = format!("{}-lora", fixture());
	let split = ["split", &source, "--base", "model", "--out", "adapter"];
	folder.run(&split).printed();
	let add = |named: &'static str| {
		let mut words = ADD.to_vec();
		(words[4], words[6]) = ("adapter", named);
		words
	};
	folder
		.run(&add("adapter"))
		.fails_with(&["cannot reach a node at ws://127.0.0.1:1"]);
	folder
		.run(&add("model"))
		.fails_with(&["no adapter.json in model", "--base"]);
	let file = folder.path("adapter").join("layer-002.safetensors");
	fs::write(&file, "damaged").expect("written");
	folder
		.run(&add("adapter"))
		.fails_with(&["layer-002.safetensors"]);
}

#[test]
fn corrupt_shard_is_named() {
	let folder = Folder::with_library();
	folder
		.run(&["split", &fixture(), "--out", "model"])
		.printed();
	let shard = folder.path("model").join("layer-001.onnx");
	let mut bytes = fs::read(&shard).expect("the shard");
	let middle = bytes.len() / 2;
	bytes[middle] ^= 1;
	fs::write(&shard, bytes).expect("the shard is damaged");
	folder
		.run(&ADD)
		.fails_with(&["layer-001.onnx is corrupt", "fetch it again"]);

	fs::remove_file(&shard).expect("the shard is removed");
	folder
		.run(&ADD)
		.fails_with(&["layer-001.onnx is missing in model"]);
}

#[test]
fn every_profile_is_written_and_an_unknown_one_is_named() {
	let folder = Folder::with_library();
	for profile in ["f32", "f16", "int8", "int4", "exact"] {
		let split = folder.run(&["split", &fixture(), "--out", profile, "--profile", profile]);
		split.printed();
		assert!(
			folder.path(profile).join("manifest.json").exists(),
			"{profile}"
		);
	}
	let ran = folder.run(&["split", &fixture(), "--out", "model", "--profile", "int3"]);
	ran.fails_with(&["invalid value 'int3'", "f32, f16, int8, int4, exact"]);
}

#[test]
fn measured_accuracy_stands_in_the_manifest() {
	let folder = Folder::with_library();
	let split = ["split", &fixture(), "--out", "model", "--profile", "int4"];
	folder.run(&split).printed();
	folder.write(
		"texts.json",
		r#"{"texts": [["Who is there?", "A cat."], ["Where?", "Here."]]}"#,
	);
	let manifest = || fs::read_to_string(folder.path("model").join("manifest.json"));
	let before = manifest().expect("the manifest");
	assert!(!before.contains("accuracy"));
	let measure = |against: &str, texts: &str| {
		folder.run(&[
			"accuracy",
			"model",
			"--against",
			against,
			"--texts",
			texts,
			"--json",
		])
	};

	// Nothing is written where nothing was measured.
	let other = fixture().replace("fixture-tied", "fixture-untied");
	let ran = measure(&other, "texts.json");
	ran.fails_with(&[
		"another model than the shards in model",
		"config.json differs",
	]);
	folder.write("none.json", r#"{"texts": []}"#);
	measure(&fixture(), "none.json").fails_with(&["none.json holds no texts"]);
	folder.write("bad.json", r#"{"texts": ["alone"]}"#);
	measure(&fixture(), "bad.json").fails_with(&["bad.json cannot be read", "[question, reply]"]);
	folder.write(
		"long.json",
		&format!(r#"{{"texts": [["a", "{}"]]}}"#, "word ".repeat(3_000)),
	);
	measure(&fixture(), "long.json").fails_with(&["text 1: ", "leave it out"]);
	measure(&fixture(), "absent.json").fails_with(&["absent.json", "give a file with texts"]);
	assert_eq!(manifest().expect("the manifest"), before);

	let ran = measure(&fixture(), "texts.json");
	let printed = serde_json::from_str::<serde_json::Value>(ran.printed()).expect("JSON");
	let bytes = manifest().expect("the manifest");
	let after = serde_json::from_str::<serde_json::Value>(&bytes).expect("JSON");
	let accuracy = &after["accuracy"];
	assert_eq!(accuracy["texts"], 2);
	assert_eq!(accuracy["perplexity"], printed["perplexity"]);
	// A model of random weights expects nothing, and four bits are not single precision.
	assert!(accuracy["perplexity_f32"].as_f64().expect("a number") > 1_000.0);
	assert_ne!(accuracy["perplexity"], accuracy["perplexity_f32"]);
	// The folder holds what it held, and stands for another root.
	folder.run(&ADD).fails_with(&["cannot reach a node"]);
	let mut files = fs::read_dir(folder.path("")).expect("the folder");
	assert!(files.all(|file| !file
		.expect("a file")
		.file_name()
		.to_string_lossy()
		.contains("reference")));
}

#[test]
fn split_without_the_library_says_what_to_install() {
	let folder = Folder::new();
	let ran = folder.run(&["split", &fixture(), "--out", "model"]);
	ran.fails_with(&["onnxruntime", "run scripts/fetch-onnxruntime.sh"]);
	assert!(!folder.path("model").exists());
}

#[test]
fn port_in_use_is_named() {
	let folder = Folder::new();
	let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
	let port = taken.local_addr().expect("its address").port();
	folder.write(
		"worker.toml",
		&format!("listen = [\"/ip4/127.0.0.1/tcp/{port}\"]\n"),
	);
	let ran = folder.run(&["--account", "//Miner1", "serve"]);
	ran.fails_with(&[
		&format!("/ip4/127.0.0.1/tcp/{port} is in use"),
		"choose another port",
	]);
}
