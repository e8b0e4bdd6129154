//! `accuracy`: what the profile of a split model costs, measured and written into its manifest.

use super::{CliError, Context};
use clap::Args;
use dllm_model::{
	accuracy::{measure, Evaluation},
	manifest::Manifest,
};
use dllm_primitives::model::Profile;
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};

/// Measure what the profile of a split model costs, and write it into its manifest. That changes the
/// manifest's root, so do it before the model is registered.
#[derive(Args, Debug)]
pub struct AccuracyCommand {
	/// Folder of the split model.
	shards: PathBuf,
	/// Folder of Hugging Face form that it was split from.
	#[arg(long, value_name = "FOLDER")]
	against: PathBuf,
	/// Texts that the model was not trained on: {"texts": [[question, reply], …]}.
	#[arg(long, value_name = "FILE")]
	texts: PathBuf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Measured {
	profile: Profile,
	evaluation: String,
	blake3: String,
	texts: u64,
	tokens: u64,
	perplexity: f64,
	perplexity_f32: f64,
	loss: f64,
	root: String,
}

impl AccuracyCommand {
	/// Runs the command.
	pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let evaluation = Evaluation::read(&self.texts)?;
		let mut manifest = Manifest::load(&self.shards)?;
		let accuracy = measure(&self.shards, &self.against, &evaluation)?;
		manifest.accuracy = Some(accuracy.clone());
		manifest.write(&self.shards)?;
		let measured = Measured {
			profile: manifest.profile,
			loss: accuracy.loss(),
			evaluation: accuracy.evaluation,
			blake3: format!("{:?}", accuracy.blake3),
			texts: accuracy.texts,
			tokens: accuracy.tokens,
			perplexity: accuracy.perplexity,
			perplexity_f32: accuracy.perplexity_f32,
			root: format!("{:?}", manifest.root()),
		};
		context.print(&measured, || text(&measured))?;
		Ok(ExitCode::SUCCESS)
	}
}

fn text(measured: &Measured) -> String {
	format!(
		"{}: perplexity {:.4}, in f32 {:.4}, loss {:+.3} %, on {} texts of {}; root {}",
		format!("{:?}", measured.profile).to_lowercase(),
		measured.perplexity,
		measured.perplexity_f32,
		100.0 * measured.loss,
		measured.texts,
		measured.evaluation,
		measured.root
	)
}
