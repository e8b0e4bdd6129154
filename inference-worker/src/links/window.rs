//! The latest samples of one link, and what they say.
//!
//! Streams hide loss: what is lost is sent again, and comes late. So a ping counts as lost that did not come
//! back, or took longer than a round trip and the time after which a transport sends again (RFC 9002, 6.2.1,
//! as in `dllm_primitives::cost::link`).

use crate::network::probes::Visit;
use dllm_primitives::{
	cost::{
		link::{ACKNOWLEDGEMENT_DELAY_US, TIMER_US},
		PLAUSIBLE_NETWORK_SPEED,
	},
	links::Reading,
};
use std::{
	collections::VecDeque,
	time::{Duration, Instant},
};

/// Pings that are looked at, of 16 visits at most.
const PINGS: usize = 128;
/// Older pings say nothing any more: a report counts no longer either (200 blocks of 3 s). At a visit every
/// two minutes some 40 are younger, of which one that is lost is 1.3 % of loss.
const PINGS_LIFE: Duration = Duration::from_secs(600);
/// Pings that a reading needs: one that is late by chance is 3 % of loss at most.
const FEWEST_PINGS: usize = 16;
/// Transfers that are looked at; their median stands, so that work under way in one of them is forgiven.
const TRANSFERS: usize = 3;
/// From one transfer to the next: 34 MB a day from 16 peers, and as many to them.
const TRANSFER_EVERY: Duration = Duration::from_secs(3 * 3600);
/// Older transfers are forgotten: by then as many as are looked at should have come.
const TRANSFERS_LIFE: Duration = Duration::from_secs(TRANSFERS as u64 * TRANSFER_EVERY.as_secs());
/// Visits in a row without an answer after which a link is gone.
const GONE_AFTER: u32 = 2;
/// Refusals in a row that are forgiven: a peer that is busy for longer is of no use.
const REFUSALS: u32 = 3;
/// Longest rest of a peer that does not answer.
const LONGEST_REST: Duration = Duration::from_secs(3600);

/// The latest samples of one link.
#[derive(Clone, Debug, Default)]
pub struct Window {
	/// Round trips in microseconds, the oldest first; none for what did not come back.
	round_trips: VecDeque<(Instant, Option<u32>)>,
	/// Bytes a second, the oldest first.
	speeds: VecDeque<(Instant, u64)>,
	/// Visits in a row without an answer.
	missed: u32,
	/// Visits in a row that were refused for want of time.
	refused: u32,
	/// When the next visit is worth it; at once where none.
	rests_until: Option<Instant>,
}

impl Window {
	/// Whether the peer is visited now: one that does not answer rests.
	pub fn is_due(&self, now: Instant) -> bool {
		self.rests_until.is_none_or(|until| now >= until)
	}

	/// Whether the next visit asks for a transfer.
	pub fn wants_transfer(&self, now: Instant) -> bool {
		let last = self.speeds.back();
		last.is_none_or(|(at, _)| now.saturating_duration_since(*at) >= TRANSFER_EVERY)
	}

	/// Takes in what a visit found.
	pub fn add(&mut self, visit: &Visit, now: Instant) {
		(self.missed, self.refused, self.rests_until) = (0, 0, None);
		let micros = |time: Duration| u32::try_from(time.as_micros()).unwrap_or(u32::MAX);
		for round_trip in &visit.round_trips {
			// No link is quicker than a microsecond.
			let time = round_trip.map(|time| micros(time).max(1));
			push(&mut self.round_trips, (now, time), PINGS);
		}
		if let Some(speed) = visit.bytes_per_second {
			push(&mut self.speeds, (now, speed), TRANSFERS);
		}
	}

	/// Notes a visit without an answer, of those made every `period`. After a few of them nothing of the link
	/// is left, and the peer rests for two periods, then for four, and so on.
	pub fn miss(&mut self, now: Instant, period: Duration) {
		self.missed = self.missed.saturating_add(1);
		if self.missed >= GONE_AFTER {
			let doubled = 1u32.checked_shl(self.missed - 1).unwrap_or(u32::MAX);
			let rest = period.saturating_mul(doubled).min(LONGEST_REST);
			*self = Self {
				missed: self.missed,
				refused: self.refused,
				rests_until: Some(now + rest),
				..Self::default()
			};
		}
	}

	/// Notes a visit for which the peer had no time; after a few in a row each is one without an answer.
	pub fn refuse(&mut self, now: Instant, period: Duration) {
		self.refused = self.refused.saturating_add(1);
		if self.refused > REFUSALS {
			self.miss(now, period);
		}
	}

	/// What the samples say that are not too old; none while there are too few.
	pub fn reading(&self, now: Instant) -> Option<Reading> {
		let round_trips = young(&self.round_trips, now, PINGS_LIFE);
		if round_trips.len() < FEWEST_PINGS {
			return None;
		}
		let came = round_trips.iter().flatten();
		let mut came = came.copied().collect::<Vec<_>>();
		came.sort_unstable();
		let rtt_us = median(&came)?;
		let off = came.iter().map(|time| time.abs_diff(rtt_us));
		let mut off = off.collect::<Vec<_>>();
		off.sort_unstable();
		let variation = median(&off)?.saturating_mul(4).max(TIMER_US);
		let late = rtt_us
			.saturating_mul(2)
			.saturating_add(variation)
			.saturating_add(ACKNOWLEDGEMENT_DELAY_US);
		came.retain(|time| *time < late);
		let lost = round_trips.len() - came.len();
		// A round trip is two packets, one of which was lost.
		let loss_ppm = (lost * 1_000_000).div_ceil(2 * round_trips.len());
		let mut speeds = young(&self.speeds, now, TRANSFERS_LIFE);
		speeds.sort_unstable();
		let (slowest, fastest) = PLAUSIBLE_NETWORK_SPEED.into_inner();
		Some(Reading {
			rtt_us,
			jitter_us: came.last()?.saturating_sub(*came.first()?),
			loss_ppm: u32::try_from(loss_ppm).unwrap_or(u32::MAX),
			bytes_per_second: median(&speeds)?.clamp(slowest, fastest),
		})
	}
}

/// The samples that are no older than `life`.
fn young<T: Copy>(samples: &VecDeque<(Instant, T)>, now: Instant, life: Duration) -> Vec<T> {
	let young = samples
		.iter()
		.filter(|(at, _)| now.saturating_duration_since(*at) <= life);
	young.map(|(_, sample)| *sample).collect()
}

/// Drops the oldest where there are enough.
fn push<T>(samples: &mut VecDeque<T>, sample: T, most: usize) {
	if samples.len() >= most {
		samples.pop_front();
	}
	samples.push_back(sample);
}

/// The lower one of the two in the middle.
fn median<T: Copy>(sorted: &[T]) -> Option<T> {
	sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}
