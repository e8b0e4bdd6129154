//! A worker that cheats, for the acceptance tests: the network has to convict it. It is the product's
//! worker in everything but its [`Conduct`].

#![forbid(unsafe_code)]

use clap::{Parser, Subcommand, ValueEnum};
use dllm_primitives::{
	ids::{Digest, StageIndex},
	model::LayerRange,
};
use dllm_worker::{chain::Account, config::Config, daemon, pipeline::Conduct};
use std::{
	path::{Path, PathBuf},
	sync::Arc,
};

#[derive(Parser)]
struct Cli {
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand)]
enum Command {
	/// Does the work of a worker, but not honestly.
	Serve {
		/// Configuration file of the worker.
		#[arg(long)]
		config: PathBuf,
		/// How it cheats.
		#[arg(long, value_enum)]
		cheat: Cheat,
		/// Shards of the cheaper model, for `cheap-model`.
		#[arg(long, required_if_eq("cheat", "cheap-model"))]
		cheap: Option<PathBuf>,
	},
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Cheat {
	/// Changes one activation of one row.
	AlterActivation,
	/// Leaves out the last layer of its segment.
	SkipLayer,
	/// Posts the commitment of another worker as its own.
	CopyCommitment,
	/// Executes a cheaper model.
	CheapModel,
	/// Runs, but never commits.
	Silent,
}

struct Dishonest {
	cheat: Cheat,
	cheap: Option<PathBuf>,
}

impl Conduct for Dishonest {
	fn output_row(&self, _stage: StageIndex, position: u32, row: &mut [f32]) {
		if let (Cheat::AlterActivation, 2, Some(value)) = (self.cheat, position, row.first_mut()) {
			*value += 0.5;
		}
	}

	fn layers(&self, due: LayerRange) -> LayerRange {
		match self.cheat {
			Cheat::SkipLayer => LayerRange {
				end: due.end.saturating_sub(1),
				..due
			},
			_ => due,
		}
	}

	fn model_folder(&self, due: &Path) -> PathBuf {
		match (self.cheat, &self.cheap) {
			(Cheat::CheapModel, Some(cheap)) => cheap.clone(),
			_ => due.into(),
		}
	}

	fn commitment(&self, honest: Digest, others: &[Digest]) -> Option<Digest> {
		match self.cheat {
			Cheat::Silent => None,
			// Where there is nothing to copy yet, it commits honestly.
			Cheat::CopyCommitment => Some(others.first().copied().unwrap_or(honest)),
			_ => Some(honest),
		}
	}
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
	tracing_subscriber::fmt()
		.with_writer(std::io::stderr)
		.init();
	let Command::Serve {
		config,
		cheat,
		cheap,
	} = Cli::parse().command;
	let config = Config::load(Some(&config), None)?;
	let account = Account::load(&config.account)?;
	let conduct = Arc::new(Dishonest { cheat, cheap });
	daemon::serve(&config, account, conduct, std::future::pending()).await?;
	Ok(())
}
