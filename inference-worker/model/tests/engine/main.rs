//! Engine and entry over the real ONNX Runtime, which `scripts/fetch-onnxruntime.sh` installs.

mod adapters;
mod bitwise;
mod blocks;
#[path = "../splitter/checkpoints.rs"]
mod checkpoints;
mod families;
mod golden;
mod library;
mod likelihoods;
mod pooling;
mod reference;
mod replies;
mod sampling;
mod sessions;
mod templates;

use dllm_model::{
	engine::{Engine, OrtEngine},
	entry::Entry,
	manifest::Manifest,
	splitter::split,
};
use dllm_primitives::model::{LayerRange, Profile};
use std::path::{Path, PathBuf};
use tempfile::{tempdir, TempDir};

/// Rows whose output is compared between processes.
const COMPARED_ROWS: u32 = 150;
/// Memory that no test exceeds unless it means to.
const PLENTY: u64 = 1 << 32;

/// A split model that disappears with the test.
struct Model {
	manifest: Manifest,
	folder: PathBuf,
	_guard: TempDir,
}

impl Model {
	/// Splits a model of the repository.
	fn named(name: &str) -> Self {
		Self::split(&checkpoints::model(name))
	}

	fn split(source: &Path) -> Self {
		Self::split_as(source, Profile::F32)
	}

	fn split_as(source: &Path, profile: Profile) -> Self {
		let guard = tempdir().unwrap();
		let folder = guard.path().join("split");
		let manifest = split(source, &folder, profile, &mut |_| {}).unwrap();
		Self {
			manifest,
			folder,
			_guard: guard,
		}
	}

	fn layers(&self) -> u16 {
		self.manifest.layers.len() as u16
	}

	fn engine(&self, start: u16, end: u16) -> OrtEngine {
		OrtEngine::load(
			&self.manifest,
			&self.folder,
			LayerRange { start, end },
			PLENTY,
		)
		.unwrap()
	}

	/// All layers in one engine.
	fn whole(&self) -> OrtEngine {
		self.engine(0, self.layers())
	}

	fn entry(&self) -> Entry {
		Entry::load(&self.manifest, &self.folder).unwrap()
	}

	/// Rows of made-up tokens, as real embeddings.
	fn rows(&self, count: u32) -> Vec<f32> {
		let tokens = (0..count).map(|at| (at * 2_654_435 + 17) % self.manifest.config.vocab);
		self.entry()
			.embedder
			.embed(&tokens.collect::<Vec<_>>())
			.unwrap()
	}
}

/// Bits, so that a comparison cannot overlook a sign of zero.
fn bits(values: &[f32]) -> Vec<u32> {
	values.iter().map(|value| value.to_bits()).collect()
}

/// Distance relative to the length of `expected`.
fn distance(found: &[f32], expected: &[f32]) -> f64 {
	assert_eq!(found.len(), expected.len());
	let square = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
	let mut pairs = found
		.iter()
		.zip(expected)
		.map(|(a, b)| f64::from(*a) - f64::from(*b));
	square(&mut pairs) / square(&mut expected.iter().map(|v| f64::from(*v)))
}
