//! Cheats that wait until they are hardly checked, and cheats in many small jobs at once.

use crate::{
	court::Finding,
	dice::Dice,
	money::{Role, Sampling, Stake, SAVED},
	report::{Kind, Line},
};
use dllm_primitives::{
	draw::{check_ppm, room, Trust, UNVERIFIED_PART},
	rank::Quality,
	slash::{Ground, USER_PERCENT},
	summons::MOST_SECRET,
	verdict::Verdict,
};

/// Blocks between two jobs of the worker: five minutes.
const GAP: u32 = 100;
/// Jobs of a career.
const JOBS: u32 = 2_000;

/// Works honestly until it is checked as rarely as anybody can be, and cheats whenever that is so. The first
/// conviction takes the slash and the rank, the second the rest of the bond and the career.
pub fn line(least: Sampling, careers: u64, dice: &mut Dice) -> Line {
	let (mut cheats, mut checked, mut loss) = (0u64, 0u64, 0.0);
	for _ in 0..careers {
		let mut career = Career::new();
		for job in 0..JOBS {
			let now = job * GAP;
			let ppm = check_ppm(&career.trust(now), career.stake.pay, least.0);
			let (cheats_now, is_drawn) = (ppm == least.0, is_checked(ppm, dice));
			cheats += u64::from(cheats_now);
			match (cheats_now, is_drawn) {
				(_, false) => career.unverified += career.stake.pay,
				(false, true) => career.pass(now),
				(true, true) => {
					checked += 1;
					loss += Role::Lead.loss(Finding::proved(Verdict::Cheat), &career.stake);
					career.convict(now);
				}
			}
			if career.convictions == 2 {
				break;
			}
		}
	}
	let tries = cheats.max(1) as f64;
	Line {
		attack: "cheats only while it is checked least".into(),
		kind: Kind::Simulation,
		tried: cheats,
		checked: checked as f64 / tries,
		detected: 1.0,
		loss: loss / tries,
		honest: 0.0,
		value: SAVED - loss / tries,
		limit: false,
	}
}

/// Whether a stage is checked: for sure, or because another holder is summoned.
fn is_checked(ppm: u32, dice: &mut Dice) -> bool {
	ppm > MOST_SECRET || dice.happens(Sampling(ppm).share())
}

/// What the chain knows of a worker.
struct Career {
	stake: Stake,
	quality: Quality,
	passed: u32,
	unverified: u128,
	convictions: u32,
}

impl Career {
	/// Stages that pay so much that their lead may go unchecked once between two checks.
	fn new() -> Self {
		Self {
			stake: Stake::dearest(),
			quality: Quality::new(0),
			passed: 0,
			unverified: 0,
			convictions: 0,
		}
	}

	fn trust(&self, now: u32) -> Trust {
		Trust {
			passed: self.passed,
			rank: self.quality.rank(now),
			room: room(self.stake.bond, self.unverified),
		}
	}

	fn pass(&mut self, now: u32) {
		self.quality.pass(now);
		self.passed += 1;
		self.unverified = 0;
	}

	/// What is left of the bond is taken with the second conviction; at this stake the first takes it all.
	fn convict(&mut self, now: u32) {
		self.quality.convict(now);
		self.convictions += 1;
	}
}

/// Cheats at once in as many jobs as may go unchecked: n jobs that pay one part in [`UNVERIFIED_PART`] of the bond together.
/// The value is exact: convictions are binomial, the first takes a slash, the second all. A line for the n
/// that is best for the cheat, over all up to 10,000.
pub fn capped(least: Sampling) -> Vec<Line> {
	let best = (1..=10_000u32)
		.map(|jobs| at_once(jobs, least.share()))
		.max_by(|one, other| one.value.total_cmp(&other.value));
	best.into_iter().collect()
}

fn at_once(jobs: u32, least: f64) -> Line {
	let stake = Stake::paying(UNVERIFIED_PART * u128::from(jobs));
	let n = f64::from(jobs);
	let none = (1.0 - least).powf(n);
	let one = n * least * (1.0 - least).powf(n - 1.0);
	let bond = stake.bond as f64 / stake.pay as f64 * (1.0 - USER_PERCENT as f64 / 100.0);
	let slashed = one * stake.lost(Ground::Proof) + (1.0 - none - one) * bond;
	// A job that is convicted is not paid.
	let loss = slashed / n + least;
	Line {
		attack: format!(
			"cheats at once in jobs worth bond / {UNVERIFIED_PART} together, best number of jobs ({jobs})"
		),
		kind: Kind::Simulation,
		tried: jobs.into(),
		checked: least,
		detected: 1.0,
		loss,
		honest: 0.0,
		value: SAVED - loss,
		limit: false,
	}
}
