//! Receipts of hops that are shown: an end that signed for other rows than it opened has lied, by its own word.
//!
//! Both ends of a hop sign for its rows, and both commit to them. Where two workers tell other rows of one hop,
//! nobody can tell from that alone which of them lied, and a cheat could hand its checker other rows than it told
//! to make a difference undecided. So whoever of the job has the receipt shows it, in a phase that is there for
//! that, or later as a third worker. Nobody else's word is needed, and none is heard: a signature for the very
//! root that its signer opened proves nothing, and showing it costs a fee.

use crate::{phases::TrialOf, Config, Error, Event, Pallet, Trials};
use alloc::vec::Vec;
use dllm_primitives::{
	flow::{JobBook, WorkerPool},
	hop::{Contradiction, Shown},
	ids::{JobId, StageIndex},
	verdict::Phase,
};
use frame_support::ensure;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
	/// Takes a receipt, and notes of every lead whose signature contradicts what it opened. Answers the number of
	/// stages.
	pub(crate) fn do_show_receipt(
		who: &T::AccountId,
		job: JobId,
		shown: &Shown,
	) -> Result<u32, DispatchError> {
		let mut trial = Trials::<T>::get(job).ok_or(Error::<T>::NotFound)?;
		let in_time = matches!(trial.phase, Phase::Reconciling | Phase::Tiebreak);
		ensure!(in_time, Error::<T>::WrongPhase);
		let works = trial.participants().any(|(_, _, one)| one.worker == *who);
		ensure!(works || trial.client == *who, Error::<T>::NotAParticipant);
		let proofs = proofs::<T>(job, &trial, shown);
		ensure!(!proofs.is_empty(), Error::<T>::ProvesNothing);
		let is_new = |stage| {
			let stage = trial.stage(stage);
			stage.is_some_and(|stage| stage.contradiction.is_none())
		};
		let any_new = proofs.iter().any(|(stage, _)| is_new(*stage));
		ensure!(any_new, Error::<T>::AlreadyShown);

		for (stage, contradiction) in proofs {
			let noted = trial.stage_mut(stage);
			let Some(noted) = noted.filter(|noted| noted.contradiction.is_none()) else {
				continue;
			};
			noted.contradiction = Some(contradiction);
			Self::deposit_event(Event::Contradicted {
				job,
				stage,
				worker: noted.lead.worker.clone(),
				end: contradiction.end,
				shown_by: who.clone(),
			});
		}
		let stages = trial.stage_count();
		Trials::<T>::insert(job, trial);
		Ok(stages)
	}
}

/// What a receipt proves: stages with what their leads signed, though they opened another root.
fn proofs<T: Config>(
	job: JobId,
	trial: &TrialOf<T>,
	shown: &Shown,
) -> Vec<(StageIndex, Contradiction)> {
	// Who has a part in an open job cannot change its peer.
	let peer_of = |who: &T::AccountId| {
		let worker = T::Workers::worker(who);
		worker.map_or(Vec::new(), |worker| worker.spec.peer_id.into_inner())
	};
	let run = trial.run(T::Jobs::asked(job), peer_of);
	let hop = (job, run, shown.boundary);
	let proof = |claim: Contradiction| {
		let stage = trial.stage_at(shown.boundary, claim.end)?;
		let roots = stage.lead.opening?.roots;
		let convicts = claim.convicts(hop, &roots, &peer_of(&stage.lead.worker));
		convicts.then_some((stage.stage, claim))
	};
	shown.claims().filter_map(proof).collect()
}
