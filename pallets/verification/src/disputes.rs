//! Disputes between lead and replica: opened where both revealed other rows after the same work, played in
//! rounds of one move each, and lost by whoever is wrong or silent.
//!
//! All disputes of a trial keep step: a round is over when each of them has had its move, at the latest at
//! the deadline of the phase. So a trial has one deadline, whatever it argues about.

use crate::{closing::showings, phases::TrialOf, Config, Disputes, Error, Event, Pallet, Trials};
use dllm_primitives::{
	dispute::{Move, Outcome, Record, Standing},
	flow::ModelCatalog,
	ids::{JobId, StageIndex, MAX_STAGES},
	judge,
	verdict::Phase,
};
use frame_support::ensure;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
	/// Opens a dispute in every stage where lead and replica can have one. Answers whether there is any.
	pub(crate) fn open_disputes(job: JobId, trial: &mut TrialOf<T>) -> bool {
		let Some(model) = T::Models::model(trial.model) else {
			return false;
		};
		let mut any = false;
		let showings = showings::<T>(trial);
		for (stage, showing) in trial.stages.iter_mut().zip(&showings) {
			if !judge::is_disputable(showing) {
				continue;
			}
			let Some(record) = Record::open(job, stage, &model.spec) else {
				continue;
			};
			Disputes::<T>::insert(job, stage.stage, record);
			stage.dispute = Some(Standing::Awaiting);
			let stage = stage.stage;
			Self::deposit_event(Event::DisputeOpened { job, stage });
			any = true;
		}
		any
	}

	/// Makes the move of a side of a dispute. Answers the number of stages.
	pub(crate) fn do_dispute(
		who: &T::AccountId,
		job: JobId,
		stage: StageIndex,
		made: Move,
	) -> Result<u32, DispatchError> {
		let mut trial = Trials::<T>::get(job).ok_or(Error::<T>::NotFound)?;
		ensure!(trial.phase == Phase::Disputing, Error::<T>::WrongPhase);
		let argued = trial.stage_mut(stage).ok_or(Error::<T>::NotAParticipant)?;
		let is_party = argued.participants().any(|(_, party)| party.worker == *who);
		ensure!(is_party, Error::<T>::NotAParticipant);
		let mut record = Disputes::<T>::get(job, stage).ok_or(Error::<T>::NoDispute)?;
		ensure!(
			argued.dispute == Some(Standing::Awaiting),
			Error::<T>::AlreadyMoved
		);
		let side = record.game.turn().ok_or(Error::<T>::NoDispute)?;
		ensure!(argued.disputant(side) == Some(who), Error::<T>::OtherSide);

		let standing = record.play(made).map_err(|_| Error::<T>::RefusedMove)?;
		argued.dispute = Some(standing);
		Self::deposit_event(Event::DisputeMoved { job, stage, side });
		if let Standing::Over(outcome) = standing {
			Disputes::<T>::remove(job, stage);
			Self::deposit_event(Event::DisputeEnded {
				job,
				stage,
				outcome,
				silent: None,
			});
		} else {
			Disputes::<T>::insert(job, stage, record);
		}
		Ok(Self::store_or_advance(job, trial))
	}

	/// Ends a round of the disputes of a trial: who had to move and did not has lost. Answers whether any
	/// dispute goes on.
	pub(crate) fn end_round(job: JobId, trial: &mut TrialOf<T>) -> bool {
		let mut any = false;
		for stage in trial.stages.iter_mut() {
			match stage.dispute {
				Some(Standing::Moved) => {
					stage.dispute = Some(Standing::Awaiting);
					any = true;
				}
				Some(Standing::Awaiting) => {
					stage.dispute = Some(Standing::Over(Self::lose_by_silence(job, stage.stage)));
				}
				Some(Standing::Over(_)) | None => {}
			}
		}
		any
	}

	fn lose_by_silence(job: JobId, stage: StageIndex) -> Outcome {
		let record = Disputes::<T>::take(job, stage);
		let silent = record.as_ref().and_then(|record| record.game.turn());
		// Without a record there is nothing against the lead; try-state rules it out.
		let outcome = record.map_or(Outcome::Dismissed, |mut record| record.game.silence());
		Self::deposit_event(Event::DisputeEnded {
			job,
			stage,
			outcome,
			silent,
		});
		outcome
	}

	/// Drops what is left of the disputes of a trial that is closed.
	pub(crate) fn drop_disputes(job: JobId) {
		let _ = Disputes::<T>::clear_prefix(job, MAX_STAGES, None);
	}
}
