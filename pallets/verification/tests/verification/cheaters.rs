//! Who deceives is convicted, its neighbours are not, and where nothing is proved nobody is slashed.

use crate::{
	mock::*,
	play::{all_honest, but, commit, commits, expire, play, reveal, reveals, Behaviour},
};
use dllm_primitives::{
	commitment::Roots,
	flow::{Conclusion, Trials},
	ids::{Digest, StageIndex},
	job::Refund,
	slash::Ground::{self, Proof, Votes},
	verdict::{
		Part::{self, Lead, Replica, Tiebreak},
		Phase,
		Verdict::{Cheat, Indeterminate, Pass, WorkerFault},
	},
};
use frame_support::{assert_noop, assert_ok};
use pallet_verification::Error;

fn conclusion() -> Conclusion<AccountId> {
	let all = Concluded::get();
	assert_eq!(all.len(), 1);
	all[0].2.clone()
}

fn is_served() -> bool {
	matches!(conclusion(), Conclusion::Served { .. })
}

fn slash(who: u8, stage: StageIndex, ground: Ground, convicted_by: &[u8]) -> Slash {
	let trial = trial(0);
	Slash {
		who: acc(who),
		pay: trial.stage(stage).unwrap().pay,
		ground,
		exact: trial.exact,
		user: acc(CLIENT),
		convicted_by: convicted_by.iter().copied().map(acc).collect(),
	}
}

const LIES: [Behaviour; 3] = [Behaviour::Altered, Behaviour::Skipped, Behaviour::Cheaper];

#[test]
fn a_lead_that_lies_is_slashed_and_the_user_refunded() {
	for stage in 0..3 {
		for lie in LIES {
			execute(|| {
				open(0);
				play(0, but(stage, Lead, lie));
				let workers = [10 * (stage + 1), 10 * (stage + 1) + 1];
				assert_eq!(conclusion(), Conclusion::Failed(Refund::Cheated));
				assert_eq!(verdict(0, stage, Lead), Some(Cheat));
				// Who tells another model's shards is convicted by its own word: nobody else is asked.
				let (others, ground, convictors) = match lie {
					Behaviour::Cheaper => ([Some(Indeterminate), None], Proof, vec![]),
					_ => ([Some(Pass); 2], Votes, vec![workers[1], 90]),
				};
				let blamed = <Verification as Trials<_, _>>::blamed(0);
				assert_eq!(blamed, [acc(workers[0])]);
				let found = [Replica, Tiebreak].map(|part| verdict(0, stage, part));
				assert_eq!(found, others);
				assert_eq!(
					Slashes::get(),
					vec![slash(workers[0], stage, ground, &convictors)]
				);
			});
		}
	}
}

#[test]
fn a_replica_that_lies_is_slashed_and_the_user_served() {
	for stage in 0..3 {
		for lie in LIES {
			execute(|| {
				open(0);
				play(0, but(stage, Replica, lie));
				let workers = [10 * (stage + 1), 10 * (stage + 1) + 1];
				assert_eq!(verdict(0, stage, Replica), Some(Cheat));
				let ground = match lie {
					Behaviour::Cheaper => Proof,
					_ => Votes,
				};
				assert_eq!(
					Slashes::get(),
					vec![slash(workers[1], stage, ground, &[workers[0], 90])]
				);
				let Conclusion::Served {
					leads, checkers, ..
				} = conclusion()
				else {
					panic!("the job was served");
				};
				assert_eq!(leads.len(), 3);
				assert!(checkers.contains(&(stage, acc(90))));
				assert!(!checkers.contains(&(stage, acc(workers[1]))));
			});
		}
	}
}

#[test]
fn a_third_worker_that_lies_proves_nothing() {
	execute(|| {
		open(0);
		let both = |stage: StageIndex, part: Part| match (stage, part) {
			(1, Replica) => Behaviour::Altered,
			(1, Tiebreak) => Behaviour::Skipped,
			_ => Behaviour::Honest,
		};
		play(0, both);
		for part in [Lead, Replica, Tiebreak] {
			assert_eq!(verdict(0, 1, part), Some(Indeterminate));
		}
		assert!(Slashes::get().is_empty());
		assert_eq!(conclusion(), Conclusion::Failed(Refund::Indeterminate));
	});
}

#[test]
fn a_replica_that_copies_its_lead_is_slashed_and_the_user_served() {
	execute(|| {
		open(0);
		play(0, but(1, Replica, Behaviour::Copied));
		assert_eq!(verdict(0, 1, Replica), Some(Cheat));
		assert_eq!(verdict(0, 1, Lead), Some(Pass));
		assert_eq!(Slashes::get(), vec![slash(21, 1, Proof, &[20, 90])]);
		assert!(is_served());
	});
}

#[test]
fn a_lead_that_copies_its_neighbour_is_slashed_and_the_user_refunded() {
	execute(|| {
		open(0);
		play(0, but(1, Lead, Behaviour::Copied));
		assert_eq!(verdict(0, 1, Lead), Some(Cheat));
		assert_eq!(verdict(0, 1, Replica), Some(Indeterminate));
		assert_eq!(verdict(0, 2, Lead), Some(Pass));
		assert_eq!(Slashes::get(), vec![slash(20, 1, Proof, &[])]);
		assert_eq!(conclusion(), Conclusion::Failed(Refund::Cheated));
	});
}

#[test]
fn a_copy_that_arrives_before_its_original_is_still_the_copy() {
	execute(|| {
		open(0);
		// The lead of stage 1 sees the commitment of stage 2 on its way and gets its own in first.
		let original = digest(0, 2, &acc(30), honest(2));
		assert_ok!(commit(0, 1, Lead, original));
		assert_ok!(commit(0, 2, Lead, original));
		assert_ok!(commit(0, 0, Lead, digest(0, 0, &acc(10), honest(0))));
		commits(0, Replica, &all_honest);

		let stolen = opening(&acc(30), honest(2));
		let origin = RuntimeOrigin::signed(acc(20));
		assert_noop!(
			Verification::reveal(origin, 0, 1, stolen),
			Error::<Test>::WrongOpening
		);
		reveals(0, &but(1, Lead, Behaviour::Copied));
		expire(0, Phase::Revealing);
		assert_eq!(verdict(0, 1, Lead), Some(Cheat));
		assert_eq!(verdict(0, 2, Lead), Some(Pass));
		assert_eq!(Slashes::get(), vec![slash(20, 1, Proof, &[])]);
	});
}

#[test]
fn a_copy_of_what_nobody_opened_is_only_silence() {
	execute(|| {
		open(0);
		let behave = |stage: StageIndex, part: Part| match (stage, part) {
			(1, Lead) => Behaviour::Copied,
			(2, Lead) => Behaviour::Unrevealed,
			_ => Behaviour::Honest,
		};
		play(0, behave);
		assert_eq!(verdict(0, 1, Lead), Some(WorkerFault));
		assert_eq!(verdict(0, 2, Lead), Some(WorkerFault));
		assert!(Slashes::get().is_empty());
		assert_eq!(conclusion(), Conclusion::Failed(Refund::Unserved));
	});
}

#[test]
fn another_class_is_never_slashed() {
	for part in [Lead, Replica, Tiebreak] {
		for other in [Lead, Replica] {
			execute(|| {
				open(0);
				let behave = |stage: StageIndex, p: Part| match stage {
					1 if p == part => Behaviour::OtherClass,
					1 if p == other && part == Tiebreak => Behaviour::Altered,
					_ => Behaviour::Honest,
				};
				play(0, behave);
				assert_eq!(verdict(0, 1, part), Some(Indeterminate));
				assert!(Slashes::get().is_empty());
				assert_eq!(is_served(), part == Replica);
			});
		}
	}
}

#[test]
fn two_stages_are_tried_side_by_side() {
	execute(|| {
		open(0);
		let behave = |stage: StageIndex, part: Part| match (stage, part) {
			(0, Replica) => Behaviour::Silent,
			(1, Lead) => Behaviour::Altered,
			(2, Replica) => Behaviour::Skipped,
			_ => Behaviour::Honest,
		};
		play(0, behave);
		assert_eq!(verdict(0, 0, Lead), Some(Pass));
		assert_eq!(verdict(0, 1, Lead), Some(Cheat));
		assert_eq!(verdict(0, 2, Lead), Some(Pass));
		assert_eq!(verdict(0, 2, Replica), Some(Cheat));
		assert_eq!(
			Slashes::get(),
			vec![
				// Who is third in the first stage is not so here, as long as there is another one.
				slash(20, 1, Votes, &[21, 91]),
				slash(31, 2, Votes, &[30, 90])
			]
		);
		assert_eq!(conclusion(), Conclusion::Failed(Refund::Cheated));
	});
}

#[test]
fn a_tie_is_decided_though_the_job_has_failed_elsewhere() {
	execute(|| {
		open(0);
		let behave = |stage: StageIndex, part: Part| match (stage, part) {
			(1, Lead) => Behaviour::Unrevealed,
			(2, Lead) => Behaviour::Cheaper,
			_ => Behaviour::Honest,
		};
		play(0, behave);
		assert_eq!(verdict(0, 1, Lead), Some(WorkerFault));
		assert_eq!(verdict(0, 2, Lead), Some(Cheat));
		assert_eq!(conclusion(), Conclusion::Failed(Refund::Cheated));
	});
}

#[test]
fn a_lead_that_was_sent_other_rows_than_its_upstream_committed_is_not_convicted() {
	execute(|| {
		open(0);
		play(0, but(2, Lead, Behaviour::Misled));
		assert_eq!(verdict(0, 2, Lead), Some(Indeterminate));
		assert_eq!(verdict(0, 2, Replica), Some(Pass));
		assert!(Slashes::get().is_empty());
		assert_eq!(conclusion(), Conclusion::Failed(Refund::Indeterminate));
	});
}

#[test]
fn a_broken_link_between_passed_stages_refunds_the_user() {
	execute(|| {
		open(0);
		// Lead and replica of stage 2 agree on rows that stage 1 never sent.
		let roots = Roots {
			input: Digest::repeat_byte(250),
			..honest(2)
		};
		commits(0, Lead, &but(2, Lead, Behaviour::Silent));
		assert_ok!(commit(0, 2, Lead, digest(0, 2, &acc(30), roots)));
		commits(0, Replica, &but(2, Replica, Behaviour::Silent));
		assert_ok!(commit(0, 2, Replica, digest(0, 2, &acc(31), roots)));
		let unrevealed = |stage, _: Part| match stage {
			2 => Behaviour::Unrevealed,
			_ => Behaviour::Honest,
		};
		reveals(0, &unrevealed);
		assert_ok!(reveal(0, 2, Lead, roots));
		assert_ok!(reveal(0, 2, Replica, roots));
		expire(0, Phase::Reconciling);
		assert_eq!(conclusion(), Conclusion::Failed(Refund::Indeterminate));
		assert!(Slashes::get().is_empty());
		assert!(Released::get().iter().all(|(_, verdict)| *verdict == Pass));
	});
}
