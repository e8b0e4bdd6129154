//! Receipts of a hop: both ends of a link of the ring sign for the rows that crossed it, with the key that is
//! their identity in the network of workers, which the chain knows of workers and of users alike.
//!
//! What is signed names the run of the job – by its number, by what was asked and by who stands where in its
//! ring, since a fork may give the number to another job, or the job to other workers – and says at which end of
//! which link its signer stood: no signature can stand for another one. A worker signs only once the rows are on
//! its disk, and runs the same job in the same ring once, so who is honest never signs for two roots. Receipts
//! stay off chain, unless an end tells other rows than it signed for.
//!
//! The user of a sealed job opens no commitment that its signature could contradict, and may leave at any moment.
//! So it signs as it goes, with every frame of rows for all rows so far.

use crate::{
	commitment::Roots,
	ids::{Digest, JobId, StageIndex},
	model::LayerRange,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
use sp_core::{
	ed25519::{Public, Signature as Ed25519},
	H512,
};
use sp_runtime::traits::Verify;

const HOP: &[u8] = b"dllm/hop/v2";
const RUN: &[u8] = b"dllm/run/v1";
/// What comes before the key in the identity of a peer: a multihash that is the key itself (`00`), of 36 bytes
/// (`24`), which are a message of libp2p with the kind of the key, Ed25519 (`08 01`), and its 32 bytes
/// (`12 20`).
const IDENTITY: [u8; 6] = [0x00, 0x24, 0x08, 0x01, 0x12, 0x20];

/// Bytes of a signature by Ed25519.
pub type Signature = [u8; 64];

/// Which end of a link.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub enum End {
	/// Who sent the rows.
	Sender,
	/// Who received them.
	Receiver,
}

impl End {
	/// What a lead that opened `roots` tells of the rows at this end of it.
	pub fn told(self, roots: &Roots) -> Digest {
		match self {
			Self::Sender => roots.output,
			Self::Receiver => roots.input,
		}
	}
}

/// Names a run of a job: blake3 of the digest of what was asked and of who stands where in the ring, stage by
/// stage: its layers, its account and its identity in the network; neither of a user that is the entry, whom what
/// was asked names. Whoever keeps a stage apart by more runs it twice, and signs twice.
pub fn run<AccountId: Encode, Peer: Encode>(
	asked: Digest,
	ring: impl IntoIterator<Item = (StageIndex, LayerRange, Option<(AccountId, Peer)>)>,
) -> Digest {
	let mut hasher = blake3::Hasher::new();
	hasher.update(RUN);
	hasher.update(asked.as_bytes());
	for member in ring {
		hasher.update(&member.encode());
	}
	Digest::from(*hasher.finalize().as_bytes())
}

/// The rows that crossed a link in a job.
#[derive(Encode, Decode, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hop {
	/// The job.
	pub job: JobId,
	/// Its run ([`run`]).
	pub run: Digest,
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
	/// By who sent them; none where nobody should take them.
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
		hasher.update(self.run.as_bytes());
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

impl HopReceipt {
	/// Whether both ends of a hop, identities in binary, have signed for just its rows: from who received them
	/// nobody takes others.
	pub fn is_of(&self, hop: &Hop, sender: &[u8], receiver: &[u8]) -> bool {
		let signed = |end, peer: &[u8], signature: Option<Signature>| {
			signature.is_some_and(|signature| hop.is_signed(end, peer, &signature))
		};
		self.hop == *hop
			&& signed(End::Sender, sender, self.sender)
			&& signed(End::Receiver, receiver, self.receiver)
	}
}

/// What a lead signed as one end of a hop, and what proves that it lied: it opened another root.
#[derive(
	Encode,
	Decode,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub struct Contradiction {
	/// The end at which it stood.
	pub end: End,
	/// How many rows it signed for.
	pub rows: u32,
	/// The root that it signed for.
	pub root: Digest,
	/// Its signature.
	pub signature: H512,
}

impl Contradiction {
	/// Whether it convicts a lead of that `peer` identity, in binary, which opened `roots`, in the run of a job,
	/// at a boundary.
	pub fn convicts(
		&self,
		(job, run, boundary): (JobId, Digest, StageIndex),
		roots: &Roots,
		peer: &[u8],
	) -> bool {
		let hop = Hop {
			job,
			run,
			boundary,
			rows: self.rows,
			root: self.root,
		};
		self.end.told(roots) != self.root
			&& hop.is_signed(self.end, peer, &self.signature.to_fixed_bytes())
	}
}

/// A receipt as it is shown to the chain: with the signature of each end that told other rows.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
pub struct Shown {
	/// The link.
	pub boundary: StageIndex,
	/// How many rows.
	pub rows: u32,
	/// Their root.
	pub root: Digest,
	/// What who sent them signed.
	pub sender: Option<H512>,
	/// What who received them signed.
	pub receiver: Option<H512>,
}

impl Shown {
	/// What each end signed, as far as it is shown.
	pub fn claims(&self) -> impl Iterator<Item = Contradiction> {
		let Self { rows, root, .. } = *self;
		let ends = [(End::Sender, self.sender), (End::Receiver, self.receiver)];
		ends.into_iter().filter_map(move |(end, signature)| {
			Some(Contradiction {
				end,
				rows,
				root,
				signature: signature?,
			})
		})
	}
}

/// The Ed25519 key of a peer; none of an identity of another kind.
pub fn key_of(peer: &[u8]) -> Option<[u8; 32]> {
	peer.strip_prefix(&IDENTITY)?.try_into().ok()
}
