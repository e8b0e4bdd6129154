//! The `dllm_*` methods: what wallets, the web page and scripts ask about the market of prompts.
//!
//! Every method is read-only and safe to expose. It answers for the best block, or for the block
//! given as the last parameter. Views are those of [`dllm_primitives::api`], as JSON in camelCase;
//! balances are decimal strings of planck.
//!
//! | code | meaning |
//! |---|---|
//! | [12001](UNKNOWN_JOB) | no job of this number: not submitted yet, or pruned |
//! | [12002](UNKNOWN_MODEL) | no model of this number |
//! | [12003](NO_PIPELINE) | nobody serves such a job now |
//! | [12004](RUNTIME_CALL) | the runtime could not be asked at that block |
//! | [12005](UNKNOWN_ROUND) | no capacity round of this number is in progress |

use super::updates;
use crate::service::{FullClient, Hash};
use dllm_primitives::{
	api::{
		planck, DllmApi as RuntimeDllmApi, JobView, LinksView, ModelView, PipelineView, Receipt,
		RoundView,
	},
	capacity::RoundId,
	ids::{JobId, ModelId},
};
use jsonrpsee::{
	core::RpcResult,
	proc_macros::rpc,
	types::{ErrorObject, ErrorObjectOwned},
	PendingSubscriptionSink,
};
use sc_client_api::HeaderBackend;
use sc_rpc::{
	utils::{spawn_subscription_task, PendingSubscription, RingBuffer},
	SubscriptionTaskExecutor,
};
use serde::{Deserialize, Serialize};
use sp_api::{ApiError, ProvideRuntimeApi};
use std::sync::Arc;

/// The chain holds no job of this number at that block.
pub const UNKNOWN_JOB: i32 = 12_001;
/// The chain holds no model of this number at that block.
pub const UNKNOWN_MODEL: i32 = 12_002;
/// No live pipeline serves such a job.
pub const NO_PIPELINE: i32 = 12_003;
/// The runtime could not be asked: the block is unknown, or its state is pruned.
pub const RUNTIME_CALL: i32 = 12_004;
/// No capacity round of this number is in progress at that block.
pub const UNKNOWN_ROUND: i32 = 12_005;

/// Views that may wait for a slow subscriber; older ones are dropped first, the last never. A job or a
/// receipt changes fewer times than this from submission to its end.
const WAITING_UPDATES: usize = 16;

/// What a prompt would cost.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Quote {
	/// The model.
	pub model: ModelId,
	/// Tokens of the prompt.
	pub prompt_tokens: u32,
	/// Tokens of the reply at most.
	pub max_tokens: u32,
	/// Whether the user is the entry.
	pub own_entry: bool,
	/// Lowest fee in planck over the live pipelines; `maxPrice` of a job must reach it.
	#[serde(with = "planck")]
	pub fee: u128,
}

/// The `dllm` namespace.
#[rpc(client, server, namespace = "dllm")]
pub trait DllmApi {
	/// Where a job stands.
	#[method(name = "job", blocking)]
	fn job(&self, id: JobId, at: Option<Hash>) -> RpcResult<JobView>;

	/// All that stands behind a job: who ran and checked which stage, what they committed and
	/// opened, the verdicts, and who was paid.
	#[method(name = "receipt", blocking)]
	fn receipt(&self, id: JobId, at: Option<Hash>) -> RpcResult<Receipt>;

	/// Pipelines of a model that are not closed; empty where it has none.
	#[method(name = "pipelines", blocking)]
	fn pipelines(&self, model: ModelId, at: Option<Hash>) -> RpcResult<Vec<PipelineView>>;

	/// Every registered model.
	#[method(name = "models", blocking)]
	fn models(&self, at: Option<Hash>) -> RpcResult<Vec<ModelView>>;

	/// The links between workers that probes measured of late: round trip, jitter and loss, in µs and ppm, and
	/// bandwidth in bytes a second, the worse of both ends, with the blocks since each end reported it (`null`
	/// for an end that does not: then the other one's word stands alone). `silent` are workers that reported
	/// once, do so no longer, and answer nobody who does.
	#[method(name = "links", blocking)]
	fn links(&self, at: Option<Hash>) -> RpcResult<LinksView>;

	/// Lowest fee for a prompt and a reply of so many tokens. `own_entry` (default false) asks for
	/// the fee of a user who embeds and samples.
	#[method(name = "quote", blocking)]
	fn quote(
		&self,
		model: ModelId,
		prompt_tokens: u32,
		max_tokens: u32,
		own_entry: Option<bool>,
		at: Option<Hash>,
	) -> RpcResult<Quote>;

	/// Capacity rounds in progress, the oldest first: model, phase and its blocks, terms, bids, who won at
	/// which price, and the best plan so far with its score.
	#[method(name = "rounds", blocking)]
	fn rounds(&self, at: Option<Hash>) -> RpcResult<Vec<RoundView>>;

	/// One of them, by its number.
	#[method(name = "round", blocking)]
	fn round(&self, id: RoundId, at: Option<Hash>) -> RpcResult<RoundView>;

	/// Sends a job's view now and after every best block that changed it. The first view in a final
	/// state is the last one. Until its block is finalised, a fork can still undo it.
	#[subscription(
		name = "subscribeJob" => "jobUpdate",
		unsubscribe = "unsubscribeJob",
		item = JobView
	)]
	fn subscribe_job(&self, id: JobId);

	/// The same of all that stands behind a job. The first receipt of a job in a final state is the last one.
	#[subscription(
		name = "subscribeReceipt" => "receiptUpdate",
		unsubscribe = "unsubscribeReceipt",
		item = Receipt
	)]
	fn subscribe_receipt(&self, id: JobId);

	/// Sends the pipelines of a model now and after every best block that changed one of them.
	#[subscription(
		name = "subscribePipelines" => "pipelinesUpdate",
		unsubscribe = "unsubscribePipelines",
		item = Vec<PipelineView>
	)]
	fn subscribe_pipelines(&self, model: ModelId);

	/// Sends a quote now and after every best block that changed it; while nobody serves such a job it is
	/// silent.
	#[subscription(
		name = "subscribeQuote" => "quoteUpdate",
		unsubscribe = "unsubscribeQuote",
		item = Quote
	)]
	fn subscribe_quote(
		&self,
		model: ModelId,
		prompt_tokens: u32,
		max_tokens: u32,
		own_entry: Option<bool>,
	);
}

/// Answers from the runtime of this node's chain.
#[derive(Clone)]
pub struct Dllm {
	client: Arc<FullClient>,
	executor: SubscriptionTaskExecutor,
}

impl Dllm {
	/// Answers from `client`; subscriptions run on `executor`.
	pub fn new(client: Arc<FullClient>, executor: SubscriptionTaskExecutor) -> Self {
		Self { client, executor }
	}

	fn block(&self, at: Option<Hash>) -> Hash {
		at.unwrap_or_else(|| self.client.info().best_hash)
	}

	/// Tells an unknown model from one without pipelines.
	fn expect_model(&self, model: ModelId, at: Hash) -> RpcResult<()> {
		let known = self
			.client
			.runtime_api()
			.model(at, model)
			.map_err(runtime_call)?;
		known.map(|_| ()).ok_or_else(|| unknown_model(model))
	}

	/// Sends what `read` tells of the best block, and of every later one that changes it, until a view
	/// `is_last`. Where `read` fails now, its error is the answer; where it fails later, nothing is sent.
	fn follow<View: Serialize + Clone + PartialEq + Send + Sync + 'static>(
		&self,
		pending: PendingSubscriptionSink,
		read: impl Fn(&Self, Option<Hash>) -> RpcResult<View> + Send + 'static,
		is_last: impl Fn(&View) -> bool + Send + 'static,
	) {
		// Listen before the first look, so that no block falls between the two.
		let heads = updates::best_blocks(&*self.client);
		let first = read(self, None);
		let this = self.clone();
		let later = move |at| read(&this, Some(at)).ok();
		let task = async move {
			match first {
				Ok(_) => {
					let views = updates::changes(heads, later, is_last);
					let waiting = RingBuffer::new(WAITING_UPDATES);
					PendingSubscription::from(pending)
						.pipe_from_stream(views, waiting)
						.await
				}
				Err(error) => pending.reject(error).await,
			}
		};
		spawn_subscription_task(&self.executor, task);
	}
}

impl DllmApiServer for Dllm {
	fn job(&self, id: JobId, at: Option<Hash>) -> RpcResult<JobView> {
		let view = self
			.client
			.runtime_api()
			.job(self.block(at), id)
			.map_err(runtime_call)?;
		view.ok_or_else(|| unknown_job(id))
	}

	fn receipt(&self, id: JobId, at: Option<Hash>) -> RpcResult<Receipt> {
		let receipt = self
			.client
			.runtime_api()
			.receipt(self.block(at), id)
			.map_err(runtime_call)?;
		receipt.ok_or_else(|| unknown_job(id))
	}

	fn pipelines(&self, model: ModelId, at: Option<Hash>) -> RpcResult<Vec<PipelineView>> {
		let at = self.block(at);
		self.expect_model(model, at)?;
		self.client
			.runtime_api()
			.pipelines(at, model)
			.map_err(runtime_call)
	}

	fn models(&self, at: Option<Hash>) -> RpcResult<Vec<ModelView>> {
		self.client
			.runtime_api()
			.models(self.block(at))
			.map_err(runtime_call)
	}

	fn links(&self, at: Option<Hash>) -> RpcResult<LinksView> {
		self.client
			.runtime_api()
			.links(self.block(at))
			.map_err(runtime_call)
	}

	fn quote(
		&self,
		model: ModelId,
		prompt_tokens: u32,
		max_tokens: u32,
		own_entry: Option<bool>,
		at: Option<Hash>,
	) -> RpcResult<Quote> {
		let at = self.block(at);
		let own_entry = own_entry.unwrap_or(false);
		self.expect_model(model, at)?;
		let fee = self
			.client
			.runtime_api()
			.quote(at, model, prompt_tokens, max_tokens, own_entry)
			.map_err(runtime_call)?
			.ok_or_else(|| no_pipeline(model))?;
		Ok(Quote {
			model,
			prompt_tokens,
			max_tokens,
			own_entry,
			fee,
		})
	}

	fn rounds(&self, at: Option<Hash>) -> RpcResult<Vec<RoundView>> {
		self.client
			.runtime_api()
			.rounds(self.block(at))
			.map_err(runtime_call)
	}

	fn round(&self, id: RoundId, at: Option<Hash>) -> RpcResult<RoundView> {
		let round = self
			.client
			.runtime_api()
			.round(self.block(at), id)
			.map_err(runtime_call)?;
		round.ok_or_else(|| unknown_round(id))
	}

	fn subscribe_job(&self, pending: PendingSubscriptionSink, id: JobId) {
		let read = move |this: &Self, at| this.job(id, at);
		self.follow(pending, read, |view: &JobView| view.state.is_final());
	}

	fn subscribe_receipt(&self, pending: PendingSubscriptionSink, id: JobId) {
		let read = move |this: &Self, at| this.receipt(id, at);
		self.follow(pending, read, |receipt: &Receipt| {
			receipt.job.state.is_final()
		});
	}

	fn subscribe_pipelines(&self, pending: PendingSubscriptionSink, model: ModelId) {
		let read = move |this: &Self, at| this.pipelines(model, at);
		self.follow(pending, read, |_| false);
	}

	fn subscribe_quote(
		&self,
		pending: PendingSubscriptionSink,
		model: ModelId,
		prompt_tokens: u32,
		max_tokens: u32,
		own_entry: Option<bool>,
	) {
		let read =
			move |this: &Self, at| this.quote(model, prompt_tokens, max_tokens, own_entry, at);
		self.follow(pending, read, |_| false);
	}
}

fn unknown_job(id: JobId) -> ErrorObjectOwned {
	ErrorObject::owned(
		UNKNOWN_JOB,
		format!(
			"job {id} is not known at this block; take the number from the event jobs.Submitted, \
			 or ask at an older block if the job ended long ago"
		),
		None::<()>,
	)
}

fn unknown_model(model: ModelId) -> ErrorObjectOwned {
	ErrorObject::owned(
		UNKNOWN_MODEL,
		format!("model {model} is not registered; dllm_models lists the numbers"),
		None::<()>,
	)
}

fn no_pipeline(model: ModelId) -> ErrorObjectOwned {
	ErrorObject::owned(
		NO_PIPELINE,
		format!(
			"no live pipeline of model {model} serves such a job now; see dllm_pipelines, ask for \
			 fewer tokens, or try again when its workers are ready"
		),
		None::<()>,
	)
}

fn unknown_round(id: RoundId) -> ErrorObjectOwned {
	ErrorObject::owned(
		UNKNOWN_ROUND,
		format!(
			"capacity round {id} is not in progress; dllm_rounds lists those that are, and the event \
			 auctions.RoundClosed says how one ended"
		),
		None::<()>,
	)
}

fn runtime_call(error: ApiError) -> ErrorObjectOwned {
	ErrorObject::owned(
		RUNTIME_CALL,
		"the runtime could not be asked at this block; ask for a younger block, or a node that \
		 keeps old state (--state-pruning archive)",
		Some(error.to_string()),
	)
}
