//! What must hold of the trials after every block and every call.

use crate::{
	breaker::now,
	phases::{StageOf, TrialOf},
	Agenda, Breakers, Config, Disputes, Held, HeldCount, OpenTrials, Pallet, ShownRows, Trials,
	Windows, AGENDA_WINDOW, HELD_ROOM, MAX_CLASSES,
};
use codec::Encode;
use dllm_primitives::{
	breaker::Scope,
	commitment,
	dispute::Standing,
	ids::JobId,
	verdict::{Part, Phase},
};
use frame_support::{ensure, traits::Get};
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
			if !matches!(trial.phase, Phase::Held | Phase::Closed) {
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

		for (job, (stage, part), _) in ShownRows::<T>::iter() {
			let trial = Trials::<T>::get(job);
			let stage = trial.as_ref().and_then(|trial| trial.stage(stage));
			let awaited = stage.is_some_and(|stage| stage.awaits_comparison().is_some());
			ensure!(
				awaited && part != Part::Tiebreak,
				"rows are kept that were compared, or that nobody asked for"
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
		check_held::<T>(open)?;
		check_breakers::<T>()
	}
}

/// Every held trial is held by one breaker, and there is room for all, should all that are open be held.
fn check_held<T: Config>(open: u32) -> Result<(), TryRuntimeError> {
	let breakers = Breakers::<T>::get();
	let mut held = 0u32;
	for (scope, job, ()) in Held::<T>::iter() {
		held = held.saturating_add(1);
		let known = breakers.iter().any(|breaker| breaker.scope == scope);
		ensure!(known, "a job is held by no breaker");
		let phase = Trials::<T>::get(job).map(|trial| trial.phase);
		ensure!(phase == Some(Phase::Held), "a held job has no held trial");
	}
	let phases = Trials::<T>::iter_values().filter(|trial| trial.phase == Phase::Held);
	ensure!(
		phases.count() == held as usize && HeldCount::<T>::get() == held,
		"the count of held trials is wrong"
	);
	let room = T::MaxTrialsPerBlock::get()
		.saturating_mul(AGENDA_WINDOW)
		.saturating_mul(HELD_ROOM);
	ensure!(
		open.saturating_add(held) <= room,
		"too many trials are held"
	);
	Ok(())
}

fn check_breakers<T: Config>() -> Result<(), TryRuntimeError> {
	let breakers = Breakers::<T>::get();
	for breaker in &breakers {
		let same = breakers.iter().filter(|one| one.scope == breaker.scope);
		ensure!(same.count() == 1, "two breakers have one scope");
		let open = breaker.ruling.is_none();
		ensure!(
			!open || now::<T>() <= breaker.until,
			"the term of a breaker has passed unnoticed"
		);
		ensure!(
			open || Held::<T>::iter_key_prefix(breaker.scope).next().is_some(),
			"a breaker is kept that was ruled on and holds nothing"
		);
		ensure!(
			!Windows::<T>::contains_key(breaker.scope),
			"verdicts are counted though their breaker has tripped"
		);
	}
	let sound = Windows::<T>::iter_values().all(|window| window.is_sound());
	ensure!(sound, "a window counts what was not judged");
	let classes = Windows::<T>::iter_keys().filter(|scope| matches!(scope, Scope::Class(_)));
	ensure!(
		classes.count() <= MAX_CLASSES as usize,
		"too many classes are counted"
	);
	Ok(())
}

fn check_listed<T: Config>(job: JobId, trial: &TrialOf<T>) -> Result<(), TryRuntimeError> {
	let due = Agenda::<T>::get(trial.until.saturating_add(One::one()));
	ensure!(due.contains(&job), "an open trial is not on the agenda");
	Ok(())
}

/// Lots are shown by holders, once each, and the first one's holder checks the stage until it says that it got no rows.
fn check_summons<T: Config>(trial: &TrialOf<T>, stage: &StageOf<T>) -> Result<(), TryRuntimeError> {
	let shown = &stage.summons;
	ensure!(
		shown.is_empty() || stage.chance > 0,
		"a lot was shown where none was drawn"
	);
	let shown_once = shown.iter().all(|one| {
		let same = shown.iter().filter(|other| other.worker == one.worker);
		same.count() == 1 && stage.holders.contains(&one.worker)
	});
	ensure!(shown_once, "a lot is no holder's, or shown twice");
	let first = shown.first().map(|first| &first.worker);
	let checks = stage.refused.as_ref();
	let checks = checks.or(stage.replica.as_ref().map(|replica| &replica.worker));
	ensure!(
		stage.chance == 0 || first == checks,
		"who was summoned first does not check"
	);
	ensure!(
		stage.chance == 0 || trial.phase >= Phase::Summoning,
		"lots were drawn before the draw"
	);
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
		stage.replica.is_none() || (drawn && (stage.chance == 0 || !stage.summons.is_empty())),
		"a replica was neither drawn nor summoned"
	);
	let secret = trial.drawn.is_some_and(|drawn| !drawn.checked);
	ensure!(
		secret == (stage.chance > 0),
		"a stage is left to lots exactly where its job is not checked for sure"
	);
	check_summons::<T>(trial, stage)?;
	let awaited = matches!(phase, Phase::Running | Phase::Tallying | Phase::Closed);
	ensure!(
		awaited || stage.lead.commitment.is_some(),
		"a lead was not waited for"
	);
	let late = matches!(phase, Phase::Tallying | Phase::Closed) && !drawn;
	ensure!(
		stage.tally.is_none() || (late && stage.lead.commitment.is_none()),
		"a lead that was in time told how far it came"
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
	let contradicted = stage.contradiction.is_none_or(|proof| {
		let opened = stage.lead.opening;
		let told = opened.map(|opening| proof.end.told(&opening.roots));
		phase >= Phase::Reconciling && told.is_some_and(|told| told != proof.root)
	});
	ensure!(
		contradicted,
		"a signature is kept that contradicts nothing its signer opened"
	);
	let awaited = stage.awaits_comparison().is_some();
	ensure!(
		!awaited || phase == Phase::Comparing,
		"rows are awaited after the comparison"
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
