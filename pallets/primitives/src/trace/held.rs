//! A whole trace in memory, as its prover holds it; the chain never does.

use super::{
	layout::{Layout, Step, BLOCK_BITS, BLOCK_BYTES, STEP_BYTES},
	opening::{Binding, Blocks, Evidence},
	shape::{Operator, Shape},
	tree::Tree,
	weights::{self, Weight},
};
use crate::{dispute::players::Trace, ids::Digest};
use alloc::{collections::BTreeMap, sync::Arc, vec::Vec};

/// The constants of a layer.
#[derive(Clone, Debug)]
pub struct Constants {
	blocks: BTreeMap<u64, Vec<u8>>,
	tree: Tree,
}

/// A trace: its blocks, and once it is bound, its tree.
#[derive(Clone, Debug)]
pub struct Held {
	/// Where values lie.
	pub layout: Layout,
	constants: Vec<Arc<Constants>>,
	blocks: BTreeMap<u64, Vec<u8>>,
	tree: Tree,
}

impl Constants {
	/// From the bytes of every vector; a matrix comes column by column, each as long as its stride
	/// ([`Weight::stride`]).
	pub fn new(shape: &Shape, mut bytes: impl FnMut(Weight) -> Vec<u8>) -> Self {
		let mut blocks = BTreeMap::new();
		for weight in Weight::ALL {
			let first = weights::leaf(shape, weight, 0).0;
			let bytes = bytes(weight);
			let chunks = bytes.chunks(BLOCK_BYTES as usize).enumerate();
			blocks.extend(chunks.map(|(at, block)| (first + at as u64, block.to_vec())));
		}
		let leaves = blocks
			.iter()
			.map(|(place, block)| (*place, weights::leaf_digest(block)));
		let tree = Tree::new(weights::depth(shape), leaves.collect());
		Self { blocks, tree }
	}

	/// Their root ([`super::Layer::weights`]).
	pub fn root(&self) -> Digest {
		self.tree.root()
	}
}

impl Held {
	/// A trace without values.
	pub fn new(layout: Layout, constants: Vec<Arc<Constants>>) -> Self {
		Self {
			layout,
			constants,
			blocks: BTreeMap::new(),
			tree: Tree::default(),
		}
	}

	/// Puts the vector of an operator into a row.
	pub fn put(&mut self, row: u32, layer: u16, operator: Operator, bytes: &[u8]) {
		let first = self.layout.first_slot(layer, operator);
		let whole = self.layout.is_whole(layer, operator);
		let size = if whole { STEP_BYTES } else { BLOCK_BYTES };
		for (slot, step) in (first..).zip(bytes.chunks(STEP_BYTES as usize)) {
			let place = self.layout.place(Step { row, slot }) << BLOCK_BITS;
			for (at, block) in step.chunks(size as usize).enumerate() {
				self.blocks.insert(place | at as u64, block.to_vec());
			}
		}
	}

	/// Makes the tree, bound to a worker of a job.
	pub fn bind(&mut self, binding: &Binding) {
		let places = self.blocks.keys().map(|place| place >> BLOCK_BITS);
		let mut steps = places.collect::<Vec<_>>();
		steps.dedup();
		let mut leaves = BTreeMap::new();
		for place in steps {
			let bytes = self.step(place).unwrap_or_default();
			let digests = binding.leaves(&self.layout, place, &bytes).into_iter();
			let first = place << BLOCK_BITS;
			leaves.extend(
				digests
					.enumerate()
					.map(|(at, leaf)| (first | at as u64, leaf)),
			);
		}
		self.tree = Tree::new(self.layout.depth(), leaves);
	}

	/// Changes a byte of a leaf, and the tree with it; gives what the byte was. `None` for a byte that is
	/// not there.
	pub fn set(&mut self, binding: &Binding, place: u64, byte: usize, to: u8) -> Option<u8> {
		let block = self.blocks.get_mut(&place)?;
		let was = core::mem::replace(block.get_mut(byte)?, to);
		let step = place >> BLOCK_BITS;
		let bytes = self.step(step)?;
		let leaves = binding.leaves(&self.layout, step, &bytes);
		let leaf = leaves.get((place - (step << BLOCK_BITS)) as usize)?;
		self.tree.set(place, *leaf);
		Some(was)
	}

	/// Leaves, by place.
	pub fn places(&self) -> impl Iterator<Item = (u64, usize)> + '_ {
		self.blocks
			.iter()
			.map(|(place, block)| (*place, block.len()))
	}

	/// Its root; zero before it is bound.
	pub fn root(&self) -> Digest {
		self.tree.node(self.layout.depth(), 0)
	}
}

impl Blocks for Held {
	fn trace(&mut self, place: u64) -> Option<&[u8]> {
		self.blocks.get(&place).map(Vec::as_slice)
	}

	fn weights(&mut self, layer: u16, place: u64) -> Option<&[u8]> {
		let constants = self.constants.get(usize::from(layer))?;
		constants.blocks.get(&place).map(Vec::as_slice)
	}
}

impl Evidence for Held {
	fn trace_node(&mut self, height: u32, place: u64) -> Digest {
		self.tree.node(height, place)
	}

	fn weights_node(&mut self, layer: u16, height: u32, place: u64) -> Digest {
		let constants = self.constants.get(usize::from(layer));
		constants.map_or(Digest::zero(), |constants| {
			constants.tree.node(height, place)
		})
	}
}

impl Trace for Held {
	fn step(&mut self, place: u64) -> Option<Vec<u8>> {
		let first = place << BLOCK_BITS;
		let blocks = self.blocks.range(first..first + (1 << BLOCK_BITS));
		let bytes = blocks
			.flat_map(|(_, block)| block)
			.copied()
			.collect::<Vec<_>>();
		(!bytes.is_empty()).then_some(bytes)
	}
}
