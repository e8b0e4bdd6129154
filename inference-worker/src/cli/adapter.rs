//! `adapter`: what can be added to models, and by whose leave.

use super::{
	context::find_adapter,
	table::{short, table},
	CliError, Context,
};
use crate::chain::calls;
use clap::Subcommand;
use dllm_model::adapter::AdapterManifest;
use dllm_primitives::{api::AdapterView, ids::ModelId, model::ModelState};
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};

/// Publish adapters of models and take them back.
#[derive(Subcommand, Debug)]
pub enum Adapter {
	/// Register a split adapter for the model that it was split for; a deposit is held until it is retired.
	Add {
		/// Folder that `split` wrote with --base.
		folder: PathBuf,
		/// SPDX name of the licence of the weights.
		#[arg(long, value_name = "SPDX")]
		licence: String,
	},
	/// End an adapter's life; open jobs finish.
	Retire {
		/// Its number or name.
		adapter: String,
		/// Number or name of its model, where several have an adapter of that name.
		#[arg(long)]
		model: Option<String>,
	},
	/// Show every adapter.
	List,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
	adapter: u32,
	name: String,
	model: ModelId,
	did: &'static str,
	block: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
	model: ModelId,
	model_name: String,
	#[serde(flatten)]
	adapter: AdapterView,
}

impl Adapter {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		match self {
			Self::Add { folder, licence } => add(context, folder, &licence).await,
			Self::Retire { adapter, model } => retire(context, &adapter, model.as_deref()).await,
			Self::List => list(context).await,
		}
	}
}

async fn add(context: &Context, folder: PathBuf, licence: &str) -> Result<ExitCode, CliError> {
	let manifest = AdapterManifest::load(&folder)?;
	manifest.verify_all(&folder)?;
	let spec = manifest.spec(licence)?;
	let (chain, submitter) = context.submitter().await?;
	let mut models = chain.models().await?.into_iter();
	let base = models
		.find(|model| model.manifest_root == manifest.base && model.state != ModelState::Retired);
	let model = base.ok_or(CliError::NoBase {
		base: manifest.base,
	})?;
	let call = calls::register_adapter(model.id, &spec);
	let included = submitter.submit_final(&call).await?;
	let id = included.number("Models", "AdapterRegistered", "adapter")?;
	changed(
		context,
		Changed {
			adapter: u32::try_from(id).unwrap_or(u32::MAX),
			name: manifest.adapter,
			model: model.id,
			did: "registered",
			block: included.block,
		},
	)
}

async fn retire(context: &Context, named: &str, model: Option<&str>) -> Result<ExitCode, CliError> {
	let (chain, submitter) = context.submitter().await?;
	let models = chain.models().await?;
	let models = models
		.iter()
		.filter(|of| model.is_none_or(|model| of.name == model || of.id.to_string() == model));
	let (model, adapter) = find_adapter(models, named)?;
	let included = submitter.submit(&calls::retire_adapter(adapter.id)).await?;
	changed(
		context,
		Changed {
			adapter: adapter.id,
			name: adapter.name.clone(),
			model: model.id,
			did: "retired",
			block: included.block,
		},
	)
}

async fn list(context: &Context) -> Result<ExitCode, CliError> {
	let models = context.chain().await?.models().await?;
	let listed = models.into_iter().flat_map(|model| {
		let (id, name) = (model.id, model.name);
		model.adapters.into_iter().map(move |adapter| Listed {
			model: id,
			model_name: name.clone(),
			adapter,
		})
	});
	let listed = listed.collect::<Vec<_>>();
	context.print(&listed, || {
		let rows = listed.iter().map(|listed| {
			let adapter = &listed.adapter;
			[
				adapter.id.to_string(),
				format!("{}+{}", listed.model_name, adapter.name),
				if adapter.retired { "Retired" } else { "Active" }.into(),
				adapter.rank.to_string(),
				adapter.bytes.to_string(),
				adapter.licence.clone(),
				short(&format!("{:?}", adapter.manifest_root)),
			]
		});
		let head = ["id", "name", "state", "rank", "bytes", "licence", "root"];
		table(head, &rows.collect::<Vec<_>>())
	})?;
	Ok(ExitCode::SUCCESS)
}

fn changed(context: &Context, changed: Changed) -> Result<ExitCode, CliError> {
	context.print(&changed, || {
		let Changed {
			adapter,
			name,
			model,
			did,
			block,
		} = &changed;
		format!("{did} adapter {adapter} ({name}) of model {model} in block {block}")
	})?;
	Ok(ExitCode::SUCCESS)
}
