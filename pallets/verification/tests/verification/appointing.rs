//! Third workers: drawn when both of the others have spoken, and where one has to say which of two is right, from
//! outside the stage.

use crate::{
	mock::*,
	play::{attest, but, commits, expire, play, reveals, Behaviour},
};
use dllm_primitives::{
	draw,
	ids::{Digest, JobId},
	verdict::{
		Part::{Lead, Replica, Tiebreak},
		Phase,
		Verdict::{Cheat, Pass},
	},
};
use frame_support::assert_ok;
use pallet_verification::{Beacon, Error};

/// Opens a trial in which the checker of stage 1 contradicts its lead, and lets everybody speak.
fn contested(job: JobId, replicas: u8) {
	let altered = but(1, Replica, Behaviour::Altered);
	open_with(award(job, replicas)).unwrap();
	commits(job, Lead, &altered);
	commits(job, Replica, &altered);
	reveals(job, &altered);
	assert_eq!(phase(job), Phase::Appointing);
}

/// A checker that knew it could lie only where the third worker is its friend.
#[test]
fn nobody_is_drawn_before_both_have_spoken() {
	execute(|| {
		contested(0, 2);
		assert!(Draws::get().is_empty());
		assert_eq!(trial(0).until, System::block_number() + DRAW);
		run_to(trial(0).until);
		assert_eq!(phase(0), Phase::Appointing);
		assert!(trial(0).stage(1).unwrap().tiebreak.is_none());

		run_to(trial(0).until + 1);
		assert_eq!(phase(0), Phase::Tiebreak);
		let of_draw = trial(0).drawn.unwrap().seed;
		let seed = draw::of_third(of_draw, Beacon::<Test>::get(), 1);
		assert_eq!(Draws::get().pop().unwrap().seed, seed);
	});
}

/// The same trial, drawn for in blocks that differ in their randomness alone.
#[test]
fn who_is_drawn_rests_on_the_blocks_after_it() {
	let drawn = |beacon: u64| {
		let mut third = None;
		execute(|| {
			Verifiers::set(vec![]);
			contested(0, 4);
			run_to(trial(0).until);
			Beacon::<Test>::put(Digest::from_low_u64_be(beacon));
			run_to(trial(0).until + 1);
			third = Some((worker(0, 1, Replica), worker(0, 1, Tiebreak)));
		});
		third.unwrap()
	};
	let all = (0..32).map(drawn).collect::<Vec<_>>();
	assert!(all.iter().all(|(replica, _)| *replica == all[0].0));
	let mut thirds = all.into_iter().map(|(_, third)| third).collect::<Vec<_>>();
	thirds.sort();
	thirds.dedup();
	assert_eq!(thirds.len(), 2, "each of the other holders, now and then");
}

/// A checker that has not opened in time cannot make up for it when it has seen what all others told.
#[test]
fn nobody_speaks_while_the_randomness_is_awaited() {
	execute(|| {
		open(0);
		let late = but(1, Replica, Behaviour::Unrevealed);
		commits(0, Lead, &late);
		commits(0, Replica, &late);
		reveals(0, &late);
		expire(0, Phase::Revealing);
		assert_eq!(phase(0), Phase::Appointing);
		let reveal = crate::play::reveal(0, 1, Replica, honest(1));
		assert_eq!(reveal, Err(Error::<Test>::WrongPhase.into()));
	});
}

/// Holders were in the plan before the case: each may be a friend of one of the two.
#[test]
fn whom_to_believe_is_said_by_somebody_from_outside() {
	execute(|| {
		Verifiers::set(vec![acc(22), acc(30), acc(91)]);
		contested(0, 4);
		expire(0, Phase::Appointing);
		assert_eq!(worker(0, 1, Tiebreak), acc(91));
		let drawn = Draws::get().pop().unwrap();
		let inside = [20, 21, 22, 23, 10, 30].map(|who| acc(who + 100));
		assert!(inside.iter().all(|one| drawn.excluded.contains(one)));
		assert_eq!(drawn.memory, 2 * (1000 + 64 * 10));
		assert_ok!(attest(0, 1, honest(1)));
		assert_eq!(verdict(0, 1, Lead), Some(Pass));
		assert_eq!(verdict(0, 1, Replica), Some(Cheat));
	});
}

#[test]
fn another_holder_says_it_where_nobody_is_left_outside() {
	execute(|| {
		Verifiers::set(vec![acc(21), acc(30)]);
		contested(0, 4);
		expire(0, Phase::Appointing);
		let third = worker(0, 1, Tiebreak);
		assert!([21, 22, 23].map(acc).contains(&third));
		assert_ne!(third, worker(0, 1, Replica));
	});
}

/// There nobody's word stands against the lead's, and a holder has the shards.
#[test]
fn another_holder_comes_first_where_the_checker_said_nothing() {
	execute(|| {
		assert_ok!(open_with(award(0, 4)));
		Inactive::mutate(|all| all.insert(acc(22)));
		play(0, but(1, Replica, Behaviour::Silent));
		let drawn = [Replica, Tiebreak].map(|part| worker(0, 1, part));
		assert!(drawn == [21, 23].map(acc) || drawn == [23, 21].map(acc));
		assert!(Draws::get().is_empty());
	});
	execute(|| {
		assert_ok!(open_with(award(0, 3)));
		Inactive::mutate(|all| all.insert(acc(22)));
		Verifiers::set(vec![acc(20), acc(21), acc(90)]);
		play(0, but(1, Replica, Behaviour::Silent));
		assert_eq!(worker(0, 1, Tiebreak), acc(90));
		let draws = Draws::get();
		assert_eq!(draws.len(), 1);
		assert_eq!(draws[0].excluded, vec![acc(120), acc(121)]);
	});
}
