//! What the chain tells the outside: views for wallets, RPC and the web, and the duties of a worker.
//!
//! A worker needs no event stream: it asks for its [`Duty`] list at every new block and acts on it, so a
//! restart or a lost connection costs it nothing but time. JSON is camelCase; balances are decimal
//! strings of planck, because JSON numbers lose digits above 2⁵³.

use crate::{
	capacity::{RoundId, Terms},
	commitment::Opening,
	compare::{Likeness, Tolerance},
	cost::DeviceFigures,
	dispute::{Record, Side, Standing},
	hop::Contradiction,
	ids::{AdapterId, Digest, JobId, ModelId, PipelineId, StageIndex},
	job::{Assurance, JobState, OnFailure},
	miner::Roles,
	model::{LayerRange, ModelConstants, ModelState, Profile, Shard},
	plan::PipelineState,
	stall::Tally,
	summons::Proof,
	verdict::{Part, Phase, Verdict},
};
use alloc::{string::String, vec::Vec};
use codec::{Decode, Encode};
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};
pub use sp_runtime::AccountId32;

/// Planck as a decimal string, and other integers that JSON numbers would lose digits of.
pub mod planck {
	use alloc::string::{String, ToString};
	use core::{fmt::Display, str::FromStr};
	use serde::{de::Error, Deserialize, Deserializer, Serializer};

	/// Writes an integer as a decimal string.
	pub fn serialize<N: Display, S: Serializer>(
		planck: &N,
		serializer: S,
	) -> Result<S::Ok, S::Error> {
		serializer.serialize_str(&planck.to_string())
	}

	/// Reads an integer from a decimal string.
	pub fn deserialize<'de, N: FromStr<Err: Display>, D: Deserializer<'de>>(
		deserializer: D,
	) -> Result<N, D::Error> {
		String::deserialize(deserializer)?
			.parse()
			.map_err(D::Error::custom)
	}
}

/// A model of the catalogue.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct ModelView {
	/// Its number.
	pub id: ModelId,
	/// Who registered it.
	pub owner: AccountId32,
	/// Where it stands.
	pub state: ModelState,
	/// Name for people.
	pub name: String,
	/// SPDX name of the licence.
	pub licence: String,
	/// blake3 of `manifest.json`.
	pub manifest_root: Digest,
	/// blake3 of `tokenizer.json`.
	pub tokenizer_hash: Digest,
	/// Numeric profile.
	pub profile: Profile,
	/// Width of a hidden row.
	pub hidden_size: u32,
	/// Tokens of a session at most.
	pub max_context: u32,
	/// Embedding shard.
	pub embed: Shard,
	/// Decoder layers.
	pub layers: Vec<Shard>,
	/// Head shard.
	pub head: Shard,
	/// What a dispute about one value is judged by; none where the profile is not exact. Left out of JSON:
	/// who needs it holds the shards and compares.
	#[serde(skip)]
	pub constants: Option<ModelConstants>,
	/// Adapters of the model, by number.
	#[serde(default)]
	pub adapters: Vec<AdapterView>,
}

/// An adapter of a model.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct AdapterView {
	/// Its number.
	pub id: AdapterId,
	/// Who registered it.
	pub owner: AccountId32,
	/// Whether it takes no new prompts.
	pub retired: bool,
	/// Name for people.
	pub name: String,
	/// SPDX name of the licence.
	pub licence: String,
	/// blake3 of `adapter.json`.
	pub manifest_root: Digest,
	/// Width of its products.
	pub rank: u32,
	/// Bytes of its files.
	pub bytes: u64,
}

/// A worker of the pool.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct WorkerView {
	/// Its account.
	pub account: AccountId32,
	/// Who runs it.
	pub operator: AccountId32,
	/// Whether it may be given work now.
	pub active: bool,
	/// Where it stands, in words.
	pub state: String,
	/// Bond on hold.
	#[serde(with = "planck")]
	pub bond: u128,
	/// What it offers.
	pub roles: Roles,
	/// Declared memory in bytes.
	pub memory: u64,
	/// Bytes that it has promised to its pipelines.
	pub promised: u64,
	/// Posted price in planck per GFLOP.
	#[serde(with = "planck")]
	pub price: u128,
	/// libp2p identity, binary.
	pub peer_id: Vec<u8>,
	/// Multiaddresses.
	pub addresses: Vec<String>,
	/// Trials that it is part of now.
	pub open_jobs: u32,
	/// Stages passed.
	pub passed: u32,
	/// Deadlines missed.
	pub faults: u32,
	/// Convictions.
	pub cheats: u32,
	/// Its rank by verified work, in parts per million.
	pub rank: u32,
}

/// A link between two workers, as probes of both ends measured it.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct LinkView {
	/// The workers at its ends.
	pub ends: [AccountId32; 2],
	/// Median round trip, in microseconds. Of this figure and the next three the worse of both ends counts.
	pub rtt_us: u32,
	/// Longest minus shortest round trip, in microseconds.
	pub jitter_us: u32,
	/// Share of packets lost, in ppm.
	pub loss_ppm: u32,
	/// What a timed transfer carried, in bytes a second.
	pub bytes_per_second: u64,
	/// Blocks since each end reported it; none for an end that does not, so that the other one's word stands
	/// alone.
	pub ages: [Option<u32>; 2],
}

/// The links that workers measured of late.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct LinksView {
	/// Every link that an end reported of late.
	pub links: Vec<LinkView>,
	/// Workers that reported once, do so no longer, and answer nobody who does: they count as dead.
	pub silent: Vec<AccountId32>,
}

/// A stage of a pipeline.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct StageView {
	/// Its place in the ring; 0 is the entry.
	pub stage: StageIndex,
	/// Its layers; empty for the entry.
	pub layers: LayerRange,
	/// Its workers.
	pub workers: Vec<AccountId32>,
	/// Those of them that have loaded their shards.
	pub ready: Vec<AccountId32>,
	/// Price in planck per GFLOP.
	#[serde(with = "planck")]
	pub price: u128,
}

/// A pipeline.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct PipelineView {
	/// Its number.
	pub id: PipelineId,
	/// Its model.
	pub model: ModelId,
	/// Where it stands.
	pub state: PipelineState,
	/// Jobs at once.
	pub slots: u8,
	/// Jobs that it runs now.
	pub open_jobs: u8,
	/// Rows at most of these jobs.
	pub in_flight: u64,
	/// Rows that passed lately in a thousand blocks of running; none where no job showed it of late.
	pub pace: Option<u64>,
	/// Its ring.
	pub stages: Vec<StageView>,
}

/// What a capacity round does.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub enum RoundPhase {
	/// The next block may seal a bid.
	Committing,
	/// Bids are sealed, and revealed until the round is cleared.
	Revealing,
	/// It is cleared, and plans for the winners compete.
	Planning,
}

/// A winner of a capacity round.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct WinnerView {
	/// The worker.
	pub worker: AccountId32,
	/// Who runs it.
	pub operator: AccountId32,
	/// Layers that it hosts at most.
	pub slots: u32,
	/// The mean of its critical prices, which it is paid, in planck per GFLOP.
	#[serde(with = "planck")]
	pub price: u128,
	/// What it measured of itself.
	pub device: DeviceFigures,
}

/// A stage of a plan that competes.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct PlannedStage {
	/// Its place in the ring; 0 is the entry.
	pub stage: StageIndex,
	/// Its layers; empty for the entry.
	pub layers: LayerRange,
	/// Its workers; none where the users are their own entry.
	pub workers: Vec<AccountId32>,
}

/// The best plan so far of a plan window.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct ContenderView {
	/// Whose deposit is on hold.
	pub submitter: AccountId32,
	/// Its cost as the chain found it, in femtoseconds: the lower the better.
	#[serde(with = "planck")]
	pub score: u128,
	/// Its ring.
	pub stages: Vec<PlannedStage>,
}

/// A capacity round in progress.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct RoundView {
	/// Its number.
	pub id: RoundId,
	/// The model.
	pub model: ModelId,
	/// What it does.
	pub phase: RoundPhase,
	/// What it asks for.
	pub terms: Terms,
	/// Last block that seals a bid.
	pub commit_until: u32,
	/// Block that clears it; the last that reveals a bid is the one before.
	pub clears: u32,
	/// Block that closes its plan window; the last in which a plan may compete is the one before.
	pub closes: u32,
	/// Bids that were sealed.
	pub bidders: u32,
	/// Those of them that are revealed; 0 once the round is cleared.
	pub revealed: u32,
	/// Who won, the lowest effective ask first; empty before the round is cleared.
	pub winners: Vec<WinnerView>,
	/// The best plan so far.
	pub plan: Option<ContenderView>,
	/// The pipeline of the model's last round, while it stands.
	pub incumbent: Option<PipelineId>,
}

/// Where a worker's bid in a round stands.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, Copy, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub enum BidState {
	/// Sealed; its deposit is on hold.
	Sealed(Digest),
	/// Revealed; its deposit is back.
	Revealed,
}

/// A job.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct JobView {
	/// Its number.
	pub id: JobId,
	/// Who pays.
	pub client: AccountId32,
	/// The model.
	pub model: ModelId,
	/// Where it stands.
	pub state: JobState,
	/// Where its trial stands, once awarded.
	pub phase: Option<Phase>,
	/// The adapter that it asks for; none for the plain model.
	#[serde(default)]
	pub adapter: Option<AdapterId>,
	/// Whether the prompt is sealed.
	pub sealed: bool,
	/// How sure the user wants to be.
	pub assurance: Assurance,
	/// What becomes of it where it fails through no fault of the user.
	pub on_failure: OnFailure,
	/// The job that failed and that it runs again.
	pub rerun_of: Option<JobId>,
	/// Ceiling of the price.
	#[serde(with = "planck")]
	pub max_price: u128,
	/// What was charged; 0 before it is settled.
	#[serde(with = "planck")]
	pub fee: u128,
	/// Tokens of the reply; 0 where the user is the entry.
	pub tokens: u32,
	/// Rows charged.
	pub rows: u32,
	/// The reply as posted by the entry, once there is one.
	pub reply: Option<String>,
	/// Block of submission.
	pub submitted: u32,
	/// Block by which it has been run, or is refunded.
	pub deadline: u32,
	/// Block of the award.
	pub awarded: Option<u32>,
	/// Block of the final state.
	pub ended: Option<u32>,
}

/// A worker's part in a stage, for the receipt.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct ParticipantView {
	/// The worker.
	pub worker: AccountId32,
	/// Its part.
	pub part: Part,
	/// Its commitment and the block that holds it.
	pub commitment: Option<(Digest, u32)>,
	/// What it opened.
	pub opening: Option<Opening>,
	/// What was found.
	pub verdict: Option<Verdict>,
}

/// A stage of a job, for the receipt.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct StageReceipt {
	/// Its place in the ring.
	pub stage: StageIndex,
	/// Its layers.
	pub layers: LayerRange,
	/// Lead first, then who checked it.
	pub participants: Vec<ParticipantView>,
	/// Checkers that said that neither end of the hop handed them the rows that the stage received, in the
	/// order in which they were drawn: two of them convince the chain.
	#[serde(default)]
	pub refused: Vec<AccountId32>,
	/// Where the dispute between lead and replica stands, or how it ended; none where there was none.
	pub dispute: Option<Standing>,
	/// How the rows of lead and replica compare, where they were compared by a tolerance.
	#[serde(default)]
	pub comparison: Option<ComparisonView>,
	/// How far its lead came, by its own word, where the job did not come to its end.
	#[serde(default)]
	pub tally: Option<Tally>,
	/// What its lead signed as an end of a hop, where it opened another root.
	#[serde(default)]
	pub contradiction: Option<Contradiction>,
	/// Probability with which its other holders had to summon one of themselves, in parts per million; zero where the
	/// whole job was checked.
	#[serde(default)]
	pub chance: u32,
	/// The lots that won, the earliest first: whose that is checked the stage.
	#[serde(default)]
	pub summons: Vec<SummonsView>,
}

/// A comparison of lead and replica in unlike numerics classes, for the receipt.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct ComparisonView {
	/// Positions of the rows that were compared.
	pub positions: Vec<u32>,
	/// What they might differ by.
	pub tolerance: Tolerance,
	/// What came of it; none while one of the two has not shown its rows.
	pub likeness: Option<Likeness>,
}

/// A lot that won, for the receipt.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct SummonsView {
	/// Whose it is.
	pub worker: AccountId32,
	/// Seed of the job's draw, over which it was drawn.
	pub seed: Digest,
	/// What it had to be below, of 2⁶⁴.
	#[serde(with = "planck")]
	pub threshold: u64,
	/// The lot.
	pub proof: Proof,
}

/// One transfer of a settlement.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct PaymentView {
	/// Who received it.
	pub to: AccountId32,
	/// How much, in planck.
	#[serde(with = "planck")]
	pub amount: u128,
}

/// All that stands behind a reply.
#[derive(Encode, Decode, TypeInfo, Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
	/// The job.
	pub job: JobView,
	/// Its pipeline, once awarded.
	pub pipeline: Option<PipelineId>,
	/// Whether any of its stages is checked; none before that is known.
	pub checked: Option<bool>,
	/// Every stage, once awarded.
	pub stages: Vec<StageReceipt>,
	/// Who was paid for which part, once settled: miners in the order of the stages.
	pub miners: Vec<PaymentView>,
	/// Verifiers in the order of the stages.
	pub verifiers: Vec<PaymentView>,
	/// What the treasury received.
	#[serde(with = "planck")]
	pub treasury: u128,
	/// What was burned.
	#[serde(with = "planck")]
	pub burned: u128,
	/// What went back to the user.
	#[serde(with = "planck")]
	pub refunded: u128,
}

/// A member of a job's ring.
#[derive(Encode, Decode, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct RingMember {
	/// Its place.
	pub stage: StageIndex,
	/// Its layers; empty for the entry.
	pub layers: LayerRange,
	/// Its account; none where the user is the entry.
	pub worker: Option<AccountId32>,
	/// libp2p identity, binary.
	pub peer_id: Vec<u8>,
	/// Where it can be dialled; empty where the user is the entry.
	pub addresses: Vec<String>,
}

/// Who runs a job live: the entry first.
#[derive(Encode, Decode, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Route {
	/// The job.
	pub job: JobId,
	/// Digest of what its user asked: a fork may give the number to another job.
	pub asked: Digest,
	/// Its model.
	pub model: ModelId,
	/// Manifest root of the adapter that every segment adds to its layers; none for the plain model.
	pub adapter: Option<Digest>,
	/// Rows at most.
	pub rows_ceiling: u32,
	/// Block by which every lead must have committed.
	pub run_until: u32,
	/// The members, in the order of the ring.
	pub members: Vec<RingMember>,
}

/// A public prompt, for its entry.
#[derive(Encode, Decode, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Prompt {
	/// Text.
	pub text: Vec<u8>,
	/// How to sample.
	pub limits: crate::job::Limits,
}

/// What the chain expects of a worker now.
#[derive(Encode, Decode, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub enum Duty {
	/// Hold the shards of a stage; say `allocation.ready` once they are loaded.
	Host {
		/// The pipeline.
		pipeline: PipelineId,
		/// Its model.
		model: ModelId,
		/// The place in the ring.
		stage: StageIndex,
		/// The layers; empty for the entry.
		layers: LayerRange,
		/// Jobs at once.
		slots: u8,
		/// Whether the worker has said so.
		ready: bool,
	},
	/// Lead a stage of a job, then commit.
	Run {
		/// The ring.
		route: Route,
		/// The place in it.
		stage: StageIndex,
		/// The prompt, for the entry of a public job.
		prompt: Option<Prompt>,
		/// Whether the commitment is on chain.
		committed: bool,
	},
	/// Tell how far a stage came that was led and not committed to in time; who does not is to blame for it.
	Tally {
		/// The job.
		job: JobId,
		/// The stage.
		stage: StageIndex,
		/// Block by which it is due.
		until: u32,
	},
	/// Execute a stage again and commit blind (`Replica`) or attest (`Tiebreak`).
	Check {
		/// The ring that ran it.
		route: Route,
		/// The stage.
		stage: StageIndex,
		/// As what.
		part: Part,
		/// The prompt, for the entry stage of a public job.
		prompt: Option<Prompt>,
		/// Commitment of every lead, by stage; what a lead hands out is checked against it.
		commitments: Vec<(StageIndex, AccountId32, Digest)>,
		/// Block by which it is due.
		until: u32,
	},
	/// Draw a lot over a stage that the worker holds, and say so if it wins: whoever does first has to check the stage.
	Summon {
		/// The job.
		job: JobId,
		/// The stage.
		stage: StageIndex,
		/// Seed of the job's draw.
		seed: Digest,
		/// What the lot has to be below, of 2⁶⁴.
		threshold: u64,
		/// Block by which it is due.
		until: u32,
	},
	/// Open the commitment.
	Reveal {
		/// The job.
		job: JobId,
		/// The stage.
		stage: StageIndex,
		/// Block by which it is due.
		until: u32,
	},
	/// Show the receipt of a hop over which two workers tell other rows, where an end signed for others than it
	/// opened.
	Reconcile {
		/// The ring that ran the job.
		route: Route,
		/// The boundary.
		boundary: StageIndex,
		/// Block by which it is due.
		until: u32,
	},
	/// Show rows that the worker sent, or would have sent, to be compared with those of another numerics class.
	Compare {
		/// The job.
		job: JobId,
		/// The stage.
		stage: StageIndex,
		/// Their positions, in the order in which they are shown.
		positions: Vec<u32>,
		/// Block by which it is due.
		until: u32,
	},
	/// Make the next move in the dispute about a stage.
	Dispute {
		/// The ring that ran the job.
		route: Route,
		/// The stage.
		stage: StageIndex,
		/// As whom: the lead defends what it sent, the replica challenges it.
		side: Side,
		/// The dispute as it stands.
		record: Record,
		/// Commitment of every lead, by stage; the rows that the stage before hands out are checked
		/// against it.
		commitments: Vec<(StageIndex, AccountId32, Digest)>,
		/// Block by which the move is due; who misses it loses.
		until: u32,
	},
	/// Keep the rows of a stage and hand them to those who have to execute something again.
	Serve {
		/// The job.
		job: JobId,
		/// The stage that it led.
		stage: StageIndex,
		/// Peers that may ask for the rows that it sent, with its opening: the checkers of the next
		/// stage, binary. Its own checkers may not, lest they copy.
		output_to: Vec<Vec<u8>>,
		/// Peers that may ask for the rows that it received, with the receipt of the hop: its own
		/// checkers, binary.
		input_to: Vec<Vec<u8>>,
	},
}

sp_api::decl_runtime_apis! {
	/// The market of prompts.
	pub trait DllmApi {
		/// Every model.
		fn models() -> Vec<ModelView>;
		/// One model.
		fn model(id: ModelId) -> Option<ModelView>;
		/// Every worker.
		fn workers() -> Vec<WorkerView>;
		/// One worker.
		fn worker(who: AccountId32) -> Option<WorkerView>;
		/// The links that workers measured of late, and the workers that fell silent.
		fn links() -> LinksView;
		/// Pipelines of a model that are not closed.
		fn pipelines(model: ModelId) -> Vec<PipelineView>;
		/// Lowest fee in planck for a prompt and a reply of so many tokens, over the live pipelines that
		/// serve such a job; none where there is no such pipeline.
		fn quote(model: ModelId, prompt_tokens: u32, max_tokens: u32, own_entry: bool) -> Option<u128>;
		/// Capacity rounds in progress.
		fn rounds() -> Vec<RoundView>;
		/// One of them.
		fn round(id: RoundId) -> Option<RoundView>;
		/// The bid of a worker in the round of a model that is in progress, until it is cleared.
		fn bid(model: ModelId, who: AccountId32) -> Option<BidState>;
		/// A job.
		fn job(id: JobId) -> Option<JobView>;
		/// All that stands behind a job.
		fn receipt(id: JobId) -> Option<Receipt>;
		/// The ring of a running job.
		fn route(id: JobId) -> Option<Route>;
		/// What the chain expects of a worker now.
		fn duties(who: AccountId32) -> Vec<Duty>;
	}
}
