//! The job auction of a block, as a pure function: which waiting job goes to which pipeline, and what it pays.
//!
//! Pipelines post their base price. Jobs come in the order of what they offer for a row, the earlier of two
//! equals before the later; each takes the cheapest pipeline that has a free slot and that its ceiling can pay,
//! and of several that ask the same the one where it is expected to be over first ([`crate::load`]). A winner
//! pays its *critical price*: the lowest ceiling with which it would still have won. Where the jobs of a model
//! are of one kind that is one price for a row: the highest losing bid where jobs exceed slots, else the base
//! price of the dearest slot in use. So the own bid decides whether a job is served and never what it pays: no
//! lie about it gains within a block. Which of equal pipelines a job takes depends on those before it and on its
//! rows, not on its own bid, so what was said holds whichever it is. What is paid above the base price of the
//! pipeline is the surplus; it is burned, so that no pipeline gains by stuffing the queue.

use crate::{
	ids::{JobId, ModelId, PipelineId},
	job::WaitingJob,
	load::{drain_time, NANO},
};
use alloc::{collections::BTreeMap, vec::Vec};
use core::cmp::Ordering;

/// What a live pipeline offers in this block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer {
	/// The pipeline.
	pub pipeline: PipelineId,
	/// Its model.
	pub model: ModelId,
	/// Slots that are free now.
	pub free_slots: u8,
	/// Rows at most of the jobs that it runs now.
	pub in_flight: u64,
	/// Nanoblocks that it takes for a row; none where nothing is known: then it counts as fast as the fastest
	/// of its model, and comes before it, so that it is tried.
	pub row_time: Option<u64>,
}

/// A job that found a pipeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Award {
	/// The job.
	pub job: JobId,
	/// Its pipeline.
	pub pipeline: PipelineId,
	/// Its rows at most.
	pub rows: u32,
	/// What the pipeline charges for all rows of the job, in planck.
	pub base: u128,
	/// What the job pays for all its rows, in planck: between the base price and its ceiling.
	pub price: u128,
}

impl Award {
	/// What is burned of the price, in planck.
	pub fn surplus(&self) -> u128 {
		self.price.saturating_sub(self.base)
	}
}

/// Awards at most `most` of the waiting jobs of one block. The order of `jobs` and `offers` does not matter.
///
/// `fee` answers what a pipeline charges for a job at most, in planck; `None` where it cannot serve it. With
/// `w` awards, `n` jobs and `p` pipelines of a model it takes `O(n log n + w·n·p)` steps.
pub fn award<BlockNumber: Ord + Copy>(
	jobs: &[WaitingJob<u128, BlockNumber>],
	offers: &[Offer],
	most: usize,
	fee: impl Fn(&WaitingJob<u128, BlockNumber>, PipelineId) -> Option<u128>,
) -> Vec<Award> {
	let mut queue: Vec<_> = jobs
		.iter()
		.map(|job| Request {
			asks: asks(job, offers, &fee),
			job,
		})
		.collect();
	queue.sort_by(|a, b| by_bid(a.job, b.job));
	let speeds = speeds(offers);
	let slots = Slots {
		speeds: &speeds,
		free: offers.iter().map(|offer| offer.free_slots).collect(),
		in_flight: offers.iter().map(|offer| offer.in_flight).collect(),
		awards: most,
	};
	let mut left = slots.clone();
	let mut awards = Vec::new();
	for (at, request) in queue.iter().enumerate() {
		let Some(ask) = left.serve(request) else {
			continue;
		};
		awards.push(Award {
			job: request.job.id,
			pipeline: ask.pipeline,
			rows: request.job.rows,
			base: ask.fee,
			price: critical_price(&queue, at, slots.clone()).max(ask.fee),
		});
	}
	awards
}

/// What a pipeline asks for a job.
#[derive(Clone, Copy)]
struct Ask {
	/// Planck for all rows.
	fee: u128,
	pipeline: PipelineId,
	/// Place among the offers.
	offer: usize,
}

/// A job with what the pipelines ask for it, the cheapest first.
struct Request<'a, BlockNumber> {
	job: &'a WaitingJob<u128, BlockNumber>,
	asks: Vec<Ask>,
}

fn asks<B>(
	job: &WaitingJob<u128, B>,
	offers: &[Offer],
	fee: &impl Fn(&WaitingJob<u128, B>, PipelineId) -> Option<u128>,
) -> Vec<Ask> {
	let able = offers
		.iter()
		.enumerate()
		.filter(|(_, offer)| offer.model == job.model && offer.free_slots > 0);
	let ask = |(place, offer): (usize, &Offer)| {
		fee(job, offer.pipeline).map(|fee| Ask {
			fee,
			pipeline: offer.pipeline,
			offer: place,
		})
	};
	let mut asks: Vec<_> = able.filter_map(ask).collect();
	asks.sort_by_key(|ask| (ask.fee, ask.pipeline));
	asks
}

/// How fast a pipeline is taken to be.
#[derive(Clone, Copy)]
struct Speed {
	/// Nanoblocks of a row.
	row_time: u64,
	/// Whether that is known.
	known: bool,
}

/// Of every offer. Where nothing is known of a whole model, a row takes a block everywhere, and the rows in
/// flight decide.
fn speeds(offers: &[Offer]) -> Vec<Speed> {
	let mut fastest = BTreeMap::<ModelId, u64>::new();
	for offer in offers {
		let Some(row_time) = offer.row_time else {
			continue;
		};
		let least = fastest.entry(offer.model).or_insert(row_time);
		*least = row_time.min(*least);
	}
	let speed = |offer: &Offer| Speed {
		row_time: offer
			.row_time
			.or_else(|| fastest.get(&offer.model).copied())
			.unwrap_or(NANO),
		known: offer.row_time.is_some(),
	};
	offers.iter().map(speed).collect()
}

/// What is left to award.
#[derive(Clone)]
struct Slots<'a> {
	/// How fast every offer is.
	speeds: &'a [Speed],
	/// Free slots of every offer.
	free: Vec<u8>,
	/// Rows in flight of every offer.
	in_flight: Vec<u64>,
	/// Awards that the block still makes.
	awards: usize,
}

impl Slots<'_> {
	/// The cheapest ask that has a slot; of equal ones that where the job is over first.
	fn cheapest<B>(&self, request: &Request<B>) -> Option<Ask> {
		if self.awards == 0 {
			return None;
		}
		let has_slot = |ask: &&Ask| self.free.get(ask.offer).is_some_and(|free| *free > 0);
		let mut free = request.asks.iter().filter(has_slot).peekable();
		let fee = free.peek()?.fee;
		let equal = free.take_while(|ask| ask.fee == fee);
		let first = equal.min_by_key(|ask| self.over(ask, request.job.rows));
		first.copied()
	}

	/// Orders asks of one fee: nanoblocks until a job of so many rows is over, unknown pipelines first, the
	/// lower number first.
	fn over(&self, ask: &Ask, rows: u32) -> (u64, bool, PipelineId) {
		let speed = self.speeds.get(ask.offer);
		let (row_time, known) = speed.map_or((NANO, true), |speed| (speed.row_time, speed.known));
		let ahead = self.in_flight.get(ask.offer).copied().unwrap_or(0);
		let time = drain_time(ahead.saturating_add(rows.into()), row_time);
		(time, known, ask.pipeline)
	}

	/// Takes the cheapest slot, if the job can pay it.
	fn serve<B>(&mut self, request: &Request<B>) -> Option<Ask> {
		let ask = self
			.cheapest(request)
			.filter(|ask| ask.fee <= request.job.max_price)?;
		if let Some(free) = self.free.get_mut(ask.offer) {
			*free = free.saturating_sub(1);
		}
		if let Some(ahead) = self.in_flight.get_mut(ask.offer) {
			*ahead = ahead.saturating_add(request.job.rows.into());
		}
		self.awards = self.awards.saturating_sub(1);
		Some(ask)
	}
}

/// The lowest ceiling, in planck, with which the winner at place `at` would still win.
///
/// Its place in the queue falls with its ceiling, and with its place the slots that it finds; so whoever
/// wins with a ceiling wins with every higher one. At each place it needs a ceiling that ranks it there and
/// that pays the cheapest slot which those before it leave; the least over all places is the critical price.
fn critical_price<B: Ord + Copy>(queue: &[Request<B>], at: usize, mut slots: Slots) -> u128 {
	let Some(winner) = queue.get(at) else {
		return 0;
	};
	let others = queue.iter().enumerate().filter(|(place, _)| *place != at);
	let mut lowest = u128::MAX;
	for (_, other) in others {
		let Some(ask) = slots.cheapest(winner) else {
			return lowest;
		};
		lowest = lowest.min(ask.fee.max(ceiling_before(winner.job, other.job)));
		slots.serve(other);
	}
	let last = slots.cheapest(winner).map_or(u128::MAX, |ask| ask.fee);
	lowest.min(last)
}

/// The lowest ceiling, in planck, with which `job` ranks before `other`.
fn ceiling_before<B: Ord + Copy>(job: &WaitingJob<u128, B>, other: &WaitingJob<u128, B>) -> u128 {
	let wins_ties = (job.submitted, job.id) < (other.submitted, other.id);
	let step = if wins_ties { 0 } else { 1 };
	bid(other).saturating_add(step).saturating_mul(rows(job))
}

/// Highest bid for a row first, then the earlier block, then the lower number.
fn by_bid<B: Ord + Copy>(a: &WaitingJob<u128, B>, b: &WaitingJob<u128, B>) -> Ordering {
	bid(b)
		.cmp(&bid(a))
		.then(a.submitted.cmp(&b.submitted))
		.then(a.id.cmp(&b.id))
}

/// What a job offers for a row, in planck, rounded down.
fn bid<B>(job: &WaitingJob<u128, B>) -> u128 {
	job.max_price / rows(job)
}

fn rows<B>(job: &WaitingJob<u128, B>) -> u128 {
	job.rows.max(1).into()
}
