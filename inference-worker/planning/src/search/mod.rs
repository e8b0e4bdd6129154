//! Exact search: the cheapest path through states (next layer, last unit) that enters no device twice.
//!
//! A backward dynamic program that ignores "no device twice" bounds what is still to come
//! ([`bound`]); multipliers on contested devices tighten it ([`multipliers`]); a beam finds a first
//! placement ([`beam`]); A* over labels closes the gap, tracking only those devices and budgets that a
//! relaxed optimum was found to violate ([`labels`]: decremental state-space relaxation, Righini and
//! Salani 2008). The slowest stage is scanned downwards: each search forbids what is as slow as the last
//! answer. Where time or memory runs out the best placement stands with a certified bound.

pub mod beam;
pub mod bound;
pub mod labels;
pub mod multipliers;
mod reason;

pub use reason::Binding;

use crate::instance::{Count, Instance, InstanceError, Piece};
use bound::Bound;
use multipliers::Priced;
use std::time::{Duration, Instant};

/// Costs closer than this share of their size count as equal.
pub const PRECISION: f64 = 1e-9;
/// Labels of the first attempt, without multipliers: enough for most problems, and little lost where not.
const FIRST_LABELS: usize = 20_000;

/// How much a search may take.
#[derive(Clone, Copy, Debug)]
pub struct Options {
	/// Time; then the best placement stands with its bound.
	pub time_limit: Duration,
	/// Labels at once, of about 150 bytes each with what belongs to them.
	pub label_limit: usize,
}

impl Default for Options {
	/// Two seconds, and less than a gigabyte.
	fn default() -> Self {
		Self {
			time_limit: Duration::from_secs(2),
			label_limit: 4_000_000,
		}
	}
}

/// A placement and what is proved of it.
#[derive(Clone, Debug)]
pub struct Answer {
	/// Its segments in order.
	pub path: Vec<Piece>,
	/// Its cost.
	pub cost: f64,
	/// No placement costs less.
	pub bound: f64,
	/// Labels that were made.
	pub labels: usize,
}

impl Answer {
	/// Share of the cost by which the placement may miss the optimum.
	pub fn gap(&self) -> f64 {
		((self.cost - self.bound) / self.cost.abs().max(f64::MIN_POSITIVE)).max(0.0)
	}

	/// Whether no placement is cheaper.
	pub fn is_optimal(&self) -> bool {
		self.gap() <= PRECISION
	}
}

/// Why there is no placement.
#[derive(thiserror::Error, Clone, PartialEq, Debug)]
pub enum SearchError {
	/// The problem makes no sense.
	#[error(transparent)]
	Instance(#[from] InstanceError),
	/// No placement keeps all constraints.
	#[error("infeasible because {0}")]
	Infeasible(Binding),
	/// There are too many candidates to search all of their teams, and the most promising ones do not suffice.
	#[error("no placement was found with teams of the {candidates} most promising candidates, and whether others have one is not known: leave out candidates that are not needed, or ask for fewer replicas")]
	Unsettled { candidates: usize },
	/// Time or memory ran out before a placement was found.
	#[error("no placement was found within {seconds:.1} s (none costs less than {bound:.3}): allow more time, or leave out candidates")]
	OutOfTime { seconds: f64, bound: f64 },
}

/// The cheapest placement, or the best one that was found in time.
pub fn solve(instance: &Instance, options: &Options) -> Result<Answer, SearchError> {
	instance.check()?;
	if let Count::AtMost(most) = instance.count {
		// States that count segments are dear, and the limit seldom binds.
		let uncounted = Instance {
			count: Count::Any,
			..instance.clone()
		};
		let answer = solve(&uncounted, options)?;
		if answer.path.len() <= most {
			return Ok(answer);
		}
	}
	let started = Instant::now();
	let until = started + options.time_limit;
	let fastest = match instance.bottleneck > 0.0 {
		true => bound::fastest_bottleneck(instance),
		false => 0.0,
	};
	let floor = instance.bottleneck * fastest;
	let mut best: Option<Vec<Piece>> = None;
	let mut cost = f64::INFINITY;
	let mut labels = 0;
	let mut capped = instance.clone();
	// What no placement that is still to be looked for costs less than.
	let bound = loop {
		let outcome = cheapest(&capped, cost - floor, until, options.label_limit);
		labels += outcome.labels;
		let rest = outcome.bound + floor;
		let Some(path) = outcome.path else {
			break rest;
		};
		let slowest = instance.slowest(&path);
		let found = instance.cost(&path);
		if found < cost {
			cost = found;
			best = Some(path);
		}
		if !outcome.complete || instance.bottleneck == 0.0 {
			break rest;
		}
		if rest >= cost * (1.0 - PRECISION) {
			break rest;
		}
		cap(&mut capped, slowest * (1.0 - PRECISION));
	};
	match best {
		Some(path) => Ok(Answer {
			path,
			cost,
			bound: bound.min(cost),
			labels,
		}),
		None if bound.is_infinite() => Err(SearchError::Infeasible(reason::binding(instance))),
		None => Err(SearchError::OutOfTime {
			seconds: started.elapsed().as_secs_f64(),
			bound,
		}),
	}
}

/// What one search without the bottleneck found.
pub(crate) struct Outcome {
	/// The cheapest path below the given ceiling.
	pub path: Option<Vec<Piece>>,
	/// No path costs less; the ceiling, or infinite, where there is none.
	pub bound: f64,
	/// Whether the search ended of itself.
	pub complete: bool,
	/// Labels that were made.
	pub labels: usize,
}

/// The cheapest path that costs less than `ceiling`, the bottleneck left out.
fn cheapest(instance: &Instance, ceiling: f64, until: Instant, label_limit: usize) -> Outcome {
	let none = |bound| Outcome {
		path: None,
		bound,
		complete: true,
		labels: 0,
	};
	let free = vec![0.0; instance.devices];
	let plain = Bound::backward(instance, &free);
	let relaxed = plain.best(instance);
	if relaxed >= ceiling || relaxed.is_infinite() {
		return none(relaxed);
	}
	let path = plain.trace(instance);
	if instance.is_feasible(&path) {
		return Outcome {
			path: Some(path),
			..none(relaxed)
		};
	}
	let mut incumbent = labels::Incumbent::below(ceiling);
	incumbent.offer(instance, beam::search(instance, &plain, ceiling));
	let unpriced = Priced::none(instance, relaxed);
	let first = labels::search(
		instance,
		&plain,
		&unpriced,
		incumbent.clone(),
		until,
		FIRST_LABELS.min(label_limit),
	);
	if first.complete || Instant::now() >= until {
		return first;
	}
	incumbent.offer(instance, first.path);
	let priced = multipliers::tighten(instance, &plain, &mut incumbent, until);
	incumbent.offer(
		instance,
		beam::search(instance, &priced.bound, incumbent.cost),
	);
	let second = labels::search(instance, &plain, &priced, incumbent, until, label_limit);
	Outcome {
		bound: second.bound.max(first.bound),
		labels: second.labels + first.labels,
		..second
	}
}

/// Forbids stages and hops slower than `slowest`.
fn cap(instance: &mut Instance, slowest: f64) {
	for unit in &mut instance.units {
		for start in 0..instance.layers {
			let reach = &mut unit.reach[start];
			while usize::from(*reach) > start
				&& unit.step[usize::from(*reach)] - unit.step[start] > slowest
			{
				*reach -= 1;
			}
		}
	}
	for (hop, step) in instance.hop.iter_mut().zip(&instance.hop_step) {
		if *step > slowest {
			*hop = f64::INFINITY;
		}
	}
}
