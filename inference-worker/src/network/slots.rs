//! Places for peers that are served at once: bounded in all, and for each peer, so that one that opens
//! many streams finds its own places taken and not those of others.

use libp2p::PeerId;
use std::{
	collections::HashMap,
	sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The places of one service. Clones share them.
#[derive(Clone, Debug)]
pub struct Slots {
	most: usize,
	most_of_peer: usize,
	taken: Arc<Mutex<HashMap<PeerId, usize>>>,
}

/// A place that is taken; it is free again when this is dropped.
#[derive(Debug)]
pub struct Slot {
	peer: PeerId,
	slots: Slots,
}

impl Slots {
	/// So many places in all, and so many of them for one peer at most.
	pub fn new(most: usize, most_of_peer: usize) -> Self {
		Self {
			most,
			most_of_peer,
			taken: Arc::default(),
		}
	}

	/// Takes a place for a peer; none where all are taken, or it has its share.
	pub fn take(&self, peer: PeerId) -> Option<Slot> {
		let mut taken = self.taken();
		let of_peer = taken.get(&peer).copied().unwrap_or(0);
		if of_peer >= self.most_of_peer || taken.values().sum::<usize>() >= self.most {
			return None;
		}
		taken.insert(peer, of_peer + 1);
		Some(Slot {
			peer,
			slots: self.clone(),
		})
	}

	fn taken(&self) -> MutexGuard<'_, HashMap<PeerId, usize>> {
		self.taken.lock().unwrap_or_else(PoisonError::into_inner)
	}
}

impl Drop for Slot {
	fn drop(&mut self) {
		let mut taken = self.slots.taken();
		match taken.get_mut(&self.peer) {
			Some(of_peer) if *of_peer > 1 => *of_peer -= 1,
			_ => drop(taken.remove(&self.peer)),
		}
	}
}
