//! The dispute about a segment of a job in the exact profile: a game of two, decided by one value.
//!
//! *Defender* is a worker that committed to the rows it sent; *challenger* one that computed other rows
//! from the same rows received. Both compute the [`crate::trace`] of all rows, bound to the defender.
//!
//! | round | defender | challenger |
//! |---|---|---|
//! | token | [`Move::Trace`]: a digest of every row (or of as many parts) | [`Move::Choose`]: the first that differs |
//! | operator | [`Move::Nodes`]: a digest of every step of that row | [`Move::Choose`] |
//! | element | [`Move::Step`]: the values of that step | [`Move::Claim`]: the first that differs, and what its rule reads |
//!
//! The chain follows one rule for one value ([`crate::trace::recompute`]) and gives the verdict. If all
//! digests agree, then what the defender committed to is not what its own trace says: the challenger asks
//! for the digests of the committed rows ([`Move::Demand`], [`Move::Rows`]) and shows the one that differs
//! ([`Move::Mismatch`]).
//!
//! A move that does not fit changes nothing: the clock runs on, and who is silent when it ends loses
//! ([`Game::silence`]). An honest party always has a move. Deadlines, stakes and who pays are left to the
//! pallet; [`players`] plays both honest parts.
//!
//! Longest messages: 32 KiB of digests or values, 40 KiB for a claim. More than 2^20 steps in all need
//! one more round.

mod moves;
pub mod players;
mod record;
mod subject;

pub use moves::{Mismatch, Move, Refusal};
pub use record::{Record, Standing, MAX_OPERATIONS, MAX_TRACE_BYTES};
pub use subject::Subject;

use crate::{
	commitment::{counted, merkle_root_of, merkle_top, merkle_top_of},
	ids::Digest,
	trace::{
		layout::{Element, Layout, Step},
		opening::{whole_step, Opening},
		shape::Operator,
		tree::{root, root_of, Siblings},
	},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Digests of one message, as bits: 32 KiB.
pub const MAX_NODE_BITS: u32 = 10;
/// Committed rows of one message.
pub const ROW_GROUP: u32 = 1 << MAX_NODE_BITS;
/// Moves of a game at most: two for every level of digests, of which no trace has more than four; then the
/// values of a step, and the claim. A game about the committed rows has four. Most have six.
pub const MAX_MOVES: u32 = 10;

/// Who must move.
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
pub enum Side {
	/// The worker whose commitment is in dispute.
	Defender,
	/// The worker that disputes it.
	Challenger,
}

/// How it ended.
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
pub enum Outcome {
	/// The defender's commitment is wrong, or it was silent.
	Convicted,
	/// Nothing was shown against the defender.
	Dismissed,
}

/// A node of the trace's tree, by its path.
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
	Default,
)]
pub struct Node {
	/// Bits of its path.
	pub bits: u32,
	/// Its path.
	pub place: u64,
	/// Its digest.
	pub digest: Digest,
}

/// What is awaited.
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
pub enum State {
	/// [`Move::Trace`].
	Opening,
	/// [`Move::Choose`] under this node; [`Move::Demand`] under the root, unless it was made; or
	/// [`Move::Mismatch`].
	Choosing(Node, bool),
	/// [`Move::Nodes`] under this node.
	Revealing(Node),
	/// [`Move::Rows`] of this group with this top.
	Listing(u32, Digest),
	/// [`Move::Step`] of this digest.
	Showing(Node),
	/// [`Move::Claim`] or [`Move::Mismatch`] about this step.
	Claiming(Step),
	/// Nothing.
	Over(Outcome),
}

/// A dispute under way; some 120 bytes whatever it is about.
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
pub struct Game {
	/// What is awaited.
	pub state: State,
	/// Root of the defender's trace; zero before the first move.
	pub trace: Digest,
	/// Key of the row digests, as the defender says; zero before the first move.
	pub job_key: [u8; 32],
}

/// Bits by which the next message of digests goes down from a node that is `known` bits below the root:
/// to the rows first, where rows and steps each fit into a message.
pub fn descent(layout: &Layout, known: u32) -> u32 {
	let all = layout.row_bits() + layout.step_bits();
	let left = all - known;
	if left <= MAX_NODE_BITS {
		return left;
	}
	let rest = MAX_NODE_BITS * (all.div_ceil(MAX_NODE_BITS) - 1);
	match known {
		0 => layout
			.row_bits()
			.clamp(all.saturating_sub(rest).max(1), MAX_NODE_BITS),
		_ => MAX_NODE_BITS,
	}
}

impl Game {
	/// A dispute that nobody has moved in.
	pub fn new(subject: &Subject) -> Result<Self, Refusal> {
		subject.layout()?;
		Ok(Self {
			state: State::Opening,
			trace: Digest::zero(),
			job_key: [0; 32],
		})
	}

	/// Who must move; `None` once it is over.
	pub fn turn(&self) -> Option<Side> {
		match self.state {
			State::Opening | State::Revealing(_) | State::Listing(..) | State::Showing(_) => {
				Some(Side::Defender)
			}
			State::Choosing(..) | State::Claiming(_) => Some(Side::Challenger),
			State::Over(_) => None,
		}
	}

	/// How it ended.
	pub fn outcome(&self) -> Option<Outcome> {
		match self.state {
			State::Over(outcome) => Some(outcome),
			_ => None,
		}
	}

	/// The deadline passed: whoever had to move loses.
	pub fn silence(&mut self) -> Outcome {
		let outcome = match (self.outcome(), self.turn()) {
			(Some(outcome), _) => outcome,
			(_, Some(Side::Defender)) => Outcome::Convicted,
			_ => Outcome::Dismissed,
		};
		self.state = State::Over(outcome);
		outcome
	}

	/// Makes a move of the side whose turn it is; an error changes nothing.
	pub fn play(&mut self, subject: &Subject, made: &Move) -> Result<(), Refusal> {
		let layout = subject.layout()?;
		let table = Table {
			subject,
			layout: &layout,
			game: *self,
		};
		*self = match (self.state, made) {
			(
				State::Opening,
				Move::Trace {
					job_key,
					groups,
					nodes,
				},
			) => table.open(*job_key, groups, nodes)?,
			(State::Revealing(node), Move::Nodes(nodes)) => table.reveal(node, nodes)?,
			(State::Showing(node), Move::Step(bytes)) => table.show(node, bytes)?,
			(State::Listing(group, top), Move::Rows(rows)) => table.list(group, top, rows)?,
			(
				State::Choosing(above, _),
				Move::Choose {
					index,
					node,
					siblings,
				},
			) => table.choose(above, *index, *node, siblings)?,
			(State::Choosing(node, true), Move::Demand { group, top, path }) if node.bits == 0 => {
				table.demand(*group, *top, path)?
			}
			(State::Choosing(..) | State::Claiming(_), Move::Mismatch(mismatch)) => {
				table.mismatch(mismatch)?
			}
			(State::Claiming(step), Move::Claim { index, opening }) => {
				table.claim(step, *index, opening)?
			}
			_ => return Err(Refusal::NotAwaited),
		};
		Ok(())
	}
}

/// A game with all that a move is judged by.
struct Table<'a> {
	subject: &'a Subject,
	layout: &'a Layout,
	game: Game,
}

type Next = Result<Game, Refusal>;

impl Table<'_> {
	fn then(&self, state: State) -> Next {
		Ok(Game { state, ..self.game })
	}

	fn open(&self, job_key: [u8; 32], groups: &[Digest], nodes: &[Digest]) -> Next {
		let rows = self.subject.rows;
		if groups.len() != rows.div_ceil(ROW_GROUP) as usize {
			return Err(Refusal::WrongLength);
		}
		let top = merkle_top(groups).ok_or(Refusal::WrongLength)?;
		if counted(rows.into(), &top) != self.subject.output {
			return Err(Refusal::NotLeading);
		}
		let root = Node::default();
		let digest = self.level(&root, nodes)?;
		Ok(Game {
			state: State::Choosing(Node { digest, ..root }, true),
			trace: digest,
			job_key,
		})
	}

	fn reveal(&self, node: Node, nodes: &[Digest]) -> Next {
		if self.level(&node, nodes)? != node.digest {
			return Err(Refusal::NotLeading);
		}
		self.then(State::Choosing(node, false))
	}

	/// The digest of a node from the level shown under it. Where no step is, none may be shown: else a
	/// challenger would be led to where nothing differs.
	fn level(&self, under: &Node, nodes: &[Digest]) -> Result<Digest, Refusal> {
		let bits = descent(self.layout, under.bits);
		if nodes.len() != 1 << bits {
			return Err(Refusal::WrongLength);
		}
		let (first, known) = (under.place << bits, under.bits + bits);
		let used = |place| self.exists(known, place);
		let stray = (first..)
			.zip(nodes)
			.any(|(place, node)| !node.is_zero() && !used(place));
		match stray {
			true => Err(Refusal::NotThere),
			false => Ok(root(bits, nodes)),
		}
	}

	/// Whether there is a step under a node so many bits below the root.
	fn exists(&self, known: u32, place: u64) -> bool {
		let left = self.layout.row_bits() + self.layout.step_bits() - known;
		self.layout.step(place << left).is_some()
	}

	fn choose(&self, above: Node, index: u16, digest: Digest, siblings: &Siblings) -> Next {
		let bits = descent(self.layout, above.bits);
		let leaf = (u64::from(index), digest);
		if root_of(bits, &[leaf], siblings) != Some(above.digest) {
			return Err(Refusal::NotLeading);
		}
		let node = Node {
			bits: above.bits + bits,
			place: above.place << bits | u64::from(index),
			digest,
		};
		// Nobody can show what does not exist, so it cannot be asked for.
		if !self.exists(node.bits, node.place) {
			return Err(Refusal::NotThere);
		}
		let all = self.layout.row_bits() + self.layout.step_bits();
		self.then(match node.bits == all {
			true => State::Showing(node),
			false => State::Revealing(node),
		})
	}

	fn show(&self, node: Node, bytes: &[u8]) -> Next {
		let step = self.layout.step(node.place).ok_or(Refusal::NotThere)?;
		let slot = self.layout.slot(step.slot).ok_or(Refusal::NotThere)?;
		if bytes.len() != slot.bytes as usize {
			return Err(Refusal::WrongLength);
		}
		let binding = self.subject.binding(self.game.job_key);
		match binding.step(self.layout, node.place, bytes) == node.digest {
			true => self.then(State::Claiming(step)),
			false => Err(Refusal::NotLeading),
		}
	}

	fn demand(&self, group: u32, top: Digest, path: &[Digest]) -> Next {
		// Groups are whole subtrees, so the levels above them are those of a tree of groups.
		let rows = self.subject.rows;
		let groups = rows.div_ceil(ROW_GROUP);
		let above = merkle_top_of(top, group, groups, path).ok_or(Refusal::NotThere)?;
		match counted(rows.into(), &above) == self.subject.output {
			true => self.then(State::Listing(group, top)),
			false => Err(Refusal::NotLeading),
		}
	}

	fn list(&self, group: u32, top: Digest, rows: &[Digest]) -> Next {
		let from = group * ROW_GROUP;
		let count = (self.subject.rows - from).min(ROW_GROUP);
		if rows.len() != count as usize {
			return Err(Refusal::WrongLength);
		}
		if merkle_top(rows) != Some(top) {
			return Err(Refusal::NotLeading);
		}
		let root = Node {
			digest: self.game.trace,
			..Default::default()
		};
		self.then(State::Choosing(root, false))
	}

	fn mismatch(&self, found: &Mismatch) -> Next {
		let layout = self.layout;
		let slot = match found.sent {
			true => layout.output_slot(),
			false => 0,
		};
		let place = layout.place(Step {
			row: found.row,
			slot,
		});
		layout.step(place).ok_or(Refusal::NotThere)?;
		let depth = layout.row_bits() + layout.step_bits();
		let in_trace = root_of(depth, &[(place, found.step)], &found.siblings);
		let committed = match found.sent {
			true => self.subject.output,
			false => self.subject.input,
		};
		let rows = self.subject.rows;
		let in_rows = merkle_root_of(found.leaf, found.row, rows, &found.path);
		if in_trace != Some(self.game.trace) || in_rows != Some(committed) {
			return Err(Refusal::NotLeading);
		}
		match whole_step(found.leaf) == found.step {
			true => Err(Refusal::NoMismatch),
			false => self.then(State::Over(Outcome::Convicted)),
		}
	}

	fn claim(&self, step: Step, index: u32, opening: &Opening) -> Next {
		let slot = self.layout.slot(step.slot).ok_or(Refusal::NotThere)?;
		let width = slot.operator.width().bytes();
		let values = slot.from / width..(slot.from + slot.bytes) / width;
		if slot.operator == Operator::Input || !values.contains(&index) {
			return Err(Refusal::NotThere);
		}
		let at = Element {
			row: step.row,
			layer: slot.layer,
			operator: slot.operator,
			index,
		};
		let binding = self.subject.binding(self.game.job_key);
		let layers = &self.subject.layers;
		let right = opening
			.is_right(self.layout, layers, &binding, self.game.trace, at)
			.map_err(Refusal::Unproven)?;
		self.then(State::Over(match right {
			true => Outcome::Dismissed,
			false => Outcome::Convicted,
		}))
	}
}
