//! The pallets whose weights are measured, and how a benchmarking tool runs them.

use crate::*;
use alloc::{string::String, vec};
use dllm_primitives::{
	ids::{Digest, ModelId, MAX_LAYERS, MAX_REPLICAS, MAX_SEGMENTS},
	miner::{Roles, Worker, WorkerSpec, WorkerState},
	model::{LayerRange, Model, ModelSpec, ModelState, Profile, Shard},
	plan::{Plan, Segment},
};
use frame_benchmarking::{BenchmarkBatch, BenchmarkConfig, BenchmarkList};
use frame_support::{
	traits::{StorageInfo, StorageInfoTrait, WhitelistedStorageKeys},
	BoundedVec,
};
use frame_system_benchmarking::{
	extensions::Pallet as SystemExtensionsBench, Pallet as SystemBench,
};

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
);

impl frame_system_benchmarking::Config for Runtime {}

/// Puts an active model into the catalogue for the benchmarks of jobs.
pub struct JobSetup;

impl pallet_jobs::benchmarking::BenchmarkSetup for JobSetup {
	fn active_model() -> ModelId {
		put_model(1)
	}
}

/// Puts the largest model and as many workers as a plan may name into their pallets, for the benchmarks
/// of allocation.
pub struct PlanSetup;

impl pallet_allocation::benchmarking::BenchmarkSetup<AccountId> for PlanSetup {
	fn largest_plan() -> Plan<AccountId> {
		let group = |stage: u32| {
			let workers = (0..MAX_REPLICAS).map(|place| put_worker(stage * MAX_REPLICAS + place));
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
			model: put_model(MAX_LAYERS),
			slots: 1,
			entries: group(0),
			segments: BoundedVec::truncate_from((0..MAX_SEGMENTS).map(segment).collect()),
		}
	}
}

fn put_model(layers: u32) -> ModelId {
	let shard = Shard {
		hash: Digest::repeat_byte(1),
		bytes: 1,
		flops_per_token: 1,
		kv_bytes_per_token: 1,
	};
	let spec = ModelSpec {
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
	};
	let owner = AccountId::from([0; 32]);
	let model = Model {
		id: 0,
		owner,
		state: ModelState::Active,
		spec,
	};
	pallet_models::Models::<Runtime>::insert(0, model);
	0
}

/// An active worker that is its own operator and takes every role.
fn put_worker(number: u32) -> AccountId {
	let who: AccountId = frame_benchmarking::account("worker", number, 0);
	let spec = WorkerSpec {
		peer_id: BoundedVec::truncate_from(number.to_le_bytes().to_vec()),
		addresses: Default::default(),
		roles: Roles {
			entry: true,
			miner: true,
			verifier: true,
		},
		memory: 1 << 40,
		price: 1,
	};
	let worker = Worker {
		operator: who.clone(),
		state: WorkerState::Active,
		bond: 0,
		spec,
		open_jobs: 0,
		passed: 0,
		faults: 0,
		cheats: 0,
	};
	pallet_miners::Workers::<Runtime>::insert(&who, worker);
	who
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
