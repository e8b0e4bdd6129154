//! Splits that are killed and started again, and the memory that one takes. Each runs in a process of its
//! own: this test binary again, running [`child`] alone.

use crate::checkpoints::{copy, edit_json, model};
use dllm_model::{
	manifest::Manifest,
	splitter::{split, SplitError, Step},
};
use dllm_primitives::model::Profile;
use serde_json::json;
use std::{
	env, fs,
	io::{BufRead, BufReader, Read, Write},
	path::{Path, PathBuf},
	process::{Child, Command, Stdio},
};
use tempfile::tempdir;

/// Variables by which the parent tells the child what to do.
const SOURCE: &str = "DLLM_TEST_SOURCE";
const TARGET: &str = "DLLM_TEST_TARGET";
const PROFILE: &str = "DLLM_TEST_PROFILE";
/// The shard after which the child waits for its end.
const STOP_AFTER: &str = "DLLM_TEST_STOP_AFTER";

/// Does nothing in the test run itself; in a child it splits and says what it took.
#[test]
fn child() {
	let Some(source) = env::var_os(SOURCE) else {
		return;
	};
	let target = PathBuf::from(env::var_os(TARGET).unwrap());
	let profile = serde_json::from_value(json!(env::var(PROFILE).unwrap())).unwrap();
	let stop = env::var(STOP_AFTER).ok();
	split(Path::new(&source), &target, profile, &mut |progress| {
		if stop.as_deref() == Some(progress.file) {
			println!("\nwaiting");
			std::io::stdout().flush().unwrap();
			// The parent never writes: this ends with the process.
			let _ = std::io::stdin().read(&mut [0]);
		}
	})
	.unwrap();
	println!("\npeak: {}", peak_memory());
}

/// The largest amount of memory that this process ever held, in bytes.
fn peak_memory() -> u64 {
	let status = fs::read_to_string("/proc/self/status").unwrap();
	let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
	let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
	1024 * kilobytes.parse::<u64>().unwrap()
}

fn start(source: &Path, target: &Path, profile: &str, stop_after: Option<&str>) -> Child {
	let mut command = Command::new(env::current_exe().unwrap());
	command
		.args(["--exact", "interrupted::child", "--nocapture"])
		.env(SOURCE, source)
		.env(TARGET, target)
		.env(PROFILE, profile)
		.stdin(Stdio::piped())
		.stdout(Stdio::piped());
	if let Some(file) = stop_after {
		command.env(STOP_AFTER, file);
	}
	command.spawn().unwrap()
}

/// Splits the fixture up to a shard and kills the process there.
fn killed_after(file: &str, target: &Path) {
	let mut child = start(&model("fixture-untied"), target, "f32", Some(file));
	let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
	assert!(lines.any(|line| line.unwrap() == "waiting"));
	child.kill().unwrap();
	child.wait().unwrap();
	assert!(!target.exists());
}

/// Splits the fixture and says which shards were written, and which kept.
fn resumed(target: &Path) -> (Manifest, Vec<String>, Vec<String>) {
	let (mut written, mut kept) = (Vec::new(), Vec::new());
	let manifest = split(
		&model("fixture-untied"),
		target,
		Profile::F32,
		&mut |progress| match progress.step {
			Step::Written => written.push(progress.file.to_string()),
			Step::Kept => kept.push(progress.file.to_string()),
			Step::Verified => {}
		},
	)
	.unwrap();
	(manifest, written, kept)
}

#[test]
fn a_killed_split_goes_on_where_it_was() {
	let folder = tempdir().unwrap();
	let (whole, ..) = resumed(&folder.path().join("whole"));
	let target = folder.path().join("out");
	killed_after("layer-001.onnx", &target);
	let (manifest, written, kept) = resumed(&target);
	assert_eq!(kept, ["embed.onnx", "layer-000.onnx", "layer-001.onnx"]);
	assert_eq!(written, ["layer-002.onnx", "head.onnx"]);
	assert_eq!(manifest.root(), whole.root());
	manifest.verify_all(&target).unwrap();
	let names = |folder: &Path| {
		let mut names = fs::read_dir(folder)
			.unwrap()
			.map(|entry| entry.unwrap().file_name())
			.collect::<Vec<_>>();
		names.sort();
		names
	};
	assert_eq!(names(&target), names(&folder.path().join("whole")));
	assert_eq!(names(folder.path()), ["out", "whole"]);
}

#[test]
fn a_damaged_shard_is_written_again() {
	let folder = tempdir().unwrap();
	let target = folder.path().join("out");
	killed_after("layer-001.onnx", &target);
	let path = folder.path().join(".out.unfinished/layer-000.onnx");
	let mut bytes = fs::read(&path).unwrap();
	let middle = bytes.len() / 2;
	bytes[middle] ^= 1;
	fs::write(&path, bytes).unwrap();
	let (manifest, written, kept) = resumed(&target);
	assert_eq!(kept, ["embed.onnx"]);
	assert_eq!(written.len(), 4);
	manifest.verify_all(&target).unwrap();
}

#[test]
fn another_profile_begins_anew() {
	let folder = tempdir().unwrap();
	let target = folder.path().join("out");
	killed_after("layer-001.onnx", &target);
	let mut kept = 0;
	let source = model("fixture-untied");
	let manifest = split(&source, &target, Profile::F16, &mut |progress| {
		kept += u32::from(progress.step == Step::Kept);
	});
	assert_eq!(kept, 0);
	manifest.unwrap().verify_all(&target).unwrap();
}

#[test]
fn two_splits_of_one_target_do_not_meet() {
	let folder = tempdir().unwrap();
	let target = folder.path().join("out");
	let mut child = start(
		&model("fixture-untied"),
		&target,
		"f32",
		Some("layer-000.onnx"),
	);
	let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
	assert!(lines.any(|line| line.unwrap() == "waiting"));
	let source = model("fixture-untied");
	let error = split(&source, &target, Profile::F32, &mut |_| {}).unwrap_err();
	assert!(matches!(error, SplitError::TargetBusy { .. }), "{error}");
	child.kill().unwrap();
	child.wait().unwrap();
	resumed(&target);
}

/// A model of one layer that is much larger than a process without a model.
fn large_model(into: &Path) -> PathBuf {
	const HIDDEN: usize = 2048;
	const INNER: usize = 8192;
	let folder = copy("fixture-qwen2", into);
	edit_json(
		&folder.join("config.json"),
		json!({
			"architectures": ["LlamaForCausalLM"], "hidden_size": HIDDEN, "intermediate_size": INNER,
			"num_hidden_layers": 1, "num_attention_heads": 16, "num_key_value_heads": 16,
			"head_dim": 128, "layer_types": null,
		}),
	);
	let layer = |module: &str| format!("model.layers.0.{module}.weight");
	let mut shapes = vec![
		("model.embed_tokens.weight".to_string(), vec![272, HIDDEN]),
		("model.norm.weight".into(), vec![HIDDEN]),
		(layer("input_layernorm"), vec![HIDDEN]),
		(layer("post_attention_layernorm"), vec![HIDDEN]),
		(layer("mlp.gate_proj"), vec![INNER, HIDDEN]),
		(layer("mlp.up_proj"), vec![INNER, HIDDEN]),
		(layer("mlp.down_proj"), vec![HIDDEN, INNER]),
	];
	for module in ["q", "k", "v", "o"] {
		let module = format!("self_attn.{module}_proj");
		shapes.push((layer(&module), vec![HIDDEN, HIDDEN]));
	}
	let (mut header, mut end) = (serde_json::Map::new(), 0);
	for (name, shape) in &shapes {
		let start = end;
		end += 2 * shape.iter().product::<usize>();
		let entry = json!({ "dtype": "BF16", "shape": shape, "data_offsets": [start, end] });
		header.insert(name.clone(), entry);
	}
	let header = serde_json::Value::Object(header).to_string();
	let mut file = fs::File::create(folder.join("model.safetensors")).unwrap();
	file.write_all(&(header.len() as u64).to_le_bytes())
		.unwrap();
	file.write_all(header.as_bytes()).unwrap();
	for (name, shape) in &shapes {
		// Small values of both signs: 2^-8 to 2^-7.
		let mut bytes = vec![0; 2 * shape.iter().product::<usize>()];
		let mut hasher = blake3::Hasher::new();
		hasher
			.update(name.as_bytes())
			.finalize_xof()
			.fill(&mut bytes);
		for value in bytes.chunks_exact_mut(2) {
			value[1] = value[1] & 0x80 | 0x3b;
			value[0] |= 0x80;
		}
		file.write_all(&bytes).unwrap();
	}
	folder
}

#[test]
fn memory_stays_below_one_and_a_half_layers() {
	let folder = tempdir().unwrap();
	let source = large_model(folder.path());
	for profile in ["f32", "int4"] {
		let target = folder.path().join(profile);
		let output = start(&source, &target, profile, None)
			.wait_with_output()
			.unwrap();
		let text = String::from_utf8_lossy(&output.stdout).into_owned();
		let peak = text.lines().find_map(|line| line.strip_prefix("peak: "));
		let peak: u64 = peak.unwrap_or_else(|| panic!("{text}")).parse().unwrap();
		let layer = Manifest::load(&target).unwrap().layers[0].parameters * 4;
		println!("{profile}: peak {peak}, layer in single precision {layer}");
		assert!(2 * peak <= 3 * layer, "{profile}: {peak} of {layer}");
		fs::remove_dir_all(&target).unwrap();
	}
}
