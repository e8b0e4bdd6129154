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
	/// Links or memories leave no way through the layers.
	Ways,
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
			Self::Ways => f.write_str("no way leads through all layers: candidates that could hold the next layers cannot be reached, or share a device or operator"),
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
		return Binding::Ways;
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
	let until = Instant::now() + PATIENCE;
	let way = cheapest(&unlimited, f64::INFINITY, until, LABELS);
	match way.path {
		None => Binding::Devices,
		Some(_) => Binding::Budgets,
	}
}

fn first_use(instance: &Instance, budget: &Budget, after: &[f64], unit: usize) -> f64 {
	let units = instance.units.len();
	let ends = 1..=usize::from(instance.units[unit].reach[0]);
	let prefix = &budget.prefix[unit];
	let uses = ends.map(|end| prefix[end] + after[end * units + unit]);
	budget.start[unit] + budget.enter[unit] + uses.fold(f64::INFINITY, f64::min)
}
