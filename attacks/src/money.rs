//! Verdicts as money, in units of R: what the lead of a stage is paid.
//!
//! Everything is reckoned where it is worst for the chain: the dearest stage that may go unchecked, the
//! least bond, the lowest sampling that is allowed, and a user who is the cheat's friend and hands back its share of a
//! slash, be it the cheat's or that of an honest worker which it had convicted. A conviction is proved unless it is said
//! to rest on votes: of that a user has less to hand back. What a conviction costs beside the slash – the rank, later
//! work, the second conviction – is left out.

use crate::{
	court::{Finding, Ruling},
	report::{Kind, Line},
};
use dllm_primitives::{
	draw::{UNVERIFIED_PART, WHOLE},
	payout::{MINERS_PERCENT, VERIFIERS_PERCENT},
	slash::{self, Conviction, Ground, OUTVOTED_PAY_FACTOR},
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
	/// Whether the model is exact.
	pub exact: bool,
}

/// Least bond of a worker in planck, as the runtime has it.
pub fn least_bond() -> u128 {
	<Runtime as pallet_miners::Config>::MinBond::get()
}

impl Stake {
	/// The dearest stage of an exact model that may go unchecked: here a slash is the smallest multiple of the pay.
	pub fn dearest() -> Self {
		Self::paying(UNVERIFIED_PART)
	}

	/// A stage of a float profile. Every one is checked, so it may be as dear as it likes; this is the dearest for which
	/// a bond still gives all that being outvoted costs: the whole multiple of the pay, and no more.
	pub fn dearest_float() -> Self {
		Self {
			exact: false,
			..Self::paying(OUTVOTED_PAY_FACTOR)
		}
	}

	/// A stage of an exact model that pays so small a part of the least bond.
	pub fn paying(part: u128) -> Self {
		let bond = least_bond();
		Self {
			bond,
			pay: bond / part,
			exact: true,
		}
	}

	/// What a first conviction takes.
	pub fn slash(&self, ground: Ground) -> f64 {
		self.units(self.taken(ground))
	}

	/// The same, less what a friend gets of it: the user.
	pub fn lost(&self, ground: Ground) -> f64 {
		let taken = self.taken(ground);
		let (to_user, _) = self.conviction(ground).shares(taken);
		self.units(taken - to_user)
	}

	/// What of it is not burned: what friends get where the user is one, and so are those who convict.
	pub fn shared(&self, ground: Ground) -> f64 {
		let conviction = self.conviction(ground);
		let (to_user, each) = conviction.shares(self.taken(ground));
		self.units(to_user + each * conviction.convicted_by.len() as u128)
	}

	/// What a lead loses that is checked and does not open, less the user's share.
	pub fn withheld(&self) -> f64 {
		let taken = slash::withheld(self.bond, self.pay);
		self.units(taken - slash::to_user(taken))
	}

	/// In planck.
	fn taken(&self, ground: Ground) -> u128 {
		self.conviction(ground).takes(self.bond, 0)
	}

	/// By two others of the stage, where it takes any.
	fn conviction(&self, ground: Ground) -> Conviction<'static, u8> {
		Conviction {
			pay: self.pay,
			ground,
			exact: self.exact,
			user: &0,
			convicted_by: &[1, 2],
		}
	}

	/// Planck in units of the pay.
	fn units(&self, planck: u128) -> f64 {
		planck as f64 / self.pay as f64
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

	/// What a finding takes from it.
	pub fn loss(self, found: Finding, stake: &Stake) -> f64 {
		match found.verdict {
			Verdict::Pass | Verdict::Unchecked => 0.0,
			Verdict::Cheat => self.pay() + stake.lost(found.ground),
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
	/// Nothing tried, in the dearest stage that may go unchecked.
	pub fn new(role: Role) -> Self {
		Self::at(role, Stake::dearest())
	}

	/// Nothing tried, at that stake.
	pub fn at(role: Role, stake: Stake) -> Self {
		Self {
			role,
			stake,
			tried: 0,
			found: 0,
			loss: 0.0,
			honest: 0.0,
		}
	}

	/// A try, with the verdict on the attacker and those on honest workers, which rest on nobody's votes.
	pub fn note(&mut self, attacker: Verdict, honest: impl IntoIterator<Item = Verdict>) {
		let honest = honest.into_iter().map(Finding::proved);
		self.count(Finding::proved(attacker), honest);
	}

	/// A try of a lead that was checked and did not open.
	pub fn withheld(&mut self, verdict: Verdict) {
		self.note(verdict, None);
		self.loss += self.stake.withheld();
	}

	/// A try of a lead.
	pub fn lead(&mut self, ruling: &Ruling) {
		let others = [Some(ruling.checker), ruling.third];
		self.count(ruling.lead, others.into_iter().flatten());
	}

	/// A try of a checker.
	pub fn checker(&mut self, ruling: &Ruling) {
		let others = [Some(ruling.lead), ruling.third];
		self.count(ruling.checker, others.into_iter().flatten());
	}

	/// Whoever of the others is convicted is honest, and the user and who convicted it are friends of the attacker.
	fn count(&mut self, attacker: Finding, others: impl IntoIterator<Item = Finding>) {
		self.tried += 1;
		self.found += u64::from(attacker.verdict != Verdict::Pass);
		self.loss += self.role.loss(attacker, &self.stake);
		let others = others.into_iter();
		for convicted in others.filter(|found| found.verdict == Verdict::Cheat) {
			self.honest += self.stake.slash(convicted.ground);
			self.loss -= self.stake.shared(convicted.ground);
		}
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
