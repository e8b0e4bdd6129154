//! Rules H, P, K and A: heads, their cache, and what a row takes from the rows that it sees.

use super::{
	bits, dot, float, largest, only, Result, Rule, CACHE_MAX, QUERY_MAX, SCORE_MAX, SCORE_STEPS,
};
use crate::{
	softfloat::Float,
	trace::{
		opening::Blocks,
		shape::{Operator, ROW_BLOCK},
		weights::{Weight, EXPONENTS},
	},
};
use alloc::vec::Vec;
use core::ops::RangeInclusive;

impl<B: Blocks> Rule<'_, B> {
	/// H: (x / r) · w.
	pub(super) fn head_normed(&mut self, index: u32) -> Result<i64> {
		let shape = self.layout.shape;
		let (head, within) = (index / shape.head_dim, index % shape.head_dim);
		let weight = match head < shape.heads {
			true => Weight::QueryNorm,
			false => Weight::KeyNorm,
		};
		let value = self.float(Operator::Values, index)?;
		let root = self.float(Operator::HeadRoots, head)?;
		Ok(bits(value.over(root).times(self.constant(weight, within)?)))
	}

	/// P: a pair of values turned by the angle of the row.
	pub(super) fn turned(&mut self, index: u32) -> Result<i64> {
		let shape = self.layout.shape;
		let half = shape.head_dim / 2;
		let source = match shape.head_norm {
			true => Operator::HeadNormed,
			false => Operator::Values,
		};
		let within = index % shape.head_dim;
		let pair = within % half;
		let angle = self.at.row * half + pair;
		let cosine = self.constant(Weight::Cosine, angle)?;
		let sine = self.constant(Weight::Sine, angle)?;
		let first = index - within + pair;
		let (x, y) = (
			self.float(source, first)?,
			self.float(source, first + half)?,
		);
		Ok(bits(match within < half {
			true => x.times(cosine).minus(y.times(sine)),
			false => y.times(cosine).plus(x.times(sine)),
		}))
	}

	/// K: what a head of the cache is coded from: queries and keys turned, values as they are.
	pub(super) fn cached(&self, head: u32) -> Operator {
		let shape = self.layout.shape;
		match head < shape.heads + shape.kv_heads {
			true => Operator::Turned,
			false => Operator::Values,
		}
	}

	pub(super) fn cache_bound(&self, head: u32) -> i64 {
		match head < self.layout.shape.heads {
			true => QUERY_MAX,
			false => CACHE_MAX,
		}
	}

	/// K: scale of a key or value head, factor of a query head.
	pub(super) fn cache_scale(&mut self, head: u32) -> Result<i64> {
		let magnitude = self.float(Operator::CacheMagnitudes, head)?;
		let step = magnitude.over(Float::from_integer(self.cache_bound(head)));
		Ok(bits(match head < self.layout.shape.heads {
			true => step.times(Float::from_bits(self.layout.shape.factor)),
			false => step,
		}))
	}

	/// A1.
	pub(super) fn score(&mut self, index: u32) -> Result<i64> {
		let (head, row) = self.head_and_row(index);
		if !self.seen().contains(&row) {
			return Ok(0);
		}
		let shape = self.layout.shape;
		let width = shape.head_dim;
		let query = self.vector(Operator::CacheCodes, head * width, width)?;
		let key_head = shape.heads + self.kv_head(head);
		let key = self.of_row(row, Operator::CacheCodes, key_head * width, width)?;
		let scale = self.of_row(row, Operator::CacheScales, key_head, 1)?;
		let factor = self.float(Operator::CacheScales, head)?;
		let score = Float::from_integer(dot(&query, &key))
			.times(float(only(&scale)?))
			.times(factor)
			.times(Float::from_integer(SCORE_STEPS));
		let bound = Float::from_integer(SCORE_MAX);
		Ok(score.clip(bound.negated(), bound).round().to_integer())
	}

	/// A2: E[max t − t].
	pub(super) fn exponent(&mut self, index: u32) -> Result<i64> {
		let (head, row) = self.head_and_row(index);
		if !self.seen().contains(&row) {
			return Ok(0);
		}
		let distance = self
			.one(Operator::Best, head)?
			.wrapping_sub(self.one(Operator::Scores, index)?);
		let entry = distance.clamp(0, i64::from(EXPONENTS) - 1);
		let kind = Weight::Exponent;
		let byte = entry as u64 * u64::from(kind.width().bytes());
		only(&self.constants(kind, byte, 1)?)
	}

	/// A3: the largest value scale among those of a block of rows that are seen, or 0.
	pub(super) fn seen_scale(&mut self, index: u32) -> Result<i64> {
		let shape = self.layout.shape;
		let blocks = self.layout.rows.div_ceil(ROW_BLOCK);
		let value_head = shape.heads + shape.kv_heads + index / blocks;
		let mut scales = Vec::new();
		for row in self.seen_in_block(index % blocks) {
			let scale = self.of_row(row, Operator::CacheScales, value_head, 1)?;
			scales.push(float(only(&scale)?));
		}
		Ok(bits(largest(&scales)))
	}

	/// A3: V.
	pub(super) fn largest_scale(&mut self, index: u32) -> Result<i64> {
		let blocks = self.layout.rows.div_ceil(ROW_BLOCK);
		let scales = self.floats(Operator::SeenScales, index * blocks, blocks)?;
		Ok(bits(largest(&scales)))
	}

	/// A3: rint(e · (scale / V)).
	pub(super) fn mixing(&mut self, index: u32) -> Result<i64> {
		let (head, row) = self.head_and_row(index);
		if !self.seen().contains(&row) {
			return Ok(0);
		}
		let shape = self.layout.shape;
		let value_head = shape.heads + shape.kv_heads + self.kv_head(head);
		let exponent = self.one(Operator::Exponents, index)?;
		let scale = self.of_row(row, Operator::CacheScales, value_head, 1)?;
		let largest = self.float(Operator::LargestScales, self.kv_head(head))?;
		let ratio = float(only(&scale)?).over(largest);
		let weight = Float::from_integer(exponent).times(ratio);
		Ok(weight.round().to_integer())
	}

	/// A4 over a block of rows.
	pub(super) fn partial_mixture(&mut self, index: u32) -> Result<i64> {
		let shape = self.layout.shape;
		let blocks = self.layout.rows.div_ceil(ROW_BLOCK);
		let (value, block) = (index / blocks, index % blocks);
		let (head, within) = (value / shape.head_dim, value % shape.head_dim);
		let value_head = shape.heads + shape.kv_heads + self.kv_head(head);
		let place = value_head * shape.head_dim + within;
		let mut sum = 0i64;
		for row in self.seen_in_block(block) {
			let weight = self.one(Operator::Mixing, head * self.layout.rows + row)?;
			let code = self.of_row(row, Operator::CacheCodes, place, 1)?;
			sum = sum.wrapping_add(weight.wrapping_mul(only(&code)?));
		}
		Ok(sum)
	}

	/// A5: z · (V / T).
	pub(super) fn attended(&mut self, index: u32) -> Result<i64> {
		let head = index / self.layout.shape.head_dim;
		let sum = self.one(Operator::Mixture, index)?;
		let largest = self.float(Operator::LargestScales, self.kv_head(head))?;
		let total = self.one(Operator::Total, head)?;
		let factor = largest.over(Float::from_integer(total));
		Ok(bits(Float::from_integer(sum).times(factor)))
	}

	/// The key and value head of a query head.
	pub(super) fn kv_head(&self, head: u32) -> u32 {
		head / (self.layout.shape.heads / self.layout.shape.kv_heads)
	}

	pub(super) fn head_and_row(&self, index: u32) -> (u32, u32) {
		(index / self.layout.rows, index % self.layout.rows)
	}

	/// Rows that this row sees, itself among them.
	pub(super) fn seen(&self) -> RangeInclusive<u32> {
		let row = self.at.row;
		(row + 1).saturating_sub(self.window.max(1))..=row
	}

	/// Those of them in a block.
	pub(super) fn seen_in_block(&self, block: u32) -> RangeInclusive<u32> {
		let (seen, first) = (self.seen(), block * ROW_BLOCK);
		first.max(*seen.start())..=(first + ROW_BLOCK - 1).min(*seen.end())
	}

	/// What one head has of the rows that this row sees.
	pub(super) fn seen_by_head(&mut self, operator: Operator, head: u32) -> Result<Vec<i64>> {
		let seen = self.seen();
		let count = seen.end() - seen.start() + 1;
		self.vector(operator, head * self.layout.rows + seen.start(), count)
	}
}
