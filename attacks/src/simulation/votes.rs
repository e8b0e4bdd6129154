//! Two workers of a stage that are of one mind, where nothing but votes decides: in a float profile. One of them leads or
//! checks, the other is the third worker, and together they outvote one that is honest.
//!
//! The third worker comes from outside the stage, and is drawn when lead and checker have told what they found. So who
//! lies does not know by then whether it is going to be outvoted itself.

use super::roots;
use crate::{
	court::{decide, Ruling},
	dice::Dice,
	money::{least_bond, Role, Stake, Tally},
	report::{Kind, Line},
	scene::SEGMENT,
	simulation::collusion::SHARES,
};
use anyhow::{ensure, Result};
use dllm_primitives::{
	commitment::Roots,
	draw::{choose, of_checker, of_third},
	ids::Digest,
	judge::{is_contested, Showing, StageShowings},
};

/// When the third worker is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Drawn {
	/// When lead and checker have told what they found, as the chain does.
	Late,
	/// From what stands before the checker commits: only to show what it would be worth to know that.
	Early,
}

/// Both attacks, with friends that have these shares of the bonds and of the outsiders.
pub fn lines(tries: u64, dice: &mut Dice) -> Result<Vec<Line>> {
	let mut lines = Vec::new();
	for share in SHARES {
		lines.push(outvoted(share, Drawn::Late, tries, dice)?);
		lines.push(covered(share, tries, dice)?);
	}
	Ok(lines)
}

/// Friends check an honest lead, and lie. They do so only where the third worker that follows from what they know would
/// be a friend, too; a try is one of these.
pub fn outvoted(
	share: (&str, &[u128], &[u128]),
	drawn: Drawn,
	tries: u64,
	dice: &mut Dice,
) -> Result<Line> {
	let mut tally = Tally::at(Role::Checker, Stake::dearest_float());
	for _ in 0..tries {
		let (seed, known) = (dice.digest(), dice.digest());
		let beacon = match drawn {
			Drawn::Late => dice.digest(),
			Drawn::Early => known,
		};
		let friend = |beacon| is_friend(of_third(seed, beacon, SEGMENT), share);
		if !is_friend(of_checker(seed, SEGMENT), share) || !friend(known) {
			continue;
		}
		let (truth, lie) = told(dice);
		let third = if friend(beacon) { lie } else { truth };
		tally.checker(&judged(truth, lie, third)?);
	}
	let attack = format!(
		"two workers of one mind have an honest lead outvoted, float profile, α = {} of the bonds, and of the outsiders, the user is their friend",
		share.0
	);
	Ok(line(&attack, &tally))
}

/// The lead cheats always: it has committed before anybody is drawn. A friend that checks it lets it pass; an honest one
/// is outvoted where the third worker is a friend.
fn covered(share: (&str, &[u128], &[u128]), tries: u64, dice: &mut Dice) -> Result<Line> {
	let mut tally = Tally::at(Role::Lead, Stake::dearest_float());
	for _ in 0..tries {
		let (seed, beacon) = (dice.digest(), dice.digest());
		let (truth, lie) = told(dice);
		let tells = |seed| match is_friend(seed, share) {
			true => lie,
			false => truth,
		};
		let checker = tells(of_checker(seed, SEGMENT));
		let third = tells(of_third(seed, beacon, SEGMENT));
		tally.lead(&judged(lie, checker, third)?);
	}
	let attack = format!(
		"a lead cheats with a friend among the holders, float profile, α = {} of the bonds, and of the outsiders",
		share.0
	);
	Ok(line(&attack, &tally))
}

/// Whether a draw among holders with these bonds, or among as many outsiders, names a friend. Outsiders are drawn by
/// their number, so each of them is as likely as a bond here.
pub(super) fn is_friend(seed: Digest, (_, friends, others): (&str, &[u128], &[u128])) -> bool {
	let parts = friends.iter().chain(others);
	let bonds = parts.map(|part| part * least_bond()).collect::<Vec<_>>();
	choose(seed, &bonds).is_some_and(|drawn| drawn < friends.len())
}

/// What the stage gives, and what friends have agreed to tell instead.
fn told(dice: &mut Dice) -> (Roots, Roots) {
	let truth = roots(
		Digest::repeat_byte(1),
		Digest::repeat_byte(2),
		dice.digest(),
	);
	let lie = Roots {
		output: dice.digest(),
		..truth
	};
	(truth, lie)
}

/// The judgement of what lead and checker tell, and a third worker where one is needed.
fn judged(lead: Roots, checker: Roots, third: Roots) -> Result<Ruling> {
	let stage = StageShowings {
		lead: Showing::Opened(lead),
		replica: Some(Showing::Opened(checker)),
		tiebreak: None,
		unchecked: false,
		dispute: None,
		comparison: None,
	};
	let outside = is_contested(&stage);
	ensure!(
		outside == (lead != checker),
		"the third worker would be another holder"
	);
	Ok(decide(stage, third))
}

/// Every stage of a float profile is checked. Honest workers lose by it, so verification does not cover it.
fn line(attack: &str, tally: &Tally) -> Line {
	let line = tally.line(attack, Kind::Simulation, 1.0);
	Line {
		limit: true,
		..line
	}
}
