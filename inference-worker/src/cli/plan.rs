//! `plan`: a model's layers on the registered workers, at least cost.
//!
//! Workers and links as the chain ([`map`]) and a file of measurements know them, without those that do not answer
//! now ([`roll`]), become a placement problem
//! ([`problem`]); the exact search places the layers and their replicas; the plan passes the very check that
//! the chain makes, and is printed with what it costs, before it is submitted. With `--round` it is made for
//! the winners of a capacity round ([`compete`]); with `--what-if` on a network that is only thought of
//! ([`what_if`]), and drawn ([`drawing`]).

mod compete;
mod drawing;
mod map;
mod problem;
mod roll;
mod shown;
mod what_if;

pub(super) use problem::workload;

use super::{context::active_model, CliError, Context};
use crate::{
	chain::{calls, AccountId32},
	planning::{add_entries, check, plan_of, sort_replicas, spec_of},
};
use clap::{Args, ValueEnum};
use dllm_planning::{
	instance::Count,
	replicas::{place, Placement},
	search::Options,
	topology::Topology,
};
use dllm_primitives::{
	api::{ModelView, WorkerView},
	capacity::RoundId,
	cost::{self, Limits, Terms, Weights},
	ids::{MAX_REPLICAS, MAX_SEGMENTS},
	model::ModelSpec,
	plan::{self, Plan},
};
use problem::Measured;
use shown::Shown;
use std::{
	fs,
	path::{Path, PathBuf},
	process::ExitCode,
	time::Duration,
};

/// What the search may take; the best placement so far stands then, with a certified gap.
const SEARCH_TIME: Duration = Duration::from_secs(10);

/// Place a model's layers on the registered workers and submit the plan.
#[derive(Args, Debug)]
pub struct PlanCommand {
	/// Number or name of the model; the active one where left out.
	#[arg(long)]
	model: Option<String>,
	/// Segments of layers; as many as cost least where left out.
	#[arg(long)]
	segments: Option<usize>,
	/// Workers of each segment, and entries.
	#[arg(long, default_value_t = 2)]
	replicas: usize,
	/// Jobs at once.
	#[arg(long, default_value_t = 2)]
	slots: u8,
	/// Measurements of workers and links as JSON, which stand over what workers report on chain:
	/// docs/placement.md shows its form.
	#[arg(long, value_name = "FILE")]
	links: Option<PathBuf>,
	/// Weights of the cost.
	#[arg(long, value_enum, default_value_t = Preset::Dllm)]
	preset: Preset,
	/// Milliseconds until the first token at most.
	#[arg(long, value_name = "MS")]
	max_first_token: Option<u64>,
	/// Milliseconds for a further token at most.
	#[arg(long, value_name = "MS")]
	max_token: Option<u64>,
	/// Plan for the winners of this capacity round, and let the plan compete with its score; `rounds` lists
	/// the rounds.
	#[arg(
		long,
		value_name = "NUMBER",
		conflicts_with_all = ["model", "replicas", "slots", "links", "preset", "max_first_token", "max_token"]
	)]
	round: Option<RoundId>,
	/// Plan on a network that is only thought of, which this TOML file describes (docs/placement.md shows its
	/// form), and show the second best plan too. No node is asked.
	#[arg(long, value_name = "FILE", conflicts_with_all = ["model", "links", "round", "dry_run"])]
	what_if: Option<PathBuf>,
	/// Draw the plan, its hosts and their links into this SVG file.
	#[arg(long, value_name = "FILE", requires = "what_if")]
	drawing: Option<PathBuf>,
	/// Show the plan, but do not submit it.
	#[arg(long)]
	dry_run: bool,
}

/// Named weights.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum Preset {
	/// Times that a job waits, and its price.
	Dllm,
	/// The patent's printed form, blind to the network.
	PatentText,
	/// The weights of the patent's figures, on the hops of the ring.
	PatentFigures,
}

impl Preset {
	fn weights(self) -> Weights {
		match self {
			Self::Dllm => Weights::DLLM,
			Self::PatentText => Weights::PATENT_TEXT,
			Self::PatentFigures => Weights::PATENT_FIGURES,
		}
	}
}

impl PlanCommand {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		if let Some(round) = self.round {
			return self.compete(round, context).await;
		}
		if let Some(file) = &self.what_if {
			return tokio::task::block_in_place(|| self.suppose(file, context));
		}
		let topology = topology(self.links.as_deref())?;
		let (chain, submitter) = context.submitter().await?;
		let model = active_model(&chain, self.model.as_deref()).await?;
		let map = chain.links().await?;
		let workers = map::without_silent(chain.workers().await?, &map);
		let absent = roll::absent(&workers).await?;
		let topology = topology.with_links(map::links(&map));
		let spec = spec_of(&model)?;
		let measured_of = |workers: &[WorkerView]| Measured {
			topology: &topology,
			workers: miners(workers),
			entries: entries(workers),
		};
		let ((plan, placement), workers) = roll::plan(workers, &absent, |workers| {
			let measured = measured_of(workers);
			tokio::task::block_in_place(|| self.make(&model, &spec, workers, &measured))
		})?;
		let measured = measured_of(&workers);
		measured.say_unknown(&map);
		let quote = check(&plan, &spec, &workers)?;
		let terms = self.terms(&plan, &spec, &measured)?;
		let mut shown = Shown::new(&plan, &quote, &terms, &placement);
		if !self.dry_run {
			let included = submitter.submit(&calls::submit_plan(&plan)).await?;
			let pipeline = included.number("Allocation", "PlanAccepted", "pipeline")?;
			shown.submitted(u32::try_from(pipeline).ok(), included.block);
		}
		context.print(&shown, || shown.readable())?;
		Ok(ExitCode::SUCCESS)
	}

	/// How many segments.
	fn count(&self) -> Count {
		match self.segments {
			Some(segments) => Count::Exactly(segments.min(MAX_SEGMENTS as usize + 1)),
			None => Count::AtMost(MAX_SEGMENTS as usize),
		}
	}

	fn limits(&self) -> Limits {
		let us = |ms: Option<u64>| ms.map(|ms| ms.saturating_mul(1_000));
		Limits {
			first_token_us: us(self.max_first_token),
			per_token_us: us(self.max_token),
			failure_ppm: None,
		}
	}

	/// The cheapest plan.
	fn make(
		&self,
		model: &ModelView,
		spec: &ModelSpec,
		workers: &[WorkerView],
		measured: &Measured,
	) -> Result<(Plan<AccountId32>, Placement), CliError> {
		if !(plan::MIN_REPLICAS..=MAX_REPLICAS as usize).contains(&self.replicas) {
			return Err(CliError::BadArgument {
				what: "--replicas",
				reason: format!("{} is not 2 to 4", self.replicas),
			});
		}
		let mut problem = measured.problem(spec, self.slots, self.preset.weights(), self.limits());
		problem.count = self.count();
		let mut placement = place(&problem, self.replicas, &search()).map_err(|error| CliError::NoPlan {
			reason: format!(
				"{} active miners, {} workers of different operators for each segment: {error}; register more workers, or ask for other --segments, --replicas or --slots",
				measured.workers.len(),
				self.replicas,
			),
		})?;
		sort_replicas(&problem, &mut placement);
		let accounts = measured.workers.iter().map(|worker| &worker.account);
		let accounts = accounts.collect::<Vec<_>>();
		let mut plan = plan_of(&placement, &accounts, model.id, self.slots)?;
		say_entries(add_entries(&mut plan, spec, workers, self.replicas)?);
		Ok((plan, placement))
	}

	/// What the chain's own cost model says of the plan.
	fn terms(
		&self,
		plan: &Plan<AccountId32>,
		spec: &ModelSpec,
		measured: &Measured,
	) -> Result<Terms, CliError> {
		let workload = workload(spec.profile, spec.hidden_size, spec.max_context);
		let weights = self.preset.weights();
		cost::score(plan, spec, &workload, &weights, &self.limits(), measured).map_err(|error| {
			CliError::NoPlan {
				reason: format!("the plan misses a limit once its entries are chosen ({error:?}): raise --max-first-token or --max-token"),
			}
		})
	}
}

/// What the search may take.
fn search() -> Options {
	Options {
		time_limit: SEARCH_TIME,
		..Options::default()
	}
}

/// Says where a plan has no entries.
fn say_entries(has_entries: bool) {
	if !has_entries {
		eprintln!("no two entry workers of different operators with memory for the model's ends: public prompts are not served");
	}
}

/// The measurements in a file; only defaults where there is none.
pub(super) fn topology(file: Option<&Path>) -> Result<Topology, CliError> {
	let Some(path) = file else {
		return Ok(Topology::default());
	};
	let text = fs::read_to_string(path).map_err(|source| CliError::Io {
		path: path.into(),
		source,
	})?;
	Topology::parse(&text).map_err(|error| CliError::BadArgument {
		what: "--links",
		reason: error.to_string(),
	})
}

/// Active miners, the cheapest first, so that of equal placements the cheaper workers' stands.
fn miners(workers: &[WorkerView]) -> Vec<WorkerView> {
	let mut miners = workers
		.iter()
		.filter(|worker| worker.active && worker.roles.miner)
		.cloned()
		.collect::<Vec<_>>();
	miners.sort_by_key(|worker| (worker.price, worker.faults, worker.account.clone()));
	miners
}

fn entries(workers: &[WorkerView]) -> Vec<AccountId32> {
	let entries = workers
		.iter()
		.filter(|worker| worker.active && worker.roles.entry);
	entries.map(|worker| worker.account.clone()).collect()
}
