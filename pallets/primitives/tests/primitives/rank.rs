//! The rank of a worker: where it starts, what moves it, and that it stays within its bounds.

use dllm_primitives::{
	capacity::FULL_RANK,
	rank::{Quality, HALF_LIFE_BLOCKS, MOST_DISCREDIT, TOLERATED_DOUBT},
};
use proptest::{collection::vec, prelude::*};

#[test]
fn a_newcomer_has_a_quarter() {
	assert_eq!(Quality::new(7).rank(7), FULL_RANK / 4);
	assert_eq!(Quality::new(7).rank(u32::MAX), FULL_RANK / 4);
}

#[test]
fn one_pass_counts_a_sixteenth() {
	let mut quality = Quality::new(0);
	quality.pass(5);
	assert_eq!((quality.reliability, quality.finished), (531_250, 1_000));
	// 0.53125 × 33 ÷ 65.
	assert_eq!(quality.rank(5), 269_711);
}

#[test]
fn steady_work_reaches_the_full_reliability_and_nearly_the_full_rank() {
	let mut quality = Quality::new(0);
	(0..10_000).for_each(|block| quality.pass(block));
	assert_eq!(quality.reliability, FULL_RANK);
	assert!(quality.rank(10_000) > FULL_RANK / 100 * 99);
}

#[test]
fn finished_work_counts_half_after_a_half_life_and_three_quarters_at_its_middle() {
	let mut quality = Quality::new(0);
	(0..64).for_each(|_| quality.pass(0));
	let finished_at = |block| {
		let mut later = quality;
		later.fail(block);
		later.finished
	};
	assert_eq!(finished_at(0), 64_000);
	assert_eq!(finished_at(HALF_LIFE_BLOCKS / 2), 48_000);
	assert_eq!(finished_at(HALF_LIFE_BLOCKS), 32_000);
	assert_eq!(finished_at(3 * HALF_LIFE_BLOCKS), 8_000);
	assert_eq!(finished_at(u32::MAX), 0);
}

#[test]
fn a_conviction_ends_it_and_work_brings_it_back() {
	let mut quality = Quality::new(0);
	(0..64).for_each(|_| quality.pass(0));
	quality.convict(1);
	assert_eq!(quality.rank(1), 0);
	quality.pass(2);
	assert!((1..FULL_RANK / 16).contains(&quality.rank(2)));
}

/// A worker with steady work, contradicted in every so-manieth of 200 reports.
fn contradicted_every(nth: u32) -> Quality {
	let mut quality = Quality::new(0);
	(0..10_000).for_each(|_| quality.pass(0));
	(1..=200).for_each(|report| quality.hear(report % nth == 0));
	quality
}

#[test]
fn a_contradicted_report_now_and_then_costs_nothing() {
	let best = contradicted_every(u32::MAX).rank(0);
	assert_eq!(contradicted_every(8).rank(0), best);
	assert!(contradicted_every(8).doubt > 0);
	assert!(contradicted_every(2).rank(0) < best);
}

#[test]
fn contradiction_takes_half_of_the_rank_and_true_reports_bring_it_back() {
	let best = contradicted_every(u32::MAX).rank(0);
	let mut liar = contradicted_every(1);
	assert_eq!(liar.doubt, FULL_RANK);
	let half = u64::from(best) * u64::from(FULL_RANK - MOST_DISCREDIT) / u64::from(FULL_RANK);
	assert_eq!(u64::from(liar.rank(0)), half);
	let reports = (1..).find(|_| {
		liar.hear(false);
		liar.doubt <= TOLERATED_DOUBT
	});
	assert_eq!(reports, Some(22), "an hour of reports");
	assert_eq!(liar.rank(0), best);
}

#[test]
fn a_conviction_does_not_clear_doubts() {
	let mut liar = contradicted_every(1);
	liar.convict(0);
	assert_eq!(liar.doubt, FULL_RANK);
}

proptest! {
	#[test]
	fn stays_in_bounds_and_moves_the_right_way(steps in vec((0..5u8, 0..50_000u32), 0..200)) {
		let mut quality = Quality::new(0);
		let mut now = 0u32;
		for (step, blocks) in steps {
			now += blocks;
			let before = quality.rank(now);
			match step {
				0 => quality.pass(now),
				1 => quality.fail(now),
				2 => quality.convict(now),
				heard => quality.hear(heard == 3),
			}
			let after = quality.rank(now);
			prop_assert!(after <= FULL_RANK);
			// Of what doubt takes, a step of one may be lost.
			let lost = quality.doubt > TOLERATED_DOUBT && after == before;
			let right = match step {
				0 => after > before || before == FULL_RANK || lost,
				1 => after < before || before == 0 || lost,
				2 => after == 0,
				3 => after <= before,
				_ => after >= before,
			};
			prop_assert!(right, "step {} from {} to {}", step, before, after);
			prop_assert!(quality.rank(now + blocks) <= after, "idleness raised a rank");
		}
	}
}
