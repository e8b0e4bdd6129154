//! A market in memory, and a gateway that buys there.

use axum::{
	body::{to_bytes, Body},
	http::{Request, Response, StatusCode},
	Router,
};
use dllm_model::entry::{Finish, Likelihood, Likely, Step};
use dllm_primitives::{
	api::AccountId32,
	ids::{Digest, JobId, PipelineId},
	model::Profile,
};
use dllm_worker::gateway::{
	keys::Keys,
	market::{Client, Ending, Event, Job, Market, Model, Offer, Verified},
	request::Ask,
	roll::Roll,
	routes::router,
	spending::Spending,
	ApiError, Gateway, Options,
};
use dllm_worker::pipeline::entry::Wishes;
use futures::future::BoxFuture;
use serde_json::{json, Value};
use std::{
	sync::{
		atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
		Arc, Mutex,
	},
	time::Duration,
};
use tempfile::TempDir;
use tokio::{sync::Semaphore, task::yield_now, time::timeout};
use tower::ServiceExt;

pub const MODEL: &str = "fixture";
/// The same with an adapter.
pub const ADAPTED: &str = "fixture+pirate";
/// What the market's jobs answer, token by token.
pub const REPLY: [&str; 4] = ["Hel", "lo ", "", "there"];
pub const PROMPT_TOKENS: usize = 5;
/// What the market makes of every prompt whose rows are pooled.
pub const POOLED: [f32; 2] = [0.6, -0.8];
/// Planck of every token, of prompt or reply.
pub const PRICE: u128 = 10;
const REPLY_LIMIT: u32 = 16;
const JSON_LIMIT: usize = 1 << 22;
/// Longest wait for what takes milliseconds.
pub const SOON: Duration = Duration::from_secs(20);

/// Sells everything that is asked for; tests set what goes otherwise.
pub struct FakeMarket {
	jobs: AtomicU64,
	/// Tokens that may still be said.
	pub tokens: Semaphore,
	/// Set: why nothing can be bought.
	pub refuses: Mutex<Option<ApiError>>,
	/// Set: why nothing has a price.
	pub unpriced: Mutex<Option<ApiError>>,
	/// Set: why replies break off after the tokens that were allowed.
	pub breaks: Mutex<Option<ApiError>>,
	/// Vectors that break off before one comes.
	pub breaking: AtomicU32,
	/// Whether replies are told once they are verified.
	pub rerun: AtomicBool,
	/// Runs whose workers are found to have failed.
	pub failing: AtomicU32,
	/// Whether jobs are refunded in the end.
	pub refunds: AtomicBool,
	/// Tokens that the last job said until its client had gone, or its reply ended.
	pub said: AtomicU32,
	/// One permit for every job that ended.
	pub ended: Semaphore,
	/// What was asked last.
	pub asked: Mutex<Option<Ask>>,
	/// Rolls that were called.
	pub rolls: AtomicU32,
	/// Who of the two workers is absent; none where nobody answers.
	pub absent: Mutex<Option<Vec<AccountId32>>>,
}

/// The workers of the market.
pub fn worker(number: u8) -> AccountId32 {
	AccountId32::new([number; 32])
}

impl FakeMarket {
	pub fn new() -> Arc<Self> {
		Arc::new(Self {
			jobs: AtomicU64::new(1),
			tokens: Semaphore::new(1_000_000),
			refuses: Mutex::default(),
			unpriced: Mutex::default(),
			breaks: Mutex::default(),
			breaking: AtomicU32::new(0),
			rerun: AtomicBool::new(false),
			failing: AtomicU32::new(0),
			refunds: AtomicBool::new(false),
			said: AtomicU32::new(0),
			ended: Semaphore::new(0),
			asked: Mutex::default(),
			rolls: AtomicU32::new(0),
			absent: Mutex::new(Some(Vec::new())),
		})
	}

	/// Jobs that were bought.
	pub fn bought(&self) -> u64 {
		self.jobs.load(Ordering::SeqCst) - 1
	}
}

/// The market, as a gateway holds it.
struct Shared(Arc<FakeMarket>);

impl Market for Shared {
	fn models(&self) -> BoxFuture<'_, Result<Vec<Model>, ApiError>> {
		let model = |id, name: &str| Model {
			id,
			name: name.into(),
			owner: AccountId32::new([1; 32]),
			profile: Profile::F32,
			max_context: 512,
			manifest_root: Digest::repeat_byte(7),
			adapter: None,
		};
		let adapted = Model {
			adapter: Some(9),
			..model(3, ADAPTED)
		};
		Box::pin(async move { Ok(vec![model(3, MODEL), adapted, model(4, "other")]) })
	}

	fn offer<'a>(&'a self, model: Model, ask: &'a Ask) -> BoxFuture<'a, Result<Offer, ApiError>> {
		Box::pin(async move {
			if let Some(error) = self.0.unpriced.lock().unwrap().clone() {
				return Err(error);
			}
			*self.0.asked.lock().unwrap() = Some(ask.clone());
			let tokens = ask.max_tokens.unwrap_or(REPLY_LIMIT);
			Ok(Offer {
				model,
				prompt: ask.prompt.clone(),
				tokens: vec![0; PROMPT_TOKENS],
				limits: ask.limits(tokens)?,
				wishes: ask.wishes,
				price: PRICE * (PROMPT_TOKENS as u128 + u128::from(tokens)),
				rerun: self.0.rerun.load(Ordering::SeqCst) && !ask.stream,
			})
		})
	}

	fn buy(&self, offer: Offer) -> BoxFuture<'_, Result<Box<dyn Job>, ApiError>> {
		Box::pin(async move {
			if let Some(error) = self.0.refuses.lock().unwrap().clone() {
				return Err(error);
			}
			let number = self.0.jobs.fetch_add(1, Ordering::SeqCst);
			let job = FakeJob {
				market: self.0.clone(),
				number,
				wishes: offer.wishes,
				said: 0,
			};
			Ok(Box::new(job) as Box<dyn Job>)
		})
	}

	fn ending(&self, job: JobId) -> BoxFuture<'_, Result<Option<Ending>, ApiError>> {
		let known = Ending {
			settled: true,
			fee: 77,
		};
		Box::pin(async move {
			self.0.ended.add_permits(1);
			Ok((job < 100).then_some(known))
		})
	}

	fn receipt(&self, job: JobId) -> BoxFuture<'_, Result<Option<Value>, ApiError>> {
		Box::pin(async move { Ok((job == 1).then(|| json!({ "object": "dllm.receipt" }))) })
	}

	fn roll(&self) -> BoxFuture<'_, Result<Roll, ApiError>> {
		self.0.rolls.fetch_add(1, Ordering::Relaxed);
		let absent = self.0.absent.lock().unwrap().clone();
		// Others ask before this one is answered.
		Box::pin(async move {
			yield_now().await;
			let called = vec![worker(1), worker(2)];
			Ok(Roll { called, absent })
		})
	}

	fn ready(&self) -> BoxFuture<'_, Result<(), ApiError>> {
		Box::pin(async { Ok(()) })
	}
}

struct FakeJob {
	market: Arc<FakeMarket>,
	number: JobId,
	wishes: Wishes,
	said: u32,
}

/// How likely the market says that a token was: the same for all, with made-up others.
fn likelihood(token: u32, text: &str, most: usize) -> Likelihood {
	let likely = |token: u32, text: &str, logprob| Likely {
		token,
		bytes: text.into(),
		logprob,
	};
	let others = (0..most as u32).map(|at| likely(at, &format!("other {at}"), -f64::from(at)));
	Likelihood {
		chosen: likely(token, text, -0.5),
		likeliest: others.collect(),
	}
}

impl Job for FakeJob {
	fn number(&self) -> JobId {
		self.number
	}

	fn pipeline(&self) -> Option<PipelineId> {
		Some(9)
	}

	fn salt(&self) -> [u8; 32] {
		[2; 32]
	}

	fn answer<'a>(&'a mut self, client: &'a mut Client) -> BoxFuture<'a, Result<(), ApiError>> {
		Box::pin(async move {
			let market = self.market.clone();
			if self.wishes.pooled {
				if let Some(error) = market.breaks.lock().unwrap().clone() {
					return Err(error);
				}
				let one_less = |left: u32| left.checked_sub(1);
				let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
				if market.breaking.fetch_update(set, fetch, one_less).is_ok() {
					let reason = "a worker is gone".into();
					return Err(ApiError::BrokeOff { reason });
				}
				client.tell(Event::Pooled(POOLED.into()));
				return Ok(());
			}
			for (at, text) in REPLY.iter().enumerate() {
				if market.tokens.available_permits() == 0 {
					if let Some(error) = market.breaks.lock().unwrap().clone() {
						return Err(error);
					}
				}
				market.tokens.acquire().await.unwrap().forget();
				self.said += 1;
				market.said.store(self.said, Ordering::SeqCst);
				let step = Step {
					token: at as u32,
					text: (*text).into(),
					finish: (at + 1 == REPLY.len()).then_some(Finish::EndOfReply),
					likelihood: self
						.wishes
						.likeliest
						.map(|most| likelihood(at as u32, text, most)),
				};
				if client.token(&step).is_break() {
					break;
				}
			}
			Ok(())
		})
	}

	fn verified(&mut self) -> BoxFuture<'_, Result<Verified, ApiError>> {
		Box::pin(async move {
			let one_less = |left: u32| left.checked_sub(1);
			let (set, fetch) = (Ordering::SeqCst, Ordering::SeqCst);
			let failing = &self.market.failing;
			if failing.fetch_update(set, fetch, one_less).is_ok() {
				self.number += 100;
				return Ok(Verified::Again);
			}
			let settled = !self.market.refunds.load(Ordering::SeqCst);
			Ok(Verified::Over(Ending { settled, fee: 0 }))
		})
	}

	fn ended(&mut self) -> BoxFuture<'_, Result<Ending, ApiError>> {
		Box::pin(async move {
			let tokens = PROMPT_TOKENS as u128 + u128::from(self.said);
			self.market.ended.add_permits(1);
			Ok(Ending {
				settled: true,
				fee: PRICE * tokens,
			})
		})
	}
}

/// A gateway before the fake market, and its files.
pub struct Lab {
	pub market: Arc<FakeMarket>,
	pub gateway: Arc<Gateway>,
	pub router: Router,
	/// Holds the files of keys and spending.
	_folder: TempDir,
	/// A key without limits.
	pub key: String,
}

impl Lab {
	pub fn new() -> Self {
		Self::with(Options::default())
	}

	pub fn with(options: Options) -> Self {
		let folder = tempfile::tempdir().unwrap();
		let keys = Keys::open(folder.path().join("keys.json")).unwrap();
		let key = keys.add("tester", None, None).unwrap();
		let spending = Spending::open(folder.path().join("spending.json")).unwrap();
		let market = FakeMarket::new();
		let buys = Arc::new(Shared(market.clone()));
		let gateway = Arc::new(Gateway::new(options, buys, keys, spending));
		let router = router(gateway.clone());
		Self {
			market,
			gateway,
			router,
			_folder: folder,
			key,
		}
	}

	/// Sends a request and gives the answer as it begins.
	pub async fn send(&self, request: Request<Body>) -> Response<Body> {
		self.router.clone().oneshot(request).await.unwrap()
	}

	/// Posts a body with a key.
	pub fn post(&self, path: &str, key: &str, body: impl Into<Body>) -> Request<Body> {
		let request = Request::post(path).header("authorization", format!("Bearer {key}"));
		request.body(body.into()).unwrap()
	}

	/// Asks in a conversation, with `changes` over the usual fields.
	pub async fn chat(&self, key: &str, changes: Value) -> Response<Body> {
		let mut body = json!({
			"model": MODEL,
			"messages": [{ "role": "user", "content": "Hello?" }],
		});
		for (name, value) in changes.as_object().unwrap() {
			body[name] = value.clone();
		}
		self.send(self.post("/v1/chat/completions", key, body.to_string()))
			.await
	}

	pub async fn get(&self, path: &str) -> Response<Body> {
		let request = Request::get(path).header("authorization", format!("Bearer {}", self.key));
		self.send(request.body(Body::empty()).unwrap()).await
	}

	/// Waits until so many jobs have ended, and their fees are in the file.
	pub async fn settled(&self, jobs: u32) {
		let settled = async {
			self.market.ended.acquire_many(jobs).await.unwrap().forget();
			while !self.gateway.spending.left_open().is_empty() {
				tokio::task::yield_now().await;
			}
		};
		let settled = timeout(SOON, settled).await;
		settled.expect("not all jobs have ended, or a fee is not in the file");
	}
}

pub async fn text(response: Response<Body>) -> String {
	let bytes = to_bytes(response.into_body(), JSON_LIMIT).await.unwrap();
	String::from_utf8(bytes.to_vec()).unwrap()
}

pub async fn json_of(response: Response<Body>) -> Value {
	serde_json::from_str(&text(response).await).unwrap()
}

/// Asserts that an answer is an error of OpenAI's shape, and gives it.
pub async fn error_of(response: Response<Body>, status: StatusCode) -> Value {
	assert_eq!(response.status(), status);
	let body = json_of(response).await;
	let error = &body["error"];
	assert!(error["message"]
		.as_str()
		.is_some_and(|message| !message.is_empty()));
	assert!(error["type"].is_string());
	assert!(error.get("param").is_some() && error.get("code").is_some());
	error.clone()
}
