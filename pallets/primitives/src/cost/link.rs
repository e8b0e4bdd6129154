//! What a link does to a frame: latency, transfer, jitter and loss.
//!
//! Loss follows the binomial model: each of the ⌈O/MSS⌉ packets of a frame is lost independently with
//! probability p, those lost are sent again after a recovery time, and so on. The patent's own penalty
//! w_1·J + w_2·t·p + w_3·p² is the other form.

use super::{scaled, Weights, Workload, FEMTOS_PER_SECOND, FEMTOS_PER_US, MILLI, PPM};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::ops::RangeInclusive;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// 1 as a fixed-point number of 62 fractional bits: products of two such numbers fit 128 bits.
pub const ONE: u128 = 1 << 62;
/// Half a minute one way is no link.
pub const PLAUSIBLE_LATENCY_US: RangeInclusive<u64> = 0..=30_000_000;
/// A link that loses more than half of its packets carries nothing.
pub const PLAUSIBLE_LOSS_PPM: RangeInclusive<u64> = 0..=500_000;
/// Share of the bandwidth that frames can use; 0 is no link.
pub const PLAUSIBLE_EFFICIENCY_PPM: RangeInclusive<u64> = 1_000..=1_000_000;
/// Granularity of a timer and longest delay of an acknowledgement, in microseconds (RFC 9002, 6.2.1 and
/// RFC 9000, 18.2).
pub const TIMER_US: u32 = 1_000;
/// See [`TIMER_US`].
pub const ACKNOWLEDGEMENT_DELAY_US: u32 = 25_000;

/// What was measured of a link, in one direction.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub struct LinkFigures {
	/// Microseconds one way (L).
	pub latency_us: u32,
	/// Longest minus shortest latency of the window, in microseconds (J).
	pub jitter_us: u32,
	/// Share of packets lost, in ppm (p).
	pub loss_ppm: u32,
	/// Bandwidth (B).
	pub bytes_per_second: u64,
	/// Share of the bandwidth that frames get, in ppm (E_p).
	pub efficiency_ppm: u32,
}

impl LinkFigures {
	/// The first figure that no link can have, with its plausible range; none where all can be true.
	pub fn implausible(&self) -> Option<(&'static str, RangeInclusive<u64>)> {
		let figures = [
			("latency_us", self.latency_us.into(), PLAUSIBLE_LATENCY_US),
			("jitter_us", self.jitter_us.into(), PLAUSIBLE_LATENCY_US),
			("loss_ppm", self.loss_ppm.into(), PLAUSIBLE_LOSS_PPM),
			(
				"bytes_per_second",
				self.bytes_per_second,
				super::PLAUSIBLE_NETWORK_SPEED,
			),
			(
				"efficiency_ppm",
				self.efficiency_ppm.into(),
				PLAUSIBLE_EFFICIENCY_PPM,
			),
		];
		let wrong = figures
			.into_iter()
			.find(|(_, value, range)| !range.contains(value));
		wrong.map(|(name, _, range)| (name, range))
	}

	/// Femtoseconds that `rows` rows of every session take once.
	pub fn traverse(&self, workload: &Workload, rows: u32, weights: &Weights) -> Traversal {
		let bytes = u128::from(rows)
			.saturating_mul(workload.sessions.into())
			.saturating_mul(workload.row_bytes.into());
		let packets = bytes.div_ceil(u128::from(workload.packet_bytes.max(1)));
		let transfer = self.transfer(bytes);
		let jitter = scaled(femtos(self.jitter_us), weights.jitter_milli);
		Traversal {
			latency: femtos(self.latency_us),
			transfer,
			qos: jitter.saturating_add(self.loss_penalty(transfer, packets, &weights.loss)),
		}
	}

	/// t = O / (E_p·B).
	fn transfer(&self, bytes: u128) -> u128 {
		let usable = u128::from(self.bytes_per_second).saturating_mul(self.efficiency_ppm.into());
		bytes
			.saturating_mul(FEMTOS_PER_SECOND)
			.saturating_mul(PPM)
			.checked_div(usable)
			.unwrap_or(u128::MAX)
	}

	/// What the loss of a frame of `packets` packets costs that takes `transfer` femtoseconds.
	pub fn loss_penalty(&self, transfer: u128, packets: u128, loss: &Loss) -> u128 {
		let lost = u128::from(self.loss_ppm);
		match *loss {
			Loss::Patent {
				transfer_milli,
				square_milli,
			} => {
				let resent = scaled(transfer.saturating_mul(lost) / PPM, transfer_milli);
				let square = lost
					.saturating_mul(lost)
					.saturating_mul(square_milli.into())
					.saturating_mul(super::FEMTOS_PER_MS)
					/ (PPM * PPM * MILLI);
				resent.saturating_add(square)
			}
			Loss::Binomial {
				transfer_milli,
				recovery_milli,
			} => {
				let resent = transfer.saturating_mul(lost) / PPM.saturating_sub(lost).max(1);
				let rounds = expected_rounds(self.loss_ppm, packets);
				let waiting = self.recovery_femtos().saturating_mul(rounds) >> 62;
				scaled(resent, transfer_milli).saturating_add(scaled(waiting, recovery_milli))
			}
		}
	}

	/// Femtoseconds until a loss is noticed and repaired: the probe timeout of RFC 9002, 6.2.1, with the
	/// jitter for the round-trip time's variation.
	pub fn recovery_femtos(&self) -> u128 {
		let variation = u128::from(self.jitter_us) * 4;
		let us = 2 * u128::from(self.latency_us)
			+ variation.max(TIMER_US.into())
			+ u128::from(ACKNOWLEDGEMENT_DELAY_US);
		us.saturating_mul(FEMTOS_PER_US)
	}
}

/// One frame on a link, in femtoseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Traversal {
	/// Latency.
	pub latency: u128,
	/// Time that the link is busy.
	pub transfer: u128,
	/// Jitter and loss.
	pub qos: u128,
}

impl Traversal {
	/// T_data.
	pub fn data(&self) -> u128 {
		self.latency.saturating_add(self.transfer)
	}
}

/// How loss is charged; weights in thousandths.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub enum Loss {
	/// w_2·t·p + w_3·p², w_3 in milliseconds.
	#[serde(rename_all = "camelCase")]
	Patent {
		/// w_2.
		transfer_milli: u32,
		/// w_3.
		square_milli: u32,
	},
	/// Sending again what was lost, t·p/(1−p), and waiting for it: the expected number of rounds of
	/// retransmission times the recovery time.
	#[serde(rename_all = "camelCase")]
	Binomial {
		/// Of sending again.
		transfer_milli: u32,
		/// Of waiting.
		recovery_milli: u32,
	},
}

/// Expected rounds of retransmission until all of `packets` packets have arrived, in 2⁻⁶²: the k-th round
/// is needed where one of them was lost k times, so the sum over k ≥ 1 of 1 − (1 − pᵏ)ⁿ.
pub fn expected_rounds(loss_ppm: u32, packets: u128) -> u128 {
	let lost = ratio(loss_ppm).min(ONE / 2);
	let mut sum = 0u128;
	let mut power = lost;
	while power > 0 {
		sum += ONE - integer_power(ONE - power, packets);
		// Rounded down, so that the sum ends: at most 62 rounds, as p is at most a half.
		power = (power * lost) >> 62;
	}
	sum
}

/// `ppm` parts per million in 2⁻⁶², rounded to the nearest.
pub fn ratio(ppm: u32) -> u128 {
	(ONE * u128::from(ppm) + PPM / 2) / PPM
}

/// Product of two numbers of at most 1 in 2⁻⁶², rounded to the nearest.
pub fn product(a: u128, b: u128) -> u128 {
	(a * b + ONE / 2) >> 62
}

fn integer_power(mut base: u128, mut exponent: u128) -> u128 {
	let mut result = ONE;
	while exponent > 0 {
		if exponent & 1 == 1 {
			result = product(result, base);
		}
		base = product(base, base);
		exponent >>= 1;
	}
	result
}

fn femtos(us: u32) -> u128 {
	u128::from(us) * FEMTOS_PER_US
}
