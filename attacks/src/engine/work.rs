//! A segment that does other work than it is paid for: fewer layers, cheaper weights, another prompt's rows,
//! a shorter context.

use super::Stage;
use crate::{
	court::{Manners, Party},
	dice::Dice,
	money::{Role, Tally},
	report::{Kind, Line},
	scene::{run, Job, Work},
};
use anyhow::Result;

/// Rows of a job.
const ROWS: usize = 24;
/// Rows after which a lead forgets what came before.
const FORGOTTEN: usize = 16;

impl Stage<'_> {
	pub(super) fn other_work(&self) -> Result<Vec<Line>> {
		let shortened = self.scene.shortened(1)?;
		Ok(vec![
			self.attack("layer skipped", |_, received, honest| {
				let mut lead = honest.clone();
				lead.send(self.leaves(received.job, &run(&shortened, &received.rows)?));
				Ok(lead)
			})?,
			self.attack(
				"layer skipped, and another numerics class named",
				|dice, received, honest| {
					let mut lead = honest.clone();
					lead.send(self.leaves(received.job, &run(&shortened, &received.rows)?));
					lead.roots.class = dice.digest();
					Ok(lead)
				},
			)?,
			self.attack("cheaper model, named", |_, received, _| {
				let (job, rows) = (received.job, &received.rows);
				self.cheap.work(job, rows)
			})?,
			self.attack(
				"cheaper model, named as the right one",
				|_, received, honest| {
					let mut lead = self.cheap.work(received.job, &received.rows)?;
					lead.roots.weights = honest.roots.weights;
					Ok(lead)
				},
			)?,
			self.attack(
				"cached answer of another prompt",
				|dice, received, honest| {
					let other = self.scene.embed(&self.prompt(ROWS, dice))?;
					let mut lead = self.scene.work(received.job, &other)?;
					// It cannot tell of other rows received than those that its neighbour committed to.
					lead.roots.input = honest.roots.input;
					Ok(lead)
				},
			)?,
			self.attack("context cut", |_, received, honest| {
				let width = self.scene.spec.hidden_size as usize;
				let (before, after) = received.rows.split_at(FORGOTTEN * width);
				let sent = [self.scene.run(before)?, self.scene.run(after)?].concat();
				let mut lead = honest.clone();
				lead.send(self.leaves(received.job, &sent));
				Ok(lead)
			})?,
		])
	}

	/// One attack over many prompts; half of the leads argue, half say nothing.
	fn attack(
		&self,
		attack: &str,
		cheat: impl Fn(&mut Dice, &Received, &Work) -> Result<Work>,
	) -> Result<Line> {
		let mut dice = self.dice(attack);
		let mut tally = Tally::new(Role::Lead);
		for _ in 0..self.tries.prompts {
			let (job, rows, mut honest) = self.honest(ROWS, &mut dice)?;
			let received = Received { job: &job, rows };
			let mut lead = cheat(&mut dice, &received, &honest)?;
			let case = self.scene.case(&job, &honest);
			let manners = match dice.below(2) {
				0 => Manners::Smooth,
				_ => Manners::Silent(dice.place(3)),
			};
			let lead = Party {
				work: &mut lead,
				manners,
			};
			let ruling = case.judge(lead, Party::smooth(&mut honest), &mut dice)?;
			tally.lead(&ruling);
		}
		Ok(tally.line(attack, Kind::Engine, self.least.share()))
	}

	fn leaves(&self, job: &Job, sent: &[f32]) -> Vec<dllm_primitives::ids::Digest> {
		self.scene.leaves(job, crate::scene::SEGMENT, sent)
	}
}

/// What came in.
struct Received<'a> {
	job: &'a Job,
	rows: Vec<f32>,
}
