//! Verification: steps 5 to 7 of the walk. Who executed a stage commits to it, somebody else executes
//! it again and commits blind, both reveal, where they differ in the exact profile a dispute finds out which
//! of them is wrong, and only then is anybody paid.
//!
//! A *trial* stands for one awarded job. It goes through the [`Phase`]s in order, each of them over when
//! its last item arrives, at the latest at its deadline, and ends in exactly one
//! [`OnVerdict::concluded`]:
//!
//! | phase | who acts | call |
//! |---|---|---|
//! | Running | the lead of every stage | `commit`; the entry's lead `commit_reply` |
//! | Tallying | leads that did not, where not all did: the trial ends after it | `report_tally` |
//! | Drawing | nobody: randomness is awaited that draws whether the job is checked for sure, and by whom | |
//! | Summoning | else, holders of a stage whose lot won: who is first checks it | `summon` |
//! | Verifying | the replica of every stage, blind; a second time where one got no rows | `commit`, `report_withheld` |
//! | Revealing | whoever committed | `reveal` |
//! | Reconciling | who has the receipt of a hop of which two workers tell other rows | `show_receipt` |
//! | Disputing | lead and replica of a stage that sent other rows after the same work, in rounds | `dispute` |
//! | Appointing | nobody, where they do not agree and no dispute decides: randomness is awaited that draws rows to compare, or third workers | |
//! | Comparing | lead and replica in unlike numerics classes: some of their rows; then Appointing again, if they are not alike | `show_rows` |
//! | Tiebreak | the third workers | `attest`, `show_receipt` |
//! | Held | governance, where many verdicts of a model or class blame somebody | `uphold`, `pardon` |
//! | Closed | nobody | |
//!
//! A job of which nobody was summoned to check a stage goes on from there to Revealing: its leads show that they fit
//! together, and are paid.
//!
//! Files: `agenda` holds the deadlines, `phases` moves a trial on, `drawing` draws checkers, `summoning` takes lots
//! that won, `tally` hears how far a job came that did not come to its end, `withheld` draws another checker where the
//! first got no rows, `receipts` takes the receipts of hops, `disputes` lets lead and replica argue, `appointing` draws
//! third workers, `comparing` holds rows of unlike classes against each other, `closing` carries a judgement out, `breaker` counts verdicts and trips,
//! `held` keeps what waits for governance and lets it go, `views` tells workers and receipts about it. What is stored
//! ([`trial`]) and the judgement ([`judge`]) are pure and shared with the worker's audit: they stand in
//! `dllm_primitives`.
//!
//! Left to others: escrow and payment (`jobs`, `rewards`), bonds and slashing (`miners`), what the rows
//! and shards behind a digest are (the worker).

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod agenda;
mod appointing;
#[cfg(feature = "runtime-benchmarks")]
pub mod benchmarking;
mod breaker;
mod closing;
mod comparing;
mod disputes;
mod drawing;
mod held;
mod phases;
mod receipts;
mod summoning;
mod tally;
mod try_state;
mod views;
pub mod weights;
mod withheld;

pub use agenda::AGENDA_WINDOW;
pub use breaker::{MAX_BREAKERS, MAX_CLASSES, MAX_CLASSES_OF_JOB, MAX_TAKEN};
pub use comparing::Rows;
pub use dllm_primitives::{dispute, judge, trial};
pub use held::HELD_ROOM;
pub use pallet::*;
pub use weights::WeightInfo;

#[frame_support::pallet]
pub mod pallet {
	use crate::{trial::Trial, Rows, WeightInfo, MAX_BREAKERS, MAX_TAKEN};
	use alloc::vec::Vec;
	use dllm_primitives::{
		breaker::{Breaker, Rules, Ruling, Scope, Taken, Window, MAX_GUILTY},
		commitment::{Opening, Roots},
		compare::{Likeness, Tolerance},
		dispute::{Move, Outcome, Record, Side, MAX_MOVES},
		flow::{JobBook, ModelCatalog, OnVerdict, WorkerPool},
		hop::{End, Shown},
		ids::{Bytes, Digest, JobId, StageIndex, MAX_INLINE, MAX_STAGES},
		job::Refund,
		stall::Tally,
		summons::Proof,
		verdict::{Part, Phase, Verdict},
	};
	use frame_support::{dispatch::PostDispatchInfo, pallet_prelude::*, traits::Randomness};
	use frame_system::pallet_prelude::*;
	use sp_runtime::traits::Saturating;

	/// Where pallets meet, and how long a phase lasts.
	#[pallet::config]
	pub trait Config: frame_system::Config<RuntimeEvent: From<Event<Self>>> {
		/// The registered workers: who may break a tie, whose bond is slashed.
		type Workers: WorkerPool<Self::AccountId, u128, BlockNumberFor<Self>>;
		/// The catalogue of models: what a stage is worth and how much memory it takes.
		type Models: ModelCatalog<Self::AccountId>;
		/// The jobs, which hear the verdict and know the prompt.
		type Jobs: OnVerdict<Self::AccountId> + JobBook<Self::AccountId>;
		/// What a block adds to the beacon of the draws: nobody may know it before the block before it.
		type Randomness: Randomness<Self::Hash, BlockNumberFor<Self>>;
		/// Least probability with which a stage of an exact model is checked, in parts per million. Those of other models
		/// always are.
		#[pallet::constant]
		type LeastCheck: Get<u32>;
		/// Blocks between the last commitment of a lead and the draw, and between what leads and checkers told and the draw
		/// of third workers: the beacon mixes all of them.
		#[pallet::constant]
		type DrawBlocks: Get<BlockNumberFor<Self>>;
		/// Blocks that leads which have not committed in time have to tell how far they came.
		#[pallet::constant]
		type TallyBlocks: Get<BlockNumberFor<Self>>;
		/// Blocks that holders have to show that their lot won: whoever would keep them from it has to make all of them.
		#[pallet::constant]
		type SummonBlocks: Get<BlockNumberFor<Self>>;
		/// Blocks that the replicas have to execute a stage again and commit.
		#[pallet::constant]
		type VerifyBlocks: Get<BlockNumberFor<Self>>;
		/// Blocks that leads and replicas have to open their commitments.
		#[pallet::constant]
		type RevealBlocks: Get<BlockNumberFor<Self>>;
		/// Blocks that a side of a dispute has for a move; who misses it loses the dispute.
		#[pallet::constant]
		type DisputeBlocks: Get<BlockNumberFor<Self>>;
		/// Blocks that a third worker has to break a tie.
		#[pallet::constant]
		type TiebreakBlocks: Get<BlockNumberFor<Self>>;
		/// Trials whose deadline may fall on one block. Times [`crate::AGENDA_WINDOW`] it is also the
		/// number of trials that may be open at once.
		#[pallet::constant]
		type MaxTrialsPerBlock: Get<u32>;
		/// When a breaker trips, and how long it waits for governance.
		#[pallet::constant]
		type Breaker: Get<Rules>;
		/// Who rules on what a breaker holds, and says how far numerics classes may lie apart.
		type BreakerOrigin: EnsureOrigin<Self::RuntimeOrigin>;
		/// Weights of the calls and of an expiring deadline.
		type WeightInfo: WeightInfo;
		/// Prepares benchmarks.
		#[cfg(feature = "runtime-benchmarks")]
		type BenchmarkSetup: crate::benchmarking::BenchmarkSetup<
			Self::AccountId,
			BlockNumberFor<Self>,
		>;
	}

	/// Storage layout of this release.
	const STORAGE_VERSION: StorageVersion = StorageVersion::new(6);

	/// Commitments, reveals and verdicts.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// Every trial that is open, and the closed ones whose job is still on record: they stand behind
	/// its receipt.
	#[pallet::storage]
	pub type Trials<T: Config> =
		StorageMap<_, Twox64Concat, JobId, Trial<T::AccountId, BlockNumberFor<T>>>;

	/// Open trials by the block in which their phase is over. An open trial is listed exactly once, a
	/// closed one nowhere.
	#[pallet::storage]
	pub type Agenda<T: Config> = StorageMap<
		_,
		Twox64Concat,
		BlockNumberFor<T>,
		BoundedVec<JobId, T::MaxTrialsPerBlock>,
		ValueQuery,
	>;

	/// Number of open trials.
	#[pallet::storage]
	pub type OpenTrials<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// The randomness of all blocks so far, mixed.
	#[pallet::storage]
	pub type Beacon<T: Config> = StorageValue<_, Digest, ValueQuery>;

	/// Disputes under way, by job and stage. One takes up to some 100 KiB, nearly all of it what the
	/// defender has shown, and is dropped when it is over.
	#[pallet::storage]
	#[pallet::unbounded]
	pub type Disputes<T: Config> =
		StorageDoubleMap<_, Twox64Concat, JobId, Twox64Concat, StageIndex, Record>;

	/// What honest workers of two numerics classes may differ by, the smaller class first. No other two are compared.
	#[pallet::storage]
	pub type Tolerances<T: Config> =
		StorageDoubleMap<_, Twox64Concat, Digest, Twox64Concat, Digest, Tolerance, OptionQuery>;

	/// Rows that one of two workers of a stage has shown while those of the other are awaited: up to 256 KiB.
	#[pallet::storage]
	#[pallet::unbounded]
	pub type ShownRows<T: Config> =
		StorageDoubleMap<_, Twox64Concat, JobId, Twox64Concat, (StageIndex, Part), Vec<Vec<u8>>>;

	/// What was judged lately of every model and class. A window that says nothing any more goes.
	#[pallet::storage]
	pub type Windows<T: Config> =
		CountedStorageMap<_, Blake2_128Concat, Scope, Window<T::AccountId>, OptionQuery>;

	/// The breakers that have tripped, in the order in which they did, until all that they hold is let go.
	#[pallet::storage]
	pub type Breakers<T: Config> =
		StorageValue<_, BoundedVec<Breaker<T::AccountId>, ConstU32<MAX_BREAKERS>>, ValueQuery>;

	/// The jobs that a breaker holds: their trials are done, and neither paid nor slashed.
	#[pallet::storage]
	pub type Held<T: Config> =
		StorageDoubleMap<_, Blake2_128Concat, Scope, Twox64Concat, JobId, (), OptionQuery>;

	/// Number of jobs that breakers hold.
	#[pallet::storage]
	pub type HeldCount<T: Config> = StorageValue<_, u32, ValueQuery>;

	/// What was taken lately of bonds, the latest last: where a breaker trips, a pardon gives it back.
	#[pallet::storage]
	pub type TakenLately<T: Config> =
		StorageValue<_, BoundedVec<Taken<T::AccountId>, ConstU32<MAX_TAKEN>>, ValueQuery>;

	/// The window that was looked at last, whether it still says something.
	#[pallet::storage]
	pub type SweptWindow<T: Config> = StorageValue<_, Scope>;

	/// What happened to a trial.
	#[pallet::event]
	#[pallet::generate_deposit(pub(super) fn deposit_event)]
	pub enum Event<T: Config> {
		/// The leads of a job are named; they have to run it and commit.
		TrialOpened {
			/// The job.
			job: JobId,
			/// Block by which every lead must have committed.
			until: BlockNumberFor<T>,
		},
		/// The draw decided whether a job is checked for sure.
		Drawn {
			/// The job.
			job: JobId,
			/// Whether all its stages are executed again; else their holders draw lots.
			checked: bool,
			/// The probability with which the stage that needs it most is checked, in parts per million.
			probability: u32,
		},
		/// A holder of a stage showed that its lot won: the first who does checks the stage.
		Summoned {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
			/// The holder.
			worker: T::AccountId,
		},
		/// A worker has to execute a stage again.
		CheckerDrawn {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
			/// The worker.
			worker: T::AccountId,
		},
		/// A worker committed to what it executed.
		Committed {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
			/// The worker.
			worker: T::AccountId,
			/// Whether it led the stage or executed it again.
			part: Part,
			/// Digest that its opening must match.
			commitment: Digest,
		},
		/// A worker opened its commitment, or told the roots that break a tie.
		Revealed {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
			/// The worker.
			worker: T::AccountId,
			/// Its part in the stage.
			part: Part,
			/// What it says of its stage.
			roots: Roots,
		},
		/// A lead that has not committed in time tells how far it came.
		Tallied {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
			/// The lead.
			worker: T::AccountId,
			/// The rows that came and went.
			tally: Tally,
		},
		/// A checker says that neither end of the hop into its stage handed it the rows.
		RowsWithheld {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
			/// The checker.
			worker: T::AccountId,
		},
		/// A lead signed for other rows of a hop than it opened: it is convicted by its own word.
		Contradicted {
			/// The job.
			job: JobId,
			/// The stage that it led.
			stage: StageIndex,
			/// The lead.
			worker: T::AccountId,
			/// The end of the hop at which it stood.
			end: End,
			/// Who showed the receipt.
			shown_by: T::AccountId,
		},
		/// Lead and replica sent other rows after the same work: they have to find the first value in which
		/// they differ.
		DisputeOpened {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
		},
		/// A side of a dispute made its move.
		DisputeMoved {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
			/// Whose move it was.
			side: Side,
		},
		/// A dispute is over.
		DisputeEnded {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
			/// Whether the lead is convicted, or the challenge dismissed.
			outcome: Outcome,
			/// The side that missed its move; none where a value decided.
			silent: Option<Side>,
		},
		/// Lead and replica do not agree, so a third worker has to execute the stage.
		TiebreakerDrawn {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
			/// The third worker.
			worker: T::AccountId,
		},
		/// A trial entered its next phase.
		PhaseEntered {
			/// The job.
			job: JobId,
			/// The phase.
			phase: Phase,
			/// Last block of the phase.
			until: BlockNumberFor<T>,
		},
		/// Rows of a stage are drawn that lead and replica, in unlike numerics classes, have to show.
		ComparisonDrawn {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
		},
		/// One of them showed its rows.
		RowsShown {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
			/// The worker.
			worker: T::AccountId,
		},
		/// Their rows were compared.
		Compared {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
			/// What came of it.
			likeness: Likeness,
		},
		/// What two numerics classes may differ by was set; none: they are not compared.
		ToleranceSet {
			/// The classes, the smaller one first.
			classes: (Digest, Digest),
			/// What they may differ by.
			tolerance: Option<Tolerance>,
		},
		/// So many verdicts blame somebody, and so many operators, that a common fault is likelier than cheats:
		/// payouts and slashes of this model or class wait for governance.
		BreakerTripped {
			/// The model or class.
			scope: Scope,
			/// Jobs judged within the window.
			judged: u32,
			/// Those of them in which somebody was blamed.
			blamed: u32,
			/// The operators that were blamed, the latest last.
			operators: alloc::vec::Vec<T::AccountId>,
			/// Last block in which governance can decide; without a word the verdicts stand.
			until: BlockNumberFor<T>,
		},
		/// Everything is shown in the trial of a job; a breaker holds its verdicts.
		TrialHeld {
			/// The job.
			job: JobId,
			/// The model or class whose breaker holds it.
			scope: Scope,
			/// Last block in which governance can decide.
			until: BlockNumberFor<T>,
		},
		/// What a breaker holds is let go, a few jobs a block.
		BreakerRuled {
			/// The model or class.
			scope: Scope,
			/// What was decided.
			ruling: Ruling<T::AccountId>,
			/// Whether nobody decided before the term was over.
			lapsed: bool,
		},
		/// A breaker holds nothing any more: jobs are awarded and judged as usual.
		BreakerClosed {
			/// The model or class.
			scope: Scope,
		},
		/// The verdict on one worker in one stage.
		Judged {
			/// The job.
			job: JobId,
			/// The stage of the ring.
			stage: StageIndex,
			/// The worker.
			worker: T::AccountId,
			/// Its part in the stage.
			part: Part,
			/// The verdict.
			verdict: Verdict,
		},
		/// Every stage passed, or went unchecked, and every link carried the same rows at both ends: the job
		/// is paid.
		Served {
			/// The job.
			job: JobId,
			/// Rows that passed through the ring.
			rows: u32,
		},
		/// The job was not proved to be done: its user is refunded.
		Failed {
			/// The job.
			job: JobId,
			/// Why.
			refund: Refund,
		},
	}

	/// Why a call was refused.
	#[pallet::error]
	pub enum Error<T> {
		/// The job has no trial: it was never awarded, or its record has been pruned.
		NotFound,
		/// The job already has a trial.
		AlreadyExists,
		/// The pipeline's model is not in the catalogue.
		UnknownModel,
		/// A stage of the pipeline has fewer than two workers, so nobody could check it.
		TooFewWorkers,
		/// As many trials are open as the chain can end in time; try again in a later block.
		TooManyTrials,
		/// The account has no part in this stage of this job.
		NotAParticipant,
		/// The trial is not in the phase of this call: too early, or too late.
		WrongPhase,
		/// The worker has committed to this stage already; a commitment cannot be changed.
		AlreadyCommitted,
		/// The commitment is zero.
		ZeroCommitment,
		/// The entry's lead commits together with its reply: use `commit_reply`.
		ReplyMissing,
		/// The user is the entry of this job, so no reply is posted on chain.
		NoEntry,
		/// The reply is not valid UTF-8.
		NotText,
		/// The reply claims more tokens than the job may have rows.
		TokensAboveCeiling,
		/// The worker has no commitment that it could open.
		NotCommitted,
		/// The worker has opened its commitment, or told its roots, already.
		AlreadyRevealed,
		/// The opening does not match the commitment of this worker.
		WrongOpening,
		/// The opened result is not that of the reply that this entry posted.
		WrongResult,
		/// The roots, or the tally, claim more rows than the job may have.
		RowsAboveCeiling,
		/// The checker has said already that it got no rows, or the lead how far it came.
		AlreadyReported,
		/// No signature of the receipt is by a lead that opened another root: look whether it is of this run of the
		/// job, of this boundary, and whole.
		ProvesNothing,
		/// What the receipt proves has been shown already.
		AlreadyShown,
		/// The account has shown its lot over this stage already.
		AlreadySummoned,
		/// The lot is not by the key of this account, or not over this draw, job and stage; only accounts with an
		/// sr25519 key can draw one.
		WrongProof,
		/// The lot did not win: it is not below what the bond of its holder stands for.
		LotLost,
		/// The rows of this stage are not compared, or that is over.
		NotCompared,
		/// They are not the rows that were drawn, in their order, of those that this worker told: show those of the duty,
		/// each with its key and path.
		WrongRows,
		/// A tolerance is for two classes, at least 1 part per billion, its median at most its maximum, and that at most
		/// a hundredth.
		BadTolerance,
		/// There is no dispute about this stage, or it is over.
		NoDispute,
		/// It is the other side's turn.
		OtherSide,
		/// The move of this round has been made already.
		AlreadyMoved,
		/// The move does not fit what is awaited, or does not lead to what was shown before.
		RefusedMove,
		/// No breaker of this model or class has tripped.
		NotTripped,
		/// This breaker was decided on; what it holds is being let go.
		AlreadyRuled,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_initialize(now: BlockNumberFor<T>) -> Weight {
			Self::mix_beacon();
			let due = Agenda::<T>::decode_len(now).unwrap_or(0);
			let expired = Self::expire(now);
			expired.saturating_add(Self::tend_breakers(due))
		}

		fn integrity_test() {
			assert!(
				T::Breaker::get().are_sound(),
				"the rules of the breaker contradict themselves"
			);
			let compared = T::RevealBlocks::get().saturating_add(T::DrawBlocks::get());
			let disputed = T::DisputeBlocks::get().saturating_mul(MAX_MOVES.into());
			assert!(
				compared <= disputed,
				"a comparison has to be over in the time of a dispute"
			);
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Commits to the execution of a stage: by its lead while the job runs, by its replica once
		/// every lead has committed. Free of charge when it succeeds.
		#[pallet::call_index(0)]
		#[pallet::weight(T::WeightInfo::commit(MAX_STAGES))]
		pub fn commit(
			origin: OriginFor<T>,
			job: JobId,
			stage: StageIndex,
			commitment: Digest,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let stages = Self::do_commit(&who, job, stage, commitment)?;
			Ok(free(T::WeightInfo::commit(stages)))
		}

		/// Posts the reply of a public job and commits to the entry's stage; only by the entry's lead.
		/// The reply is at most 4 KiB of UTF-8, cut at a character where it would be longer. Free of
		/// charge when it succeeds.
		#[pallet::call_index(1)]
		#[pallet::weight(T::WeightInfo::commit_reply(MAX_STAGES))]
		pub fn commit_reply(
			origin: OriginFor<T>,
			job: JobId,
			commitment: Digest,
			tokens: u32,
			reply: Bytes<MAX_INLINE>,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let stages = Self::do_commit_reply(&who, job, commitment, tokens, reply)?;
			Ok(free(T::WeightInfo::commit_reply(stages)))
		}

		/// Opens the commitment to a stage. Free of charge when it succeeds. Operational, as a dispute is: who
		/// is silent here pays for it, so a full block must not keep it out.
		#[pallet::call_index(2)]
		#[pallet::weight((T::WeightInfo::reveal(MAX_STAGES), DispatchClass::Operational))]
		pub fn reveal(
			origin: OriginFor<T>,
			job: JobId,
			stage: StageIndex,
			opening: Opening,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let stages = Self::do_reveal(&who, job, stage, opening)?;
			Ok(free(T::WeightInfo::reveal(stages)))
		}

		/// Tells what a third worker found when it executed a disputed stage. Free of charge when it
		/// succeeds.
		#[pallet::call_index(3)]
		#[pallet::weight(T::WeightInfo::attest(MAX_STAGES))]
		pub fn attest(
			origin: OriginFor<T>,
			job: JobId,
			stage: StageIndex,
			roots: Roots,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let stages = Self::do_attest(&who, job, stage, roots)?;
			Ok(free(T::WeightInfo::attest(stages)))
		}

		/// Makes the next move in the dispute about a stage: its lead defends the rows that it sent, its
		/// replica challenges them. Free of charge when it succeeds.
		#[pallet::call_index(4)]
		#[pallet::weight((
			move_weight::<T>(made).saturating_add(T::WeightInfo::attest(MAX_STAGES)),
			DispatchClass::Operational,
		))]
		pub fn dispute(
			origin: OriginFor<T>,
			job: JobId,
			stage: StageIndex,
			made: Move,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let judged = move_weight::<T>(&made);
			let stages = Self::do_dispute(&who, job, stage, made)?;
			let ended = T::WeightInfo::attest(stages);
			Ok(free(judged.saturating_add(ended)))
		}

		/// Says, as the checker of a stage, that neither end of the hop into it hands out the rows. Another
		/// checker is drawn when the phase is over; where that one says the same, the lead forfeits. Free of
		/// charge when it succeeds. It weighs what an opening does: it writes the same record.
		#[pallet::call_index(5)]
		#[pallet::weight((T::WeightInfo::reveal(MAX_STAGES), DispatchClass::Operational))]
		pub fn report_withheld(
			origin: OriginFor<T>,
			job: JobId,
			stage: StageIndex,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let stages = Self::do_report_withheld(&who, job, stage)?;
			Ok(free(T::WeightInfo::reveal(stages)))
		}

		/// Shows the receipt of a hop, as a worker or the user of the job, where an end of it signed for other rows
		/// than it opened: that lead is convicted. Free of charge when it succeeds; one that proves nothing costs
		/// its fee.
		#[pallet::call_index(6)]
		#[pallet::weight((T::WeightInfo::show_receipt(MAX_STAGES), DispatchClass::Operational))]
		pub fn show_receipt(
			origin: OriginFor<T>,
			job: JobId,
			receipt: Shown,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let stages = Self::do_show_receipt(&who, job, &receipt)?;
			Ok(free(T::WeightInfo::show_receipt(stages)))
		}

		/// Shows, as a holder of a stage of which the chain has no checker, that its lot won. Who is first checks the
		/// stage. Free of charge when it succeeds, also for who comes second. Operational: a full block must not keep it
		/// out.
		#[pallet::call_index(7)]
		#[pallet::weight((T::WeightInfo::summon(MAX_STAGES), DispatchClass::Operational))]
		pub fn summon(
			origin: OriginFor<T>,
			job: JobId,
			stage: StageIndex,
			proof: Proof,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let stages = Self::do_summon(&who, job, stage, proof)?;
			Ok(free(T::WeightInfo::summon(stages)))
		}

		/// Tells, as the lead of a stage of a job that did not come to its end in time, how many rows came to it and how
		/// many it sent: who is silent is to blame, else the ends of the hop where rows were lost. Free of charge
		/// when it succeeds. Operational: a full block must not keep it out. It weighs what the word of a third
		/// worker does: the last one ends the trial.
		#[pallet::call_index(8)]
		#[pallet::weight((T::WeightInfo::attest(MAX_STAGES), DispatchClass::Operational))]
		pub fn report_tally(
			origin: OriginFor<T>,
			job: JobId,
			stage: StageIndex,
			tally: Tally,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let stages = Self::do_report_tally(&who, job, stage, tally)?;
			Ok(free(T::WeightInfo::attest(stages)))
		}

		/// Shows the rows of a stage that were drawn to be compared, as its lead or its replica, in unlike numerics classes.
		/// Free of charge when it succeeds. Not operational, as it is long, and silence here costs no bond: it must not
		/// keep out what does.
		#[pallet::call_index(9)]
		#[pallet::weight(T::WeightInfo::show_rows(MAX_STAGES))]
		pub fn show_rows(
			origin: OriginFor<T>,
			job: JobId,
			stage: StageIndex,
			rows: Rows,
		) -> DispatchResultWithPostInfo {
			let who = ensure_signed(origin)?;
			let stages = Self::do_show_rows(&who, job, stage, rows)?;
			Ok(free(T::WeightInfo::show_rows(stages)))
		}

		/// Lets the verdicts of a model or class stand whose breaker has tripped: the convicted are slashed, who
		/// passed is paid. The same happens at the end of the breaker's term.
		#[pallet::call_index(20)]
		#[pallet::weight((T::WeightInfo::uphold(), DispatchClass::Operational))]
		pub fn uphold(origin: OriginFor<T>, scope: Scope) -> DispatchResult {
			T::BreakerOrigin::ensure_origin(origin)?;
			Self::do_uphold(scope)
		}

		/// Finds that a fault in common is to blame for the verdicts of a model or class whose breaker has tripped:
		/// nobody but the workers in `but` is slashed, and who was before it tripped gets it back as far as the
		/// treasury can. Who passed is paid, users of failed jobs are refunded.
		#[pallet::call_index(21)]
		#[pallet::weight((T::WeightInfo::pardon(MAX_TAKEN), DispatchClass::Operational))]
		pub fn pardon(
			origin: OriginFor<T>,
			scope: Scope,
			but: BoundedVec<T::AccountId, ConstU32<MAX_GUILTY>>,
		) -> DispatchResultWithPostInfo {
			T::BreakerOrigin::ensure_origin(origin)?;
			let restored = Self::do_pardon(scope, but)?;
			Ok(Some(T::WeightInfo::pardon(restored)).into())
		}

		/// Sets, or takes back, what honest workers of two numerics classes may differ by. `calibration` is the digest of
		/// the measurements. What is compared at the time is judged by what held when its rows were drawn.
		#[pallet::call_index(22)]
		#[pallet::weight((T::WeightInfo::uphold(), DispatchClass::Operational))]
		pub fn set_tolerance(
			origin: OriginFor<T>,
			a: Digest,
			b: Digest,
			tolerance: Option<Tolerance>,
		) -> DispatchResult {
			T::BreakerOrigin::ensure_origin(origin)?;
			Self::do_set_tolerance((a, b), tolerance)
		}
	}

	/// What it costs at most to judge a move.
	fn move_weight<T: Config>(made: &Move) -> Weight {
		match made {
			Move::Step(_) | Move::Claim { .. } | Move::Mismatch(_) => {
				T::WeightInfo::dispute_claim()
			}
			_ => T::WeightInfo::dispute_level(),
		}
	}

	/// A call that did what the chain expects of its sender costs nothing.
	fn free(weight: Weight) -> PostDispatchInfo {
		PostDispatchInfo {
			actual_weight: Some(weight),
			pays_fee: Pays::No,
		}
	}
}
