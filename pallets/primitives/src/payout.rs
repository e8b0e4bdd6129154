//! How the fee of a settled job is divided. Integers only; nothing is created or lost.

use alloc::vec::Vec;

/// Operations in one GFLOP, the unit of posted prices.
pub const GFLOP: u128 = 1_000_000_000;
/// Share of the fee for the miners that led the stages, in percent.
pub const MINERS_PERCENT: u128 = 75;
/// Share for the workers that checked them, in percent.
pub const VERIFIERS_PERCENT: u128 = 10;
/// Share that is burned, in percent. The treasury has the remaining 5 and every rounding.
pub const BURNED_PERCENT: u128 = 10;

/// Pay for a stage in planck: `price` planck per GFLOP × operations, rounded down.
pub fn stage_pay(price: u128, flops_per_token: u64, rows: u32) -> u128 {
	let flops = u128::from(flops_per_token).saturating_mul(u128::from(rows));
	price.saturating_mul(flops) / GFLOP
}

/// The fee whose miners' share covers `miners`, rounded up.
pub fn fee_for(miners: u128) -> u128 {
	miners.saturating_mul(100).div_ceil(MINERS_PERCENT)
}

/// What of a surplus for `ceiling` rows falls on `rows` rows, in planck, rounded down: for the client.
pub fn surplus_for(surplus: u128, rows: u32, ceiling: u32) -> u128 {
	let (rows, ceiling) = (u128::from(rows.min(ceiling)), u128::from(ceiling.max(1)));
	let whole = (surplus / ceiling).saturating_mul(rows);
	// Below 2³² · 2³².
	whole.saturating_add((surplus % ceiling).saturating_mul(rows) / ceiling)
}

/// A fee, divided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Split<AccountId> {
	/// What each miner gets.
	pub miners: Vec<(AccountId, u128)>,
	/// What each verifier gets.
	pub verifiers: Vec<(AccountId, u128)>,
	/// What the treasury gets, with every rounding.
	pub treasury: u128,
	/// What is burned.
	pub burned: u128,
}

impl<AccountId> Split<AccountId> {
	/// Sum of all parts.
	pub fn total(&self) -> u128 {
		let paid = self.miners.iter().chain(&self.verifiers);
		paid.fold(
			self.treasury.saturating_add(self.burned),
			|sum, (_, part)| sum.saturating_add(*part),
		)
	}
}

/// Divides `fee`. Miners get their amounts, cut in order where they exceed the miners' share of the fee;
/// verifiers share theirs by weight, rounded down. What neither takes is the treasury's.
pub fn split<AccountId: Clone>(
	fee: u128,
	miners: &[(AccountId, u128)],
	verifiers: &[(AccountId, u128)],
) -> Split<AccountId> {
	let burned = percent(fee, BURNED_PERCENT);
	let miners = pay_in_order(percent(fee, MINERS_PERCENT), miners, |pay| pay);

	let pot = percent(fee, VERIFIERS_PERCENT);
	let total = verifiers
		.iter()
		.fold(0u128, |sum, (_, weight)| sum.saturating_add(*weight));
	let verifiers = pay_in_order(pot, verifiers, |weight| share(pot, weight, total));

	let paid = miners
		.iter()
		.chain(&verifiers)
		.fold(burned, |sum, (_, part)| sum.saturating_add(*part));
	Split {
		miners,
		verifiers,
		treasury: fee.saturating_sub(paid),
		burned,
	}
}

/// Pays `part` of every line out of `pot`, as long as it lasts: the parts never exceed the pot, even
/// where the sum of the lines left the range of their type.
fn pay_in_order<AccountId: Clone>(
	mut pot: u128,
	lines: &[(AccountId, u128)],
	part: impl Fn(u128) -> u128,
) -> Vec<(AccountId, u128)> {
	let pay = |(who, line): &(AccountId, u128)| {
		let paid = part(*line).min(pot);
		pot = pot.saturating_sub(paid);
		(who.clone(), paid)
	};
	lines.iter().map(pay).collect()
}

/// `amount · part ⁄ 100`, rounded down, without overflow.
pub(crate) fn percent(amount: u128, part: u128) -> u128 {
	(amount / 100)
		.saturating_mul(part)
		.saturating_add(amount % 100 * part / 100)
}

/// `pot · weight ⁄ total`, rounded down; weights are scaled down where the product would overflow.
fn share(pot: u128, weight: u128, total: u128) -> u128 {
	if total == 0 {
		return 0;
	}
	let shift = (128 - total.leading_zeros()).saturating_sub(64);
	let room = (128 - pot.leading_zeros()).saturating_sub(64);
	let (weight, total) = (weight >> shift, (total >> shift).max(1));
	((pot >> room).saturating_mul(weight) / total) << room
}
