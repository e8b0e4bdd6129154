//! What a surveyor is told: the table `[links]` of the configuration.

use dllm_primitives::links::MAX_LINKS;
use serde::Deserialize;
use std::{ops::RangeInclusive, time::Duration};

/// The table `[links]`. Every key has a default.
#[derive(Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
	/// Whether `serve` measures links and reports them.
	pub enabled: bool,
	/// Seconds from one survey to the next.
	pub period: u64,
	/// Workers that it measures the way to, at most.
	pub peers: u32,
}

impl Default for Options {
	fn default() -> Self {
		Self {
			enabled: true,
			period: 120,
			peers: MAX_LINKS,
		}
	}
}

/// Below, probes disturb what they measure; above, too few of them are younger than a report may be.
const PERIOD_SECONDS: RangeInclusive<u64> = 5..=240;
/// A report holds no more links.
const PEERS: RangeInclusive<u64> = 1..=MAX_LINKS as u64;

/// A key of `[links]` that nothing can be measured by.
#[derive(thiserror::Error, Clone, PartialEq, Eq, Debug)]
#[error(
	"links.{key} = {value} is not between {low} and {high}: correct it, or set links.enabled = false"
)]
pub struct BadOption {
	key: &'static str,
	value: u64,
	low: u64,
	high: u64,
}

/// What a surveyor keeps to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
	/// From one survey to the next.
	pub period: Duration,
	/// Peers at most.
	pub peers: usize,
}

impl Rules {
	/// Those of the configuration.
	pub fn of(options: &Options) -> Result<Self, BadOption> {
		within("period", options.period, PERIOD_SECONDS)?;
		within("peers", options.peers.into(), PEERS)?;
		Ok(Self {
			period: Duration::from_secs(options.period),
			peers: options.peers as usize,
		})
	}
}

fn within(key: &'static str, value: u64, range: RangeInclusive<u64>) -> Result<(), BadOption> {
	if range.contains(&value) {
		return Ok(());
	}
	let (low, high) = range.into_inner();
	Err(BadOption {
		key,
		value,
		low,
		high,
	})
}
