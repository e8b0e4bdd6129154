//! What is stored of a pipeline and of a worker's promises, and what follows from it alone.

use alloc::collections::BTreeMap;
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dllm_primitives::{
	ids::{PipelineId, StageIndex, MAX_REPLICAS, MAX_STAGES},
	model::ModelSpec,
	plan::{self, Pipeline, Plan},
};
use frame_support::{traits::ConstU32, BoundedBTreeSet, BoundedVec};
use scale_info::TypeInfo;

/// Workers of a pipeline at most.
pub const MAX_MEMBERS: u32 = MAX_STAGES * MAX_REPLICAS;
/// Pipelines that a worker stands in at most.
pub const MAX_HOSTED: u32 = 8;
/// Jobs not served in a row after which a pipeline is closed, so that another plan can stand.
pub const FAILURES_TO_CLOSE: u8 = 3;

/// An accepted plan and what became of it.
#[allow(
	clippy::multiple_bound_locations,
	reason = "the derives repeat the bound"
)]
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Standing<AccountId: Ord, BlockNumber> {
	/// The pipeline as the others see it.
	pub pipeline: Pipeline<AccountId>,
	/// Who submitted the plan.
	pub submitter: AccountId,
	/// Planck of the submitter on hold.
	pub deposit: u128,
	/// Block of the acceptance.
	pub accepted: BlockNumber,
	/// Workers that have loaded their shards.
	pub ready: BoundedBTreeSet<AccountId, ConstU32<MAX_MEMBERS>>,
	/// Jobs not served since the last served one.
	pub failures: u8,
	/// Bytes that each stage takes in each of its workers.
	pub stage_memory: BoundedVec<u64, ConstU32<MAX_STAGES>>,
}

impl<AccountId: Clone + Ord, BlockNumber> Standing<AccountId, BlockNumber> {
	/// Every worker once, with the bytes that all its stages take.
	pub fn members(&self) -> BTreeMap<AccountId, u64> {
		let mut members = BTreeMap::new();
		for (stage, who) in self.pipeline.plan.members() {
			let bytes = self.stage_memory.get(stage as usize).copied().unwrap_or(0);
			let sum: &mut u64 = members.entry(who.clone()).or_default();
			*sum = sum.saturating_add(bytes);
		}
		members
	}

	/// Whether an account is one of its workers.
	pub fn has_member(&self, who: &AccountId) -> bool {
		self.pipeline
			.plan
			.members()
			.any(|(_, member)| member == who)
	}

	/// Whether every worker has loaded its shards.
	pub fn all_ready(&self) -> bool {
		self.pipeline
			.plan
			.members()
			.all(|(_, who)| self.ready.contains(who))
	}
}

/// Bytes that each stage of a plan takes in each of its workers.
pub(crate) fn memory_by_stage<AccountId>(
	plan: &Plan<AccountId>,
	model: &ModelSpec,
) -> BoundedVec<u64, ConstU32<MAX_STAGES>> {
	let stages = 0..plan.stages() as StageIndex;
	let bytes = stages
		.map(|stage| plan::stage_memory(plan, model, stage))
		.collect();
	BoundedVec::truncate_from(bytes)
}

/// The best plan so far of the plan window of a capacity round.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Contender<AccountId> {
	/// The plan.
	pub plan: Plan<AccountId>,
	/// Who submitted it.
	pub submitter: AccountId,
	/// Planck of the submitter on hold.
	pub deposit: u128,
	/// Its cost as the chain found it, in femtoseconds.
	pub score: u128,
}

/// What a worker has promised.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	PartialEq,
	Eq,
	Debug,
	Default,
)]
pub struct Hosting {
	/// Bytes that its pipelines take together.
	pub memory: u64,
	/// Its pipelines.
	pub pipelines: BoundedVec<PipelineId, ConstU32<MAX_HOSTED>>,
}

/// Why a pipeline takes no more jobs.
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
pub enum Cause {
	/// Its submitter closed it.
	Withdrawn,
	/// A worker left.
	MemberLeft,
	/// A worker is no longer active.
	MemberInactive,
	/// Its workers were not ready in time.
	NeverReady,
	/// It failed several jobs in a row.
	Failing,
	/// A cheaper plan took its place.
	Replaced,
	/// Its model takes no prompts any more.
	ModelNotActive,
}
