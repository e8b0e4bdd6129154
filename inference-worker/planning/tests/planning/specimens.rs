//! Workers, links and models for the tests.

use dllm_planning::{
	instance::Count,
	problem::{Candidate, Problem},
};
use dllm_primitives::{
	cost::{link::LinkFigures, DeviceFigures, Limits, Weights, Workload},
	ids::Digest,
	model::Shard,
};

pub const LINK: LinkFigures = LinkFigures {
	latency_us: 5_000,
	jitter_us: 1_000,
	loss_ppm: 1_000,
	bytes_per_second: 10_000_000,
	efficiency_ppm: 850_000,
};

pub const DEVICE: DeviceFigures = DeviceFigures {
	flops_per_second: 100_000_000_000,
	memory_bytes_per_second: 20_000_000_000,
	download_bytes_per_second: 10_000_000,
	failure_ppm: 1_000,
};

pub const WORKLOAD: Workload = Workload {
	prompt_tokens: 128,
	new_tokens: 64,
	sessions: 1,
	row_bytes: 8_192,
	packet_bytes: 1_400,
};

/// A layer of 100 MB.
pub fn layer(number: u8) -> Shard {
	Shard {
		hash: Digest::repeat_byte(number + 1),
		bytes: 100_000_000,
		flops_per_token: 200_000_000,
		kv_bytes_per_token: 4_096,
	}
}

/// A worker of its own operator that holds `layers` layers with their caches.
pub fn candidate(number: usize, layers: usize, room: u64) -> Candidate {
	Candidate {
		operator: number,
		class: 0,
		memory: room * (100_000_000 + 2 * 1_024 * 4_096),
		arena: 0,
		most_layers: usize::MAX,
		price: 1_000,
		figures: DEVICE,
		held: vec![false; layers],
		entries: vec![(LINK, LINK)],
	}
}

/// Equal workers that hold `room` layers each.
pub fn problem(workers: usize, layers: u8, room: u64) -> Problem {
	Problem {
		layers: (0..layers).map(layer).collect(),
		context: 1_024,
		slots: 2,
		workload: WORKLOAD,
		weights: Weights::DLLM,
		limits: Limits::default(),
		count: Count::Any,
		candidates: (0..workers)
			.map(|number| candidate(number, layers.into(), room))
			.collect(),
		links: vec![LINK; workers * workers],
	}
}
