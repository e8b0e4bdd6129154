//! A* over labels with decremental state-space relaxation.
//!
//! A label is a partial path that ended before some layer on some unit. Of the devices that it entered
//! only *critical* ones are remembered, of budgets only critical ones are added up; what a complete path
//! violates becomes critical and the search starts again. A label is dropped where another one at the
//! same state costs no more, remembers a subset and has used no more.

use super::{
	bound::{least_use, Bound},
	multipliers::Priced,
	Outcome, PRECISION,
};
use crate::instance::{within, Instance, Piece};
use std::{cmp::Ordering, collections::BinaryHeap, time::Instant};

/// Devices that can be critical at once: bits of a label's memory.
const MOST_CRITICAL: usize = 128;
/// Labels between two looks at the clock.
const CLOCK_EVERY: usize = 256;
const NO_PARENT: u32 = u32::MAX;

/// The best feasible path so far.
#[derive(Clone, Debug)]
pub struct Incumbent {
	/// Its cost; the ceiling where there is no path yet.
	pub cost: f64,
	/// The path.
	pub path: Option<Vec<Piece>>,
}

impl Incumbent {
	/// No path yet; only those below `ceiling` are wanted.
	pub fn below(ceiling: f64) -> Self {
		Self {
			cost: ceiling,
			path: None,
		}
	}

	/// Takes a path if it is feasible and cheaper.
	pub fn offer(&mut self, instance: &Instance, path: Option<Vec<Piece>>) {
		let Some(path) = path else { return };
		let cost = instance.path_cost(&path);
		if cost < self.cost && instance.is_feasible(&path) {
			self.cost = cost;
			self.path = Some(path);
		}
	}
}

#[derive(Clone, Copy)]
struct Label {
	cost: f64,
	penalty: f64,
	visited: u128,
	parent: u32,
	unit: u32,
	start: u16,
	end: u16,
	plane: u16,
	/// A cheaper label took its place.
	dropped: bool,
}

struct Entry {
	estimate: f64,
	end: u16,
	label: u32,
}

impl PartialEq for Entry {
	fn eq(&self, other: &Self) -> bool {
		self.cmp(other) == Ordering::Equal
	}
}
impl Eq for Entry {}
impl PartialOrd for Entry {
	fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
		Some(self.cmp(other))
	}
}
impl Ord for Entry {
	/// The heap's greatest is the least estimate; of equals the one that got furthest.
	fn cmp(&self, other: &Self) -> Ordering {
		let by_estimate = other.estimate.total_cmp(&self.estimate);
		by_estimate.then(self.end.cmp(&other.end))
	}
}

/// What is remembered of labels.
#[derive(Default)]
struct Critical {
	/// Bit of each device, if any.
	bits: Vec<Option<u8>>,
	devices: usize,
	/// Which budgets, in order.
	budgets: Vec<usize>,
}

impl Critical {
	fn remember(&mut self, device: usize) -> bool {
		if self.bits[device].is_some() {
			return true;
		}
		if self.devices == MOST_CRITICAL {
			return false;
		}
		self.bits[device] = u8::try_from(self.devices).ok();
		self.devices += 1;
		true
	}
}

struct Search<'a> {
	instance: &'a Instance,
	plain: &'a Bound,
	priced: &'a Priced,
	critical: Critical,
	/// Critical bits of each unit.
	masks: Vec<u128>,
	/// Least use of each budget after a state.
	least: Vec<Vec<f64>>,
	/// Units at which a segment may start, by layer.
	starts: Vec<Vec<u32>>,
	incumbent: Incumbent,
	labels: Vec<Label>,
	/// What each label has used of the critical budgets, one after the other.
	used: Vec<f64>,
	/// Room for what a new label has used.
	spent: Vec<f64>,
	heap: BinaryHeap<Entry>,
	at: Vec<Vec<u32>>,
}

/// How a pass over the labels ended.
enum Pass {
	/// The incumbent is the cheapest, or there is nothing below the ceiling.
	Proved,
	/// A relaxed optimum was not feasible; what it violates is critical now. No path costs less.
	Again(f64),
	/// Time or memory ran out; no path costs less.
	Stopped(f64),
}

/// The cheapest path below the incumbent's cost, or the incumbent.
pub(super) fn search(
	instance: &Instance,
	plain: &Bound,
	priced: &Priced,
	incumbent: Incumbent,
	until: Instant,
	label_limit: usize,
) -> Outcome {
	let mut critical = Critical {
		bits: vec![None; instance.devices],
		..Critical::default()
	};
	for device in contested(&priced.penalties) {
		critical.remember(device);
	}
	let mut search = Search {
		instance,
		plain,
		priced,
		critical,
		masks: Vec::new(),
		least: instance
			.budgets
			.iter()
			.map(|budget| least_use(instance, budget))
			.collect(),
		starts: Vec::new(),
		incumbent,
		labels: Vec::new(),
		used: Vec::new(),
		spent: Vec::new(),
		heap: BinaryHeap::new(),
		at: Vec::new(),
	};
	search.select_starts();
	let (mut bound, mut made) = (priced.least, 0);
	let complete = loop {
		let pass = search.pass(until, label_limit);
		made += search.labels.len();
		match pass {
			Pass::Proved => break true,
			Pass::Again(least) => bound = bound.max(least),
			Pass::Stopped(least) => {
				bound = bound.max(least);
				break false;
			}
		}
	};
	let Incumbent { cost, path } = search.incumbent;
	let bound = match (complete, &path) {
		(true, Some(_)) => cost,
		(true, None) => cost.max(bound),
		(false, _) => bound.min(cost),
	};
	Outcome {
		path,
		bound,
		complete,
		labels: made,
	}
}

/// Devices with a multiplier, the most contested first.
fn contested(penalties: &[f64]) -> Vec<usize> {
	let mut devices = (0..penalties.len())
		.filter(|device| penalties[*device] > 0.0)
		.collect::<Vec<_>>();
	devices.sort_by(|a, b| penalties[*b].total_cmp(&penalties[*a]));
	devices.truncate(MOST_CRITICAL / 2);
	devices
}

impl Search<'_> {
	/// Leaves out what the bounds exclude for good.
	fn select_starts(&mut self) {
		let units = self.instance.units.len();
		let through = self.priced.bound.through(self.instance);
		let ceiling = self.ceiling();
		let possible = |layer: usize| {
			let row = &through[layer * units..][..units];
			let kept = (0u32..).zip(row).filter(|(_, cost)| **cost < ceiling);
			kept.map(|(unit, _)| unit).collect()
		};
		self.starts = (0..self.instance.layers).map(possible).collect();
	}

	fn ceiling(&self) -> f64 {
		self.incumbent.cost - PRECISION * self.incumbent.cost.abs().min(f64::MAX)
	}

	fn pass(&mut self, until: Instant, label_limit: usize) -> Pass {
		self.masks = self
			.instance
			.units
			.iter()
			.map(|unit| self.mask(unit))
			.collect();
		self.labels.clear();
		self.used.clear();
		self.heap.clear();
		self.at.clear();
		self.at.resize(self.plain.states(), Vec::new());
		self.extend(None);
		let mut popped = 0usize;
		while let Some(entry) = self.heap.pop() {
			if entry.estimate >= self.ceiling() {
				return Pass::Proved;
			}
			let label = self.labels[entry.label as usize];
			if label.dropped {
				continue;
			}
			if usize::from(label.end) == self.instance.layers {
				match self.learn(entry.label) {
					true => return Pass::Again(entry.estimate),
					false => return Pass::Stopped(entry.estimate),
				}
			}
			self.extend(Some(entry.label));
			popped += 1;
			let late = popped.is_multiple_of(CLOCK_EVERY) && Instant::now() >= until;
			if late || self.labels.len() >= label_limit {
				return Pass::Stopped(entry.estimate);
			}
		}
		Pass::Proved
	}

	fn mask(&self, unit: &crate::instance::Unit) -> u128 {
		let bits = unit
			.devices
			.iter()
			.filter_map(|device| self.critical.bits[usize::from(*device)]);
		bits.fold(0, |mask, bit| mask | 1 << bit)
	}

	/// Makes the labels that follow one, or the first ones.
	fn extend(&mut self, parent: Option<u32>) {
		let instance = self.instance;
		let from = parent.map(|at| (at, self.labels[at as usize]));
		let plane = from.map_or(self.plain.first_plane(), |(_, label)| label.plane.into());
		if !self.plain.may_start(plane) {
			return;
		}
		let start = from.map_or(0, |(_, label)| usize::from(label.end));
		let starts = std::mem::take(&mut self.starts[start]);
		for unit in starts.iter().map(|unit| *unit as usize) {
			let hop = match from {
				Some((_, label)) => instance.hop(label.unit as usize, unit),
				None => instance.units[unit].start,
			};
			let visited = from.map_or(0, |(_, label)| label.visited);
			let (cost, penalty) = from.map_or((0.0, 0.0), |(_, label)| (label.cost, label.penalty));
			let arrived = cost + hop;
			if visited & self.masks[unit] != 0
				|| self.estimate_from(plane, start, unit, arrived, penalty) >= self.ceiling()
			{
				continue;
			}
			let reach = usize::from(instance.units[unit].reach[start]);
			for end in start + 1..=reach {
				self.make(from, Piece { unit, start, end }, arrived, plane);
			}
		}
		self.starts[start] = starts;
	}

	/// What a path costs at least that arrives at a unit to start a segment.
	fn estimate_from(
		&self,
		plane: usize,
		start: usize,
		unit: usize,
		arrived: f64,
		penalty: f64,
	) -> f64 {
		let plain = arrived + self.plain.from(plane, start, unit);
		let priced = &self.priced.bound;
		let tight = arrived + penalty + priced.from(plane, start, unit) - priced.total_penalty();
		plain.max(tight)
	}

	fn make(&mut self, from: Option<(u32, Label)>, piece: Piece, arrived: f64, plane: usize) {
		let instance = self.instance;
		let Piece { unit, start, end } = piece;
		let next = self.plain.next(plane);
		let priced = &self.priced.bound;
		let mut cost = arrived + instance.segment(piece);
		let penalty = from.map_or(0.0, |(_, label)| label.penalty) + priced.penalty(unit);
		let plain = cost + self.plain.after(next, end, unit);
		let tight = cost + penalty + priced.after(next, end, unit) - priced.total_penalty();
		let mut estimate = plain.max(tight);
		if end == instance.layers {
			cost += instance.units[unit].finish;
			estimate = plain;
		}
		if estimate >= self.ceiling() {
			return;
		}
		if !self.spend(from, piece) {
			return;
		}
		let label = Label {
			cost,
			penalty,
			visited: from.map_or(0, |(_, label)| label.visited) | self.masks[unit],
			parent: from.map_or(NO_PARENT, |(at, _)| at),
			unit: unit as u32,
			start: start as u16,
			end: end as u16,
			plane: next as u16,
			dropped: false,
		};
		if !self.enter(self.plain.at(next, end, unit), &label) {
			return;
		}
		let at = self.labels.len() as u32;
		self.at[self.plain.at(next, end, unit)].push(at);
		self.labels.push(label);
		self.used.extend_from_slice(&self.spent);
		if end == instance.layers {
			let path = self.path(at);
			self.incumbent.offer(instance, Some(path));
		}
		self.heap.push(Entry {
			estimate,
			end: end as u16,
			label: at,
		});
	}

	/// Reckons what a label uses of the critical budgets; false where one cannot be kept any more.
	fn spend(&mut self, parent: Option<(u32, Label)>, piece: Piece) -> bool {
		let units = self.instance.units.len();
		let width = self.critical.budgets.len();
		self.spent.clear();
		for (column, at) in self.critical.budgets.iter().enumerate() {
			let budget = &self.instance.budgets[*at];
			let before = match parent {
				None => budget.start[piece.unit],
				Some((parent, label)) => {
					let hop = budget.hop[label.unit as usize * units + piece.unit];
					self.used[parent as usize * width + column] + hop
				}
			};
			let prefix = &budget.prefix[piece.unit];
			let own = budget.enter[piece.unit] + prefix[piece.end] - prefix[piece.start];
			self.spent.push(before + own);
			let least = self.least[*at][piece.end * units + piece.unit];
			if !within(before + own + least, budget.limit) {
				return false;
			}
		}
		true
	}

	/// Whether a new label is not dominated at its state; those that it dominates are dropped.
	fn enter(&mut self, state: usize, new: &Label) -> bool {
		let labels = &mut self.labels;
		let list = &mut self.at[state];
		let width = self.spent.len();
		let mut at = 0;
		while at < list.len() {
			let other = &mut labels[list[at] as usize];
			let used = &self.used[list[at] as usize * width..][..width];
			if dominates(other, used, new, &self.spent) {
				return false;
			}
			if dominates(new, &self.spent, other, used) {
				other.dropped = true;
				list.swap_remove(at);
			} else {
				at += 1;
			}
		}
		true
	}

	fn path(&self, last: u32) -> Vec<Piece> {
		let mut path = Vec::new();
		let mut at = last;
		while let Some(label) = self.labels.get(at as usize) {
			path.push(Piece {
				unit: label.unit as usize,
				start: label.start.into(),
				end: label.end.into(),
			});
			at = label.parent;
		}
		path.reverse();
		path
	}

	/// Makes critical what a complete path violates; false where no more can be remembered.
	fn learn(&mut self, last: u32) -> bool {
		let path = self.path(last);
		let mut entered = vec![false; self.instance.devices];
		let devices = path
			.iter()
			.flat_map(|piece| &self.instance.units[piece.unit].devices);
		for device in devices.map(|device| usize::from(*device)) {
			if std::mem::replace(&mut entered[device], true) && !self.critical.remember(device) {
				return false;
			}
		}
		if let Some(budget) = self.instance.over_budget(&path) {
			if !self.critical.budgets.contains(&budget) {
				self.critical.budgets.push(budget);
			}
		}
		true
	}
}

fn dominates(a: &Label, used_a: &[f64], b: &Label, used_b: &[f64]) -> bool {
	a.cost <= b.cost
		&& a.visited & !b.visited == 0
		&& used_a.iter().zip(used_b).all(|(a, b)| a <= b)
}
