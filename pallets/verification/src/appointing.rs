//! Third workers, for stages whose lead and checker do not agree and where no dispute decides.
//!
//! They are drawn some blocks after both have told what they found, from randomness of then. Who knew its third worker
//! when it commits could lie where that is its friend, and be honest else: two friends would convict the honest one
//! without a risk.

use crate::{
	closing::{operator, showings},
	drawing::{choose_holder, draw_outsider},
	judge,
	phases::{StageOf, TrialOf},
	trial::Participant,
	Beacon, Config, Event, Pallet,
};
use alloc::vec::Vec;
use dllm_primitives::{
	draw,
	flow::WorkerPool,
	ids::{Digest, JobId},
	verdict::Phase,
};
use frame_support::traits::Get;

impl<T: Config> Pallet<T> {
	/// Awaits the randomness that draws rows to compare or third workers, or closes the trial where there is nothing for them to decide.
	pub(crate) fn decide(job: JobId, trial: TrialOf<T>) {
		if showings::<T>(&trial).iter().any(judge::needs_tiebreak) {
			Self::enter(job, trial, Phase::Appointing, T::DrawBlocks::get());
		} else {
			Self::close_judged(job, trial);
		}
	}

	/// Has rows compared where that may settle it; else draws a third worker for every stage that needs one. Where
	/// nobody is found for any, the trial is closed.
	pub(crate) fn appoint(job: JobId, mut trial: TrialOf<T>) {
		if Self::draw_comparisons(job, &mut trial) {
			Self::enter(job, trial, Phase::Comparing, T::RevealBlocks::get());
		} else if Self::draw_tiebreakers(job, &mut trial) {
			Self::enter(job, trial, Phase::Tiebreak, T::TiebreakBlocks::get());
		} else {
			Self::close_judged(job, trial);
		}
	}

	/// Answers whether anybody was drawn.
	fn draw_tiebreakers(job: JobId, trial: &mut TrialOf<T>) -> bool {
		let showings = showings::<T>(trial);
		let seed = trial.drawn.map_or(Digest::zero(), |drawn| drawn.seed);
		let beacon = Beacon::<T>::get();
		let refused = trial
			.stages
			.iter()
			.filter_map(|stage| stage.refused.as_ref());
		let mut busy = trial
			.participants()
			.map(|(_, _, participant)| &participant.worker)
			.chain(refused)
			.map(operator::<T>)
			.collect::<Vec<_>>();
		let mut any = false;
		for (stage, showing) in trial.stages.iter_mut().zip(&showings) {
			if !judge::needs_tiebreak(showing) {
				continue;
			}
			let seed = draw::of_third(seed, beacon, stage.stage);
			let outside = stage.refused.is_some() || judge::is_contested(showing);
			let Some(worker) = draw_tiebreaker::<T>(seed, stage, outside, &busy) else {
				continue;
			};
			busy.push(operator::<T>(&worker));
			T::Workers::engage(&worker);
			stage.tiebreak = Some(Participant::new(worker.clone()));
			Self::deposit_event(Event::TiebreakerDrawn {
				job,
				stage: stage.stage,
				worker,
			});
			any = true;
		}
		any
	}
}

/// A third worker for a stage: another holder of it, else a verifier of another operator. One from `outside` the stage
/// comes first where it has to say which of two is right, or a checker got no rows: whoever else holds the stage was in
/// the plan before the case, and may be the friend of either.
fn draw_tiebreaker<T: Config>(
	seed: Digest,
	stage: &StageOf<T>,
	outside: bool,
	busy: &[T::AccountId],
) -> Option<T::AccountId> {
	let parties = stage
		.participants()
		.map(|(_, participant)| participant.worker.clone())
		.chain(stage.refused.clone())
		.collect::<Vec<_>>();
	let others = stage
		.holders
		.iter()
		.filter(|holder| !parties.contains(holder))
		.cloned()
		.collect::<Vec<_>>();
	let outsider = outside.then(|| draw_outsider::<T>(seed, stage, busy));
	let holder = || choose_holder::<T>(seed, &others, &[]);
	outsider.flatten().or_else(holder).or_else(|| {
		let operators = parties.iter().map(operator::<T>).collect::<Vec<_>>();
		T::Workers::draw_verifier(seed, &operators, stage.memory)
			.filter(|drawn| !parties.contains(drawn))
	})
}
