//! Places at relays: whoever cannot be dialled keeps a connection to some worker that can, and is reached
//! over it. libp2p renews a place while its connection stands; what is lost is asked for again here.

use super::{
	reach::{circuit, Reach},
	swarm::Behaviour,
};
use crate::metrics::metrics;
use libp2p::{core::transport::ListenerId, Multiaddr, Swarm};
use libp2p_relay as relay;
use std::{collections::HashMap, num::NonZeroU32, time::Duration};

/// Time between two looks at the places: a relay that starts anew is found again after that.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(15);
/// Longest life of a relayed connection. It is cut at its end whatever it carries just then, so that is made
/// rare: a connection serves one job after the other, for as long as none leaves it idle.
const CIRCUIT_TIME: Duration = Duration::from_secs(30 * 24 * 3600);
// The protocol tells it in 32 bits of seconds, and libp2p panics where it is longer.
const _: () = assert!(CIRCUIT_TIME.as_secs() <= u32::MAX as u64);
/// Bytes that a relayed connection may carry each way; 0 stands for no end. Rows are what miners are there
/// for, and whoever does not want to carry others' does not relay. Nobody is asked who they are: that a peer
/// is a worker of the chain is not known here (docs/security.md).
const CIRCUIT_BYTES: u64 = 0;
/// Relayed connections at once, and those that lead to one worker: its neighbours, checkers and entries.
const CIRCUITS: usize = 128;
const CIRCUITS_PER_PEER: usize = 16;
/// Places at once, and those that one address gets in a row; one more comes every [`PLACE_EVERY`], and a place
/// is renewed about once in 45 minutes. Identities cost nothing, addresses do: no single one takes them all,
/// and nine workers behind one router keep theirs.
const PLACES: usize = 64;
const PLACES_PER_ADDRESS: NonZeroU32 = match NonZeroU32::new(16) {
	Some(places) => places,
	None => NonZeroU32::MIN,
};
const PLACE_EVERY: Duration = Duration::from_secs(300);

/// The places that a worker wants, and those that it asked for.
pub(super) struct Places {
	relays: Vec<Multiaddr>,
	asked: HashMap<ListenerId, Multiaddr>,
}

impl Places {
	/// None is asked for yet.
	pub fn new(reach: &Reach) -> Self {
		Self {
			relays: reach.relays.clone(),
			asked: HashMap::new(),
		}
	}

	/// Whether there is anything to look after.
	pub fn are_wanted(&self) -> bool {
		!self.relays.is_empty()
	}

	/// Asks the relays at which there is no place.
	pub fn look_after(&mut self, swarm: &mut Swarm<Behaviour>) {
		for relay in &self.relays {
			if self.asked.values().any(|asked| asked == relay) {
				continue;
			}
			match swarm.listen_on(circuit(relay)) {
				Ok(listener) => drop(self.asked.insert(listener, relay.clone())),
				Err(error) => tracing::warn!(%relay, %error, "this relay cannot be used"),
			}
		}
	}

	/// A place was given.
	pub fn given(&self, relay: libp2p::PeerId) {
		metrics().relays.inc();
		tracing::info!(%relay, "reachable through a relay");
	}

	/// A place is lost, or was refused; `reason` where it is known.
	pub fn lost(&mut self, listener: ListenerId, addresses: usize, reason: Option<String>) {
		let Some(relay) = self.asked.remove(&listener) else {
			return;
		};
		// Only a place that was given has addresses.
		if addresses > 0 {
			metrics().relays.dec();
		}
		let reason = reason.unwrap_or("the connection ended".into());
		tracing::warn!(%relay, reason, again_in_s = LOOK_EVERY.as_secs(), "no place at a relay");
	}
}

/// What a worker that relays for others puts at their disposal.
pub(super) fn rules() -> relay::Config {
	let config = relay::Config {
		max_reservations: PLACES,
		max_circuits: CIRCUITS,
		max_circuits_per_peer: CIRCUITS_PER_PEER,
		max_circuit_duration: CIRCUIT_TIME,
		max_circuit_bytes: CIRCUIT_BYTES,
		..relay::Config::default()
	};
	config.reservation_rate_per_ip(PLACES_PER_ADDRESS, PLACE_EVERY)
}
