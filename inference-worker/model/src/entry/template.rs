//! Chat templates: messages to the text that the model was trained on.
//!
//! Templates are Jinja programs that belong to the model, which anybody may publish. They run in an interpreter
//! without access to files or the clock, for a bounded number of steps, with the settings and the methods of Python
//! that such templates rely on.

use super::EntryError;
use minijinja::{context, syntax::SyntaxConfig, value::Value, Environment, Error, ErrorKind};
use minijinja_contrib::pycompat::unknown_method_callback;
use serde::{Deserialize, Serialize};

const NAME: &str = "chat";
/// Steps of the interpreter for one conversation: a tenth of a second. A turn takes 40 to 75 in templates of the form
/// of Llama 2, 3.2, Qwen 2.5, 3 and Mistral.
const FUEL: u64 = 5_000_000;

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
		environment.set_unknown_method_callback(unknown_method_callback);
		environment.set_fuel(Some(FUEL));
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

fn refused(error: Error) -> EntryError {
	EntryError::ChatTemplate {
		reason: error.to_string(),
	}
}
