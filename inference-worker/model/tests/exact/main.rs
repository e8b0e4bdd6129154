//! The exact profile: one output whatever computes it, and nothing in a shard that could break that.

mod blocks;
mod bytes;
#[path = "../splitter/checkpoints.rs"]
mod checkpoints;
mod kernels;
mod lint;
mod reference;
mod traces;

use dllm_model::{
	engine::{Engine, OrtEngine},
	entry::Entry,
	manifest::Manifest,
	numerics::{ExactForm, Numerics},
	splitter::split,
};
use dllm_primitives::model::{LayerRange, Profile};
use std::path::{Path, PathBuf};
use tempfile::{tempdir, TempDir};

/// Memory that no test exceeds.
const PLENTY: u64 = 1 << 32;

/// The rules of the profile.
fn rules() -> Numerics {
	*Numerics::of(Profile::Exact)
}

/// The rules, in standard operators.
fn standard() -> Numerics {
	Numerics {
		exact: Some(ExactForm::Standard),
		..rules()
	}
}

/// A split model that disappears with the test.
struct Model {
	manifest: Manifest,
	folder: PathBuf,
	_guard: TempDir,
}

impl Model {
	fn named(name: &str) -> Self {
		Self::split(&checkpoints::model(name), Profile::Exact)
	}

	fn split(source: &Path, profile: Profile) -> Self {
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

	/// All layers in one engine, under other rules of execution.
	fn whole_as(&self, numerics: &Numerics) -> OrtEngine {
		let range = LayerRange {
			start: 0,
			end: self.layers(),
		};
		OrtEngine::load_as(&self.manifest, &self.folder, range, PLENTY, numerics).unwrap()
	}

	fn entry(&self) -> Entry {
		Entry::load(&self.manifest, &self.folder).unwrap()
	}

	/// Rows of made-up tokens, as real embeddings.
	fn rows(&self, count: u32) -> Vec<f32> {
		let tokens = (0..count).map(|at| (at * 2_654_435 + 17) % self.manifest.config.vocab);
		let tokens = tokens.collect::<Vec<_>>();
		self.entry().embedder.embed(&tokens).unwrap()
	}
}

/// Sends rows in pieces of the given sizes, then the rest one by one.
fn send(engine: &OrtEngine, rows: &[f32], pieces: &[u32]) -> Vec<u32> {
	let width = engine.hidden();
	let total = (rows.len() / width) as u32;
	engine.open(0, total).unwrap();
	let (mut position, mut output) = (0, Vec::new());
	for size in pieces.iter().copied().chain(std::iter::repeat(1)) {
		let end = (position + size).min(total);
		if position == end {
			break;
		}
		let part = &rows[position as usize * width..end as usize * width];
		output.extend(engine.prefill(0, position, part).unwrap());
		position = end;
	}
	assert!(engine.close(0));
	bits(&output)
}

/// Bits, so that a comparison cannot overlook a sign of zero.
fn bits(values: &[f32]) -> Vec<u32> {
	values.iter().map(|value| value.to_bits()).collect()
}
