//! Reports of links: every link once, the worse of both ends, and no lie that improves it.

use dllm_primitives::{
	cost::link::LinkFigures,
	links::{merge, Probed, Reading, Report, PLAUSIBLE_ROUND_TRIP_US},
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
