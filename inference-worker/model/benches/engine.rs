//! Speed of one worker process: `cargo bench --workspace --bench engine_bench`.
//!
//! Prints a line a figure, `ID name value unit (goal …) ok|SHORT`, and always ends well.

use anyhow::{Context, Result};
use dllm_model::{
	engine::{pin_environment, runtime, Engine, OrtEngine},
	entry::Entry,
	numerics::Numerics,
	splitter::split,
};
use dllm_primitives::{
	commitment::{commitment, merkle_root, row_leaf, Opening, Roots},
	ids::Digest,
	model::{LayerRange, Profile},
};
use std::{
	path::Path,
	time::{Duration, Instant},
};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../models/tiny-chat-nano");
/// Rows in the cache while single rows are timed: a prompt and half a reply.
const CONTEXT: u32 = 128;
/// Every figure is the best of so many rounds; the machine may have other work.
const ROUNDS: usize = 5;
/// Single rows of one round.
const STEPS: u32 = 64;

fn main() -> Result<()> {
	pin_environment();
	let folder = tempfile::tempdir()?;
	let target = folder.path().join("split");
	let manifest = split(Path::new(MODEL), &target, Profile::F32, &mut |_| {})?;
	let entry = Entry::load(&manifest, &target)?;
	let range = LayerRange {
		start: 0,
		end: manifest.layers.len() as u16,
	};
	let engine = OrtEngine::load(&manifest, &target, range, 1 << 32)?;
	println!("# {} on {} threads", manifest.model, runtime()?.threads);

	let row = decode(&engine, &entry)?;
	let padded = layers(&engine, 2)?;
	// The same step with a single row, which the engine never does: its bits would differ.
	let lone = Numerics {
		least_rows: 1,
		..*Numerics::of(Profile::F32)
	};
	let lone = OrtEngine::load_as(&manifest, &target, range, 1 << 32, &lone)?;
	let single = layers(&lone, 2)?;
	report(
		"E1",
		"decode-one-process",
		per_second(row, 1),
		"tokens/s",
		Goal::AtLeast(300.0),
	);
	let prompt = prefill(&engine, &entry)?;
	let rate = per_second(prompt, CONTEXT);
	report(
		"E2",
		"prefill-of-128-rows-one-process",
		rate,
		"tokens/s",
		Goal::AtLeast(3000.0),
	);
	let padding = 100.0 * (padded.as_secs_f64() / single.as_secs_f64() - 1.0);
	report(
		"E3",
		"cost-of-the-padding-row-in-decode",
		padding,
		"%",
		Goal::AtMost(20.0),
	);
	let hashing = 100.0 * hash(engine.hidden()).as_secs_f64() / row.as_secs_f64();
	report(
		"E4",
		"hashing-of-token-rows",
		hashing,
		"%",
		Goal::AtMost(1.0),
	);
	verification(&folder.path().join("exact"))
}

/// Part of all jobs that is checked, as designed; a runtime may ask for more.
const SAMPLED: f64 = 0.1;

/// What commitments and checks cost, in profile exact, of the layers alone: the smallest work that there can be
/// beside them. A check executes all rows as one prefill.
fn verification(target: &Path) -> Result<()> {
	let manifest = split(Path::new(MODEL), target, Profile::Exact, &mut |_| {})?;
	let range = LayerRange {
		start: 0,
		end: manifest.layers.len() as u16,
	};
	let engine = OrtEngine::load(&manifest, target, range, 1 << 32)?;
	let row = layers(&engine, 2)?.as_secs_f64();
	let committing = commitments(engine.hidden()).as_secs_f64();
	report(
		"P7",
		"commitments-of-time-per-token-exact",
		100.0 * committing / row,
		"%",
		Goal::AtMost(1.0),
	);
	let checking = check(&engine)?.as_secs_f64() / f64::from(CONTEXT);
	report(
		"P7b.full",
		"a-check-over-the-checked-work-exact",
		100.0 * checking / row,
		"%",
		Goal::None,
	);
	report(
		"P7b",
		"checks-of-compute-with-one-job-in-ten-exact",
		100.0 * SAMPLED * checking / row,
		"%",
		Goal::AtMost(6.0),
	);
	Ok(())
}

/// Time to execute a stage again as one prefill of [`CONTEXT`] rows.
fn check(engine: &OrtEngine) -> Result<Duration> {
	let rows = vec![0.1; CONTEXT as usize * engine.hidden()];
	engine.open(4, CONTEXT)?;
	let time = best(1, || {
		engine.rollback(4, 0)?;
		engine.prefill(4, 0, &rows)?;
		Ok(())
	})?;
	engine.close(4);
	Ok(time)
}

/// Time of all digests of a job of [`CONTEXT`] rows, a row: a leaf at either end, then two roots and the
/// commitment.
fn commitments(hidden: usize) -> Duration {
	let wire = vec![0x5a; hidden * 4];
	let start = Instant::now();
	for job in 0..ROUNDS as u64 {
		let end = |boundary| {
			let leaves = (0..CONTEXT).map(|at| row_leaf(&[7; 32], job, boundary, at, &wire));
			merkle_root(&leaves.collect::<Vec<_>>())
		};
		let opening = Opening {
			salt: Digest::repeat_byte(1),
			roots: Roots {
				input: end(0),
				output: end(1),
				..Default::default()
			},
		};
		std::hint::black_box(commitment(job, 1, &[3; 32], &opening));
	}
	start.elapsed() / (CONTEXT * ROUNDS as u32)
}

/// What a figure should be.
enum Goal {
	AtLeast(f64),
	AtMost(f64),
	None,
}

fn report(id: &str, name: &str, value: f64, unit: &str, goal: Goal) {
	let (sign, bound, met) = match goal {
		Goal::AtLeast(bound) => ('≥', bound, value >= bound),
		Goal::AtMost(bound) => ('≤', bound, value <= bound),
		Goal::None => {
			println!("{id} {name} {value:.2} {unit} (goal none) ok");
			return;
		}
	};
	let verdict = if met { "ok" } else { "SHORT" };
	println!("{id} {name} {value:.2} {unit} (goal {sign} {bound}) {verdict}");
}

fn per_second(time: Duration, rows: u32) -> f64 {
	f64::from(rows) / time.as_secs_f64()
}

/// The shortest of several rounds, divided by the steps of a round.
fn best(steps: u32, mut round: impl FnMut() -> Result<()>) -> Result<Duration> {
	let mut times = Vec::new();
	for _ in 0..ROUNDS {
		let start = Instant::now();
		round()?;
		times.push(start.elapsed() / steps);
	}
	times.into_iter().min().context("no rounds")
}

/// Time of one token: embedding, layers and head.
fn decode(engine: &OrtEngine, entry: &Entry) -> Result<Duration> {
	engine.open(1, CONTEXT + STEPS)?;
	let prompt = entry.embedder.embed(&vec![70; CONTEXT as usize])?;
	engine.prefill(1, 0, &prompt)?;
	let time = best(STEPS, || {
		engine.rollback(1, CONTEXT)?;
		for position in CONTEXT..CONTEXT + STEPS {
			let row = entry.embedder.embed(&[position])?;
			entry.head.logits(&engine.decode(1, position, &row)?)?;
		}
		Ok(())
	})?;
	engine.close(1);
	Ok(time)
}

/// Time of one step of the layers alone, as the engine runs it.
fn layers(engine: &OrtEngine, session: u64) -> Result<Duration> {
	let width = engine.hidden();
	engine.open(session, CONTEXT + STEPS)?;
	engine.prefill(session, 0, &vec![0.1; CONTEXT as usize * width])?;
	let row = vec![0.1; width];
	let time = best(STEPS, || {
		engine.rollback(session, CONTEXT)?;
		for position in CONTEXT..CONTEXT + STEPS {
			engine.decode(session, position, &row)?;
		}
		Ok(())
	})?;
	engine.close(session);
	Ok(time)
}

/// Time of a prompt through embedding and layers, and of its last row through the head.
fn prefill(engine: &OrtEngine, entry: &Entry) -> Result<Duration> {
	engine.open(3, CONTEXT)?;
	let tokens = (0..CONTEXT).map(|at| 70 + at).collect::<Vec<_>>();
	let time = best(1, || {
		engine.rollback(3, 0)?;
		let rows = engine.prefill(3, 0, &entry.embedder.embed(&tokens)?)?;
		entry.head.logits(&rows[rows.len() - engine.hidden()..])?;
		Ok(())
	})?;
	engine.close(3);
	Ok(time)
}

/// Time to hash the row that a worker receives for one token and the one that it sends.
fn hash(hidden: usize) -> Duration {
	let wire = vec![0x5a; hidden * 4];
	let start = Instant::now();
	for position in 0..1000 {
		std::hint::black_box(row_leaf(&[7; 32], 1, 0, position, &wire));
		std::hint::black_box(row_leaf(&[7; 32], 1, 1, position, &wire));
	}
	start.elapsed() / 1000
}
