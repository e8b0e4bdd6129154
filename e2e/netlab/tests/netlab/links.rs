//! What a link does to packets.

use dllm_netlab::{
	link::{destination, Fate, Pipe, QUEUE},
	random::Random,
};
use std::time::{Duration, Instant};

const PACKETS: u32 = 100_000;

fn arrival(fate: Fate) -> Option<Instant> {
	match fate {
		Fate::Arrives(at) => Some(at),
		Fate::Lost | Fate::Overflowed => None,
	}
}

#[test]
fn a_packet_takes_half_the_round_trip() {
	let now = Instant::now();
	let mut pipe = Pipe::new(50.0, 0.0, 0.0, 1e4, now);
	let at = arrival(pipe.enter(100, now, &mut Random::new(1))).expect("nothing is lost");
	assert_eq!((at - now).as_millis(), 25);
}

#[test]
fn so_many_packets_are_lost() {
	let mut now = Instant::now();
	let mut pipe = Pipe::new(1.0, 0.0, 0.02, 1e4, now);
	let mut random = Random::new(2);
	let mut lost = 0;
	for _ in 0..PACKETS {
		now += Duration::from_millis(1);
		lost += u32::from(pipe.enter(100, now, &mut random) == Fate::Lost);
	}
	let share = f64::from(lost) / f64::from(PACKETS);
	assert!((0.018..0.022).contains(&share), "{share} is lost");
}

#[test]
fn delays_spread_over_the_jitter_and_keep_order() {
	let mut now = Instant::now();
	let mut pipe = Pipe::new(200.0, 40.0, 0.0, 1e4, now);
	let mut random = Random::new(3);
	let mut last = now;
	let mut delays = Vec::new();
	for _ in 0..1_000 {
		// So far apart that nobody waits for the one before.
		now += Duration::from_millis(50);
		let at = arrival(pipe.enter(100, now, &mut random)).expect("nothing is lost");
		assert!(at >= last);
		last = at;
		delays.push((at - now).as_secs_f64() * 1e3);
	}
	let mean = delays.iter().sum::<f64>() / delays.len() as f64;
	assert!(delays.iter().all(|delay| (80.0..120.1).contains(delay)));
	assert!((98.0..102.0).contains(&mean), "the mean is {mean}");
	// At once: none overtakes another.
	let arrivals = (0..100).filter_map(|_| arrival(pipe.enter(100, now, &mut random)));
	let arrivals = arrivals.collect::<Vec<_>>();
	assert!(arrivals.windows(2).all(|pair| pair[0] <= pair[1]));
}

#[test]
fn packets_wait_for_the_bandwidth_and_a_full_queue_drops_them() {
	let now = Instant::now();
	// 1 Mbit/s: 125 bytes take a millisecond.
	let mut pipe = Pipe::new(0.0, 0.0, 0.0, 1.0, now);
	let mut random = Random::new(4);
	let arrivals = (0..100).map(|_| arrival(pipe.enter(125, now, &mut random)));
	let arrivals = arrivals.map(|at| at.expect("the queue has room") - now);
	let arrivals = arrivals.collect::<Vec<_>>();
	assert_eq!(arrivals.last().map(Duration::as_millis), Some(100));
	let mut fates = (0..200).map(|_| pipe.enter(125, now, &mut random));
	assert!(fates.any(|fate| fate == Fate::Overflowed));
	// Once the queue is empty, there is room again.
	assert!(arrival(pipe.enter(125, now + 2 * QUEUE, &mut random)).is_some());
}

#[test]
fn only_packets_to_hosts_have_a_destination() {
	let mut packet = [0u8; 20];
	packet[0] = 0x45;
	packet[16..].copy_from_slice(&[10, 78, 0, 3]);
	assert_eq!(destination(&packet), Some(2));
	packet[16..].copy_from_slice(&[10, 78, 1, 3]);
	assert_eq!(destination(&packet), None);
	packet[16..].copy_from_slice(&[10, 78, 0, 0]);
	assert_eq!(destination(&packet), None);
	packet[16..].copy_from_slice(&[10, 78, 0, 3]);
	packet[0] = 0x60;
	assert_eq!(destination(&packet), None);
	assert_eq!(destination(&packet[..10]), None);
	assert_eq!(destination(&[]), None);
}
