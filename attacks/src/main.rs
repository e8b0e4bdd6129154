//! Carries out attacks on verification and prints what each found out, cost and brought. Fails where one of
//! them pays, or an honest party loses.

#![forbid(unsafe_code)]

use anyhow::{Context, Result};
use clap::Parser;
use dllm_attacks::{
	engine::{self, Stage},
	money::Sampling,
	observed, report,
	scene::{coarsened, Scene},
	simulation,
};
use std::{fs, path::PathBuf, process::ExitCode};

#[derive(Parser)]
#[command(
	about = "Attacks on verification, judged by the chain's own functions and put into money"
)]
struct Cli {
	/// Model whose rows are attacked: a folder of models/.
	#[arg(long, default_value = "models/fixture-untied")]
	model: PathBuf,
	/// Seed of everything that is random.
	#[arg(long, default_value_t = 6)]
	seed: u64,
	/// Fewer tries, for a test.
	#[arg(long)]
	quick: bool,
	/// What attacks of real processes came to: a file that e2e/attacks wrote.
	#[arg(long)]
	observed: Option<PathBuf>,
	/// Only what was observed.
	#[arg(long, requires = "observed")]
	only_observed: bool,
	/// Writes the table into a document, between its marks.
	#[arg(long)]
	write: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
	let cli = Cli::parse();
	let mut lines = match &cli.observed {
		Some(file) => observed::read(file)?,
		None => Vec::new(),
	};
	let least = Sampling::of_runtime();
	if !cli.only_observed {
		let (few, some) = match cli.quick {
			true => (engine::Tries::FEW, simulation::Tries::FEW),
			false => (engine::Tries::ALL, simulation::Tries::ALL),
		};
		let folder = tempfile::tempdir()?;
		let scene = Scene::new(&cli.model, &folder.path().join("shards"))?;
		let coarse = coarsened(&cli.model, &folder.path().join("coarse"))?;
		let stage = Stage {
			cheap: &Scene::new(&coarse, &folder.path().join("cheap"))?,
			scene: &scene,
			tries: few,
			least,
			seed: cli.seed,
		};
		lines.extend(stage.all()?);
		lines.extend(simulation::all(some, least, cli.seed)?);
	}
	let table = report::table(&lines);
	println!("{table}");
	if let Some(page) = &cli.write {
		let document = fs::read_to_string(page).with_context(|| format!("{}", page.display()))?;
		let written = report::write_into(&document, &table)
			.with_context(|| format!("{} has no place for the table", page.display()))?;
		fs::write(page, written).with_context(|| format!("{}", page.display()))?;
	}
	let bad = lines.iter().filter(|line| line.is_bad());
	let bad = bad.map(|line| eprintln!("attacks: this pays, or an honest party loses: {line}"));
	Ok(match bad.count() {
		0 => ExitCode::SUCCESS,
		_ => ExitCode::FAILURE,
	})
}
