//! Silence: it costs the job, and the bond only of who committed, was checked, and then did not open.

use crate::{
	mock::*,
	play::{all_honest, but, commit, commits, play, Behaviour},
};
use dllm_primitives::{
	flow::Conclusion,
	job::Refund,
	verdict::{
		Part::{Lead, Replica, Tiebreak},
		Phase,
		Verdict::{Cheat, Indeterminate, Pass, VerifierFault, WorkerFault},
	},
};
use frame_support::{assert_noop, assert_ok};
use pallet_verification::Error;

/// Block by the end of which silent leads must have told how far they came.
const TOLD_UNTIL: u32 = RUN_UNTIL + 1 + TALLY;

fn conclusion() -> (u32, Conclusion<AccountId>) {
	let all = Concluded::get();
	assert_eq!(all.len(), 1);
	(all[0].1, all[0].2.clone())
}

fn nobody_is_slashed() {
	assert!(Slashes::get().is_empty());
	assert!(Released::get().iter().all(|(_, verdict)| *verdict != Cheat));
}

#[test]
fn a_silent_lead_costs_the_job_and_only_it_is_blamed() {
	execute(|| {
		open(0);
		play(0, but(1, Lead, Behaviour::Silent));
		assert_eq!(
			conclusion(),
			(TOLD_UNTIL + 1, Conclusion::Failed(Refund::Unserved))
		);
		assert_eq!(verdict(0, 1, Lead), Some(WorkerFault));
		for stage in [0, 2] {
			assert_eq!(verdict(0, stage, Lead), Some(Indeterminate));
		}
		for stage in 0..3 {
			assert_eq!(verdict(0, stage, Replica), None, "nobody was drawn");
		}
		nobody_is_slashed();
	});
}

#[test]
fn a_public_job_that_nobody_ran_is_the_fault_of_all_leads() {
	execute(|| {
		open(0);
		run_to(TOLD_UNTIL + 1);
		for stage in 0..3 {
			assert_eq!(verdict(0, stage, Lead), Some(WorkerFault));
		}
		assert_eq!(conclusion().1, Conclusion::Failed(Refund::Unserved));
		nobody_is_slashed();
	});
}

#[test]
fn a_sealed_job_whose_user_never_came_is_nobodys_fault() {
	execute(|| {
		open_sealed(0);
		run_to(TOLD_UNTIL + 1);
		assert_eq!(Released::get().len(), 2);
		assert!(Released::get()
			.iter()
			.all(|(_, verdict)| *verdict == Indeterminate));
		assert_eq!(conclusion().1, Conclusion::Failed(Refund::NoShow));
	});
}

#[test]
fn a_sealed_job_that_one_lead_ran_is_the_fault_of_the_silent_one() {
	execute(|| {
		open_sealed(0);
		play(0, but(2, Lead, Behaviour::Silent));
		assert_eq!(verdict(0, 1, Lead), Some(Indeterminate));
		assert_eq!(verdict(0, 2, Lead), Some(WorkerFault));
		assert_eq!(conclusion().1, Conclusion::Failed(Refund::Unserved));
		nobody_is_slashed();
	});
}

#[test]
fn a_lead_that_does_not_reveal_costs_the_job() {
	execute(|| {
		open(0);
		play(0, but(1, Lead, Behaviour::Unrevealed));
		assert_eq!(verdict(0, 1, Lead), Some(WorkerFault));
		assert_eq!(verdict(0, 1, Replica), Some(Indeterminate));
		assert_eq!(verdict(0, 2, Lead), Some(Pass));
		assert_eq!(conclusion().1, Conclusion::Failed(Refund::Unserved));
		nobody_is_slashed();
		let pay = trial(0).stage(1).unwrap().pay;
		assert_eq!(
			Forfeits::get(),
			vec![(acc(20), pay, Some(acc(CLIENT)))],
			"else every cheat would be silent"
		);
	});
}

/// Before the draw nobody knows whether it is checked, so leaving gains nothing.
#[test]
fn only_who_is_checked_and_has_committed_forfeits_for_its_silence() {
	execute(|| {
		open(0);
		play(0, but(1, Lead, Behaviour::Silent));
		open(2);
		play(2, but(1, Replica, Behaviour::Unrevealed));
		open(4);
		play(4, but(1, Replica, Behaviour::Silent));
		assert!(Forfeits::get().is_empty());
	});
}

#[test]
fn a_silent_replica_is_replaced_and_the_user_served() {
	for silence in [Behaviour::Silent, Behaviour::Unrevealed] {
		execute(|| {
			open(0);
			play(0, but(1, Replica, silence));
			assert_eq!(verdict(0, 1, Replica), Some(VerifierFault));
			assert_eq!(verdict(0, 1, Lead), Some(Pass));
			assert_eq!(verdict(0, 1, Tiebreak), Some(Pass));
			let (_, Conclusion::Served { checkers, .. }) = conclusion() else {
				panic!("the job was served");
			};
			assert_eq!(checkers, vec![(0, acc(11)), (1, acc(90)), (2, acc(31))]);
			nobody_is_slashed();
		});
	}
}

#[test]
fn a_silent_third_worker_proves_nothing() {
	for lie in [Behaviour::Altered, Behaviour::Silent] {
		execute(|| {
			open(0);
			let behave = |stage, part| match (stage, part) {
				(1, Replica) => lie,
				(1, Tiebreak) => Behaviour::Silent,
				_ => Behaviour::Honest,
			};
			play(0, behave);
			assert_eq!(verdict(0, 1, Tiebreak), Some(VerifierFault));
			assert_eq!(verdict(0, 1, Lead), Some(Indeterminate));
			assert_eq!(conclusion().1, Conclusion::Failed(Refund::Indeterminate));
			nobody_is_slashed();
		});
	}
}

#[test]
fn when_everybody_leaves_the_last_deadline_ends_the_job() {
	execute(|| {
		open(0);
		commits(0, Lead, &all_honest);
		run_to(200);
		let end = 1 + DRAW + 1 + VERIFY + 1 + REVEAL + 1;
		assert_eq!(conclusion(), (end, Conclusion::Failed(Refund::Unserved)));
		for stage in 0..3 {
			assert_eq!(verdict(0, stage, Lead), Some(WorkerFault));
			assert_eq!(verdict(0, stage, Replica), Some(VerifierFault));
		}
		nobody_is_slashed();
	});
}

#[test]
fn the_last_block_of_a_phase_is_in_time_and_the_next_is_late() {
	execute(|| {
		open(0);
		commits(0, Lead, &but(1, Lead, Behaviour::Silent));
		let late = digest(0, 1, &acc(20), honest(1));
		run_to(RUN_UNTIL);
		assert_ok!(commit(0, 1, Lead, late));
		assert_eq!(phase(0), Phase::Drawing);

		open_with(dllm_primitives::flow::Award {
			run_until: 50,
			..award(2, 2)
		})
		.unwrap();
		commits(2, Lead, &but(1, Lead, Behaviour::Silent));
		run_to(51);
		let late = digest(2, 1, &acc(20), honest(1));
		assert_noop!(commit(2, 1, Lead, late), Error::<Test>::WrongPhase);
		assert_eq!(phase(2), Phase::Tallying);
	});
}
