//! One model in one setting.

use crate::{
	record::{Outcome, Record, Setting},
	skips::skips,
	ways::{send, Engines, Output},
};
use anyhow::Result;
use dllm_model::{
	engine::{runtime, Engine, OrtEngine},
	entry::{Embedder, Head},
	manifest::Manifest,
	numerics::{ExactForm, Numerics},
};
use dllm_primitives::model::{LayerRange, Profile};
use std::path::Path;

const CONTEXT: &str = "dllm 2026-11 exactness output v1";
/// Memory that no model of a proof needs.
const PLENTY: u64 = 1 << 34;

/// Executes the shards of `folder` in every way, `rows` rows each.
pub fn record(folder: &Path, setting: &Setting, rows: u32) -> Result<Record> {
	let manifest = Manifest::load(folder)?;
	let layers = manifest.layers.len() as u16;
	let load = |start, end| OrtEngine::load(&manifest, folder, LayerRange { start, end }, PLENTY);
	let half = layers / 2;
	let engines = Engines {
		whole: load(0, layers)?,
		parts: match half {
			0 => None,
			_ => Some([load(0, half)?, load(half, layers)?]),
		},
		standard: standard(&manifest, folder)?,
		head: Head::load(&manifest, folder)?,
	};
	let input = Embedder::load(&manifest, folder)?.embed(&tokens(rows, manifest.config.vocab))?;

	let mut ways = Vec::new();
	let mut first = None;
	for way in engines.ways() {
		let output = send(&engines, way, &input)?;
		ways.push(Outcome {
			way: way.name().into(),
			hash: hash(output.rows.iter().chain(&output.logits)),
		});
		first.get_or_insert(output);
	}
	let skipped = match manifest.profile {
		// Nobody compares its rows by tolerance.
		Profile::Exact => Vec::new(),
		_ => {
			let single = (0..layers).map(|at| load(at, at + 1));
			skips(&single.collect::<Result<Vec<_>, _>>()?, &input)?
		}
	};
	let Output { rows, logits } = first.unwrap_or(Output {
		rows: Vec::new(),
		logits: Vec::new(),
	});
	Ok(Record {
		setting: setting.clone(),
		architecture: std::env::consts::ARCH.into(),
		library: format!("{:?}", runtime()?.digest),
		model: manifest.model.clone(),
		root: format!("{:?}", manifest.root()),
		profile: manifest.profile,
		count: rows.len() / engines.whole.hidden(),
		hidden: engines.whole.hidden(),
		vocab: engines.head.vocab(),
		class: format!("{:?}", engines.whole.profile_id()),
		ways,
		skips: skipped
			.iter()
			.enumerate()
			.map(|(layer, rows)| Outcome {
				way: format!("without layer {layer}"),
				hash: hash(rows),
			})
			.collect(),
		rows,
		skipped,
		logits,
	})
}

/// All layers in standard operators, if the engine usually runs the profile in operators of its own.
fn standard(manifest: &Manifest, folder: &Path) -> Result<Option<OrtEngine>> {
	let own = Numerics::of(manifest.profile);
	if own.exact.is_none() {
		return Ok(None);
	}
	let numerics = Numerics {
		exact: Some(ExactForm::Standard),
		..*own
	};
	let range = LayerRange {
		start: 0,
		end: manifest.layers.len() as u16,
	};
	Ok(Some(OrtEngine::load_as(
		manifest, folder, range, PLENTY, &numerics,
	)?))
}

/// Tokens all over the vocabulary, always the same ones.
fn tokens(count: u32, vocab: u32) -> Vec<u32> {
	// Multiplicative hashing (Knuth, The Art of Computer Programming 3, 6.4): 2³² divided by the golden ratio.
	(1..=count)
		.map(|at| at.wrapping_mul(2_654_435_769) % vocab)
		.collect()
}

/// blake3 of values that came out, each little-endian: of a way its rows, then its logits.
fn hash<'a>(values: impl IntoIterator<Item = &'a f32>) -> String {
	let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
	for value in values {
		hasher.update(&value.to_le_bytes());
	}
	hasher.finalize().to_hex().to_string()
}
