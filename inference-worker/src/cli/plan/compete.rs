//! `plan --round`: a plan for the winners of a capacity round, at their prices and with what they measured of
//! themselves, and its score.
//!
//! The chain computes the score again and burns the deposit of a plan that claims another one. Layers that a
//! worker has loaded cost nothing to fetch, so a pipeline that begins or ends in between may change the
//! score: a plan that this concerns is not submitted.

use super::{add_entries, check, plan_of, problem::sort_replicas, search, shown::Shown, spec_of};
use crate::{
	chain::{calls, AccountId32, Included},
	cli::{context::find_model, plan::PlanCommand, CliError, Context},
};
use dllm_planning::{
	problem::{Candidate, Problem},
	replicas::{place, Placement},
};
use dllm_primitives::{
	api::{PipelineView, RoundPhase, RoundView, WinnerView, WorkerView},
	capacity::RoundId,
	cost::{self, link::LinkFigures, DeviceFigures, Limits, Measurements, Terms, Weights},
	ids::{Digest, ENTRY_STAGE},
	model::{ModelSpec, Shard},
	plan::{usable_memory, PipelineState, Plan, Quote},
};
use std::{
	collections::{BTreeMap, BTreeSet},
	process::ExitCode,
};

/// The weights and limits by which the chain judges.
const WEIGHTS: Weights = Weights::DLLM;
const LIMITS: Limits = Limits {
	first_token_us: None,
	per_token_us: None,
	failure_ppm: None,
};

/// Which workers have loaded their layers.
#[derive(Clone, Copy)]
enum Loaded {
	/// Those who say so.
	Now,
	/// Also all others of the pipelines.
	Soon,
	/// Only those of pipelines that take jobs.
	AtLeast,
}

/// A cleared round, as the chain's cost model needs it.
struct Tender<'a> {
	round: &'a RoundView,
	/// Layers that workers hold.
	held: BTreeSet<(AccountId32, Digest)>,
}

impl PlanCommand {
	/// Makes a plan for the winners of a round and lets it compete.
	pub(super) async fn compete(
		&self,
		id: RoundId,
		context: &Context,
	) -> Result<ExitCode, CliError> {
		let (chain, submitter) = context.submitter().await?;
		let rounds = chain.rounds().await?;
		let round = rounds.iter().find(|round| round.id == id);
		let round = round.ok_or(CliError::NoRound(id))?;
		if round.phase != RoundPhase::Planning {
			let (from, until) = (round.clears, round.closes.saturating_sub(1));
			return Err(CliError::NoPlan {
				reason: format!("round {id} is not cleared yet; plans compete from block {from} to block {until}"),
			});
		}
		let model = find_model(&chain, &round.model.to_string()).await?;
		let spec = spec_of(&model)?;
		let workers = chain.workers().await?;
		let pipelines = chain.pipelines(round.model).await?;
		let tender = Tender::new(round, &spec, &pipelines, Loaded::Now);
		let (plan, placement) =
			tokio::task::block_in_place(|| self.make_for(&tender, &spec, &workers))?;
		let asked = check(&plan, &spec, &workers).map_err(CliError::PlanRefused)?;
		let terms = tender.terms(&plan, &spec)?;
		let score = terms.total();
		let mut shown = Shown::new(&plan, &tender.quote(&plan, asked), &terms, &placement);
		shown.for_round(id, score);
		if !self.dry_run {
			steady(round, &spec, &pipelines, &plan, score)?;
			better(round, score)?;
			let included = submitter.submit(&calls::compete(&plan, score)).await?;
			shown.leads(accepted(&included)?);
		}
		context.print(&shown, || shown.readable())?;
		Ok(ExitCode::SUCCESS)
	}

	/// The cheapest plan with the winners.
	fn make_for(
		&self,
		tender: &Tender,
		spec: &ModelSpec,
		workers: &[WorkerView],
	) -> Result<(Plan<AccountId32>, Placement), CliError> {
		let terms = &tender.round.terms;
		let replicas = usize::from(terms.replicas);
		let (accounts, mut problem) = tender.problem(spec, workers);
		problem.count = self.count();
		let mut placement =
			place(&problem, replicas, &search()).map_err(|error| CliError::NoPlan {
				reason: format!(
					"{} winners, {replicas} of different operators for each segment: {error}",
					accounts.len()
				),
			})?;
		sort_replicas(&problem, &mut placement);
		let mut plan = plan_of(&placement, &accounts, tender.round.model, terms.jobs)?;
		add_entries(&mut plan, spec, workers, replicas)?;
		Ok((plan, placement))
	}
}

impl<'a> Tender<'a> {
	fn new(
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
			count: dllm_planning::instance::Count::Any,
			links: vec![terms.link; candidates.len() * candidates.len()],
			candidates,
		};
		(accounts, problem)
	}

	/// What the chain's own cost model says of a plan.
	fn terms(&self, plan: &Plan<AccountId32>, spec: &ModelSpec) -> Result<Terms, CliError> {
		let workload = &self.round.terms.workload;
		cost::score(plan, spec, workload, &WEIGHTS, &LIMITS, self).map_err(|error| {
			CliError::NoPlan {
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

/// Fails where pipelines that are being loaded or closed could change the score.
fn steady(
	round: &RoundView,
	spec: &ModelSpec,
	pipelines: &[PipelineView],
	plan: &Plan<AccountId32>,
	score: u128,
) -> Result<(), CliError> {
	for loaded in [Loaded::Soon, Loaded::AtLeast] {
		let other = Tender::new(round, spec, pipelines, loaded).terms(plan, spec)?;
		if other.total() != score {
			return Err(CliError::NoPlan {
				reason: "a pipeline of the model is just being loaded or closed, which changes the score and could cost the deposit; try again when `dllm-worker status` shows it live or no more".into(),
			});
		}
	}
	Ok(())
}

/// Fails where a plan competes that is no worse.
fn better(round: &RoundView, score: u128) -> Result<(), CliError> {
	let ms = |femtos: u128| femtos as f64 / cost::FEMTOS_PER_MS as f64;
	match &round.plan {
		Some(leader) if leader.score <= score => Err(CliError::NoPlan {
			reason: format!(
				"a plan with a score of {:.3} ms leads round {} already; the best that was found has {:.3} ms",
				ms(leader.score),
				round.id,
				ms(score)
			),
		}),
		_ => Ok(()),
	}
}

/// The block since which a plan leads.
fn accepted(included: &Included) -> Result<u32, CliError> {
	let leads = included
		.events
		.iter()
		.any(|event| (event.pallet.as_str(), event.name.as_str()) == ("Allocation", "PlanLeads"));
	match leads {
		true => Ok(included.block),
		false => Err(CliError::FalseScore {
			block: included.block,
		}),
	}
}
