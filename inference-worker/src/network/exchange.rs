//! The libp2p behaviour that opens streams to peers and hands theirs to whoever serves the protocol.
//!
//! Streams are opened over a direct connection where there is one, else through a relay; a second stream of a link
//! over another direct one.
//!
//! A queue of fixed length stands before every protocol: streams that find it full are dropped, and
//! their peers see them closed.

use super::Stream;
use futures::future::{ready, Ready};
use libp2p::{
	core::{transport::PortUse, upgrade::UpgradeInfo, Endpoint},
	swarm::{
		behaviour::{ConnectionClosed, ConnectionEstablished},
		handler::{
			ConnectionEvent, DialUpgradeError, FullyNegotiatedInbound, FullyNegotiatedOutbound,
		},
		ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
		NetworkBehaviour, NotifyHandler, StreamUpgradeError, SubstreamProtocol, THandler,
		THandlerInEvent, THandlerOutEvent, ToSwarm,
	},
	InboundUpgrade, Multiaddr, OutboundUpgrade, PeerId, StreamProtocol,
};
use std::{
	collections::{HashMap, VecDeque},
	convert::Infallible,
	sync::{Arc, Mutex, MutexGuard, PoisonError},
	task::{Context, Poll},
};
use tokio::sync::{mpsc, oneshot};

/// Who takes the streams of a protocol.
pub(super) type Taker = mpsc::Sender<(PeerId, Stream)>;

/// The protocols that this worker serves.
#[derive(Clone, Default)]
pub(super) struct Served(Arc<Mutex<HashMap<StreamProtocol, Taker>>>);

/// What becomes of a request for a stream.
pub(super) type Answer = oneshot::Sender<Result<Stream, String>>;

/// A stream that is wanted.
#[derive(Debug)]
pub(super) struct Wanted {
	protocol: StreamProtocol,
	answer: Answer,
}

/// Opens and takes streams.
pub(super) struct Exchange {
	served: Served,
	/// With the connection that each is to go over, where that is of account.
	wanted: VecDeque<(PeerId, Option<ConnectionId>, Wanted)>,
	/// Connections that no relay stands between.
	direct: HashMap<PeerId, Vec<ConnectionId>>,
}

/// The part of it that stands on one connection.
pub(super) struct Desk {
	peer: PeerId,
	connection: ConnectionId,
	served: Served,
	wanted: VecDeque<Wanted>,
}

/// The protocols that one side offers over a connection; a stream goes to the one that both know.
pub(super) struct Offer(Vec<StreamProtocol>, ConnectionId);

impl Served {
	/// Serves a protocol, unless somebody does.
	pub fn insert(&self, protocol: StreamProtocol, taker: Taker) -> bool {
		let mut served = self.lock();
		if served
			.get(&protocol)
			.is_some_and(|taker| !taker.is_closed())
		{
			return false;
		}
		served.insert(protocol, taker);
		true
	}

	/// Who serves a protocol.
	pub fn taker(&self, protocol: &StreamProtocol) -> Option<Taker> {
		self.lock()
			.get(protocol)
			.filter(|taker| !taker.is_closed())
			.cloned()
	}

	fn protocols(&self) -> Vec<StreamProtocol> {
		let mut served = self.lock();
		served.retain(|_, taker| !taker.is_closed());
		served.keys().cloned().collect()
	}

	fn lock(&self) -> MutexGuard<'_, HashMap<StreamProtocol, Taker>> {
		self.0.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

impl Exchange {
	/// Takes streams for what is served.
	pub fn new(served: Served) -> Self {
		Self {
			served,
			wanted: VecDeque::new(),
			direct: HashMap::new(),
		}
	}

	/// Asks for a stream over the connection with a peer; the answer is dropped where there is none.
	pub fn open(&mut self, peer: PeerId, protocol: StreamProtocol, answer: Answer) {
		self.wanted
			.push_back((peer, None, Wanted { protocol, answer }));
	}

	/// Asks for a stream over this connection with a peer; the answer is dropped where there is none.
	pub fn open_over(
		&mut self,
		peer: PeerId,
		connection: ConnectionId,
		protocol: StreamProtocol,
		answer: Answer,
	) {
		self.wanted
			.push_back((peer, Some(connection), Wanted { protocol, answer }));
	}

	/// Whether a connection with a peer stands, without a relay.
	pub fn is_direct(&self, peer: PeerId, connection: ConnectionId) -> bool {
		let direct = self.direct.get(&peer);
		direct.is_some_and(|direct| direct.contains(&connection))
	}

	/// The newest direct connection with a peer beside this one.
	pub fn beside(&self, peer: PeerId, connection: ConnectionId) -> Option<ConnectionId> {
		let mut newest = self.direct.get(&peer)?.iter().rev();
		newest.find(|known| **known != connection).copied()
	}

	fn desk(&self, peer: PeerId, connection: ConnectionId) -> Desk {
		Desk {
			peer,
			connection,
			served: self.served.clone(),
			wanted: VecDeque::new(),
		}
	}
}

impl NetworkBehaviour for Exchange {
	type ConnectionHandler = Desk;
	type ToSwarm = Infallible;

	fn handle_established_inbound_connection(
		&mut self,
		connection: ConnectionId,
		peer: PeerId,
		_: &Multiaddr,
		_: &Multiaddr,
	) -> Result<THandler<Self>, ConnectionDenied> {
		Ok(self.desk(peer, connection))
	}

	fn handle_established_outbound_connection(
		&mut self,
		connection: ConnectionId,
		peer: PeerId,
		_: &Multiaddr,
		_: Endpoint,
		_: PortUse,
	) -> Result<THandler<Self>, ConnectionDenied> {
		Ok(self.desk(peer, connection))
	}

	fn on_swarm_event(&mut self, event: FromSwarm) {
		match event {
			FromSwarm::ConnectionEstablished(ConnectionEstablished {
				peer_id,
				connection_id,
				endpoint,
				..
			}) if !endpoint.is_relayed() => {
				self.direct.entry(peer_id).or_default().push(connection_id);
			}
			FromSwarm::ConnectionClosed(ConnectionClosed {
				peer_id,
				connection_id,
				..
			}) => {
				if let Some(direct) = self.direct.get_mut(&peer_id) {
					direct.retain(|known| *known != connection_id);
					if direct.is_empty() {
						self.direct.remove(&peer_id);
					}
				}
			}
			_ => {}
		}
	}

	fn on_connection_handler_event(
		&mut self,
		_: PeerId,
		_: ConnectionId,
		event: THandlerOutEvent<Self>,
	) {
		match event {}
	}

	fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Infallible, THandlerInEvent<Self>>> {
		// Requests come through the task that polls, so it needs no waking.
		match self.wanted.pop_front() {
			Some((peer_id, over, event)) => {
				let newest = || self.direct.get(&peer_id)?.last().copied();
				let connection = over.or_else(newest);
				let handler = connection.map_or(NotifyHandler::Any, NotifyHandler::One);
				Poll::Ready(ToSwarm::NotifyHandler {
					peer_id,
					handler,
					event,
				})
			}
			None => Poll::Pending,
		}
	}
}

impl ConnectionHandler for Desk {
	type FromBehaviour = Wanted;
	type ToBehaviour = Infallible;
	type InboundProtocol = Offer;
	type OutboundProtocol = Offer;
	type InboundOpenInfo = ();
	type OutboundOpenInfo = Answer;

	fn listen_protocol(&self) -> SubstreamProtocol<Offer, ()> {
		SubstreamProtocol::new(Offer(self.served.protocols(), self.connection), ())
	}

	fn poll(
		&mut self,
		_: &mut Context<'_>,
	) -> Poll<ConnectionHandlerEvent<Offer, Answer, Infallible>> {
		match self.wanted.pop_front() {
			Some(Wanted { protocol, answer }) => {
				let protocol =
					SubstreamProtocol::new(Offer(vec![protocol], self.connection), answer);
				Poll::Ready(ConnectionHandlerEvent::OutboundSubstreamRequest { protocol })
			}
			None => Poll::Pending,
		}
	}

	fn on_behaviour_event(&mut self, wanted: Wanted) {
		self.wanted.push_back(wanted);
	}

	fn on_connection_event(&mut self, event: ConnectionEvent<'_, Offer, Offer, (), Answer>) {
		// Whoever asked for a stream may have gone; it is dropped then.
		match event {
			ConnectionEvent::FullyNegotiatedInbound(FullyNegotiatedInbound {
				protocol, ..
			}) => {
				let (stream, protocol) = protocol;
				let taker = self.served.taker(&protocol);
				let taken = taker.is_some_and(|taker| taker.try_send((self.peer, stream)).is_ok());
				if !taken {
					tracing::debug!(peer = %self.peer, %protocol, "a stream finds the queue full");
				}
			}
			ConnectionEvent::FullyNegotiatedOutbound(FullyNegotiatedOutbound {
				protocol,
				info,
			}) => {
				let _ = info.send(Ok(protocol.0));
			}
			ConnectionEvent::DialUpgradeError(DialUpgradeError { error, info }) => {
				let reason = match error {
					StreamUpgradeError::Timeout => "the stream took too long".to_string(),
					StreamUpgradeError::NegotiationFailed => "it does not serve this".to_string(),
					StreamUpgradeError::Io(error) => error.to_string(),
					StreamUpgradeError::Apply(never) => match never {},
				};
				let _ = info.send(Err(reason));
			}
			_ => {}
		}
	}
}

impl UpgradeInfo for Offer {
	type Info = StreamProtocol;
	type InfoIter = std::vec::IntoIter<StreamProtocol>;

	fn protocol_info(&self) -> Self::InfoIter {
		self.0.clone().into_iter()
	}
}

impl InboundUpgrade<libp2p::Stream> for Offer {
	type Output = (Stream, StreamProtocol);
	type Error = Infallible;
	type Future = Ready<Result<Self::Output, Infallible>>;

	fn upgrade_inbound(self, stream: libp2p::Stream, protocol: StreamProtocol) -> Self::Future {
		ready(Ok((Stream::Remote(stream, self.1), protocol)))
	}
}

impl OutboundUpgrade<libp2p::Stream> for Offer {
	type Output = (Stream, StreamProtocol);
	type Error = Infallible;
	type Future = Ready<Result<Self::Output, Infallible>>;

	fn upgrade_outbound(self, stream: libp2p::Stream, protocol: StreamProtocol) -> Self::Future {
		ready(Ok((Stream::Remote(stream, self.1), protocol)))
	}
}
