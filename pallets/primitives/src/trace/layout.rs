//! Where a value lies in the tree of a trace.
//!
//! A path has three parts: the row, the *step* (a vector of one operator of one layer, or 32 KiB of a
//! longer one), and a block of 256 bytes in it. The row that comes in and the one that leaves are steps
//! of one leaf, whose digest is that of the rows' own commitment.

use super::shape::{Operator, Shape, LAYER};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Bytes of a block.
pub const BLOCK_BYTES: u32 = 256;
/// Blocks of a step, as bits.
pub const BLOCK_BITS: u32 = 7;
/// Bytes of a step at most.
pub const STEP_BYTES: u32 = BLOCK_BYTES << BLOCK_BITS;

/// One value of a trace.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Element {
	/// Row, counted from the first of the session.
	pub row: u32,
	/// Layer, counted from the first of the segment.
	pub layer: u16,
	/// What computes it.
	pub operator: Operator,
	/// Its place in the operator's vector.
	pub index: u32,
}

/// A step: part of the vector of one operator in one row.
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
	PartialOrd,
	Ord,
	Debug,
)]
pub struct Step {
	/// Row, counted from the first of the session.
	pub row: u32,
	/// Place among the steps of a row.
	pub slot: u32,
}

/// What lies in a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Slot {
	/// Layer, counted from the first of the segment.
	pub layer: u16,
	/// What computes it.
	pub operator: Operator,
	/// Byte of the vector with which the step begins.
	pub from: u32,
	/// Bytes of the step.
	pub bytes: u32,
}

/// Steps and blocks of a trace.
#[derive(Clone, Debug)]
pub struct Layout {
	/// What all layers have in common.
	pub shape: Shape,
	/// Rows.
	pub rows: u32,
	/// Layers.
	pub layers: u16,
	/// Operators of a layer with their first step and the number of their steps.
	offsets: Vec<(Operator, u32, u32)>,
	/// Steps of a layer.
	layer_steps: u32,
}

impl Layout {
	/// `None` where claims would exceed their bounds ([`Shape::is_disputable`]), or there is no layer.
	pub fn new(shape: Shape, layers: u16, rows: u32) -> Option<Self> {
		if !shape.is_disputable(rows) || layers == 0 {
			return None;
		}
		let mut offsets = Vec::with_capacity(LAYER.len());
		let mut layer_steps = 0;
		for operator in LAYER {
			let bytes = shape.elements(operator, rows) * operator.width().bytes();
			let steps = bytes.div_ceil(STEP_BYTES);
			offsets.push((operator, layer_steps, steps));
			layer_steps += steps;
		}
		Some(Self {
			shape,
			rows,
			layers,
			offsets,
			layer_steps,
		})
	}

	/// Steps of a row.
	pub fn steps(&self) -> u32 {
		1 + u32::from(self.layers) * self.layer_steps
	}

	/// Bits of the row in a path.
	pub fn row_bits(&self) -> u32 {
		bits(self.rows)
	}

	/// Bits of the step in a path.
	pub fn step_bits(&self) -> u32 {
		bits(self.steps())
	}

	/// Depth of the tree down to its blocks.
	pub fn depth(&self) -> u32 {
		self.row_bits() + self.step_bits() + BLOCK_BITS
	}

	/// Values of an operator's vector.
	pub fn elements(&self, operator: Operator) -> u32 {
		self.shape.elements(operator, self.rows)
	}

	/// The row that leaves the segment.
	pub fn is_output(&self, layer: u16, operator: Operator) -> bool {
		operator == Operator::Leaving && layer + 1 == self.layers
	}

	/// Whether a step is one leaf: rows that come in and leave.
	pub fn is_whole(&self, layer: u16, operator: Operator) -> bool {
		operator == Operator::Input || self.is_output(layer, operator)
	}

	/// First slot of an operator.
	pub fn first_slot(&self, layer: u16, operator: Operator) -> u32 {
		let offset = self
			.offsets
			.iter()
			.find(|(found, _, _)| *found == operator)
			.map(|(_, offset, _)| 1 + u32::from(layer) * self.layer_steps + offset);
		// The input has no place in a layer.
		offset.unwrap_or(0)
	}

	/// Slot of the row that leaves.
	pub fn output_slot(&self) -> u32 {
		self.first_slot(self.layers - 1, Operator::Leaving)
	}

	/// What lies in a slot; `None` behind the last.
	pub fn slot(&self, slot: u32) -> Option<Slot> {
		let (layer, operator, part) = match slot.checked_sub(1) {
			None => (0, Operator::Input, 0),
			Some(slot) => {
				let layer = u16::try_from(slot / self.layer_steps).ok()?;
				let offset = slot % self.layer_steps;
				let (operator, first, _) = self
					.offsets
					.iter()
					.find(|(_, first, steps)| (*first..first + steps).contains(&offset))?;
				(layer, *operator, offset - first)
			}
		};
		if layer >= self.layers {
			return None;
		}
		let all = self.elements(operator) * operator.width().bytes();
		let from = part * STEP_BYTES;
		Some(Slot {
			layer,
			operator,
			from,
			bytes: (all - from).min(STEP_BYTES),
		})
	}

	/// Path of a step as a number, without its blocks.
	pub fn place(&self, step: Step) -> u64 {
		u64::from(step.row) << self.step_bits() | u64::from(step.slot)
	}

	/// The step at a path; `None` where none is.
	pub fn step(&self, place: u64) -> Option<Step> {
		let row = u32::try_from(place >> self.step_bits()).ok()?;
		let slot = u32::try_from(place & ((1 << self.step_bits()) - 1)).ok()?;
		(row < self.rows && slot < self.steps()).then_some(Step { row, slot })
	}

	/// Leaf that holds a byte of a vector, and where in the leaf the byte is.
	pub fn leaf(&self, row: u32, layer: u16, operator: Operator, byte: u32) -> (u64, u32) {
		let slot = self.first_slot(layer, operator) + byte / STEP_BYTES;
		let step = self.place(Step { row, slot }) << BLOCK_BITS;
		if self.is_whole(layer, operator) {
			return (step, byte);
		}
		let within = byte % STEP_BYTES;
		(step | u64::from(within / BLOCK_BYTES), within % BLOCK_BYTES)
	}
}

/// Bits that tell `count` things apart.
pub fn bits(count: u32) -> u32 {
	u32::BITS - count.saturating_sub(1).leading_zeros()
}
