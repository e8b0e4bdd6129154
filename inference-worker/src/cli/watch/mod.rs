//! `status --watch`: a terminal view of a worker, drawn anew at every block and every two seconds.
//!
//! The chain says what is expected and paid; sessions and speeds come from the worker's own metrics, where
//! `metrics` of the configuration says where they are. With `--json` every look is one line instead.

mod draw;
mod terminal;

pub use draw::draw;

use super::{
	serve::stopped,
	status::{look, Shown},
	CliError, Context,
};
use crate::{
	chain::{AccountId32, Amount, Chain},
	metrics::{scrape, Numbers},
};
use serde::Serialize;
use std::{
	future::Future,
	io::{stdout, IsTerminal, Write},
	process::ExitCode,
	time::{Duration, Instant},
};
use terminal::Screen;
use tokio::time::timeout;

/// Speeds are looked at that often between blocks.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What one look shows.
#[derive(Serialize, Clone, Debug, Default)]
#[serde(rename_all = "camelCase")]
pub struct View {
	/// The node, its best block and its peers, as a line.
	pub node: String,
	/// Best block.
	pub block: u32,
	/// Address of the account; empty where there is none.
	pub account: String,
	/// Planck that can be spent.
	pub free: String,
	/// Planck by which that grew since the first look; negative where it shrank.
	pub gained: String,
	/// The registration, as a line.
	pub worker: String,
	/// What the chain expects now.
	pub duties: Vec<String>,
	/// Pipelines that this worker is part of: number, state, slots taken.
	pub pipelines: Vec<[String; 3]>,
	/// What the worker counts; none where it does not run or has no `metrics`.
	pub work: Option<Work>,
}

/// What the worker counts, and how fast.
#[derive(Serialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Work {
	/// Jobs whose rows are executed now.
	pub sessions: f64,
	/// Tokens sampled, and a second.
	pub tokens: f64,
	/// Tokens a second since the look before.
	pub tokens_per_second: f64,
	/// Rows executed.
	pub rows: f64,
	/// Rows a second since the look before.
	pub rows_per_second: f64,
	/// DLLM paid since the worker started.
	pub earned: f64,
	/// Jobs that were settled.
	pub settled: f64,
	/// Jobs that were refunded.
	pub refunded: f64,
	/// Bytes a second from other workers.
	pub received_per_second: f64,
	/// Bytes a second to other workers.
	pub sent_per_second: f64,
}

/// Watches until Ctrl-C.
pub async fn watch(context: &Context, chain: &Chain) -> Result<ExitCode, CliError> {
	let stop = stopped()?;
	tokio::pin!(stop);
	if context.json {
		return follow(context, chain, stop, |view| {
			println!("{}", serde_json::to_string(view)?);
			// Whoever reads the lines may have gone: then there is nothing more to do.
			stdout()
				.flush()
				.map_err(|source| io_error("stdout", source))
		})
		.await;
	}
	if !stdout().is_terminal() {
		return Err(CliError::BadArgument {
			what: "--watch",
			reason: "stdout is no terminal: add --json for a line at every look".into(),
		});
	}
	let screen = Screen::open().map_err(|source| io_error("terminal", source))?;
	let drawn = |view: &View| {
		screen
			.show(view)
			.map_err(|source| io_error("terminal", source))
	};
	follow(context, chain, stop, drawn).await
}

/// Looks and shows, again and again.
async fn follow(
	context: &Context,
	chain: &Chain,
	mut stop: impl Future<Output = ()> + Unpin,
	mut show: impl FnMut(&View) -> Result<(), CliError>,
) -> Result<ExitCode, CliError> {
	let account = context.account().ok();
	let own = account.as_ref().map(|account| account.id());
	let mut best = chain.best();
	let mut past = Past::default();
	loop {
		best.borrow_and_update();
		let view = tokio::select! {
			() = &mut stop => return Ok(ExitCode::SUCCESS),
			view = past.view(context, chain, own) => view?,
		};
		show(&view)?;
		tokio::select! {
			() = &mut stop => return Ok(ExitCode::SUCCESS),
			// A lost node sends no block; the next look says so.
			_ = timeout(LOOK_AGAIN, best.changed()) => {},
		}
	}
}

/// What earlier looks found.
#[derive(Default)]
struct Past {
	first_free: Option<i128>,
	numbers: Option<(Instant, Numbers)>,
}

impl Past {
	async fn view(
		&mut self,
		context: &Context,
		chain: &Chain,
		own: Option<&AccountId32>,
	) -> Result<View, CliError> {
		let shown = look(chain, own).await?;
		let work = match context.config.metrics {
			Some(address) => scrape(address).await.ok().map(|numbers| self.work(numbers)),
			None => None,
		};
		Ok(self.seen(shown, own, work))
	}

	fn work(&mut self, numbers: Numbers) -> Work {
		let now = Instant::now();
		let before = self.numbers.replace((now, numbers.clone()));
		let work = |speed: &dyn Fn(&str, Option<&str>) -> f64| Work {
			sessions: numbers.sum("sessions", None),
			tokens: numbers.sum("tokens_total", None),
			tokens_per_second: speed("tokens_total", None),
			rows: numbers.sum("rows_total", None),
			rows_per_second: speed("rows_total", None),
			earned: numbers.sum("earned_dllm_total", None),
			settled: numbers.sum("jobs_total", Some("outcome=\"settled\"")),
			refunded: numbers.sum("jobs_total", Some("outcome=\"refunded\"")),
			received_per_second: speed("peer_bytes_total", Some("direction=\"received\"")),
			sent_per_second: speed("peer_bytes_total", Some("direction=\"sent\"")),
		};
		match before {
			None => work(&|_, _| 0.0),
			Some((then, before)) => {
				let seconds = (now - then).as_secs_f64().max(f64::EPSILON);
				// A worker that was restarted counts from nothing.
				work(&|name, label| {
					(numbers.sum(name, label) - before.sum(name, label)).max(0.0) / seconds
				})
			}
		}
	}

	fn seen(&mut self, shown: Shown, own: Option<&AccountId32>, work: Option<Work>) -> View {
		let syncing = if shown.syncing { ", catching up" } else { "" };
		let (node, block, peers) = (&shown.node, shown.best_block, shown.peers);
		let (mut account, mut free, mut gained) = (String::new(), String::new(), String::new());
		if let Some(money) = &shown.account {
			let now = money.free.parse::<i128>().unwrap_or(0);
			let first = *self.first_free.get_or_insert(now);
			(account, free) = (money.address.clone(), money.free.clone());
			gained = (now - first).to_string();
		}
		let worker = match &shown.worker {
			None => "not registered".into(),
			Some(worker) => format!(
				"{}, bond {}, {} open jobs, {} passed, {} faults, {} convictions",
				worker.state,
				Amount(worker.bond),
				worker.open_jobs,
				worker.passed,
				worker.faults,
				worker.cheats
			),
		};
		let has_part = |stage: &dllm_primitives::api::StageView| {
			own.is_some_and(|own| stage.workers.contains(own))
		};
		let pipelines = shown
			.pipelines
			.iter()
			.filter(|pipeline| pipeline.stages.iter().any(has_part))
			.map(|pipeline| {
				[
					pipeline.id.to_string(),
					format!("{:?}", pipeline.state),
					format!("{} of {}", pipeline.open_jobs, pipeline.slots),
				]
			});
		View {
			node: format!("{node} at block {block} with {peers} peers{syncing}"),
			block,
			account,
			free,
			gained,
			worker,
			pipelines: pipelines.collect(),
			duties: shown.duties,
			work,
		}
	}
}

fn io_error(what: &str, source: std::io::Error) -> CliError {
	CliError::Io {
		path: what.into(),
		source,
	}
}
