//! A runtime with the auctions pallet; its neighbours keep slots and jobs in real storage, so that a
//! failed award is rolled back as on a chain.

use dllm_primitives::{
	capacity::{seal, Offer, Terms, FULL_RANK},
	cost::{link::LinkFigures, DeviceFigures, Workload},
	draw::Trust,
	flow::{
		Ending, JobQueue, ModelCatalog, PipelineBook, RoundPlans, Tender, WorkerPool, WorkerRanks,
	},
	ids::{Digest, JobId, ModelId, PipelineId},
	job::WaitingJob,
	load::{Load, Run},
	miner::{Roles, Worker, WorkerSpec, WorkerState},
	model::{LayerRange, Model, ModelSpec, ModelState, Profile, Shard},
	plan::{Pipeline, PipelineState, Plan, Segment},
	slash::{Conviction, Ground},
	verdict::Verdict,
};
use frame_support::{
	assert_ok, derive_impl, parameter_types, storage_alias,
	traits::{
		fungible::{Inspect, InspectHold},
		ConstU128, ConstU32, Hooks,
	},
	weights::Weight,
	BoundedVec, Twox64Concat,
};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult};

pub type AccountId = u64;

/// Who owns every model.
pub const OWNER: AccountId = 1;
/// A worker that does not offer to mine.
pub const UNSKILLED: AccountId = 99;
/// A worker that cannot pay a deposit.
pub const POOR: AccountId = 98;
pub const PURSE: u128 = 10_000;
pub const DEPOSIT: u128 = 700;
/// Room for one layer of two jobs, of 1 byte and 200 rows of 1 byte each, and no more.
pub const MEMORY: u64 = 600;

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
	pub type Auctions = pallet_auctions;
	#[runtime::pallet_index(2)]
	pub type Balances = pallet_balances;
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
	/// Pipelines that exist, without their open jobs.
	pub static Pipelines: Vec<Pipeline<AccountId>> = Vec::new();
	/// Jobs that were submitted, the oldest first.
	pub static Submitted: Vec<WaitingJob<u128, u32>> = Vec::new();
	/// Jobs whose award fails after it has been written.
	pub static Cursed: Vec<JobId> = Vec::new();
	/// Miners that are not active, do not exist or have another operator or rank than the others.
	pub static Inactive: Vec<AccountId> = Vec::new();
	pub static Operators: Vec<(AccountId, AccountId)> = Vec::new();
	pub static RanksOf: Vec<(AccountId, u32)> = Vec::new();
	/// Plan windows that were closed, and the pipeline that comes of the next one.
	pub static Closed: Vec<(ModelId, Tender<AccountId>)> = Vec::new();
	pub static Outcome: Option<PipelineId> = None;
	/// Limit of the last look at the queue.
	pub static Looked: Option<u32> = None;
}

impl pallet_auctions::Config for Test {
	type Models = Catalogue;
	type Book = Book;
	type Queue = Queue;
	type MaxConsidered = ConstU32<20>;
	type MaxAwards = ConstU32<4>;
	type Workers = Pool;
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type MaxBidders = ConstU32<4>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkSetup = ();
}

#[storage_alias(verbatim)]
type OpenJobs =
	StorageMap<Mock, Twox64Concat, PipelineId, u8, frame_support::pallet_prelude::ValueQuery>;
#[storage_alias(verbatim)]
type Loads =
	StorageMap<Mock, Twox64Concat, PipelineId, Load, frame_support::pallet_prelude::ValueQuery>;
#[storage_alias(verbatim)]
type Awarded = StorageMap<Mock, Twox64Concat, JobId, PipelineId>;

#[storage_alias(verbatim)]
type Surpluses = StorageMap<Mock, Twox64Concat, JobId, u128>;

pub struct Catalogue;

impl ModelCatalog<AccountId> for Catalogue {
	fn model(id: ModelId) -> Option<Model<AccountId>> {
		let state = if id < 9 {
			ModelState::Active
		} else {
			ModelState::Retired
		};
		(id < 10).then(|| Model {
			id,
			owner: 1,
			state,
			spec: spec(),
		})
	}
}

pub struct Book;

impl PipelineBook<AccountId> for Book {
	fn pipeline(id: PipelineId) -> Option<Pipeline<AccountId>> {
		let mut pipeline = Pipelines::get()
			.into_iter()
			.find(|pipeline| pipeline.id == id)?;
		pipeline.open_jobs = OpenJobs::get(id);
		pipeline.load = Loads::get(id);
		Some(pipeline)
	}
	fn live(model: ModelId) -> Vec<Pipeline<AccountId>> {
		let ids = Pipelines::get()
			.into_iter()
			.filter(|p| p.plan.model == model)
			.map(|p| p.id);
		ids.filter_map(Self::pipeline).collect()
	}
	fn reserve(id: PipelineId, rows: u32) -> DispatchResult {
		let pipeline = Self::pipeline(id).ok_or(DispatchError::Other("no pipeline"))?;
		if pipeline.free_slots() == 0 {
			return Err(DispatchError::Other("no slot"));
		}
		OpenJobs::mutate(id, |open| *open += 1);
		Loads::mutate(id, |load| load.take(rows));
		Ok(())
	}
	fn release(id: PipelineId, _: Ending, run: Run) {
		OpenJobs::mutate(id, |open| *open -= 1);
		Loads::mutate(id, |load| load.learn(&run));
	}
}

impl RoundPlans<AccountId> for Book {
	fn close_window(model: ModelId, tender: Tender<AccountId>) -> Option<PipelineId> {
		Closed::mutate(|closed| closed.push((model, tender)));
		Outcome::get()
	}
}

pub struct Pool;

impl WorkerPool<AccountId, u128, u32> for Pool {
	fn worker(who: &AccountId) -> Option<Worker<AccountId, u128, u32>> {
		let operators = Operators::get();
		let named = operators.iter().find(|(worker, _)| worker == who);
		(*who < 100).then(|| Worker {
			operator: named.map_or(*who + 1_000, |(_, operator)| *operator),
			state: if Inactive::get().contains(who) {
				WorkerState::Pending
			} else {
				WorkerState::Active
			},
			bond: 1,
			spec: WorkerSpec {
				peer_id: BoundedVec::default(),
				addresses: BoundedVec::default(),
				roles: Roles {
					miner: *who != UNSKILLED,
					..Roles::default()
				},
				memory: MEMORY,
				price: 1,
			},
			open_jobs: 0,
			passed: 0,
			faults: 0,
			cheats: 0,
		})
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

impl WorkerRanks<AccountId> for Pool {
	fn rank(who: &AccountId) -> u32 {
		let ranks = RanksOf::get();
		let named = ranks.iter().find(|(worker, _)| worker == who);
		named.map_or(FULL_RANK, |(_, rank)| *rank)
	}
}

/// What the rounds of the tests ask for: a reserve of 100, and windows of 5, 3 and 4 blocks.
pub const TERMS: Terms = Terms {
	replicas: 2,
	jobs: 2,
	reserve: 100,
	deposit: DEPOSIT,
	commit_blocks: 5,
	reveal_blocks: 3,
	plan_blocks: 4,
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
};

pub const DEVICE: DeviceFigures = DeviceFigures {
	flops_per_second: 1_000_000_000,
	memory_bytes_per_second: 1_000_000_000,
	download_bytes_per_second: 1_000_000,
	failure_ppm: 0,
};

pub fn offer(ask: u64, capacity: u32) -> Offer {
	Offer {
		ask,
		capacity,
		device: DEVICE,
	}
}

/// The salt of a bidder.
pub fn salt(bidder: AccountId) -> Digest {
	Digest::repeat_byte(bidder as u8)
}

pub fn signed(who: AccountId) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

pub fn open_round(model: ModelId) {
	assert_ok!(Auctions::open_round(signed(OWNER), model, TERMS));
}

/// Seals a bid in the round of a model.
pub fn commit(bidder: AccountId, model: ModelId, offer: Offer) {
	let round = Auctions::round_id(model).expect("is open");
	let seal = seal(round, &bidder, &offer, &salt(bidder));
	assert_ok!(Auctions::commit(signed(bidder), model, seal));
}

pub fn reveal(bidder: AccountId, model: ModelId, offer: Offer) -> DispatchResult {
	Auctions::reveal(signed(bidder), model, offer, salt(bidder))
}

/// Holds the round of model 0 up to its clearing: opened in block 1, cleared in block 10.
pub fn cleared(offers: &[(AccountId, Offer)]) {
	open_round(0);
	offers
		.iter()
		.for_each(|(who, offer)| commit(*who, 0, *offer));
	run_to(7);
	for (who, offer) in offers {
		assert_ok!(reveal(*who, 0, *offer));
	}
	run_to(10);
}

/// Runs the first hook of the blocks up to `block`.
pub fn run_to(block: u32) {
	while System::block_number() < block {
		let next = System::block_number() + 1;
		System::set_block_number(next);
		Auctions::on_initialize(next);
	}
}

/// What `who` has on hold for its sealed bids.
pub fn held(who: AccountId) -> u128 {
	Balances::balance_on_hold(&pallet_auctions::HoldReason::Bid.into(), &who)
}

pub fn free(who: AccountId) -> u128 {
	Balances::balance(&who)
}

pub struct Queue;

impl JobQueue<u128, u32> for Queue {
	fn waiting(limit: u32) -> Vec<WaitingJob<u128, u32>> {
		Looked::set(Some(limit));
		let waits = |job: &WaitingJob<_, _>| !Awarded::contains_key(job.id);
		Submitted::get()
			.into_iter()
			.filter(waits)
			.take(limit as usize)
			.collect()
	}
	fn award(job: JobId, pipeline: PipelineId, surplus: u128) -> DispatchResult {
		Awarded::insert(job, pipeline);
		Surpluses::insert(job, surplus);
		if Cursed::get().contains(&job) {
			return Err(DispatchError::Unavailable);
		}
		Ok(())
	}
}

/// One layer and an entry of one GFLOP each.
fn spec() -> ModelSpec {
	let shard = |byte, flops_per_token| Shard {
		hash: Digest::repeat_byte(byte),
		bytes: 1,
		flops_per_token,
		kv_bytes_per_token: 1,
	};
	ModelSpec {
		name: BoundedVec::truncate_from(b"toy".to_vec()),
		licence: BoundedVec::default(),
		manifest_root: Digest::repeat_byte(1),
		tokenizer_hash: Digest::repeat_byte(2),
		profile: Profile::F32,
		hidden_size: 8,
		max_context: 200,
		embed: shard(3, 0),
		layers: BoundedVec::truncate_from(vec![shard(4, 1_000_000_000)]),
		head: shard(5, 1_000_000_000),
		constants: None,
	}
}

/// A live pipeline with entries, at one price in planck per GFLOP.
pub fn pipeline(id: PipelineId, model: ModelId, price: u128, slots: u8) -> Pipeline<AccountId> {
	let segment = Segment {
		layers: LayerRange { start: 0, end: 1 },
		replicas: BoundedVec::truncate_from(vec![11, 12]),
	};
	Pipeline {
		id,
		state: PipelineState::Live,
		plan: Plan {
			model,
			slots,
			entries: BoundedVec::truncate_from(vec![21, 22]),
			segments: BoundedVec::truncate_from(vec![segment]),
		},
		stage_prices: BoundedVec::truncate_from(vec![price, price]),
		cost: price,
		open_jobs: 0,
		load: Load::default(),
	}
}

pub fn without_entries(mut pipeline: Pipeline<AccountId>) -> Pipeline<AccountId> {
	pipeline.plan.entries = BoundedVec::default();
	pipeline
}

/// A public job of 30 rows, submitted in block `id`. At 3 planck per GFLOP it costs 30 · 2 · 3 ÷ 0.75 = 240.
pub fn job(id: JobId, model: ModelId, max_price: u128) -> WaitingJob<u128, u32> {
	WaitingJob {
		id,
		model,
		rows: 30,
		max_price,
		own_entry: false,
		submitted: id as u32,
		avoided: Vec::new(),
	}
}

pub fn sealed(id: JobId, model: ModelId, max_price: u128) -> WaitingJob<u128, u32> {
	WaitingJob {
		own_entry: true,
		..job(id, model, max_price)
	}
}

/// Holds the auction of a block with `weight` left; returns what it used.
pub fn idle_with(weight: Weight) -> Weight {
	Auctions::on_idle(System::block_number(), weight)
}

/// Holds the auction of an otherwise empty block.
pub fn idle() {
	idle_with(Weight::from_parts(2_000_000_000_000, u64::MAX));
}

/// The jobs awarded so far with their pipelines, by job.
pub fn awarded() -> Vec<(JobId, PipelineId)> {
	let mut awards = Awarded::iter().collect::<Vec<_>>();
	awards.sort();
	awards
}

/// What an awarded job pays above the fee of its pipeline.
pub fn surplus(job: JobId) -> Option<u128> {
	Surpluses::get(job)
}

pub fn open_jobs(pipeline: PipelineId) -> u8 {
	OpenJobs::get(pipeline)
}

pub fn events() -> Vec<pallet_auctions::Event<Test>> {
	let ours = |record: frame_system::EventRecord<RuntimeEvent, _>| match record.event {
		RuntimeEvent::Auctions(event) => Some(event),
		_ => None,
	};
	System::events().into_iter().filter_map(ours).collect()
}

/// What the deposits of bids not revealed came to.
pub fn burned() -> u128 {
	let burned = |event| match event {
		pallet_auctions::Event::BidForfeited { burned, .. } => burned,
		_ => 0,
	};
	events().into_iter().map(burned).sum()
}

/// Runs `test` with these pipelines and jobs; no pipeline ends with more jobs than slots.
pub fn execute<R>(
	pipelines: Vec<Pipeline<AccountId>>,
	jobs: Vec<WaitingJob<u128, u32>>,
	test: impl FnOnce() -> R,
) -> R {
	let mut storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.expect("builds");
	pallet_balances::GenesisConfig::<Test> {
		balances: (1..98)
			.map(|who| (who, PURSE))
			.chain([(POOR, 100)])
			.collect(),
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.expect("builds");
	Inactive::set(Vec::new());
	Operators::set(Vec::new());
	RanksOf::set(Vec::new());
	Closed::set(Vec::new());
	Outcome::set(None);
	Pipelines::set(pipelines);
	Submitted::set(jobs);
	Cursed::set(Vec::new());
	Looked::set(None);
	sp_io::TestExternalities::new(storage).execute_with(|| {
		System::set_block_number(1);
		let issued = Balances::total_issuance();
		let outcome = test();
		Auctions::do_try_state().expect("invariants hold");
		assert_eq!(
			Balances::total_issuance() + burned(),
			issued,
			"money is conserved"
		);
		for pipeline in Pipelines::get() {
			let taken = awarded()
				.iter()
				.filter(|(_, id)| *id == pipeline.id)
				.count();
			assert_eq!(
				taken,
				open_jobs(pipeline.id) as usize,
				"a slot for every award"
			);
			assert!(
				open_jobs(pipeline.id) <= pipeline.plan.slots,
				"no more jobs than slots"
			);
		}
		outcome
	})
}
