//! Workers, routes and a split model for the tests.

use dllm_model::{
	engine::{pin_environment, Engine, OrtEngine},
	entry::{Entry, Generation, ReplyLimits, SamplingParams},
	manifest::Manifest,
	splitter::split,
};
use dllm_primitives::{
	api::{AccountId32, Prompt, RingMember, Route},
	commitment::Roots,
	ids::{Digest, JobId, ModelId, StageIndex},
	job::Limits,
	model::{LayerRange, Profile},
};
use dllm_worker::{
	commitment::Ledger,
	network::{Network, NetworkConfig, Peer},
	pipeline::{entry::Question, Conduct, Honest, Host, Timings, Workshop},
	verification::{self, Case, CheckError, Commitments},
};
use libp2p::{identity::Keypair, Multiaddr};
use std::{
	path::{Path, PathBuf},
	sync::{Arc, OnceLock},
	time::Duration,
};
use tempfile::{tempdir, TempDir};

pub const MODEL: ModelId = 3;
pub const PROMPT: &str = "Tell me about the ring.";
pub const MAX_TOKENS: u32 = 12;
/// Rows of every job here: the prompt fits, and the reply.
pub const CEILING: u32 = 160;
/// What every job here asks, as segments know it.
pub const ASKED: Digest = Digest::repeat_byte(5);
const MODEL_FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/fixture-untied");
pub const PLENTY: u64 = 1 << 30;
/// Waits that no working test comes near.
pub const PATIENT: Timings = Timings {
	join: Duration::from_secs(60),
	ready: Duration::from_secs(50),
	early: Duration::from_secs(40),
	idle: Duration::from_secs(60),
};

/// The split model, made once.
pub fn model() -> &'static Path {
	static MODEL: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
	&MODEL.get_or_init(|| split_as(Profile::F32)).1
}

/// The same in profile exact.
pub fn exact_model() -> &'static Path {
	static MODEL: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
	&MODEL.get_or_init(|| split_as(Profile::Exact)).1
}

fn split_as(profile: Profile) -> (TempDir, PathBuf) {
	pin_environment();
	let guard = tempdir().unwrap();
	let folder = guard.path().join("split");
	split(Path::new(MODEL_FOLDER), &folder, profile, &mut |_| {}).unwrap();
	(guard, folder)
}

pub fn manifest() -> Manifest {
	Manifest::load(model()).unwrap()
}

pub fn range(start: u16, end: u16) -> LayerRange {
	LayerRange { start, end }
}

/// A worker of the tests.
pub struct Worker {
	pub workshop: Workshop,
	pub folder: TempDir,
}

pub const TCP: &str = "/ip4/127.0.0.1/tcp/0";
pub const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

impl Worker {
	pub async fn new(number: u8) -> Self {
		Self::with(number, TCP, PATIENT, Arc::new(Honest)).await
	}

	pub async fn with(
		number: u8,
		listen: &str,
		timings: Timings,
		conduct: Arc<dyn Conduct>,
	) -> Self {
		Self::over(number, network(&[listen]).await, timings, conduct)
	}

	/// A worker with a network of its own kind.
	pub fn over(number: u8, network: Network, timings: Timings, conduct: Arc<dyn Conduct>) -> Self {
		let folder = tempdir().unwrap();
		let ledger = Ledger::open(folder.path().join("jobs")).unwrap();
		let host = Arc::new(Host::new(PLENTY, conduct.clone()));
		let account = AccountId32::new([number; 32]);
		let workshop = Workshop::open(network, ledger, host, conduct, account, timings).unwrap();
		Self { workshop, folder }
	}

	/// Loads layers.
	pub fn hold(self, layers: LayerRange) -> Self {
		self.hold_of(model(), layers)
	}

	/// Loads layers of a model.
	pub fn hold_of(self, folder: &Path, layers: LayerRange) -> Self {
		self.workshop.host.ensure(MODEL, folder, layers, 2).unwrap();
		self
	}

	/// Loads the entry.
	pub fn enter(self) -> Self {
		self.enter_of(model())
	}

	/// Loads the entry of a model.
	pub fn enter_of(self, folder: &Path) -> Self {
		self.workshop.host.ensure_entry(MODEL, folder).unwrap();
		self
	}

	/// What is left of it after a restart: what is on disk.
	pub async fn restarted(self) -> Self {
		let Self { workshop, folder } = self;
		workshop.network.shutdown().await;
		let ledger = Ledger::open(folder.path().join("jobs")).unwrap();
		let conduct = workshop.conduct.clone();
		let host = Arc::new(Host::new(PLENTY, conduct.clone()));
		let (account, timings) = (workshop.account.clone(), workshop.timings);
		let network = network(&[TCP]).await;
		let workshop = Workshop::open(network, ledger, host, conduct, account, timings).unwrap();
		Self { workshop, folder }
	}

	pub fn peer(&self) -> Peer {
		self.workshop.network.as_peer()
	}

	/// The commitment that it would post.
	pub fn commitment(&self, job: JobId, stage: StageIndex) -> Digest {
		let account = &self.workshop.account;
		self.workshop
			.ledger
			.commitment(job, stage, account)
			.unwrap()
			.unwrap()
	}

	/// Its commitment, as a checker gets it from the chain.
	pub fn committed(&self, job: JobId, stage: StageIndex) -> (StageIndex, AccountId32, Digest) {
		(
			stage,
			self.workshop.account.clone(),
			self.commitment(job, stage),
		)
	}
}

pub async fn network(listen: &[&str]) -> Network {
	let listen = listen
		.iter()
		.map(|address| address.parse::<Multiaddr>().unwrap())
		.collect();
	let keypair = Keypair::generate_ed25519();
	Network::start(NetworkConfig::new(keypair, listen))
		.await
		.unwrap()
}

/// The route of a job: the entry first, then who holds which layers.
pub fn route(job: JobId, entry: &Worker, segments: &[(&Worker, LayerRange)]) -> Route {
	let mut members = vec![member(0, LayerRange::default(), entry)];
	for (stage, (worker, layers)) in (1..).zip(segments) {
		members.push(member(stage, *layers, worker));
	}
	Route {
		job,
		asked: ASKED,
		model: MODEL,
		adapter: None,
		rows_ceiling: CEILING,
		run_until: 1000,
		members,
	}
}

/// The same where the user is the entry.
pub fn sealed_route(job: JobId, user: &Worker, segments: &[(&Worker, LayerRange)]) -> Route {
	let mut route = route(job, user, segments);
	route.members[0].worker = None;
	route.members[0].addresses.clear();
	route
}

fn member(stage: StageIndex, layers: LayerRange, worker: &Worker) -> RingMember {
	let peer = worker.peer();
	RingMember {
		stage,
		layers,
		worker: Some(worker.workshop.account.clone()),
		peer_id: peer.id.to_bytes(),
		addresses: peer
			.addresses
			.iter()
			.map(|address| address.to_string())
			.collect(),
	}
}

/// Checks a stage of a job in time.
pub async fn check(
	workshop: &Workshop,
	route: &Route,
	stage: StageIndex,
	prompt: Option<&Prompt>,
	commitments: &Commitments,
) -> Result<Roots, CheckError> {
	let until = route.run_until;
	let case = Case {
		route,
		stage,
		prompt,
		commitments,
		until,
	};
	verification::check(workshop, case).await
}

pub fn limits() -> Limits {
	Limits {
		max_tokens: MAX_TOKENS,
		temperature_milli: 800,
		top_p_milli: 950,
		seed: 11,
		stop: Default::default(),
	}
}

pub fn prompt() -> Prompt {
	Prompt {
		text: PROMPT.as_bytes().to_vec(),
		limits: limits(),
	}
}

pub fn question() -> Question {
	Question::Text(PROMPT.into())
}

/// The reply of the whole model in one engine, without any network: tokens and rows.
pub fn reference() -> (Vec<u32>, u32) {
	let manifest = manifest();
	let all = range(0, manifest.layers.len() as u16);
	let engine = OrtEngine::load(&manifest, model(), all, PLENTY).unwrap();
	engine.open(0, CEILING).unwrap();
	reply_of(&engine, &Entry::load(&manifest, model()).unwrap())
}

/// The reply of an engine that holds all layers, in its session 0: tokens and rows.
pub fn reply_of(engine: &OrtEngine, entry: &Entry) -> (Vec<u32>, u32) {
	let tokens = question().tokens(entry).unwrap();
	let limits = limits();
	let limits = ReplyLimits {
		max_tokens: limits.max_tokens,
		sampling: SamplingParams {
			temperature_milli: limits.temperature_milli,
			top_p_milli: limits.top_p_milli,
			seed: limits.seed,
		},
		stop: Vec::new(),
		likeliest: None,
	};
	let mut generation = Generation::new(entry.tokenizer.clone(), &tokens, limits).unwrap();
	let mut position = 0;
	let mut input = entry.embedder.embed(&tokens).unwrap();
	loop {
		let output = engine.prefill(0, position, &input).unwrap();
		position += (input.len() / engine.hidden()) as u32;
		let last = &output[output.len() - engine.hidden()..];
		let step = generation.next(&entry.head.logits(last).unwrap()).unwrap();
		if step.finish.is_some() {
			return (generation.tokens().to_vec(), position);
		}
		input = entry.embedder.embed(&[step.token]).unwrap();
	}
}

/// The prompt as one vector, made in one engine without any network, and its number of tokens.
pub fn pooled_reference() -> (Vec<f32>, u32) {
	let manifest = manifest();
	let all = range(0, manifest.layers.len() as u16);
	let engine = OrtEngine::load(&manifest, model(), all, PLENTY).unwrap();
	let entry = Entry::load(&manifest, model()).unwrap();
	let tokens = question().tokens(&entry).unwrap();
	engine.open(0, CEILING).unwrap();
	let rows = entry.embedder.embed(&tokens).unwrap();
	let mut pool = entry.head.norm().pool();
	pool.push(&engine.prefill(0, 0, &rows).unwrap()).unwrap();
	(pool.finish(), tokens.len() as u32)
}
