//! The search is exact: on a thousand random instances it agrees with brute force, on the first of them
//! and on larger ones with the MILP. `cargo bench --bench placement_proof_long` asks the MILP about all
//! of them and about fifty of each larger size; that takes minutes.

use anyhow::{bail, Result};
use dllm_planning::{
	instance::Instance,
	preselect::solve_any,
	search::{solve, Options, SearchError},
};
use dllm_planning_oracle::{
	brute,
	milp::{self, Verdict},
	random::{small, swarm, Shape},
};
use std::time::Duration;

/// Costs are equal up to the MILP's tolerances.
const PRECISION: f64 = 1e-6;
/// Random instances, and of these those that the MILP solves too: it takes most of the time.
const INSTANCES: u64 = 1_000;
const PROGRAMMED: u64 = 250;
const PATIENCE: Duration = Duration::from_secs(600);

fn options() -> Options {
	Options {
		time_limit: PATIENCE,
		..Options::default()
	}
}

fn equal(a: f64, b: f64) -> bool {
	(a - b).abs() <= PRECISION * a.abs()
}

/// The optimum by search; none where there is none.
fn searched(instance: &Instance) -> Result<Option<f64>> {
	match solve(instance, &options()) {
		Ok(answer) if !answer.is_optimal() || !instance.is_feasible(&answer.path) => {
			bail!("not proved: {answer:?}")
		}
		Ok(answer) if !equal(answer.cost, instance.cost(&answer.path)) => {
			bail!("wrong cost: {answer:?}")
		}
		Ok(answer) => Ok(Some(answer.cost)),
		Err(SearchError::Infeasible(_)) => Ok(None),
		Err(error) => Err(error.into()),
	}
}

fn programmed(instance: &Instance) -> Result<Option<f64>> {
	match milp::solve(instance, None, PATIENCE)? {
		Verdict::Optimal(_, path) if !instance.is_feasible(&path) => {
			bail!("not feasible: {path:?}")
		}
		Verdict::Optimal(cost, _) => Ok(Some(cost)),
		Verdict::Infeasible => Ok(None),
		Verdict::TimeOut => bail!("the MILP was not solved in time"),
	}
}

fn same(a: Option<f64>, b: Option<f64>) -> bool {
	match (a, b) {
		(Some(a), Some(b)) => equal(a, b),
		(None, None) => true,
		_ => false,
	}
}

#[test]
fn search_brute_force_and_milp_agree_on_a_thousand_instances() -> Result<()> {
	let mut infeasible = 0;
	for seed in 0..INSTANCES {
		let instance = small(6, 12, seed);
		let search = searched(&instance)?;
		let brute = brute::solve(&instance).map(|(cost, _)| cost);
		if !same(search, brute) {
			bail!("seed {seed}: search {search:?}, brute force {brute:?}");
		}
		if seed < PROGRAMMED {
			let milp = programmed(&instance)?;
			if !same(search, milp) {
				bail!("seed {seed}: search {search:?}, MILP {milp:?}");
			}
		}
		infeasible += usize::from(search.is_none());
	}
	// Both kinds of answers were compared.
	assert!(
		(100..500).contains(&infeasible),
		"{infeasible} of 1000 infeasible"
	);
	Ok(())
}

#[test]
fn search_and_milp_agree_on_larger_instances() -> Result<()> {
	for seed in 0..2 {
		let instance = swarm(6, &Shape::LLAMA_7B, 0.0, seed);
		let (search, milp) = (searched(&instance)?, programmed(&instance)?);
		assert!(
			search.is_some() && same(search, milp),
			"seed {seed}: {search:?}, {milp:?}"
		);
	}
	Ok(())
}

#[test]
fn an_answer_cut_short_is_bounded_truly() -> Result<()> {
	let mut open = 0;
	for seed in 0..20 {
		let instance = swarm(16, &Shape::LLAMA_7B, 0.0, seed);
		let hurried = Options {
			label_limit: 30,
			..options()
		};
		let (hasty, full) = match (solve(&instance, &hurried), solve(&instance, &options())) {
			(Ok(hasty), Ok(full)) => (hasty, full),
			(Err(SearchError::OutOfTime { bound, .. }), Ok(full)) => {
				assert!(bound <= full.cost * (1.0 + PRECISION));
				continue;
			}
			(_, Err(error)) | (Err(error), _) => return Err(error.into()),
		};
		assert!(
			hasty.bound <= full.cost * (1.0 + PRECISION),
			"{hasty:?}, {full:?}"
		);
		assert!(hasty.cost >= full.cost * (1.0 - PRECISION));
		assert!(instance.is_feasible(&hasty.path));
		open += usize::from(!hasty.is_optimal());
	}
	assert!(open > 0, "no search was cut short");
	Ok(())
}

#[test]
fn a_preselection_is_bounded_truly() -> Result<()> {
	let instance = swarm(200, &Shape::LLAMA_7B, 0.0, 1);
	let (selected, full) = (
		solve_any(&instance, &options())?,
		solve(&instance, &options())?,
	);
	assert!(full.is_optimal());
	assert!(selected.bound <= full.cost * (1.0 + PRECISION));
	assert!(selected.cost >= full.cost * (1.0 - PRECISION));
	assert!(instance.is_feasible(&selected.path));
	Ok(())
}
