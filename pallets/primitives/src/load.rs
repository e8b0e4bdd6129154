//! The live load of a pipeline: what it has to do, and how fast it does it.
//!
//! Nobody declares how fast a pipeline is. It is learnt from its jobs: the rows that passed in them, over the
//! blocks in which one of them ran, from its award to the last commitment of a lead. Blocks in which several
//! jobs ran count once, so the figure is what the pipeline gets done with as many jobs as it has, and not how
//! long one of them takes. Both sums fade with the blocks of running, so an idle pipeline forgets nothing,
//! until what it showed is too old to count; then it is tried again. The auction sends a job where it
//! is expected to be over first: (rows in flight + its own) × time of a row.
//!
//! A row of a prompt counts like one of a reply, and rows in flight are ceilings: the jobs of a model are
//! spread over its pipelines without regard to that, so the figures compare.

use crate::fade::fade;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Blocks of running after which earlier ones count half: some ten jobs of a few seconds.
pub const HALF_LIFE_BLOCKS: u32 = 16;
/// Blocks for which a pipeline is believed to be as fast as it last was: half an hour of 3 s slots. One that
/// was slow gets a job after that, and can show that it is no longer.
pub const REMEMBERED_BLOCKS: u32 = 600;
/// A job counts as at most so many times the blocks that all work in flight should have taken: one user who
/// keeps a ring waiting must not make a pipeline look useless.
pub const PATIENCE: u64 = 4;
/// Blocks that always count in full: a job that waits for a block or two says little, and is not cut.
const LEAST_PATIENCE_BLOCKS: u32 = 4;
/// Rows and blocks are kept in thousandths, so that halving loses nothing that matters.
const UNIT: u64 = 1_000;
/// Nanoblocks of a block: the unit of [`Load::row_time`].
pub const NANO: u64 = 1_000_000_000;

/// What a pipeline has to do, and what it got done lately.
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
	Default,
)]
pub struct Load {
	/// Rows at most of the jobs that hold a slot.
	pub in_flight: u64,
	/// Thousandths of rows that passed, faded.
	pub rows: u64,
	/// Thousandths of blocks in which jobs ran, faded alike.
	pub busy: u64,
	/// Block up to which running is counted.
	pub counted: u32,
}

/// How a job went through its pipeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Run {
	/// Rows at most, which were in flight.
	pub ceiling: u32,
	/// Rows that passed; 0 where it was not served.
	pub rows: u32,
	/// Block of its award.
	pub from: u32,
	/// Block of the last commitment of a lead, or of its end where a lead has not committed.
	pub until: u32,
}

impl Load {
	/// A job of so many rows at most takes a slot.
	pub fn take(&mut self, ceiling: u32) {
		self.in_flight = self.in_flight.saturating_add(ceiling.into());
	}

	/// A job that says nothing about the pipeline gives its slot back.
	pub fn give_back(&mut self, ceiling: u32) {
		self.in_flight = self.in_flight.saturating_sub(ceiling.into());
	}

	/// A job is over, served or not: its slot is free, and its time counts.
	pub fn learn(&mut self, run: &Run) {
		let spent = run.until.saturating_sub(run.from.max(self.counted));
		let spent = u64::from(spent)
			.saturating_mul(UNIT)
			.min(self.patience(run));
		if self.is_forgotten(run.from) {
			(self.rows, self.busy) = (0, 0);
		}
		let age = u32::try_from(spent / UNIT).unwrap_or(u32::MAX);
		let passed = u64::from(run.rows).saturating_mul(UNIT);
		self.rows = fade(self.rows, age, HALF_LIFE_BLOCKS).saturating_add(passed);
		self.busy = fade(self.busy, age, HALF_LIFE_BLOCKS).saturating_add(spent);
		self.counted = self.counted.max(run.until);
		self.give_back(run.ceiling);
	}

	/// Nanoblocks that a row takes by what its jobs showed, rounded down; none where they showed nothing of
	/// late by block `now`. The most where jobs ran and no row passed.
	pub fn row_time(&self, now: u32) -> Option<u64> {
		if self.busy == 0 || self.is_forgotten(now) {
			return None;
		}
		let time = u128::from(self.busy).saturating_mul(NANO.into());
		let time = time.checked_div(self.rows.into()).unwrap_or(u128::MAX);
		Some(u64::try_from(time).unwrap_or(u64::MAX))
	}

	/// Rows that passed lately in a thousand blocks of running, rounded down; none as for
	/// [`Self::row_time`].
	pub fn pace(&self, now: u32) -> Option<u64> {
		self.row_time(now)?;
		let pace = u128::from(self.rows).saturating_mul(1_000) / u128::from(self.busy.max(1));
		Some(u64::try_from(pace).unwrap_or(u64::MAX))
	}

	fn is_forgotten(&self, now: u32) -> bool {
		now.saturating_sub(self.counted) > REMEMBERED_BLOCKS
	}

	/// Thousandths of blocks that a job may count as.
	fn patience(&self, run: &Run) -> u64 {
		let Some(row_time) = self.row_time(run.from) else {
			return u64::MAX;
		};
		let usual = drain_time(self.in_flight, row_time) / (NANO / UNIT);
		let least = u64::from(LEAST_PATIENCE_BLOCKS).saturating_mul(UNIT);
		usual.saturating_mul(PATIENCE).max(least)
	}
}

/// Nanoblocks until so many rows are through, at so many for each.
pub fn drain_time(rows: u64, row_time: u64) -> u64 {
	rows.saturating_mul(row_time)
}
