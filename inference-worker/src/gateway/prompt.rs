//! A prompt on this side of the seal: its tokens, its digest, and what the chain is shown of its limits.

use super::{request::Prompt, ApiError};
use dllm_model::entry::{Entry, EntryError};
use dllm_primitives::{ids::Digest, job::Limits};
use serde_json::json;

/// Tokens of a prompt, with room for a reply.
pub fn tokens(entry: &Entry, prompt: &Prompt) -> Result<Vec<u32>, ApiError> {
	let tokenizer = &entry.tokenizer;
	let tokens = match prompt {
		Prompt::Chat(messages) => match (tokenizer.prompt(messages), messages.as_slice()) {
			// A model without a template gets a single message as it stands.
			(Err(EntryError::NoChatTemplate), [only]) => tokenizer.encode_plain(&only.content),
			(tokens, _) => tokens,
		},
		Prompt::Text(text) => tokenizer.encode(text),
		Prompt::Tokens(tokens) => Ok(tokens.clone()),
	};
	let tokens = tokens.and_then(|tokens| {
		tokenizer.check_length(&tokens)?;
		let vocab = entry.head.vocab() as u32;
		match tokens.iter().find(|token| **token >= vocab) {
			Some(token) => Err(EntryError::UnknownToken {
				token: *token,
				vocab,
			}),
			None => Ok(tokens),
		}
	});
	let param = match prompt {
		Prompt::Chat(_) => "messages",
		Prompt::Text(_) | Prompt::Tokens(_) => "prompt",
	};
	tokens.map_err(|error| match error {
		EntryError::PromptTooLong { tokens, max } => {
			ApiError::ContextTooLong { param, tokens, max }
		}
		EntryError::UnknownToken { .. } => ApiError::invalid("prompt", error.to_string()),
		error if error.is_callers_fault() => ApiError::Invalid {
			param: None,
			message: error.to_string(),
		},
		error => ApiError::Internal {
			reason: error.to_string(),
		},
	})
}

/// blake3 of `salt ‖ prompt`: a text as it stands, messages and tokens as compact JSON.
pub fn seal(salt: &[u8; 32], prompt: &Prompt) -> Digest {
	let text = match prompt {
		Prompt::Text(text) => text.clone(),
		other => json!(other).to_string(),
	};
	let mut hasher = blake3::Hasher::new();
	hasher.update(salt);
	hasher.update(text.as_bytes());
	Digest::from(*hasher.finalize().as_bytes())
}

/// What the chain is shown of the limits: the ceiling of tokens, which has a price. How the reply is
/// sampled and where it stops concerns the entry alone.
pub fn shown_limits(limits: &Limits) -> Limits {
	Limits {
		max_tokens: limits.max_tokens,
		temperature_milli: 0,
		top_p_milli: 1000,
		seed: 0,
		stop: Default::default(),
	}
}
