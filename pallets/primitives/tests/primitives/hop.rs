//! What the ends of a hop sign stands for nothing else.

use dllm_primitives::{
	hop::{key_of, End, Hop},
	ids::Digest,
};
use sp_core::{ed25519, Pair};

fn hop() -> Hop {
	Hop {
		job: 5,
		asked: Digest::repeat_byte(1),
		boundary: 2,
		rows: 9,
		root: Digest::repeat_byte(3),
	}
}

/// A key, and the identity in the network of who holds it.
fn signer(seed: u8) -> (ed25519::Pair, Vec<u8>) {
	let pair = ed25519::Pair::from_seed(&[seed; 32]);
	let mut peer = vec![0x00, 0x24, 0x08, 0x01, 0x12, 0x20];
	peer.extend_from_slice(&pair.public().0);
	(pair, peer)
}

#[test]
fn a_signature_is_of_its_signer_for_its_end_of_its_hop() {
	let (pair, peer) = signer(1);
	let signature = pair.sign(&hop().message(End::Sender)).0;
	assert!(hop().is_signed(End::Sender, &peer, &signature));
	assert!(!hop().is_signed(End::Receiver, &peer, &signature));
	assert!(!hop().is_signed(End::Sender, &signer(2).1, &signature));
	let mut damaged = signature;
	damaged[7] ^= 1;
	assert!(!hop().is_signed(End::Sender, &peer, &damaged));
	let others = [
		Hop { job: 6, ..hop() },
		Hop {
			asked: Digest::repeat_byte(2),
			..hop()
		},
		Hop {
			boundary: 1,
			..hop()
		},
		Hop { rows: 8, ..hop() },
		Hop {
			root: Digest::repeat_byte(4),
			..hop()
		},
	];
	for other in others {
		assert!(
			!other.is_signed(End::Sender, &peer, &signature),
			"{other:?}"
		);
	}
}

#[test]
fn only_an_identity_that_is_its_key_has_one() {
	let (pair, peer) = signer(1);
	assert_eq!(key_of(&peer), Some(pair.public().0));
	let mut kind = peer.clone();
	kind[3] = 2;
	let long = [&peer[..], &[0]].concat();
	for wrong in [&[][..], &peer[..37], &long, &kind, &peer[1..]] {
		assert_eq!(key_of(wrong), None, "{wrong:?}");
		let signature = pair.sign(&hop().message(End::Sender)).0;
		assert!(!hop().is_signed(End::Sender, wrong, &signature));
	}
}
