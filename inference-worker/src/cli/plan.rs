//! `plan`: a model's layers on the registered workers, evenly.
//!
//! Segments of equal length, as many as the workers can staff; the cheapest workers of different
//! operators stand for each. The plan passes the very check that the chain makes before it is
//! submitted. Placement by network and compute is the solver's business.

use super::{
	context::active_model,
	table::{short, table},
	CliError, Context,
};
use crate::chain::{address, calls, AccountId32};
use clap::Args;
use dllm_primitives::{
	api::{ModelView, WorkerView},
	ids::{ModelId, MAX_SEGMENTS},
	model::{LayerRange, ModelSpec},
	plan::{self, stage_memory, Candidate, Plan, Segment, MEMORY_SHARE_PERCENT},
};
use serde::Serialize;
use std::{collections::HashSet, process::ExitCode};

/// Place a model's layers on the registered workers and submit the plan.
#[derive(Args, Debug)]
pub struct PlanCommand {
	/// Number or name of the model; the active one where left out.
	#[arg(long)]
	model: Option<String>,
	/// Segments of layers; as many as the workers can staff where left out.
	#[arg(long)]
	segments: Option<usize>,
	/// Workers of each segment, and entries.
	#[arg(long, default_value_t = 2)]
	replicas: usize,
	/// Jobs at once.
	#[arg(long, default_value_t = 2)]
	slots: u8,
	/// Show the plan, but do not submit it.
	#[arg(long)]
	dry_run: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
	model: u32,
	slots: u8,
	stages: Vec<ShownStage>,
	pipeline: Option<u32>,
	block: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownStage {
	stage: u8,
	layers: LayerRange,
	workers: Vec<String>,
	price: String,
}

impl PlanCommand {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let (chain, submitter) = context.submitter().await?;
		let model = active_model(&chain, self.model.as_deref()).await?;
		let workers = chain.workers().await?;
		let spec = spec_of(&model)?;
		let plan = self.make(&model, &spec, &workers)?;
		let quote = check(&plan, &spec, &workers).map_err(CliError::PlanRefused)?;
		let mut shown = show(&plan, &quote);
		if plan.entries.is_empty() {
			eprintln!("no two entry workers of different operators: public prompts are not served");
		}
		if !self.dry_run {
			let included = submitter.submit(&calls::submit_plan(&plan)).await?;
			let pipeline = included.number("Allocation", "PlanAccepted", "pipeline")?;
			shown.pipeline = u32::try_from(pipeline).ok();
			shown.block = Some(included.block);
		}
		context.print(&shown, || readable(&shown))?;
		Ok(ExitCode::SUCCESS)
	}

	/// The plan with the most segments, unless a number was asked for.
	fn make(
		&self,
		model: &ModelView,
		spec: &ModelSpec,
		workers: &[WorkerView],
	) -> Result<Plan<AccountId32>, CliError> {
		let miners = workers
			.iter()
			.filter(|worker| worker.active && worker.roles.miner)
			.count();
		let most = (miners / self.replicas.max(1))
			.min(model.layers.len())
			.min(MAX_SEGMENTS as usize);
		let counts = match self.segments {
			Some(segments) => segments..=segments,
			None => 1..=most,
		};
		let candidates = counts
			.rev()
			.filter(|segments| (1..=model.layers.len()).contains(segments));
		let mut plans =
			candidates.filter_map(|segments| self.staff(segments, model.id, spec, workers));
		plans
			.find(|plan| check(plan, spec, workers).is_ok())
			.ok_or_else(|| CliError::NoPlan {
				reason: format!(
				"{miners} active miners cannot staff {} with {} workers each of different operators and \
				 enough memory: register more workers, or ask for other --segments, --replicas or --slots",
				self.segments.map_or("a segment".into(), |n| format!("{n} segments")),
				self.replicas,
			),
			})
	}

	fn staff(
		&self,
		segments: usize,
		model: ModelId,
		spec: &ModelSpec,
		workers: &[WorkerView],
	) -> Option<Plan<AccountId32>> {
		let mut plan = Plan {
			model,
			slots: self.slots,
			entries: Default::default(),
			segments: even_segments(spec.layers.len(), segments).try_into().ok()?,
		};
		let mut busy = HashSet::new();
		for at in 0..segments {
			let need = stage_memory(&plan, spec, u8::try_from(at + 1).ok()?);
			let fits = |worker: &WorkerView| {
				let room = worker.memory / 100 * MEMORY_SHARE_PERCENT;
				worker.roles.miner && room >= need && !busy.contains(&worker.account)
			};
			let replicas = cheapest(workers, self.replicas, fits)?;
			busy.extend(replicas.iter().cloned());
			plan.segments.get_mut(at)?.replicas = replicas.try_into().ok()?;
		}
		// An entry may hold a segment too, but one that does not leaves more memory to both.
		let entries = cheapest(workers, self.replicas, |worker| {
			worker.roles.entry && !busy.contains(&worker.account)
		});
		let entries =
			entries.or_else(|| cheapest(workers, self.replicas, |worker| worker.roles.entry));
		plan.entries = entries.unwrap_or_default().try_into().ok()?;
		Some(plan)
	}
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

/// `layers` layers in `segments` segments whose lengths differ by one at most.
fn even_segments(layers: usize, segments: usize) -> Vec<Segment<AccountId32>> {
	let bound = |at: usize| u16::try_from(at * layers / segments).unwrap_or(u16::MAX);
	let range = |at| LayerRange {
		start: bound(at),
		end: bound(at + 1),
	};
	let segment = |at| Segment {
		layers: range(at),
		replicas: Default::default(),
	};
	(0..segments).map(segment).collect()
}

fn check(
	plan: &Plan<AccountId32>,
	spec: &ModelSpec,
	workers: &[WorkerView],
) -> Result<plan::Quote, plan::PlanError> {
	plan::check(plan, spec, |who| {
		let worker = workers.iter().find(|worker| worker.account == *who)?;
		Some(Candidate {
			operator: worker.operator.clone(),
			active: worker.active,
			roles: worker.roles,
			memory: worker.memory,
			price: worker.price,
		})
	})
}

/// The registered figures of a model.
fn spec_of(model: &ModelView) -> Result<ModelSpec, CliError> {
	let too_long = |what| move |_| CliError::TooLong { what };
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
		layers: layers.try_into().map_err(|_| CliError::TooLong {
			what: "the list of layers",
		})?,
		head: model.head,
	})
}

fn show(plan: &Plan<AccountId32>, quote: &plan::Quote) -> Shown {
	let stages = quote
		.stage_prices
		.iter()
		.zip(0u8..)
		.map(|(price, stage)| ShownStage {
			stage,
			layers: plan.layers_of(stage),
			workers: plan.workers_of(stage).iter().map(address).collect(),
			price: price.to_string(),
		});
	let stages = stages.collect();
	Shown {
		model: plan.model,
		slots: plan.slots,
		stages,
		pipeline: None,
		block: None,
	}
}

fn readable(shown: &Shown) -> String {
	let rows = shown.stages.iter().map(|stage| {
		let layers = match stage.layers.is_empty() {
			true => "entry".into(),
			false => format!("{}..{}", stage.layers.start, stage.layers.end),
		};
		let workers = stage
			.workers
			.iter()
			.map(|who| short(who))
			.collect::<Vec<_>>()
			.join(" ");
		[
			stage.stage.to_string(),
			layers,
			stage.price.clone(),
			workers,
		]
	});
	let head = ["stage", "layers", "planck/GFLOP", "workers"];
	let stages = table(head, &rows.collect::<Vec<_>>());
	match (shown.pipeline, shown.block) {
		(Some(pipeline), Some(block)) => format!("{stages}pipeline {pipeline} in block {block}"),
		_ => format!("{stages}not submitted"),
	}
}
