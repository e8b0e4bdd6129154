//! llama.cpp as a process of its own, which is told what to run and is timed from outside.

use crate::time::processor_time;
use anyhow::{bail, Context, Result};
use std::{
	io::{BufRead, BufReader, Write},
	path::Path,
	process::{Child, ChildStdin, ChildStdout, Command, Stdio},
	time::Duration,
};

/// The program that holds the model, in Python.
const PROGRAM: &str = include_str!("../llama.py");

/// A running llama.cpp.
pub struct Peer {
	process: Child,
	input: ChildStdin,
	output: BufReader<ChildStdout>,
	/// Version and features, as it says.
	pub about: String,
}

impl Peer {
	/// Starts it with a model in its own format.
	pub fn start(python: &Path, model: &Path, threads: usize, rows: u32) -> Result<Self> {
		let mut process = Command::new(python)
			.args(["-c", PROGRAM])
			.arg(model)
			.args([threads.to_string(), rows.to_string()])
			.stdin(Stdio::piped())
			.stdout(Stdio::piped())
			.spawn()
			.with_context(|| format!("{} does not start", python.display()))?;
		let input = process.stdin.take().context("no pipe")?;
		let output = BufReader::new(process.stdout.take().context("no pipe")?);
		let mut peer = Self {
			process,
			input,
			output,
			about: String::new(),
		};
		peer.about = peer.line()?;
		Ok(peer)
	}

	/// Processor time of a prompt and the logits of its last row.
	pub fn prefill(&mut self, tokens: &[u32]) -> Result<Duration> {
		self.ask(0, tokens, tokens.len())
	}

	/// Processor time of these tokens one by one behind `position` rows, each with its logits.
	pub fn decode(&mut self, position: u32, tokens: &[u32]) -> Result<Duration> {
		self.ask(position, tokens, 1)
	}

	fn ask(&mut self, position: u32, tokens: &[u32], step: usize) -> Result<Duration> {
		let tokens = tokens
			.iter()
			.map(u32::to_string)
			.collect::<Vec<_>>()
			.join(" ");
		let start = processor_time(self.process.id())?;
		writeln!(self.input, "{position} {step} {tokens}")?;
		match self.line()?.as_str() {
			"done" => Ok(processor_time(self.process.id())? - start),
			other => bail!("llama.cpp says {other:?}"),
		}
	}

	fn line(&mut self) -> Result<String> {
		let mut line = String::new();
		self.output.read_line(&mut line)?;
		if line.is_empty() {
			bail!("llama.cpp ended: see its messages above");
		}
		Ok(line.trim_end().to_string())
	}
}

impl Drop for Peer {
	fn drop(&mut self) {
		// It may have ended by itself.
		let _ = self.process.kill();
		let _ = self.process.wait();
	}
}
