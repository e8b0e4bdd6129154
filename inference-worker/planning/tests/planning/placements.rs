//! Placements that can be seen to be right.

use crate::specimens::{problem, LINK};
use dllm_planning::{
	instance::Count,
	replicas::{place, Method},
	search::Options,
};
use std::collections::BTreeSet;

#[test]
fn one_device_where_one_suffices() {
	let mut problem = problem(5, 6, 6);
	// Nobody waits for the slowest stage.
	problem.slots = 1;
	let placement = place(&problem, 1, &Options::default()).expect("feasible");
	assert_eq!(placement.segments.len(), 1);
	assert_eq!(placement.gap(), 0.0);
}

#[test]
fn the_better_link_is_taken() {
	let mut problem = problem(3, 4, 2);
	// Every two of three must be used; only 0 → 2 is near, and only in that direction.
	problem.links[2].latency_us = 100;
	let placement = place(&problem, 1, &Options::default()).expect("feasible");
	let workers = placement
		.segments
		.iter()
		.map(|(_, _, team)| team[0])
		.collect::<Vec<_>>();
	assert_eq!(workers, [0, 2]);
}

#[test]
fn a_lossy_link_is_avoided() {
	let mut problem = problem(4, 4, 2);
	problem
		.links
		.iter_mut()
		.for_each(|link| link.loss_ppm = 100_000);
	problem.links[3 * 4 + 1] = LINK;
	let placement = place(&problem, 1, &Options::default()).expect("feasible");
	let workers = placement
		.segments
		.iter()
		.map(|(_, _, team)| team[0])
		.collect::<Vec<_>>();
	assert_eq!(workers, [3, 1]);
}

#[test]
fn equal_devices_share_evenly() {
	let mut problem = problem(6, 8, 8);
	problem.count = Count::Exactly(2);
	let placement = place(&problem, 2, &Options::default()).expect("feasible");
	let ends = placement
		.segments
		.iter()
		.map(|(start, end, _)| (*start, *end))
		.collect::<Vec<_>>();
	assert_eq!(ends, [(0, 4), (4, 8)]);
}

#[test]
fn replicas_have_different_operators_and_one_class() {
	let mut problem = problem(8, 6, 3);
	for (at, candidate) in problem.candidates.iter_mut().enumerate() {
		candidate.operator = at / 2;
		candidate.class = at % 2;
	}
	let placement = place(&problem, 2, &Options::default()).expect("feasible");
	let mut used = BTreeSet::new();
	for (_, _, team) in &placement.segments {
		assert_eq!(team.len(), 2);
		assert_ne!(team[0] / 2, team[1] / 2);
		assert_eq!(team[0] % 2, team[1] % 2);
		assert!(
			team.iter().all(|at| used.insert(*at)),
			"{:?}",
			placement.segments
		);
	}
}

#[test]
fn shadows_that_the_primary_leaves_no_room_for_are_found_jointly() {
	// Worker 0 alone could hold everything, but no other one could be its replica.
	let mut problem = problem(5, 4, 2);
	problem.candidates[0].memory *= 2;
	let placement = place(&problem, 2, &Options::default()).expect("two rings of two segments");
	assert_eq!(placement.method, Method::Joint);
	assert_eq!(placement.segments.len(), 2);
}

#[test]
fn nobody_holds_more_layers_than_it_may() {
	let mut problem = problem(6, 4, 4);
	problem.slots = 1;
	for candidate in &mut problem.candidates {
		candidate.most_layers = 2;
	}
	// One of a team of replicas bounds it.
	problem.candidates[5].most_layers = 4;
	let placement = place(&problem, 2, &Options::default()).expect("feasible");
	let ends = placement
		.segments
		.iter()
		.map(|(start, end, _)| (*start, *end));
	assert_eq!(ends.collect::<Vec<_>>(), [(0, 2), (2, 4)]);
	problem.candidates[5].most_layers = 0;
	problem.candidates[4].most_layers = 0;
	problem.candidates[3].most_layers = 1;
	place(&problem, 2, &Options::default())
		.expect_err("four workers for two layers, one of them for one");
}

#[test]
fn shards_that_are_held_already_are_not_moved() {
	let mut problem = problem(4, 4, 4);
	problem.slots = 1;
	problem.candidates[2].held = vec![true; 4];
	let placement = place(&problem, 1, &Options::default()).expect("feasible");
	assert_eq!(placement.segments, [(0, 4, vec![2])]);
}

#[test]
fn risky_devices_are_left_out() {
	let mut problem = problem(4, 4, 2);
	problem.candidates[0].figures.failure_ppm = 200_000;
	// The risky one is the fastest.
	problem.candidates[0].figures.memory_bytes_per_second *= 10;
	let free = place(&problem, 1, &Options::default()).expect("feasible");
	assert!(free.segments.iter().any(|(_, _, team)| team == &[0]));
	problem.limits.failure_ppm = Some(10_000);
	let safe = place(&problem, 1, &Options::default()).expect("feasible");
	assert!(safe.segments.iter().all(|(_, _, team)| team != &[0]));
	assert!(safe.cost > free.cost);
}
