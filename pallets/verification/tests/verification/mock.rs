//! A chain with this pallet alone. Its neighbours are fakes that keep what the pallet asks of them in
//! thread-local records, so that a test can compare.

use dllm_primitives::{
	breaker::Rules,
	commitment::{commitment, result_hash, shards_root, Opening, Roots},
	draw::Trust,
	flow::{
		Award, Conclusion, JobBook, JobFacts, ModelCatalog, OnVerdict, Trials as _, WorkerPool,
	},
	ids::{Bytes, Digest, JobId, ModelId, StageIndex, ENTRY_STAGE, MAX_INLINE},
	job::{Assurance, Body, Limits},
	miner::{Roles, Worker, WorkerSpec, WorkerState},
	model::{LayerRange, Model, ModelConstants, ModelSpec, ModelState, Profile, Shard},
	plan::{Pipeline, PipelineState, Plan, Segment},
	slash::{Conviction, Ground},
	verdict::{Part, Phase, Verdict},
};
use frame_support::{
	derive_impl, parameter_types,
	traits::{ConstU32, Hooks, Randomness},
};
use frame_system::EnsureRoot;
use pallet_verification::trial::Trial;
use sp_core::{ed25519::Pair, sr25519, Pair as _};
use sp_runtime::{traits::IdentityLookup, AccountId32, BuildStorage, DispatchResult};
use std::{
	collections::{BTreeMap, BTreeSet},
	sync::OnceLock,
};

pub type AccountId = AccountId32;
type Block = frame_system::mocking::MockBlockU32<Test>;

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
	pub type System = frame_system::Pallet<Test>;

	#[runtime::pallet_index(1)]
	pub type Verification = pallet_verification::Pallet<Test>;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId;
	type Lookup = IdentityLookup<AccountId>;
}

pub const DRAW: u32 = 3;
pub const TALLY: u32 = 5;
pub const SUMMON: u32 = 6;
pub const VERIFY: u32 = 20;
pub const REVEAL: u32 = 10;
pub const TIEBREAK: u32 = 30;
pub const DISPUTE: u32 = 7;
pub const PER_BLOCK: u32 = 3;
/// Three operators within 600 blocks and a tenth of the jobs trip a breaker, which waits for 1,000 blocks.
pub const RULES: Rules = Rules {
	window: 600,
	term: 1_000,
	operators: 3,
	share_percent: 10,
};

impl pallet_verification::Config for Test {
	type Workers = Pool;
	type Models = Catalogue;
	type Jobs = Jobs;
	type Randomness = Dice;
	type LeastCheck = ConstU32<100_000>;
	type DrawBlocks = ConstU32<DRAW>;
	type TallyBlocks = ConstU32<TALLY>;
	type SummonBlocks = ConstU32<SUMMON>;
	type VerifyBlocks = ConstU32<VERIFY>;
	type RevealBlocks = ConstU32<REVEAL>;
	type TiebreakBlocks = ConstU32<TIEBREAK>;
	type DisputeBlocks = ConstU32<DISPUTE>;
	type MaxTrialsPerBlock = ConstU32<PER_BLOCK>;
	type Breaker = Breaker;
	type BreakerOrigin = EnsureRoot<AccountId>;
	type WeightInfo = ();
	#[cfg(feature = "runtime-benchmarks")]
	type BenchmarkSetup = ();
}

/// One call of `WorkerPool::slash`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Slash {
	pub who: AccountId,
	pub pay: u128,
	pub ground: Ground,
	pub exact: bool,
	pub user: AccountId,
	pub convicted_by: Vec<AccountId>,
}

/// One call of `WorkerPool::draw_verifier`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draw {
	pub seed: Digest,
	pub excluded: Vec<AccountId>,
	pub memory: u64,
}

parameter_types! {
	pub const Breaker: Rules = RULES;

	/// Workers that may be drawn, in this order; every other account up to 250 is a mere worker.
	pub static Verifiers: Vec<AccountId> = vec![];
	/// Workers that another operator than their own runs.
	pub static Operators: BTreeMap<AccountId, AccountId> = BTreeMap::new();
	/// Workers that are registered and unbonding.
	pub static Inactive: BTreeSet<AccountId> = BTreeSet::new();
	/// What everybody's work says of it: without any, every job is checked.
	pub static Trusted: Trust = Trust { passed: 0, rank: 0, room: 0 };
	/// Workers that missed their latest deadline.
	pub static Late: BTreeSet<AccountId> = BTreeSet::new();
	/// Jobs that name an adapter.
	pub static Adapters: BTreeSet<JobId> = BTreeSet::new();
	/// Bonds other than 1000.
	pub static Bonds: BTreeMap<AccountId, u128> = BTreeMap::new();
	pub static Unverified: Vec<(AccountId, u128)> = vec![];
	pub static Engaged: Vec<AccountId> = vec![];
	pub static Released: Vec<(AccountId, Verdict)> = vec![];
	pub static Slashes: Vec<Slash> = vec![];
	/// Calls of `WorkerPool::withheld`.
	pub static Forfeits: Vec<(AccountId, u128, Option<AccountId>)> = vec![];
	/// Calls of `WorkerPool::acquit`.
	pub static Acquitted: Vec<(AccountId, u128, Option<Ground>)> = vec![];
	pub static Draws: Vec<Draw> = vec![];
	pub static Replies: Vec<(JobId, u32, Vec<u8>)> = vec![];
	pub static Concluded: Vec<(JobId, u32, Conclusion<AccountId>)> = vec![];
	/// The constants of the model's layers: where there are any, it is exact.
	pub static Constants: Option<ModelConstants> = None;
	/// Whether the model is exact without them: then nothing can be disputed.
	pub static Exact: bool = false;
	pub static Facts: BTreeMap<JobId, JobFacts<AccountId>> = BTreeMap::new();
}

/// The registered workers. Everybody is its own operator, shifted by 100.
pub struct Pool;

impl WorkerPool<AccountId, u128, u32> for Pool {
	fn worker(who: &AccountId) -> Option<Worker<AccountId, u128, u32>> {
		let number = number(who);
		let inactive = Inactive::get().contains(who);
		(number < 100).then(|| Worker {
			operator: Operators::get()
				.get(who)
				.cloned()
				.unwrap_or(acc(number + 100)),
			state: if inactive {
				WorkerState::Unbonding(9)
			} else {
				WorkerState::Active
			},
			bond: Bonds::get().get(who).copied().unwrap_or(1000),
			spec: WorkerSpec {
				peer_id: bytes(&peer(who)),
				addresses: vec![bytes(format!("/ip4/10.0.0.{number}/tcp/1").as_bytes())]
					.try_into()
					.unwrap(),
				roles: Roles {
					entry: true,
					miner: true,
					verifier: true,
				},
				memory: 1 << 30,
				price: 1,
			},
			open_jobs: 0,
			passed: 0,
			faults: 0,
			cheats: 0,
		})
	}

	fn draw_verifier(seed: Digest, excluded: &[AccountId], memory: u64) -> Option<AccountId> {
		Draws::mutate(|all| {
			all.push(Draw {
				seed,
				excluded: excluded.to_vec(),
				memory,
			})
		});
		let operator = |who: &AccountId| Self::worker(who).map(|worker| worker.operator);
		Verifiers::get()
			.into_iter()
			.find(|who| operator(who).is_some_and(|operator| !excluded.contains(&operator)))
	}

	fn is_late(who: &AccountId) -> bool {
		Late::get().contains(who)
	}

	fn trust(_: &AccountId) -> Trust {
		Trusted::get()
	}

	fn unverified(who: &AccountId, pay: u128) {
		Unverified::mutate(|all| all.push((who.clone(), pay)));
	}

	fn engage(who: &AccountId) {
		Engaged::mutate(|all| all.push(who.clone()));
	}

	fn release(who: &AccountId, verdict: Verdict) {
		Released::mutate(|all| all.push((who.clone(), verdict)));
	}

	fn withheld(who: &AccountId, pay: u128, user: Option<&AccountId>) -> u128 {
		Forfeits::mutate(|all| all.push((who.clone(), pay, user.cloned())));
		pay
	}

	fn slash(who: &AccountId, conviction: &Conviction<AccountId>) -> u128 {
		let slash = Slash {
			who: who.clone(),
			pay: conviction.pay,
			ground: conviction.ground,
			exact: conviction.exact,
			user: conviction.user.clone(),
			convicted_by: conviction.convicted_by.to_vec(),
		};
		Slashes::mutate(|all| all.push(slash));
		conviction.pay
	}

	fn acquit(who: &AccountId, amount: u128, ground: Option<Ground>) -> u128 {
		Acquitted::mutate(|all| all.push((who.clone(), amount, ground)));
		amount
	}
}

/// The catalogue: model 0 has four layers.
pub struct Catalogue;

impl ModelCatalog<AccountId> for Catalogue {
	fn model(id: ModelId) -> Option<Model<AccountId>> {
		(id == 0).then(|| Model {
			id,
			owner: acc(200),
			state: ModelState::Active,
			spec: match Constants::get() {
				None if Exact::get() => ModelSpec {
					profile: Profile::Exact,
					..spec()
				},
				None => spec(),
				constants => {
					let mut spec = ModelSpec {
						profile: Profile::Exact,
						constants,
						..spec()
					};
					// So few operations that a trace takes no time.
					let layers = spec.layers.iter_mut();
					layers.for_each(|layer| layer.flops_per_token = 100_000_000);
					spec
				}
			},
		})
	}
}

pub fn spec() -> ModelSpec {
	let layer = |n: u8| Shard {
		hash: Digest::repeat_byte(n),
		bytes: 1000,
		flops_per_token: 1_000_000_000,
		kv_bytes_per_token: 10,
	};
	ModelSpec {
		name: bytes(b"mock"),
		licence: bytes(b"MIT"),
		manifest_root: Digest::repeat_byte(1),
		tokenizer_hash: Digest::repeat_byte(2),
		profile: Profile::F32,
		hidden_size: 8,
		max_context: 256,
		embed: Shard {
			bytes: 300,
			flops_per_token: 500_000_000,
			..layer(3)
		},
		layers: (10..14).map(layer).collect::<Vec<_>>().try_into().unwrap(),
		head: Shard {
			bytes: 400,
			..layer(4)
		},
		constants: None,
	}
}

/// The jobs, which hear of trials.
pub struct Jobs;

impl OnVerdict<AccountId> for Jobs {
	fn answered(job: JobId, tokens: u32, reply: Bytes<MAX_INLINE>) {
		Replies::mutate(|all| all.push((job, tokens, reply.into_inner())));
	}

	fn concluded(job: JobId, conclusion: Conclusion<AccountId>) {
		let closed = Verification::phase(job) == Some(Phase::Closed);
		assert!(
			closed,
			"the record must be closed before the job hears of it"
		);
		Concluded::mutate(|all| all.push((job, System::block_number(), conclusion)));
	}
}

impl JobBook<AccountId> for Jobs {
	fn facts(job: JobId) -> Option<JobFacts<AccountId>> {
		Facts::get().get(&job).cloned()
	}

	fn asked(job: JobId) -> Digest {
		Digest::from_low_u64_be(job)
	}

	fn adapter(job: JobId) -> Option<Digest> {
		let named = Adapters::get().contains(&job);
		named.then(|| Digest::repeat_byte(0xAD))
	}
}

/// Randomness that depends on the block and the subject.
pub struct Dice;

impl Randomness<Digest, u32> for Dice {
	fn random(subject: &[u8]) -> (Digest, u32) {
		let now = System::block_number();
		let mut seed = subject.to_vec();
		seed.extend(now.to_le_bytes());
		(sp_io::hashing::blake2_256(&seed).into(), now)
	}
}

/// The key of account number `n`.
pub fn pair(n: u8) -> sr25519::Pair {
	sr25519::Pair::from_seed(&[n; 32])
}

fn accounts() -> &'static [AccountId] {
	static ALL: OnceLock<Vec<AccountId>> = OnceLock::new();
	ALL.get_or_init(|| (0..=u8::MAX).map(|n| pair(n).public().into()).collect())
}

/// Account number `n`.
pub fn acc(n: u8) -> AccountId {
	accounts()[usize::from(n)].clone()
}

/// The number of an account.
pub fn number(who: &AccountId) -> u8 {
	let place = accounts().iter().position(|account| account == who);
	place.unwrap() as u8
}

/// The network key of a worker, or of anybody.
pub fn key(who: &AccountId) -> Pair {
	Pair::from_seed(&[number(who); 32])
}

/// The identity of that key in the network of workers.
pub fn peer(who: &AccountId) -> Vec<u8> {
	[&[0, 36, 8, 1, 18, 32], key(who).public().as_ref() as &[u8]].concat()
}

pub fn bytes<const N: u32>(text: &[u8]) -> Bytes<N> {
	text.to_vec().try_into().unwrap()
}

/// Runs a test on a fresh chain and fresh neighbours, and checks the state at its end.
pub fn execute(test: impl FnOnce()) {
	Verifiers::set(vec![acc(90), acc(91)]);
	Inactive::set(BTreeSet::new());
	Operators::set(BTreeMap::new());
	Trusted::set(Trust::default());
	Unverified::set(vec![]);
	Engaged::set(vec![]);
	Released::set(vec![]);
	Slashes::set(vec![]);
	Forfeits::set(vec![]);
	Acquitted::set(vec![]);
	Draws::set(vec![]);
	Replies::set(vec![]);
	Concluded::set(vec![]);
	Facts::set(BTreeMap::new());
	Constants::set(None);
	Exact::set(false);
	Late::set(BTreeSet::new());
	Adapters::set(BTreeSet::new());
	Bonds::set(BTreeMap::new());
	let storage = frame_system::GenesisConfig::<Test>::default()
		.build_storage()
		.unwrap();
	sp_io::TestExternalities::new(storage).execute_with(|| {
		System::set_block_number(1);
		test();
		Verification::do_try_state().unwrap();
	});
}

/// Lets blocks pass until block `end` has begun, and checks the state in each.
pub fn run_to(end: u32) {
	while System::block_number() < end {
		let next = System::block_number() + 1;
		System::set_block_number(next);
		Verification::on_initialize(next);
		Verification::do_try_state().unwrap();
	}
}

pub const CLIENT: u8 = 201;
pub const CEILING: u32 = 64;
/// Rows that an honest job passes.
pub const ROWS: u32 = 20;
/// Block by which the leads of a test job must have committed.
pub const RUN_UNTIL: u32 = 40;

/// Workers of a stage: 10, 11, … for the entry, 20, 21, … for the first segment, and so on.
pub fn workers(stage: StageIndex, replicas: u8) -> Vec<AccountId> {
	(0..replicas).map(|at| acc(10 * (stage + 1) + at)).collect()
}

/// An awarded public job on a ring of the entry and two segments, with so many workers a stage.
pub fn award(job: JobId, replicas: u8) -> Award<AccountId, u32> {
	let segment = |stage: u8, start, end| Segment {
		layers: LayerRange { start, end },
		replicas: workers(stage, replicas).try_into().unwrap(),
	};
	Award {
		job,
		client: acc(CLIENT),
		pipeline: Pipeline {
			id: 5,
			state: PipelineState::Live,
			plan: Plan {
				model: 0,
				slots: 4,
				entries: workers(ENTRY_STAGE, replicas).try_into().unwrap(),
				segments: vec![segment(1, 0, 2), segment(2, 2, 4)].try_into().unwrap(),
			},
			stage_prices: vec![7, 3, 4].try_into().unwrap(),
			cost: 0,
			open_jobs: 1,
			load: Default::default(),
		},
		rows_ceiling: CEILING,
		own_entry: false,
		assurance: Assurance::Standard,
		run_until: RUN_UNTIL,
	}
}

/// Opens a trial of a public job on the ring of [`award`] with two workers a stage.
pub fn open(job: JobId) {
	open_with(award(job, 2)).unwrap();
}

/// The same for a sealed job.
pub fn open_sealed(job: JobId) {
	open_with(Award {
		own_entry: true,
		..award(job, 2)
	})
	.unwrap();
}

pub fn open_with(award: Award<AccountId, u32>) -> DispatchResult {
	let body = if award.own_entry {
		Body::Sealed {
			hash: Digest::repeat_byte(9),
			prompt_tokens: 8,
			entry: bytes(b"user"),
		}
	} else {
		Body::Inline(bytes(b"What is a ring?"))
	};
	let limits = Limits {
		max_tokens: 16,
		temperature_milli: 0,
		top_p_milli: 1000,
		seed: 1,
		stop: Default::default(),
	};
	let facts = JobFacts {
		client: award.client.clone(),
		model: 0,
		body,
		limits,
		assurance: award.assurance,
		options: Default::default(),
	};
	Facts::mutate(|all| all.insert(award.job, facts));
	Verification::open(award)
}

pub fn trial(job: JobId) -> Trial<AccountId, u32> {
	pallet_verification::Trials::<Test>::get(job).unwrap()
}

pub fn phase(job: JobId) -> Phase {
	trial(job).phase
}

/// The worker that has a part in a stage.
pub fn worker(job: JobId, stage: StageIndex, part: Part) -> AccountId {
	let trial = trial(job);
	let stage = trial.stage(stage).unwrap();
	let found = stage.participants().find(|(its, _)| *its == part);
	found.unwrap().1.worker.clone()
}

/// The verdict on the worker that has a part in a stage.
pub fn verdict(job: JobId, stage: StageIndex, part: Part) -> Option<Verdict> {
	let trial = trial(job);
	let mut parts = trial.stage(stage).unwrap().participants();
	parts
		.find(|(its, _)| *its == part)
		.and_then(|(_, p)| p.verdict)
}

/// The reply that the entry's lead posts, and its tokens.
pub const REPLY: &[u8] = b"A ring.";
pub const TOKENS: u32 = 4;

/// Digest of the shards of a stage.
pub fn shards(stage: StageIndex) -> Digest {
	let spec = spec();
	match stage {
		ENTRY_STAGE => shards_root([&spec.embed.hash, &spec.head.hash]),
		_ => {
			let (start, end) = (2 * u16::from(stage) - 2, 2 * u16::from(stage));
			let layers = spec.segment(LayerRange { start, end });
			shards_root(layers.iter().map(|shard| &shard.hash))
		}
	}
}

/// What an honest worker of a stage tells: the rows that it sends are the rows that the next receives.
pub fn honest(stage: StageIndex) -> Roots {
	let boundary = |link: u8| Digest::repeat_byte(100 + link);
	Roots {
		class: Digest::repeat_byte(1),
		weights: shards(stage),
		input: boundary((stage + 2) % 3),
		output: boundary(stage),
		result: if stage == ENTRY_STAGE {
			result_hash(TOKENS, REPLY)
		} else {
			Digest::zero()
		},
		rows: ROWS,
	}
}

/// An opening of `roots` with a salt of the worker's own.
pub fn opening(who: &AccountId, roots: Roots) -> Opening {
	Opening {
		salt: Digest::repeat_byte(number(who)),
		roots,
	}
}

/// The commitment of a worker to `roots`.
pub fn digest(job: JobId, stage: StageIndex, who: &AccountId, roots: Roots) -> Digest {
	commitment(job, stage, AsRef::<[u8]>::as_ref(who), &opening(who, roots))
}
