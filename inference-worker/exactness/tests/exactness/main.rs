//! The comparison finds what it is there to find.

mod pairs;

use serde_json::{json, Value};
use std::{
	fs,
	path::{Path, PathBuf},
	process::{Command, Output},
};
use tempfile::tempdir;

fn program(arguments: &[&str]) -> Output {
	let path = env!("CARGO_BIN_EXE_dllm-exactness");
	Command::new(path).args(arguments).output().unwrap()
}

fn text(path: &Path) -> &str {
	path.to_str().unwrap()
}

/// Splits and runs a fixture in single precision, once a setting; gives the record's files.
fn records(folder: &Path, settings: &[(&str, &str)]) -> Vec<PathBuf> {
	let model = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/fixture-untied");
	let (shards, records) = (folder.join("shards"), folder.join("records"));
	let split = program(&["split", model, "--out", text(&shards), "--profiles", "f32"]);
	assert!(split.status.success(), "{split:?}");
	for (threads, optimiser) in settings {
		let shards = shards.join("fixture-untied-f32");
		let run = program(&[
			"run",
			text(&shards),
			"--threads",
			threads,
			"--optimiser",
			optimiser,
			"--records",
			text(&records),
			"--rows",
			"24",
		]);
		assert!(run.status.success(), "{run:?}");
		let line = String::from_utf8(run.stdout).unwrap();
		assert!(line.starts_with("f32 fixture-untied "), "{line}");
		// The promise of the engine: on one machine, the way does not matter.
		assert!(line.contains("all 6 ways"), "{line}");
	}
	let entries = fs::read_dir(records)
		.unwrap()
		.map(|entry| entry.unwrap().path());
	entries
		.filter(|path| path.extension().unwrap() == "json")
		.collect()
}

/// Changes a field of a record.
fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
	let mut record: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
	change(&mut record);
	fs::write(path, serde_json::to_vec(&record).unwrap()).unwrap();
}

#[test]
fn equal_hashes_of_exact_pass_and_any_other_fails() {
	let folder = tempdir().unwrap();
	let files = records(folder.path(), &[("1", "on"), ("2", "off")]);
	assert_eq!(files.len(), 2);
	let (records, page) = (folder.path().join("records"), folder.path().join("page.md"));
	let table = || program(&["table", text(&records), "--page", text(&page)]);

	// Other profiles are shown too. They may differ, but not within a class.
	let shown = |text: &str| fs::read_to_string(&page).unwrap().contains(text);
	assert!(table().status.success());
	assert!(shown("| f32 |") && shown("one hash in each numerics class (1)"));
	let sound = fs::read(&files[1]).unwrap();
	edit(&files[1], |record| {
		for way in record["ways"].as_array_mut().unwrap() {
			way["hash"] = json!("bb".repeat(32));
		}
	});
	let failed = table();
	assert!(!failed.status.success());
	assert!(String::from_utf8(failed.stderr)
		.unwrap()
		.contains("f32 fixture-untied: "));
	edit(&files[1], |record| record["class"] = json!("bb".repeat(32)));
	assert!(table().status.success());
	assert!(shown("one hash in each numerics class (2)"));
	fs::write(&files[1], &sound).unwrap();

	let same = json!("aa".repeat(32));
	for file in &files {
		edit(file, |record| {
			record["profile"] = json!("exact");
			record["class"] = same.clone();
			for way in record["ways"].as_array_mut().unwrap() {
				way["hash"] = same.clone();
			}
		});
	}
	let passed = table();
	assert!(passed.status.success(), "{passed:?}");
	assert!(String::from_utf8(passed.stdout)
		.unwrap()
		.contains("one hash everywhere"));

	let sound = fs::read(&files[1]).unwrap();
	let damages: [fn(&mut Value); 4] = [
		|record| record["ways"][0]["hash"] = json!("bb".repeat(32)),
		|record| record["ways"][3]["hash"] = json!("bb".repeat(32)),
		|record| record["class"] = json!("bb".repeat(32)),
		|record| record["root"] = json!("bb".repeat(32)),
	];
	for (number, damage) in damages.into_iter().enumerate() {
		edit(&files[1], damage);
		let failed = table();
		assert!(!failed.status.success(), "damage {number}: {failed:?}");
		assert!(!failed.stderr.is_empty());
		fs::write(&files[1], &sound).unwrap();
	}
	assert!(table().status.success());
}

#[test]
fn values_that_are_cut_short_are_refused() {
	let folder = tempdir().unwrap();
	let files = records(folder.path(), &[("1", "on")]);
	let values = files[0].with_extension("values");
	let bytes = fs::read(&values).unwrap();
	// In the middle of the rows, and behind the 24 rows of 64 values of the prefill.
	for length in [100, 24 * 64 * 4] {
		fs::write(&values, &bytes[..length]).unwrap();
		let table = program(&["table", text(&folder.path().join("records"))]);
		assert!(!table.status.success());
		let message = String::from_utf8(table.stderr).unwrap();
		assert!(message.contains("run it again"), "{message}");
	}
}

#[test]
fn every_layer_is_left_out_once() {
	let folder = tempdir().unwrap();
	let files = records(folder.path(), &[("1", "on")]);
	let record = fs::read(&files[0]).unwrap();
	let record: Value = serde_json::from_slice(&record).unwrap();
	let skips = record["skips"].as_array().unwrap();
	let mut hashes = skips
		.iter()
		.map(|skip| skip["hash"].as_str().unwrap())
		.collect::<Vec<_>>();
	hashes.sort();
	hashes.dedup();
	// The model has three.
	assert_eq!(hashes.len(), 3);
	// Three logits rows, one prefill and three that lack a layer.
	let values = fs::metadata(files[0].with_extension("values")).unwrap();
	assert_eq!(values.len(), 4 * (4 * 24 * 64 + 3 * 4096));
}
