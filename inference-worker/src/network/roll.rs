//! Calls the roll: which peers answer now.
//!
//! Reports of links say what was measured minutes ago. Whoever is about to rely on peers dials them: a peer that
//! answers a handshake has the key of its identity, and runs. Nobody's word is asked for, so nobody can have
//! another one left out, and a peer that is back answers the next roll.

use super::{Network, NetworkConfig, NetworkError, Peer};
use dllm_primitives::api::{AccountId32, WorkerView};
use futures::StreamExt;
use libp2p::identity::Keypair;
use std::time::Duration;
use tokio::time::timeout;

/// Longest wait for an answer: half a dozen round trips of half a second.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
/// One attempt may fail by chance; two are over in eight seconds.
const ATTEMPTS: u32 = 2;
/// Peers called at once: as many open sockets as every system allows. More that are dead take as long again.
const AT_ONCE: usize = 256;

/// An active worker of the chain, as it can be called; none without an address.
pub fn callable(worker: &WorkerView) -> Option<(AccountId32, Peer)> {
	let peer = Peer::from_chain(&worker.peer_id, &worker.addresses).ok()?;
	let callable = worker.active && !peer.addresses.is_empty();
	callable.then(|| (worker.account.clone(), peer))
}

/// Those of `peers` that do not answer, called under an identity of its own, so that nobody learns who asks. None
/// where nobody at all answers: that says something of this machine, and nothing of the peers.
pub async fn call<K>(peers: Vec<(K, Peer)>) -> Result<Option<Vec<K>>, NetworkError> {
	let count = peers.len();
	if count == 0 {
		return Ok(Some(Vec::new()));
	}
	let config = NetworkConfig::new(Keypair::generate_ed25519(), Vec::new());
	let network = Network::start(config).await?;
	let absent = absent(&network, peers).await;
	network.shutdown().await;
	Ok((absent.len() < count).then_some(absent))
}

/// Those of `peers` that do not answer, in no order. Each comes with what the caller knows it by. A connection that
/// is open counts as an answer: call with a network of which none is.
pub async fn absent<K>(network: &Network, peers: impl IntoIterator<Item = (K, Peer)>) -> Vec<K> {
	let calls = peers
		.into_iter()
		.map(|(name, peer)| async move { (!answers(network, &peer).await).then_some(name) });
	let absent = futures::stream::iter(calls)
		.buffer_unordered(AT_ONCE)
		.filter_map(std::future::ready);
	absent.collect().await
}

async fn answers(network: &Network, peer: &Peer) -> bool {
	for _ in 0..ATTEMPTS {
		if let Ok(Ok(())) = timeout(ATTEMPT_TIMEOUT, network.connect(peer)).await {
			return true;
		}
	}
	false
}
