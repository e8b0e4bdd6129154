//! What was measured of workers and links, from a file and by the workers themselves.
//!
//! ```json
//! { "defaults": { "link": { "rttMs": 20, "mbitPerSecond": 100 }, "worker": { "gflops": 50 } },
//!   "workers": { "5Grw…": { "gflops": 900, "memoryGbytePerSecond": 60, "class": "avx512" } },
//!   "links": [ { "from": "5Grw…", "to": "5FHn…", "rttMs": 8, "jitterMs": 1, "loss": 0.001, "mbitPerSecond": 300 } ] }
//! ```
//!
//! Both ends report: of two reports of a link the worse figures count, and a link reported in one
//! direction stands for both. What nobody measured has a default, which the caller can name.

use dllm_primitives::cost::{link::LinkFigures, DeviceFigures};
use serde::{
	de::{Error as _, MapAccess, Visitor},
	Deserialize, Deserializer,
};
use std::{
	collections::{BTreeMap, BTreeSet},
	fmt,
	marker::PhantomData,
	ops::RangeInclusive,
};

/// A link that nobody measured: across a continent, on a home's line, with the frame efficiency that
/// short frames reach.
pub const DEFAULT_LINK: LinkFigures = LinkFigures {
	latency_us: 10_000,
	jitter_us: 2_000,
	loss_ppm: 1_000,
	bytes_per_second: 12_500_000,
	efficiency_ppm: 850_000,
};

/// Round trips in milliseconds that can be true: light is back from 150 m in a microsecond, and nobody waits for
/// a minute. So seconds given as microseconds are refused, and the other way round.
const ROUND_TRIP_MS: RangeInclusive<f64> = 0.001..=60_000.0;
/// Speeds of networks in Mbit/s that can be true: up to the fastest port that is sold. So bits are no Mbits.
const MBIT_PER_SECOND: RangeInclusive<f64> = 0.001..=800_000.0;

/// A worker that nobody measured: a few cores of a desktop computer.
pub const DEFAULT_WORKER: DeviceFigures = DeviceFigures {
	flops_per_second: 50_000_000_000,
	memory_bytes_per_second: 20_000_000_000,
	download_bytes_per_second: 12_500_000,
	failure_ppm: 1_000,
};

/// Why measurements cannot be used.
#[derive(thiserror::Error, Debug)]
pub enum TopologyError {
	/// The file is not of this form.
	#[error("the measurements are not understood: {0}")]
	Syntax(#[from] serde_json::Error),
	/// A figure cannot be true.
	#[error("{figure} of {what} is {value}; it must lie between {low} and {high}: check the number and its unit, or measure it again")]
	Implausible {
		figure: &'static str,
		what: String,
		value: f64,
		low: f64,
		high: f64,
	},
	/// A link leads nowhere.
	#[error("a link leads from {0} to itself: leave it out")]
	Loop(String),
}

/// What a file of measurements says.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct File {
	#[serde(default)]
	pub defaults: Defaults,
	#[serde(default, deserialize_with = "by_name")]
	pub workers: BTreeMap<String, WorkerReport>,
	#[serde(default)]
	pub links: Vec<LinkReport>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Defaults {
	#[serde(default)]
	pub link: LinkReport,
	#[serde(default)]
	pub worker: WorkerReport,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct WorkerReport {
	pub gflops: Option<f64>,
	pub memory_gbyte_per_second: Option<f64>,
	pub download_mbit_per_second: Option<f64>,
	pub failure: Option<f64>,
	pub class: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LinkReport {
	#[serde(default)]
	pub from: String,
	#[serde(default)]
	pub to: String,
	rtt_ms: Option<f64>,
	jitter_ms: Option<f64>,
	loss: Option<f64>,
	mbit_per_second: Option<f64>,
	efficiency: Option<f64>,
}

/// Workers by their names, none of them named twice.
fn by_name<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
	deserializer: D,
) -> Result<BTreeMap<String, V>, D::Error> {
	struct ByName<V>(PhantomData<V>);

	impl<'de, V: Deserialize<'de>> Visitor<'de> for ByName<V> {
		type Value = BTreeMap<String, V>;

		fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
			f.write_str("workers by their names")
		}

		fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
			let mut workers = BTreeMap::new();
			while let Some((name, worker)) = map.next_entry::<String, V>()? {
				if workers.contains_key(&name) {
					let twice = format_args!("worker {name} is named twice: leave one out");
					return Err(A::Error::custom(twice));
				}
				workers.insert(name, worker);
			}
			Ok(workers)
		}
	}

	deserializer.deserialize_map(ByName(PhantomData))
}

/// Measurements by the names of workers.
#[derive(Clone, Debug)]
pub struct Topology {
	default_link: LinkFigures,
	default_worker: DeviceFigures,
	workers: BTreeMap<String, (DeviceFigures, String)>,
	links: BTreeMap<(String, String), LinkFigures>,
}

impl Default for Topology {
	fn default() -> Self {
		Self {
			default_link: DEFAULT_LINK,
			default_worker: DEFAULT_WORKER,
			workers: BTreeMap::new(),
			links: BTreeMap::new(),
		}
	}
}

/// A link as the workers at its ends reported it.
#[derive(Clone, Debug)]
pub struct Reported {
	/// The names of the workers at its ends.
	pub ends: [String; 2],
	/// What they measured; of two reports the worse of every figure.
	pub figures: LinkFigures,
	/// Whether both did.
	pub by_both: bool,
}

impl Topology {
	/// Reads a file's text.
	pub fn parse(text: &str) -> Result<Self, TopologyError> {
		Self::of(serde_json::from_str::<File>(text)?)
	}

	/// What a file says.
	pub(crate) fn of(file: File) -> Result<Self, TopologyError> {
		let mut topology = Self {
			default_link: file
				.defaults
				.link
				.figures("the default link", &DEFAULT_LINK)?,
			default_worker: file
				.defaults
				.worker
				.figures("the default worker", &DEFAULT_WORKER)?,
			..Self::default()
		};
		for (name, report) in file.workers {
			let figures = report.figures(&format!("worker {name}"), &topology.default_worker)?;
			topology
				.workers
				.insert(name, (figures, report.class.unwrap_or_default()));
		}
		let mut measured: BTreeMap<(String, String), LinkFigures> = BTreeMap::new();
		for report in file.links {
			let ends = (report.from.clone(), report.to.clone());
			if ends.0 == ends.1 {
				return Err(TopologyError::Loop(ends.0));
			}
			let what = format!("the link from {} to {}", ends.0, ends.1);
			let figures = report.figures(&what, &topology.default_link)?;
			let known = measured.entry(ends).or_insert(figures);
			*known = worse(known, &figures);
		}
		for ((from, to), figures) in &measured {
			let back = (to.clone(), from.clone());
			if !measured.contains_key(&back) {
				topology.links.insert(back, *figures);
			}
		}
		topology.links.extend(measured);
		Ok(topology)
	}

	/// Adds links that the workers at their ends measured, alike in both directions. Where one end alone did,
	/// nothing speaks against a lie: no figure is then better than that of a link that nobody measured. What
	/// was said of a link already stands over it.
	pub fn with_links(mut self, links: impl IntoIterator<Item = Reported>) -> Self {
		for reported in links {
			let [a, b] = reported.ends;
			let figures = match reported.by_both {
				true => reported.figures,
				false => worse(&reported.figures, &self.default_link),
			};
			self.links.entry((a.clone(), b.clone())).or_insert(figures);
			self.links.entry((b, a)).or_insert(figures);
		}
		self
	}

	/// Figures of a worker.
	pub fn worker(&self, name: &str) -> DeviceFigures {
		self.workers
			.get(name)
			.map_or(self.default_worker, |(figures, _)| *figures)
	}

	/// Numeric class of a worker; workers of which none was named are of one class.
	pub fn class(&self, name: &str) -> &str {
		self.workers
			.get(name)
			.map_or("", |(_, class)| class.as_str())
	}

	/// Figures of a link.
	pub fn link(&self, from: &str, to: &str) -> LinkFigures {
		self.known_link(from, to).unwrap_or(self.default_link)
	}

	/// Figures of a link that somebody measured.
	pub fn known_link(&self, from: &str, to: &str) -> Option<LinkFigures> {
		let ends = (from.to_owned(), to.to_owned());
		self.links.get(&ends).copied()
	}

	/// Figures where nobody measured.
	pub fn default_link(&self) -> LinkFigures {
		self.default_link
	}

	/// How many of these workers, and of the links between every two of them, nobody measured.
	pub fn unknown(&self, names: &[&str]) -> (usize, usize) {
		let names = names.iter().collect::<BTreeSet<_>>();
		let workers = names
			.iter()
			.filter(|name| !self.workers.contains_key(**name as &str));
		let pairs = names
			.iter()
			.flat_map(|from| names.iter().map(move |to| (from, to)));
		let links = pairs.filter(|(from, to)| {
			from < to
				&& !self
					.links
					.contains_key(&((**from).to_string(), (**to).to_string()))
		});
		(workers.count(), links.count())
	}
}

/// The worse of every figure.
fn worse(a: &LinkFigures, b: &LinkFigures) -> LinkFigures {
	LinkFigures {
		latency_us: a.latency_us.max(b.latency_us),
		jitter_us: a.jitter_us.max(b.jitter_us),
		loss_ppm: a.loss_ppm.max(b.loss_ppm),
		bytes_per_second: a.bytes_per_second.min(b.bytes_per_second),
		efficiency_ppm: a.efficiency_ppm.min(b.efficiency_ppm),
	}
}

impl LinkReport {
	fn figures(&self, what: &str, default: &LinkFigures) -> Result<LinkFigures, TopologyError> {
		let read = |name, value, scale, range| read(name, what, value, scale, range);
		let small = |figure: Option<u64>, default: u32| {
			figure.map_or(default, |figure| u32::try_from(figure).unwrap_or(u32::MAX))
		};
		Ok(LinkFigures {
			latency_us: small(
				read("rttMs", self.rtt_ms, 500.0, ROUND_TRIP_MS)?,
				default.latency_us,
			),
			jitter_us: small(
				read("jitterMs", self.jitter_ms, 1e3, 0.0..=30_000.0)?,
				default.jitter_us,
			),
			loss_ppm: small(read("loss", self.loss, 1e6, 0.0..=0.5)?, default.loss_ppm),
			bytes_per_second: read(
				"mbitPerSecond",
				self.mbit_per_second,
				125e3,
				MBIT_PER_SECOND,
			)?
			.unwrap_or(default.bytes_per_second),
			efficiency_ppm: small(
				read("efficiency", self.efficiency, 1e6, 0.001..=1.0)?,
				default.efficiency_ppm,
			),
		})
	}
}

impl WorkerReport {
	fn figures(&self, what: &str, default: &DeviceFigures) -> Result<DeviceFigures, TopologyError> {
		let read = |name, value, scale, range| read(name, what, value, scale, range);
		let failure = read("failure", self.failure, 1e6, 0.0..=0.999_999)?;
		Ok(DeviceFigures {
			flops_per_second: read("gflops", self.gflops, 1e9, 0.001..=1e9)?
				.unwrap_or(default.flops_per_second),
			memory_bytes_per_second: read(
				"memoryGbytePerSecond",
				self.memory_gbyte_per_second,
				1e9,
				0.001..=1e6,
			)?
			.unwrap_or(default.memory_bytes_per_second),
			download_bytes_per_second: read(
				"downloadMbitPerSecond",
				self.download_mbit_per_second,
				125e3,
				MBIT_PER_SECOND,
			)?
			.unwrap_or(default.download_bytes_per_second),
			failure_ppm: failure.map_or(default.failure_ppm, |ppm| {
				u32::try_from(ppm).unwrap_or(u32::MAX)
			}),
		})
	}
}

/// A figure in its own unit and range, as a whole number of smaller units.
pub(crate) fn read(
	figure: &'static str,
	what: &str,
	value: Option<f64>,
	scale: f64,
	range: RangeInclusive<f64>,
) -> Result<Option<u64>, TopologyError> {
	let Some(value) = value else { return Ok(None) };
	if !range.contains(&value) {
		return Err(TopologyError::Implausible {
			figure,
			what: what.into(),
			value,
			low: *range.start(),
			high: *range.end(),
		});
	}
	Ok(Some((value * scale).round() as u64))
}
