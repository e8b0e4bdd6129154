//! `pay`: a public prompt, answered by an entry worker; text and reply stand on the chain.

use super::{
	context::{active_model, full_name},
	paid::{self, Paid, Terms},
	receipt::Report,
	CliError, Context,
};
use clap::Args;
use dllm_primitives::job::Body;
use std::process::ExitCode;

/// Pay for a public prompt: text and reply stand on the chain.
#[derive(Args, Debug)]
pub struct Pay {
	#[command(flatten)]
	terms: Terms,
}

impl Pay {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let limits = self.terms.limits()?;
		let text = self.terms.text()?.into_bytes();
		let body = Body::Inline(text.try_into().map_err(|_| CliError::BadArgument {
			what: "the prompt",
			reason: "a public prompt has at most 4096 bytes; shorten it, or use `prompt`".into(),
		})?);
		let (chain, submitter) = context.submitter().await?;
		let model = active_model(&chain, self.terms.model.as_deref()).await?;
		let payer = (&chain, &submitter);
		let mut paid = Paid::submit(payer, &model, &self.terms, &body, &limits).await?;

		let answered = paid.until(|view| view.reply.is_some()).await?;
		let seen = paid.sent.elapsed();
		if let Some(reply) = &answered.reply {
			paid::stream(context, &format!("{reply}\n"));
		}
		let receipt = paid.settle().await?;
		let name = full_name(&model, receipt.job.adapter);
		let mut report = Report::of(name, receipt);
		report.first_token_ms = answered.reply.map(|_| seen.as_millis() as u64);
		report.finish(context)
	}
}
