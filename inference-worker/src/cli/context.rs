//! What every command starts from.

use super::CliError;
use crate::{
	chain::{Account, Chain, Submitter},
	config::Config,
};
use dllm_primitives::{
	api::{AdapterView, ModelView},
	ids::{AdapterId, ModelId},
	model::ModelState,
};
use serde::Serialize;

/// Configuration and form of output.
pub struct Context {
	/// File, environment and flags together.
	pub config: Config,
	/// Whether data is printed as JSON.
	pub json: bool,
}

impl Context {
	/// Connects to the node.
	pub async fn chain(&self) -> Result<Chain, CliError> {
		Ok(Chain::connect(&self.config.node).await?)
	}

	/// The account that signs.
	pub fn account(&self) -> Result<Account, CliError> {
		Ok(Account::load(&self.config.account)?)
	}

	/// Connects, ready to sign.
	pub async fn submitter(&self) -> Result<(Chain, Submitter), CliError> {
		let account = self.account()?;
		let chain = self.chain().await?;
		Ok((chain.clone(), Submitter::new(chain, account)))
	}

	/// Prints data: as JSON if that was asked for, else as the text that `human` makes.
	pub fn print(
		&self,
		data: &impl Serialize,
		human: impl FnOnce() -> String,
	) -> Result<(), CliError> {
		if self.json {
			println!("{}", serde_json::to_string_pretty(data)?);
		} else {
			let text = human();
			if !text.is_empty() {
				println!("{}", text.trim_end_matches('\n'));
			}
		}
		Ok(())
	}
}

/// A model named by its number or name. Of several with one name the youngest active one stands.
pub async fn find_model(chain: &Chain, named: &str) -> Result<ModelView, CliError> {
	let models = chain.models().await?;
	let known = models
		.iter()
		.map(|model| format!("{} ({})", model.id, model.name));
	let known = known.collect::<Vec<_>>().join(", ");
	let number = named.parse::<ModelId>().ok();
	let found = models
		.into_iter()
		.filter(|model| Some(model.id) == number || model.name == named)
		.max_by_key(|model| (model.state == ModelState::Active, model.id));
	found.ok_or_else(|| CliError::UnknownModel {
		named: named.into(),
		known,
	})
}

/// An adapter of one of the models, by its number or name. Of several with one name the youngest that is not
/// retired stands.
pub fn find_adapter<'a>(
	models: impl IntoIterator<Item = &'a ModelView>,
	named: &str,
) -> Result<(&'a ModelView, &'a AdapterView), CliError> {
	let number = named.parse::<AdapterId>().ok();
	let all = models
		.into_iter()
		.flat_map(|model| model.adapters.iter().map(move |adapter| (model, adapter)))
		.collect::<Vec<_>>();
	let found = all
		.iter()
		.filter(|(_, adapter)| Some(adapter.id) == number || adapter.name == named)
		.max_by_key(|(_, adapter)| (!adapter.retired, adapter.id));
	found.copied().ok_or_else(|| {
		let known = all
			.iter()
			.map(|(_, adapter)| format!("{} ({})", adapter.id, adapter.name));
		CliError::UnknownAdapter {
			named: named.into(),
			known: known.collect::<Vec<_>>().join(", "),
		}
	})
}

/// A model's name, with that of the adapter where there is one.
pub fn full_name(model: &ModelView, adapter: Option<AdapterId>) -> String {
	let Some(id) = adapter else {
		return model.name.clone();
	};
	let found = model.adapters.iter().find(|adapter| adapter.id == id);
	let name = found.map_or(id.to_string(), |adapter| adapter.name.clone());
	format!("{}+{name}", model.name)
}

/// A model that takes prompts and plans; without a name the only one.
pub async fn active_model(chain: &Chain, named: Option<&str>) -> Result<ModelView, CliError> {
	let model = match named {
		Some(named) => find_model(chain, named).await?,
		None => only_active(chain.models().await?)?,
	};
	match model.state {
		ModelState::Active => Ok(model),
		state => Err(CliError::ModelNotActive {
			id: model.id,
			name: model.name,
			state,
		}),
	}
}

fn only_active(models: Vec<ModelView>) -> Result<ModelView, CliError> {
	let mut active = models
		.into_iter()
		.filter(|model| model.state == ModelState::Active);
	let model = active.next().ok_or(CliError::NoModel)?;
	match active.next() {
		None => Ok(model),
		Some(other) => Err(CliError::WhichModel {
			one: model.name,
			other: other.name,
		}),
	}
}
