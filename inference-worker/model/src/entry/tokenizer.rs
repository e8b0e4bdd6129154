//! Text to tokens and back.

use super::{
	template::{ChatTemplate, Message},
	EntryError,
};
use crate::manifest::Manifest;
use serde::Deserialize;
use std::{path::Path, sync::Arc};
use tokenizers::decoders::DecoderWrapper;

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
	spelling: Spelling,
	eos_ids: Vec<u32>,
	max_context: u32,
}

/// How a vocabulary writes bytes that are no whole character.
#[derive(Clone, Copy)]
enum Spelling {
	/// Every character of a token stands for one byte.
	ByteLevel,
	/// A token like `<0xE2>` stands for a byte, every other one for a text.
	Fallback,
	/// Not at all: every token stands for a text.
	Text,
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
		let spelling = Spelling::of(inner.get_decoder());
		let (eos_ids, max_context) = (manifest.config.eos_ids.clone(), manifest.config.max_context);
		Ok(Self {
			inner,
			plain,
			template,
			spelling,
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

	/// The bytes that a token adds to the text after the one before it, special ones included; none where the
	/// vocabulary does not have it. One token alone may be only a part of a character.
	pub fn bytes(&self, before: u32, token: u32) -> Result<Vec<u8>, EntryError> {
		let Some(spelled) = self.inner.id_to_token(token) else {
			return Ok(Vec::new());
		};
		match self.spelling {
			Spelling::ByteLevel => {
				let bytes = spelled.chars().map(byte_of).collect::<Option<Vec<_>>>();
				// What was added to the vocabulary may be written as it reads.
				Ok(bytes.unwrap_or_else(|| spelled.into_bytes()))
			}
			Spelling::Fallback => match fallback_byte(&spelled) {
				Some(byte) => Ok(vec![byte]),
				None => Ok(self.piece(before, token)?.into_bytes()),
			},
			Spelling::Text => Ok(self.piece(before, token)?.into_bytes()),
		}
	}

	/// What a token that is a text reads like after the one before it.
	fn piece(&self, before: u32, token: u32) -> Result<String, EntryError> {
		let (known, text) = (self.decode(&[before])?, self.decode(&[before, token])?);
		match text.strip_prefix(&known) {
			Some(piece) => Ok(piece.into()),
			// The tokens read otherwise together than one by one.
			None => self.decode(&[token]),
		}
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

impl Spelling {
	fn of(decoder: Option<&DecoderWrapper>) -> Self {
		let steps = match decoder {
			Some(DecoderWrapper::Sequence(sequence)) => sequence.get_decoders(),
			Some(one) => std::slice::from_ref(one),
			None => &[],
		};
		let find = |step: &DecoderWrapper| match step {
			DecoderWrapper::ByteLevel(_) => Some(Self::ByteLevel),
			DecoderWrapper::ByteFallback(_) => Some(Self::Fallback),
			_ => None,
		};
		steps.iter().find_map(find).unwrap_or(Self::Text)
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

/// The byte for which a character of a byte-level vocabulary stands, as GPT-2 wrote them: the printable ones
/// of Latin-1 for themselves, and those from `U+0100` on for the other 68 bytes in order.
fn byte_of(character: char) -> Option<u8> {
	let code = u32::from(character);
	let byte = match code {
		0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF => code,
		0x100..=0x120 => code - 0x100,
		0x121..=0x142 => code - 0x121 + 0x7F,
		0x143 => 0xAD,
		_ => return None,
	};
	u8::try_from(byte).ok()
}

/// The byte for which a token like `<0xE2>` stands.
fn fallback_byte(spelled: &str) -> Option<u8> {
	let digits = spelled.strip_prefix("<0x")?.strip_suffix('>')?;
	let plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
	plain.then(|| u8::from_str_radix(digits, 16).ok())?
}

fn tokenizer_error(error: tokenizers::Error) -> EntryError {
	EntryError::Tokenizer {
		reason: error.to_string(),
	}
}
