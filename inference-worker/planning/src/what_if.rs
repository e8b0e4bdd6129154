//! A network that is only thought of: hosts, links and a model in one TOML file, for a plan without a chain.
//!
//! ```toml
//! [model]
//! name = "a Llama of 7 billion parameters"
//! layers = 32
//! layerMbyte = 203
//! layerGflop = 0.405
//!
//! [workers.paris]
//! operator = "anne"
//! memoryGbyte = 4
//! gflops = 900
//!
//! [[links]]
//! from = "entry"
//! to = "paris"
//! rttMs = 12
//! mbitPerSecond = 300
//! ```
//!
//! Figures of workers and links have the names, ranges and defaults of a file of measurements
//! ([`crate::topology`]). `entry` is where prompts come in. Where `[defaults.link]` is left out, there are no
//! links but those that are named.

use crate::{
	cost::NO_LINK,
	instance::Count,
	problem::{Candidate, Problem},
	topology::{read, Defaults, File, LinkReport, Topology, TopologyError, WorkerReport},
};
use dllm_primitives::{
	cost::{link::LinkFigures, DeviceFigures, Limits, Measurements, Weights, Workload},
	ids::{Digest, MAX_LAYERS},
	model::{ModelSpec, Profile, Shard},
	plan::usable_memory,
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The name of the place where prompts come in.
pub const ENTRY: &str = "entry";
/// Workers at most: the table of their links has a cell for each pair.
pub const MAX_WORKERS: usize = 2_000;
/// Operations for a byte of weights that a layer can have: 4 at 4 bits, hundredths where a token visits few of
/// many experts. Beyond, one of both figures has another unit.
const OPERATIONS_PER_BYTE: std::ops::RangeInclusive<f64> = 0.001..=100.0;
/// Payload of a packet that every path carries, in bytes (RFC 9000, 14).
const PACKET_BYTES: u32 = 1_200;

/// Why a file describes no network.
#[derive(thiserror::Error, Debug)]
pub enum WhatIfError {
	/// The file is not of this form.
	#[error("line {line} ({text}): {reason}")]
	Syntax {
		line: usize,
		text: String,
		reason: String,
	},
	/// A figure cannot be true, or a link leads nowhere.
	#[error(transparent)]
	Topology(#[from] TopologyError),
	/// There is nobody to plan with.
	#[error("there are no workers: describe each in a table [workers.NAME]")]
	NoWorkers,
	/// The tables of links would fill the memory.
	#[error("{0} workers are more than {MAX_WORKERS}: leave out those that cannot be the best")]
	TooManyWorkers(usize),
	/// A worker has the name of the entry.
	#[error(
		"no worker can be named {ENTRY:?}, which is where prompts come in: give it another name"
	)]
	NamedEntry,
	/// A link names somebody who is not there.
	#[error("a link from {from} to {to} names {unknown}, which is no worker of this file: correct the name, or add the worker")]
	UnknownEnd {
		from: String,
		to: String,
		unknown: String,
	},
	/// A count cannot be true.
	#[error("{figure} is {value}; it must lie between {low} and {high}")]
	OutOfRange {
		figure: &'static str,
		value: u64,
		low: u64,
		high: u64,
	},
	/// A layer's work and its size do not fit together.
	#[error("a layer of {mbyte} MB that takes {gflop} GFLOP a token has {ratio} operations for a byte, and no model has: check the units of layerMbyte and layerGflop")]
	Unbalanced { mbyte: f64, gflop: f64, ratio: f64 },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Sketch {
	model: ModelSketch,
	#[serde(default)]
	job: JobSketch,
	#[serde(default)]
	defaults: DefaultsSketch,
	#[serde(default)]
	workers: BTreeMap<String, HostSketch>,
	#[serde(default)]
	links: Vec<LinkReport>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ModelSketch {
	#[serde(default)]
	name: String,
	layers: u64,
	layer_mbyte: f64,
	layer_gflop: f64,
	#[serde(default = "sixteen")]
	cache_kbyte: f64,
	#[serde(default = "width")]
	row_bytes: u64,
	#[serde(default = "context")]
	context: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
struct JobSketch {
	prompt_tokens: u64,
	new_tokens: u64,
}

impl Default for JobSketch {
	/// A question of a paragraph and an answer of as much.
	fn default() -> Self {
		Self {
			prompt_tokens: 256,
			new_tokens: 128,
		}
	}
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct DefaultsSketch {
	link: Option<LinkReport>,
	#[serde(default)]
	worker: WorkerReport,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct HostSketch {
	memory_gbyte: f64,
	operator: Option<String>,
	#[serde(default)]
	price: u64,
	gflops: Option<f64>,
	memory_gbyte_per_second: Option<f64>,
	download_mbit_per_second: Option<f64>,
	failure: Option<f64>,
	class: Option<String>,
}

/// Kilobytes of a token in a layer's cache: 32 heads of 128 values, keys and values, at half precision.
fn sixteen() -> f64 {
	16.384
}

/// Bytes of a row of 4096 values at half precision.
fn width() -> u64 {
	8_192
}

/// Tokens of a session.
fn context() -> u64 {
	2_048
}

/// A worker of the file.
#[derive(Clone, Debug)]
pub struct Host {
	/// Its name.
	pub name: String,
	/// Who runs it.
	pub operator: String,
	/// Bytes of its memory.
	pub memory: u64,
	/// Planck per GFLOP.
	pub price: u64,
}

/// A network that is only thought of.
#[derive(Clone, Debug)]
pub struct WhatIf {
	/// The model's name.
	pub model: String,
	/// The model; only its layers have figures.
	pub spec: ModelSpec,
	/// The job that placements are compared on.
	pub workload: Workload,
	/// The workers in the order of their names: candidate `n` is the `n`th.
	pub hosts: Vec<Host>,
	topology: Topology,
	/// Whether links that are not named exist.
	linked: bool,
}

impl WhatIf {
	/// Reads a file's text.
	pub fn parse(text: &str) -> Result<Self, WhatIfError> {
		let sketch = toml::from_str::<Sketch>(text).map_err(|error| {
			let at = error.span().map_or(0, |span| span.start.min(text.len()));
			let line = text[..at].matches('\n').count();
			WhatIfError::Syntax {
				line: line + 1,
				text: text.lines().nth(line).unwrap_or_default().trim().into(),
				reason: error.message().into(),
			}
		})?;
		let (spec, workload) = sketch.model.figures(&sketch.job)?;
		let hosts = hosts(&sketch.workers)?;
		for link in &sketch.links {
			known_ends(link, &sketch.workers)?;
		}
		let linked = sketch.defaults.link.is_some();
		let workers = sketch.workers.into_iter();
		let file = File {
			defaults: Defaults {
				link: sketch.defaults.link.unwrap_or_default(),
				worker: sketch.defaults.worker,
			},
			workers: workers.map(|(name, host)| (name, host.report())).collect(),
			links: sketch.links,
		};
		Ok(Self {
			model: sketch.model.name,
			spec,
			workload,
			hosts,
			topology: Topology::of(file)?,
			linked,
		})
	}

	/// The placement of the model on the hosts.
	pub fn problem(&self, slots: u8, weights: Weights, limits: Limits, count: Count) -> Problem {
		let (mut operators, mut classes) = (BTreeMap::new(), BTreeMap::new());
		let candidates = self.hosts.iter().map(|host| {
			let (known, next) = (operators.len(), classes.len());
			let class = self.topology.class(&host.name);
			Candidate {
				operator: *operators.entry(host.operator.as_str()).or_insert(known),
				class: *classes.entry(class).or_insert(next),
				memory: usable_memory(host.memory),
				arena: 0,
				most_layers: usize::MAX,
				price: host.price.into(),
				figures: self.topology.worker(&host.name),
				held: vec![false; self.spec.layers.len()],
				entries: vec![(
					self.figures(ENTRY, &host.name),
					self.figures(&host.name, ENTRY),
				)],
			}
		});
		let candidates = candidates.collect();
		let pairs = self.hosts.iter().flat_map(|from| {
			let to = self.hosts.iter();
			to.map(|to| self.figures(&from.name, &to.name))
		});
		Problem {
			layers: self.spec.layers.to_vec(),
			context: self.spec.max_context,
			slots,
			workload: self.workload,
			weights,
			limits,
			count,
			links: pairs.collect(),
			candidates,
		}
	}

	/// The link between two names; none where there is none.
	pub fn between(&self, from: &str, to: &str) -> Option<LinkFigures> {
		let named = self.topology.known_link(from, to);
		named.or_else(|| self.linked.then(|| self.topology.default_link()))
	}

	/// Whether the file names a link.
	pub fn names(&self, from: &str, to: &str) -> bool {
		self.topology.known_link(from, to).is_some()
	}

	fn figures(&self, from: &str, to: &str) -> LinkFigures {
		self.between(from, to).unwrap_or(NO_LINK)
	}

	fn name(&self, host: Option<&u32>) -> &str {
		host.and_then(|at| self.hosts.get(*at as usize))
			.map_or(ENTRY, |host| &host.name)
	}
}

/// Workers go by their numbers.
impl Measurements<u32> for WhatIf {
	fn device(&self, who: &u32) -> Option<DeviceFigures> {
		Some(self.topology.worker(self.name(Some(who))))
	}

	fn link(&self, from: Option<&u32>, to: Option<&u32>) -> LinkFigures {
		self.figures(self.name(from), self.name(to))
	}

	fn price(&self, who: &u32) -> u128 {
		let host = self.hosts.get(*who as usize);
		host.map_or(0, |host| host.price.into())
	}

	fn holds(&self, _: &u32, _: &Shard) -> bool {
		false
	}
}

impl ModelSketch {
	/// The model, and the job of it.
	fn figures(&self, job: &JobSketch) -> Result<(ModelSpec, Workload), WhatIfError> {
		count("layers of the model", self.layers, 1, MAX_LAYERS.into())?;
		let row_bytes = count("rowBytes of the model", self.row_bytes, 1, 1 << 24)?;
		let context = count("context of the model", self.context, 1, 1 << 24)?;
		let prompt_tokens = count("promptTokens of the job", job.prompt_tokens, 1, 1 << 24)?;
		let new_tokens = count("newTokens of the job", job.new_tokens, 1, 1 << 24)?;
		let read = |name, value, scale, range| {
			read(name, "the model", Some(value), scale, range).map(|figure| figure.unwrap_or(0))
		};
		let cache = read("cacheKbyte", self.cache_kbyte, 1e3, 0.0..=1e5)?;
		let shard = Shard {
			hash: Digest::zero(),
			bytes: read("layerMbyte", self.layer_mbyte, 1e6, 1e-6..=1e6)?,
			flops_per_token: read("layerGflop", self.layer_gflop, 1e9, 1e-9..=1e6)?,
			kv_bytes_per_token: u32::try_from(cache).unwrap_or(u32::MAX),
		};
		let ratio = shard.flops_per_token as f64 / shard.bytes as f64;
		if !OPERATIONS_PER_BYTE.contains(&ratio) {
			return Err(WhatIfError::Unbalanced {
				mbyte: self.layer_mbyte,
				gflop: self.layer_gflop,
				ratio,
			});
		}
		let nothing = Shard {
			bytes: 0,
			flops_per_token: 0,
			kv_bytes_per_token: 0,
			..shard
		};
		let mut layers = Vec::new();
		layers.resize(self.layers as usize, shard);
		let spec = ModelSpec {
			name: Default::default(),
			licence: Default::default(),
			manifest_root: Digest::zero(),
			tokenizer_hash: Digest::zero(),
			profile: Profile::F32,
			hidden_size: row_bytes,
			max_context: context,
			embed: nothing,
			layers: layers.try_into().unwrap_or_default(),
			head: nothing,
			constants: None,
		};
		let workload = Workload {
			prompt_tokens,
			new_tokens,
			sessions: 1,
			row_bytes,
			packet_bytes: PACKET_BYTES,
		};
		Ok((spec, workload))
	}
}

impl HostSketch {
	fn report(self) -> WorkerReport {
		WorkerReport {
			gflops: self.gflops,
			memory_gbyte_per_second: self.memory_gbyte_per_second,
			download_mbit_per_second: self.download_mbit_per_second,
			failure: self.failure,
			class: self.class,
		}
	}
}

fn hosts(workers: &BTreeMap<String, HostSketch>) -> Result<Vec<Host>, WhatIfError> {
	match workers.len() {
		0 => return Err(WhatIfError::NoWorkers),
		1..=MAX_WORKERS => {}
		many => return Err(WhatIfError::TooManyWorkers(many)),
	}
	if workers.contains_key(ENTRY) {
		return Err(WhatIfError::NamedEntry);
	}
	let hosts = workers.iter().map(|(name, host)| {
		let what = format!("worker {name}");
		// A controller with a megabyte to a rack.
		let memory = read(
			"memoryGbyte",
			&what,
			Some(host.memory_gbyte),
			1e9,
			1e-3..=1e5,
		)?;
		Ok(Host {
			name: name.clone(),
			operator: host.operator.clone().unwrap_or_else(|| name.clone()),
			memory: memory.unwrap_or(0),
			price: host.price,
		})
	});
	hosts.collect()
}

/// Fails where a link names somebody who is not there.
fn known_ends(
	link: &LinkReport,
	workers: &BTreeMap<String, HostSketch>,
) -> Result<(), WhatIfError> {
	let known = |name: &&String| *name == ENTRY || workers.contains_key(*name);
	match [&link.from, &link.to].into_iter().find(|name| !known(name)) {
		None => Ok(()),
		Some(unknown) => Err(WhatIfError::UnknownEnd {
			from: link.from.clone(),
			to: link.to.clone(),
			unknown: unknown.clone(),
		}),
	}
}

/// A count in its range.
fn count(figure: &'static str, value: u64, low: u64, high: u64) -> Result<u32, WhatIfError> {
	match u32::try_from(value) {
		Ok(count) if (low..=high).contains(&value) => Ok(count),
		_ => Err(WhatIfError::OutOfRange {
			figure,
			value,
			low,
			high,
		}),
	}
}
