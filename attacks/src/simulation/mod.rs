//! Attacks on draws, money and time: no engine, but the chain's own rules of judgement, draw, rank and price.

mod author;
mod breaker;
pub mod classes;
mod collusion;
pub mod honest;
mod limits;
mod operators;
mod repeats;
mod reputation;
mod silence;
mod spam;
mod verifiers;
pub mod votes;

pub use author::least_checked;
pub use silence::{OTHER_CLASS, OTHER_ROWS};

use crate::{dice::Dice, money::Sampling, report::Line};
use anyhow::Result;
use dllm_primitives::{commitment::Roots, ids::Digest};

/// How often simulations are tried.
#[derive(Clone, Copy, Debug)]
pub struct Tries {
	/// Trials that are drawn.
	pub trials: u64,
	/// Windows of honest workers of unlike classes.
	pub windows: u64,
	/// Stages of which rows are compared.
	pub comparisons: u64,
	/// Careers of a worker.
	pub careers: u64,
}

impl Tries {
	/// As often as the published table says.
	pub const ALL: Self = Self {
		trials: 200_000,
		windows: 10_000,
		comparisons: 2_000,
		careers: 400,
	};
	/// A few, for a test.
	pub const FEW: Self = Self {
		trials: 20_000,
		windows: 10_000,
		comparisons: 300,
		careers: 40,
	};
}

/// All attacks of this kind, where jobs are checked so often at least.
pub fn all(tries: Tries, least: Sampling, seed: u64) -> Result<Vec<Line>> {
	let dice = |attack: &str| Dice::new(seed, attack);
	let mut lines = verifiers::lines(tries.trials, &mut dice("verifiers"));
	lines.push(spam::line()?);
	lines.extend(votes::lines(tries.trials, &mut dice("votes"))?);
	lines.extend(collusion::lines(
		least,
		tries.trials,
		&mut dice("collusion"),
	));
	lines.push(reputation::line(
		least,
		tries.careers,
		&mut dice("reputation"),
	));
	lines.extend(reputation::capped(least));
	lines.extend(author::lines(least, tries.trials, &mut dice("author")));
	lines.push(operators::line(&mut dice("operators"))?);
	lines.extend(honest::lines(
		tries.windows,
		tries.comparisons,
		&mut dice("honest"),
	)?);
	lines.extend(classes::lines(tries, &mut dice("classes"))?);
	lines.extend(silence::lines(least));
	lines.push(repeats::line(least));
	lines.extend(breaker::lines(&mut dice("breaker"))?);
	lines.extend(limits::lines(least, tries.trials, &mut dice("limits")));
	Ok(lines)
}

/// Roots of a stage that ran, with these rows sent.
fn roots(class: Digest, weights: Digest, output: Digest) -> Roots {
	Roots {
		class,
		weights,
		input: Digest::repeat_byte(3),
		output,
		result: Digest::zero(),
		rows: 128,
	}
}
