//! A reply on its way to its client: the request is checked and bought, and what comes is told whole or
//! token by token.

use super::{
	conversation::Conversation,
	market::{self, Event, Events},
	reply::{Envelope, Proof, Usage},
	request::Ask,
	ApiError, Gateway,
};
use axum::{
	body::{to_bytes, Bytes},
	extract::Request,
	http::{header, HeaderMap},
	response::{
		sse::{Event as Line, KeepAlive, Sse},
		IntoResponse, Response,
	},
};
use dllm_model::entry::Finish;
use futures::{stream, StreamExt};
use serde_json::Value;
use std::{
	convert::Infallible,
	sync::Arc,
	time::{Duration, Instant},
};

/// Names a job in the headers of its reply.
pub const JOB_HEADER: &str = "x-dllm-job";
/// Bytes of a body at most: eight times the longest prompt of a model of 32 000 tokens.
pub const MAX_BODY: usize = 1 << 20;
/// Longest wait for a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// A stream says that it lives when it has been silent for that long, for proxies that cut silent ones.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Checks a request, has it bought, and answers with what comes of it.
pub async fn answer(
	gateway: Arc<Gateway>,
	request_id: String,
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
	finish: Option<Finish>,
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
		let lines =
			lines.flat_map(|lines| stream::iter(lines.into_iter().map(Ok::<_, Infallible>)));
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

/// The header with the key.
pub fn authorization(headers: &HeaderMap) -> Option<&str> {
	headers.get(header::AUTHORIZATION)?.to_str().ok()
}

/// An answer of JSON.
pub fn json_response(value: &Value) -> Response {
	let kind = [(header::CONTENT_TYPE, "application/json")];
	(kind, value.to_string()).into_response()
}

fn data(value: &Value) -> Line {
	Line::default().data(value.to_string())
}
