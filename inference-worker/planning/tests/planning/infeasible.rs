//! Problems without an answer name the constraint that binds.

use crate::specimens::problem;
use dllm_planning::{
	instance::{Count, InstanceError},
	replicas::place,
	search::{Binding, Options, SearchError},
};

fn binding(error: SearchError) -> Binding {
	match error {
		SearchError::Infeasible(binding) => binding,
		other => panic!("{other}"),
	}
}

#[test]
fn a_memory_too_small_for_a_layer() {
	let error = place(&problem(3, 4, 0), 1, &Options::default()).expect_err("no room");
	assert_eq!(binding(error), Binding::Layer(0));
}

#[test]
fn memories_too_small_together() {
	let error =
		place(&problem(3, 8, 2), 1, &Options::default()).expect_err("room for six of eight");
	assert_eq!(binding(error), Binding::Devices);
}

#[test]
fn more_segments_than_layers() {
	let mut problem = problem(6, 4, 4);
	problem.count = Count::Exactly(5);
	let error = place(&problem, 1, &Options::default()).expect_err("four layers");
	assert_eq!(binding(error), Binding::Count(Count::Exactly(5)));
}

#[test]
fn limits_that_no_ring_keeps() {
	let mut problem = problem(3, 4, 4);
	problem.limits.per_token_us = Some(1_000);
	let error = place(&problem, 1, &Options::default()).expect_err("a hop alone takes longer");
	assert!(matches!(binding(error), Binding::Budget { limit, .. } if limit == 1.0));
}

#[test]
fn one_operator_only() {
	let mut problem = problem(4, 4, 4);
	problem
		.candidates
		.iter_mut()
		.for_each(|candidate| candidate.operator = 7);
	let error = place(&problem, 2, &Options::default()).expect_err("no second operator");
	assert!(matches!(error, SearchError::Infeasible(_)), "{error}");
}

#[test]
fn no_candidates_and_no_numbers() {
	let error = place(&problem(0, 4, 4), 1, &Options::default()).expect_err("nobody");
	assert!(matches!(
		error,
		SearchError::Instance(InstanceError::Empty { .. })
	));
	let mut instance = problem(2, 4, 4).instance(&[vec![0], vec![1]]);
	instance.hop[1] = f64::NAN;
	assert!(matches!(
		instance.check(),
		Err(InstanceError::BadFigure { what: "a hop", .. })
	));
}
