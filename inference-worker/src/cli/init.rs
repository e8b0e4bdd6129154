//! `init`: everything a new worker needs on its machine, and what it needs from the chain.
//!
//! Writes the configuration, makes the account and the network key, and says how much the account has to
//! receive. Nothing that exists is overwritten.

use super::{
	register::{bond_of, Register},
	CliError, Context,
};
use crate::{
	chain::{Account, Amount},
	config::{parse_bytes, Config, DEFAULT_FILE},
	daemon::NETWORK_KEY,
	network::identity,
};
use clap::{Args, ValueEnum};
use libp2p::Multiaddr;
use serde::Serialize;
use std::{
	fmt, fs,
	io::{self, BufRead, IsTerminal, Write},
	net::SocketAddr,
	path::{Path, PathBuf},
	process::ExitCode,
	str::FromStr,
};

/// File of the account in the folder of the configuration.
const ACCOUNT_KEY: &str = "account.key";
/// For the fees of a year of registration, commitments that fail, and plans: a tenth of a DLLM each.
const FOR_FEES: Amount = Amount(1_000_000_000_000);
/// What stands above the keys of a new file.
const HEAD: &str = "# Configuration of a DLLM worker, made by `dllm-worker init`. Every key that may stand here is\n# explained in worker.example.toml. Relative paths count from the folder of this file.\n\n";

/// Set up a worker: configuration, account, network key, and what to send to the account.
///
/// Asks for what no option says where there is a terminal; elsewhere the defaults stand.
#[derive(Args, Debug)]
pub struct Init {
	/// Folder of the new worker; made where it is missing.
	#[arg(default_value = ".", value_name = "FOLDER")]
	folder: PathBuf,
	/// Port to listen on, QUIC and TCP [default: 30400].
	#[arg(long)]
	port: Option<u16>,
	/// Where other workers reach this one, like /ip4/203.0.113.7/udp/30400/quic-v1; may stand several times.
	#[arg(long, value_name = "ADDRESS")]
	advertise: Vec<Multiaddr>,
	/// What the worker offers [default: miner,verifier].
	#[arg(long, value_delimiter = ',')]
	roles: Vec<Role>,
	/// Memory for weights, caches and buffers, like 4GiB [default: 2GiB].
	#[arg(long)]
	memory: Option<Size>,
	/// Price of 10⁹ operations, like "0.000001 DLLM" [default: 0.000001 DLLM].
	#[arg(long)]
	price: Option<Amount>,
	/// Account of who runs this worker; its own where left out.
	#[arg(long, value_name = "ADDRESS")]
	operator: Option<String>,
	/// Where Prometheus finds the numbers of this worker, like 127.0.0.1:9615.
	#[arg(long, value_name = "ADDRESS")]
	metrics: Option<SocketAddr>,
	/// Ask nothing, even on a terminal.
	#[arg(long)]
	yes: bool,
	/// Register at once: needs the bond on the account.
	#[arg(long)]
	register: bool,
}

#[derive(ValueEnum, Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
enum Role {
	Entry,
	Miner,
	Verifier,
}

/// A number of bytes as it was written.
#[derive(Clone, Debug)]
struct Size(String);

impl FromStr for Size {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		parse_bytes(text)?;
		Ok(Self(text.into()))
	}
}

impl fmt::Display for Size {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		f.write_str(&self.0)
	}
}

/// The keys of the new file, in the order of the example.
#[derive(Serialize)]
struct NewFile {
	node: String,
	account: String,
	data: String,
	listen: Vec<String>,
	advertise: Vec<String>,
	roles: Vec<Role>,
	memory: String,
	price: String,
	#[serde(skip_serializing_if = "Option::is_none")]
	operator: Option<String>,
	#[serde(skip_serializing_if = "Option::is_none")]
	metrics: Option<String>,
}

/// What stands now, and what is still to be done.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Made {
	config: PathBuf,
	account: PathBuf,
	address: String,
	peer_id: String,
	#[serde(flatten)]
	money: Option<Money>,
}

/// In planck, as text: JSON numbers end at 2⁵³.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Money {
	bond: String,
	for_fees: String,
	free: String,
	missing: String,
}

impl Init {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let path = self.folder.join(DEFAULT_FILE);
		if path.exists() {
			return Err(CliError::BadArgument {
				what: "init",
				reason: format!(
					"{} exists and is never overwritten: change it by hand, or choose another folder",
					path.display()
				),
			});
		}
		let asks = !self.yes && io::stdin().is_terminal();
		let file = self.filled(context, asks)?;
		fs::create_dir_all(&self.folder).map_err(|source| io_error(&self.folder, source))?;
		let key = self.folder.join(ACCOUNT_KEY);
		let account = match key.exists() {
			true => Account::load(&key.to_string_lossy())?,
			false => Account::generate(&key)?,
		};
		let text = HEAD.to_string() + &written(&file)?;
		fs::write(&path, text).map_err(|source| io_error(&path, source))?;
		let config = Config::load(Some(&path), Some(&context.config.node))?;
		let peer = identity::load_or_create(&config.data.join(NETWORK_KEY))?;
		let context = Context {
			config,
			json: context.json,
		};
		let money = match self.money(&context, &account).await {
			Err(error) if self.register => return Err(error),
			looked => looked.ok(),
		};
		let made = Made {
			config: path,
			account: key,
			address: account.address(),
			peer_id: peer.public().to_peer_id().to_string(),
			money,
		};
		if !self.register {
			context.print(&made, || readable(&made))?;
			return Ok(ExitCode::SUCCESS);
		}
		eprintln!("{}", readable(&made));
		if let Some(money) = made.money.filter(|money| money.missing != "0") {
			return Err(CliError::BadArgument {
				what: "--register",
				reason: format!(
					"send {} to {}, then run `dllm-worker register --config {}`",
					dllm(&money.missing),
					made.address,
					made.config.display()
				),
			});
		}
		Register::with_least_bond().run(&context).await
	}

	/// Options, answers and defaults together.
	fn filled(&self, context: &Context, asks: bool) -> Result<NewFile, CliError> {
		let mut answers = Answers { asks };
		let defaults = Config::default();
		let node = answers.or("node", None, context.config.node.clone())?;
		let port = answers.or("port to listen on", self.port, 30400)?;
		let memory = answers.or("memory", self.memory.clone(), Size("2GiB".into()))?;
		let price = answers.or("price of 10⁹ operations", self.price, defaults.price)?;
		let advertise = match self.advertise.is_empty() {
			true => {
				answers
					.or(
						"address that others dial (empty: this machine only)",
						None,
						Addresses(Vec::new()),
					)?
					.0
			}
			false => self.advertise.clone(),
		};
		let roles = match self.roles.is_empty() {
			true => vec![Role::Miner, Role::Verifier],
			false => self.roles.clone(),
		};
		Ok(NewFile {
			node,
			account: ACCOUNT_KEY.into(),
			data: "data".into(),
			listen: vec![
				format!("/ip4/0.0.0.0/udp/{port}/quic-v1"),
				format!("/ip4/0.0.0.0/tcp/{port}"),
			],
			advertise: advertise.iter().map(Multiaddr::to_string).collect(),
			roles,
			memory: memory.0,
			price: price.to_string(),
			operator: self.operator.clone(),
			metrics: self.metrics.map(|address| address.to_string()),
		})
	}

	/// What the account needs and has; an error where the node does not say.
	async fn money(&self, context: &Context, account: &Account) -> Result<Money, CliError> {
		let chain = context.chain().await?;
		let bond = bond_of(&chain).await?;
		let free = chain.balance(account.id()).await?.free;
		let missing = bond.saturating_add(FOR_FEES.0).saturating_sub(free);
		Ok(Money {
			bond: bond.to_string(),
			for_fees: FOR_FEES.0.to_string(),
			free: free.to_string(),
			missing: missing.to_string(),
		})
	}
}

/// Asks on the terminal, or takes what stands already.
struct Answers {
	asks: bool,
}

impl Answers {
	fn or<T: FromStr<Err: fmt::Display> + fmt::Display>(
		&mut self,
		what: &str,
		given: Option<T>,
		default: T,
	) -> Result<T, CliError> {
		match given {
			Some(given) => return Ok(given),
			None if !self.asks => return Ok(default),
			None => {}
		}
		loop {
			eprint!("{what} [{default}]: ");
			let failed = |source| io_error(Path::new("terminal"), source);
			io::stderr().flush().map_err(failed)?;
			let mut line = String::new();
			let read = io::stdin().lock().read_line(&mut line).map_err(failed)?;
			match line.trim() {
				"" if read == 0 => {
					self.asks = false;
					return Ok(default);
				}
				"" => return Ok(default),
				answer => match answer.parse() {
					Ok(parsed) => return Ok(parsed),
					Err(error) => eprintln!("{error}"),
				},
			}
		}
	}
}

/// Addresses between commas.
struct Addresses(Vec<Multiaddr>);

impl FromStr for Addresses {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		let parsed = text.split(',').map(|part| part.trim().parse());
		let parsed = parsed.collect::<Result<Vec<_>, _>>();
		parsed
			.map(Self)
			.map_err(|error| format!("{error}: write it like /ip4/203.0.113.7/udp/30400/quic-v1"))
	}
}

impl fmt::Display for Addresses {
	fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
		let texts = self.0.iter().map(Multiaddr::to_string);
		f.write_str(&texts.collect::<Vec<_>>().join(", "))
	}
}

fn written(file: &NewFile) -> Result<String, CliError> {
	toml::to_string(file).map_err(|error| CliError::BadArgument {
		what: "the configuration",
		reason: error.to_string(),
	})
}

fn readable(made: &Made) -> String {
	let (config, key) = (made.config.display(), made.account.display());
	let mut text = format!(
		"wrote {config} and {key}: keep a copy of the key, whoever has it has the money\naddress  {}\npeer id  {}\n",
		made.address, made.peer_id
	);
	text += &match &made.money {
		None => "no node answers, so what the account has is not known\n".to_string(),
		Some(money) if money.missing == "0" => format!("funds    {}: enough\n", dllm(&money.free)),
		Some(money) => format!(
			"funds    {} of {} bond and {} for fees: send {} to the address\n",
			dllm(&money.free),
			dllm(&money.bond),
			dllm(&money.for_fees),
			dllm(&money.missing)
		),
	};
	text + &format!(
		"then     dllm-worker doctor --config {config}; dllm-worker register --config {config}; dllm-worker serve --config {config}"
	)
}

/// Planck as a person reads them.
fn dllm(planck: &str) -> Amount {
	planck.parse().unwrap_or(Amount(0))
}

fn io_error(path: &Path, source: io::Error) -> CliError {
	CliError::Io {
		path: path.into(),
		source,
	}
}
