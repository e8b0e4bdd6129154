//! What the ends of a hop sign stands for nothing else.

use dllm_primitives::{
	commitment::Roots,
	hop::{key_of, Contradiction, End, Hop, HopReceipt, Shown},
	ids::Digest,
};
use sp_core::{ed25519, Pair, H512};

fn hop() -> Hop {
	Hop {
		job: 5,
		run: Digest::repeat_byte(1),
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
			run: Digest::repeat_byte(2),
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

/// A receipt stands for one hop between two ends, and for nothing of which either has not signed every part.
#[test]
fn a_receipt_is_of_one_hop_that_both_its_ends_signed() {
	let ((sender, from), (receiver, to)) = (signer(1), signer(2));
	let signed = |sent: &Hop, received: &Hop| HopReceipt {
		hop: hop(),
		sender: Some(sender.sign(&sent.message(End::Sender)).0),
		receiver: Some(receiver.sign(&received.message(End::Receiver)).0),
	};
	let whole = signed(&hop(), &hop());
	assert!(whole.is_of(&hop(), &from, &to));
	assert!(!whole.is_of(&hop(), &to, &from));
	assert!(!whole.is_of(&hop(), &signer(3).1, &to), "another sender");
	assert!(
		!whole.is_of(&hop(), &from, &signer(3).1),
		"another receiver"
	);
	for lacking in [
		HopReceipt {
			sender: None,
			..whole
		},
		HopReceipt {
			receiver: None,
			..whole
		},
		HopReceipt {
			sender: whole.receiver,
			..whole
		},
	] {
		assert!(!lacking.is_of(&hop(), &from, &to), "{lacking:?}");
	}
	let (run, root) = (Digest::repeat_byte(2), Digest::repeat_byte(4));
	let others = [
		Hop { job: 6, ..hop() },
		Hop { run, ..hop() },
		Hop {
			boundary: 1,
			..hop()
		},
		Hop { rows: 8, ..hop() },
		Hop { root, ..hop() },
	];
	for other in others {
		assert!(!whole.is_of(&other, &from, &to), "{other:?}");
		assert!(!signed(&other, &hop()).is_of(&hop(), &from, &to));
		assert!(!signed(&hop(), &other).is_of(&hop(), &from, &to));
		let renamed = HopReceipt {
			hop: other,
			..whole
		};
		assert!(!renamed.is_of(&hop(), &from, &to));
		assert!(!renamed.is_of(&other, &from, &to));
	}
}

/// By its own word: its signature for a root that it did not open.
#[test]
fn a_signature_convicts_who_opened_another_root_at_that_end() {
	let (pair, peer) = signer(1);
	let roots = |input, output| Roots {
		input: Digest::repeat_byte(input),
		output: Digest::repeat_byte(output),
		..Roots::default()
	};
	let claim = |end| Contradiction {
		end,
		rows: 9,
		root: Digest::repeat_byte(3),
		signature: H512(pair.sign(&hop().message(end)).0),
	};
	let at = (5, hop().run, 2);
	for (end, guilty, honest) in [
		(End::Sender, roots(3, 4), roots(4, 3)),
		(End::Receiver, roots(4, 3), roots(3, 4)),
	] {
		let claim = claim(end);
		assert!(claim.convicts(at, &guilty, &peer));
		assert!(
			!claim.convicts(at, &honest, &peer),
			"it told what it signed for"
		);
		assert!(!claim.convicts(at, &guilty, &signer(2).1));
		for other in [(6, at.1, 2), (5, Digest::zero(), 2), (5, at.1, 1)] {
			assert!(!claim.convicts(other, &guilty, &peer), "{other:?}");
		}
		let more = Contradiction { rows: 10, ..claim };
		assert!(!more.convicts(at, &guilty, &peer));
	}
	let shown = Shown {
		boundary: 2,
		rows: 9,
		root: Digest::repeat_byte(3),
		sender: None,
		receiver: Some(claim(End::Receiver).signature),
	};
	let claims = shown.claims().collect::<Vec<_>>();
	assert_eq!(claims, [claim(End::Receiver)]);
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
