//! Attacks on the rows of the real engine: what it gives is changed, left out or made by other means, and
//! judged against what an honest checker of the same engine gives.

pub mod accusations;
mod activation;
mod commitments;
mod entry;
mod work;

use crate::{
	dice::Dice,
	money::Sampling,
	report::Line,
	scene::{Job, Scene, Work},
};
use anyhow::Result;

/// How often the attacks on the engine are tried.
#[derive(Clone, Copy, Debug)]
pub struct Tries {
	/// Places of one flipped bit, and false accusers.
	pub places: u64,
	/// Prompts for attacks on whole jobs.
	pub prompts: u64,
}

impl Tries {
	/// As often as the published table says.
	pub const ALL: Self = Self {
		places: 1_000,
		prompts: 40,
	};
	/// A few, for a test.
	pub const FEW: Self = Self {
		places: 30,
		prompts: 4,
	};
}

/// A scene with dice.
pub struct Stage<'a> {
	/// The model.
	pub scene: &'a Scene,
	/// Another model of the same shape: cheaper weights.
	pub cheap: &'a Scene,
	/// How often.
	pub tries: Tries,
	/// How often their trials are checked at least.
	pub least: Sampling,
	/// Seed of all dice.
	pub seed: u64,
}

impl Stage<'_> {
	/// All attacks of this kind.
	pub fn all(&self) -> Result<Vec<Line>> {
		let groups = [
			self.activations()?,
			self.accusers()?,
			self.other_work()?,
			self.entries()?,
			self.copies()?,
		];
		Ok(groups.concat())
	}

	fn dice(&self, attack: &str) -> Dice {
		Dice::new(self.seed, attack)
	}

	/// Rows of a random text, and honest work on them.
	fn honest(&self, rows: usize, dice: &mut Dice) -> Result<(Job, Vec<f32>, Work)> {
		let job = Job::any(dice);
		let received = self.scene.embed(&self.prompt(rows, dice))?;
		let work = self.scene.work(&job, &received)?;
		Ok((job, received, work))
	}

	/// Random tokens.
	fn prompt(&self, tokens: usize, dice: &mut Dice) -> Vec<u32> {
		let vocab = self.scene.entry.head.vocab() as u64;
		(0..tokens).map(|_| dice.below(vocab) as u32).collect()
	}
}
