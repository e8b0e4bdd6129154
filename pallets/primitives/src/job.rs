//! A paid prompt: what is asked, within which limits, and where it stands.

use crate::ids::{AdapterId, Bytes, Digest, JobId, ModelId, PeerId, PipelineId, MAX_INLINE};
use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Tokens that the chat template may put around an inline prompt at most; counted in the ceiling of
/// its price.
pub const TEMPLATE_TOKENS: u32 = 32;
/// Tokens that a job may generate at most: one commitment window.
pub const MAX_NEW_TOKENS: u32 = 2048;

/// The prompt.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub enum Body {
	/// Public text: an entry worker serves it, and everybody can read it.
	Inline(Bytes<MAX_INLINE>),
	/// Only a digest: the user is the entry of the job, and the tokens stay with the user.
	Sealed {
		/// blake3 of `salt ‖ prompt`; a receipt for the user.
		hash: Digest,
		/// Tokens of the prompt at most.
		prompt_tokens: u32,
		/// The only peer that may enter the ring.
		entry: PeerId,
	},
}

impl Body {
	/// Prompt tokens at most. A tokenizer makes no more tokens than there are bytes.
	pub fn prompt_ceiling(&self) -> u32 {
		match self {
			Self::Inline(text) => (text.len() as u32).saturating_add(TEMPLATE_TOKENS),
			Self::Sealed { prompt_tokens, .. } => *prompt_tokens,
		}
	}
}

/// How the reply is sampled and when it ends.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Limits {
	/// Tokens of the reply at most.
	pub max_tokens: u32,
	/// Temperature in thousandths; 0 is greedy.
	pub temperature_milli: u16,
	/// Nucleus mass in thousandths, 1 to 1000.
	pub top_p_milli: u16,
	/// Seed of the sampler.
	pub seed: u64,
	/// Texts that end the reply.
	pub stop: BoundedVec<Bytes<32>, ConstU32<4>>,
}

impl Limits {
	/// Whether a sampler can obey them.
	pub fn is_valid(&self) -> bool {
		(1..=MAX_NEW_TOKENS).contains(&self.max_tokens)
			&& (1..=1000).contains(&self.top_p_milli)
			&& self.temperature_milli <= 5000
			&& self
				.stop
				.iter()
				.all(|s| !s.is_empty() && core::str::from_utf8(s).is_ok())
	}

	/// Rows that pass through the ring at most: the prompt, and every sampled token but the last.
	pub fn rows_ceiling(&self, body: &Body) -> u32 {
		body.prompt_ceiling().saturating_add(self.max_tokens)
	}
}

/// How sure the user wants to be.
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
pub enum Assurance {
	/// Checked at random, the less often the longer its workers have proved themselves.
	#[default]
	Standard,
	/// Always checked.
	Full,
}

/// Times that a job is run again at most.
pub const MAX_RERUNS: u32 = 2;

/// What becomes of a job that fails through no fault of its user.
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
pub enum OnFailure {
	/// The price on hold comes back at once.
	#[default]
	Refund,
	/// Another pipeline runs it again within its deadline, up to [`MAX_RERUNS`] times; refunded only where
	/// none does.
	Rerun,
}

/// What a job may ask for besides; the default is what a job gets that asks for nothing.
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
pub struct Options {
	/// What becomes of the job where it fails.
	pub on_failure: OnFailure,
	/// The adapter that its workers add to the layers of the model; none for the plain model.
	pub adapter: Option<AdapterId>,
}

/// Where a job stands.
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
#[serde(rename_all = "camelCase", tag = "kind", content = "detail")]
pub enum JobState {
	/// Waits for a pipeline.
	Waiting,
	/// Runs, or is being verified, on a pipeline.
	Running {
		/// The pipeline.
		pipeline: PipelineId,
	},
	/// Verified and paid.
	Settled,
	/// Nothing was charged.
	Refunded(Refund),
	/// It failed and nothing was charged; another job asks the same and has taken its price over.
	Rerun {
		/// That job.
		by: JobId,
		/// Why it failed.
		reason: Refund,
	},
}

impl JobState {
	/// Whether nothing more will happen to the job.
	pub fn is_final(&self) -> bool {
		!matches!(self, Self::Waiting | Self::Running { .. })
	}
}

/// Why a job was refunded.
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
pub enum Refund {
	/// Its owner cancelled it before the award.
	Cancelled,
	/// No pipeline took it before its deadline.
	NotAwarded,
	/// A worker did not deliver before its deadline.
	Unserved,
	/// The user was to be the entry, and no worker ever heard of it.
	NoShow,
	/// A worker was convicted of cheating.
	Cheated,
	/// The replicas could not be brought to agree.
	Indeterminate,
}

impl Refund {
	/// Whether its workers failed an awarded job, and not its user: then it may be run again.
	pub fn is_workers_fault(self) -> bool {
		matches!(self, Self::Unserved | Self::Cheated | Self::Indeterminate)
	}
}

/// A job that waits for a pipeline, as the auction sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WaitingJob<Balance, BlockNumber> {
	/// The job.
	pub id: u64,
	/// The model asked for.
	pub model: ModelId,
	/// Rows at most.
	pub rows: u32,
	/// Ceiling of the price, on hold.
	pub max_price: Balance,
	/// Whether the user is the entry.
	pub own_entry: bool,
	/// When it was submitted.
	pub submitted: BlockNumber,
	/// Pipelines that it is not given to: they failed it before, or share a worker that did.
	pub avoided: Vec<PipelineId>,
}
