//! Who plays: a model of four layers, four miners in two segments, two entries, one verifier; and the
//! steps of the walk as each of them takes it.

use crate::chain::{account, pair, Chain};
use codec::Encode;
use dllm_primitives::{
	commitment::{self, Opening, Roots},
	ids::{Digest, JobId, ModelId, PipelineId, StageIndex},
	job::{Assurance, Body, Limits, OnFailure, Options},
	miner::{Roles, WorkerSpec},
	model::{LayerRange, ModelSpec, Profile, Shard},
	plan::{Plan, Segment},
	stall::Tally,
	summons::{self, Proof},
};
use dllm_runtime::{
	constants::money::DLLM, views, AccountId, Balance, Balances, Runtime, RuntimeCall, RuntimeEvent,
};
use frame_support::traits::Get;
use sp_core::{crypto::VrfSecret, ed25519, Pair};
use sp_io::hashing::blake2_256;

/// The first model, pipeline and job of a chain.
pub const MODEL: ModelId = 0;
pub const PIPELINE: PipelineId = 0;
pub const JOB: JobId = 0;

pub const ENTRIES: [&str; 2] = ["Entry1", "Entry2"];
pub const FIRST_SEGMENT: [&str; 2] = ["Miner1", "Miner2"];
pub const SECOND_SEGMENT: [&str; 2] = ["Miner3", "Miner4"];
pub const VERIFIER: &str = "Verifier1";
pub const USER: &str = "User";
/// Workers of the stages of a ring.
pub const STAGES: [[&str; 2]; 3] = [ENTRIES, FIRST_SEGMENT, SECOND_SEGMENT];

/// Bond of every worker.
pub const BOND: Balance = 1_000 * DLLM;
/// What a segment of the first pipeline is paid at the ceiling of 200 rows: 0.8 DLLM.
pub const MOST_PAY: Balance = DLLM / 10 * 8;
/// What one loses there that is convicted by proof.
pub const SLASH: Balance = 300 * MOST_PAY;
/// What one loses that two others outvote, where every job is checked.
pub const OUTVOTED: Balance = BOND / 10;
/// What every worker asks for a GFLOP.
pub const PRICE: Balance = DLLM;
/// Ceiling that the user offers.
pub const MAX_PRICE: Balance = 5 * DLLM;
/// Blocks that the user gives the job.
pub const DEADLINE: u32 = 20;
/// Rows that pass in a served job; its ceiling is 200.
pub const ROWS: u32 = 61;
/// The prompt: with the template's 32 and 152 new tokens a ceiling of 200 rows.
pub const PROMPT: &[u8] = b"What is a chain?";
pub const NEW_TOKENS: u32 = 152;

/// 10 MFLOP a token: 2 in the head, 2 in each of four layers.
pub fn model() -> ModelSpec {
	let shard = |seed: u8, mflop: u64| Shard {
		hash: Digest::repeat_byte(seed),
		bytes: 1_000_000,
		flops_per_token: mflop * 1_000_000,
		kv_bytes_per_token: 1_024,
	};
	ModelSpec {
		name: b"tiny".to_vec().try_into().unwrap(),
		licence: b"Apache-2.0".to_vec().try_into().unwrap(),
		manifest_root: Digest::repeat_byte(0xAA),
		tokenizer_hash: Digest::repeat_byte(0xBB),
		profile: Profile::F32,
		hidden_size: 64,
		max_context: 512,
		embed: shard(1, 0),
		layers: (2..6)
			.map(|seed| shard(seed, 2))
			.collect::<Vec<_>>()
			.try_into()
			.unwrap(),
		head: shard(6, 2),
		constants: None,
	}
}

/// The plan: two segments of two layers, two jobs at once.
pub fn plan() -> Plan<AccountId> {
	let group = |workers: [&str; 2]| workers.map(account).to_vec().try_into().unwrap();
	let segment = |start, end, workers| Segment {
		layers: LayerRange { start, end },
		replicas: group(workers),
	};
	let segments = vec![segment(0, 2, FIRST_SEGMENT), segment(2, 4, SECOND_SEGMENT)];
	Plan {
		model: MODEL,
		slots: 2,
		entries: group(ENTRIES),
		segments: segments.try_into().unwrap(),
	}
}

/// What a worker declares.
pub fn worker(name: &str) -> WorkerSpec {
	WorkerSpec {
		peer_id: peer(name),
		addresses: vec![b"/ip4/127.0.0.1/tcp/4001".to_vec().try_into().unwrap()]
			.try_into()
			.unwrap(),
		roles: Roles {
			entry: ENTRIES.contains(&name),
			miner: name.starts_with("Miner"),
			verifier: name == VERIFIER,
		},
		memory: 1 << 30,
		price: PRICE,
	}
}

/// The key with which somebody signs in the network of workers.
pub fn network_key(name: &str) -> ed25519::Pair {
	ed25519::Pair::from_seed(&blake2_256(name.as_bytes()))
}

/// Its identity there: a multihash that is the key itself.
pub fn peer(name: &str) -> dllm_primitives::ids::PeerId {
	let key = network_key(name).public();
	let identity = [&[0x00, 0x24, 0x08, 0x01, 0x12, 0x20], &key.0[..]].concat();
	identity.try_into().unwrap()
}

/// Makes a block in which a worker registers.
pub fn register(name: &str) -> (&str, RuntimeCall) {
	let call = pallet_miners::Call::register {
		operator: None,
		spec: worker(name),
		bond: BOND,
	};
	(name, call.into())
}

/// A chain with the model active and no pipeline.
pub fn with_model() -> Chain {
	with(model())
}

/// The same with another model.
fn with(model: ModelSpec) -> Chain {
	let mut chain = Chain::new();
	let register = pallet_models::Call::register { spec: model };
	chain.block([("Alice", register.into())]);
	chain.block([(
		"Alice",
		pallet_models::Call::activate { model: MODEL }.into(),
	)]);
	chain
}

/// A chain whose pipeline takes jobs.
pub fn with_pipeline() -> Chain {
	with_pipeline_of(model())
}

/// The same with another model.
pub fn with_pipeline_of(model: ModelSpec) -> Chain {
	let mut chain = with(model);
	let [e1, e2] = ENTRIES.map(register);
	let [m1, m2] = FIRST_SEGMENT.map(register);
	let [m3, m4] = SECOND_SEGMENT.map(register);
	chain.block([e1, e2, m1, m2, m3, m4, register(VERIFIER)]);
	let submit = pallet_allocation::Call::submit_plan { plan: plan() };
	chain.block([("Bob", submit.into())]);
	let ready = |name| {
		(
			name,
			pallet_allocation::Call::ready { pipeline: PIPELINE }.into(),
		)
	};
	let [e1, e2] = ENTRIES.map(ready);
	let [m1, m2] = FIRST_SEGMENT.map(ready);
	let [m3, m4] = SECOND_SEGMENT.map(ready);
	chain.block([e1, e2, m1, m2, m3, m4]);
	chain
}

/// The user's call for a public prompt.
pub fn submit_public() -> (&'static str, RuntimeCall) {
	submit(
		Body::Inline(PROMPT.to_vec().try_into().unwrap()),
		MAX_PRICE,
		DEADLINE,
	)
}

/// The user's call for the same prompt, with options.
pub fn submit_public_with(options: Options) -> (&'static str, RuntimeCall) {
	let call = pallet_jobs::Call::submit_with {
		model: MODEL,
		body: Body::Inline(PROMPT.to_vec().try_into().unwrap()),
		limits: limits(),
		max_price: MAX_PRICE,
		deadline_blocks: DEADLINE,
		assurance: Assurance::Standard,
		options,
	};
	(USER, call.into())
}

/// The user's call for a sealed prompt, of which the user is the entry.
pub fn submit_sealed() -> (&'static str, RuntimeCall) {
	submit(sealed(), MAX_PRICE, DEADLINE)
}

/// The same, to be run again where it fails, within so many blocks.
pub fn submit_sealed_rerun(deadline_blocks: u32) -> (&'static str, RuntimeCall) {
	let call = pallet_jobs::Call::submit_with {
		model: MODEL,
		body: sealed(),
		limits: limits(),
		max_price: MAX_PRICE,
		deadline_blocks,
		assurance: Assurance::Standard,
		options: Options {
			on_failure: OnFailure::Rerun,
			adapter: None,
		},
	};
	(USER, call.into())
}

fn sealed() -> Body {
	Body::Sealed {
		hash: Digest::repeat_byte(0xCC),
		prompt_tokens: 48,
		entry: peer(USER),
	}
}

/// The user's call for any prompt.
pub fn submit(body: Body, max_price: Balance, deadline_blocks: u32) -> (&'static str, RuntimeCall) {
	let call = pallet_jobs::Call::submit {
		model: MODEL,
		body,
		limits: limits(),
		max_price,
		deadline_blocks,
		assurance: Assurance::Standard,
	};
	(USER, call.into())
}

fn limits() -> Limits {
	Limits {
		max_tokens: NEW_TOKENS,
		temperature_milli: 0,
		top_p_milli: 1000,
		seed: 7,
		stop: Default::default(),
	}
}

/// The reply of every public job, and its tokens.
pub const REPLY: &[u8] = b"A list of blocks.";
pub const TOKENS: u32 = 3;

/// What an honest worker of a stage opens. The rows of a link have the same root at both ends.
pub fn roots(stage: StageIndex) -> Roots {
	let spec = model();
	let link = |from: StageIndex| Digest::repeat_byte(0x10 + from);
	let (shards, input, result) = match stage {
		0 => (
			vec![spec.embed.hash, spec.head.hash],
			link(2),
			commitment::result_hash(TOKENS, REPLY),
		),
		_ => {
			let plan = plan();
			let layers = spec.segment(plan.layers_of(stage));
			(
				layers.iter().map(|layer| layer.hash).collect(),
				link(stage - 1),
				Digest::zero(),
			)
		}
	};
	Roots {
		class: Digest::repeat_byte(0xDD),
		weights: commitment::shards_root(&shards),
		input,
		output: link(stage),
		result,
		rows: ROWS,
	}
}

/// The same with a salt of the worker's own.
pub fn opening(who: &str, roots: Roots) -> Opening {
	Opening {
		salt: Digest::from(blake2_256(who.as_bytes())),
		roots,
	}
}

/// Digest that a worker commits to.
pub fn digest(who: &str, job: JobId, stage: StageIndex, roots: Roots) -> Digest {
	commitment::commitment(job, stage, &account(who).encode(), &opening(who, roots))
}

/// A worker's commitment to a stage; the first entry's comes with the reply.
pub fn commit(who: &str, job: JobId, stage: StageIndex, roots: Roots) -> (&str, RuntimeCall) {
	let commitment = digest(who, job, stage, roots);
	(
		who,
		pallet_verification::Call::commit {
			job,
			stage,
			commitment,
		}
		.into(),
	)
}

/// The commitment of the lead of the entry, with the reply.
pub fn commit_reply(who: &str, job: JobId, roots: Roots) -> (&str, RuntimeCall) {
	let commitment = digest(who, job, 0, roots);
	let reply = REPLY.to_vec().try_into().unwrap();
	(
		who,
		pallet_verification::Call::commit_reply {
			job,
			commitment,
			tokens: TOKENS,
			reply,
		}
		.into(),
	)
}

/// A worker's opening of its commitment.
pub fn reveal(who: &str, job: JobId, stage: StageIndex, roots: Roots) -> (&str, RuntimeCall) {
	let opening = opening(who, roots);
	(
		who,
		pallet_verification::Call::reveal {
			job,
			stage,
			opening,
		}
		.into(),
	)
}

/// A checker's word that neither end of the hop into its stage hands out the rows.
pub fn report_withheld(who: &str, job: JobId, stage: StageIndex) -> (&str, RuntimeCall) {
	(
		who,
		pallet_verification::Call::report_withheld { job, stage }.into(),
	)
}

/// A lead's word of how far its stage of a job came that is not over in time: rows that came to it, and that it sent.
pub fn report_tally(
	who: &str,
	job: JobId,
	stage: StageIndex,
	(received, sent): (u32, u32),
) -> (&str, RuntimeCall) {
	let tally = Tally {
		received: Some(received),
		sent: Some(sent),
		lost_next: false,
	};
	(
		who,
		pallet_verification::Call::report_tally { job, stage, tally }.into(),
	)
}

/// Lets the time pass that the leads of a job have to commit. Answers the events of all blocks.
pub fn overdue(chain: &mut Chain, job: JobId) -> Vec<RuntimeEvent> {
	let deadline = chain.read(|| views::route(job).unwrap().run_until);
	chain.skip_to(deadline + 1)
}

/// The same, and then the time that they have to tell how far they came: those that have not committed are silent.
pub fn overdue_in_silence(chain: &mut Chain, job: JobId) -> Vec<RuntimeEvent> {
	let before = overdue(chain, job);
	let blocks: u32 = <Runtime as pallet_verification::Config>::TallyBlocks::get();
	[before, chain.skip(blocks + 1)].concat()
}

/// A holder's lot over a stage, drawn with the key of its account.
pub fn summon<'a>(
	chain: &mut Chain,
	who: &'a str,
	job: JobId,
	stage: StageIndex,
) -> (&'a str, RuntimeCall) {
	let seed = chain.read(|| {
		let trial = pallet_verification::Trials::<Runtime>::get(job).unwrap();
		trial.drawn.unwrap().seed
	});
	let input = summons::transcript(seed, job, stage).into_sign_data();
	let proof = Proof::from(&pair(who).vrf_sign(&input));
	(
		who,
		pallet_verification::Call::summon { job, stage, proof }.into(),
	)
}

/// What a third worker found.
pub fn attest(who: &str, job: JobId, stage: StageIndex, roots: Roots) -> (&str, RuntimeCall) {
	(
		who,
		pallet_verification::Call::attest { job, stage, roots }.into(),
	)
}

/// Lets the blocks pass that lie between the last commitment of a lead and the draw. All workers are new, so
/// every job is checked, by the only other worker of each stage. Third workers have as many blocks before them.
pub fn drawn(chain: &mut Chain) {
	let blocks: u32 = <Runtime as pallet_verification::Config>::DrawBlocks::get();
	chain.skip(blocks + 1);
}

/// The draw passes, and the replicas of a job that was led by the first worker of every stage commit to what an honest
/// one has computed.
pub fn checked(chain: &mut Chain, job: JobId) {
	drawn(chain);
	chain.block([
		commit("Entry2", job, 0, roots(0)),
		commit("Miner2", job, 1, roots(1)),
		commit("Miner4", job, 2, roots(2)),
	]);
}

/// The replicas of an honest job check it and everybody opens; `job` was led by the first worker of every
/// stage.
pub fn check_and_reveal(chain: &mut Chain, job: JobId) {
	checked(chain, job);
	chain.block([
		reveal("Entry1", job, 0, roots(0)),
		reveal("Miner1", job, 1, roots(1)),
		reveal("Miner3", job, 2, roots(2)),
		reveal("Entry2", job, 0, roots(0)),
		reveal("Miner2", job, 1, roots(1)),
		reveal("Miner4", job, 2, roots(2)),
	]);
}

/// The first job of a chain, public, from submission to settlement.
pub fn serve_public(chain: &mut Chain) {
	chain.block([submit_public()]);
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner1", JOB, 1, roots(1)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	check_and_reveal(chain, JOB);
}

/// Everything that an account owns, on hold or not, in planck.
pub fn wealth(chain: &mut Chain, who: &AccountId) -> Balance {
	chain.read(|| {
		let data = frame_system::Account::<dllm_runtime::Runtime>::get(who).data;
		assert_eq!(data.free, Balances::free_balance(who));
		data.free + data.reserved
	})
}

/// Transaction fees that were charged in a block, in planck.
pub fn transaction_fee(events: &[RuntimeEvent]) -> Balance {
	use pallet_transaction_payment::Event::TransactionFeePaid;
	let fees = events.iter().map(|event| match event {
		RuntimeEvent::TransactionPayment(TransactionFeePaid { actual_fee, .. }) => *actual_fee,
		_ => 0,
	});
	fees.sum()
}
