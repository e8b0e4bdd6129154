//! What a worker is told about itself: one TOML file, three flags, and environment variables over both.
//!
//! Every key has a default that suits a worker beside a local node, so an empty file is valid. Relative
//! paths count from the folder of the file. What the keys mean for others (bond, registration) is left
//! to the commands.

use crate::{
	bidding,
	chain::Amount,
	gateway, links,
	network::{spare::DEFAULT_COPY, Reach},
	planning,
};
use dllm_primitives::miner::Roles;
use libp2p::Multiaddr;
use serde::{
	de::{Error as _, Visitor},
	Deserialize, Deserializer,
};
use std::{
	env, fmt, fs, io,
	net::SocketAddr,
	path::{Path, PathBuf},
	str::FromStr,
};

/// Read where `--config` is left out, if it exists.
pub const DEFAULT_FILE: &str = "worker.toml";
/// Prefix of the environment variables that override keys: `DLLM_MEMORY` stands over `memory`.
const VARIABLE_PREFIX: &str = "DLLM_";

/// A worker's configuration.
#[derive(Deserialize, Clone, Debug)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
	/// WebSocket address of a node.
	pub node: String,
	/// Who signs: a development name such as `//Miner1`, a mnemonic, a seed, or the path of a key file.
	pub account: String,
	/// Folder of the network key, fetched shards, sealed bids and the ledger of open jobs.
	pub data: PathBuf,
	/// Where other workers can reach this one, as this machine sees it.
	pub listen: Vec<Multiaddr>,
	/// Where other workers can reach this one, as they see it. Empty: through the relays of `reach`, where it
	/// has some, else the addresses of `listen`, which is right only on a machine with a public address, or
	/// among workers of one machine.
	pub advertise: Vec<Multiaddr>,
	/// Bytes of a frame of rows that goes to the next worker over two connections, at most, so that a lost packet
	/// holds up no token; 0 where none does.
	#[serde(deserialize_with = "byte_size")]
	pub copies: u64,
	/// What the worker offers to do.
	#[serde(deserialize_with = "roles")]
	pub roles: Roles,
	/// Memory for weights, caches and buffers.
	#[serde(deserialize_with = "byte_size")]
	pub memory: u64,
	/// Price of 10⁹ operations.
	pub price: Amount,
	/// Account of who runs this worker; its own account where left out. Replicas of a stage never
	/// share an operator.
	pub operator: Option<String>,
	/// Folders of split models and adapters that this worker holds already; the rest is fetched from other workers.
	pub models: Vec<PathBuf>,
	/// The ONNX Runtime library; looked for in the usual places where left out.
	pub onnxruntime: Option<PathBuf>,
	/// Threads for the execution of models; all processors where left out.
	pub threads: Option<usize>,
	/// How it is reached where it cannot be dialled.
	pub reach: Reach,
	/// What it bids in capacity rounds.
	pub bidding: bidding::Options,
	/// Whether it plans for capacity rounds.
	pub planning: planning::Options,
	/// How it measures the way to other workers.
	pub links: links::Options,
	/// What only a gateway reads.
	pub gateway: gateway::Options,
	/// Where Prometheus finds the numbers of this worker; nobody does where left out.
	pub metrics: Option<SocketAddr>,
}

impl Default for Config {
	fn default() -> Self {
		Self {
			node: "ws://127.0.0.1:9944".into(),
			account: "account.key".into(),
			data: "data".into(),
			listen: DEFAULT_LISTEN
				.iter()
				.filter_map(|address| address.parse().ok())
				.collect(),
			advertise: Vec::new(),
			copies: DEFAULT_COPY as u64,
			roles: Roles {
				entry: false,
				miner: true,
				verifier: true,
			},
			memory: 2 << 30,
			price: Amount(1_000_000),
			operator: None,
			models: Vec::new(),
			onnxruntime: None,
			threads: None,
			reach: Reach::default(),
			bidding: bidding::Options::default(),
			planning: planning::Options::default(),
			links: links::Options::default(),
			gateway: gateway::Options::default(),
			metrics: None,
		}
	}
}

/// QUIC and TCP on one port, for whoever can use only one of them.
const DEFAULT_LISTEN: [&str; 2] = ["/ip4/0.0.0.0/udp/30400/quic-v1", "/ip4/0.0.0.0/tcp/30400"];

/// Why there is no configuration.
#[derive(thiserror::Error, Debug)]
pub enum ConfigError {
	/// The file that was named does not exist.
	#[error("no configuration at {path}: copy inference-worker/worker.example.toml there, or correct --config")]
	NotFound { path: PathBuf },
	/// The file cannot be read.
	#[error("cannot read {path}: {source}; correct its permissions, or --config")]
	NotReadable { path: PathBuf, source: io::Error },
	/// A line of the file makes no sense.
	#[error("{path}:{line}: {reason}")]
	BadLine {
		path: PathBuf,
		line: usize,
		reason: String,
	},
	/// An environment variable makes no sense.
	#[error("environment variable {name}: {reason}")]
	BadVariable { name: String, reason: String },
	/// The node's address is no WebSocket address.
	#[error("node address {url:?} does not begin with ws:// or wss://: give it like ws://127.0.0.1:9944")]
	BadNode { url: String },
}

impl Config {
	/// Reads the file that was named, else [`DEFAULT_FILE`] if there is one, else takes the defaults;
	/// then the environment, then `node` from the command line.
	pub fn load(file: Option<&Path>, node: Option<&str>) -> Result<Self, ConfigError> {
		let config = match file {
			Some(path) => Self::read(path)?,
			None if Path::new(DEFAULT_FILE).exists() => Self::read(Path::new(DEFAULT_FILE))?,
			None => Self::default(),
		};
		config.completed(node)
	}

	/// The defaults, then the environment, then `node` from the command line: before there is a file.
	pub fn without_file(node: Option<&str>) -> Result<Self, ConfigError> {
		Self::default().completed(node)
	}

	fn completed(self, node: Option<&str>) -> Result<Self, ConfigError> {
		let mut config = self;
		config.apply_environment()?;
		if let Some(node) = node {
			config.node = node.into();
		}
		let is_socket = ["ws://", "wss://"]
			.iter()
			.any(|scheme| config.node.starts_with(scheme));
		if !is_socket {
			return Err(ConfigError::BadNode { url: config.node });
		}
		Ok(config)
	}

	/// Where others can dial this worker: `advertise`, else behind its relays, else what it listens on.
	pub fn reachable_at(&self) -> Vec<Multiaddr> {
		let circuits = self.reach.circuits();
		let known = [&self.advertise, &circuits, &self.listen];
		let first = known.into_iter().find(|addresses| !addresses.is_empty());
		first.cloned().unwrap_or_default()
	}

	fn read(path: &Path) -> Result<Self, ConfigError> {
		let text = fs::read_to_string(path).map_err(|source| match source.kind() {
			io::ErrorKind::NotFound => ConfigError::NotFound { path: path.into() },
			_ => ConfigError::NotReadable {
				path: path.into(),
				source,
			},
		})?;
		let mut config = toml::from_str::<Self>(&text).map_err(|error| {
			let at = error.span().map_or(0, |span| span.start.min(text.len()));
			let line = text[..at].matches('\n').count() + 1;
			ConfigError::BadLine {
				path: path.into(),
				line,
				reason: error.message().into(),
			}
		})?;
		config.anchor(path.parent().unwrap_or(Path::new("")));
		Ok(config)
	}

	/// Makes relative paths count from the folder of the file.
	fn anchor(&mut self, folder: &Path) {
		self.data = folder.join(&self.data);
		self.models
			.iter_mut()
			.for_each(|model| *model = folder.join(&*model));
		if let Some(library) = &mut self.onnxruntime {
			*library = folder.join(&*library);
		}
		self.gateway.anchor(folder);
		if !crate::chain::Account::is_secret(&self.account) {
			self.account = folder.join(&self.account).to_string_lossy().into_owned();
		}
	}

	fn apply_environment(&mut self) -> Result<(), ConfigError> {
		if let Some(account) = variable("account")? {
			self.account = account;
		}
		if let Some(data) = variable::<PathBuf>("data")? {
			self.data = data;
		}
		if let Some(memory) = variable::<ByteSize>("memory")? {
			self.memory = memory.0;
		}
		if let Some(price) = variable("price")? {
			self.price = price;
		}
		if let Some(operator) = variable("operator")? {
			self.operator = Some(operator);
		}
		if let Some(metrics) = variable("metrics")? {
			self.metrics = Some(metrics);
		}
		if let Some(List(listen)) = variable("listen")? {
			self.listen = listen;
		}
		if let Some(List(advertise)) = variable("advertise")? {
			self.advertise = advertise;
		}
		Ok(())
	}
}

/// Value of the environment variable that stands over a key; none where it is unset or empty.
fn variable<T: FromStr<Err: fmt::Display>>(key: &str) -> Result<Option<T>, ConfigError> {
	let name = format!("{VARIABLE_PREFIX}{}", key.to_uppercase());
	let Some(value) = env::var(&name).ok().filter(|value| !value.is_empty()) else {
		return Ok(None);
	};
	let parsed = value.parse::<T>();
	parsed.map(Some).map_err(|error| ConfigError::BadVariable {
		name,
		reason: error.to_string(),
	})
}

/// Values between commas.
struct List<T>(Vec<T>);

impl<T: FromStr> FromStr for List<T> {
	type Err = T::Err;

	fn from_str(text: &str) -> Result<Self, T::Err> {
		text.split(',')
			.map(|part| part.trim().parse())
			.collect::<Result<_, _>>()
			.map(Self)
	}
}

/// Reads a number of bytes, written as a number or like `512MiB`.
pub fn parse_bytes(text: &str) -> Result<u64, String> {
	text.parse::<ByteSize>().map(|size| size.0)
}

/// A number of bytes, as a number or like `512MiB`.
struct ByteSize(u64);

impl FromStr for ByteSize {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, String> {
		const UNITS: [(&str, u64); 4] = [
			("KiB", 1 << 10),
			("MiB", 1 << 20),
			("GiB", 1 << 30),
			("B", 1),
		];
		let text = text.trim();
		let unit = UNITS
			.iter()
			.find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?, *bytes)));
		let (number, bytes) = unit.unwrap_or((text, 1));
		let number = number.trim().parse::<u64>().ok();
		let size = number
			.and_then(|number| number.checked_mul(bytes))
			.map(Self);
		size.ok_or_else(|| format!("{text:?} is no number of bytes: write it like 512MiB or 4GiB"))
	}
}

fn byte_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
	struct SizeVisitor;
	impl Visitor<'_> for SizeVisitor {
		type Value = u64;

		fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
			f.write_str("a number of bytes, or a text like \"4GiB\"")
		}

		fn visit_i64<E: serde::de::Error>(self, bytes: i64) -> Result<u64, E> {
			u64::try_from(bytes).map_err(|_| E::custom("a number of bytes is not negative"))
		}

		fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<u64, E> {
			text.parse::<ByteSize>()
				.map(|size| size.0)
				.map_err(E::custom)
		}
	}
	deserializer.deserialize_any(SizeVisitor)
}

fn roles<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Roles, D::Error> {
	#[derive(Deserialize)]
	#[serde(rename_all = "lowercase")]
	enum Role {
		Entry,
		Miner,
		Verifier,
	}
	let mut roles = Roles::default();
	for role in Vec::<Role>::deserialize(deserializer)? {
		match role {
			Role::Entry => roles.entry = true,
			Role::Miner => roles.miner = true,
			Role::Verifier => roles.verifier = true,
		}
	}
	if roles == Roles::default() {
		return Err(D::Error::custom(
			"roles is empty: name some of entry, miner, verifier",
		));
	}
	Ok(roles)
}
