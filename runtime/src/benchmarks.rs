//! The pallets whose weights are measured, and how a benchmarking tool runs them.

use crate::{
	configs::pipeline::PlanDeposit,
	constants::{money::DLLM, time::HOURS},
	*,
};
use alloc::{string::String, vec};
use dllm_primitives::{
	capacity::{Terms, Won},
	cost::DeviceFigures,
	flow::Award,
	ids::{
		AdapterId, Digest, JobId, ModelId, PipelineId, MAX_INLINE, MAX_LAYERS, MAX_REPLICAS,
		MAX_SEGMENTS, MAX_STAGES,
	},
	job::{Assurance, Body, JobState, Limits, OnFailure, Options},
	load::Load,
	miner::{Roles, Worker, WorkerSpec, WorkerState},
	model::{Adapter, AdapterSpec, LayerRange, Model, ModelSpec, ModelState, Profile, Shard},
	plan::{Pipeline, PipelineState, Plan, Segment, MAX_PIPELINES, MAX_SLOTS},
	verdict::Phase,
};
use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList};
use frame_support::{
	traits::{
		fungible::{Mutate, MutateHold},
		Get, StorageInfo, StorageInfoTrait, WhitelistedStorageKeys,
	},
	BoundedBTreeSet, BoundedVec, WeakBoundedVec,
};
use frame_system_benchmarking::{
	extensions::Pallet as SystemExtensionsBench, Pallet as SystemBench,
};
use pallet_allocation::{Contender, Hosting, Standing};
use pallet_miners::MAX_LOOKS;
use pallet_verification::trial::Trial;

frame_benchmarking::define_benchmarks!(
	[frame_system, SystemBench::<Runtime>]
	[frame_system_extensions, SystemExtensionsBench::<Runtime>]
	[pallet_balances, Balances]
	[pallet_multisig, Multisig]
	[pallet_proxy, Proxy]
	[pallet_sudo, Sudo]
	[pallet_timestamp, Timestamp]
	[pallet_utility, Utility]
	[pallet_models, Models]
	[pallet_miners, Miners]
	[pallet_jobs, Jobs]
	[pallet_auctions, Auctions]
	[pallet_allocation, Allocation]
	[pallet_verification, Verification]
	[pallet_poaw, Poaw]
);

impl frame_system_benchmarking::Config for Runtime {}

/// What jobs and auctions find: one model, and as many and as large pipelines for it as there may be.
pub struct MarketSetup;

impl pallet_jobs::benchmarking::BenchmarkSetup for MarketSetup {
	fn active_model() -> ModelId {
		put_model(MAX_LAYERS);
		(0..MAX_PIPELINES).for_each(put_live_pipeline);
		MODEL
	}

	fn adapter(model: ModelId) -> AdapterId {
		let spec = AdapterSpec {
			name: BoundedVec::truncate_from(alloc::vec![b'n'; 64]),
			licence: BoundedVec::truncate_from(alloc::vec![b'l'; 32]),
			manifest_root: Digest::repeat_byte(1),
			rank: 1,
			bytes: 1,
		};
		let adapter = Adapter {
			id: 0,
			model,
			owner: account(CLIENT, 0),
			retired: false,
			spec,
		};
		pallet_models::Adapters::<Runtime>::insert(0, adapter);
		0
	}

	fn leave_trial(job: JobId) {
		let award = Award {
			job,
			client: account(CLIENT, 0),
			pipeline: pipeline(0, largest_plan(0), PipelineState::Live),
			rows_ceiling: 1,
			own_entry: false,
			assurance: Assurance::Full,
			run_until: 1,
		};
		if let Some(mut trial) = Trial::open(&award, &model(MAX_LAYERS)) {
			trial.phase = Phase::Closed;
			pallet_verification::Trials::<Runtime>::insert(job, trial);
		}
	}
}

impl pallet_auctions::benchmarking::BenchmarkSetup<AccountId> for MarketSetup {
	fn market(jobs: u32) {
		<Self as pallet_jobs::benchmarking::BenchmarkSetup>::active_model();
		// Late enough to be awarded, and no more in a block than its agenda takes.
		let first = System::block_number().saturating_add(HOURS);
		let places: u32 = <Runtime as pallet_jobs::Config>::AgendaSize::get();
		let ids: Vec<JobId> = (0..u64::from(jobs)).collect();
		for id in &ids {
			let number = *id as u32;
			let deadline = first.saturating_add(number / places);
			let mut job = waiting_job(deadline);
			job.max_price = job.max_price.saturating_add(number.into());
			pallet_jobs::Jobs::<Runtime>::insert(id, job);
			pallet_jobs::Requests::<Runtime>::insert(id, rerunnable_request());
		}
		for (at, due) in ids.chunks(places as usize).enumerate() {
			let deadline = first.saturating_add(at as u32);
			pallet_jobs::Agenda::<Runtime>::insert(
				deadline,
				BoundedVec::truncate_from(due.to_vec()),
			);
		}
		pallet_jobs::NextJob::<Runtime>::put(u64::from(jobs));
		pallet_jobs::Waiting::<Runtime>::put(BoundedVec::truncate_from(ids));
	}

	fn model_for_rounds() -> (ModelId, AccountId) {
		put_model(MAX_LAYERS);
		(MODEL, AccountId::from([0; 32]))
	}

	fn bidder(number: u32) -> AccountId {
		let who: AccountId = account("bidder", number);
		put_worker(&who, WorkerState::Active, 1);
		let _ = Balances::mint_into(&who, STAKE);
		who
	}

	fn plan_window(winners: u32, terms: Terms) {
		let plan =
			<PlanSetup as pallet_allocation::benchmarking::BenchmarkSetup<_>>::largest_plan(0);
		put_tender(&plan, winners, terms);
		let submitter: AccountId = account("submitter", 0);
		let deposit = PlanDeposit::get();
		hold(&submitter, pallet_allocation::HoldReason::Plan, deposit);
		let contender = Contender {
			plan,
			submitter,
			deposit,
			score: 0,
		};
		pallet_allocation::Contenders::<Runtime>::insert(MODEL, contender);
	}
}

/// What plans find: the largest model, and workers for plans of the largest size.
pub struct PlanSetup;

impl pallet_allocation::benchmarking::BenchmarkSetup<AccountId> for PlanSetup {
	fn largest_plan(number: u32) -> Plan<AccountId> {
		put_model(MAX_LAYERS);
		let plan = largest_plan(number);
		for (_, who) in plan.members() {
			put_worker(
				who,
				WorkerState::Active,
				1_000u128.saturating_sub(number.into()),
			);
		}
		plan
	}

	fn deactivate(worker: &AccountId) {
		put_worker(worker, WorkerState::Banned, 1);
	}

	fn tender(plan: &Plan<AccountId>, terms: Terms) {
		let most: u32 = <Runtime as pallet_auctions::Config>::MaxBidders::get();
		put_tender(plan, most, terms);
	}
}

/// A cleared round that the workers of a plan and others have won.
fn put_tender(plan: &Plan<AccountId>, winners: u32, terms: Terms) {
	let won = |who: AccountId| Won {
		operator: who.clone(),
		who,
		slots: MAX_LAYERS,
		price: 1,
		device: DeviceFigures {
			flops_per_second: 1_000_000_000,
			memory_bytes_per_second: 1_000_000_000,
			download_bytes_per_second: 1_000_000,
			failure_ppm: 0,
		},
	};
	let members = plan.members().map(|(_, who)| who.clone());
	let others = (0..winners).map(|number| account("winner", number));
	let all = members.chain(others).take(winners as usize).map(won);
	let round = pallet_auctions::Round {
		id: 0,
		terms,
		commit_until: 0,
		clears: 1,
		closes: 2,
		sealed: winners,
		cleared: true,
	};
	pallet_auctions::Rounds::<Runtime>::insert(plan.model, round);
	pallet_auctions::Agenda::<Runtime>::insert(2, plan.model);
	pallet_auctions::Winners::<Runtime>::insert(
		plan.model,
		BoundedVec::truncate_from(all.collect()),
	);
}

/// What a verdict reaches: a running job, its escrow, its pipeline, the bonds of its workers, their validators
/// and the pot that pays rebates.
pub struct TrialSetup;

impl pallet_verification::benchmarking::BenchmarkSetup<AccountId, BlockNumber> for TrialSetup {
	fn running(award: &Award<AccountId, BlockNumber>, model: ModelSpec) {
		put_model_of(model);
		let plan = &award.pipeline.plan;
		let groups = core::iter::once(&plan.entries)
			.chain(plan.segments.iter().map(|segment| &segment.replicas));
		for group in groups {
			for (place, who) in group.iter().enumerate() {
				put_bond(who);
				if place > 1 {
					put_worker(who, WorkerState::Unbonding(0), 1);
				}
			}
		}
		put_pipeline(award.pipeline.clone());
		put_works();

		let job = pallet_jobs::Job {
			state: JobState::Running {
				pipeline: award.pipeline.id,
			},
			pipeline: Some(award.pipeline.id),
			client: award.client.clone(),
			..waiting_job(award.run_until)
		};
		hold(&job.client, pallet_jobs::HoldReason::Escrow, job.max_price);
		pallet_jobs::Jobs::<Runtime>::insert(award.job, job);
	}

	fn bonded(worker: &AccountId) {
		put_bond(worker);
	}

	fn unfit_candidates() {
		// Four times as many as all the draws of a trial look at, so that hardly two of them meet.
		let count = 4 * MAX_LOOKS * MAX_STAGES;
		for number in 0..count {
			let who: AccountId = account("candidate", number);
			put_worker(&who, WorkerState::Active, 1);
			pallet_miners::Workers::<Runtime>::mutate(&who, |worker| {
				if let Some(worker) = worker {
					worker.spec.memory = 0;
				}
			});
			pallet_miners::VerifierAt::<Runtime>::insert(number, &who);
		}
		pallet_miners::VerifierCount::<Runtime>::put(count);
	}
}

/// What the turn of a session reads of stake.
pub struct WorkSetup;

impl pallet_poaw::benchmarking::BenchmarkSetup<AccountId> for WorkSetup {
	fn bonded(who: &AccountId) {
		Balances::set_balance(who, STAKE.saturating_mul(2));
		let origin = RuntimeOrigin::signed(who.clone());
		let bonded = Staking::bond(origin, STAKE, pallet_staking::RewardDestination::Staked);
		if let Err(error) = bonded {
			panic!("a benchmark cannot bond: {error:?}");
		}
	}
}

/// What a settlement and a conviction find of proof of AI work: a pot that pays every rebate, a session
/// after the last change of the ledger, and weights of as many validators as there may be.
fn put_works() {
	Balances::set_balance(&Poaw::pot(), STAKE);
	pallet_session::CurrentIndex::<Runtime>::put(2);
	let most: u32 = configs::consensus::MaxAuthorities::get();
	let weights = (0..most).map(|number| (account("validator", number), 1));
	pallet_poaw::Snapshot::<Runtime>::put(
		WeakBoundedVec::<_, configs::consensus::MaxAuthorities>::force_from(
			weights.collect(),
			None,
		),
	);
}

/// The only model of the benchmarks.
const MODEL: ModelId = 0;
/// Name of the account that pays for jobs.
const CLIENT: &str = "client";
/// More than any job of the benchmarks costs, and than the least bond.
const STAKE: Balance = 10_000 * DLLM;

fn account(name: &'static str, number: u32) -> AccountId {
	frame_benchmarking::account(name, number, 0)
}

fn model(layers: u32) -> ModelSpec {
	let shard = Shard {
		hash: Digest::repeat_byte(1),
		bytes: 1,
		flops_per_token: 1,
		kv_bytes_per_token: 1,
	};
	ModelSpec {
		name: BoundedVec::truncate_from(b"benchmark".to_vec()),
		licence: Default::default(),
		manifest_root: Digest::repeat_byte(2),
		tokenizer_hash: Digest::repeat_byte(3),
		profile: Profile::F32,
		hidden_size: 1,
		max_context: 8_192,
		embed: shard,
		layers: BoundedVec::truncate_from(vec![shard; layers as usize]),
		head: shard,
		constants: None,
	}
}

fn put_model(layers: u32) {
	put_model_of(model(layers));
}

fn put_model_of(spec: ModelSpec) {
	let model = Model {
		id: MODEL,
		owner: AccountId::from([0; 32]),
		state: ModelState::Active,
		spec,
	};
	pallet_models::Models::<Runtime>::insert(MODEL, model);
}

/// As many stages and workers as there may be; no worker is in two plans of different numbers.
fn largest_plan(number: u32) -> Plan<AccountId> {
	let first = number * MAX_STAGES * MAX_REPLICAS;
	let group = |stage: u32| {
		let at = first + stage * MAX_REPLICAS;
		let workers = (at..at + MAX_REPLICAS).map(|worker| account("worker", worker));
		BoundedVec::truncate_from(workers.collect())
	};
	let share = (MAX_LAYERS / MAX_SEGMENTS) as u16;
	let segment = |at: u32| Segment {
		layers: LayerRange {
			start: at as u16 * share,
			end: (at as u16 + 1) * share,
		},
		replicas: group(at + 1),
	};
	Plan {
		model: MODEL,
		slots: 1,
		entries: group(0),
		segments: BoundedVec::truncate_from((0..MAX_SEGMENTS).map(segment).collect()),
	}
}

fn pipeline(id: PipelineId, plan: Plan<AccountId>, state: PipelineState) -> Pipeline<AccountId> {
	Pipeline {
		id,
		state,
		stage_prices: BoundedVec::truncate_from(vec![1; plan.stages() as usize]),
		plan,
		cost: 1,
		open_jobs: 0,
		load: Load::default(),
	}
}

/// A pipeline of the largest size, with its workers.
fn put_live_pipeline(id: PipelineId) {
	let mut plan = largest_plan(id);
	// As many winners are priced as there may be, and all pipelines ask the same and are measured: of all of
	// them the first to be done is sought.
	plan.slots = MAX_SLOTS;
	for (_, who) in plan.members() {
		put_worker(who, WorkerState::Active, 1);
	}
	let mut pipeline = pipeline(id, plan, PipelineState::Live);
	pipeline.load = Load {
		in_flight: 0,
		rows: 1_000,
		busy: 1_000,
		counted: System::block_number(),
	};
	put_pipeline(pipeline);
}

/// A pipeline with its deposit, which its workers host.
fn put_pipeline(pipeline: Pipeline<AccountId>) {
	let (id, model) = (pipeline.id, pipeline.plan.model);
	let mut ready = BoundedBTreeSet::new();
	for (_, who) in pipeline.plan.members() {
		// There is room for every worker of a plan.
		let _ = ready.try_insert(who.clone());
		let hosting = Hosting {
			memory: 1,
			pipelines: BoundedVec::truncate_from(vec![id]),
		};
		pallet_allocation::Hosted::<Runtime>::insert(who, hosting);
	}
	let submitter: AccountId = account("submitter", id);
	let deposit = PlanDeposit::get();
	hold(&submitter, pallet_allocation::HoldReason::Plan, deposit);
	let standing = Standing {
		submitter,
		deposit,
		accepted: 0,
		ready,
		failures: 0,
		stage_memory: BoundedVec::truncate_from(vec![1; pipeline.plan.stages() as usize]),
		pipeline,
	};
	pallet_allocation::Pipelines::<Runtime>::insert(id, standing);
	pallet_allocation::ByModel::<Runtime>::mutate(model, |ids| {
		if !ids.contains(&id) {
			// There is room for as many as the benchmarks put.
			let _ = ids.try_push(id);
		}
	});
}

/// The longest request, of a client that lets a failed job run again.
fn rerunnable_request() -> pallet_jobs::Request {
	pallet_jobs::Request {
		body: Body::Inline(BoundedVec::truncate_from(vec![b'a'; MAX_INLINE as usize])),
		limits: Limits {
			max_tokens: 16,
			temperature_milli: 0,
			top_p_milli: 1000,
			seed: 0,
			stop: Default::default(),
		},
		assurance: Assurance::Standard,
		options: Options {
			on_failure: OnFailure::Rerun,
			adapter: None,
		},
	}
}

fn waiting_job(deadline: BlockNumber) -> pallet_jobs::Job<AccountId, BlockNumber> {
	pallet_jobs::Job {
		client: account(CLIENT, 0),
		model: MODEL,
		rows_ceiling: 64,
		own_entry: false,
		max_price: STAKE,
		submitted: 0,
		deadline,
		state: JobState::Waiting,
		pipeline: None,
		awarded: None,
		ended: None,
		surplus: 0,
		fee: 0,
		rows: 0,
		tokens: 0,
		result: Digest::zero(),
		lineage: None,
	}
}

/// A worker that is its own operator and takes every role, with the longest declaration.
fn put_worker(who: &AccountId, state: WorkerState<BlockNumber>, price: Balance) {
	let address = BoundedVec::truncate_from(vec![b'a'; 128]);
	let spec = WorkerSpec {
		peer_id: BoundedVec::truncate_from(vec![1; 64]),
		addresses: BoundedVec::truncate_from(vec![address; 4]),
		roles: Roles {
			entry: true,
			miner: true,
			verifier: true,
		},
		memory: 1 << 40,
		price,
	};
	let worker = Worker {
		operator: who.clone(),
		state,
		bond: STAKE,
		spec,
		open_jobs: 1,
		passed: 0,
		faults: 0,
		cheats: 0,
	};
	pallet_miners::Workers::<Runtime>::insert(who, worker);
}

/// An active worker with its bond on hold, whose work counts for a validator: itself, so that every worker
/// has a ledger entry of its own.
fn put_bond(who: &AccountId) {
	put_worker(who, WorkerState::Active, 1);
	hold(who, pallet_miners::HoldReason::Bond, STAKE);
	let link = pallet_poaw::Link {
		validator: who.clone(),
		state: pallet_poaw::LinkState::Standing,
		deposit: 0,
	};
	pallet_poaw::Links::<Runtime>::insert(who, link);
	pallet_poaw::Ledger::<Runtime>::insert(who, pallet_poaw::Entry::standing(STAKE));
}

/// Endows an account and puts an amount of it on hold.
fn hold(who: &AccountId, reason: impl Into<RuntimeHoldReason>, amount: Balance) {
	Balances::set_balance(who, amount.saturating_mul(2));
	if let Err(error) = Balances::hold(&reason.into(), who, amount) {
		panic!("a benchmark cannot hold its stake: {error:?}");
	}
}

/// Every benchmark, and what is known of the storage of all pallets.
pub fn metadata(extra: bool) -> (Vec<BenchmarkList>, Vec<StorageInfo>) {
	let mut list = Vec::new();
	list_benchmarks!(list, extra);
	(list, AllPalletsWithSystem::storage_info())
}

/// Runs one benchmark.
pub fn dispatch(config: BenchmarkConfig) -> Result<Vec<BenchmarkBatch>, String> {
	let whitelist = AllPalletsWithSystem::whitelisted_storage_keys();
	let mut batches = Vec::new();
	let params = (&config, &whitelist);
	add_benchmarks!(params, batches);
	Ok(batches)
}
