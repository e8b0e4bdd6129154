//! The placement problem of a model on the chain's workers.

use super::map;
use crate::{
	chain::{address, AccountId32},
	network::dtype::Dtype,
};
use dllm_planning::{
	instance::Count,
	problem::{Candidate, Problem},
	topology::Topology,
};
use dllm_primitives::{
	api::{LinksView, WorkerView},
	cost::{link::LinkFigures, DeviceFigures, Limits, Measurements, Weights, Workload},
	model::{ModelSpec, Profile, Shard},
	plan::usable_memory,
};
use std::collections::BTreeMap;

/// The job that placements are compared on: a question of a paragraph and an answer of as much.
const PROMPT_TOKENS: u32 = 256;
const NEW_TOKENS: u32 = 128;
/// Payload of a packet that every path carries, in bytes (RFC 9000, 14).
const PACKET_BYTES: u32 = 1_200;
/// What is known of the workers that may hold segments, and of the links between them.
pub struct Measured<'a> {
	/// Measurements by address.
	pub topology: &'a Topology,
	/// Miners in the order of the candidates.
	pub workers: Vec<WorkerView>,
	/// Workers that may be the entry.
	pub entries: Vec<AccountId32>,
}

/// The job that placements of a model are compared on: it has this profile, so many values in a row, and so
/// many rows in a full cache.
pub fn workload(profile: Profile, hidden_size: u32, max_context: u32) -> Workload {
	Workload {
		prompt_tokens: PROMPT_TOKENS.min(max_context / 2).max(1),
		new_tokens: NEW_TOKENS.min(max_context / 2).max(1),
		sessions: 1,
		row_bytes: hidden_size.saturating_mul(Dtype::of(profile).bytes() as u32),
		packet_bytes: PACKET_BYTES,
	}
}

impl Measured<'_> {
	/// Says which figures were measured, and which are defaults.
	pub fn say_unknown(&self, map: &LinksView) {
		let names = self
			.workers
			.iter()
			.map(|worker| address(&worker.account))
			.collect::<Vec<_>>();
		let names = names.iter().map(String::as_str).collect::<Vec<_>>();
		let (workers, links) = self.topology.unknown(&names);
		let all = names.len() * names.len().saturating_sub(1) / 2;
		if workers > 0 {
			let figures = self.topology.worker("");
			eprintln!(
				"{workers} of {} miners are not measured: {:.0} GFLOP/s and {:.0} GB/s of memory are taken for them",
				names.len(),
				figures.flops_per_second as f64 / 1e9,
				figures.memory_bytes_per_second as f64 / 1e9,
			);
		}
		if all > 0 {
			eprintln!(
				"{} of {all} links between miners are measured, {} of them by one end only, whose figures count where they are worse than the defaults",
				all - links,
				map::vouched_by_one(map, &names),
			);
		}
		if links > 0 {
			let link = self.topology.default_link();
			eprintln!(
				"{links} of {all} links are not measured: a round trip of {:.0} ms, {:.0} ms of jitter, {:.1} % of loss and {:.0} Mbit/s are taken for them; workers measure links by themselves, and --links names a file of measurements",
				f64::from(link.latency_us) / 500.0,
				f64::from(link.jitter_us) / 1e3,
				f64::from(link.loss_ppm) / 1e4,
				link.bytes_per_second as f64 / 125e3,
			);
		}
	}

	/// The problem of a model.
	pub fn problem(
		&self,
		spec: &ModelSpec,
		slots: u8,
		weights: Weights,
		limits: Limits,
	) -> Problem {
		let mut operators = BTreeMap::new();
		let mut classes = BTreeMap::new();
		let mut candidates = Vec::new();
		for worker in &self.workers {
			let name = address(&worker.account);
			let (known, next) = (operators.len(), classes.len());
			let operator = *operators.entry(worker.operator.clone()).or_insert(known);
			let class = *classes.entry(self.topology.class(&name)).or_insert(next);
			candidates.push(Candidate {
				operator,
				class,
				memory: usable_memory(worker.memory),
				arena: 0,
				most_layers: usize::MAX,
				price: worker.price,
				figures: self.topology.worker(&name),
				// The chain does not say who holds which shards.
				held: vec![false; spec.layers.len()],
				entries: self.entry_links(&worker.account),
			});
		}
		let pairs = self.workers.iter().flat_map(|from| {
			let to = self.workers.iter();
			to.map(move |to| self.link(Some(&from.account), Some(&to.account)))
		});
		Problem {
			layers: spec.layers.to_vec(),
			context: spec.max_context,
			slots,
			workload: workload(spec.profile, spec.hidden_size, spec.max_context),
			weights,
			limits,
			count: Count::Any,
			links: pairs.collect(),
			candidates,
		}
	}

	/// Links with every worker that may be the entry, and with a user who is.
	fn entry_links(&self, who: &AccountId32) -> Vec<(LinkFigures, LinkFigures)> {
		let others = self.entries.iter().filter(|entry| *entry != who);
		let workers = others.map(|entry| {
			(
				self.link(Some(entry), Some(who)),
				self.link(Some(who), Some(entry)),
			)
		});
		let user = (self.link(None, Some(who)), self.link(Some(who), None));
		workers.chain([user]).collect()
	}
}

impl Measurements<AccountId32> for Measured<'_> {
	fn device(&self, who: &AccountId32) -> Option<DeviceFigures> {
		Some(self.topology.worker(&address(who)))
	}

	fn link(&self, from: Option<&AccountId32>, to: Option<&AccountId32>) -> LinkFigures {
		match (from, to) {
			(Some(from), Some(to)) => self.topology.link(&address(from), &address(to)),
			_ => self.topology.default_link(),
		}
	}

	fn price(&self, who: &AccountId32) -> u128 {
		let mut workers = self.workers.iter();
		workers
			.find(|worker| worker.account == *who)
			.map_or(0, |worker| worker.price)
	}

	fn holds(&self, _: &AccountId32, _: &Shard) -> bool {
		false
	}
}
