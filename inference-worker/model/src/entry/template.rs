//! Chat templates: messages to the text that the model was trained on.
//!
//! Templates are Jinja programs that belong to the model. They run in an interpreter without access to
//! files or the clock, with the settings and the few Python methods that such templates rely on.

use super::EntryError;
use minijinja::{context, syntax::SyntaxConfig, value::Value, Environment, Error, ErrorKind};
use serde::{Deserialize, Serialize};

const NAME: &str = "chat";

/// One turn of a conversation.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Message {
	/// `system`, `user` or `assistant`.
	pub role: String,
	/// What was said.
	pub content: String,
}

impl Message {
	/// A turn of the user.
	pub fn user(content: impl Into<String>) -> Self {
		Self {
			role: "user".into(),
			content: content.into(),
		}
	}
}

/// A compiled template.
pub struct ChatTemplate {
	environment: Environment<'static>,
	bos_token: String,
	eos_token: String,
}

impl ChatTemplate {
	/// Compiles a template.
	pub fn new(source: String, bos_token: String, eos_token: String) -> Result<Self, EntryError> {
		let mut environment = Environment::new();
		let syntax = SyntaxConfig::builder()
			.trim_blocks(true)
			.lstrip_blocks(true)
			.build();
		environment.set_syntax(syntax.map_err(refused)?);
		environment.set_unknown_method_callback(|_, value, method, arguments| {
			python_method(value, method, arguments)
		});
		environment.add_function(
			"raise_exception",
			|message: String| -> Result<Value, Error> {
				Err(Error::new(ErrorKind::InvalidOperation, message))
			},
		);
		environment
			.add_template_owned(NAME, source)
			.map_err(refused)?;
		Ok(Self {
			environment,
			bos_token,
			eos_token,
		})
	}

	/// The text of a conversation that asks for the next turn of the assistant.
	pub fn render(&self, messages: &[Message]) -> Result<String, EntryError> {
		let turn = |message: &Message| {
			context! { role => message.role.as_str(), content => message.content.as_str() }
		};
		let values = context! {
			messages => messages.iter().map(turn).collect::<Value>(),
			bos_token => self.bos_token.as_str(),
			eos_token => self.eos_token.as_str(),
			add_generation_prompt => true,
		};
		let template = self.environment.get_template(NAME).map_err(refused)?;
		template.render(values).map_err(refused)
	}
}

/// Methods of Python strings that templates call.
fn python_method(value: &Value, method: &str, arguments: &[Value]) -> Result<Value, Error> {
	let unknown = || Error::from(ErrorKind::UnknownMethod);
	let text = value.as_str().ok_or_else(unknown)?;
	let argument = arguments.first().and_then(|argument| argument.as_str());
	Ok(match (method, argument) {
		("strip", None) => text.trim().into(),
		("lstrip", None) => text.trim_start().into(),
		("rstrip", None) => text.trim_end().into(),
		("strip", Some(set)) => text.trim_matches(|c| set.contains(c)).into(),
		("lstrip", Some(set)) => text.trim_start_matches(|c| set.contains(c)).into(),
		("rstrip", Some(set)) => text.trim_end_matches(|c| set.contains(c)).into(),
		("upper", None) => text.to_uppercase().into(),
		("lower", None) => text.to_lowercase().into(),
		("startswith", Some(prefix)) => text.starts_with(prefix).into(),
		("endswith", Some(suffix)) => text.ends_with(suffix).into(),
		("split", Some(separator)) if !separator.is_empty() => text.split(separator).collect(),
		_ => return Err(unknown()),
	})
}

fn refused(error: Error) -> EntryError {
	EntryError::ChatTemplate {
		reason: error.to_string(),
	}
}
