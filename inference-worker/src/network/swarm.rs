//! The task that drives libp2p: it listens, dials on command and closes.

use super::{
	exchange::{Answer, Exchange, Served},
	NetworkError, Peer,
};
use crate::metrics::metrics;
use futures::StreamExt;
use libp2p::{
	connection_limits::{self, ConnectionLimits},
	core::transport::ListenerId,
	identify,
	identity::Keypair,
	noise, ping,
	swarm::{
		dial_opts::{DialOpts, PeerCondition},
		DialError, NetworkBehaviour, SwarmEvent,
	},
	tcp, yamux, Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder,
};
use std::{
	collections::{HashMap, HashSet},
	sync::{Arc, PoisonError, RwLock},
	time::Duration,
};
use tokio::{
	sync::{mpsc, oneshot, watch},
	time::{timeout, timeout_at, Instant},
};

/// Name and version in the identify protocol.
const PROTOCOL: &str = "/dllm/1";
const AGENT: &str = concat!("dllm-worker/", env!("CARGO_PKG_VERSION"));
/// A connection without streams is kept that long: the next job finds it open.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);
/// Longest wait for the addresses to stand.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for connections to close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);
/// Handshakes that may go on at once.
const MAX_HANDSHAKES: u32 = 64;
/// Connections from outside: a worker meets a few rings and their checkers, far fewer than these.
const MAX_INCOMING: u32 = 512;
/// Connections with one peer: both may dial at once over two transports.
const MAX_PER_PEER: u32 = 4;

/// What the swarm is asked for.
pub(super) enum Command {
	/// Connect to a peer, and say when that is done.
	Connect {
		peer: Peer,
		done: oneshot::Sender<Result<(), String>>,
	},
	/// Open a stream to a connected peer.
	Open {
		peer: PeerId,
		protocol: StreamProtocol,
		answer: Answer,
	},
}

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
	limits: connection_limits::Behaviour,
	identify: identify::Behaviour,
	ping: ping::Behaviour,
	streams: Exchange,
}

/// Sets up transports and behaviours.
pub(super) fn build(keypair: Keypair, served: Served) -> Result<Swarm<Behaviour>, NetworkError> {
	let failed = |error: &dyn std::fmt::Display| NetworkError::NotStarted {
		reason: error.to_string(),
	};
	let limits = ConnectionLimits::default()
		.with_max_pending_incoming(Some(MAX_HANDSHAKES))
		.with_max_established_incoming(Some(MAX_INCOMING))
		.with_max_established_per_peer(Some(MAX_PER_PEER));
	let swarm = SwarmBuilder::with_existing_identity(keypair)
		.with_tokio()
		.with_tcp(
			// A decode step is one small packet a hop: it must not wait for a second one.
			tcp::Config::default().nodelay(true),
			noise::Config::new,
			yamux::Config::default,
		)
		.map_err(|error| failed(&error))?
		.with_quic()
		.with_dns()
		.map_err(|error| failed(&error))?
		.with_behaviour(|key| Behaviour {
			limits: connection_limits::Behaviour::new(limits),
			identify: identify::Behaviour::new(
				identify::Config::new(PROTOCOL.into(), key.public())
					.with_agent_version(AGENT.into()),
			),
			ping: ping::Behaviour::default(),
			streams: Exchange::new(served),
		})
		.map_err(|error| failed(&error))?
		.with_swarm_config(|config| config.with_idle_connection_timeout(IDLE_TIMEOUT))
		.build();
	Ok(swarm)
}

/// Listens on every address and gives those that came of it.
pub(super) async fn listen(
	swarm: &mut Swarm<Behaviour>,
	addresses: &[Multiaddr],
) -> Result<Vec<Multiaddr>, NetworkError> {
	let mut waiting = HashMap::<ListenerId, Multiaddr>::new();
	for address in addresses {
		let cannot = |reason: String| NetworkError::CannotListen {
			address: address.clone(),
			reason,
		};
		let listener = swarm
			.listen_on(address.clone())
			.map_err(|error| cannot(error.to_string()))?;
		waiting.insert(listener, address.clone());
	}
	let mut standing = Vec::new();
	let deadline = Instant::now() + LISTEN_TIMEOUT;
	while let Some(address) = waiting.values().next().cloned() {
		let cannot = |reason: String| NetworkError::CannotListen { address, reason };
		let event = timeout_at(deadline, swarm.select_next_some())
			.await
			.map_err(|_| cannot("it does not stand in time".into()))?;
		match event {
			SwarmEvent::NewListenAddr {
				listener_id,
				address,
			} => {
				waiting.remove(&listener_id);
				standing.push(address);
			}
			SwarmEvent::ListenerError { listener_id, error } => {
				let address = waiting
					.remove(&listener_id)
					.unwrap_or_else(Multiaddr::empty);
				let reason = error.to_string();
				return Err(NetworkError::CannotListen { address, reason });
			}
			_ => {}
		}
	}
	Ok(standing)
}

/// Drives the swarm until it is told to stop, or nobody holds a handle any more.
pub(super) async fn drive(
	mut swarm: Swarm<Behaviour>,
	mut commands: mpsc::Receiver<Command>,
	mut stop: watch::Receiver<bool>,
	listening: Arc<RwLock<Vec<Multiaddr>>>,
) {
	let mut dialling = Dialling::default();
	loop {
		tokio::select! {
			_ = stop.wait_for(|stop| *stop) => break,
			command = commands.recv() => match command {
				Some(Command::Connect { peer, done }) => dialling.start(&mut swarm, peer, done),
				Some(Command::Open { peer, protocol, answer }) => {
					swarm.behaviour_mut().streams.open(peer, protocol, answer);
				}
				None => break,
			},
			event = swarm.select_next_some() => {
				note_address(&event, &listening);
				count_connections(&event);
				dialling.settle(&swarm, event);
			}
		}
	}
	close(&mut swarm).await;
}

/// Who waits for which connection.
#[derive(Default)]
struct Dialling(HashMap<PeerId, Vec<oneshot::Sender<Result<(), String>>>>);

impl Dialling {
	fn start(
		&mut self,
		swarm: &mut Swarm<Behaviour>,
		peer: Peer,
		done: oneshot::Sender<Result<(), String>>,
	) {
		// Who asked may have gone; there is nobody to tell then, here and below.
		if swarm.is_connected(&peer.id) {
			let _ = done.send(Ok(()));
			return;
		}
		let options = DialOpts::peer_id(peer.id)
			.condition(PeerCondition::DisconnectedAndNotDialing)
			.addresses(peer.addresses)
			.build();
		match swarm.dial(options) {
			Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => {
				let waiting = self.0.entry(peer.id).or_default();
				waiting.retain(|done| !done.is_closed());
				waiting.push(done);
			}
			Err(error) => {
				let _ = done.send(Err(error.to_string()));
			}
		}
	}

	fn settle(&mut self, swarm: &Swarm<Behaviour>, event: SwarmEvent<BehaviourEvent>) {
		let (peer, result) = match event {
			SwarmEvent::ConnectionEstablished { peer_id, .. } => (peer_id, Ok(())),
			SwarmEvent::OutgoingConnectionError {
				peer_id: Some(peer),
				error,
				..
			} => {
				tracing::debug!(%peer, %error, "dialling failed");
				(peer, Err(error.to_string()))
			}
			_ => return,
		};
		// One of two dials failed, the other stands.
		let result = if swarm.is_connected(&peer) {
			Ok(())
		} else {
			result
		};
		for done in self.0.remove(&peer).unwrap_or_default() {
			let _ = done.send(result.clone());
		}
	}
}

fn note_address(event: &SwarmEvent<BehaviourEvent>, listening: &RwLock<Vec<Multiaddr>>) {
	let mut listening = match event {
		SwarmEvent::NewListenAddr { .. } | SwarmEvent::ExpiredListenAddr { .. } => {
			listening.write().unwrap_or_else(PoisonError::into_inner)
		}
		_ => return,
	};
	match event {
		SwarmEvent::NewListenAddr { address, .. } if !listening.contains(address) => {
			listening.push(address.clone())
		}
		SwarmEvent::ExpiredListenAddr { address, .. } => listening.retain(|known| known != address),
		_ => {}
	}
}

fn count_connections(event: &SwarmEvent<BehaviourEvent>) {
	match event {
		SwarmEvent::ConnectionEstablished { .. } => metrics().connections.inc(),
		SwarmEvent::ConnectionClosed { .. } => metrics().connections.dec(),
		_ => {}
	}
}

/// Says good-bye to every peer.
async fn close(swarm: &mut Swarm<Behaviour>) {
	let peers = swarm.connected_peers().copied().collect::<HashSet<_>>();
	for peer in peers {
		// A peer that has just gone needs no good-bye.
		let _ = swarm.disconnect_peer_id(peer);
	}
	let closed = async {
		while swarm.connected_peers().next().is_some() {
			count_connections(&swarm.select_next_some().await);
		}
	};
	if timeout(CLOSE_TIMEOUT, closed).await.is_err() {
		tracing::debug!("some connections were cut");
	}
}
