//! Keeps strangers from having this worker dial into the networks around it.
//!
//! Who comes through a relay may name addresses at which it wants to be reached directly (DCUtR), and this
//! worker dials them. So a stranger could have it knock at machines that only it can reach: such a dial is
//! refused as a whole, unless the relay itself stands in such a network, where everybody is at home, or the
//! worker looks for peers there anyway.

use super::reach::{ip, is_global};
use libp2p::{
	core::{transport::PortUse, ConnectedPoint, Endpoint},
	swarm::{
		dummy, ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler,
		THandlerInEvent, THandlerOutEvent, ToSwarm,
	},
	Multiaddr, PeerId,
};
use std::{
	collections::{HashMap, HashSet},
	convert::Infallible,
	task::{Context, Poll},
};

/// Refuses dials that a peer behind a relay of the Internet may have asked for. This worker's own dials go to
/// peers that it has no connection with, or a direct one: a link beside a relayed one has no spare path then.
pub struct Guard {
	/// Whether peers in the networks around are welcome.
	lan: bool,
	/// Connections through relays of the Internet.
	far: HashMap<PeerId, HashSet<ConnectionId>>,
}

/// A dial was refused.
#[derive(thiserror::Error, Clone, Copy, Debug)]
#[error("a peer behind a relay named an address that is none of the Internet: set lan = true under [reach] if it should be dialled")]
pub struct NotOfTheInternet;

impl Guard {
	/// With `lan`, refuses nothing.
	pub fn new(lan: bool) -> Self {
		Self {
			lan,
			far: HashMap::new(),
		}
	}
}

/// Whether a connection goes through a relay of the Internet.
fn is_far(endpoint: &ConnectedPoint) -> bool {
	let way = match endpoint {
		ConnectedPoint::Dialer { address, .. } => address,
		ConnectedPoint::Listener { local_addr, .. } => local_addr,
	};
	endpoint.is_relayed() && ip(way).is_none_or(is_global)
}

impl NetworkBehaviour for Guard {
	type ConnectionHandler = dummy::ConnectionHandler;
	type ToSwarm = Infallible;

	fn handle_pending_outbound_connection(
		&mut self,
		_: ConnectionId,
		peer: Option<PeerId>,
		addresses: &[Multiaddr],
		_: Endpoint,
	) -> Result<Vec<Multiaddr>, ConnectionDenied> {
		let stranger = peer.is_some_and(|peer| self.far.contains_key(&peer));
		let mut ips = addresses.iter().map(ip);
		// A name may stand for any number.
		if !self.lan && stranger && !ips.all(|ip| ip.is_some_and(is_global)) {
			return Err(ConnectionDenied::new(NotOfTheInternet));
		}
		Ok(Vec::new())
	}

	fn handle_established_inbound_connection(
		&mut self,
		_: ConnectionId,
		_: PeerId,
		_: &Multiaddr,
		_: &Multiaddr,
	) -> Result<THandler<Self>, ConnectionDenied> {
		Ok(dummy::ConnectionHandler)
	}

	fn handle_established_outbound_connection(
		&mut self,
		_: ConnectionId,
		_: PeerId,
		_: &Multiaddr,
		_: Endpoint,
		_: PortUse,
	) -> Result<THandler<Self>, ConnectionDenied> {
		Ok(dummy::ConnectionHandler)
	}

	fn on_swarm_event(&mut self, event: FromSwarm) {
		match event {
			FromSwarm::ConnectionEstablished(stands) if is_far(stands.endpoint) => {
				let far = self.far.entry(stands.peer_id).or_default();
				far.insert(stands.connection_id);
			}
			FromSwarm::ConnectionClosed(closed) => {
				if let Some(far) = self.far.get_mut(&closed.peer_id) {
					far.remove(&closed.connection_id);
				}
				self.far.retain(|_, connections| !connections.is_empty());
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
		Poll::Pending
	}
}
