//! The second best placement against all placements of small problems.

use crate::specimens::problem;
use dllm_planning::{
	instance::{Instance, Piece},
	problem::Problem,
	replicas::{place, Method, Placement, Pool},
	search::Options,
	second::{differs, second},
};
use proptest::prelude::*;

/// Every feasible placement on single workers.
fn all(problem: &Problem) -> Vec<Placement> {
	let singles = (0..problem.candidates.len()).map(|at| vec![at]);
	let instance = problem.instance(&singles.collect::<Vec<_>>());
	let mut found = Vec::new();
	extend(&instance, &mut Vec::new(), &mut found);
	found
}

fn extend(instance: &Instance, path: &mut Vec<Piece>, found: &mut Vec<Placement>) {
	let start = path.last().map_or(0, |piece| piece.end);
	if start == instance.layers && instance.is_feasible(path) {
		let segments = path.iter();
		let segments = segments.map(|piece| (piece.start, piece.end, vec![piece.unit]));
		let cost = instance.cost(path);
		found.push(Placement {
			segments: segments.collect(),
			cost,
			bound: cost,
			method: Method::Single,
		});
	}
	for unit in 0..instance.units.len() {
		for end in start + 1..=instance.layers {
			path.push(Piece { unit, start, end });
			extend(instance, path, found);
			path.pop();
		}
	}
}

/// Problems of three or four workers of unequal speeds and links, with memory for some of five layers.
fn problems() -> impl Strategy<Value = Problem> {
	(3usize..5, 2u64..6).prop_flat_map(|(workers, room)| {
		let speeds = prop::collection::vec(1u64..100, workers);
		let latencies = prop::collection::vec(100u32..50_000, workers * workers);
		(speeds, latencies).prop_map(move |(speeds, latencies)| {
			let mut problem = problem(workers, 5, room);
			for (candidate, speed) in problem.candidates.iter_mut().zip(speeds) {
				candidate.figures.memory_bytes_per_second = speed * 1_000_000_000;
			}
			for (link, latency) in problem.links.iter_mut().zip(latencies) {
				link.latency_us = latency;
			}
			problem
		})
	})
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(100))]
	#[test]
	fn no_other_placement_that_differs_is_cheaper(problem in problems()) {
		let options = Options::default();
		let best = place(&problem, 1, &options).expect("room for all");
		let others = all(&problem);
		let least = others.iter().filter(|other| differs(&best, other));
		let least = least.map(|other| other.cost).fold(f64::INFINITY, f64::min);
		match second(&problem, 1, &best, &options).expect("found in time") {
			Some(second) => {
				prop_assert!(differs(&best, &second));
				prop_assert!((second.cost - least).abs() <= 1e-9 * least);
				prop_assert!(second.cost >= best.cost * (1.0 - 1e-9));
				prop_assert!(second.gap() < 1e-9);
			}
			None => prop_assert!(least.is_infinite()),
		}
	}
}

#[test]
fn a_moved_border_another_order_or_a_mirrored_ring_is_no_other_plan() {
	let placement = |segments: &[(usize, usize, Vec<usize>)]| Placement {
		segments: segments.to_vec(),
		cost: 1.0,
		bound: 1.0,
		method: Method::Joint,
	};
	let best = placement(&[(0, 4, vec![0, 1]), (4, 8, vec![2, 3])]);
	assert!(!differs(&best, &best));
	assert!(!differs(
		&best,
		&placement(&[(0, 3, vec![1, 0]), (3, 8, vec![2, 3])])
	));
	assert!(differs(
		&best,
		&placement(&[(0, 4, vec![0, 4]), (4, 8, vec![2, 3])])
	));
	assert!(!differs(
		&best,
		&placement(&[(0, 4, vec![2, 3]), (4, 8, vec![0, 1])])
	));
}

#[test]
fn replicas_differ_too() {
	let problem = problem(5, 4, 4);
	let options = Options::default();
	let best = place(&problem, 2, &options).expect("feasible");
	let second = second(&problem, 2, &best, &options)
		.expect("found")
		.expect("a fifth worker");
	assert!(differs(&best, &second));
	let two = problem.subset(&[0, 1]);
	let best = place(&two, 2, &options).expect("feasible");
	assert!(none(&two, &best), "both workers are needed");
}

fn none(problem: &Problem, best: &Placement) -> bool {
	matches!(second(problem, 2, best, &Options::default()), Ok(None))
}
