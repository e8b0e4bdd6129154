//! `split`: a model folder of Hugging Face form becomes shards and a manifest.

use super::{CliError, Context};
use clap::{Args, ValueEnum};
use dllm_model::splitter::{self, Progress};
use dllm_primitives::model::Profile;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{path::PathBuf, process::ExitCode};

/// Turn a model folder of Hugging Face form into shards.
#[derive(Args, Debug)]
pub struct Split {
	/// Folder with config.json, *.safetensors and tokenizer.json.
	folder: PathBuf,
	/// The new folder of shards; it must not exist.
	#[arg(long, value_name = "FOLDER")]
	out: PathBuf,
	/// Numeric profile of the shards.
	#[arg(long, value_enum, default_value = "f32")]
	profile: ProfileName,
}

/// Profiles by their names.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum ProfileName {
	F32,
	F16,
	Int8,
	Int4,
	Exact,
}

impl From<ProfileName> for Profile {
	fn from(name: ProfileName) -> Self {
		match name {
			ProfileName::F32 => Self::F32,
			ProfileName::F16 => Self::F16,
			ProfileName::Int8 => Self::Int8,
			ProfileName::Int4 => Self::Int4,
			ProfileName::Exact => Self::Exact,
		}
	}
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
	folder: PathBuf,
	root: String,
	layers: usize,
	bytes: u64,
	parameters: u64,
}

impl Split {
	/// Runs the command.
	pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let bar = ProgressBar::new(0).with_style(style());
		let mut progress = |step: Progress<'_>| {
			bar.set_length(step.total.into());
			bar.set_position(step.done.into());
			bar.set_message(step.file.to_string());
		};
		let manifest = splitter::split(&self.folder, &self.out, self.profile.into(), &mut progress);
		bar.finish_and_clear();
		let manifest = manifest?;
		let written = Written {
			folder: self.out,
			root: format!("{:?}", manifest.root()),
			layers: manifest.layers.len(),
			bytes: manifest.shards().map(|shard| shard.bytes).sum(),
			parameters: manifest.shards().map(|shard| shard.parameters).sum(),
		};
		context.print(&written, || {
			let Written {
				folder,
				root,
				layers,
				bytes,
				..
			} = &written;
			format!(
				"{}: {layers} layers, {bytes} bytes, root {root}",
				folder.display()
			)
		})?;
		Ok(ExitCode::SUCCESS)
	}
}

fn style() -> ProgressStyle {
	let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
	style.unwrap_or_else(|_| ProgressStyle::default_bar())
}
