//! The routes, and what every request passes on its way to one.

use super::{
	conversation::Conversation,
	market::{self, Event, Events},
	reply::{self, Envelope, Proof, Usage},
	request::Ask,
	ApiError, Gateway,
};
use axum::{
	body::{to_bytes, Body, Bytes},
	extract::{MatchedPath, Path, Request, State},
	http::{header, HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
	middleware::{self, Next},
	response::{
		sse::{Event as Line, KeepAlive, Sse},
		IntoResponse, Response,
	},
	routing::{get, post, MethodRouter},
	Extension, Router,
};
use dllm_primitives::ids::JobId;
use futures::stream;
use serde_json::{json, Value};
use std::{
	convert::Infallible,
	sync::Arc,
	time::{Duration, Instant},
};
use tower_http::{
	cors::{AllowHeaders, AllowOrigin, CorsLayer},
	services::{ServeDir, ServeFile},
};

/// The OpenAPI document; a test compares it with the routes below.
const OPENAPI: &str = include_str!("openapi.json");
/// Names a job in the headers of its reply.
pub const JOB_HEADER: &str = "x-dllm-job";
/// Names a request in its headers, those of its answer, and the log.
pub const REQUEST_HEADER: &str = "x-request-id";
/// Bytes of a body at most: eight times the longest prompt of a model of 32 000 tokens.
pub const MAX_BODY: usize = 1 << 20;
/// Longest wait for a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// A stream says that it lives when it has been silent for that long, for proxies that cut silent ones.
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// What the routes outside the table are called in metrics.
const OTHER_ROUTES: &str = "other";

/// The routes.
pub const PATHS: [&str; 10] = [
	MODELS,
	MODEL,
	CHAT,
	COMPLETIONS,
	EMBEDDINGS,
	RECEIPT,
	HEALTH,
	READY,
	METRICS,
	DOCUMENT,
];
const MODELS: &str = "/v1/models";
const MODEL: &str = "/v1/models/:model";
const CHAT: &str = "/v1/chat/completions";
const COMPLETIONS: &str = "/v1/completions";
const EMBEDDINGS: &str = "/v1/embeddings";
const RECEIPT: &str = "/v1/receipts/:job";
const HEALTH: &str = "/healthz";
const READY: &str = "/readyz";
const METRICS: &str = "/metrics";
const DOCUMENT: &str = "/openapi.json";

type Shared = State<Arc<Gateway>>;

/// The id of a request.
#[derive(Clone)]
struct RequestId(String);

/// Every route with its handlers.
pub fn router(gateway: Arc<Gateway>) -> Router {
	let options = &gateway.options;
	let cors = cors(&options.allow_origin);
	Router::new()
		.route(MODELS, only(get(models)))
		.route(MODEL, only(get(model)))
		.route(CHAT, only(post(chat)))
		.route(COMPLETIONS, only(post(completion)))
		.route(EMBEDDINGS, only(post(embeddings)))
		.route(RECEIPT, only(get(receipt)))
		.route(HEALTH, only(get(|| async { "ok\n" })))
		.route(READY, only(get(ready)))
		.route(METRICS, only(get(metrics)))
		.route(DOCUMENT, only(get(openapi)))
		.fallback(page)
		.layer(middleware::from_fn_with_state(gateway.clone(), passed))
		.layer(cors)
		.with_state(gateway)
}

/// Refuses the other methods of a route in OpenAI's shape.
fn only(route: MethodRouter<Arc<Gateway>>) -> MethodRouter<Arc<Gateway>> {
	route.fallback(|method: Method| async move {
		ApiError::WrongMethod {
			method: method.to_string(),
		}
	})
}

fn cors(origins: &[String]) -> CorsLayer {
	let own = [JOB_HEADER, REQUEST_HEADER].map(HeaderName::from_static);
	let shown = own.into_iter().chain([header::RETRY_AFTER]);
	let allowed = match origins.iter().any(|origin| origin == "*") {
		true => AllowOrigin::any(),
		false => AllowOrigin::list(origins.iter().filter_map(|origin| origin.parse().ok())),
	};
	CorsLayer::new()
		.allow_origin(allowed)
		.allow_methods([Method::GET, Method::POST])
		// The official clients send many headers of their own.
		.allow_headers(AllowHeaders::mirror_request())
		.expose_headers(shown.collect::<Vec<_>>())
}

/// Gives every request an id, and counts and logs its answer.
async fn passed(State(gateway): Shared, mut request: Request, next: Next) -> Response {
	let arrived = Instant::now();
	let id = request_id(request.headers());
	let route = request.extensions().get::<MatchedPath>();
	let route = route.map_or(OTHER_ROUTES.to_string(), |path| path.as_str().to_string());
	let method = request.method().clone();
	request.extensions_mut().insert(RequestId(id.clone()));

	let mut response = next.run(request).await;
	let status = response.status().as_u16();
	gateway.metrics.answered(&route, status);
	let took_ms = arrived.elapsed().as_millis() as u64;
	tracing::info!(request = id, %method, route, status, took_ms, "request");
	if let Ok(id) = HeaderValue::from_str(&id) {
		response.headers_mut().insert(REQUEST_HEADER, id);
	}
	response
}

/// The id that the client gave, if it is a plain one, else a new one.
fn request_id(headers: &HeaderMap) -> String {
	let given = headers
		.get(REQUEST_HEADER)
		.and_then(|value| value.to_str().ok());
	let plain = |id: &&str| {
		let letter = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
		(1..=64).contains(&id.len()) && id.chars().all(letter)
	};
	match given.filter(plain) {
		Some(id) => id.into(),
		None => format!(
			"req-{}",
			hex::encode(&crate::commitment::random_bytes()[..12])
		),
	}
}

async fn chat(
	State(gateway): Shared,
	Extension(id): Extension<RequestId>,
	request: Request,
) -> Result<Response, ApiError> {
	answer(gateway, id, request, Ask::chat).await
}

async fn completion(
	State(gateway): Shared,
	Extension(id): Extension<RequestId>,
	request: Request,
) -> Result<Response, ApiError> {
	answer(gateway, id, request, Ask::completion).await
}

/// Checks a request, has it bought, and answers with what comes of it.
async fn answer(
	gateway: Arc<Gateway>,
	RequestId(request_id): RequestId,
	request: Request,
	read: fn(&[u8]) -> Result<Ask, ApiError>,
) -> Result<Response, ApiError> {
	let arrived = Instant::now();
	gateway.expect_open()?;
	let key = gateway.caller(authorization(request.headers()))?;
	gateway.rates.take(&key, arrived)?;
	let ask = read(&body(request).await?)?;
	let model = gateway.model(&ask.model).await?;
	let place = gateway.queue.enter().await?;
	let offer = gateway.market.offer(model, &ask).await?;
	let hold = gateway.spending.hold(&key, offer.price)?;
	tracing::info!(
		request = request_id,
		key = key.id,
		price = %offer.price,
		"accepted"
	);

	let (client, mut events) = market::channel();
	let (model, price, tokens) = (offer.model.clone(), offer.price, offer.tokens.len());
	let conversation = Conversation {
		request_id,
		arrived,
		offer,
		hold,
		place,
		client,
	};
	tokio::spawn(conversation.run(gateway));
	let job = match events.next().await? {
		Event::Bought(job) => job,
		Event::Failed(error) => return Err(error),
		Event::Token(_) | Event::Done { .. } => return Err(market::Lost.into()),
	};
	let told = Told {
		envelope: Envelope::new(&ask, &model, job),
		events,
		usage: Usage {
			prompt: u32::try_from(tokens).unwrap_or(u32::MAX),
			reply: 0,
		},
		finish: None,
		price,
	};
	let mut response = match ask.stream {
		true => told.streamed(),
		false => told.whole().await?,
	};
	response.headers_mut().insert(JOB_HEADER, job.into());
	Ok(response)
}

/// A reply as it comes.
struct Told {
	envelope: Envelope,
	events: Events,
	usage: Usage,
	finish: Option<dllm_model::entry::Finish>,
	price: u128,
}

impl Told {
	/// The reply, once it is whole.
	async fn whole(mut self) -> Result<Response, ApiError> {
		let mut text = String::new();
		loop {
			match self.events.next().await? {
				Event::Bought(_) => {}
				Event::Token(step) => {
					self.usage.reply += 1;
					self.finish = step.finish;
					text.push_str(&step.text);
				}
				Event::Done {
					job,
					pipeline,
					salt,
				} => {
					let max_price = self.price;
					let proof = Proof {
						job,
						pipeline,
						max_price,
						salt,
					};
					let reply = self.envelope.whole(&text, self.finish, self.usage, &proof);
					return Ok(json_response(&reply));
				}
				Event::Failed(error) => return Err(error),
			}
		}
	}

	/// The reply token by token. Where it breaks off, the last line is the error.
	fn streamed(self) -> Response {
		let first = self.envelope.first().map(|chunk| vec![data(&chunk)]);
		let lines = stream::unfold((Some(self), first), |(told, first)| async move {
			if let Some(lines) = first {
				return Some((lines, (told, None)));
			}
			let (lines, told) = told?.lines().await;
			Some((lines, (told, None)))
		});
		let lines = futures::StreamExt::flat_map(lines, |lines| {
			stream::iter(lines.into_iter().map(Ok::<_, Infallible>))
		});
		let alive = KeepAlive::new().interval(KEEP_ALIVE);
		Sse::new(lines).keep_alive(alive).into_response()
	}

	/// The next lines of the stream, and what is left of the reply.
	async fn lines(mut self) -> (Vec<Line>, Option<Self>) {
		match self.events.next().await {
			Ok(Event::Bought(_)) => (Vec::new(), Some(self)),
			Ok(Event::Token(step)) => {
				self.usage.reply += 1;
				self.finish = step.finish;
				let shown = (!step.text.is_empty()).then(|| data(&self.envelope.text(&step.text)));
				(shown.into_iter().collect(), Some(self))
			}
			Ok(Event::Done {
				job,
				pipeline,
				salt,
			}) => {
				let max_price = self.price;
				let proof = Proof {
					job,
					pipeline,
					max_price,
					salt,
				};
				let last = data(&self.envelope.last(self.finish, &proof));
				let usage = self.envelope.usage(self.usage).map(|chunk| data(&chunk));
				let lines = [Some(last), usage, Some(Line::default().data("[DONE]"))];
				(lines.into_iter().flatten().collect(), None)
			}
			Ok(Event::Failed(error)) => (vec![data(&error.body())], None),
			Err(lost) => (vec![data(&ApiError::from(lost).body())], None),
		}
	}
}

async fn models(State(gateway): Shared, headers: HeaderMap) -> Result<Response, ApiError> {
	gateway.caller(authorization(&headers))?;
	let models = gateway.market.models().await?;
	let data = models.iter().map(reply::model).collect::<Vec<_>>();
	Ok(json_response(&json!({ "object": "list", "data": data })))
}

async fn model(
	State(gateway): Shared,
	Path(named): Path<String>,
	headers: HeaderMap,
) -> Result<Response, ApiError> {
	gateway.caller(authorization(&headers))?;
	Ok(json_response(&reply::model(&gateway.model(&named).await?)))
}

async fn embeddings(State(gateway): Shared, headers: HeaderMap) -> Result<Response, ApiError> {
	gateway.caller(authorization(&headers))?;
	Err(ApiError::Unable {
		what: "making embeddings",
	})
}

/// What stands on chain is public, so this needs no key.
async fn receipt(State(gateway): Shared, Path(job): Path<String>) -> Result<Response, ApiError> {
	let unknown = || ApiError::UnknownJob { job: job.clone() };
	let number = job.parse::<JobId>().map_err(|_| unknown())?;
	let receipt = gateway.market.receipt(number).await?;
	Ok(json_response(&receipt.ok_or_else(unknown)?))
}

async fn ready(State(gateway): Shared) -> Result<&'static str, ApiError> {
	gateway.expect_open()?;
	gateway.market.ready().await?;
	Ok("ready\n")
}

async fn metrics(State(gateway): Shared) -> Result<Response, ApiError> {
	let shown = gateway.metrics.shown(&gateway);
	let text = shown.map_err(|error| ApiError::Internal {
		reason: error.to_string(),
	})?;
	let kind = [(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)];
	Ok((kind, text).into_response())
}

async fn openapi() -> Response {
	let kind = [(header::CONTENT_TYPE, "application/json")];
	(kind, OPENAPI).into_response()
}

/// A file of the web page, or the page itself; an error where there is none.
async fn page(State(gateway): Shared, request: Request) -> Result<Response, ApiError> {
	let path = request.uri().path().to_string();
	let web = gateway.options.web.as_ref();
	let Some(web) = web.filter(|_| !path.starts_with("/v1")) else {
		return Err(ApiError::UnknownRoute { path });
	};
	if !matches!(*request.method(), Method::GET | Method::HEAD) {
		let method = request.method().to_string();
		return Err(ApiError::WrongMethod { method });
	}
	let mut files = ServeDir::new(web).fallback(ServeFile::new(web.join("index.html")));
	let served = files.try_call(request).await;
	let served = served.map_err(|error| ApiError::Internal {
		reason: error.to_string(),
	})?;
	if served.status() == StatusCode::NOT_FOUND {
		return Err(ApiError::UnknownRoute { path });
	}
	Ok(served.map(Body::new))
}

/// Reads a body, within limits of size and time.
async fn body(request: Request) -> Result<Bytes, ApiError> {
	let declared = request.headers().get(header::CONTENT_LENGTH);
	let declared = declared.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
	let too_large = ApiError::TooLarge { most: MAX_BODY };
	if declared.is_some_and(|bytes| bytes > MAX_BODY) {
		return Err(too_large);
	}
	let read = to_bytes(request.into_body(), MAX_BODY);
	match tokio::time::timeout(BODY_TIMEOUT, read).await {
		Ok(Ok(body)) => Ok(body),
		// A connection that broke has nobody to hear the answer.
		Ok(Err(_)) => Err(too_large),
		Err(_) => Err(ApiError::TooSlow {
			seconds: BODY_TIMEOUT.as_secs(),
		}),
	}
}

fn authorization(headers: &HeaderMap) -> Option<&str> {
	headers.get(header::AUTHORIZATION)?.to_str().ok()
}

fn json_response(value: &Value) -> Response {
	let kind = [(header::CONTENT_TYPE, "application/json")];
	(kind, value.to_string()).into_response()
}

fn data(value: &Value) -> Line {
	Line::default().data(value.to_string())
}
