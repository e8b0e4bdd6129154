//! Where the gateway buys: what a request needs of chain and network, apart from how it is done.

use super::{
	request::{Ask, Prompt},
	roll::Roll,
	ApiError,
};
use crate::pipeline::entry::Wishes;
use dllm_model::entry::Step;
use dllm_primitives::{
	api::{AccountId32, ModelView},
	ids::{AdapterId, Digest, JobId, ModelId, PipelineId},
	job::Limits,
	model::Profile,
};
use futures::future::BoxFuture;
use serde_json::Value;
use std::{
	ops::ControlFlow,
	time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// A model that takes prompts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
	/// Its number.
	pub id: ModelId,
	/// Its name.
	pub name: String,
	/// Who registered it.
	pub owner: AccountId32,
	/// Numeric profile.
	pub profile: Profile,
	/// Tokens of prompt and reply together at most.
	pub max_context: u32,
	/// blake3 of its manifest.
	pub manifest_root: Digest,
	/// The adapter that is added to its layers, of which `name` and `owner` tell then; none for the plain model.
	pub adapter: Option<AdapterId>,
}

/// A request, ready to be bought.
#[derive(Clone, Debug)]
pub struct Offer {
	/// The model.
	pub model: Model,
	/// What is asked, for the digest of the sealed prompt.
	pub prompt: Prompt,
	/// The same as the model takes it.
	pub tokens: Vec<u32>,
	/// How it is answered.
	pub limits: Limits,
	/// What else is told.
	pub wishes: Wishes,
	/// What it costs at most, in planck.
	pub price: u128,
	/// Whether its reply is told once it is verified, and run again where its workers fail.
	pub rerun: bool,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
	/// Whether the chain verified and paid it; else it was refunded.
	pub settled: bool,
	/// What it cost, in planck.
	pub fee: u128,
}

/// What became of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
	/// The job is over.
	Over(Ending),
	/// Its workers failed, or a fork took it from them: it has to be answered again, under another number.
	Again,
}

/// Chain and network, as the gateway needs them.
pub trait Market: Send + Sync + 'static {
	/// The active models.
	fn models(&self) -> BoxFuture<'_, Result<Vec<Model>, ApiError>>;

	/// Says what a request costs, and what its limits are; nothing is paid yet.
	fn offer<'a>(&'a self, model: Model, ask: &'a Ask) -> BoxFuture<'a, Result<Offer, ApiError>>;

	/// Buys it: returns once the job is in a block.
	fn buy(&self, offer: Offer) -> BoxFuture<'_, Result<Box<dyn Job>, ApiError>>;

	/// Waits for the end of a job that was bought before a restart; none where the chain does not know
	/// it, or it is somebody else's.
	fn ending(&self, job: JobId) -> BoxFuture<'_, Result<Option<Ending>, ApiError>>;

	/// What a light client needs to check a job; none where the chain does not know it.
	fn receipt(&self, job: JobId) -> BoxFuture<'_, Result<Option<Value>, ApiError>>;

	/// Calls those who serve, to see who answers: eight seconds at most, where not hundreds are dead.
	fn roll(&self) -> BoxFuture<'_, Result<Roll, ApiError>>;

	/// Fails unless requests can be answered.
	fn ready(&self) -> BoxFuture<'_, Result<(), ApiError>>;
}

/// A job that was bought.
pub trait Job: Send {
	/// Its number now: a fork may give it another one.
	fn number(&self) -> JobId;

	/// Its pipeline, once one took it.
	fn pipeline(&self) -> Option<PipelineId>;

	/// Salt of the digest that stands on chain.
	fn salt(&self) -> [u8; 32];

	/// Is the entry of the job until the reply ends, or the client has gone; tells it every token.
	fn answer<'a>(&'a mut self, client: &'a mut Client) -> BoxFuture<'a, Result<(), ApiError>>;

	/// Waits until the reply of the last [`Job::answer`] is verified, or the job is to be answered again.
	fn verified(&mut self) -> BoxFuture<'_, Result<Verified, ApiError>>;

	/// Waits for the end of the job on chain.
	fn ended(&mut self) -> BoxFuture<'_, Result<Ending, ApiError>>;
}

/// What the client of a request is told, in this order.
#[derive(Clone, Debug)]
pub enum Event {
	/// The job is in a block.
	Bought(JobId),
	/// A token, with the text that it completes.
	Token(Step),
	/// The prompt as one vector of length 1, `[hidden]`; the last of several stands.
	Pooled(Vec<f32>),
	/// What was told of the reply does not count: it comes again.
	Again,
	/// The reply is whole.
	Done {
		/// The job's number at the end.
		job: JobId,
		/// Who ran it.
		pipeline: Option<PipelineId>,
		/// Salt of the digest that stands on chain.
		salt: [u8; 32],
	},
	/// There will be no (more) reply.
	Failed(ApiError),
}

/// The task behind an [`Events`] died without a last word.
#[derive(Clone, Copy, Debug)]
pub struct Lost;

/// The client's end of a request.
pub struct Client {
	/// Unbounded, so that a slow reader does not hold the ring up. A reply has 2 048 tokens at most, and keeps
	/// its place until they are taken, so no more replies than there are places wait in memory.
	events: mpsc::UnboundedSender<Event>,
	/// Tokens told.
	pub tokens: u32,
	/// Tokens of the reply as it is being made now.
	made: u32,
	first: Option<Instant>,
}

/// What comes for a client. Dropping it means that the client has gone.
pub struct Events(mpsc::UnboundedReceiver<Event>);

/// Both ends of a request.
pub fn channel() -> (Client, Events) {
	let (events, told) = mpsc::unbounded_channel();
	let client = Client {
		events,
		tokens: 0,
		made: 0,
		first: None,
	};
	(client, Events(told))
}

impl Client {
	/// The reply begins, perhaps anew in another ring: what was told before is not told again, as the same
	/// seed gives the same tokens.
	pub fn begin(&mut self) {
		self.made = 0;
	}

	/// The reply comes again from other workers: the rows of those before, and so their tokens, may have been wrong.
	pub fn anew(&mut self) {
		(self.tokens, self.made) = (0, 0);
		self.tell(Event::Again);
	}

	/// Tells a token; breaks once the client has gone.
	pub fn token(&mut self, step: &Step) -> ControlFlow<()> {
		self.made += 1;
		let heard = match self.made > self.tokens {
			true => {
				self.tokens = self.made;
				self.first.get_or_insert_with(Instant::now);
				self.tell(Event::Token(step.clone()))
			}
			false => !self.has_gone(),
		};
		go_on(heard)
	}

	/// Keeps a token to itself; breaks once the client has gone.
	pub fn untold(&self) -> ControlFlow<()> {
		go_on(!self.has_gone())
	}

	/// Tells something; whether somebody still listens.
	pub fn tell(&self, event: Event) -> bool {
		self.events.send(event).is_ok()
	}

	/// How long after `since` the first token came, if one did.
	pub fn first_token(&self, since: Instant) -> Option<Duration> {
		self.first.map(|first| first.duration_since(since))
	}

	/// Whether the client has gone.
	pub fn has_gone(&self) -> bool {
		self.events.is_closed()
	}

	/// Waits until the client has gone.
	pub async fn gone(&self) {
		self.events.closed().await
	}
}

impl Events {
	/// What comes next.
	pub async fn next(&mut self) -> Result<Event, Lost> {
		self.0.recv().await.ok_or(Lost)
	}
}

fn go_on(heard: bool) -> ControlFlow<()> {
	match heard {
		true => ControlFlow::Continue(()),
		false => ControlFlow::Break(()),
	}
}

impl Model {
	/// What a model is called with an adapter, `model+adapter`, once for each that takes prompts.
	pub fn adapted(view: &ModelView) -> Vec<Self> {
		let adapters = view.adapters.iter().filter(|adapter| !adapter.retired);
		let adapted = adapters.map(|adapter| Self {
			name: format!("{}+{}", view.name, adapter.name),
			owner: adapter.owner.clone(),
			adapter: Some(adapter.id),
			..Self::from(view.clone())
		});
		adapted.collect()
	}
}

impl From<ModelView> for Model {
	fn from(view: ModelView) -> Self {
		Self {
			adapter: None,
			id: view.id,
			name: view.name,
			owner: view.owner,
			profile: view.profile,
			max_context: view.max_context,
			manifest_root: view.manifest_root,
		}
	}
}
