//! Both sides of a dispute as an honest worker plays them.
//!
//! They need a trace of their own ([`Trace`]): the worker's real one, or that of a test.

use super::{descent, Game, Mismatch, Move, Node, State, Subject, ROW_GROUP};
use crate::{
	commitment::{merkle_path, merkle_top},
	ids::Digest,
	trace::{
		layout::{Element, Layout, Step, BLOCK_BITS, BLOCK_BYTES},
		opening::{open, Blocks, Evidence},
		shape::Operator,
		tree::{siblings_of, Tree},
	},
};
use alloc::{collections::BTreeMap, vec::Vec};

/// A trace that a worker holds or can compute again.
pub trait Trace: Evidence {
	/// All bytes of a step, by its path.
	fn step(&mut self, place: u64) -> Option<Vec<u8>>;
}

/// Digests of rows as a worker committed to them, and their key.
#[derive(Clone, Debug, Default)]
pub struct Rows {
	/// Key of the digests.
	pub job_key: [u8; 32],
	/// Rows received.
	pub input: Vec<Digest>,
	/// Rows sent; of the challenger's part: those that it computed.
	pub output: Vec<Digest>,
}

/// The defender's next move; `None` where it is not its turn, or where it has no honest one.
pub fn defend(subject: &Subject, game: &Game, rows: &Rows, trace: &mut impl Trace) -> Option<Move> {
	let layout = subject.layout().ok()?;
	match game.state {
		State::Opening => Some(Move::Trace {
			job_key: rows.job_key,
			groups: tops(&rows.output),
			nodes: level(&layout, &Node::default(), trace),
		}),
		State::Revealing(node) => Some(Move::Nodes(level(&layout, &node, trace))),
		State::Showing(node) => trace.step(node.place).map(Move::Step),
		State::Listing(group, _) => {
			let group = rows.output.chunks(ROW_GROUP as usize).nth(group as usize)?;
			Some(Move::Rows(group.to_vec()))
		}
		_ => None,
	}
}

/// The challenger, which remembers what the defender has shown.
pub struct Challenger<'a, T> {
	subject: &'a Subject,
	layout: Layout,
	rows: &'a Rows,
	trace: &'a mut T,
	/// The defender's nodes by height and place.
	shown: BTreeMap<(u32, u64), Digest>,
	/// The defender's blocks by place.
	blocks: BTreeMap<u64, Vec<u8>>,
	/// Tops of the defender's committed rows.
	groups: Vec<Digest>,
	/// A group of the defender's committed rows.
	listed: Option<(u32, Vec<Digest>)>,
}

impl<'a, T: Trace> Challenger<'a, T> {
	/// With a trace bound to the defender; `None` where no dispute is possible.
	pub fn new(subject: &'a Subject, rows: &'a Rows, trace: &'a mut T) -> Option<Self> {
		Some(Self {
			subject,
			layout: subject.layout().ok()?,
			rows,
			trace,
			shown: BTreeMap::new(),
			blocks: BTreeMap::new(),
			groups: Vec::new(),
			listed: None,
		})
	}

	/// The answer to a move of the defender that was just played, from `before` to `after`; `None` where
	/// it shows nothing wrong.
	pub fn answer(&mut self, before: &State, after: &Game, made: &Move) -> Option<Move> {
		match (before, made) {
			(State::Opening, Move::Trace { groups, nodes, .. }) => {
				self.groups = groups.clone();
				self.note(&Node::default(), nodes);
			}
			(State::Revealing(node), Move::Nodes(nodes)) => self.note(node, nodes),
			(State::Listing(group, _), Move::Rows(rows)) => {
				self.listed = Some((*group, rows.clone()));
			}
			(State::Showing(node), Move::Step(bytes)) => self.note_step(node.place, bytes, after),
			_ => return None,
		}
		match after.state {
			State::Choosing(node, _) if self.listed.is_none() => self.choose(&node, after),
			State::Choosing(..) => self.wrong_row(),
			State::Claiming(step) => self.claim(step),
			_ => None,
		}
	}

	/// The first digest that differs; where all agree, the committed rows that do not.
	fn choose(&mut self, node: &Node, game: &Game) -> Option<Move> {
		let bits = descent(&self.layout, node.bits);
		let height = self.height(node.bits + bits);
		let first = node.place << bits;
		let different = (0..1u64 << bits).find(|at| {
			self.shown_at(height, first + at) != self.trace.trace_node(height, first + at)
		});
		let other_key = game.job_key != self.rows.job_key;
		let index = match different {
			// No row of the committed ones can be shown under another key.
			_ if other_key => 0,
			Some(index) => index,
			None => return self.demand(),
		};
		let siblings = siblings_of(bits, &[index], |above, place| {
			self.shown_at(height + above, (node.place << (bits - above)) + place)
		});
		Some(Move::Choose {
			index: u16::try_from(index).ok()?,
			node: self.shown_at(height, first + index),
			siblings,
		})
	}

	/// Asks for the first group of committed rows that is not the one computed.
	fn demand(&self) -> Option<Move> {
		let own = tops(&self.rows.output);
		let group = own
			.iter()
			.zip(&self.groups)
			.position(|(own, other)| own != other)?;
		let group = group as u32;
		Some(Move::Demand {
			group,
			top: self.groups[group as usize],
			path: merkle_path(&self.groups, group),
		})
	}

	/// The first committed row of the listed group that is not the one of the trace.
	fn wrong_row(&mut self) -> Option<Move> {
		let (group, listed) = self.listed.clone()?;
		let from = group * ROW_GROUP;
		let own = self.rows.output.get(from as usize..)?;
		let within = own
			.iter()
			.zip(&listed)
			.position(|(own, other)| own != other)?;
		// Groups are whole subtrees: the way inside one, then from its top.
		let mut path = merkle_path(&listed, within as u32);
		path.extend(merkle_path(&self.groups, group));
		let step = Step {
			row: from + within as u32,
			slot: self.layout.output_slot(),
		};
		Some(self.mismatch(step, true, listed[within], path))
	}

	fn claim(&mut self, step: Step) -> Option<Move> {
		let slot = self.layout.slot(step.slot)?;
		if slot.operator == Operator::Input {
			let path = merkle_path(&self.rows.input, step.row);
			let leaf = *self.rows.input.get(step.row as usize)?;
			return Some(self.mismatch(step, false, leaf, path));
		}
		let place = self.layout.place(step);
		let own = self.trace.step(place)?;
		let whole = self.layout.is_whole(slot.layer, slot.operator);
		let size = block_size(whole, own.len());
		let different = own.chunks(size).enumerate().find_map(|(block, own)| {
			let shown = self.blocks.get(&((place << BLOCK_BITS) | block as u64))?;
			let byte = own.iter().zip(shown).position(|(a, b)| a != b)?;
			Some(block * size + byte)
		})?;
		let width = slot.operator.width().bytes();
		let index = (slot.from + different as u32) / width;
		let at = Element {
			row: step.row,
			layer: slot.layer,
			operator: slot.operator,
			index,
		};
		let (layout, layers) = (self.layout.clone(), &self.subject.layers);
		let opening = open(&layout, layers, at, &mut Patched(self)).ok()?;
		Some(Move::Claim { index, opening })
	}

	fn mismatch(&mut self, step: Step, sent: bool, leaf: Digest, path: Vec<Digest>) -> Move {
		let place = self.layout.place(step);
		let depth = self.layout.row_bits() + self.layout.step_bits();
		let siblings = siblings_of(depth, &[place], |height, place| {
			self.shown_or_own(BLOCK_BITS + height, place)
		});
		Move::Mismatch(Mismatch {
			row: step.row,
			sent,
			step: self.shown_or_own(BLOCK_BITS, place),
			siblings,
			leaf,
			path,
		})
	}

	/// Height of nodes so many bits below the root.
	fn height(&self, bits: u32) -> u32 {
		self.layout.depth() - bits
	}

	/// Notes a level of nodes under a node, and all between them.
	fn note(&mut self, under: &Node, nodes: &[Digest]) {
		let bits = descent(&self.layout, under.bits);
		let leaves = nodes.iter().enumerate();
		let tree = Tree::new(bits, leaves.map(|(at, node)| (at as u64, *node)).collect());
		let lowest = self.height(under.bits + bits);
		for height in 0..=bits {
			for at in 0..1u64 << (bits - height) {
				let place = (under.place << (bits - height)) + at;
				self.shown
					.insert((lowest + height, place), tree.node(height, at));
			}
		}
	}

	/// Notes the blocks of a step and the nodes between them.
	fn note_step(&mut self, place: u64, bytes: &[u8], game: &Game) {
		let slot = self
			.layout
			.step(place)
			.and_then(|step| self.layout.slot(step.slot));
		let whole = slot.is_some_and(|slot| self.layout.is_whole(slot.layer, slot.operator));
		let binding = self.subject.binding(game.job_key);
		let leaves = binding.leaves(&self.layout, place, bytes);
		let leaves = leaves.into_iter().enumerate();
		let tree = Tree::new(
			BLOCK_BITS,
			leaves.map(|(at, leaf)| (at as u64, leaf)).collect(),
		);
		for height in 0..=BLOCK_BITS {
			for at in 0..1u64 << (BLOCK_BITS - height) {
				let node = (place << (BLOCK_BITS - height)) + at;
				self.shown.insert((height, node), tree.node(height, at));
			}
		}
		for (at, block) in bytes.chunks(block_size(whole, bytes.len())).enumerate() {
			let block = block.to_vec();
			self.blocks.insert((place << BLOCK_BITS) | at as u64, block);
		}
	}

	fn shown_at(&self, height: u32, place: u64) -> Digest {
		self.shown
			.get(&(height, place))
			.copied()
			.unwrap_or_default()
	}

	/// The defender's node; what it has not shown lies under a node that is the same on both sides.
	fn shown_or_own(&mut self, height: u32, place: u64) -> Digest {
		match self.shown.get(&(height, place)) {
			Some(digest) => *digest,
			None => self.trace.trace_node(height, place),
		}
	}
}

/// The defender's trace as far as it is known.
struct Patched<'a, 'b, T>(&'a mut Challenger<'b, T>);

impl<T: Trace> Blocks for Patched<'_, '_, T> {
	fn trace(&mut self, place: u64) -> Option<&[u8]> {
		match self.0.blocks.get(&place) {
			Some(block) => Some(block),
			None => self.0.trace.trace(place),
		}
	}

	fn weights(&mut self, layer: u16, place: u64) -> Option<&[u8]> {
		self.0.trace.weights(layer, place)
	}
}

impl<T: Trace> Evidence for Patched<'_, '_, T> {
	fn trace_node(&mut self, height: u32, place: u64) -> Digest {
		self.0.shown_or_own(height, place)
	}

	fn weights_node(&mut self, layer: u16, height: u32, place: u64) -> Digest {
		self.0.trace.weights_node(layer, height, place)
	}
}

/// What lies `descent` bits under a node.
fn level(layout: &Layout, node: &Node, trace: &mut impl Trace) -> Vec<Digest> {
	let bits = descent(layout, node.bits);
	let height = layout.depth() - node.bits - bits;
	(0..1u64 << bits)
		.map(|at| trace.trace_node(height, (node.place << bits) + at))
		.collect()
}

/// Tops of rows, in groups.
fn tops(rows: &[Digest]) -> Vec<Digest> {
	rows.chunks(ROW_GROUP as usize)
		.filter_map(merkle_top)
		.collect()
}

/// Bytes of a block of a step.
fn block_size(whole: bool, bytes: usize) -> usize {
	match whole {
		true => bytes.max(1),
		false => BLOCK_BYTES as usize,
	}
}
