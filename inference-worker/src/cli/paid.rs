//! What `prompt` and `pay` share: limits, the price, and waiting for the chain.

use super::{context::find_adapter, CliError, Context};
use crate::chain::{calls, Amount, Chain, ChainError, Numbered, Submitter};
use clap::Args;
use dllm_primitives::{
	api::{JobView, ModelView, Receipt},
	ids::{AdapterId, Bytes, JobId},
	job::{Assurance, Body, JobState, Limits, OnFailure, Options, MAX_RERUNS},
	verdict::Phase,
};
use std::{
	io::Read,
	time::{Duration, Instant},
};

/// Times that a block may take before a wait looks again anyway.
const LOOK_AGAIN: Duration = Duration::from_secs(6);
/// Blocks for which the job may be missing on the best fork after its submission.
const FORK_LOOKS: u32 = 5;
/// Pallet, event and field in which the chain gives a job its number.
const NUMBER: [&str; 3] = ["Jobs", "Submitted", "job"];

/// How a prompt is answered and what it may cost.
#[derive(Args, Debug)]
pub struct Terms {
	/// The prompt; read from stdin where left out.
	#[arg(value_name = "TEXT")]
	text: Option<String>,
	/// Number or name of the model; the active one where left out.
	#[arg(long)]
	pub model: Option<String>,
	/// Number or name of an adapter of the model, which is added to its layers for this prompt.
	#[arg(long)]
	adapter: Option<String>,
	/// Tokens of the reply at most.
	#[arg(long, default_value_t = 64)]
	max_tokens: u32,
	/// 0 takes the likeliest token each time; higher values vary more.
	#[arg(long, default_value_t = 0.0)]
	temperature: f32,
	/// Only the likeliest tokens with this share of the probability are drawn from.
	#[arg(long, default_value_t = 1.0)]
	top_p: f32,
	/// Seed of the sampler; the same seed gives the same reply.
	#[arg(long, default_value_t = 0)]
	seed: u64,
	/// A text that ends the reply; up to four.
	#[arg(long)]
	stop: Vec<String>,
	/// Most that the reply may cost; the chain's quote where left out, half more with --rerun.
	#[arg(long, value_name = "AMOUNT")]
	max_price: Option<Amount>,
	/// Blocks until the reply is there, or everything is refunded.
	#[arg(long, default_value_t = 100, value_name = "BLOCKS")]
	deadline: u32,
	/// Have every stage executed again, whatever the chain asks for.
	#[arg(long)]
	full_assurance: bool,
	/// Where its workers fail, have another pipeline run it again within the deadline, up to twice, before
	/// everything is refunded.
	#[arg(long)]
	rerun: bool,
}

impl Terms {
	/// The prompt.
	pub fn text(&self) -> Result<String, CliError> {
		if let Some(text) = &self.text {
			return Ok(text.clone());
		}
		let mut text = String::new();
		let read = std::io::stdin().read_to_string(&mut text);
		read.map_err(|source| CliError::Io {
			path: "stdin".into(),
			source,
		})?;
		Ok(text)
	}

	/// What is asked for besides.
	pub fn options(&self, model: &ModelView) -> Result<Options, CliError> {
		let on_failure = match self.rerun {
			true => OnFailure::Rerun,
			false => OnFailure::Refund,
		};
		let adapter = self.adapter.as_ref().map(|named| usable(model, named));
		Ok(Options {
			on_failure,
			adapter: adapter.transpose()?,
		})
	}

	/// The limits as the chain holds them.
	pub fn limits(&self) -> Result<Limits, CliError> {
		let bad = || CliError::BadArgument {
			what: "--stop",
			reason: "at most 4 texts of up to 32 bytes".into(),
		};
		let stop = self
			.stop
			.iter()
			.map(|text| Bytes::try_from(text.clone().into_bytes()));
		let stop = stop.collect::<Result<Vec<_>, _>>().map_err(|_| bad())?;
		let limits = Limits {
			max_tokens: self.max_tokens,
			temperature_milli: thousandths("--temperature", self.temperature, 5.0)?,
			top_p_milli: thousandths("--top-p", self.top_p, 1.0)?,
			seed: self.seed,
			stop: stop.try_into().map_err(|_| bad())?,
		};
		match limits.is_valid() {
			true => Ok(limits),
			false => Err(CliError::BadArgument {
				what: "the limits of the reply",
				reason: "--max-tokens is 1 to 2048, --top-p above 0, and no --stop is empty".into(),
			}),
		}
	}
}

/// The adapter of a model that is called so, where jobs may still name it.
fn usable(model: &ModelView, named: &str) -> Result<AdapterId, CliError> {
	let (_, adapter) = find_adapter([model], named)?;
	match adapter.retired {
		false => Ok(adapter.id),
		true => Err(CliError::AdapterRetired {
			id: adapter.id,
			name: adapter.name.clone(),
		}),
	}
}

fn thousandths(what: &'static str, value: f32, most: f32) -> Result<u16, CliError> {
	if !(0.0..=most).contains(&value) {
		return Err(CliError::BadArgument {
			what,
			reason: format!("must be 0 to {most}"),
		});
	}
	Ok((value * 1000.0).round() as u16)
}

/// A job that is paid for, followed to its end, under whatever number a fork gives it, and on to the job that
/// runs it again.
pub struct Paid {
	chain: Chain,
	submitter: Submitter,
	number: Numbered,
	/// Number of the job that was submitted.
	first: JobId,
	/// Number of the job that runs it now.
	pub job: JobId,
	/// When the transaction was sent.
	pub sent: Instant,
	told: Option<(JobState, Option<Phase>)>,
}

impl Paid {
	/// Checks the price, then pays for the prompt.
	pub async fn submit(
		(chain, submitter): (&Chain, &Submitter),
		model: &ModelView,
		terms: &Terms,
		body: &Body,
		limits: &Limits,
	) -> Result<Self, CliError> {
		let options = terms.options(model)?;
		let own_entry = matches!(body, Body::Sealed { .. });
		let ceiling = body.prompt_ceiling();
		let price = match terms.max_price {
			Some(Amount(price)) => price,
			None => {
				let quote = chain
					.quote(model.id, ceiling, limits.max_tokens, own_entry)
					.await?;
				let quote = quote.ok_or_else(|| CliError::NoPipeline {
					name: model.name.clone(),
				})?;
				match terms.rerun {
					true => calls::rerun_ceiling(quote),
					false => quote,
				}
			}
		};
		let account = submitter.account();
		let balance = chain.balance(account.id()).await?;
		if balance.free < price {
			let (free, price) = (Amount(balance.free), Amount(price));
			return Err(CliError::InsufficientFunds {
				account: account.address(),
				free,
				price,
			});
		}
		let sent = Instant::now();
		let assurance = match terms.full_assurance {
			true => Assurance::Full,
			false => Assurance::Standard,
		};
		let asked = (assurance, options);
		let call = calls::submit_job_with(model.id, body, limits, price, terms.deadline, asked);
		let number = submitter.submit_numbered(&call, NUMBER).await?;
		let (job, block) = number.now()?;
		let job = JobId::try_from(job).unwrap_or(JobId::MAX);
		let price = Amount(price);
		eprintln!("job {job} submitted in block {block}; it costs {price} at most");
		Ok(Self {
			chain: chain.clone(),
			submitter: submitter.clone(),
			number,
			first: job,
			job,
			sent,
			told: None,
		})
	}

	/// Waits until the job satisfies `done` or has ended, looking at every best block. Says where it
	/// stands each time that changes. Ctrl-C ends the wait, and cancels a job that nobody runs yet.
	pub async fn until(&mut self, done: impl Fn(&JobView) -> bool) -> Result<JobView, CliError> {
		let mut best = self.chain.best();
		let mut unknown = 0;
		loop {
			let view = match self.look().await? {
				Some(view) => view,
				// A short fork may not have the job yet, or another one of that number.
				None if unknown < FORK_LOOKS => {
					unknown += 1;
					let _ = tokio::time::timeout(LOOK_AGAIN, best.changed()).await;
					continue;
				}
				None => return Err(self.gone()),
			};
			let stands = (view.state, view.phase);
			if self.told.replace(stands) != Some(stands) {
				tell(&view);
			}
			if done(&view) || view.state.is_final() {
				return Ok(view);
			}
			tokio::select! {
				_ = tokio::signal::ctrl_c() => return Err(self.interrupted(&view).await),
				_ = tokio::time::timeout(LOOK_AGAIN, best.changed()) => {},
			}
		}
	}

	/// Waits until a fork has given the job another number; for ever, once its block is final.
	pub async fn renumbered(&mut self) -> Result<(), CliError> {
		self.number.other_than(self.first.into()).await?;
		Ok(())
	}

	/// Waits for the next best block.
	pub async fn next_block(&self) {
		let mut best = self.chain.best();
		// The caller has looked at this one already.
		best.mark_unchanged();
		// Without a block in time the caller looks again anyway.
		let _ = tokio::time::timeout(LOOK_AGAIN, best.changed()).await;
	}

	/// The job that runs it as the best block has it; none where that has no such job, or somebody else's.
	async fn look(&mut self) -> Result<Option<JobView>, CliError> {
		self.renumber()?;
		let mut found = self.own(self.first).await?;
		for _ in 0..MAX_RERUNS {
			let Some(JobState::Rerun { by, .. }) = found.as_ref().map(|view| view.state) else {
				break;
			};
			if let Some(failed) = found.filter(|failed| failed.id == self.job) {
				tell(&failed);
			}
			found = self.own(by).await?;
		}
		if let Some(view) = found.as_ref().filter(|view| view.id != self.job) {
			self.job = view.id;
			self.told = None;
		}
		Ok(found)
	}

	/// Takes the number that the job has now.
	fn renumber(&mut self) -> Result<(), CliError> {
		let (number, block) = self.number.now()?;
		let number = JobId::try_from(number).unwrap_or(JobId::MAX);
		if number != self.first {
			eprintln!(
				"job {}: a fork moved it to block {block}, where it is job {number}",
				self.first
			);
			(self.first, self.job) = (number, number);
			self.told = None;
		}
		Ok(())
	}

	async fn own(&self, job: JobId) -> Result<Option<JobView>, CliError> {
		let view = self.chain.job(job).await?;
		Ok(view.filter(|view| self.is_own(view)))
	}

	fn is_own(&self, view: &JobView) -> bool {
		view.client == *self.submitter.account().id()
	}

	/// Waits for the end of the job and takes its receipt.
	pub async fn settle(&mut self) -> Result<Receipt, CliError> {
		self.until(|view| view.state.is_final()).await?;
		self.chain
			.receipt(self.job)
			.await?
			.ok_or_else(|| self.gone())
	}

	async fn interrupted(&self, view: &JobView) -> CliError {
		let job = self.job;
		let waits = view.state == JobState::Waiting;
		if waits && self.submitter.submit(&calls::cancel_job(job)).await.is_ok() {
			return CliError::Cancelled { job };
		}
		CliError::Interrupted {
			job,
			deadline: view.deadline,
		}
	}

	fn gone(&self) -> CliError {
		let reason = "a fork undid it, or its record was dropped; `dllm-worker status` shows whether money is still on hold, and the prompt can be sent again".into();
		ChainError::Refused {
			what: format!("job {}", self.job),
			reason,
		}
		.into()
	}
}

fn tell(view: &JobView) {
	let doing = match (view.state, view.phase) {
		(JobState::Running { pipeline }, None | Some(Phase::Running)) => {
			format!("runs on pipeline {pipeline}")
		}
		(JobState::Running { .. }, Some(Phase::Held)) => {
			"held until governance rules on many verdicts of its model or numerics class".into()
		}
		(JobState::Running { .. }, Some(Phase::Tallying)) => super::receipt::TALLYING.into(),
		(JobState::Running { .. }, Some(phase)) => format!("{phase:?}").to_lowercase(),
		(state, _) => super::receipt::state_in_words(state),
	};
	eprintln!("job {}: {doing}", view.id);
}

/// Prints the part of a reply that is new.
pub fn stream(context: &Context, text: &str) {
	use std::io::Write;
	if context.json {
		return;
	}
	let mut out = std::io::stdout().lock();
	// A closed pipe takes the reader's interest away, not the job's.
	let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
