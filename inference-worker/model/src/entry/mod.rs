//! The two ends of the ring, on the side of whoever may read the prompt.
//!
//! Text becomes tokens and rows here; rows that came round the ring become logits, a token, and text
//! again. Miners in between see rows only. A second entry that repeats these steps gets the same
//! tokens: look-ups are exact, logits follow the engine's rules, and the sampler computes with integers.

mod ends;
mod generation;
mod likelihood;
mod pool;
mod sampler;
mod template;
mod tokenizer;

pub use ends::{Embedder, Head};
pub use generation::{Finish, Generation, ReplyLimits, Step};
pub use likelihood::{Likelihood, Likely};
pub use pool::{FinalNorm, Pool};
pub use sampler::{sample, SampleError, SamplingParams};
pub use template::{ChatTemplate, Message};
pub use tokenizer::{TextStream, Tokenizer};

use crate::{
	engine::{EngineError, FuseError, LibraryError},
	manifest::{Manifest, ManifestError},
};
use std::{path::Path, sync::Arc};

/// Everything that an entry needs of a model.
pub struct Entry {
	/// Text to tokens and back.
	pub tokenizer: Arc<Tokenizer>,
	/// Tokens to rows.
	pub embedder: Embedder,
	/// Rows to logits.
	pub head: Head,
}

impl Entry {
	/// Loads tokenizer, embedding and head, comparing each file with the manifest.
	pub fn load(manifest: &Manifest, folder: &Path) -> Result<Self, EntryError> {
		Ok(Self {
			tokenizer: Arc::new(Tokenizer::load(manifest, folder)?),
			embedder: Embedder::load(manifest, folder)?,
			head: Head::load(manifest, folder)?,
		})
	}
}

/// Why a prompt cannot be turned into tokens, or rows into a reply.
#[derive(thiserror::Error, Debug)]
pub enum EntryError {
	/// A file is missing or corrupt.
	#[error(transparent)]
	Manifest(#[from] ManifestError),
	/// ONNX Runtime is not there, or failed.
	#[error(transparent)]
	Engine(#[from] EngineError),
	/// The tokenizer cannot be read, or refused a text.
	#[error("tokenizer: {reason}")]
	Tokenizer { reason: String },
	/// The model has no chat template.
	#[error("this model has no chat template: send a plain prompt")]
	NoChatTemplate,
	/// The chat template refused the messages.
	#[error("chat template: {reason}")]
	ChatTemplate { reason: String },
	/// A token is not in the vocabulary.
	#[error("token {token} is not in a vocabulary of {vocab}")]
	UnknownToken { token: u32, vocab: u32 },
	/// The prompt leaves no room for a reply.
	#[error("the prompt has {tokens} tokens, this model holds {max} with the reply: shorten it")]
	PromptTooLong { tokens: usize, max: u32 },
	/// There is nothing to answer.
	#[error("the prompt is empty")]
	EmptyPrompt,
	/// The limits make no sense.
	#[error("{reason}")]
	BadLimits { reason: &'static str },
	/// No token can be chosen.
	#[error(transparent)]
	Sample(#[from] SampleError),
	/// A token was asked for after the reply had ended.
	#[error("the reply has already ended")]
	Ended,
}

impl EntryError {
	/// Whether the prompt or its limits are at fault, and not this machine.
	pub fn is_callers_fault(&self) -> bool {
		matches!(
			self,
			Self::NoChatTemplate
				| Self::ChatTemplate { .. }
				| Self::PromptTooLong { .. }
				| Self::EmptyPrompt
				| Self::BadLimits { .. }
		)
	}
}

impl From<LibraryError> for EntryError {
	fn from(error: LibraryError) -> Self {
		Self::Engine(error.into())
	}
}

impl From<FuseError> for EntryError {
	fn from(error: FuseError) -> Self {
		Self::Engine(error.into())
	}
}

impl From<ort::Error> for EntryError {
	fn from(error: ort::Error) -> Self {
		Self::Engine(error.into())
	}
}
