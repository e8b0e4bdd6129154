//! A lead some of whose fellow holders are its friends. A friend whose lot wins shows it before anybody else can, lets the
//! lead pass, and takes a bribe; or all of them keep their lots to themselves.

use crate::{
	court::Finding,
	dice::Dice,
	money::{least_bond, Role, Sampling, Stake, SAVED},
	report::{Kind, Line},
};
use dllm_primitives::verdict::Verdict;

/// Friends' part of the bonds of the other holders, as bonds of friends and of others.
pub const SHARES: [(&str, &[u128], &[u128]); 2] = [("1/3", &[1], &[1, 1]), ("1/2", &[1], &[1])];
/// What a lead pays a friend that lets it pass, in units of its own pay.
const BRIBES: [f64; 2] = [0.0, 1.0];

pub fn lines(least: Sampling, tries: u64, dice: &mut Dice) -> Vec<Line> {
	let mut lines = Vec::new();
	for share in SHARES {
		lines.push(silent(share, least, tries, dice));
		for bribe in BRIBES {
			lines.push(first(share, bribe, least, tries, dice));
		}
	}
	lines
}

/// Probabilities that a friend is summoned, and that an honest holder is.
pub fn summoned((_, friends, others): (&str, &[u128], &[u128]), least: Sampling) -> (f64, f64) {
	let bonds = |parts: &[u128]| {
		parts
			.iter()
			.map(|part| part * least_bond())
			.collect::<Vec<_>>()
	};
	let (friends, others) = (bonds(friends), bonds(others));
	let total = friends.iter().chain(&others).sum();
	(
		least.summons(&friends, total),
		least.summons(&others, total),
	)
}

/// No friend draws a lot: only the others do.
fn silent(share: (&str, &[u128], &[u128]), least: Sampling, tries: u64, dice: &mut Dice) -> Line {
	let (_, honest) = summoned(share, least);
	let found = (0..tries).filter(|_| dice.happens(honest)).count();
	let attack = format!(
		"lead and holders collude, α = {} of the bonds: friends draw no lots",
		share.0
	);
	line(attack, tries, (found, found), 0.0)
}

/// The lead cheats in every job, at the lowest sampling.
fn first(
	share: (&str, &[u128], &[u128]),
	bribe: f64,
	least: Sampling,
	tries: u64,
	dice: &mut Dice,
) -> Line {
	let (friend, honest) = summoned(share, least);
	let (mut checked, mut found) = (0, 0);
	for _ in 0..tries {
		let (by_friend, by_other) = (dice.happens(friend), dice.happens(honest));
		checked += usize::from(by_friend || by_other);
		found += usize::from(by_other && !by_friend);
	}
	let bribed = match bribe > 0.0 {
		true => format!(", bribe {bribe} R"),
		false => String::new(),
	};
	let attack = format!(
		"lead and holders collude, α = {} of the bonds: friends show their lots first{bribed}",
		share.0
	);
	let bribes = (checked - found) as f64 * bribe / tries.max(1) as f64;
	line(attack, tries, (checked, found), bribes)
}

fn line(attack: String, tries: u64, (checked, found): (usize, usize), bribes: f64) -> Line {
	let tried = tries.max(1) as f64;
	let convicted = found as f64 / tried;
	let loss =
		bribes + convicted * Role::Lead.loss(Finding::proved(Verdict::Cheat), &Stake::dearest());
	Line {
		attack,
		kind: Kind::Simulation,
		tried: tries,
		checked: checked as f64 / tried,
		detected: found as f64 / checked.max(1) as f64,
		loss,
		honest: 0.0,
		value: SAVED - loss,
		limit: false,
	}
}
