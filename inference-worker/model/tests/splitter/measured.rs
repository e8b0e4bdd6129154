//! What may be added to a manifest after the split.

use crate::{checkpoints::model, split_quietly};
use dllm_model::manifest::{digest_of, Accuracy, Manifest, ManifestError};
use tempfile::tempdir;

fn accuracy() -> Accuracy {
	Accuracy {
		evaluation: "stories.json".into(),
		blake3: digest_of(b"stories"),
		texts: 16,
		tokens: 4096,
		perplexity: 3.0603,
		perplexity_f32: 3.03,
	}
}

#[test]
fn a_measured_accuracy_becomes_part_of_the_root() {
	let folder = tempdir().unwrap();
	let mut manifest = split_quietly(&model("fixture-tied"), &folder.path().join("out")).unwrap();
	assert_eq!((manifest.class, &manifest.accuracy), (None, &None));
	let before = manifest.root();
	manifest.accuracy = Some(accuracy());
	let bytes = manifest.seal().unwrap();
	assert_ne!(manifest.root(), before);
	assert_eq!(Manifest::from_bytes(&bytes).unwrap(), manifest);
	assert!((accuracy().loss() - 0.01).abs() < 1e-12);
}

#[test]
fn accuracies_that_nobody_measured() {
	let folder = tempdir().unwrap();
	let mut manifest = split_quietly(&model("fixture-tied"), &folder.path().join("out")).unwrap();
	for wrong in [
		Accuracy {
			texts: 0,
			..accuracy()
		},
		Accuracy {
			tokens: 0,
			..accuracy()
		},
		Accuracy {
			perplexity: 0.5,
			..accuracy()
		},
		Accuracy {
			perplexity_f32: f64::NAN,
			..accuracy()
		},
	] {
		manifest.accuracy = Some(wrong);
		let error = manifest.seal().unwrap_err();
		assert!(
			matches!(error, ManifestError::Implausible { .. }),
			"{error}"
		);
	}
}
