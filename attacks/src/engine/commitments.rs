//! Commitments of others: nobody but their author can open them.

use super::Stage;
use crate::{
	court::due,
	dice::Dice,
	money::{Role, Tally},
	report::{Kind, Line},
	scene::{Account, SEGMENT},
};
use anyhow::{ensure, Result};
use codec::Encode;
use dllm_primitives::{
	commitment::{commitment, Opening, Roots},
	ids::{Digest, JobId, StageIndex},
	judge::{judge_stage, showing, Exhibit, StageShowings},
	verdict::Verdict,
};

/// Where a copied commitment comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
	/// Another worker of the same stage.
	Neighbour,
	/// Its own work in another job, for the same rows.
	OtherJob,
	/// Another account of its own, in the same stage of the same job.
	OtherIdentity,
	/// Another stage of the same job.
	OtherStage,
}

impl Stage<'_> {
	pub(super) fn copies(&self) -> Result<Vec<Line>> {
		Ok(vec![
			self.copied("commitment copied from a neighbour", Source::Neighbour)?,
			self.copied("commitment copied across stages", Source::OtherStage)?,
			self.copied("commitment copied across jobs", Source::OtherJob)?,
			self.copied("commitment copied across identities", Source::OtherIdentity)?,
		])
	}

	/// The copier never computes; it knows the opening of what it copied as soon as its author has opened,
	/// which it may be itself.
	fn copied(&self, attack: &str, from: Source) -> Result<Line> {
		let mut dice = self.dice(attack);
		let mut tally = Tally::new(Role::Checker);
		let (job, _, honest) = self.honest(8, &mut dice)?;
		for _ in 0..self.tries.places {
			let (author, copier) = (dice.any(), dice.any());
			let opening = Opening {
				salt: dice.digest(),
				roots: honest.roots,
			};
			let (job_of, stage_of) = match from {
				Source::OtherJob => (job.id + 1 + dice.below(9), SEGMENT),
				Source::OtherStage => (job.id, SEGMENT + 1),
				Source::Neighbour | Source::OtherIdentity => (job.id, SEGMENT),
			};
			let author = match from {
				Source::OtherJob => copier,
				_ => author,
			};
			let copied = digest(job_of, stage_of, author, &opening);
			// What it could try as its own opening: the author's, and any that it makes up.
			let tries = [
				opening,
				Opening {
					salt: dice.digest(),
					..opening
				},
			];
			let opens = |one: &Opening| digest(job.id, SEGMENT, copier, one) == copied;
			ensure!(!tries.iter().any(opens), "a copied commitment was opened");
			let verdict = self.verdict(from, copied, [author, copier], honest.roots, &mut dice);
			tally.note(verdict[1], [verdict[0]]);
		}
		Ok(tally.line(attack, Kind::Engine, 1.0))
	}

	/// The verdicts on an honest lead and on the checker that copied.
	fn verdict(
		&self,
		from: Source,
		copied: Digest,
		[author, copier]: [Account; 2],
		roots: Roots,
		dice: &mut Dice,
	) -> [Verdict; 2] {
		let lead = match from {
			Source::Neighbour => author,
			_ => dice.any(),
		};
		let mut all = vec![
			Exhibit {
				worker: &lead,
				commitment: Some(match from {
					Source::Neighbour => copied,
					_ => dice.digest(),
				}),
				roots: Some(roots),
				contradicted: false,
			},
			Exhibit {
				worker: &copier,
				commitment: Some(copied),
				roots: None,
				contradicted: false,
			},
		];
		// The author is somewhere else in the job.
		if matches!(from, Source::OtherStage | Source::OtherIdentity) {
			all.push(Exhibit {
				worker: &author,
				commitment: Some(copied),
				roots: Some(roots),
				contradicted: false,
			});
		}
		let shown = |at: usize| showing(&all[at], &all, due(roots.weights, false));
		let mut stage = StageShowings {
			lead: shown(0),
			replica: Some(shown(1)),
			unchecked: false,
			tiebreak: None,
			dispute: None,
			comparison: None,
		};
		// An honest third worker confirms the lead.
		stage.tiebreak = Some(shown(0));
		let verdicts = judge_stage(&stage);
		[
			verdicts.lead,
			verdicts.replica.unwrap_or(Verdict::Indeterminate),
		]
	}
}

fn digest(job: JobId, stage: StageIndex, account: Account, opening: &Opening) -> Digest {
	account.using_encoded(|account| commitment(job, stage, account, opening))
}
