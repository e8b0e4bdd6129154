//! Multipliers on contested devices (Lagrangian relaxation of "enter no device twice").
//!
//! For multipliers π ≥ 0, a path's cost plus Σ π·(times entered − 1) bounds the cost of every path that
//! enters no device twice from below. A subgradient ascent with Polyak's step raises the bound; paths on
//! the way that happen to be feasible lower the ceiling.

use super::{bound::Bound, labels::Incumbent, PRECISION};
use crate::instance::{Instance, Piece};
use std::time::Instant;

/// Steps at most.
const STEPS: usize = 200;
/// Steps without a better bound until the step is halved, and the share at which the ascent ends.
const PATIENCE: usize = 6;
const SHORTEST_STEP: f64 = 0.01;
/// The ceiling where none is known, as a multiple of the bound.
const GUESS: f64 = 1.2;

/// The best multipliers and their bound.
pub struct Priced {
	/// Bounds with the multipliers as penalties.
	pub bound: Bound,
	/// The multipliers by device.
	pub penalties: Vec<f64>,
	/// No feasible path costs less.
	pub least: f64,
}

impl Priced {
	/// No multipliers at all; `least` is the plain bound.
	pub fn none(instance: &Instance, least: f64) -> Self {
		let penalties = vec![0.0; instance.devices];
		Self {
			bound: Bound::backward(instance, &penalties),
			penalties,
			least,
		}
	}
}

/// Raises the bound, and offers feasible paths to the incumbent.
pub fn tighten(
	instance: &Instance,
	plain: &Bound,
	incumbent: &mut Incumbent,
	until: Instant,
) -> Priced {
	let mut best = (plain.best(instance), vec![0.0; instance.devices]);
	let mut penalties = best.1.clone();
	let mut path = plain.trace(instance);
	let mut here = best.0;
	let (mut step, mut stalled) = (1.0, 0);
	for _ in 0..STEPS {
		let counts = entered(instance, &path);
		let moving = (0..instance.devices)
			.filter(|device| counts[*device] > 1.0 || penalties[*device] > 0.0)
			.collect::<Vec<_>>();
		let norm = moving
			.iter()
			.map(|device| (counts[*device] - 1.0).powi(2))
			.sum::<f64>();
		let ceiling = match incumbent.cost.is_finite() {
			true => incumbent.cost,
			false => best.0.abs() * GUESS,
		};
		let ended = norm == 0.0 || step < SHORTEST_STEP || best.0 >= ceiling * (1.0 - PRECISION);
		if ended || Instant::now() >= until {
			break;
		}
		let length = step * (ceiling - here).max(ceiling.abs() * 1e-6) / norm;
		for device in moving {
			penalties[device] = (penalties[device] + length * (counts[device] - 1.0)).max(0.0);
		}
		let bound = Bound::backward(instance, &penalties);
		here = bound.best(instance);
		path = bound.trace(instance);
		incumbent.offer(instance, Some(path.clone()));
		if here > best.0 + PRECISION * best.0.abs() {
			best = (here, penalties.clone());
			stalled = 0;
		} else {
			stalled += 1;
		}
		if stalled >= PATIENCE {
			step /= 2.0;
			stalled = 0;
			penalties.clone_from(&best.1);
		}
	}
	Priced {
		bound: Bound::backward(instance, &best.1),
		penalties: best.1,
		least: best.0,
	}
}

/// How often a path enters each device.
fn entered(instance: &Instance, path: &[Piece]) -> Vec<f64> {
	let mut counts = vec![0.0; instance.devices];
	for device in path
		.iter()
		.flat_map(|piece| &instance.units[piece.unit].devices)
	{
		counts[usize::from(*device)] += 1.0;
	}
	counts
}
