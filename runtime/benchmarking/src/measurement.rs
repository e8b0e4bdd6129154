//! Runs a benchmark over the range of each of its components, and fits a line through the figures.

use crate::wasm::{Runtime, State};
use anyhow::Result;
use frame_benchmarking::{
	Analysis, BenchmarkConfig, BenchmarkList, BenchmarkMetadata, BenchmarkParameter,
	BenchmarkResult, BenchmarkSelector,
};
use std::fmt;

/// Values tried of each component.
pub const STEPS: u32 = 20;
/// Timed runs at each value.
pub const REPEATS: u32 = 10;

/// A component of a benchmark: its letter, and the range over which it was measured.
pub type Range = (BenchmarkParameter, u32, u32);

/// A base and what each component adds to it.
pub struct Line {
	pub base: u128,
	/// In the order of the components.
	pub slopes: Vec<u128>,
}

/// What a benchmark costs.
pub struct Measured {
	pub name: String,
	pub components: Vec<Range>,
	/// Picoseconds.
	pub time: Line,
	/// Distinct keys read.
	pub reads: Line,
	/// Distinct keys written.
	pub writes: Line,
	/// Bytes of the recorded proof.
	pub proof: Line,
}

impl fmt::Display for Measured {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		let micros = |picos: u128| picos as f64 / 1e6;
		write!(f, "{:.1} µs", micros(self.time.base))?;
		for ((name, ..), slope) in self.components.iter().zip(&self.time.slopes) {
			write!(f, " + {name} × {:.2} µs", micros(*slope))?;
		}
		write!(f, ", reads {} {:?}", self.reads.base, self.reads.slopes)?;
		write!(f, ", writes {} {:?}", self.writes.base, self.writes.slopes)
	}
}

/// The runtime on its first state, once with and once without counting.
pub struct Bench {
	runtime: Runtime,
	counting: State,
	timing: State,
}

impl Bench {
	/// Builds the states.
	pub fn new(runtime: Runtime) -> Result<Self> {
		let genesis = runtime.genesis()?;
		let state = |proof, counted| {
			State::new(genesis.clone(), None, proof, counted).map_err(anyhow::Error::msg)
		};
		Ok(Self {
			counting: state(true, true)?,
			timing: state(false, false)?,
			runtime,
		})
	}

	/// Every benchmark, by pallet.
	pub fn benchmarks(&self) -> Result<Vec<BenchmarkList>> {
		self.runtime.benchmarks(&self.timing)
	}

	/// Verifies a benchmark, counts its accesses and times it.
	pub fn measure(&self, list: &BenchmarkList, benchmark: &BenchmarkMetadata) -> Result<Measured> {
		let (mut counts, mut times) = (Vec::new(), Vec::new());
		for selected in points(&benchmark.components) {
			let config = |verify, repeats| BenchmarkConfig {
				pallet: list.pallet.clone(),
				instance: list.instance.clone(),
				benchmark: benchmark.name.clone(),
				selected_components: selected.clone(),
				verify,
				internal_repeats: repeats,
			};
			self.runtime.run(&self.timing, &config(true, 1))?;
			counts.extend(self.runtime.run(&self.counting, &config(false, 1))?);
			times.extend(self.runtime.run(&self.timing, &config(false, REPEATS))?);
		}
		let fit = |results, selector| line(results, selector, &benchmark.components);
		Ok(Measured {
			name: String::from_utf8(benchmark.name.clone())?,
			components: benchmark.components.clone(),
			time: fit(&times, BenchmarkSelector::ExtrinsicTime)?,
			reads: fit(&counts, BenchmarkSelector::Reads)?,
			writes: fit(&counts, BenchmarkSelector::Writes)?,
			proof: fit(&counts, BenchmarkSelector::ProofSize)?,
		})
	}
}

/// Where a benchmark is run: each component over its range in turn, with the others at their most.
fn points(components: &[Range]) -> Vec<Vec<(BenchmarkParameter, u32)>> {
	if components.is_empty() {
		return vec![Vec::new()];
	}
	let mut points = Vec::new();
	for (varied, low, high) in components {
		let values = (0..STEPS).map(|step| {
			let span = u64::from(high.saturating_sub(*low));
			low + (span * u64::from(step) / u64::from(STEPS - 1)) as u32
		});
		for value in values {
			let point = components.iter().map(|(name, _, most)| {
				let at = if name == varied { value } else { *most };
				(*name, at)
			});
			points.push(point.collect());
		}
	}
	points
}

fn line(
	results: &Vec<BenchmarkResult>,
	selector: BenchmarkSelector,
	components: &[Range],
) -> Result<Line> {
	let fitted = Analysis::min_squares_iqr(results, selector)?;
	let slope = |(name, ..): &Range| {
		let at = fitted
			.names
			.iter()
			.position(|other| *other == name.to_string());
		at.and_then(|at| fitted.slopes.get(at))
			.copied()
			.unwrap_or(0)
	};
	Ok(Line {
		base: fitted.base,
		slopes: components.iter().map(slope).collect(),
	})
}
