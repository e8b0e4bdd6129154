//! A lead whose checkers are partly its friends. The draw is by bond among the other holders of the stage.

use crate::{
	dice::Dice,
	money::{least_bond, Role, Sampling, Stake, SAVED},
	report::{Kind, Line},
	scene::SEGMENT,
};
use anyhow::{Context, Result};
use dllm_primitives::{
	draw::{choose, is_checked, of_checker},
	verdict::Verdict,
};

/// Friends' part of the bonds of the other holders, as bonds of friends and of others.
const SHARES: [(&str, &[u128], &[u128]); 2] = [("1/3", &[1], &[1, 1]), ("1/2", &[1], &[1])];
/// What a lead pays a friend that lets it pass, in units of its own pay.
const BRIBES: [f64; 2] = [0.0, 1.0];

pub fn lines(least: Sampling, tries: u64, dice: &mut Dice) -> Result<Vec<Line>> {
	let mut lines = Vec::new();
	for (share, friends, others) in SHARES {
		for bribe in BRIBES {
			lines.push(collude(
				(share, friends, others),
				bribe,
				least,
				tries,
				dice,
			)?);
		}
	}
	Ok(lines)
}

/// The lead cheats in every job, at the lowest sampling. A friend passes what it does and takes the bribe; an
/// honest checker convicts it.
fn collude(
	(share, friends, others): (&str, &[u128], &[u128]),
	bribe: f64,
	least: Sampling,
	tries: u64,
	dice: &mut Dice,
) -> Result<Line> {
	let stakes = friends.iter().chain(others).map(|part| part * least_bond());
	let stakes = stakes.collect::<Vec<_>>();
	let stake = Stake::dearest();
	let (mut checked, mut found, mut loss) = (0u64, 0u64, 0.0);
	for _ in 0..tries {
		let seed = dice.digest();
		if !is_checked(seed, least.0) {
			continue;
		}
		checked += 1;
		let drawn = choose(of_checker(seed, SEGMENT), &stakes).context("somebody to draw")?;
		if drawn < friends.len() {
			loss += bribe;
		} else {
			found += 1;
			loss += Role::Lead.loss(Verdict::Cheat, &stake);
		}
	}
	let loss = loss / tries as f64;
	let bribed = match bribe > 0.0 {
		true => format!(", bribe {bribe} R"),
		false => String::new(),
	};
	Ok(Line {
		attack: format!("lead and checkers collude, α = {share} of the bonds{bribed}"),
		kind: Kind::Simulation,
		tried: tries,
		checked: least.share(),
		detected: found as f64 / checked.max(1) as f64,
		loss,
		honest: 0.0,
		value: SAVED - loss,
		limit: false,
	})
}
