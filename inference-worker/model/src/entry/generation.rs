//! One reply: which token comes next, what of it may be shown, and when it ends.
//!
//! The state depends on the prompt, the limits and the logits alone, so a second entry that replays the
//! same logits follows step by step.

use super::{
	likelihood::{likelihood, Likelihood},
	sampler::{sample, SamplingParams},
	tokenizer::{TextStream, Tokenizer},
	EntryError,
};
use std::sync::Arc;

/// How long a reply may be and how its tokens are chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyLimits {
	/// Tokens at most.
	pub max_tokens: u32,
	/// How tokens are chosen.
	pub sampling: SamplingParams,
	/// Texts that end the reply; they are not part of it.
	pub stop: Vec<String>,
	/// How many of the likeliest tokens are told with each one; nothing of likelihoods where none.
	pub likeliest: Option<usize>,
}

/// Why a reply ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
	/// The model ended it.
	EndOfReply,
	/// One of the stop texts appeared.
	StopText,
	/// It has as many tokens as were paid for.
	MaxTokens,
	/// The model holds no more rows.
	ContextFull,
}

/// What one token brought.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
	/// The token.
	pub token: u32,
	/// Text that can be shown now; may be empty.
	pub text: String,
	/// Set with the last token, which is not sent through the ring.
	pub finish: Option<Finish>,
	/// How likely the token was, where the limits ask for that.
	pub likelihood: Option<Likelihood>,
}

/// A reply in the making.
pub struct Generation {
	tokenizer: Arc<Tokenizer>,
	limits: ReplyLimits,
	prompt_tokens: u32,
	/// The last token of the prompt: the first one of the reply reads as it does after this.
	before: u32,
	/// Chosen so far, the ending token included.
	tokens: Vec<u32>,
	stream: TextStream,
	/// Text that may turn out to begin a stop text.
	held: String,
	finish: Option<Finish>,
}

impl Generation {
	/// Begins the reply to a prompt of `prompt` tokens.
	pub fn new(
		tokenizer: Arc<Tokenizer>,
		prompt: &[u32],
		limits: ReplyLimits,
	) -> Result<Self, EntryError> {
		tokenizer.check_length(prompt)?;
		let before = *prompt.last().ok_or(EntryError::EmptyPrompt)?;
		if limits.max_tokens == 0 {
			return Err(EntryError::BadLimits {
				reason: "max_tokens is 0",
			});
		}
		if !(1..=1000).contains(&limits.sampling.top_p_milli) {
			return Err(EntryError::BadLimits {
				reason: "top_p is not between 0.001 and 1",
			});
		}
		if limits.stop.iter().any(|text| text.is_empty()) {
			return Err(EntryError::BadLimits {
				reason: "a stop text is empty",
			});
		}
		let stream = TextStream::new(tokenizer.clone());
		let prompt_tokens = prompt.len() as u32;
		let (tokens, held) = (Vec::new(), String::new());
		Ok(Self {
			tokenizer,
			limits,
			prompt_tokens,
			before,
			tokens,
			stream,
			held,
			finish: None,
		})
	}

	/// Chooses the next token from the logits of the last row.
	pub fn next(&mut self, logits: &[f32]) -> Result<Step, EntryError> {
		if self.finish.is_some() {
			return Err(EntryError::Ended);
		}
		let token = sample(logits, &self.limits.sampling, self.position())?;
		let likelihood = self.likelihood(logits, token)?;
		self.tokens.push(token);
		let step = self.step(token)?;
		Ok(Step { likelihood, ..step })
	}

	/// What a token that was chosen brings.
	fn step(&mut self, token: u32) -> Result<Step, EntryError> {
		if self.tokenizer.is_end(token) {
			return self.end(token, String::new(), Finish::EndOfReply);
		}
		let piece = self.stream.push(token)?;
		self.held.push_str(&piece);
		if let Some(at) = self.stop_text() {
			self.held.truncate(at);
			let text = std::mem::take(&mut self.held);
			self.finish = Some(Finish::StopText);
			return Ok(Step {
				token,
				text,
				finish: self.finish,
				likelihood: None,
			});
		}
		let text = self.release();
		if self.tokens.len() as u32 == self.limits.max_tokens {
			return self.end(token, text, Finish::MaxTokens);
		}
		if self.position() == self.tokenizer.max_context() {
			return self.end(token, text, Finish::ContextFull);
		}
		Ok(Step {
			token,
			text,
			finish: None,
			likelihood: None,
		})
	}

	/// Position of the next token: tokens before it, prompt included.
	pub fn position(&self) -> u32 {
		self.prompt_tokens + self.tokens.len() as u32
	}

	/// Tokens chosen so far, the ending token included.
	pub fn tokens(&self) -> &[u32] {
		&self.tokens
	}

	/// Why the reply ended, once it has.
	pub fn finished(&self) -> Option<Finish> {
		self.finish
	}

	/// How likely the token is that was chosen, where the limits ask for that.
	fn likelihood(&self, logits: &[f32], token: u32) -> Result<Option<Likelihood>, EntryError> {
		let before = self.tokens.last().copied().unwrap_or(self.before);
		let bytes = |token| self.tokenizer.bytes(before, token);
		let told = |most| likelihood(logits, token, most, bytes);
		self.limits.likeliest.map(told).transpose()
	}

	/// Ends the reply and shows what was held back.
	fn end(&mut self, token: u32, mut text: String, why: Finish) -> Result<Step, EntryError> {
		let rest = self.stream.finish()?;
		self.held.push_str(&rest);
		text.push_str(&std::mem::take(&mut self.held));
		self.finish = Some(why);
		Ok(Step {
			token,
			text,
			finish: Some(why),
			likelihood: None,
		})
	}

	/// Where the first stop text begins in the held text.
	fn stop_text(&self) -> Option<usize> {
		self.limits
			.stop
			.iter()
			.filter_map(|stop| self.held.find(stop.as_str()))
			.min()
	}

	/// Takes the text that cannot be the beginning of a stop text any more.
	fn release(&mut self) -> String {
		let begins_stop = |tail: &str| self.limits.stop.iter().any(|stop| stop.starts_with(tail));
		let keep = self
			.held
			.char_indices()
			.map(|(at, _)| at)
			.find(|at| begins_stop(&self.held[*at..]))
			.unwrap_or(self.held.len());
		let kept = self.held.split_off(keep);
		std::mem::replace(&mut self.held, kept)
	}
}
