//! Topologies from a seed: machines in three places, of unlike speed and memory, behind unlike links.

use crate::{
	methods::{Lab, Measured},
	random::Random,
	topology::{Host, Link, Topology},
};
use std::collections::BTreeMap;

/// Machines of a drawn topology.
pub const MACHINES: usize = 6;
/// Places that machines and the user are in.
const PLACES: usize = 3;
/// Drawings until every method finds a placement.
const TRIES: u64 = 1_000;

/// The topology of a seed: the first of those it determines on which every method finds a placement.
pub fn draw(seed: u64, measured: &Measured) -> Option<Topology> {
	let drawn = (0..TRIES).map(|attempt| attempt_at(seed, attempt, measured.layers));
	let mut drawn = drawn.filter(|topology| Lab { topology, measured }.all().is_ok());
	drawn.next()
}

fn attempt_at(seed: u64, attempt: u64, layers: usize) -> Topology {
	let mut random = Random::new(seed.wrapping_mul(TRIES).wrapping_add(attempt));
	let mut names = (1..=MACHINES)
		.map(|at| format!("h{at}"))
		.collect::<Vec<_>>();
	let mut hosts = BTreeMap::from([("user".to_owned(), Host::default())]);
	for name in &names {
		let share = round(random.scale(0.2, 1.0), 2);
		let layers = random.whole(layers / 6, layers * 5 / 12);
		hosts.insert(
			name.clone(),
			Host {
				share: Some(share),
				layers,
			},
		);
	}
	names.push("user".into());
	let access = names
		.iter()
		.map(|_| Access::draw(&mut random))
		.collect::<Vec<_>>();
	let between = (0..PLACES * PLACES)
		.map(|_| random.between(20.0, 90.0))
		.collect::<Vec<_>>();
	let mut links = Vec::new();
	for (from, to) in (0..names.len()).flat_map(|to| (0..to).map(move |from| (from, to))) {
		let (a, b) = (&access[from], &access[to]);
		let far = match a.place == b.place {
			true => 1.0,
			false => between[a.place.min(b.place) * PLACES + a.place.max(b.place)],
		};
		let rtt_ms = round(a.rtt_ms + b.rtt_ms + far, 1);
		links.push(Link {
			between: [names[from].clone(), names[to].clone()],
			rtt_ms,
			jitter_ms: round((a.jitter_ms + b.jitter_ms).min(rtt_ms), 1),
			loss: round(a.loss + b.loss, 4),
			mbit_per_second: round(a.mbit_per_second.min(b.mbit_per_second), 1),
		});
	}
	Topology { hosts, links }
}

/// How a host is connected.
struct Access {
	place: usize,
	rtt_ms: f64,
	jitter_ms: f64,
	loss: f64,
	mbit_per_second: f64,
}

impl Access {
	/// From a wire in a data centre to a radio: what is slower is also less steady and loses more.
	fn draw(random: &mut Random) -> Self {
		let badness = random.unit() * random.unit();
		Self {
			place: random.whole(0, PLACES - 1),
			rtt_ms: 1.0 + 30.0 * badness,
			jitter_ms: 8.0 * badness * random.unit(),
			loss: 0.01 * badness * random.unit(),
			mbit_per_second: 100.0 * (0.02f64).powf(badness),
		}
	}
}

fn round(value: f64, digits: i32) -> f64 {
	let scale = 10f64.powi(digits);
	(value * scale).round() / scale
}
