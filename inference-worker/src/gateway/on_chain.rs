//! The market that stands: buys sealed jobs with the gateway's account, and is their entry.
//!
//! One network identity and one loaded entry a model serve every request. A job keeps its secrets here:
//! the chain learns a digest, the number of tokens, and the price; not the text, nor how it is sampled or
//! where it stops.

use super::{
	market::{Ending, Job, Market, Model, Offer},
	prompt::{seal, shown_limits, tokens},
	request::Ask,
	roll::Roll,
	sealed::{ending, SealedJob},
	ApiError,
};
use crate::{
	chain::{calls, AccountId32, BestBlock, Chain, ChainError, Submitter},
	commitment::random_bytes,
	network::{
		self,
		shards::{distinct, Part, ShardStore},
		Peer,
	},
	pipeline::{HostedEntry, Workshop},
};
use codec::Encode;
use dllm_model::manifest::Manifest;
use dllm_primitives::{
	api::{JobView, Receipt},
	ids::{Digest, JobId, ModelId},
	job::{Assurance, Body, JobState, OnFailure, Options, MAX_NEW_TOKENS},
	model::ModelState,
};
use futures::future::BoxFuture;
use serde_json::{json, Value};
use std::{
	collections::{HashMap, HashSet},
	path::PathBuf,
	sync::{Arc, Mutex, PoisonError},
	time::Duration,
};
use tokio::{
	sync::{watch, OnceCell},
	time::{sleep, timeout},
};

/// Pallet, event and field in which the chain gives a job its number.
const NUMBER: [&str; 3] = ["Jobs", "Submitted", "job"];
/// A wait looks again after this time without a block.
const LOOK_AGAIN: Duration = Duration::from_secs(6);
/// How often the workers are connected to ahead of jobs: less than an idle connection lives.
const GREET_EVERY: Duration = Duration::from_secs(120);

/// Chain, network and models behind a gateway. Clones share them.
#[derive(Clone)]
pub struct OnChain {
	pub(super) shared: Arc<Shared>,
}

/// What the clones share.
pub(super) struct Shared {
	pub(super) chain: Chain,
	pub(super) submitter: Submitter,
	pub(super) workshop: Workshop,
	store: ShardStore,
	/// Folders of models on this machine.
	folders: Vec<PathBuf>,
	default_max_tokens: u32,
	deadline: u32,
	rerun: bool,
	/// The models as a block has them.
	catalogue: Mutex<Option<(BestBlock, Vec<Model>)>>,
	/// Loaded once each, whoever asks first.
	entries: Mutex<HashMap<ModelId, Arc<OnceCell<HostedEntry>>>>,
}

/// What a gateway buys with.
pub struct Purse {
	/// The chain.
	pub chain: Chain,
	/// The account.
	pub submitter: Submitter,
	/// Network and engine.
	pub workshop: Workshop,
	/// Fetched shards.
	pub store: ShardStore,
	/// Folders of models on this machine.
	pub folders: Vec<PathBuf>,
}

impl OnChain {
	/// Buys with a purse.
	pub fn new(purse: Purse, options: &super::Options) -> Self {
		let shared = Shared {
			chain: purse.chain,
			submitter: purse.submitter,
			workshop: purse.workshop,
			store: purse.store,
			folders: purse.folders,
			default_max_tokens: options.default_max_tokens,
			deadline: options.deadline,
			rerun: options.rerun,
			catalogue: Mutex::default(),
			entries: Mutex::default(),
		};
		Self {
			shared: Arc::new(shared),
		}
	}

	/// Tells the rings how far the chain is, connects to the workers and loads the active models ahead
	/// of requests; never returns.
	pub async fn keep_ready(&self) {
		tokio::join!(self.follow_blocks(), self.greet(), self.preload());
	}

	async fn follow_blocks(&self) {
		let mut best = self.shared.chain.best();
		loop {
			let number = best.borrow_and_update().number;
			self.shared.workshop.set_block(number);
			if best.changed().await.is_err() {
				return tracing::error!("the chain is not followed any more");
			}
		}
	}

	async fn greet(&self) {
		loop {
			match self.peers().await {
				Ok(peers) => {
					let connect = peers.iter().map(|peer| async move {
						if let Err(error) = self.shared.workshop.network.connect(peer).await {
							tracing::debug!(%error, "a worker cannot be reached yet");
						}
					});
					futures::future::join_all(connect).await;
				}
				Err(error) => tracing::warn!(%error, "the workers are unknown"),
			}
			sleep(GREET_EVERY).await;
		}
	}

	async fn preload(&self) {
		let Ok(models) = self.models().await else {
			return;
		};
		for model in models {
			if let Err(error) = self.entry(&model).await {
				tracing::warn!(model = model.name, %error, "not loaded ahead");
			}
		}
	}

	/// The workers that can be asked for shards, and that may stand in a ring.
	async fn peers(&self) -> Result<Vec<Peer>, ApiError> {
		let workers = self.shared.chain.workers().await?;
		let active = workers.iter().filter(|worker| worker.active);
		let peers =
			active.filter_map(|worker| Peer::from_chain(&worker.peer_id, &worker.addresses).ok());
		Ok(distinct(peers))
	}

	/// Tokenizer, embedding and head of a model; loaded by the first who asks.
	async fn entry(&self, model: &Model) -> Result<HostedEntry, ApiError> {
		let cell = {
			let entries = &self.shared.entries;
			let mut entries = entries.lock().unwrap_or_else(PoisonError::into_inner);
			entries.entry(model.id).or_default().clone()
		};
		let hosted = cell.get_or_try_init(|| self.load(model)).await?;
		Ok(hosted.clone())
	}

	async fn load(&self, model: &Model) -> Result<HostedEntry, ApiError> {
		let not_ready = |error: &dyn std::fmt::Display| ApiError::NotReady {
			reason: error.to_string(),
		};
		let root = model.manifest_root;
		let is_model = |folder: &&PathBuf| {
			Manifest::load(folder).is_ok_and(|manifest| manifest.root() == root)
		};
		let folder = match self.shared.folders.iter().find(is_model) {
			Some(folder) => folder.clone(),
			None => {
				let (peers, network) = (self.peers().await?, &self.shared.workshop.network);
				let store = &self.shared.store;
				let fetched = store.model(network, &peers, root, Part::Entry).await;
				fetched.map_err(|error| not_ready(&error))?
			}
		};
		let (host, id) = (self.shared.workshop.host.clone(), model.id);
		let loaded = tokio::task::spawn_blocking(move || host.ensure_entry(id, &folder)).await;
		let loaded = loaded.map_err(|error| not_ready(&error))?;
		let hosted = loaded.map_err(|error| not_ready(&error))?;
		tracing::info!(model = model.name, id, "entry loaded");
		Ok(hosted)
	}

	async fn catalogue(&self) -> Result<Vec<Model>, ApiError> {
		let best = *self.shared.chain.best().borrow();
		let kept = &self.shared.catalogue;
		let known = kept.lock().unwrap_or_else(PoisonError::into_inner).clone();
		if let Some((_, models)) = known.filter(|(at, _)| *at == best) {
			return Ok(models);
		}
		let models = self.shared.chain.models().await?;
		let active = models
			.into_iter()
			.filter(|model| model.state == ModelState::Active);
		let models = active.flat_map(|model| {
			let adapted = Model::adapted(&model);
			std::iter::once(Model::from(model)).chain(adapted)
		});
		let models = models.collect::<Vec<_>>();
		let now = Some((best, models.clone()));
		*kept.lock().unwrap_or_else(PoisonError::into_inner) = now;
		Ok(models)
	}

	/// Tokens, limits and price of a request.
	async fn price(&self, model: Model, ask: &Ask) -> Result<Offer, ApiError> {
		let hosted = self.entry(&model).await?;
		let prompt = ask.prompt.clone();
		let tokenizing = prompt.clone();
		let tokens = tokio::task::spawn_blocking(move || tokens(&hosted.entry, &tokenizing)).await;
		let tokens = tokens.map_err(|error| ApiError::Internal {
			reason: error.to_string(),
		})??;
		let room = model.max_context.saturating_sub(tokens.len() as u32);
		let wanted = ask.max_tokens.unwrap_or(self.shared.default_max_tokens);
		let limits = ask.limits(wanted.clamp(1, MAX_NEW_TOKENS).min(room))?;
		let chain = &self.shared.chain;
		let quote = chain.quote(model.id, tokens.len() as u32, limits.max_tokens, true);
		let quote = quote.await?.ok_or_else(|| ApiError::NoPipeline {
			model: model.name.clone(),
		})?;
		// A vector whose ring breaks is bought again at once.
		let rerun = self.shared.rerun && !ask.stream && !ask.wishes.pooled;
		let price = match rerun {
			true => calls::rerun_ceiling(quote),
			false => quote,
		};
		Ok(Offer {
			model,
			prompt,
			tokens,
			limits,
			wishes: ask.wishes,
			price,
			rerun,
		})
	}

	async fn submit(&self, offer: Offer) -> Result<SealedJob, ApiError> {
		let Shared {
			chain,
			submitter,
			workshop,
			deadline,
			..
		} = &*self.shared;
		let price = offer.price;
		let account = submitter.account();
		if chain.balance(account.id()).await?.free < price {
			tracing::error!(account = account.address(), "the account is empty: fill it");
			return Err(ApiError::NoFunds { price });
		}
		let internal = |what: &str| ApiError::Internal {
			reason: what.into(),
		};
		let entry = workshop.network.peer_id().to_bytes();
		let salt = random_bytes();
		let body = Body::Sealed {
			hash: seal(&salt, &offer.prompt),
			prompt_tokens: u32::try_from(offer.tokens.len()).unwrap_or(u32::MAX),
			entry: entry
				.try_into()
				.map_err(|_| internal("its peer id is too long"))?,
		};
		let shown = shown_limits(&offer.limits);
		// What is told once it has been verified must not be left to lots.
		let (assurance, on_failure) = match offer.rerun {
			true => (Assurance::Full, OnFailure::Rerun),
			false => (Assurance::Standard, OnFailure::Refund),
		};
		let options = Options {
			on_failure,
			adapter: offer.model.adapter,
		};
		let asked = (assurance, options);
		let call = calls::submit_job_with(offer.model.id, &body, &shown, price, *deadline, asked);
		let number = submitter.submit_numbered(&call, NUMBER).await;
		let number = number.map_err(|error| refused(error, &offer))?;
		let (job, _) = number.now()?;
		let first = JobId::try_from(job).unwrap_or(JobId::MAX);
		Ok(SealedJob {
			market: self.clone(),
			number,
			first,
			job: first,
			request: Digest::from(*blake3::hash(&(&body, &shown, asked).encode()).as_bytes()),
			pipeline: None,
			salt,
			tokens: offer.tokens,
			limits: offer.limits,
			wishes: offer.wishes,
		})
	}

	/// The members of standing pipelines, each once, as they can be called.
	async fn serving(&self) -> Result<Vec<(AccountId32, Peer)>, ApiError> {
		let chain = &self.shared.chain;
		let mut members = HashSet::new();
		for model in chain.models().await? {
			let pipelines = chain.pipelines(model.id).await?;
			let stages = pipelines.into_iter().flat_map(|pipeline| pipeline.stages);
			members.extend(stages.flat_map(|stage| stage.workers));
		}
		let workers = chain.workers().await?;
		let serving = workers
			.iter()
			.filter(|worker| members.contains(&worker.account));
		Ok(serving.filter_map(network::roll::callable).collect())
	}

	/// Best blocks from now on. Whoever looks again and again keeps one of these, so that a block between
	/// two looks is not missed and none is waited for twice.
	pub(super) fn blocks(&self) -> Blocks {
		let mut best = self.shared.chain.best();
		best.mark_unchanged();
		Blocks(best)
	}

	/// Whether the gateway's account pays for a job.
	pub(super) fn is_own(&self, view: &JobView) -> bool {
		view.client == *self.shared.submitter.account().id()
	}
}

impl Market for OnChain {
	fn models(&self) -> BoxFuture<'_, Result<Vec<Model>, ApiError>> {
		Box::pin(self.catalogue())
	}

	fn offer<'a>(&'a self, model: Model, ask: &'a Ask) -> BoxFuture<'a, Result<Offer, ApiError>> {
		Box::pin(self.price(model, ask))
	}

	fn buy(&self, offer: Offer) -> BoxFuture<'_, Result<Box<dyn Job>, ApiError>> {
		Box::pin(async {
			let job = self.submit(offer).await?;
			Ok(Box::new(job) as Box<dyn Job>)
		})
	}

	fn ending(&self, job: JobId) -> BoxFuture<'_, Result<Option<Ending>, ApiError>> {
		Box::pin(async move {
			let (mut job, mut blocks) = (job, self.blocks());
			loop {
				let view = self.shared.chain.job(job).await?;
				let Some(view) = view.filter(|view| self.is_own(view)) else {
					return Ok(None);
				};
				if let JobState::Rerun { by, .. } = view.state {
					job = by;
					continue;
				}
				if let Some(ending) = ending(&view) {
					return Ok(Some(ending));
				}
				blocks.next().await;
			}
		})
	}

	fn receipt(&self, job: JobId) -> BoxFuture<'_, Result<Option<Value>, ApiError>> {
		Box::pin(async move {
			let chain = &self.shared.chain;
			let final_block = chain.final_block().await?;
			let best = *chain.best().borrow();
			for (block, is_final) in [(final_block, true), (best, false)] {
				let receipt = chain.receipt_at(block, job).await?;
				// What ended in a final block stays so; else the newest is more telling.
				let told = receipt.filter(|receipt| !is_final || receipt.job.ended.is_some());
				if let Some(receipt) = told {
					let root = chain.state_root(block).await?;
					let genesis = chain.genesis();
					return Ok(Some(receipt_json(&receipt, genesis, block, root, is_final)));
				}
			}
			Ok(None)
		})
	}

	fn roll(&self) -> BoxFuture<'_, Result<Roll, ApiError>> {
		Box::pin(async {
			let serving = self.serving().await?;
			let called = serving.iter().map(|(account, _)| account.clone()).collect();
			let absent = network::roll::call(serving).await;
			let absent = absent.map_err(|error| ApiError::Internal {
				reason: error.to_string(),
			})?;
			Ok(Roll { called, absent })
		})
	}

	fn ready(&self) -> BoxFuture<'_, Result<(), ApiError>> {
		Box::pin(async {
			let health = self.shared.chain.health();
			let health = timeout(LOOK_AGAIN, health).await;
			let health = health.map_err(|_| ApiError::Chain {
				reason: "the node does not answer".into(),
			})??;
			match health.is_syncing {
				true => Err(ApiError::Chain {
					reason: "the node still catches up".into(),
				}),
				false => Ok(()),
			}
		})
	}
}

/// The best blocks, as they come.
pub(super) struct Blocks(watch::Receiver<BestBlock>);

impl Blocks {
	/// Waits for the next best block, or a while.
	pub(super) async fn next(&mut self) {
		let _ = timeout(LOOK_AGAIN, self.0.changed()).await;
	}
}

/// A receipt with the block that proves it. `final` says whether no fork can undo it.
fn receipt_json(
	receipt: &Receipt,
	genesis: Digest,
	block: BestBlock,
	state_root: Digest,
	is_final: bool,
) -> Value {
	json!({
		"object": "dllm.receipt",
		"genesis": genesis,
		"block": { "number": block.number, "hash": block.hash, "stateRoot": state_root },
		"final": is_final,
		"settled": receipt.job.state == JobState::Settled,
		"receipt": receipt,
	})
}

/// Why a job was not taken, as the client can use it.
fn refused(error: ChainError, offer: &Offer) -> ApiError {
	let price = offer.price;
	match (&error, error.dispatch_error()) {
		(ChainError::InsufficientFunds { .. }, _) => ApiError::NoFunds { price },
		(_, Some("Jobs::InsufficientFunds")) => ApiError::NoFunds { price },
		(_, Some("Jobs::QueueFull" | "Jobs::AgendaFull")) => ApiError::QueueFull,
		(_, Some("Jobs::AdapterRetired" | "Jobs::UnknownAdapter")) => ApiError::UnknownModel {
			named: offer.model.name.clone(),
		},
		(_, Some("Jobs::PriceBelowBase" | "Jobs::ModelNotActive")) => ApiError::NoPipeline {
			model: offer.model.name.clone(),
		},
		_ => error.into(),
	}
}

impl From<ChainError> for ApiError {
	fn from(error: ChainError) -> Self {
		Self::Chain {
			reason: error.to_string(),
		}
	}
}
