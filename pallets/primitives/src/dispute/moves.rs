//! What the two sides say, and why it may change nothing.

use crate::{
	ids::Digest,
	trace::{
		opening::{Opening, Unproven},
		tree::Siblings,
	},
};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode};
use scale_info::TypeInfo;

/// A move of either side.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub enum Move {
	/// Defender: the first level of the trace, and what it is bound to.
	Trace {
		/// Key of the row digests.
		job_key: [u8; 32],
		/// Tops of the committed rows that were sent, 1,024 rows each.
		groups: Vec<Digest>,
		/// Digests of one level of the trace.
		nodes: Vec<Digest>,
	},
	/// Challenger: one of the digests just given.
	Choose {
		/// Its place among them.
		index: u16,
		/// The digest.
		node: Digest,
		/// What leads from it to the node above.
		siblings: Siblings,
	},
	/// Defender: the next level under what was chosen.
	Nodes(Vec<Digest>),
	/// Defender: all bytes of the step that was chosen.
	Step(Vec<u8>),
	/// Challenger: the rules give another value.
	Claim {
		/// Place of the value in the vector of the step's operator.
		index: u32,
		/// What the rule reads.
		opening: Opening,
	},
	/// Challenger: the trace agrees, so the committed rows cannot; at most once, as the first answer.
	Demand {
		/// Which group of 1,024 rows.
		group: u32,
		/// Its top.
		top: Digest,
		/// What leads from the top to the committed root.
		path: Vec<Digest>,
	},
	/// Defender: digests of the committed rows of the group.
	Rows(Vec<Digest>),
	/// Challenger: a row of the trace is not the committed one.
	Mismatch(Mismatch),
}

/// A row that is one in the trace and another in what was committed to.
#[derive(Encode, Decode, DecodeWithMemTracking, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Mismatch {
	/// The row.
	pub row: u32,
	/// Whether it is about the row that was sent; else the one received.
	pub sent: bool,
	/// Digest of the step in the trace.
	pub step: Digest,
	/// What leads from it to the trace's root.
	pub siblings: Siblings,
	/// Digest of the committed row.
	pub leaf: Digest,
	/// What leads from it to the committed root.
	pub path: Vec<Digest>,
}

/// Why a move changes nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refusal {
	/// Claims about this model or this many rows would exceed their bounds: no dispute is possible.
	NotDisputable,
	/// Another move is awaited.
	NotAwaited,
	/// Digests or bytes of another number than there are.
	WrongLength,
	/// Digests do not lead to what they must.
	NotLeading,
	/// There is no such row, step or value.
	NotThere,
	/// The two rows are the same.
	NoMismatch,
	/// The opening says nothing.
	Unproven(Unproven),
}
