//! All that stands behind a reply, for people and as JSON.

use super::{
	table::{short, table},
	CliError, Context,
};
use crate::chain::{address, Amount};
use dllm_primitives::{
	api::{JobView, PaymentView, Receipt, StageReceipt},
	compare::Likeness,
	ids::ENTRY_STAGE,
	job::JobState,
	stall::Tally,
	verdict::{Part, Phase, Verdict},
};
use serde::Serialize;
use std::process::ExitCode;

/// What the phase [`Phase::Tallying`] means for the user of a job.
pub const TALLYING: &str = "did not come to its end in time: its workers tell how far they came, then it is refunded or run again";
/// Exit status where a job ended without being settled.
const NOT_SETTLED: u8 = 3;

/// A job that was paid for, as this machine saw it and as the chain proves it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
	/// Name of the model.
	pub model: String,
	/// The reply.
	pub reply: Option<String>,
	/// Milliseconds from the submission to the first token that the user saw.
	pub first_token_ms: Option<u64>,
	/// Tokens a second, after the first one.
	pub tokens_per_second: Option<f64>,
	/// Milliseconds from each token of the reply to the next, where this machine saw them.
	#[serde(skip_serializing_if = "Vec::is_empty")]
	pub token_ms: Vec<f64>,
	/// Tokens of the reply.
	pub tokens: Option<u32>,
	/// Salt of the digest of a sealed prompt: with it the user can prove what was asked.
	#[serde(skip_serializing_if = "Option::is_none")]
	pub salt: Option<String>,
	/// Whether the chain verified the reply and paid for it.
	pub settled: bool,
	/// What the chain holds.
	pub receipt: Receipt,
}

impl Report {
	/// A report without the figures that only the user's machine knows.
	pub fn of(model: String, receipt: Receipt) -> Self {
		let settled = receipt.job.state == JobState::Settled;
		let reply = receipt.job.reply.clone();
		let tokens = Some(receipt.job.tokens).filter(|tokens| *tokens > 0);
		let (first_token_ms, tokens_per_second, salt) = (None, None, None);
		Self {
			model,
			reply,
			first_token_ms,
			tokens_per_second,
			token_ms: Vec::new(),
			tokens,
			salt,
			settled,
			receipt,
		}
	}

	/// Prints the report, as JSON to stdout or for people to stderr, below a reply that stands on
	/// stdout already. The exit status says whether the job was settled.
	pub fn finish(&self, context: &Context) -> Result<ExitCode, CliError> {
		match context.json {
			true => println!("{}", serde_json::to_string_pretty(self)?),
			false => eprint!("\n{}", self.readable()),
		}
		Ok(if self.settled {
			ExitCode::SUCCESS
		} else {
			ExitCode::from(NOT_SETTLED)
		})
	}

	/// The report for people.
	pub fn readable(&self) -> String {
		let parts = [
			self.summary(),
			stages(&self.receipt.stages),
			comparisons(&self.receipt.stages),
			self.money(),
		];
		let parts = parts.iter().filter(|part| !part.is_empty());
		parts
			.map(|part| part.trim_end().to_string() + "\n")
			.collect::<Vec<_>>()
			.join("\n")
	}

	fn summary(&self) -> String {
		let job = &self.receipt.job;
		let pipeline = self
			.receipt
			.pipeline
			.map(|id| format!(" on pipeline {id}"))
			.unwrap_or_default();
		let ended = job
			.ended
			.map(|block| format!(" in block {block}"))
			.unwrap_or_default();
		let state = stands(job);
		let mut text = format!(
			"job {} of model {}{pipeline}: {state}{ended}\n",
			job.id, self.model
		);
		let tokens = self.tokens.map(|tokens| format!("{tokens} tokens"));
		let rows = (job.rows > 0).then(|| format!("{} rows charged", job.rows));
		let first = self
			.first_token_ms
			.map(|ms| format!("first token {:.1} s after submission", ms as f64 / 1000.0));
		let rate = self
			.tokens_per_second
			.map(|rate| format!("{rate:.1} tokens/s"));
		let figures = [first, rate, tokens, rows]
			.into_iter()
			.flatten()
			.collect::<Vec<_>>();
		if !figures.is_empty() {
			text += &(figures.join(", ") + "\n");
		}
		text
	}

	fn money(&self) -> String {
		let receipt = &self.receipt;
		if receipt.job.fee == 0 && receipt.job.ended.is_none() {
			return String::new();
		}
		let mut rows = Vec::new();
		let mut pay = |what: &str, to: String, amount: u128| {
			rows.push([what.to_string(), to, Amount(amount).to_string()]);
		};
		for PaymentView { to, amount } in &receipt.miners {
			pay("miner", address(to), *amount);
		}
		for PaymentView { to, amount } in &receipt.verifiers {
			pay("verifier", address(to), *amount);
		}
		if receipt.job.fee > 0 {
			pay("treasury", String::new(), receipt.treasury);
			pay("burned", String::new(), receipt.burned);
			pay("fee", String::new(), receipt.job.fee);
		}
		pay("refunded", address(&receipt.job.client), receipt.refunded);
		table(["paid", "to", "amount"], &rows)
	}
}

/// Every stage with the commitments of its workers, lead first.
fn stages(stages: &[StageReceipt]) -> String {
	let mut rows = Vec::new();
	for stage in stages {
		let layers = match stage.stage {
			ENTRY_STAGE => "entry".to_string(),
			_ => format!("layers {}..{}", stage.layers.start, stage.layers.end),
		};
		for participant in &stage.participants {
			let told = stage.tally.filter(|_| participant.part == Part::Lead);
			let commitment = match (participant.commitment, told) {
				(Some((digest, block)), _) => {
					format!("{} #{block}", short(&format!("{digest:?}")))
				}
				(None, Some(tally)) => tally_in_words(tally),
				(None, None) => "none".into(),
			};
			let output = participant.opening.map_or("none".into(), |opening| {
				short(&format!("{:?}", opening.roots.output))
			});
			rows.push([
				stage.stage.to_string(),
				layers.clone(),
				part_in_words(participant.part).into(),
				short(&address(&participant.worker)),
				commitment,
				output,
				verdict_in_words(participant.verdict).into(),
			]);
		}
	}
	if rows.is_empty() {
		return String::new();
	}
	table(
		[
			"stage",
			"ran",
			"as",
			"worker",
			"commitment",
			"output root",
			"verdict",
		],
		&rows,
	)
}

/// How the rows of lead and replica compare, where they are in two numerics classes.
fn comparisons(stages: &[StageReceipt]) -> String {
	let compared = stages.iter().filter_map(|stage| {
		let compared = stage.comparison.as_ref()?;
		Some([
			stage.stage.to_string(),
			compared.positions.len().to_string(),
			likeness_in_words(compared.likeness).into(),
		])
	});
	let rows = compared.collect::<Vec<_>>();
	if rows.is_empty() {
		return String::new();
	}
	table(["stage", "rows", "lead and replica"], &rows)
}

/// Where a job stands, with the phase of its trial where that says that it failed.
fn stands(job: &JobView) -> String {
	match job.phase {
		Some(Phase::Tallying) => TALLYING.into(),
		_ => state_in_words(job.state),
	}
}

/// How far a lead came, by its own word.
pub fn tally_in_words(tally: Tally) -> String {
	let came = match tally.received {
		Some(rows) => format!("{rows} rows came"),
		None => "no link from the stage before".into(),
	};
	let went = match tally.sent {
		Some(rows) => format!("{rows} sent to the next stage"),
		None => "no link to the next stage".into(),
	};
	let lost = if tally.lost_next {
		", which it lost"
	} else {
		""
	};
	format!("{came}, {went}{lost}")
}

/// Where a job stands.
pub fn state_in_words(state: JobState) -> String {
	match state {
		JobState::Waiting => "waits for a pipeline".into(),
		JobState::Running { pipeline } => format!("runs on pipeline {pipeline}"),
		JobState::Settled => "verified and paid".into(),
		JobState::Refunded(why) => format!("refunded ({why:?})"),
		JobState::Rerun { by, reason } => format!("failed ({reason:?}); job {by} runs it again"),
	}
}

/// A part in a stage.
pub fn part_in_words(part: Part) -> &'static str {
	match part {
		Part::Lead => "lead",
		Part::Replica => "replica",
		Part::Tiebreak => "tiebreak",
	}
}

/// A verdict, or that there is none yet.
pub fn verdict_in_words(verdict: Option<Verdict>) -> &'static str {
	match verdict {
		None => "open",
		Some(Verdict::Pass) => "pass",
		Some(Verdict::Cheat) => "cheat",
		Some(Verdict::WorkerFault) => "late or silent",
		Some(Verdict::VerifierFault) => "check late or silent",
		Some(Verdict::Indeterminate) => "undecided",
		Some(Verdict::Unchecked) => "unchecked",
		Some(Verdict::Pardoned) => "pardoned",
	}
}

/// How the rows of two numerics classes compare, or that one of their workers has not shown them yet.
pub fn likeness_in_words(likeness: Option<Likeness>) -> &'static str {
	match likeness {
		None => "being compared",
		Some(Likeness::Alike) => "alike",
		Some(Likeness::Unlike) => "unlike",
		Some(Likeness::Unshown) => "not shown",
	}
}
