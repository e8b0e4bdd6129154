//! What a manifest refuses, and whether it says what to do.

use crate::{checkpoints::model, split_quietly};
use dllm_model::manifest::{Manifest, ManifestError, FILE, MAX_BYTES};
use dllm_primitives::ids::Digest;
use serde_json::{json, Value};
use std::{fs, path::PathBuf};
use tempfile::{tempdir, TempDir};

/// A split fixture.
fn fixture() -> (TempDir, PathBuf, Manifest) {
	let folder = tempdir().unwrap();
	let target = folder.path().join("out");
	let manifest = split_quietly(&model("fixture-tied"), &target).unwrap();
	(folder, target, manifest)
}

/// What becomes of the manifest after a change.
fn changed(change: impl FnOnce(&mut Value)) -> Result<Manifest, ManifestError> {
	let (_folder, target, _) = fixture();
	let mut value = serde_json::from_slice(&fs::read(target.join(FILE)).unwrap()).unwrap();
	change(&mut value);
	fs::write(target.join(FILE), value.to_string()).unwrap();
	Manifest::load(&target)
}

#[test]
fn no_manifest() {
	let folder = tempdir().unwrap();
	let error = Manifest::load(folder.path()).unwrap_err();
	assert!(matches!(error, ManifestError::NoManifest { .. }), "{error}");
	assert!(error.to_string().contains("dllm-worker split"), "{error}");
}

#[test]
fn other_formats() {
	let error = changed(|value| value["format"] = json!("dllm-manifest/1")).unwrap_err();
	assert!(
		matches!(error, ManifestError::WrongFormat { .. }),
		"{error}"
	);
	assert!(matches!(
		Manifest::from_bytes(b"not json"),
		Err(ManifestError::NotReadable(_))
	));
	assert!(matches!(
		Manifest::from_bytes(b"{}"),
		Err(ManifestError::NotReadable(_))
	));
	let long = vec![b' '; MAX_BYTES as usize + 1];
	assert!(matches!(
		Manifest::from_bytes(&long),
		Err(ManifestError::TooLarge { .. })
	));
}

#[test]
fn fields_that_are_missing_or_unknown() {
	let removed = changed(|value| drop(value.as_object_mut().unwrap().remove("head")));
	assert!(matches!(removed, Err(ManifestError::NotReadable(_))));
	let added = changed(|value| value["surprise"] = json!(1));
	assert!(matches!(added, Err(ManifestError::NotReadable(_))));
}

#[test]
fn contradictions() {
	let changes: [fn(&mut Value); 5] = [
		|value| value["config"]["layers"] = json!(5),
		|value| value["config"]["kv_heads"] = json!(0),
		|value| value["head"]["file"] = json!("../head.onnx"),
		|value| value["head"]["file"] = json!("/etc/passwd"),
		|value| value["head"]["file"] = json!("embed.onnx"),
	];
	for change in changes {
		let error = changed(change).unwrap_err();
		assert!(
			matches!(error, ManifestError::Implausible { .. }),
			"{error}"
		);
	}
}

#[test]
fn any_change_is_another_model() {
	let (_folder, _, manifest) = fixture();
	manifest.expect_root(manifest.root()).unwrap();
	let other = changed(|value| value["config"]["rope_theta"] = json!(500000.0)).unwrap();
	let error = other.expect_root(manifest.root()).unwrap_err();
	assert!(matches!(error, ManifestError::OtherModel { .. }), "{error}");
	assert!(manifest.expect_root(Digest::zero()).is_err());
}

#[test]
fn one_flipped_bit_is_refused_and_named() {
	let (_folder, target, manifest) = fixture();
	let path = target.join("layer-002.onnx");
	let mut bytes = fs::read(&path).unwrap();
	let middle = bytes.len() / 2;
	bytes[middle] ^= 1;
	fs::write(&path, bytes).unwrap();
	let error = manifest.layers[2].read(&target).unwrap_err();
	assert!(matches!(error, ManifestError::HashMismatch { .. }));
	assert!(error.to_string().contains("layer-002.onnx"), "{error}");
	assert!(error.to_string().contains("fetch it again"), "{error}");
	assert!(error.is_retryable());
	assert!(manifest.verify_all(&target).is_err());
	manifest.layers[1].read(&target).unwrap();
}

#[test]
fn missing_file_is_named() {
	let (_folder, target, manifest) = fixture();
	fs::remove_file(target.join("tokenizer.json")).unwrap();
	let error = manifest.verify_all(&target).unwrap_err();
	assert!(matches!(error, ManifestError::MissingFile { .. }));
	assert!(error.to_string().contains("tokenizer.json"), "{error}");
}
