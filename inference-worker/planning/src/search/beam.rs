//! A first placement: a beam through the layers that never enters a device twice, guided by a bound.

use super::bound::Bound;
use crate::instance::{within, Instance, Piece};

/// Partial placements that are kept for each layer.
const WIDTH: usize = 12;

#[derive(Clone)]
struct Partial {
	cost: f64,
	/// Penalties of the devices entered.
	penalty: f64,
	/// Cost and penalties, and what follows at least.
	estimate: f64,
	plane: usize,
	path: Vec<Piece>,
}

/// The best partial placements that end before some layer, in order of their estimates.
#[derive(Clone, Default)]
struct Kept(Vec<Partial>);

impl Kept {
	/// The estimate from which on nothing is kept.
	fn threshold(&self) -> f64 {
		match self.0.get(WIDTH - 1) {
			Some(last) => last.estimate,
			None => f64::INFINITY,
		}
	}

	fn insert(&mut self, partial: Partial) {
		let at = self
			.0
			.partition_point(|other| other.estimate <= partial.estimate);
		self.0.insert(at, partial);
		self.0.truncate(WIDTH);
	}
}

/// The best path that a beam finds below `ceiling`.
pub fn search(instance: &Instance, bound: &Bound, ceiling: f64) -> Option<Vec<Piece>> {
	let mut kept = vec![Kept::default(); instance.layers + 1];
	let root = Partial {
		cost: 0.0,
		penalty: 0.0,
		estimate: 0.0,
		plane: bound.first_plane(),
		path: Vec::new(),
	};
	// Estimates contain the penalties of all devices.
	let reach = ceiling + bound.total_penalty();
	extend(instance, bound, &root, reach, &mut kept);
	for layer in 1..instance.layers {
		for partial in std::mem::take(&mut kept[layer]).0 {
			extend(instance, bound, &partial, reach, &mut kept);
		}
	}
	let complete = kept.pop()?.0.into_iter();
	let best = complete.min_by(|a, b| a.cost.total_cmp(&b.cost))?;
	Some(best.path)
}

fn extend(instance: &Instance, bound: &Bound, partial: &Partial, reach: f64, kept: &mut [Kept]) {
	if !bound.may_start(partial.plane) {
		return;
	}
	let last = partial.path.last();
	let start = last.map_or(0, |piece| piece.end);
	let plane = bound.next(partial.plane);
	for (unit, data) in instance.units.iter().enumerate() {
		let hop = last.map_or(data.start, |piece| instance.hop(piece.unit, unit));
		let arrived = partial.cost + hop;
		let spent = arrived + partial.penalty;
		let hopeless = spent + bound.from(partial.plane, start, unit) >= reach;
		if hopeless || enters_again(instance, partial, unit) {
			continue;
		}
		let penalty = partial.penalty + bound.penalty(unit);
		#[expect(
			clippy::needless_range_loop,
			reason = "the end is a number of layers too"
		)]
		for end in start + 1..=usize::from(data.reach[start]) {
			let piece = Piece { unit, start, end };
			let cost = arrived + instance.segment(piece);
			let estimate = cost + penalty + bound.after(plane, end, unit);
			if estimate >= reach || estimate >= kept[end].threshold() {
				continue;
			}
			let mut path = Vec::with_capacity(partial.path.len() + 1);
			path.extend_from_slice(&partial.path);
			path.push(piece);
			if end == instance.layers && instance.over_budget(&path).is_some()
				|| spent_out(instance, &path)
			{
				continue;
			}
			kept[end].insert(Partial {
				cost,
				penalty,
				estimate,
				plane,
				path,
			});
		}
	}
}

fn enters_again(instance: &Instance, partial: &Partial, unit: usize) -> bool {
	let devices = &instance.units[unit].devices;
	let mut entered = partial
		.path
		.iter()
		.flat_map(|piece| &instance.units[piece.unit].devices);
	entered.any(|device| devices.contains(device))
}

/// Whether a partial path has exceeded a budget already.
fn spent_out(instance: &Instance, path: &[Piece]) -> bool {
	let mut budgets = instance.budgets.iter();
	budgets.any(|budget| {
		let last = path.last().map_or(0.0, |piece| budget.finish[piece.unit]);
		!within(instance.used(budget, path) - last, budget.limit)
	})
}
