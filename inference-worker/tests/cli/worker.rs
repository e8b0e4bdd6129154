//! Runs the binary in a folder of its own.

use dllm_model::engine::find_library;
use std::{
	fs,
	os::unix::fs::symlink,
	path::PathBuf,
	process::{Command, Output},
};
use tempfile::TempDir;

/// A folder in which commands run, without the environment's overrides.
pub struct Folder {
	inner: TempDir,
}

/// What a command did.
pub struct Ran {
	/// Whether it ended with 0.
	pub succeeded: bool,
	/// What it printed.
	pub stdout: String,
	/// What it said.
	pub stderr: String,
}

impl Folder {
	/// A new, empty folder.
	pub fn new() -> Self {
		Self {
			inner: tempfile::tempdir().expect("a temporary folder"),
		}
	}

	/// Path of a file in it.
	pub fn path(&self, name: &str) -> PathBuf {
		self.inner.path().join(name)
	}

	/// Writes a file.
	pub fn write(&self, name: &str, text: &str) {
		fs::write(self.path(name), text).expect("the file is written");
	}

	/// A folder in which commands find ONNX Runtime, as they do below a checkout.
	pub fn with_library() -> Self {
		let library = find_library().expect("ONNX Runtime, which scripts/setup.sh installs");
		let name = library.file_name().expect("a file");
		let folder = Self::new();
		let tools = folder.path(".tools/onnxruntime");
		fs::create_dir_all(&tools).expect("a folder");
		symlink(&library, tools.join(name)).expect("a link");
		folder
	}

	/// Runs `dllm-worker` with arguments.
	pub fn run(&self, arguments: &[&str]) -> Ran {
		let mut command = Command::new(env!("CARGO_BIN_EXE_dllm-worker"));
		command.current_dir(self.inner.path()).args(arguments);
		for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DLLM_")) {
			command.env_remove(name);
		}
		Ran::from(command.output().expect("the binary starts"))
	}
}

impl From<Output> for Ran {
	fn from(output: Output) -> Self {
		let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
		Self {
			succeeded: output.status.success(),
			stdout: text(output.stdout),
			stderr: text(output.stderr),
		}
	}
}

impl Ran {
	/// Fails unless the command failed with a message that has all the parts, and printed nothing.
	#[track_caller]
	pub fn fails_with(&self, parts: &[&str]) {
		assert!(
			!self.succeeded,
			"ended with 0: {}{}",
			self.stdout, self.stderr
		);
		assert!(self.stdout.is_empty(), "printed: {}", self.stdout);
		for part in parts {
			assert!(
				self.stderr.contains(part),
				"{part:?} is not in: {}",
				self.stderr
			);
		}
	}

	/// What the command printed, if it ended with 0.
	#[track_caller]
	pub fn printed(&self) -> &str {
		assert!(self.succeeded, "failed: {}", self.stderr);
		self.stdout.trim_end()
	}
}
