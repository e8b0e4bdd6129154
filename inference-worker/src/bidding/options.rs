//! What a bidder is told: the table `[bidding]` of the configuration.

use crate::{chain::Amount, config::Config};
use dllm_planning::topology::DEFAULT_WORKER;
use dllm_primitives::cost::DeviceFigures;
use serde::Deserialize;

/// The table `[bidding]`. Every key has a default; only `enabled` makes a worker bid.
#[derive(Deserialize, Clone, Debug, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
	/// Whether `serve` bids in capacity rounds by itself.
	pub enabled: bool,
	/// What it asks for 10⁹ operations; the posted price where left out.
	pub ask: Option<Amount>,
	/// Models that it bids for, by number or name; all of them where empty.
	pub models: Vec<String>,
	/// Layers that it offers at most; as many as its memory holds where left out.
	pub layers: Option<u32>,
	/// Deposit that it puts on hold for a bid at most.
	pub deposit: Amount,
	/// Blocks that a round must leave to reveal a bid, at least.
	pub reveal_blocks: u32,
	/// 10⁹ operations that it sustains in a second.
	pub gflops: f64,
	/// 10⁹ bytes that it reads of its memory in a second.
	pub memory_gbyte_per_second: f64,
	/// 10⁶ bits that it fetches in a second.
	pub download_mbit_per_second: f64,
	/// Probability that it fails during a job.
	pub failure: f64,
}

impl Default for Options {
	fn default() -> Self {
		Self {
			enabled: false,
			ask: None,
			models: Vec::new(),
			layers: None,
			deposit: Amount(10_000_000_000_000),
			reveal_blocks: 5,
			gflops: DEFAULT_WORKER.flops_per_second as f64 / GIGA,
			memory_gbyte_per_second: DEFAULT_WORKER.memory_bytes_per_second as f64 / GIGA,
			download_mbit_per_second: DEFAULT_WORKER.download_bytes_per_second as f64 / MBIT,
			failure: f64::from(DEFAULT_WORKER.failure_ppm) / PPM,
		}
	}
}

const GIGA: f64 = 1e9;
/// Bytes of 10⁶ bits.
const MBIT: f64 = 125e3;
const PPM: f64 = 1e6;

/// A key of `[bidding]` that no bid can be made of.
#[derive(thiserror::Error, Clone, PartialEq, Debug)]
pub enum BadOption {
	/// No machine is like that.
	#[error("bidding.{key} = {value} cannot be true: it must lie between {low} and {high}; check the number and its unit")]
	Implausible {
		key: &'static str,
		value: f64,
		low: f64,
		high: f64,
	},
	/// The chain's asks are shorter.
	#[error("an ask of {0} planck for 10⁹ operations is more than a bid can say: lower bidding.ask, or price")]
	Ask(u128),
}

/// What a bidder keeps to in every round.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
	/// What it asks, in planck per GFLOP.
	pub ask: u64,
	/// Models by number or name; all where empty.
	pub models: Vec<String>,
	/// Layers at most.
	pub layers: Option<u32>,
	/// Highest deposit, in planck.
	pub deposit: u128,
	/// Shortest window to reveal, in blocks.
	pub reveal_blocks: u32,
	/// What was measured of the machine.
	pub device: DeviceFigures,
	/// Memory for weights, caches and buffers as the configuration has it, in bytes.
	pub memory: u64,
}

impl Rules {
	/// Those of a configuration.
	pub fn of(config: &Config) -> Result<Self, BadOption> {
		let options = &config.bidding;
		let Amount(ask) = options.ask.unwrap_or(config.price);
		Ok(Self {
			ask: u64::try_from(ask).map_err(|_| BadOption::Ask(ask))?,
			models: options.models.clone(),
			layers: options.layers,
			deposit: options.deposit.0,
			reveal_blocks: options.reveal_blocks,
			device: options.device()?,
			memory: config.memory,
		})
	}
}

impl Options {
	/// The figures that a bid says of the machine.
	fn device(&self) -> Result<DeviceFigures, BadOption> {
		let device = DeviceFigures {
			flops_per_second: (self.gflops * GIGA).round() as u64,
			memory_bytes_per_second: (self.memory_gbyte_per_second * GIGA).round() as u64,
			download_bytes_per_second: (self.download_mbit_per_second * MBIT).round() as u64,
			failure_ppm: (self.failure * PPM).round() as u32,
		};
		// A probability below 0 would have become 0.
		let wrong = match self.failure >= 0.0 {
			true => device.implausible(),
			false => Some(("failure_ppm", 0..=999_999)),
		};
		let Some((figure, range)) = wrong else {
			return Ok(device);
		};
		let (key, value, unit) = match figure {
			"flops_per_second" => ("gflops", self.gflops, GIGA),
			"memory_bytes_per_second" => (
				"memory_gbyte_per_second",
				self.memory_gbyte_per_second,
				GIGA,
			),
			"download_bytes_per_second" => (
				"download_mbit_per_second",
				self.download_mbit_per_second,
				MBIT,
			),
			_ => ("failure", self.failure, PPM),
		};
		let (low, high) = (*range.start() as f64 / unit, *range.end() as f64 / unit);
		Err(BadOption::Implausible {
			key,
			value,
			low,
			high,
		})
	}
}
