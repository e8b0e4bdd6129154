//! What the weak-network lab runs beside node and workers: the links, topologies, and placements.

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use dllm_netlab::{
	draw::draw,
	link::Links,
	methods::{Lab, Measured, Segment},
	topology::Topology,
};
use std::{
	fs,
	io::{self, BufRead},
	path::{Path, PathBuf},
};

#[derive(Parser)]
struct Cli {
	#[command(subcommand)]
	command: Command,
}

#[derive(Subcommand)]
enum Command {
	/// Carries packets between the hosts' namespaces. Every line on stdin is the path of a topology, by which
	/// links are from then on; each is answered by a line of JSON: what the links did since the last one.
	Link {
		/// What comes before a host's name in the name of its namespace.
		#[arg(long)]
		prefix: String,
		/// The hosts: the first one is 10.78.0.1.
		hosts: Vec<String>,
	},
	/// Places a model on a topology by every method and prints the placements as JSON.
	Plan {
		/// The topology.
		file: PathBuf,
		#[command(flatten)]
		measured: Measured,
	},
	/// Prints the milliseconds that a token should take on each of the given placements, as a JSON list.
	Predict {
		/// The topology.
		file: PathBuf,
		/// Placements: a JSON list of lists of segments, as `plan` prints them.
		placements: String,
		#[command(flatten)]
		measured: Measured,
	},
	/// Checks a topology and prints it as JSON.
	Show {
		/// The topology.
		file: PathBuf,
	},
	/// Prints the topology of a seed.
	Draw {
		/// The seed.
		seed: u64,
		#[command(flatten)]
		measured: Measured,
	},
}

fn main() -> Result<()> {
	match Cli::parse().command {
		Command::Link { prefix, hosts } => link(&prefix, &hosts),
		Command::Plan { file, measured } => {
			let topology = read(&file)?;
			let lab = Lab {
				topology: &topology,
				measured: &measured,
			};
			println!("{}", serde_json::to_string(&lab.all()?)?);
			Ok(())
		}
		Command::Predict {
			file,
			placements,
			measured,
		} => {
			let topology = read(&file)?;
			let lab = Lab {
				topology: &topology,
				measured: &measured,
			};
			let placements = serde_json::from_str::<Vec<Vec<Segment>>>(&placements)?;
			let times = placements.iter().map(|segments| lab.predict(segments));
			println!("{}", serde_json::to_string(&times.collect::<Vec<_>>())?);
			Ok(())
		}
		Command::Show { file } => {
			println!("{}", serde_json::to_string(&read(&file)?)?);
			Ok(())
		}
		Command::Draw { seed, measured } => {
			let topology =
				draw(seed, &measured).context("no topology of this seed has a placement")?;
			print!("{}", toml::to_string(&topology)?);
			Ok(())
		}
	}
}

/// Serves until stdin ends.
fn link(prefix: &str, hosts: &[String]) -> Result<()> {
	let links =
		Links::start(prefix, hosts).context("cannot open the hosts' devices (root only)")?;
	for line in io::stdin().lock().lines() {
		let counts = links.load(&read(Path::new(line?.trim()))?);
		println!("{}", serde_json::to_string(&counts)?);
	}
	Ok(())
}

fn read(file: &Path) -> Result<Topology> {
	let text =
		fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
	Topology::parse(&text).with_context(|| file.display().to_string())
}
