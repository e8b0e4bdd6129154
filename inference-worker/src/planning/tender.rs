//! A cleared round as the chain's cost model needs it: winners, their prices, what they measured of themselves,
//! and which layers are loaded.
//!
//! The chain computes the score of a plan again and burns the deposit of one that claims another. Layers that a
//! worker has loaded cost nothing to fetch, so a pipeline that begins or ends in between may change the score:
//! [`Tender::is_steady`] tells.

use super::{add_entries, check, plan_of, sort_replicas, PlanningError};
use crate::chain::{AccountId32, Included};
use dllm_planning::{
	instance::Count,
	problem::{Candidate, Problem},
	replicas::{place, Placement},
	search::Options,
};
use dllm_primitives::{
	api::{PipelineView, RoundView, WinnerView, WorkerView},
	cost::{self, link::LinkFigures, DeviceFigures, Limits, Measurements, Terms, Weights},
	ids::{Digest, ENTRY_STAGE},
	model::{ModelSpec, Shard},
	plan::{usable_memory, PipelineState, Plan, Quote, Segment},
};
use std::collections::{BTreeMap, BTreeSet};

/// The weights and limits by which the chain judges.
const WEIGHTS: Weights = Weights::DLLM;
const LIMITS: Limits = Limits {
	first_token_us: None,
	per_token_us: None,
	failure_ppm: None,
};

/// Which workers have loaded their layers.
#[derive(Clone, Copy)]
pub enum Loaded {
	/// Those who say so.
	Now,
	/// Also all others of the pipelines.
	Soon,
	/// Only those of pipelines that take jobs.
	AtLeast,
}

/// A cleared round, as the chain's cost model needs it.
pub struct Tender<'a> {
	round: &'a RoundView,
	/// Layers that workers hold.
	held: BTreeSet<(AccountId32, Digest)>,
}

/// A plan for the winners of a round.
#[derive(Clone, Debug)]
pub struct Made {
	/// The plan.
	pub plan: Plan<AccountId32>,
	/// How it was found.
	pub placement: Placement,
	/// What it asks, its segments at the winners' prices.
	pub quote: Quote,
	/// What it costs by the chain's own cost model; the sum is its score.
	pub terms: Terms,
	/// Whether it serves public prompts.
	pub has_entries: bool,
}

impl<'a> Tender<'a> {
	/// The tender of a round of this model, which has these pipelines.
	pub fn new(
		round: &'a RoundView,
		spec: &ModelSpec,
		pipelines: &[PipelineView],
		loaded: Loaded,
	) -> Self {
		let mut held = BTreeSet::new();
		for pipeline in pipelines {
			for stage in pipeline.stages.iter().filter(|of| of.stage != ENTRY_STAGE) {
				let workers = match loaded {
					Loaded::Now => &stage.ready[..],
					Loaded::Soon => &stage.workers[..],
					Loaded::AtLeast if pipeline.state == PipelineState::Live => &stage.ready[..],
					Loaded::AtLeast => &[],
				};
				for who in workers {
					let layers = spec.segment(stage.layers).iter();
					held.extend(layers.map(|layer| (who.clone(), layer.hash)));
				}
			}
		}
		Self { round, held }
	}

	/// The placement of the model on the winners that may be given work, and their accounts.
	fn problem(&self, spec: &ModelSpec, workers: &[WorkerView]) -> (Vec<&'a AccountId32>, Problem) {
		let terms = &self.round.terms;
		let registered = workers.iter().map(|worker| (&worker.account, worker));
		let registered = registered.collect::<BTreeMap<_, _>>();
		let mut operators = BTreeMap::new();
		let (mut accounts, mut candidates) = (Vec::new(), Vec::new());
		for won in &self.round.winners {
			let worker = registered.get(&won.worker);
			let Some(worker) = worker.filter(|worker| worker.active && worker.roles.miner) else {
				continue;
			};
			let known = operators.len();
			accounts.push(&won.worker);
			candidates.push(Candidate {
				operator: *operators.entry(&worker.operator).or_insert(known),
				// The chain does not know numeric classes.
				class: 0,
				memory: usable_memory(worker.memory).saturating_sub(worker.promised),
				arena: 0,
				most_layers: won.slots as usize,
				price: won.price,
				figures: won.device,
				held: spec
					.layers
					.iter()
					.map(|layer| self.holds(&won.worker, layer))
					.collect(),
				entries: vec![(terms.link, terms.link)],
			});
		}
		let problem = Problem {
			layers: spec.layers.to_vec(),
			context: spec.max_context,
			slots: terms.jobs,
			workload: terms.workload,
			weights: WEIGHTS,
			limits: LIMITS,
			count: Count::Any,
			links: vec![terms.link; candidates.len() * candidates.len()],
			candidates,
		};
		(accounts, problem)
	}

	/// The cheapest plan with the winners.
	pub fn make(
		&self,
		spec: &ModelSpec,
		workers: &[WorkerView],
		count: Count,
		options: &Options,
	) -> Result<Made, PlanningError> {
		let terms = &self.round.terms;
		let replicas = usize::from(terms.replicas);
		let (accounts, mut problem) = self.problem(spec, workers);
		problem.count = count;
		let mut placement =
			place(&problem, replicas, options).map_err(|error| PlanningError::NoPlan {
				reason: format!(
					"{} winners, {replicas} of different operators for each segment: {error}",
					accounts.len()
				),
			})?;
		sort_replicas(&problem, &mut placement);
		let mut plan = plan_of(&placement, &accounts, self.round.model, terms.jobs)?;
		let has_entries = add_entries(&mut plan, spec, workers, replicas)?;
		let asked = check(&plan, spec, workers)?;
		Ok(Made {
			quote: self.quote(&plan, asked),
			terms: self.terms(&plan, spec)?,
			plan,
			placement,
			has_entries,
		})
	}

	/// Whether the score of a plan stays what it is whatever becomes of pipelines that are being loaded or
	/// closed.
	pub fn is_steady(
		round: &RoundView,
		spec: &ModelSpec,
		pipelines: &[PipelineView],
		plan: &Plan<AccountId32>,
	) -> Result<bool, PlanningError> {
		let total = |loaded| {
			let tender = Tender::new(round, spec, pipelines, loaded);
			tender.terms(plan, spec).map(|terms| terms.total())
		};
		let now = total(Loaded::Now)?;
		Ok(now == total(Loaded::Soon)? && now == total(Loaded::AtLeast)?)
	}

	/// The score of the pipeline of the round before, which a plan has to beat; none where there is none that
	/// takes jobs, or not all of its workers won enough to go on.
	pub fn incumbent(
		&self,
		spec: &ModelSpec,
		workers: &[WorkerView],
		pipelines: &[PipelineView],
	) -> Option<u128> {
		let id = self.round.incumbent?;
		let live =
			|pipeline: &&PipelineView| pipeline.id == id && pipeline.state == PipelineState::Live;
		let plan = as_plan(pipelines.iter().find(live)?)?;
		let won = |who: &AccountId32, layers: usize| {
			let won = self.won(who);
			won.is_some_and(|won| won.slots as usize >= layers)
		};
		let goes_on = plan.slots == self.round.terms.jobs
			&& plan.segments.iter().all(|segment| {
				let enough = segment.replicas.len() == usize::from(self.round.terms.replicas);
				let mut replicas = segment.replicas.iter();
				enough && replicas.all(|who| won(who, usize::from(segment.layers.len())))
			});
		if !goes_on || check(&plan, spec, workers).is_err() {
			return None;
		}
		self.terms(&plan, spec).ok().map(|terms| terms.total())
	}

	/// What the chain's own cost model says of a plan.
	fn terms(&self, plan: &Plan<AccountId32>, spec: &ModelSpec) -> Result<Terms, PlanningError> {
		let workload = &self.round.terms.workload;
		cost::score(plan, spec, workload, &WEIGHTS, &LIMITS, self).map_err(|error| {
			PlanningError::NoPlan {
				reason: format!("what the winners measured gives the plan no score ({error:?})"),
			}
		})
	}

	/// The segments at the winners' prices; the entry keeps its posted price.
	fn quote(&self, plan: &Plan<AccountId32>, mut asked: Quote) -> Quote {
		for (price, stage) in asked.stage_prices.iter_mut().zip(0u8..) {
			if stage != ENTRY_STAGE {
				let prices = plan.workers_of(stage).iter().map(|who| self.price(who));
				*price = prices.max().unwrap_or(0);
			}
		}
		asked
	}

	fn won(&self, who: &AccountId32) -> Option<&WinnerView> {
		self.round.winners.iter().find(|won| won.worker == *who)
	}
}

impl Measurements<AccountId32> for Tender<'_> {
	fn device(&self, who: &AccountId32) -> Option<DeviceFigures> {
		self.won(who).map(|won| won.device)
	}

	fn link(&self, _: Option<&AccountId32>, _: Option<&AccountId32>) -> LinkFigures {
		self.round.terms.link
	}

	fn price(&self, who: &AccountId32) -> u128 {
		self.won(who).map_or(0, |won| won.price)
	}

	fn holds(&self, who: &AccountId32, shard: &Shard) -> bool {
		self.held.contains(&(who.clone(), shard.hash))
	}
}

/// Whether the plan that a block holds leads its round: where not, the chain found another score.
pub fn leads(included: &Included) -> bool {
	let mut events = included.events.iter();
	events.any(|event| (event.pallet.as_str(), event.name.as_str()) == ("Allocation", "PlanLeads"))
}

/// The plan of a pipeline.
fn as_plan(pipeline: &PipelineView) -> Option<Plan<AccountId32>> {
	let (entries, segments): (Vec<_>, Vec<_>) = pipeline
		.stages
		.iter()
		.partition(|stage| stage.stage == ENTRY_STAGE);
	let entries = entries.first().map(|stage| stage.workers.clone());
	let segments = segments.iter().map(|stage| {
		Some(Segment {
			layers: stage.layers,
			replicas: stage.workers.clone().try_into().ok()?,
		})
	});
	Some(Plan {
		model: pipeline.model,
		slots: pipeline.slots,
		entries: entries.unwrap_or_default().try_into().ok()?,
		segments: segments.collect::<Option<Vec<_>>>()?.try_into().ok()?,
	})
}
