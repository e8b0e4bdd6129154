//! Reports of links: every link once, the worse of both ends, no lie that improves it, and who is believed.

use crate::dice::Dice;
use dllm_primitives::{
	cost::link::LinkFigures,
	links::{is_contradicted, merge, Probed, Reading, Report, PLAUSIBLE_ROUND_TRIP_US},
	rank::Quality,
};
use proptest::{
	collection::{btree_map, vec},
	prelude::*,
};
use std::collections::BTreeMap;

const READING: Reading = Reading {
	rtt_us: 8_001,
	jitter_us: 500,
	loss_ppm: 20,
	bytes_per_second: 1_000_000,
};

fn any_reading() -> impl Strategy<Value = Reading> {
	let rtt = *PLAUSIBLE_ROUND_TRIP_US.start() as u32..=*PLAUSIBLE_ROUND_TRIP_US.end() as u32;
	let figures = (
		rtt,
		0..=30_000_000u32,
		0..=500_000u32,
		100..=1_000_000_000_000u64,
	);
	figures.prop_map(|(rtt_us, jitter_us, loss_ppm, bytes_per_second)| Reading {
		rtt_us,
		jitter_us,
		loss_ppm,
		bytes_per_second,
	})
}

/// Reports of workers 0 to 7 about each other, themselves among them.
fn any_reports() -> impl Strategy<Value = Vec<(u8, Report<u8, u32>)>> {
	let links = btree_map(0..8u8, any_reading(), 0..8);
	let report = (0..1_000u32, links).prop_map(|(block, links)| report(block, &links));
	btree_map(0..8u8, report, 0..8).prop_map(|reports| reports.into_iter().collect())
}

fn report(block: u32, links: &BTreeMap<u8, Reading>) -> Report<u8, u32> {
	let links = links.iter().map(|(peer, reading)| Probed {
		peer: *peer,
		reading: *reading,
	});
	let links = links.collect::<Vec<_>>().try_into().unwrap();
	Report { block, links }
}

fn one(block: u32, peer: u8, reading: Reading) -> Report<u8, u32> {
	report(block, &BTreeMap::from([(peer, reading)]))
}

fn said(reports: &[(u8, Report<u8, u32>)], by: u8, of: u8) -> Option<(u32, Reading)> {
	let (_, report) = reports.iter().find(|(who, _)| *who == by)?;
	let link = report.links.iter().find(|link| link.peer == of)?;
	Some((report.block, link.reading))
}

fn no_better(a: &Reading, b: &Reading) -> bool {
	a.worse(b) == *a
}

#[test]
fn half_a_round_trip_is_rounded_up() {
	let figures = LinkFigures {
		latency_us: 4_001,
		jitter_us: 500,
		loss_ppm: 20,
		bytes_per_second: 1_000_000,
		efficiency_ppm: 1_000_000,
	};
	assert_eq!(READING.figures(), figures);
}

#[test]
fn figures_that_cannot_be_true_are_named() {
	let wrong = |harm: fn(&mut Reading)| {
		let mut reading = READING;
		harm(&mut reading);
		reading.implausible().map(|(name, _)| name)
	};
	assert_eq!(wrong(|_| {}), None);
	assert_eq!(wrong(|reading| reading.rtt_us = 0), Some("rtt_us"));
	assert_eq!(wrong(|reading| reading.rtt_us = 60_000_001), Some("rtt_us"));
	let jitter = wrong(|reading| reading.jitter_us = 30_000_001);
	assert_eq!(jitter, Some("jitter_us"));
	assert_eq!(
		wrong(|reading| reading.loss_ppm = 500_001),
		Some("loss_ppm")
	);
	for speed in [
		|r: &mut Reading| r.bytes_per_second = 0,
		|r: &mut Reading| r.bytes_per_second = u64::MAX,
	] {
		assert_eq!(wrong(speed), Some("bytes_per_second"));
	}
}

proptest! {
	#[test]
	fn every_link_stands_once_with_what_its_ends_said(reports in any_reports()) {
		let links = merge(reports.clone());
		let ends: Vec<_> = links.iter().map(|link| link.ends).collect();
		prop_assert!(ends.is_sorted_by(|a, b| a < b));
		for link in &links {
			let [a, b] = link.ends;
			prop_assert!(a < b);
			let said = [said(&reports, a, b), said(&reports, b, a)];
			prop_assert_eq!(link.reported, said.map(|said| said.map(|(block, _)| block)));
			let readings = said.iter().flatten().map(|(_, reading)| *reading);
			prop_assert_eq!(Some(link.reading), readings.reduce(|x, y| x.worse(&y)));
		}
		let named = reports.iter().flat_map(|(who, report)| {
			report.links.iter().map(move |link| [(*who).min(link.peer), (*who).max(link.peer)])
		});
		for pair in named.filter(|[a, b]| a != b) {
			prop_assert!(ends.contains(&pair));
		}
	}

	#[test]
	fn the_order_of_reports_changes_nothing(reports in any_reports(), order in vec(any::<u32>(), 8)) {
		let mut shuffled: Vec<_> = reports.iter().cloned().zip(order).collect();
		shuffled.sort_by_key(|(_, key)| *key);
		let shuffled = shuffled.into_iter().map(|(report, _)| report);
		prop_assert_eq!(merge(shuffled), merge(reports));
	}

	#[test]
	fn no_lie_is_better_than_what_the_other_end_measured(honest in any_reading(), lie in any_reading()) {
		let merged = |said| merge([(1, one(5, 2, said)), (2, one(6, 1, honest))])[0].reading;
		prop_assert!(no_better(&merged(lie), &honest));
		prop_assert!(no_better(&merged(lie), &merged(honest)));
	}

	#[test]
	fn a_report_alone_stands_as_it_is_and_says_so(reading in any_reading(), block in any::<u32>()) {
		let links = merge([(2, one(block, 1, reading)), (1, report(7, &BTreeMap::new()))]);
		prop_assert_eq!(links.len(), 1);
		prop_assert_eq!(links[0].reading, reading);
		prop_assert_eq!(links[0].reported, [None, Some(block)]);
	}

	#[test]
	fn what_can_be_reported_can_be_planned_with(reading in any_reading()) {
		prop_assert_eq!(reading.implausible(), None);
		prop_assert_eq!(reading.figures().implausible(), None);
	}
}

#[test]
fn ends_contradict_each_other_beyond_what_medians_and_lines_explain() {
	let rtt = |rtt_us| Reading { rtt_us, ..READING };
	let speed = |bytes_per_second| Reading {
		bytes_per_second,
		..READING
	};
	// Four times 8 001 µs and 10 ms; a hundredth.
	for (other, contradicts) in [
		(rtt(42_004), false),
		(rtt(42_005), true),
		(rtt(1), false),
		(speed(10_000), false),
		(speed(9_999), true),
		(speed(100_000_000), false),
		(speed(100_000_001), true),
	] {
		assert_eq!(READING.contradicts(&other), contradicts, "{other:?}");
		assert_eq!(other.contradicts(&READING), contradicts, "{other:?}");
	}
}

#[test]
fn more_than_half_of_three_operators_contradict_a_report() {
	let answer = |voices: &[(u8, bool)]| is_contradicted(voices.iter().copied());
	assert_eq!(answer(&[]), None);
	assert_eq!(answer(&[(1, true), (2, true)]), None);
	assert_eq!(answer(&[(1, true), (2, true), (3, false)]), Some(true));
	assert_eq!(answer(&[(1, true), (2, false), (3, false)]), Some(false));
	let even = [(1, true), (2, true), (3, false), (4, false)];
	assert_eq!(answer(&even), Some(false));
	// An operator is against a report if all of its workers are.
	assert_eq!(
		answer(&[(1, true), (2, true), (2, false), (3, false)]),
		Some(false)
	);
}

proptest! {
	/// One operator, with as many workers as it likes, lowers nobody's rank.
	#[test]
	fn one_operator_contradicts_no_report(
		others in vec(1..20u8, 0..16),
		own in 0..16usize,
	) {
		let liars = std::iter::repeat_n((0u8, true), own);
		let voices = others.into_iter().map(|operator| (operator, false)).chain(liars);
		prop_assert_ne!(is_contradicted(voices), Some(true));
	}
}

/// A network of workers of different operators, each with a line of its own; every one reports links to all.
struct Neighbours {
	dice: Dice,
	/// Bytes a second that each receives and sends.
	lines: Vec<(u64, u64)>,
	qualities: Vec<Quality>,
	reports: Vec<Vec<Option<Reading>>>,
}

impl Neighbours {
	const COUNT: usize = 10;

	fn new(seed: u64) -> Self {
		let mut dice = Dice::new(seed);
		// Lines that send up to 40 times slower than they receive.
		let mut line = || {
			let receives = 1_000_000 * (1 + dice.below(100));
			(receives, receives / (1 + dice.below(40)))
		};
		let lines = (0..Self::COUNT).map(|_| line()).collect();
		let mut worked = Quality::new(0);
		(0..1_000).for_each(|_| worked.pass(0));
		Self {
			dice,
			lines,
			qualities: vec![worked; Self::COUNT],
			reports: vec![vec![None; Self::COUNT]; Self::COUNT],
		}
	}

	/// What a worker measures of its link to another: the way between them, up to a third off, ten times as
	/// long in one report of twenty.
	fn measured(&mut self, from: usize, to: usize, congested: bool) -> Reading {
		let way = 2_000 + 9_000 * from.abs_diff(to) as u64;
		let off = |figure: u64, dice: &mut Dice| figure * (67 + dice.below(67)) / 100;
		let rtt = off(way, &mut self.dice) * if congested { 10 } else { 1 };
		let speed = self.lines[from].0.min(self.lines[to].1);
		Reading {
			rtt_us: rtt as u32,
			bytes_per_second: off(speed, &mut self.dice),
			..READING
		}
	}

	/// A worker reports, as `lie` alters what it measured of each other one, and is answered by the reports of
	/// these.
	fn report(&mut self, who: usize, lie: impl Fn(usize, Reading) -> Reading) {
		let congested = self.dice.below(20) == 0;
		let mut witnesses = Vec::new();
		for to in (0..Self::COUNT).filter(|to| *to != who) {
			let reading = lie(to, self.measured(who, to, congested));
			if let Some(back) = &self.reports[to][who] {
				witnesses.push((to, back.contradicts(&reading)));
			}
			self.reports[who][to] = Some(reading);
		}
		if let Some(contradicted) = is_contradicted(witnesses) {
			self.qualities[who].hear(contradicted);
		}
	}

	/// Ranks after a hundred reports of everybody, of whom the first one lies.
	fn ranks(mut self, lie: impl Fn(usize, Reading) -> Reading) -> Vec<u32> {
		for _ in 0..100 {
			self.report(0, &lie);
			(1..Self::COUNT).for_each(|who| self.report(who, |_, honest| honest));
		}
		self.qualities
			.iter()
			.map(|quality| quality.rank(0))
			.collect()
	}
}

fn praise(_: usize, honest: Reading) -> Reading {
	Reading {
		rtt_us: 1,
		bytes_per_second: 1_000_000_000_000,
		..honest
	}
}

fn slander(_: usize, honest: Reading) -> Reading {
	Reading {
		rtt_us: honest.rtt_us * 8 + 20_000,
		..honest
	}
}

/// Slander of one worker, the truth of the others.
fn pick_on_one(to: usize, honest: Reading) -> Reading {
	match to {
		1 => slander(to, honest),
		_ => honest,
	}
}

#[test]
fn who_lies_about_its_links_loses_rank_and_honest_neighbours_do_not() {
	for seed in 0..20 {
		let honest = Neighbours::new(seed).ranks(|_, honest| honest);
		assert!(honest.iter().all(|rank| *rank == honest[0]), "{honest:?}");
		for lie in [praise, slander] {
			let ranks = Neighbours::new(seed).ranks(lie);
			assert!(
				ranks[0] < honest[0] * 6 / 10,
				"{} of {}",
				ranks[0],
				honest[0]
			);
			assert_eq!(ranks[1..], honest[1..]);
		}
	}
}

#[test]
fn a_lie_about_one_neighbour_costs_that_one_no_rank() {
	for seed in 0..20 {
		let honest = Neighbours::new(seed).ranks(|_, honest| honest);
		assert_eq!(Neighbours::new(seed).ranks(pick_on_one), honest);
	}
}
