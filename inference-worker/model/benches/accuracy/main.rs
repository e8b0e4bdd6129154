//! What each profile costs in accuracy and gives in speed: `make accuracy`.
//!
//! For every model with held-out texts, perplexity of the replies and the share of questions answered
//! exactly, for every profile that the splitter writes; then speed of `f32` and `exact` side by side.
//! Fails where `exact` loses more than one per cent of perplexity. With `--means` it also measures, one
//! by one, the means that could make `exact` more accurate; with `--speed` it measures speed alone.

mod means;
mod speed;
mod texts;

use anyhow::{bail, Context, Result};
use dllm_model::{
	engine::{pin_environment, runtime, Engine, OrtEngine},
	entry::Entry,
	manifest::Manifest,
	splitter::split,
};
use dllm_primitives::model::{LayerRange, Profile};
use std::path::{Path, PathBuf};
use texts::{HeldOut, Score};

/// Relative loss of perplexity that the exact profile may have, in per cent.
const MOST_LOSS: f64 = 1.0;
const PROFILES: [Profile; 5] = [
	Profile::F32,
	Profile::F16,
	Profile::Int8,
	Profile::Int4,
	Profile::Exact,
];

fn main() -> Result<()> {
	pin_environment();
	let options = std::env::args().skip(1).collect::<Vec<_>>();
	let asked = |option: &str| options.iter().any(|given| given == option);
	let mut lost = Vec::new();
	let models = if asked("--speed") {
		Vec::new()
	} else {
		models()?
	};
	for model in models {
		lost.extend(accuracy(&model)?);
		if asked("--means") {
			means::print(&model)?;
		}
	}
	if !asked("--no-speed") {
		speed::print()?;
	}
	if !lost.is_empty() {
		bail!(
			"exact loses more than {MOST_LOSS} % of perplexity on {}",
			lost.join(", ")
		);
	}
	Ok(())
}

/// Models of the repository that have held-out texts.
fn models() -> Result<Vec<PathBuf>> {
	let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models");
	let mut found = Vec::new();
	for entry in std::fs::read_dir(folder)? {
		let path = entry?.path();
		if path.join(texts::FILE).exists() {
			found.push(path);
		}
	}
	found.sort();
	match found.is_empty() {
		true => bail!("no model has a {}", texts::FILE),
		false => Ok(found),
	}
}

/// Prints a model's table; gives its name if the exact profile loses too much.
fn accuracy(model: &Path) -> Result<Option<String>> {
	let held_out = HeldOut::read(model)?;
	let name = model
		.file_name()
		.context("no name")?
		.to_string_lossy()
		.into_owned();
	println!(
		"{name}, {} texts, {} questions",
		held_out.texts.len(),
		held_out.questions()
	);
	println!("  profile  perplexity   loss %  questions right %");
	let mut reference = None;
	let mut too_much = false;
	for profile in PROFILES {
		let score = Whole::split(model, profile)?.score(&held_out)?;
		let f32 = *reference.get_or_insert(score.perplexity);
		let loss = 100.0 * (score.perplexity / f32 - 1.0);
		let profile_name = format!("{profile:?}").to_lowercase();
		println!(
			"  {profile_name:7}  {:10.4}  {loss:+7.3}  {:17.1}",
			score.perplexity,
			100.0 * score.right
		);
		too_much |= profile == Profile::Exact && loss > MOST_LOSS;
	}
	Ok(too_much.then_some(name))
}

/// A whole model in one process.
struct Whole {
	manifest: Manifest,
	entry: Entry,
	engine: OrtEngine,
	_folder: tempfile::TempDir,
}

impl Whole {
	fn split(model: &Path, profile: Profile) -> Result<Self> {
		let folder = tempfile::tempdir()?;
		let target = folder.path().join("split");
		let manifest: Manifest = split(model, &target, profile, &mut |_| {})?;
		let range = LayerRange {
			start: 0,
			end: manifest.layers.len() as u16,
		};
		Ok(Self {
			entry: Entry::load(&manifest, &target)?,
			engine: OrtEngine::load(&manifest, &target, range, 1 << 36)?,
			manifest,
			_folder: folder,
		})
	}

	fn score(&self, held_out: &HeldOut) -> Result<Score> {
		let tokenizer = &self.entry.tokenizer;
		let perplexity = held_out.perplexity(&self.manifest, tokenizer, |tokens| {
			let rows = self.entry.embedder.embed(tokens)?;
			self.engine.open(0, tokens.len() as u32)?;
			let output = self.engine.prefill(0, 0, &rows)?;
			self.engine.close(0);
			Ok(self.entry.head.logits(&output)?)
		})?;
		let right = held_out.share_right(tokenizer, |position, tokens| {
			if position == 0 {
				self.engine.close(0);
				self.engine.open(0, tokenizer.max_context())?;
			}
			let rows = self.entry.embedder.embed(tokens)?;
			let output = self.engine.prefill(0, position, &rows)?;
			let last = &output[output.len() - self.engine.hidden()..];
			Ok(self.entry.head.logits(last)?)
		})?;
		Ok(Score { perplexity, right })
	}
}

/// Threads that the library computes with.
fn threads() -> Result<usize> {
	Ok(runtime()?.threads)
}
