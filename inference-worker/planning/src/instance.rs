//! The placement problem as the solvers see it: numbers only.
//!
//! A *unit* is whatever may hold a segment: one device, or a team of devices that hold the same layers
//! as replicas. A placement is a path: consecutive segments on units that share no device. How the
//! numbers come about is the cost model's business ([`crate::cost`]); who searches, [`crate::search`]'s.

use std::fmt;

/// A unit that may hold one segment.
#[derive(Clone, Debug)]
pub struct Unit {
	/// Its devices.
	pub devices: Vec<u16>,
	/// Cost of layers `0..l` on it, for `l` in `0..=layers`: a segment `a..b` costs `prefix[b] − prefix[a]`.
	pub prefix: Vec<f64>,
	/// Time of one decoding step through layers `0..l` on its slowest device, likewise.
	pub step: Vec<f64>,
	/// For each first layer `a`, the end of the longest segment that its memory holds; `a` where none.
	pub reach: Vec<u16>,
	/// Cost of the hop from the entry to it.
	pub start: f64,
	/// Cost of the hop from it back to the entry.
	pub finish: f64,
}

/// Something that adds up along a path and may not exceed a limit: time to the first token, time per
/// token, −ln of the probability that nobody fails.
#[derive(Clone, Debug)]
pub struct Budget {
	/// What it is, for people.
	pub name: &'static str,
	/// What may not be exceeded.
	pub limit: f64,
	/// Of layers `0..l` on each unit.
	pub prefix: Vec<Vec<f64>>,
	/// Of entering a unit.
	pub enter: Vec<f64>,
	/// Of the hop between two units, row by row.
	pub hop: Vec<f64>,
	/// Of the hop from the entry.
	pub start: Vec<f64>,
	/// Of the hop to the entry.
	pub finish: Vec<f64>,
}

/// How many segments a placement may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Count {
	/// Any number.
	Any,
	/// So many at most.
	AtMost(usize),
	/// So many.
	Exactly(usize),
}

impl Count {
	/// Whether so many segments are allowed.
	pub fn allows(&self, segments: usize) -> bool {
		match *self {
			Self::Any => true,
			Self::AtMost(most) => segments <= most,
			Self::Exactly(exactly) => segments == exactly,
		}
	}
}

/// A placement problem.
#[derive(Clone, Debug)]
pub struct Instance {
	/// Layers of the model.
	pub layers: usize,
	/// Devices that units are made of.
	pub devices: usize,
	/// Units.
	pub units: Vec<Unit>,
	/// Cost of the hop between two units, row by row; infinite where two units share a device.
	pub hop: Vec<f64>,
	/// Time that one decoding step's frame occupies that hop.
	pub hop_step: Vec<f64>,
	/// Cost of entering a unit.
	pub enter: f64,
	/// Weight of the slowest stage or hop.
	pub bottleneck: f64,
	/// How many segments.
	pub count: Count,
	/// What adds up.
	pub budgets: Vec<Budget>,
}

/// Layers `start..end` on a unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Piece {
	/// The unit.
	pub unit: usize,
	/// First layer.
	pub start: usize,
	/// One past the last layer.
	pub end: usize,
}

/// Why an instance makes no sense.
#[derive(thiserror::Error, Clone, PartialEq, Debug)]
pub enum InstanceError {
	/// There is nothing to place, or nowhere.
	#[error(
		"the placement has {layers} layers and {units} candidates: it needs one of each at least"
	)]
	Empty { layers: usize, units: usize },
	/// A figure is negative or no number.
	#[error("{what} of candidate {unit} is {value}: measure it again; only figures of 0 and more make sense")]
	BadFigure {
		what: &'static str,
		unit: usize,
		value: f64,
	},
	/// A table has another size than it should have.
	#[error("{what} has {given} entries, not {wanted}")]
	BadShape {
		what: &'static str,
		given: usize,
		wanted: usize,
	},
}

impl Instance {
	/// Checks sizes and signs, so that the solvers need not.
	pub fn check(&self) -> Result<(), InstanceError> {
		let units = self.units.len();
		if self.layers == 0 || units == 0 {
			return Err(InstanceError::Empty {
				layers: self.layers,
				units,
			});
		}
		shape("the table of hops", self.hop.len(), units * units)?;
		shape("the table of hop times", self.hop_step.len(), units * units)?;
		for (at, unit) in self.units.iter().enumerate() {
			shape(
				"the costs of a candidate",
				unit.prefix.len(),
				self.layers + 1,
			)?;
			shape(
				"the step times of a candidate",
				unit.step.len(),
				self.layers + 1,
			)?;
			shape("the reach of a candidate", unit.reach.len(), self.layers)?;
			for pair in unit.prefix.windows(2) {
				figure("the cost of a layer", at, pair[1] - pair[0], false)?;
			}
			for pair in unit.step.windows(2) {
				figure("the step time of a layer", at, pair[1] - pair[0], false)?;
			}
			figure("the hop from the entry", at, unit.start, true)?;
			figure("the hop to the entry", at, unit.finish, true)?;
			for other in 0..units {
				figure("a hop", at, self.hop(at, other), true)?;
				figure("a hop time", at, self.hop_step[at * units + other], true)?;
			}
		}
		figure("the cost of a device entered", 0, self.enter, false)?;
		figure("the weight of the bottleneck", 0, self.bottleneck, false)?;
		self.budgets
			.iter()
			.try_for_each(|budget| self.check_budget(budget))
	}

	fn check_budget(&self, budget: &Budget) -> Result<(), InstanceError> {
		let units = self.units.len();
		shape("a budget", budget.prefix.len(), units)?;
		shape("a budget's entering", budget.enter.len(), units)?;
		shape("a budget's table of hops", budget.hop.len(), units * units)?;
		shape("a budget's starts", budget.start.len(), units)?;
		shape("a budget's ends", budget.finish.len(), units)?;
		for (at, prefix) in budget.prefix.iter().enumerate() {
			shape("a budget's layers", prefix.len(), self.layers + 1)?;
			for pair in prefix.windows(2) {
				figure(budget.name, at, pair[1] - pair[0], false)?;
			}
			figure(budget.name, at, budget.enter[at], true)?;
		}
		Ok(())
	}

	/// Cost of the hop between two units.
	pub fn hop(&self, from: usize, to: usize) -> f64 {
		self.hop[from * self.units.len() + to]
	}

	/// Time of the hop between two units in a decoding step.
	pub fn hop_step(&self, from: usize, to: usize) -> f64 {
		self.hop_step[from * self.units.len() + to]
	}

	/// Cost of a segment, entering included.
	pub fn segment(&self, piece: Piece) -> f64 {
		let prefix = &self.units[piece.unit].prefix;
		self.enter + prefix[piece.end] - prefix[piece.start]
	}

	/// Cost of a path without the bottleneck.
	pub fn path_cost(&self, path: &[Piece]) -> f64 {
		let (Some(first), Some(last)) = (path.first(), path.last()) else {
			return f64::INFINITY;
		};
		let segments = path.iter().map(|piece| self.segment(*piece)).sum::<f64>();
		let hops = path
			.windows(2)
			.map(|pair| self.hop(pair[0].unit, pair[1].unit))
			.sum::<f64>();
		self.units[first.unit].start + segments + hops + self.units[last.unit].finish
	}

	/// Time of the slowest stage or hop of a path in a decoding step.
	pub fn slowest(&self, path: &[Piece]) -> f64 {
		let stages = path.iter().map(|piece| {
			let step = &self.units[piece.unit].step;
			step[piece.end] - step[piece.start]
		});
		let hops = path
			.windows(2)
			.map(|pair| self.hop_step(pair[0].unit, pair[1].unit));
		stages.chain(hops).fold(0.0, f64::max)
	}

	/// What is minimised.
	pub fn cost(&self, path: &[Piece]) -> f64 {
		self.path_cost(path) + self.bottleneck * self.slowest(path)
	}

	/// What a path uses of a budget.
	pub fn used(&self, budget: &Budget, path: &[Piece]) -> f64 {
		let (Some(first), Some(last)) = (path.first(), path.last()) else {
			return f64::INFINITY;
		};
		let units = self.units.len();
		let pieces = path.iter().map(|piece| {
			let prefix = &budget.prefix[piece.unit];
			budget.enter[piece.unit] + prefix[piece.end] - prefix[piece.start]
		});
		let hops = path
			.windows(2)
			.map(|pair| budget.hop[pair[0].unit * units + pair[1].unit]);
		budget.start[first.unit] + pieces.chain(hops).sum::<f64>() + budget.finish[last.unit]
	}

	/// Whether a path covers every layer once, fits every memory and budget, and enters no device twice.
	pub fn is_feasible(&self, path: &[Piece]) -> bool {
		let mut next = 0;
		let mut entered = vec![false; self.devices];
		for piece in path {
			let unit = &self.units[piece.unit];
			let fits = piece.start == next
				&& piece.end > piece.start
				&& piece.end <= usize::from(unit.reach[piece.start]);
			let fresh = unit
				.devices
				.iter()
				.all(|device| !std::mem::replace(&mut entered[usize::from(*device)], true));
			if !fits || !fresh {
				return false;
			}
			next = piece.end;
		}
		next == self.layers
			&& self.count.allows(path.len())
			&& self.path_cost(path).is_finite()
			&& self.over_budget(path).is_none()
	}

	/// The first budget that a path exceeds.
	pub fn over_budget(&self, path: &[Piece]) -> Option<usize> {
		self.budgets
			.iter()
			.position(|budget| !within(self.used(budget, path), budget.limit))
	}
}

/// Whether a sum of floating-point figures keeps a limit; its rounding is forgiven.
pub fn within(used: f64, limit: f64) -> bool {
	used <= limit + 1e-9 * limit.abs()
}

fn shape(what: &'static str, given: usize, wanted: usize) -> Result<(), InstanceError> {
	match given == wanted {
		true => Ok(()),
		false => Err(InstanceError::BadShape {
			what,
			given,
			wanted,
		}),
	}
}

/// Differences of sums may be negative by rounding.
fn figure(what: &'static str, unit: usize, value: f64, endless: bool) -> Result<(), InstanceError> {
	match value >= -1e-9 && (endless || value.is_finite()) {
		true => Ok(()),
		false => Err(InstanceError::BadFigure { what, unit, value }),
	}
}

impl fmt::Display for Piece {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		write!(f, "{}..{} on {}", self.start, self.end, self.unit)
	}
}
