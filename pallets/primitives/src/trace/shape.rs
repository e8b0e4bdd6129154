//! Operators of one layer for one row, in the order in which they are computed, and what each gives.
//!
//! The letters in the docs are the rules of `docs/exact-profile.md`. A reduction whose inputs lie in
//! many places (largest values of a long row, scales and values of many rows) has an operator of its own
//! for the results over blocks, so that no value needs more than [`super::opening::MAX_BYTES`] of
//! inputs.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

/// Widest hidden row: 32 KiB of floats, as a row is committed to in one piece.
pub const MAX_HIDDEN: u32 = 8_192;
/// Longest row of a product: 14 KiB of codes and as much of a column in one claim.
pub const MAX_INPUTS: u32 = 14_336;
/// Widest head, as the bounds of the profile have it.
pub const MAX_HEAD: u32 = 256;
/// Rows of a trace at most: 32 KiB of scores of one head.
pub const MAX_ROWS: u32 = 8_192;
/// Values of one partial maximum of a row: 4 KiB of floats.
pub const MAXIMUM_BLOCK: u32 = 1_024;
/// Rows of one partial sum or maximum of the attention: each row costs a claim some 700 bytes.
pub const ROW_BLOCK: u32 = 32;

/// What every layer of a model has in common.
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
pub struct Shape {
	/// Values in a row.
	pub hidden: u32,
	/// Query heads.
	pub heads: u32,
	/// Key and value heads; divides `heads`.
	pub kv_heads: u32,
	/// Values in a head.
	pub head_dim: u32,
	/// Values inside the feed-forward block.
	pub inner: u32,
	/// Whether queries, keys and values have biases.
	pub bias: bool,
	/// Whether heads of queries and keys are normed (H).
	pub head_norm: bool,
	/// ε of the norms: bits of a float.
	pub epsilon: u32,
	/// 1/√`head_dim`: bits of a float.
	pub factor: u32,
}

/// One of the two norms of a layer.
#[derive(Encode, Decode, TypeInfo, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Norm {
	/// Before queries, keys and values.
	Attention,
	/// Before gate and up.
	Gate,
}

/// One of the four products of a layer.
#[derive(Encode, Decode, TypeInfo, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Projection {
	/// Queries, keys and values side by side.
	Attention,
	/// Output of the attention.
	Output,
	/// Gate and up side by side.
	Gate,
	/// Down.
	Down,
}

/// What is computed: each gives a vector for a row in a layer. `n` are the rows of the trace.
#[derive(Encode, Decode, TypeInfo, Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operator {
	/// The row as it came in: `[hidden]`, floats; before the first layer only.
	Input,
	/// N: largest magnitude of the row, clipped: `[1]`.
	Magnitude(Norm),
	/// N: S, sum of squares of the row's codes: `[1]`.
	Squares(Norm),
	/// N: r: `[1]`.
	Root(Norm),
	/// N: row times weights: `[hidden]`.
	Weighted(Norm),
	/// Q: largest magnitudes of every 1,024 values that enter a product.
	Maxima(Projection),
	/// Q: the largest of those, clipped: `[1]`.
	Largest(Projection),
	/// Q, L: codes between −127 and 127: `[inputs]`.
	Codes(Projection),
	/// Q, N: activation scale: `[1]`.
	Scale(Projection),
	/// M: sums: `[outputs]`.
	Sums(Projection),
	/// S: queries, keys and values: `[(heads + 2 kv_heads) · head_dim]`.
	Values,
	/// H: largest magnitude of every head of queries and keys.
	HeadMagnitudes,
	/// H: sums of squares of the same.
	HeadSquares,
	/// H: roots of the same.
	HeadRoots,
	/// H: normed heads of queries and keys.
	HeadNormed,
	/// P: turned heads of queries and keys.
	Turned,
	/// K: largest magnitude of every head of queries, keys and values.
	CacheMagnitudes,
	/// K: factor of every query head, scale of every key and value head.
	CacheScales,
	/// K: codes of all heads.
	CacheCodes,
	/// A1: scores in steps: `[heads, n]`; 0 for rows that are not seen, here and below.
	Scores,
	/// A2: the largest score of a head: `[heads]`.
	Best,
	/// A2: exponents: `[heads, n]`.
	Exponents,
	/// A2: T: `[heads]`.
	Total,
	/// A3: largest value scales of every 32 rows: `[kv_heads, n / 32]`.
	SeenScales,
	/// A3: V: `[kv_heads]`.
	LargestScales,
	/// A3: weights of rows: `[heads, n]`.
	Mixing,
	/// A4: sums over every 32 rows: `[heads · head_dim, n / 32]`.
	PartialMixtures,
	/// A4: z: `[heads · head_dim]`.
	Mixture,
	/// A5: `[heads · head_dim]`.
	Attended,
	/// S, R: row after the attention: `[hidden]`.
	Residual,
	/// S, G: `[inner]`.
	Gated,
	/// S, R: row after the layer: `[hidden]`.
	Leaving,
}

use Operator::*;

/// Operators of a layer in the order in which they are computed.
pub const LAYER: [Operator; 50] = [
	Magnitude(Norm::Attention),
	Squares(Norm::Attention),
	Root(Norm::Attention),
	Weighted(Norm::Attention),
	Maxima(Projection::Attention),
	Largest(Projection::Attention),
	Codes(Projection::Attention),
	Scale(Projection::Attention),
	Sums(Projection::Attention),
	Values,
	HeadMagnitudes,
	HeadSquares,
	HeadRoots,
	HeadNormed,
	Turned,
	CacheMagnitudes,
	CacheScales,
	CacheCodes,
	Scores,
	Best,
	Exponents,
	Total,
	SeenScales,
	LargestScales,
	Mixing,
	PartialMixtures,
	Mixture,
	Attended,
	Maxima(Projection::Output),
	Largest(Projection::Output),
	Codes(Projection::Output),
	Scale(Projection::Output),
	Sums(Projection::Output),
	Residual,
	Magnitude(Norm::Gate),
	Squares(Norm::Gate),
	Root(Norm::Gate),
	Weighted(Norm::Gate),
	Maxima(Projection::Gate),
	Largest(Projection::Gate),
	Codes(Projection::Gate),
	Scale(Projection::Gate),
	Sums(Projection::Gate),
	Gated,
	Maxima(Projection::Down),
	Largest(Projection::Down),
	Codes(Projection::Down),
	Scale(Projection::Down),
	Sums(Projection::Down),
	Leaving,
];

/// How a value is stored, little endian.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Width {
	/// Signed, 8 bits.
	Byte,
	/// Signed, 16 bits.
	Short,
	/// Signed, 32 bits.
	Word,
	/// Signed, 64 bits.
	Long,
	/// binary32, as its bits.
	Float,
}

impl Width {
	/// Bytes of a value.
	pub const fn bytes(self) -> u32 {
		match self {
			Self::Byte => 1,
			Self::Short => 2,
			Self::Word | Self::Float => 4,
			Self::Long => 8,
		}
	}

	/// Reads values; a rest that is no whole value is left out. Floats come as their bits.
	pub fn decode(self, bytes: &[u8]) -> impl Iterator<Item = i64> + '_ {
		bytes
			.chunks_exact(self.bytes() as usize)
			.map(move |value| match (self, value) {
				(Self::Byte, [a]) => i64::from(*a as i8),
				(Self::Short, [a, b]) => i64::from(i16::from_le_bytes([*a, *b])),
				(Self::Word, [a, b, c, d]) => i64::from(i32::from_le_bytes([*a, *b, *c, *d])),
				(Self::Float, [a, b, c, d]) => i64::from(u32::from_le_bytes([*a, *b, *c, *d])),
				(_, value) => value
					.iter()
					.rev()
					.fold(0, |sum, byte| (sum << 8) | i64::from(*byte)),
			})
	}

	/// Writes a value; bits beyond its width are cut off.
	pub fn encode(self, value: i64, out: &mut alloc::vec::Vec<u8>) {
		out.extend_from_slice(&value.to_le_bytes()[..self.bytes() as usize]);
	}
}

impl Projection {
	/// The norm before it.
	pub const fn norm(self) -> Option<Norm> {
		match self {
			Self::Attention => Some(Norm::Attention),
			Self::Gate => Some(Norm::Gate),
			Self::Output | Self::Down => None,
		}
	}
}

impl Shape {
	/// Whether claims about a trace of so many rows stay within their bounds.
	pub fn is_disputable(&self, rows: u32) -> bool {
		let within = |value: u32, most: u32| (1..=most).contains(&value);
		within(self.hidden, MAX_HIDDEN)
			&& within(self.inner, MAX_INPUTS)
			&& within(self.head_dim, MAX_HEAD)
			&& self.head_dim.is_multiple_of(2)
			&& within(self.heads, MAX_INPUTS / self.head_dim)
			&& within(self.kv_heads, self.heads)
			&& self.heads.is_multiple_of(self.kv_heads)
			&& within(rows, MAX_ROWS)
	}

	/// Values of all queries.
	pub const fn queries(&self) -> u32 {
		self.heads * self.head_dim
	}

	/// Values of all queries and keys.
	pub const fn turned(&self) -> u32 {
		(self.heads + self.kv_heads) * self.head_dim
	}

	/// Heads of queries, keys and values.
	pub const fn all_heads(&self) -> u32 {
		self.heads + 2 * self.kv_heads
	}

	/// Values that enter a product.
	pub const fn inputs(&self, projection: Projection) -> u32 {
		match projection {
			Projection::Attention | Projection::Gate => self.hidden,
			Projection::Output => self.queries(),
			Projection::Down => self.inner,
		}
	}

	/// Sums that a product gives.
	pub const fn outputs(&self, projection: Projection) -> u32 {
		match projection {
			Projection::Attention => self.all_heads() * self.head_dim,
			Projection::Gate => 2 * self.inner,
			Projection::Output | Projection::Down => self.hidden,
		}
	}

	/// Values that an operator gives for a row of a trace of `rows` rows; none where the model has no
	/// such operator.
	pub const fn elements(&self, operator: Operator, rows: u32) -> u32 {
		let normed_heads = if self.head_norm {
			self.heads + self.kv_heads
		} else {
			0
		};
		let blocks = rows.div_ceil(ROW_BLOCK);
		match operator {
			Magnitude(_) | Squares(_) | Root(_) | Largest(_) | Scale(_) => 1,
			Input | Weighted(_) | Residual | Leaving => self.hidden,
			Maxima(projection) => self.inputs(projection).div_ceil(MAXIMUM_BLOCK),
			Codes(projection) => self.inputs(projection),
			Sums(projection) => self.outputs(projection),
			Values | CacheCodes => self.all_heads() * self.head_dim,
			HeadMagnitudes | HeadSquares | HeadRoots => normed_heads,
			HeadNormed => normed_heads * self.head_dim,
			Turned => self.turned(),
			CacheMagnitudes | CacheScales => self.all_heads(),
			Scores | Exponents | Mixing => self.heads * rows,
			Best | Total => self.heads,
			SeenScales => self.kv_heads * blocks,
			LargestScales => self.kv_heads,
			PartialMixtures => self.queries() * blocks,
			Mixture | Attended => self.queries(),
			Gated => self.inner,
		}
	}
}

impl Operator {
	/// How its values are stored.
	pub const fn width(self) -> Width {
		match self {
			Codes(_) => Width::Byte,
			CacheCodes | Exponents | Mixing => Width::Short,
			Sums(_) | Scores | Best | PartialMixtures => Width::Word,
			Squares(_) | HeadSquares | Total | Mixture => Width::Long,
			_ => Width::Float,
		}
	}
}
