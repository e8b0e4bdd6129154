//! Checkers that do not check.

use super::roots;
use crate::{
	court::{decide, due},
	dice::Dice,
	money::{least_bond, Role, Stake, Tally},
	report::{Kind, Line},
	scene::SEGMENT,
};
use dllm_primitives::{
	dispute::{Outcome, Standing},
	draw::{choose, independent, of_checker},
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
		informed(tries, dice),
	]
}

/// It knows what the stage sent from its operator's worker, who leads the next stage, and would tell that without
/// executing anything. It is never drawn while another operator holds the stage.
fn informed(tries: u64, dice: &mut Dice) -> Line {
	const OPERATOR: u64 = 1;
	let holders = [OPERATOR, 2].map(|operator| (operator, least_bond()));
	let drawn = (0..tries).filter(|_| {
		let stakes = independent(&holders, &[0, OPERATOR]);
		choose(of_checker(dice.digest(), SEGMENT), &stakes) == Some(0)
	});
	let share = drawn.count() as f64 / tries.max(1) as f64;
	Line {
		attack:
			"verifier knows the rows from its operator's lead of the next stage: it is not drawn"
				.into(),
		kind: Kind::Simulation,
		tried: tries,
		checked: 1.0,
		detected: 1.0 - share,
		loss: Role::Checker.saved() * (1.0 - share),
		honest: 0.0,
		value: Role::Checker.saved() * share,
		limit: false,
	}
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
				contradicted: false,
			},
			Exhibit {
				worker: &1,
				commitment,
				roots: None,
				contradicted: false,
			},
		];
		let shown = |at: usize| showing(&exhibits[at], &exhibits, due(WEIGHTS, false));
		let stage = StageShowings {
			lead: shown(0),
			replica: Some(shown(1)),
			unchecked: false,
			tiebreak: None,
			dispute: None,
			comparison: None,
		};
		let ruling = decide(stage, due(WEIGHTS, false).compared(told));
		tally.checker(&ruling);
	}
	tally.line(
		"verifier copies the lead's commitment",
		Kind::Simulation,
		1.0,
	)
}

/// It knows the rows received from the commitment of the stage before, and guesses those sent. Where a
/// dispute is possible it has no trace to argue with, so it is silent. Else lead and third worker outvote it.
fn tells_anything(attack: &str, exact: bool, tries: u64, dice: &mut Dice) -> Line {
	let stake = match exact {
		true => Stake::dearest(),
		false => Stake::dearest_float(),
	};
	let mut tally = Tally::at(Role::Checker, stake);
	for _ in 0..tries {
		let truth = roots(Digest::repeat_byte(1), WEIGHTS, dice.digest());
		let guess = roots(truth.class, WEIGHTS, dice.digest());
		let mut stage = StageShowings {
			lead: Showing::Opened(truth),
			replica: Some(Showing::Opened(guess)),
			unchecked: false,
			tiebreak: None,
			dispute: None,
			comparison: None,
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
			comparison: None,
		};
		let ruling = decide(stage, truth);
		tally.checker(&ruling);
	}
	tally.line("verifier always accuses", Kind::Simulation, 1.0)
}
