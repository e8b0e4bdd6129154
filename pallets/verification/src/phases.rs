//! How a trial moves on: it is opened, workers commit, reveal and attest, and a phase is over when its
//! last item arrives or its deadline passes.

use crate::{
	trial::{Participant, StageTrial, Trial},
	Agenda, Config, Error, Event, Pallet, Trials, WeightInfo, AGENDA_WINDOW,
};
use alloc::vec::Vec;
use codec::Encode;
use dllm_primitives::{
	commitment::{self, Opening, Roots},
	dispute, draw,
	flow::{self, Award, ModelCatalog, OnVerdict, WorkerPool},
	ids::{Bytes, Digest, JobId, ModelId, StageIndex, ENTRY_STAGE, MAX_INLINE},
	verdict::{Part, Phase, Verdict},
};
use frame_support::{defensive, ensure, traits::Get, weights::Weight};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{
	traits::{One, Saturating},
	DispatchError, DispatchResult,
};

/// The trial type of a runtime.
pub(crate) type TrialOf<T> = Trial<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// The stage type of a runtime.
pub(crate) type StageOf<T> = StageTrial<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;
/// The participant type of a runtime.
pub(crate) type ParticipantOf<T> =
	Participant<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

impl<T: Config> flow::Trials<T::AccountId, BlockNumberFor<T>> for Pallet<T> {
	fn verdict_blocks() -> BlockNumberFor<T> {
		// Each of the eight deadlines, that of a second round of checks, and that of every round of a dispute,
		// may move by the window; the block that finds it passed included. In both rounds of checks and in a tie
		// somebody may have to fetch what it does not hold. Rows are compared, and what follows awaited again, in less
		// time than a dispute takes, and no trial has both: a model is exact or not. A job of which leads have to tell how far they came ends
		// after that, well before.
		let deadlines = dispute::MAX_MOVES.saturating_add(9);
		let moved = BlockNumberFor::<T>::from(AGENDA_WINDOW.saturating_mul(deadlines));
		let fetching = draw::MAX_FETCH_BLOCKS.saturating_mul(3);
		let disputing = T::DisputeBlocks::get().saturating_mul(dispute::MAX_MOVES.into());
		T::DrawBlocks::get()
			.saturating_add(T::SummonBlocks::get())
			.saturating_add(T::VerifyBlocks::get())
			.saturating_add(T::VerifyBlocks::get())
			.saturating_add(T::RevealBlocks::get())
			.saturating_add(T::RevealBlocks::get())
			.saturating_add(disputing)
			.saturating_add(T::DrawBlocks::get())
			.saturating_add(T::TiebreakBlocks::get())
			.saturating_add(fetching.into())
			.saturating_add(moved)
	}

	fn unserved_blocks() -> BlockNumberFor<T> {
		// They tell how far they came; the next block finds that over.
		T::TallyBlocks::get().saturating_add(One::one())
	}

	fn open(award: Award<T::AccountId, BlockNumberFor<T>>) -> DispatchResult {
		ensure!(
			!Trials::<T>::contains_key(award.job),
			Error::<T>::AlreadyExists
		);
		let model = T::Models::model(award.pipeline.plan.model).ok_or(Error::<T>::UnknownModel)?;
		let trial = Trial::open(&award, &model.spec).ok_or(Error::<T>::TooFewWorkers)?;
		ensure!(!trial.stages.is_empty(), Error::<T>::TooFewWorkers);
		Self::start(award.job, trial)
	}

	fn ran(job: JobId) -> Option<BlockNumberFor<T>> {
		let trial = Trials::<T>::get(job)?;
		let committed = trial.stages.iter().map(|stage| stage.lead.commitment);
		let blocks = committed.map(|commitment| commitment.map(|(_, block)| block));
		blocks.collect::<Option<Vec<_>>>()?.into_iter().max()
	}

	fn blamed(job: JobId) -> Vec<T::AccountId> {
		let closed = Trials::<T>::get(job).filter(|trial| trial.phase == Phase::Closed);
		let Some(trial) = closed else {
			return Vec::new();
		};
		let at_fault = |verdict| {
			matches!(
				verdict,
				Some(Verdict::Cheat | Verdict::WorkerFault | Verdict::VerifierFault)
			)
		};
		let blamed = trial
			.participants()
			.filter(|(_, _, one)| at_fault(one.verdict));
		blamed.map(|(_, _, one)| one.worker.clone()).collect()
	}

	fn suspended() -> Vec<ModelId> {
		Self::suspended_models()
	}

	fn forget(job: JobId) {
		if Trials::<T>::get(job).is_some_and(|trial| trial.phase == Phase::Closed) {
			Trials::<T>::remove(job);
		}
	}
}

impl<T: Config> Pallet<T> {
	/// Stores a drawn trial, enters its first deadline and engages its workers.
	pub(crate) fn start(job: JobId, mut trial: TrialOf<T>) -> DispatchResult {
		let now = frame_system::Pallet::<T>::block_number();
		Self::admit()?;
		trial.until = Self::schedule(job, trial.run_until.max(now))?;
		trial.run_until = trial.until;
		for (_, _, participant) in trial.participants() {
			T::Workers::engage(&participant.worker);
		}
		let until = trial.until;
		Trials::<T>::insert(job, trial);
		Self::deposit_event(Event::TrialOpened { job, until });
		Ok(())
	}

	/// Ends the phases whose deadline has passed with the last block.
	pub(crate) fn expire(now: BlockNumberFor<T>) -> Weight {
		let due = Agenda::<T>::take(now);
		let mut weight = T::WeightInfo::expire_none();
		for job in due {
			let Some(trial) = Trials::<T>::get(job) else {
				defensive!("a deadline without a trial", job);
				continue;
			};
			let stages = trial.stage_count();
			weight.saturating_accrue(if Self::advance(job, trial) {
				T::WeightInfo::expire_and_draw(stages)
			} else {
				T::WeightInfo::expire(stages)
			});
		}
		weight
	}

	/// Takes the commitment of a lead or a replica. Answers the number of stages.
	pub(crate) fn do_commit(
		who: &T::AccountId,
		job: JobId,
		stage: StageIndex,
		commitment: Digest,
	) -> Result<u32, DispatchError> {
		let mut trial = Trials::<T>::get(job).ok_or(Error::<T>::NotFound)?;
		let phase = trial.phase;
		let (part, participant) = find::<T>(&mut trial, stage, who)?;
		let with_reply = stage == ENTRY_STAGE && part == Part::Lead;
		ensure!(!with_reply, Error::<T>::ReplyMissing);
		check_may_commit::<T>(part, participant, phase, commitment)?;

		let now = frame_system::Pallet::<T>::block_number();
		participant.commitment = Some((commitment, now));
		let worker = who.clone();
		Self::deposit_event(Event::Committed {
			job,
			stage,
			worker,
			part,
			commitment,
		});
		Ok(Self::store_or_advance(job, trial))
	}

	/// Takes the commitment of the entry's lead, with its reply. Answers the number of stages.
	pub(crate) fn do_commit_reply(
		who: &T::AccountId,
		job: JobId,
		commitment: Digest,
		tokens: u32,
		reply: Bytes<MAX_INLINE>,
	) -> Result<u32, DispatchError> {
		let stage = ENTRY_STAGE;
		let mut trial = Trials::<T>::get(job).ok_or(Error::<T>::NotFound)?;
		ensure!(!trial.own_entry, Error::<T>::NoEntry);
		let phase = trial.phase;
		let ceiling = trial.rows_ceiling;
		let (part, participant) = find::<T>(&mut trial, stage, who)?;
		ensure!(part == Part::Lead, Error::<T>::NotAParticipant);
		check_may_commit::<T>(part, participant, phase, commitment)?;
		ensure!(tokens <= ceiling, Error::<T>::TokensAboveCeiling);
		ensure!(core::str::from_utf8(&reply).is_ok(), Error::<T>::NotText);

		let now = frame_system::Pallet::<T>::block_number();
		participant.commitment = Some((commitment, now));
		trial.answer = Some(commitment::result_hash(tokens, &reply));
		T::Jobs::answered(job, tokens, reply);
		let worker = who.clone();
		Self::deposit_event(Event::Committed {
			job,
			stage,
			worker,
			part,
			commitment,
		});
		Ok(Self::store_or_advance(job, trial))
	}

	/// Takes an opening of a lead or a replica. Answers the number of stages.
	pub(crate) fn do_reveal(
		who: &T::AccountId,
		job: JobId,
		stage: StageIndex,
		opening: Opening,
	) -> Result<u32, DispatchError> {
		let mut trial = Trials::<T>::get(job).ok_or(Error::<T>::NotFound)?;
		let phase = trial.phase;
		let (ceiling, answer) = (trial.rows_ceiling, trial.answer);
		let (part, participant) = find::<T>(&mut trial, stage, who)?;
		ensure!(participant.opening.is_none(), Error::<T>::AlreadyRevealed);
		ensure!(phase == Phase::Revealing, Error::<T>::WrongPhase);
		let (committed, _) = participant.commitment.ok_or(Error::<T>::NotCommitted)?;
		ensure!(opening.roots.rows <= ceiling, Error::<T>::RowsAboveCeiling);
		let opened = who.using_encoded(|who| commitment::commitment(job, stage, who, &opening));
		ensure!(opened == committed, Error::<T>::WrongOpening);
		let posted = stage == ENTRY_STAGE && part == Part::Lead;
		ensure!(
			!posted || answer == Some(opening.roots.result),
			Error::<T>::WrongResult
		);

		participant.opening = Some(opening);
		Self::deposit_event(Event::Revealed {
			job,
			stage,
			worker: who.clone(),
			part,
			roots: opening.roots,
		});
		Ok(Self::store_or_advance(job, trial))
	}

	/// Takes the roots of a third worker. Answers the number of stages.
	pub(crate) fn do_attest(
		who: &T::AccountId,
		job: JobId,
		stage: StageIndex,
		roots: Roots,
	) -> Result<u32, DispatchError> {
		let mut trial = Trials::<T>::get(job).ok_or(Error::<T>::NotFound)?;
		let phase = trial.phase;
		let ceiling = trial.rows_ceiling;
		let third = trial
			.stage_mut(stage)
			.and_then(|stage| stage.tiebreak.as_mut())
			.filter(|third| third.worker == *who)
			.ok_or(Error::<T>::NotAParticipant)?;
		ensure!(third.opening.is_none(), Error::<T>::AlreadyRevealed);
		ensure!(phase == Phase::Tiebreak, Error::<T>::WrongPhase);
		ensure!(roots.rows <= ceiling, Error::<T>::RowsAboveCeiling);

		third.opening = Some(Opening {
			salt: Digest::zero(),
			roots,
		});
		Self::deposit_event(Event::Revealed {
			job,
			stage,
			worker: who.clone(),
			part: Part::Tiebreak,
			roots,
		});
		Ok(Self::store_or_advance(job, trial))
	}

	/// Writes what arrived; ends the phase where nothing is missing any more. Answers the number of stages, for the
	/// weight: whatever draws workers waits for its deadline.
	pub(crate) fn store_or_advance(job: JobId, trial: TrialOf<T>) -> u32 {
		let stages = trial.stage_count();
		if trial.is_complete() {
			Self::unschedule(job, trial.until);
			Self::advance(job, trial);
		} else {
			Trials::<T>::insert(job, trial);
		}
		stages
	}

	/// Ends the phase of a trial that is no longer on the agenda. Answers whether workers were drawn, be it
	/// in vain.
	fn advance(job: JobId, mut trial: TrialOf<T>) -> bool {
		let mut drawn = false;
		match trial.phase {
			Phase::Running if trial.is_complete() => {
				Self::enter(job, trial, Phase::Drawing, T::DrawBlocks::get())
			}
			Phase::Running => Self::enter(job, trial, Phase::Tallying, T::TallyBlocks::get()),
			Phase::Tallying => Self::close_unserved(job, trial),
			Phase::Drawing => {
				drawn = true;
				Self::draw(job, &mut trial);
				if trial.drawn.is_some_and(|drawn| drawn.checked) {
					Self::enter(job, trial, Phase::Verifying, T::VerifyBlocks::get())
				} else {
					Self::enter(job, trial, Phase::Summoning, T::SummonBlocks::get())
				}
			}
			Phase::Summoning if trial.is_unchecked() => {
				Self::enter(job, trial, Phase::Revealing, T::RevealBlocks::get())
			}
			Phase::Summoning => Self::enter(job, trial, Phase::Verifying, T::VerifyBlocks::get()),
			Phase::Verifying => {
				let again = Self::draw_again(job, &mut trial);
				drawn = again.is_some();
				if again == Some(true) {
					Self::enter(job, trial, Phase::Verifying, T::VerifyBlocks::get())
				} else {
					Self::enter(job, trial, Phase::Revealing, T::RevealBlocks::get())
				}
			}
			Phase::Revealing if trial.boundaries().any(|at| trial.is_contradictory(at)) => {
				Self::enter(job, trial, Phase::Reconciling, T::RevealBlocks::get())
			}
			Phase::Revealing | Phase::Reconciling | Phase::Disputing => {
				let arguing = match trial.phase {
					Phase::Disputing => Self::end_round(job, &mut trial),
					_ => Self::open_disputes(job, &mut trial),
				};
				if arguing {
					Self::enter(job, trial, Phase::Disputing, T::DisputeBlocks::get());
				} else {
					Self::decide(job, trial);
				}
			}
			Phase::Appointing => {
				drawn = true;
				Self::appoint(job, trial);
			}
			Phase::Comparing => {
				Self::end_comparisons(job, &mut trial);
				Self::decide(job, trial);
			}
			Phase::Tiebreak => Self::close_judged(job, trial),
			Phase::Held | Phase::Closed => {
				defensive!("a trial that is over has no deadline", job);
			}
		}
		drawn
	}

	/// Enters a phase that lasts so many blocks after this one, or longer for who has to fetch shards in it.
	pub(crate) fn enter(
		job: JobId,
		mut trial: TrialOf<T>,
		phase: Phase,
		blocks: BlockNumberFor<T>,
	) {
		let now = frame_system::Pallet::<T>::block_number();
		let fetching = match phase {
			Phase::Verifying => trial.fetch_blocks(Part::Replica),
			Phase::Tiebreak => trial.fetch_blocks(Part::Tiebreak),
			_ => 0,
		};
		let blocks = blocks.saturating_add(fetching.into());
		trial.phase = phase;
		match Self::schedule(job, now.saturating_add(blocks)) {
			Ok(until) => {
				trial.until = until;
				Trials::<T>::insert(job, trial);
				Self::deposit_event(Event::PhaseEntered { job, phase, until });
			}
			Err(_) => {
				// Ruled out by the count of open trials; the job must end all the same.
				defensive!("the agenda has no room for an admitted trial", job);
				match phase {
					Phase::Tallying => Self::close_unserved(job, trial),
					_ => {
						Self::end_comparisons(job, &mut trial);
						Self::close_judged(job, trial)
					}
				}
			}
		}
	}
}

/// The lead or replica that an account is in a stage.
pub(crate) fn find<'a, T: Config>(
	trial: &'a mut TrialOf<T>,
	stage: StageIndex,
	who: &T::AccountId,
) -> Result<(Part, &'a mut ParticipantOf<T>), DispatchError> {
	let stage = trial.stage_mut(stage).ok_or(Error::<T>::NotAParticipant)?;
	if stage.lead.worker == *who {
		return Ok((Part::Lead, &mut stage.lead));
	}
	let replica = stage.replica.as_mut();
	replica
		.filter(|replica| replica.worker == *who)
		.map(|replica| (Part::Replica, replica))
		.ok_or(Error::<T>::NotAParticipant.into())
}

/// A commitment is made once, in the phase of the worker's part, and is not zero.
fn check_may_commit<T: Config>(
	part: Part,
	participant: &ParticipantOf<T>,
	phase: Phase,
	commitment: Digest,
) -> DispatchResult {
	let its_phase = if part == Part::Lead {
		Phase::Running
	} else {
		Phase::Verifying
	};
	ensure!(
		participant.commitment.is_none(),
		Error::<T>::AlreadyCommitted
	);
	ensure!(phase == its_phase, Error::<T>::WrongPhase);
	ensure!(!participant.starved, Error::<T>::AlreadyReported);
	ensure!(!commitment.is_zero(), Error::<T>::ZeroCommitment);
	Ok(())
}
