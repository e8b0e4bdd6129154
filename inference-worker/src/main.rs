//! The worker's command line; see `cli`.

use clap::Parser;
use dllm_worker::cli::Cli;
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A worker runs for months with dozens of threads, over which the C library scatters what it frees: of a gateway's
/// 23 MiB in use it held 100 MiB after half an hour, and more every hour.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
	Cli::parse().run().unwrap_or_else(|error| {
		eprintln!("error: {error}");
		ExitCode::FAILURE
	})
}
