//! Deadlines: no block has more than it can do, no trial is forgotten, and no more are let in than
//! there is room for.

use crate::{
	mock::*,
	play::{all_honest, commits, play},
};
use dllm_primitives::{
	dispute::MAX_MOVES,
	draw::MAX_FETCH_BLOCKS,
	flow::{Award, Trials as _},
	verdict::{Part::Lead, Phase},
};
use frame_support::{assert_noop, assert_ok, traits::Hooks};
use pallet_verification::{Agenda, Error, OpenTrials, WeightInfo, AGENDA_WINDOW};

const ROOM: u32 = PER_BLOCK * AGENDA_WINDOW;

#[test]
fn a_full_block_passes_its_deadlines_on() {
	execute(|| {
		for job in 0..u64::from(ROOM) {
			open(job);
			let moved = job as u32 / PER_BLOCK;
			assert_eq!(trial(job).until, RUN_UNTIL + moved);
			assert_eq!(trial(job).run_until, RUN_UNTIL + moved);
		}
		let busy = |at| Agenda::<Test>::get(RUN_UNTIL + 1 + at).len() as u32;
		assert!((0..AGENDA_WINDOW).all(|at| busy(at) == PER_BLOCK));
		assert_eq!(busy(AGENDA_WINDOW), 0);
	});
}

#[test]
fn no_more_trials_are_open_than_there_is_room_for() {
	execute(|| {
		for job in 0..u64::from(ROOM) {
			open(job);
		}
		// Even where its own deadline would find room.
		let far = Award {
			run_until: 1000,
			..award(99, 2)
		};
		assert_noop!(open_with(far.clone()), Error::<Test>::TooManyTrials);
		play(0, all_honest);
		assert_ok!(open_with(far));
		assert_eq!(OpenTrials::<Test>::get(), ROOM);
	});
}

#[test]
fn a_crowd_that_goes_silent_ends_in_time() {
	execute(|| {
		let last =
			RUN_UNTIL + <Verification as dllm_primitives::flow::Trials<_, _>>::verdict_blocks();
		for job in 0..u64::from(ROOM) {
			open(job);
		}
		// All of them enter the next phase in one block, and so on.
		run_to(RUN_UNTIL);
		for job in 0..u64::from(ROOM) {
			commits(job, Lead, &all_honest);
		}
		run_to(last);
		assert_eq!(Concluded::get().len(), ROOM as usize);
		assert_eq!(Engaged::get().len(), Released::get().len());
		assert_eq!(OpenTrials::<Test>::get(), 0);
		assert_eq!(Agenda::<Test>::iter().count(), 0);
	});
}

#[test]
fn a_crowd_that_commits_nothing_ends_in_time() {
	execute(|| {
		for job in 0..u64::from(ROOM) {
			open(job);
		}
		// The deadlines of both phases may move.
		run_to(RUN_UNTIL + 1 + TALLY + 1 + 2 * AGENDA_WINDOW);
		assert_eq!(Concluded::get().len(), ROOM as usize);
		assert_eq!(Engaged::get().len(), Released::get().len());
		assert_eq!(OpenTrials::<Test>::get(), 0);
		assert_eq!(Agenda::<Test>::iter().count(), 0);
	});
}

#[test]
fn an_early_end_frees_its_place() {
	execute(|| {
		open(0);
		assert_eq!(Agenda::<Test>::get(RUN_UNTIL + 1).into_inner(), vec![0]);
		commits(0, Lead, &all_honest);
		assert!(!Agenda::<Test>::contains_key(RUN_UNTIL + 1));
		assert_eq!(
			Agenda::<Test>::get(1 + DRAW + 1 + VERIFY + 1).into_inner(),
			vec![0]
		);
	});
}

#[test]
fn a_deadline_in_the_past_falls_on_this_block() {
	execute(|| {
		run_to(60);
		open(0);
		assert_eq!(trial(0).until, 60);
		run_to(61);
		assert_eq!(phase(0), Phase::Tallying);
		run_to(61 + TALLY + 1);
		assert_eq!(phase(0), Phase::Closed);
	});
}

#[test]
fn the_last_verdict_comes_after_all_phases_and_their_moves() {
	let blocks = <Verification as dllm_primitives::flow::Trials<_, _>>::verdict_blocks();
	let rounds = MAX_MOVES;
	let phases = 2 * DRAW + SUMMON + 2 * VERIFY + 2 * REVEAL + rounds * DISPUTE + TIEBREAK;
	let fetching = 3 * MAX_FETCH_BLOCKS;
	assert_eq!(blocks, phases + fetching + (9 + rounds) * AGENDA_WINDOW);
}

#[test]
fn an_expiring_block_weighs_what_it_does() {
	execute(|| {
		open(0);
		open(1);
		let idle = Verification::on_initialize(2);
		System::set_block_number(RUN_UNTIL + 1);
		let busy = Verification::on_initialize(RUN_UNTIL + 1);
		assert_eq!(busy, idle + <() as WeightInfo>::expire(3) * 2);
		Verification::forget(0);
	});
}
