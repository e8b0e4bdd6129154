//! Bounds by dynamic programming: what the layers that are left cost at least, where a device may be
//! entered again and again for a penalty.

use crate::instance::{Count, Instance, Piece};

/// Least costs from every state to the end.
pub struct Bound {
	/// Planes by segments left: one where any number is allowed.
	planes: usize,
	layers: usize,
	units: usize,
	/// Cost of what follows a segment that ended before layer `l` on a unit.
	after: Vec<f64>,
	/// Cost of a segment that starts with layer `l` on a unit, and of what follows.
	from: Vec<f64>,
	/// Penalty of each unit.
	penalty: Vec<f64>,
	/// Sum of the penalties of all devices.
	total_penalty: f64,
}

impl Bound {
	/// Bounds with a penalty for each time that a device is entered. `O(layers·units·(units + layers))`
	/// for each plane.
	pub fn backward(instance: &Instance, penalties: &[f64]) -> Self {
		let units = instance.units.len();
		let planes = planes(instance.count);
		let size = planes * (instance.layers + 1) * units;
		let mut bound = Self {
			planes,
			layers: instance.layers,
			units,
			after: vec![f64::INFINITY; size],
			from: vec![f64::INFINITY; size],
			penalty: unit_penalties(instance, penalties),
			total_penalty: penalties.iter().sum(),
		};
		for plane in 0..planes {
			bound.fill(instance, plane);
		}
		bound
	}

	fn fill(&mut self, instance: &Instance, plane: usize) {
		let last = self.at(plane, self.layers, 0);
		if !matches!(instance.count, Count::Exactly(_)) || plane == 0 {
			for (unit, end) in instance.units.iter().enumerate() {
				self.after[last + unit] = end.finish;
			}
		}
		let counted = self.planes > 1;
		if counted && plane == 0 {
			return;
		}
		for layer in (0..self.layers).rev() {
			let row = self.at(plane, layer, 0);
			for unit in 0..self.units {
				self.from[row + unit] = self.segment(instance, plane, layer, unit).0;
			}
			let from = &self.from[row..row + self.units];
			for unit in 0..self.units {
				let hops = &instance.hop[unit * self.units..][..self.units];
				let mut best = f64::INFINITY;
				for (hop, rest) in hops.iter().zip(from) {
					let cost = hop + rest;
					best = if cost < best { cost } else { best };
				}
				self.after[row + unit] = best;
			}
		}
	}

	/// The cheapest segment that starts here, with what follows, and its end.
	fn segment(
		&self,
		instance: &Instance,
		plane: usize,
		start: usize,
		unit: usize,
	) -> (f64, usize) {
		let data = &instance.units[unit];
		let next = self.next(plane);
		let entering = instance.enter + self.penalty[unit] - data.prefix[start];
		let mut best = (f64::INFINITY, start);
		for end in start + 1..=usize::from(data.reach[start]) {
			let cost = entering + data.prefix[end] + self.after[self.at(next, end, unit)];
			if cost < best.0 {
				best = (cost, end);
			}
		}
		best
	}

	/// Index of a state.
	pub fn at(&self, plane: usize, layer: usize, unit: usize) -> usize {
		(plane * (self.layers + 1) + layer) * self.units + unit
	}

	/// Number of states.
	pub fn states(&self) -> usize {
		self.after.len()
	}

	/// The plane from which a path starts.
	pub fn first_plane(&self) -> usize {
		self.planes - 1
	}

	/// The plane after a segment.
	pub fn next(&self, plane: usize) -> usize {
		match self.planes {
			1 => 0,
			_ => plane - 1,
		}
	}

	/// Whether a segment may start in this plane.
	pub fn may_start(&self, plane: usize) -> bool {
		self.planes == 1 || plane > 0
	}

	/// See the field.
	pub fn after(&self, plane: usize, layer: usize, unit: usize) -> f64 {
		self.after[self.at(plane, layer, unit)]
	}

	/// See the field.
	pub fn from(&self, plane: usize, layer: usize, unit: usize) -> f64 {
		self.from[self.at(plane, layer, unit)]
	}

	/// Penalty of a unit.
	pub fn penalty(&self, unit: usize) -> f64 {
		self.penalty[unit]
	}

	/// Sum of the penalties of all devices.
	pub fn total_penalty(&self) -> f64 {
		self.total_penalty
	}

	/// Every path costs at least this much.
	pub fn best(&self, instance: &Instance) -> f64 {
		self.first(instance).1 - self.total_penalty
	}

	fn first(&self, instance: &Instance) -> (usize, f64) {
		let plane = self.first_plane();
		let starts = (0..self.units).map(|unit| {
			let cost = instance.units[unit].start + self.from(plane, 0, unit);
			(unit, cost)
		});
		starts.fold((0, f64::INFINITY), |best, next| {
			if next.1 < best.1 {
				next
			} else {
				best
			}
		})
	}

	/// The path that attains the bound, which may enter a device more than once; empty where there is none.
	pub fn trace(&self, instance: &Instance) -> Vec<Piece> {
		let (mut unit, cost) = self.first(instance);
		let mut path = Vec::new();
		if cost.is_infinite() {
			return path;
		}
		let (mut plane, mut start) = (self.first_plane(), 0);
		loop {
			let (_, end) = self.segment(instance, plane, start, unit);
			path.push(Piece { unit, start, end });
			plane = self.next(plane);
			start = end;
			if end >= self.layers {
				return path;
			}
			let next =
				(0..self.units).map(|to| (to, instance.hop(unit, to) + self.from(plane, end, to)));
			unit = next
				.min_by(|a, b| a.1.total_cmp(&b.1))
				.map_or(unit, |(to, _)| to);
		}
	}

	/// Through every start of a segment: what the cheapest path costs at least that starts a segment with
	/// this layer on this unit. Paths of any number of segments count.
	pub fn through(&self, instance: &Instance) -> Vec<f64> {
		let units = self.units;
		let mut arrive = vec![f64::INFINITY; (self.layers + 1) * units];
		let mut through = vec![f64::INFINITY; self.layers * units];
		for (unit, data) in instance.units.iter().enumerate() {
			arrive[unit] = data.start;
		}
		let mut ended = vec![f64::INFINITY; (self.layers + 1) * units];
		for layer in 0..self.layers {
			if layer > 0 {
				hop_forward(
					instance,
					&ended[layer * units..][..units],
					&mut arrive[layer * units..],
				);
			}
			for (unit, data) in instance.units.iter().enumerate() {
				let here = arrive[layer * units + unit];
				let rest = (0..self.planes)
					.map(|plane| self.from(plane, layer, unit))
					.fold(f64::INFINITY, f64::min);
				through[layer * units + unit] = here + rest - self.total_penalty;
				let base = here + instance.enter + self.penalty[unit] - data.prefix[layer];
				for end in layer + 1..=usize::from(data.reach[layer]) {
					let cell = &mut ended[end * units + unit];
					*cell = cell.min(base + data.prefix[end]);
				}
			}
		}
		through
	}
}

fn hop_forward(instance: &Instance, ended: &[f64], arrive: &mut [f64]) {
	let units = ended.len();
	for (from, cost) in ended
		.iter()
		.enumerate()
		.filter(|(_, cost)| cost.is_finite())
	{
		let hops = &instance.hop[from * units..][..units];
		for (cell, hop) in arrive.iter_mut().zip(hops) {
			let sum = cost + hop;
			*cell = if sum < *cell { sum } else { *cell };
		}
	}
}

fn planes(count: Count) -> usize {
	match count {
		Count::Any => 1,
		Count::AtMost(most) => most + 1,
		Count::Exactly(exactly) => exactly + 1,
	}
}

fn unit_penalties(instance: &Instance, penalties: &[f64]) -> Vec<f64> {
	let of_unit = |unit: &crate::instance::Unit| {
		let devices = unit.devices.iter();
		devices.map(|device| penalties[usize::from(*device)]).sum()
	};
	instance.units.iter().map(of_unit).collect()
}

/// The least that a budget can be used for from every state to the end, whatever that costs: `after` of
/// the state after a segment, `layer·units + unit`.
pub fn least_use(instance: &Instance, budget: &crate::instance::Budget) -> Vec<f64> {
	let units = instance.units.len();
	let mut after = vec![f64::INFINITY; (instance.layers + 1) * units];
	after[instance.layers * units..].copy_from_slice(&budget.finish);
	let mut from = vec![f64::INFINITY; units];
	for layer in (0..instance.layers).rev() {
		for (unit, data) in instance.units.iter().enumerate() {
			let prefix = &budget.prefix[unit];
			let ends = layer + 1..=usize::from(data.reach[layer]);
			let uses = ends.map(|end| prefix[end] - prefix[layer] + after[end * units + unit]);
			from[unit] = budget.enter[unit] + uses.fold(f64::INFINITY, f64::min);
		}
		for unit in 0..units {
			let hops = budget.hop[unit * units..][..units]
				.iter()
				.zip(&from)
				.enumerate();
			let open = hops.filter(|(to, _)| instance.hop(unit, *to).is_finite());
			after[layer * units + unit] = open
				.map(|(_, (hop, rest))| hop + rest)
				.fold(f64::INFINITY, f64::min);
		}
	}
	after
}

/// The fastest bottleneck of any path, devices entered again and again.
pub fn fastest_bottleneck(instance: &Instance) -> f64 {
	let units = instance.units.len();
	let mut after = vec![f64::INFINITY; (instance.layers + 1) * units];
	after[instance.layers * units..].fill(0.0);
	let mut from = vec![f64::INFINITY; units];
	for layer in (0..instance.layers).rev() {
		for (unit, data) in instance.units.iter().enumerate() {
			let ends = layer + 1..=usize::from(data.reach[layer]);
			let steps =
				ends.map(|end| (data.step[end] - data.step[layer]).max(after[end * units + unit]));
			from[unit] = steps.fold(f64::INFINITY, f64::min);
		}
		for unit in 0..units {
			let open = (0..units).filter(|to| instance.hop(unit, *to).is_finite());
			let steps = open.map(|to| instance.hop_step(unit, to).max(from[to]));
			after[layer * units + unit] = steps.fold(f64::INFINITY, f64::min);
		}
	}
	from.iter().copied().fold(f64::INFINITY, f64::min)
}
