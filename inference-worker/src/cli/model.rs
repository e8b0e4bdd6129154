//! `model`: what can be prompted, and by whose leave.

use super::{
	context::find_model,
	table::{short, table},
	CliError, Context,
};
use crate::chain::calls;
use clap::Subcommand;
use dllm_model::{exact::trace, manifest::Manifest};
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};

/// Register models and decide whether they take prompts.
#[derive(Subcommand, Debug)]
pub enum Model {
	/// Register a split model; a deposit is held until it is retired.
	Add {
		/// Folder that `split` wrote.
		folder: PathBuf,
		/// SPDX name of the licence of the weights.
		#[arg(long, value_name = "SPDX")]
		licence: String,
		/// Let it take prompts at once.
		#[arg(long)]
		activate: bool,
	},
	/// Let a registered model take plans and prompts.
	Activate {
		/// Its number or name.
		model: String,
	},
	/// End a model's life; open jobs finish.
	Retire {
		/// Its number or name.
		model: String,
	},
	/// Show every model.
	List,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
	model: u32,
	name: String,
	did: &'static str,
	block: u32,
}

impl Model {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		match self {
			Self::Add {
				folder,
				licence,
				activate,
			} => add(context, folder, &licence, activate).await,
			Self::Activate { model } => {
				let (chain, submitter) = context.submitter().await?;
				let model = find_model(&chain, &model).await?;
				let included = submitter.submit(&calls::activate_model(model.id)).await?;
				let (name, block) = (model.name, included.block);
				changed(
					context,
					Changed {
						model: model.id,
						name,
						did: "activated",
						block,
					},
				)
			}
			Self::Retire { model } => {
				let (chain, submitter) = context.submitter().await?;
				let model = find_model(&chain, &model).await?;
				let included = submitter.submit(&calls::retire_model(model.id)).await?;
				let (name, block) = (model.name, included.block);
				changed(
					context,
					Changed {
						model: model.id,
						name,
						did: "retired",
						block,
					},
				)
			}
			Self::List => list(context).await,
		}
	}
}

async fn add(
	context: &Context,
	folder: PathBuf,
	licence: &str,
	activate: bool,
) -> Result<ExitCode, CliError> {
	let manifest = Manifest::load(&folder)?;
	manifest.verify_all(&folder)?;
	let constants = trace::constants(&manifest, &folder)?;
	let spec = manifest.spec(licence, constants)?;
	let (_, submitter) = context.submitter().await?;
	let included = submitter
		.submit_final(&calls::register_model(&spec))
		.await?;
	let id = included.number("Models", "Registered", "model")?;
	let id = u32::try_from(id).unwrap_or(u32::MAX);
	let (did, block) = match activate {
		false => ("registered", included.block),
		true => (
			"activated",
			submitter.submit(&calls::activate_model(id)).await?.block,
		),
	};
	changed(
		context,
		Changed {
			model: id,
			name: manifest.model,
			did,
			block,
		},
	)
}

async fn list(context: &Context) -> Result<ExitCode, CliError> {
	let models = context.chain().await?.models().await?;
	context.print(&models, || {
		let rows = models.iter().map(|model| {
			[
				model.id.to_string(),
				model.name.clone(),
				format!("{:?}", model.state),
				format!("{:?}", model.profile),
				model.layers.len().to_string(),
				model.max_context.to_string(),
				model.licence.clone(),
				short(&format!("{:?}", model.manifest_root)),
			]
		});
		let head = [
			"id", "name", "state", "profile", "layers", "context", "licence", "root",
		];
		table(head, &rows.collect::<Vec<_>>())
	})?;
	Ok(ExitCode::SUCCESS)
}

fn changed(context: &Context, changed: Changed) -> Result<ExitCode, CliError> {
	context.print(&changed, || {
		let Changed {
			model,
			name,
			did,
			block,
		} = &changed;
		format!("{did} model {model} ({name}) in block {block}")
	})?;
	Ok(ExitCode::SUCCESS)
}
