//! A block author that is also a cheat, or its friend, and withholds blocks so that the trial goes unchecked.
//!
//! The seed mixes the VRF outputs of the blocks after the last commitment. An author knows its own outputs for
//! its slots of the epoch, and may leave a slot empty; nobody knows those of others before their blocks.
//! Slots belong to the attacker with probability α each. With k slots of its own before the next one of
//! somebody else, and b blocks missing, it can choose among all C(k, b) ways to fill these; each is checked with
//! probability p, independent of the others. What it cannot complete alone ends with somebody else's block.

use crate::{
	dice::Dice,
	money::{Role, Sampling, Stake, SAVED},
	report::{Kind, Line},
};
use dllm_primitives::verdict::Verdict;
use dllm_runtime::Runtime;
use frame_support::traits::Get;

/// Slots that are looked ahead: with α = 1/2 one in 2^40 runs goes on beyond.
const HORIZON: usize = 48;
/// Authors' shares of all slots; with a third or more finality is lost anyhow.
pub const SHARES: [(&str, f64); 3] = [("10 %", 0.1), ("20 %", 0.2), ("1/3", 1.0 / 3.0)];

/// Blocks from the last commitment of a lead to the draw, as the runtime has it.
pub fn draw_blocks() -> u32 {
	<Runtime as pallet_verification::Config>::DrawBlocks::get()
}

pub fn lines(least: Sampling, tries: u64, dice: &mut Dice) -> Vec<Line> {
	SHARES.map(|share| biased(share, least, tries, dice)).into()
}

/// Cheats always, and fills slots as it suits it best.
fn biased((share, alpha): (&str, f64), least: Sampling, tries: u64, dice: &mut Dice) -> Line {
	let sum = (0..tries).map(|_| drawn(alpha, least, dice)).sum::<f64>();
	let checked = sum / tries.max(1) as f64;
	let bound = bound(alpha, least);
	let within = match checked >= bound {
		true => "at least",
		false => "NOT at least",
	};
	let bound_percent = 100.0 * bound;
	let loss = checked * Role::Lead.loss(Verdict::Cheat, &Stake::dearest());
	Line {
		attack: format!("block author with {share} of the slots withholds blocks: checked {within} p (1 − α)^{} = {bound_percent:.2} %", draw_blocks()),
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

/// Probability that a trial is checked whose draw begins at a random slot of an author with this share.
pub fn drawn(alpha: f64, least: Sampling, dice: &mut Dice) -> f64 {
	let own = (0..HORIZON).map(|_| dice.happens(alpha));
	least_checked(&own.collect::<Vec<_>>(), draw_blocks(), least.share())
}

/// The stated bound: whoever has none of the next D slots changes nothing, so a trial is checked at least with
/// probability p (1 − α)^D.
fn bound(alpha: f64, least: Sampling) -> f64 {
	least.share() * (1.0 - alpha).powf(draw_blocks().into())
}

/// Probability that a trial is checked, whose draw wants `missing` more blocks, under the best play of an
/// author with these slots.
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
