//! Text to tokens and back.

use super::{
	template::{ChatTemplate, Message},
	EntryError,
};
use crate::manifest::Manifest;
use serde::Deserialize;
use std::{path::Path, sync::Arc};

const SETTINGS: &str = "tokenizer_config.json";
const TEMPLATE: &str = "chat_template.jinja";
/// Tokens that may be needed to complete one character, with room: a character has at most 4 bytes, and
/// a token at least one. What is not complete after that is shown as it is.
const PATIENCE: usize = 8;
/// What decoders write for bytes that are no character.
const REPLACEMENT: char = '\u{FFFD}';

/// Marks around the content of a message that would otherwise be read as special tokens. Unicode sets both
/// apart for use within a program: no text holds them.
const MARKS: [char; 2] = ['\u{FDD0}', '\u{FDD1}'];

/// The model's tokenizer with its chat template.
///
/// What a user says never becomes a special token, however it is written: only the template makes turns.
pub struct Tokenizer {
	inner: tokenizers::Tokenizer,
	/// The same, but for special tokens, which it takes for text.
	plain: tokenizers::Tokenizer,
	template: Option<ChatTemplate>,
	eos_ids: Vec<u32>,
	max_context: u32,
}

#[derive(Deserialize, Default)]
struct Settings {
	bos_token: Option<SpecialToken>,
	eos_token: Option<SpecialToken>,
	chat_template: Option<ChatTemplates>,
}

/// A special token stands alone or with settings of its own.
#[derive(Deserialize)]
#[serde(untagged)]
enum SpecialToken {
	Text(String),
	Object { content: String },
}

/// A template stands alone or among several of different names.
#[derive(Deserialize)]
#[serde(untagged)]
enum ChatTemplates {
	One(String),
	Named(Vec<NamedTemplate>),
}

#[derive(Deserialize)]
struct NamedTemplate {
	name: String,
	template: String,
}

impl Tokenizer {
	/// Loads tokenizer, settings and template, comparing each file with the manifest.
	pub fn load(manifest: &Manifest, folder: &Path) -> Result<Self, EntryError> {
		let bytes = manifest.tokenizer.read(folder)?;
		let mut inner = tokenizers::Tokenizer::from_bytes(bytes).map_err(tokenizer_error)?;
		// A length limit or padding in the file would silently change prompts.
		inner.with_truncation(None).map_err(tokenizer_error)?;
		inner.with_padding(None);
		let mut plain = inner.clone();
		plain.set_encode_special_tokens(true);

		let settings = match manifest.text(SETTINGS) {
			Some(file) => serde_json::from_slice::<Settings>(&file.read(folder)?)
				.map_err(|error| tokenizer_error(format!("{SETTINGS}: {error}").into()))?,
			None => Settings::default(),
		};
		let source = match manifest.text(TEMPLATE) {
			Some(file) => Some(String::from_utf8_lossy(&file.read(folder)?).into_owned()),
			None => settings.chat_template.and_then(ChatTemplates::default_one),
		};
		let text = |token: Option<SpecialToken>| token.map_or(String::new(), SpecialToken::text);
		let (bos, eos) = (text(settings.bos_token), text(settings.eos_token));
		let template = source
			.map(|source| ChatTemplate::new(source, bos, eos))
			.transpose()?;
		let (eos_ids, max_context) = (manifest.config.eos_ids.clone(), manifest.config.max_context);
		Ok(Self {
			inner,
			plain,
			template,
			eos_ids,
			max_context,
		})
	}

	/// Tokens of a conversation, ready for the model, with room for at least one token of reply.
	pub fn prompt(&self, messages: &[Message]) -> Result<Vec<u32>, EntryError> {
		let mut forging = false;
		for message in messages {
			forging |= self.holds_special(&message.content)?;
		}
		let tokens = match forging {
			true => self.encode_apart(messages)?,
			false => self.encode(&self.render(messages)?)?,
		};
		self.check_length(&tokens)?;
		Ok(tokens)
	}

	/// Text of a conversation after the chat template.
	pub fn render(&self, messages: &[Message]) -> Result<String, EntryError> {
		self.template
			.as_ref()
			.ok_or(EntryError::NoChatTemplate)?
			.render(messages)
	}

	/// Tokens of a text as it stands; special tokens are recognised, none are added.
	pub fn encode(&self, text: &str) -> Result<Vec<u32>, EntryError> {
		let encoding = self.inner.encode(text, false).map_err(tokenizer_error)?;
		Ok(encoding.get_ids().to_vec())
	}

	/// Tokens of a text of which nothing is a special token.
	pub fn encode_plain(&self, text: &str) -> Result<Vec<u32>, EntryError> {
		let encoding = self.plain.encode(text, false).map_err(tokenizer_error)?;
		Ok(encoding.get_ids().to_vec())
	}

	/// Whether a part of a text would be read as a special token.
	fn holds_special(&self, text: &str) -> Result<bool, EntryError> {
		let added = self.inner.get_added_vocabulary().get_added_tokens_decoder();
		let is_special = |token: &u32| added.get(token).is_some_and(|added| added.special);
		Ok(self.encode(text)?.iter().any(is_special))
	}

	/// Tokens of a conversation whose contents are marked for the template and then encoded apart from it,
	/// as plain text.
	fn encode_apart(&self, messages: &[Message]) -> Result<Vec<u32>, EntryError> {
		let [begin, end] = MARKS;
		let marked = |message: &Message| Message {
			role: message.role.clone(),
			content: format!("{begin}{}{end}", message.content.replace(MARKS, "")),
		};
		let text = self.render(&messages.iter().map(marked).collect::<Vec<_>>())?;
		let torn = || EntryError::ChatTemplate {
			reason: "it takes apart a message that holds special tokens: leave them out".into(),
		};
		let mut tokens = Vec::new();
		let mut rest = text.as_str();
		while let Some((before, marked)) = rest.split_once(begin) {
			let (content, after) = marked.split_once(end).ok_or_else(torn)?;
			if before.contains(end) || content.contains(begin) {
				return Err(torn());
			}
			tokens.extend(self.encode(before)?);
			tokens.extend(self.encode_plain(content)?);
			rest = after;
		}
		if rest.contains(end) {
			return Err(torn());
		}
		tokens.extend(self.encode(rest)?);
		Ok(tokens)
	}

	/// Text of tokens, special ones included.
	pub fn decode(&self, tokens: &[u32]) -> Result<String, EntryError> {
		self.inner.decode(tokens, false).map_err(tokenizer_error)
	}

	/// Text of tokens as a user reads it, without special tokens.
	pub fn decode_visible(&self, tokens: &[u32]) -> Result<String, EntryError> {
		self.inner.decode(tokens, true).map_err(tokenizer_error)
	}

	/// Fails unless the tokens are some and leave room for a reply.
	pub fn check_length(&self, tokens: &[u32]) -> Result<(), EntryError> {
		if tokens.is_empty() {
			return Err(EntryError::EmptyPrompt);
		}
		if tokens.len() >= self.max_context as usize {
			let (tokens, max) = (tokens.len(), self.max_context);
			return Err(EntryError::PromptTooLong { tokens, max });
		}
		Ok(())
	}

	/// Whether a token ends the reply.
	pub fn is_end(&self, token: u32) -> bool {
		self.eos_ids.contains(&token)
	}

	/// Tokens that prompt and reply may have together.
	pub fn max_context(&self) -> u32 {
		self.max_context
	}
}

impl SpecialToken {
	fn text(self) -> String {
		match self {
			Self::Text(content) | Self::Object { content } => content,
		}
	}
}

impl ChatTemplates {
	fn default_one(self) -> Option<String> {
		match self {
			Self::One(template) => Some(template),
			Self::Named(list) => list
				.into_iter()
				.find(|t| t.name == "default")
				.map(|named| named.template),
		}
	}
}

/// Turns tokens into text one by one. Every piece is valid UTF-8; the pieces together are the text of
/// all tokens.
pub struct TextStream {
	tokenizer: Arc<Tokenizer>,
	tokens: Vec<u32>,
	/// Tokens from here on are decoded again for context: what a token reads like can depend on the one
	/// before it.
	context: usize,
	/// Tokens up to here have been given out.
	given: usize,
}

impl TextStream {
	/// Starts before the first token.
	pub fn new(tokenizer: Arc<Tokenizer>) -> Self {
		Self {
			tokenizer,
			tokens: Vec::new(),
			context: 0,
			given: 0,
		}
	}

	/// Adds a token and gives the text that it completes; empty while a character is incomplete.
	pub fn push(&mut self, token: u32) -> Result<String, EntryError> {
		self.tokens.push(token);
		let incomplete = self.tokens.len() - self.given <= PATIENCE;
		let (known, text) = self.texts()?;
		if incomplete && text.ends_with(REPLACEMENT) {
			return Ok(String::new());
		}
		Ok(self.give(&known, &text))
	}

	/// Gives what is left: an incomplete character at the end of a reply.
	pub fn finish(&mut self) -> Result<String, EntryError> {
		let (known, text) = self.texts()?;
		Ok(self.give(&known, &text))
	}

	/// Text of the context, and text of the context with all that follows.
	fn texts(&self) -> Result<(String, String), EntryError> {
		let known = self
			.tokenizer
			.decode_visible(&self.tokens[self.context..self.given])?;
		let text = self
			.tokenizer
			.decode_visible(&self.tokens[self.context..])?;
		Ok((known, text))
	}

	fn give(&mut self, known: &str, text: &str) -> String {
		let piece = text.strip_prefix(known).unwrap_or_default().to_string();
		self.context = self.given;
		self.given = self.tokens.len();
		piece
	}
}

fn tokenizer_error(error: tokenizers::Error) -> EntryError {
	EntryError::Tokenizer {
		reason: error.to_string(),
	}
}
