//! A runtime with the jobs pallet and small stand-ins for its neighbours.

use dllm_primitives::{
	flow::{Award, Bill, Ending, ModelCatalog, Payouts, PipelineBook, Trials},
	ids::{AdapterId, Bytes, Digest, JobId, ModelId, PipelineId},
	job::{Assurance, Body, Limits, OnFailure, Options},
	load::Run,
	model::{Adapter, AdapterSpec, LayerRange, Model, ModelSpec, ModelState, Profile, Shard},
	plan::{Pipeline, PipelineState, Plan, Segment},
};
use frame_support::{
	derive_impl, parameter_types,
	traits::{
		fungible::{Inspect, InspectHold, MutateHold},
		tokens::{Fortitude, Precision, Restriction},
		ConstU128, ConstU32, Hooks,
	},
	BoundedVec,
};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult};

pub type AccountId = u64;

pub const ALICE: AccountId = 1;
pub const BOB: AccountId = 2;
/// Where the stand-in for rewards puts every fee.
pub const TILL: AccountId = 99;
pub const PURSE: u128 = 1_000_000;
pub const ED: u128 = 10;

/// Active, two layers of one GFLOP, entry of one GFLOP, 200 rows.
pub const MODEL: ModelId = 0;
pub const RETIRED: ModelId = 1;
pub const PROPOSED: ModelId = 2;
/// Of [`MODEL`].
pub const ADAPTER: AdapterId = 3;
/// Of [`MODEL`], and retired.
pub const OLD_ADAPTER: AdapterId = 4;
/// Of another model.
pub const OTHER_ADAPTER: AdapterId = 5;

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
	pub type Jobs = pallet_jobs;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
	type AccountData = pallet_balances::AccountData<u128>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type Balance = u128;
	type ExistentialDeposit = ConstU128<ED>;
	type AccountStore = System;
}

parameter_types! {
	/// Pipelines that exist.
	pub static Pipelines: Vec<Pipeline<AccountId>> = Vec::new();
	/// What was given back, in order.
	pub static Released: Vec<(PipelineId, Ending, Run)> = Vec::new();
	/// Block of the last commitment of a lead, in every trial.
	pub static Ran: Option<u32> = None;
	/// Trials that were opened.
	pub static Opened: Vec<Award<AccountId, u32>> = Vec::new();
	/// Blocks in which it is found that leads were silent.
	pub static UnservedBlocks: u32 = 0;
	/// Whether the next trials are refused.
	pub static TrialsRefuse: bool = false;
	/// Workers to blame in every trial.
	pub static Blamed: Vec<AccountId> = Vec::new();
	/// Models of which no job is awarded.
	pub static Suspended: Vec<ModelId> = Vec::new();
	/// Whether the next payouts fail after moving money.
	pub static PayoutsFail: bool = false;
	/// Bills that were paid.
	pub static Paid: Vec<Bill<AccountId>> = Vec::new();
	/// Jobs that trials and payouts were told to forget.
	pub static ForgottenTrials: Vec<JobId> = Vec::new();
	pub static ForgottenPayments: Vec<JobId> = Vec::new();
	pub const DeadlineRange: (u32, u32) = (5, 100);
}

impl pallet_jobs::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Models = Catalogue;
	type Book = Book;
	type Trials = Court;
	type Payouts = Cashier;
	type MaxWaiting = ConstU32<40>;
	type AgendaSize = ConstU32<2>;
	type DeadlineRange = DeadlineRange;
	type History = ConstU32<50>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkSetup = ();
}

pub struct Catalogue;

impl ModelCatalog<AccountId> for Catalogue {
	fn model(id: ModelId) -> Option<Model<AccountId>> {
		let state = match id {
			MODEL => ModelState::Active,
			RETIRED => ModelState::Retired,
			PROPOSED => ModelState::Proposed,
			_ => return None,
		};
		Some(Model {
			id,
			owner: BOB,
			state,
			spec: spec(),
		})
	}

	fn adapter(id: AdapterId) -> Option<Adapter<AccountId>> {
		let model = match id {
			ADAPTER | OLD_ADAPTER => MODEL,
			OTHER_ADAPTER => PROPOSED,
			_ => return None,
		};
		let spec = AdapterSpec {
			name: BoundedVec::truncate_from(b"pirate".to_vec()),
			licence: Default::default(),
			manifest_root: Digest::repeat_byte(id as u8),
			rank: 8,
			bytes: 1_000,
		};
		Some(Adapter {
			id,
			model,
			owner: BOB,
			retired: id == OLD_ADAPTER,
			spec,
		})
	}
}

pub struct Book;

impl PipelineBook<AccountId> for Book {
	fn pipeline(id: PipelineId) -> Option<Pipeline<AccountId>> {
		Pipelines::get()
			.into_iter()
			.find(|pipeline| pipeline.id == id)
	}
	fn live(model: ModelId) -> Vec<Pipeline<AccountId>> {
		let live = |p: &Pipeline<_>| p.plan.model == model && p.state == PipelineState::Live;
		Pipelines::get().into_iter().filter(live).collect()
	}
	fn reserve(_: PipelineId, _: u32) -> DispatchResult {
		Ok(())
	}
	fn release(id: PipelineId, ending: Ending, run: Run) {
		Released::mutate(|released| released.push((id, ending, run)));
	}
}

pub struct Court;

impl Trials<AccountId, u32> for Court {
	fn verdict_blocks() -> u32 {
		60
	}
	fn unserved_blocks() -> u32 {
		UnservedBlocks::get()
	}
	fn open(award: Award<AccountId, u32>) -> DispatchResult {
		if TrialsRefuse::get() {
			return Err(DispatchError::Other("no trial"));
		}
		Opened::mutate(|opened| opened.push(award));
		Ok(())
	}
	fn ran(_: JobId) -> Option<u32> {
		Ran::get()
	}
	fn blamed(_: JobId) -> Vec<AccountId> {
		Blamed::get()
	}
	fn suspended() -> Vec<ModelId> {
		Suspended::get()
	}
	fn forget(job: JobId) {
		ForgottenTrials::mutate(|jobs| jobs.push(job));
	}
}

/// Moves the whole fee and the surplus to the till.
pub struct Cashier;

impl Payouts<AccountId, RuntimeHoldReason> for Cashier {
	fn pay(reason: &RuntimeHoldReason, bill: &Bill<AccountId>) -> DispatchResult {
		let (client, fee) = (&bill.client, bill.fee + bill.surplus);
		let (free, polite) = (Restriction::Free, Fortitude::Polite);
		Balances::transfer_on_hold(reason, client, &TILL, fee, Precision::Exact, free, polite)?;
		if PayoutsFail::get() {
			return Err(DispatchError::Unavailable);
		}
		Paid::mutate(|paid| paid.push(bill.clone()));
		Ok(())
	}
	fn forget(job: JobId) {
		ForgottenPayments::mutate(|jobs| jobs.push(job));
	}
}

fn shard(byte: u8, gflop: u64) -> Shard {
	Shard {
		hash: Digest::repeat_byte(byte),
		bytes: 1_000,
		flops_per_token: gflop * 1_000_000_000,
		kv_bytes_per_token: 8,
	}
}

/// Two layers and an entry; the entry's embedding is free, its head costs one GFLOP.
pub fn spec() -> ModelSpec {
	ModelSpec {
		name: BoundedVec::truncate_from(b"toy".to_vec()),
		licence: BoundedVec::truncate_from(b"Apache-2.0".to_vec()),
		manifest_root: Digest::repeat_byte(1),
		tokenizer_hash: Digest::repeat_byte(2),
		profile: Profile::F32,
		hidden_size: 8,
		max_context: 200,
		embed: shard(3, 0),
		layers: BoundedVec::truncate_from(vec![shard(4, 1), shard(5, 1)]),
		head: shard(6, 1),
		constants: None,
	}
}

/// A live pipeline with one segment, workers 11 and 12, entries 21 and 22, and one price for both stages.
pub fn pipeline(id: PipelineId, price: u128) -> Pipeline<AccountId> {
	let segment = Segment {
		layers: LayerRange { start: 0, end: 2 },
		replicas: BoundedVec::truncate_from(vec![11, 12]),
	};
	Pipeline {
		id,
		state: PipelineState::Live,
		plan: Plan {
			model: MODEL,
			slots: 4,
			entries: BoundedVec::truncate_from(vec![21, 22]),
			segments: BoundedVec::truncate_from(vec![segment]),
		},
		stage_prices: BoundedVec::truncate_from(vec![price, price]),
		cost: price * 3_000_000_000,
		open_jobs: 0,
		load: Default::default(),
	}
}

/// A pipeline whose first segment worker is another one.
pub fn pipeline_with(id: PipelineId, price: u128, worker: AccountId) -> Pipeline<AccountId> {
	let mut pipeline = pipeline(id, price);
	pipeline.plan.segments[0].replicas = BoundedVec::truncate_from(vec![worker, worker + 1]);
	pipeline.plan.entries = BoundedVec::truncate_from(vec![worker + 2, worker + 3]);
	pipeline
}

/// A pipeline that serves only clients who are their own entry.
pub fn sealed_pipeline(id: PipelineId, price: u128) -> Pipeline<AccountId> {
	let mut pipeline = pipeline(id, price);
	pipeline.plan.entries = Default::default();
	pipeline
}

pub fn inline(text: &[u8]) -> Body {
	Body::Inline(BoundedVec::truncate_from(text.to_vec()))
}

pub fn sealed(prompt_tokens: u32) -> Body {
	Body::Sealed {
		hash: Digest::repeat_byte(7),
		prompt_tokens,
		entry: BoundedVec::truncate_from(vec![8; 38]),
	}
}

pub fn limits(max_tokens: u32) -> Limits {
	Limits {
		max_tokens,
		temperature_milli: 700,
		top_p_milli: 900,
		seed: 5,
		stop: Default::default(),
	}
}

/// What `who` has on hold for its jobs.
pub fn escrow(who: AccountId) -> u128 {
	Balances::balance_on_hold(&pallet_jobs::HoldReason::Escrow.into(), &who)
}

pub fn free(who: AccountId) -> u128 {
	Balances::balance(&who)
}

/// Checked at random.
pub const STANDARD: Assurance = Assurance::Standard;

/// Submits a public job of 8 + 32 + 10 = 50 rows at most and returns its number.
pub fn submit(client: AccountId, max_price: u128, deadline_blocks: u32) -> JobId {
	let origin = RuntimeOrigin::signed(client);
	let body = inline(b"question");
	Jobs::submit(
		origin,
		MODEL,
		body,
		limits(10),
		max_price,
		deadline_blocks,
		STANDARD,
	)
	.expect("is valid");
	pallet_jobs::NextJob::<Test>::get() - 1
}

/// What a client chooses whose failed jobs are run again.
pub fn rerun() -> Options {
	Options {
		on_failure: OnFailure::Rerun,
		adapter: None,
	}
}

/// The same job as [`submit`] does, run again where it fails.
pub fn submit_rerun(client: AccountId, max_price: u128, deadline_blocks: u32) -> JobId {
	Jobs::submit_with(
		RuntimeOrigin::signed(client),
		MODEL,
		inline(b"question"),
		limits(10),
		max_price,
		deadline_blocks,
		STANDARD,
		rerun(),
	)
	.expect("is valid");
	pallet_jobs::NextJob::<Test>::get() - 1
}

/// Submits the same job as [`submit`] of ALICE, with options.
pub fn submit_with(options: Options) -> DispatchResult {
	submit_at(5, options)
}

/// The same for a price.
pub fn submit_at(price: u128, options: Options) -> DispatchResult {
	let origin = RuntimeOrigin::signed(ALICE);
	let body = inline(b"question");
	Jobs::submit_with(
		origin,
		MODEL,
		body,
		limits(10),
		price,
		20,
		STANDARD,
		options,
	)
}

/// Submits a job and gives it to pipeline 0 at a price of 3 planck per GFLOP.
pub fn submit_and_award(client: AccountId, max_price: u128) -> JobId {
	use dllm_primitives::flow::JobQueue;
	Pipelines::set(vec![pipeline(0, 3)]);
	let job = submit(client, max_price, 20);
	<Jobs as JobQueue<u128, u32>>::award(job, 0, 0).expect("is waiting");
	job
}

/// Events of the pallet, oldest first.
pub fn events() -> Vec<pallet_jobs::Event<Test>> {
	let ours = |record: frame_system::EventRecord<RuntimeEvent, _>| match record.event {
		RuntimeEvent::Jobs(event) => Some(event),
		_ => None,
	};
	System::events().into_iter().filter_map(ours).collect()
}

pub fn last_event() -> pallet_jobs::Event<Test> {
	events().pop().expect("there was an event")
}

pub fn reply(text: &[u8]) -> Bytes<4096> {
	BoundedVec::truncate_from(text.to_vec())
}

/// Runs the hooks of the blocks up to `block`.
pub fn run_to(block: u32) {
	while System::block_number() < block {
		let next = System::block_number() + 1;
		System::set_block_number(next);
		Jobs::on_initialize(next);
	}
}

pub fn run_blocks(count: u32) {
	run_to(System::block_number() + count);
}

/// Runs `test` on a fresh chain in block 1, and ends in try-state with no money made or lost.
pub fn execute<R>(test: impl FnOnce() -> R) -> R {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.expect("builds");
	pallet_balances::GenesisConfig::<Test> {
		balances: vec![(ALICE, PURSE), (BOB, PURSE), (TILL, ED)],
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.expect("builds");
	Pipelines::set(Vec::new());
	Released::set(Vec::new());
	Ran::set(None);
	Opened::set(Vec::new());
	TrialsRefuse::set(false);
	Suspended::set(Vec::new());
	Blamed::set(Vec::new());
	PayoutsFail::set(false);
	Paid::set(Vec::new());
	ForgottenTrials::set(Vec::new());
	ForgottenPayments::set(Vec::new());
	sp_io::TestExternalities::new(storage).execute_with(|| {
		System::set_block_number(1);
		let issued = Balances::total_issuance();
		let outcome = test();
		Jobs::do_try_state().expect("invariants hold");
		assert_eq!(Balances::total_issuance(), issued, "money is conserved");
		outcome
	})
}
