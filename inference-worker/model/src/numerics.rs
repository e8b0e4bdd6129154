//! How each profile stores its weights and runs: one record a profile.
//!
//! The splitter writes weights in the formats named here, the engine obeys the rules named here, and
//! nothing else in this crate asks which profile it is. So a further profile is a further record.

use crate::manifest::ModelConfig;
use dllm_primitives::model::Profile;

/// Rows of one call at most. That bounds the memory of the attention scores, and is free to choose, as
/// chunks of two rows and more agree.
pub const CHUNK_ROWS: usize = 128;

/// Inputs that share one scale. Of the sizes that the library offers, only at this one do all chunkings
/// of a prefill agree bit for bit.
pub const BLOCK: u32 = 32;

/// Everything in which profiles differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numerics {
	/// The profile.
	pub profile: Profile,
	/// How the projections of the decoder layers are stored.
	pub layers: WeightFormat,
	/// How the table of embeddings is stored.
	pub embedding: WeightFormat,
	/// How the output projection is stored.
	pub head: WeightFormat,
	/// Set where products are integers and all rules are those of [`crate::exact`], which then writes the
	/// layers and the head instead of `layers` and `head`.
	pub exact: Option<ExactForm>,
	/// The buffers in which a layer keeps the keys and values of one session.
	pub cache: &'static [CacheBuffer],
	/// Rows of one call at least; a call of fewer is filled up with rows of zeros, whose output is
	/// dropped and whose cache slots the next call overwrites.
	pub least_rows: usize,
	/// Rows of one call at most.
	pub chunk_rows: usize,
	/// Whether the library may fuse and fold the nodes of a graph.
	pub optimise: bool,
	/// How far the rows of a freshly written shard may lie from those of the checkpoint, in thousandths
	/// of their length: several times what the format costs, far below what a wrong weight costs.
	pub tolerance_permille: u32,
	/// The rules of execution in words, as far as they can change a bit: part of the class id.
	pub rules: &'static str,
}

/// Which of its two forms a model of the exact profile is executed in; they give the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExactForm {
	/// A few operators of our own between the integer products: fast.
	Own,
	/// Standard operators only, as on disk: any runtime has them.
	Standard,
}

/// How a matrix of weights is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WeightFormat {
	/// Single precision.
	F32,
	/// Half precision, widened to single precision before any sum.
	F16,
	/// Integers in blocks of [`BLOCK`] inputs with one scale each; activations become integers of 8 bits
	/// in the same blocks, row by row, when the product is taken.
	Blocks {
		/// Bits of an integer: 4 or 8.
		bits: u8,
	},
}

/// One of the buffers of a layer's cache: `[1, kv_heads, slots, width]`, bound as input
/// `past.<layer>.<name>` and, the very same memory, as output `present.<layer>.<name>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheBuffer {
	/// Last part of its names.
	pub name: &'static str,
	/// Type of its elements.
	pub element: CacheElement,
	/// Elements that a head has in one slot.
	pub width: CacheWidth,
}

/// Type of the elements of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheElement {
	/// Single precision.
	F32,
	/// Unsigned codes of 8 bits.
	U8,
	/// Signed codes of 8 bits.
	I8,
}

/// Elements that a head has in one slot of a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheWidth {
	/// One for every value of the head.
	Head,
	/// A single one, such as a scale.
	One,
}

/// Keys as the floating-point attention operator keeps them.
pub const KEYS: CacheBuffer = CacheBuffer {
	name: "key",
	element: CacheElement::F32,
	width: CacheWidth::Head,
};
/// Values as the floating-point attention operator keeps them.
pub const VALUES: CacheBuffer = CacheBuffer {
	name: "value",
	..KEYS
};

/// Rules that make decode, any chunking of a prefill and a replay agree bit for bit on one class of
/// machines, measured; they follow from which kernels the library picks. Flash attention sizes its
/// blocks by the processor's cache, other operators scale over all rows of a batch, and a single row has
/// kernels of its own.
const F32: Numerics = Numerics {
	profile: Profile::F32,
	layers: WeightFormat::F32,
	embedding: WeightFormat::F32,
	head: WeightFormat::F32,
	exact: None,
	cache: &[KEYS, VALUES],
	least_rows: 2,
	chunk_rows: CHUNK_ROWS,
	optimise: true,
	tolerance_permille: 1,
	rules: "flash attention off; batch 1; at least 2 rows",
};

/// Half the bytes on disk and on the wire; sums and cache as in `f32`.
const F16: Numerics = Numerics {
	profile: Profile::F16,
	layers: WeightFormat::F16,
	embedding: WeightFormat::F16,
	head: WeightFormat::F16,
	tolerance_permille: 10,
	..F32
};

/// Weights of 8 bits, activations of 8 bits by row and block. Embeddings stay in half precision: their
/// outliers would cost more than all layers together.
const INT8: Numerics = Numerics {
	profile: Profile::Int8,
	layers: WeightFormat::Blocks { bits: 8 },
	embedding: WeightFormat::F16,
	head: WeightFormat::Blocks { bits: 8 },
	tolerance_permille: 100,
	rules: "flash attention off; batch 1; at least 2 rows; blocks of 32, activations of 8 bits",
	..F32
};

/// Weights of 4 bits in the layers; everything else as in `int8`.
const INT4: Numerics = Numerics {
	profile: Profile::Int4,
	layers: WeightFormat::Blocks { bits: 4 },
	tolerance_permille: 400,
	..INT8
};

/// Integer products, and between them nothing that two machines could compute differently. Codes of keys
/// and values with a scale for every row; rows need no company, as no kernel adds floats.
const EXACT: Numerics = Numerics {
	profile: Profile::Exact,
	exact: Some(ExactForm::Own),
	cache: &[
		CacheBuffer {
			name: "key",
			element: CacheElement::I8,
			width: CacheWidth::Head,
		},
		CacheBuffer {
			name: "key.scale",
			element: CacheElement::F32,
			width: CacheWidth::One,
		},
		CacheBuffer {
			name: "value",
			element: CacheElement::I8,
			width: CacheWidth::Head,
		},
		CacheBuffer {
			name: "value.scale",
			element: CacheElement::F32,
			width: CacheWidth::One,
		},
	],
	least_rows: 1,
	tolerance_permille: 150,
	rules: crate::exact::rules::NAME,
	..F32
};

impl Numerics {
	/// The record of a profile.
	pub const fn of(profile: Profile) -> &'static Self {
		match profile {
			Profile::F32 => &F32,
			Profile::F16 => &F16,
			Profile::Int8 => &INT8,
			Profile::Int4 => &INT4,
			Profile::Exact => &EXACT,
		}
	}

	/// Rows with which a lone row is filled up: slots that a cache has beyond the rows of its session.
	pub fn padding_rows(&self) -> usize {
		self.least_rows.saturating_sub(1)
	}

	/// Bytes that one row leaves in the cache of one layer.
	pub fn cache_bytes_per_row(&self, config: &ModelConfig) -> u32 {
		let per_head = self.cache.iter().map(|buffer| buffer.row_bytes(config));
		config.kv_heads * per_head.sum::<u32>()
	}
}

impl CacheBuffer {
	/// Elements that a head has in one slot.
	pub fn elements(&self, config: &ModelConfig) -> u32 {
		match self.width {
			CacheWidth::Head => config.head_dim,
			CacheWidth::One => 1,
		}
	}

	/// Names of the buffer where it enters and leaves a layer.
	pub fn names(&self, layer: u32) -> [String; 2] {
		["past", "present"].map(|when| format!("{when}.{layer}.{}", self.name))
	}

	/// Bytes that a head has in one slot.
	fn row_bytes(&self, config: &ModelConfig) -> u32 {
		self.elements(config) * self.element.bytes()
	}
}

impl CacheElement {
	/// Bytes of one element.
	pub fn bytes(self) -> u32 {
		match self {
			Self::F32 => 4,
			Self::U8 | Self::I8 => 1,
		}
	}
}

impl WeightFormat {
	/// Bytes of memory for every byte of a file, once the library has prepared the weights.
	pub fn growth(self) -> u64 {
		match self {
			Self::F32 | Self::Blocks { .. } => 1,
			// The library folds the widening into the weights when it makes a session.
			Self::F16 => 2,
		}
	}
}
