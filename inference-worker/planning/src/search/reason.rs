//! Why there is no placement: the constraint without which there would be one.

use super::{
	bound::{least_use, Bound},
	cheapest,
};
use crate::instance::{within, Budget, Count, Instance};
use std::{
	fmt,
	time::{Duration, Instant},
};

/// What may be spent on telling devices from budgets.
const PATIENCE: Duration = Duration::from_secs(1);
const LABELS: usize = 500_000;

/// The constraint that binds.
#[derive(Clone, PartialEq, Debug)]
pub enum Binding {
	/// A layer fits no memory.
	Layer(usize),
	/// Too few links: with links between all candidates there would be a way through the layers.
	Links,
	/// Memories leave no way through the layers, whatever links there are.
	Ways,
	/// Too few candidates may hold the same layers.
	Team {
		/// How many at most.
		most: usize,
		/// How many are asked for.
		replicas: usize,
	},
	/// The number of segments.
	Count(Count),
	/// A budget is exceeded even by the way that uses it least.
	Budget {
		/// Which.
		name: &'static str,
		/// The least that a path uses.
		least: f64,
		/// The limit.
		limit: f64,
	},
	/// The memories of all devices together.
	Devices,
	/// All of the budgets together.
	Budgets,
}

impl fmt::Display for Binding {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Layer(layer) => write!(
				f,
				"layer {layer} with its cache fits the memory of no candidate: use fewer slots or devices with more memory"
			),
			Self::Links => f.write_str("no way over the links leads through all layers and back: add links between the candidates, and between them and the entry"),
			Self::Ways => f.write_str("no way leads through all layers: the candidates that could hold the next ones stand for those before already; add devices or memory"),
			Self::Team { most, replicas } => write!(f, "each segment needs {replicas} workers of different operators and one numeric class, and there are {most} at most: add workers of other operators, or ask for fewer replicas"),
			Self::Count(Count::Exactly(segments)) => write!(f, "no {segments} segments fit the memories and links: ask for another number of segments"),
			Self::Count(Count::AtMost(segments)) => write!(f, "more than {segments} segments would be needed: use devices with more memory"),
			Self::Count(Count::Any) => f.write_str("no number of segments fits"),
			Self::Budget { name, least, limit } => write!(f, "{name} is {least:.3} at the least, more than the limit of {limit:.3}: raise it or use faster devices and links"),
			Self::Devices => f.write_str("the memories of all candidates together do not hold the layers, each of them entered once: add devices or use fewer slots"),
			Self::Budgets => f.write_str("the limits cannot be kept together: raise one of them"),
		}
	}
}

/// Names the constraint that binds in an infeasible instance.
pub(super) fn binding(instance: &Instance) -> Binding {
	let holds = |layer: &usize| {
		let mut units = instance.units.iter();
		units.any(|unit| usize::from(unit.reach[*layer]) > *layer)
	};
	if let Some(layer) = (0..instance.layers).find(|layer| !holds(layer)) {
		return Binding::Layer(layer);
	}
	let free = vec![0.0; instance.devices];
	let any = Instance {
		count: Count::Any,
		..instance.clone()
	};
	if Bound::backward(&any, &free).best(&any).is_infinite() {
		return match has_way(&linked(&any)) {
			true => Binding::Links,
			false => Binding::Ways,
		};
	}
	if Bound::backward(instance, &free)
		.best(instance)
		.is_infinite()
	{
		return Binding::Count(instance.count);
	}
	for budget in &instance.budgets {
		let after = least_use(instance, budget);
		let least = (0..instance.units.len())
			.map(|unit| first_use(instance, budget, &after, unit))
			.fold(f64::INFINITY, f64::min);
		if !within(least, budget.limit) {
			return Binding::Budget {
				name: budget.name,
				least,
				limit: budget.limit,
			};
		}
	}
	let unlimited = Instance {
		budgets: Vec::new(),
		..instance.clone()
	};
	if has_way(&unlimited) {
		return Binding::Budgets;
	}
	match has_way(&linked(&unlimited)) {
		true => Binding::Links,
		false => Binding::Devices,
	}
}

/// Whether a placement is found in time.
fn has_way(instance: &Instance) -> bool {
	let until = Instant::now() + PATIENCE;
	let way = cheapest(instance, f64::INFINITY, until, LABELS);
	way.path.is_some()
}

/// The same problem with links between all units that share no device, and to the entry, at no cost.
fn linked(instance: &Instance) -> Instance {
	let mut linked = instance.clone();
	linked.budgets.clear();
	let units = instance.units.len();
	for (at, hop) in linked.hop.iter_mut().enumerate() {
		let [from, to] = [at / units, at % units].map(|unit| &instance.units[unit].devices);
		if !from.iter().any(|device| to.contains(device)) {
			*hop = 0.0;
		}
	}
	for unit in &mut linked.units {
		(unit.start, unit.finish) = (0.0, 0.0);
	}
	linked
}

fn first_use(instance: &Instance, budget: &Budget, after: &[f64], unit: usize) -> f64 {
	let units = instance.units.len();
	let ends = 1..=usize::from(instance.units[unit].reach[0]);
	let prefix = &budget.prefix[unit];
	let uses = ends.map(|end| prefix[end] + after[end * units + unit]);
	budget.start[unit] + budget.enter[unit] + uses.fold(f64::INFINITY, f64::min)
}
