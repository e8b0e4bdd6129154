//! What a planner is told: the table `[planning]` of the configuration.

use crate::chain::Amount;
use serde::Deserialize;

/// The table `[planning]`. Every key has a default; only `enabled` makes a worker plan.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
	/// Whether `serve` plans by itself for the capacity rounds in which it has won.
	pub enabled: bool,
	/// Deposit that it puts on hold for a plan at most, until the pipeline closes or a better plan beats it.
	pub deposit: Amount,
}

impl Default for Options {
	fn default() -> Self {
		Self {
			enabled: false,
			deposit: Amount(10_000_000_000_000),
		}
	}
}

/// What a planner keeps to in every round.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
	/// Highest deposit, in planck.
	pub deposit: u128,
}

impl Rules {
	/// Those of a configuration.
	pub fn of(options: &Options) -> Self {
		Self {
			deposit: options.deposit.0,
		}
	}
}
