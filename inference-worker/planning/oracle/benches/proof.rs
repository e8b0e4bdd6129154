//! The long proof: `cargo bench --bench placement_proof_long` in this folder.
//!
//! A thousand small instances by search, brute force and MILP; fifty each of 8 and 16 devices × 32 layers
//! by search and MILP. Takes minutes; the test `placement_proof` does a short one. One line a figure; ends badly where the optima differ.

use anyhow::{bail, ensure, Result};
use dllm_planning::search::{solve, Options, SearchError};
use dllm_planning_oracle::{
	brute,
	milp::{self, Verdict},
	random::{small, swarm, Shape},
};
use std::time::{Duration, Instant};

const SMALL_INSTANCES: u64 = 1_000;
const INSTANCES: u64 = 50;
const PATIENCE: Duration = Duration::from_secs(600);
/// The MILP's tolerances.
const PRECISION: f64 = 1e-6;

fn main() -> Result<()> {
	small_instances()?;
	for (devices, bottleneck) in [(8, 0.0), (16, 0.0), (8, 1.0)] {
		let started = Instant::now();
		let (mut equal, mut late) = (0u64, 0u64);
		for seed in 0..INSTANCES {
			let instance = swarm(devices, &Shape::LLAMA_7B, bottleneck, seed);
			let searched = solve(&instance, &Options::default())?;
			ensure!(searched.is_optimal(), "seed {seed}: not proved");
			match milp::solve(&instance, Some(&searched.path), PATIENCE)? {
				Verdict::Optimal(cost, _) => {
					let same = (cost - searched.cost).abs() <= PRECISION * cost;
					ensure!(same, "seed {seed}: search {}, MILP {cost}", searched.cost);
					equal += 1;
				}
				Verdict::Infeasible => ensure!(false, "seed {seed}: the MILP finds nothing"),
				Verdict::TimeOut => late += 1,
			}
		}
		let verdict = if late == 0 { "ok" } else { "SHORT" };
		println!(
			"P4 search-is-milp-{devices}x32-bottleneck-{bottleneck} {equal} instances (goal {INSTANCES}; {:.0} s) {verdict}",
			started.elapsed().as_secs_f64(),
		);
	}
	Ok(())
}

fn small_instances() -> Result<()> {
	let started = Instant::now();
	let mut infeasible = 0;
	for seed in 0..SMALL_INSTANCES {
		let instance = small(6, 12, seed);
		let brute = brute::solve(&instance).map(|(cost, _)| cost);
		let searched = match solve(&instance, &Options::default()) {
			Ok(answer) => Some(answer.cost),
			Err(SearchError::Infeasible(_)) => None,
			Err(error) => return Err(error.into()),
		};
		let programmed = match milp::solve(&instance, None, PATIENCE)? {
			Verdict::Optimal(cost, _) => Some(cost),
			Verdict::Infeasible => None,
			Verdict::TimeOut => bail!("seed {seed}: the MILP was not solved in time"),
		};
		let same = |other: Option<f64>| match (searched, other) {
			(Some(one), Some(other)) => (one - other).abs() <= PRECISION * one,
			(one, other) => one.is_none() && other.is_none(),
		};
		ensure!(
			same(brute) && same(programmed),
			"seed {seed}: search {searched:?}, brute force {brute:?}, MILP {programmed:?}"
		);
		infeasible += u64::from(searched.is_none());
	}
	println!(
		"P4 search-is-brute-force-is-milp {SMALL_INSTANCES} instances (goal {SMALL_INSTANCES}; {infeasible} infeasible, {:.0} s) ok",
		started.elapsed().as_secs_f64(),
	);
	Ok(())
}
