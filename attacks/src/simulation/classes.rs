//! Attacks between numerics classes, in a float profile: rows of a lead and a checker of another class are compared by
//! tolerance, and who is not within it is convicted by nobody. It is not paid, and that has to be enough.
//!
//! The rows are made up: those of honest workers differ by as much as was measured, and those of a cheat by as much as
//! the nearest cheat's.

use super::{roots, votes::is_friend, Tries};
use crate::{
	court::{decide, Ruling},
	dice::Dice,
	money::{Role, Stake, Tally, SAVED},
	report::{Kind, Line},
	scene::SEGMENT,
	simulation::collusion::SHARES,
};
use anyhow::{ensure, Result};
use dllm_primitives::{
	commitment::Roots,
	compare::{is_wide, likeness, row_bytes, Comparing, Likeness, Tolerance, MAX_ROWS},
	draw::{of_checker, of_rows, of_third},
	ids::Digest,
	judge::{is_comparable, is_contested, Showing, StageShowings},
	model::Profile,
	verdict::Verdict,
};

/// Values of a row.
const WIDTH: u32 = 256;
/// Rows of a stage.
const ROWS: u32 = 40;
/// The shards of the catalogue.
const WEIGHTS: Digest = Digest::repeat_byte(2);
/// The class of a lead, and that of its checker.
const CLASSES: [u8; 2] = [1, 4];
/// One that no honest worker has.
const OWN_CLASS: u8 = 5;
/// How far a row is from the exact one by the rounding of a class, as a part of its length. Two of these are 1.4e-6
/// apart; 1.8e-6 is the most that was measured in profile f32 (docs/exactness.md).
const ROUNDING: f64 = 1e-6;
/// How far it is where weights in half precision are sold as whole ones, the nearest cheat of that profile. It is assumed:
/// the rounding of weights to half precision in a model of eight layers.
const HALVED: f64 = 5.8e-4;
/// What two classes may differ by: 2e-5 of a row's length in the median, 5e-5 at most.
const TOLERANCE: Tolerance = Tolerance {
	median: 20_000,
	max: 50_000,
	version: 1,
	calibration: Digest::repeat_byte(9),
};

/// What a worker sent of a stage.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Sent {
	/// Every row so far from the exact one, as a part of its length.
	Near(f64),
	/// Honest rows, but for that of one position.
	But(u32),
	/// Rows that it made up.
	Anything,
}

impl Sent {
	/// What an honest worker sent.
	pub const HONEST: Self = Self::Near(ROUNDING);

	/// The bytes of a row.
	fn row(self, position: u32, exact: &[f64], dice: &mut Dice) -> Vec<u8> {
		match self {
			Self::Near(distance) => near(exact, distance, dice),
			Self::But(made_up) if made_up != position => near(exact, ROUNDING, dice),
			Self::But(_) | Self::Anything => near(&row(dice), 0.0, dice),
		}
	}
}

/// All of them, with friends that have these shares of the bonds.
pub fn lines(tries: Tries, dice: &mut Dice) -> Result<Vec<Line>> {
	let compared = tries.comparisons;
	let mut lines = vec![
		coarse(compared, dice)?,
		one_row(compared, dice)?,
		guesses(compared, dice)?,
	];
	for share in SHARES {
		for outsiders in [false, true] {
			lines.push(own_class(share, outsiders, tries.trials, dice)?);
		}
	}
	Ok(lines)
}

/// How rows of a lead and a checker of two classes compare that have a tolerance, as the chain says.
pub fn compared(lead: Sent, checker: Sent, dice: &mut Dice) -> Likeness {
	let comparing = Comparing {
		seed: of_rows(dice.digest(), dice.digest(), SEGMENT),
		rows: ROWS,
		row_bytes: row_bytes(Profile::F32, WIDTH),
		tolerance: TOLERANCE,
	};
	let (mut sent, mut expected) = (Vec::new(), Vec::new());
	for position in comparing.positions() {
		let exact = row(dice);
		sent.push(lead.row(position, &exact, dice));
		expected.push(checker.row(position, &exact, dice));
	}
	let wide = is_wide(Profile::F32);
	likeness(&sent, &expected, wide, &comparing.tolerance)
}

/// The lead computes with cheaper weights, which never passes for rounding.
fn coarse(tries: u64, dice: &mut Dice) -> Result<Line> {
	let mut tally = Tally::at(Role::Lead, Stake::dearest_float());
	for _ in 0..tries {
		let (found, ruling) = tried(Sent::Near(HALVED), Sent::HONEST, dice)?;
		ensure!(found == Likeness::Unlike, "f16 passes for f32: {found:?}");
		tally.lead(&ruling);
	}
	let attack = "a lead sells f16 as f32 to a checker of another float class";
	Ok(tally.line(attack, Kind::Simulation, 1.0))
}

/// The lead makes up a row: it saves as large a part of the work, and is not paid where that row is shown.
fn one_row(tries: u64, dice: &mut Dice) -> Result<Line> {
	let mut tally = Tally::at(Role::Lead, Stake::dearest_float());
	for _ in 0..tries {
		let made_up = dice.below(ROWS.into()) as u32;
		let (_, ruling) = tried(Sent::But(made_up), Sent::HONEST, dice)?;
		tally.lead(&ruling);
	}
	let attack = format!("a lead makes up one of {ROWS} rows, and its checker is of another float class, so that {MAX_ROWS} are compared");
	let line = tally.line(&attack, Kind::Simulation, 1.0);
	Ok(Line {
		value: SAVED / f64::from(ROWS) - line.loss,
		..line
	})
}

/// The checker knows the rows received, and makes up those sent. It costs the lead its pay where the third worker is not
/// of the lead's class.
fn guesses(tries: u64, dice: &mut Dice) -> Result<Line> {
	let mut tally = Tally::at(Role::Checker, Stake::dearest_float());
	let mut unpaid = 0;
	for _ in 0..tries {
		let (found, ruling) = tried(Sent::HONEST, Sent::Anything, dice)?;
		ensure!(found == Likeness::Unlike, "a guess passes: {found:?}");
		unpaid += u64::from(ruling.lead.verdict != Verdict::Pass);
		tally.checker(&ruling);
	}
	let share = 100 * unpaid / tries.max(1);
	let attack = format!("a checker of another float class tells rows that it did not compute ({share} % of the honest leads go unpaid)");
	Ok(tally.line(&attack, Kind::Simulation, 1.0))
}

/// A lead and its friend among the holders, of one class by their word, tell the same made-up rows. No class can be
/// compared with that one, and nobody else has it, so no vote convicts the lead; rows that were compared and unlike would
/// come to the same. The third worker comes from outside the stage, and tells the truth unless friends are among these
/// `outsiders`, too.
fn own_class(
	share: (&str, &[u128], &[u128]),
	outsiders: bool,
	tries: u64,
	dice: &mut Dice,
) -> Result<Line> {
	let mut tally = Tally::at(Role::Lead, Stake::dearest_float());
	for _ in 0..tries {
		let (seed, beacon) = (dice.digest(), dice.digest());
		let (truth, lie) = (told(CLASSES[1], dice), told(OWN_CLASS, dice));
		let tells = |friend| match friend {
			true => lie,
			false => truth,
		};
		let checker = tells(is_friend(of_checker(seed, SEGMENT), share));
		let third = tells(outsiders && is_friend(of_third(seed, beacon, SEGMENT), share));
		tally.lead(&decide(shown(lie, checker)?, third));
	}
	let outside = match outsiders {
		true => ", and of the outsiders",
		false => "",
	};
	let attack = format!(
		"a lead cheats with a friend among the holders, and both name a class of their own, float profile, α = {} of the bonds{outside}",
		share.0
	);
	let line = tally.line(&attack, Kind::Simulation, 1.0);
	Ok(Line {
		limit: true,
		..line
	})
}

/// The comparison of a stage whose lead and checker are of two classes, and its judgement; a third worker is honest, and
/// of either class.
fn tried(lead: Sent, checker: Sent, dice: &mut Dice) -> Result<(Likeness, Ruling)> {
	let found = compared(lead, checker, dice);
	let honest = CLASSES.map(|class| told(class, dice));
	let third = honest[dice.place(honest.len())];
	let mut tells = |sent: Sent, honest: Roots| match sent == Sent::HONEST {
		true => honest,
		false => Roots {
			output: dice.digest(),
			..honest
		},
	};
	let mut stage = shown(tells(lead, honest[0]), tells(checker, honest[1]))?;
	ensure!(is_comparable(&stage), "no rows would be compared");
	stage.comparison = Some(found);
	Ok((found, decide(stage, third)))
}

/// What lead and checker show. Where they do not agree, a third worker comes from outside the stage.
fn shown(lead: Roots, checker: Roots) -> Result<StageShowings> {
	let stage = StageShowings {
		lead: Showing::Opened(lead),
		replica: Some(Showing::Opened(checker)),
		tiebreak: None,
		unchecked: false,
		dispute: None,
		comparison: None,
	};
	ensure!(
		is_contested(&stage) == (lead.output != checker.output),
		"the third worker would be another holder"
	);
	Ok(stage)
}

/// What a worker of a class tells whose rows nobody else has.
fn told(class: u8, dice: &mut Dice) -> Roots {
	Roots {
		rows: ROWS,
		..roots(Digest::repeat_byte(class), WEIGHTS, dice.digest())
	}
}

/// A row that nobody has seen.
fn row(dice: &mut Dice) -> Vec<f64> {
	(0..WIDTH).map(|_| value(dice)).collect()
}

/// A number between -1 and 1.
fn value(dice: &mut Dice) -> f64 {
	dice.any() as i64 as f64 / 2f64.powi(63)
}

/// A row so far from another one, as a part of its length, in the bytes in which it is sent.
fn near(exact: &[f64], distance: f64, dice: &mut Dice) -> Vec<u8> {
	let noise = row(dice);
	let scale = distance * length(exact) / length(&noise);
	let values = exact.iter().zip(&noise);
	let values = values.map(|(value, noise)| (value + scale * noise) as f32);
	values.flat_map(f32::to_le_bytes).collect()
}

fn length(row: &[f64]) -> f64 {
	row.iter().map(|value| value * value).sum::<f64>().sqrt()
}
