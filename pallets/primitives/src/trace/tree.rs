//! Digests by place: a binary tree of known depth in which a path of bits names a leaf.
//!
//! A place that is not used has the digest zero, and so has a node above two of them; any other node is a
//! hash of both children. Since the depth is known and no child moves up, a leaf can be opened at one place
//! only. (The roots of `commitment.rs` are over rows alone and count their leaves instead.)

use crate::ids::Digest;
use alloc::{collections::BTreeMap, vec::Vec};

const NODE: &[u8] = b"dllm/trace/node/v1";

/// Sibling digests of a proof, lower levels first, from left to right; `None` is the digest zero.
pub type Siblings = Vec<Option<Digest>>;

/// Node above two others.
pub fn join(left: &Digest, right: &Digest) -> Digest {
	if left.is_zero() && right.is_zero() {
		return Digest::zero();
	}
	let mut hasher = blake3::Hasher::new();
	hasher.update(NODE);
	hasher.update(left.as_bytes());
	hasher.update(right.as_bytes());
	Digest::from(*hasher.finalize().as_bytes())
}

/// Root over `2^depth` places of which the first ones are used.
pub fn root(depth: u32, leaves: &[Digest]) -> Digest {
	let mut level = leaves.to_vec();
	for _ in 0..depth {
		level = level
			.chunks(2)
			.map(|pair| join(&pair[0], pair.get(1).unwrap_or(&Digest::zero())))
			.collect();
	}
	level.first().copied().unwrap_or_default()
}

/// The root to which leaves lead, `(place, digest)` in ascending order, with the siblings that they lack.
/// `None` where siblings are missing or left over, or places are out of order or range.
pub fn root_of(depth: u32, leaves: &[(u64, Digest)], siblings: &Siblings) -> Option<Digest> {
	let mut level = leaves.to_vec();
	let ascending = level.windows(2).all(|pair| pair[0].0 < pair[1].0);
	let within = level.last().is_some_and(|(place, _)| place >> depth == 0);
	if !ascending || !within {
		return None;
	}
	let mut siblings = siblings.iter();
	for _ in 0..depth {
		let mut above = Vec::with_capacity(level.len());
		let mut nodes = level.into_iter().peekable();
		while let Some((place, digest)) = nodes.next() {
			let joined = if place % 2 == 1 {
				join(&siblings.next()?.unwrap_or_default(), &digest)
			} else if let Some((_, right)) = nodes.next_if(|(next, _)| *next == place + 1) {
				join(&digest, &right)
			} else {
				join(&digest, &siblings.next()?.unwrap_or_default())
			};
			above.push((place / 2, joined));
		}
		level = above;
	}
	siblings
		.next()
		.is_none()
		.then(|| level.first().map(|(_, root)| *root))?
}

/// The siblings that leaves at these places lack, in ascending order; `node(height, place)` gives any node
/// of the tree, leaves at height 0.
pub fn siblings_of(
	depth: u32,
	places: &[u64],
	mut node: impl FnMut(u32, u64) -> Digest,
) -> Siblings {
	let mut level = places.to_vec();
	let mut siblings = Vec::new();
	for height in 0..depth {
		let known = |place: &u64| level.binary_search(place).is_ok();
		for place in &level {
			let sibling = place ^ 1;
			if !known(&sibling) {
				let digest = node(height, sibling);
				siblings.push((!digest.is_zero()).then_some(digest));
			}
		}
		for place in &mut level {
			*place /= 2;
		}
		level.dedup();
	}
	siblings
}

/// A tree that is held whole; unused places cost nothing.
#[derive(Clone, Debug, Default)]
pub struct Tree {
	/// Nodes by height, leaves first.
	levels: Vec<BTreeMap<u64, Digest>>,
}

impl Tree {
	/// Over leaves by place.
	pub fn new(depth: u32, leaves: BTreeMap<u64, Digest>) -> Self {
		let mut levels = alloc::vec![leaves];
		for height in 0..depth as usize {
			let below: &BTreeMap<u64, Digest> = &levels[height];
			let node = |place: u64| below.get(&place).copied().unwrap_or_default();
			let above = below.keys().map(|place| place / 2);
			let above = above.map(|place| (place, join(&node(2 * place), &node(2 * place + 1))));
			let above = above.collect();
			levels.push(above);
		}
		Self { levels }
	}

	/// A node by height, leaves at 0, and place.
	pub fn node(&self, height: u32, place: u64) -> Digest {
		let level = self.levels.get(height as usize);
		level
			.and_then(|level| level.get(&place))
			.copied()
			.unwrap_or_default()
	}

	/// Puts another leaf into a place.
	pub fn set(&mut self, place: u64, leaf: Digest) {
		let (mut place, mut digest) = (place, leaf);
		for height in 0..self.levels.len() {
			self.levels[height].insert(place, digest);
			let [left, right] = [place & !1, place | 1].map(|at| self.node(height as u32, at));
			(place, digest) = (place / 2, join(&left, &right));
		}
	}

	/// The root.
	pub fn root(&self) -> Digest {
		self.node(self.levels.len() as u32 - 1, 0)
	}
}
