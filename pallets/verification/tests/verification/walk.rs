//! The walk of honest jobs: who is named, which phase follows when, and what the job hears.

use crate::{
	mock::*,
	play::{all_honest, but, commit, commits, play, reveals, Behaviour},
};
use dllm_primitives::{
	flow::{Award, Conclusion, Trials as _},
	ids::{Digest, ENTRY_STAGE},
	verdict::{
		Part::{Lead, Replica},
		Phase,
		Verdict::{Indeterminate, Pass},
	},
};
use frame_support::{assert_noop, assert_ok};
use pallet_verification::{Error, Event, Trials};

#[test]
fn an_honest_public_job_is_served_without_waiting() {
	execute(|| {
		open(0);
		play(0, all_honest);

		let served = Conclusion::Served {
			rows: ROWS,
			checked: true,
			result: honest(ENTRY_STAGE).result,
			leads: vec![(0, acc(10)), (1, acc(20)), (2, acc(30))],
			checkers: vec![(0, acc(11)), (1, acc(21)), (2, acc(31))],
		};
		assert_eq!(Concluded::get(), vec![(0, 1 + DRAW + 1, served)]);
		assert_eq!(Replies::get(), vec![(0, 4, b"A ring.".to_vec())]);
		let everybody = [10, 11, 20, 21, 30, 31].map(acc).to_vec();
		let named = [10, 20, 30, 11, 21, 31].map(acc).to_vec();
		assert_eq!(Engaged::get(), named, "checkers come later");
		let passed = everybody
			.into_iter()
			.map(|who| (who, Pass))
			.collect::<Vec<_>>();
		assert_eq!(Released::get(), passed);
		assert!(Slashes::get().is_empty());
		assert!(Draws::get().is_empty());
	});
}

#[test]
fn an_honest_sealed_job_has_no_entry_on_trial() {
	execute(|| {
		open_sealed(0);
		play(0, all_honest);

		let served = Conclusion::Served {
			rows: ROWS,
			checked: true,
			result: Digest::zero(),
			leads: vec![(1, acc(20)), (2, acc(30))],
			checkers: vec![(1, acc(21)), (2, acc(31))],
		};
		assert_eq!(Concluded::get(), vec![(0, 1 + DRAW + 1, served)]);
		assert!(Replies::get().is_empty());
		assert_eq!(Engaged::get(), [20, 30, 21, 31].map(acc).to_vec());
	});
}

#[test]
fn the_lead_goes_round() {
	execute(|| {
		for (job, lead, next) in [(0, 20, 21), (1, 21, 22), (2, 22, 20), (3, 20, 21)] {
			assert_ok!(open_with(award(job, 3)));
			assert_eq!(worker(job, 1, Lead), acc(lead));
			assert_eq!(trial(job).stage(1).unwrap().holders[0], acc(next));
			assert_eq!(trial(job).stage(1).unwrap().holders.len(), 2);
		}
	});
}

#[test]
fn a_trial_knows_what_its_stages_are_worth() {
	execute(|| {
		open(0);
		let stages = trial(0).stages;
		// Price × GFLOP a row × rows at most: the entry has 1.5 GFLOP, a segment two layers of 1.
		assert_eq!(stages[0].pay, 7 * 3 * 64 / 2);
		assert_eq!(stages[1].pay, 3 * 2 * 64);
		assert_eq!(stages[2].pay, 4 * 2 * 64);
		// Embedding and head; two layers with caches for all rows.
		assert_eq!(stages[0].memory, 700);
		assert_eq!(stages[1].memory, 2 * (1000 + 64 * 10));
	});
}

#[test]
fn every_phase_ends_with_its_last_item() {
	execute(|| {
		open(0);
		assert_eq!((phase(0), trial(0).until), (Phase::Running, RUN_UNTIL));
		run_to(5);
		for stage in 0..3 {
			assert_eq!(phase(0), Phase::Running);
			let who = worker(0, stage, Lead);
			assert_ok!(commit(
				0,
				stage,
				Lead,
				digest(0, stage, &who, honest(stage))
			));
		}
		assert_eq!((phase(0), trial(0).until), (Phase::Drawing, 5 + DRAW));
		run_to(5 + DRAW);
		assert_eq!(phase(0), Phase::Drawing);
		assert!(trial(0).stages.iter().all(|stage| stage.replica.is_none()));
		run_to(9);
		assert_eq!((phase(0), trial(0).until), (Phase::Verifying, 9 + VERIFY));
		commits(0, Replica, &all_honest);
		assert_eq!((phase(0), trial(0).until), (Phase::Revealing, 9 + REVEAL));
		run_to(12);
		reveals(0, &but(2, Replica, Behaviour::Unrevealed));
		assert_eq!(phase(0), Phase::Revealing);
		run_to(9 + REVEAL);
		assert_eq!(
			phase(0),
			Phase::Revealing,
			"the last block belongs to the phase"
		);
		run_to(9 + REVEAL + 1);
		assert_eq!((phase(0), trial(0).until), (Phase::Appointing, 20 + DRAW));
		run_to(20 + DRAW + 1);
		assert_eq!((phase(0), trial(0).until), (Phase::Tiebreak, 24 + TIEBREAK));
		assert_eq!(trial(0).run_until, RUN_UNTIL);
	});
}

#[test]
fn a_commitment_remembers_its_block() {
	execute(|| {
		open(0);
		run_to(7);
		assert_ok!(commit(0, 1, Lead, Digest::repeat_byte(9)));
		let lead = &trial(0).stages[1].lead;
		assert_eq!(lead.commitment, Some((Digest::repeat_byte(9), 7)));
	});
}

#[test]
fn the_events_tell_the_walk() {
	execute(|| {
		open_sealed(0);
		play(0, but(1, Lead, Behaviour::Altered));
		let told = System::events()
			.into_iter()
			.filter_map(|record| match record.event {
				RuntimeEvent::Verification(event) => Some(event),
				_ => None,
			});
		let told = told.collect::<Vec<_>>();
		let count = |found: fn(&Event<Test>) -> bool| told.iter().filter(|e| found(e)).count();
		assert_eq!(
			told.first(),
			Some(&Event::TrialOpened {
				job: 0,
				until: RUN_UNTIL
			})
		);
		assert_eq!(count(|e| matches!(e, Event::Committed { .. })), 4);
		assert_eq!(count(|e| matches!(e, Event::Revealed { .. })), 5);
		assert_eq!(
			count(|e| matches!(e, Event::TiebreakerDrawn { stage: 1, .. })),
			1
		);
		assert_eq!(count(|e| matches!(e, Event::CheckerDrawn { .. })), 2);
		assert_eq!(
			count(|e| matches!(e, Event::Drawn { checked: true, .. })),
			1
		);
		assert_eq!(count(|e| matches!(e, Event::PhaseEntered { .. })), 5);
		assert_eq!(count(|e| matches!(e, Event::Judged { .. })), 5);
		assert!(matches!(told.last(), Some(Event::Failed { job: 0, .. })));
	});
}

#[test]
fn draws_differ_between_jobs_and_stages() {
	execute(|| {
		let both_altered = |stage, part| match (stage, part) {
			(1 | 2, Replica) => Behaviour::Altered,
			_ => Behaviour::Honest,
		};
		for job in [0, 2] {
			open(job);
			play(job, both_altered);
		}
		let mut seeds = Draws::get()
			.into_iter()
			.map(|draw| draw.seed)
			.collect::<Vec<_>>();
		assert_eq!(seeds.len(), 4);
		seeds.sort();
		seeds.dedup();
		assert_eq!(seeds.len(), 4);
	});
}

#[test]
fn without_a_third_worker_nothing_is_proved() {
	execute(|| {
		Verifiers::set(vec![]);
		open(0);
		play(0, but(1, Replica, Behaviour::Altered));
		assert_eq!(verdict(0, 1, Lead), Some(Indeterminate));
		assert_eq!(verdict(0, 1, Replica), Some(Indeterminate));
		assert_eq!(
			System::block_number(),
			1 + 2 * (DRAW + 1),
			"there is nothing to wait for after the draw"
		);
	});
}

#[test]
fn a_trial_opens_once_on_a_ring_that_can_be_checked() {
	execute(|| {
		open(0);
		assert_noop!(open_with(award(0, 2)), Error::<Test>::AlreadyExists);
		assert_noop!(open_with(award(1, 1)), Error::<Test>::TooFewWorkers);
		let mut unknown = award(1, 2);
		unknown.pipeline.plan.model = 1;
		assert_noop!(open_with(unknown), Error::<Test>::UnknownModel);
		let mut empty = Award {
			own_entry: true,
			..award(1, 2)
		};
		empty.pipeline.plan.segments = Default::default();
		assert_noop!(open_with(empty), Error::<Test>::TooFewWorkers);
		let mut no_entries = award(1, 2);
		no_entries.pipeline.plan.entries = Default::default();
		assert_noop!(open_with(no_entries.clone()), Error::<Test>::TooFewWorkers);
		assert_ok!(open_with(Award {
			own_entry: true,
			..no_entries
		}));
		assert_eq!(Engaged::get().len(), 3 + 2);
	});
}

#[test]
fn a_closed_trial_stays_on_record_until_it_is_forgotten() {
	execute(|| {
		open(0);
		Verification::forget(0);
		assert!(
			Trials::<Test>::contains_key(0),
			"an open trial is not forgotten"
		);
		play(0, all_honest);
		run_to(500);
		assert!(Trials::<Test>::contains_key(0));
		Verification::forget(0);
		assert!(!Trials::<Test>::contains_key(0));
		Verification::forget(0);
		assert_eq!(Concluded::get().len(), 1);
	});
}
