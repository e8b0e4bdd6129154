//! `/v1/embeddings`: texts as vectors.
//!
//! Every input is a job of its own with a reply of one token, which nobody sees: the rows of the prompt go
//! round the ring as those of any prompt, and the gateway, to whom they all come back, takes their mean
//! behind the final norm. So an input costs what its rows cost. Miners are checked for the rows; the mean
//! is the gateway's own, like the choice of a token.

use super::{
	admission::Place,
	answer::{admit, json_response, JOB_HEADER},
	conversation::Conversation,
	keys::Key,
	market::{self, Event, Events, Offer},
	reply::Proof,
	request::{self, Ask, Fields, Kind, Prompt},
	spending::Hold,
	ApiError, Gateway,
};
use crate::pipeline::entry::Wishes;
use axum::{extract::Request, http::HeaderValue, response::Response};
use base64::{engine::general_purpose::STANDARD, Engine};
use futures::future::try_join_all;
use serde_json::{json, Value};
use std::{sync::Arc, time::Instant};

/// Inputs of one request: each is a job on chain, and takes a place of the gateway's.
pub const MAX_INPUTS: usize = 16;
const INPUT: &str = "input";

/// What is to be made vectors of, and how they are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs {
	/// One ask for each input, all of one model.
	pub asks: Vec<Ask>,
	/// Name of the model.
	pub model: String,
	/// Whether vectors are shown as base64 of their bytes (`f32`, little endian), else as numbers.
	pub base64: bool,
}

/// What the inputs of one request share.
struct Batch {
	gateway: Arc<Gateway>,
	request_id: String,
	arrived: Instant,
	key: Key,
	/// Places for all inputs.
	place: Place,
}

/// An input as a vector.
struct Embedding {
	vector: Vec<f32>,
	tokens: usize,
	proof: Proof,
}

impl Inputs {
	/// Reads the body of `/v1/embeddings`.
	pub fn read(body: &[u8]) -> Result<Self, ApiError> {
		let fields = Fields::read(body)?;
		// These models were not trained so that the beginning of a vector could stand for all of it.
		fields.refuse_unless("dimensions", |_| false)?;
		let model = fields.text("model")?;
		let asks = inputs(&fields)?.into_iter().map(|prompt| Ask {
			kind: Kind::Completion,
			model: model.clone(),
			prompt,
			max_tokens: Some(1),
			temperature_milli: 0,
			top_p_milli: 1000,
			seed: 0,
			stop: Vec::new(),
			stream: false,
			include_usage: false,
			wishes: Wishes {
				likeliest: None,
				pooled: true,
			},
		});
		let base64 = match fields.get("encoding_format").map(Value::as_str) {
			None | Some(Some("float")) => false,
			Some(Some("base64")) => true,
			Some(_) => {
				let message = "`encoding_format` must be \"float\" or \"base64\"";
				return Err(ApiError::invalid("encoding_format", message));
			}
		};
		Ok(Self {
			asks: asks.collect(),
			model,
			base64,
		})
	}
}

/// A text, its tokens, or a list of these.
fn inputs(fields: &Fields) -> Result<Vec<Prompt>, ApiError> {
	let wrong = |message: String| ApiError::invalid(INPUT, message);
	let input = fields.get(INPUT);
	let input = input.ok_or_else(|| wrong("you must give `input`".into()))?;
	let list = match input.as_array().map(Vec::as_slice) {
		Some(list) if !list.first().is_some_and(Value::is_number) => list,
		_ => std::slice::from_ref(input),
	};
	if list.is_empty() || list.len() > MAX_INPUTS {
		return Err(wrong(format!(
			"`input` must have 1 to {MAX_INPUTS} texts: send more as several requests"
		)));
	}
	let prompt = |value: &Value| match value {
		Value::String(text) if !text.is_empty() => Some(Prompt::Text(text.clone())),
		Value::Array(list) => request::tokens(list).map(Prompt::Tokens),
		_ => None,
	};
	let prompts = list.iter().map(prompt).collect::<Option<Vec<_>>>();
	prompts.ok_or_else(|| {
		wrong(
			"`input` must be a text that is not empty, a list of token numbers, or a list of these"
				.into(),
		)
	})
}

/// Checks a request, has a job bought for every input, and answers with the vectors.
pub async fn embed(
	gateway: Arc<Gateway>,
	request_id: String,
	request: Request,
) -> Result<Response, ApiError> {
	let arrived = Instant::now();
	let (key, body) = admit(&gateway, arrived, request).await?;
	let inputs = Inputs::read(&body)?;
	let count = inputs.asks.len();
	gateway.rates.recount(&key, count as u32, arrived)?;
	let model = gateway.model(&inputs.model).await?;
	// All have places and prices before one is bought: where the gateway has no room for them all, or the
	// budget does not cover them all, nothing is bought.
	let place = gateway.queue.enter(count).await?;
	let mut priced = Vec::new();
	for ask in &inputs.asks {
		let offer = gateway.market.offer(model.clone(), ask).await;
		let offer = offer.map_err(of_the_input)?;
		let hold = gateway.spending.hold(&key, offer.price)?;
		tracing::info!(request = request_id, key = key.id, price = %offer.price, "accepted");
		priced.push((offer, hold));
	}
	let batch = Batch {
		gateway,
		request_id,
		arrived,
		key,
		place,
	};
	let vectors = priced
		.into_iter()
		.map(|(offer, hold)| batch.vector(offer, hold));
	// Where one fails, the others' clients have gone: what no pipeline has taken yet is taken back.
	let embeddings = try_join_all(vectors).await?;

	let jobs = embeddings.iter().map(|one| one.proof.job.to_string());
	let jobs = HeaderValue::from_str(&jobs.collect::<Vec<_>>().join(", "));
	let mut response = json_response(&shown(&embeddings, &model.name, inputs.base64));
	if let Ok(jobs) = jobs {
		response.headers_mut().insert(JOB_HEADER, jobs);
	}
	Ok(response)
}

impl Batch {
	/// The vector of one input. Where its ring breaks it is bought once more: the other inputs are paid for
	/// already, and a client that sent the request again would pay for all of them twice.
	async fn vector(&self, offer: Offer, hold: Hold) -> Result<Embedding, ApiError> {
		let again = offer.clone();
		let broke = match self.bought(offer, hold).await {
			Err(broke @ ApiError::BrokeOff { .. }) => broke,
			told => return told,
		};
		match self.gateway.spending.hold(&self.key, again.price) {
			Ok(hold) => self.bought(again, hold).await,
			Err(_) => Err(broke),
		}
	}

	/// Buys the job of one input and waits for its vector.
	async fn bought(&self, offer: Offer, hold: Hold) -> Result<Embedding, ApiError> {
		let (client, events) = market::channel();
		let (tokens, max_price) = (offer.tokens.len(), offer.price);
		let conversation = Conversation {
			request_id: self.request_id.clone(),
			arrived: self.arrived,
			offer,
			hold,
			place: self.place.clone(),
			client,
		};
		tokio::spawn(conversation.run(self.gateway.clone()));
		heard(events, tokens, max_price).await
	}
}

/// Waits for a vector.
async fn heard(mut events: Events, tokens: usize, max_price: u128) -> Result<Embedding, ApiError> {
	let mut vector = None;
	loop {
		match events.next().await? {
			Event::Bought(_) | Event::Token(_) | Event::Again => {}
			Event::Pooled(pooled) => vector = Some(pooled),
			Event::Done {
				job,
				pipeline,
				salt,
			} => {
				let proof = Proof {
					job,
					pipeline,
					max_price,
					salt,
				};
				return Ok(Embedding {
					vector: vector.ok_or(market::Lost)?,
					tokens,
					proof,
				});
			}
			Event::Failed(error) => return Err(error),
		}
	}
}

/// Vectors as OpenAI's clients read them.
fn shown(embeddings: &[Embedding], model: &str, base64: bool) -> Value {
	let data = embeddings.iter().enumerate().map(|(index, one)| {
		let vector = match base64 {
			true => {
				let bytes = one.vector.iter().flat_map(|value| value.to_le_bytes());
				STANDARD.encode(bytes.collect::<Vec<_>>()).into()
			}
			false => json!(one.vector),
		};
		json!({
			"object": "embedding",
			"index": index,
			"embedding": vector,
			"dllm": one.proof.shown(),
		})
	});
	let tokens = embeddings.iter().map(|one| one.tokens).sum::<usize>();
	json!({
		"object": "list",
		"data": data.collect::<Vec<_>>(),
		"model": model,
		"usage": { "prompt_tokens": tokens, "total_tokens": tokens },
	})
}

/// Names the field of this route in an error that names that of another.
fn of_the_input(error: ApiError) -> ApiError {
	match error {
		ApiError::Invalid { message, .. } => ApiError::invalid(INPUT, message),
		ApiError::ContextTooLong { tokens, max, .. } => ApiError::ContextTooLong {
			param: INPUT,
			tokens,
			max,
		},
		error => error,
	}
}
