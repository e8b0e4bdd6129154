//! Amounts of money: planck inside, DLLM for people.

use serde::{
	de::{Error, Visitor},
	Deserialize, Deserializer,
};
use std::{fmt, str::FromStr};

/// Planck of one DLLM.
pub const DLLM: u128 = 1_000_000_000_000;
const UNIT: &str = "DLLM";
const DECIMALS: usize = 12;

/// An amount in planck. Written for people as DLLM; read as `2.5 DLLM`, or as planck without a unit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Amount(pub u128);

/// A text that is no amount.
#[derive(thiserror::Error, Debug, PartialEq, Eq)]
#[error("{0:?} is no amount: write it like \"2.5 DLLM\", or as a whole number of planck")]
pub struct BadAmount(String);

impl fmt::Display for Amount {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		let (whole, fraction) = (self.0 / DLLM, self.0 % DLLM);
		if fraction == 0 {
			return write!(f, "{whole} {UNIT}");
		}
		let digits = format!("{fraction:0DECIMALS$}");
		write!(f, "{whole}.{} {UNIT}", digits.trim_end_matches('0'))
	}
}

impl FromStr for Amount {
	type Err = BadAmount;

	fn from_str(text: &str) -> Result<Self, BadAmount> {
		let planck = match text.trim().strip_suffix(UNIT) {
			Some(number) => planck_of(number.trim()),
			None => text.trim().parse().ok(),
		};
		planck.map(Self).ok_or_else(|| BadAmount(text.into()))
	}
}

fn planck_of(number: &str) -> Option<u128> {
	let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
	let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
	if !digits(whole) || !digits(fraction) || fraction.len() > DECIMALS {
		return None;
	}
	let fraction = format!("{fraction:0<DECIMALS$}").parse::<u128>().ok()?;
	whole
		.parse::<u128>()
		.ok()?
		.checked_mul(DLLM)?
		.checked_add(fraction)
}

impl<'de> Deserialize<'de> for Amount {
	fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
		struct AmountVisitor;
		impl Visitor<'_> for AmountVisitor {
			type Value = Amount;

			fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
				f.write_str("a whole number of planck, or a text like \"2.5 DLLM\"")
			}

			fn visit_i64<E: Error>(self, planck: i64) -> Result<Amount, E> {
				u128::try_from(planck)
					.map(Amount)
					.map_err(|_| E::custom("an amount is not negative"))
			}

			fn visit_str<E: Error>(self, text: &str) -> Result<Amount, E> {
				text.parse().map_err(E::custom)
			}
		}
		deserializer.deserialize_any(AmountVisitor)
	}
}
