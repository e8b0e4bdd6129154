//! `audit`: checks a job that is over from public data alone, and explains its verdict step by step.
//!
//! | file | duty |
//! |---|---|
//! | `collect` | reads the data from a node |
//! | `evidence` | the data |
//! | `record`, `plan`, `shown`, `verdicts`, `money` | the steps: pure functions of the data |
//! | `comparison` | of `agreement` and `verdicts`: rows that were compared by tolerance |
//! | `unserved` | of `verdicts`: who stopped a job that did not come to its end |
//! | `step` | what a step says |
//!
//! The rules are the chain's own code, called a second time: digests, plan check and payout of
//! `dllm_primitives`, the draw of a trial and the judgement among them. Left out: whether the
//! rows behind a digest are what the model gives. That takes the rows, which only the workers had;
//! docs/verification.md says what an audit cannot tell.

mod collect;
mod comparison;
pub mod evidence;
mod money;
mod plan;
mod record;
mod shown;
mod step;
mod unserved;
mod verdicts;

pub use collect::{events_of, AuditError};
pub use step::{Found, Step};

use super::{receipt::state_in_words, CliError, Context};
use crate::chain::{BestBlock, H256};
use clap::Args;
use dllm_primitives::{ids::JobId, job::JobState};
use evidence::Evidence;
use serde::Serialize;
use std::process::ExitCode;

/// Exit status where a step failed.
const FAILED: u8 = 3;

/// Check a job that is over from public data alone, and explain its verdict step by step.
///
/// Ends with 0 if every step holds: the chain's verdict follows from its data, be it a conviction. Ends
/// with 3 if a step failed, and with 1 if the job cannot be audited.
#[derive(Args, Debug)]
pub struct Audit {
	/// Number of the job.
	job: JobId,
	/// Look the job up in this block, for a job whose record the chain has dropped since; takes a node
	/// that keeps old states.
	#[arg(long, value_name = "BLOCK")]
	at: Option<u32>,
}

/// An audit, as it is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
	job: JobId,
	/// Name of the model.
	model: String,
	state: JobState,
	node: String,
	/// The block that ended the job.
	block: u32,
	hash: H256,
	/// Whether no step failed.
	holds: bool,
	steps: Vec<Step>,
}

impl Audit {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let chain = context.chain().await?;
		let (evidence, block) = collect::collect(&chain, self.job, self.at).await?;
		let shown = Shown::new(&evidence, block, chain.url());
		context.print(&shown, || shown.readable())?;
		Ok(match shown.holds {
			true => ExitCode::SUCCESS,
			false => ExitCode::from(FAILED),
		})
	}
}

/// Checks a job, in the order of the walk.
pub fn audit(evidence: &Evidence) -> Vec<Step> {
	let steps: [fn(&Evidence) -> Step; 13] = [
		record::record,
		plan::plan,
		shown::order,
		shown::summons,
		shown::commitments,
		shown::shards,
		shown::agreement,
		shown::links,
		shown::reply,
		verdicts::verdicts,
		verdicts::outcome,
		money::fee,
		money::slashes,
	];
	steps.iter().map(|step| step(evidence)).collect()
}

impl Shown {
	fn new(evidence: &Evidence, block: BestBlock, node: &str) -> Self {
		let steps = audit(evidence);
		Self {
			job: evidence.job,
			model: evidence.model.name.clone(),
			state: evidence.record.state,
			node: node.into(),
			block: block.number,
			hash: block.hash,
			holds: steps.iter().all(|step| step.found != Found::Failed),
			steps,
		}
	}

	fn readable(&self) -> String {
		let mut text = format!(
			"job {} of model {}: {} in block {}\nread from {} at that block, {:?}, and the one before\n",
			self.job,
			self.model,
			state_in_words(self.state),
			self.block,
			self.node,
			self.hash
		);
		for (number, step) in (1..).zip(&self.steps) {
			text += &format!("\n{number}. {}: {}\n", step.name, in_words(step.found));
			text += &format!("   checked  {}\n", step.checked);
			for line in &step.data {
				text += &format!("   with     {line}\n");
			}
			text += &format!("   because  {}\n", step.why);
		}
		let failed = self.steps.iter().filter(|step| step.found == Found::Failed);
		let failed = failed.map(|step| step.name).collect::<Vec<_>>();
		text += &match failed.as_slice() {
			[] => "\nevery step holds: what the chain decided follows from its data\n".to_string(),
			names => format!("\nFAILED: {}\n", names.join(", ")),
		};
		text
	}
}

fn in_words(found: Found) -> &'static str {
	match found {
		Found::Ok => "ok",
		Found::Failed => "FAILED",
		Found::Nothing => "nothing to check",
	}
}
