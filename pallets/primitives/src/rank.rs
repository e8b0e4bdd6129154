//! The rank of a worker: what its verified work says of it, in fixed point.
//!
//! `rank = credit × reliability × (f + K) ⁄ (f + 2·K)`, in parts per million. The reliability is an exponential average
//! of verdicts, the throughput `f` the stages that it finished lately, an exponential sum by time. A newcomer
//! has a quarter of the full rank; steady work brings it to the full one, missed deadlines take from it in
//! proportion, idleness takes half at most, a conviction all of it. The credit is whole unless its neighbours
//! contradict what it reports of its links, again and again; then it falls to a half.

use crate::{capacity::FULL_RANK, fade::fade};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Reliability of a worker of which nothing is known.
pub const NEW_RELIABILITY: u32 = FULL_RANK / 2;
/// Verdicts over which the reliability averages: the newest counts a sixteenth.
pub const AVERAGED_VERDICTS: u32 = 16;
/// Blocks after which a finished stage counts half: a day of 3 s slots.
pub const HALF_LIFE_BLOCKS: u32 = 28_800;
/// Reports over which the doubt averages: the newest counts a sixteenth.
pub const AVERAGED_REPORTS: u32 = 16;
/// Doubt that costs nothing, in parts per million: an honest worker is contradicted now and then, when a line
/// changes between two reports.
pub const TOLERATED_DOUBT: u32 = FULL_RANK / 4;
/// What doubt takes of the rank at most: links are a small part of what a worker is paid for, and neighbours that
/// conspire can do no more than that.
pub const MOST_DISCREDIT: u32 = FULL_RANK / 2;
/// A stage, in the unit of throughput.
const STAGE: u64 = 1_000;
/// K of the rank: with 32 stages in the last half-life, some work every hour, throughput stands for two
/// thirds; without any for a half.
const HALF_THROUGHPUT: u64 = 32 * STAGE;

/// What is kept of a worker's verified work.
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
pub struct Quality {
	/// Average of its verdicts in parts per million: a pass is one, a fault zero.
	pub reliability: u32,
	/// Thousandths of stages that it finished, each halved every [`HALF_LIFE_BLOCKS`].
	pub finished: u64,
	/// Block of the last change of these two.
	pub changed: u32,
	/// Whether it missed its latest deadline.
	pub late: bool,
	/// Average in parts per million of how its neighbours answer its reports of links: contradicted is one.
	pub doubt: u32,
}

impl Quality {
	/// Of a worker that has shown nothing by block `now`.
	pub fn new(now: u32) -> Self {
		Self {
			reliability: NEW_RELIABILITY,
			finished: 0,
			changed: now,
			late: false,
			doubt: 0,
		}
	}

	/// A stage passed in block `now`.
	pub fn pass(&mut self, now: u32) {
		let missing = FULL_RANK.saturating_sub(self.reliability);
		let step = missing.div_ceil(AVERAGED_VERDICTS);
		self.reliability = self.reliability.saturating_add(step);
		self.finished = self.throughput(now).saturating_add(STAGE);
		self.changed = now;
		self.late = false;
	}

	/// A deadline was missed in block `now`.
	pub fn fail(&mut self, now: u32) {
		let step = self.reliability.div_ceil(AVERAGED_VERDICTS);
		self.reliability = self.reliability.saturating_sub(step);
		self.finished = self.throughput(now);
		self.changed = now;
		self.late = true;
	}

	/// The worker was convicted in block `now`.
	pub fn convict(&mut self, now: u32) {
		*self = Self {
			reliability: 0,
			finished: 0,
			changed: now,
			late: false,
			doubt: self.doubt,
		};
	}

	/// Most of its neighbours contradicted a report of its links, or did not.
	pub fn hear(&mut self, contradicted: bool) {
		if contradicted {
			let missing = FULL_RANK.saturating_sub(self.doubt);
			let step = missing.div_ceil(AVERAGED_REPORTS);
			self.doubt = self.doubt.saturating_add(step);
		} else {
			let step = self.doubt.div_ceil(AVERAGED_REPORTS);
			self.doubt = self.doubt.saturating_sub(step);
		}
	}

	/// Its rank in block `now`, in parts per million, rounded down.
	pub fn rank(&self, now: u32) -> u32 {
		let throughput = u128::from(self.throughput(now));
		let half = u128::from(HALF_THROUGHPUT);
		let weighted = u128::from(self.reliability).saturating_mul(throughput.saturating_add(half));
		let rank = weighted / throughput.saturating_add(half).saturating_add(half);
		let rank = rank.saturating_mul(self.credit().into()) / u128::from(FULL_RANK);
		// No more than the reliability.
		rank as u32
	}

	/// What its reports leave of its rank, in parts per million: all up to the tolerated doubt, then less in
	/// proportion.
	fn credit(&self) -> u32 {
		let beyond = u64::from(self.doubt.saturating_sub(TOLERATED_DOUBT));
		let most = u64::from(FULL_RANK.saturating_sub(TOLERATED_DOUBT)).max(1);
		let lost = beyond.saturating_mul(MOST_DISCREDIT.into()) / most;
		// No more than the most.
		FULL_RANK.saturating_sub(lost as u32)
	}

	/// What is left of the finished stages in block `now`.
	fn throughput(&self, now: u32) -> u64 {
		fade(
			self.finished,
			now.saturating_sub(self.changed),
			HALF_LIFE_BLOCKS,
		)
	}
}
