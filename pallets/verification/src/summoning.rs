//! Summoning: the chain leaves to lots whether a stage is checked ([`dllm_primitives::summons`]). A holder whose lot won
//! shows it, and the first one that does checks the stage. Later ones of the same stage are recorded and change nothing:
//! they could not know, so it costs them nothing either.

use crate::{
	drawing::{leading_operators, lots},
	phases::{StageOf, TrialOf},
	trial::Participant,
	Config, Error, Event, Pallet, Trials,
};
use codec::Encode;
use dllm_primitives::{
	flow::WorkerPool,
	ids::{JobId, StageIndex},
	summons::{self, Proof, Summons},
	verdict::Phase,
};
use frame_support::ensure;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
	/// Takes the winning lot of a holder of a stage. Answers the number of stages.
	pub(crate) fn do_summon(
		who: &T::AccountId,
		job: JobId,
		stage: StageIndex,
		proof: Proof,
	) -> Result<u32, DispatchError> {
		let mut trial = Trials::<T>::get(job).ok_or(Error::<T>::NotFound)?;
		let of_stage = trial.stage(stage).ok_or(Error::<T>::NotAParticipant)?;
		ensure!(of_stage.holders.contains(who), Error::<T>::NotAParticipant);
		ensure!(
			!has_summoned::<T>(of_stage, who),
			Error::<T>::AlreadySummoned
		);
		ensure!(trial.phase == Phase::Summoning, Error::<T>::WrongPhase);
		let threshold = threshold::<T>(&trial, of_stage, who).ok_or(Error::<T>::NotAParticipant)?;
		let drawn = trial.drawn.ok_or(Error::<T>::WrongPhase)?;
		let lot = who.using_encoded(|who| summons::lot(drawn.seed, (job, stage), who, &proof));
		let lot = lot.ok_or(Error::<T>::WrongProof)?;
		ensure!(lot < threshold, Error::<T>::LotLost);

		if let Some(of_stage) = trial.stage_mut(stage) {
			let shown = Summons {
				worker: who.clone(),
				threshold,
				proof,
			};
			let room = of_stage.summons.try_push(shown);
			room.map_err(|_| Error::<T>::AlreadySummoned)?;
			Self::summoned(job, of_stage, who);
		}
		Ok(Self::store_or_advance(job, trial))
	}

	/// The first who shows a lot checks the stage.
	fn summoned(job: JobId, of_stage: &mut StageOf<T>, who: &T::AccountId) {
		let (stage, worker) = (of_stage.stage, who.clone());
		Self::deposit_event(Event::Summoned { job, stage, worker });
		if of_stage.replica.is_some() {
			return;
		}
		let worker = who.clone();
		T::Workers::engage(&worker);
		of_stage.replica = Some(Participant::new(worker.clone()));
		Self::deposit_event(Event::CheckerDrawn { job, stage, worker });
	}
}

/// Whether a holder has shown its lot over a stage.
pub(crate) fn has_summoned<T: Config>(stage: &StageOf<T>, who: &T::AccountId) -> bool {
	stage.summons.iter().any(|shown| shown.worker == *who)
}

/// What the lot of a holder of a stage has to be below, of 2⁶⁴; none where it draws none.
pub(crate) fn threshold<T: Config>(
	trial: &TrialOf<T>,
	stage: &StageOf<T>,
	who: &T::AccountId,
) -> Option<u64> {
	let place = stage.holders.iter().position(|holder| holder == who)?;
	let bonds = lots::<T>(stage, &leading_operators::<T>(trial));
	let own = bonds.get(place).copied().filter(|bond| *bond > 0)?;
	let sum = |sum: u128, bond: &u128| sum.saturating_add(*bond);
	let total = bonds.iter().fold(0, sum);
	Some(summons::threshold(stage.chance, own, total))
}
