//! Every invariant of the state, broken on purpose: the check must notice.

use crate::{
	mock::*,
	play::{all_honest, but, commit, commits, expire, play, reveals, Behaviour},
};
use dllm_primitives::{
	ids::Digest,
	stall::Tally,
	verdict::{
		Part::{Lead, Replica},
		Phase, Verdict,
	},
};
use frame_support::BoundedVec;
use pallet_verification::{
	trial::{Drawn, Participant, Trial},
	Agenda, OpenTrials, Trials,
};

/// Runs `set_up`, breaks trial 0, checks that the state is refused, and mends it.
fn refused(set_up: impl FnOnce(), break_it: impl FnOnce(&mut Trial<AccountId, u32>)) {
	execute(|| {
		set_up();
		Verification::do_try_state().unwrap();
		let sound = trial(0);
		let mut broken = sound.clone();
		break_it(&mut broken);
		assert_ne!(sound, broken);
		Trials::<Test>::insert(0, broken);
		assert!(Verification::do_try_state().is_err());
		Trials::<Test>::insert(0, sound);
	});
}

fn verifying() {
	drawing();
	expire(0, Phase::Drawing);
}

fn drawing() {
	open(0);
	for stage in 0..3 {
		commit(
			0,
			stage,
			Lead,
			digest(0, stage, &worker(0, stage, Lead), honest(stage)),
		)
		.unwrap();
	}
}

/// The lead of the first segment has not committed in time.
fn tallying() {
	open(0);
	commits(0, Lead, &but(1, Lead, Behaviour::Silent));
	expire(0, Phase::Running);
	assert_eq!(phase(0), Phase::Tallying);
}

fn unserved() {
	tallying();
	expire(0, Phase::Tallying);
}

fn revealing() {
	verifying();
	commits(0, Replica, &all_honest);
	reveals(0, &but(2, Replica, Behaviour::Silent));
}

fn closed() {
	open(0);
	play(0, all_honest);
}

#[test]
fn an_open_trial_is_on_the_agenda() {
	refused(|| open(0), |trial| trial.until += 1);
}

#[test]
fn open_trials_are_counted() {
	refused(closed, |trial| trial.phase = Phase::Tiebreak);
	execute(|| {
		open(0);
		OpenTrials::<Test>::put(2);
		assert!(Verification::do_try_state().is_err());
		OpenTrials::<Test>::put(1);
	});
}

#[test]
fn the_agenda_lists_nothing_else() {
	execute(|| {
		open(0);
		Agenda::<Test>::insert(99, BoundedVec::truncate_from(vec![0]));
		assert!(Verification::do_try_state().is_err());
		Agenda::<Test>::insert(99, BoundedVec::truncate_from(vec![]));
		assert!(Verification::do_try_state().is_err());
		Agenda::<Test>::remove(99);
	});
}

#[test]
fn no_deadline_passes_unnoticed() {
	execute(|| {
		open(0);
		System::set_block_number(RUN_UNTIL + 1);
		assert!(Verification::do_try_state().is_err());
		System::set_block_number(RUN_UNTIL);
	});
}

#[test]
fn no_phase_begins_without_the_commitments_of_the_last() {
	refused(verifying, |trial| trial.stages[0].lead.commitment = None);
}

#[test]
fn who_was_in_time_does_not_tell_how_far_it_came() {
	let tell = |stage: usize| {
		move |trial: &mut Trial<AccountId, u32>| {
			trial.stages[stage].tally = Some(Tally::default());
		}
	};
	refused(|| open(0), tell(1));
	refused(tallying, tell(0));
	refused(unserved, tell(0));
	refused(drawing, tell(1));
	refused(verifying, tell(1));
	refused(closed, tell(1));
}

#[test]
fn replicas_are_drawn_after_the_commitments() {
	let drawn = |checked| {
		Some(Drawn {
			seed: Digest::zero(),
			checked,
		})
	};
	refused(drawing, |trial| trial.drawn = drawn(true));
	refused(drawing, |trial| {
		trial.stages[0].replica = Some(Participant::new(acc(11)))
	});
	refused(verifying, |trial| trial.drawn = None);
	refused(verifying, |trial| trial.drawn = drawn(false));
}

#[test]
fn no_third_worker_before_the_reveals() {
	refused(revealing, |trial| {
		trial.stages[0].tiebreak = Some(Participant::new(acc(90)))
	});
}

#[test]
fn nobody_checks_itself() {
	refused(verifying, |trial| {
		trial.stages[0].replica.as_mut().unwrap().worker = acc(10)
	});
}

#[test]
fn verdicts_stand_exactly_in_closed_trials() {
	refused(closed, |trial| trial.stages[0].lead.verdict = None);
	refused(verifying, |trial| {
		trial.stages[0].lead.verdict = Some(Verdict::Pass)
	});
}

#[test]
fn openings_come_late_and_match() {
	let early = opening(&acc(10), honest(0));
	refused(verifying, |trial| {
		trial.stages[0].lead.opening = Some(early)
	});
	refused(revealing, |trial| {
		trial.stages[0].lead.opening.as_mut().unwrap().salt = Digest::zero();
	});
	refused(revealing, |trial| {
		trial.stages[0].lead.commitment = Some((Digest::zero(), 1))
	});
	refused(revealing, |trial| trial.rows_ceiling = ROWS - 1);
}

#[test]
fn who_got_no_rows_has_committed_to_nothing_and_is_replaced() {
	refused(verifying, |trial| {
		trial.stages[1].refused = trial.stages[1]
			.replica
			.as_ref()
			.map(|replica| replica.worker.clone());
	});
	refused(verifying, |trial| {
		trial.stages[1].replica = None;
		trial.stages[1].refused = Some(acc(90));
	});
	refused(verifying, |trial| trial.stages[1].lead.starved = true);
	refused(revealing, |trial| {
		trial.stages[1].replica.as_mut().unwrap().starved = true;
	});
}
