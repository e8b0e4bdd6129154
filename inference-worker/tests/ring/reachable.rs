//! Peers find each other, or the error says why not.

use crate::lab::*;
use dllm_worker::network::{
	identity::{load_or_create, IdentityError},
	Network, NetworkConfig, NetworkError, Peer,
};
use futures::{AsyncReadExt, AsyncWriteExt};
use libp2p::{identity::Keypair, Multiaddr, StreamProtocol};
use tempfile::tempdir;

const ECHO: StreamProtocol = StreamProtocol::new("/dllm/test/1");

async fn start(listen: &[Multiaddr]) -> Result<Network, NetworkError> {
	let keypair = Keypair::generate_ed25519();
	Network::start(NetworkConfig::new(keypair, listen.to_vec())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_named() {
	for listen in [TCP, QUIC] {
		let first = network(&[listen]).await;
		let taken = first.listen_addresses();
		let error = start(&taken).await.err().unwrap();
		assert!(
			matches!(&error, NetworkError::PortInUse { address } if *address == taken[0]),
			"{error}"
		);
		first.shutdown().await;
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_cross_both_transports_and_one_process() {
	for listen in [TCP, QUIC] {
		let server = network(&[listen]).await;
		let client = network(&[]).await;
		let mut incoming = server.accept(ECHO).unwrap();
		assert!(matches!(
			server.accept(ECHO),
			Err(NetworkError::AlreadyServed(_))
		));
		for opener in [&client, &server] {
			let mut near = opener.open(&server.as_peer(), ECHO).await.unwrap();
			near.write_all(b"ping").await.unwrap();
			near.close().await.unwrap();
			let (peer, mut far) = incoming.next().await.unwrap();
			assert_eq!(peer, opener.peer_id());
			let mut said = Vec::new();
			far.read_to_end(&mut said).await.unwrap();
			assert_eq!(said, b"ping");
		}
		server.shutdown().await;
		assert!(incoming.next().await.is_none());
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_that_come_at_once_are_all_taken() {
	let server = network(&[TCP]).await;
	let client = network(&[]).await;
	let mut incoming = server.accept(ECHO).unwrap();
	let peer = server.as_peer();
	let opened = futures::future::join_all((0..16).map(|_| client.open(&peer, ECHO)));
	let taken = async {
		for _ in 0..16 {
			incoming.next().await.unwrap();
		}
	};
	let (opened, ()) = tokio::join!(opened, taken);
	assert!(opened.iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_is_who_its_key_says() {
	let server = network(&[TCP]).await;
	let client = network(&[]).await;
	let other = network(&[]).await;
	let wrong = Peer {
		id: other.peer_id(),
		addresses: server.listen_addresses(),
	};
	let error = client.open(&wrong, ECHO).await.err().unwrap();
	assert!(
		matches!(error, NetworkError::Unreachable { .. }) && error.is_retryable(),
		"{error}"
	);
	let nowhere = Peer {
		id: other.peer_id(),
		addresses: Vec::new(),
	};
	assert!(client.open(&nowhere, ECHO).await.is_err());
	// A protocol that the peer does not serve.
	assert!(client.open(&server.as_peer(), ECHO).await.is_err());
	assert!(server.open(&server.as_peer(), ECHO).await.is_err());
	client.shutdown().await;
	let error = client.open(&server.as_peer(), ECHO).await.err().unwrap();
	assert!(matches!(error, NetworkError::Stopped), "{error}");
}

#[test]
fn the_chain_may_name_a_peer_badly() {
	assert!(matches!(
		Peer::from_chain(&[1, 2], &[]),
		Err(NetworkError::BadPeerId { bytes: 2 })
	));
	let id = Keypair::generate_ed25519().public().to_peer_id();
	let addresses = ["/ip4/127.0.0.1/tcp/1".to_string(), "nonsense".to_string()];
	let peer = Peer::from_chain(&id.to_bytes(), &addresses).unwrap();
	assert_eq!((peer.id, peer.addresses.len()), (id, 1));
}

#[test]
fn the_identity_stays() {
	let folder = tempdir().unwrap();
	let path = folder.path().join("keys/network.key");
	let first = load_or_create(&path).unwrap().public();
	assert_eq!(load_or_create(&path).unwrap().public(), first);
	#[cfg(unix)]
	{
		use std::os::unix::fs::PermissionsExt;
		let mode = std::fs::metadata(&path).unwrap().permissions().mode();
		assert_eq!(mode & 0o077, 0, "others can read the key");
	}
	std::fs::write(&path, b"no key").unwrap();
	assert!(matches!(
		load_or_create(&path),
		Err(IdentityError::NoKey { .. })
	));
}
