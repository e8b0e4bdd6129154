//! The search is exact: on a thousand random instances it agrees with brute force and with the MILP, on larger ones
//! with the MILP; joint teams of replicas likewise. `-- --show-output` tells what was compared, how long it took, and
//! by how much replicas that are placed ring after ring miss the joint optimum. `cargo bench --bench
//! placement_proof_long` asks the MILP about fifty of each larger size; that takes
//! half an hour or more.

mod parallel;

use anyhow::{bail, ensure, Result};
use dllm_planning::{
	instance::Instance,
	preselect::solve_any,
	replicas::{jointly, place, shadowed, Placement, Pool},
	search::{solve, Options, SearchError},
};
use dllm_planning_oracle::{
	brute,
	milp::{self, Verdict},
	random::{crowd, small, swarm, Shape},
};
use parallel::each;
use std::time::{Duration, Instant};

/// Costs are equal up to the MILP's tolerances.
const PRECISION: f64 = 1e-6;
/// Small random instances, of 6 devices and 12 layers at most.
const SMALL: u64 = 1_000;
/// Instances of 8 devices × 32 layers.
const LARGE: u64 = 8;
/// Crowds of which pairs of replicas are made.
const CROWDS: u64 = 60;
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
	let started = Instant::now();
	let infeasible = each(SMALL, |seed| {
		let instance = small(6, 12, seed);
		let search = searched(&instance)?;
		let brute = brute::solve(&instance).map(|(cost, _)| cost);
		let milp = programmed(&instance)?;
		let agree = same(search, brute) && same(search, milp);
		ensure!(
			agree,
			"seed {seed}: search {search:?}, brute force {brute:?}, MILP {milp:?}"
		);
		Ok(search.is_none())
	})?;
	let infeasible = infeasible.into_iter().filter(|none| *none).count();
	println!(
		"search = brute force = MILP: {SMALL} instances, {infeasible} of them infeasible, {:.0} s",
		started.elapsed().as_secs_f64()
	);
	// Both kinds of answers were compared.
	assert!((100..500).contains(&infeasible));
	Ok(())
}

#[test]
fn search_and_milp_agree_on_larger_instances() -> Result<()> {
	let started = Instant::now();
	each(LARGE, |seed| {
		let instance = swarm(8, &Shape::LLAMA_7B, 0.0, seed);
		let (search, milp) = (searched(&instance)?, programmed(&instance)?);
		let agree = search.is_some() && same(search, milp);
		ensure!(agree, "seed {seed}: search {search:?}, MILP {milp:?}");
		Ok(())
	})?;
	println!(
		"search = MILP: {LARGE} instances of 8 devices × 32 layers, {:.0} s",
		started.elapsed().as_secs_f64()
	);
	Ok(())
}

#[test]
fn replicas_are_placed_as_well_as_is_said() -> Result<()> {
	let started = Instant::now();
	let found = each(CROWDS, |seed| {
		let crowd = crowd(6, 8, seed);
		let joint = found(jointly(&crowd, 2, &options()))?;
		let teams = pairs(&crowd);
		let milp = match teams.is_empty() {
			true => None,
			false => programmed(&crowd.instance(&teams))?,
		};
		let cost = joint.as_ref().map(|joint| joint.cost);
		ensure!(same(cost, milp), "seed {seed}: {joint:?}, MILP {milp:?}");
		let Some(joint) = joint else { return Ok(None) };
		let placed = place(&crowd, 2, &options())?;
		ensure!(equal(placed.cost, joint.cost), "seed {seed}: {placed:?}");
		ensure!(placed.bound <= joint.cost * (1.0 + PRECISION));
		let Some(shadows) = shadowed(&crowd, 2, &options())? else {
			return Ok(Some(None));
		};
		ensure!(shadows.cost >= joint.cost * (1.0 - PRECISION));
		ensure!(shadows.bound <= joint.cost * (1.0 + PRECISION));
		Ok(Some(Some(shadows.cost / joint.cost - 1.0)))
	})?;
	let feasible = found.iter().flatten().count();
	let mut gaps = found
		.iter()
		.flatten()
		.flatten()
		.copied()
		.collect::<Vec<_>>();
	gaps.sort_by(f64::total_cmp);
	assert!(feasible >= 20 && gaps.len() >= 10, "{feasible}, {gaps:?}");
	let exact = gaps.iter().filter(|gap| **gap <= PRECISION).count();
	println!(
		"replicas in pairs, joint search = joint MILP: {CROWDS} crowds of 6, {feasible} with a placement; ring after ring finds one in {}, the optimum in {exact}, else up to {:.1} % above, {:.1} % in the mean; {:.0} s",
		gaps.len(),
		100.0 * gaps.last().copied().unwrap_or(0.0),
		100.0 * gaps.iter().sum::<f64>() / gaps.len() as f64,
		started.elapsed().as_secs_f64()
	);
	Ok(())
}

/// A placement that is proved; none where there is none.
fn found(placement: Result<Placement, SearchError>) -> Result<Option<Placement>> {
	match placement {
		Ok(placement) if placement.gap() > PRECISION => bail!("not proved: {placement:?}"),
		Ok(placement) => Ok(Some(placement)),
		Err(SearchError::Infeasible(_)) => Ok(None),
		Err(error) => Err(error.into()),
	}
}

/// Every ordered pair that may be replicas of each other.
fn pairs(pool: &impl Pool) -> Vec<Vec<usize>> {
	let all = || 0..pool.candidates();
	let pairs = all().flat_map(|a| all().map(move |b| vec![a, b]));
	let fit = pairs.filter(|pair| pair[0] != pair[1] && pool.joins(&vec![pair[0]], pair[1]));
	fit.collect()
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
