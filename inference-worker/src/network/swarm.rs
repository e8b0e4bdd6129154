//! The task that drives libp2p: it listens, dials on command and closes.
//!
//! Beside the streams it keeps places at relays, lets two workers that met through a relay try to reach each
//! other directly (DCUtR), and has others try whether this one can be dialled (AutoNAT).

use super::{
	exchange::{Answer, Exchange, Served},
	guard::Guard,
	reach::{is_circuit, is_local, Reachability},
	relays::{self, Places},
	NetworkConfig, NetworkError, Peer,
};
use crate::metrics::metrics;
use futures::StreamExt;
use libp2p::{
	connection_limits::{self, ConnectionLimits},
	core::{
		transport::{ListenerId, TransportError},
		upgrade::Version,
	},
	identify, mdns, noise, ping,
	swarm::{
		behaviour::toggle::Toggle,
		dial_opts::{DialOpts, PeerCondition},
		ConnectionId, DialError, NetworkBehaviour, SwarmEvent,
	},
	tcp, yamux, Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, Transport,
};
use libp2p_autonat::{self as autonat, NatStatus};
use libp2p_dcutr as dcutr;
use libp2p_relay as relay;
use std::{
	collections::{HashMap, HashSet},
	sync::{Arc, PoisonError, RwLock},
	time::Duration,
};
use tokio::{
	sync::{mpsc, oneshot, watch},
	time::{interval, timeout, timeout_at, Instant, MissedTickBehavior},
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
/// Connections with one peer: both may dial at once over two transports, or through a relay before they
/// reach each other directly, both once more for spare paths, and each tries for a while whether the other can be
/// dialled.
const MAX_PER_PEER: u32 = 8;
/// Waits before the first try whether this worker can be dialled, before another one, and before a peer is
/// asked again.
const FIRST_PROBE: Duration = Duration::from_secs(5);
const NEXT_PROBE: Duration = Duration::from_secs(30);
/// Tries made for others: for all of them in [`PROBES_TIME`], and for one.
const PROBES_MADE: usize = 60;
const PROBES_MADE_FOR_ONE: usize = 6;
const PROBES_TIME: Duration = Duration::from_secs(60);

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
	/// Open a stream to a connected peer over another direct connection than this one, dialling once more where there
	/// is none.
	Beside {
		peer: Peer,
		connection: ConnectionId,
		protocol: StreamProtocol,
		answer: Answer,
	},
}

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
	limits: connection_limits::Behaviour,
	/// Before whatever dials.
	guard: Guard,
	identify: identify::Behaviour,
	ping: ping::Behaviour,
	/// Where this worker relays for others.
	relaying: Toggle<relay::Behaviour>,
	/// Connections through relays, and places at them.
	relayed: relay::client::Behaviour,
	/// From there to a direct connection.
	punching: dcutr::Behaviour,
	/// Where it listens.
	probing: Toggle<autonat::Behaviour>,
	lan: Toggle<mdns::tokio::Behaviour>,
	streams: Exchange,
}

/// Sets up transports and behaviours.
pub(super) fn build(
	config: &NetworkConfig,
	served: Served,
) -> Result<Swarm<Behaviour>, NetworkError> {
	let failed = |error: &dyn std::fmt::Display| NetworkError::NotStarted {
		reason: error.to_string(),
	};
	let limits = ConnectionLimits::default()
		.with_max_pending_incoming(Some(MAX_HANDSHAKES))
		.with_max_established_incoming(Some(MAX_INCOMING))
		.with_max_established_per_peer(Some(MAX_PER_PEER));
	let (keypair, reach) = (config.keypair.clone(), &config.reach);
	let own = keypair.public().to_peer_id();
	let (circuits, relayed) = relay::client::new(own);
	let lan = reach
		.lan
		.then(|| mdns::tokio::Behaviour::new(mdns::Config::default(), own));
	let lan = lan.transpose().map_err(|error| failed(&error))?;
	let listens = !config.listen.is_empty();
	let everywhere = reach.lan || is_local(&config.listen);
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
		.with_other_transport(|key| {
			let noise = noise::Config::new(key)?;
			let circuits = circuits.upgrade(Version::V1).authenticate(noise);
			Ok(circuits.multiplex(yamux::Config::default()))
		})
		.map_err(|error| failed(&error))?
		.with_dns()
		.map_err(|error| failed(&error))?
		.with_behaviour(|key| Behaviour {
			limits: connection_limits::Behaviour::new(limits),
			guard: Guard::new(reach.lan),
			identify: identify::Behaviour::new(
				identify::Config::new(PROTOCOL.into(), key.public())
					.with_agent_version(AGENT.into())
					// Where a peer is, the chain says, or the local network.
					.with_cache_size(0),
			),
			ping: ping::Behaviour::default(),
			relaying: reach
				.relay
				.then(|| relay::Behaviour::new(own, relays::rules()))
				.into(),
			relayed,
			punching: dcutr::Behaviour::new(own),
			probing: listens
				.then(|| autonat::Behaviour::new(own, probes(everywhere)))
				.into(),
			lan: lan.into(),
			streams: Exchange::new(served),
		})
		.map_err(|error| failed(&error))?
		.with_swarm_config(|config| config.with_idle_connection_timeout(IDLE_TIMEOUT))
		.build();
	Ok(swarm)
}

/// How it is tried whether this worker and its peers can be dialled. Peers of the Internet alone count, unless
/// those in the networks around count too (`everywhere`): what a neighbour can dial says nothing of others.
///
/// A peer dials the ports that it was told at the address from which it was asked, and no other address: so
/// what is found is true of that address.
fn probes(everywhere: bool) -> autonat::Config {
	autonat::Config {
		boot_delay: FIRST_PROBE,
		retry_interval: NEXT_PROBE,
		throttle_server_period: NEXT_PROBE,
		// One peer that got through is proof enough; one that did not may be wrong.
		confidence_max: 1,
		throttle_clients_global_max: PROBES_MADE,
		throttle_clients_peer_max: PROBES_MADE_FOR_ONE,
		throttle_clients_period: PROBES_TIME,
		only_global_ips: !everywhere,
		..autonat::Config::default()
	}
}

/// Has peers try the ports of what is advertised beside those listened on: a router may forward another one.
pub(super) fn have_tried(swarm: &mut Swarm<Behaviour>, advertised: &[Multiaddr]) {
	let Some(probing) = swarm.behaviour_mut().probing.as_mut() else {
		return;
	};
	for address in advertised.iter().filter(|address| !is_circuit(address)) {
		probing.probe_address(address.clone());
	}
}

/// Tells the peers of a relay where it is found: what it advertises, or where it listens.
pub(super) fn advertise(swarm: &mut Swarm<Behaviour>, addresses: &[Multiaddr]) {
	for address in addresses.iter().filter(|address| !is_circuit(address)) {
		swarm.add_external_address(address.clone());
	}
}

/// Listens on every address and gives those that came of it.
pub(super) async fn listen(
	swarm: &mut Swarm<Behaviour>,
	addresses: &[Multiaddr],
) -> Result<Vec<Multiaddr>, NetworkError> {
	let mut waiting = HashMap::<ListenerId, Multiaddr>::new();
	for address in addresses {
		let cannot = |reason| NetworkError::cannot_listen(address.clone(), reason);
		let listener = swarm.listen_on(address.clone()).map_err(|error| {
			cannot(match error {
				// Says nothing itself.
				TransportError::Other(source) => source.to_string(),
				unsupported => unsupported.to_string(),
			})
		})?;
		waiting.insert(listener, address.clone());
	}
	let mut standing = Vec::new();
	let deadline = Instant::now() + LISTEN_TIMEOUT;
	while let Some(address) = waiting.values().next().cloned() {
		let cannot = |reason| NetworkError::cannot_listen(address, reason);
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
				return Err(NetworkError::cannot_listen(address, error.to_string()));
			}
			_ => {}
		}
	}
	Ok(standing)
}

/// What is known of this worker outside the task.
pub(super) struct Known {
	/// Where it listens.
	pub listening: Arc<RwLock<Vec<Multiaddr>>>,
	/// Whether it can be dialled.
	pub reachability: watch::Sender<Reachability>,
}

/// Drives the swarm until it is told to stop, or nobody holds a handle any more.
pub(super) async fn drive(
	mut swarm: Swarm<Behaviour>,
	mut commands: mpsc::Receiver<Command>,
	mut stop: watch::Receiver<bool>,
	mut places: Places,
	known: Known,
) {
	let mut dialling = Dialling::default();
	let mut look = interval(relays::LOOK_EVERY);
	look.set_missed_tick_behavior(MissedTickBehavior::Delay);
	loop {
		tokio::select! {
			_ = stop.wait_for(|stop| *stop) => break,
			command = commands.recv() => match command {
				Some(Command::Connect { peer, done }) => dialling.start(&mut swarm, peer, done),
				Some(Command::Open { peer, protocol, answer }) => {
					swarm.behaviour_mut().streams.open(peer, protocol, answer);
				}
				Some(Command::Beside { peer, connection, protocol, answer }) => {
					dialling.beside(&mut swarm, peer, connection, (protocol, answer));
				}
				None => break,
			},
			_ = look.tick(), if places.are_wanted() => places.look_after(&mut swarm),
			event = swarm.select_next_some() => {
				note_address(&event, &known.listening);
				note_reach(&event, &mut places, &known.reachability);
				count_connections(&event);
				dialling.settle(&mut swarm, event);
			}
		}
	}
	close(&mut swarm).await;
}

/// Who waits for which connection.
#[derive(Default)]
struct Dialling {
	/// For any with a peer.
	any: HashMap<PeerId, Vec<oneshot::Sender<Result<(), String>>>>,
	/// For another one, which is being dialled, and a stream over it.
	other: HashMap<PeerId, (ConnectionId, Vec<(StreamProtocol, Answer)>)>,
}

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
			// Those that the local network told.
			.extend_addresses_through_behaviour()
			.build();
		match swarm.dial(options) {
			Ok(()) | Err(DialError::DialPeerConditionFalse(_)) => {
				let waiting = self.any.entry(peer.id).or_default();
				waiting.retain(|done| !done.is_closed());
				waiting.push(done);
			}
			Err(error) => {
				let _ = done.send(Err(error.to_string()));
			}
		}
	}

	/// Opens a stream over another direct connection with a peer than this one.
	fn beside(
		&mut self,
		swarm: &mut Swarm<Behaviour>,
		peer: Peer,
		connection: ConnectionId,
		(protocol, answer): (StreamProtocol, Answer),
	) {
		let streams = &mut swarm.behaviour_mut().streams;
		// Who asked may have gone; there is nobody to tell then.
		if !streams.is_direct(peer.id, connection) {
			let _ = answer.send(Err("there is no direct connection".into()));
			return;
		}
		if let Some(other) = streams.beside(peer.id, connection) {
			return streams.open_over(peer.id, other, protocol, answer);
		}
		if let Some((_, waiting)) = self.other.get_mut(&peer.id) {
			waiting.retain(|(_, answer)| !answer.is_closed());
			return waiting.push((protocol, answer));
		}
		let mut addresses = peer.addresses;
		addresses.retain(|address| !is_circuit(address));
		let options = DialOpts::peer_id(peer.id)
			.condition(PeerCondition::Always)
			.addresses(addresses)
			.extend_addresses_through_behaviour()
			// From the port of the first connection TCP has only one to each port there.
			.allocate_new_port()
			.build();
		let dialled = options.connection_id();
		match swarm.dial(options) {
			Ok(()) => drop(
				self.other
					.insert(peer.id, (dialled, vec![(protocol, answer)])),
			),
			Err(error) => drop(answer.send(Err(error.to_string()))),
		}
	}

	/// Those who wait for a connection that was dialled beside another one.
	fn waiting_for(
		&mut self,
		peer: PeerId,
		dialled: ConnectionId,
	) -> Vec<(StreamProtocol, Answer)> {
		match self.other.get(&peer) {
			Some((connection, _)) if *connection == dialled => {}
			_ => return Vec::new(),
		}
		self.other.remove(&peer).map_or(Vec::new(), |(_, all)| all)
	}

	fn settle(&mut self, swarm: &mut Swarm<Behaviour>, event: SwarmEvent<BehaviourEvent>) {
		match &event {
			SwarmEvent::ConnectionEstablished {
				peer_id,
				connection_id,
				..
			} => {
				for (protocol, answer) in self.waiting_for(*peer_id, *connection_id) {
					let streams = &mut swarm.behaviour_mut().streams;
					streams.open_over(*peer_id, *connection_id, protocol, answer);
				}
			}
			SwarmEvent::OutgoingConnectionError {
				peer_id: Some(peer),
				connection_id,
				error,
			} => {
				for (_, answer) in self.waiting_for(*peer, *connection_id) {
					let _ = answer.send(Err(error.to_string()));
				}
			}
			_ => {}
		}
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
		for done in self.any.remove(&peer).unwrap_or_default() {
			let _ = done.send(result.clone());
		}
	}
}

fn note_address(event: &SwarmEvent<BehaviourEvent>, listening: &RwLock<Vec<Multiaddr>>) {
	let mut listening = match event {
		SwarmEvent::NewListenAddr { .. }
		| SwarmEvent::ExpiredListenAddr { .. }
		| SwarmEvent::ListenerClosed { .. } => listening.write().unwrap_or_else(PoisonError::into_inner),
		_ => return,
	};
	match event {
		SwarmEvent::NewListenAddr { address, .. } if !listening.contains(address) => {
			listening.push(address.clone())
		}
		SwarmEvent::ExpiredListenAddr { address, .. } => listening.retain(|known| known != address),
		SwarmEvent::ListenerClosed { addresses, .. } => {
			listening.retain(|known| !addresses.contains(known))
		}
		_ => {}
	}
}

/// Follows places at relays, and what peers found when they dialled this worker.
fn note_reach(
	event: &SwarmEvent<BehaviourEvent>,
	places: &mut Places,
	reachability: &watch::Sender<Reachability>,
) {
	match event {
		SwarmEvent::ListenerClosed {
			listener_id,
			addresses,
			reason,
		} => {
			let reason = reason.as_ref().err().map(ToString::to_string);
			places.lost(*listener_id, addresses.len(), reason);
		}
		SwarmEvent::Behaviour(BehaviourEvent::Relayed(
			relay::client::Event::ReservationReqAccepted {
				relay_peer_id,
				renewal: false,
				..
			},
		)) => places.given(*relay_peer_id),
		SwarmEvent::Behaviour(BehaviourEvent::Punching(punched)) => {
			let peer = punched.remote_peer_id;
			match &punched.result {
				Ok(_) => {
					metrics().punched.inc();
					tracing::debug!(%peer, "reached directly");
				}
				Err(error) => tracing::debug!(%peer, %error, "reached through a relay only"),
			}
		}
		SwarmEvent::Behaviour(BehaviourEvent::Probing(autonat::Event::StatusChanged {
			new,
			..
		})) => {
			let found = match new {
				NatStatus::Unknown => Reachability::Unknown,
				NatStatus::Public(address) => Reachability::Direct(address.clone()),
				NatStatus::Private => Reachability::Hidden,
			};
			match &found {
				Reachability::Unknown => {}
				Reachability::Direct(address) => tracing::info!(
					%address,
					"others can dial here, at the address that they see; compare it with `advertise`"
				),
				Reachability::Hidden => tracing::warn!(
					"others cannot dial here, at the address that they see: open the ports of `listen`, or name `relays`"
				),
			}
			let direct = matches!(found, Reachability::Direct(_));
			metrics().reachable.set(direct.into());
			reachability.send_replace(found);
		}
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
