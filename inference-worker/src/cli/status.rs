//! `status`: the chain, this worker and its pipelines, or one job.

use super::{
	context::full_name,
	receipt::{part_in_words, Report},
	table::{short, table},
	watch::watch,
	CliError, Context,
};
use crate::chain::{AccountId32, Amount, Chain};
use clap::Args;
use dllm_primitives::{
	api::{Duty, PipelineView, WorkerView},
	dispute::Side,
	ids::{JobId, ENTRY_STAGE},
};
use serde::Serialize;
use std::process::ExitCode;

/// Show the chain, this worker and its pipelines, or a job.
#[derive(Args, Debug)]
pub struct Status {
	/// Show a job with all that stands behind it.
	#[arg(long, value_name = "NUMBER")]
	job: Option<JobId>,
	/// Keep showing, on a terminal, until Ctrl-C; with --json a line at every look.
	#[arg(long, conflicts_with = "job")]
	watch: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
	pub node: String,
	genesis: String,
	pub best_block: u32,
	pub peers: usize,
	pub syncing: bool,
	pub account: Option<Money>,
	pub worker: Option<WorkerView>,
	pub pipelines: Vec<PipelineView>,
	pub duties: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Money {
	pub address: String,
	pub free: String,
	held: String,
}

impl Status {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let chain = context.chain().await?;
		if let Some(job) = self.job {
			return show_job(context, &chain, job).await;
		}
		if self.watch {
			return watch(context, &chain).await;
		}
		// Without an account there is still a chain to show.
		let account = context.account().ok();
		let shown = look(&chain, account.as_ref().map(|account| account.id())).await?;
		context.print(&shown, || readable(&shown))?;
		Ok(ExitCode::SUCCESS)
	}
}

async fn show_job(context: &Context, chain: &Chain, job: JobId) -> Result<ExitCode, CliError> {
	let receipt = chain
		.receipt(job)
		.await?
		.ok_or_else(|| CliError::BadArgument {
			what: "--job",
			reason: format!("the chain holds no job {job}"),
		})?;
	let model = chain.model(receipt.job.model).await?;
	let name = model.map_or(receipt.job.model.to_string(), |model| {
		full_name(&model, receipt.job.adapter)
	});
	let report = Report::of(name, receipt);
	context.print(&report, || {
		let reply = report
			.reply
			.as_ref()
			.map(|reply| format!("{reply}\n\n"))
			.unwrap_or_default();
		reply + &report.readable()
	})?;
	Ok(ExitCode::SUCCESS)
}

/// The chain now, and what it knows of an account.
pub async fn look(chain: &Chain, own: Option<&AccountId32>) -> Result<Shown, CliError> {
	let health = chain.health().await?;
	let (mut account, mut worker, mut duties) = (None, None, Vec::new());
	if let Some(own) = own {
		let balance = chain.balance(own).await?;
		account = Some(Money {
			address: crate::chain::address(own),
			free: balance.free.to_string(),
			held: balance.held.to_string(),
		});
		worker = chain.worker(own).await?;
		duties = chain.duties(own).await?.iter().map(duty_in_words).collect();
	}
	let mut pipelines = Vec::new();
	for model in chain.models().await? {
		pipelines.extend(chain.pipelines(model.id).await?);
	}
	Ok(Shown {
		node: chain.url().into(),
		genesis: format!("{:?}", chain.genesis()),
		best_block: chain.best().borrow().number,
		peers: health.peers,
		syncing: health.is_syncing,
		account,
		worker,
		pipelines,
		duties,
	})
}

fn readable(shown: &Shown) -> String {
	let syncing = if shown.syncing { ", catching up" } else { "" };
	let mut text = format!(
		"node      {} at block {} with {} peers{syncing}\nchain     {}\n",
		shown.node, shown.best_block, shown.peers, shown.genesis
	);
	if let Some(Money {
		address,
		free,
		held,
	}) = &shown.account
	{
		let dllm = |planck: &String| planck.parse().unwrap_or(Amount(0));
		text += &format!(
			"account   {address}: {} free, {} on hold\n",
			dllm(free),
			dllm(held)
		);
	}
	text += &match &shown.worker {
		None => "worker    not registered\n".to_string(),
		Some(worker) => format!(
			"worker    {}, bond {}, {} open jobs, {} passed, {} faults, {} convictions\n",
			worker.state,
			Amount(worker.bond),
			worker.open_jobs,
			worker.passed,
			worker.faults,
			worker.cheats
		),
	};
	for duty in &shown.duties {
		text += &format!("duty      {duty}\n");
	}
	for pipeline in &shown.pipelines {
		text += &format!("\n{}", pipeline_in_words(pipeline));
	}
	text
}

fn pipeline_in_words(pipeline: &PipelineView) -> String {
	let PipelineView {
		id,
		model,
		state,
		slots,
		open_jobs,
		in_flight: _,
		pace,
		stages,
	} = pipeline;
	// Thousandths, rounded down.
	let pace = pace.map_or(String::new(), |pace| {
		format!(", {} rows a block of running", pace / 1_000)
	});
	let head = format!(
		"pipeline {id} of model {model}: {state:?}, {open_jobs} of {slots} slots taken{pace}\n"
	);
	let rows = stages.iter().map(|stage| {
		let layers = match stage.stage {
			ENTRY_STAGE => "entry".into(),
			_ => format!("{}..{}", stage.layers.start, stage.layers.end),
		};
		let workers = stage.workers.iter().map(|who| {
			let ready = if stage.ready.contains(who) {
				""
			} else {
				" (loading)"
			};
			format!("{}{ready}", short(&crate::chain::address(who)))
		});
		[
			stage.stage.to_string(),
			layers,
			workers.collect::<Vec<_>>().join(" "),
		]
	});
	head + &table(["stage", "layers", "workers"], &rows.collect::<Vec<_>>())
}

fn duty_in_words(duty: &Duty) -> String {
	match duty {
		Duty::Host {
			pipeline,
			stage,
			ready,
			..
		} => {
			let done = if *ready { "loaded" } else { "to be loaded" };
			format!("host stage {stage} of pipeline {pipeline}: {done}")
		}
		Duty::Run {
			route,
			stage,
			committed,
			..
		} => {
			let done = if *committed { "committed" } else { "open" };
			format!("lead stage {stage} of job {}: {done}", route.job)
		}
		Duty::Tally { job, stage, until } => {
			format!("tell how far stage {stage} of job {job} came, by block {until}")
		}
		Duty::Check {
			route,
			stage,
			part,
			until,
			..
		} => {
			let part = part_in_words(*part);
			format!(
				"check stage {stage} of job {} as {part}, by block {until}",
				route.job
			)
		}
		Duty::Summon {
			job, stage, until, ..
		} => {
			format!("draw a lot over stage {stage} of job {job}, by block {until}")
		}
		Duty::Reveal { job, stage, until } => {
			format!("reveal stage {stage} of job {job}, by block {until}")
		}
		Duty::Reconcile {
			route,
			boundary,
			until,
		} => {
			format!(
				"show the receipt of the rows that left stage {boundary} of job {}, by block {until}",
				route.job
			)
		}
		Duty::Compare {
			job,
			stage,
			positions,
			until,
		} => {
			let rows = positions.len();
			format!(
				"show {rows} rows of stage {stage} of job {job} to be compared, by block {until}"
			)
		}
		Duty::Dispute {
			route,
			stage,
			side,
			until,
			..
		} => {
			let does = match side {
				Side::Defender => "defend",
				Side::Challenger => "challenge",
			};
			format!(
				"{does} stage {stage} of job {} in a dispute, by block {until}",
				route.job
			)
		}
		Duty::Serve {
			job,
			stage,
			output_to,
			input_to,
		} => {
			format!(
				"hand the rows of stage {stage} of job {job} to {} checkers",
				output_to.len() + input_to.len()
			)
		}
	}
}
