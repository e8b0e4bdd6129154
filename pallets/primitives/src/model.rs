//! Models as the chain knows them: digests, shapes and costs, never weights.

use crate::{
	ids::{AdapterId, Bytes, Digest, ModelId, MAX_LAYERS},
	trace::{Layer, Shape},
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Numeric profile in which every shard of a model is executed.
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
#[serde(rename_all = "lowercase")]
pub enum Profile {
	/// Single precision, bitwise within one class of processors.
	F32,
	/// Half precision.
	F16,
	/// Weights and activations of 8 bits, quantised per token.
	Int8,
	/// Weights of 4 bits.
	Int4,
	/// Integer-exact: the same bytes on every device.
	Exact,
}

/// One file of a split model.
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
	Default,
)]
#[serde(rename_all = "camelCase")]
pub struct Shard {
	/// blake3 of the file.
	pub hash: Digest,
	/// Bytes of the file.
	pub bytes: u64,
	/// Floating-point or integer operations for one token.
	pub flops_per_token: u64,
	/// Bytes that one token leaves in the key-value cache.
	pub kv_bytes_per_token: u32,
}

/// What a model's owner registers; every figure is copied from `manifest.json`.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct ModelSpec {
	/// Name for people, UTF-8.
	pub name: Bytes<64>,
	/// SPDX name of the licence of the weights.
	pub licence: Bytes<32>,
	/// blake3 of `manifest.json` as written.
	pub manifest_root: Digest,
	/// blake3 of `tokenizer.json`.
	pub tokenizer_hash: Digest,
	/// Numeric profile of the shards.
	pub profile: Profile,
	/// Width of a hidden row, in values.
	pub hidden_size: u32,
	/// Tokens that one session may hold at most, prompt and reply together.
	pub max_context: u32,
	/// Embedding shard (runs in the entry).
	pub embed: Shard,
	/// Decoder layers in order.
	pub layers: BoundedVec<Shard, ConstU32<MAX_LAYERS>>,
	/// Final norm and head (runs in the entry).
	pub head: Shard,
	/// What a dispute about one value is judged by; none where the profile is not exact.
	pub constants: Option<ModelConstants>,
}

/// The constants of a model's layers, as a dispute about one value needs them. Whoever holds the shards can
/// compute them, and a worker serves no model in which they differ.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct ModelConstants {
	/// What all layers have in common.
	pub shape: Shape,
	/// Every layer, in order.
	pub layers: BoundedVec<Layer, ConstU32<MAX_LAYERS>>,
}

impl ModelSpec {
	/// Operations of a stage for one token: the entry's embedding and head, or a segment's layers.
	pub fn stage_flops(&self, layers: LayerRange, entry: bool) -> u64 {
		if entry {
			return self
				.embed
				.flops_per_token
				.saturating_add(self.head.flops_per_token);
		}
		self.segment(layers)
			.iter()
			.fold(0, |sum, l| sum.saturating_add(l.flops_per_token))
	}

	/// The shards of a range; empty where the range leaves the model.
	pub fn segment(&self, range: LayerRange) -> &[Shard] {
		self.layers
			.get(range.start as usize..range.end as usize)
			.unwrap_or(&[])
	}

	/// Whether the figures can be true at all: layers, widths and shards present, texts readable, constants
	/// of exact layers only and of every one of them.
	pub fn is_plausible(&self) -> bool {
		let shard_ok = |s: &Shard| s.bytes > 0 && !s.hash.is_zero();
		!self.name.is_empty()
			&& core::str::from_utf8(&self.name).is_ok()
			&& core::str::from_utf8(&self.licence).is_ok()
			&& !self.layers.is_empty()
			&& self.hidden_size > 0
			&& self.max_context > 0
			&& !self.manifest_root.is_zero()
			&& shard_ok(&self.embed)
			&& shard_ok(&self.head)
			&& self
				.layers
				.iter()
				.all(|l| shard_ok(l) && l.flops_per_token > 0)
			&& self.constants.as_ref().is_none_or(|constants| {
				self.profile == Profile::Exact
					&& constants.layers.len() == self.layers.len()
					&& constants.shape.hidden == self.hidden_size
			})
	}
}

/// Width of an adapter's products at most. A worker does their work unpaid: at this width they are a few
/// hundredths of the work of a layer of a large model.
pub const MAX_ADAPTER_RANK: u32 = 256;

/// What the owner of an adapter registers; every figure is copied from `adapter.json`.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct AdapterSpec {
	/// Name for people, UTF-8.
	pub name: Bytes<64>,
	/// SPDX name of the licence of the weights.
	pub licence: Bytes<32>,
	/// blake3 of `adapter.json` as written.
	pub manifest_root: Digest,
	/// Width of the low-rank products.
	pub rank: u32,
	/// Bytes of all its files.
	pub bytes: u64,
}

impl AdapterSpec {
	/// Whether the figures can be true at all: a name, readable texts, a root, files and a width in bounds.
	pub fn is_plausible(&self) -> bool {
		!self.name.is_empty()
			&& core::str::from_utf8(&self.name).is_ok()
			&& core::str::from_utf8(&self.licence).is_ok()
			&& !self.manifest_root.is_zero()
			&& (1..=MAX_ADAPTER_RANK).contains(&self.rank)
			&& self.bytes > 0
	}
}

/// A registered adapter.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Adapter<AccountId> {
	/// Its number.
	pub id: AdapterId,
	/// The model that it was made for, and the only one that it can be added to.
	pub model: ModelId,
	/// Who registered it and holds its deposit.
	pub owner: AccountId,
	/// Whether it takes no new prompts; open jobs finish.
	pub retired: bool,
	/// What was registered.
	pub spec: AdapterSpec,
}

/// Consecutive decoder layers `start..end`.
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
	Default,
	PartialOrd,
	Ord,
)]
pub struct LayerRange {
	/// First layer.
	pub start: u16,
	/// One past the last layer.
	pub end: u16,
}

impl LayerRange {
	/// Number of layers; 0 where `end ≤ start`.
	pub fn len(&self) -> u16 {
		self.end.saturating_sub(self.start)
	}

	/// Whether the range holds no layer.
	pub fn is_empty(&self) -> bool {
		self.len() == 0
	}
}

/// Where a model stands in its life.
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
pub enum ModelState {
	/// Registered; no prompts yet.
	Proposed,
	/// Plans may be made and prompts paid for.
	Active,
	/// No new prompts or plans; open jobs finish.
	Retired,
}

/// A registered model.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Model<AccountId> {
	/// Its number.
	pub id: ModelId,
	/// Who registered it and holds its deposit.
	pub owner: AccountId,
	/// Where it stands.
	pub state: ModelState,
	/// What was registered.
	pub spec: ModelSpec,
}
