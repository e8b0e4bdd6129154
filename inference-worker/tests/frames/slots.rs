//! Places of a service are shared out fairly.

use dllm_worker::network::slots::Slots;
use libp2p::PeerId;

#[test]
fn a_peer_has_its_share_and_no_more() {
	let slots = Slots::new(4, 2);
	let (greedy, modest, late) = (PeerId::random(), PeerId::random(), PeerId::random());
	let mut held = vec![slots.take(greedy).unwrap(), slots.take(greedy).unwrap()];
	assert!(slots.take(greedy).is_none(), "more than its share");
	held.push(slots.take(modest).unwrap());
	held.push(slots.take(modest).unwrap());
	assert!(slots.take(late).is_none(), "more than there are");

	// A place that is given back is free for anybody, and its peer may take another one.
	drop(held.remove(0));
	held.push(slots.take(late).unwrap());
	assert!(slots.take(greedy).is_none(), "more than there are");
	held.clear();
	assert!(slots.take(greedy).is_some());
}
