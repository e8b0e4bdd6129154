//! Speed of the search: `cargo bench --bench placement_bench` in this folder.
//!
//! One line a figure, `ID name value unit (goal …) ok|SHORT`; always ends well.

use anyhow::Result;
use dllm_planning::{
	preselect::solve_any,
	search::{Answer, Options},
};
use dllm_planning_oracle::random::{swarm, Shape};
use std::{
	fs,
	time::{Duration, Instant},
};

/// What one size came to.
struct Figures {
	/// Milliseconds of every instance, in order of size.
	times: Vec<f64>,
	/// Of the processor alone.
	busy: Vec<f64>,
	/// The widest gap.
	gap: f64,
	/// Instances with a certified optimum.
	optimal: usize,
}

impl Figures {
	fn at(times: &[f64], share: f64) -> f64 {
		let last = times.len().saturating_sub(1);
		times[((last as f64 * share).round() as usize).min(last)]
	}

	fn say(&self, id: &str, name: &str, share: f64, goal: f64) {
		let time = Self::at(&self.times, share);
		let verdict = if time <= goal { "ok" } else { "SHORT" };
		println!(
			"{id} {name} {time:.1} ms (goal ≤ {goal}; processor {:.1} ms; optimum certified {} of {}, widest gap {:.1} %) {verdict}",
			Self::at(&self.busy, share),
			self.optimal,
			self.times.len(),
			self.gap * 100.0,
		);
	}
}

fn main() -> Result<()> {
	let patience = |seconds| Options {
		time_limit: Duration::from_millis(seconds),
		..Options::default()
	};
	let small = measure(16, &Shape::LLAMA_7B, 0.0, 100, &patience(2_000))?;
	small.say("P5", "16-devices-x-32-layers-p95", 0.95, 50.0);
	let waiting = measure(16, &Shape::LLAMA_7B, 1.0, 40, &patience(2_000))?;
	waiting.say("P5t", "16-x-32-with-the-slowest-stage-p95", 0.95, 200.0);
	let wide = measure(120, &Shape::LLAMA_7B, 0.0, 40, &patience(2_000))?;
	wide.say("P5b", "120-devices-x-32-layers-p95", 0.95, 200.0);
	let tight = measure(64, &Shape::LLAMA_70B, 0.0, 20, &patience(1_900))?;
	tight.say(
		"P5c",
		"80-layers-x-64-devices-tight-memory-longest",
		1.0,
		2_000.0,
	);
	let many = measure(1_000, &Shape::LLAMA_70B, 0.0, 3, &patience(4_000))?;
	many.say("P5d", "80-layers-x-1000-devices-longest", 1.0, 5_000.0);
	let memory = peak_memory().unwrap_or(f64::NAN);
	let verdict = if memory <= 1_000.0 { "ok" } else { "SHORT" };
	println!("P5m peak-memory {memory:.0} MB (goal ≤ 1000) {verdict}");
	Ok(())
}

fn measure(
	devices: usize,
	shape: &Shape,
	bottleneck: f64,
	instances: u64,
	options: &Options,
) -> Result<Figures> {
	let mut figures = Figures {
		times: Vec::new(),
		busy: Vec::new(),
		gap: 0.0,
		optimal: 0,
	};
	for seed in 0..instances {
		let instance = swarm(devices, shape, bottleneck, seed);
		let (started, busy) = (Instant::now(), processor_time());
		let answer: Answer = solve_any(&instance, options)?;
		figures.times.push(started.elapsed().as_secs_f64() * 1e3);
		figures.busy.push(processor_time() - busy);
		figures.gap = figures.gap.max(answer.gap());
		figures.optimal += usize::from(answer.is_optimal());
	}
	figures.times.sort_by(f64::total_cmp);
	figures.busy.sort_by(f64::total_cmp);
	Ok(figures)
}

/// Milliseconds that this thread was on a processor: other work on the machine does not count.
fn processor_time() -> f64 {
	let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
	let nanoseconds = text
		.split(' ')
		.next()
		.and_then(|first| first.parse::<f64>().ok());
	nanoseconds.unwrap_or(f64::NAN) / 1e6
}

/// The process's peak of resident memory in MB.
fn peak_memory() -> Option<f64> {
	let status = fs::read_to_string("/proc/self/status").ok()?;
	let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
	let kilobytes = line.split_whitespace().nth(1)?.parse::<f64>().ok()?;
	Some(kilobytes / 1e3)
}
