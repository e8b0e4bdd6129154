//! Four workers on loopback against the whole model in one process: `bench/run.sh` calls this with the
//! folder of shards in `DLLM_BENCH_SHARDS`; without it there is nothing to measure.
//!
//! An entry and four segments speak through real links over TCP, record every row and make the commitments
//! that a chain would be sent; the chain itself takes no part, as nothing waits for it between two tokens.
//! All of them share this machine and its processors.

use anyhow::{Context, Result};
use dllm_model::{
	engine::{pin_environment, Engine, OrtEngine},
	entry::{sample, Entry, SamplingParams},
	manifest::Manifest,
};
use dllm_primitives::{
	api::{AccountId32, RingMember, Route},
	ids::{Digest, StageIndex},
	job::Limits,
	model::LayerRange,
};
use dllm_worker::{
	commitment::{Leaves, Ledger},
	network::{frame::Side, Network, NetworkConfig},
	pipeline::{self, entry::Question, Honest, Host, Timings, Workshop},
};
use libp2p::identity::Keypair;
use std::{
	path::Path,
	sync::Arc,
	time::{Duration, Instant},
};

const MODEL_ID: u32 = 0;
const MEMORY: u64 = 1 << 34;
/// Rows of a job at most.
const CEILING: u32 = 64;
/// Tokens of a reply; the first is not timed.
const TOKENS: u32 = 9;
const SEGMENTS: u16 = 4;

/// Environment variable with the folder of shards.
const SHARDS_VARIABLE: &str = "DLLM_BENCH_SHARDS";
/// Rounds of both, which alternate.
const ROUNDS: u64 = 7;
/// Time of a token through four workers at most, over that of one process.
const GOAL: f64 = 1.10;
/// Rows of the reply whose commitments are timed.
const RECORDED: u32 = 256;
/// Percent of a token's time in a segment that its commitments may take.
const RECORDING_GOAL: f64 = 1.0;

#[tokio::main]
async fn main() -> Result<()> {
	let Some(folder) = std::env::var_os(SHARDS_VARIABLE) else {
		println!("# P3 was not run: it takes the shards that bench/run.sh makes");
		return Ok(());
	};
	pin_environment();
	let [single, ring] = alternate(Path::new(&folder)).await?;
	let ratio = ring / single;
	println!(
		"P3.single time-per-token-one-process {:.2} ms (goal none) ok",
		1e3 * single
	);
	println!(
		"P3.ring time-per-token-four-workers {:.2} ms (goal none) ok",
		1e3 * ring
	);
	let verdict = if ratio <= GOAL { "ok" } else { "SHORT" };
	println!("P3 four-workers-over-one-process {ratio:.2} ratio (goal ≤ {GOAL}) {verdict}");

	let share = 100.0 * recording(Path::new(&folder))? / (single / f64::from(SEGMENTS));
	let verdict = if share <= RECORDING_GOAL {
		"ok"
	} else {
		"SHORT"
	};
	println!(
		"P7.1b commitments-of-time-per-token {share:.3} % (goal ≤ {RECORDING_GOAL}) {verdict}"
	);
	Ok(())
}

/// Seconds that a segment spends on a row to commit to it: both of its sides hashed and written, and their
/// part of the roots and of the wait for the disk at the end of a reply. The shortest of the rounds.
fn recording(folder: &Path) -> Result<f64> {
	let row = vec![0x5a; Manifest::load(folder)?.config.hidden as usize * size_of::<f32>()];
	let data = tempfile::tempdir()?;
	let ledger = Ledger::open(data.path())?;
	let mut best = f64::INFINITY;
	for job in 0..ROUNDS {
		let begun = Instant::now();
		for (side, boundary) in [(Side::Input, 0), (Side::Output, 1)] {
			let leaves = Leaves::new(job, [7; 32], boundary, row.len());
			let mut log = ledger.log(job, 1, side, leaves)?;
			for position in 0..RECORDED {
				log.append(position, &row)?;
			}
			log.finish()?;
		}
		best = best.min(begun.elapsed().as_secs_f64() / f64::from(RECORDED));
	}
	Ok(best)
}

/// Seconds of wall time for a token, `[one process, ring]`: the shortest of the rounds.
async fn alternate(folder: &Path) -> Result<[f64; 2]> {
	let manifest = Manifest::load(folder)?;
	let layers = manifest.layers.len() as u16;
	let data = tempfile::tempdir()?;
	let cuts = (0..=SEGMENTS)
		.map(|cut| layers * cut / SEGMENTS)
		.collect::<Vec<_>>();
	let segments = cuts.windows(2).map(|cut| LayerRange {
		start: cut[0],
		end: cut[1],
	});
	let ranges = [LayerRange::default()]
		.into_iter()
		.chain(segments)
		.collect::<Vec<_>>();
	let mut workers = Vec::new();
	for (stage, range) in (0..).zip(&ranges) {
		workers.push(worker(stage, *range, folder, data.path()).await?);
	}
	let entry = Entry::load(&manifest, folder)?;
	let range = LayerRange {
		start: 0,
		end: layers,
	};
	let engine = OrtEngine::load(&manifest, folder, range, MEMORY)?;

	let mut best = [f64::INFINITY; 2];
	for job in 0..ROUNDS {
		let times = [
			one_process(&engine, &entry, job)?,
			through_ring(&workers, &ranges, job).await?,
		];
		for (best, time) in best.iter_mut().zip(times) {
			*best = best.min(time.as_secs_f64());
		}
	}
	Ok(best)
}

/// A prompt in tokens, as the tokenizer knows nothing of these weights.
fn prompt() -> Vec<u32> {
	(0..8).map(|at| 3 + at * 97).collect()
}

fn limits() -> Limits {
	Limits {
		max_tokens: TOKENS,
		temperature_milli: 0,
		top_p_milli: 1000,
		seed: 0,
		stop: Default::default(),
	}
}

/// Times between tokens.
#[derive(Default)]
struct Pace {
	first: Option<Instant>,
	last: Option<Instant>,
	tokens: u32,
}

impl Pace {
	fn token(&mut self) {
		let now = Instant::now();
		self.first.get_or_insert(now);
		self.last = Some(now);
		self.tokens += 1;
	}

	fn per_token(&self) -> Result<Duration> {
		let (first, last) = self.first.zip(self.last).context("no token came")?;
		(last - first)
			.checked_div(self.tokens - 1)
			.context("only one token came")
	}
}

fn one_process(engine: &OrtEngine, entry: &Entry, session: u64) -> Result<Duration> {
	engine.open(session, CEILING)?;
	let mut pace = Pace::default();
	let mut position = 0;
	let mut rows = entry.embedder.embed(&prompt())?;
	for _ in 0..TOKENS {
		let output = engine.prefill(session, position, &rows)?;
		position += (rows.len() / engine.hidden()) as u32;
		let logits = entry
			.head
			.logits(&output[output.len() - engine.hidden()..])?;
		let token = sample(&logits, &SamplingParams::GREEDY, position)?;
		pace.token();
		rows = entry.embedder.embed(&[token])?;
	}
	engine.close(session);
	pace.per_token()
}

async fn through_ring(workers: &[Workshop], ranges: &[LayerRange], job: u64) -> Result<Duration> {
	let members = (0..).zip(workers.iter().zip(ranges));
	let members = members.map(|(stage, (workshop, range))| member(stage, workshop, *range));
	let route = Route {
		job,
		asked: Digest::zero(),
		model: MODEL_ID,
		adapter: None,
		rows_ceiling: CEILING,
		run_until: u32::MAX,
		members: members.collect(),
	};
	let mut pace = Pace::default();
	let (limits, question) = (limits(), Question::Tokens(prompt()));
	let [entry, first, second, third, fourth] = workers else {
		anyhow::bail!("a ring of {} workers", workers.len());
	};
	let (answer, a, b, c, d) = tokio::join!(
		pipeline::entry::run(entry, route.clone(), question, &limits, |_| pace.token()),
		pipeline::lead(first, route.clone(), Digest::zero(), 1),
		pipeline::lead(second, route.clone(), Digest::zero(), 2),
		pipeline::lead(third, route.clone(), Digest::zero(), 3),
		pipeline::lead(fourth, route.clone(), Digest::zero(), 4),
	);
	answer?;
	a?;
	b?;
	c?;
	d?;
	pace.per_token()
}

async fn worker(
	stage: StageIndex,
	range: LayerRange,
	model: &Path,
	data: &Path,
) -> Result<Workshop> {
	let listen = vec!["/ip4/127.0.0.1/tcp/0".parse()?];
	let keypair = Keypair::generate_ed25519();
	let network = Network::start(NetworkConfig::new(keypair, listen)).await?;
	let ledger = Ledger::open(data.join(format!("worker-{stage}")))?;
	let host = Arc::new(Host::new(MEMORY, Arc::new(Honest)));
	if range.is_empty() {
		host.ensure_entry(MODEL_ID, model)?;
	} else {
		host.ensure(MODEL_ID, model, range, 1)?;
	}
	let account = AccountId32::new([stage; 32]);
	let timings = Timings::default();
	Ok(Workshop::open(
		network,
		ledger,
		host,
		Arc::new(Honest),
		account,
		timings,
	)?)
}

fn member(stage: StageIndex, workshop: &Workshop, layers: LayerRange) -> RingMember {
	let peer = workshop.network.as_peer();
	let addresses = peer.addresses.iter().map(|address| address.to_string());
	RingMember {
		stage,
		layers,
		worker: Some(workshop.account.clone()),
		peer_id: peer.id.to_bytes(),
		addresses: addresses.collect(),
	}
}
