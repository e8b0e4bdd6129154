//! `keys`: the account that signs, and the identity by which other workers know this one.

use super::{CliError, Context};
use crate::{chain::Account, daemon::NETWORK_KEY, network::identity};
use clap::Subcommand;
use serde::Serialize;
use sp_core::hexdisplay::HexDisplay;
use std::{
	path::{Path, PathBuf},
	process::ExitCode,
};

/// Make and show keys.
#[derive(Subcommand, Debug)]
pub enum Keys {
	/// Make a new account and write its mnemonic to a file that only you can read.
	Generate {
		/// The new file; `account` of the configuration where left out.
		#[arg(long, value_name = "FILE")]
		out: Option<PathBuf>,
	},
	/// Show the address of the account, and the network identity.
	Show,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
	address: String,
	public_key: String,
	peer_id: Option<String>,
}

impl Keys {
	/// Runs the command.
	pub fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		match self {
			Self::Generate { out } => generate(context, out),
			Self::Show => show(context),
		}
	}
}

fn generate(context: &Context, out: Option<PathBuf>) -> Result<ExitCode, CliError> {
	let path = out.unwrap_or_else(|| PathBuf::from(&context.config.account));
	let account = Account::generate(&path)?;
	eprintln!(
		"wrote {}: keep a copy of it, whoever has it has the money",
		path.display()
	);
	context.print(&shown(&account, None), || account.address())?;
	Ok(ExitCode::SUCCESS)
}

fn show(context: &Context) -> Result<ExitCode, CliError> {
	let account = context.account()?;
	let peer_id = peer_id(&context.config.data)?;
	let shown = shown(&account, peer_id);
	context.print(&shown, || {
		let peer = shown
			.peer_id
			.as_deref()
			.unwrap_or("none yet; made at the first start");
		format!(
			"address     {}\npublic key  {}\npeer id     {peer}",
			shown.address, shown.public_key
		)
	})?;
	Ok(ExitCode::SUCCESS)
}

fn shown(account: &Account, peer_id: Option<String>) -> Shown {
	let bytes: &[u8] = account.id().as_ref();
	let public_key = format!("0x{}", HexDisplay::from(&bytes));
	Shown {
		address: account.address(),
		public_key,
		peer_id,
	}
}

/// The network identity, if it has been made.
fn peer_id(data: &Path) -> Result<Option<String>, CliError> {
	let path = data.join(NETWORK_KEY);
	if !path.exists() {
		return Ok(None);
	}
	let keypair = identity::load_or_create(&path)?;
	Ok(Some(keypair.public().to_peer_id().to_string()))
}
