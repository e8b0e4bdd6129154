//! Jobs with an adapter: beside plain ones on the same workers, checked like them, and refused where the adapter
//! does not belong to the model.

use crate::lab::*;
use dllm_model::{
	adapter::{AdapterError, AdapterManifest},
	engine::{Engine, EngineError, Factors, OrtEngine},
	entry::Entry,
	manifest::Manifest,
	splitter::{split, split_adapter},
};
use dllm_primitives::{
	api::{AccountId32, Route},
	commitment::Roots,
	ids::{Digest, JobId, StageIndex},
	model::{LayerRange, Profile},
};
use dllm_worker::{
	network::{
		frame::Side,
		shards::{ShardError, ShardStore},
		Network, Peer,
	},
	pipeline::{self, entry::Answer, Honest, Host, HostError, PipelineError, Segment},
};
use std::{
	path::{Path, PathBuf},
	sync::{Arc, OnceLock},
};
use tempfile::{tempdir, TempDir};

const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../models");
const FIRST: LayerRange = LayerRange { start: 0, end: 2 };
const SECOND: LayerRange = LayerRange { start: 2, end: 4 };
const PLAIN: JobId = 51;
const ADAPTED: JobId = 52;

/// A model of four layers and an adapter of it, split once.
struct Files {
	base: PathBuf,
	adapter: PathBuf,
	_guard: TempDir,
}

fn files() -> &'static Files {
	static FILES: OnceLock<Files> = OnceLock::new();
	FILES.get_or_init(|| {
		dllm_model::engine::pin_environment();
		let guard = tempdir().unwrap();
		let [base, adapter] = ["base", "adapter"].map(|name| guard.path().join(name));
		let source = |name| Path::new(MODELS).join(name);
		let manifest = split(&source("fixture-tied"), &base, Profile::F32, &mut |_| {}).unwrap();
		split_adapter(&source("fixture-tied-lora"), &manifest, &adapter).unwrap();
		Files {
			base,
			adapter,
			_guard: guard,
		}
	})
}

fn base() -> Manifest {
	Manifest::load(&files().base).unwrap()
}

fn adapter() -> AdapterManifest {
	AdapterManifest::load(&files().adapter).unwrap()
}

/// A peer that serves model and adapter.
async fn origin() -> (TempDir, Network) {
	let folder = tempdir().unwrap();
	let store = ShardStore::open(folder.path()).unwrap();
	assert_eq!(store.import(&files().base).unwrap(), base().root());
	assert_eq!(store.import(&files().adapter).unwrap(), adapter().root);
	let network = network(&[TCP]).await;
	store.serve(&network).unwrap();
	(folder, network)
}

/// Fetches the part of the adapter that belongs to some layers, as a worker does when it is awarded the job, and
/// loads it.
async fn adapt(worker: &Worker, layers: LayerRange, origin: &Peer) -> Segment {
	let store = ShardStore::open(worker.folder.path().join("shards")).unwrap();
	let (network, root) = (&worker.workshop.network, adapter().root);
	let peers = [origin.clone()];
	let folder = store.adapter(network, &peers, root, layers).await.unwrap();
	load(&worker.workshop.host, layers, &folder).unwrap()
}

fn load(host: &Host, layers: LayerRange, folder: &Path) -> Result<Segment, HostError> {
	let model = (MODEL, files().base.as_path());
	host.ensure_adapted(model, layers, (adapter().root, folder), 1)
}

/// A pipeline whose workers serve plain jobs and adapted ones.
struct Leads {
	entry: Worker,
	first: Worker,
	second: Worker,
}

impl Leads {
	async fn new(origin: &Peer) -> Self {
		let folder = &files().base;
		let leads = Self {
			entry: Worker::new(1).await.enter_of(folder),
			first: Worker::new(2).await.hold_of(folder, FIRST),
			second: Worker::new(3).await.hold_of(folder, SECOND),
		};
		adapt(&leads.first, FIRST, origin).await;
		adapt(&leads.second, SECOND, origin).await;
		leads
	}

	fn route(&self, job: JobId) -> Route {
		let segments = [(&self.first, FIRST), (&self.second, SECOND)];
		Route {
			adapter: (job == ADAPTED).then(|| adapter().root),
			..route(job, &self.entry, &segments)
		}
	}

	/// Runs a job; gives what the entry answered, and the roots of every stage.
	async fn run(&self, job: JobId) -> (Answer, [Roots; 3]) {
		let route = self.route(job);
		let limits = limits();
		let (entry, asked) = (&self.entry.workshop, question());
		let (answer, first, second) = tokio::join!(
			pipeline::entry::run(entry, route.clone(), asked, &limits, |_| {}),
			pipeline::lead(&self.first.workshop, route.clone(), ASKED, 1),
			pipeline::lead(&self.second.workshop, route.clone(), ASKED, 2),
		);
		let answer = answer.unwrap();
		let roots = [answer.roots, first.unwrap(), second.unwrap()];
		(answer, roots)
	}

	fn all(&self) -> [&Worker; 3] {
		[&self.entry, &self.first, &self.second]
	}

	fn committed(&self, job: JobId) -> Vec<(StageIndex, AccountId32, Digest)> {
		let all = (0..).zip(self.all());
		all.map(|(stage, lead)| lead.committed(job, stage))
			.collect()
	}
}

/// The reply of one engine alone, with the adapter or without.
fn alone(adapted: bool) -> (Vec<u32>, u32) {
	let (manifest, folder) = (base(), &files().base);
	let all = range(0, 4);
	let factors = Factors::read(&manifest, all, &adapter(), &files().adapter).unwrap();
	let engine = match adapted {
		true => OrtEngine::load_adaptable(&manifest, folder, all, PLENTY, factors.places()),
		false => OrtEngine::load(&manifest, folder, all, PLENTY),
	};
	let engine = engine.unwrap();
	match adapted {
		true => engine.open_adapted(0, CEILING, &factors).unwrap(),
		false => engine.open(0, CEILING).unwrap(),
	}
	reply_of(&engine, &Entry::load(&manifest, folder).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_adapted_job_and_a_plain_one_share_their_workers() {
	let (_origin, origin) = origin().await;
	let leads = Leads::new(&origin.as_peer()).await;
	let (plain, adapted) = tokio::join!(leads.run(PLAIN), leads.run(ADAPTED));
	let expected = [alone(false), alone(true)];
	assert_ne!(expected[0].0, expected[1].0);
	let given = [&plain, &adapted].map(|(answer, _)| (answer.tokens.clone(), answer.rows));
	assert_eq!(given, expected);
	// The shards of both are those that the chain expects.
	for stage in 0..3 {
		assert_eq!(plain.1[stage].weights, adapted.1[stage].weights);
	}

	// Checkers that hold nothing but what the job at hand asks for come to the same roots.
	for (job, (_, roots)) in [(PLAIN, plain), (ADAPTED, adapted)] {
		let folder = &files().base;
		let checkers = [
			Worker::new(4).await.enter_of(folder),
			Worker::new(5).await,
			Worker::new(6).await,
		];
		for (checker, layers) in checkers[1..].iter().zip([FIRST, SECOND]) {
			match job == ADAPTED {
				true => drop(adapt(checker, layers, &origin.as_peer()).await),
				false => {
					let host = &checker.workshop.host;
					host.ensure(MODEL, folder, layers, 1).unwrap();
				}
			}
		}
		for (stage, lead) in (0..).zip(leads.all()) {
			let peers = checkers.iter().map(|checker| checker.peer().id);
			lead.workshop.allow(job, stage, Side::Output, peers);
		}
		let (route, committed) = (leads.route(job), leads.committed(job));
		for (stage, checker) in (0..).zip(&checkers) {
			let prompt = (stage == 0).then(prompt);
			let workshop = &checker.workshop;
			let found = check(workshop, &route, stage, prompt.as_ref(), &committed).await;
			assert_eq!(found.unwrap(), roots[usize::from(stage)], "{job} {stage}");
		}
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_leaves_the_adapter_out_is_found_out() {
	let (_origin, origin) = origin().await;
	let folder = &files().base;
	let entry = Worker::new(1).await.enter_of(folder);
	let lead = Worker::new(2).await.hold_of(folder, range(0, 4));
	let checker = Worker::new(3).await;
	adapt(&checker, range(0, 4), &origin.as_peer()).await;
	let cheap = route(ADAPTED, &entry, &[(&lead, range(0, 4))]);
	let limits = limits();
	let (answer, led) = tokio::join!(
		pipeline::entry::run(&entry.workshop, cheap.clone(), question(), &limits, |_| {}),
		pipeline::lead(&lead.workshop, cheap.clone(), ASKED, 1),
	);
	let (answer, led) = (answer.unwrap(), led.unwrap());
	let peer = checker.peer().id;
	entry.workshop.allow(ADAPTED, 0, Side::Output, [peer]);
	let committed = [entry.committed(ADAPTED, 0), lead.committed(ADAPTED, 1)];
	let asked = Route {
		adapter: Some(adapter().root),
		..cheap
	};
	let found = check(&checker.workshop, &asked, 1, None, &committed).await;
	let found = found.unwrap();
	assert_eq!((found.input, found.rows), (answer.roots.output, led.rows));
	assert_ne!(found.output, led.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_fetches_the_part_of_its_layers() {
	let (_origin, origin) = origin().await;
	let folder = tempdir().unwrap();
	let store = ShardStore::open(folder.path()).unwrap();
	let client = network(&[]).await;
	let (peers, manifest) = ([origin.as_peer()], adapter());
	let part = store.adapter(&client, &peers, manifest.root, SECOND).await;
	let part = part.unwrap();
	assert_eq!(AdapterManifest::load(&part).unwrap(), manifest);
	for layer in 0..4 {
		assert_eq!(manifest.layer(&part, layer).is_ok(), layer >= 2, "{layer}");
	}
	// What is here is not asked for again; what nobody has may come later.
	let again = store.adapter(&client, &[], manifest.root, SECOND).await;
	assert_eq!(again.unwrap(), part);
	let error = store.adapter(&client, &[], manifest.root, FIRST).await;
	let error = error.unwrap_err();
	assert!(
		matches!(error, ShardError::NotFound { .. }) && error.is_retryable(),
		"{error}"
	);
	// A model's manifest is none of an adapter.
	let root = base().root();
	let error = store.adapter(&client, &peers, root, FIRST).await;
	assert!(matches!(error, Err(ShardError::Adapter(_))), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_adapter_is_not_loaded_waits_for_it() {
	let folder = &files().base;
	let entry = Worker::new(1).await.enter_of(folder);
	let lead = Worker::new(2).await.hold_of(folder, range(0, 4));
	let route = Route {
		adapter: Some(adapter().root),
		..route(ADAPTED, &entry, &[(&lead, range(0, 4))])
	};
	let error = pipeline::lead(&lead.workshop, route, ASKED, 1).await;
	let error = error.unwrap_err();
	assert!(
		matches!(
			error,
			PipelineError::Host(HostError::AdapterNotLoaded { .. })
		) && error.is_retryable(),
		"{error}"
	);
}

#[test]
fn an_adapter_of_another_base_is_refused() {
	let host = Host::new(PLENTY, Arc::new(Honest));
	let (root, folder) = (adapter().root, files().adapter.as_path());
	let error = host
		.ensure_adapted((MODEL, model()), range(0, 1), (root, folder), 1)
		.err()
		.unwrap();
	assert!(
		matches!(
			error,
			HostError::Engine(EngineError::Adapter(AdapterError::OtherBase { .. }))
		) && !error.is_retryable(),
		"{error}"
	);
	assert_eq!(host.memory_left(), PLENTY);
}

#[test]
fn an_adapter_is_charged_and_makes_room() {
	let (folder, layers) = (&files().base, FIRST);
	let taken = |host: &Host| u64::MAX - host.memory_left();
	let host = Host::new(u64::MAX, Arc::new(Honest));
	host.ensure(MODEL, folder, layers, 1).unwrap();
	let plain = taken(&host);
	let factors = load(&host, layers, &files().adapter).unwrap().factors;
	let factors = factors.unwrap().bytes();
	// Weights and caches once more, and the factors.
	let both = taken(&host);
	assert_eq!(both, 2 * plain + factors);
	load(&host, layers, &files().adapter).unwrap();
	assert_eq!(taken(&host), both);

	// Where only the plain layers fit besides, a job that is not running any more makes room.
	let host = Host::new(both, Arc::new(Honest));
	drop(load(&host, layers, &files().adapter).unwrap());
	host.ensure(MODEL, folder, layers, 1).unwrap();
	host.ensure(MODEL, folder, SECOND, 1).unwrap();
	assert!(host
		.segment_for(MODEL, layers, Some(adapter().root))
		.is_err());

	// One that runs does not.
	let host = Host::new(both, Arc::new(Honest));
	let runs = load(&host, layers, &files().adapter).unwrap();
	host.ensure(MODEL, folder, layers, 1).unwrap();
	let refused = host.ensure(MODEL, folder, SECOND, 1);
	assert!(matches!(refused, Err(HostError::TooLittleMemory { .. })));
	drop(runs);
	host.ensure(MODEL, folder, SECOND, 1).unwrap();

	// Layers that no pipeline needs leave with what was loaded for their adapters.
	let host = Host::new(u64::MAX, Arc::new(Honest));
	load(&host, layers, &files().adapter).unwrap();
	assert!(host.release(MODEL, layers));
	assert_eq!(taken(&host), 0);
	assert!(!host.release(MODEL, layers));
}

#[test]
fn too_little_memory_for_an_adapter_is_said() {
	let layers = FIRST;
	let host = Host::new(1 << 10, Arc::new(Honest));
	let error = load(&host, layers, &files().adapter).err().unwrap();
	assert!(error.to_string().contains("with an adapter"), "{error}");
	assert!(error.is_retryable());
}
