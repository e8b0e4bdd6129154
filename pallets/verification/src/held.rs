//! What a breaker holds: trials in which everything is shown. Their escrow stays on hold and their workers
//! engaged, so that no money is gone before it is decided whose it is. They are off the agenda; a ruling, or the
//! end of the term, lets them go, never more in a block than may end in it.

use crate::{
	breaker::{is_blamed, now, open_scope},
	judge::Outcome,
	phases::TrialOf,
	Breakers, Config, Event, Held, HeldCount, OpenTrials, Pallet, Trials, WeightInfo,
};
use alloc::vec::Vec;
use dllm_primitives::{
	breaker::{Breaker, Ruling, Scope},
	ids::{JobId, ModelId},
	verdict::{Phase, Verdict},
};
use frame_support::{defensive, traits::Get, weights::Weight};

/// Open and held trials together, in multiples of those that may be open: trials of other models go on while
/// those of a few are held.
pub const HELD_ROOM: u32 = 4;

impl<T: Config> Pallet<T> {
	/// The open breaker that holds a judged trial; none where there is nothing to pay and nothing to take.
	pub(crate) fn holding_scope(trial: &TrialOf<T>, outcome: &Outcome) -> Option<Scope> {
		let served = matches!(outcome, Outcome::Served { .. });
		let mut everybody = trial.participants();
		let convicted = everybody.any(|(_, _, one)| one.verdict == Some(Verdict::Cheat));
		let blamed = convicted || trial.stages.iter().any(|stage| stage.withheld());
		(served || blamed).then(|| open_scope::<T>(trial)).flatten()
	}

	/// Holds a trial that is off the agenda: its verdicts are found again when it is let go.
	pub(crate) fn hold(job: JobId, mut trial: TrialOf<T>, scope: Scope) {
		if trial.phase != Phase::Held {
			OpenTrials::<T>::mutate(|open| *open = open.saturating_sub(1));
			HeldCount::<T>::mutate(|held| *held = held.saturating_add(1));
		}
		let until = Self::suspend(scope, trial.model);
		for stage in trial.stages.iter_mut() {
			stage
				.participants_mut()
				.for_each(|(_, one)| one.verdict = None);
		}
		trial.phase = Phase::Held;
		trial.until = until.into();
		Self::drop_disputes(job);
		Held::<T>::insert(scope, job, ());
		Trials::<T>::insert(job, trial);
		Self::deposit_event(Event::TrialHeld {
			job,
			scope,
			until: until.into(),
		});
	}

	/// Adds a model to those that a breaker suspends; answers the last block of its term.
	fn suspend(scope: Scope, model: ModelId) -> u32 {
		Breakers::<T>::mutate(|breakers| {
			let Some(breaker) = breakers.iter_mut().find(|one| one.scope == scope) else {
				return now::<T>();
			};
			if !breaker.models.contains(&model) {
				// Of the first ones no job is awarded; others are held as they end.
				let _ = breaker.models.try_push(model);
			}
			breaker.until
		})
	}

	/// Ends the terms that are over and lets held trials go: as many as may end in this block besides the `due`
	/// ones, at least one. Answers what it weighs beyond a block in which there is nothing to do.
	pub(crate) fn tend_breakers(due: usize) -> Weight {
		Self::sweep_windows();
		let mut weight = Weight::zero();
		let breakers = Breakers::<T>::get();
		let over = |one: &&Breaker<_>| one.ruling.is_none() && now::<T>() > one.until;
		for breaker in breakers.iter().filter(over) {
			weight.saturating_accrue(T::WeightInfo::uphold());
			if Self::rule(breaker.scope, Ruling::Upheld, true).is_err() {
				defensive!("a breaker was ruled on that was not found", breaker.scope);
			}
		}
		let room = T::MaxTrialsPerBlock::get()
			.saturating_sub(due as u32)
			.max(1);
		weight.saturating_add(Self::let_go(room))
	}

	/// Ends held trials of the oldest breaker that is ruled on, `most` at most.
	fn let_go(most: u32) -> Weight {
		let mut weight = Weight::zero();
		let breakers = Breakers::<T>::get();
		let ruled = breakers.into_iter().find(|one| one.ruling.is_some());
		let Some((scope, ruling)) = ruled.and_then(|one| Some((one.scope, one.ruling?))) else {
			return weight;
		};
		let jobs = Held::<T>::iter_key_prefix(scope)
			.take(most as usize)
			.collect::<Vec<_>>();
		for job in jobs {
			Held::<T>::remove(scope, job);
			let Some(trial) = Trials::<T>::get(job) else {
				defensive!("a held job without a trial", job);
				continue;
			};
			weight.saturating_accrue(T::WeightInfo::expire(trial.stage_count()));
			Self::end_held(job, trial, &scope, &ruling);
		}
		Self::close_if_empty(scope);
		weight
	}

	fn end_held(job: JobId, mut trial: TrialOf<T>, scope: &Scope, ruling: &Ruling<T::AccountId>) {
		let mut outcome = Self::judge(&mut trial);
		match ruling {
			Ruling::Upheld => {
				if let Some(other) = open_scope::<T>(&trial) {
					Self::hold(job, trial, other);
					return;
				}
			}
			Ruling::Pardoned { but } => {
				pardon::<T>(&mut trial, scope, but);
				outcome = Self::outcome(&trial);
			}
		}
		Self::conclude(job, trial, outcome);
	}
}

/// Pardons who is blamed in a scope, but for those named.
fn pardon<T: Config>(trial: &mut TrialOf<T>, scope: &Scope, but: &[T::AccountId]) {
	let exact = trial.exact;
	for stage in trial.stages.iter_mut() {
		let blamed = stage.participants().filter(|(_, one)| {
			is_blamed::<T>(exact, stage, one, scope) && !but.contains(&one.worker)
		});
		let blamed = blamed.map(|(part, _)| part).collect::<Vec<_>>();
		for (_, one) in stage
			.participants_mut()
			.filter(|(part, _)| blamed.contains(part))
		{
			one.verdict = Some(Verdict::Pardoned);
		}
	}
}
