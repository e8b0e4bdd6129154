//! Whether other workers can reach this one: a running worker is asked what it knows; else some of the others
//! are asked to dial, as they will once it runs.

use super::{lacking, ok, poor, Finding};
use crate::{
	chain::{AccountId32, Chain},
	config::Config,
	metrics::{scrape, Numbers},
	network::{shards::distinct, Network, NetworkConfig, Peer, Reach, Reachability},
};
use futures::future::join_all;
use libp2p::{identity::Keypair, multiaddr::Protocol};
use std::time::Duration;
use tokio::time::timeout;

const CHECK: &str = "reach";
/// Workers that are asked: one that gets through is enough, and some may be away.
const ASKED: usize = 4;
/// Longest wait for what they find: they try after 5 s, and give a dial 10 s.
const PATIENCE: Duration = Duration::from_secs(20);
const REMEDY: &str =
	"open or forward the ports of `listen`, or name `relays` under [reach]: docs/reaching.md";

/// What others find, or found, when they dial. `ports_taken` says that a program listens already.
pub async fn reach(
	config: &Config,
	chain: &Chain,
	own: Option<&AccountId32>,
	ports_taken: bool,
) -> Finding {
	if let Some(address) = config.metrics {
		if let Ok(numbers) = scrape(address).await {
			return running(&numbers);
		}
	}
	if ports_taken {
		let found = "not tried while a program has the ports";
		return ok(
			CHECK,
			format!("{found}; a running worker tells it in its log and metrics"),
		);
	}
	let workers = match chain.workers().await {
		Ok(workers) => workers,
		Err(error) => return lacking(CHECK, error),
	};
	let others = workers.iter().filter(|worker| worker.active);
	let others = others.filter(|worker| Some(&worker.account) != own);
	let others = others.filter_map(|one| Peer::from_chain(&one.peer_id, &one.addresses).ok());
	let others = distinct(others).into_iter().take(ASKED).collect();
	tried(config, others).await
}

/// What a running worker knows.
fn running(numbers: &Numbers) -> Finding {
	let (direct, relays) = (numbers.sum("reachable", None), numbers.sum("relays", None));
	if direct > 0.0 {
		return ok(
			CHECK,
			"others have dialled the running worker at the address that they see it at",
		);
	}
	if relays > 0.0 {
		return ok(
			CHECK,
			format!("others reach the running worker through {relays} relays"),
		);
	}
	poor(CHECK, "nobody has dialled the running worker yet", REMEDY)
}

/// Listens for a while and lets others try.
async fn tried(config: &Config, others: Vec<Peer>) -> Finding {
	let network = Network::start(NetworkConfig {
		advertise: config.advertise.clone(),
		reach: Reach {
			relay: false,
			..config.reach.clone()
		},
		..NetworkConfig::new(Keypair::generate_ed25519(), config.listen.clone())
	});
	let network = match network.await {
		Ok(network) => network,
		Err(error) => return lacking(CHECK, error),
	};
	let finding = judged(&network, &others).await;
	network.shutdown().await;
	finding
}

async fn judged(network: &Network, others: &[Peer]) -> Finding {
	let connected = join_all(others.iter().map(|peer| network.connect(peer))).await;
	let answered = connected.iter().filter(|result| result.is_ok()).count();
	let mut reachability = network.reachability();
	let known = reachability.wait_for(|found| *found != Reachability::Unknown);
	let found = match answered {
		0 => Reachability::Unknown,
		_ => match timeout(PATIENCE, known).await {
			Ok(Ok(found)) => found.clone(),
			_ => Reachability::Unknown,
		},
	};
	let through = network.listen_addresses().into_iter();
	let through = through
		.filter(|address| address.iter().any(|part| part == Protocol::P2pCircuit))
		.count();
	match found {
		Reachability::Direct(address) => ok(
			CHECK,
			format!("others see this worker at {address} and can dial it there; `advertise` is not dialled: compare it"),
		),
		_ if through > 0 => ok(CHECK, format!("others get here through {through} relays")),
		Reachability::Hidden => poor(
			CHECK,
			"others cannot dial this worker at the address that they see it at",
			REMEDY,
		),
		Reachability::Unknown if others.is_empty() => {
			ok(CHECK, "there is no other worker that could try")
		}
		Reachability::Unknown => poor(
			CHECK,
			format!(
				"unknown: {answered} of {} workers answered, and none has tried from the Internet",
				others.len()
			),
			"check this machine's connection, then run doctor again",
		),
	}
}
