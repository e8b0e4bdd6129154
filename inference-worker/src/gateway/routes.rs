//! The routes, and what every request passes on its way to one.

use super::{
	answer::{answer, authorization, json_response, JOB_HEADER},
	embeddings::embed,
	reply,
	request::Ask,
	roll,
	unread::heard_out,
	ApiError, Gateway,
};
use axum::{
	body::Body,
	extract::{MatchedPath, Path, Request, State},
	http::{header, HeaderMap, HeaderName, HeaderValue, Method, StatusCode},
	middleware::{self, Next},
	response::{IntoResponse, Response},
	routing::{get, post, MethodRouter},
	Extension, Router,
};
use dllm_primitives::ids::JobId;
use serde_json::json;
use std::{sync::Arc, time::Instant};
use tower_http::{
	cors::{AllowHeaders, AllowOrigin, CorsLayer},
	services::{ServeDir, ServeFile},
};

/// The OpenAPI document; a test compares it with the routes below.
const OPENAPI: &str = include_str!("openapi.json");
/// Names a request in its headers, those of its answer, and the log.
pub const REQUEST_HEADER: &str = "x-request-id";
/// What the routes outside the table are called in metrics.
const OTHER_ROUTES: &str = "other";

/// The routes.
pub const PATHS: [&str; 11] = [
	MODELS,
	MODEL,
	CHAT,
	COMPLETIONS,
	EMBEDDINGS,
	RECEIPT,
	ROLL,
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
const ROLL: &str = "/v1/roll";
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
		.route(ROLL, only(get(called)))
		.route(HEALTH, only(get(|| async { "ok\n" })))
		.route(READY, only(get(ready)))
		.route(METRICS, only(get(metrics)))
		.route(DOCUMENT, only(get(openapi)))
		.fallback(page)
		.layer(middleware::from_fn(heard_out))
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
	answer(gateway, id.0, request, Ask::chat).await
}

async fn completion(
	State(gateway): Shared,
	Extension(id): Extension<RequestId>,
	request: Request,
) -> Result<Response, ApiError> {
	answer(gateway, id.0, request, Ask::completion).await
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

async fn embeddings(
	State(gateway): Shared,
	Extension(id): Extension<RequestId>,
	request: Request,
) -> Result<Response, ApiError> {
	embed(gateway, id.0, request).await
}

/// What stands on chain is public, so this needs no key.
async fn receipt(State(gateway): Shared, Path(job): Path<String>) -> Result<Response, ApiError> {
	let unknown = || ApiError::UnknownJob { job: job.clone() };
	let number = job.parse::<JobId>().map_err(|_| unknown())?;
	let receipt = gateway.market.receipt(number).await?;
	Ok(json_response(&receipt.ok_or_else(unknown)?))
}

/// Workers and where they are stand on chain, so this needs no key.
async fn called(State(gateway): Shared) -> Result<Response, ApiError> {
	let rolls = &gateway.rolls;
	let roll = rolls
		.latest(gateway.market.as_ref(), Instant::now())
		.await?;
	Ok(json_response(&roll::shown(&roll)))
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
