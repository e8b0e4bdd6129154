//! The circuit breaker: who trips it on purpose, and a release that fails on honest workers.
//!
//! Jobs are counted by the chain's own window and rules; what was taken before the breaker tripped comes back
//! where the chain's own rule says that a pardon is about it.

use crate::{
	dice::Dice,
	money::{Role, Stake, Tally},
	report::{Kind, Line},
};
use anyhow::{ensure, Result};
use dllm_primitives::{
	breaker::{Breaker, Rules, Scope, Taken, Window},
	slash::Ground,
	verdict::Verdict,
};
use dllm_runtime::Runtime;
use pallet_verification::MAX_TAKEN;

/// Workers of the market, each of an operator of its own.
const WORKERS: u64 = 100;
/// Blocks between two verdicts.
const PAUSE: u32 = 2;
/// Jobs that are open when a breaker trips, and held.
const IN_FLIGHT: u64 = 50;

pub fn lines(dice: &mut Dice) -> Result<Vec<Line>> {
	Ok(vec![
		tripped(
			"cheats trip the breaker, and their verdicts are upheld, or nobody decides",
			Verdict::Cheat,
		)?,
		tripped(
			"cheats trip the breaker, and are pardoned by mistake",
			Verdict::Pardoned,
		)?,
		befriended()?,
		alone()?,
		faulty(dice)?,
	])
}

fn rules() -> Rules {
	<Runtime as pallet_verification::Config>::Breaker::get()
}

/// Cheats of as many operators as it takes, and ten more that are held: what is held ends as `ruled`. Those
/// before are slashed, and get that back where the others are pardoned.
fn tripped(attack: &str, ruled: Verdict) -> Result<Line> {
	let (rules, mut window, mut tally) = (rules(), Window::default(), Tally::new(Role::Lead));
	for cheat in 0..rules.operators {
		ensure!(!window.is_correlated(&rules), "it trips too early");
		window.count(&rules, PAUSE * cheat, cheat.into(), 0, &[u64::from(cheat)]);
		tally.note(ruled, None);
	}
	ensure!(window.is_correlated(&rules), "it does not trip");
	(0..10).for_each(|_| tally.note(ruled, None));
	Ok(tally.line(attack, Kind::Simulation, 1.0))
}

/// The same by mistake, where friends had the user's and the convictors' share of the first slashes: they keep it,
/// and the treasury makes it good to the cheats. They let themselves be convicted by disputes: votes would share less.
fn befriended() -> Result<Line> {
	let attack = "cheats trip the breaker, are pardoned by mistake, and friends keep their shares of the first slashes";
	let mut line = tripped(attack, Verdict::Pardoned)?;
	let early = f64::from(rules().operators - 1);
	let gain = early * Stake::dearest().shared(Ground::Proof) / line.tried as f64;
	line.loss -= gain;
	line.value += gain;
	line.limit = true;
	Ok(line)
}

/// One operator, whatever the number of its keys.
fn alone() -> Result<Line> {
	let (rules, mut window, mut tally) = (rules(), Window::default(), Tally::new(Role::Lead));
	for job in 0..1_000 {
		window.count(&rules, job, job.into(), 0, &[7u64]);
		ensure!(!window.is_correlated(&rules), "one operator trips it");
		tally.note(Verdict::Cheat, None);
	}
	let attack = "one operator cheats with many keys to trip the breaker: it never does";
	Ok(tally.line(attack, Kind::Simulation, 1.0))
}

/// A release that fails on every tenth worker: lead and checker of a job are any two, and who runs it is convicted,
/// though it is honest. Governance pardons, and what honest workers lost is what does not come back.
fn faulty(dice: &mut Dice) -> Result<Line> {
	let (rules, mut window) = (rules(), Window::<u64>::default());
	let (mut taken, mut breaker, mut judged, mut convicted) = (Vec::new(), None, 0u64, 0u64);
	let mut left = IN_FLIGHT;
	while left > 0 {
		let lead = dice.below(WORKERS);
		let checker = (lead + 1 + dice.below(WORKERS - 1)) % WORKERS;
		let blamed = [lead, checker];
		let blamed = blamed.into_iter().find(|who| who % 10 == 0);
		let at = PAUSE * judged as u32;
		judged += 1;
		convicted += u64::from(blamed.is_some());
		if breaker.is_some() {
			// It is held, and pardoned.
			left -= 1;
			continue;
		}
		window.count(&rules, at, judged, 0, blamed.as_slice());
		let Some(worker) = blamed else { continue };
		if window.is_correlated(&rules) {
			breaker = Some(Breaker::<u64> {
				scope: Scope::Model(0),
				tripped: at,
				until: at + rules.term,
				models: Default::default(),
				ruling: None,
			});
			continue;
		}
		taken.push(Taken {
			at,
			worker,
			amount: 1,
			ground: Some(Ground::Proof),
			model: 0,
			class: None,
		});
		ensure!(judged < 10_000, "it never trips");
	}
	let breaker = breaker.ok_or_else(|| anyhow::anyhow!("it did not trip"))?;
	let known = taken.iter().rev().take(MAX_TAKEN as usize);
	let restored = known.filter(|one| one.is_of(&breaker, &rules)).count();
	let lost = (taken.len() - restored) as f64 * Stake::dearest().slash(Ground::Proof);
	Ok(Line {
		attack: format!(
			"none: a release fails on every tenth honest worker ({convicted} of {judged} jobs blame one, {} slashed before the breaker trips, all pardoned)",
			taken.len()
		),
		kind: Kind::Simulation,
		tried: judged,
		checked: 1.0,
		detected: 0.0,
		loss: 0.0,
		honest: lost / judged as f64,
		value: 0.0,
		limit: false,
	})
}
