//! Brute force: every sequence of segments on units that share no device.

use dllm_planning::instance::{Instance, Piece};

/// The cheapest feasible placement and its cost; none where there is none. Exponential: for a handful of
/// units and a dozen layers.
pub fn solve(instance: &Instance) -> Option<(f64, Vec<Piece>)> {
	let mut best = None;
	let mut entered = vec![false; instance.devices];
	visit(instance, &mut Vec::new(), &mut entered, &mut best);
	best
}

fn visit(
	instance: &Instance,
	path: &mut Vec<Piece>,
	entered: &mut Vec<bool>,
	best: &mut Option<(f64, Vec<Piece>)>,
) {
	let start = path.last().map_or(0, |piece| piece.end);
	if start == instance.layers {
		let cost = instance.cost(path);
		let better = best.as_ref().is_none_or(|(least, _)| cost < *least);
		if better && instance.is_feasible(path) {
			*best = Some((cost, path.clone()));
		}
		return;
	}
	for (unit, data) in instance.units.iter().enumerate() {
		let devices = || data.devices.iter().map(|device| usize::from(*device));
		if devices().any(|device| entered[device]) {
			continue;
		}
		devices().for_each(|device| entered[device] = true);
		for end in start + 1..=usize::from(data.reach[start]) {
			path.push(Piece { unit, start, end });
			visit(instance, path, entered, best);
			path.pop();
		}
		devices().for_each(|device| entered[device] = false);
	}
}
