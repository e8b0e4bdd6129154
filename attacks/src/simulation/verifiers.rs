//! Checkers that do not check.

use super::roots;
use crate::{
	court::decide,
	dice::Dice,
	money::{Role, Tally},
	report::{Kind, Line},
};
use dllm_primitives::{
	dispute::{Outcome, Standing},
	ids::Digest,
	judge::{is_disputable, showing, Exhibit, Showing, StageShowings},
};

/// The shards of the catalogue.
const WEIGHTS: Digest = Digest::repeat_byte(2);

pub fn lines(tries: u64, dice: &mut Dice) -> Vec<Line> {
	vec![
		copies(tries, dice),
		tells_anything(
			"verifier always passes: tells rows that it did not compute, exact",
			true,
			tries,
			dice,
		),
		tells_anything("verifier always passes, float profile", false, tries, dice),
		accuses(tries, dice),
	]
}

/// It posts the lead's commitment: the only thing that it can see of the lead's work before it must commit.
fn copies(tries: u64, dice: &mut Dice) -> Line {
	let mut tally = Tally::new(Role::Checker);
	for _ in 0..tries {
		let told = roots(Digest::repeat_byte(1), WEIGHTS, dice.digest());
		let commitment = Some(dice.digest());
		let exhibits = [
			Exhibit {
				worker: &0,
				commitment,
				roots: Some(told),
			},
			Exhibit {
				worker: &1,
				commitment,
				roots: None,
			},
		];
		let shown = |at: usize| showing(&exhibits[at], &exhibits, WEIGHTS, false);
		let stage = StageShowings {
			lead: shown(0),
			replica: Some(shown(1)),
			unchecked: false,
			tiebreak: None,
			dispute: None,
		};
		let ruling = decide(stage, told);
		tally.checker(&ruling);
	}
	tally.line(
		"verifier copies the lead's commitment",
		Kind::Simulation,
		1.0,
	)
}

/// It knows the rows received from the commitment of the stage before, and guesses those sent. Where a
/// dispute is possible it has no trace to argue with, so it is silent.
fn tells_anything(attack: &str, exact: bool, tries: u64, dice: &mut Dice) -> Line {
	let mut tally = Tally::new(Role::Checker);
	for _ in 0..tries {
		let truth = roots(Digest::repeat_byte(1), WEIGHTS, dice.digest());
		let guess = roots(truth.class, WEIGHTS, dice.digest());
		let mut stage = StageShowings {
			lead: Showing::Opened(truth),
			replica: Some(Showing::Opened(guess)),
			unchecked: false,
			tiebreak: None,
			dispute: None,
		};
		if exact && is_disputable(&stage) {
			stage.dispute = Some(Standing::Over(Outcome::Dismissed));
		}
		let ruling = decide(stage, truth);
		tally.checker(&ruling);
	}
	tally.line(attack, Kind::Simulation, 1.0)
}

/// It tells other rows than the lead whatever it computed, so that the lead is tried. Its claims fail: the
/// engine attacks show that no claim against honest work stands.
fn accuses(tries: u64, dice: &mut Dice) -> Line {
	let mut tally = Tally::new(Role::Checker);
	for _ in 0..tries {
		let truth = roots(Digest::repeat_byte(1), WEIGHTS, dice.digest());
		let stage = StageShowings {
			lead: Showing::Opened(truth),
			replica: Some(Showing::Opened(roots(truth.class, WEIGHTS, dice.digest()))),
			unchecked: false,
			tiebreak: None,
			dispute: Some(Standing::Over(Outcome::Dismissed)),
		};
		let ruling = decide(stage, truth);
		tally.checker(&ruling);
	}
	tally.line("verifier always accuses", Kind::Simulation, 1.0)
}
