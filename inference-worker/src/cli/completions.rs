//! `completions` and `man`: what a shell and a reader of manuals need, made from the command line itself.

use super::{Cli, CliError, Context};
use clap::{Args, CommandFactory};
use clap_complete::aot::{generate, Shell};
use serde::Serialize;
use std::{fs, io, path::PathBuf, process::ExitCode};

/// Name of the program, as it is typed.
const PROGRAM: &str = "dllm-worker";

/// Print the completions of a shell: `dllm-worker completions bash > …/bash-completion/completions/dllm-worker`.
#[derive(Args, Debug)]
pub struct Completions {
	/// The shell.
	shell: Shell,
}

/// Write a manual page for every command.
#[derive(Args, Debug)]
pub struct Man {
	/// Folder of the pages, like ~/.local/share/man/man1; made where it is missing.
	folder: PathBuf,
}

impl Completions {
	/// Runs the command.
	pub fn run(self) -> Result<ExitCode, CliError> {
		generate(self.shell, &mut Cli::command(), PROGRAM, &mut io::stdout());
		Ok(ExitCode::SUCCESS)
	}
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written {
	folder: PathBuf,
	pages: Vec<String>,
}

impl Man {
	/// Runs the command.
	pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let failed = |source| CliError::Io {
			path: self.folder.clone(),
			source,
		};
		fs::create_dir_all(&self.folder).map_err(failed)?;
		clap_mangen::generate_to(Cli::command(), &self.folder).map_err(failed)?;
		let mut pages = Vec::new();
		for entry in fs::read_dir(&self.folder).map_err(failed)? {
			let name = entry
				.map_err(failed)?
				.file_name()
				.to_string_lossy()
				.into_owned();
			if name.starts_with(PROGRAM) {
				pages.push(name);
			}
		}
		pages.sort();
		let written = Written {
			folder: self.folder.clone(),
			pages,
		};
		context.print(&written, || {
			let (count, folder) = (written.pages.len(), written.folder.display());
			format!("{count} pages in {folder}: read them with `man -l {folder}/{PROGRAM}.1`")
		})?;
		Ok(ExitCode::SUCCESS)
	}
}
