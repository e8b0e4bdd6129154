//! Rows that neither end of a hop hands to the checker of a stage.
//!
//! A checker that gets no rows says so on chain. One word against another proves nothing: whoever was served
//! need not sign for it, and whoever serves cannot show that it did. So another checker is drawn, once, and has
//! as long, and longer where it has to fetch shards. Where it gets the rows, it checks the stage like any other, and
//! the first one is passed over. Where it does not get them either, two workers of different operators that nobody
//! chose say the same of the lead: it forfeits what it would forfeit for an opening that it withholds, and all of that
//! is burned, so that nobody gains by saying it.
//!
//! The second checker comes from outside the stage, where somebody is left who has room for it: else a lead would
//! starve every honest holder, and wait for its friend among them.

use crate::{
	closing::operator,
	drawing::{choose_holder, draw_outsider},
	phases::{find, StageOf, TrialOf},
	trial::Participant,
	Beacon, Config, Error, Event, Pallet, Trials,
};
use alloc::vec::Vec;
use dllm_primitives::{
	draw,
	flow::WorkerPool,
	ids::{Digest, JobId, StageIndex},
	verdict::{Part, Phase, Verdict},
};
use frame_support::ensure;
use sp_runtime::DispatchError;

impl<T: Config> Pallet<T> {
	/// Takes the word of a checker that it got no rows. Answers the number of stages.
	pub(crate) fn do_report_withheld(
		who: &T::AccountId,
		job: JobId,
		stage: StageIndex,
	) -> Result<u32, DispatchError> {
		let mut trial = Trials::<T>::get(job).ok_or(Error::<T>::NotFound)?;
		let drawn_again = trial.is_drawn_again();
		let second = trial
			.stage(stage)
			.is_some_and(|stage| stage.refused.is_some());
		let phase = trial.phase;
		let (part, checker) = find::<T>(&mut trial, stage, who)?;
		ensure!(part == Part::Replica, Error::<T>::NotAParticipant);
		// Nobody is drawn a third time, so who had its turn with the first ones is late.
		let its_turn = !drawn_again || second;
		ensure!(
			phase == Phase::Verifying && its_turn,
			Error::<T>::WrongPhase
		);
		ensure!(checker.commitment.is_none(), Error::<T>::AlreadyCommitted);
		ensure!(!checker.starved, Error::<T>::AlreadyReported);

		checker.starved = true;
		let worker = who.clone();
		Self::deposit_event(Event::RowsWithheld { job, stage, worker });
		Ok(Self::store_or_advance(job, trial))
	}

	/// Draws another checker for every stage whose first one got no rows. Answers whether there is any; none
	/// where no stage needs one.
	pub(crate) fn draw_again(job: JobId, trial: &mut TrialOf<T>) -> Option<bool> {
		if trial.is_drawn_again() {
			return None;
		}
		let mut busy = trial
			.participants()
			.map(|(_, _, participant)| operator::<T>(&participant.worker))
			.collect::<Vec<_>>();
		let seed = trial.drawn.map_or(Digest::zero(), |drawn| drawn.seed);
		let beacon = Beacon::<T>::get();
		let mut any = None;
		for stage in trial.stages.iter_mut() {
			let starved = stage.replica.as_ref().filter(|replica| replica.starved);
			let Some(first) = starved.map(|replica| replica.worker.clone()) else {
				continue;
			};
			any = any.or(Some(false));
			let seed = draw::of_second(seed, beacon, stage.stage);
			let Some(worker) = second_checker::<T>(seed, stage, &first, &busy) else {
				continue;
			};
			busy.push(operator::<T>(&worker));
			T::Workers::engage(&worker);
			T::Workers::release(&first, Verdict::Indeterminate);
			stage.refused = Some(first);
			stage.replica = Some(Participant::new(worker.clone()));
			Self::deposit_event(Event::CheckerDrawn {
				job,
				stage: stage.stage,
				worker,
			});
			any = Some(true);
		}
		any
	}
}

/// A verifier from outside the stage; where there is none, another holder of it, of the `busy` operators only where
/// there is nobody else; else a verifier of another operator than lead and first checker.
fn second_checker<T: Config>(
	seed: Digest,
	stage: &StageOf<T>,
	first: &T::AccountId,
	busy: &[T::AccountId],
) -> Option<T::AccountId> {
	let parties = [stage.lead.worker.clone(), first.clone()];
	let others = stage
		.holders
		.iter()
		.filter(|holder| !parties.contains(holder))
		.cloned()
		.collect::<Vec<_>>();
	let outsider = draw_outsider::<T>(seed, stage, busy);
	let holder = outsider.or_else(|| choose_holder::<T>(seed, &others, busy));
	holder.or_else(|| {
		let operators = parties.iter().map(operator::<T>).collect::<Vec<_>>();
		T::Workers::draw_verifier(seed, &operators, stage.memory)
			.filter(|drawn| !parties.contains(drawn))
	})
}
