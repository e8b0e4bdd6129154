//! Receipts of a hop: both ends of a link of the ring sign for the rows that crossed it, with the key that is
//! their identity in the network of workers, which the chain knows of workers and of users alike.
//!
//! What is signed names the job by its number and by what was asked, since a fork may give the number to
//! another job, and says at which end of which link its signer stood: no signature can stand for another one.
//! An end signs only once the rows are on its disk. Receipts stay off chain.

use crate::ids::{Digest, JobId, StageIndex};
use codec::{Decode, Encode};
use sp_core::ed25519::{Public, Signature as Ed25519};
use sp_runtime::traits::Verify;

const HOP: &[u8] = b"dllm/hop/v1";
/// What comes before the key in the identity of a peer: a multihash that is the key itself (`00`), of 36 bytes
/// (`24`), which are a message of libp2p with the kind of the key, Ed25519 (`08 01`), and its 32 bytes
/// (`12 20`).
const IDENTITY: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// Bytes of a signature by Ed25519.
pub type Signature = [u8; 64];

/// Which end of a link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
	/// Who sent the rows.
	Sender,
	/// Who received them.
	Receiver,
}

/// The rows that crossed a link in a job.
#[derive(Encode, Decode, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hop {
	/// The job.
	pub job: JobId,
	/// Digest of what its user asked.
	pub asked: Digest,
	/// The link: boundary `b` leads from stage `b` to the next, the last one back to the entry.
	pub boundary: StageIndex,
	/// How many rows.
	pub rows: u32,
	/// Merkle root of their digests ([`crate::commitment::merkle_root`]).
	pub root: Digest,
}

/// A hop with what its ends have signed.
#[derive(Encode, Decode, Clone, Copy, PartialEq, Eq, Debug)]
pub struct HopReceipt {
	/// The rows.
	pub hop: Hop,
	/// By who sent them; none of a user who left without a word.
	pub sender: Option<Signature>,
	/// By who received them; none where it did not answer.
	pub receiver: Option<Signature>,
}

impl Hop {
	/// What an end signs.
	pub fn message(&self, end: End) -> [u8; 32] {
		let mut hasher = blake3::Hasher::new();
		hasher.update(HOP);
		hasher.update(&self.job.to_le_bytes());
		hasher.update(self.asked.as_bytes());
		hasher.update(&[self.boundary, u8::from(end == End::Receiver)]);
		hasher.update(&self.rows.to_le_bytes());
		hasher.update(self.root.as_bytes());
		*hasher.finalize().as_bytes()
	}

	/// Whether `peer`, an identity in binary, has signed for these rows as that end.
	pub fn is_signed(&self, end: End, peer: &[u8], signature: &Signature) -> bool {
		let Some(key) = key_of(peer) else {
			return false;
		};
		let signature = Ed25519::from_raw(*signature);
		signature.verify(&self.message(end)[..], &Public::from_raw(key))
	}
}

/// The Ed25519 key of a peer; none of an identity of another kind.
pub fn key_of(peer: &[u8]) -> Option<[u8; 32]> {
	peer.strip_prefix(&IDENTITY)?.try_into().ok()
}
