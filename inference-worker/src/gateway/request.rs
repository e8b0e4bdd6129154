//! What is asked: the bodies of `/v1/chat/completions` and `/v1/completions`, read and checked. That of
//! `/v1/embeddings` stands in `embeddings.rs`, but has the same kinds of fields.
//!
//! Fields that this gateway does not know are ignored, as OpenAI's clients expect of a server that is
//! older than they are. A known field that would change the reply, and cannot be obeyed, is refused by
//! name; the value that means "not used" is taken.

use super::ApiError;
use crate::{commitment::random_bytes, pipeline::entry::Wishes};
use dllm_model::entry::Message;
use dllm_primitives::{
	ids::Bytes,
	job::{Limits, MAX_NEW_TOKENS},
};
use serde::Serialize;
use serde_json::{Map, Value};
use std::ops::RangeInclusive;

/// Tokens of a reply of `/v1/completions` where the request names no number, as at OpenAI.
const COMPLETION_TOKENS: u32 = 16;
/// The temperature and nucleus mass where the request names none, as at OpenAI.
const TEMPERATURE: f64 = 1.0;
const TOP_P: f64 = 1.0;
/// The likeliest tokens that may be told with each token of a chat and of `/v1/completions`, as at OpenAI.
const CHAT_LOGPROBS: u64 = 20;
const COMPLETION_LOGPROBS: u64 = 5;
/// Messages that a conversation may have.
const MAX_MESSAGES: usize = 4096;
/// Texts that may end a reply, and the bytes of one.
const STOPS: &str = "at most 4 texts of 1 to 32 bytes";

/// The two kinds of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
	/// A conversation.
	Chat,
	/// A text to go on with.
	Completion,
}

/// What is asked of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Prompt {
	/// A conversation; the model's template goes around it.
	Chat(Vec<Message>),
	/// A text, as it stands.
	Text(String),
	/// Tokens, as they stand.
	Tokens(Vec<u32>),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
	/// Of which kind.
	pub kind: Kind,
	/// Name of the model.
	pub model: String,
	/// What is asked.
	pub prompt: Prompt,
	/// Tokens of the reply at most; the gateway's own number where none.
	pub max_tokens: Option<u32>,
	/// Temperature in thousandths.
	pub temperature_milli: u16,
	/// Nucleus mass in thousandths.
	pub top_p_milli: u16,
	/// Seed of the sampler; drawn where the request names none.
	pub seed: u64,
	/// Texts that end the reply.
	pub stop: Vec<String>,
	/// Whether the reply comes token by token.
	pub stream: bool,
	/// Whether a stream ends with the count of tokens.
	pub include_usage: bool,
	/// What else is to be told.
	pub wishes: Wishes,
}

impl Ask {
	/// Reads the body of `/v1/chat/completions`.
	pub fn chat(body: &[u8]) -> Result<Self, ApiError> {
		let fields = Fields::read(body)?;
		fields.refuse_unless("tools", is_empty)?;
		fields.refuse_unless("functions", is_empty)?;
		fields.refuse_unless("audio", |_| false)?;
		fields.refuse_unless("response_format", |value| value["type"] == "text")?;
		fields.refuse_unless("modalities", |value| value == &Value::from(vec!["text"]))?;
		let prompt = Prompt::Chat(fields.messages()?);
		let newer = fields.whole("max_completion_tokens", 1..=MAX_NEW_TOKENS.into())?;
		let older = fields.whole("max_tokens", 1..=MAX_NEW_TOKENS.into())?;
		let max_tokens = newer.or(older).map(|tokens| tokens as u32);
		let wishes = fields.chat_wishes()?;
		let ask = fields.ask(Kind::Chat, prompt, max_tokens)?;
		Ok(Self { wishes, ..ask })
	}

	/// Reads the body of `/v1/completions`.
	pub fn completion(body: &[u8]) -> Result<Self, ApiError> {
		let fields = Fields::read(body)?;
		fields.refuse_unless("best_of", is_one)?;
		fields.refuse_unless("echo", |value| value == &Value::Bool(false))?;
		fields.refuse_unless("suffix", |value| value == "")?;
		let prompt = fields.prompt()?;
		let max_tokens = fields.whole("max_tokens", 1..=MAX_NEW_TOKENS.into())?;
		let max_tokens = max_tokens.map_or(COMPLETION_TOKENS, |tokens| tokens as u32);
		let likeliest = fields.whole("logprobs", 0..=COMPLETION_LOGPROBS)?;
		let wishes = Wishes {
			likeliest: likeliest.map(|most| most as usize),
			pooled: false,
		};
		let ask = fields.ask(Kind::Completion, prompt, Some(max_tokens))?;
		Ok(Self { wishes, ..ask })
	}

	/// The limits of a reply of so many tokens, as the sampler takes them.
	pub fn limits(&self, max_tokens: u32) -> Result<Limits, ApiError> {
		let too_long = || ApiError::invalid("stop", format!("`stop` must be {STOPS}"));
		let stop = self
			.stop
			.iter()
			.map(|text| Bytes::try_from(text.clone().into_bytes()));
		let stop = stop
			.collect::<Result<Vec<_>, _>>()
			.map_err(|_| too_long())?;
		Ok(Limits {
			max_tokens,
			temperature_milli: self.temperature_milli,
			top_p_milli: self.top_p_milli,
			seed: self.seed,
			stop: stop.try_into().map_err(|_| too_long())?,
		})
	}
}

/// The fields of a body. One that is null counts as left out.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
	pub(super) fn read(body: &[u8]) -> Result<Self, ApiError> {
		let invalid = |message| ApiError::Invalid {
			param: None,
			message,
		};
		match serde_json::from_slice(body) {
			Ok(Value::Object(fields)) => Ok(Self(fields)),
			Ok(_) => Err(invalid("the body must be a JSON object".into())),
			Err(error) => Err(invalid(format!("the body is not valid JSON: {error}"))),
		}
	}

	/// What both kinds have in common.
	fn ask(&self, kind: Kind, prompt: Prompt, max_tokens: Option<u32>) -> Result<Ask, ApiError> {
		self.refuse_unless("n", is_one)?;
		self.refuse_unless("presence_penalty", is_zero)?;
		self.refuse_unless("frequency_penalty", is_zero)?;
		self.refuse_unless("logit_bias", is_empty)?;
		let temperature = self.number("temperature", 0.0..=2.0)?;
		let top_p = self.number("top_p", 0.0..=1.0)?;
		let stream = self.flag("stream")?;
		let ask = Ask {
			kind,
			model: self.text("model")?,
			prompt,
			max_tokens,
			temperature_milli: thousandths(temperature.unwrap_or(TEMPERATURE)),
			// A mass of nothing still leaves the likeliest token.
			top_p_milli: thousandths(top_p.unwrap_or(TOP_P)).max(1),
			seed: self.seed()?,
			stop: self.stop()?,
			stream,
			include_usage: self.include_usage(stream)?,
			wishes: Wishes::default(),
		};
		// Refused here, before anybody waits or pays.
		ask.limits(1).map(|_| ask)
	}

	pub(super) fn get(&self, name: &str) -> Option<&Value> {
		self.0.get(name).filter(|value| !value.is_null())
	}

	/// Refuses a field that cannot be obeyed, unless its value means that it is not used.
	pub(super) fn refuse_unless(
		&self,
		name: &'static str,
		unused: impl Fn(&Value) -> bool,
	) -> Result<(), ApiError> {
		match self.get(name) {
			Some(value) if !unused(value) => Err(ApiError::invalid(
				name,
				format!("`{name}` with this value is not supported by this gateway: leave it out"),
			)),
			_ => Ok(()),
		}
	}

	pub(super) fn text(&self, name: &'static str) -> Result<String, ApiError> {
		match self.get(name) {
			Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
			Some(_) => Err(ApiError::invalid(
				name,
				format!("`{name}` must be a text that is not empty"),
			)),
			None => Err(ApiError::invalid(name, format!("you must give `{name}`"))),
		}
	}

	fn flag(&self, name: &'static str) -> Result<bool, ApiError> {
		match self.get(name) {
			None => Ok(false),
			Some(Value::Bool(flag)) => Ok(*flag),
			Some(_) => Err(ApiError::invalid(
				name,
				format!("`{name}` must be true or false"),
			)),
		}
	}

	fn number(
		&self,
		name: &'static str,
		range: RangeInclusive<f64>,
	) -> Result<Option<f64>, ApiError> {
		let Some(value) = self.get(name) else {
			return Ok(None);
		};
		let number = value.as_f64().filter(|number| range.contains(number));
		let (least, most) = range.into_inner();
		number.map(Some).ok_or_else(|| {
			ApiError::invalid(
				name,
				format!("`{name}` must be a number from {least} to {most}"),
			)
		})
	}

	fn whole(
		&self,
		name: &'static str,
		range: RangeInclusive<u64>,
	) -> Result<Option<u64>, ApiError> {
		let Some(value) = self.get(name) else {
			return Ok(None);
		};
		let number = value.as_u64().filter(|number| range.contains(number));
		let (least, most) = range.into_inner();
		number.map(Some).ok_or_else(|| {
			ApiError::invalid(
				name,
				format!("`{name}` must be a whole number from {least} to {most}"),
			)
		})
	}

	/// The seed; a negative one stands for the same bits without a sign.
	fn seed(&self) -> Result<u64, ApiError> {
		let Some(value) = self.get("seed") else {
			let [a, b, c, d, e, f, g, h, ..] = random_bytes();
			return Ok(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
		};
		let seed = value.as_u64().or(value.as_i64().map(|seed| seed as u64));
		seed.ok_or_else(|| ApiError::invalid("seed", "`seed` must be a whole number of 64 bits"))
	}

	fn stop(&self) -> Result<Vec<String>, ApiError> {
		let wrong =
			|| ApiError::invalid("stop", format!("`stop` must be a text or a list: {STOPS}"));
		let texts = match self.get("stop") {
			None => return Ok(Vec::new()),
			Some(Value::Array(texts)) => texts.as_slice(),
			Some(text) => std::slice::from_ref(text),
		};
		let text = |value: &Value| {
			let text = value.as_str().filter(|text| !text.is_empty());
			text.map(String::from).ok_or_else(wrong)
		};
		texts.iter().map(text).collect()
	}

	fn include_usage(&self, stream: bool) -> Result<bool, ApiError> {
		const NAME: &str = "stream_options";
		let wrong = |message: &str| ApiError::invalid(NAME, message);
		let Some(options) = self.get(NAME) else {
			return Ok(false);
		};
		if !stream {
			return Err(wrong(
				"`stream_options` is only allowed where `stream` is true",
			));
		}
		let options = options
			.as_object()
			.ok_or_else(|| wrong("`stream_options` must be an object"))?;
		match options.get("include_usage") {
			None | Some(Value::Null) => Ok(false),
			Some(Value::Bool(include)) => Ok(*include),
			Some(_) => Err(wrong(
				"`stream_options.include_usage` must be true or false",
			)),
		}
	}

	fn chat_wishes(&self) -> Result<Wishes, ApiError> {
		const NAME: &str = "top_logprobs";
		let told = self.flag("logprobs")?;
		let most = self.whole(NAME, 0..=CHAT_LOGPROBS)?.unwrap_or(0);
		if most > 0 && !told {
			let message = "`top_logprobs` is only allowed where `logprobs` is true";
			return Err(ApiError::invalid(NAME, message));
		}
		Ok(Wishes {
			likeliest: told.then_some(most as usize),
			pooled: false,
		})
	}

	fn messages(&self) -> Result<Vec<Message>, ApiError> {
		let wrong = |message: String| ApiError::invalid("messages", message);
		let messages = self
			.get("messages")
			.ok_or_else(|| wrong("you must give `messages`".into()))?;
		let messages = messages
			.as_array()
			.ok_or_else(|| wrong("`messages` must be a list".into()))?;
		if messages.is_empty() || messages.len() > MAX_MESSAGES {
			return Err(wrong(format!(
				"`messages` must have 1 to {MAX_MESSAGES} messages"
			)));
		}
		let read = |(at, message): (usize, &Value)| {
			read_message(message).map_err(|what| wrong(format!("`messages[{at}]`: {what}")))
		};
		messages.iter().enumerate().map(read).collect()
	}

	/// A text, its tokens, or a list of one of these.
	fn prompt(&self) -> Result<Prompt, ApiError> {
		let wrong = |message: &str| ApiError::invalid("prompt", message);
		let prompt = self
			.get("prompt")
			.ok_or_else(|| wrong("you must give `prompt`"))?;
		let one = match prompt.as_array().map(Vec::as_slice) {
			Some([one]) if !one.is_number() => one,
			Some([first, ..]) if !first.is_number() => {
				return Err(wrong(
					"`prompt` must be one text: send several as several requests",
				))
			}
			_ => prompt,
		};
		match one {
			Value::String(text) => Ok(Prompt::Text(text.clone())),
			Value::Array(list) => tokens(list)
				.map(Prompt::Tokens)
				.ok_or_else(|| wrong("`prompt` must be a text, or a list of token numbers")),
			_ => Err(wrong("`prompt` must be a text, or a list of token numbers")),
		}
	}
}

/// Numbers of tokens, at least one.
pub(super) fn tokens(list: &[Value]) -> Option<Vec<u32>> {
	let token = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
	let tokens = list.iter().map(token).collect::<Option<Vec<_>>>();
	tokens.filter(|tokens| !tokens.is_empty())
}

/// A message whose content is a text, or a list of parts of text.
fn read_message(message: &Value) -> Result<Message, String> {
	let role = match message["role"].as_str() {
		// What newer clients call it.
		Some("developer") => "system",
		Some(role @ ("system" | "user" | "assistant")) => role,
		Some(role) => {
			return Err(format!(
				"role {role:?} is not one of system, developer, user, assistant"
			))
		}
		None => return Err("`role` must be a text".into()),
	};
	let content = match &message["content"] {
		Value::String(text) => text.clone(),
		Value::Array(parts) => {
			let part = |part: &Value| match (part["type"].as_str(), part["text"].as_str()) {
				(Some("text"), Some(text)) => Ok(text.to_string()),
				(kind, _) => Err(format!(
					"a part of `content` of type {kind:?}: this gateway takes parts of type \"text\" only"
				)),
			};
			parts.iter().map(part).collect::<Result<String, _>>()?
		}
		_ => return Err("`content` must be a text, or a list of parts of text".into()),
	};
	Ok(Message {
		role: role.into(),
		content,
	})
}

fn thousandths(value: f64) -> u16 {
	(value * 1000.0).round() as u16
}

fn is_zero(value: &Value) -> bool {
	value.as_f64() == Some(0.0)
}

fn is_one(value: &Value) -> bool {
	value.as_f64() == Some(1.0)
}

fn is_empty(value: &Value) -> bool {
	match value {
		Value::Array(list) => list.is_empty(),
		Value::Object(fields) => fields.is_empty(),
		_ => false,
	}
}
