//! How far a job came that did not come to its end: each lead that has not committed tells it, and from that follows
//! who stopped the ring ([`dllm_primitives::stall`]).

use crate::{phases::find, Config, Error, Event, Pallet, Trials};
use dllm_primitives::{
	ids::{JobId, StageIndex},
	stall::Tally,
	verdict::{Part, Phase},
};
use frame_support::ensure;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
	/// Takes the tally of a lead. Answers the number of stages.
	pub(crate) fn do_report_tally(
		who: &T::AccountId,
		job: JobId,
		stage: StageIndex,
		tally: Tally,
	) -> Result<u32, DispatchError> {
		let mut trial = Trials::<T>::get(job).ok_or(Error::<T>::NotFound)?;
		let (phase, ceiling) = (trial.phase, trial.rows_ceiling);
		let (part, lead) = find::<T>(&mut trial, stage, who)?;
		ensure!(part == Part::Lead, Error::<T>::NotAParticipant);
		ensure!(lead.commitment.is_none(), Error::<T>::AlreadyCommitted);
		ensure!(phase == Phase::Tallying, Error::<T>::WrongPhase);
		let rows = tally.received.max(tally.sent).unwrap_or(0);
		ensure!(rows <= ceiling, Error::<T>::RowsAboveCeiling);

		let told = trial.stage_mut(stage).ok_or(Error::<T>::NotAParticipant)?;
		ensure!(told.tally.is_none(), Error::<T>::AlreadyReported);
		told.tally = Some(tally);
		let worker = who.clone();
		Self::deposit_event(Event::Tallied {
			job,
			stage,
			worker,
			tally,
		});
		Ok(Self::store_or_advance(job, trial))
	}
}
