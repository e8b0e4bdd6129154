//! What verification does not cover. Nothing on chain finds these, so they may pay; they are here so that the
//! table says how much, and how often they are possible.

use crate::{
	court::Finding,
	dice::Dice,
	money::{Role, Sampling, Stake, SAVED},
	report::{Kind, Line},
	simulation::author::{found, SHARES},
};
use dllm_primitives::{draw::UNVERIFIED_PART, verdict::Verdict};
use dllm_runtime::Runtime;
use frame_support::traits::Get;

pub fn lines(least: Sampling, tries: u64, dice: &mut Dice) -> Vec<Line> {
	let mut lines = vec![friends(least), informed()];
	lines.extend([second_friend(), offline()]);
	let moments = SHARES.map(|share| chosen_moment(share, least, tries, dice));
	lines.extend(moments.into_iter().flatten());
	lines.extend(SHARES.map(censored));
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

/// Beside the lead a friend and one honest worker hold the stage: the honest one gets no rows, and after it nobody but the
/// friend is left to be drawn, as all other operators have a part in the job, or no room for the stage.
fn second_friend() -> Line {
	uncovered(
		"a lead starves the only honest holder beside a friend, and no outsider has room for the stage"
			.into(),
		1,
	)
}

/// Its bond answers for what it is paid until the chain notes that a holder missed a deadline, or that its reports of
/// links have stopped.
fn offline() -> Line {
	let blocks: u32 = <Runtime as pallet_miners::Config>::LinkReportLifetime::get();
	uncovered(
		format!("a lead sees that all other holders are offline before the chain does: for {blocks} blocks, in stages that pay bond / {UNVERIFIED_PART} together, at most"),
		1,
	)
}

/// It makes every block in which a lot could be shown, and leaves all of them out.
fn censored((share, alpha): (&str, f64)) -> Line {
	let blocks: u32 = <Runtime as pallet_verification::Config>::SummonBlocks::get();
	let often = 100.0 * alpha.powf(blocks.into());
	uncovered(
		format!("a lead with {share} of the slots cheats only where it makes all {blocks} blocks in which lots are shown ({often:.4} % of all moments)"),
		1,
	)
}

fn uncovered(attack: String, tried: u64) -> Line {
	Line {
		attack,
		kind: Kind::Simulation,
		tried,
		checked: 0.0,
		detected: 0.0,
		loss: 0.0,
		honest: 0.0,
		value: SAVED,
		limit: true,
	}
}

/// A lead that is also an author, and has friends with half of the bonds of the other holders, knows its slots of the
/// epoch, and when it commits. It cheats only where those that follow let it choose among so many seeds that a friend's
/// lot wins over one of them, so surely that this pays at the dearest stage.
fn chosen_moment(
	(share, alpha): (&str, f64),
	least: Sampling,
	tries: u64,
	dice: &mut Dice,
) -> Option<Line> {
	let convicted = Role::Lead.loss(Finding::proved(Verdict::Cheat), &Stake::dearest());
	let moments = (0..tries).map(|_| found(alpha, least, dice));
	let good = moments.filter(|checked| checked * convicted < SAVED);
	let good = good.collect::<Vec<_>>();
	if good.is_empty() {
		return None;
	}
	let often = 100.0 * good.len() as f64 / tries.max(1) as f64;
	let checked = good.iter().sum::<f64>() / good.len().max(1) as f64;
	Some(Line {
		attack: format!("a lead with {share} of the slots, and friends with half of the bonds, cheats only just before slots of its own that let it choose a draw in which a friend is summoned ({often:.2} % of all moments)"),
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
