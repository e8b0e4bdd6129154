//! Links without a network: what samples say, whom a worker probes, and when it reports.

use dllm_primitives::{
	api::{PipelineView, StageView, WorkerView},
	links::{Links, Probed, Reading, Report},
	miner::Roles,
	model::LayerRange,
	plan::PipelineState,
};
use dllm_worker::{
	chain::AccountId32,
	links::{choose, is_due, Options, Pace, Rules, Window},
	network::probes::{Allowance, Visit},
};
use libp2p::identity::Keypair;
use std::time::{Duration, Instant};

const PACE: Pace = Pace {
	pause: 20,
	lifetime: 200,
};

fn account(number: u8) -> AccountId32 {
	AccountId32::new([number; 32])
}

/// A visit with these round trips in milliseconds; 0 stands for a ping that did not come back.
fn visit(millis: &[u64]) -> Visit {
	let time = |millis: &u64| (*millis > 0).then(|| Duration::from_millis(*millis));
	Visit {
		round_trips: millis.iter().map(time).collect(),
		bytes_per_second: None,
	}
}

fn transfer(bytes_per_second: u64) -> Visit {
	Visit {
		bytes_per_second: Some(bytes_per_second),
		..Visit::default()
	}
}

const PERIOD: Duration = Duration::from_secs(120);

fn window(visits: &[Visit], now: Instant) -> Window {
	let mut window = Window::default();
	visits.iter().for_each(|visit| window.add(visit, now));
	window
}

/// What these visits say, all made at once.
fn read(visits: &[Visit]) -> Option<Reading> {
	let now = Instant::now();
	window(visits, now).reading(now)
}

#[test]
fn a_link_is_read_from_sixteen_pings_and_a_transfer() {
	let steady = visit(&[20, 22, 24, 26, 28, 20, 24, 24]);
	let speed = transfer(5_000_000);
	assert_eq!(read(&[steady.clone(), speed.clone()]), None);
	assert_eq!(read(&[steady.clone(), steady.clone()]), None);
	let reading = Reading {
		rtt_us: 24_000,
		jitter_us: 8_000,
		loss_ppm: 0,
		bytes_per_second: 5_000_000,
	};
	assert_eq!(read(&[steady.clone(), steady, speed]), Some(reading));
}

#[test]
fn what_is_late_or_never_comes_is_lost_in_one_of_two_directions() {
	let good = visit(&[20; 8]);
	// Sent again after a round trip, 25 ms and the timer: 66 ms or more in all.
	for (lossy, loss_ppm) in [
		(visit(&[20, 20, 20, 20, 65, 20, 20, 20]), 0),
		(visit(&[20, 20, 20, 20, 66, 20, 20, 20]), 31_250),
		(visit(&[20, 20, 20, 20, 300, 20, 0, 20]), 62_500),
	] {
		let reading = read(&[good.clone(), lossy, transfer(1_000)]).expect("enough");
		assert_eq!(reading.loss_ppm, loss_ppm);
		assert_eq!(reading.jitter_us, if loss_ppm == 0 { 45_000 } else { 0 });
	}
	// Nothing but losses is no link.
	let nothing = read(&[visit(&[0; 8]), visit(&[0; 8]), transfer(1_000)]);
	assert_eq!(nothing, None);
}

#[test]
fn the_median_transfer_counts_and_none_is_beyond_the_plausible() {
	let speed = |speeds: &[u64]| {
		let pings = [visit(&[20; 8]), visit(&[20; 8])];
		let transfers = speeds.iter().map(|speed| transfer(*speed));
		let visits = pings.into_iter().chain(transfers).collect::<Vec<_>>();
		read(&visits).map(|reading| reading.bytes_per_second)
	};
	assert_eq!(speed(&[100_000, 500, 950]), Some(950));
	// Only the latest three are looked at.
	assert_eq!(speed(&[1, 1, 1, 1_000, 1_000, 1_000]), Some(1_000));
	assert_eq!(speed(&[1]), Some(100));
	assert_eq!(speed(&[u64::MAX]), Some(1_000_000_000_000));
}

#[test]
fn newer_samples_push_older_ones_out() {
	let slow = [transfer(1_000)].into_iter();
	let slow = slow.chain((0..16).map(|_| visit(&[500; 8])));
	let visits = slow.chain((0..16).map(|_| visit(&[20; 8])));
	let reading = read(&visits.collect::<Vec<_>>()).expect("enough");
	assert_eq!((reading.rtt_us, reading.loss_ppm), (20_000, 0));
}

#[test]
fn samples_older_than_a_report_may_be_are_not_reported() {
	let start = Instant::now();
	let mut window = window(
		&[visit(&[500; 8]), visit(&[500; 8]), transfer(1_000)],
		start,
	);
	let minutes = |minutes: u64| start + Duration::from_secs(60 * minutes);
	assert!(window.reading(minutes(10)).is_some());
	assert_eq!(window.reading(minutes(11)), None);
	(0..2).for_each(|_| window.add(&visit(&[20; 8]), minutes(11)));
	let reading = window
		.reading(minutes(11))
		.expect("the transfer counts for hours");
	assert_eq!(reading.rtt_us, 20_000);
	let late = minutes(9 * 60 + 1);
	(0..2).for_each(|_| window.add(&visit(&[20; 8]), late));
	assert_eq!(window.reading(late), None, "but not for ever");
}

#[test]
fn a_transfer_is_asked_for_now_and_then() {
	let start = Instant::now();
	let mut window = Window::default();
	assert!(window.wants_transfer(start));
	window.add(&transfer(1_000), start);
	let later = start + Duration::from_secs(10_799);
	window.add(&visit(&[20; 8]), later);
	assert!(!window.wants_transfer(later));
	assert!(window.wants_transfer(start + Duration::from_secs(10_800)));
}

#[test]
fn two_visits_without_an_answer_end_a_link() {
	let now = Instant::now();
	let mut window = window(&[visit(&[20; 8]), visit(&[20; 8]), transfer(1_000)], now);
	window.miss(now, PERIOD);
	assert!(window.reading(now).is_some());
	assert!(window.is_due(now), "one may fail by chance");
	window.add(&visit(&[20; 8]), now);
	window.miss(now, PERIOD);
	assert!(window.reading(now).is_some(), "not in a row");
	window.miss(now, PERIOD);
	assert_eq!(window.reading(now), None);
}

#[test]
fn who_does_not_answer_is_asked_less_and_less() {
	let mut now = Instant::now();
	let mut window = Window::default();
	window.miss(now, PERIOD);
	for rest in [240, 480, 960, 1_920, 3_600, 3_600] {
		window.miss(now, PERIOD);
		assert!(!window.is_due(now + Duration::from_secs(rest - 1)));
		now += Duration::from_secs(rest);
		assert!(window.is_due(now), "after {rest} s");
	}
	(0..100).for_each(|_| window.miss(now, PERIOD));
	assert!(window.is_due(now + Duration::from_secs(3_600)));
	window.add(&visit(&[20; 8]), now);
	assert!(window.is_due(now), "it answers again");
}

#[test]
fn who_is_always_busy_does_not_answer() {
	let now = Instant::now();
	let pings = [visit(&[20; 8]), visit(&[20; 8]), transfer(1_000)];
	let mut window = window(&pings, now);
	(0..4).for_each(|_| window.refuse(now, PERIOD));
	assert!(window.reading(now).is_some(), "one visit may fail");
	window.add(&visit(&[20; 8]), now);
	(0..4).for_each(|_| window.refuse(now, PERIOD));
	assert!(window.reading(now).is_some(), "not in a row");
	window.refuse(now, PERIOD);
	assert_eq!(window.reading(now), None);
	assert!(!window.is_due(now));
}

fn worker(number: u8) -> WorkerView {
	let key = Keypair::ed25519_from_bytes([number; 32]).expect("32 bytes");
	WorkerView {
		account: account(number),
		operator: account(number),
		active: true,
		state: "active".into(),
		bond: 0,
		roles: Roles::default(),
		memory: 0,
		promised: 0,
		price: 0,
		peer_id: key.public().to_peer_id().to_bytes(),
		addresses: vec!["/ip4/127.0.0.1/tcp/4001".into()],
		open_jobs: 0,
		passed: 0,
		faults: 0,
		cheats: 0,
		rank: 0,
	}
}

fn pipeline(workers: &[u8]) -> PipelineView {
	let stages = workers.iter().map(|number| StageView {
		stage: *number,
		layers: LayerRange::default(),
		workers: vec![account(*number)],
		ready: Vec::new(),
		price: 0,
	});
	PipelineView {
		id: 0,
		model: 0,
		state: PipelineState::Live,
		slots: 1,
		open_jobs: 0,
		in_flight: 0,
		pace: None,
		stages: stages.collect(),
	}
}

fn chosen(own: u8, workers: &[WorkerView], pipelines: &[PipelineView], most: usize) -> Vec<u8> {
	let targets = choose(&account(own), workers, pipelines, most);
	let first = |account: &AccountId32| AsRef::<[u8; 32]>::as_ref(account)[0];
	targets.iter().map(|target| first(&target.worker)).collect()
}

#[test]
fn companions_come_first_and_who_cannot_be_reached_not_at_all() {
	let mut workers = (1..40).map(worker).collect::<Vec<_>>();
	let rings = [pipeline(&[1, 30, 31]), pipeline(&[32, 33])];
	let mut near = chosen(1, &workers, &rings, 2);
	near.sort_unstable();
	assert_eq!(near, [30, 31]);

	workers[29].active = false;
	workers[30].addresses.clear();
	workers[31].peer_id = vec![1, 2, 3];
	let all = chosen(1, &workers, &rings, 100);
	assert_eq!(all.len(), 35);
	assert!([1, 30, 31, 32].iter().all(|number| !all.contains(number)));
}

#[test]
fn strangers_choose_each_other() {
	let workers = (1..=64).map(worker).collect::<Vec<_>>();
	let choices = (1..=64u8).map(|own| chosen(own, &workers, &[], 16));
	let choices = choices.collect::<Vec<_>>();
	let mutual = (1..=64u8).zip(&choices).map(|(own, choice)| {
		let back = |peer: &&u8| choices[usize::from(**peer) - 1].contains(&own);
		choice.iter().filter(back).count()
	});
	// By chance alone it would be a quarter.
	assert!(mutual.sum::<usize>() > 64 * 16 / 2);
	assert!(choices.iter().all(|choice| choice.len() == 16));
}

fn links(peers: &[u8]) -> Links<AccountId32> {
	let reading = Reading {
		rtt_us: 1,
		jitter_us: 2,
		loss_ppm: 3,
		bytes_per_second: 1_000,
	};
	let links = peers.iter().map(|peer| Probed {
		peer: account(*peer),
		reading,
	});
	links.collect::<Vec<_>>().try_into().expect("few")
}

#[test]
fn a_report_is_due_when_it_is_missing_old_or_names_others() {
	let report = |block| Report {
		block,
		links: links(&[1, 2]),
	};
	let due = |last: Option<&Report<_, _>>, peers: &[u8], number| {
		is_due(last, &links(peers), number, PACE)
	};
	assert!(due(None, &[], 5));
	let last = report(100);
	assert!(!due(Some(&last), &[1, 2], 149));
	assert!(due(Some(&last), &[1, 2], 150));
	assert!(!due(Some(&last), &[1], 119), "the chain would refuse it");
	assert!(due(Some(&last), &[1], 120));
	assert!(due(Some(&last), &[1, 3], 120));
	// A fork took blocks back.
	assert!(!due(Some(&last), &[1], 90));
}

#[test]
fn options_out_of_range_are_named() {
	assert!(Rules::of(&Options::default()).is_ok());
	let wrong = [
		Options {
			period: 4,
			..Options::default()
		},
		Options {
			period: 241,
			..Options::default()
		},
		Options {
			peers: 17,
			..Options::default()
		},
		Options {
			peers: 0,
			..Options::default()
		},
	];
	let keys = [
		"links.period = 4",
		"links.period = 241",
		"links.peers = 17",
		"links.peers = 0",
	];
	for (options, key) in wrong.iter().zip(keys) {
		let error = Rules::of(options).expect_err("out of range").to_string();
		assert!(error.starts_with(key), "{error}");
	}
}

#[test]
fn an_allowance_fills_with_time_and_no_further() {
	let start = Instant::now();
	let mut allowance = Allowance::new(start);
	assert!(allowance.take(Allowance::MOST_BYTES, start));
	assert!(!allowance.take(1, start));
	let second = start + Duration::from_secs(1);
	assert!(!allowance.take(Allowance::BYTES_PER_SECOND + 1, second));
	assert!(allowance.take(Allowance::BYTES_PER_SECOND, second));
	let late = start + Duration::from_secs(1_000);
	assert!(!allowance.take(Allowance::MOST_BYTES + 1, late));
	assert!(allowance.take(Allowance::MOST_BYTES, late));
}
