//! The gateway: an HTTP server that speaks OpenAI's protocol and pays for prompts on chain.
//!
//! It is the entry of every job that it buys: tokenizer, embedding, head and sampler run here, and only
//! hidden rows leave the machine. One request walks through these files:
//!
//! | step | file |
//! |---|---|
//! | a connection, a route, a request id | [`server`], [`patience`], [`unread`], [`routes`] |
//! | whose key it is, whether it may ask now | [`keys`], [`admission`] |
//! | what is asked | [`request`] |
//! | what it may cost, out of whose budget | [`market`], [`spending`] |
//! | the job is bought, run and followed to its end | [`conversation`], [`on_chain`], [`sealed`] |
//! | the reply, or the error, as OpenAI's clients read it | [`answer`], [`logprobs`], [`embeddings`], [`reply`], [`error`] |
//!
//! What the chain verifies and who is paid is left to the chain; `GET /v1/receipts/{job}` shows it. [`roll`] tells
//! the web page which workers answer.

pub mod admission;
pub mod answer;
mod conversation;
pub mod embeddings;
pub mod error;
mod files;
pub mod keys;
mod logprobs;
pub mod market;
mod metrics;
pub mod on_chain;
pub mod options;
pub mod patience;
mod prompt;
pub mod reply;
pub mod request;
pub mod roll;
pub mod routes;
mod sealed;
pub mod server;
pub mod spending;
pub mod unread;

pub use error::ApiError;
pub use files::FileError;
pub use options::Options;

use admission::{Queue, Rates};
use keys::{Key, Keys};
use market::{Market, Model};
use metrics::Metrics;
use roll::Rolls;
use spending::Spending;
use std::sync::{
	atomic::{AtomicBool, Ordering},
	Arc,
};

/// What every request shares.
pub struct Gateway {
	/// What it was told.
	pub options: Options,
	/// Where prompts are bought.
	pub market: Arc<dyn Market>,
	/// Who may ask.
	pub keys: Keys,
	/// What was spent.
	pub spending: Arc<Spending>,
	rates: Rates,
	queue: Queue,
	metrics: Metrics,
	rolls: Rolls,
	draining: AtomicBool,
}

impl Gateway {
	/// A gateway that buys at `market`.
	pub fn new(
		options: Options,
		market: Arc<dyn Market>,
		keys: Keys,
		spending: Arc<Spending>,
	) -> Self {
		let queue = Queue::new(options.running, options.waiting);
		Self {
			options,
			market,
			keys,
			spending,
			rates: Rates::default(),
			queue,
			metrics: Metrics::at_zero(),
			rolls: Rolls::default(),
			draining: AtomicBool::new(false),
		}
	}

	/// Follows the jobs of which a gateway before this one did not see the end.
	pub fn resume(self: &Arc<Self>) {
		conversation::resume(self);
	}

	/// Refuses new requests from now on, and waits until those under way are answered.
	pub async fn drain(&self) {
		self.draining.store(true, Ordering::Relaxed);
		self.queue.empty().await;
	}

	/// Fails once the gateway is about to stop.
	fn expect_open(&self) -> Result<(), ApiError> {
		match self.draining.load(Ordering::Relaxed) {
			true => Err(ApiError::Draining),
			false => Ok(()),
		}
	}

	/// Whose request it is, by the header `authorization`.
	fn caller(&self, authorization: Option<&str>) -> Result<Key, ApiError> {
		let given = authorization.and_then(|value| {
			let (scheme, key) = value.split_once(' ')?;
			scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
		});
		if let Some(key) = given.and_then(|given| self.keys.find(given)) {
			return Ok(key);
		}
		match (given, self.options.open) {
			(_, true) => Ok(Key::anybody()),
			(None, false) => Err(ApiError::NoKey),
			(Some(_), false) => Err(ApiError::WrongKey),
		}
	}

	/// An active model by its name or number, or with an adapter by both names; of several with one name the
	/// youngest.
	async fn model(&self, named: &str) -> Result<Model, ApiError> {
		let number = named.parse().ok();
		let models = self.market.models().await?;
		let found = models
			.into_iter()
			.filter(|model| {
				let numbered = model.adapter.is_none() && Some(model.id) == number;
				model.name == named || numbered
			})
			.max_by_key(|model| (model.name == named, model.id, model.adapter));
		found.ok_or_else(|| ApiError::UnknownModel {
			named: named.into(),
		})
	}
}
