//! How a rule reads values and constants out of blocks.

use super::{float, only, Missing, Result, Rule};
use crate::{
	softfloat::Float,
	trace::{
		layout::BLOCK_BYTES,
		opening::Blocks,
		shape::{Norm, Operator, Width},
		weights::{self, Weight},
	},
};
use alloc::vec::Vec;

impl<B: Blocks> Rule<'_, B> {
	/// The row that a norm reads.
	pub(super) fn norm_row(&mut self, norm: Norm, from: u32, count: u32) -> Result<Vec<Float>> {
		match norm {
			Norm::Attention => self.entered(from, count),
			Norm::Gate => self.floats(Operator::Residual, from, count),
		}
	}

	/// The row that entered this layer.
	pub(super) fn entered(&mut self, from: u32, count: u32) -> Result<Vec<Float>> {
		let (layer, operator) = match self.at.layer.checked_sub(1) {
			None => (0, Operator::Input),
			Some(before) => (before, Operator::Leaving),
		};
		let values = self.values(self.at.row, layer, operator, from, count)?;
		Ok(values.into_iter().map(float).collect())
	}

	/// Values of one head of this row.
	pub(super) fn head(&mut self, operator: Operator, head: u32) -> Result<Vec<Float>> {
		let width = self.layout.shape.head_dim;
		self.floats(operator, head * width, width)
	}

	pub(super) fn one(&mut self, operator: Operator, index: u32) -> Result<i64> {
		only(&self.vector(operator, index, 1)?)
	}

	pub(super) fn float(&mut self, operator: Operator, index: u32) -> Result<Float> {
		self.one(operator, index).map(float)
	}

	pub(super) fn floats(
		&mut self,
		operator: Operator,
		from: u32,
		count: u32,
	) -> Result<Vec<Float>> {
		let values = self.vector(operator, from, count)?;
		Ok(values.into_iter().map(float).collect())
	}

	/// Values of this row and layer.
	pub(super) fn vector(&mut self, operator: Operator, from: u32, count: u32) -> Result<Vec<i64>> {
		self.of_row(self.at.row, operator, from, count)
	}

	/// Values of any row of this layer.
	pub(super) fn of_row(
		&mut self,
		row: u32,
		operator: Operator,
		from: u32,
		count: u32,
	) -> Result<Vec<i64>> {
		self.values(row, self.at.layer, operator, from, count)
	}

	pub(super) fn values(
		&mut self,
		row: u32,
		layer: u16,
		operator: Operator,
		from: u32,
		count: u32,
	) -> Result<Vec<i64>> {
		let width = operator.width();
		let first = from * width.bytes();
		let whole = self.layout.is_whole(layer, operator);
		let bytes = collect(count * width.bytes(), |done, bytes| {
			let (place, offset) = self.layout.leaf(row, layer, operator, first + done);
			let block = self.blocks.trace(place).ok_or(Missing)?;
			let end = match whole {
				true => block.len(),
				false => block.len().min(BLOCK_BYTES as usize),
			};
			append(bytes, block.get(offset as usize..end))
		})?;
		decoded(&bytes, width, count)
	}

	pub(super) fn constant(&mut self, weight: Weight, index: u32) -> Result<Float> {
		let first = u64::from(index) * u64::from(weight.width().bytes());
		let values = self.constants(weight, first, 1)?;
		Ok(float(only(&values)?))
	}

	/// Constants from a byte of their vector on.
	pub(super) fn constants(&mut self, weight: Weight, first: u64, count: u32) -> Result<Vec<i64>> {
		let width = weight.width();
		let bytes = collect(count * width.bytes(), |done, bytes| {
			let byte = first + u64::from(done);
			let (place, offset) = weights::leaf(&self.layout.shape, weight, byte);
			let block = self.blocks.weights(self.at.layer, place).ok_or(Missing)?;
			append(bytes, block.get(offset as usize..))
		})?;
		decoded(&bytes, width, count)
	}
}

/// Bytes piece by piece; `next` appends what is left of the block at a byte.
fn collect(count: u32, mut next: impl FnMut(u32, &mut Vec<u8>) -> Result<()>) -> Result<Vec<u8>> {
	let count = count as usize;
	let mut bytes = Vec::with_capacity(count + BLOCK_BYTES as usize);
	while bytes.len() < count {
		next(bytes.len() as u32, &mut bytes)?;
	}
	bytes.truncate(count);
	Ok(bytes)
}

/// Appends a piece, which must not be empty.
fn append(bytes: &mut Vec<u8>, piece: Option<&[u8]>) -> Result<()> {
	match piece {
		None | Some([]) => Err(Missing),
		Some(piece) => {
			bytes.extend_from_slice(piece);
			Ok(())
		}
	}
}

fn decoded(bytes: &[u8], width: Width, count: u32) -> Result<Vec<i64>> {
	let values = width.decode(bytes).collect::<Vec<_>>();
	match values.len() == count as usize {
		true => Ok(values),
		false => Err(Missing),
	}
}
