//! What a conviction takes from a bond, and who gets it. Integers only; rounding is burned.
//!
//! The factor is so large because a stage may be checked as rarely as once in ten times, and a bond may answer
//! for several stages at once. At least half of a slash is burned, so nobody gains by convicting himself.
//!
//! Two workers can outvote a third that is honest. So of what rests on their votes alone they get nothing, and the user,
//! who may be their friend, no more than what the stage would have cost; and where every stage is checked anyhow, in
//! float profiles, less is taken.

use crate::payout::percent;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// The first slash takes this many times the pay of the stage at least.
pub const SLASH_PAY_FACTOR: u128 = 300;
/// … and at least this share of the bond, in percent, rounded up.
pub const SLASH_BOND_PERCENT: u128 = 10;
/// Who is outvoted in a float profile loses that share of its bond, or this many times the pay of the stage where that
/// is more: with half of the other holders for friends, and a user, a cheat in a stage so dear still loses by it.
pub const OUTVOTED_PAY_FACTOR: u128 = 8;
/// Who is checked and does not open its commitment forfeits this many times the pay of the stage, at most its
/// bond. A cheat that saves all of its pay where it is not checked, nine times of ten, and is silent where it
/// is, gains less than nine times the pay for each time it forfeits; so does one that starves its checkers and has
/// two draws for a friend among them.
pub const WITHHELD_PAY_FACTOR: u128 = 40;
/// Share of a slash for the user of the job, in percent, rounded down.
pub const USER_PERCENT: u128 = 20;
/// Share of a slash for the workers that convicted it, in equal parts, in percent, rounded down. The
/// rest is burned.
pub const CONVICTORS_PERCENT: u128 = 30;

/// On what a conviction rests.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
pub enum Ground {
	/// What the chain has computed itself, a dispute that was lost by silence, or the word of the convict: the second
	/// time it loses everything, and is banned.
	Proof,
	/// The word of two others of its stage: it is not counted, and bans nobody.
	Votes,
}

/// A conviction of a worker, as far as its bond is concerned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Conviction<'a, AccountId> {
	/// What its stage would have paid for the most rows that the job may have, in planck.
	pub pay: u128,
	/// On what it rests.
	pub ground: Ground,
	/// Whether the model is exact; else its stages are always checked.
	pub exact: bool,
	/// The user of the job.
	pub user: &'a AccountId,
	/// Who convicted it.
	pub convicted_by: &'a [AccountId],
}

impl<AccountId> Conviction<'_, AccountId> {
	/// Whether it bans a worker that was convicted by proof so many times before, and takes the whole bond.
	pub fn bans(&self, before: u32) -> bool {
		self.ground == Ground::Proof && before > 0
	}

	/// What it takes of the `bond` of a worker that was convicted by proof so many times before; both in planck.
	pub fn takes(&self, bond: u128, before: u32) -> u128 {
		match (self.ground, self.exact) {
			_ if self.bans(before) => bond,
			(Ground::Votes, false) => outvoted(bond, self.pay),
			_ => first(bond, self.pay),
		}
	}

	/// What of `taken` planck is the user's, and what is for each of those who convicted; the rest is burned.
	pub fn shares(&self, taken: u128) -> (u128, u128) {
		let to_user = percent(taken, USER_PERCENT);
		match self.ground {
			Ground::Proof => {
				let reward = percent(taken, CONVICTORS_PERCENT);
				let each = reward.checked_div(self.convicted_by.len() as u128);
				(to_user, each.unwrap_or(0))
			}
			Ground::Votes => (to_user.min(self.pay), 0),
		}
	}
}

/// What the first conviction takes of `bond`, where the stage pays `pay` for the most rows that the job may
/// have; both in planck.
pub fn first(bond: u128, pay: u128) -> u128 {
	at_least_a_tenth(bond, pay.saturating_mul(SLASH_PAY_FACTOR))
}

/// What being outvoted takes of `bond` in a float profile, where the stage pays `pay`; both in planck.
pub fn outvoted(bond: u128, pay: u128) -> u128 {
	at_least_a_tenth(bond, pay.saturating_mul(OUTVOTED_PAY_FACTOR))
}

/// What a lead forfeits of `bond` that is checked and does not open its commitment, for a stage that pays `pay`;
/// both in planck.
pub fn withheld(bond: u128, pay: u128) -> u128 {
	pay.saturating_mul(WITHHELD_PAY_FACTOR).min(bond)
}

/// The user's share of `taken` planck, where nobody's word but the worker's own stands against it.
pub fn to_user(taken: u128) -> u128 {
	percent(taken, USER_PERCENT)
}

fn at_least_a_tenth(bond: u128, due: u128) -> u128 {
	let share = bond.saturating_mul(SLASH_BOND_PERCENT).div_ceil(100);
	due.max(share).min(bond)
}
