//! One value of a trace from the values before it: every rule of `docs/exact-profile.md`, once.
//!
//! Chain and worker call [`recompute`] with blocks that they hold or have been shown. It reads what the
//! rule needs and nothing else, so the prover finds out what to open by running it. Whatever the blocks
//! hold, it gives a value or says that a block is missing; it never panics. Integers therefore wrap, which
//! sums that obey the bounds of the profile never do.

mod attention;
mod reading;

use super::{
	layout::{Element, Layout},
	opening::Blocks,
	shape::{Norm, Operator, Projection, MAXIMUM_BLOCK, ROW_BLOCK},
	weights::{Layer, Weight},
};
use crate::softfloat::Float;

/// Largest code in the sum of squares of a norm.
const NORM_MAX: i64 = 32_767;
/// Largest code that enters a product.
const ACTIVATION_MAX: i64 = 127;
/// Largest query code.
const QUERY_MAX: i64 = 8_064;
/// Largest code of keys and values.
const CACHE_MAX: i64 = 127;
/// Bounds of magnitudes: 2^−60 and 2^60.
const MAGNITUDE: [Float; 2] = [
	Float::from_bits((127 - 60) << 23),
	Float::from_bits((127 + 60) << 23),
];
/// Steps of scores per unit.
const SCORE_STEPS: i64 = 256;
/// Largest score in steps: 2^21.
const SCORE_MAX: i64 = 1 << 21;
/// Steps of the sigmoid's argument per unit.
const SIGMOID_STEPS: i64 = 128;
/// Largest argument of the sigmoid, in steps.
const SIGMOID_LAST: i64 = 2_048;

/// A block is not there, or shorter than it must be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Missing;

type Result<T> = core::result::Result<T, Missing>;

/// The value that the rules give; floats as their bits. `at` is a place of the layout, other than
/// of the input, which no rule gives.
pub fn recompute(
	layout: &Layout,
	layers: &[Layer],
	at: Element,
	blocks: &mut impl Blocks,
) -> Result<i64> {
	let window = layers.get(usize::from(at.layer)).ok_or(Missing)?.window;
	Rule {
		layout,
		at,
		window,
		blocks,
	}
	.value()
}

/// A rule at work.
struct Rule<'a, B> {
	layout: &'a Layout,
	at: Element,
	window: u32,
	blocks: &'a mut B,
}

impl<B: Blocks> Rule<'_, B> {
	fn value(&mut self) -> Result<i64> {
		use Operator::*;
		let index = self.at.index;
		match self.at.operator {
			Input => Err(Missing),
			Magnitude(norm) => {
				let row = self.norm_row(norm, 0, self.layout.shape.hidden)?;
				Ok(bits(clipped(largest(&row))))
			}
			Squares(norm) => {
				let row = self.norm_row(norm, 0, self.layout.shape.hidden)?;
				let magnitude = self.float(Magnitude(norm), 0)?;
				Ok(squares(&row, magnitude))
			}
			Root(norm) => {
				let squares = self.one(Squares(norm), 0)?;
				let magnitude = self.float(Magnitude(norm), 0)?;
				Ok(bits(self.root(
					squares,
					self.layout.shape.hidden,
					magnitude,
				)))
			}
			Weighted(norm) => self.weighted(norm, index),
			Maxima(projection) => self.maxima(projection, index),
			Largest(projection) => {
				let count = self.layout.elements(Maxima(projection));
				let maxima = self.floats(Maxima(projection), 0, count)?;
				Ok(bits(clipped(largest(&maxima))))
			}
			Codes(projection) => {
				let value = self.float(entering(projection), index)?;
				let magnitude = self.float(Largest(projection), 0)?;
				Ok(code(value, magnitude, ACTIVATION_MAX))
			}
			Scale(projection) => self.scale(projection),
			Sums(projection) => self.sum(projection, index),
			Values => self.biased(index),
			HeadMagnitudes => {
				let head = self.head(Values, index)?;
				Ok(bits(clipped(largest(&head))))
			}
			HeadSquares => {
				let head = self.head(Values, index)?;
				let magnitude = self.float(HeadMagnitudes, index)?;
				Ok(squares(&head, magnitude))
			}
			HeadRoots => {
				let squares = self.one(HeadSquares, index)?;
				let magnitude = self.float(HeadMagnitudes, index)?;
				Ok(bits(self.root(
					squares,
					self.layout.shape.head_dim,
					magnitude,
				)))
			}
			HeadNormed => self.head_normed(index),
			Turned => self.turned(index),
			CacheMagnitudes => {
				let source = self.cached(index);
				let head = self.head(source, index)?;
				Ok(bits(clipped(largest(&head))))
			}
			CacheScales => self.cache_scale(index),
			CacheCodes => {
				let head = index / self.layout.shape.head_dim;
				let source = self.cached(head);
				let value = self.float(source, index)?;
				let magnitude = self.float(CacheMagnitudes, head)?;
				Ok(code(value, magnitude, self.cache_bound(head)))
			}
			Scores => self.score(index),
			Best => {
				let scores = self.seen_by_head(Scores, index)?;
				Ok(scores.into_iter().fold(i64::MIN, i64::max))
			}
			Exponents => self.exponent(index),
			Total => {
				let exponents = self.seen_by_head(Exponents, index)?;
				Ok(exponents.into_iter().fold(0, i64::wrapping_add))
			}
			SeenScales => self.seen_scale(index),
			LargestScales => self.largest_scale(index),
			Mixing => self.mixing(index),
			PartialMixtures => self.partial_mixture(index),
			Mixture => {
				let blocks = self.layout.rows.div_ceil(ROW_BLOCK);
				let parts = self.vector(PartialMixtures, index * blocks, blocks)?;
				Ok(parts.into_iter().fold(0, i64::wrapping_add))
			}
			Attended => self.attended(index),
			Residual => {
				let added = self.scaled(Projection::Output, index)?;
				let before = self.entered(index, 1)?;
				Ok(bits(added.plus(only(&before)?)))
			}
			Gated => self.gated(index),
			Leaving => {
				let added = self.scaled(Projection::Down, index)?;
				Ok(bits(added.plus(self.float(Residual, index)?)))
			}
		}
	}

	/// N: y = x · w.
	fn weighted(&mut self, norm: Norm, index: u32) -> Result<i64> {
		let value = self.norm_row(norm, index, 1)?;
		let weight = match norm {
			Norm::Attention => Weight::AttentionNorm,
			Norm::Gate => Weight::GateNorm,
		};
		let weight = self.constant(weight, index)?;
		Ok(bits(only(&value)?.times(weight)))
	}

	/// Q: the largest magnitude of a block of a row, not clipped.
	fn maxima(&mut self, projection: Projection, index: u32) -> Result<i64> {
		let from = index * MAXIMUM_BLOCK;
		let count = self.layout.shape.inputs(projection) - from;
		let values = self.floats(entering(projection), from, count.min(MAXIMUM_BLOCK))?;
		Ok(bits(largest(&values)))
	}

	/// Q, N: m / B, and over r where a norm comes before.
	fn scale(&mut self, projection: Projection) -> Result<i64> {
		let magnitude = self.float(Operator::Largest(projection), 0)?;
		let step = magnitude.over(Float::from_integer(ACTIVATION_MAX));
		Ok(bits(match projection.norm() {
			None => step,
			Some(norm) => step.over(self.float(Operator::Root(norm), 0)?),
		}))
	}

	/// N, H: √(((S / D) · s) · s + ε).
	fn root(&self, squares: i64, width: u32, magnitude: Float) -> Float {
		let mean = Float::from_integer(squares).over(Float::from_integer(width.into()));
		let step = magnitude.over(Float::from_integer(NORM_MAX));
		let epsilon = Float::from_bits(self.layout.shape.epsilon);
		let sum = mean.times(step).times(step).plus(epsilon);
		sum.square_root()
	}

	/// M: one row of codes times one column of codes.
	fn sum(&mut self, projection: Projection, output: u32) -> Result<i64> {
		let inputs = self.layout.shape.inputs(projection);
		let row = self.vector(Operator::Codes(projection), 0, inputs)?;
		let kind = Weight::Codes(projection);
		let stride = kind.stride(&self.layout.shape).ok_or(Missing)?;
		let column = self.constants(kind, u64::from(output) * u64::from(stride), inputs)?;
		Ok(dot(&row, &column))
	}

	/// S: (a · wₙ) · activation scale.
	fn scaled(&mut self, projection: Projection, output: u32) -> Result<Float> {
		let sum = self.one(Operator::Sums(projection), output)?;
		let weight = self.constant(Weight::Scales(projection), output)?;
		let scale = self.float(Operator::Scale(projection), 0)?;
		Ok(Float::from_integer(sum).times(weight).times(scale))
	}

	/// S with biases.
	fn biased(&mut self, index: u32) -> Result<i64> {
		let value = self.scaled(Projection::Attention, index)?;
		Ok(bits(match self.layout.shape.bias {
			true => value.plus(self.constant(Weight::Bias, index)?),
			false => value,
		}))
	}

	/// S, G: (g · σ[s]) · u.
	fn gated(&mut self, index: u32) -> Result<i64> {
		let gate = self.scaled(Projection::Gate, index)?;
		let up = self.scaled(Projection::Gate, self.layout.shape.inner + index)?;
		let bound = Float::from_integer(SIGMOID_LAST);
		let steps = gate.times(Float::from_integer(SIGMOID_STEPS));
		let step = steps.clip(bound.negated(), bound).round().to_integer();
		let entry = (step + SIGMOID_LAST) as u32;
		let sigmoid = self.constant(Weight::Sigmoid, entry)?;
		Ok(bits(gate.times(sigmoid).times(up)))
	}
}

/// What enters a product before it becomes codes.
fn entering(projection: Projection) -> Operator {
	match projection {
		Projection::Attention => Operator::Weighted(Norm::Attention),
		Projection::Output => Operator::Attended,
		Projection::Gate => Operator::Weighted(Norm::Gate),
		Projection::Down => Operator::Gated,
	}
}

fn only<T: Copy>(values: &[T]) -> Result<T> {
	values.first().copied().ok_or(Missing)
}

fn float(bits: i64) -> Float {
	Float::from_bits(bits as u32)
}

fn bits(float: Float) -> i64 {
	float.to_bits().into()
}

/// The largest magnitude; 0 of nothing.
fn largest(values: &[Float]) -> Float {
	values
		.iter()
		.map(|value| value.magnitude())
		.fold(Float::ZERO, |largest, value| match largest.is_less(value) {
			true => value,
			false => largest,
		})
}

fn clipped(magnitude: Float) -> Float {
	magnitude.clip(MAGNITUDE[0], MAGNITUDE[1])
}

/// Q: rint(clip(x · (B / m), −B, B)).
fn code(value: Float, magnitude: Float, bound: i64) -> i64 {
	let bound = Float::from_integer(bound);
	let scaled = value.times(bound.over(magnitude));
	scaled.clip(bound.negated(), bound).round().to_integer()
}

/// N, H: S = Σ n².
fn squares(row: &[Float], magnitude: Float) -> i64 {
	row.iter()
		.map(|value| code(*value, magnitude, NORM_MAX))
		.fold(0, |sum: i64, code| sum.wrapping_add(code * code))
}

fn dot(a: &[i64], b: &[i64]) -> i64 {
	a.iter()
		.zip(b)
		.fold(0, |sum: i64, (a, b)| sum.wrapping_add(a.wrapping_mul(*b)))
}
