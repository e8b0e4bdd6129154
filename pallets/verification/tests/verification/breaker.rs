//! The circuit breaker: what trips it, what it holds, and what becomes of that.

use crate::{mock::*, play::*};
use dllm_primitives::{
	breaker::{Breaker, Ruling, Scope, Window},
	flow::{Award, Conclusion, Trials as _},
	ids::{Digest, JobId, StageIndex},
	job::Refund,
	slash::Ground,
	verdict::{
		Part::{Lead, Replica},
		Phase,
		Verdict::{Cheat, Pardoned, Pass},
	},
};
use frame_support::{assert_noop, assert_ok, BoundedVec};
use pallet_verification::{
	Breakers, Error, Event, Held, HeldCount, TakenLately, Windows, AGENDA_WINDOW, HELD_ROOM,
	MAX_CLASSES,
};
use sp_runtime::DispatchError;

const MODEL: Scope = Scope::Model(0);
/// The class of all honest workers.
const CLASS: Scope = Scope::Class(Digest::repeat_byte(1));

/// A job in which the lead of a stage lies.
fn cheat(job: JobId, stage: StageIndex) {
	open(job);
	play_out(job, but(stage, Lead, Behaviour::Altered));
}

/// Trips both breakers: jobs 0 and 1 have convicted acc(10) and acc(21), job 2 blames acc(30). Job 3 was open and
/// is honest.
fn trip() {
	cheat(0, 0);
	cheat(1, 1);
	open(3);
	cheat(2, 2);
	play_out(3, all_honest);
}

fn uphold(scope: Scope) {
	assert_ok!(Verification::uphold(RuntimeOrigin::root(), scope));
}

fn pardon(scope: Scope, but: &[AccountId]) {
	let but = but.to_vec().try_into().unwrap();
	assert_ok!(Verification::pardon(RuntimeOrigin::root(), scope, but));
}

fn next_block() {
	run_to(System::block_number() + 1);
}

fn slashed() -> Vec<AccountId> {
	Slashes::get().into_iter().map(|slash| slash.who).collect()
}

fn ended() -> Vec<JobId> {
	Concluded::get()
		.into_iter()
		.map(|(job, _, _)| job)
		.collect()
}

fn conclusion(job: JobId) -> Option<Conclusion<AccountId>> {
	let mut all = Concluded::get().into_iter();
	all.find(|(ended, _, _)| *ended == job)
		.map(|(_, _, how)| how)
}

fn is_served(job: JobId) -> bool {
	matches!(conclusion(job), Some(Conclusion::Served { .. }))
}

fn has_tripped() -> bool {
	!Breakers::<Test>::get().is_empty()
}

#[test]
fn one_operator_never_trips_it_and_is_slashed_each_time() {
	execute(|| {
		// Even jobs are led by acc(10).
		for job in [0, 2, 4, 6, 8] {
			cheat(job, 0);
		}
		assert!(!has_tripped());
		assert_eq!(slashed(), vec![acc(10); 5]);
		assert_eq!(ended(), [0, 2, 4, 6, 8]);
	});
}

#[test]
fn one_job_never_trips_it_whoever_lies_in_it() {
	execute(|| {
		open(0);
		play(0, |_, part| match part {
			Lead => Behaviour::Altered,
			_ => Behaviour::Honest,
		});
		assert!(!has_tripped());
		assert_eq!(slashed(), [acc(10), acc(20), acc(30)]);
	});
}

#[test]
fn what_costs_no_bond_does_not_count() {
	execute(|| {
		let free = [Behaviour::OtherClass, Behaviour::Misled, Behaviour::Silent];
		for (job, behaviour) in (0..).zip([free, free].concat()) {
			open(job);
			play(job, but((job % 3) as u8, Lead, behaviour));
		}
		// A copy is no fault of a release.
		for job in [6, 7, 8] {
			open(job);
			play(job, but((job % 3) as u8, Lead, Behaviour::Copied));
		}
		assert!(Windows::<Test>::iter_values().all(|window| window.blamed() == 0));
		assert!(!has_tripped());
	});
}

#[test]
fn leads_that_did_not_open_count_for_their_model() {
	execute(|| {
		for job in 0..3 {
			open(job);
			play_out(job, but(job as u8, Lead, Behaviour::Unrevealed));
		}
		assert_eq!(Forfeits::get().len(), 2);
		assert_eq!(phase(2), Phase::Held);
		assert_eq!(Breakers::<Test>::get()[0].scope, MODEL);
		assert_eq!(Breakers::<Test>::get().len(), 1);
		pardon(MODEL, &[]);
		next_block();
		assert_eq!(Forfeits::get().len(), 2);
		assert_eq!(verdict(2, 2, Lead), Some(Pardoned));
		let given_back = Acquitted::get().into_iter().map(|(who, _, was)| (who, was));
		let expected = [(acc(10), None), (acc(21), None)];
		assert_eq!(given_back.collect::<Vec<_>>(), expected);
	});
}

#[test]
fn few_among_many_are_slashed_as_usual() {
	execute(|| {
		for job in 100..128 {
			open(job);
			play(job, all_honest);
		}
		for (job, stage) in [(0, 0), (1, 1), (2, 2)] {
			cheat(job, stage);
		}
		assert!(!has_tripped());
		assert_eq!(slashed(), [acc(10), acc(21), acc(30)]);
	});
}

#[test]
fn verdicts_of_other_hours_are_not_counted() {
	execute(|| {
		cheat(0, 0);
		cheat(1, 1);
		run_to(System::block_number() + RULES.window + 1);
		assert_eq!(Windows::<Test>::count(), 0, "windows that say nothing go");
		cheat(2, 2);
		assert!(!has_tripped());
		assert_eq!(slashed().len(), 3);
	});
}

#[test]
fn the_third_operator_trips_it_and_everything_waits() {
	execute(|| {
		trip();
		assert_eq!(
			slashed(),
			[acc(10), acc(21)],
			"what came before was slashed"
		);
		assert_eq!(ended(), [0, 1], "neither paid nor refunded");
		assert_eq!((phase(2), phase(3)), (Phase::Held, Phase::Held));
		assert_eq!(HeldCount::<Test>::get(), 2);
		assert_eq!(Verification::suspended(), [0, 0]);
		let breaker = Breakers::<Test>::get()[0].clone();
		assert_eq!(breaker.until, breaker.tripped + RULES.term);
		System::assert_has_event(
			Event::BreakerTripped {
				scope: MODEL,
				judged: 3,
				blamed: 3,
				operators: vec![acc(110), acc(121), acc(130)],
				until: breaker.until,
			}
			.into(),
		);
		// Nobody of a held job is let go: its bond answers for what is decided.
		let released = Released::get().len();
		run_to(System::block_number() + 100);
		assert_eq!(Released::get().len(), released);
		assert_eq!(phase(2), Phase::Held);
	});
}

#[test]
fn a_job_without_anything_to_pay_or_to_take_does_not_wait() {
	execute(|| {
		open(4);
		open(5);
		trip();
		play(5, but(1, Lead, Behaviour::OtherClass));
		play(4, but(0, Lead, Behaviour::Silent));
		assert_eq!(
			conclusion(5),
			Some(Conclusion::Failed(Refund::Indeterminate))
		);
		uphold(MODEL);
		uphold(CLASS);
	});
}

/// A checker that could name the class of an open breaker would keep everybody from their pay.
#[test]
fn nobody_chooses_the_class_that_holds_a_job() {
	execute(|| {
		let breaker = Breaker {
			scope: Scope::Class(Behaviour::OtherClass.roots(1).class),
			tripped: 1,
			until: 1_000,
			models: Default::default(),
			ruling: None,
		};
		assert_ok!(Breakers::<Test>::try_append(breaker));
		open(0);
		play(0, but(1, Replica, Behaviour::OtherClass));
		assert!(is_served(0));
	});
}

/// It convicts by its own word, so it counts for the model alone.
#[test]
fn other_shards_blame_no_class() {
	execute(|| {
		for (job, stage) in [(0, 0), (1, 1)] {
			open(job);
			play(job, but(stage, Lead, Behaviour::Cheaper));
		}
		let blamed = |scope| Windows::<Test>::get(scope).unwrap().blamed();
		assert_eq!((blamed(MODEL), blamed(CLASS)), (2, 0));
		assert!(TakenLately::<Test>::get()
			.iter()
			.all(|one| one.class.is_none()));
	});
}

#[test]
fn what_is_upheld_is_carried_out() {
	execute(|| {
		trip();
		uphold(MODEL);
		next_block();
		// The breaker of the class still holds them.
		assert_eq!((phase(2), phase(3)), (Phase::Held, Phase::Held));
		assert_eq!(slashed().len(), 2);
		uphold(CLASS);
		next_block();
		assert_eq!(slashed(), [acc(10), acc(21), acc(30)]);
		assert_eq!(verdict(2, 2, Lead), Some(Cheat));
		assert_eq!(conclusion(2), Some(Conclusion::Failed(Refund::Cheated)));
		assert!(is_served(3));
		assert!(Acquitted::get().is_empty());
		assert!(!has_tripped());
		assert_eq!(HeldCount::<Test>::get(), 0);
		assert!(Verification::suspended().is_empty());
		// The next one takes as many operators anew.
		cheat(4, 0);
		assert_eq!(phase(4), Phase::Closed);
	});
}

#[test]
fn who_is_pardoned_loses_nothing() {
	execute(|| {
		trip();
		pardon(MODEL, &[]);
		// At once, what had been taken before it tripped.
		let pay = |job, stage| trial(job).stage(stage).unwrap().pay;
		let given_back = [
			(acc(10), pay(0, 0), Some(Ground::Votes)),
			(acc(21), pay(1, 1), Some(Ground::Votes)),
		];
		assert_eq!(Acquitted::get(), given_back);
		assert!(TakenLately::<Test>::get().is_empty());
		next_block();
		assert_eq!(slashed().len(), 2, "nobody else is slashed");
		assert_eq!(verdict(2, 2, Lead), Some(Pardoned));
		assert_eq!(verdict(2, 2, Replica), Some(Pass));
		assert_eq!(
			conclusion(2),
			Some(Conclusion::Failed(Refund::Indeterminate))
		);
		assert!(is_served(3), "honest work is paid");
		// The other breaker gives nothing back a second time.
		pardon(CLASS, &[]);
		assert_eq!(Acquitted::get().len(), 2);
	});
}

#[test]
fn who_is_left_out_of_a_pardon_is_slashed() {
	execute(|| {
		trip();
		pardon(MODEL, &[acc(30), acc(10)]);
		next_block();
		assert_eq!(slashed(), [acc(10), acc(21), acc(30)]);
		assert_eq!(verdict(2, 2, Lead), Some(Cheat));
		let given_back = Acquitted::get().into_iter().map(|(who, _, _)| who);
		assert_eq!(given_back.collect::<Vec<_>>(), [acc(21)]);
		pardon(CLASS, &[acc(10)]);
	});
}

#[test]
fn a_copy_is_not_pardoned() {
	execute(|| {
		open(5);
		trip();
		play_out(5, but(1, Lead, Behaviour::Copied));
		assert_eq!(phase(5), Phase::Held);
		pardon(MODEL, &[]);
		next_block();
		assert_eq!(verdict(5, 1, Lead), Some(Cheat));
		assert_eq!(slashed(), [acc(10), acc(21), acc(21)]);
		pardon(CLASS, &[]);
	});
}

#[test]
fn without_a_word_the_verdicts_stand() {
	execute(|| {
		trip();
		let until = Breakers::<Test>::get()[0].until;
		run_to(until);
		assert_eq!(slashed().len(), 2);
		run_to(until + 2);
		assert_eq!(slashed().len(), 3);
		let mut ended = ended();
		ended.sort();
		assert_eq!(ended, [0, 1, 2, 3]);
		assert!(is_served(3));
		assert!(!has_tripped());
		System::assert_has_event(
			Event::BreakerRuled {
				scope: CLASS,
				ruling: Ruling::Upheld,
				lapsed: true,
			}
			.into(),
		);
	});
}

#[test]
fn only_governance_rules_and_only_once() {
	execute(|| {
		let root = RuntimeOrigin::root;
		let somebody = RuntimeOrigin::signed(acc(10));
		let none = BoundedVec::default;
		assert_noop!(
			Verification::uphold(root(), MODEL),
			Error::<Test>::NotTripped
		);
		trip();
		assert_noop!(
			Verification::uphold(somebody.clone(), MODEL),
			DispatchError::BadOrigin
		);
		assert_noop!(
			Verification::pardon(somebody, MODEL, none()),
			DispatchError::BadOrigin
		);
		let other = Scope::Model(7);
		assert_noop!(
			Verification::pardon(root(), other, none()),
			Error::<Test>::NotTripped
		);
		uphold(MODEL);
		assert_noop!(
			Verification::pardon(root(), MODEL, none()),
			Error::<Test>::AlreadyRuled
		);
	});
}

#[test]
fn no_more_jobs_end_in_a_block_than_may() {
	execute(|| {
		let others = [3, 5, 7, 9, 11, 13];
		for job in others {
			let patient = Award {
				run_until: 2 * RUN_UNTIL,
				..award(job, 2)
			};
			open_with(patient).unwrap();
		}
		cheat(0, 0);
		cheat(1, 1);
		cheat(2, 2);
		for job in others {
			play_out(job, all_honest);
		}
		assert_eq!(HeldCount::<Test>::get(), 7);
		pardon(MODEL, &[]);
		let mut left = 7;
		while left > 0 {
			next_block();
			let now = HeldCount::<Test>::get();
			assert!(now < left && left - now <= PER_BLOCK);
			left = now;
		}
		assert_eq!(ended().len(), 9);
		pardon(CLASS, &[]);
	});
}

#[test]
fn no_job_is_admitted_that_could_not_be_held() {
	execute(|| {
		let room = PER_BLOCK * AGENDA_WINDOW * HELD_ROOM;
		HeldCount::<Test>::put(room);
		let refused = Verification::open(award(0, 2));
		assert_eq!(refused, Err(Error::<Test>::TooManyTrials.into()));
		HeldCount::<Test>::put(room - 1);
		assert_ok!(Verification::open(award(0, 2)));
		HeldCount::<Test>::put(0);
	});
}

#[test]
fn invented_classes_find_no_room() {
	execute(|| {
		for byte in 0..MAX_CLASSES {
			let mut window = Window::default();
			window.count(&RULES, 1, 0, 0, &[acc(1)]);
			let class = Scope::Class(Digest::from_low_u64_be(byte.into()));
			Windows::<Test>::insert(class, window);
		}
		open(0);
		play(0, all_honest);
		assert!(Windows::<Test>::contains_key(MODEL));
		assert!(!Windows::<Test>::contains_key(CLASS));
	});
}

/// Breaks the state of a chain whose breakers have tripped; the check must notice.
fn refused(break_it: impl FnOnce(), mend: impl FnOnce()) {
	execute(|| {
		trip();
		Verification::do_try_state().unwrap();
		break_it();
		assert!(Verification::do_try_state().is_err());
		mend();
	});
}

#[test]
fn every_invariant_of_the_breaker_is_checked() {
	refused(|| HeldCount::<Test>::put(1), || HeldCount::<Test>::put(2));
	refused(
		|| Held::<Test>::remove(MODEL, 2),
		|| Held::<Test>::insert(MODEL, 2, ()),
	);
	refused(
		|| Held::<Test>::insert(MODEL, 0, ()),
		|| Held::<Test>::remove(MODEL, 0),
	);
	refused(
		|| Held::<Test>::swap(MODEL, 2, Scope::Model(9), 2),
		|| Held::<Test>::swap(MODEL, 2, Scope::Model(9), 2),
	);
	let change = |change: fn(&mut Vec<Breaker<AccountId>>)| {
		Breakers::<Test>::mutate(|all| {
			let mut vec = all.to_vec();
			change(&mut vec);
			*all = vec.try_into().unwrap();
		})
	};
	refused(
		|| change(|all| all.push(all[0].clone())),
		|| change(|all| drop(all.pop())),
	);
	refused(
		|| change(|all| all[0].until -= 1_000),
		|| change(|all| all[0].until += 1_000),
	);
	refused(
		|| change(|all| all[1].ruling = Some(Ruling::Upheld)),
		|| change(|all| all[1].ruling = None),
	);
	refused(
		|| Windows::<Test>::insert(MODEL, Window::default()),
		|| Windows::<Test>::remove(MODEL),
	);
}
