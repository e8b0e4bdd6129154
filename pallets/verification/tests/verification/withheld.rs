//! Rows that nobody hands out: one checker's word proves nothing, that of two makes the lead forfeit.

use crate::{
	mock::*,
	play::{all_honest, but, commit, commits, expire, play, reveals, Behaviour},
};
use dllm_primitives::{
	api::Duty,
	draw,
	flow::{Conclusion, Trials as _},
	ids::{JobId, StageIndex},
	job::Refund,
	verdict::{
		Part::{self, Lead, Replica, Tiebreak},
		Phase,
		Verdict::{Cheat, Indeterminate, Pass, VerifierFault, WorkerFault},
	},
};
use frame_support::{assert_noop, assert_ok, dispatch::Pays};
use pallet_verification::{Beacon, Breakers, Error, TakenLately, Trials};
use sp_runtime::DispatchError;

/// The checker of a stage says that it got no rows.
fn report(job: JobId, stage: StageIndex) -> Result<(), DispatchError> {
	let who = worker(job, stage, Replica);
	report_as(&who, job, stage)
}

fn report_as(who: &AccountId, job: JobId, stage: StageIndex) -> Result<(), DispatchError> {
	let origin = RuntimeOrigin::signed(who.clone());
	match Verification::report_withheld(origin, job, stage) {
		Ok(post) => {
			assert_eq!(post.pays_fee, Pays::No);
			Ok(())
		}
		Err(refused) => Err(refused.error),
	}
}

/// A job whose leads have committed and whose checkers are drawn; the one of stage 1 has got no rows.
fn reported(job: JobId) {
	open(job);
	commits(job, Lead, &all_honest);
	assert_ok!(report(job, 1));
}

/// The same, with another checker drawn for stage 1 in its place.
fn drawn_again(job: JobId) {
	reported(job);
	first_round_ends(job);
	assert_eq!(phase(job), Phase::Verifying);
}

/// The other checkers commit, and the deadline passes.
fn first_round_ends(job: JobId) {
	first_round_of(job, all_honest);
}

/// The same, where workers behave so.
fn first_round_of(job: JobId, behave: impl Fn(StageIndex, Part) -> Behaviour) {
	commits(job, Replica, &|stage, part| match (stage, part) {
		(1, Replica) => Behaviour::Silent,
		_ => behave(stage, part),
	});
	expire(job, Phase::Verifying);
}

/// Everybody opens but the checker of stage 1, which has nothing to open.
fn others_reveal(job: JobId) {
	reveals(job, &but(1, Replica, Behaviour::Starved));
}

fn conclusion() -> Conclusion<AccountId> {
	let all = Concluded::get();
	assert_eq!(all.len(), 1);
	all[0].2.clone()
}

fn released(who: u8) -> Vec<dllm_primitives::verdict::Verdict> {
	let all = Released::get().into_iter();
	all.filter(|(released, _)| *released == acc(who))
		.map(|(_, verdict)| verdict)
		.collect()
}

#[test]
fn the_word_of_two_makes_the_lead_forfeit_and_all_of_it_burns() {
	execute(|| {
		drawn_again(0);
		assert_eq!(worker(0, 1, Replica), acc(90));
		assert_ok!(report(0, 1));
		assert_eq!(phase(0), Phase::Revealing);
		others_reveal(0);
		assert_eq!(phase(0), Phase::Closed, "nobody is asked a third time");
		assert_eq!(verdict(0, 1, Lead), Some(WorkerFault));
		assert_eq!(verdict(0, 1, Replica), Some(Indeterminate));
		assert_eq!(verdict(0, 2, Lead), Some(Pass));
		assert_eq!(conclusion(), Conclusion::Failed(Refund::Unserved));
		let pay = trial(0).stage(1).unwrap().pay;
		assert_eq!(Forfeits::get(), vec![(acc(20), pay, None)]);
		assert!(Slashes::get().is_empty(), "this is no conviction");
		assert_eq!(released(21), vec![Indeterminate]);
		assert_eq!(released(90), vec![Indeterminate]);
	});
}

#[test]
fn who_hands_out_nothing_and_opens_nothing_forfeits_once() {
	execute(|| {
		drawn_again(0);
		assert_ok!(report(0, 1));
		reveals(0, &|stage, part| match (stage, part) {
			(1, Lead) => Behaviour::Unrevealed,
			(1, _) => Behaviour::Starved,
			_ => Behaviour::Honest,
		});
		expire(0, Phase::Revealing);
		assert_eq!(verdict(0, 1, Lead), Some(WorkerFault));
		let pay = trial(0).stage(1).unwrap().pay;
		assert_eq!(Forfeits::get(), vec![(acc(20), pay, None)]);
	});
}

/// A checker that lies, or cannot be reached, costs its lead nothing.
#[test]
fn the_word_of_one_proves_nothing() {
	execute(|| {
		drawn_again(0);
		commits(0, Replica, &|stage, _| match stage {
			1 => Behaviour::Honest,
			_ => Behaviour::Silent,
		});
		reveals(0, &all_honest);
		assert_eq!(verdict(0, 1, Lead), Some(Pass));
		let Conclusion::Served { checkers, .. } = conclusion() else {
			panic!("the job was served");
		};
		let paid = checkers.into_iter().find(|(stage, _)| *stage == 1);
		assert_eq!(paid, Some((1, acc(90))), "who checked is paid");
		assert!(Forfeits::get().is_empty());
		assert!(Slashes::get().is_empty());
		assert_eq!(released(21), vec![Indeterminate]);
	});
}

/// Else a cheat would keep its rows from every honest checker until a friend comes, or nobody.
#[test]
fn the_second_checker_finds_what_was_to_be_hidden() {
	execute(|| {
		open(0);
		let cheats = but(1, Lead, Behaviour::Altered);
		commits(0, Lead, &cheats);
		assert_ok!(report(0, 1));
		first_round_of(0, &cheats);
		commits(0, Replica, &cheats);
		reveals(0, &cheats);
		expire(0, Phase::Appointing);
		assert_eq!(phase(0), Phase::Tiebreak);
		let third = worker(0, 1, Tiebreak);
		assert!(![acc(20), acc(21), acc(90)].contains(&third), "{third:?}");
		crate::play::attests(0, &all_honest);
		assert_eq!(verdict(0, 1, Lead), Some(Cheat));
		assert_eq!(verdict(0, 1, Replica), Some(Pass));
	});
}

#[test]
fn a_second_checker_that_says_nothing_leaves_it_to_a_third() {
	execute(|| {
		drawn_again(0);
		expire(0, Phase::Verifying);
		// The first one is not asked again.
		Verifiers::set(vec![acc(21), acc(91)]);
		others_reveal(0);
		expire(0, Phase::Appointing);
		assert_eq!(phase(0), Phase::Tiebreak);
		assert_eq!(worker(0, 1, Tiebreak), acc(91));
		crate::play::attests(0, &all_honest);
		assert_eq!(verdict(0, 1, Lead), Some(Pass));
		assert_eq!(verdict(0, 1, Replica), Some(VerifierFault));
		assert!(Forfeits::get().is_empty());
	});
}

#[test]
fn where_nobody_else_can_be_drawn_nothing_is_proved() {
	execute(|| {
		Verifiers::set(vec![]);
		reported(0);
		first_round_ends(0);
		assert_eq!(phase(0), Phase::Revealing);
		others_reveal(0);
		expire(0, Phase::Appointing);
		assert_eq!(verdict(0, 1, Lead), Some(Indeterminate));
		assert_eq!(verdict(0, 1, Replica), Some(VerifierFault));
		assert!(Forfeits::get().is_empty());
	});
}

/// A lead that starves the only honest holder would else be checked by its friend, which holds the stage too.
#[test]
fn the_second_checker_comes_from_outside_the_stage() {
	for job in 0..20 {
		execute(|| {
			let job = 4 * job;
			open_with(award(job, 4)).unwrap();
			// The leads of the other stages run these two, and a holder this one.
			Operators::set(
				[(acc(91), acc(130)), (acc(92), acc(122))]
					.into_iter()
					.collect(),
			);
			Verifiers::set(vec![acc(91), acc(92), acc(93)]);
			commits(job, Lead, &all_honest);
			let first = worker(job, 1, Replica);
			assert_ok!(report(job, 1));
			first_round_ends(job);
			assert_eq!(worker(job, 1, Replica), acc(93));
			let drawn = Draws::get().pop().unwrap();
			let inside = [20, 21, 22, 23, 10, 30].map(|who| acc(who + 100));
			assert!(inside.iter().all(|one| drawn.excluded.contains(one)));
			assert_eq!(drawn.memory, trial(job).stage(1).unwrap().memory);
			assert_eq!(released(number(&first)), vec![Indeterminate]);
		});
	}
}

#[test]
fn another_holder_is_drawn_where_nobody_is_left_outside() {
	execute(|| {
		Verifiers::set(vec![acc(21), acc(30)]);
		open_with(award(0, 4)).unwrap();
		commits(0, Lead, &all_honest);
		let first = worker(0, 1, Replica);
		assert_ok!(report(0, 1));
		first_round_ends(0);
		let second = worker(0, 1, Replica);
		assert!([21, 22, 23].map(acc).contains(&second));
		assert_ne!(first, second);
	});
}

/// Whose operator leads the next stage knows what this one sent.
#[test]
fn the_second_checker_has_no_neighbour_of_its_own_where_another_has_none() {
	for job in 0..20 {
		execute(|| {
			Verifiers::set(vec![]);
			let of_next = workers(2, 4).into_iter().map(|lead| (lead, acc(150)));
			Operators::set(of_next.chain([(acc(23), acc(150))]).collect());
			// Of the first stage, which acc(20) leads, acc(21) and acc(22) are free.
			open_with(award(4 * job, 4)).unwrap();
			commits(4 * job, Lead, &all_honest);
			let first = worker(4 * job, 1, Replica);
			assert_ok!(report(4 * job, 1));
			first_round_ends(4 * job);
			let pair = [first, worker(4 * job, 1, Replica)];
			assert!(
				[21, 22].map(acc).iter().all(|free| pair.contains(free)),
				"{pair:?}"
			);
		});
	}
}

/// Two stages of one job are not checked by one stranger while there is another.
#[test]
fn every_starved_stage_has_a_second_checker_of_its_own() {
	execute(|| {
		open(0);
		commits(0, Lead, &all_honest);
		for stage in 0..3 {
			assert_ok!(report(0, stage));
		}
		expire(0, Phase::Verifying);
		let second = [0, 1, 2].map(|stage| worker(0, stage, Replica));
		assert_eq!(second[..2], [acc(90), acc(91)]);
		assert_eq!(second[2], acc(90), "there is nobody else");
	});
}

/// Whoever speaks in the first round could know the randomness of its own block, and move the index of verifiers in it.
#[test]
fn nobody_is_drawn_again_before_the_deadline() {
	execute(|| {
		reported(0);
		commits(0, Replica, &but(1, Replica, Behaviour::Silent));
		let until = trial(0).until;
		run_to(until);
		assert_eq!(worker(0, 1, Replica), acc(21));
		run_to(until + 1);
		assert_eq!(worker(0, 1, Replica), acc(90));
		let seed = Draws::get().pop().unwrap().seed;
		let of_draw = trial(0).drawn.unwrap().seed;
		let beacon = Beacon::<Test>::get();
		assert_eq!(seed, draw::of_second(of_draw, beacon, 1));
	});
}

/// Who holds the stage has as long as the first one.
#[test]
fn a_stranger_has_time_to_fetch_the_shards() {
	let until = |memory| {
		let mut until = 0;
		execute(|| {
			reported(0);
			Trials::<Test>::mutate(0, |trial| {
				trial.as_mut().unwrap().stages[1].memory = memory;
			});
			first_round_ends(0);
			until = trial(0).until - System::block_number();
		});
		until
	};
	assert_eq!(until(0), VERIFY);
	assert_eq!(until(5 * draw::FETCH_BYTES), VERIFY + 5);
	assert_eq!(until(u64::MAX), VERIFY + draw::MAX_FETCH_BLOCKS);
}

#[test]
fn another_holder_has_no_longer_than_the_first() {
	execute(|| {
		Verifiers::set(vec![]);
		open_with(award(0, 4)).unwrap();
		commits(0, Lead, &all_honest);
		Trials::<Test>::mutate(0, |trial| {
			trial.as_mut().unwrap().stages[1].memory = u64::MAX;
		});
		assert_ok!(report(0, 1));
		first_round_ends(0);
		assert_eq!(trial(0).until, System::block_number() + VERIFY);
	});
}

/// A friend of the lead that holds the stage would have the honest stranger convicted.
#[test]
fn the_third_worker_comes_from_outside_where_rows_were_withheld() {
	execute(|| {
		open_with(award(0, 4)).unwrap();
		let cheats = but(1, Lead, Behaviour::Altered);
		commits(0, Lead, &cheats);
		assert_ok!(report(0, 1));
		first_round_of(0, &cheats);
		assert_eq!(worker(0, 1, Replica), acc(90));
		commits(0, Replica, &cheats);
		reveals(0, &cheats);
		expire(0, Phase::Appointing);
		assert_eq!(worker(0, 1, Tiebreak), acc(91));
		crate::play::attests(0, &all_honest);
		assert_eq!(verdict(0, 1, Lead), Some(Cheat));
		assert_eq!(verdict(0, 1, Replica), Some(Pass));
	});
	execute(|| {
		Verifiers::set(vec![acc(90)]);
		open_with(award(0, 4)).unwrap();
		let cheats = but(1, Lead, Behaviour::Altered);
		commits(0, Lead, &cheats);
		let first = worker(0, 1, Replica);
		assert_ok!(report(0, 1));
		first_round_of(0, &cheats);
		commits(0, Replica, &cheats);
		reveals(0, &cheats);
		expire(0, Phase::Appointing);
		let third = worker(0, 1, Tiebreak);
		assert!([21, 22, 23].map(acc).contains(&third) && third != first);
	});
}

#[test]
fn only_a_checker_that_waits_for_its_rows_can_say_so() {
	execute(|| {
		open(0);
		assert_noop!(report_as(&acc(21), 7, 1), Error::<Test>::NotFound);
		assert_noop!(report_as(&acc(20), 0, 1), Error::<Test>::NotAParticipant);
		commits(0, Lead, &all_honest);
		for other in [20, 31, 90] {
			let error = Error::<Test>::NotAParticipant;
			assert_noop!(report_as(&acc(other), 0, 1), error);
		}
		assert_noop!(report_as(&acc(21), 0, 9), Error::<Test>::NotAParticipant);
		let own = digest(0, 2, &acc(31), honest(2));
		assert_ok!(commit(0, 2, Replica, own));
		assert_noop!(report(0, 2), Error::<Test>::AlreadyCommitted);
		assert_ok!(report(0, 1));
		assert_noop!(report(0, 1), Error::<Test>::AlreadyReported);
		let late = digest(0, 1, &acc(21), honest(1));
		assert_noop!(commit(0, 1, Replica, late), Error::<Test>::AlreadyReported);
	});
}

#[test]
fn nobody_is_drawn_a_third_time() {
	execute(|| {
		reported(0);
		// The checker of stage 2 is late in the first round.
		commits(0, Replica, &|stage, _| match stage {
			0 => Behaviour::Honest,
			_ => Behaviour::Silent,
		});
		expire(0, Phase::Verifying);
		assert_eq!(phase(0), Phase::Verifying);
		assert_noop!(report_as(&acc(21), 0, 1), Error::<Test>::NotAParticipant);
		assert_noop!(report(0, 2), Error::<Test>::WrongPhase);
		let own = digest(0, 2, &acc(31), honest(2));
		assert_ok!(commit(0, 2, Replica, own));
		assert_ok!(report(0, 1));
		assert_eq!(phase(0), Phase::Revealing);
		assert_noop!(report(0, 1), Error::<Test>::WrongPhase);
	});
}

/// It costs them nothing, so they could stop a model with it.
#[test]
fn the_word_of_checkers_trips_no_breaker() {
	execute(|| {
		for job in 0..4 {
			// Each led by another operator.
			open_with(award(job, 4)).unwrap();
			commits(job, Lead, &all_honest);
			assert_ok!(report(job, 1));
			first_round_ends(job);
			assert_ok!(report(job, 1));
			others_reveal(job);
			assert_eq!(phase(job), Phase::Closed);
		}
		assert_eq!(Forfeits::get().len(), 4);
		assert!(Breakers::<Test>::get().is_empty());
		assert!(
			TakenLately::<Test>::get().is_empty(),
			"no pardon is about it"
		);
	});
}

#[test]
fn a_trial_of_reports_alone_ends_in_time() {
	execute(|| {
		open(0);
		let start = RUN_UNTIL;
		expire(0, Phase::Drawing);
		commits(0, Lead, &all_honest);
		for _round in 0..2 {
			for stage in 0..3 {
				// At the very last block.
				run_to(trial(0).until);
				assert_ok!(report(0, stage));
			}
			expire(0, Phase::Verifying);
		}
		expire(0, Phase::Revealing);
		assert_eq!(phase(0), Phase::Closed);
		let most = start + Verification::verdict_blocks();
		assert!(System::block_number() <= most);
	});
}

#[test]
fn the_second_checker_has_the_duty_and_the_rows() {
	execute(|| {
		let checks = |who: u8| {
			let duties = Verification::duties(&acc(who)).into_iter();
			duties
				.filter(|duty| matches!(duty, Duty::Check { stage: 1, .. }))
				.count()
		};
		let served = || {
			let duties = Verification::duties(&acc(20)).into_iter();
			let input = duties.filter_map(|duty| match duty {
				Duty::Serve { input_to, .. } => Some(input_to),
				_ => None,
			});
			input.flatten().collect::<Vec<_>>()
		};
		reported(0);
		assert_eq!(
			(checks(21), checks(90)),
			(0, 0),
			"it has said what it had to"
		);
		assert_eq!(served(), vec![peer(&acc(21))]);
		let receipt = Verification::stage_receipts(0);
		assert_eq!(receipt[1].refused, vec![acc(21)]);
		first_round_ends(0);
		assert_eq!((checks(21), checks(90)), (0, 1));
		assert_eq!(served(), vec![peer(&acc(90))]);
		assert_ok!(report(0, 1));
		let receipt = Verification::stage_receipts(0);
		assert_eq!(receipt[1].refused, vec![acc(21), acc(90)]);
		assert!(receipt[0].refused.is_empty());
	});
}

#[test]
fn a_job_without_reports_is_as_it_was() {
	execute(|| {
		open(0);
		play(0, all_honest);
		assert!(matches!(conclusion(), Conclusion::Served { .. }));
		assert!(trial(0).stages.iter().all(|stage| stage.refused.is_none()));
	});
}
