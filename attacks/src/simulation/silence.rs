//! Silence in every phase: who misses a deadline, and whether it can be worth it; and what nobody can decide.

use super::roots;
use crate::{
	money::{Role, Sampling, Tally},
	report::{Kind, Line},
};
use dllm_primitives::{
	dispute::{Outcome, Standing},
	ids::Digest,
	judge::{judge_stage, judge_unserved_lead, Showing, StageShowings},
	verdict::Verdict,
};

const SILENT: Showing = Showing::Silent;

/// A cheat that waits for a check before it is silent.
const UNOPENED: &str = "silence: a lead cheats, and opens nothing once it is checked";

/// A cheat whose checkers get no rows, neither from itself nor from the other end of the hop: the user of a
/// sealed job, or a friend that leads the stage before.
const STARVED: &str = "silence: a lead cheats, and its checkers get no rows";

/// A cheat that nobody can be compared with.
pub const OTHER_CLASS: &str = "a lead cheats, and names another numerics class";

pub fn lines(least: Sampling) -> Vec<Line> {
	let least = least.share();
	let told = |byte| {
		let (class, weights) = (Digest::repeat_byte(1), Digest::repeat_byte(2));
		Showing::Opened(roots(class, weights, Digest::repeat_byte(byte)))
	};
	let (truth, lie) = (told(7), told(8));
	let checked = |lead, checker| StageShowings {
		lead,
		replica: Some(checker),
		tiebreak: None,
		unchecked: false,
		dispute: None,
	};
	let unchecked = StageShowings {
		replica: None,
		unchecked: true,
		..checked(SILENT, SILENT)
	};
	let confirmed = StageShowings {
		tiebreak: Some(truth),
		..checked(truth, SILENT)
	};
	let silent_third = StageShowings {
		tiebreak: Some(SILENT),
		..checked(truth, lie)
	};
	// Two checkers, drawn one after the other, say that they got nothing.
	let starved = checked(lie, Showing::Starved);
	let other = roots(
		Digest::repeat_byte(4),
		Digest::repeat_byte(2),
		Digest::repeat_byte(8),
	);
	let undecided = StageShowings {
		tiebreak: Some(truth),
		..checked(Showing::Opened(other), truth)
	};
	let disputed = |lead, checker, outcome| StageShowings {
		dispute: Some(Standing::Over(outcome)),
		..checked(lead, checker)
	};
	let abandoned = disputed(lie, truth, Outcome::Convicted);
	let dropped = disputed(truth, lie, Outcome::Dismissed);
	let lead = |attack: &str, stage: &StageShowings, checked| {
		let verdicts = judge_stage(stage);
		line(attack, Role::Lead, checked, verdicts.lead, verdicts.replica)
	};
	let checker = |attack: &str, stage: &StageShowings| {
		let verdicts = judge_stage(stage);
		let found = verdicts.replica.unwrap_or(Verdict::Indeterminate);
		line(attack, Role::Checker, 1.0, found, Some(verdicts.lead))
	};
	let third = judge_stage(&silent_third);
	let found = third.tiebreak.unwrap_or(Verdict::Indeterminate);
	let unserved = judge_unserved_lead(false, true, false);
	vec![
		line(
			"silence: a lead never commits",
			Role::Lead,
			1.0,
			unserved,
			None,
		),
		lead("silence: a lead opens nothing, unchecked", &unchecked, 1.0),
		withheld(UNOPENED, &checked(SILENT, truth), least),
		withheld(STARVED, &starved, least),
		lead(OTHER_CLASS, &undecided, least),
		checker(
			"silence: a checker never commits, or opens nothing",
			&confirmed,
		),
		lead("silence: a lead abandons its dispute", &abandoned, least),
		checker("silence: a challenger abandons its dispute", &dropped),
		line(
			"silence: a third worker tells nothing",
			Role::Checker,
			1.0,
			found,
			Some(third.lead),
		),
	]
}

/// The verdict is that of lateness; the forfeit comes from the bond.
fn withheld(attack: &str, stage: &StageShowings, least: f64) -> Line {
	let mut tally = Tally::new(Role::Lead);
	tally.withheld(judge_stage(stage).lead);
	tally.line(attack, Kind::Simulation, least)
}

fn line(attack: &str, role: Role, checked: f64, found: Verdict, honest: Option<Verdict>) -> Line {
	let mut tally = Tally::new(role);
	tally.note(found, honest);
	tally.line(attack, Kind::Simulation, checked)
}
