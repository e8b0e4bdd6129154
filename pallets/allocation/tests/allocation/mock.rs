//! A runtime with the allocation pallet, a model of four layers, and workers that a test can change.

use dllm_primitives::{
	capacity::{Terms, Won},
	cost::{link::LinkFigures, DeviceFigures, Workload},
	draw::Trust,
	flow::{CapacityRounds, Footing, ModelCatalog, Tender, WorkerPool},
	ids::{Digest, ModelId, PipelineId},
	miner::{Roles, Worker, WorkerSpec, WorkerState},
	model::{LayerRange, Model, ModelSpec, ModelState, Profile, Shard},
	plan::{Plan, Segment},
	slash::{Conviction, Ground},
	verdict::Verdict,
};
use frame_support::{
	assert_ok, derive_impl, parameter_types,
	traits::{
		fungible::{Inspect, InspectHold},
		ConstU128, ConstU32, Hooks,
	},
	weights::Weight,
	BoundedVec,
};
use sp_runtime::BuildStorage;
use std::collections::BTreeMap;

pub type AccountId = u64;
pub type WorkerOf = Worker<AccountId, u128, u32>;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
pub const POOR: AccountId = 3;
pub const PURSE: u128 = 100_000;
pub const DEPOSIT: u128 = 500;
pub const LAYERS: u16 = 4;
/// Bytes of one layer with the cache of one slot: 1 000 + 200 rows × 8.
pub const LAYER_BYTES: u64 = 2_600;
/// Bytes of the entry: embedding and head.
pub const ENTRY_BYTES: u64 = 2_000;

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type Allocation = pallet_allocation;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
	type AccountData = pallet_balances::AccountData<u128>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = u128;
	type ExistentialDeposit = ConstU128<10>;
	type AccountStore = System;
}

parameter_types! {
	/// The registered workers.
	pub static Registered: BTreeMap<AccountId, WorkerOf> = BTreeMap::new();
	/// Where the models 0 and 1 stand.
	pub static States: Vec<ModelState> = vec![ModelState::Active; 2];
	/// On which footing plans of model 0 are made.
	pub static Round: Footing<AccountId> = Footing::Posted;
}

impl pallet_allocation::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = Catalogue;
	type Workers = Pool;
	type Rounds = Rounds;
	type PlanDeposit = ConstU128<DEPOSIT>;
	type MaxPipelinesPerModel = ConstU32<2>;
	type PrepareBlocks = ConstU32<100>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkSetup = ();
}

pub struct Catalogue;

impl ModelCatalog<AccountId> for Catalogue {
	fn model(id: ModelId) -> Option<Model<AccountId>> {
		let state = States::get().get(id as usize).copied()?;
		Some(Model {
			id,
			owner: BOB,
			state,
			spec: spec(),
		})
	}
}

pub struct Rounds;

impl CapacityRounds<AccountId> for Rounds {
	fn footing(model: ModelId) -> Footing<AccountId> {
		if model == 0 {
			Round::get()
		} else {
			Footing::Posted
		}
	}
}

/// A winner of two layers at a price of 3, on a fast machine.
pub fn won(who: AccountId) -> Won<AccountId> {
	Won {
		who,
		operator: who + 1_000,
		slots: 2,
		price: 3,
		device: DeviceFigures {
			flops_per_second: 1_000_000_000_000,
			memory_bytes_per_second: 10_000_000,
			download_bytes_per_second: 1_000_000,
			failure_ppm: 0,
		},
	}
}

/// A round that the workers 13 to 20 have won.
pub fn tender() -> Tender<AccountId> {
	Tender {
		round: 5,
		terms: Terms {
			replicas: 2,
			jobs: 1,
			reserve: 9,
			deposit: 1,
			commit_blocks: 1,
			reveal_blocks: 1,
			plan_blocks: 1,
			workload: Workload {
				prompt_tokens: 16,
				new_tokens: 16,
				sessions: 1,
				row_bytes: 16,
				packet_bytes: 1_200,
			},
			link: LinkFigures {
				latency_us: 1_000,
				jitter_us: 0,
				loss_ppm: 0,
				bytes_per_second: 1_000_000,
				efficiency_ppm: 1_000_000,
			},
		},
		winners: (13..=20).map(won).collect(),
	}
}

pub struct Pool;

impl WorkerPool<AccountId, u128, u32> for Pool {
	fn worker(who: &AccountId) -> Option<WorkerOf> {
		Registered::get().get(who).cloned()
	}
	fn draw_verifier(_: Digest, _: &[AccountId], _: u64) -> Option<AccountId> {
		None
	}
	fn trust(_: &AccountId) -> Trust {
		Trust::default()
	}

	fn unverified(_: &AccountId, _: u128) {}

	fn withheld(_: &AccountId, _: u128, _: Option<&AccountId>) -> u128 {
		0
	}

	fn engage(_: &AccountId) {}
	fn release(_: &AccountId, _: Verdict) {}
	fn slash(_: &AccountId, _: &Conviction<AccountId>) -> u128 {
		0
	}
	fn acquit(_: &AccountId, _: u128, _: Option<Ground>) -> u128 {
		0
	}
}

/// Four layers of 1 000 bytes and 8 bytes of cache a row; one GFLOP each, and one for the head.
pub fn spec() -> ModelSpec {
	let shard = |byte: u8| Shard {
		hash: Digest::repeat_byte(byte),
		bytes: 1_000,
		flops_per_token: 1_000_000_000,
		kv_bytes_per_token: 8,
	};
	let mut embed = shard(3);
	embed.flops_per_token = 0;
	ModelSpec {
		name: BoundedVec::truncate_from(b"toy".to_vec()),
		licence: BoundedVec::default(),
		manifest_root: Digest::repeat_byte(1),
		tokenizer_hash: Digest::repeat_byte(2),
		profile: Profile::F32,
		hidden_size: 8,
		max_context: 200,
		embed,
		layers: BoundedVec::truncate_from((10..10 + LAYERS as u8).map(shard).collect()),
		head: shard(4),
		constants: None,
	}
}

/// An active worker with every role, its own operator, room for everything, and a price of 3.
pub fn worker(who: AccountId) -> WorkerOf {
	Worker {
		operator: who + 1_000,
		state: WorkerState::Active,
		bond: 1,
		spec: WorkerSpec {
			peer_id: BoundedVec::default(),
			addresses: BoundedVec::default(),
			roles: Roles {
				entry: true,
				miner: true,
				verifier: true,
			},
			memory: 100_000,
			price: 3,
		},
		open_jobs: 0,
		passed: 0,
		faults: 0,
		cheats: 0,
	}
}

/// Changes a registered worker.
pub fn change(who: AccountId, edit: impl FnOnce(&mut WorkerOf)) {
	Registered::mutate(|workers| edit(workers.get_mut(&who).expect("is registered")));
}

/// A plan for model 0 with one slot: its entries, and segments of equal length.
pub fn plan(entries: &[AccountId], segments: &[&[AccountId]]) -> Plan<AccountId> {
	let length = LAYERS / segments.len() as u16;
	let segment = |(at, replicas): (usize, &&[AccountId])| Segment {
		layers: LayerRange {
			start: at as u16 * length,
			end: (at as u16 + 1) * length,
		},
		replicas: BoundedVec::truncate_from(replicas.to_vec()),
	};
	Plan {
		model: 0,
		slots: 1,
		entries: BoundedVec::truncate_from(entries.to_vec()),
		segments: BoundedVec::truncate_from(segments.iter().enumerate().map(segment).collect()),
	}
}

/// The usual plan: entries 11 and 12, halves of the layers on 13 and 14, 15 and 16.
pub fn usual() -> Plan<AccountId> {
	plan(&[11, 12], &[&[13, 14], &[15, 16]])
}

pub fn submit(submitter: AccountId, plan: Plan<AccountId>) -> PipelineId {
	assert_ok!(Allocation::submit_plan(
		RuntimeOrigin::signed(submitter),
		plan
	));
	pallet_allocation::NextPipeline::<Test>::get() - 1
}

pub fn ready(worker: AccountId, pipeline: PipelineId) {
	assert_ok!(Allocation::ready(RuntimeOrigin::signed(worker), pipeline));
}

/// Submits a plan and lets all its workers be ready.
pub fn make_live(submitter: AccountId, plan: Plan<AccountId>) -> PipelineId {
	let id = submit(submitter, plan);
	let standing = Allocation::standing(id).expect("stands");
	standing.members().keys().for_each(|who| ready(*who, id));
	id
}

/// What `who` has on hold for its plans.
pub fn deposit(who: AccountId) -> u128 {
	Balances::balance_on_hold(&pallet_allocation::HoldReason::Plan.into(), &who)
}

pub fn free(who: AccountId) -> u128 {
	Balances::balance(&who)
}

pub fn promised(who: AccountId) -> u64 {
	pallet_allocation::Hosted::<Test>::get(who).memory
}

/// Events of the pallet, oldest first.
pub fn events() -> Vec<pallet_allocation::Event<Test>> {
	let ours = |record: frame_system::EventRecord<RuntimeEvent, _>| match record.event {
		RuntimeEvent::Allocation(event) => Some(event),
		_ => None,
	};
	System::events().into_iter().filter_map(ours).collect()
}

/// What false scores have cost.
pub fn burned() -> u128 {
	let burned = |event| match event {
		pallet_allocation::Event::FalseScore { burned, .. } => burned,
		_ => 0,
	};
	events().into_iter().map(burned).sum()
}

/// The last `N` events, oldest first.
pub fn last_events<const N: usize>() -> [pallet_allocation::Event<Test>; N] {
	let events = events();
	let last = events.into_iter().rev().take(N).collect::<Vec<_>>();
	let mut last: [_; N] = last.try_into().expect("there were as many");
	last.reverse();
	last
}

/// Ends `count` blocks with weight to spare.
pub fn run_idle_blocks(count: u32) {
	for _ in 0..count {
		let now = System::block_number();
		Allocation::on_idle(now, Weight::MAX);
		System::set_block_number(now + 1);
	}
}

/// Runs `test` in block 1 with the workers 11 to 40, and ends in try-state with no money made or lost.
pub fn execute<R>(test: impl FnOnce() -> R) -> R {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.expect("builds");
	pallet_balances::GenesisConfig::<Test> {
		balances: vec![(ALICE, PURSE), (BOB, PURSE), (POOR, DEPOSIT)],
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.expect("builds");
	Registered::set((11..=40).map(|who| (who, worker(who))).collect());
	States::set(vec![ModelState::Active; 2]);
	Round::set(Footing::Posted);
	sp_io::TestExternalities::new(storage).execute_with(|| {
		System::set_block_number(1);
		let issued = Balances::total_issuance();
		let outcome = test();
		Allocation::do_try_state().expect("invariants hold");
		assert_eq!(
			Balances::total_issuance() + burned(),
			issued,
			"money is conserved"
		);
		outcome
	})
}
