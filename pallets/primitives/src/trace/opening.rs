//! What a claim about one value carries: the blocks that its rule reads, and their way to two roots.

use super::{
	layout::{Element, Layout, BLOCK_BITS, BLOCK_BYTES},
	leaf::{recompute, Missing},
	shape::Operator,
	tree::{self, root_of, siblings_of, Siblings},
	weights::{self, Layer},
};
use crate::{
	commitment::row_leaf,
	ids::{Digest, JobId, StageIndex},
};
use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Encoded bytes of an opening at most.
pub const MAX_BYTES: usize = 40 * 1024;
const CONTEXT: &str = "dllm 2026-11 trace leaf v1";

/// What the leaves of a trace are bound to.
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
pub struct Binding {
	/// The job.
	pub job: JobId,
	/// The segment.
	pub stage: StageIndex,
	/// blake3 of the SCALE encoding of the account whose trace it is.
	pub worker: Digest,
	/// Key of the digests of the rows that came in and left.
	pub job_key: [u8; 32],
}

/// Blocks by place; `None` for what one does not hold.
pub trait Blocks {
	/// A leaf of the trace.
	fn trace(&mut self, place: u64) -> Option<&[u8]>;
	/// A leaf of the constants of a layer.
	fn weights(&mut self, layer: u16, place: u64) -> Option<&[u8]>;
}

/// Blocks and digests of a whole trace: what one needs to open leaves.
pub trait Evidence: Blocks {
	/// A node of the trace, leaves at height 0.
	fn trace_node(&mut self, height: u32, place: u64) -> Digest;
	/// A node of the constants of a layer.
	fn weights_node(&mut self, layer: u16, height: u32, place: u64) -> Digest;
}

/// Some leaves of one tree, by place in ascending order, with the siblings that they lack.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug, Default)]
pub struct Leaves {
	/// Leaves.
	pub blocks: Vec<(u64, Vec<u8>)>,
	/// Siblings.
	pub siblings: Siblings,
}

/// Everything that the rule of one value reads, and the block of the value itself.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug, Default)]
pub struct Opening {
	/// Leaves of the trace.
	pub trace: Leaves,
	/// Leaves of the layer's constants; none where the rule has none.
	pub weights: Leaves,
}

/// Why an opening says nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unproven {
	/// It is longer than [`MAX_BYTES`].
	TooLong,
	/// Leaves of the trace do not lead to its root.
	Trace,
	/// Constants do not lead to the layer's root.
	Weights,
	/// The rule reads a block that is not there, or no rule gives the value.
	Missing,
}

impl Binding {
	/// Digest of a leaf; `key` is that of [`Self::key`].
	fn leaf(&self, key: &[u8; 32], layout: &Layout, place: u64, bytes: &[u8]) -> Digest {
		let step = layout.step(place >> BLOCK_BITS);
		let slot = step.and_then(|step| Some((step, layout.slot(step.slot)?)));
		match slot {
			Some((step, slot)) if layout.is_whole(slot.layer, slot.operator) => {
				let boundary = match slot.operator {
					Operator::Input => self.stage.saturating_sub(1),
					_ => self.stage,
				};
				row_leaf(&self.job_key, self.job, boundary, step.row, bytes)
			}
			_ => {
				let mut hasher = blake3::Hasher::new_keyed(key);
				hasher.update(bytes);
				Digest::from(*hasher.finalize().as_bytes())
			}
		}
	}

	/// Digest of a step from all its bytes.
	pub fn step(&self, layout: &Layout, place: u64, bytes: &[u8]) -> Digest {
		tree::root(BLOCK_BITS, &self.leaves(layout, place, bytes))
	}

	/// Digests of the blocks of a step.
	pub fn leaves(&self, layout: &Layout, place: u64, bytes: &[u8]) -> Vec<Digest> {
		let slot = layout.step(place).and_then(|step| layout.slot(step.slot));
		let whole = slot.is_some_and(|slot| layout.is_whole(slot.layer, slot.operator));
		let size = match whole {
			true => bytes.len().max(1),
			false => BLOCK_BYTES as usize,
		};
		let key = self.key();
		let leaves = bytes.chunks(size).enumerate();
		let leaves = leaves.map(|(block, bytes)| {
			self.leaf(&key, layout, (place << BLOCK_BITS) | block as u64, bytes)
		});
		leaves.collect()
	}

	/// Key of the digests of all blocks.
	fn key(&self) -> [u8; 32] {
		let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
		hasher.update(&(self.job, self.stage, self.worker).encode());
		*hasher.finalize().as_bytes()
	}
}

/// Digest of a step that is one leaf, from the digest of that leaf.
pub fn whole_step(leaf: Digest) -> Digest {
	tree::root(BLOCK_BITS, &[leaf])
}

/// Opens what the rule of a value reads, and the value.
pub fn open(
	layout: &Layout,
	layers: &[Layer],
	at: Element,
	evidence: &mut impl Evidence,
) -> Result<Opening, Missing> {
	let mut recorder = Recorder {
		blocks: evidence,
		trace: BTreeMap::new(),
		weights: BTreeMap::new(),
	};
	recompute(layout, layers, at, &mut recorder)?;
	recorder.trace(claimed(layout, at).0).ok_or(Missing)?;
	let (trace, weights) = (recorder.trace, recorder.weights);
	let places = trace.keys().copied().collect::<Vec<_>>();
	let trace = Leaves {
		siblings: siblings_of(layout.depth(), &places, |height, place| {
			evidence.trace_node(height, place)
		}),
		blocks: trace.into_iter().collect(),
	};
	let places = weights.keys().copied().collect::<Vec<_>>();
	let depth = weights::depth(&layout.shape);
	let weights = Leaves {
		siblings: siblings_of(depth, &places, |height, place| {
			evidence.weights_node(at.layer, height, place)
		}),
		blocks: weights.into_iter().collect(),
	};
	Ok(Opening { trace, weights })
}

impl Opening {
	/// Whether the value in the trace with this root is the one that the rules give.
	pub fn is_right(
		&self,
		layout: &Layout,
		layers: &[Layer],
		binding: &Binding,
		root: Digest,
		at: Element,
	) -> Result<bool, Unproven> {
		let mut opened = self.opened(layout, layers, binding, root, at.layer)?;
		let value = recompute(layout, layers, at, &mut opened).map_err(|_| Unproven::Missing)?;
		let (place, offset) = claimed(layout, at);
		let block = opened.trace(place).ok_or(Unproven::Missing)?;
		let bytes = block.get(offset..).ok_or(Unproven::Missing)?;
		let claimed = at.operator.width().decode(bytes).next();
		Ok(claimed.ok_or(Unproven::Missing)? == value)
	}

	/// The blocks, once they lead to both roots.
	fn opened(
		&self,
		layout: &Layout,
		layers: &[Layer],
		binding: &Binding,
		root: Digest,
		layer: u16,
	) -> Result<Opened<'_>, Unproven> {
		if self.encoded_size() > MAX_BYTES {
			return Err(Unproven::TooLong);
		}
		let key = binding.key();
		let leaf =
			|(place, bytes): &(u64, Vec<u8>)| (*place, binding.leaf(&key, layout, *place, bytes));
		let leaves = self.trace.blocks.iter().map(leaf).collect::<Vec<_>>();
		if root_of(layout.depth(), &leaves, &self.trace.siblings) != Some(root) {
			return Err(Unproven::Trace);
		}
		let constants = layers.get(usize::from(layer)).ok_or(Unproven::Weights)?;
		let leaf = |(place, bytes): &(u64, Vec<u8>)| (*place, weights::leaf_digest(bytes));
		let leaves = self.weights.blocks.iter().map(leaf).collect::<Vec<_>>();
		let depth = weights::depth(&layout.shape);
		let led = root_of(depth, &leaves, &self.weights.siblings);
		if !leaves.is_empty() && led != Some(constants.weights) {
			return Err(Unproven::Weights);
		}
		Ok(Opened {
			trace: by_place(&self.trace),
			weights: by_place(&self.weights),
		})
	}
}

/// Leaf of a value and its byte in it.
fn claimed(layout: &Layout, at: Element) -> (u64, usize) {
	let byte = at.index * at.operator.width().bytes();
	let (place, offset) = layout.leaf(at.row, at.layer, at.operator, byte);
	(place, offset as usize)
}

fn by_place(leaves: &Leaves) -> BTreeMap<u64, &[u8]> {
	let blocks = leaves.blocks.iter();
	blocks.map(|(place, bytes)| (*place, &bytes[..])).collect()
}

/// Blocks of an opening.
struct Opened<'a> {
	trace: BTreeMap<u64, &'a [u8]>,
	weights: BTreeMap<u64, &'a [u8]>,
}

impl Blocks for Opened<'_> {
	fn trace(&mut self, place: u64) -> Option<&[u8]> {
		self.trace.get(&place).copied()
	}

	fn weights(&mut self, _layer: u16, place: u64) -> Option<&[u8]> {
		self.weights.get(&place).copied()
	}
}

/// Notes which blocks are read.
struct Recorder<'a, B> {
	blocks: &'a mut B,
	trace: BTreeMap<u64, Vec<u8>>,
	weights: BTreeMap<u64, Vec<u8>>,
}

impl<B: Blocks> Blocks for Recorder<'_, B> {
	fn trace(&mut self, place: u64) -> Option<&[u8]> {
		let block = self.blocks.trace(place)?;
		self.trace.entry(place).or_insert_with(|| block.to_vec());
		Some(block)
	}

	fn weights(&mut self, layer: u16, place: u64) -> Option<&[u8]> {
		let block = self.blocks.weights(layer, place)?;
		self.weights.entry(place).or_insert_with(|| block.to_vec());
		Some(block)
	}
}
