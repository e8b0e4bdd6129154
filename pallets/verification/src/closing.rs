//! How a trial ends: verdicts are written, the convicted are slashed, everybody is released, and the job hears of it.

use crate::{
	breaker::{judged_class, now},
	judge::{self, Exhibit, LeadFinding, Outcome, Showing, StageShowings},
	phases::{StageOf, TrialOf},
	trial::{Participant, StageTrial},
	Config, Event, HeldCount, OpenTrials, Pallet, Trials,
};
use alloc::vec::Vec;
use dllm_primitives::{
	breaker::Taken,
	flow::{Conclusion, JobBook, OnVerdict, WorkerPool},
	ids::{Digest, JobId, StageIndex},
	miner::WorkerState,
	slash::{Conviction, Ground},
	verdict::{Part, Phase, Verdict},
};

impl<T: Config> Pallet<T> {
	/// Ends a trial whose leads have not all committed in time. Nothing was executed again, so nobody was drawn.
	pub(crate) fn close_unserved(job: JobId, mut trial: TrialOf<T>) {
		let words = trial.words();
		// Nobody need be to blame where the user may never have come, or named an adapter that nobody holds.
		let excused = trial.own_entry || T::Jobs::adapter(job).is_some();
		let verdicts = judge::judge_unserved(&words, trial.own_entry, excused);
		for (stage, verdict) in trial.stages.iter_mut().zip(verdicts) {
			stage.lead.verdict = Some(verdict);
		}
		let refund = judge::refund_unserved(&words, trial.own_entry);
		Self::conclude(job, trial, Outcome::Failed(refund));
	}

	/// Ends a trial with a judgement of what was opened, or leaves it to governance, where a breaker has
	/// tripped.
	pub(crate) fn close_judged(job: JobId, mut trial: TrialOf<T>) {
		let outcome = Self::judge(&mut trial);
		Self::count(job, &trial);
		match Self::holding_scope(&trial, &outcome) {
			Some(scope) => Self::hold(job, trial, scope),
			None => Self::conclude(job, trial, outcome),
		}
	}

	/// Writes the verdicts on what was opened into a trial, and answers what they make of the job.
	pub(crate) fn judge(trial: &mut TrialOf<T>) -> Outcome {
		let showings = showings::<T>(trial);
		for (stage, showing) in trial.stages.iter_mut().zip(&showings) {
			let verdicts = judge::judge_stage(showing);
			stage.lead.verdict = Some(verdicts.lead);
			if let Some(replica) = stage.replica.as_mut() {
				replica.verdict = verdicts.replica;
			}
			if let Some(third) = stage.tiebreak.as_mut() {
				third.verdict = verdicts.tiebreak;
			}
		}
		Self::outcome(trial)
	}

	/// What the verdicts on the leads make of the job.
	pub(crate) fn outcome(trial: &TrialOf<T>) -> Outcome {
		let leads = trial
			.stages
			.iter()
			.map(|stage| finding(&stage.lead))
			.collect::<Vec<_>>();
		judge::outcome(&leads, trial.own_entry, trial.rows_ceiling)
	}

	/// Carries out the verdicts. The record is written first, so that whoever hears of it sees it closed.
	pub(crate) fn conclude(job: JobId, mut trial: TrialOf<T>, outcome: Outcome) {
		match trial.phase {
			Phase::Held => HeldCount::<T>::mutate(|held| *held = held.saturating_sub(1)),
			_ => OpenTrials::<T>::mutate(|open| *open = open.saturating_sub(1)),
		}
		let was_held = trial.phase == Phase::Held;
		trial.phase = Phase::Closed;
		Trials::<T>::insert(job, &trial);
		Self::drop_disputes(job);

		let taken = take_bonds::<T>(&trial);
		if !was_held {
			Self::note_taken(taken);
		}
		for (stage, part, participant) in trial.participants() {
			let verdict = participant.verdict.unwrap_or(Verdict::Indeterminate);
			let worker = participant.worker.clone();
			T::Workers::release(&worker, verdict);
			Self::deposit_event(Event::Judged {
				job,
				stage,
				worker,
				part,
				verdict,
			});
		}
		match outcome {
			Outcome::Served { rows, result } => {
				Self::deposit_event(Event::Served { job, rows });
				let (leads, checkers) = passed::<T>(&trial);
				T::Jobs::concluded(
					job,
					Conclusion::Served {
						rows,
						checked: !trial.is_unchecked(),
						result,
						leads,
						checkers,
					},
				);
			}
			Outcome::Failed(refund) => {
				Self::deposit_event(Event::Failed { job, refund });
				T::Jobs::concluded(job, Conclusion::Failed(refund));
			}
		}
	}
}

/// What the workers of every stage have shown.
pub(crate) fn showings<T: Config>(trial: &TrialOf<T>) -> Vec<StageShowings> {
	let all = trial
		.stages
		.iter()
		.flat_map(|stage| stage.participants().map(move |one| exhibit(stage, one)))
		.collect::<Vec<_>>();
	let of_stage = |stage: &StageOf<T>| {
		let due = trial.due(stage);
		let showings = stage.participants().map(|(part, one)| {
			let showing = judge::showing(&exhibit(stage, (part, one)), &all, due);
			(part, showing)
		});
		let showings = showings.collect::<Vec<_>>();
		let of = |wanted| showings.iter().find(|(part, _)| *part == wanted);
		let showing = |wanted| of(wanted).map(|(_, showing)| *showing);
		StageShowings {
			lead: showing(Part::Lead).unwrap_or(Showing::Silent),
			replica: match stage.is_starved() {
				true => Some(Showing::Starved),
				false => showing(Part::Replica),
			},
			unchecked: stage.is_unchecked(),
			tiebreak: showing(Part::Tiebreak),
			dispute: stage.dispute,
			comparison: stage.likeness(),
		}
	};
	trial.stages.iter().map(of_stage).collect()
}

fn exhibit<'a, AccountId, BlockNumber>(
	stage: &StageTrial<AccountId, BlockNumber>,
	(part, participant): (Part, &'a Participant<AccountId, BlockNumber>),
) -> Exhibit<'a, AccountId> {
	Exhibit {
		worker: &participant.worker,
		commitment: participant.commitment.as_ref().map(|(digest, _)| *digest),
		roots: participant.opening.map(|opening| opening.roots),
		contradicted: stage.is_contradicted(part),
	}
}

fn finding<AccountId, BlockNumber>(lead: &Participant<AccountId, BlockNumber>) -> LeadFinding {
	LeadFinding {
		verdict: lead.verdict.unwrap_or(Verdict::Indeterminate),
		roots: lead.opening.map(|opening| opening.roots),
	}
}

pub(crate) fn is_active<T: Config>(who: &T::AccountId) -> bool {
	T::Workers::worker(who).is_some_and(|worker| matches!(worker.state, WorkerState::Active))
}

/// Who runs a worker; the worker itself where it is no longer registered.
pub(crate) fn operator<T: Config>(who: &T::AccountId) -> T::AccountId {
	T::Workers::worker(who).map_or_else(|| who.clone(), |worker| worker.operator)
}

/// Slashes the convicted, and takes what was forfeited; answers what was taken from whom.
fn take_bonds<T: Config>(trial: &TrialOf<T>) -> Vec<Taken<T::AccountId>> {
	let at = now::<T>();
	let mut all = Vec::new();
	for (stage, showings) in trial.stages.iter().zip(&showings::<T>(trial)) {
		let mut note = |who: &T::AccountId, amount, ground, class| {
			all.push(Taken {
				at,
				worker: who.clone(),
				amount,
				ground,
				model: trial.model,
				class,
			})
		};
		slash_cheats::<T>(trial, (stage, showings), &mut note);
		if stage.withheld() {
			let lead = &stage.lead.worker;
			// What the word of two checkers takes is burned whole, or a user could share it with them.
			let user = (!stage.is_starved()).then_some(&trial.client);
			let amount = T::Workers::withheld(lead, stage.pay, user);
			if stage.is_unopened() {
				note(lead, amount, None, None);
			}
		}
	}
	all
}

/// Slashes the convicted workers of a stage, to the benefit of those that passed in it. Notes of each how much
/// it lost, and the class in which it was judged; who only copied is not noted: no fault does that.
fn slash_cheats<T: Config>(
	trial: &TrialOf<T>,
	(stage, showings): (&StageOf<T>, &StageShowings),
	note: &mut impl FnMut(&T::AccountId, u128, Option<Ground>, Option<Digest>),
) {
	let of = |verdict| {
		let found = stage.participants();
		found.filter(move |(_, one)| one.verdict == Some(verdict))
	};
	let convicted_by = of(Verdict::Pass).map(|(_, one)| one.worker.clone());
	let convicted_by = convicted_by.collect::<Vec<_>>();
	for (part, cheat) in of(Verdict::Cheat) {
		let conviction = Conviction {
			pay: stage.pay,
			ground: showings.ground(part),
			exact: trial.exact,
			user: &trial.client,
			convicted_by: &convicted_by,
		};
		let amount = T::Workers::slash(&cheat.worker, &conviction);
		if cheat.opening.is_some() {
			let class = judged_class::<T>(trial.exact, stage, cheat);
			note(&cheat.worker, amount, Some(conviction.ground), class);
		}
	}
}

/// Workers with their stage.
type Placed<T> = Vec<(StageIndex, <T as frame_system::Config>::AccountId)>;

/// Leads and checkers that passed; leads that went unchecked among them.
fn passed<T: Config>(trial: &TrialOf<T>) -> (Placed<T>, Placed<T>) {
	let (mut leads, mut checkers) = (Vec::new(), Vec::new());
	for (stage, part, participant) in trial.participants() {
		let paid = [Some(Verdict::Pass), Some(Verdict::Unchecked)];
		if paid.contains(&participant.verdict) {
			let side = if part == Part::Lead {
				&mut leads
			} else {
				&mut checkers
			};
			side.push((stage, participant.worker.clone()));
		}
	}
	(leads, checkers)
}
