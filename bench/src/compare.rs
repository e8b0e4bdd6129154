//! The figures: every round measures each subject once, so that what else the machine does falls on all of
//! them alike; a ratio is the median of the rounds' ratios.

use crate::{bandwidth::Copy, ours::Ours, peer::Peer, time::median};
use anyhow::Result;
use clap::Args;
use std::{
	path::{Path, PathBuf},
	time::Duration,
};

/// What is compared.
#[derive(Args)]
pub struct Options {
	/// Shards in int4.
	#[arg(long)]
	int4: Option<PathBuf>,
	/// Shards in exact.
	#[arg(long)]
	exact: Option<PathBuf>,
	/// Shards in f32.
	#[arg(long)]
	f32: Option<PathBuf>,
	/// The same weights for llama.cpp.
	#[arg(long, requires = "python")]
	gguf: Option<PathBuf>,
	/// The Python that has llama-cpp-python.
	#[arg(long)]
	python: Option<PathBuf>,
	/// Threads of every subject.
	#[arg(long, default_value_t = 1)]
	pub threads: usize,
	/// Rounds.
	#[arg(long, default_value_t = 7)]
	rounds: usize,
}

/// Rows before the tokens that are decoded, and of the prompt whose prefill is timed.
const PROMPT: u32 = 64;
/// Tokens decoded in a round.
const STEPS: u32 = 8;
/// Rows of a session: prompt and steps.
const ROWS: u32 = PROMPT + STEPS;
const GIGABYTE: f64 = 1e9;

/// What a figure should be.
enum Goal {
	AtLeast(f64),
	None,
}

/// Runs every comparison whose subjects were given.
pub fn run(options: &Options) -> Result<()> {
	println!(
		"# {} threads, {PROMPT} rows of prompt, {STEPS} tokens a round, median of {} rounds; times are \
		processor time of the subject",
		options.threads, options.rounds
	);
	if let Some(folder) = &options.int4 {
		against_llama(options, folder)?;
	}
	match (&options.exact, &options.f32) {
		(Some(exact), Some(f32)) => exact_against_f32(options, exact, f32)?,
		_ => println!("# P2 P2b were not run: they take --exact and --f32"),
	}
	Ok(())
}

/// P1 and P1b: int4 against Q4_0, and against the bandwidth of memory.
fn against_llama(options: &Options, folder: &Path) -> Result<()> {
	let ours = Ours::load(folder, ROWS)?;
	let mut peer = match (&options.gguf, &options.python) {
		(Some(model), Some(python)) => Some(Peer::start(python, model, options.threads, ROWS)?),
		_ => None,
	};
	if let Some(peer) = &peer {
		println!("# {}", peer.about);
	}
	let mut copy = Copy::new();
	let tokens = tokens();
	let (prompt, steps) = tokens.split_at(PROMPT as usize);
	let (mut own, mut own_prefill) = (Vec::new(), Vec::new());
	let (mut other, mut other_prefill, mut bandwidth) = (Vec::new(), Vec::new(), Vec::new());
	for _ in 0..options.rounds {
		own_prefill.push(rate(ours.prefill(prompt)?, PROMPT));
		own.push(rate(ours.decode(PROMPT, steps)?, STEPS));
		if let Some(peer) = &mut peer {
			other_prefill.push(rate(peer.prefill(prompt)?, PROMPT));
			other.push(rate(peer.decode(PROMPT, steps)?, STEPS));
		}
		bandwidth.push(copy.measure()?);
	}
	report(
		"P1.ours",
		"int4-decode",
		median(&own),
		"tokens/s",
		Goal::None,
	);
	report(
		"P1.ours-prefill",
		"int4-prefill",
		median(&own_prefill),
		"tokens/s",
		Goal::None,
	);
	if peer.is_some() {
		let name = "llama.cpp-q4_0-decode";
		report("P1.llama", name, median(&other), "tokens/s", Goal::None);
		let name = "llama.cpp-q4_0-prefill";
		report(
			"P1.llama-prefill",
			name,
			median(&other_prefill),
			"tokens/s",
			Goal::None,
		);
		let name = "int4-decode-over-llama.cpp-q4_0";
		report("P1", name, ratio(&own, &other), "ratio", Goal::AtLeast(1.0));
		let name = "int4-prefill-over-llama.cpp-q4_0";
		report(
			"P1.prefill",
			name,
			ratio(&own_prefill, &other_prefill),
			"ratio",
			Goal::None,
		);
	} else {
		println!("# P1 was not run: it takes --gguf and --python");
	}
	let per_token = ours.bytes_per_token as f64;
	report(
		"P1b.copy",
		"memory-copy-read-and-written",
		median(&bandwidth) / GIGABYTE,
		"GB/s",
		Goal::None,
	);
	let shares = own
		.iter()
		.zip(&bandwidth)
		.map(|(rate, bandwidth)| 100.0 * rate * per_token / bandwidth);
	let share = median(&shares.collect::<Vec<_>>());
	let name = "share-of-copy-bandwidth-in-int4-decode";
	report("P1b", name, share, "%", Goal::AtLeast(70.0));
	Ok(())
}

/// P2 and P2b: exact against f32.
fn exact_against_f32(options: &Options, exact: &Path, f32: &Path) -> Result<()> {
	let (exact, f32) = (Ours::load(exact, ROWS)?, Ours::load(f32, ROWS)?);
	let tokens = tokens();
	let (prompt, steps) = tokens.split_at(PROMPT as usize);
	let mut rates = [(); 4].map(|()| Vec::new());
	for _ in 0..options.rounds {
		let round = [
			rate(exact.prefill(prompt)?, PROMPT),
			rate(f32.prefill(prompt)?, PROMPT),
			rate(exact.decode(PROMPT, steps)?, STEPS),
			rate(f32.decode(PROMPT, steps)?, STEPS),
		];
		for (rates, rate) in rates.iter_mut().zip(round) {
			rates.push(rate);
		}
	}
	let [exact_prefill, f32_prefill, exact_decode, f32_decode] = &rates;
	report(
		"P2.exact",
		"exact-decode",
		median(exact_decode),
		"tokens/s",
		Goal::None,
	);
	report(
		"P2.f32",
		"f32-decode",
		median(f32_decode),
		"tokens/s",
		Goal::None,
	);
	let name = "exact-decode-over-f32-decode";
	report(
		"P2",
		name,
		ratio(exact_decode, f32_decode),
		"ratio",
		Goal::AtLeast(1.5),
	);
	report(
		"P2b.exact",
		"exact-prefill",
		median(exact_prefill),
		"tokens/s",
		Goal::None,
	);
	report(
		"P2b.f32",
		"f32-prefill",
		median(f32_prefill),
		"tokens/s",
		Goal::None,
	);
	let name = "exact-prefill-over-f32-prefill";
	report(
		"P2b",
		name,
		ratio(exact_prefill, f32_prefill),
		"ratio",
		Goal::AtLeast(2.0),
	);
	Ok(())
}

fn report(id: &str, name: &str, value: f64, unit: &str, goal: Goal) {
	let (goal, met) = match goal {
		Goal::AtLeast(bound) => (format!("≥ {bound}"), value >= bound),
		Goal::None => ("none".into(), true),
	};
	let verdict = if met { "ok" } else { "SHORT" };
	println!("{id} {name} {value:.2} {unit} (goal {goal}) {verdict}");
}

/// Prompt and steps: tokens all over the vocabulary.
fn tokens() -> Vec<u32> {
	(0..ROWS).map(|at| 3 + at * 401 % 31_000).collect()
}

/// Rows in a second.
fn rate(time: Duration, rows: u32) -> f64 {
	f64::from(rows) / time.as_secs_f64()
}

/// Median of the rounds' ratios.
fn ratio(ours: &[f64], others: &[f64]) -> f64 {
	let ratios = ours.iter().zip(others).map(|(ours, other)| ours / other);
	median(&ratios.collect::<Vec<_>>())
}
