//! Problems without an answer name the constraint that binds.

use crate::specimens::problem;
use dllm_planning::{
	cost::NO_LINK,
	instance::{Count, InstanceError},
	replicas::{place, Pool},
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
	let team = Binding::Team {
		most: 1,
		replicas: 2,
	};
	assert_eq!(binding(error), team);
}

#[test]
fn too_few_operators_for_many_candidates() {
	// More candidates than have few enough teams.
	let mut problem = problem(40, 4, 4);
	for (at, candidate) in problem.candidates.iter_mut().enumerate() {
		candidate.operator = at % 2;
	}
	let error = place(&problem, 3, &Options::default()).expect_err("two operators");
	let team = Binding::Team {
		most: 2,
		replicas: 3,
	};
	assert_eq!(binding(error), team);
}

#[test]
fn links_that_lead_nowhere() {
	let mut apart = problem(4, 8, 4);
	for (at, link) in apart.links.iter_mut().enumerate() {
		if (at / 4 < 2) != (at % 4 < 2) {
			*link = NO_LINK;
		}
	}
	place(&apart, 1, &Options::default()).expect("two neighbours hold all");
	for candidate in &mut apart.candidates {
		candidate.memory /= 2;
	}
	let error = place(&apart, 1, &Options::default()).expect_err("all four are needed");
	assert_eq!(binding(error), Binding::Links);

	let mut away = problem(2, 4, 4);
	away.limits.per_token_us = Some(1_000_000);
	for candidate in &mut away.candidates {
		candidate.entries[0].1 = NO_LINK;
	}
	let error = place(&away, 1, &Options::default()).expect_err("no way back to the entry");
	assert_eq!(binding(error), Binding::Links);
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
