//! The breaker as a count: what trips it, and what does not.

use dllm_primitives::{
	breaker::{Rules, Window, MAX_BLAMED, PARTS},
	ids::JobId,
};
use proptest::prelude::*;

const RULES: Rules = Rules {
	window: 60,
	term: 100,
	operators: 3,
	share_percent: 10,
};

/// A window in which every job of one list of blamed operators was judged in its block.
fn judged(jobs: &[(u32, &[u8])]) -> Window<u8> {
	let mut window = Window::default();
	for (job, (at, blames)) in (0..).zip(jobs) {
		window.count(&RULES, *at, job, 0, blames);
		assert!(window.is_sound());
	}
	window
}

#[test]
fn three_operators_in_three_jobs_are_correlated() {
	assert!(judged(&[(1, &[1]), (2, &[2]), (3, &[3])]).is_correlated(&RULES));
	assert!(!judged(&[(1, &[1]), (2, &[2])]).is_correlated(&RULES));
}

#[test]
fn one_operator_counts_once_however_many_keys_it_has() {
	let many = [(1, &[7u8, 7, 7][..]); 30];
	let window = judged(&many);
	assert_eq!((window.operators().len(), window.blamed()), (1, 30));
	assert!(!window.is_correlated(&RULES));
}

#[test]
fn one_job_counts_once_however_many_it_blames() {
	let window = judged(&[(1, &[1, 2, 3, 4])]);
	assert_eq!((window.operators().len(), window.blamed()), (1, 1));
	// Who is not named yet counts before who is.
	let window = judged(&[(1, &[1, 2]), (2, &[1, 2]), (3, &[1, 2])]);
	assert_eq!(window.operators().len(), 2);
}

#[test]
fn few_among_many_are_not_correlated() {
	let mut jobs = vec![(1, &[][..]); 28];
	let blames: [&[u8]; 3] = [&[1], &[2], &[3]];
	jobs.extend(blames.map(|blames| (1, blames)));
	// 3 of 31 are less than a tenth.
	assert!(!judged(&jobs).is_correlated(&RULES));
	jobs.remove(0);
	assert!(judged(&jobs).is_correlated(&RULES));
}

#[test]
fn what_is_older_than_the_window_does_not_count() {
	let part = RULES.window / PARTS as u32;
	let first = part * 3;
	let mut window = judged(&[(first, &[1]), (first, &[2])]);
	window.slide(&RULES, first + RULES.window - part);
	assert_eq!((window.judged(), window.operators().len()), (2, 2));
	window.slide(&RULES, first + RULES.window);
	assert!(window.is_empty());
	assert!(window.operators().is_empty());
	let late = judged(&[(first, &[1]), (first, &[2]), (first + RULES.window, &[3])]);
	assert!(!late.is_correlated(&RULES));
}

#[test]
fn an_operator_counts_by_its_latest_verdict() {
	let window = judged(&[(1, &[1]), (55, &[1]), (61, &[2]), (62, &[3])]);
	assert_eq!(window.operators().len(), 3);
	assert!(window.is_correlated(&RULES));
}

#[test]
fn the_latest_operators_stay() {
	let all = (0..=MAX_BLAMED as u8).collect::<Vec<_>>();
	let jobs = all.iter().map(|who| (1, std::slice::from_ref(who)));
	let window = judged(&jobs.collect::<Vec<_>>());
	assert_eq!(window.operators().len(), MAX_BLAMED as usize);
	assert!(window.operators().iter().all(|one| one.operator > 0));
}

#[test]
fn rules_that_contradict_themselves_are_found() {
	assert!(RULES.are_sound());
	let broken = [
		Rules { window: 5, ..RULES },
		Rules { term: 0, ..RULES },
		Rules {
			operators: 1,
			..RULES
		},
		Rules {
			operators: MAX_BLAMED + 1,
			..RULES
		},
		Rules {
			share_percent: 0,
			..RULES
		},
		Rules {
			share_percent: 101,
			..RULES
		},
	];
	assert!(broken.iter().all(|rules| !rules.are_sound()));
}

proptest! {
	/// However jobs come, the counts are those of the jobs of the latest parts.
	#[test]
	fn a_window_counts_what_lies_in_it(
		jobs in prop::collection::vec((0..40u32, prop::collection::vec(0..6u8, 0..3)), 1..60),
	) {
		let (mut window, mut now, mut all) = (Window::default(), 0, Vec::<(u32, bool)>::new());
		let part = RULES.window / PARTS as u32;
		for (job, (after, blames)) in (0 as JobId..).zip(&jobs) {
			now += after;
			window.count(&RULES, now, job, 0, blames);
			all.push((now / part, !blames.is_empty()));
			let counted = all.iter().filter(|(at, _)| at + PARTS as u32 > now / part);
			prop_assert_eq!(window.judged() as usize, counted.clone().count());
			prop_assert_eq!(window.blamed() as usize, counted.filter(|(_, blamed)| *blamed).count());
			prop_assert!(window.is_sound());
		}
	}
}
