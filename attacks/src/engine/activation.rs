//! One bit of one activation is another than the rules give: at random rows, layers and operators.

use super::{accusations::any_element, Stage};
use crate::{
	court::{Manners, Party},
	dice::Dice,
	money::{Role, Tally},
	report::{Kind, Line},
	scene::{output_rows, Job, Work},
};
use anyhow::{Context, Result};
use dllm_primitives::trace::{
	layout::Element, opening::Blocks, recompute, shape::LAYER, weights::Layer, Held,
};

/// Rows of a job in which a bit is flipped: few, as all that follows a lie is computed by the chain's own
/// soft floats.
const ROWS: usize = 6;

impl Stage<'_> {
	/// One flipped bit, by a defender who carries it on, hides it in its rows, or damages its messages; and
	/// accusers of honest work.
	pub(super) fn activations(&self) -> Result<Vec<Line>> {
		Ok(vec![
			self.carried("one flipped activation bit, carried on", |_| {
				Manners::Smooth
			})?,
			self.other_rows()?,
			self.carried(
				"one flipped activation bit, damaged messages",
				|dice| match dice.below(4) {
					0 => Manners::OtherKey,
					at => Manners::Damaged(at as usize - 1),
				},
			)?,
		])
	}

	/// The bit is flipped and all that follows is computed from it: trace and rows fit each other. Bits
	/// whose change is lost in rounding change no row that is sent; these places do not count.
	fn carried(&self, attack: &str, manners: impl Fn(&mut Dice) -> Manners) -> Result<Line> {
		let mut dice = self.dice(attack);
		let mut tally = Tally::new(Role::Lead);
		let (job, _, truth) = self.honest(ROWS, &mut dice)?;
		let mut checker = truth.clone();
		let case = self.scene.case(&job, &truth);
		let mut tried = 0;
		while tried < self.tries.places {
			let mut lead = truth.clone();
			flip(&mut lead, &job, &case.layers, &mut dice)?;
			if lead.roots.output == truth.roots.output {
				continue;
			}
			tried += 1;
			let manners = manners(&mut dice);
			let lead = Party {
				work: &mut lead,
				manners,
			};
			let ruling = case.judge(lead, Party::smooth(&mut checker), &mut dice)?;
			tally.lead(&ruling);
		}
		Ok(tally.line(attack, Kind::Engine, self.least.share()))
	}

	/// The trace has one wrong bit or none, and does not end in the rows that were sent.
	fn other_rows(&self) -> Result<Line> {
		let attack = "one flipped bit of a row sent, not in the trace";
		let mut dice = self.dice(attack);
		let mut tally = Tally::new(Role::Lead);
		let (job, received, truth) = self.honest(ROWS, &mut dice)?;
		let sent = self.scene.run(&received)?;
		let (mut lead, mut checker) = (truth.clone(), truth.clone());
		let case = self.scene.case(&job, &truth);
		for _ in 0..self.tries.places {
			let mut sent = sent.clone();
			let at = dice.place(sent.len());
			sent[at] = f32::from_bits(sent[at].to_bits() ^ (1 << dice.below(32)));
			let rows = self.scene.leaves(&job, crate::scene::SEGMENT, &sent);
			lead.send(rows);
			let trace = lead.trace.as_mut().context("a trace")?;
			let hidden = match dice.below(2) {
				0 => None,
				_ => Some(flip_in_place(trace, &job, &mut dice)?),
			};
			let ruling = case.judge(
				Party::smooth(&mut lead),
				Party::smooth(&mut checker),
				&mut dice,
			)?;
			tally.lead(&ruling);
			if let (Some((place, byte, was)), Some(trace)) = (hidden, lead.trace.as_mut()) {
				trace.set(&job.binding(), place, byte, was);
			}
		}
		Ok(tally.line(attack, Kind::Engine, self.least.share()))
	}

	/// Accusers of honest work.
	pub(super) fn accusers(&self) -> Result<Vec<Line>> {
		Ok(vec![self.lying_accusers()?, self.reckless_accusers()?])
	}

	/// Checkers whose own work is wrong and who argue for it as an honest one would.
	fn lying_accusers(&self) -> Result<Line> {
		let attack = "false accuser, with a lying trace of its own";
		let mut dice = self.dice(attack);
		let mut tally = Tally::new(Role::Checker);
		let (job, _, truth) = self.honest(ROWS, &mut dice)?;
		let mut lead = truth.clone();
		let case = self.scene.case(&job, &truth);
		let mut tried = 0;
		while tried < self.tries.places {
			let mut accuser = truth.clone();
			flip(&mut accuser, &job, &case.layers, &mut dice)?;
			if accuser.roots.output == truth.roots.output {
				continue;
			}
			tried += 1;
			let ruling = case.judge(
				Party::smooth(&mut lead),
				Party::smooth(&mut accuser),
				&mut dice,
			)?;
			tally.checker(&ruling);
		}
		Ok(tally.line(attack, Kind::Engine, 1.0))
	}

	/// Checkers who tell any rows and accuse at random.
	fn reckless_accusers(&self) -> Result<Line> {
		let attack = "false accuser, at random";
		let mut dice = self.dice(attack);
		let mut tally = Tally::new(Role::Checker);
		let (job, _, truth) = self.honest(ROWS, &mut dice)?;
		let (mut lead, mut accuser) = (truth.clone(), truth.clone());
		let case = self.scene.case(&job, &truth);
		for _ in 0..self.tries.places {
			accuser.roots.output = dice.digest();
			let accuser = Party {
				work: &mut accuser,
				manners: Manners::Reckless,
			};
			let ruling = case.judge(Party::smooth(&mut lead), accuser, &mut dice)?;
			tally.checker(&ruling);
		}
		Ok(tally.line(attack, Kind::Engine, 1.0))
	}
}

/// Flips a bit of some value, computes all that follows from it, and tells of the rows in which that ends.
fn flip(work: &mut Work, job: &Job, layers: &[Layer], dice: &mut Dice) -> Result<()> {
	let trace = work.trace.as_mut().context("a trace")?;
	let at = any_element(&trace.layout, dice);
	let bits = u64::from(8 * at.operator.width().bytes());
	let lie = value(trace, at).context("a value")? ^ (1i64 << dice.below(bits));
	carry(trace, layers, at, lie)?;
	let rows = output_rows(job, trace);
	// Its tree is only needed where there is something to argue about.
	if rows != work.rows.output {
		trace.bind(&job.binding());
		work.send(rows);
	}
	Ok(())
}

/// Flips a bit of a trace and nothing else; gives its place, and what the byte was.
fn flip_in_place(trace: &mut Held, job: &Job, dice: &mut Dice) -> Result<(u64, usize, u8)> {
	let at = any_element(&trace.layout, dice);
	let width = at.operator.width().bytes();
	let byte = at.index * width + dice.below(width.into()) as u32;
	let (place, byte) = trace.layout.leaf(at.row, at.layer, at.operator, byte);
	let was = trace.trace(place).context("a block")?[byte as usize];
	let lie = was ^ (1 << dice.below(8));
	trace.set(&job.binding(), place, byte as usize, lie);
	Ok((place, byte as usize, was))
}

/// A value of a trace.
fn value(trace: &mut Held, at: Element) -> Option<i64> {
	let width = at.operator.width();
	let (place, byte) = {
		let layout = &trace.layout;
		layout.leaf(at.row, at.layer, at.operator, at.index * width.bytes())
	};
	let bytes = trace.trace(place)?.get(byte as usize..)?;
	width.decode(bytes).next()
}

/// Puts a lie into a trace and follows the rules from there on.
fn carry(trace: &mut Held, layers: &[Layer], lied: Element, lie: i64) -> Result<()> {
	let layout = trace.layout.clone();
	let order = |at: Element| {
		let operator = LAYER.iter().position(|one| *one == at.operator);
		(at.row, at.layer, operator)
	};
	for row in lied.row..layout.rows {
		for layer in 0..layout.layers {
			for operator in LAYER {
				let first = Element {
					row,
					layer,
					operator,
					index: 0,
				};
				if order(first) < order(lied) {
					continue;
				}
				let mut bytes = Vec::new();
				for index in 0..layout.elements(operator) {
					let at = Element { index, ..first };
					let value = match at == lied {
						true => lie,
						// Others of the same vector do not depend on it.
						false if order(at) == order(lied) => value(trace, at).context("a value")?,
						false => recompute(&layout, layers, at, trace)
							.map_err(|_| anyhow::anyhow!("{at:?} lacks a value"))?,
					};
					operator.width().encode(value, &mut bytes);
				}
				trace.put(row, layer, operator, &bytes);
			}
		}
	}
	Ok(())
}
