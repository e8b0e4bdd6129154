//! Links between workers as their ends measured them: what one end reports, and what counts of both.
//!
//! Both ends report, and the worse of every figure counts: a lie can make a link look worse, for both of
//! its ends alike, and never better than the other end measured it. Where one end reports none, the report of
//! the other stands alone, and says so. How links are measured is the worker's affair; `pallet-miners` keeps
//! the reports, and `cost` reads what comes of them.

use crate::cost::{
	link::{LinkFigures, PLAUSIBLE_LATENCY_US, PLAUSIBLE_LOSS_PPM},
	PLAUSIBLE_NETWORK_SPEED,
};
use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::ops::RangeInclusive;
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;

/// Links in a report at most: a worker of one pipeline has two neighbours and up to three replicas of each.
pub const MAX_LINKS: u32 = 16;
/// A round trip takes time, and one of more than a minute is no link.
pub const PLAUSIBLE_ROUND_TRIP_US: RangeInclusive<u64> = 1..=2 * *PLAUSIBLE_LATENCY_US.end();
/// Share of the bandwidth that frames get, in ppm: transfers are timed by what arrives in frames.
const EFFICIENCY_PPM: u32 = 1_000_000;

/// What probes said of a link, over a window of time.
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
pub struct Reading {
	/// Median round trip, in microseconds.
	pub rtt_us: u32,
	/// Longest minus shortest round trip of those that lost nothing, in microseconds.
	pub jitter_us: u32,
	/// Share of packets lost, in ppm.
	pub loss_ppm: u32,
	/// What a timed transfer carried, in bytes a second.
	pub bytes_per_second: u64,
}

/// A link as one of its ends measured it.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Probed<AccountId> {
	/// The worker at the other end.
	pub peer: AccountId,
	/// What was measured.
	pub reading: Reading,
}

/// The links of a worker, each peer once.
pub type Links<AccountId> = BoundedVec<Probed<AccountId>, ConstU32<MAX_LINKS>>;

/// What a worker reported last.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Report<AccountId, BlockNumber> {
	/// Block of the report.
	pub block: BlockNumber,
	/// Its links; none where no peer answered.
	pub links: Links<AccountId>,
}

/// A link as it counts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link<AccountId, BlockNumber> {
	/// The workers at its ends, in the order of their accounts.
	pub ends: [AccountId; 2],
	/// The worse of what they measured.
	pub reading: Reading,
	/// Block in which each of them reported it; none for an end that does not.
	pub reported: [Option<BlockNumber>; 2],
}

impl Reading {
	/// The first figure that no link can have, with its plausible range; none where all can be true.
	pub fn implausible(&self) -> Option<(&'static str, RangeInclusive<u64>)> {
		let figures = [
			("rtt_us", self.rtt_us.into(), PLAUSIBLE_ROUND_TRIP_US),
			("jitter_us", self.jitter_us.into(), PLAUSIBLE_LATENCY_US),
			("loss_ppm", self.loss_ppm.into(), PLAUSIBLE_LOSS_PPM),
			(
				"bytes_per_second",
				self.bytes_per_second,
				PLAUSIBLE_NETWORK_SPEED,
			),
		];
		let wrong = figures
			.into_iter()
			.find(|(_, value, range)| !range.contains(value));
		wrong.map(|(name, _, range)| (name, range))
	}

	/// The worse of every figure.
	pub fn worse(&self, other: &Self) -> Self {
		Self {
			rtt_us: self.rtt_us.max(other.rtt_us),
			jitter_us: self.jitter_us.max(other.jitter_us),
			loss_ppm: self.loss_ppm.max(other.loss_ppm),
			bytes_per_second: self.bytes_per_second.min(other.bytes_per_second),
		}
	}

	/// As the cost model reads a link, in either direction: half a round trip, rounded up.
	pub fn figures(&self) -> LinkFigures {
		LinkFigures {
			latency_us: self.rtt_us.div_ceil(2),
			jitter_us: self.jitter_us,
			loss_ppm: self.loss_ppm,
			bytes_per_second: self.bytes_per_second,
			efficiency_ppm: EFFICIENCY_PPM,
		}
	}
}

/// Puts the reports of workers together: every link once, in the order of its ends. A link of a worker to
/// itself is none.
pub fn merge<AccountId: Ord + Clone, BlockNumber: Copy>(
	reports: impl IntoIterator<Item = (AccountId, Report<AccountId, BlockNumber>)>,
) -> Vec<Link<AccountId, BlockNumber>> {
	let mut links = BTreeMap::<[AccountId; 2], Link<AccountId, BlockNumber>>::new();
	for (reporter, report) in reports {
		for Probed { peer, reading } in report.links {
			if peer == reporter {
				continue;
			}
			let (ends, end) = match reporter < peer {
				true => ([reporter.clone(), peer], 0),
				false => ([peer, reporter.clone()], 1),
			};
			let link = links.entry(ends.clone()).or_insert(Link {
				ends,
				reading,
				reported: [None, None],
			});
			link.reading = link.reading.worse(&reading);
			link.reported[end] = Some(report.block);
		}
	}
	links.into_values().collect()
}
