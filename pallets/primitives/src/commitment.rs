//! What a worker commits to: digests of the very bytes that crossed its ends of the ring.
//!
//! A *row* is the hidden state of one position as it is sent on the wire. *Boundary* `b` is the link
//! between stage `b` and the next; the last one leads back to the entry. Both ends of a link hash the
//! same rows to the same root, so a root also says that the next stage received what was sent.
//!
//! Every digest carries its own context string, so that none can stand for another.

use crate::ids::{Digest, JobId, StageIndex};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

const ROW_KEY: &str = "dllm 2026-11 row key v1";
const ROW_LEAF: &[u8] = b"dllm/row/v1";
const NODE: &[u8] = b"dllm/node/v1";
const ROOTS: &[u8] = b"dllm/roots/v1";
const COMMIT: &[u8] = b"dllm/commit/v1";
const SHARDS: &[u8] = b"dllm/shards/v1";
const RESULT: &[u8] = b"dllm/result/v1";

/// What a worker says of its stage of a job, once it opens its commitment.
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
	Default,
)]
#[serde(rename_all = "camelCase")]
pub struct Roots {
	/// Numerics class of the worker: roots are compared inside one class only.
	pub class: Digest,
	/// [`shards_root`] of the shards that it executed.
	pub weights: Digest,
	/// Merkle root of the rows that it received.
	pub input: Digest,
	/// Merkle root of the rows that it sent.
	pub output: Digest,
	/// [`result_hash`] of the reply; zero for segments, and where the user is the entry.
	pub result: Digest,
	/// Rows that passed.
	pub rows: u32,
}

/// An opened commitment.
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
	Default,
)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
	/// Random; hides the roots until the opening.
	pub salt: Digest,
	/// What was committed to.
	pub roots: Roots,
}

/// Key of one row: without it the digest of an embedding row would be a dictionary look-up of its token.
pub fn row_key(job_key: &[u8; 32], boundary: StageIndex, position: u32) -> [u8; 32] {
	let mut hasher = blake3::Hasher::new_derive_key(ROW_KEY);
	hasher.update(job_key);
	hasher.update(&[boundary]);
	hasher.update(&position.to_le_bytes());
	*hasher.finalize().as_bytes()
}

/// Leaf of one row, over its bytes as sent.
pub fn row_leaf(
	job_key: &[u8; 32],
	job: JobId,
	boundary: StageIndex,
	position: u32,
	wire: &[u8],
) -> Digest {
	keyed_row_leaf(
		&row_key(job_key, boundary, position),
		job,
		boundary,
		position,
		wire,
	)
}

/// The same by the key of the row alone ([`row_key`]), which says nothing of those of other rows.
pub fn keyed_row_leaf(
	key: &[u8; 32],
	job: JobId,
	boundary: StageIndex,
	position: u32,
	wire: &[u8],
) -> Digest {
	let mut hasher = blake3::Hasher::new_keyed(key);
	hasher.update(ROW_LEAF);
	hasher.update(&job.to_le_bytes());
	hasher.update(&[boundary]);
	hasher.update(&position.to_le_bytes());
	hasher.update(wire);
	digest(hasher)
}

/// Root of a binary Merkle tree. A node without a sibling moves up unchanged; the number of leaves is
/// hashed into the root, so trees of different sizes differ. Zero for no leaves.
pub fn merkle_root(leaves: &[Digest]) -> Digest {
	match merkle_top(leaves) {
		None => Digest::zero(),
		Some(top) => counted(leaves.len() as u64, &top),
	}
}

/// What is above all leaves, before their number is hashed in; `None` for no leaves.
pub fn merkle_top(leaves: &[Digest]) -> Option<Digest> {
	let mut level = leaves.to_vec();
	while level.len() > 1 {
		level = above(&level);
	}
	level.first().copied()
}

/// The root of [`merkle_root`] while leaves are still added: it holds as many digests as their number has ones in
/// binary, and is told in as many steps.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct GrowingRoot {
	leaves: u64,
	/// Tops of whole trees, from the first and largest one on; no two of one size.
	tops: Vec<Digest>,
}

impl GrowingRoot {
	/// Adds a leaf behind the others.
	pub fn push(&mut self, leaf: Digest) {
		// Every one at the end of the number is a whole tree of the size that the new one has reached by then.
		let whole = self
			.tops
			.len()
			.saturating_sub(self.leaves.trailing_ones() as usize);
		let top = self
			.tops
			.drain(whole..)
			.rfold(leaf, |right, left| node(&left, &right));
		self.tops.push(top);
		self.leaves += 1;
	}

	/// The root over all leaves so far.
	pub fn root(&self) -> Digest {
		let mut tops = self.tops.iter().rev();
		let Some(last) = tops.next() else {
			return Digest::zero();
		};
		let top = tops.fold(*last, |right, left| node(left, &right));
		counted(self.leaves, &top)
	}
}

/// Siblings from a leaf to the root of [`merkle_root`]; empty for a leaf that is not there.
pub fn merkle_path(leaves: &[Digest], index: u32) -> Vec<Digest> {
	let (mut level, mut index) = (leaves.to_vec(), index as usize);
	let mut path = Vec::new();
	while level.len() > 1 {
		path.extend(level.get(index ^ 1));
		level = above(&level);
		index /= 2;
	}
	path
}

/// The root of [`merkle_root`] to which a leaf leads by the path of [`merkle_path`]; `None` where the
/// path has another length, or there is no such leaf.
pub fn merkle_root_of(leaf: Digest, index: u32, leaves: u32, path: &[Digest]) -> Option<Digest> {
	let top = merkle_top_of(leaf, index, leaves, path)?;
	Some(counted(leaves.into(), &top))
}

/// The same for what is above all leaves ([`merkle_top`]).
pub fn merkle_top_of(leaf: Digest, index: u32, leaves: u32, path: &[Digest]) -> Option<Digest> {
	if index >= leaves {
		return None;
	}
	let (mut top, mut index, mut count) = (leaf, index, leaves);
	let mut path = path.iter();
	while count > 1 {
		if index % 2 == 1 {
			top = node(path.next()?, &top);
		} else if index + 1 < count {
			top = node(&top, path.next()?);
		}
		(index, count) = (index / 2, count.div_ceil(2));
	}
	path.next().is_none().then_some(top)
}

fn above(level: &[Digest]) -> Vec<Digest> {
	let pairs = level.chunks(2);
	pairs
		.map(|pair| match pair {
			[left, right] => node(left, right),
			_ => pair[0],
		})
		.collect()
}

/// A root: the number of leaves and what is above them all.
pub fn counted(leaves: u64, top: &Digest) -> Digest {
	let mut hasher = blake3::Hasher::new();
	hasher.update(NODE);
	hasher.update(&leaves.to_le_bytes());
	hasher.update(top.as_bytes());
	digest(hasher)
}

fn node(left: &Digest, right: &Digest) -> Digest {
	let mut hasher = blake3::Hasher::new();
	hasher.update(NODE);
	hasher.update(left.as_bytes());
	hasher.update(right.as_bytes());
	digest(hasher)
}

/// Digest of the shards of a stage, in the order of the layers (entry: embedding, then head).
pub fn shards_root<'a>(shards: impl IntoIterator<Item = &'a Digest>) -> Digest {
	let mut hasher = blake3::Hasher::new();
	hasher.update(SHARDS);
	for shard in shards {
		hasher.update(shard.as_bytes());
	}
	digest(hasher)
}

/// Digest of a reply: how many tokens were sampled, and the text as it is posted. The chain makes it from
/// what the entry posts, so an entry cannot open other roots than those of its own reply. The tokens
/// themselves are bound by the rows that the entry sends.
pub fn result_hash(tokens: u32, reply: &[u8]) -> Digest {
	let mut hasher = blake3::Hasher::new();
	hasher.update(RESULT);
	hasher.update(&tokens.to_le_bytes());
	hasher.update(reply);
	digest(hasher)
}

/// Digest of all that a worker says of its stage.
pub fn roots_hash(roots: &Roots) -> Digest {
	let mut hasher = blake3::Hasher::new();
	hasher.update(ROOTS);
	for part in [
		roots.class,
		roots.weights,
		roots.input,
		roots.output,
		roots.result,
	] {
		hasher.update(part.as_bytes());
	}
	hasher.update(&roots.rows.to_le_bytes());
	digest(hasher)
}

/// The commitment that goes on chain. `worker` is the SCALE encoding of its account, so one worker's
/// commitment is useless to another.
pub fn commitment(job: JobId, stage: StageIndex, worker: &[u8], opening: &Opening) -> Digest {
	let mut hasher = blake3::Hasher::new();
	hasher.update(COMMIT);
	hasher.update(&job.to_le_bytes());
	hasher.update(&[stage]);
	hasher.update(&(worker.len() as u64).to_le_bytes());
	hasher.update(worker);
	hasher.update(opening.salt.as_bytes());
	hasher.update(roots_hash(&opening.roots).as_bytes());
	digest(hasher)
}

fn digest(hasher: blake3::Hasher) -> Digest {
	Digest::from(*hasher.finalize().as_bytes())
}
