//! A trial as it is stored: who leads a stage, who checks it once that is drawn, and what each of them has
//! shown so far.

use crate::{
	commitment::{shards_root, Opening},
	compare::{Comparing, Comparison, Likeness},
	dispute::{Side, Standing},
	draw,
	flow::Award,
	hop::{self, Contradiction, End},
	ids::{Digest, JobId, ModelId, PipelineId, StageIndex, ENTRY_STAGE, MAX_REPLICAS, MAX_STAGES},
	job::Assurance,
	judge::Due,
	model::{LayerRange, ModelSpec, Profile},
	stall::{Tally, Word},
	summons::Summons,
	verdict::{Part, Phase, Verdict},
};
use alloc::vec::Vec;
use codec::{Decode, Encode, MaxEncodedLen};
use frame_support::{traits::ConstU32, BoundedVec};
use scale_info::TypeInfo;

/// A worker in a stage.
#[derive(Encode, Decode, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Participant<AccountId, BlockNumber> {
	/// The worker.
	pub worker: AccountId,
	/// Its commitment and the block that holds it; none for a third worker.
	pub commitment: Option<(Digest, BlockNumber)>,
	/// What it opened. A third worker tells its roots in clear; its salt is zero.
	pub opening: Option<Opening>,
	/// What was found; none until the trial is closed.
	pub verdict: Option<Verdict>,
	/// Whether it said that neither end of the hop into the stage handed it the rows; only who checks.
	pub starved: bool,
}

impl<AccountId, BlockNumber> Participant<AccountId, BlockNumber> {
	/// A worker that has shown nothing yet.
	pub fn new(worker: AccountId) -> Self {
		Self {
			worker,
			commitment: None,
			opening: None,
			verdict: None,
			starved: false,
		}
	}

	/// Whether it has committed and not yet opened.
	pub fn has_to_reveal(&self) -> bool {
		self.commitment.is_some() && self.opening.is_none()
	}
}

/// A stage of a job on trial.
#[derive(Encode, Decode, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct StageTrial<AccountId, BlockNumber> {
	/// Its place in the ring.
	pub stage: StageIndex,
	/// Its layers; empty for the entry.
	pub layers: LayerRange,
	/// What its lead would earn for as many rows as the job may have, in planck: the measure of a
	/// slash.
	pub pay: u128,
	/// Bytes that a worker needs to execute it again.
	pub memory: u64,
	/// Digest of the shards that it executes.
	pub shards: Digest,
	/// Executes it live.
	pub lead: Participant<AccountId, BlockNumber>,
	/// How far its lead came, by its own word, where it did not commit in time.
	pub tally: Option<Tally>,
	/// What its lead signed as an end of a hop, where it opened another root.
	pub contradiction: Option<Contradiction>,
	/// Probability with which its other holders summon one of themselves to check it, in parts per million; zero before
	/// the draw, and where the whole job is checked.
	pub chance: u32,
	/// The lots that won, the earliest first: whose that is checks the stage.
	pub summons: BoundedVec<Summons<AccountId>, ConstU32<MAX_REPLICAS>>,
	/// The checker that was drawn first and got no rows, where another one was drawn in its place.
	pub refused: Option<AccountId>,
	/// Executes it again, blind; none before the draw, and where nobody was drawn or summoned.
	pub replica: Option<Participant<AccountId, BlockNumber>>,
	/// Where the dispute between the two stands; none where there is none.
	pub dispute: Option<Standing>,
	/// What is compared of the two, and where that stands; none where nothing is.
	pub comparison: Option<(Comparing, Comparison)>,
	/// Decides, where the two do not agree and no dispute decides.
	pub tiebreak: Option<Participant<AccountId, BlockNumber>>,
	/// The other workers of the stage: one of them is drawn as its replica, and the rest are the first choice
	/// for a tie.
	pub holders: BoundedVec<AccountId, ConstU32<MAX_REPLICAS>>,
}

impl<AccountId, BlockNumber> StageTrial<AccountId, BlockNumber> {
	/// Everybody that takes part, lead first.
	pub fn participants(
		&self,
	) -> impl Iterator<Item = (Part, &Participant<AccountId, BlockNumber>)> {
		let lead = core::iter::once((Part::Lead, &self.lead));
		lead.chain(self.replica.iter().map(|replica| (Part::Replica, replica)))
			.chain(self.tiebreak.iter().map(|third| (Part::Tiebreak, third)))
	}

	/// The same, to write to.
	pub fn participants_mut(
		&mut self,
	) -> impl Iterator<Item = (Part, &mut Participant<AccountId, BlockNumber>)> {
		let lead = core::iter::once((Part::Lead, &mut self.lead));
		let replica = self.replica.iter_mut().map(|one| (Part::Replica, one));
		lead.chain(replica)
			.chain(self.tiebreak.iter_mut().map(|one| (Part::Tiebreak, one)))
	}

	/// The worker of a side of the stage's dispute; none where nobody checks it.
	pub fn disputant(&self, side: Side) -> Option<&AccountId> {
		match side {
			Side::Defender => Some(&self.lead.worker),
			Side::Challenger => self.replica.as_ref().map(|replica| &replica.worker),
		}
	}

	/// What lead and replica have to show rows for; none where they need not, or it is over.
	pub fn awaits_comparison(&self) -> Option<&Comparing> {
		let awaiting = self.comparison.as_ref();
		let awaiting = awaiting.filter(|(_, stands)| *stands == Comparison::Awaiting);
		awaiting.map(|(comparing, _)| comparing)
	}

	/// How the rows of the two compare; none before that is known.
	pub fn likeness(&self) -> Option<Likeness> {
		match self.comparison {
			Some((_, Comparison::Over(likeness))) => Some(likeness),
			_ => None,
		}
	}

	/// Whether a worker leads it, and its own signature contradicts what it opened.
	pub fn is_contradicted(&self, part: Part) -> bool {
		part == Part::Lead && self.contradiction.is_some()
	}

	/// Roots of the rows that its workers say it received.
	fn received(&self) -> impl Iterator<Item = Digest> + '_ {
		let opened = self.participants().filter_map(|(_, one)| one.opening);
		opened.map(|opening| End::Receiver.told(&opening.roots))
	}

	/// Whether nobody was summoned to check it, where that was left to lots.
	pub fn is_unchecked(&self) -> bool {
		self.chance > 0 && self.replica.is_none()
	}

	/// Whether two checkers, one drawn after the other, said that they got no rows.
	pub fn is_starved(&self) -> bool {
		let starved = self.replica.as_ref().is_some_and(|second| second.starved);
		self.refused.is_some() && starved
	}

	/// What its lead said by the end of its time.
	pub fn word(&self) -> Word {
		Word::of(self.lead.commitment.is_some(), self.tally)
	}

	/// Whether its lead is to blame for not having opened what it committed to, though the stage was checked.
	pub fn is_unopened(&self) -> bool {
		self.is_late() && self.replica.is_some() && self.lead.has_to_reveal()
	}

	/// Whether its lead is to blame for that, or for not having handed out what it received.
	pub fn withheld(&self) -> bool {
		self.is_unopened() || (self.is_late() && self.is_starved())
	}

	/// Whether its lead was found to be late or silent.
	fn is_late(&self) -> bool {
		self.lead.verdict == Some(Verdict::WorkerFault)
	}

	/// Blocks that the worker of a part is given beside those of its phase, where it does not hold the stage.
	pub fn fetch_blocks(&self, part: Part) -> u32
	where
		AccountId: PartialEq,
	{
		let mut fetching = self
			.participants()
			.filter(|(its, one)| *its == part && !self.holders.contains(&one.worker));
		match (part, fetching.next()) {
			(Part::Lead, _) | (_, None) => 0,
			_ => draw::fetch_blocks(self.memory),
		}
	}

	/// The workers that execute it again, the third one included once it is drawn.
	pub fn checkers(&self) -> impl Iterator<Item = &AccountId> {
		self.participants()
			.skip(1)
			.map(|(_, participant)| &participant.worker)
	}
}

/// What was drawn when all leads of a job had committed.
#[derive(Encode, Decode, MaxEncodedLen, TypeInfo, Clone, Copy, PartialEq, Eq, Debug)]
pub struct Drawn {
	/// Seed of all draws of the job.
	pub seed: Digest,
	/// Whether all its stages are checked; else the other holders of each draw lots.
	pub checked: bool,
}

/// The trial of a job.
#[derive(Encode, Decode, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug)]
pub struct Trial<AccountId, BlockNumber> {
	/// Who pays, and shares in a slash.
	pub client: AccountId,
	/// The model.
	pub model: ModelId,
	/// Whether the model is exact, so that there is one numerics class.
	pub exact: bool,
	/// The pipeline that runs the job.
	pub pipeline: PipelineId,
	/// Whether the user is the entry; then there is no entry stage here.
	pub own_entry: bool,
	/// Rows at most.
	pub rows_ceiling: u32,
	/// Digest of the reply that the entry posted: its lead can open no other.
	pub answer: Option<Digest>,
	/// How sure the user wants to be.
	pub assurance: Assurance,
	/// Block by which every lead must have committed.
	pub run_until: BlockNumber,
	/// What was drawn; none before.
	pub drawn: Option<Drawn>,
	/// Where it stands.
	pub phase: Phase,
	/// Last block of the phase; of the last phase once it is closed, of the breaker's term where it is held.
	pub until: BlockNumber,
	/// Its stages, in the order of the ring.
	pub stages: BoundedVec<StageTrial<AccountId, BlockNumber>, ConstU32<MAX_STAGES>>,
}

impl<AccountId: Clone, BlockNumber: Copy> Trial<AccountId, BlockNumber> {
	/// Names the leads of an awarded job. None where a stage has fewer than two workers.
	///
	/// The job's number decides who leads, so that the work goes round. Who checks is drawn when all of them
	/// have committed.
	pub fn open(award: &Award<AccountId, BlockNumber>, spec: &ModelSpec) -> Option<Self> {
		let first = if award.own_entry {
			ENTRY_STAGE + 1
		} else {
			ENTRY_STAGE
		};
		let end = StageIndex::try_from(award.pipeline.plan.stages()).ok()?;
		let stages = (first..end)
			.map(|stage| open_stage(award, spec, stage))
			.collect::<Option<Vec<_>>>()?;
		Some(Self {
			client: award.client.clone(),
			model: award.pipeline.plan.model,
			exact: spec.profile == Profile::Exact,
			pipeline: award.pipeline.id,
			own_entry: award.own_entry,
			rows_ceiling: award.rows_ceiling,
			answer: None,
			assurance: award.assurance,
			run_until: award.run_until,
			drawn: None,
			phase: Phase::Running,
			until: award.run_until,
			stages: stages.try_into().ok()?,
		})
	}
}

fn open_stage<AccountId: Clone, BlockNumber>(
	award: &Award<AccountId, BlockNumber>,
	spec: &ModelSpec,
	stage: StageIndex,
) -> Option<StageTrial<AccountId, BlockNumber>> {
	let workers = award.pipeline.plan.workers_of(stage);
	let layers = award.pipeline.plan.layers_of(stage);
	let first = leading(award.job, workers.len())?;
	let mut order = workers
		.iter()
		.cycle()
		.skip(first)
		.take(workers.len())
		.cloned();
	Some(StageTrial {
		stage,
		layers,
		pay: award.pipeline.stage_pay(spec, stage, award.rows_ceiling),
		memory: memory(spec, layers, stage, award.rows_ceiling),
		shards: shards(spec, layers, stage),
		lead: Participant::new(order.next()?),
		tally: None,
		contradiction: None,
		chance: 0,
		summons: BoundedVec::new(),
		refused: None,
		replica: None,
		dispute: None,
		comparison: None,
		tiebreak: None,
		holders: order.collect::<Vec<_>>().try_into().ok()?,
	})
}

/// Place of the worker that leads a stage with so many workers; none where there are no two.
fn leading(job: JobId, workers: usize) -> Option<usize> {
	let workers = u64::try_from(workers).ok().filter(|n| *n >= 2)?;
	usize::try_from(job % workers).ok()
}

/// Digest of the shards of a stage.
fn shards(spec: &ModelSpec, layers: LayerRange, stage: StageIndex) -> Digest {
	if stage == ENTRY_STAGE {
		return shards_root([&spec.embed.hash, &spec.head.hash]);
	}
	shards_root(spec.segment(layers).iter().map(|layer| &layer.hash))
}

/// Bytes that the weights of a stage take, with caches for `rows` rows.
fn memory(spec: &ModelSpec, layers: LayerRange, stage: StageIndex, rows: u32) -> u64 {
	if stage == ENTRY_STAGE {
		return spec.embed.bytes.saturating_add(spec.head.bytes);
	}
	spec.segment(layers).iter().fold(0u64, |sum, layer| {
		let cache = u64::from(rows).saturating_mul(layer.kv_bytes_per_token.into());
		sum.saturating_add(layer.bytes).saturating_add(cache)
	})
}

impl<AccountId, BlockNumber> Trial<AccountId, BlockNumber> {
	/// A stage of the trial.
	pub fn stage(&self, stage: StageIndex) -> Option<&StageTrial<AccountId, BlockNumber>> {
		self.stages.iter().find(|s| s.stage == stage)
	}

	/// A stage of the trial, to write to.
	pub fn stage_mut(
		&mut self,
		stage: StageIndex,
	) -> Option<&mut StageTrial<AccountId, BlockNumber>> {
		self.stages.iter_mut().find(|s| s.stage == stage)
	}

	/// What the workers of a stage have to execute.
	pub fn due(&self, stage: &StageTrial<AccountId, BlockNumber>) -> Due {
		Due {
			shards: stage.shards,
			entry: stage.stage == ENTRY_STAGE,
			exact: self.exact,
		}
	}

	/// Who stands where in its ring.
	pub fn ring(&self) -> impl Iterator<Item = (StageIndex, LayerRange, Option<&AccountId>)> {
		let user = (ENTRY_STAGE, LayerRange::default(), None);
		let leads = self.stages.iter();
		let leads = leads.map(|stage| (stage.stage, stage.layers, Some(&stage.lead.worker)));
		self.own_entry.then_some(user).into_iter().chain(leads)
	}

	/// Names its run ([`hop::run`]); `peer_of` tells the identity of a lead in the network, in binary.
	pub fn run(&self, asked: Digest, peer_of: impl Fn(&AccountId) -> Vec<u8>) -> Digest
	where
		AccountId: Encode,
	{
		let ring = self.ring().map(|(stage, layers, lead)| {
			let named = lead.map(|lead| (lead, peer_of(lead)));
			(stage, layers, named)
		});
		hop::run(asked, ring)
	}

	/// The stage whose lead stands at an end of a boundary; none where the user does.
	pub fn stage_at(
		&self,
		boundary: StageIndex,
		end: End,
	) -> Option<&StageTrial<AccountId, BlockNumber>> {
		let last = self.stages.last()?.stage;
		match end {
			End::Sender => self.stage(boundary),
			End::Receiver if boundary == last => self.stage(ENTRY_STAGE),
			End::Receiver => self.stage(boundary.checked_add(1)?),
		}
	}

	/// Whether two workers tell other rows of the hop over a boundary: one of them may have signed for others than
	/// it tells.
	pub fn is_contradictory(&self, boundary: StageIndex) -> bool {
		let sender = self.stage_at(boundary, End::Sender);
		let sent = sender.and_then(|stage| stage.lead.opening);
		let sent = sent.map(|opening| End::Sender.told(&opening.roots));
		let receiver = self.stage_at(boundary, End::Receiver);
		let received = receiver.into_iter().flat_map(|stage| stage.received());
		let mut told = sent.into_iter().chain(received);
		let first = told.next();
		told.any(|root| Some(root) != first)
	}

	/// The boundaries of its ring.
	pub fn boundaries(&self) -> impl Iterator<Item = StageIndex> {
		let last = self.stages.last().map(|stage| stage.stage);
		last.into_iter().flat_map(|last| ENTRY_STAGE..=last)
	}

	/// Everybody that takes part, stage by stage.
	pub fn participants(
		&self,
	) -> impl Iterator<Item = (StageIndex, Part, &Participant<AccountId, BlockNumber>)> {
		self.stages.iter().flat_map(|stage| {
			stage
				.participants()
				.map(move |(part, participant)| (stage.stage, part, participant))
		})
	}

	/// Whether no stage is executed again.
	pub fn is_unchecked(&self) -> bool {
		self.stages.iter().all(|stage| stage.is_unchecked())
	}

	/// What its leads said by the end of their time, in the order of the ring.
	pub fn words(&self) -> Vec<Word> {
		self.stages.iter().map(|stage| stage.word()).collect()
	}

	/// Number of stages, as weights count them.
	pub fn stage_count(&self) -> u32 {
		u32::try_from(self.stages.len()).unwrap_or(MAX_STAGES)
	}

	/// Blocks that the workers of a part are given beside those of their phase: as many as the slowest of them needs
	/// that does not hold its stage.
	pub fn fetch_blocks(&self, part: Part) -> u32
	where
		AccountId: PartialEq,
	{
		let of_stages = self.stages.iter().map(|stage| stage.fetch_blocks(part));
		of_stages.max().unwrap_or(0)
	}

	/// Whether a checker was drawn in the place of one that got no rows.
	pub fn is_drawn_again(&self) -> bool {
		self.stages.iter().any(|stage| stage.refused.is_some())
	}

	/// Whether all that the phase waits for has arrived.
	///
	/// Where a checker got no rows, the first round of checks lasts to its deadline: the one that is drawn after it
	/// rests on randomness that nobody who speaks in that round may know.
	pub fn is_complete(&self) -> bool {
		self.stages.iter().all(|stage| match self.phase {
			Phase::Running => stage.lead.commitment.is_some(),
			Phase::Tallying => stage.word() != Word::Silent,
			Phase::Drawing => false,
			Phase::Summoning => stage.replica.is_some(),
			Phase::Verifying => stage.replica.as_ref().is_none_or(|replica| {
				let starved = replica.starved && self.is_drawn_again();
				replica.commitment.is_some() || starved
			}),
			Phase::Revealing => stage
				.participants()
				.all(|(_, participant)| !participant.has_to_reveal()),
			Phase::Reconciling => false,
			Phase::Disputing => stage.dispute != Some(Standing::Awaiting),
			Phase::Appointing => false,
			Phase::Comparing => stage.awaits_comparison().is_none(),
			Phase::Tiebreak => stage
				.tiebreak
				.as_ref()
				.is_none_or(|third| third.opening.is_some()),
			Phase::Held => false,
			Phase::Closed => true,
		})
	}
}
