//! Placements of a model's layers on a topology, by our planner and by those that it is compared with, and what
//! the cost model predicts for each.
//!
//! Every machine holds the layers of one segment at most, in one piece. Costs are those of
//! [`dllm_planning::cost`], which the planner uses too; the compute of a machine is what was measured of one layer
//! on a whole processor, over the machine's share of one.

use crate::{
	petals,
	topology::{Link, Topology},
};
use clap::Args;
use dllm_planning::{
	cost::{decode, Hop},
	instance::Count,
	problem::{Candidate, Problem},
	replicas::place,
	search::{Options, SearchError},
};
use dllm_primitives::{
	cost::{link::LinkFigures, DeviceFigures, Form, Limits, Weights, Workload},
	model::Shard,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Figures of the model's shards do not matter, only the times that follow from them.
const LAYER_BYTES: u64 = 1_000_000_000;
const LAYER_FLOPS: u64 = 1_000_000_000;
/// Payload of a packet in bytes (RFC 9000, 14).
const PACKET_BYTES: u32 = 1_200;
/// Figures of a link that is not there: the slowest that can be true.
const NO_LINK: LinkFigures = LinkFigures {
	latency_us: 30_000_000,
	jitter_us: 0,
	loss_ppm: 0,
	bytes_per_second: 100,
	efficiency_ppm: 1_000_000,
};

/// What was measured on this machine, and the job that placements are compared on.
#[derive(Args, Clone, Debug)]
pub struct Measured {
	/// Layers of the model.
	#[arg(long)]
	pub layers: usize,
	/// Milliseconds of a layer for one token, on a whole processor.
	#[arg(long)]
	pub layer_ms: f64,
	/// Milliseconds of a layer for one of many rows of a prompt, on a whole processor.
	#[arg(long)]
	pub row_ms: f64,
	/// Milliseconds of a hop over a link that costs nothing.
	#[arg(long)]
	pub hop_ms: f64,
	/// Milliseconds of a token at the entry.
	#[arg(long)]
	pub entry_ms: f64,
	/// Bytes of a frame of one row.
	#[arg(long)]
	pub row_bytes: u32,
	/// Tokens of the prompt.
	#[arg(long)]
	pub prompt_tokens: u32,
	/// Tokens of the reply.
	#[arg(long)]
	pub new_tokens: u32,
}

/// Layers `start..end` on a machine.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Segment {
	/// Its name.
	pub host: String,
	/// First layer.
	pub start: usize,
	/// One past the last layer.
	pub end: usize,
}

/// A placement and the milliseconds that a token should take on it.
#[derive(Serialize, Clone, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Placed {
	/// Segments in the order of the layers.
	pub segments: Vec<Segment>,
	/// Milliseconds of a token.
	pub predicted_ms: f64,
}

/// Why a method places nothing.
#[derive(thiserror::Error, Debug)]
pub enum MethodError {
	/// The planner finds no placement.
	#[error(transparent)]
	Search(#[from] SearchError),
	/// The machines hold fewer layers than the model has.
	#[error("the machines hold {held} of {layers} layers: give them memory for more")]
	Memory { held: usize, layers: usize },
	/// Petals' servers leave blocks without one.
	#[error("servers that choose their blocks as Petals does leave layer {0} to nobody")]
	Uncovered(usize),
}

/// A topology, and what was measured.
pub struct Lab<'a> {
	/// Hosts and links.
	pub topology: &'a Topology,
	/// What was measured.
	pub measured: &'a Measured,
}

impl Lab<'_> {
	/// What every method makes of the topology.
	pub fn all(&self) -> Result<BTreeMap<&'static str, Placed>, MethodError> {
		let methods = [
			("ours", self.planned(Weights::DLLM)?),
			("patent-text", self.planned(Weights::PATENT_TEXT)?),
			("memory", self.proportional(|layers, _| layers as f64)?),
			("flops", self.proportional(|_, share| share)?),
			("petals", petals::place(self)?),
		];
		let placed = methods.map(|(name, segments)| {
			let predicted_ms = self.predict(&segments);
			(
				name,
				Placed {
					segments,
					predicted_ms,
				},
			)
		});
		Ok(placed.into())
	}

	/// A segment of a machine.
	pub fn segment(&self, host: &str, start: usize, end: usize) -> Segment {
		Segment {
			host: host.into(),
			start,
			end,
		}
	}

	/// The planner's optimum.
	fn planned(&self, weights: Weights) -> Result<Vec<Segment>, MethodError> {
		let placement = place(&self.problem(weights), 1, &Options::default())?;
		let machines = self.topology.machines();
		let segments = placement.segments.iter();
		let segments =
			segments.map(|(start, end, team)| self.segment(machines[team[0]].0, *start, *end));
		Ok(segments.collect())
	}

	/// The planner's problem: one slot, equal prices, and shards that everybody has.
	fn problem(&self, weights: Weights) -> Problem {
		let (machines, user) = (self.topology.machines(), self.topology.user());
		let candidates = machines
			.iter()
			.enumerate()
			.map(|(at, (name, host))| Candidate {
				operator: at,
				class: 0,
				memory: u64::MAX,
				arena: 0,
				most_layers: host.layers,
				price: 0,
				figures: self.figures(name),
				held: vec![true; self.measured.layers],
				entries: vec![(self.link(user, name), self.link(name, user))],
			});
		let pairs = machines
			.iter()
			.flat_map(|(from, _)| machines.iter().map(move |(to, _)| (*from, *to)));
		Problem {
			layers: vec![layer(); self.measured.layers],
			context: 1,
			slots: 1,
			workload: self.workload(),
			weights,
			limits: Limits::default(),
			count: Count::Any,
			candidates: candidates.collect(),
			links: pairs.map(|(from, to)| self.link(from, to)).collect(),
		}
	}

	/// Milliseconds of a token: what the cost model counts of it, but for the penalty of jitter, which is no time
	/// on the average; and the entry's own work, which is the same for every placement.
	pub fn predict(&self, segments: &[Segment]) -> f64 {
		let compute = segments
			.iter()
			.map(|segment| (segment.end - segment.start) as f64 * self.layer_ms(&segment.host));
		let user = self.topology.user();
		let hosts = segments.iter().map(|segment| segment.host.as_str());
		let ring = std::iter::once(user)
			.chain(hosts)
			.chain([user])
			.collect::<Vec<_>>();
		let hops = ring.windows(2).map(|ends| self.hop_ms(ends[0], ends[1]));
		self.measured.entry_ms + compute.sum::<f64>() + hops.sum::<f64>()
	}

	/// Milliseconds of a layer for one token on a machine.
	pub fn layer_ms(&self, host: &str) -> f64 {
		decode(
			&self.figures(host),
			&layer(),
			&self.workload(),
			Form::Transitions,
		)
	}

	/// Milliseconds of one row's frame between two hosts.
	pub fn hop_ms(&self, from: &str, to: &str) -> f64 {
		let weights = Weights {
			jitter_milli: 0,
			..Weights::DLLM
		};
		Hop::new(&self.link(from, to), &self.workload(), &weights).per_token
	}

	fn workload(&self) -> Workload {
		Workload {
			prompt_tokens: self.measured.prompt_tokens,
			new_tokens: self.measured.new_tokens,
			sessions: 1,
			row_bytes: self.measured.row_bytes,
			packet_bytes: PACKET_BYTES,
		}
	}

	/// Speeds of a machine by which a layer takes what was measured.
	fn figures(&self, host: &str) -> DeviceFigures {
		let share = self
			.topology
			.hosts
			.get(host)
			.and_then(|host| host.share)
			.unwrap_or(1.0);
		let speed = |work: u64, ms: f64| (work as f64 * 1e3 / ms * share) as u64;
		DeviceFigures {
			flops_per_second: speed(LAYER_FLOPS, self.measured.row_ms),
			memory_bytes_per_second: speed(LAYER_BYTES, self.measured.layer_ms),
			download_bytes_per_second: u64::MAX,
			failure_ppm: 0,
		}
	}

	fn link(&self, from: &str, to: &str) -> LinkFigures {
		let Some(link) = self.topology.link(from, to) else {
			return NO_LINK;
		};
		let Link {
			rtt_ms,
			jitter_ms,
			loss,
			mbit_per_second,
			..
		} = link;
		let us = |ms: f64| (ms * 1e3).round() as u32;
		LinkFigures {
			latency_us: us(rtt_ms / 2.0 + self.measured.hop_ms),
			jitter_us: us(*jitter_ms),
			loss_ppm: (loss * 1e6).round() as u32,
			bytes_per_second: (mbit_per_second * 125e3) as u64,
			efficiency_ppm: 1_000_000,
		}
	}

	/// Layers in proportion to a figure of layers held and share, on all machines in the order of their names.
	/// What a machine's memory does not hold goes to the others.
	fn proportional(
		&self,
		figure: impl Fn(usize, f64) -> f64,
	) -> Result<Vec<Segment>, MethodError> {
		let (machines, layers) = (self.topology.machines(), self.measured.layers);
		let room = machines
			.iter()
			.map(|(_, host)| host.layers)
			.collect::<Vec<_>>();
		let held = room.iter().sum::<usize>();
		if held < layers {
			return Err(MethodError::Memory { held, layers });
		}
		let shares = machines
			.iter()
			.map(|(_, host)| figure(host.layers, host.share.unwrap_or(0.0)));
		let counts = apportion(layers, &shares.collect::<Vec<_>>(), &room);
		let mut next = 0;
		let mut segments = Vec::new();
		for ((name, _), count) in machines.iter().zip(counts).filter(|(_, count)| *count > 0) {
			segments.push(self.segment(name, next, next + count));
			next += count;
		}
		Ok(segments)
	}
}

fn layer() -> Shard {
	Shard {
		hash: Default::default(),
		bytes: LAYER_BYTES,
		flops_per_token: LAYER_FLOPS,
		kv_bytes_per_token: 0,
	}
}

/// Divides `total` in proportion to `shares`, none above its `room`: one after the other goes to who is furthest
/// below its share.
pub fn apportion(total: usize, shares: &[f64], room: &[usize]) -> Vec<usize> {
	let mut counts = vec![0; shares.len()];
	for _ in 0..total {
		let open = (0..counts.len()).filter(|at| counts[*at] < room[*at]);
		let per_share = |at: &usize| (counts[*at] as f64 + 0.5) / shares[*at];
		let next = open.min_by(|a, b| per_share(a).total_cmp(&per_share(b)));
		if let Some(at) = next {
			counts[at] += 1;
		}
	}
	counts
}
