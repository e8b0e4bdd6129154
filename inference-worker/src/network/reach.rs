//! How a worker is reached that cannot simply be dialled: what it is told, and what is known of it.

use super::NetworkError;
use libp2p::{multiaddr::Protocol, Multiaddr};
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The table `[reach]`. As it stands, a worker is reached where it listens, and nowhere else.
#[derive(Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct Reach {
	/// Whether workers that cannot be dialled may be reached through this one, at its expense.
	pub relay: bool,
	/// Workers that relay for this one: their addresses, each with `/p2p/` and a peer id at its end.
	pub relays: Vec<Multiaddr>,
	/// Whether it tells the local network where it listens, and looks there for its peers (mDNS).
	pub lan: bool,
}

/// Whether other workers can dial this one, as some of them found when they tried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reachability {
	/// Nobody has tried yet.
	#[default]
	Unknown,
	/// Somebody did, at this address: the one that it sees this worker at, and a port of `listen` or `advertise`.
	Direct(Multiaddr),
	/// Nobody could.
	Hidden,
}

impl Reach {
	/// Where this worker is reached through its relays.
	pub fn circuits(&self) -> Vec<Multiaddr> {
		self.relays.iter().map(circuit).collect()
	}

	/// Fails where a relay is not named by its peer id.
	pub(super) fn check(&self) -> Result<(), NetworkError> {
		let named = |relay: &&Multiaddr| matches!(relay.iter().last(), Some(Protocol::P2p(_)));
		match self.relays.iter().find(|relay| !named(relay)) {
			Some(relay) => Err(NetworkError::NamelessRelay {
				address: relay.clone(),
			}),
			None => Ok(()),
		}
	}
}

/// The address behind a relay.
pub(super) fn circuit(relay: &Multiaddr) -> Multiaddr {
	relay.clone().with(Protocol::P2pCircuit)
}

/// Whether an address leads through a relay.
pub(super) fn is_circuit(address: &Multiaddr) -> bool {
	address.iter().any(|part| part == Protocol::P2pCircuit)
}

/// Whether all that listens does so for this machine alone.
pub(super) fn is_local(listen: &[Multiaddr]) -> bool {
	let mut own = listen.iter().map(ip);
	own.all(|ip| ip.is_some_and(|ip| ip.is_loopback()))
}

/// The number that an address begins with; none where it begins with a name.
pub(super) fn ip(address: &Multiaddr) -> Option<IpAddr> {
	match address.iter().next() {
		Some(Protocol::Ip4(ip)) => Some(ip.into()),
		Some(Protocol::Ip6(ip)) => Some(ip.into()),
		_ => None,
	}
}

/// Whether a number stands for one machine in the whole Internet, and not for one in a network of its own.
pub(super) fn is_global(ip: IpAddr) -> bool {
	match ip {
		IpAddr::V4(ip) => is_global_v4(ip),
		IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
			Some(ip) => is_global_v4(ip),
			None => is_global_v6(ip),
		},
	}
}

fn is_global_v4(ip: Ipv4Addr) -> bool {
	let [a, b, ..] = ip.octets();
	// Shared by the customers of a provider (RFC 6598), and for measurements (RFC 2544).
	let shared = (a == 100 && (64..128).contains(&b)) || (a == 198 && (18..20).contains(&b));
	let own = ip.is_private() || ip.is_loopback() || ip.is_link_local() || shared;
	// 240 and above is reserved, 224 to 239 are groups.
	!(own || a == 0 || a >= 224 || ip.is_documentation())
}

/// Only 2000::/3 is given out, of which 2002::/16 and 2001::/32 lead to numbers of IPv4.
fn is_global_v6(ip: Ipv6Addr) -> bool {
	let [a, b, ..] = ip.segments();
	let tunnel = a == 0x2002 || (a == 0x2001 && b == 0);
	(0x2000..0x4000).contains(&a) && !tunnel
}
