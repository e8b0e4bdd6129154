//! `split`: a model folder of Hugging Face form becomes shards and a manifest; an adapter of PEFT form
//! becomes files along the layers of its base.

use super::{CliError, Context};
use clap::{Args, ValueEnum};
use dllm_model::{
	manifest::Manifest,
	splitter::{self, Progress, Step},
};
use dllm_primitives::model::Profile;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::{
	path::{Path, PathBuf},
	process::ExitCode,
};

/// Turn a model folder of Hugging Face form into shards. Run it again if it was interrupted: it goes on
/// behind the last complete shard.
#[derive(Args, Debug)]
pub struct Split {
	/// Folder with config.json, *.safetensors and tokenizer.json; with --base, a LoRA adapter's folder
	/// with adapter_config.json and adapter_model.safetensors.
	folder: PathBuf,
	/// The new folder of shards; it must not exist.
	#[arg(long, value_name = "FOLDER")]
	out: PathBuf,
	/// Numeric profile of the shards.
	#[arg(long, value_enum, default_value = "f32")]
	profile: ProfileName,
	/// Split an adapter for the split model in this folder.
	#[arg(long, value_name = "FOLDER", conflicts_with = "profile")]
	base: Option<PathBuf>,
}

/// Profiles by their names.
#[derive(ValueEnum, Clone, Copy, Debug)]
enum ProfileName {
	/// Single precision.
	F32,
	/// Weights in half precision, sums in single precision.
	F16,
	/// Weights of 8 bits; activations of 8 bits, quantised per token in blocks of 32.
	Int8,
	/// Weights of 4 bits in the layers; everything else as in int8.
	Int4,
	/// Integers only: the same bytes on every machine.
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

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AdapterWritten {
	folder: PathBuf,
	root: String,
	base: String,
	rank: u32,
	layers: usize,
}

impl Split {
	/// Runs the command.
	pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		match self.base.clone() {
			Some(base) => self.adapter(&base, context),
			None => self.model(context),
		}
	}

	fn adapter(self, base: &Path, context: &Context) -> Result<ExitCode, CliError> {
		let base = Manifest::load(base)?;
		let adapter = splitter::split_adapter(&self.folder, &base, &self.out)?;
		let written = AdapterWritten {
			folder: self.out,
			root: format!("{:?}", adapter.root),
			base: format!("{:?}", adapter.base),
			rank: adapter.rank,
			layers: adapter.layers.iter().flatten().count(),
		};
		context.print(&written, || {
			let AdapterWritten {
				folder,
				root,
				rank,
				layers,
				..
			} = &written;
			format!(
				"{}: rank {rank} on {layers} layers, root {root}",
				folder.display()
			)
		})?;
		Ok(ExitCode::SUCCESS)
	}

	fn model(self, context: &Context) -> Result<ExitCode, CliError> {
		let bar = ProgressBar::new(0).with_style(style());
		let mut progress = |step: Progress<'_>| {
			bar.set_length(step.total.into());
			bar.set_position(step.done.into());
			let what = match step.step {
				Step::Written => "written",
				Step::Kept => "kept",
				Step::Verified => "verified",
			};
			bar.set_message(format!("{} {what}", step.file));
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
