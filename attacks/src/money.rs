//! Verdicts as money, in units of R: what the lead of a stage is paid.
//!
//! Everything is reckoned where it is worst for the chain: the dearest stage that may go unchecked, the
//! least bond, the lowest sampling that is allowed, and a user who is the cheat's friend and hands back its share of a
//! slash. What a conviction costs beside the slash – the rank, later work, the second conviction – is left
//! out.

use crate::{
	court::Ruling,
	report::{Kind, Line},
};
use dllm_primitives::{
	draw::{UNVERIFIED_PART, WHOLE},
	payout::{MINERS_PERCENT, VERIFIERS_PERCENT},
	slash::{self, USER_PERCENT},
	summons::threshold,
	verdict::Verdict,
};
use dllm_runtime::Runtime;
use frame_support::traits::Get;

/// Part of its pay that the computing of a stage costs, and that a cheat saves.
pub const SAVED: f64 = 0.7;
/// Time of a row in a prefill over that of a decoded one, at most as measured: what a checker computes.
pub const PREFILL: f64 = 0.1;

/// How often a stage of an exact model is checked at least, in parts per million.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sampling(pub u32);

impl Sampling {
	/// As the runtime has it.
	pub fn of_runtime() -> Self {
		Self(<Runtime as pallet_verification::Config>::LeastCheck::get())
	}

	/// Probability that one holder at least of those with these bonds is summoned, where `total` is the bonds of all.
	pub fn summons(self, bonds: &[u128], total: u128) -> f64 {
		let lost = bonds.iter().map(|bond| {
			let won = threshold(self.0, *bond, total) as f64 / 2f64.powi(64);
			1.0 - won
		});
		1.0 - lost.product::<f64>()
	}

	/// As a share of one.
	pub fn share(self) -> f64 {
		f64::from(self.0) / f64::from(WHOLE)
	}
}

/// A bond and the pay of a stage, in planck.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stake {
	/// The bond.
	pub bond: u128,
	/// Pay of the stage at the job's ceiling of rows.
	pub pay: u128,
}

/// Part of what is taken from a bond that no friend gets: all but the user's.
const KEPT: f64 = 1.0 - USER_PERCENT as f64 / 100.0;

/// Least bond of a worker in planck, as the runtime has it.
pub fn least_bond() -> u128 {
	<Runtime as pallet_miners::Config>::MinBond::get()
}

impl Stake {
	/// The dearest stage that may go unchecked: here a slash is the smallest multiple of the pay.
	pub fn dearest() -> Self {
		Self::paying(UNVERIFIED_PART)
	}

	/// A stage that pays so small a part of the least bond.
	pub fn paying(part: u128) -> Self {
		let bond = least_bond();
		let pay = bond / part;
		Self { bond, pay }
	}

	/// The first slash.
	pub fn slash(&self) -> f64 {
		slash::first(self.bond, self.pay) as f64 / self.pay as f64
	}

	/// The first slash, less what a friend gets of it: the user.
	pub fn lost(&self) -> f64 {
		self.slash() * KEPT
	}

	/// What a lead loses that is checked and does not open, less the same.
	pub fn withheld(&self) -> f64 {
		slash::withheld(self.bond, self.pay) as f64 / self.pay as f64 * KEPT
	}
}

/// What an attacker does in a stage.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
	/// It leads.
	Lead,
	/// It checks; also as a third worker.
	Checker,
}

impl Role {
	/// What it is paid.
	pub fn pay(self) -> f64 {
		match self {
			Self::Lead => 1.0,
			Self::Checker => VERIFIERS_PERCENT as f64 / MINERS_PERCENT as f64,
		}
	}

	/// What it saves where it computes nothing.
	pub fn saved(self) -> f64 {
		match self {
			Self::Lead => SAVED,
			Self::Checker => SAVED * PREFILL,
		}
	}

	/// What a verdict takes from it.
	pub fn loss(self, verdict: Verdict, stake: &Stake) -> f64 {
		match verdict {
			Verdict::Pass | Verdict::Unchecked => 0.0,
			Verdict::Cheat => self.pay() + stake.lost(),
			Verdict::WorkerFault
			| Verdict::VerifierFault
			| Verdict::Indeterminate
			| Verdict::Pardoned => self.pay(),
		}
	}
}

/// Counts what came of the tries of an attack.
#[derive(Clone, Debug)]
pub struct Tally {
	role: Role,
	stake: Stake,
	tried: u64,
	found: u64,
	loss: f64,
	honest: f64,
}

impl Tally {
	/// Nothing tried.
	pub fn new(role: Role) -> Self {
		Self {
			role,
			stake: Stake::dearest(),
			tried: 0,
			found: 0,
			loss: 0.0,
			honest: 0.0,
		}
	}

	/// A try, with the verdict on the attacker and those on honest workers.
	pub fn note(&mut self, attacker: Verdict, honest: impl IntoIterator<Item = Verdict>) {
		self.tried += 1;
		self.found += u64::from(attacker != Verdict::Pass);
		self.loss += self.role.loss(attacker, &self.stake);
		let slashed = honest.into_iter().filter(|found| *found == Verdict::Cheat);
		self.honest += slashed.count() as f64 * self.stake.slash();
	}

	/// A try of a lead that was checked and did not open.
	pub fn withheld(&mut self, verdict: Verdict) {
		self.note(verdict, None);
		self.loss += self.stake.withheld();
	}

	/// A try of a lead.
	pub fn lead(&mut self, ruling: &Ruling) {
		let honest = [Some(ruling.checker), ruling.third];
		self.note(ruling.lead, honest.into_iter().flatten());
	}

	/// A try of a checker.
	pub fn checker(&mut self, ruling: &Ruling) {
		let honest = [Some(ruling.lead), ruling.third];
		self.note(ruling.checker, honest.into_iter().flatten());
	}

	/// The line of the attack, where so many of its tries are looked at.
	pub fn line(&self, attack: &str, kind: Kind, checked: f64) -> Line {
		let tried = self.tried.max(1) as f64;
		let loss = checked * self.loss / tried;
		Line {
			attack: attack.into(),
			kind,
			tried: self.tried,
			checked,
			detected: self.found as f64 / tried,
			loss,
			honest: self.honest / tried,
			value: self.role.saved() - loss,
			limit: false,
		}
	}
}
