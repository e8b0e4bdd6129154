//! What attacks of real processes came to, as `e2e/attacks` writes it: one JSON object a line.

use crate::{
	court::Finding,
	money::{Role, Sampling, Stake},
	report::{Kind, Line},
};
use anyhow::{Context, Result};
use dllm_primitives::verdict::Verdict;
use serde::Deserialize;
use std::{fs, path::Path};

/// What was seen of one attack.
#[derive(Deserialize, Debug)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Seen {
	/// What was tried.
	attack: String,
	/// The attacker's part in its stage.
	part: Part,
	/// The verdict on it, of every try.
	verdicts: Vec<Verdict>,
	/// What its bond lost in all, in planck as text.
	slashed: String,
	/// What bonds of honest workers lost, in planck as text.
	honest: String,
	/// Whether the attacker computed all that was due, so that it saved nothing.
	#[serde(default)]
	works: bool,
}

#[derive(Deserialize, Clone, Copy, Debug)]
#[serde(rename_all = "camelCase")]
enum Part {
	Lead,
	Replica,
	Tiebreak,
}

/// Reads the lines of a file.
pub fn read(file: &Path) -> Result<Vec<Line>> {
	let text = fs::read_to_string(file).with_context(|| format!("{}", file.display()))?;
	let lines = text.lines().filter(|line| !line.trim().is_empty());
	lines
		.map(|line| {
			let seen = serde_json::from_str::<Seen>(line).with_context(|| line.to_string())?;
			seen.line()
		})
		.collect()
}

impl Seen {
	/// The verdicts are those of the network; the money is reckoned as for all other lines, since the pay of
	/// a test's stage is next to nothing and its slash a huge multiple of it. That a bond was slashed exactly
	/// where a verdict says so is checked here.
	fn line(&self) -> Result<Line> {
		let convicted = self.verdicts.contains(&Verdict::Cheat);
		let slashed = self.slashed.parse::<u128>()? > 0;
		// Who is checked and does not open forfeits without a conviction.
		let forfeited = slashed && self.verdicts.contains(&Verdict::WorkerFault);
		anyhow::ensure!(
			slashed == (convicted || forfeited),
			"{}: convicted {convicted}, slashed {slashed}",
			self.attack
		);
		let (role, checked) = match self.part {
			Part::Lead => (Role::Lead, Sampling::of_runtime().share()),
			Part::Replica | Part::Tiebreak => (Role::Checker, 1.0),
		};
		let stake = Stake::dearest();
		let tried = self.verdicts.len().max(1) as f64;
		// They attack segments of an exact model, where a dispute or their own word convicts them.
		let found = self.verdicts.iter().copied().map(Finding::proved);
		let losses = found.map(|found| role.loss(found, &stake));
		// Who does not do its work is not paid, checked or not.
		let unserved = !forfeited && self.verdicts.contains(&Verdict::WorkerFault);
		let checked = if unserved { 1.0 } else { checked };
		let forfeit = if forfeited { stake.withheld() } else { 0.0 };
		let loss = checked * (losses.sum::<f64>() / tried + forfeit);
		let found = self
			.verdicts
			.iter()
			.filter(|found| **found != Verdict::Pass);
		Ok(Line {
			attack: self.attack.clone(),
			kind: Kind::Processes,
			tried: self.verdicts.len() as u64,
			checked,
			detected: found.count() as f64 / tried,
			loss,
			honest: self.honest.parse::<u128>()? as f64 / stake.pay as f64,
			value: if self.works { 0.0 } else { role.saved() } - loss,
			limit: false,
		})
	}
}
