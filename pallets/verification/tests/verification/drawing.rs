//! The draw: who is checked for sure, who by lot, by whom, and what is left of an unchecked job.

use crate::{
	mock::*,
	play::{all_honest, but, commit, commits, expire, play, reveal, stages, Behaviour},
};
use dllm_primitives::{
	draw::{self, Trust},
	flow::{Award, Conclusion},
	ids::{Digest, JobId},
	job::{Assurance, Refund},
	verdict::{
		Part::{Lead, Replica, Tiebreak},
		Phase,
		Verdict::{Cheat, Unchecked, WorkerFault},
	},
};
use frame_support::{assert_noop, assert_ok, traits::Hooks};
use pallet_verification::{Beacon, Error, Event};

/// Somebody who need hardly be checked.
const TRUSTED: Trust = Trust {
	passed: draw::PROBATION,
	rank: draw::WHOLE,
	room: u128::MAX,
};

/// Draws of so many jobs of an exact model in which everybody is trusted so: how many of their three stages are checked.
fn checked_of(jobs: JobId, trust: Trust, assurance: Assurance) -> usize {
	let mut checked = 0;
	execute(|| {
		Exact::set(true);
		Trusted::set(trust);
		for job in 0..jobs {
			open_with(Award {
				assurance,
				run_until: System::block_number() + RUN_UNTIL,
				..award(job, 2)
			})
			.unwrap();
			commits(job, Lead, &all_honest);
			let trial = trial(job);
			checked += trial
				.stages
				.iter()
				.filter(|stage| stage.replica.is_some())
				.count();
			play(job, all_honest);
		}
	});
	checked
}

#[test]
fn proven_workers_are_checked_now_and_then() {
	let checked = checked_of(400, TRUSTED, Assurance::Standard);
	// Of one holder −ln(0.9) each: 126 are expected, with a standard deviation of 11.
	assert!((83..=170).contains(&checked), "{checked}");
}

#[test]
fn the_less_the_rank_the_more_is_checked() {
	let half = Trust {
		rank: draw::WHOLE / 2,
		..TRUSTED
	};
	let checked = checked_of(200, half, Assurance::Standard);
	// ln 2 each: 416 are expected, with a standard deviation of 11.
	assert!((372..=460).contains(&checked), "{checked}");
	let more = Trust {
		rank: draw::WHOLE / 2 - 1,
		..TRUSTED
	};
	assert_eq!(
		checked_of(50, more, Assurance::Standard),
		150,
		"not left to lots"
	);
}

#[test]
fn newcomers_and_whoever_asks_for_it_are_always_checked() {
	let new = Trust {
		passed: draw::PROBATION - 1,
		..TRUSTED
	};
	assert_eq!(checked_of(50, new, Assurance::Standard), 150);
	assert_eq!(checked_of(50, TRUSTED, Assurance::Full), 150);
}

#[test]
fn a_bond_answers_for_so_much_unverified_pay_and_no_more() {
	// The stages pay 672, 384 and 512.
	let room = |room| Trust { room, ..TRUSTED };
	assert_eq!(checked_of(50, room(671), Assurance::Standard), 150);
	assert!(checked_of(50, room(672), Assurance::Standard) < 150);
}

/// Opens jobs of trusted workers until the draw leaves one unchecked.
fn unchecked() -> JobId {
	Exact::set(true);
	Trusted::set(TRUSTED);
	for job in 0..100 {
		open_with(Award {
			run_until: System::block_number() + RUN_UNTIL,
			..award(job, 2)
		})
		.unwrap();
		commits(job, Lead, &all_honest);
		if Verification::is_checked(job) == Some(false) {
			return job;
		}
		play(job, all_honest);
	}
	panic!("every job is checked");
}

#[test]
fn an_unchecked_job_is_paid_when_its_leads_fit_together() {
	execute(|| {
		let job = unchecked();
		let before = Unverified::get().split_off(3 * job as usize);
		assert_eq!(phase(job), Phase::Revealing);
		let pays = trial(job)
			.stages
			.iter()
			.map(|stage| (stage.lead.worker.clone(), stage.pay))
			.collect::<Vec<_>>();
		assert_eq!(before, pays, "what is not verified is noted at once");
		play(job, all_honest);
		let (_, _, conclusion) = Concluded::get().pop().unwrap();
		let Conclusion::Served {
			checked,
			leads,
			checkers,
			..
		} = conclusion
		else {
			panic!("{conclusion:?}");
		};
		assert_eq!((checked, leads.len(), checkers.len()), (false, 3, 0));
		assert_eq!(Verification::passed_leads(job), [false; 3]);
		for stage in stages(job) {
			assert_eq!(verdict(job, stage, Lead), Some(Unchecked));
			assert!(trial(job).stage(stage).unwrap().replica.is_none());
		}
		assert!(Draws::get().is_empty() && Slashes::get().is_empty());
	});
}

#[test]
fn an_unchecked_lead_that_does_not_open_is_not_paid() {
	execute(|| {
		let job = unchecked();
		play(job, but(1, Lead, Behaviour::Unrevealed));
		assert_eq!(verdict(job, 1, Lead), Some(WorkerFault));
		assert_eq!(verdict(job, 2, Lead), Some(Unchecked));
		let ended = Concluded::get().pop().unwrap().2;
		assert_eq!(ended, Conclusion::Failed(Refund::Unserved));
		assert!(Forfeits::get().is_empty(), "nobody would have caught it");
	});
}

#[test]
fn unchecked_leads_that_do_not_fit_together_are_not_paid() {
	execute(|| {
		Exact::set(true);
		Trusted::set(TRUSTED);
		// It tells rows that the entry never sent.
		let behave = but(1, Lead, Behaviour::Misled);
		for job in 0.. {
			open_with(Award {
				run_until: System::block_number() + RUN_UNTIL,
				..award(job, 2)
			})
			.unwrap();
			commits(job, Lead, &behave);
			let checked = Verification::is_checked(job).unwrap();
			play(job, &behave);
			if !checked {
				break;
			}
		}
		let ended = Concluded::get().pop().unwrap().2;
		assert_eq!(ended, Conclusion::Failed(Refund::Indeterminate));
	});
}

#[test]
fn a_copied_commitment_is_seen_without_a_check() {
	execute(|| {
		Exact::set(true);
		Trusted::set(TRUSTED);
		let behave = but(1, Lead, Behaviour::Copied);
		let job = (0..100)
			.find(|job| {
				open_with(Award {
					run_until: System::block_number() + RUN_UNTIL,
					..award(*job, 2)
				})
				.unwrap();
				commits(*job, Lead, &behave);
				let checked = Verification::is_checked(*job).unwrap();
				play(*job, &behave);
				!checked
			})
			.unwrap();
		assert_eq!(verdict(job, 1, Lead), Some(Cheat));
	});
}

#[test]
fn nobody_knows_a_checker_before_the_leads_have_committed() {
	execute(|| {
		open_with(award(0, 4)).unwrap();
		let who = worker(0, 1, Lead);
		let early = digest(0, 1, &acc(21), honest(1));
		for holder in [21, 22, 23] {
			let origin = RuntimeOrigin::signed(acc(holder));
			let refused = Verification::commit(origin, 0, 1, early);
			assert_eq!(
				refused.unwrap_err().error,
				Error::<Test>::NotAParticipant.into()
			);
		}
		for stage in stages(0) {
			let lead = worker(0, stage, Lead);
			assert_ok!(commit(
				0,
				stage,
				Lead,
				digest(0, stage, &lead, honest(stage))
			));
		}
		assert_noop!(reveal(0, 1, Lead, honest(1)), Error::<Test>::WrongPhase);
		expire(0, Phase::Drawing);
		let checker = worker(0, 1, Replica);
		assert!([21, 22, 23].map(acc).contains(&checker) && checker != who);
		let told = System::events().into_iter().any(|record| {
			let drawn = Event::CheckerDrawn {
				job: 0,
				stage: 1,
				worker: checker.clone(),
			};
			record.event == RuntimeEvent::Verification(drawn)
		});
		assert!(told);
	});
}

#[test]
fn only_active_holders_are_drawn_and_else_a_verifier_of_another_operator() {
	execute(|| {
		open_with(award(0, 3)).unwrap();
		Inactive::mutate(|all| all.insert(acc(21)));
		commits(0, Lead, &all_honest);
		assert_eq!(worker(0, 1, Replica), acc(22));
	});
	execute(|| {
		Verifiers::set(vec![acc(20), acc(90)]);
		open_with(award(0, 3)).unwrap();
		Inactive::mutate(|all| all.extend([acc(21), acc(22)]));
		commits(0, Lead, &all_honest);
		assert_eq!(worker(0, 1, Replica), acc(90));
		assert_eq!(Draws::get()[0].excluded, vec![acc(120)]);
		play(0, but(1, Replica, Behaviour::Altered));
		assert_eq!(
			trial(0).stage(1).unwrap().tiebreak,
			None,
			"there is nobody left"
		);
	});
}

/// Whose operator leads the next stage knows what this one sent: it could tell that without executing anything.
#[test]
fn no_operator_checks_a_neighbour_of_its_own_where_another_can() {
	for job in 0..20 {
		execute(|| {
			let of_next = workers(2, 3).into_iter().map(|lead| (lead, acc(150)));
			Operators::set(of_next.chain([(acc(21), acc(150))]).collect());
			// Led by acc(20): acc(22) is free.
			open_with(award(3 * job, 3)).unwrap();
			commits(3 * job, Lead, &all_honest);
			assert_eq!(worker(3 * job, 1, Replica), acc(22));
		});
	}
	execute(|| {
		Operators::set([(acc(21), acc(130))].into());
		open(0);
		commits(0, Lead, &all_honest);
		assert_eq!(worker(0, 1, Replica), acc(21), "there is nobody else");
	});
}

/// Where a check was drawn and nobody can do it, nobody is paid for what nobody saw.
#[test]
fn a_check_without_a_checker_is_no_check() {
	execute(|| {
		Verifiers::set(vec![]);
		open(0);
		Inactive::mutate(|all| all.insert(acc(21)));
		play(0, all_honest);
		assert!(trial(0).stage(1).unwrap().replica.is_none());
		let ended = Concluded::get().pop().unwrap().2;
		assert_eq!(ended, Conclusion::Failed(Refund::Indeterminate));
	});
}

#[test]
fn the_third_worker_is_not_one_of_the_two() {
	execute(|| {
		Verifiers::set(vec![]);
		open_with(award(0, 3)).unwrap();
		play(0, but(1, Replica, Behaviour::Altered));
		let mut three = [Lead, Replica, Tiebreak].map(|part| number(&worker(0, 1, part)));
		three.sort();
		assert_eq!(three, [20, 21, 22]);
	});
}

#[test]
fn every_block_mixes_the_beacon() {
	execute(|| {
		let mut seen = vec![Beacon::<Test>::get()];
		for block in 2..20 {
			System::set_block_number(block);
			Verification::on_initialize(block);
			let beacon = Beacon::<Test>::get();
			assert!(!seen.contains(&beacon));
			seen.push(beacon);
		}
	});
}

/// Another beacon, another commitment or another job is another draw.
#[test]
fn a_draw_depends_on_all_that_it_is_made_of() {
	let drawn = |beacon: u64, job, lead: u64| {
		let mut seed = Digest::zero();
		execute(|| {
			open_with(award(job, 2)).unwrap();
			for stage in stages(job) {
				let digest = Digest::from_low_u64_be(lead + u64::from(stage));
				assert_ok!(commit(job, stage, Lead, digest));
			}
			Beacon::<Test>::put(Digest::from_low_u64_be(beacon));
			expire(job, Phase::Drawing);
			seed = trial(job).drawn.unwrap().seed;
		});
		seed
	};
	let first = drawn(1, 0, 1);
	assert_eq!(first, drawn(1, 0, 1));
	for other in [drawn(2, 0, 1), drawn(1, 1, 1), drawn(1, 0, 2)] {
		assert_ne!(first, other);
	}
}
