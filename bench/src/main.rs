//! `dllm-speed`: the engine against its own other profiles, against the bandwidth of memory, and against
//! llama.cpp, on the same weights in one run.
//!
//! `model` writes the weights, `split` the shards, `compare` measures; `bench/run.sh` calls the three and
//! builds what they need. Prints a line a figure, `ID name value unit (goal …) ok|SHORT`. The ring of
//! workers is measured in `benches/ring.rs`.

#![forbid(unsafe_code)]

mod bandwidth;
mod compare;
mod model;
mod ours;
mod peer;
mod time;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use dllm_model::{
	engine::{pin_environment, THREADS_VARIABLE},
	splitter::split,
};
use dllm_primitives::model::Profile;
use std::{env, path::PathBuf};

/// Compares the engine with itself and with llama.cpp.
#[derive(Parser)]
struct Cli {
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand)]
enum Command {
	/// Write a model of random weights in the shape of TinyLlama 1.1B.
	Model {
		/// Folder to make.
		folder: PathBuf,
		/// A folder whose tokenizer.json is taken along.
		#[arg(long)]
		tokenizer: PathBuf,
		/// Decoder layers.
		#[arg(long, default_value_t = model::LAYERS)]
		layers: u32,
	},
	/// Split a model in one profile.
	Split {
		/// Folder of Hugging Face form.
		model: PathBuf,
		/// Folder to make.
		target: PathBuf,
		/// Name of the profile.
		#[arg(long)]
		profile: String,
	},
	/// Measure.
	Compare(compare::Options),
}

fn main() -> Result<()> {
	match Cli::parse().command {
		Command::Model {
			folder,
			tokenizer,
			layers,
		} => model::write(&folder, &tokenizer, layers),
		Command::Split {
			model,
			target,
			profile,
		} => {
			let value = serde_json::Value::String(profile.clone());
			let profile: Profile = serde_json::from_value(value)
				.with_context(|| format!("{profile:?} is no profile"))?;
			split(&model, &target, profile, &mut |_| {})?;
			Ok(())
		}
		Command::Compare(options) => {
			env::set_var(THREADS_VARIABLE, options.threads.to_string());
			pin_environment();
			compare::run(&options)
		}
	}
}
