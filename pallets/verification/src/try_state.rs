//! What must hold of the trials after every block and every call.

use crate::{
	phases::{StageOf, TrialOf},
	Agenda, Config, Disputes, OpenTrials, Pallet, Trials,
};
use codec::Encode;
use dllm_primitives::{
	commitment,
	dispute::Standing,
	ids::JobId,
	verdict::{Part, Phase},
};
use frame_support::ensure;
use sp_runtime::{
	traits::{One, Saturating},
	TryRuntimeError,
};

impl<T: Config> Pallet<T> {
	/// Checks that the agenda and the trials tell the same, and that no trial is ahead of its phase.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		let now = frame_system::Pallet::<T>::block_number();
		let mut open = 0u32;
		for (job, trial) in Trials::<T>::iter() {
			if trial.phase != Phase::Closed {
				open = open.saturating_add(1);
				check_listed::<T>(job, &trial)?;
			}
			for stage in &trial.stages {
				check_stage::<T>(job, &trial, stage)?;
			}
		}
		ensure!(
			open == OpenTrials::<T>::get(),
			"the count of open trials is wrong"
		);

		for (job, stage, _) in Disputes::<T>::iter() {
			let argued = Trials::<T>::get(job)
				.filter(|trial| trial.phase == Phase::Disputing)
				.and_then(|trial| trial.stage(stage)?.dispute);
			ensure!(
				matches!(argued, Some(Standing::Awaiting | Standing::Moved)),
				"a dispute is kept that is not under way"
			);
		}

		let mut listed = 0usize;
		for (over, due) in Agenda::<T>::iter() {
			ensure!(over > now, "a deadline has passed unnoticed");
			ensure!(!due.is_empty(), "an empty list of deadlines is kept");
			listed = listed.saturating_add(due.len());
		}
		ensure!(
			listed == open as usize,
			"the agenda lists a trial twice, or one that is not open"
		);
		Ok(())
	}
}

fn check_listed<T: Config>(job: JobId, trial: &TrialOf<T>) -> Result<(), TryRuntimeError> {
	let due = Agenda::<T>::get(trial.until.saturating_add(One::one()));
	ensure!(due.contains(&job), "an open trial is not on the agenda");
	Ok(())
}

fn check_stage<T: Config>(
	job: JobId,
	trial: &TrialOf<T>,
	stage: &StageOf<T>,
) -> Result<(), TryRuntimeError> {
	let phase = trial.phase;
	let drawn = trial.drawn.is_some();
	ensure!(
		drawn == (phase > Phase::Drawing) || phase == Phase::Closed,
		"a draw comes after the commitments and before the checks"
	);
	ensure!(
		stage.replica.is_none() || trial.drawn.is_some_and(|drawn| drawn.checked),
		"a replica was not drawn"
	);
	let lead_done = phase == Phase::Running || phase == Phase::Closed;
	ensure!(
		lead_done || stage.lead.commitment.is_some(),
		"a lead was not waited for"
	);
	let arguing = matches!(stage.dispute, Some(Standing::Awaiting | Standing::Moved));
	ensure!(
		!arguing || (phase == Phase::Disputing && Disputes::<T>::contains_key(job, stage.stage)),
		"a dispute under way has no record"
	);
	ensure!(
		stage.dispute.is_none() || phase >= Phase::Disputing,
		"a dispute was opened before the reveals"
	);
	let third_ok = stage.tiebreak.is_none() || phase >= Phase::Tiebreak;
	ensure!(third_ok, "a third worker was drawn before the reveals");
	let replaced = stage.refused.as_ref().is_none_or(|first| {
		let mut others = stage.participants();
		stage.replica.is_some() && others.all(|(_, other)| other.worker != *first)
	});
	ensure!(replaced, "who got no rows was not replaced by another");
	let checks_itself = stage
		.checkers()
		.any(|checker| *checker == stage.lead.worker);
	ensure!(!checks_itself, "a lead checks itself");

	for (part, participant) in stage.participants() {
		let reports = part == Part::Replica && participant.commitment.is_none();
		ensure!(
			reports || !participant.starved,
			"only a checker that commits to nothing can have got no rows"
		);
		let judged = participant.verdict.is_some();
		ensure!(
			judged == (phase == Phase::Closed),
			"verdicts stand exactly in closed trials"
		);
		let Some(opening) = participant.opening else {
			continue;
		};
		ensure!(
			phase >= Phase::Revealing,
			"an opening came before the reveals"
		);
		ensure!(
			opening.roots.rows <= trial.rows_ceiling,
			"an opening tells too many rows"
		);
		if part != Part::Tiebreak {
			let worker = participant.worker.encode();
			let opened = commitment::commitment(job, stage.stage, &worker, &opening);
			let committed = participant.commitment.as_ref().map(|(digest, _)| *digest);
			ensure!(
				committed == Some(opened),
				"an opening does not match its commitment"
			);
		}
	}
	Ok(())
}
