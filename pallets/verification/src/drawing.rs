//! The draw: whether a job is checked, and who executes its stages again.

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

	/// Draws whether a job is checked, and its checkers.
	pub(crate) fn draw(job: JobId, trial: &mut TrialOf<T>) {
		let asked = T::Jobs::asked(job);
		let commitments = trial
			.stages
			.iter()
			.filter_map(|stage| stage.lead.commitment.as_ref().map(|(digest, _)| *digest))
			.collect::<Vec<_>>();
		let seed = draw::seed(Beacon::<T>::get(), job, asked, &commitments);
		let probability = check_ppm::<T>(trial);
		let checked = draw::is_checked(seed, probability);
		trial.drawn = Some(Drawn { seed, checked });
		Self::deposit_event(Event::Drawn {
			job,
			checked,
			probability,
		});
		let mut busy = trial
			.stages
			.iter()
			.map(|stage| operator::<T>(&stage.lead.worker))
			.collect::<Vec<_>>();
		for stage in trial.stages.iter_mut() {
			if checked {
				let drawn = Self::draw_checker(job, seed, stage, &busy);
				busy.extend(drawn.map(|worker| operator::<T>(&worker)));
			} else {
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
	let staked = |who: &T::AccountId| {
		let worker = T::Workers::worker(who).filter(|_| is_active::<T>(who));
		(operator::<T>(who), worker.map_or(0, |worker| worker.bond))
	};
	let staked = holders.iter().map(staked).collect::<Vec<_>>();
	let drawn = draw::choose(seed, &draw::independent(&staked, busy))?;
	holders.get(drawn).cloned()
}

/// The probability with which a job has to be checked, in parts per million: that of the lead that needs it
/// most.
fn check_ppm<T: Config>(trial: &TrialOf<T>) -> u32 {
	if trial.assurance == Assurance::Full {
		return draw::WHOLE;
	}
	let of_lead = |stage: &StageOf<T>| {
		let trust = T::Workers::trust(&stage.lead.worker);
		draw::check_ppm(&trust, stage.pay, T::LeastCheck::get())
	};
	trial
		.stages
		.iter()
		.map(of_lead)
		.max()
		.unwrap_or(draw::WHOLE)
}
