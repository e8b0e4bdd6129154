//! Speed of a ring: `cargo bench --workspace --bench ring_bench`.
//!
//! An entry and two segments on loopback answer a prompt with the trained model; one process with the
//! same shards does the same. All of them share this machine, so the ratio shows the cost of the network
//! and nothing else. Prints a line a figure, `ID name value unit (goal …) ok|SHORT`, and always ends well.

use anyhow::{Context, Result};
use dllm_model::{
	engine::{pin_environment, runtime, Engine, OrtEngine},
	entry::{Entry, Generation, ReplyLimits, SamplingParams},
	manifest::Manifest,
	splitter::split,
};
use dllm_primitives::{
	api::{AccountId32, RingMember, Route},
	ids::{Digest, StageIndex},
	job::Limits,
	model::{LayerRange, Profile},
};
use dllm_worker::{
	commitment::Ledger,
	network::{Network, NetworkConfig},
	pipeline::{self, entry::Question, Honest, Host, Timings, Workshop},
};
use libp2p::identity::Keypair;
use std::{
	path::Path,
	sync::Arc,
	time::{Duration, Instant},
};

const MODEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny-chat-nano");
const PROMPT: &str = "Tell me a story about a fox and a lamp.";
const MODEL_ID: u32 = 0;
const MEMORY: u64 = 1 << 30;
const CEILING: u32 = 256;
/// Tokens of a reply at most; those of one reply are timed, the first left out.
const MAX_TOKENS: u32 = 96;
/// Every figure is the best of so many rounds; the machine may have other work.
const ROUNDS: u64 = 5;
/// Time per token through three workers at most, over that of one process.
const GOAL_TIME: f64 = 1.10;

#[tokio::main]
async fn main() -> Result<()> {
	pin_environment();
	let folder = tempfile::tempdir()?;
	let model = folder.path().join("split");
	let manifest = split(Path::new(MODEL), &model, Profile::F32, &mut |_| {})?;
	println!(
		"# {} on {} threads, TCP on loopback",
		manifest.model,
		runtime()?.threads
	);

	let single = single_process(&manifest, &model)?;
	let ring = through_ring(&manifest, &model, folder.path()).await?;
	let (single, ring) = (1.0 / single.as_secs_f64(), 1.0 / ring.as_secs_f64());
	println!("R1 decode-one-process {single:.1} tokens/s (goal none) ok");
	println!("R2 decode-ring-of-three {ring:.1} tokens/s (goal none) ok");
	let ratio = single / ring;
	let verdict = if ratio <= GOAL_TIME { "ok" } else { "SHORT" };
	println!(
		"R3 time-per-token-ring-over-one-process {ratio:.2} ratio (goal ≤ {GOAL_TIME}) {verdict}"
	);
	Ok(())
}

fn limits() -> Limits {
	let stop = Default::default();
	Limits {
		max_tokens: MAX_TOKENS,
		temperature_milli: 0,
		top_p_milli: 1000,
		seed: 0,
		stop,
	}
}

/// Times between the tokens of a reply.
#[derive(Default)]
struct Pace {
	last: Option<Instant>,
	total: Duration,
	tokens: u32,
}

impl Pace {
	fn token(&mut self) {
		let now = Instant::now();
		if let Some(last) = self.last.replace(now) {
			self.total += now - last;
			self.tokens += 1;
		}
	}

	fn per_token(&self) -> Result<Duration> {
		self.total
			.checked_div(self.tokens)
			.context("the reply has one token only")
	}
}

/// Shortest time per token of the whole model in this process.
fn single_process(manifest: &Manifest, folder: &Path) -> Result<Duration> {
	let range = LayerRange {
		start: 0,
		end: manifest.layers.len() as u16,
	};
	let engine = OrtEngine::load(manifest, folder, range, MEMORY)?;
	let entry = Entry::load(manifest, folder)?;
	let tokens = Question::Text(PROMPT.into()).tokens(&entry)?;
	let mut best = Duration::MAX;
	for round in 0..ROUNDS {
		let sampling = SamplingParams::GREEDY;
		let limits = ReplyLimits {
			max_tokens: MAX_TOKENS,
			sampling,
			stop: Vec::new(),
			likeliest: None,
		};
		let mut generation = Generation::new(entry.tokenizer.clone(), &tokens, limits)?;
		let mut pace = Pace::default();
		engine.open(round, CEILING)?;
		let mut position = 0;
		let mut rows = entry.embedder.embed(&tokens)?;
		loop {
			let output = engine.prefill(round, position, &rows)?;
			position += (rows.len() / engine.hidden()) as u32;
			let last = &output[output.len() - engine.hidden()..];
			let step = generation.next(&entry.head.logits(last)?)?;
			pace.token();
			if step.finish.is_some() {
				break;
			}
			rows = entry.embedder.embed(&[step.token])?;
		}
		engine.close(round);
		best = best.min(pace.per_token()?);
	}
	Ok(best)
}

/// Shortest time per token through an entry and two segments.
async fn through_ring(manifest: &Manifest, model: &Path, data: &Path) -> Result<Duration> {
	let layers = manifest.layers.len() as u16;
	let ranges = [
		LayerRange::default(),
		LayerRange {
			start: 0,
			end: layers / 2,
		},
		LayerRange {
			start: layers / 2,
			end: layers,
		},
	];
	let mut workers = Vec::new();
	for (stage, range) in (0..).zip(ranges) {
		workers.push(worker(stage, range, model, data).await?);
	}
	let mut best = Duration::MAX;
	for job in 0..ROUNDS {
		let members = (0..).zip(workers.iter().zip(ranges));
		let members = members.map(|(stage, (workshop, range))| member(stage, workshop, range));
		let members = members.collect();
		let route = Route {
			job,
			asked: Digest::zero(),
			model: MODEL_ID,
			adapter: None,
			rows_ceiling: CEILING,
			run_until: u32::MAX,
			members,
		};
		let mut pace = Pace::default();
		let (limits, question) = (limits(), Question::Text(PROMPT.into()));
		let (answer, first, second) = tokio::join!(
			pipeline::entry::run(&workers[0], route.clone(), question, &limits, |_| pace
				.token()),
			pipeline::lead(&workers[1], route.clone(), Digest::zero(), 1),
			pipeline::lead(&workers[2], route.clone(), Digest::zero(), 2),
		);
		answer?;
		first?;
		second?;
		best = best.min(pace.per_token()?);
	}
	Ok(best)
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
	Ok(Workshop::open(
		network,
		ledger,
		host,
		Arc::new(Honest),
		account,
		Timings::default(),
	)?)
}

fn member(stage: StageIndex, workshop: &Workshop, layers: LayerRange) -> RingMember {
	let peer = workshop.network.as_peer();
	RingMember {
		stage,
		layers,
		worker: Some(workshop.account.clone()),
		peer_id: peer.id.to_bytes(),
		addresses: peer
			.addresses
			.iter()
			.map(|address| address.to_string())
			.collect(),
	}
}
