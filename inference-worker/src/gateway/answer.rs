//! A reply on its way to its client: the request is checked and bought, and what comes is told whole or
//! token by token.

use super::{
	admission::Place,
	conversation::Conversation,
	keys::Key,
	logprobs::Logprobs,
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
use dllm_model::entry::{Finish, Likelihood, Step};
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
	let (key, body) = admit(&gateway, arrived, request).await?;
	let ask = read(&body)?;
	let model = gateway.model(&ask.model).await?;
	let place = gateway.queue.enter(1).await?;
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
		place: place.clone(),
		client,
	};
	tokio::spawn(conversation.run(gateway));
	let job = match events.next().await? {
		Event::Bought(job) => job,
		Event::Failed(error) => return Err(error),
		Event::Token(_) | Event::Pooled(_) | Event::Again | Event::Done { .. } => {
			return Err(market::Lost.into())
		}
	};
	let told = Told {
		logprobs: ask.wishes.likeliest.map(|_| Logprobs::new(ask.kind)),
		envelope: Envelope::new(&ask, &model, job),
		events,
		usage: Usage {
			prompt: u32::try_from(tokens).unwrap_or(u32::MAX),
			reply: 0,
		},
		finish: None,
		price,
		_place: place,
	};
	let mut response = match ask.stream {
		true => told.streamed(),
		false => told.whole().await?,
	};
	response.headers_mut().insert(JOB_HEADER, job.into());
	Ok(response)
}

/// Who asks, and what, where both may pass.
pub(super) async fn admit(
	gateway: &Gateway,
	arrived: Instant,
	request: Request,
) -> Result<(Key, Bytes), ApiError> {
	gateway.expect_open()?;
	let key = gateway.caller(authorization(request.headers()))?;
	gateway.rates.take(&key, arrived)?;
	Ok((key, body(request).await?))
}

/// A reply as it comes.
struct Told {
	envelope: Envelope,
	/// How likelihoods are shown, where they are asked for.
	logprobs: Option<Logprobs>,
	events: Events,
	usage: Usage,
	finish: Option<Finish>,
	price: u128,
	/// Kept until the client has taken the reply: what is still to be told is in memory until then.
	_place: Place,
}

impl Told {
	/// The reply, once it is whole.
	async fn whole(mut self) -> Result<Response, ApiError> {
		let (mut text, mut likelihoods) = (String::new(), Vec::new());
		loop {
			match self.events.next().await? {
				Event::Bought(_) | Event::Pooled(_) => {}
				Event::Again => {
					text.clear();
					likelihoods.clear();
					(self.usage.reply, self.finish) = (0, None);
				}
				Event::Token(step) => {
					self.count(&step);
					text.push_str(&step.text);
					likelihoods.extend(of_the_reply(step));
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
					let logprobs = self.logprobs.as_mut();
					let logprobs = logprobs.map(|logprobs| logprobs.shown(&likelihoods));
					let (finish, usage) = (self.finish, self.usage);
					let reply = self.envelope.whole(&text, logprobs, finish, usage, &proof);
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
			// What is streamed is never told again: it is bought without a second run.
			Ok(Event::Bought(_) | Event::Pooled(_) | Event::Again) => (Vec::new(), Some(self)),
			Ok(Event::Token(step)) => {
				self.count(&step);
				let text = step.text.clone();
				let likelihood = of_the_reply(step);
				let logprobs = self.logprobs.as_mut().zip(likelihood);
				let logprobs = logprobs.map(|(logprobs, likelihood)| logprobs.shown(&[likelihood]));
				let worth_it = !text.is_empty() || logprobs.is_some();
				let shown = worth_it.then(|| data(&self.envelope.text(&text, logprobs)));
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

impl Told {
	/// Counts a token.
	fn count(&mut self, step: &Step) {
		self.usage.reply += 1;
		self.finish = step.finish;
	}
}

/// How likely a token was, unless it only ended the reply and is no part of it.
fn of_the_reply(step: Step) -> Option<Likelihood> {
	let ending = step.finish == Some(Finish::EndOfReply);
	step.likelihood.filter(|_| !ending)
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
