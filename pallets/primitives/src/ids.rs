//! Identifiers and bounds that every part of the walk uses.

use frame_support::{traits::ConstU32, BoundedVec};
use sp_core::H256;

/// A blake3 digest of 32 bytes.
pub type Digest = H256;
/// Number of a job, counted up from 0 as jobs are submitted.
pub type JobId = u64;
/// Number of a registered model, counted up from 0.
pub type ModelId = u32;
/// Number of a registered adapter, counted up from 0 over all models.
pub type AdapterId = u32;
/// Number of an accepted plan and the pipeline that it became, counted up from 0.
pub type PipelineId = u32;

/// Place of a worker in the ring of a job: 0 is the entry (embedding, head, sampler); `k ≥ 1` is the
/// `k`-th segment of decoder layers.
pub type StageIndex = u8;
/// The entry's place in the ring.
pub const ENTRY_STAGE: StageIndex = 0;

/// Decoder layers of a model at most: Llama-3 405B has 126.
pub const MAX_LAYERS: u32 = 256;
/// Segments of a plan at most; with the entry a ring has one stage more.
pub const MAX_SEGMENTS: u32 = 16;
/// Stages of a ring at most.
pub const MAX_STAGES: u32 = MAX_SEGMENTS + 1;
/// Workers that stand for one stage at most.
pub const MAX_REPLICAS: u32 = 4;
/// Bytes of a prompt or a reply that lie on chain at most.
pub const MAX_INLINE: u32 = 4096;

/// A text or key of at most `N` bytes.
pub type Bytes<const N: u32> = BoundedVec<u8, ConstU32<N>>;
/// A libp2p peer id in its binary form (34 to 42 bytes).
pub type PeerId = Bytes<64>;
/// A multiaddress in text form, without the `/p2p/…` part.
pub type Address = Bytes<128>;
/// Where a worker listens.
pub type Addresses = BoundedVec<Address, ConstU32<4>>;
