//! Honest workers, of one class and of unlike ones: nobody is ever slashed.

use super::{
	classes::{compared, Sent},
	roots,
};
use crate::{
	dice::Dice,
	report::{Kind, Line},
};
use anyhow::{ensure, Result};
use dllm_primitives::{
	ids::Digest,
	judge::{is_comparable, judge_stage, needs_tiebreak, Showing, StageShowings},
	verdict::Verdict,
};

/// Numerics classes among the workers.
const CLASSES: usize = 4;
/// One in so many workers misses a deadline.
const LATE: u64 = 20;

/// What became of windows of honest workers; a window is a stage of a job.
#[derive(Clone, Copy, Default, Debug)]
pub struct Findings {
	/// How many there were.
	pub windows: u64,
	/// Where the lead opened, and nobody could tell whether it was right.
	pub undecided: u64,
	/// Of these, where its checker opened, too.
	pub undecided_though_opened: u64,
}

/// Windows in which no rows are compared, and such in which they are wherever two classes differ.
pub fn lines(windows: u64, comparisons: u64, dice: &mut Dice) -> Result<[Line; 2]> {
	let without = findings(windows, false, dice)?;
	let with = findings(comparisons, true, dice)?;
	Ok([
		line("no tolerance for any two of them", &without),
		line("a tolerance for every two of them", &with),
	])
}

/// Every worker tells what its class gives for the same rows. `tolerances` says whether the chain has one for every two
/// classes.
pub fn findings(windows: u64, tolerances: bool, dice: &mut Dice) -> Result<Findings> {
	let mut findings = Findings {
		windows,
		..Findings::default()
	};
	for _ in 0..windows {
		let outputs = [(); CLASSES].map(|()| dice.digest());
		let mut stage = StageShowings {
			lead: shown(&outputs, dice),
			replica: Some(shown(&outputs, dice)),
			unchecked: false,
			tiebreak: None,
			dispute: None,
			comparison: None,
		};
		if tolerances && is_comparable(&stage) {
			stage.comparison = Some(compared(Sent::HONEST, Sent::HONEST, dice));
		}
		if needs_tiebreak(&stage) {
			stage.tiebreak = Some(shown(&outputs, dice));
		}
		let verdicts = judge_stage(&stage);
		let all = [Some(verdicts.lead), verdicts.replica, verdicts.tiebreak];
		let convicted = all.contains(&Some(Verdict::Cheat));
		ensure!(!convicted, "an honest worker is convicted: {stage:?}");
		let undecided = verdicts.lead == Verdict::Indeterminate;
		let opened = matches!(stage.replica, Some(Showing::Opened(_)));
		findings.undecided += u64::from(undecided);
		findings.undecided_though_opened += u64::from(undecided && opened);
	}
	Ok(findings)
}

/// What an honest worker of any class shows, if it is in time.
fn shown(outputs: &[Digest], dice: &mut Dice) -> Showing {
	let class = dice.place(outputs.len());
	match dice.below(LATE) {
		0 => Showing::Silent,
		_ => {
			let name = Digest::from_low_u64_be(class as u64);
			Showing::Opened(roots(name, Digest::repeat_byte(2), outputs[class]))
		}
	}
}

fn line(tolerances: &str, findings: &Findings) -> Line {
	let share = |some: u64| 100 * some / findings.windows.max(1);
	let undecided = share(findings.undecided);
	let opened = share(findings.undecided_though_opened);
	Line {
		attack: format!("none: honest workers of {CLASSES} float classes, {tolerances} ({undecided} % of windows undecided, {opened} % though the checker opened; none slashed)"),
		kind: Kind::Simulation,
		tried: findings.windows,
		checked: 1.0,
		detected: 0.0,
		loss: 0.0,
		honest: 0.0,
		value: 0.0,
		limit: false,
	}
}
