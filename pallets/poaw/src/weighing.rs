//! The arithmetic of proof of AI work: how credit fades, how it becomes weight, and how dear a weight has
//! to be so that nobody buys it. Pure, integers only; every rounding is against whoever holds the credit.

use dllm_primitives::poaw::{Params, BASE_WEIGHT};
use sp_runtime::{
	helpers_128bit::multiply_by_rational_with_rounding, traits::Saturating, PerThing, Permill,
	Perquintill, Rounding,
};

/// Parts of a million, the unit of a [`Permill`].
const MILLION: u128 = 1_000_000;
/// A multiplier of one, in thousandths.
const ONE_MILLI: u32 = 1_000;

/// What is left of `credit` after `sessions` sessions, rounded down.
pub fn decayed(credit: u128, decay: Permill, sessions: u32) -> u128 {
	match sessions {
		0 => credit,
		1 => decay.mul_floor(credit),
		_ => {
			let each = Perquintill::from_rational(u64::from(decay.deconstruct()), MILLION as u64);
			each.saturating_pow(sessions as usize).mul_floor(credit)
		}
	}
}

/// The part of a credit that counts: no more than `bond_share` of the validator's own bond, so that
/// influence stays slashable.
pub fn counted(credit: u128, self_bond: u128, bond_share: Permill) -> u128 {
	credit.min(bond_share.mul_floor(self_bond))
}

/// Weight of a validator whose credit counts for `counted` planck:
/// `BASE · (1 + (κ − 1) · min(1, counted ⁄ target))`, rounded down.
pub fn weight(counted: u128, target: u128, kappa_milli: u32) -> u64 {
	let target = target.max(1);
	let bonus = BASE_WEIGHT.saturating_mul(kappa_milli.saturating_sub(ONE_MILLI).into())
		/ u64::from(ONE_MILLI);
	let earned = scaled(bonus.into(), counted.min(target), target, Rounding::Down);
	BASE_WEIGHT.saturating_add(earned.min(bonus.into()) as u64)
}

/// Least credit for the full multiplier at which nobody gains by paying himself, in planck, rounded up:
/// `A* ≥ 3⁄2 · c · (κ − 1) · R ⁄ (n · (1 − β) · (1 − δ))`.
///
/// To hold a credit `s` costs `(1 − β)(1 − δ)s` a session. It raises a validator's share of the primary
/// slots, a part `c` of all, by at most `(κ − 1)(s ⁄ A*) ⁄ n'`, where `n'` validators are not on
/// probation; at least two thirds of the `validators` are not. `reward` is what all validators together
/// are paid in a session, in planck.
pub fn least_target(params: &Params, reward: u128, validators: u32, primary: (u64, u64)) -> u128 {
	let bonus = u128::from(params.kappa_milli.saturating_sub(ONE_MILLI));
	let paid_back = u128::from(params.rebate.left_from_one().deconstruct());
	let lost = u128::from(params.decay.left_from_one().deconstruct());
	let (c_part, c_whole) = (u128::from(primary.0), u128::from(primary.1));

	let up = Rounding::Up;
	let gain = scaled(reward, c_part * bonus, c_whole * u128::from(ONE_MILLI), up);
	let each = scaled(gain, 3, 2 * u128::from(validators.max(1)), up);
	scaled(scaled(each, MILLION, paid_back, up), MILLION, lost, up)
}

/// `amount · part ⁄ whole`; the largest number where that is more.
fn scaled(amount: u128, part: u128, whole: u128, rounding: Rounding) -> u128 {
	multiply_by_rational_with_rounding(amount, part, whole.max(1), rounding).unwrap_or(u128::MAX)
}
