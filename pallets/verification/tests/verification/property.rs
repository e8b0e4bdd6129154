//! Whatever the workers of whatever jobs do: every job ends once and in time, everybody engaged is
//! released, only the guilty are slashed, and honest work is paid where honesty prevails.

use crate::{mock::*, play::*};
use dllm_primitives::{
	flow::{Award, Conclusion, Trials as _},
	ids::{JobId, StageIndex},
	stall::{self, Word},
	verdict::{
		Part::{self, Lead, Replica, Tiebreak},
		Verdict,
	},
};
use pallet_verification::{trial::StageTrial, OpenTrials};
use proptest::prelude::*;
use std::collections::BTreeMap;

const PARTS: [Part; 3] = [Lead, Replica, Tiebreak];

/// How the lead, the replica and the third worker of a stage behave.
type StagePlay = [Behaviour; 3];

/// Behaviours that deceive nobody.
fn blameless() -> impl Strategy<Value = Behaviour> {
	prop_oneof![
		5 => Just(Behaviour::Honest),
		1 => Just(Behaviour::OtherClass),
		1 => Just(Behaviour::Silent),
		1 => Just(Behaviour::Kept),
		1 => Just(Behaviour::Unrevealed),
	]
}

fn any_behaviour() -> impl Strategy<Value = Behaviour> {
	prop_oneof![
		4 => blameless(),
		1 => Just(Behaviour::Misled),
		1 => Just(Behaviour::Altered),
		1 => Just(Behaviour::Skipped),
		1 => Just(Behaviour::Cheaper),
		1 => Just(Behaviour::Copied),
	]
}

/// A stage with one worker at most that may deceive. A lead may also have been misled.
fn one_liar() -> impl Strategy<Value = StagePlay> {
	let rest = prop::array::uniform3(blameless());
	let more = (any::<bool>(), 0..5u8);
	(rest, 0..3usize, any_behaviour(), more).prop_map(|(mut play, at, any, (misled, starved))| {
		play[at] = any;
		if starved == 0 {
			play[1] = Behaviour::Starved;
		}
		if misled && at != 0 && play[0] == Behaviour::Honest {
			play[0] = Behaviour::Misled;
		}
		// Nobody hands a checker other rows than were committed without its noticing, and a third
		// worker has nothing to copy.
		for part in &mut play[1..] {
			if *part == Behaviour::Misled {
				*part = Behaviour::Honest;
			}
		}
		if play[2] == Behaviour::Copied {
			play[2] = Behaviour::Altered;
		}
		play
	})
}

/// A stage in which everybody may deceive.
fn liars() -> impl Strategy<Value = StagePlay> {
	prop::array::uniform3(any_behaviour()).prop_map(|mut play| {
		if play[2] == Behaviour::Copied {
			play[2] = Behaviour::Silent;
		}
		play
	})
}

fn behave(stages: &[StagePlay]) -> impl Fn(StageIndex, Part) -> Behaviour + '_ {
	move |stage, part| {
		let at = PARTS.iter().position(|p| *p == part).unwrap();
		stages[stage as usize][at]
	}
}

/// What must hold of a finished job, however its workers behaved.
fn check_ended(job: JobId, ended_by: u32) {
	let ends = Concluded::get()
		.into_iter()
		.filter(|(ended, _, _)| *ended == job);
	let ends = ends.collect::<Vec<_>>();
	assert_eq!(ends.len(), 1, "a job ends exactly once");
	assert!(ends[0].1 <= ended_by, "a job ends in time");
	let leads_pass = stages(job)
		.iter()
		.all(|s| verdict(job, *s, Lead) == Some(Verdict::Pass));
	let served = matches!(ends[0].2, Conclusion::Served { .. });
	assert!(leads_pass || !served, "nobody is paid without a Pass");
	assert_eq!(OpenTrials::<Test>::get(), 0);
}

/// Everybody is released as often as engaged, and slashed exactly where convicted.
fn check_balanced() {
	let mut engaged = BTreeMap::<AccountId, i32>::new();
	Engaged::get()
		.into_iter()
		.for_each(|who| *engaged.entry(who).or_default() += 1);
	for (who, _) in Released::get() {
		*engaged.entry(who).or_default() -= 1;
	}
	assert!(
		engaged.values().all(|left| *left == 0),
		"engaged and released differ: {engaged:?}"
	);

	let convicted = Released::get()
		.into_iter()
		.filter(|(_, v)| *v == Verdict::Cheat);
	let mut convicted = convicted.map(|(who, _)| who).collect::<Vec<_>>();
	let mut slashed = Slashes::get()
		.into_iter()
		.map(|slash| slash.who)
		.collect::<Vec<_>>();
	convicted.sort();
	slashed.sort();
	assert_eq!(convicted, slashed);
}

/// Where not all leads committed, those that were silent are to blame and nobody else; where none was, one at least of
/// those that told. Nobody, where the user may not have come.
fn check_blamed(job: JobId) {
	let trial = trial(job);
	if trial.drawn.is_some() {
		return;
	}
	let blamed = Verification::blamed(job);
	let who = |stages: Vec<&StageTrial<AccountId, u32>>| {
		let leads = stages.into_iter().map(|stage| stage.lead.worker.clone());
		leads.collect::<Vec<_>>()
	};
	let stages = trial.stages.iter();
	let open = stages.filter(|stage| stage.word() != Word::Committed);
	let (silent, told): (Vec<_>, Vec<_>) = open.partition(|stage| stage.word() == Word::Silent);
	if trial.own_entry && !stall::ran(&trial.words()) {
		assert!(blamed.is_empty());
	} else if silent.is_empty() {
		let told = who(told);
		assert!(blamed.iter().any(|one| told.contains(one)));
	} else {
		assert_eq!(blamed, who(silent));
	}
}

/// A lead forfeits, and once, exactly where it did not open, or two checkers got no rows.
fn check_forfeits(job: JobId, plays: &[StagePlay]) {
	let trial = trial(job);
	if trial.drawn.is_none() {
		assert!(Forfeits::get().is_empty());
		return;
	}
	let due = trial.stages.iter().filter(|stage| {
		let lead = plays[stage.stage as usize][0];
		// What it copied may be of one that opens nothing: then nobody can tell whose it is.
		let unopened = matches!(lead, Behaviour::Unrevealed | Behaviour::Copied);
		let blamed = stage.lead.verdict == Some(Verdict::WorkerFault);
		blamed && (unopened && stage.replica.is_some() || stage.is_starved())
	});
	let due = due.map(|stage| stage.lead.worker.clone());
	let forfeited = Forfeits::get().into_iter().map(|(who, _, _)| who);
	assert!(due.eq(forfeited));
}

fn check_honest(job: JobId, plays: &[StagePlay]) {
	for stage in stages(job) {
		let play = plays[stage as usize];
		for (part, behaviour) in PARTS.into_iter().zip(play) {
			let found = verdict(job, stage, part);
			if !behaviour.cheats() {
				assert_ne!(
					found,
					Some(Verdict::Cheat),
					"stage {stage} {part:?} of {play:?}"
				);
			}
		}
	}
}

fn play_job(plays: &[StagePlay], sealed: bool, replicas: u8) {
	let award = Award {
		own_entry: sealed,
		..award(0, replicas)
	};
	let ended_by = award.run_until + Verification::verdict_blocks();
	open_with(award).unwrap();
	play(0, behave(plays));
	check_ended(0, ended_by);
	check_blamed(0);
	check_balanced();
}

proptest! {
	#![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

	#[test]
	fn one_liar_a_stage_convicts_no_honest_worker(
		plays in prop::collection::vec(one_liar(), 3),
		sealed: bool,
		replicas in 2..=4u8,
	) {
		execute(|| {
			play_job(&plays, sealed, replicas);
			check_honest(0, &plays);
			check_forfeits(0, &plays);
		});
	}

	#[test]
	fn a_job_of_liars_ends_once_and_in_time(
		plays in prop::collection::vec(liars(), 3),
		sealed: bool,
		replicas in 2..=4u8,
	) {
		execute(|| play_job(&plays, sealed, replicas));
	}

	#[test]
	fn an_honest_lead_passes_where_the_third_worker_is_honest(
		replica in any_behaviour(),
		stage in 0..3u8,
	) {
		execute(|| {
			open(0);
			play(0, but(stage, Replica, replica));
			check_balanced();
			assert_eq!(verdict(0, stage, Lead), Some(Verdict::Pass));
			assert!(matches!(Concluded::get()[..], [(0, _, Conclusion::Served { .. })]));
		});
	}
}
