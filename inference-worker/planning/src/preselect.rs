//! Many candidates: leaves out those that no best placement needs, and says what that can cost.
//!
//! A bound on every path through a unit excludes units exactly where it exceeds the cost of a known
//! placement. Where too many are left, the most promising ones stay, and the least bound of those left
//! out enters the certificate: no placement with them costs less.

use crate::{
	instance::Instance,
	search::{beam, bound, bound::Bound, solve, Answer, Options, SearchError},
};

/// Units that are searched as they are.
const FEW: usize = 150;
/// Units that are kept at most of many.
const KEPT: usize = 128;

/// The cheapest placement of any number of candidates, with a bound over all of them.
pub fn solve_any(instance: &Instance, options: &Options) -> Result<Answer, SearchError> {
	if instance.units.len() <= FEW {
		return solve(instance, options);
	}
	instance.check()?;
	let plain = Bound::backward(instance, &vec![0.0; instance.devices]);
	let floor = match instance.bottleneck > 0.0 {
		true => instance.bottleneck * bound::fastest_bottleneck(instance),
		false => 0.0,
	};
	let ceiling = beam::search(instance, &plain, f64::INFINITY).map(|path| instance.cost(&path));
	let mut ranked = least_through(instance, &plain)
		.into_iter()
		.map(|cost| cost + floor)
		.enumerate()
		.filter(|(_, cost)| *cost <= ceiling.unwrap_or(f64::MAX))
		.collect::<Vec<_>>();
	ranked.sort_by(|a, b| a.1.total_cmp(&b.1));
	let left_out = ranked.get(KEPT).map_or(f64::INFINITY, |(_, cost)| *cost);
	ranked.truncate(KEPT);
	let mut chosen = ranked.iter().map(|(unit, _)| *unit).collect::<Vec<_>>();
	chosen.sort_unstable();
	if chosen.is_empty() {
		// Says why there is no placement at all.
		return solve(instance, options);
	}
	let mut answer = match solve(&subset(instance, &chosen), options) {
		Ok(answer) => answer,
		// The kept ones do not suffice: nothing is left out then.
		Err(SearchError::Infeasible(_)) => return solve(instance, options),
		Err(error) => return Err(error),
	};
	for piece in &mut answer.path {
		piece.unit = chosen[piece.unit];
	}
	answer.bound = answer.bound.min(left_out);
	Ok(answer)
}

/// The `count` units through which paths are cheapest, in their own order.
pub fn most_promising(instance: &Instance, count: usize) -> Vec<usize> {
	let plain = Bound::backward(instance, &vec![0.0; instance.devices]);
	let least = least_through(instance, &plain);
	let mut ranked = (0..instance.units.len()).collect::<Vec<_>>();
	ranked.sort_by(|a, b| least[*a].total_cmp(&least[*b]));
	ranked.truncate(count);
	ranked.sort_unstable();
	ranked
}

/// For each unit, what the cheapest path with it costs at least, devices entered again and again.
fn least_through(instance: &Instance, plain: &Bound) -> Vec<f64> {
	let units = instance.units.len();
	let through = plain.through(instance);
	let least = |unit: usize| {
		let starts = (0..instance.layers).map(|layer| through[layer * units + unit]);
		starts.fold(f64::INFINITY, f64::min)
	};
	(0..units).map(least).collect()
}

/// The same problem with some of the units.
pub fn subset(instance: &Instance, chosen: &[usize]) -> Instance {
	let units = instance.units.len();
	let table = |full: &[f64]| {
		let rows = chosen
			.iter()
			.flat_map(|from| chosen.iter().map(move |to| from * units + to));
		rows.map(|at| full[at]).collect::<Vec<_>>()
	};
	let list = |full: &[f64]| chosen.iter().map(|unit| full[*unit]).collect::<Vec<_>>();
	let budgets = instance
		.budgets
		.iter()
		.map(|budget| crate::instance::Budget {
			name: budget.name,
			limit: budget.limit,
			prefix: chosen
				.iter()
				.map(|unit| budget.prefix[*unit].clone())
				.collect(),
			enter: list(&budget.enter),
			hop: table(&budget.hop),
			start: list(&budget.start),
			finish: list(&budget.finish),
		});
	Instance {
		layers: instance.layers,
		devices: instance.devices,
		units: chosen
			.iter()
			.map(|unit| instance.units[*unit].clone())
			.collect(),
		hop: table(&instance.hop),
		hop_step: table(&instance.hop_step),
		enter: instance.enter,
		bottleneck: instance.bottleneck,
		count: instance.count,
		budgets: budgets.collect(),
	}
}
