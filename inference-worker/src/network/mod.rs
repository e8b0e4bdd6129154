//! The network of workers: streams between peers that are known by their keys.
//!
//! One task drives one libp2p swarm (QUIC, and TCP with noise and yamux). Everything above it opens or
//! accepts streams of a protocol and speaks frames over them. A peer is who its key says; whether it has
//! any business here is decided by the protocols. Memory that a peer can take is bounded: connections
//! are counted, flow control bounds a stream, and streams that nobody takes are dropped.

pub mod dtype;
mod exchange;
pub mod frame;
pub mod guard;
pub mod identity;
pub mod link;
pub mod probes;
mod reach;
mod relays;
pub mod roll;
pub mod shards;
pub mod slots;
pub mod spare;
mod stream;
mod swarm;

pub use dtype::Dtype;
pub use reach::{Reach, Reachability};
pub use stream::Stream;

use dllm_primitives::hop::Signature;
use exchange::Served;
use libp2p::{
	identity::Keypair, multiaddr::Protocol, swarm::ConnectionId, Multiaddr, PeerId, StreamProtocol,
};
use relays::Places;
use std::{
	net::{IpAddr, TcpListener, UdpSocket},
	sync::{Arc, Mutex, PoisonError, RwLock},
	time::Duration,
};
use swarm::{Command, Known};
use tokio::{
	sync::{mpsc, oneshot, watch},
	task::JoinHandle,
	time::timeout,
};

/// Longest wait for a connection, and again for a stream over it.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest wait for the swarm to close its connections.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(5);
/// Streams of one protocol that wait to be taken; more are dropped, and the peer tries again.
const WAITING_STREAMS: usize = 32;
/// Connections that wait to be dialled.
const WAITING_COMMANDS: usize = 64;

/// What a network is started with.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
	/// Who this worker is.
	pub keypair: Keypair,
	/// Where it listens; empty for a user that only dials.
	pub listen: Vec<Multiaddr>,
	/// Where others see it; where it listens, if empty. Peers are told where it relays for them, and asked to
	/// try these ports too.
	pub advertise: Vec<Multiaddr>,
	/// How it is reached where it cannot be dialled.
	pub reach: Reach,
	/// Bytes of a frame that goes over two connections, at most; 0 where none does ([`spare`]).
	pub copies: usize,
}

impl NetworkConfig {
	/// Listens at these addresses, and does nothing else to be reached.
	pub fn new(keypair: Keypair, listen: Vec<Multiaddr>) -> Self {
		Self {
			keypair,
			listen,
			advertise: Vec::new(),
			reach: Reach::default(),
			copies: spare::DEFAULT_COPY,
		}
	}
}

/// A worker that can be dialled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
	/// Who it is.
	pub id: PeerId,
	/// Where it can be dialled; empty for one that only dials.
	pub addresses: Vec<Multiaddr>,
}

/// Why a worker cannot be reached, or cannot listen.
#[derive(thiserror::Error, Debug)]
pub enum NetworkError {
	/// Another program listens there.
	#[error("{address} is in use by another program: stop it, or choose another port in `listen`")]
	PortInUse { address: Multiaddr },
	/// The address cannot be listened on.
	#[error("cannot listen on {address}: {reason}; correct `listen` in the configuration")]
	CannotListen { address: Multiaddr, reason: String },
	/// A relay has no name.
	#[error("{address} is no relay: end it with /p2p/ and the peer id that the log of the relay names at its start")]
	NamelessRelay { address: Multiaddr },
	/// An address that stands for every one of this machine cannot be listened on: the system does not tell which
	/// those are.
	#[error("cannot listen on every address of this machine ({address}): {reason}; name its own address in `listen`, as has to be done on Android")]
	CannotListenEverywhere { address: Multiaddr, reason: String },
	/// The transports cannot be set up.
	#[error("the network cannot start: {reason}; check that this machine has a network and free file descriptors (`ulimit -n`)")]
	NotStarted { reason: String },
	/// The protocol is served already.
	#[error("protocol {0} is served already: open one workshop for each network")]
	AlreadyServed(StreamProtocol),
	/// The chain names a peer that is none.
	#[error("the chain names a peer id that is none ({bytes} bytes): its owner must run `dllm-worker register` again")]
	BadPeerId { bytes: usize },
	/// The peer could not be reached.
	#[error("peer {peer} cannot be reached: {reason}; it is tried again; check this machine's connection and firewall if no peer answers")]
	Unreachable { peer: PeerId, reason: String },
	/// No frame of that length can have a copy.
	#[error(
		"`copies` is {bytes} bytes, and at most {} can be: correct it in the configuration",
		spare::MAX_COPY
	)]
	LongCopies { bytes: usize },
	/// The network was shut down.
	#[error("the network was shut down: start the worker again")]
	Stopped,
}

impl NetworkError {
	/// Why an address cannot be listened on.
	fn cannot_listen(address: Multiaddr, reason: String) -> Self {
		let everywhere = address.iter().any(|part| match part {
			Protocol::Ip4(ip) => ip.is_unspecified(),
			Protocol::Ip6(ip) => ip.is_unspecified(),
			_ => false,
		});
		match everywhere {
			true => Self::CannotListenEverywhere { address, reason },
			false => Self::CannotListen { address, reason },
		}
	}

	/// Whether the same call can succeed later.
	pub fn is_retryable(&self) -> bool {
		matches!(self, Self::Unreachable { .. })
	}
}

/// A running network. Clones are handles of the same one; it stops with the last of them, or at
/// [`Network::shutdown`].
#[derive(Clone)]
pub struct Network {
	shared: Arc<Shared>,
}

struct Shared {
	peer_id: PeerId,
	keypair: Keypair,
	copies: usize,
	listening: Arc<RwLock<Vec<Multiaddr>>>,
	reachability: watch::Receiver<Reachability>,
	served: Served,
	commands: mpsc::Sender<Command>,
	stop: watch::Sender<bool>,
	task: Mutex<Option<JoinHandle<()>>>,
}

/// Streams that peers open for one protocol.
pub struct Incoming {
	streams: mpsc::Receiver<(PeerId, Stream)>,
	stop: watch::Receiver<bool>,
}

impl Network {
	/// Starts to listen; returns once every address stands. Places at relays are asked for afterwards.
	pub async fn start(config: NetworkConfig) -> Result<Self, NetworkError> {
		for address in &config.listen {
			refuse_taken_port(address)?;
		}
		config.reach.check()?;
		if config.copies > spare::MAX_COPY {
			let bytes = config.copies;
			return Err(NetworkError::LongCopies { bytes });
		}
		let peer_id = config.keypair.public().to_peer_id();
		let served = Served::default();
		let mut swarm = swarm::build(&config, served.clone())?;
		let listening = swarm::listen(&mut swarm, &config.listen).await?;
		swarm::have_tried(&mut swarm, &config.advertise);
		if config.reach.relay {
			let found_at = match config.advertise.is_empty() {
				true => &listening,
				false => &config.advertise,
			};
			swarm::advertise(&mut swarm, found_at);
		}
		let listening = Arc::new(RwLock::new(listening));
		let (commands, queue) = mpsc::channel(WAITING_COMMANDS);
		let (stop, stopped) = watch::channel(false);
		let (reachable, reachability) = watch::channel(Reachability::default());
		let known = Known {
			listening: listening.clone(),
			reachability: reachable,
		};
		let places = Places::new(&config.reach);
		let task = tokio::spawn(swarm::drive(swarm, queue, stopped, places, known));
		let shared = Shared {
			peer_id,
			keypair: config.keypair,
			copies: config.copies,
			listening,
			reachability,
			served,
			commands,
			stop,
			task: Mutex::new(Some(task)),
		};
		Ok(Self {
			shared: Arc::new(shared),
		})
	}

	/// Who this worker is.
	pub fn peer_id(&self) -> PeerId {
		self.shared.peer_id
	}

	/// Bytes of a frame that goes over two connections, at most; 0 where none does.
	pub fn copies(&self) -> usize {
		self.shared.copies
	}

	/// Signs with the key of this worker's identity; none where that is no Ed25519 key.
	pub fn sign(&self, message: &[u8]) -> Option<Signature> {
		let signature = self.shared.keypair.sign(message).ok()?;
		signature.try_into().ok()
	}

	/// Whether others can dial this worker; changes as they try.
	pub fn reachability(&self) -> watch::Receiver<Reachability> {
		self.shared.reachability.clone()
	}

	/// Where it listens now: its own addresses without the peer id, and those behind relays.
	pub fn listen_addresses(&self) -> Vec<Multiaddr> {
		self.shared
			.listening
			.read()
			.unwrap_or_else(PoisonError::into_inner)
			.clone()
	}

	/// This worker as its peers dial it.
	pub fn as_peer(&self) -> Peer {
		Peer {
			id: self.peer_id(),
			addresses: self.listen_addresses(),
		}
	}

	/// Connects to a peer, unless that is done already; a stream opens faster afterwards.
	pub async fn connect(&self, peer: &Peer) -> Result<(), NetworkError> {
		if peer.id == self.peer_id() {
			return Ok(());
		}
		let (done, connected) = oneshot::channel();
		let command = Command::Connect {
			peer: peer.clone(),
			done,
		};
		let unreachable = |reason: String| NetworkError::Unreachable {
			peer: peer.id,
			reason,
		};
		let asked = async {
			self.shared
				.commands
				.send(command)
				.await
				.map_err(|_| NetworkError::Stopped)?;
			connected
				.await
				.map_err(|_| NetworkError::Stopped)?
				.map_err(unreachable)
		};
		let late = |_| unreachable(format!("no answer in {} s", DIAL_TIMEOUT.as_secs()));
		timeout(DIAL_TIMEOUT, asked).await.map_err(late)?
	}

	/// Opens a stream to a peer, dialling it where there is no connection.
	pub async fn open(
		&self,
		peer: &Peer,
		protocol: StreamProtocol,
	) -> Result<Stream, NetworkError> {
		if peer.id == self.peer_id() {
			return self.open_local(protocol).await;
		}
		// A connection may end just before the stream is asked for: the second attempt dials anew.
		match self.open_remote(peer, protocol.clone()).await {
			Err(NetworkError::Unreachable { .. }) => self.open_remote(peer, protocol).await,
			result => result,
		}
	}

	/// Takes the streams that peers open for a protocol, until the result is dropped.
	pub fn accept(&self, protocol: StreamProtocol) -> Result<Incoming, NetworkError> {
		let (taker, streams) = mpsc::channel(WAITING_STREAMS);
		if !self.shared.served.insert(protocol.clone(), taker) {
			return Err(NetworkError::AlreadyServed(protocol));
		}
		Ok(Incoming {
			streams,
			stop: self.shared.stop.subscribe(),
		})
	}

	/// Resolves once the network has been told to stop.
	pub async fn stopped(&self) {
		// The sender lives in this handle, so waiting cannot fail.
		let _ = self.shared.stop.subscribe().wait_for(|stop| *stop).await;
	}

	/// Closes every connection and stops listening.
	pub async fn shutdown(&self) {
		self.shared.stop.send_replace(true);
		let task = self
			.shared
			.task
			.lock()
			.unwrap_or_else(PoisonError::into_inner)
			.take();
		let Some(mut task) = task else { return };
		if timeout(SHUTDOWN_TIMEOUT, &mut task).await.is_err() {
			task.abort();
		}
	}

	/// Opens a stream to a peer over another connection than `beside` goes over, so that a packet lost on one of them
	/// holds up nothing on the other; dials the peer once more where there is no other connection. Only beside direct
	/// connections: one relay would carry both.
	pub async fn open_beside(
		&self,
		peer: &Peer,
		beside: ConnectionId,
		protocol: StreamProtocol,
	) -> Result<Stream, NetworkError> {
		let (answer, opened) = oneshot::channel();
		let command = Command::Beside {
			peer: peer.clone(),
			connection: beside,
			protocol,
			answer,
		};
		self.ask(peer, command, opened).await
	}

	async fn open_remote(
		&self,
		peer: &Peer,
		protocol: StreamProtocol,
	) -> Result<Stream, NetworkError> {
		self.connect(peer).await?;
		let (answer, opened) = oneshot::channel();
		let command = Command::Open {
			peer: peer.id,
			protocol,
			answer,
		};
		self.ask(peer, command, opened).await
	}

	/// Has the swarm open a stream.
	async fn ask(
		&self,
		peer: &Peer,
		command: Command,
		opened: oneshot::Receiver<Result<Stream, String>>,
	) -> Result<Stream, NetworkError> {
		let unreachable = |reason: String| NetworkError::Unreachable {
			peer: peer.id,
			reason,
		};
		let asked = async {
			self.shared
				.commands
				.send(command)
				.await
				.map_err(|_| NetworkError::Stopped)?;
			let lost = |_| unreachable("the connection was lost".into());
			opened.await.map_err(lost)?.map_err(unreachable)
		};
		let late = |_| unreachable(format!("no stream in {} s", DIAL_TIMEOUT.as_secs()));
		timeout(DIAL_TIMEOUT, asked).await.map_err(late)?
	}

	async fn open_local(&self, protocol: StreamProtocol) -> Result<Stream, NetworkError> {
		let unreachable = || NetworkError::Unreachable {
			peer: self.peer_id(),
			reason: format!("this worker does not serve {protocol}"),
		};
		let taker = self
			.shared
			.served
			.taker(&protocol)
			.ok_or_else(unreachable)?;
		let (near, far) = Stream::pair();
		let handed = timeout(DIAL_TIMEOUT, taker.send((self.peer_id(), far))).await;
		match handed {
			Ok(Ok(())) => Ok(near),
			_ => Err(unreachable()),
		}
	}
}

impl Incoming {
	/// The next stream and who opened it; `None` once the network stops.
	pub async fn next(&mut self) -> Option<(PeerId, Stream)> {
		tokio::select! {
			_ = self.stop.wait_for(|stop| *stop) => None,
			stream = self.streams.recv() => stream,
		}
	}
}

impl Peer {
	/// A worker as the chain describes it. Addresses that this build cannot dial are left out.
	pub fn from_chain(id: &[u8], addresses: &[String]) -> Result<Self, NetworkError> {
		let bad = |_| NetworkError::BadPeerId { bytes: id.len() };
		let id = PeerId::from_bytes(id).map_err(bad)?;
		let addresses = addresses
			.iter()
			.filter_map(|address| address.parse().ok())
			.collect();
		Ok(Self { id, addresses })
	}
}

/// Fails where another program listens already. libp2p shares TCP ports between programs of one user,
/// so it would not notice.
fn refuse_taken_port(address: &Multiaddr) -> Result<(), NetworkError> {
	let mut ip = None;
	for part in address {
		let taken = match (part, ip) {
			(Protocol::Ip4(found), _) => {
				ip = Some(IpAddr::V4(found));
				continue;
			}
			(Protocol::Ip6(found), _) => {
				ip = Some(IpAddr::V6(found));
				continue;
			}
			(Protocol::Tcp(port), Some(ip)) if port != 0 => TcpListener::bind((ip, port)).err(),
			(Protocol::Udp(port), Some(ip)) if port != 0 => UdpSocket::bind((ip, port)).err(),
			_ => continue,
		};
		match taken {
			Some(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
				return Err(NetworkError::PortInUse {
					address: address.clone(),
				})
			}
			Some(error) => {
				let (address, reason) = (address.clone(), error.to_string());
				return Err(NetworkError::CannotListen { address, reason });
			}
			None => {}
		}
	}
	Ok(())
}
