//! A block author that is also a cheat, or its friend, and withholds blocks so that the draw suits it.
//!
//! The seed mixes the VRF outputs of the blocks after the last commitment. An author knows its own outputs for
//! its slots of the epoch, and may leave a slot empty; nobody knows those of others before their blocks.
//! Slots belong to the attacker with probability α each. With k slots of its own before the next one of
//! somebody else, and b blocks missing, it can choose among all C(k, b) ways to fill these, each of them another
//! seed. What it cannot complete alone ends with somebody else's block.
//!
//! Over each seed every holder has another lot. Those of honest holders the author cannot compute, so all seeds are the
//! same to it, and it is checked as often as if it had not chosen. A friend among the holders knows its own lots: a
//! seed over which one wins has it show that first, and check its friend.

use crate::{
	court::Finding,
	dice::Dice,
	money::{Role, Sampling, Stake, SAVED},
	report::{Kind, Line},
	simulation::collusion::{summoned, SHARES as FRIENDS},
};
use dllm_primitives::verdict::Verdict;
use dllm_runtime::Runtime;
use frame_support::traits::Get;

/// Slots that are looked ahead: with α = 1/2 one in 2^40 runs goes on beyond.
const HORIZON: usize = 48;
/// Authors' shares of all slots; with a third or more finality is lost anyhow.
pub const SHARES: [(&str, f64); 3] = [("10 %", 0.1), ("20 %", 0.2), ("1/3", 1.0 / 3.0)];

/// Friends with half of the bonds of the other holders.
const HALF: (&str, &[u128], &[u128]) = FRIENDS[1];

/// Blocks from the last commitment of a lead to the draw, as the runtime has it.
pub fn draw_blocks() -> u32 {
	<Runtime as pallet_verification::Config>::DrawBlocks::get()
}

pub fn lines(least: Sampling, tries: u64, dice: &mut Dice) -> Vec<Line> {
	let mut lines = Vec::new();
	for share in SHARES {
		lines.push(alone(share, least, tries, dice));
		lines.push(with_friends(share, least, tries, dice));
	}
	lines
}

/// Cheats always, and chooses the seed, and the moment to commit, as it likes: whatever it does, it knows no lot.
fn alone((share, _): (&str, f64), least: Sampling, tries: u64, dice: &mut Dice) -> Line {
	let found = (0..tries).filter(|_| dice.happens(least.share())).count();
	let attack = format!("a lead with {share} of the slots withholds blocks, or cheats only just before slots of its own: it knows no lot of others");
	line(attack, tries, found as f64 / tries.max(1) as f64)
}

/// The same at every moment, with friends that have half of the bonds of the other holders, and seeds chosen so that
/// their lots win.
fn with_friends((share, alpha): (&str, f64), least: Sampling, tries: u64, dice: &mut Dice) -> Line {
	let sum = (0..tries).map(|_| found(alpha, least, dice)).sum::<f64>();
	let attack = format!("a lead with {share} of the slots withholds blocks until a lot of friends wins, α = 1/2 of the bonds");
	line(attack, tries, sum / tries.max(1) as f64)
}

fn line(attack: String, tries: u64, checked: f64) -> Line {
	let loss = checked * Role::Lead.loss(Finding::proved(Verdict::Cheat), &Stake::dearest());
	Line {
		attack,
		kind: Kind::Simulation,
		tried: tries,
		checked,
		detected: 1.0,
		loss,
		honest: 0.0,
		// The rewards of the blocks that it withholds are left out: they are not in units of R.
		value: SAVED - loss,
		limit: false,
	}
}

/// Probability that an honest holder checks a cheat whose friends have half of the bonds, at a random slot of an author
/// with this share.
pub fn found(alpha: f64, least: Sampling, dice: &mut Dice) -> f64 {
	let (friend, honest) = summoned(HALF, least);
	let own = (0..HORIZON).map(|_| dice.happens(alpha));
	let own = own.collect::<Vec<_>>();
	honest * least_checked(&own, draw_blocks(), 1.0 - friend)
}

/// Probability that no seed suits an author with these slots under its best play, where the draw wants `missing` more
/// blocks and a seed does not suit it with probability `p`.
pub fn least_checked(own: &[bool], missing: u32, p: f64) -> f64 {
	if missing == 0 || own.is_empty() {
		return p;
	}
	let run = own.iter().take_while(|own| **own).count() as u32;
	let rest = &own[(run as usize + 1).min(own.len())..];
	// Fills some of the missing blocks itself, the next one is somebody else's.
	let shared =
		(0..missing.min(run + 1)).map(|filled| least_checked(rest, missing - filled - 1, p));
	let shared = shared.fold(p, f64::min);
	// Or all of them: then it knows each way's outcome.
	let alone = p.powf(ways(run, missing));
	shared * alone.min(1.0)
}

/// Ways to choose `few` of `many`; 0 where there are not so many.
fn ways(many: u32, few: u32) -> f64 {
	if few > many {
		return 0.0;
	}
	(0..few).fold(1.0, |ways, at| {
		ways * f64::from(many - at) / f64::from(at + 1)
	})
}
