//! Replies as OpenAI's clients read them, whole or token by token.

use super::{
	market::Model,
	request::{Ask, Kind},
};
use dllm_model::entry::Finish;
use dllm_primitives::ids::{JobId, PipelineId};
use serde_json::{json, Value};
use std::time::{SystemTime, UNIX_EPOCH};

/// What every part of one reply repeats.
#[derive(Clone, Debug)]
pub struct Envelope {
	kind: Kind,
	id: String,
	created: u64,
	model: String,
	/// Whether every chunk of a stream speaks of usage.
	include_usage: bool,
}

/// Tokens that were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
	/// Of the prompt.
	pub prompt: u32,
	/// Of the reply.
	pub reply: u32,
}

/// What stands behind a reply on chain.
#[derive(Clone, Debug)]
pub struct Proof {
	/// The job.
	pub job: JobId,
	/// Who ran it.
	pub pipeline: Option<PipelineId>,
	/// What it costs at most, in planck; the receipt says what it did cost.
	pub max_price: u128,
	/// Salt of the prompt's digest on chain.
	pub salt: [u8; 32],
}

impl Envelope {
	/// Of a request that became a job.
	pub fn new(ask: &Ask, model: &Model, job: JobId) -> Self {
		let prefix = match ask.kind {
			Kind::Chat => "chatcmpl",
			Kind::Completion => "cmpl",
		};
		let now = SystemTime::now().duration_since(UNIX_EPOCH);
		Self {
			kind: ask.kind,
			id: format!("{prefix}-{job}"),
			created: now.map_or(0, |now| now.as_secs()),
			model: model.name.clone(),
			include_usage: ask.include_usage,
		}
	}

	/// A whole reply.
	pub fn whole(
		&self,
		text: &str,
		logprobs: Option<Value>,
		finish: Option<Finish>,
		usage: Usage,
		proof: &Proof,
	) -> Value {
		let mut choice = json!({
			"index": 0,
			"finish_reason": finish.map(finish_reason),
			"logprobs": logprobs,
		});
		let object = match self.kind {
			Kind::Chat => {
				choice["message"] =
					json!({ "role": "assistant", "content": text, "refusal": null });
				"chat.completion"
			}
			Kind::Completion => {
				choice["text"] = text.into();
				"text_completion"
			}
		};
		let mut reply = self.envelope(object, vec![choice]);
		reply["usage"] = usage.shown();
		reply["dllm"] = proof.shown();
		reply
	}

	/// What a stream begins with: the role of who speaks, in a conversation.
	pub fn first(&self) -> Option<Value> {
		let delta = json!({ "role": "assistant", "content": "" });
		(self.kind == Kind::Chat).then(|| self.chunk(delta, "", None, None))
	}

	/// Text that came with a token, and how likely that was, where it is asked for.
	pub fn text(&self, text: &str, logprobs: Option<Value>) -> Value {
		self.chunk(json!({ "content": text }), text, logprobs, None)
	}

	/// The end of the reply.
	pub fn last(&self, finish: Option<Finish>, proof: &Proof) -> Value {
		let mut chunk = self.chunk(json!({}), "", None, finish);
		chunk["dllm"] = proof.shown();
		chunk
	}

	/// What a stream ends with where the client asked for the count of tokens.
	pub fn usage(&self, usage: Usage) -> Option<Value> {
		let mut chunk = self.envelope(self.chunk_object(), Vec::new());
		chunk["usage"] = usage.shown();
		self.include_usage.then_some(chunk)
	}

	fn chunk(
		&self,
		delta: Value,
		text: &str,
		logprobs: Option<Value>,
		finish: Option<Finish>,
	) -> Value {
		let mut choice = json!({
			"index": 0,
			"finish_reason": finish.map(finish_reason),
			"logprobs": logprobs,
		});
		match self.kind {
			Kind::Chat => choice["delta"] = delta,
			Kind::Completion => choice["text"] = text.into(),
		}
		let mut chunk = self.envelope(self.chunk_object(), vec![choice]);
		if self.include_usage {
			chunk["usage"] = Value::Null;
		}
		chunk
	}

	fn chunk_object(&self) -> &'static str {
		match self.kind {
			Kind::Chat => "chat.completion.chunk",
			Kind::Completion => "text_completion",
		}
	}

	fn envelope(&self, object: &str, choices: Vec<Value>) -> Value {
		json!({
			"id": self.id,
			"object": object,
			"created": self.created,
			"model": self.model,
			"choices": choices,
		})
	}
}

impl Usage {
	fn shown(self) -> Value {
		json!({
			"prompt_tokens": self.prompt,
			"completion_tokens": self.reply,
			"total_tokens": self.prompt.saturating_add(self.reply),
		})
	}
}

impl Proof {
	/// As it stands in a reply.
	pub fn shown(&self) -> Value {
		json!({
			"job": self.job,
			"pipeline": self.pipeline,
			"maxPrice": self.max_price.to_string(),
			"salt": format!("0x{}", hex::encode(self.salt)),
			"receipt": format!("/v1/receipts/{}", self.job),
		})
	}
}

/// The models of the chain, as OpenAI's clients list models.
pub fn model(model: &Model) -> Value {
	json!({
		"id": model.name,
		"object": "model",
		"created": 0,
		"owned_by": crate::chain::address(&model.owner),
		"dllm": {
			"id": model.id,
			"profile": model.profile,
			"maxContext": model.max_context,
			"manifestRoot": model.manifest_root,
			"adapter": model.adapter,
		},
	})
}

fn finish_reason(finish: Finish) -> &'static str {
	match finish {
		Finish::EndOfReply | Finish::StopText => "stop",
		Finish::MaxTokens | Finish::ContextFull => "length",
	}
}
