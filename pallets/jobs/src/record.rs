//! What is stored of a job.

use alloc::vec::Vec;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dllm_primitives::{
	ids::{Digest, JobId, ModelId, PipelineId},
	job::{Assurance, Body, JobState, Limits, Options, MAX_RERUNS},
	plan::MAX_PIPELINES,
};
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;

/// Where a job stands, and what became of it.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Job<AccountId, BlockNumber> {
	/// Who pays.
	pub client: AccountId,
	/// The model.
	pub model: ModelId,
	/// Rows through the ring at most.
	pub rows_ceiling: u32,
	/// Whether the client is the entry of the ring.
	pub own_entry: bool,
	/// Ceiling of the price in planck, on hold until the job ends.
	pub max_price: u128,
	/// Block of submission.
	pub submitted: BlockNumber,
	/// Block by which it has been run, or is refunded.
	pub deadline: BlockNumber,
	/// Where it stands.
	pub state: JobState,
	/// Its pipeline, once awarded.
	pub pipeline: Option<PipelineId>,
	/// Block of the award.
	pub awarded: Option<BlockNumber>,
	/// Block of the final state.
	pub ended: Option<BlockNumber>,
	/// What it pays above the pipeline's fee for `rows_ceiling` rows, in planck, as the auction found;
	/// for fewer rows in proportion. It is burned.
	pub surplus: u128,
	/// What was charged, in planck, surplus included; 0 before it is settled.
	pub fee: u128,
	/// Rows charged.
	pub rows: u32,
	/// Tokens of the reply; 0 where the client is the entry.
	pub tokens: u32,
	/// Digest of the sampled tokens; zero before it is settled and where the client is the entry.
	pub result: Digest,
	/// What it comes from, where it runs a failed job again.
	pub lineage: Option<Lineage>,
}

/// What a job comes from that runs a failed one again.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Lineage {
	/// The job that failed.
	pub of: JobId,
	/// The pipelines that failed it and the jobs that it comes from, the first one first: none of them is given
	/// it again.
	pub failed: BoundedVec<PipelineId, ConstU32<MAX_RERUNS>>,
	/// Pipelines that share a worker which is to blame, where another one could take the job when it failed.
	pub shunned: BoundedVec<PipelineId, ConstU32<MAX_PIPELINES>>,
}

impl<AccountId, BlockNumber> Job<AccountId, BlockNumber> {
	/// Times that what it asks was run before.
	pub fn reruns(&self) -> u32 {
		self.failed().len() as u32
	}

	/// The pipelines that failed what it asks.
	pub fn failed(&self) -> &[PipelineId] {
		self.lineage.as_ref().map_or(&[], |lineage| &lineage.failed)
	}

	/// The pipelines that are not given it.
	pub fn avoided(&self) -> Vec<PipelineId> {
		let Some(lineage) = &self.lineage else {
			return Vec::new();
		};
		[&lineage.failed[..], &lineage.shunned[..]].concat()
	}

	/// Planck on hold for it now.
	pub fn held(&self) -> u128 {
		if self.state.is_final() {
			return 0;
		}
		self.max_price
	}

	/// Planck that came back to the client when it ended; none where another job took the hold over.
	pub fn refunded(&self) -> u128 {
		match self.state {
			JobState::Settled | JobState::Refunded(_) => self.max_price.saturating_sub(self.fee),
			JobState::Waiting | JobState::Running { .. } | JobState::Rerun { .. } => 0,
		}
	}
}

/// What was asked.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Request {
	/// The prompt.
	pub body: Body,
	/// How to sample.
	pub limits: Limits,
	/// How sure the client wants to be.
	pub assurance: Assurance,
	/// What is asked for besides.
	pub options: Options,
}
