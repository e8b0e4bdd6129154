//! `gateway`: answers OpenAI's clients and pays for their prompts; `gateway key`: who may ask.

use super::{serve::stopped, table::table, CliError, Context};
use crate::{
	chain::Amount,
	config::Config,
	gateway::{
		keys::Keys,
		server::{self, keys_file, spending_file},
		spending::Spending,
	},
	memory,
};
use clap::{Args, Subcommand};
use serde_json::json;
use std::{net::SocketAddr, path::PathBuf, process::ExitCode};

/// Answer OpenAI's clients over HTTP and pay for their prompts with this account, until Ctrl-C.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct GatewayCommand {
	#[command(subcommand)]
	command: Option<GatewaySubcommand>,
	/// Where clients connect, over `listen` under [gateway].
	#[arg(long, value_name = "ADDRESS")]
	listen: Option<SocketAddr>,
	/// Folder of a built web page that is served at /.
	#[arg(long, value_name = "FOLDER")]
	web: Option<PathBuf>,
	/// Origin of web pages that may ask, like https://chat.example, or * for all; can be repeated.
	#[arg(long, value_name = "ORIGIN")]
	allow_origin: Vec<String>,
	/// Answer requests without a key too. Whoever reaches the address spends this account's money.
	#[arg(long)]
	open: bool,
}

#[derive(Subcommand, Debug)]
enum GatewaySubcommand {
	/// Make, show and remove the keys of those who may ask.
	#[command(subcommand)]
	Key(KeyCommand),
}

#[derive(Subcommand, Debug)]
enum KeyCommand {
	/// Make a key and print it; it cannot be shown again.
	Add {
		/// Name of the key: letters, digits, dots, dashes, underscores.
		#[arg(long)]
		name: String,
		/// What it may spend in all, like "2.5 DLLM"; without an end where left out.
		#[arg(long, value_name = "AMOUNT")]
		budget: Option<Amount>,
		/// Requests a minute; without an end where left out.
		#[arg(long, value_name = "REQUESTS")]
		rate: Option<u32>,
	},
	/// Show the keys and what they have spent.
	List,
	/// Remove a key: a running gateway refuses it from then on.
	Remove {
		/// Name of the key.
		#[arg(long)]
		name: String,
	},
}

impl GatewayCommand {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		if let Some(GatewaySubcommand::Key(command)) = &self.command {
			return command.run(context);
		}
		let mut config = context.config.clone();
		self.apply(&mut config);
		tokio::spawn(memory::tend());
		server::serve(&config, context.account()?, stopped()?).await?;
		Ok(ExitCode::SUCCESS)
	}

	/// Lets the flags stand over the configuration.
	fn apply(self, config: &mut Config) {
		let options = &mut config.gateway;
		options.listen = self.listen.unwrap_or(options.listen);
		options.web = self.web.or(options.web.take());
		options.open |= self.open;
		if !self.allow_origin.is_empty() {
			options.allow_origin = self.allow_origin;
		}
	}

	/// Whether it serves until it is stopped.
	pub fn is_daemon(&self) -> bool {
		self.command.is_none()
	}
}

impl KeyCommand {
	fn run(&self, context: &Context) -> Result<ExitCode, CliError> {
		let data = &context.config.data;
		let keys = Keys::open(keys_file(data))?;
		match self {
			Self::Add { name, budget, rate } => {
				let key = keys.add(name, budget.map(|Amount(planck)| planck), *rate)?;
				eprintln!("this is the only time that the key is shown:");
				context.print(&json!({ "name": name, "key": key }), || key.clone())?;
			}
			Self::List => list(context, &keys, &*Spending::open(spending_file(data))?)?,
			Self::Remove { name } => {
				let removed = keys.remove(name)?;
				let spent = Amount(Spending::open(spending_file(data))?.spent(&removed.id));
				eprintln!("key {name} is removed; it had spent {spent}");
			}
		}
		Ok(ExitCode::SUCCESS)
	}
}

fn list(context: &Context, keys: &Keys, spending: &Spending) -> Result<(), CliError> {
	let keys = keys.list();
	let data = keys.iter().map(|key| {
		json!({
			"id": key.id,
			"name": key.name,
			"budget": key.budget.map(|planck| planck.to_string()),
			"spent": spending.spent(&key.id).to_string(),
			"rate": key.rate,
		})
	});
	context.print(&data.collect::<Vec<_>>(), || {
		let row = |key: &crate::gateway::keys::Key| {
			let endless = || "no limit".to_string();
			[
				key.name.clone(),
				key.id.clone(),
				Amount(spending.spent(&key.id)).to_string(),
				key.budget
					.map_or_else(endless, |planck| Amount(planck).to_string()),
				key.rate.map_or_else(endless, |rate| rate.to_string()),
			]
		};
		let rows = keys.iter().map(row).collect::<Vec<_>>();
		table(["name", "id", "spent", "budget", "a minute"], &rows)
	})
}
