//! Random placement problems: devices of three kinds in a few regions, as `research` measured them.

use crate::crowd::Crowd;
use dllm_planning::instance::{Budget, Count, Instance, Unit};

/// A small generator (SplitMix64, Steele et al. 2014), so that a seed means the same instance everywhere.
pub struct Random(u64);

impl Random {
	/// From a seed.
	pub fn new(seed: u64) -> Self {
		Self(seed)
	}

	/// The next number.
	pub fn draw(&mut self) -> u64 {
		self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
		let mut mixed = self.0;
		mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
		mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
		mixed ^ (mixed >> 31)
	}

	/// Between two figures.
	pub fn between(&mut self, low: f64, high: f64) -> f64 {
		let unit = (self.draw() >> 11) as f64 / (1u64 << 53) as f64;
		low + (high - low) * unit
	}

	/// A whole number from `low` to `high`, both included.
	pub fn whole(&mut self, low: usize, high: usize) -> usize {
		low + (self.draw() % (high - low + 1) as u64) as usize
	}

	/// Whether something of this probability happens.
	pub fn happens(&mut self, probability: f64) -> bool {
		self.between(0.0, 1.0) < probability
	}
}

/// A model to be placed.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
	/// Decoder layers.
	pub layers: usize,
	/// Bytes of a layer.
	pub layer_bytes: f64,
	/// Operations of a layer for one token.
	pub layer_flops: f64,
	/// Bytes that a token leaves in a layer's cache.
	pub cache_bytes: f64,
	/// Bytes of a hidden row.
	pub row_bytes: f64,
}

impl Shape {
	/// A Llama of 7 billion parameters at half precision: 32 layers, width 4096.
	pub const LLAMA_7B: Self = Self {
		layers: 32,
		layer_bytes: 0.405e9,
		layer_flops: 0.405e9,
		cache_bytes: 16_384.0,
		row_bytes: 8_192.0,
	};
	/// A Llama of 70 billion parameters at 4 bits: 80 layers, width 8192, 8 key-value heads.
	pub const LLAMA_70B: Self = Self {
		layers: 80,
		layer_bytes: 0.45e9,
		layer_flops: 1.7e9,
		cache_bytes: 4_096.0,
		row_bytes: 16_384.0,
	};
}

/// Prompt, reply and context of the job that random instances are about.
const PROMPT: f64 = 512.0;
const REPLY: f64 = 128.0;
const CONTEXT: f64 = 2_048.0;

struct Device {
	flops: f64,
	memory_speed: f64,
	memory: f64,
	region: usize,
}

impl Device {
	/// A GPU, a CPU or a phone.
	fn random(random: &mut Random, regions: usize) -> Self {
		let kind = random.between(0.0, 1.0);
		let mut pick = |flops: (f64, f64), speed: (f64, f64), memory: (f64, f64)| Self {
			flops: random.between(flops.0, flops.1),
			memory_speed: random.between(speed.0, speed.1),
			memory: random.between(memory.0, memory.1),
			region: random.whole(0, regions - 1),
		};
		match kind {
			kind if kind < 0.25 => pick((8e12, 60e12), (300e9, 1e12), (4e9, 8e9)),
			kind if kind < 0.65 => pick((0.3e12, 1.5e12), (25e9, 80e9), (3e9, 8e9)),
			_ => pick((0.05e12, 0.5e12), (10e9, 40e9), (1.2e9, 4e9)),
		}
	}

	/// Milliseconds of a layer for a token, the prompt's share included.
	fn token(&self, shape: &Shape) -> f64 {
		let decode = (shape.layer_flops / self.flops)
			.max((shape.layer_bytes + shape.cache_bytes * CONTEXT * 0.6) / self.memory_speed);
		1e3 * (decode + PROMPT / REPLY * shape.layer_flops / self.flops)
	}
}

/// Devices of a model in a few regions; time per token with the patent's penalties. `bottleneck` weighs
/// the slowest stage.
pub fn swarm(devices: usize, shape: &Shape, bottleneck: f64, seed: u64) -> Instance {
	let mut random = Random::new(
		seed.wrapping_mul(0x5851_f42d_4c95_7f2d)
			.wrapping_add(devices as u64),
	);
	let random = &mut random;
	let regions = (devices / 4).max(1);
	let members = (0..devices)
		.map(|_| Device::random(random, regions))
		.collect::<Vec<_>>();
	let mut hold = members
		.iter()
		.map(|device| {
			(0.8 * device.memory / (shape.layer_bytes + shape.cache_bytes * CONTEXT)) as usize
		})
		.collect::<Vec<_>>();
	while hold.iter().sum::<usize>() < shape.layers * 7 / 5 {
		hold.iter_mut().for_each(|layers| *layers += 1);
	}
	let noise = (0..shape.layers)
		.map(|_| random.between(1.0, 1.05))
		.collect::<Vec<_>>();
	let units = members
		.iter()
		.zip(&hold)
		.enumerate()
		.map(|(at, (device, hold))| {
			let times = noise
				.iter()
				.map(|noise| noise * device.token(shape))
				.collect::<Vec<_>>();
			Unit {
				devices: vec![at as u16],
				prefix: prefix(&times),
				step: prefix(&times),
				reach: (0..shape.layers)
					.map(|start| (start + hold).min(shape.layers) as u16)
					.collect(),
				start: 0.0,
				finish: 0.0,
			}
		});
	let units = units.collect();
	let mut hop = vec![f64::INFINITY; devices * devices];
	for at in (0..devices * devices).filter(|at| at / devices != at % devices) {
		let near = members[at / devices].region == members[at % devices].region;
		hop[at] = random_hop(random, near, shape);
	}
	Instance {
		layers: shape.layers,
		devices,
		units,
		hop_step: hop
			.iter()
			.map(|cost| if cost.is_finite() { *cost } else { 0.0 })
			.collect(),
		hop,
		enter: 1.0,
		bottleneck,
		count: Count::Any,
		budgets: Vec::new(),
	}
}

/// Latency, transfer at a third of the bandwidth, jitter and loss of one frame, in milliseconds.
fn random_hop(random: &mut Random, near: bool, shape: &Shape) -> f64 {
	let mut pick = |close: (f64, f64), far: (f64, f64)| {
		let range = if near { close } else { far };
		random.between(range.0, range.1)
	};
	let latency = pick((0.3, 4.0), (10.0, 90.0));
	let speed = pick((100.0, 1000.0), (10.0, 200.0)) * 1e6 / 8.0;
	let jitter = pick((0.0, 2.0), (1.0, 30.0));
	let loss = pick((0.0, 0.002), (0.0, 0.03));
	let transfer = 1e3 * shape.row_bytes * (1.0 + PROMPT / REPLY) / (0.3 * speed);
	latency + transfer + jitter + transfer * loss + 1e4 * loss * loss
}

/// A small instance with everything that may occur: uneven layers, tight memories, missing links,
/// bottlenecks, budgets and prescribed numbers of segments; some are infeasible.
pub fn small(most_devices: usize, most_layers: usize, seed: u64) -> Instance {
	let mut random = Random::new(seed);
	let random = &mut random;
	let devices = random.whole(2, most_devices);
	let layers = random.whole(2, most_layers);
	let sizes = (0..layers)
		.map(|_| random.between(0.5, 2.0))
		.collect::<Vec<_>>();
	let share = random.between(1.0, 4.0) * sizes.iter().sum::<f64>() / devices as f64;
	let units = (0..devices).map(|at| {
		let speed = random.between(0.5, 8.0);
		let times = sizes.iter().map(|size| size * speed).collect::<Vec<_>>();
		let memory = share * random.between(0.4, 1.6);
		Unit {
			devices: vec![at as u16],
			step: prefix(&times),
			prefix: prefix(&times),
			reach: (0..layers)
				.map(|start| reach(&sizes, start, memory))
				.collect(),
			start: random.between(0.0, 5.0),
			finish: random.between(0.0, 5.0),
		}
	});
	let units = units.collect::<Vec<_>>();
	let missing = if random.happens(0.2) { 0.2 } else { 0.0 };
	let mut hop = vec![f64::INFINITY; devices * devices];
	let mut hop_step = vec![0.0; devices * devices];
	for at in (0..devices * devices).filter(|at| at / devices != at % devices) {
		if !random.happens(missing) {
			hop[at] = random.between(0.1, 20.0);
			hop_step[at] = hop[at] * random.between(0.1, 1.0);
		}
	}
	let bottleneck = if random.happens(0.4) {
		random.between(0.1, 3.0)
	} else {
		0.0
	};
	let count = match random.whole(0, 5) {
		0 => Count::AtMost(random.whole(2, devices)),
		1 => Count::Exactly(random.whole(1, devices.min(layers))),
		_ => Count::Any,
	};
	let mut instance = Instance {
		layers,
		devices,
		units,
		hop,
		hop_step,
		enter: random.between(0.0, 2.0),
		bottleneck,
		count,
		budgets: Vec::new(),
	};
	for name in ["first", "second"]
		.into_iter()
		.take(random.whole(0, 4).saturating_sub(2))
	{
		instance
			.budgets
			.push(random_budget(random, &instance, name));
	}
	instance
}

/// Candidates for replicas: a small instance without budgets or a prescribed number of segments, its devices of two
/// to four operators and, one time in four, of two classes.
pub fn crowd(devices: usize, most_layers: usize, seed: u64) -> Crowd {
	let drawn = (0..).map(|try_| small(devices, most_layers, seed.wrapping_mul(1_000) + try_));
	let mut drawn = drawn.filter(|instance: &Instance| instance.devices == devices);
	// One of every few seeds has as many devices.
	let single = drawn
		.next()
		.unwrap_or_else(|| small(devices, most_layers, seed));
	let mut random = Random::new(!seed);
	let (operators, classes) = (random.whole(2, 4), usize::from(random.happens(0.25)));
	Crowd {
		operators: (0..single.devices).map(|at| at % operators).collect(),
		classes: (0..single.devices)
			.map(|_| random.whole(0, classes))
			.collect(),
		single: Instance {
			budgets: Vec::new(),
			count: Count::Any,
			..single
		},
	}
}

fn random_budget(random: &mut Random, instance: &Instance, name: &'static str) -> Budget {
	let units = instance.units.len();
	let mut some = |count: usize, high: f64| {
		(0..count)
			.map(|_| random.between(0.0, high))
			.collect::<Vec<_>>()
	};
	let prefix = (0..units)
		.map(|_| prefix(&some(instance.layers, 3.0)))
		.collect();
	let (enter, hop) = (some(units, 1.0), some(units * units, 5.0));
	let (start, finish) = (some(units, 2.0), some(units, 2.0));
	Budget {
		name,
		limit: random.between(1.0, 3.5) * instance.layers as f64,
		prefix,
		enter,
		hop,
		start,
		finish,
	}
}

fn prefix(times: &[f64]) -> Vec<f64> {
	let sums = times.iter().scan(0.0, |sum, time| {
		*sum += time;
		Some(*sum)
	});
	std::iter::once(0.0).chain(sums).collect()
}

fn reach(sizes: &[f64], start: usize, memory: f64) -> u16 {
	let sums = sizes[start..].iter().scan(0.0, |sum, size| {
		*sum += size;
		Some(*sum)
	});
	(start + sums.take_while(|sum| *sum <= memory).count()) as u16
}
