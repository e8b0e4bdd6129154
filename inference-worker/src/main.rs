//! The worker's command line; see `cli`.

use clap::Parser;
use dllm_worker::cli::Cli;
use std::process::ExitCode;

fn main() -> ExitCode {
	Cli::parse().run().unwrap_or_else(|error| {
		eprintln!("error: {error}");
		ExitCode::FAILURE
	})
}
