//! The load of a pipeline: what its jobs show of its speed, and what cannot shake that.

use dllm_primitives::load::{Load, Run, HALF_LIFE_BLOCKS, NANO, PATIENCE, REMEMBERED_BLOCKS};
use proptest::{collection::vec, prelude::*};

fn run(from: u32, until: u32, rows: u32) -> Run {
	Run {
		ceiling: rows,
		rows,
		from,
		until,
	}
}

/// A load that has seen these jobs, each awarded before any of them was over.
fn after(runs: &[Run]) -> Load {
	let mut load = Load::default();
	runs.iter().for_each(|run| load.take(run.ceiling));
	runs.iter().for_each(|run| load.learn(run));
	load
}

#[test]
fn nothing_is_known_before_the_first_job() {
	assert_eq!(Load::default().row_time(9), None);
	assert_eq!(Load::default().pace(9), None);
}

#[test]
fn a_row_takes_the_blocks_of_running_over_the_rows_that_passed() {
	let load = after(&[run(10, 14, 8)]);
	assert_eq!(
		(load.row_time(14), load.pace(14)),
		(Some(NANO / 2), Some(2_000))
	);
	assert_eq!(load.in_flight, 0);
}

#[test]
fn blocks_in_which_several_jobs_ran_count_once() {
	let together = [run(10, 14, 8), run(10, 14, 8), run(12, 14, 8)];
	assert_eq!(after(&together).pace(14), Some(6_000));
	// A job after them took two blocks more, of which only those count.
	let load = after(&[run(10, 12, 8), run(11, 14, 8)]);
	assert_eq!(
		load.busy, 3_875,
		"two blocks, faded by a sixteenth, and two"
	);
}

#[test]
fn idle_blocks_do_not_count() {
	assert_eq!(after(&[run(10, 12, 4), run(300, 302, 4)]).rows, 7_750);
	let load = after(&[run(10, 12, 4), run(300, 302, 4)]);
	assert_eq!(load.pace(302), Some(2_000));
}

#[test]
fn earlier_running_counts_half_after_a_half_life() {
	let mut load = after(&[run(0, 1, 100)]);
	let slow = run(1, 1 + HALF_LIFE_BLOCKS, 1_000);
	load.take(slow.ceiling);
	load.learn(&slow);
	assert_eq!((load.rows, load.busy), (1_050_000, 16_500));
}

#[test]
fn what_is_too_old_is_forgotten_and_learnt_anew() {
	let mut load = after(&[run(0, 90, 1)]);
	let last = 90 + REMEMBERED_BLOCKS;
	assert!(load.row_time(last).is_some());
	assert_eq!((load.row_time(last + 1), load.pace(last + 1)), (None, None));
	load.take(50);
	load.learn(&run(last + 1, last + 2, 50));
	assert_eq!(load.pace(last + 2), Some(50_000));
}

#[test]
fn jobs_that_are_not_served_make_it_slow_and_only_those_infinitely() {
	let failed = Run {
		rows: 0,
		..run(0, 20, 10)
	};
	let mut load = after(&[failed]);
	assert_eq!(
		(load.row_time(20), load.pace(20)),
		(Some(u64::MAX), Some(0))
	);
	load.take(10);
	load.learn(&run(20, 21, 10));
	assert!(load.pace(21) > Some(0));
}

#[test]
fn one_job_that_takes_for_ever_counts_four_times_what_it_should_have_taken() {
	let steady = (0..40).map(|at| run(10 * at, 10 * at + 5, 50));
	let load = steady.fold(Load::default(), |mut load, run| {
		load.take(run.ceiling);
		load.learn(&run);
		load
	});
	// Rounding takes a thousandth.
	assert_eq!(load.pace(400), Some(9_999));
	let mut shaken = load;
	shaken.take(50);
	shaken.learn(&run(400, 1_000, 50));
	let pace = shaken.pace(1_000).expect("is known");
	assert!(
		(4_000..6_000).contains(&pace),
		"600 blocks count as {} of 5: {pace}",
		PATIENCE
	);
}

#[test]
fn a_job_that_says_nothing_only_frees_its_slot() {
	let mut load = after(&[run(0, 4, 8)]);
	let before = load;
	load.take(9);
	load.give_back(9);
	assert_eq!(load, before);
}

proptest! {
	/// At a steady rate, whatever the sizes of the jobs and the gaps between them, the pace is within rounding
	/// to blocks of the rate.
	#[test]
	fn finds_a_steady_rate(rate in 1..50u32, jobs in vec((1..20u32, 0..30u32), 1..60)) {
		let mut load = Load::default();
		let mut now = 0;
		for (blocks, idle) in jobs {
			let job = run(now + idle, now + idle + blocks, rate * blocks);
			load.take(job.ceiling);
			load.learn(&job);
			now = job.until;
		}
		let pace = load.pace(now).expect("has run");
		let exact = u64::from(rate) * 1_000;
		prop_assert!(pace.abs_diff(exact) <= exact / 50 + 1, "{} for {}", pace, exact);
	}

	/// Whatever a pipeline is told, no figure overflows, nothing is in flight once all are over, and the faster
	/// of two that otherwise saw the same is known to be.
	#[test]
	fn keeps_its_figures(jobs in vec((any::<u32>(), any::<u32>(), any::<u32>(), any::<u32>()), 0..20)) {
		let runs = jobs.into_iter().map(|(ceiling, rows, from, until)| Run { ceiling, rows, from, until });
		let runs = runs.collect::<Vec<_>>();
		let load = after(&runs);
		prop_assert_eq!(load.in_flight, 0);
		prop_assert!(load.row_time(load.counted).is_some() || load.busy == 0);
	}
}
