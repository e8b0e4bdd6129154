//! Workers that cannot be dialled: reached through others, found out, and found on the local network. Real
//! libp2p on this machine.

use crate::lab::{network, QUIC, TCP};
use dllm_worker::{
	metrics::metrics,
	network::{
		guard::Guard, Incoming, Network, NetworkConfig, NetworkError, Peer, Reach, Reachability,
	},
};
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::{
	core::{transport::PortUse, ConnectedPoint, Endpoint},
	identity::Keypair,
	multiaddr::Protocol,
	swarm::{
		behaviour::{ConnectionClosed, ConnectionEstablished},
		ConnectionId, FromSwarm, NetworkBehaviour,
	},
	Multiaddr, PeerId, StreamProtocol,
};
use std::{future::Future, time::Duration};
use tokio::time::{sleep, timeout};

const ECHO: StreamProtocol = StreamProtocol::new("/dllm/test/1");
/// Longer than everything here takes, looks at lost places and tries at dialling included.
const PATIENCE: Duration = Duration::from_secs(90);
/// Longest wait for two workers to reach each other directly: several times what it takes. On one machine, where both
/// ends dial within microseconds, a try may fail, so there are a few.
const PUNCHING: Duration = Duration::from_secs(10);
const TRIES: usize = 4;

async fn start(keypair: Keypair, listen: &[&str], reach: Reach) -> Network {
	try_start(keypair, listen, reach).await.unwrap()
}

async fn try_start(
	keypair: Keypair,
	listen: &[&str],
	reach: Reach,
) -> Result<Network, NetworkError> {
	let listen = listen.iter().map(|address| address.parse().unwrap());
	let config = NetworkConfig {
		reach,
		..NetworkConfig::new(keypair, listen.collect())
	};
	Network::start(config).await
}

/// A relay anew where it was. Some connection of this machine may have its port for a moment.
async fn start_again(keypair: &Keypair, address: &str) -> Network {
	let started = async {
		loop {
			match try_start(keypair.clone(), &[address], relaying()).await {
				Err(NetworkError::PortInUse { .. }) => sleep(Duration::from_millis(200)).await,
				started => return started.unwrap(),
			}
		}
	};
	in_time(started).await
}

fn relaying() -> Reach {
	Reach {
		relay: true,
		..Reach::default()
	}
}

/// Reached through this relay.
fn behind(relay: &Network) -> Reach {
	let name = Protocol::P2p(relay.peer_id());
	let relays = relay.listen_addresses().into_iter();
	Reach {
		relays: relays.map(|address| address.with(name.clone())).collect(),
		..Reach::default()
	}
}

/// The addresses of a worker that lead through relays.
fn circuits(network: &Network) -> Vec<Multiaddr> {
	let mut addresses = network.listen_addresses();
	addresses.retain(|address| address.iter().any(|part| part == Protocol::P2pCircuit));
	addresses
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
	let held = async {
		while !holds() {
			sleep(Duration::from_millis(50)).await;
		}
	};
	timeout(PATIENCE, held).await.expect(what);
}

/// A worker as others know it that can reach it through relays only.
async fn hidden_peer(network: &Network) -> Peer {
	until("a place at a relay", || !circuits(network).is_empty()).await;
	Peer {
		id: network.peer_id(),
		addresses: circuits(network),
	}
}

/// Says something over a new stream; gives who heard it from whom.
async fn say(from: &Network, to: &Peer, incoming: &mut Incoming) -> Result<PeerId, NetworkError> {
	let mut near = from.open(to, ECHO).await?;
	near.write_all(b"ping").await.unwrap();
	near.close().await.unwrap();
	let (peer, mut far) = incoming.next().await.unwrap();
	let mut said = Vec::new();
	far.read_to_end(&mut said).await.unwrap();
	assert_eq!(said, b"ping");
	Ok(peer)
}

async fn in_time<T>(work: impl Future<Output = T>) -> T {
	timeout(PATIENCE, work).await.expect("it ends in time")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_does_not_listen_is_reached_through_a_relay() {
	for transport in [TCP, QUIC] {
		let relay = start(Keypair::generate_ed25519(), &[transport], relaying()).await;
		let hidden = start(Keypair::generate_ed25519(), &[], behind(&relay)).await;
		let client = network(&[]).await;
		let mut incoming = hidden.accept(ECHO).unwrap();
		let peer = hidden_peer(&hidden).await;
		assert_eq!(
			peer.addresses.len(),
			1,
			"nothing else leads there: {peer:?}"
		);
		// As the chain would name it.
		let addresses = behind(&relay).circuits();
		let named = addresses
			.iter()
			.map(Multiaddr::to_string)
			.collect::<Vec<_>>();
		let peer = Peer::from_chain(&peer.id.to_bytes(), &named).unwrap();
		let heard = in_time(say(&client, &peer, &mut incoming)).await.unwrap();
		assert_eq!(heard, client.peer_id());

		let mut back = client.accept(ECHO).unwrap();
		let caller = client.as_peer();
		let heard = in_time(say(&hidden, &caller, &mut back)).await.unwrap();
		assert_eq!(heard, hidden.peer_id(), "the connection serves both");
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_relay_gives_no_place_and_nobody_gets_through() {
	let plain = network(&[TCP]).await;
	let hidden = start(Keypair::generate_ed25519(), &[], behind(&plain)).await;
	let client = network(&[]).await;
	let peer = Peer {
		id: hidden.peer_id(),
		addresses: behind(&plain).circuits(),
	};
	assert!(in_time(client.connect(&peer)).await.is_err());
	assert_eq!(circuits(&hidden), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_does_not_get_every_place() {
	let relay = start(Keypair::generate_ed25519(), &[TCP], relaying()).await;
	let mut hidden = Vec::new();
	for _ in 0..20 {
		hidden.push(start(Keypair::generate_ed25519(), &[], behind(&relay)).await);
	}
	let placed = || {
		let placed = hidden.iter().filter(|one| !circuits(one).is_empty());
		placed.count()
	};
	until("some have places", || placed() >= 9).await;
	// Time in which all the others would have theirs.
	sleep(Duration::from_secs(5)).await;
	assert!(placed() <= 16, "{} places", placed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_starts_anew_is_found_again() {
	let keypair = Keypair::generate_ed25519();
	let relay = start(keypair.clone(), &[TCP], relaying()).await;
	let address = relay.listen_addresses()[0].to_string();
	let hidden = start(Keypair::generate_ed25519(), &[], behind(&relay)).await;
	hidden_peer(&hidden).await;
	relay.shutdown().await;
	until("the place is lost", || circuits(&hidden).is_empty()).await;

	let _again = start_again(&keypair, &address).await;
	let peer = hidden_peer(&hidden).await;
	let mut incoming = hidden.accept(ECHO).unwrap();
	let client = network(&[]).await;
	in_time(say(&client, &peer, &mut incoming)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_that_met_through_a_relay_reach_each_other_directly() {
	let keypair = Keypair::generate_ed25519();
	let mut relay = start(keypair.clone(), &[TCP], relaying()).await;
	let address = relay.listen_addresses()[0].to_string();
	let hidden = start(Keypair::generate_ed25519(), &[TCP], behind(&relay)).await;
	let client = network(&[TCP]).await;
	let mut incoming = hidden.accept(ECHO).unwrap();
	for _ in 0..TRIES {
		let before = metrics().punched.get();
		// So that the relay tells the client where it sees it from.
		client.connect(&relay.as_peer()).await.unwrap();
		let peer = hidden_peer(&hidden).await;
		in_time(say(&client, &peer, &mut incoming)).await.unwrap();
		let punched = async {
			while metrics().punched.get() == before {
				sleep(Duration::from_millis(50)).await;
			}
		};
		// Where it fails there is another try.
		let _ = timeout(PUNCHING, punched).await;
		relay.shutdown().await;
		until("the place is lost", || circuits(&hidden).is_empty()).await;
		// The only address that the client knows leads nowhere any more.
		if in_time(client.open(&peer, ECHO)).await.is_ok() {
			return;
		}
		relay = start_again(&keypair, &address).await;
	}
	panic!("they never reached each other directly");
}

/// A worker that listens at another address of this machine. Who dials does so from the port that it listens on: if
/// that were the port of `peer` too, the call would come from where it goes, and meet itself.
async fn elsewhere(peer: &Network) -> Network {
	let port = |network: &Network| network.listen_addresses()[0].clone().pop();
	loop {
		let network = network(&["/ip4/127.0.0.2/tcp/0"]).await;
		if port(&network) != port(peer) {
			return network;
		}
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_find_out_whether_a_worker_can_be_dialled() {
	let judge = network(&[TCP]).await;
	let open = network(&[TCP]).await;
	// The judge sees it come from 127.0.0.1, at which nobody listens on its port.
	let hidden = elsewhere(&judge).await;
	let silent = network(&[]).await;
	for worker in [&open, &hidden, &silent] {
		worker.connect(&judge.as_peer()).await.unwrap();
	}
	let (mut open, mut hidden) = (open.reachability(), hidden.reachability());
	let found = |found: &Reachability| *found != Reachability::Unknown;
	let open = in_time(open.wait_for(found)).await.unwrap().clone();
	assert!(matches!(open, Reachability::Direct(_)), "{open:?}");
	let hidden = in_time(hidden.wait_for(found)).await.unwrap().clone();
	assert_eq!(hidden, Reachability::Hidden);
	assert_eq!(*silent.reachability().borrow(), Reachability::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an interface on which multicasts are heard"]
async fn workers_of_a_local_network_find_each_other_by_name_alone() {
	let lan = Reach {
		lan: true,
		..Reach::default()
	};
	let everywhere = "/ip4/0.0.0.0/tcp/0";
	let server = start(Keypair::generate_ed25519(), &[everywhere], lan.clone()).await;
	let client = start(Keypair::generate_ed25519(), &[everywhere], lan).await;
	let mut incoming = server.accept(ECHO).unwrap();
	let peer = Peer {
		id: server.peer_id(),
		addresses: Vec::new(),
	};
	let found = async {
		while client.connect(&peer).await.is_err() {
			sleep(Duration::from_millis(200)).await;
		}
	};
	in_time(found).await;
	in_time(say(&client, &peer, &mut incoming)).await.unwrap();
}

#[tokio::test]
async fn a_relay_needs_a_name() {
	let config = NetworkConfig {
		reach: Reach {
			relays: vec![TCP.parse().unwrap()],
			..Reach::default()
		},
		..NetworkConfig::new(Keypair::generate_ed25519(), Vec::new())
	};
	let error = Network::start(config).await.err().unwrap();
	assert!(
		matches!(error, NetworkError::NamelessRelay { .. }),
		"{error}"
	);
	assert!(error.to_string().contains("/p2p/"), "{error}");
}

/// Whether a worker lets a peer that came through this relay have it dial these addresses.
fn is_dialled(guard: &mut Guard, peer: PeerId, addresses: &[&str]) -> bool {
	let addresses = addresses.iter().map(|address| address.parse().unwrap());
	let (id, addresses) = (
		ConnectionId::new_unchecked(9),
		addresses.collect::<Vec<Multiaddr>>(),
	);
	guard
		.handle_pending_outbound_connection(id, Some(peer), &addresses, Endpoint::Dialer)
		.is_ok()
}

/// A connection with `peer` that leads over these addresses.
fn over(address: &str) -> ConnectedPoint {
	ConnectedPoint::Dialer {
		address: address.parse().unwrap(),
		role_override: Endpoint::Dialer,
		port_use: PortUse::New,
	}
}

fn stands(guard: &mut Guard, peer_id: PeerId, endpoint: &ConnectedPoint) {
	guard.on_swarm_event(FromSwarm::ConnectionEstablished(ConnectionEstablished {
		peer_id,
		connection_id: ConnectionId::new_unchecked(1),
		endpoint,
		failed_addresses: &[],
		other_established: 0,
	}));
}

#[test]
fn a_stranger_behind_a_relay_of_the_internet_names_addresses_of_the_internet_only() {
	let peer = PeerId::random();
	let far = format!("/ip4/8.8.8.8/tcp/1/p2p/{}/p2p-circuit", PeerId::random());
	let (open, home) = ("/ip4/1.1.1.1/tcp/22", "/ip4/192.168.1.1/tcp/80");
	let guarded = |lan, relay: &str| {
		let mut guard = Guard::new(lan);
		stands(&mut guard, peer, &over(relay));
		guard
	};
	let mut guard = guarded(false, &far);
	assert!(is_dialled(
		&mut guard,
		peer,
		&[open, "/ip6/2606:4700::1/tcp/22"]
	));
	for inside in [
		home,
		"/ip4/127.0.0.1/tcp/9944",
		"/ip4/10.1.2.3/udp/1/quic-v1",
		"/ip4/169.254.169.254/tcp/80",
		"/ip4/100.64.0.1/tcp/1",
		"/ip6/::1/tcp/1",
		"/ip6/fd00::1/tcp/1",
		"/ip6/fe80::1/tcp/1",
		"/ip6/::ffff:127.0.0.1/tcp/1",
		"/dns4/router/tcp/80",
	] {
		assert!(!is_dialled(&mut guard, peer, &[inside]), "{inside}");
		assert!(!is_dialled(&mut guard, peer, &[open, inside]), "{inside}");
	}
	assert!(
		is_dialled(&mut guard, PeerId::random(), &[home]),
		"an own dial"
	);
	let endpoint = over(&far);
	guard.on_swarm_event(FromSwarm::ConnectionClosed(ConnectionClosed {
		peer_id: peer,
		connection_id: ConnectionId::new_unchecked(1),
		endpoint: &endpoint,
		cause: None,
		remaining_established: 0,
	}));
	assert!(is_dialled(&mut guard, peer, &[home]), "it has gone");

	let near = far.replace("8.8.8.8", "192.168.1.9");
	assert!(is_dialled(&mut guarded(false, &near), peer, &[home]));
	assert!(is_dialled(&mut guarded(true, &far), peer, &[home]));
	let direct = "/ip4/8.8.8.8/tcp/1";
	assert!(is_dialled(&mut guarded(false, direct), peer, &[home]));
}
