//! A runtime with the auctions pallet; its neighbours keep slots and jobs in real storage, so that a
//! failed award is rolled back as on a chain.

use dllm_primitives::{
	flow::{Ending, JobQueue, ModelCatalog, PipelineBook},
	ids::{Digest, JobId, ModelId, PipelineId},
	job::WaitingJob,
	model::{LayerRange, Model, ModelSpec, ModelState, Profile, Shard},
	plan::{Pipeline, PipelineState, Plan, Segment},
};
use frame_support::{
	derive_impl, parameter_types, storage_alias,
	traits::{ConstU32, Hooks},
	weights::Weight,
	BoundedVec, Twox64Concat,
};
use sp_runtime::{BuildStorage, DispatchError, DispatchResult};

pub type AccountId = u64;

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
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
}

parameter_types! {
	/// Pipelines that exist, without their open jobs.
	pub static Pipelines: Vec<Pipeline<AccountId>> = Vec::new();
	/// Jobs that were submitted, the oldest first.
	pub static Submitted: Vec<WaitingJob<u128, u32>> = Vec::new();
	/// Jobs whose award fails after it has been written.
	pub static Cursed: Vec<JobId> = Vec::new();
	/// Limit of the last look at the queue.
	pub static Looked: Option<u32> = None;
}

impl pallet_auctions::Config for Test {
	type Models = Catalogue;
	type Book = Book;
	type Queue = Queue;
	type MaxConsidered = ConstU32<20>;
	type MaxAwards = ConstU32<4>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkSetup = ();
}

#[storage_alias(verbatim)]
type OpenJobs =
	StorageMap<Mock, Twox64Concat, PipelineId, u8, frame_support::pallet_prelude::ValueQuery>;
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
		Some(pipeline)
	}
	fn live(model: ModelId) -> Vec<Pipeline<AccountId>> {
		let ids = Pipelines::get()
			.into_iter()
			.filter(|p| p.plan.model == model)
			.map(|p| p.id);
		ids.filter_map(Self::pipeline).collect()
	}
	fn reserve(id: PipelineId) -> DispatchResult {
		let pipeline = Self::pipeline(id).ok_or(DispatchError::Other("no pipeline"))?;
		if pipeline.free_slots() == 0 {
			return Err(DispatchError::Other("no slot"));
		}
		OpenJobs::mutate(id, |open| *open += 1);
		Ok(())
	}
	fn release(id: PipelineId, _: Ending) {
		OpenJobs::mutate(id, |open| *open -= 1);
	}
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

/// Runs `test` with these pipelines and jobs; no pipeline ends with more jobs than slots.
pub fn execute<R>(
	pipelines: Vec<Pipeline<AccountId>>,
	jobs: Vec<WaitingJob<u128, u32>>,
	test: impl FnOnce() -> R,
) -> R {
	let storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.expect("builds");
	Pipelines::set(pipelines);
	Submitted::set(jobs);
	Cursed::set(Vec::new());
	Looked::set(None);
	sp_io::TestExternalities::new(storage).execute_with(|| {
		System::set_block_number(1);
		let outcome = test();
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
