//! Why a request is not answered, in the shape and with the codes that OpenAI's clients know.

use super::market::Lost;
use axum::{
	http::{header, StatusCode},
	response::{IntoResponse, Response},
};
use serde_json::{json, Value};

/// Seconds after which a place in the queue or on the chain may be free: one block of it.
const NEXT_BLOCK: u64 = 3;
/// Seconds after which whatever replaces a gateway that stops will be there.
const RESTART: u64 = 10;

/// Why a request is not answered.
#[derive(thiserror::Error, Debug, Clone, PartialEq, Eq)]
pub enum ApiError {
	/// The body is no JSON, or a field of it cannot be obeyed.
	#[error("{message}")]
	Invalid {
		param: Option<&'static str>,
		message: String,
	},
	/// The prompt leaves no room for a reply.
	#[error("this model's maximum context length is {max} tokens, and the prompt has {tokens}: shorten it")]
	ContextTooLong {
		/// The field with the prompt.
		param: &'static str,
		tokens: usize,
		max: u32,
	},
	/// A request has more inputs than can run at once, or than its key has requests in a minute.
	#[error("{inputs} inputs are too many for one request: this gateway takes {most} at most with this key; send them as several requests")]
	TooManyInputs { inputs: usize, most: usize },
	/// There is no key.
	#[error(
		"no API key: send the header `Authorization: Bearer sk-dllm-…` with a key of this gateway"
	)]
	NoKey,
	/// The key is none of this gateway's.
	#[error(
		"incorrect API key: ask who runs this gateway for one (`dllm-worker gateway key add`)"
	)]
	WrongKey,
	/// The budget of the key is spent.
	#[error("the budget of this key does not cover the request: {left} planck are left, it may cost {price}; ask for fewer tokens, or for a higher budget")]
	BudgetSpent { left: u128, price: u128 },
	/// The account of the gateway cannot pay.
	#[error("this gateway's account has too little money for the request, which may cost {price} planck: who runs it has to fill the account")]
	NoFunds { price: u128 },
	/// There is no such route.
	#[error("unknown request URL: {path}; /openapi.json lists what there is")]
	UnknownRoute { path: String },
	/// There is no such model.
	#[error(
		"the model `{named}` does not exist or is not active on this chain: GET /v1/models lists them"
	)]
	UnknownModel { named: String },
	/// The chain knows no such job.
	#[error("the chain knows no job {job}, or has dropped its record for its age")]
	UnknownJob { job: String },
	/// The route knows another method.
	#[error("not allowed to {method} here: /openapi.json lists the methods")]
	WrongMethod { method: String },
	/// The body did not arrive.
	#[error("the body of the request did not arrive within {seconds} s")]
	TooSlow { seconds: u64 },
	/// The body is too large.
	#[error("the body of the request is larger than {most} bytes")]
	TooLarge { most: usize },
	/// The key's requests of this minute are used up.
	#[error("rate limit reached: this key has {rate} requests a minute; try again in {wait} s")]
	RateLimited { rate: u32, wait: u64 },
	/// Too many requests wait already.
	#[error("the queue of this gateway is full: try again in a moment")]
	QueueFull,
	/// The gateway stops.
	#[error("this gateway is about to stop and takes no new requests")]
	Draining,
	/// Nobody serves the model.
	#[error("no live pipeline of model `{model}` serves such a request now: try again later, or ask for fewer tokens")]
	NoPipeline { model: String },
	/// The chain cannot be asked, or refused.
	#[error("the chain cannot take the request now ({reason}): try again")]
	Chain { reason: String },
	/// The model is not ready here.
	#[error("the model is not ready on this gateway ({reason}): try again")]
	NotReady { reason: String },
	/// The ring did not bring a reply to its end.
	#[error("the reply broke off ({reason}): rows that ran may be charged, the rest comes back; send the request again")]
	BrokeOff { reason: String },
	/// Something that should not happen.
	#[error("the gateway failed ({reason}): its log says more")]
	Internal { reason: String },
}

impl ApiError {
	/// A field that cannot be obeyed.
	pub fn invalid(param: &'static str, message: impl Into<String>) -> Self {
		Self::Invalid {
			param: Some(param),
			message: message.into(),
		}
	}

	/// Its HTTP status.
	pub fn status(&self) -> StatusCode {
		match self {
			Self::Invalid { .. } | Self::ContextTooLong { .. } => StatusCode::BAD_REQUEST,
			Self::NoKey | Self::WrongKey => StatusCode::UNAUTHORIZED,
			Self::BudgetSpent { .. } | Self::NoFunds { .. } => StatusCode::PAYMENT_REQUIRED,
			Self::UnknownRoute { .. } | Self::UnknownModel { .. } | Self::UnknownJob { .. } => {
				StatusCode::NOT_FOUND
			}
			Self::WrongMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
			Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
			Self::TooLarge { .. } | Self::TooManyInputs { .. } => StatusCode::PAYLOAD_TOO_LARGE,
			Self::RateLimited { .. } | Self::QueueFull => StatusCode::TOO_MANY_REQUESTS,
			Self::Draining
			| Self::NoPipeline { .. }
			| Self::Chain { .. }
			| Self::NotReady { .. }
			| Self::BrokeOff { .. } => StatusCode::SERVICE_UNAVAILABLE,
			Self::Internal { .. } => StatusCode::INTERNAL_SERVER_ERROR,
		}
	}

	/// Its name for programs; none where the status says it all.
	pub fn code(&self) -> Option<&'static str> {
		Some(match self {
			Self::ContextTooLong { .. } => "context_length_exceeded",
			Self::NoKey | Self::WrongKey => "invalid_api_key",
			Self::BudgetSpent { .. } | Self::NoFunds { .. } => "insufficient_quota",
			Self::UnknownRoute { .. } => "unknown_url",
			Self::UnknownModel { .. } => "model_not_found",
			Self::UnknownJob { .. } => "job_not_found",
			Self::WrongMethod { .. } => "method_not_allowed",
			Self::TooSlow { .. } => "request_timeout",
			Self::TooLarge { .. } | Self::TooManyInputs { .. } => "request_too_large",
			Self::RateLimited { .. } => "rate_limit_exceeded",
			Self::QueueFull => "queue_full",
			Self::Draining => "draining",
			Self::NoPipeline { .. } => "no_pipeline",
			Self::Chain { .. } => "chain_unavailable",
			Self::NotReady { .. } => "model_not_ready",
			Self::BrokeOff { .. } => "reply_broke_off",
			Self::Invalid { .. } | Self::Internal { .. } => return None,
		})
	}

	/// Its kind, as OpenAI names kinds.
	pub fn kind(&self) -> &'static str {
		match self.status() {
			StatusCode::UNAUTHORIZED => "authentication_error",
			StatusCode::PAYMENT_REQUIRED => "insufficient_quota",
			StatusCode::TOO_MANY_REQUESTS => "rate_limit_error",
			status if status.is_server_error() => "server_error",
			_ => "invalid_request_error",
		}
	}

	/// Seconds after which the same request may succeed, where that is known.
	pub fn retry_after(&self) -> Option<u64> {
		match self {
			Self::RateLimited { wait, .. } => Some(*wait),
			Self::QueueFull | Self::NoPipeline { .. } | Self::Chain { .. } => Some(NEXT_BLOCK),
			Self::NotReady { .. } | Self::BrokeOff { .. } => Some(NEXT_BLOCK),
			Self::Draining => Some(RESTART),
			_ => None,
		}
	}

	/// The body of the answer.
	pub fn body(&self) -> Value {
		let param = match self {
			Self::Invalid { param, .. } => *param,
			Self::UnknownModel { .. } => Some("model"),
			Self::ContextTooLong { param, .. } => Some(*param),
			Self::TooManyInputs { .. } => Some("input"),
			_ => None,
		};
		json!({ "error": {
			"message": self.to_string(),
			"type": self.kind(),
			"param": param,
			"code": self.code(),
		}})
	}
}

impl From<Lost> for ApiError {
	fn from(_: Lost) -> Self {
		Self::BrokeOff {
			reason: "the task that ran it has died".into(),
		}
	}
}

impl IntoResponse for ApiError {
	fn into_response(self) -> Response {
		let content = [(header::CONTENT_TYPE, "application/json")];
		let mut response = (self.status(), content, self.body().to_string()).into_response();
		let headers = response.headers_mut();
		if let Some(seconds) = self.retry_after() {
			headers.insert(header::RETRY_AFTER, seconds.into());
		}
		response
	}
}
