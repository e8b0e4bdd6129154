//! The draw: whether a job is checked for sure, and then who executes its stages again; else how likely the holders of
//! each stage are to summon one of themselves.

use crate::{
	closing::{is_active, operator},
	phases::{StageOf, TrialOf},
	trial::{Drawn, Participant},
	Beacon, Config, Event, Pallet,
};
use alloc::vec::Vec;
use codec::Encode;
use dllm_primitives::{
	draw,
	flow::{JobBook, WorkerPool},
	ids::{Digest, JobId},
	job::Assurance,
	summons,
};
use frame_support::traits::{Get, Randomness};

/// Keeps the beacon apart from all else that the chain's randomness serves.
const BEACON_SUBJECT: &[u8] = b"dllm/beacon-part/v1";

impl<T: Config> Pallet<T> {
	/// Mixes the randomness of the latest block into the beacon.
	pub(crate) fn mix_beacon() {
		let (random, _) = T::Randomness::random(BEACON_SUBJECT);
		let random = Digest::from(
			random
				.encode()
				.as_slice()
				.first_chunk()
				.map_or([0; 32], |r| *r),
		);
		Beacon::<T>::mutate(|beacon| *beacon = draw::next_beacon(*beacon, random));
	}

	/// Draws the checkers of a job that is checked for sure; of another, what each stage leaves to chance.
	pub(crate) fn draw(job: JobId, trial: &mut TrialOf<T>) {
		let asked = T::Jobs::asked(job);
		let commitments = trial
			.stages
			.iter()
			.filter_map(|stage| stage.lead.commitment.as_ref().map(|(digest, _)| *digest))
			.collect::<Vec<_>>();
		let seed = draw::seed(Beacon::<T>::get(), job, asked, &commitments);
		let mut busy = leading_operators::<T>(trial);
		let chances = chances::<T>(trial, &busy);
		let most = chances.iter().copied().max().unwrap_or(draw::WHOLE);
		let checked = most > summons::MOST_SECRET;
		let probability = if checked { draw::WHOLE } else { most };
		trial.drawn = Some(Drawn { seed, checked });
		Self::deposit_event(Event::Drawn {
			job,
			checked,
			probability,
		});
		for (stage, chance) in trial.stages.iter_mut().zip(chances) {
			if checked {
				let drawn = Self::draw_checker(job, seed, stage, &busy);
				busy.extend(drawn.map(|worker| operator::<T>(&worker)));
			} else {
				stage.chance = chance.max(1);
				// Also of a stage that is summoned in the end: until then other jobs must not use the same room.
				T::Workers::unverified(&stage.lead.worker, stage.pay);
			}
		}
	}

	/// One of the other holders of the stage; where none of them is active, a verifier of another operator.
	/// Answers it.
	fn draw_checker(
		job: JobId,
		seed: Digest,
		stage: &mut StageOf<T>,
		busy: &[T::AccountId],
	) -> Option<T::AccountId> {
		let seed = draw::of_checker(seed, stage.stage);
		let holders = stage.holders.as_slice();
		let worker = choose_holder::<T>(seed, holders, busy).or_else(|| {
			let operator = operator::<T>(&stage.lead.worker);
			T::Workers::draw_verifier(seed, &[operator], stage.memory)
				.filter(|drawn| *drawn != stage.lead.worker)
		})?;
		T::Workers::engage(&worker);
		stage.replica = Some(Participant::new(worker.clone()));
		Self::deposit_event(Event::CheckerDrawn {
			job,
			stage: stage.stage,
			worker: worker.clone(),
		});
		Some(worker)
	}
}

/// One of the active holders by bond; those of the `busy` operators only where there is nobody else: they have
/// another part in the job, and may know the rows that this stage sent.
pub(crate) fn choose_holder<T: Config>(
	seed: Digest,
	holders: &[T::AccountId],
	busy: &[T::AccountId],
) -> Option<T::AccountId> {
	let drawn = draw::choose(seed, &draw::independent(&staked::<T>(holders), busy))?;
	holders.get(drawn).cloned()
}

/// A verifier with room for the stage whose operator neither holds it nor is one of the `busy` ones, which have another
/// part in the job.
pub(crate) fn draw_outsider<T: Config>(
	seed: Digest,
	stage: &StageOf<T>,
	busy: &[T::AccountId],
) -> Option<T::AccountId> {
	let holders = stage.holders.iter().map(operator::<T>);
	let lead = operator::<T>(&stage.lead.worker);
	let inside = holders.chain([lead]).chain(busy.iter().cloned());
	let inside = inside.collect::<Vec<_>>();
	T::Workers::draw_verifier(seed, &inside, stage.memory)
}

/// Every holder's operator, and its bond while it is active.
fn staked<T: Config>(holders: &[T::AccountId]) -> Vec<(T::AccountId, u128)> {
	let staked = |who: &T::AccountId| {
		let worker = T::Workers::worker(who).filter(|_| is_active::<T>(who));
		(operator::<T>(who), worker.map_or(0, |worker| worker.bond))
	};
	holders.iter().map(staked).collect()
}

/// Who runs the leads of a job.
pub(crate) fn leading_operators<T: Config>(trial: &TrialOf<T>) -> Vec<T::AccountId> {
	let leads = trial.stages.iter();
	leads
		.map(|stage| operator::<T>(&stage.lead.worker))
		.collect()
}

/// The bonds with which the holders of a stage draw lots, in the order of the holders: nothing of those of the lead's
/// operator, nor of the `busy` ones unless there is nobody else.
pub(crate) fn lots<T: Config>(stage: &StageOf<T>, busy: &[T::AccountId]) -> Vec<u128> {
	let lead = operator::<T>(&stage.lead.worker);
	let staked = staked::<T>(&stage.holders).into_iter();
	let others = staked.map(|(operator, bond)| match operator == lead {
		true => (operator, 0),
		false => (operator, bond),
	});
	draw::independent(&others.collect::<Vec<_>>(), busy)
}

/// The probability with which each stage of a job has to be checked, in parts per million.
fn chances<T: Config>(trial: &TrialOf<T>, busy: &[T::AccountId]) -> Vec<u32> {
	let stages = trial.stages.iter();
	stages
		.map(|stage| check_ppm::<T>(trial, stage, busy))
		.collect()
}

/// That of one stage: certainty where the user asked for it, where there is more than one numerics class, and where
/// no other holder can be counted on to draw a lot.
fn check_ppm<T: Config>(trial: &TrialOf<T>, stage: &StageOf<T>, busy: &[T::AccountId]) -> u32 {
	if trial.assurance == Assurance::Full || !trial.exact {
		return draw::WHOLE;
	}
	let lots = lots::<T>(stage, busy);
	let mut watching = stage.holders.iter().zip(lots);
	if !watching.any(|(who, bond)| bond > 0 && !T::Workers::is_late(who)) {
		return draw::WHOLE;
	}
	let trust = T::Workers::trust(&stage.lead.worker);
	draw::check_ppm(&trust, stage.pay, T::LeastCheck::get())
}
