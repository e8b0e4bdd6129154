//! The circuit breaker: every judged job is counted by its model and by the classes that its workers told, and
//! where too many operators are blamed in too large a share of them, payouts and slashes wait for governance.
//!
//! When it trips is [`dllm_primitives::breaker`]; what is held and how it is let go is `held`.

use crate::{
	closing::operator,
	phases::{StageOf, TrialOf},
	trial::Participant,
	Breakers, Config, Error, Event, Held, Pallet, SweptWindow, TakenLately, Windows,
};
use alloc::vec::Vec;
use dllm_primitives::{
	breaker::{Breaker, Rules, Ruling, Scope, Taken, MAX_GUILTY},
	commitment::Opening,
	flow::WorkerPool,
	ids::{Digest, JobId, ModelId},
	judge::EXACT_CLASS,
	verdict::Verdict,
};
use frame_support::{
	ensure,
	traits::{ConstU32, Get},
	BoundedVec,
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{DispatchError, DispatchResult, SaturatedConversion};

/// Breakers that may be open at once; what would trip another one is judged as usual.
pub const MAX_BREAKERS: u32 = 16;
/// Windows that are kept at most before a class gets none: whoever invents classes finds no room for them, and is
/// counted under its model all the same.
pub const MAX_CLASSES: u32 = 512;
/// Classes that are counted of one job at most.
pub const MAX_CLASSES_OF_JOB: usize = 4;
/// Of so many of the latest losses a pardon knows.
pub const MAX_TAKEN: u32 = 64;

impl<T: Config> Pallet<T> {
	/// Counts a job that was just judged, and trips what it makes correlated. A model or class whose breaker has
	/// tripped is not counted.
	pub(crate) fn count(job: JobId, trial: &TrialOf<T>) {
		let mut everybody = trial.participants();
		let any_decided = everybody.any(|(_, _, one)| is_decided::<T>(one));
		let classes = judged_classes::<T>(trial).into_iter().map(Scope::Class);
		for scope in core::iter::once(Scope::Model(trial.model)).chain(classes) {
			let blames = blamed_operators::<T>(trial, &scope);
			if any_decided || !blames.is_empty() {
				Self::count_in(scope, job, trial.model, &blames);
			}
		}
	}

	fn count_in(scope: Scope, job: JobId, model: ModelId, blames: &[T::AccountId]) {
		if Breakers::<T>::get().iter().any(|one| one.scope == scope) {
			return;
		}
		let known = Windows::<T>::get(scope);
		let crowded = Windows::<T>::count() >= MAX_CLASSES;
		if known.is_none() && crowded && matches!(scope, Scope::Class(_)) {
			return;
		}
		let rules = T::Breaker::get();
		let mut window = known.unwrap_or_default();
		window.count(&rules, now::<T>(), job, model, blames);
		let trips = !blames.is_empty() && window.is_correlated(&rules);
		Windows::<T>::insert(scope, window);
		if trips {
			Self::trip(scope, &rules);
		}
	}

	fn trip(scope: Scope, rules: &Rules) {
		let Some(window) = Windows::<T>::get(scope) else {
			return;
		};
		let now = now::<T>();
		let until = now.saturating_add(rules.term);
		let breaker = Breaker {
			scope,
			tripped: now,
			until,
			models: BoundedVec::truncate_from(window.models()),
			ruling: None,
		};
		if Breakers::<T>::try_append(breaker).is_err() {
			return;
		}
		// Whatever becomes of it, the next one is tripped by other jobs.
		Windows::<T>::remove(scope);
		let operators = window.operators().iter();
		Self::deposit_event(Event::BreakerTripped {
			scope,
			judged: window.judged(),
			blamed: window.blamed(),
			operators: operators.map(|one| one.operator.clone()).collect(),
			until: until.into(),
		});
	}

	/// Keeps what was taken from bonds, for as long as a pardon may give it back.
	pub(crate) fn note_taken(taken: Vec<Taken<T::AccountId>>) {
		if taken.is_empty() {
			return;
		}
		let (rules, now) = (T::Breaker::get(), now::<T>());
		TakenLately::<T>::mutate(|lately| {
			lately.retain(|one| one.is_recent(&rules, now));
			for one in taken {
				if lately.is_full() {
					lately.remove(0);
				}
				// There is room: the oldest has just made it.
				let _ = lately.try_push(one);
			}
		});
	}

	/// The models of which no job is awarded now.
	pub(crate) fn suspended_models() -> Vec<ModelId> {
		let open = Breakers::<T>::get();
		let open = open.iter().filter(|breaker| breaker.ruling.is_none());
		open.flat_map(|breaker| breaker.models.iter().copied())
			.collect()
	}

	pub(crate) fn do_uphold(scope: Scope) -> DispatchResult {
		Self::rule(scope, Ruling::Upheld, false).map(|_| ())
	}

	/// Answers how many workers got back what they had lost.
	pub(crate) fn do_pardon(
		scope: Scope,
		but: BoundedVec<T::AccountId, ConstU32<MAX_GUILTY>>,
	) -> Result<u32, DispatchError> {
		let breaker = Self::rule(scope, Ruling::Pardoned { but: but.clone() }, false)?;
		let rules = T::Breaker::get();
		let is_pardoned =
			|one: &Taken<_>| one.is_of(&breaker, &rules) && !but.contains(&one.worker);
		let (given_back, kept): (Vec<_>, Vec<_>) =
			TakenLately::<T>::get().into_iter().partition(is_pardoned);
		TakenLately::<T>::put(BoundedVec::truncate_from(kept));
		for one in &given_back {
			T::Workers::acquit(&one.worker, one.amount, one.ground);
		}
		Ok(given_back.len() as u32)
	}

	/// Writes what was decided of a breaker, and answers the breaker.
	pub(crate) fn rule(
		scope: Scope,
		ruling: Ruling<T::AccountId>,
		lapsed: bool,
	) -> Result<Breaker<T::AccountId>, DispatchError> {
		let mut breakers = Breakers::<T>::get();
		let found = breakers.iter_mut().find(|one| one.scope == scope);
		let breaker = found.ok_or(Error::<T>::NotTripped)?;
		ensure!(breaker.ruling.is_none(), Error::<T>::AlreadyRuled);
		breaker.ruling = Some(ruling.clone());
		let ruled = breaker.clone();
		Breakers::<T>::put(breakers);
		Self::deposit_event(Event::BreakerRuled {
			scope,
			ruling,
			lapsed,
		});
		Self::close_if_empty(scope);
		Ok(ruled)
	}

	/// Forgets a breaker that was decided on and holds nothing any more.
	pub(crate) fn close_if_empty(scope: Scope) {
		if Held::<T>::iter_key_prefix(scope).next().is_some() {
			return;
		}
		Breakers::<T>::mutate(|breakers| breakers.retain(|one| one.scope != scope));
		Self::deposit_event(Event::BreakerClosed { scope });
	}

	/// Looks at the next window in the order of storage, and forgets it where it says nothing any more.
	pub(crate) fn sweep_windows() {
		let after = SweptWindow::<T>::get();
		let next = after
			.and_then(|scope| Windows::<T>::iter_from(Windows::<T>::hashed_key_for(scope)).next());
		let next = next.map(|(scope, _)| scope);
		let Some(scope) = next.or_else(|| Windows::<T>::iter_keys().next()) else {
			return;
		};
		SweptWindow::<T>::put(scope);
		let Some(mut window) = Windows::<T>::get(scope) else {
			return;
		};
		window.slide(&T::Breaker::get(), now::<T>());
		if window.is_empty() {
			Windows::<T>::remove(scope);
		}
	}
}

/// This block, as windows count.
pub(crate) fn now<T: Config>() -> u32 {
	frame_system::Pallet::<T>::block_number().saturated_into()
}

/// Whether a worker was judged by what it opened.
fn is_decided<T: Config>(one: &Participant<T::AccountId, BlockNumberFor<T>>) -> bool {
	let judged = matches!(one.verdict, Some(Verdict::Pass | Verdict::Cheat));
	judged && one.opening.is_some()
}

/// The class of a worker that was judged by the rows that it sent. It cannot have chosen it: an `exact` model has
/// one, and else somebody else of the stage names it too. None of who told other shards than
/// the model's, or signed for other rows than it told, which convicts in any class.
pub(crate) fn judged_class<T: Config>(
	exact: bool,
	stage: &StageOf<T>,
	one: &Participant<T::AccountId, BlockNumberFor<T>>,
) -> Option<Digest> {
	let roots = one.opening.filter(|_| is_decided::<T>(one))?.roots;
	let by_signature = stage.contradiction.is_some() && one.worker == stage.lead.worker;
	let class = match exact {
		true => EXACT_CLASS,
		false => roots.class,
	};
	let mut others = stage
		.participants()
		.filter(|(_, other)| other.worker != one.worker);
	let named = |other: Option<Opening>| other.is_some_and(|other| other.roots.class == class);
	let shared = exact || others.any(|(_, other)| named(other.opening));
	(roots.weights == stage.shards && !by_signature && shared).then_some(class)
}

/// The classes in which workers of a trial were judged, each once, at most [`MAX_CLASSES_OF_JOB`].
fn judged_classes<T: Config>(trial: &TrialOf<T>) -> Vec<Digest> {
	let mut classes = Vec::new();
	for stage in &trial.stages {
		let judged = stage
			.participants()
			.filter_map(|(_, one)| judged_class::<T>(trial.exact, stage, one));
		for class in judged {
			if classes.len() < MAX_CLASSES_OF_JOB && !classes.contains(&class) {
				classes.push(class);
			}
		}
	}
	classes
}

/// Whether a pardon of `scope` is about what a worker is blamed for: it was convicted of what it opened, or, of a
/// model, forfeits because it opened nothing. No fault in common copies a commitment; and the word of two checkers
/// that they got no rows costs them nothing, so they could stop a model with it.
pub(crate) fn is_blamed<T: Config>(
	exact: bool,
	stage: &StageOf<T>,
	one: &Participant<T::AccountId, BlockNumberFor<T>>,
	scope: &Scope,
) -> bool {
	let convicted = one.verdict == Some(Verdict::Cheat);
	let unopened = stage.is_unopened() && one.worker == stage.lead.worker;
	match scope {
		Scope::Model(_) => unopened || (convicted && one.opening.is_some()),
		Scope::Class(class) => convicted && judged_class::<T>(exact, stage, one) == Some(*class),
	}
}

/// The operators of those who are blamed in a scope.
fn blamed_operators<T: Config>(trial: &TrialOf<T>, scope: &Scope) -> Vec<T::AccountId> {
	let blamed = |stage: &StageOf<T>| {
		let found = stage.participants().map(|(_, one)| one);
		let found = found.filter(|one| is_blamed::<T>(trial.exact, stage, one, scope));
		found
			.map(|one| operator::<T>(&one.worker))
			.collect::<Vec<_>>()
	};
	trial.stages.iter().flat_map(blamed).collect()
}

/// The open breaker that has to do with a judged trial, if there is one: that of its model, or of a class in which
/// any of its workers was judged.
pub(crate) fn open_scope<T: Config>(trial: &TrialOf<T>) -> Option<Scope> {
	let classes = judged_classes::<T>(trial);
	let concerns = |breaker: &Breaker<T::AccountId>| match breaker.scope {
		Scope::Model(model) => model == trial.model,
		Scope::Class(class) => classes.contains(&class),
	};
	let breakers = Breakers::<T>::get();
	let mut open = breakers.iter().filter(|one| one.ruling.is_none());
	open.find(|one| concerns(one)).map(|one| one.scope)
}
