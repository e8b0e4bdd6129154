//! An entry that answers another prompt, part of it, or samples as it likes. It has no trace: a third worker
//! decides, and both checkers sample again from the rows that came back.

use super::Stage;
use crate::{
	court::{decide, due, opened},
	dice::Dice,
	money::{Role, Tally},
	report::{Kind, Line},
	scene::{Job, Talk},
};
use anyhow::Result;
use dllm_model::entry::{ReplyLimits, SamplingParams};
use dllm_primitives::judge::StageShowings;

/// Tokens of a prompt.
const PROMPT: usize = 16;
/// Tokens of a reply at most.
const REPLY: u32 = 8;

impl Stage<'_> {
	pub(super) fn entries(&self) -> Result<Vec<Line>> {
		Ok(vec![
			self.entry("prompt altered", |dice, prompt, limits| {
				let mut other = prompt.to_vec();
				let at = dice.place(other.len());
				other[at] = (other[at] + 1) % self.scene.entry.head.vocab() as u32;
				self.scene.answer(&other, limits)
			})?,
			self.entry("context cut by the entry", |_, prompt, limits| {
				self.scene.answer(&prompt[PROMPT / 2..], limits)
			})?,
			self.entry(
				"cached answer of another prompt, by the entry",
				|dice, _, limits| self.scene.answer(&self.prompt(PROMPT, dice), limits),
			)?,
			self.entry("sampler seed ignored", |_, prompt, limits| {
				let mut other = limits.clone();
				other.sampling.seed ^= 1;
				self.scene.answer(prompt, &other)
			})?,
		])
	}

	/// One attack over many prompts. Where another way gives the same reply, nobody was cheated, and the try
	/// does not count.
	fn entry(
		&self,
		attack: &str,
		cheat: impl Fn(&mut Dice, &[u32], &ReplyLimits) -> Result<Talk>,
	) -> Result<Line> {
		let mut dice = self.dice(attack);
		let mut tally = Tally::new(Role::Lead);
		let shards = self.scene.entry_weights();
		for _ in 0..self.tries.prompts {
			let job = Job::any(&mut dice);
			let prompt = self.prompt(PROMPT, &mut dice);
			let limits = limits(&mut dice);
			let talk = cheat(&mut dice, &prompt, &limits)?;
			let told = self.scene.told_of(&job, &talk)?;
			let replayed = self.scene.replay(&prompt, &limits, &talk.received)?;
			let truth = self.scene.told_of(&job, &replayed)?;
			if told == truth {
				continue;
			}
			let stage = StageShowings {
				lead: opened(told, shards, true),
				replica: Some(opened(truth, shards, true)),
				unchecked: false,
				tiebreak: None,
				dispute: None,
				comparison: None,
			};
			let ruling = decide(stage, due(shards, true).compared(truth));
			tally.lead(&ruling);
		}
		Ok(tally.line(attack, Kind::Engine, self.least.share()))
	}
}

/// A reply that is not greedy.
fn limits(dice: &mut Dice) -> ReplyLimits {
	ReplyLimits {
		max_tokens: REPLY,
		sampling: SamplingParams {
			temperature_milli: 900,
			top_p_milli: 950,
			seed: dice.any(),
		},
		stop: Vec::new(),
		likeliest: None,
	}
}
