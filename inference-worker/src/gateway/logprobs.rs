//! How likely the tokens of a reply were, as OpenAI's clients read it.

use super::request::Kind;
use dllm_model::entry::{Likelihood, Likely};
use serde_json::{json, Map, Value};

/// Shows the likelihoods of one reply, all at once or bit by bit.
pub struct Logprobs {
	kind: Kind,
	/// Characters of the tokens that were shown.
	offset: usize,
}

impl Logprobs {
	/// Before the first token of a reply.
	pub fn new(kind: Kind) -> Self {
		Self { kind, offset: 0 }
	}

	/// Shows the next tokens.
	pub fn shown(&mut self, tokens: &[Likelihood]) -> Value {
		match self.kind {
			Kind::Chat => {
				let content = tokens.iter().map(in_a_chat).collect::<Vec<_>>();
				json!({ "content": content, "refusal": null })
			}
			Kind::Completion => self.in_a_completion(tokens),
		}
	}

	fn in_a_completion(&mut self, tokens: &[Likelihood]) -> Value {
		let chosen = || tokens.iter().map(|token| &token.chosen);
		let offset = |token: &Likely| {
			let at = self.offset;
			self.offset += token.text().chars().count();
			at
		};
		json!({
			"text_offset": chosen().map(offset).collect::<Vec<_>>(),
			"tokens": chosen().map(Likely::text).collect::<Vec<_>>(),
			"token_logprobs": chosen().map(|token| token.logprob).collect::<Vec<_>>(),
			"top_logprobs": tokens.iter().map(by_text).collect::<Vec<_>>(),
		})
	}
}

fn in_a_chat(token: &Likelihood) -> Value {
	let mut shown = with_bytes(&token.chosen);
	let likeliest = token.likeliest.iter().map(with_bytes);
	shown["top_logprobs"] = likeliest.collect();
	shown
}

/// A token with its bytes: those of several make the characters of which each is only a part.
fn with_bytes(token: &Likely) -> Value {
	json!({
		"token": token.text(),
		"logprob": token.logprob,
		"bytes": token.bytes,
	})
}

/// The likeliest tokens and the chosen one by their texts. Of two that read the same the likelier stands.
fn by_text(token: &Likelihood) -> Value {
	let mut shown = Map::new();
	for likely in token.likeliest.iter().chain([&token.chosen]) {
		let logprob = || Value::from(likely.logprob);
		shown.entry(likely.text()).or_insert_with(logprob);
	}
	shown.into()
}
