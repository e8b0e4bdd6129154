//! `Run`: a stage is led to its end, then committed to.

use super::{DutyError, Key, Progress, Worker};
use crate::{
	chain::calls,
	metrics::{metrics, Committed},
	pipeline::{
		self,
		entry::{self, Question},
	},
};
use dllm_primitives::{
	api::{Prompt, Route},
	ids::{Bytes, StageIndex, ENTRY_STAGE},
};

/// Further sessions at once for which layers are loaded with an adapter.
const ADAPTED_SLOTS: u8 = 1;

impl Worker {
	/// Leads a stage, unless the ledger says that this was done, and commits to it.
	pub(super) async fn run(
		self,
		route: Route,
		stage: StageIndex,
		prompt: Option<Prompt>,
	) -> Result<Progress, DutyError> {
		match prompt {
			Some(prompt) => self.run_entry(route, prompt).await,
			None => self.run_segment(route, stage).await,
		}
	}

	async fn run_segment(&self, route: Route, stage: StageIndex) -> Result<Progress, DutyError> {
		let job = route.job;
		tracing::info!(job, stage, "leading");
		let layers = route.members.get(usize::from(stage));
		let layers = layers.map(|member| member.layers).unwrap_or_default();
		self.load_for(&route, layers, ADAPTED_SLOTS).await?;
		let asked = self.chain.request(job).await?;
		let asked = asked.ok_or(DutyError::NoRequest { job })?;
		let roots = pipeline::lead(&self.workshop, route, asked, stage).await?;
		let rows = roots.rows;
		let Some(commitment) = self.commitment(job, stage).await? else {
			return Ok(Progress::Done);
		};
		if let Some(block) = self
			.say(Key::Run(job, stage), &calls::commit(job, stage, commitment))
			.await?
		{
			metrics().committed(Committed::Lead);
			tracing::info!(job, stage, rows, block, "led and committed");
		}
		Ok(Progress::Done)
	}

	async fn run_entry(&self, route: Route, prompt: Prompt) -> Result<Progress, DutyError> {
		let (job, stage) = (route.job, ENTRY_STAGE);
		tracing::info!(job, stage, "leading");
		let question = Question::public(&prompt)?;
		let answer = entry::run(&self.workshop, route, question, &prompt.limits, |_| {}).await?;
		let tokens = u32::try_from(answer.tokens.len()).unwrap_or(u32::MAX);
		let Some(commitment) = self.commitment(job, stage).await? else {
			return Ok(Progress::Done);
		};
		let reply = Bytes::try_from(entry::posted(&answer.text).as_bytes().to_vec());
		let reply = reply.map_err(|_| DutyError::ReplyTooLong { job })?;
		let call = calls::commit_reply(job, commitment, tokens, &reply);
		if let Some(block) = self.say(Key::Run(job, stage), &call).await? {
			metrics().committed(Committed::Lead);
			tracing::info!(
				job,
				stage,
				tokens,
				rows = answer.rows,
				block,
				"answered and committed"
			);
		}
		Ok(Progress::Done)
	}
}
