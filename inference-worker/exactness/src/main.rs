//! `dllm-exactness`: the same shards and rows on unlike processors, and whether their bytes agree.
//!
//! `split` makes the shards once; `run` executes them in one setting (processor, threads, graph
//! optimiser) in every way that rows can arrive, and leaves a record; `table` compares the records of all
//! settings, writes the comparison as a page, and fails if the profile `exact` has two hashes. The page also says by
//! which tolerances the chain may compare pairs of numerics classes.
//! `scripts/exactness.sh` calls the three under emulated processors. The program depends on no crate of
//! chain or network, so that it can be built for another architecture in minutes.

#![forbid(unsafe_code)]

mod compare;
mod pairs;
mod pairs_section;
mod record;
mod run;
mod skips;
mod table;
mod ways;

use anyhow::{bail, Context, Result};
use clap::{Args, Parser, Subcommand, ValueEnum};
use dllm_model::{
	engine::{pin_environment, OPTIMISER_VARIABLE, THREADS_VARIABLE},
	splitter::split,
};
use dllm_primitives::model::Profile;
use record::Setting;
use std::{env, fs, path::PathBuf, process::ExitCode};

/// Compares the bytes that shards give on unlike processors.
#[derive(Parser)]
struct Cli {
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand)]
enum Command {
	/// Split a model folder in one or more profiles; folders that exist are kept.
	Split(Split),
	/// Execute split models in this setting and write a record of each.
	Run(Run),
	/// Compare all records of a folder; fails if `exact` has two hashes.
	Table(Table),
}

#[derive(Args)]
struct Split {
	/// Folder of Hugging Face form.
	model: PathBuf,
	/// Folder that gets one folder of shards a profile.
	#[arg(long)]
	out: PathBuf,
	/// Profiles, separated by commas.
	#[arg(long, value_delimiter = ',', required = true)]
	profiles: Vec<String>,
}

#[derive(Args)]
struct Run {
	/// Folders of shards.
	#[arg(required = true)]
	shards: Vec<PathBuf>,
	/// Name of this machine in the table.
	#[arg(long, default_value = "native")]
	machine: String,
	/// Threads of ONNX Runtime.
	#[arg(long, default_value_t = 1)]
	threads: usize,
	/// Whether ONNX Runtime may rewrite the graph.
	#[arg(long, value_enum, default_value = "on")]
	optimiser: Switch,
	/// Rows that are sent.
	#[arg(long, default_value_t = 40)]
	rows: u32,
	/// Folder for the record; only printed without it.
	#[arg(long)]
	records: Option<PathBuf>,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq)]
enum Switch {
	On,
	Off,
}

#[derive(Args)]
struct Table {
	/// Folder of records.
	records: PathBuf,
	/// Page to write.
	#[arg(long)]
	page: Option<PathBuf>,
	/// A sentence on where and when this was run, for the page.
	#[arg(long, default_value = "")]
	about: String,
}

fn main() -> Result<ExitCode> {
	match Cli::parse().command {
		Command::Split(command) => command.run(),
		Command::Run(command) => command.run(),
		Command::Table(command) => command.run(),
	}
}

impl Split {
	fn run(self) -> Result<ExitCode> {
		let name = self.model.file_name().context("the model has no name")?;
		for profile in &self.profiles {
			let value = serde_json::Value::String(profile.clone());
			let parsed: Profile = serde_json::from_value(value)
				.with_context(|| format!("{profile:?} is no profile"))?;
			let target = self
				.out
				.join(format!("{}-{profile}", name.to_string_lossy()));
			if !target.exists() {
				split(&self.model, &target, parsed, &mut |_| {})
					.with_context(|| format!("{} as {profile}", self.model.display()))?;
			}
			println!("{}", target.display());
		}
		Ok(ExitCode::SUCCESS)
	}
}

impl Run {
	fn run(self) -> Result<ExitCode> {
		if self.rows < ways::MIN_ROWS {
			bail!("{} rows are too few, give {}", self.rows, ways::MIN_ROWS);
		}
		let optimiser = self.optimiser == Switch::On;
		env::set_var(THREADS_VARIABLE, self.threads.to_string());
		env::set_var(OPTIMISER_VARIABLE, if optimiser { "on" } else { "off" });
		pin_environment();
		let setting = Setting {
			machine: self.machine,
			threads: self.threads,
			optimiser,
		};
		for folder in &self.shards {
			let record = run::record(folder, &setting, self.rows)
				.with_context(|| format!("{}", folder.display()))?;
			println!("{}", record.line());
			if let Some(records) = &self.records {
				fs::create_dir_all(records)?;
				record.save(records)?;
			}
		}
		Ok(ExitCode::SUCCESS)
	}
}

impl Table {
	fn run(self) -> Result<ExitCode> {
		let records = record::load_all(&self.records)?;
		let verdict = table::judge(&records);
		let text = table::render(&records, &verdict)?;
		println!("{text}");
		if let Some(page) = self.page {
			fs::write(&page, table::page(&self.about, &text))
				.with_context(|| format!("{}", page.display()))?;
		}
		match verdict.faults.as_slice() {
			[] => Ok(ExitCode::SUCCESS),
			faults => {
				for fault in faults {
					eprintln!("exactness: {fault}");
				}
				Ok(ExitCode::FAILURE)
			}
		}
	}
}
