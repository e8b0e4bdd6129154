//! From a placement to a plan that the chain accepts.

use super::PlanningError;
use crate::chain::AccountId32;
use dllm_planning::{
	instance::Piece,
	problem::Problem,
	replicas::{Placement, Pool, Team},
};
use dllm_primitives::{
	api::{ModelView, WorkerView},
	ids::ModelId,
	model::{LayerRange, ModelSpec},
	plan::{self, stage_memory, usable_memory, Candidate, Plan, Quote, Segment},
};
use std::collections::HashSet;

/// Placements whose costs differ by less than this share are equal.
const EQUAL: f64 = 1e-9;

/// Puts the cheaper replicas of every segment first where that costs nothing: they lead the first jobs.
pub fn sort_replicas(problem: &Problem, placement: &mut Placement) {
	let path = placement.segments.iter().enumerate();
	let path = path.map(|(unit, (start, end, _))| Piece {
		unit,
		start: *start,
		end: *end,
	});
	let path = path.collect::<Vec<_>>();
	let teams = placement.segments.iter().map(|(_, _, team)| {
		let mut team = team.clone();
		team.sort_unstable();
		team
	});
	let teams = teams.collect::<Vec<Team>>();
	let cost = problem.instance(&teams).cost(&path);
	if cost <= placement.cost * (1.0 + EQUAL) {
		for ((_, _, team), sorted) in placement.segments.iter_mut().zip(teams) {
			*team = sorted;
		}
	}
}

/// The placement of candidates with these accounts in the chain's words, without entries.
pub fn plan_of<A: Clone>(
	placement: &Placement,
	accounts: &[&A],
	model: ModelId,
	slots: u8,
) -> Result<Plan<A>, PlanningError> {
	let segments = placement.segments.iter().map(|(start, end, team)| {
		let replicas = team.iter().map(|at| accounts[*at].clone());
		Ok(Segment {
			layers: LayerRange {
				start: *start as u16,
				end: *end as u16,
			},
			replicas: replicas.collect::<Vec<_>>().try_into().map_err(|_| {
				PlanningError::TooLong {
					what: "the list of replicas",
				}
			})?,
		})
	});
	let segments = segments.collect::<Result<Vec<_>, PlanningError>>()?;
	Ok(Plan {
		model,
		slots,
		entries: Default::default(),
		segments: segments.try_into().map_err(|_| PlanningError::TooLong {
			what: "the list of segments",
		})?,
	})
}

/// Names the entries of a plan, and answers whether there are enough; without them it serves only who is its own.
pub fn add_entries(
	plan: &mut Plan<AccountId32>,
	spec: &ModelSpec,
	workers: &[WorkerView],
	count: usize,
) -> Result<bool, PlanningError> {
	let entries = choose_entries(plan, spec, workers, count).unwrap_or_default();
	plan.entries = entries.try_into().map_err(|_| PlanningError::TooLong {
		what: "the list of entries",
	})?;
	Ok(!plan.entries.is_empty())
}

/// The cheapest entries with room for the model's ends. One that holds no segment leaves more memory to
/// both.
fn choose_entries(
	plan: &Plan<AccountId32>,
	spec: &ModelSpec,
	workers: &[WorkerView],
	count: usize,
) -> Option<Vec<AccountId32>> {
	let held = |worker: &WorkerView| {
		let members = plan.members().filter(|(_, who)| **who == worker.account);
		members.fold(0u64, |sum, (stage, _)| {
			sum.saturating_add(stage_memory(plan, spec, stage))
		})
	};
	let ends = spec.embed.bytes.saturating_add(spec.head.bytes);
	let able = |worker: &WorkerView| {
		let free = usable_memory(worker.memory).saturating_sub(worker.promised);
		worker.roles.entry && free >= held(worker).saturating_add(ends)
	};
	cheapest(workers, count, |worker| able(worker) && held(worker) == 0)
		.or_else(|| cheapest(workers, count, able))
}

/// The cheapest active workers that `fits` allows, each of another operator.
fn cheapest(
	workers: &[WorkerView],
	count: usize,
	fits: impl Fn(&WorkerView) -> bool,
) -> Option<Vec<AccountId32>> {
	let mut fitting = workers
		.iter()
		.filter(|w| w.active && fits(w))
		.collect::<Vec<_>>();
	fitting.sort_by_key(|worker| (worker.price, worker.faults, worker.account.clone()));
	let mut operators = HashSet::new();
	fitting.retain(|worker| operators.insert(&worker.operator));
	let chosen = fitting
		.into_iter()
		.take(count)
		.map(|worker| worker.account.clone());
	Some(chosen.collect::<Vec<_>>()).filter(|chosen| chosen.len() == count)
}

/// What the chain's own check says of a plan.
pub fn check(
	plan: &Plan<AccountId32>,
	spec: &ModelSpec,
	workers: &[WorkerView],
) -> Result<Quote, PlanningError> {
	let quote = plan::check(plan, spec, |who| {
		let worker = workers.iter().find(|worker| worker.account == *who)?;
		Some(Candidate {
			operator: worker.operator.clone(),
			active: worker.active,
			roles: worker.roles,
			memory: worker.memory,
			price: worker.price,
		})
	});
	quote.map_err(PlanningError::Refused)
}

/// The registered figures of a model.
pub fn spec_of(model: &ModelView) -> Result<ModelSpec, PlanningError> {
	let too_long = |what| move |_| PlanningError::TooLong { what };
	let layers = model.layers.clone();
	Ok(ModelSpec {
		name: model
			.name
			.clone()
			.into_bytes()
			.try_into()
			.map_err(too_long("the model's name"))?,
		licence: model
			.licence
			.clone()
			.into_bytes()
			.try_into()
			.map_err(too_long("the licence"))?,
		manifest_root: model.manifest_root,
		tokenizer_hash: model.tokenizer_hash,
		profile: model.profile,
		hidden_size: model.hidden_size,
		max_context: model.max_context,
		embed: model.embed,
		layers: layers.try_into().map_err(|_| PlanningError::TooLong {
			what: "the list of layers",
		})?,
		head: model.head,
		constants: model.constants.clone(),
	})
}
