//! What a conviction takes from a bond, and who gets it. Integers only; rounding is burned.
//!
//! The factor is so large because a stage may be checked as rarely as once in ten times, and a bond may answer
//! for several stages at once. At least half of a slash is burned, so nobody gains by convicting himself.

/// The first slash takes this many times the pay of the stage at least.
pub const SLASH_PAY_FACTOR: u128 = 300;
/// … and at least this share of the bond, in percent, rounded up.
pub const SLASH_BOND_PERCENT: u128 = 10;
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

/// What the first conviction takes of `bond`, where the stage pays `pay` for the most rows that the job may
/// have; both in planck. The second takes all.
pub fn first(bond: u128, pay: u128) -> u128 {
	let share = bond.saturating_mul(SLASH_BOND_PERCENT).div_ceil(100);
	pay.saturating_mul(SLASH_PAY_FACTOR).max(share).min(bond)
}

/// What a lead forfeits of `bond` that is checked and does not open its commitment, for a stage that pays `pay`;
/// both in planck.
pub fn withheld(bond: u128, pay: u128) -> u128 {
	pay.saturating_mul(WITHHELD_PAY_FACTOR).min(bond)
}
