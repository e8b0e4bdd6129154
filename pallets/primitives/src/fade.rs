//! Sums that fade: what happened lately counts more than what happened long ago.

/// What is left of a sum after `age`: halved for every half-life, linear in between. `half_life` is not 0, and
/// in the unit of `age`.
pub fn fade(sum: u64, age: u32, half_life: u32) -> u64 {
	let halved = sum
		.checked_shr(age.checked_div(half_life).unwrap_or(u32::MAX))
		.unwrap_or(0);
	let rest = age.checked_rem(half_life).unwrap_or(0);
	let whole = u128::from(half_life).saturating_mul(2).max(1);
	let lost = u128::from(halved).saturating_mul(rest.into()) / whole;
	// No more than half of it.
	halved.saturating_sub(lost as u64)
}
