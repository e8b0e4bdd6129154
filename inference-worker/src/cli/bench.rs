//! `bench`: what this machine computes, how fast, and with whom it agrees bit for bit.

use super::{table::table, CliError, Context};
use clap::Args;
use dllm_model::{
	engine::{self, Engine, EngineError, OrtEngine},
	entry::EntryError,
	manifest::Manifest,
};
use dllm_primitives::model::{LayerRange, Profile};
use serde::Serialize;
use std::{
	fs,
	path::{Path, PathBuf},
	process::ExitCode,
	time::{Duration, Instant},
};

/// Rows of the prefill that is timed, and of the context of the single rows.
const CONTEXT: u32 = 128;
/// Single rows that are timed.
const STEPS: u32 = 64;
/// Rounds of which the best counts, as other work may disturb some.
const ROUNDS: usize = 5;
const PROFILES: [Profile; 5] = [
	Profile::F32,
	Profile::F16,
	Profile::Int8,
	Profile::Int4,
	Profile::Exact,
];

/// Measure this machine: numerics classes, speed and memory.
#[derive(Args, Debug)]
pub struct Bench {
	/// Folders of split models; those of the configuration where left out.
	folders: Vec<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
	library: PathBuf,
	threads: usize,
	classes: Vec<Class>,
	models: Vec<Speed>,
}

/// Who agrees bit for bit with this machine under a profile: whoever has the same id.
#[derive(Serialize)]
struct Class {
	profile: Profile,
	class: String,
}

/// All layers of one model on this machine, without embedding and head.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Speed {
	model: String,
	profile: Profile,
	class: String,
	decode_tokens_per_second: f64,
	prefill_tokens_per_second: f64,
	/// 10⁹ operations of the projections in a second, during prefill.
	prefill_gflops: f64,
	/// Resident memory that the loaded layers and one session take; none where the system does not tell.
	memory_bytes: Option<u64>,
}

impl Bench {
	/// Runs the command.
	pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let runtime = engine::runtime()?;
		let folders = match self.folders.is_empty() {
			true => context.config.models.clone(),
			false => self.folders,
		};
		let report = Report {
			library: runtime.path.clone(),
			threads: runtime.threads,
			classes: PROFILES.into_iter().map(class).collect::<Result<_, _>>()?,
			models: folders
				.iter()
				.map(|folder| measure(folder))
				.collect::<Result<_, _>>()?,
		};
		context.print(&report, || text(&report))?;
		Ok(ExitCode::SUCCESS)
	}
}

fn class(profile: Profile) -> Result<Class, EntryError> {
	let class = format!("{:?}", engine::profile_id(profile)?);
	Ok(Class { profile, class })
}

fn measure(folder: &Path) -> Result<Speed, CliError> {
	let manifest = Manifest::load(folder)?;
	let range = LayerRange {
		start: 0,
		end: manifest.layers.len() as u16,
	};
	let before = resident_memory();
	let engine = OrtEngine::load(&manifest, folder, range, u64::MAX).map_err(EntryError::from)?;
	let context = CONTEXT.min(manifest.config.max_context / 2);
	let steps = STEPS.min(manifest.config.max_context - context);
	let times = time(&engine, context, steps).map_err(EntryError::from)?;
	let after = resident_memory();
	let flops = manifest
		.layers
		.iter()
		.map(|layer| layer.flops_per_token)
		.sum::<u64>();
	let [prefill, decode] = times.map(|time| 1.0 / time.as_secs_f64());
	Ok(Speed {
		model: manifest.model,
		profile: manifest.profile,
		class: format!("{:?}", engine.profile_id()),
		decode_tokens_per_second: decode,
		prefill_tokens_per_second: prefill,
		prefill_gflops: prefill * flops as f64 / 1e9,
		memory_bytes: before
			.zip(after)
			.map(|(before, after)| after.saturating_sub(before)),
	})
}

/// Time of a token in a prefill, and of one that comes alone.
fn time(engine: &OrtEngine, context: u32, steps: u32) -> Result<[Duration; 2], EngineError> {
	let width = engine.hidden();
	let rows = (0..context as usize * width)
		.map(|at| (at as f32 * 0.37).sin())
		.collect::<Vec<_>>();
	engine.open(0, context + steps)?;
	let mut best = [Duration::MAX; 2];
	for _ in 0..ROUNDS {
		engine.rollback(0, 0)?;
		let start = Instant::now();
		engine.prefill(0, 0, &rows)?;
		best[0] = best[0].min(start.elapsed() / context);
		let start = Instant::now();
		for position in context..context + steps {
			engine.decode(0, position, &rows[..width])?;
		}
		best[1] = best[1].min(start.elapsed() / steps);
	}
	engine.close(0);
	Ok(best)
}

/// Bytes of memory that this process occupies.
fn resident_memory() -> Option<u64> {
	let status = fs::read_to_string("/proc/self/status").ok()?;
	let line = status
		.lines()
		.find_map(|line| line.strip_prefix("VmRSS:"))?;
	let kib = line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?;
	Some(kib * 1024)
}

fn text(report: &Report) -> String {
	let name = |profile: Profile| format!("{profile:?}").to_lowercase();
	let classes = report
		.classes
		.iter()
		.map(|entry| [name(entry.profile), entry.class.clone()]);
	let mut text = format!(
		"{}, {} threads\n\n",
		report.library.display(),
		report.threads
	);
	text += &table(["PROFILE", "CLASS"], &classes.collect::<Vec<_>>());
	if report.models.is_empty() {
		return text + "\nno models: name folders of split models to time them";
	}
	let models = report.models.iter().map(|speed| {
		[
			speed.model.clone(),
			name(speed.profile),
			format!("{:.1}", speed.decode_tokens_per_second),
			format!("{:.1}", speed.prefill_tokens_per_second),
			format!("{:.2}", speed.prefill_gflops),
			speed
				.memory_bytes
				.map_or("?".into(), |bytes| format!("{:.1}", bytes as f64 / 1e6)),
		]
	});
	let head = ["MODEL", "PROFILE", "DECODE/S", "PREFILL/S", "GFLOP/S", "MB"];
	text + "\n" + &table(head, &models.collect::<Vec<_>>())
}
