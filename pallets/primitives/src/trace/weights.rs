//! The constants of one layer as a tree: what the chain must know of a shard to judge one value.
//!
//! In the shard the codes of a product lie input by input, so the column of one output is strided over the
//! whole file: a proof through the file's own blake3 tree would take a kilobyte a code. Here a column is
//! contiguous. The digest of a layer ([`Layer::digest`]) names its shape and window too, so that 32 bytes
//! registered beside the shard's hash say all that a dispute about the layer needs. Everybody who holds
//! the shard can compute it, and a worker serves no model whose registered digest differs.

use super::{
	layout::{bits, BLOCK_BYTES},
	shape::{Projection, Shape, Width},
};
use crate::ids::Digest;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use scale_info::TypeInfo;

const LEAF_KEY: &str = "dllm 2026-11 weights leaf v1";
const LAYER: &[u8] = b"dllm/layer/v1";
/// Bits of the kind in a path.
const KIND_BITS: u32 = 5;
/// Entries of the exponent table.
pub const EXPONENTS: u32 = 2_663;
/// Entries of the sigmoid table.
pub const SIGMOIDS: u32 = 4_097;

/// A vector of constants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Weight {
	/// Weights of the norm before the attention: `[hidden]`.
	AttentionNorm,
	/// Weights of the norm before gate and up: `[hidden]`.
	GateNorm,
	/// Weights of the norm of query heads: `[head_dim]`.
	QueryNorm,
	/// Weights of the norm of key heads: `[head_dim]`.
	KeyNorm,
	/// Biases of queries, keys and values.
	Bias,
	/// Cosines: `[rows, head_dim / 2]`.
	Cosine,
	/// Sines: `[rows, head_dim / 2]`.
	Sine,
	/// E of rule A2.
	Exponent,
	/// σ of rule G, from −2,048 on.
	Sigmoid,
	/// Weight scales: `[outputs]`.
	Scales(Projection),
	/// Codes of one output: `[outputs, inputs]`, every column in blocks of its own.
	Codes(Projection),
}

/// A layer as a dispute needs it.
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
pub struct Layer {
	/// Rows that a row sees, itself among them; `u32::MAX` where it sees all.
	pub window: u32,
	/// Root of the constants.
	pub weights: Digest,
}

impl Layer {
	/// What is registered of a layer.
	pub fn digest(&self, shape: &Shape) -> Digest {
		let mut hasher = blake3::Hasher::new();
		hasher.update(LAYER);
		hasher.update(&(shape, self).encode());
		Digest::from(*hasher.finalize().as_bytes())
	}
}

impl Weight {
	/// All kinds.
	pub const ALL: [Self; 17] = [
		Self::AttentionNorm,
		Self::GateNorm,
		Self::QueryNorm,
		Self::KeyNorm,
		Self::Bias,
		Self::Cosine,
		Self::Sine,
		Self::Exponent,
		Self::Sigmoid,
		Self::Scales(Projection::Attention),
		Self::Scales(Projection::Output),
		Self::Scales(Projection::Gate),
		Self::Scales(Projection::Down),
		Self::Codes(Projection::Attention),
		Self::Codes(Projection::Output),
		Self::Codes(Projection::Gate),
		Self::Codes(Projection::Down),
	];

	/// How its values are stored.
	pub const fn width(self) -> Width {
		match self {
			Self::Codes(_) => Width::Byte,
			Self::Exponent => Width::Short,
			_ => Width::Float,
		}
	}

	/// Bytes from one column to the next; `None` for what has no columns.
	pub fn stride(self, shape: &Shape) -> Option<u32> {
		match self {
			Self::Codes(projection) => Some(shape.inputs(projection).next_multiple_of(BLOCK_BYTES)),
			_ => None,
		}
	}

	fn number(self) -> u64 {
		match self {
			Self::AttentionNorm => 0,
			Self::GateNorm => 1,
			Self::QueryNorm => 2,
			Self::KeyNorm => 3,
			Self::Bias => 4,
			Self::Cosine => 5,
			Self::Sine => 6,
			Self::Exponent => 7,
			Self::Sigmoid => 8,
			Self::Scales(projection) => 9 + projection as u64,
			Self::Codes(projection) => 13 + projection as u64,
		}
	}
}

/// Depth of the tree of a layer.
pub fn depth(shape: &Shape) -> u32 {
	KIND_BITS + block_bits(shape)
}

/// Leaf that holds a byte of a vector (of a matrix: with [`Weight::stride`]), and where in it the byte is.
pub fn leaf(shape: &Shape, weight: Weight, byte: u64) -> (u64, u32) {
	let block = byte / u64::from(BLOCK_BYTES);
	let place = weight.number() << block_bits(shape) | block;
	(place, (byte % u64::from(BLOCK_BYTES)) as u32)
}

/// Digest of a block.
pub fn leaf_digest(bytes: &[u8]) -> Digest {
	let mut hasher = blake3::Hasher::new_derive_key(LEAF_KEY);
	hasher.update(bytes);
	Digest::from(*hasher.finalize().as_bytes())
}

/// Bits of a block: as many as the largest matrix or table needs.
fn block_bits(shape: &Shape) -> u32 {
	/// Blocks of the tables of positions of a context of 2^19 rows with heads of 256 values.
	const LEAST: u32 = 1 << 20;
	let matrices = [
		Projection::Attention,
		Projection::Output,
		Projection::Gate,
		Projection::Down,
	];
	let blocks = matrices.map(|projection| {
		let column = shape.inputs(projection).div_ceil(BLOCK_BYTES);
		shape.outputs(projection).saturating_mul(column)
	});
	bits(blocks.into_iter().fold(LEAST, u32::max))
}
