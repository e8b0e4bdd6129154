//! What verification does not cover. Nothing on chain finds these, so they may pay; they are here so that the
//! table says how much, and how often they are possible.

use crate::{
	dice::Dice,
	money::{Role, Sampling, Stake, SAVED},
	report::{Kind, Line},
	simulation::author::{drawn, SHARES},
};
use dllm_primitives::verdict::Verdict;

pub fn lines(least: Sampling, tries: u64, dice: &mut Dice) -> Vec<Line> {
	let mut lines = vec![friends(least), informed()];
	let moments = SHARES.map(|share| chosen_moment(share, least, tries, dice));
	lines.extend(moments.into_iter().flatten());
	lines
}

/// Every other holder of the stage is a friend: whoever is drawn lets it pass.
fn friends(least: Sampling) -> Line {
	Line {
		attack: "all holders of a stage are of one mind, under operators that only their declarations tell apart".into(),
		kind: Kind::Simulation,
		tried: 1,
		checked: least.share(),
		detected: 0.0,
		loss: 0.0,
		honest: 0.0,
		value: SAVED,
		limit: true,
	}
}

/// It is told what the stage sent by who received it: a friend, or its own operator where no other holds the stage.
fn informed() -> Line {
	Line {
		attack: "verifier is told the rows of the stage by who received them, and executes nothing"
			.into(),
		kind: Kind::Simulation,
		tried: 1,
		checked: 1.0,
		detected: 0.0,
		loss: 0.0,
		honest: 0.0,
		value: Role::Checker.saved(),
		limit: true,
	}
}

/// A lead that is also an author knows its slots of the epoch, and when it commits. It cheats only where those
/// that follow let it choose the draw so well that this pays at the dearest stage: the last of them, say.
fn chosen_moment(
	(share, alpha): (&str, f64),
	least: Sampling,
	tries: u64,
	dice: &mut Dice,
) -> Option<Line> {
	let convicted = Role::Lead.loss(Verdict::Cheat, &Stake::dearest());
	let moments = (0..tries).map(|_| drawn(alpha, least, dice));
	let good = moments.filter(|checked| checked * convicted < SAVED);
	let good = good.collect::<Vec<_>>();
	if good.is_empty() {
		return None;
	}
	let often = 100.0 * good.len() as f64 / tries.max(1) as f64;
	let checked = good.iter().sum::<f64>() / good.len().max(1) as f64;
	Some(Line {
		attack: format!("a lead with {share} of the slots cheats only just before slots of its own that let it choose the draw ({often:.0} % of all moments)"),
		kind: Kind::Simulation,
		tried: good.len() as u64,
		checked,
		detected: 1.0,
		loss: checked * convicted,
		honest: 0.0,
		value: SAVED - checked * convicted,
		limit: true,
	})
}
