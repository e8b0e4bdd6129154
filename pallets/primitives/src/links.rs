//! Links between workers as their ends measured them: what one end reports, and what counts of both.
//!
//! Both ends report, and the worse of every figure counts: a lie can make a link look worse, for both of
//! its ends alike, and never better than the other end measured it. Where one end reports none, the report of
//! the other stands alone, and says so. Who of two ends that contradict each other lies is not to be seen from
//! their link; but whom most of its neighbours contradict says something wrong of its links, and
//! [`is_contradicted`] lets that count in its rank. How links are measured is the worker's affair; `pallet-miners` keeps
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
/// Round trips that two ends found are one figure of one way: their medians, taken minutes apart, may be so many
/// times, and so many microseconds, apart before one of them is wrong.
pub const ROUND_TRIPS_APART: (u32, u32) = (4, 10_000);
/// Transfers of two ends go opposite ways, of which one may be much slower, by 40 times on common lines.
pub const SPEEDS_APART: u64 = 100;
/// Operators that have to be heard of a report: with fewer, one that lies could be the majority beside one whose
/// figures are off by chance.
pub const FEWEST_WITNESSES: usize = 3;
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

	/// Whether this and what the other end found cannot both be true of a link.
	pub fn contradicts(&self, other: &Self) -> bool {
		let (times, more) = ROUND_TRIPS_APART;
		let short = self.rtt_us.min(other.rtt_us);
		let bound = short.saturating_mul(times).saturating_add(more);
		let slow = self.bytes_per_second.min(other.bytes_per_second);
		let fast = self.bytes_per_second.max(other.bytes_per_second);
		self.rtt_us.max(other.rtt_us) > bound || fast > slow.saturating_mul(SPEEDS_APART)
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

/// Whether the other ends of its links contradict a worker's report, as a whole. `witnesses` names for every link
/// the operator of the other end, and whether what that end reported contradicts it. None where too few operators
/// are heard.
///
/// An operator has one voice, however many workers it runs, and it is against the report only if all of them are.
/// So one liar lowers nobody's rank, and who lies about most of its links lowers its own.
pub fn is_contradicted<Operator: Ord>(
	witnesses: impl IntoIterator<Item = (Operator, bool)>,
) -> Option<bool> {
	let mut voices = BTreeMap::new();
	for (operator, against) in witnesses {
		let voice = voices.entry(operator).or_insert(true);
		*voice &= against;
	}
	let against = voices.values().filter(|against| **against).count();
	let heard = voices.len() >= FEWEST_WITNESSES;
	heard.then_some(against.saturating_mul(2) > voices.len())
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
