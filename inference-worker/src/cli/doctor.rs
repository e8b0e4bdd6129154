//! `doctor`: what this worker lacks, and how to mend it.
//!
//! Every check runs, whatever the others found: one look shows everything that has to be done.

mod reach;
mod versions;

use super::{
	register::{bond_of, declared},
	table::table,
	CliError, Context,
};
use crate::{
	chain::{address, Account, AccountId32, Amount, Chain},
	config::Config,
	daemon::NETWORK_KEY,
};
use clap::Args;
use dllm_model::{engine, manifest::Manifest};
use dllm_primitives::{api::WorkerView, model::Profile};
use libp2p::multiaddr::{Multiaddr, Protocol};
use serde::Serialize;
use std::{
	borrow::Cow,
	fs,
	net::{IpAddr, TcpListener, UdpSocket},
	path::Path,
	process::{Command, ExitCode},
	time::{SystemTime, UNIX_EPOCH},
};

/// A clock that is off by more cannot tell whether a node still catches up: five blocks.
const CLOCK_TOLERANCE_MS: u64 = 15_000;
/// Free disk below which a worker soon cannot record jobs.
const LEAST_DISK: u64 = 1 << 30;
/// Free money below which a worker soon cannot pay fees.
const LEAST_FREE: Amount = Amount(100_000_000_000);

/// Say what this worker lacks, and how to mend it.
#[derive(Args, Debug)]
pub struct Doctor {}

/// What one check found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding {
	check: &'static str,
	level: Level,
	found: String,
	#[serde(skip_serializing_if = "String::is_empty")]
	remedy: String,
}

#[derive(Serialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "lowercase")]
enum Level {
	Ok,
	/// The worker runs, but not as well as it could.
	Poor,
	/// The worker does not run.
	Missing,
}

impl Doctor {
	/// Runs the command.
	pub async fn run(self, context: &Context) -> Result<ExitCode, CliError> {
		let config = &context.config;
		let mut findings = vec![library(), memory(config), disk(config), ports(config)];
		findings.push(versions::metrics(config).await);
		findings.extend(shards(config));
		findings.extend(account_and_chain(context).await);
		context.print(&findings, || {
			let rows = findings.iter().map(|finding| {
				let Finding {
					check,
					level,
					found,
					remedy,
				} = finding;
				let remedy = if remedy.is_empty() {
					String::new()
				} else {
					format!("; {remedy}")
				};
				[
					format!("{level:?}").to_lowercase(),
					check.to_string(),
					format!("{found}{remedy}"),
				]
			});
			table(["", "check", "found"], &rows.collect::<Vec<_>>())
		})?;
		let sound = findings
			.iter()
			.all(|finding| finding.level != Level::Missing);
		Ok(if sound {
			ExitCode::SUCCESS
		} else {
			ExitCode::FAILURE
		})
	}
}

fn ok(check: &'static str, found: impl ToString) -> Finding {
	Finding {
		check,
		level: Level::Ok,
		found: found.to_string(),
		remedy: String::new(),
	}
}

fn poor(check: &'static str, found: impl ToString, remedy: impl ToString) -> Finding {
	Finding {
		check,
		level: Level::Poor,
		found: found.to_string(),
		remedy: remedy.to_string(),
	}
}

fn missing(check: &'static str, found: impl ToString, remedy: impl ToString) -> Finding {
	Finding {
		check,
		level: Level::Missing,
		found: found.to_string(),
		remedy: remedy.to_string(),
	}
}

/// An error names its remedy after a colon.
fn lacking(check: &'static str, error: impl ToString) -> Finding {
	let text = error.to_string();
	match text.rsplit_once(": ") {
		Some((found, remedy)) => missing(check, found, remedy),
		None => missing(check, text, "mend it, then run doctor again"),
	}
}

fn library() -> Finding {
	let runtime = match engine::runtime() {
		Ok(runtime) => runtime,
		Err(error) => return lacking("library", error),
	};
	let path = runtime.path.display();
	match engine::profile_id(Profile::F32) {
		Ok(class) => {
			let threads = runtime.threads;
			ok(
				"library",
				format!("{path} with {threads} threads, numerics class {class:?}"),
			)
		}
		Err(error) => lacking("library", error),
	}
}

fn memory(config: &Config) -> Finding {
	let declared = config.memory;
	let Some(available) = available_memory() else {
		return ok(
			"memory",
			format!("{declared} bytes declared; what is free is not known here"),
		);
	};
	let found = format!("{declared} bytes declared, {available} available");
	match declared <= available {
		true => ok("memory", found),
		false => poor("memory", found, "lower `memory`, or end other programs"),
	}
}

/// Bytes that programs can still take, where the system says so.
fn available_memory() -> Option<u64> {
	let text = fs::read_to_string("/proc/meminfo").ok()?;
	let line = text
		.lines()
		.find_map(|line| line.strip_prefix("MemAvailable:"))?;
	let kilobytes = line
		.trim()
		.trim_end_matches("kB")
		.trim()
		.parse::<u64>()
		.ok()?;
	kilobytes.checked_mul(1024)
}

fn disk(config: &Config) -> Finding {
	let folder = &config.data;
	if let Err(error) = fs::create_dir_all(folder) {
		let found = format!("{}: {error}", folder.display());
		return missing(
			"disk",
			found,
			"choose a folder that you may write as `data`",
		);
	}
	let Some(free) = free_disk(folder) else {
		return ok(
			"disk",
			format!("{}; what is free is not known here", folder.display()),
		);
	};
	let found = format!("{}: {free} bytes free", folder.display());
	match free >= LEAST_DISK {
		true => ok("disk", found),
		false => poor("disk", found, "make room, or move `data` to another disk"),
	}
}

/// Free bytes of the disk below a folder, as POSIX `df` says.
fn free_disk(folder: &Path) -> Option<u64> {
	let output = Command::new("df").arg("-Pk").arg(folder).output().ok()?;
	let text = String::from_utf8(output.stdout).ok()?;
	let kilobytes = text
		.lines()
		.nth(1)?
		.split_whitespace()
		.nth(3)?
		.parse::<u64>()
		.ok()?;
	kilobytes.checked_mul(1024)
}

fn ports(config: &Config) -> Finding {
	let taken = config.listen.iter().filter(|address| is_taken(address));
	let taken = taken
		.map(Multiaddr::to_string)
		.collect::<Vec<_>>()
		.join(", ");
	if !taken.is_empty() {
		let remedy = "right while this worker runs; else end the other program or change `listen`";
		return poor("ports", format!("in use: {taken}"), remedy);
	}
	let listen = config
		.listen
		.iter()
		.map(Multiaddr::to_string)
		.collect::<Vec<_>>()
		.join(", ");
	let told = !config.advertise.is_empty() || !config.reach.relays.is_empty();
	match !told && !config.listen.is_empty() {
		true => poor(
			"ports",
			format!("free: {listen}; workers of other machines are not told where to dial"),
			"set `advertise` to the public addresses or name `relays`, unless all workers share this machine",
		),
		false => ok("ports", format!("free: {listen}")),
	}
}

fn is_taken(address: &Multiaddr) -> bool {
	let mut ip = None::<IpAddr>;
	address.iter().any(|part| match (part, ip) {
		(Protocol::Ip4(found), _) => {
			ip = Some(found.into());
			false
		}
		(Protocol::Ip6(found), _) => {
			ip = Some(found.into());
			false
		}
		(Protocol::Tcp(port), Some(ip)) if port > 0 => TcpListener::bind((ip, port)).is_err(),
		(Protocol::Udp(port), Some(ip)) if port > 0 => UdpSocket::bind((ip, port)).is_err(),
		_ => false,
	})
}

/// One finding for each folder of `models`.
fn shards(config: &Config) -> Vec<Finding> {
	let look = |folder: &Path| {
		let manifest = Manifest::load(folder)?;
		manifest.verify_all(folder)?;
		Ok::<_, dllm_model::manifest::ManifestError>(manifest)
	};
	let finding = |folder: &std::path::PathBuf| match look(folder) {
		Ok(manifest) => ok(
			"shards",
			format!("{}: {} is whole", folder.display(), manifest.model),
		),
		Err(error) => lacking("shards", error),
	};
	config.models.iter().map(finding).collect()
}

async fn account_and_chain(context: &Context) -> Vec<Finding> {
	let mut findings = Vec::new();
	let account = match context.account() {
		Ok(account) => {
			findings.push(ok("account", account.address()));
			Some(account)
		}
		Err(error) => {
			findings.push(lacking("account", error));
			None
		}
	};
	let chain = match context.chain().await {
		Ok(chain) => chain,
		Err(error) => {
			findings.push(lacking("node", error));
			return findings;
		}
	};
	findings.push(node(&chain).await);
	findings.push(clock(&chain).await);
	findings.push(versions::versions(&chain).await);
	let (config, own) = (&context.config, account.as_ref().map(Account::id));
	let ports_taken = config.listen.iter().any(is_taken);
	findings.push(reach::reach(config, &chain, own, ports_taken).await);
	if let Some(account) = account {
		findings.push(funds(&chain, account.id()).await);
		findings.push(registration(&chain, account.id(), &context.config).await);
	}
	findings
}

async fn node(chain: &Chain) -> Finding {
	let health = match chain.health().await {
		Ok(health) => health,
		Err(error) => return lacking("node", error),
	};
	let number = chain.best().borrow().number;
	let found = format!(
		"{} at block {number} with {} peers",
		chain.url(),
		health.peers
	);
	match (
		health.is_syncing,
		health.should_have_peers && health.peers == 0,
	) {
		(true, _) => poor(
			"node",
			format!("{found}, catching up"),
			"wait until it has caught up",
		),
		(_, true) => poor("node", found, "give the node bootnodes, or open its port"),
		_ => ok("node", found),
	}
}

/// Compares this machine's clock with the author's of the best block.
async fn clock(chain: &Chain) -> Finding {
	let authored = match chain.timestamp().await {
		Ok(authored) => authored,
		Err(error) => return lacking("clock", error),
	};
	let here = SystemTime::now()
		.duration_since(UNIX_EPOCH)
		.map_or(0, |since| since.as_millis() as u64);
	let apart = here.abs_diff(authored);
	let found = format!("{:.1} s from the best block's", apart as f64 / 1000.0);
	match apart <= CLOCK_TOLERANCE_MS {
		true => ok("clock", found),
		false => poor(
			"clock",
			found,
			"set this machine's clock by NTP; if it is right, the chain stands still",
		),
	}
}

/// Money for fees; for the bond too, as long as there is none.
async fn funds(chain: &Chain, account: &AccountId32) -> Finding {
	let needed = match chain.worker(account).await {
		Ok(Some(_)) => LEAST_FREE,
		Ok(None) => match bond_of(chain).await {
			Ok(bond) => Amount(bond.saturating_add(LEAST_FREE.0)),
			Err(error) => return lacking("funds", error),
		},
		Err(error) => return lacking("funds", error),
	};
	match chain.balance(account).await {
		Ok(balance) if Amount(balance.free) >= needed => {
			let (free, held) = (Amount(balance.free), Amount(balance.held));
			ok("funds", format!("{free} free, {held} on hold"))
		}
		Ok(balance) => {
			let found = format!("{} free of {needed} needed", Amount(balance.free));
			missing(
				"funds",
				found,
				format!(
					"send {} to {}",
					Amount(needed.0 - balance.free),
					address(account)
				),
			)
		}
		Err(error) => lacking("funds", error),
	}
}

async fn registration(chain: &Chain, account: &AccountId32, config: &Config) -> Finding {
	let remedy = "run `dllm-worker register`";
	match chain.worker(account).await {
		Err(error) => lacking("registration", error),
		Ok(None) => missing(
			"registration",
			"this account is no registered worker",
			remedy,
		),
		Ok(Some(worker)) if !worker.active => {
			let remedy = "let its operator run `dllm-worker accept`, or register another account";
			missing(
				"registration",
				format!("this worker is {}", worker.state),
				remedy,
			)
		}
		Ok(Some(worker)) => match differs(&worker, config) {
			Ok(None) => ok(
				"registration",
				format!("active, bond {}", Amount(worker.bond)),
			),
			Ok(Some(what)) => {
				let found = format!("the chain knows {what} otherwise than the configuration");
				poor("registration", found, format!("{remedy} to change it"))
			}
			Err(error) => lacking("registration", error),
		},
	}
}

/// What the chain holds of this worker that the configuration says otherwise.
fn differs(worker: &WorkerView, config: &Config) -> Result<Option<&'static str>, CliError> {
	if !config.data.join(NETWORK_KEY).exists() {
		return Ok(Some("the peer id"));
	}
	let spec = declared(config)?;
	let addresses = spec
		.addresses
		.iter()
		.map(|address| String::from_utf8_lossy(address));
	Ok(if spec.peer_id.as_slice() != worker.peer_id.as_slice() {
		Some("the peer id")
	} else if !addresses.eq(worker
		.addresses
		.iter()
		.map(|address| Cow::Borrowed(address.as_str())))
	{
		Some("the addresses")
	} else if spec.roles != worker.roles {
		Some("the roles")
	} else if spec.memory != worker.memory {
		Some("the memory")
	} else if spec.price != worker.price {
		Some("the price")
	} else {
		None
	})
}
