//! Who answers now is told within ten seconds, and nobody else is asked for it.

use crate::lab::*;
use dllm_worker::network::{roll, Network, NetworkConfig, Peer};
use libp2p::{identity::Keypair, Multiaddr};
use std::{
	net::TcpListener,
	time::{Duration, Instant},
};

/// What a dead worker is given until it is off the map.
const GOAL: Duration = Duration::from_secs(10);

/// Calls the roll as plans and gateways do: with a network that knows nobody. Somebody always answers.
async fn call<const N: usize>(peers: [&Peer; N]) -> Vec<usize> {
	let began = Instant::now();
	let steady = network(&[TCP]).await;
	let here = (usize::MAX, steady.as_peer());
	let peers = peers.into_iter().cloned().enumerate().chain([here]);
	let mut absent = roll::call(peers.collect()).await.unwrap().unwrap();
	assert!(began.elapsed() < GOAL, "{:?}", began.elapsed());
	absent.sort_unstable();
	absent
}

async fn start(keypair: &Keypair, listen: &Multiaddr) -> Network {
	let config = NetworkConfig::new(keypair.clone(), vec![listen.clone()]);
	Network::start(config).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_dies_is_absent_from_the_next_roll_and_back_in_the_one_after_its_start() {
	let keypair = Keypair::generate_ed25519();
	let worker = start(&keypair, &TCP.parse().unwrap()).await;
	let other = network(&[TCP]).await;
	let (mortal, steady) = (worker.as_peer(), other.as_peer());
	assert!(call([&mortal, &steady]).await.is_empty());
	worker.shutdown().await;
	assert_eq!(call([&mortal, &steady]).await, [0]);
	let _back = start(&keypair, &mortal.addresses[0]).await;
	assert!(call([&mortal, &steady]).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_reached_without_connections_is_told_alike() {
	let (worker, other) = (network(&[QUIC]).await, network(&[QUIC]).await);
	let (mortal, steady) = (worker.as_peer(), other.as_peer());
	assert!(call([&mortal, &steady]).await.is_empty());
	worker.shutdown().await;
	assert_eq!(call([&mortal, &steady]).await, [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_takes_connections_and_says_nothing_is_absent() {
	// A process that is stopped: the system goes on to accept for it.
	let stopped = TcpListener::bind("127.0.0.1:0").unwrap();
	let port = stopped.local_addr().unwrap().port();
	let stopped = Peer {
		id: Keypair::generate_ed25519().public().to_peer_id(),
		addresses: vec![format!("/ip4/127.0.0.1/tcp/{port}").parse().unwrap()],
	};
	let steady = network(&[TCP]).await;
	assert_eq!(call([&steady.as_peer(), &stopped]).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_for_another_one() {
	let other = network(&[TCP]).await;
	let dead = Peer {
		id: Keypair::generate_ed25519().public().to_peer_id(),
		addresses: other.listen_addresses(),
	};
	assert_eq!(call([&dead]).await, [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_at_all_answers_nothing_is_known() {
	let worker = network(&[TCP]).await;
	let dead = worker.as_peer();
	worker.shutdown().await;
	assert_eq!(roll::call(vec![(1, dead)]).await.unwrap(), None);
	assert_eq!(
		roll::call::<u8>(Vec::new()).await.unwrap(),
		Some(Vec::new())
	);
}
