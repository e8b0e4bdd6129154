//! The traits through which pallets meet, in the order of the walk. No pallet imports a sibling; the
//! runtime names who stands behind each trait.

use crate::{
	capacity::{RoundId, Terms, Won},
	draw::Trust,
	ids::{AdapterId, Bytes, Digest, JobId, ModelId, PipelineId, StageIndex, MAX_INLINE},
	job::{Assurance, Body, Limits, Options, Refund, WaitingJob},
	load::Run,
	miner::Worker,
	model::{Adapter, Model},
	plan::Pipeline,
	slash::{Conviction, Ground},
	verdict::Verdict,
};
use alloc::vec::Vec;
use sp_runtime::DispatchResult;

/// The catalogue of models (`pallet-models`).
pub trait ModelCatalog<AccountId> {
	/// A registered model.
	fn model(id: ModelId) -> Option<Model<AccountId>>;

	/// A registered model that takes prompts and plans.
	fn active(id: ModelId) -> Option<Model<AccountId>> {
		Self::model(id).filter(|m| m.state == crate::model::ModelState::Active)
	}

	/// A registered adapter; a catalogue may have none.
	fn adapter(_: AdapterId) -> Option<Adapter<AccountId>> {
		None
	}
}

/// The registered workers (`pallet-miners`).
pub trait WorkerPool<AccountId, Balance, BlockNumber> {
	/// A registered worker.
	fn worker(who: &AccountId) -> Option<Worker<AccountId, Balance, BlockNumber>>;

	/// A worker in the verifier role whose operator is not among `excluded` and that has `memory` bytes,
	/// drawn by `seed`. Looks at a bounded number of workers.
	fn draw_verifier(seed: Digest, excluded: &[AccountId], memory: u64) -> Option<AccountId>;

	/// Whether a worker missed the latest deadline that it had, or gave signs of life once and does so no longer; then
	/// nobody counts on it to check unasked.
	fn is_late(_: &AccountId) -> bool {
		false
	}

	/// What says whether the work of a worker has to be checked.
	fn trust(who: &AccountId) -> Trust;

	/// The worker is going to be paid `pay` for a stage that nobody executes again: until it passes a
	/// check, that takes from the room of its [`Trust`].
	fn unverified(who: &AccountId, pay: Balance);

	/// The worker takes part in a trial: it cannot unbond until [`Self::release`].
	fn engage(who: &AccountId);

	/// The worker's part in a trial is over, with this verdict. A pass or a fault is counted here, a
	/// conviction by [`Self::slash`].
	fn release(who: &AccountId, verdict: Verdict);

	/// A worker committed to a stage that would have paid it `pay`, and did not open when it was checked: it
	/// forfeits a multiple of that from its bond, lest a cheat stay silent whenever it is checked; so does who
	/// handed its checkers no rows. A share is the user's, where one is named, the rest is burned; answers what
	/// was taken. This is no conviction.
	fn withheld(who: &AccountId, pay: Balance, user: Option<&AccountId>) -> Balance;

	/// Slashes a convicted worker, shares the slash among the user, the workers that convicted it and the fire, and
	/// returns what was taken.
	fn slash(who: &AccountId, conviction: &Conviction<AccountId>) -> Balance;

	/// Governance found that what a worker lost was no fault of its own: makes `amount` good, as far as there is
	/// money for it, and takes its conviction back, where it was one. Answers what was made good.
	fn acquit(who: &AccountId, amount: Balance, ground: Option<Ground>) -> Balance;
}

/// The ranks of workers (`pallet-miners`).
pub trait WorkerRanks<AccountId> {
	/// What a worker's verified work says of it, in parts per million up to
	/// [`crate::capacity::FULL_RANK`]; 0 for who is not registered or was just convicted.
	fn rank(who: &AccountId) -> u32;
}

/// What a job that is over says of the pipeline that had it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
	/// The job was served.
	Served,
	/// It was not.
	Failed,
	/// It was not, but no worker is to blame: this does not count.
	Blameless,
}

/// The standing pipelines (`pallet-allocation`).
pub trait PipelineBook<AccountId> {
	/// A pipeline, live or not.
	fn pipeline(id: PipelineId) -> Option<Pipeline<AccountId>>;

	/// Pipelines that take jobs of a model.
	fn live(model: ModelId) -> Vec<Pipeline<AccountId>>;

	/// Takes a slot of a live pipeline for a job of `rows` rows at most.
	fn reserve(id: PipelineId, rows: u32) -> DispatchResult;

	/// Gives the slot back; a pipeline that fails too often in a row is closed. How the job went says how fast
	/// the pipeline is, unless nobody is to blame for its end.
	fn release(id: PipelineId, ending: Ending, run: Run);
}

/// A cleared capacity round whose plans compete.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tender<AccountId> {
	/// The round.
	pub round: RoundId,
	/// What it asked for.
	pub terms: Terms,
	/// Who won, the lowest effective ask first.
	pub winners: Vec<Won<AccountId>>,
}

/// On which footing plans of a model are made now.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Footing<AccountId> {
	/// There is no round: anybody plans with anybody, at posted prices.
	Posted,
	/// A round collects bids: no plan stands before it is cleared.
	Bidding,
	/// Plans for the winners compete, at critical prices.
	Competing(Tender<AccountId>),
}

/// The capacity rounds (`pallet-auctions`).
pub trait CapacityRounds<AccountId> {
	/// On which footing plans of a model are made now.
	fn footing(model: ModelId) -> Footing<AccountId>;
}

/// The plans of a round (`pallet-allocation`).
pub trait RoundPlans<AccountId> {
	/// The plan window of a model is over: lets the best plan stand, or one made from the winners where
	/// there is none. Answers its pipeline; none where no plan is feasible, or none better than what stands.
	fn close_window(model: ModelId, tender: Tender<AccountId>) -> Option<PipelineId>;
}

/// The waiting jobs (`pallet-jobs`), as the auction sees them.
pub trait JobQueue<Balance, BlockNumber> {
	/// Jobs that wait now, at most `limit`, the oldest first.
	fn waiting(limit: u32) -> Vec<WaitingJob<Balance, BlockNumber>>;

	/// Gives a waiting job to a pipeline and opens its trial. For all its rows the job pays `surplus`
	/// besides the pipeline's fee, for fewer rows in proportion; the surplus is burned.
	fn award(job: JobId, pipeline: PipelineId, surplus: Balance) -> DispatchResult;
}

/// An awarded job, as it goes to trial.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Award<AccountId, BlockNumber> {
	/// The job.
	pub job: JobId,
	/// Who pays.
	pub client: AccountId,
	/// The pipeline that runs it.
	pub pipeline: Pipeline<AccountId>,
	/// Rows at most.
	pub rows_ceiling: u32,
	/// Whether the user is the entry; then there is no entry stage to verify.
	pub own_entry: bool,
	/// How sure the user wants to be.
	pub assurance: Assurance,
	/// Block by which every lead must have committed.
	pub run_until: BlockNumber,
}

/// The trials (`pallet-verification`).
pub trait Trials<AccountId, BlockNumber> {
	/// Blocks from `run_until` to the last verdict at most.
	fn verdict_blocks() -> BlockNumber;

	/// Blocks from `run_until` to the end of a trial at most, where not every lead has committed.
	fn unserved_blocks() -> BlockNumber;

	/// Opens the trial of an awarded job. It ends in exactly one call of [`OnVerdict::concluded`], at
	/// most [`Self::verdict_blocks`] after `run_until`, or, where a breaker has tripped, when that is ruled on.
	fn open(award: Award<AccountId, BlockNumber>) -> DispatchResult;

	/// Block of the last commitment of a lead; none where a lead has not committed, or there is no such
	/// trial.
	fn ran(job: JobId) -> Option<BlockNumber>;

	/// Workers that a closed trial convicted, or found late or silent, as lead or as checker; none where the
	/// trial is open or unknown.
	fn blamed(job: JobId) -> Vec<AccountId>;

	/// Models of which no job is awarded now, because a breaker has tripped.
	fn suspended() -> Vec<ModelId>;

	/// Drops the record of a closed trial; a trial that is still open, or unknown, is left alone. Called
	/// when the record of the job is pruned.
	fn forget(job: JobId);
}

/// How a trial ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Conclusion<AccountId> {
	/// Every stage passed, or went unchecked, and every link carried the same rows at both
	/// ends.
	Served {
		/// Rows that passed, all of them charged.
		rows: u32,
		/// Whether any stage was executed again.
		checked: bool,
		/// Digest of the sampled tokens; zero where the user was the entry.
		result: Digest,
		/// The lead of every stage.
		leads: Vec<(StageIndex, AccountId)>,
		/// The workers that agreed with it.
		checkers: Vec<(StageIndex, AccountId)>,
	},
	/// It did not.
	Failed(Refund),
}

/// Who hears of a trial (`pallet-jobs`).
pub trait OnVerdict<AccountId> {
	/// The entry posted its reply, not yet verified.
	fn answered(job: JobId, tokens: u32, reply: Bytes<MAX_INLINE>);

	/// The verdict stands.
	fn concluded(job: JobId, conclusion: Conclusion<AccountId>);
}

/// What the runtime API tells a worker about a job that it takes part in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JobFacts<AccountId> {
	/// Who pays.
	pub client: AccountId,
	/// The model.
	pub model: ModelId,
	/// The prompt.
	pub body: Body,
	/// How to sample.
	pub limits: Limits,
	/// How sure the user wants to be.
	pub assurance: Assurance,
	/// What else the user chose.
	pub options: Options,
}

/// The records of jobs (`pallet-jobs`), as the views of a trial need them.
pub trait JobBook<AccountId> {
	/// What a worker may know of a job; none where there is no such record.
	fn facts(job: JobId) -> Option<JobFacts<AccountId>>;

	/// Digest of what the user asked: no author of a block chose it. Zero where there is no such record.
	fn asked(job: JobId) -> Digest;

	/// Manifest root of the adapter that a job asks for; none for the plain model.
	fn adapter(_: JobId) -> Option<Digest> {
		None
	}
}

/// What the user pays for (`pallet-rewards` divides it).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bill<AccountId> {
	/// The job.
	pub job: JobId,
	/// Who pays.
	pub client: AccountId,
	/// What the pipeline charges, in planck, of what is on hold.
	pub fee: u128,
	/// What is charged besides and burned: the price of the auction above the pipeline's fee.
	pub surplus: u128,
	/// Whether any of the work was executed again: only what was counts in the ledger of verified work.
	pub checked: bool,
	/// The lead of every stage and its pay.
	pub miners: Vec<(AccountId, u128)>,
	/// The checkers, each with the pay of the stage that it checked as its weight.
	pub verifiers: Vec<(AccountId, u128)>,
}

/// Pays bills out of a hold (`pallet-rewards`). `Reason` is the runtime's hold reason.
pub trait Payouts<AccountId, Reason> {
	/// Moves exactly `bill.fee` and `bill.surplus` out of the client's hold for `reason`: the fee to
	/// miners, verifiers and the treasury; what is left of it, and the surplus, is burned. A share that
	/// cannot be received goes to the treasury.
	fn pay(reason: &Reason, bill: &Bill<AccountId>) -> DispatchResult;

	/// Drops the record of a job's payment, once the job itself is pruned.
	fn forget(job: JobId);
}

/// The ledger of verified work (`pallet-poaw`), as settlement and slashing see it.
pub trait WorkLedger<AccountId> {
	/// A verified job was paid: `sunk` planck of its fee were burned or went to the treasury, and these
	/// workers were paid for it. Only what is sunk counts, so that nobody gains by paying himself.
	fn credit(sunk: u128, paid: &[(AccountId, u128)]);

	/// A worker was convicted of cheating.
	fn convict(worker: &AccountId);
}
