//! Plans: which worker stands for which layers, and the one check that decides whether a plan is
//! feasible. The chain calls [`check`] before a plan stands; the worker calls it before it submits.

use crate::{
	ids::{ModelId, PipelineId, StageIndex, ENTRY_STAGE, MAX_REPLICAS, MAX_SEGMENTS, MAX_STAGES},
	load::Load,
	miner::Roles,
	model::{LayerRange, ModelSpec},
	payout,
};
use alloc::{collections::BTreeSet, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec, PalletError};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Replicas of a segment, and entries, at least: one executes, another checks.
pub const MIN_REPLICAS: usize = 2;
/// Share of a worker's declared memory that a plan may fill, in percent (β of the placement model);
/// the rest is left to activations and the allocator.
pub const MEMORY_SHARE_PERCENT: u64 = 80;
/// Jobs that a pipeline may run at once at most.
pub const MAX_SLOTS: u8 = 8;
/// Pipelines of a model at most: weights of jobs, auctions and allocation count on it.
pub const MAX_PIPELINES: u32 = 8;

/// Workers that each hold the same layers.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Segment<AccountId> {
	/// The layers.
	pub layers: LayerRange,
	/// Their holders; one leads a job, another checks it.
	pub replicas: BoundedVec<AccountId, ConstU32<MAX_REPLICAS>>,
}

/// A placement of a model's layers on workers.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Plan<AccountId> {
	/// The model.
	pub model: ModelId,
	/// Jobs that it runs at once.
	pub slots: u8,
	/// Workers in the entry role; none where the pipeline serves only users who are their own entry.
	pub entries: BoundedVec<AccountId, ConstU32<MAX_REPLICAS>>,
	/// Segments in the order of the layers.
	pub segments: BoundedVec<Segment<AccountId>, ConstU32<MAX_SEGMENTS>>,
}

impl<AccountId> Plan<AccountId> {
	/// Number of stages of its ring, the entry included.
	pub fn stages(&self) -> usize {
		self.segments.len().saturating_add(1)
	}

	/// Workers that stand for a stage; empty where there is no such stage.
	pub fn workers_of(&self, stage: StageIndex) -> &[AccountId] {
		if stage == ENTRY_STAGE {
			return &self.entries;
		}
		self.segments
			.get(stage as usize - 1)
			.map_or(&[], |s| &s.replicas)
	}

	/// Layers of a stage; empty for the entry.
	pub fn layers_of(&self, stage: StageIndex) -> LayerRange {
		match stage {
			ENTRY_STAGE => LayerRange::default(),
			k => self
				.segments
				.get(k as usize - 1)
				.map(|s| s.layers)
				.unwrap_or_default(),
		}
	}

	/// Every worker with its stage, entries first.
	pub fn members(&self) -> impl Iterator<Item = (StageIndex, &AccountId)> {
		let entries = self.entries.iter().map(|who| (ENTRY_STAGE, who));
		let segments = self.segments.iter().enumerate();
		entries.chain(segments.flat_map(|(at, segment)| {
			segment
				.replicas
				.iter()
				.map(move |who| ((at as StageIndex).saturating_add(1), who))
		}))
	}
}

/// What the check has to know of a worker.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candidate<AccountId> {
	/// Who runs it.
	pub operator: AccountId,
	/// Whether it may be given work.
	pub active: bool,
	/// What it offers.
	pub roles: Roles,
	/// Declared memory in bytes.
	pub memory: u64,
	/// Posted price in planck per GFLOP.
	pub price: u128,
}

/// Why a plan cannot stand.
#[derive(
	Encode, Decode, DecodeWithMemTracking, TypeInfo, PalletError, Clone, Copy, PartialEq, Eq, Debug,
)]
pub enum PlanError {
	/// The segments do not cover every layer once, in order, without a gap.
	Coverage,
	/// A segment or the entry has fewer than two workers.
	TooFewReplicas,
	/// A worker stands in two places of the same kind.
	WorkerTwice,
	/// A worker is not registered.
	UnknownWorker,
	/// A worker may not be given work now.
	WorkerNotActive,
	/// A worker does not offer the role.
	RoleNotOffered,
	/// Two workers of one stage share an operator.
	OperatorTwice,
	/// A worker's memory cannot hold its weights and caches.
	Memory,
	/// The number of slots is not between 1 and [`MAX_SLOTS`].
	Slots,
}

/// What a feasible plan costs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Quote {
	/// Price of every stage in planck per GFLOP: the highest among its workers, so that each of them
	/// is paid at least what it asks, whoever leads.
	pub stage_prices: BoundedVec<u128, ConstU32<MAX_STAGES>>,
	/// Planck × 10⁹ for one token through all stages: the lower the better.
	pub cost: u128,
}

/// Checks coverage, contiguity, roles, memory and disjoint operators, and prices the plan.
///
/// `worker` answers what the chain knows of an account. A worker may be an entry and hold a segment,
/// but not two segments: its memory is charged for both.
pub fn check<AccountId: Clone + Ord>(
	plan: &Plan<AccountId>,
	model: &ModelSpec,
	worker: impl Fn(&AccountId) -> Option<Candidate<AccountId>>,
) -> Result<Quote, PlanError> {
	if plan.slots == 0 || plan.slots > MAX_SLOTS {
		return Err(PlanError::Slots);
	}
	check_coverage(plan, model)?;
	check_replicas(plan)?;

	let mut stage_prices = Vec::with_capacity(plan.stages());
	let mut cost = 0u128;
	for stage in 0..plan.stages() as StageIndex {
		let price = check_stage(plan, stage, &worker)?;
		let flops = model.stage_flops(plan.layers_of(stage), stage == ENTRY_STAGE);
		cost = cost.saturating_add(price.saturating_mul(flops.into()));
		stage_prices.push(price);
	}
	check_memory(plan, model, &worker)?;
	let stage_prices = stage_prices.try_into().map_err(|_| PlanError::Coverage)?;
	Ok(Quote { stage_prices, cost })
}

fn check_coverage<AccountId>(plan: &Plan<AccountId>, model: &ModelSpec) -> Result<(), PlanError> {
	let mut next = 0u16;
	for segment in &plan.segments {
		if segment.layers.start != next || segment.layers.is_empty() {
			return Err(PlanError::Coverage);
		}
		next = segment.layers.end;
	}
	if next as usize != model.layers.len() {
		return Err(PlanError::Coverage);
	}
	Ok(())
}

fn check_replicas<AccountId: Ord>(plan: &Plan<AccountId>) -> Result<(), PlanError> {
	let entries_ok = plan.entries.is_empty() || plan.entries.len() >= MIN_REPLICAS;
	if !entries_ok
		|| plan
			.segments
			.iter()
			.any(|s| s.replicas.len() < MIN_REPLICAS)
	{
		return Err(PlanError::TooFewReplicas);
	}
	let mut holders = BTreeSet::new();
	let mut entries = BTreeSet::new();
	let once = plan
		.segments
		.iter()
		.flat_map(|s| s.replicas.iter())
		.all(|who| holders.insert(who))
		&& plan.entries.iter().all(|who| entries.insert(who));
	once.then_some(()).ok_or(PlanError::WorkerTwice)
}

/// Checks the workers of one stage and returns its price; 0 for a stage without workers.
fn check_stage<AccountId: Clone + Ord>(
	plan: &Plan<AccountId>,
	stage: StageIndex,
	worker: &impl Fn(&AccountId) -> Option<Candidate<AccountId>>,
) -> Result<u128, PlanError> {
	let mut operators = BTreeSet::new();
	let mut price = 0u128;
	for who in plan.workers_of(stage) {
		let candidate = worker(who).ok_or(PlanError::UnknownWorker)?;
		if !candidate.active {
			return Err(PlanError::WorkerNotActive);
		}
		let offered = if stage == ENTRY_STAGE {
			candidate.roles.entry
		} else {
			candidate.roles.miner
		};
		if !offered {
			return Err(PlanError::RoleNotOffered);
		}
		if !operators.insert(candidate.operator) {
			return Err(PlanError::OperatorTwice);
		}
		price = price.max(candidate.price);
	}
	Ok(price)
}

fn check_memory<AccountId: Clone + Ord>(
	plan: &Plan<AccountId>,
	model: &ModelSpec,
	worker: &impl Fn(&AccountId) -> Option<Candidate<AccountId>>,
) -> Result<(), PlanError> {
	for (_, who) in plan.members() {
		let need = plan
			.members()
			.filter(|(_, other)| *other == who)
			.fold(0u64, |sum, (stage, _)| {
				sum.saturating_add(stage_memory(plan, model, stage))
			});
		let have = worker(who).ok_or(PlanError::UnknownWorker)?.memory;
		if need > usable_memory(have) {
			return Err(PlanError::Memory);
		}
	}
	Ok(())
}

/// Bytes of a worker's declared memory that plans may fill, rounded down.
pub fn usable_memory(declared: u64) -> u64 {
	declared / 100 * MEMORY_SHARE_PERCENT
}

/// Bytes that a stage takes in a worker: weights, and full caches of all slots.
pub fn stage_memory<AccountId>(
	plan: &Plan<AccountId>,
	model: &ModelSpec,
	stage: StageIndex,
) -> u64 {
	if stage == ENTRY_STAGE {
		return model.embed.bytes.saturating_add(model.head.bytes);
	}
	let rows = u64::from(model.max_context).saturating_mul(u64::from(plan.slots));
	model
		.segment(plan.layers_of(stage))
		.iter()
		.fold(0u64, |sum, layer| {
			let cache = rows.saturating_mul(u64::from(layer.kv_bytes_per_token));
			sum.saturating_add(layer.bytes).saturating_add(cache)
		})
}

/// Where a pipeline stands.
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
pub enum PipelineState {
	/// Its workers fetch their shards.
	Preparing,
	/// Takes jobs.
	Live,
	/// Takes no new jobs; open ones finish.
	Draining,
	/// Over.
	Closed,
}

/// An accepted plan.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Pipeline<AccountId> {
	/// Its number.
	pub id: PipelineId,
	/// Where it stands.
	pub state: PipelineState,
	/// The plan.
	pub plan: Plan<AccountId>,
	/// Price of every stage in planck per GFLOP, fixed when the plan was accepted.
	pub stage_prices: BoundedVec<u128, ConstU32<MAX_STAGES>>,
	/// Planck × 10⁹ for one token through all stages.
	pub cost: u128,
	/// Jobs that it runs now.
	pub open_jobs: u8,
	/// What it has to do, and how fast it did so lately.
	pub load: Load,
}

impl<AccountId> Pipeline<AccountId> {
	/// Jobs that it could take now.
	pub fn free_slots(&self) -> u8 {
		match self.state {
			PipelineState::Live => self.plan.slots.saturating_sub(self.open_jobs),
			_ => 0,
		}
	}

	/// Whether it can run such a job: a public one needs workers in the entry role.
	pub fn serves(&self, own_entry: bool) -> bool {
		own_entry || !self.plan.entries.is_empty()
	}

	/// Pay of the worker that leads `stage`, for `rows` rows, in planck.
	pub fn stage_pay(&self, model: &ModelSpec, stage: StageIndex, rows: u32) -> u128 {
		let price = self.stage_prices.get(stage as usize).copied().unwrap_or(0);
		let flops = model.stage_flops(self.plan.layers_of(stage), stage == ENTRY_STAGE);
		payout::stage_pay(price, flops, rows)
	}

	/// What a job of `rows` rows costs its user, in planck.
	pub fn fee(&self, model: &ModelSpec, rows: u32, own_entry: bool) -> u128 {
		let first = if own_entry {
			ENTRY_STAGE + 1
		} else {
			ENTRY_STAGE
		};
		let pay = (first..self.plan.stages() as StageIndex).fold(0u128, |sum, stage| {
			sum.saturating_add(self.stage_pay(model, stage, rows))
		});
		payout::fee_for(pay)
	}
}

/// The lowest fee in planck that `pipelines` ask for a job of `rows` rows, whether or not they have a
/// free slot; none where none of them serves such a job.
pub fn cheapest_fee<AccountId>(
	pipelines: &[Pipeline<AccountId>],
	model: &ModelSpec,
	rows: u32,
	own_entry: bool,
) -> Option<u128> {
	let able = pipelines
		.iter()
		.filter(|pipeline| pipeline.serves(own_entry));
	able.map(|pipeline| pipeline.fee(model, rows, own_entry))
		.min()
}
