//! The planner's cost and the chain's, over random plans: within one part in a million.

use crate::specimens::layer;
use dllm_planning::{
	instance::{Count, Piece},
	problem::{Candidate, Problem},
	replicas::{Pool, Team},
};
use dllm_primitives::{
	cost::{
		self, link::LinkFigures, DeviceFigures, Limits, Measurements, Weights, Workload,
		FEMTOS_PER_MS,
	},
	ids::Digest,
	model::{LayerRange, ModelSpec, Profile, Shard},
	plan::{Plan, Segment},
};
use proptest::prelude::*;

/// Layers, replicas and segments of a random plan; the user is the entry.
#[derive(Clone, Debug)]
struct Case {
	problem: Problem,
	replicas: usize,
	ends: Vec<usize>,
}

struct Answers<'a>(&'a Problem);

impl Measurements<u32> for Answers<'_> {
	fn device(&self, who: &u32) -> Option<DeviceFigures> {
		self.0
			.candidates
			.get(*who as usize)
			.map(|candidate| candidate.figures)
	}

	fn link(&self, from: Option<&u32>, to: Option<&u32>) -> LinkFigures {
		let workers = self.0.candidates.len();
		match (from, to) {
			(Some(from), Some(to)) => self.0.links[*from as usize * workers + *to as usize],
			(None, Some(to)) => self.0.candidates[*to as usize].entries[0].0,
			(Some(from), None) => self.0.candidates[*from as usize].entries[0].1,
			(None, None) => unreachable!("a ring has segments"),
		}
	}

	fn price(&self, who: &u32) -> u128 {
		self.0.candidates[*who as usize].price
	}

	fn holds(&self, who: &u32, shard: &Shard) -> bool {
		let layers = self
			.0
			.layers
			.iter()
			.zip(&self.0.candidates[*who as usize].held);
		layers
			.into_iter()
			.any(|(layer, held)| layer.hash == shard.hash && *held)
	}
}

fn links() -> impl Strategy<Value = LinkFigures> {
	(
		0..200_000u32,
		0..50_000u32,
		0..300_000u32,
		10_000..2_000_000_000u64,
		50_000..1_000_000u32,
	)
		.prop_map(
			|(latency_us, jitter_us, loss_ppm, bytes_per_second, efficiency_ppm)| LinkFigures {
				latency_us,
				jitter_us,
				loss_ppm,
				bytes_per_second,
				efficiency_ppm,
			},
		)
}

fn candidates(layers: usize) -> impl Strategy<Value = Candidate> {
	let figures = (
		1_000_000_000..100_000_000_000_000u64,
		1_000_000_000..2_000_000_000_000u64,
		100_000..1_000_000_000u64,
	);
	let held = proptest::collection::vec(any::<bool>(), layers);
	(figures, 0..100_000_000_000u64, held, links(), links()).prop_map(
		|(figures, price, held, into, out)| Candidate {
			operator: 0,
			class: 0,
			memory: u64::MAX,
			arena: 0,
			most_layers: usize::MAX,
			price: price.into(),
			figures: DeviceFigures {
				flops_per_second: figures.0,
				memory_bytes_per_second: figures.1,
				download_bytes_per_second: figures.2,
				failure_ppm: 1_000,
			},
			held,
			entries: vec![(into, out)],
		},
	)
}

fn cases() -> impl Strategy<Value = Case> {
	let weights = prop_oneof![
		Just(Weights::DLLM),
		Just(Weights::PATENT_FIGURES),
		Just(Weights::PATENT_TEXT)
	];
	let workload = (1..4_000u32, 0..2_000u32, 1..4u32, 64..32_768u32);
	(2..=4usize, 1..=4usize, 1..8u8, workload, weights, 1..=8u8).prop_flat_map(
		|(replicas, segments, layers, workload, weights, slots)| {
			let workers = replicas * segments;
			let layers = layers.max(segments as u8);
			let candidates = proptest::collection::vec(candidates(layers.into()), workers);
			let links = proptest::collection::vec(links(), workers * workers);
			let cuts = proptest::sample::subsequence(
				(1..usize::from(layers)).collect::<Vec<_>>(),
				segments - 1,
			);
			(candidates, links, cuts).prop_map(move |(candidates, links, mut ends)| {
				ends.push(layers.into());
				Case {
					problem: Problem {
						layers: (0..layers).map(layer).collect(),
						context: 1_024,
						slots,
						workload: Workload {
							prompt_tokens: workload.0,
							new_tokens: workload.1,
							sessions: workload.2,
							row_bytes: workload.3,
							packet_bytes: 1_400,
						},
						weights,
						limits: Limits::default(),
						count: Count::Any,
						candidates,
						links,
					},
					replicas,
					ends,
				}
			})
		},
	)
}

fn model(layers: &[Shard]) -> ModelSpec {
	ModelSpec {
		name: Default::default(),
		licence: Default::default(),
		manifest_root: Digest::repeat_byte(1),
		tokenizer_hash: Digest::repeat_byte(2),
		profile: Profile::F32,
		hidden_size: 1_024,
		max_context: 1_024,
		embed: layer(200),
		layers: layers.to_vec().try_into().expect("a handful"),
		head: layer(201),
		constants: None,
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(1_000))]

	#[test]
	fn both_arithmetics_agree_within_a_millionth(case in cases()) {
		let Case { problem, replicas, ends } = case;
		let teams = (0..ends.len())
			.map(|at| (at * replicas..(at + 1) * replicas).collect())
			.collect::<Vec<Team>>();
		let starts = [0].into_iter().chain(ends.iter().copied());
		let path = starts.zip(&ends).enumerate().map(|(unit, (start, end))| Piece { unit, start, end: *end });
		let path = path.collect::<Vec<_>>();
		let planned = problem.instance(&teams).cost(&path);

		let segments = path.iter().zip(&teams).map(|(piece, team)| Segment {
			layers: LayerRange { start: piece.start as u16, end: piece.end as u16 },
			replicas: team.iter().map(|at| *at as u32).collect::<Vec<_>>().try_into().expect("four at most"),
		});
		let plan = Plan {
			model: 0,
			slots: problem.slots,
			entries: Default::default(),
			segments: segments.collect::<Vec<_>>().try_into().expect("four at most"),
		};
		let terms = cost::score(
			&plan,
			&model(&problem.layers),
			&problem.workload,
			&problem.weights,
			&problem.limits,
			&Answers(&problem),
		);
		let scored = terms.expect("plausible figures").total() as f64 / FEMTOS_PER_MS as f64;
		prop_assert!((scored - planned).abs() <= 1e-6 * planned, "{scored} and {planned}");
	}
}
