//! The second best placement: the cheapest one that does without one of the best one's workers.
//!
//! The next best path mostly moves a border by a layer, or runs the ring the other way round, which tells nobody
//! anything. So two placements count as different where one does without a worker of the other: the second best
//! is what there is once that worker is gone. Every such placement leaves out one of the best one's workers, so
//! the cheapest of the placements without each of them is exact.

use crate::{
	replicas::{place, renamed, Placement, Pool},
	search::{Binding, Options, SearchError},
};
use std::time::Instant;

/// The cheapest placement that does without a worker of `best`; none where all of them are needed. All searches
/// together share the time of one.
pub fn second<P: Pool>(
	pool: &P,
	replicas: usize,
	best: &Placement,
	options: &Options,
) -> Result<Option<Placement>, SearchError> {
	let until = Instant::now() + options.time_limit;
	let workers = workers(best);
	let mut cheapest: Option<Placement> = None;
	let mut bound = f64::INFINITY;
	let mut open = None;
	for (searched, without) in workers.iter().enumerate() {
		let left = until.saturating_duration_since(Instant::now());
		let share = Options {
			time_limit: left / (workers.len() - searched) as u32,
			..*options
		};
		let found = match left.is_zero() {
			true => Err(SearchError::OutOfTime {
				seconds: options.time_limit.as_secs_f64(),
				bound: best.bound,
			}),
			false => place_without(pool, replicas, *without, &share),
		};
		match found {
			Ok(found) => {
				bound = bound.min(found.bound);
				let known = cheapest.as_ref().map(|known| known.cost);
				if known.is_none_or(|known| found.cost < known) {
					cheapest = Some(found);
				}
			}
			Err(SearchError::Infeasible(_)) => {}
			Err(error) => {
				// Nothing costs less than the best.
				bound = best.bound;
				open = Some(error);
			}
		}
	}
	match (cheapest, open) {
		(Some(found), _) => Ok(Some(Placement { bound, ..found })),
		(None, Some(error)) => Err(error),
		(None, None) => Ok(None),
	}
}

/// Whether a placement does without a worker of `best`.
pub fn differs(best: &Placement, other: &Placement) -> bool {
	let others = workers(other);
	workers(best).iter().any(|worker| !others.contains(worker))
}

fn place_without<P: Pool>(
	pool: &P,
	replicas: usize,
	without: usize,
	options: &Options,
) -> Result<Placement, SearchError> {
	let rest = (0..pool.candidates()).filter(|at| *at != without);
	let rest = rest.collect::<Vec<_>>();
	if rest.is_empty() {
		return Err(SearchError::Infeasible(Binding::Devices));
	}
	let found = place(&pool.subset(&rest), replicas, options)?;
	Ok(renamed(found, &rest))
}

fn workers(placement: &Placement) -> Vec<usize> {
	let teams = placement.segments.iter();
	teams.flat_map(|(_, _, team)| team).copied().collect()
}
