//! Every call of our pallets weighs something and leaves room for others, and what the chain does by itself
//! fits a block even where every list is full.

use dllm_primitives::{
	breaker::Scope,
	capacity::{Offer, Terms},
	commitment::{Opening, Roots},
	cost::{link::LinkFigures, DeviceFigures, Workload},
	dispute::Move,
	hop::Shown,
	ids::{Digest, MAX_STAGES},
	job::{Assurance, Body, Limits, Options},
	miner::{Roles, WorkerSpec},
	model::{AdapterSpec, ModelSpec, Profile, Shard},
	plan::Plan,
	summons::Proof,
};
use dllm_runtime::{constants::block::MAX_WEIGHT, AccountId, Runtime, RuntimeCall};
use frame_support::{
	dispatch::GetDispatchInfo,
	traits::{Get, GetCallMetadata, GetCallName},
	weights::Weight,
};
use pallet_allocation::WeightInfo as _;
use pallet_auctions::WeightInfo as _;
use pallet_jobs::WeightInfo as _;
use pallet_poaw::WeightInfo as _;
use pallet_verification::WeightInfo as _;

type Allocation = <Runtime as pallet_allocation::Config>::WeightInfo;
type Auctions = <Runtime as pallet_auctions::Config>::WeightInfo;
type Jobs = <Runtime as pallet_jobs::Config>::WeightInfo;
type Poaw = <Runtime as pallet_poaw::Config>::WeightInfo;
type Verification = <Runtime as pallet_verification::Config>::WeightInfo;

/// Cheaper than reading and writing one item it cannot be; picoseconds.
const LEAST: u64 = 10_000_000;

fn someone() -> AccountId {
	AccountId::from([1; 32])
}

fn spec(layers: usize) -> ModelSpec {
	let shard = Shard {
		hash: Digest::zero(),
		bytes: 1,
		flops_per_token: 1,
		kv_bytes_per_token: 1,
	};
	ModelSpec {
		name: Default::default(),
		licence: Default::default(),
		manifest_root: Digest::zero(),
		tokenizer_hash: Digest::zero(),
		profile: Profile::F32,
		hidden_size: 1,
		max_context: 1,
		embed: shard,
		layers: vec![shard; layers].try_into().unwrap(),
		head: shard,
		constants: None,
	}
}

fn worker() -> WorkerSpec {
	WorkerSpec {
		peer_id: Default::default(),
		addresses: Default::default(),
		roles: Roles {
			entry: true,
			miner: true,
			verifier: true,
		},
		memory: 1,
		price: 1,
	}
}

fn model_calls() -> Vec<RuntimeCall> {
	use pallet_models::Call;
	[
		Call::register { spec: spec(256) },
		Call::activate { model: 0 },
		Call::retire { model: 0 },
		Call::register_adapter {
			model: 0,
			spec: AdapterSpec {
				name: Default::default(),
				licence: Default::default(),
				manifest_root: Digest::zero(),
				rank: 1,
				bytes: 1,
			},
		},
		Call::retire_adapter { adapter: 0 },
	]
	.map(RuntimeCall::Models)
	.into()
}

fn miner_calls() -> Vec<RuntimeCall> {
	use pallet_miners::Call;
	[
		Call::register {
			operator: None,
			spec: worker(),
			bond: 1,
		},
		Call::accept_worker { worker: someone() },
		Call::update { spec: worker() },
		Call::bond_extra { amount: 1 },
		Call::unbond {},
		Call::rebond {},
		Call::withdraw {},
		Call::report_links {
			links: Default::default(),
		},
	]
	.map(RuntimeCall::Miners)
	.into()
}

fn job_calls() -> Vec<RuntimeCall> {
	use pallet_jobs::Call;
	let limits = Limits {
		max_tokens: 1,
		temperature_milli: 0,
		top_p_milli: 1_000,
		seed: 0,
		stop: Default::default(),
	};
	[
		Call::submit {
			model: 0,
			body: Body::Inline(Default::default()),
			limits: limits.clone(),
			max_price: 1,
			deadline_blocks: 5,
			assurance: Assurance::Full,
		},
		Call::submit_with {
			model: 0,
			body: Body::Inline(Default::default()),
			limits,
			max_price: 1,
			deadline_blocks: 5,
			assurance: Assurance::Full,
			options: Options::default(),
		},
		Call::cancel { job: 0 },
	]
	.map(RuntimeCall::Jobs)
	.into()
}

fn allocation_calls() -> Vec<RuntimeCall> {
	use pallet_allocation::Call;
	let plan = Plan {
		model: 0,
		slots: 1,
		entries: Default::default(),
		segments: Default::default(),
	};
	[
		Call::submit_plan { plan: plan.clone() },
		Call::ready { pipeline: 0 },
		Call::leave { pipeline: 0 },
		Call::close { pipeline: 0 },
		Call::compete { plan, score: 1 },
	]
	.map(RuntimeCall::Allocation)
	.into()
}

const TERMS: Terms = Terms {
	replicas: 2,
	jobs: 1,
	reserve: 1,
	deposit: 1,
	commit_blocks: 1,
	reveal_blocks: 1,
	plan_blocks: 1,
	workload: Workload {
		prompt_tokens: 1,
		new_tokens: 1,
		sessions: 1,
		row_bytes: 1,
		packet_bytes: 1,
	},
	link: LinkFigures {
		latency_us: 1,
		jitter_us: 0,
		loss_ppm: 0,
		bytes_per_second: 1_000,
		efficiency_ppm: 1_000_000,
	},
};

fn auction_calls() -> Vec<RuntimeCall> {
	use pallet_auctions::Call;
	let (model, salt) = (0, Digest::zero());
	let device = DeviceFigures {
		flops_per_second: 1,
		memory_bytes_per_second: 1,
		download_bytes_per_second: 1,
		failure_ppm: 0,
	};
	let offer = Offer {
		ask: 1,
		capacity: 1,
		device,
	};
	[
		Call::open_round {
			model,
			terms: TERMS,
		},
		Call::commit { model, seal: salt },
		Call::reveal { model, offer, salt },
	]
	.map(RuntimeCall::Auctions)
	.into()
}

fn verification_calls() -> Vec<RuntimeCall> {
	use pallet_verification::Call;
	let (job, stage, commitment) = (0, 0, Digest::zero());
	let roots = Roots::default();
	let scope = Scope::Model(0);
	let opening = Opening {
		salt: Digest::zero(),
		roots,
	};
	[
		Call::commit {
			job,
			stage,
			commitment,
		},
		Call::commit_reply {
			job,
			commitment,
			tokens: 1,
			reply: Default::default(),
		},
		Call::reveal {
			job,
			stage,
			opening,
		},
		Call::attest { job, stage, roots },
		Call::dispute {
			job,
			stage,
			made: Move::Nodes(Vec::new()),
		},
		Call::report_withheld { job, stage },
		Call::report_tally {
			job,
			stage,
			tally: Default::default(),
		},
		Call::summon {
			job,
			stage,
			proof: Proof {
				output: Digest::zero(),
				proof: Default::default(),
			},
		},
		Call::show_receipt {
			job,
			receipt: Shown {
				boundary: stage,
				rows: 1,
				root: Digest::zero(),
				sender: Some(Default::default()),
				receiver: Some(Default::default()),
			},
		},
		Call::show_rows {
			job,
			stage,
			rows: Default::default(),
		},
		Call::set_tolerance {
			a: Digest::zero(),
			b: Digest::repeat_byte(1),
			tolerance: None,
		},
		Call::uphold { scope },
		Call::pardon {
			scope,
			but: Default::default(),
		},
	]
	.map(RuntimeCall::Verification)
	.into()
}

fn poaw_calls() -> Vec<RuntimeCall> {
	type Call = pallet_poaw::Call<Runtime>;
	let propose = Call::propose_link {
		validator: someone(),
	};
	let accept = Call::accept_link { worker: someone() };
	let end = Call::end_link { worker: someone() };
	let rules = Call::set_rules {
		rules: Default::default(),
	};
	vec![propose.into(), accept.into(), end.into(), rules.into()]
}

/// Every call of a pallet, by the names that the pallet gives.
fn all_of<Call: GetCallName>(calls: Vec<RuntimeCall>) -> Vec<RuntimeCall> {
	let mut named: Vec<_> = calls
		.iter()
		.map(|call| call.get_call_metadata().function_name)
		.collect();
	let mut names = Call::get_call_names().to_vec();
	named.sort_unstable();
	names.sort_unstable();
	assert_eq!(named, names);
	calls
}

#[test]
fn no_call_of_ours_is_free_or_takes_half_a_block() {
	let calls = [
		all_of::<pallet_models::Call<Runtime>>(model_calls()),
		all_of::<pallet_miners::Call<Runtime>>(miner_calls()),
		all_of::<pallet_jobs::Call<Runtime>>(job_calls()),
		all_of::<pallet_auctions::Call<Runtime>>(auction_calls()),
		all_of::<pallet_allocation::Call<Runtime>>(allocation_calls()),
		all_of::<pallet_verification::Call<Runtime>>(verification_calls()),
		all_of::<pallet_poaw::Call<Runtime>>(poaw_calls()),
	];
	for call in calls.concat() {
		let weight = call.get_dispatch_info().call_weight.ref_time();
		let name = call.get_call_metadata();
		assert!(weight >= LEAST, "{name:?} weighs {weight}");
		assert!(
			weight <= MAX_WEIGHT.ref_time() / 2,
			"{name:?} weighs {weight}"
		);
	}
}

#[test]
fn a_full_auction_and_the_sweep_fit_a_block() {
	let considered: u32 = <Runtime as pallet_auctions::Config>::MaxConsidered::get();
	let awards: u32 = <Runtime as pallet_auctions::Config>::MaxAwards::get();
	// Each job may ask for another model.
	let auction = Auctions::consider(considered)
		.saturating_add(Auctions::model().saturating_mul(considered.into()))
		.saturating_add(Auctions::award().saturating_mul(awards.into()));
	let idle = auction.saturating_add(Allocation::sweep());
	assert!(idle.all_lte(MAX_WEIGHT), "{idle:?}");
}

#[test]
fn a_block_in_which_everything_is_due_can_be_built() {
	let places: u32 = <Runtime as pallet_jobs::Config>::AgendaSize::get();
	let trials: u32 = <Runtime as pallet_verification::Config>::MaxTrialsPerBlock::get();
	let dearest = Verification::expire(MAX_STAGES).max(Verification::expire_and_draw(MAX_STAGES));
	let bidders: u32 = <Runtime as pallet_auctions::Config>::MaxBidders::get();
	let round = Auctions::clear_round(bidders).max(Auctions::close_round(bidders));
	let due = Jobs::on_initialize(places, places)
		.saturating_add(round)
		.saturating_add(Verification::expire_none())
		.saturating_add(dearest.saturating_mul(trials.into()));
	assert!(due.all_lte(MAX_WEIGHT), "{due:?}");
}

/// The largest election takes less than the other half.
#[test]
fn the_turn_of_a_session_takes_less_than_half_a_block() {
	let validators: u32 = <Runtime as pallet_babe::Config>::MaxAuthorities::get();
	let turn = Poaw::turn(validators);
	assert!(turn.ref_time() < MAX_WEIGHT.ref_time() / 2, "{turn:?}");
}

#[test]
fn a_thousand_bids_are_cleared_in_a_tenth_of_a_block() {
	let bidders: u32 = <Runtime as pallet_auctions::Config>::MaxBidders::get();
	assert_eq!(bidders, 1_000);
	let tenth = MAX_WEIGHT.ref_time() / 10;
	assert!(Auctions::clear_round(bidders).ref_time() <= tenth);
	assert!(Auctions::close_round(bidders).ref_time() <= tenth);
}

/// The longest claim of a dispute, and the widest level of digests.
#[test]
fn a_move_of_a_dispute_takes_less_than_a_tenth_of_a_block() {
	let tenth = MAX_WEIGHT.ref_time() / 10;
	assert!(Verification::dispute_claim().ref_time() <= tenth);
	assert!(Verification::dispute_level().ref_time() <= tenth);
}

#[test]
fn a_ring_of_three_stages_takes_a_small_part_of_a_block() {
	let steps = [
		Verification::commit(3).saturating_mul(5),
		Verification::commit_reply(3),
		Verification::reveal(3).saturating_mul(6),
		Auctions::award(),
		Jobs::submit(),
	];
	let job = steps
		.into_iter()
		.fold(Weight::zero(), |sum, step| sum.saturating_add(step));
	assert!(job.ref_time() <= MAX_WEIGHT.ref_time() / 20, "{job:?}");
}
