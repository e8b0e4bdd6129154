//! A job that does not come to its end: its leads tell how far they came, and from that follows who is to blame.

use crate::{
	mock::*,
	play::{all_honest, but, commit, commits, expire, tell, Behaviour},
};
use dllm_primitives::{
	api::Duty,
	flow::{Conclusion, Trials as _},
	ids::{JobId, StageIndex},
	job::Refund,
	stall::Tally,
	verdict::{
		Part::{Lead, Replica},
		Phase,
		Verdict::{self, Indeterminate, WorkerFault},
	},
};
use frame_support::{
	assert_noop, assert_ok,
	dispatch::{DispatchResultWithPostInfo, Pays},
};
use pallet_verification::{Error, Event, WeightInfo};
use sp_runtime::DispatchError;

/// Last block in which leads tell.
const UNTIL: u32 = RUN_UNTIL + 1 + TALLY;

fn rows(received: u32, sent: u32) -> Tally {
	Tally {
		received: Some(received),
		sent: Some(sent),
		lost_next: false,
	}
}

/// Tells as any account.
fn tell_as(who: u8, job: JobId, stage: StageIndex, tally: Tally) -> DispatchResultWithPostInfo {
	Verification::report_tally(RuntimeOrigin::signed(acc(who)), job, stage, tally)
}

/// Leads tell so, one after the other.
fn tell_all<const N: usize>(tallies: [(StageIndex, Tally); N]) {
	for (stage, tally) in tallies {
		assert_ok!(tell(0, stage, tally));
	}
}

/// A public job none of whose leads has committed in time.
fn overdue() {
	open(0);
	expire(0, Phase::Running);
	assert_eq!(phase(0), Phase::Tallying);
}

/// The same of a sealed job.
fn overdue_sealed() {
	open_sealed(0);
	expire(0, Phase::Running);
	assert_eq!(phase(0), Phase::Tallying);
}

/// The verdicts on the leads, in the order of the ring.
fn verdicts() -> Vec<Verdict> {
	let trial = trial(0);
	let found = trial.stages.iter().map(|stage| stage.lead.verdict.unwrap());
	found.collect()
}

/// When the job ended, and how.
fn ended() -> (u32, Conclusion<AccountId>) {
	let all = Concluded::get();
	assert_eq!(all.len(), 1);
	(all[0].1, all[0].2.clone())
}

/// The job ended in this block, so, without anybody's bond.
fn assert_ended(refund: Refund) {
	assert_eq!(phase(0), Phase::Closed);
	let now = System::block_number();
	assert_eq!(ended(), (now, Conclusion::Failed(refund)));
	assert!(Slashes::get().is_empty() && Forfeits::get().is_empty());
	assert_eq!(Released::get().len(), Engaged::get().len());
}

#[test]
fn leads_that_are_late_have_blocks_to_tell_how_far_they_came() {
	execute(|| {
		open(0);
		commits(0, Lead, &but(1, Lead, Behaviour::Silent));
		run_to(RUN_UNTIL);
		assert_eq!(phase(0), Phase::Running);
		run_to(RUN_UNTIL + 1);
		assert_eq!((phase(0), trial(0).until), (Phase::Tallying, UNTIL));
		let entered = Event::<Test>::PhaseEntered {
			job: 0,
			phase: Phase::Tallying,
			until: UNTIL,
		};
		System::assert_has_event(entered.into());
		assert_noop!(
			commit(0, 1, Lead, digest(0, 1, &acc(20), honest(1))),
			Error::<Test>::WrongPhase
		);
		assert!(Concluded::get().is_empty() && Released::get().is_empty());
		run_to(UNTIL);
		assert_eq!(phase(0), Phase::Tallying, "the last block is in time");
		assert_ok!(tell(0, 1, rows(ROWS, 0)));
		assert_ended(Refund::Unserved);
	});
}

#[test]
fn where_all_leads_commit_nobody_tells() {
	execute(|| {
		open(0);
		commits(0, Lead, &all_honest);
		assert_noop!(
			tell(0, 1, Tally::default()),
			Error::<Test>::AlreadyCommitted
		);
		assert_eq!(phase(0), Phase::Verifying);
		assert!(trial(0).stages.iter().all(|stage| stage.tally.is_none()));
	});
}

#[test]
fn a_tally_is_taken_from_a_lead_that_is_late_and_from_nobody_else() {
	execute(|| {
		open(0);
		commits(0, Lead, &but(1, Lead, Behaviour::Silent));
		let tally = rows(ROWS, 0);
		assert_noop!(tell(0, 1, tally), Error::<Test>::WrongPhase);
		assert_noop!(tell(0, 0, tally), Error::<Test>::AlreadyCommitted);
		expire(0, Phase::Running);

		let none = RuntimeOrigin::none();
		assert_noop!(
			Verification::report_tally(none, 0, 1, tally),
			DispatchError::BadOrigin
		);
		assert_noop!(tell_as(20, 9, 1, tally), Error::<Test>::NotFound);
		let stranger = DispatchError::from(Error::<Test>::NotAParticipant);
		// Another holder of the stage, another lead, and nobody's stage.
		assert_noop!(tell_as(21, 0, 1, tally), stranger);
		assert_noop!(tell_as(50, 0, 1, tally), stranger);
		assert_noop!(tell_as(30, 0, 1, tally), stranger);
		assert_noop!(tell_as(20, 0, 9, tally), stranger);
		assert_noop!(tell(0, 0, tally), Error::<Test>::AlreadyCommitted);

		expire(0, Phase::Tallying);
		assert_eq!(phase(0), Phase::Closed);
		assert_noop!(tell_as(20, 0, 1, tally), Error::<Test>::WrongPhase);
	});
}

#[test]
fn a_replica_has_nothing_to_tell() {
	execute(|| {
		open(0);
		commits(0, Lead, &all_honest);
		assert_eq!(worker(0, 1, Replica), acc(21));
		assert_noop!(
			tell_as(21, 0, 1, Tally::default()),
			Error::<Test>::NotAParticipant
		);
	});
}

#[test]
fn a_tally_claims_no_more_rows_than_were_paid_for() {
	execute(|| {
		overdue();
		let many = DispatchError::from(Error::<Test>::RowsAboveCeiling);
		assert_noop!(tell(0, 1, rows(CEILING + 1, 0)), many);
		assert_noop!(tell(0, 1, rows(0, CEILING + 1)), many);
		assert_ok!(tell(0, 1, rows(CEILING, CEILING)));
	});
}

#[test]
fn a_tally_cannot_be_changed() {
	execute(|| {
		overdue();
		assert_ok!(tell(0, 1, rows(5, 5)));
		assert_noop!(tell(0, 1, rows(5, 3)), Error::<Test>::AlreadyReported);
		assert_eq!(trial(0).stages[1].tally, Some(rows(5, 5)));
	});
}

#[test]
fn telling_is_free_and_a_refused_tally_is_not() {
	execute(|| {
		overdue();
		let post = tell_as(20, 0, 1, rows(5, 5)).unwrap();
		assert_eq!(post.actual_weight, Some(<() as WeightInfo>::attest(3)));
		assert_eq!(post.pays_fee, Pays::No);
		let refused = tell_as(20, 0, 1, rows(5, 5)).unwrap_err();
		assert_eq!(refused.post_info.pays_fee, Pays::Yes);
		let told = Event::<Test>::Tallied {
			job: 0,
			stage: 1,
			worker: acc(20),
			tally: rows(5, 5),
		};
		System::assert_last_event(told.into());
	});
}

#[test]
fn the_trial_ends_at_once_when_every_lead_has_told_or_committed() {
	execute(|| {
		open(0);
		commits(0, Lead, &|stage, _| match stage {
			0 => Behaviour::Honest,
			_ => Behaviour::Silent,
		});
		expire(0, Phase::Running);
		assert_ok!(tell(0, 1, rows(ROWS, ROWS)));
		assert_eq!(phase(0), Phase::Tallying, "one is missing");
		assert_ok!(tell(0, 2, rows(ROWS, ROWS)));
		assert_eq!(System::block_number(), RUN_UNTIL + 1);
		assert_ended(Refund::Unserved);
		// The entry says that it got the last word from the last segment, which says that it had none.
		assert_eq!(verdicts(), [WorkerFault, Indeterminate, WorkerFault]);
		run_to(UNTIL + 1);
		assert_eq!(Concluded::get().len(), 1, "its deadline is gone");
	});
}

#[test]
fn who_has_told_nothing_by_the_deadline_is_to_blame_alone() {
	execute(|| {
		overdue();
		assert_ok!(tell(0, 0, rows(0, 5)));
		// By its own word it kept rows, yet somebody else told nothing.
		assert_ok!(tell(0, 1, rows(5, 0)));
		run_to(UNTIL);
		assert_eq!(phase(0), Phase::Tallying);
		run_to(UNTIL + 1);
		assert_ended(Refund::Unserved);
		assert_eq!(verdicts(), [Indeterminate, Indeterminate, WorkerFault]);
		assert_eq!(Verification::blamed(0), [acc(30)]);
	});
}

#[test]
fn a_segment_that_kept_rows_and_tells_so_is_to_blame_alone() {
	execute(|| {
		overdue();
		tell_all([(0, rows(3, 5)), (1, rows(5, 3)), (2, rows(3, 3))]);
		assert_ended(Refund::Unserved);
		assert_eq!(verdicts(), [Indeterminate, WorkerFault, Indeterminate]);
		assert_eq!(Verification::blamed(0), [acc(20)]);
		let released = [(10, Indeterminate), (20, WorkerFault), (30, Indeterminate)];
		let released = released.map(|(who, verdict)| (acc(who), verdict));
		assert_eq!(Released::get(), released);
	});
}

#[test]
fn a_segment_that_kept_rows_and_denies_it_shares_the_blame_with_the_next_stage() {
	execute(|| {
		overdue();
		tell_all([(0, rows(3, 5)), (1, rows(5, 5)), (2, rows(3, 3))]);
		assert_ended(Refund::Unserved);
		assert_eq!(verdicts(), [Indeterminate, WorkerFault, WorkerFault]);
	});
}

#[test]
fn where_all_rows_came_round_the_entry_is_to_blame_and_a_user_is_not() {
	execute(|| {
		overdue();
		tell_all([0, 1, 2].map(|stage| (stage, rows(5, 5))));
		assert_ended(Refund::Unserved);
		assert_eq!(verdicts(), [WorkerFault, Indeterminate, Indeterminate]);
	});
	execute(|| {
		overdue_sealed();
		tell_all([1, 2].map(|stage| (stage, rows(5, 5))));
		assert_ended(Refund::Unserved);
		assert_eq!(verdicts(), [Indeterminate; 2]);
	});
}

#[test]
fn a_sealed_job_of_which_nobody_saw_rows_is_nobodys_fault() {
	execute(|| {
		overdue_sealed();
		tell_all([1, 2].map(|stage| (stage, Tally::default())));
		assert_ended(Refund::NoShow);
		assert_eq!(verdicts(), [Indeterminate; 2]);
	});
	// Not even of who told nothing.
	execute(|| {
		overdue_sealed();
		assert_ok!(tell(0, 1, rows(0, 0)));
		run_to(UNTIL + 1);
		assert_ended(Refund::NoShow);
		assert_eq!(verdicts(), [Indeterminate; 2]);
	});
}

#[test]
fn a_sealed_job_of_which_a_lead_saw_rows_is_the_fault_of_the_silent_one() {
	execute(|| {
		overdue_sealed();
		assert_ok!(tell(0, 1, rows(1, 1)));
		run_to(UNTIL + 1);
		assert_ended(Refund::Unserved);
		assert_eq!(verdicts(), [Indeterminate, WorkerFault]);
	});
}

#[test]
fn nobody_is_to_blame_for_an_adapter_that_nobody_holds() {
	execute(|| {
		Adapters::mutate(|all| all.insert(0));
		overdue();
		run_to(UNTIL + 1);
		assert_ended(Refund::Unserved);
		assert_eq!(verdicts(), [Indeterminate; 3]);
	});
	// But where rows came to somebody it was there.
	execute(|| {
		Adapters::mutate(|all| all.insert(0));
		overdue();
		assert_ok!(tell(0, 1, rows(1, 0)));
		run_to(UNTIL + 1);
		assert_ended(Refund::Unserved);
		assert_eq!(verdicts(), [WorkerFault, Indeterminate, WorkerFault]);
	});
}

#[test]
fn only_who_still_has_to_tell_is_asked_to() {
	execute(|| {
		let asked = |who: u8| {
			let duties = Verification::duties(&acc(who)).into_iter();
			let asked = duties.filter(|duty| matches!(duty, Duty::Tally { .. }));
			asked.collect::<Vec<_>>()
		};
		open(0);
		commits(0, Lead, &but(1, Lead, Behaviour::Silent));
		assert!(asked(20).is_empty(), "there is time to commit");
		expire(0, Phase::Running);
		let due = Duty::Tally {
			job: 0,
			stage: 1,
			until: UNTIL,
		};
		assert_eq!(Verification::duties(&acc(20)), [due]);
		for other in [10, 11, 21, 30] {
			assert!(asked(other).is_empty(), "{other}");
		}
	});
	execute(|| {
		overdue();
		assert_ok!(tell(0, 1, rows(5, 5)));
		assert!(Verification::duties(&acc(20)).is_empty());
		assert_eq!(Verification::duties(&acc(30)).len(), 1);
	});
}

#[test]
fn the_receipt_shows_what_was_told() {
	execute(|| {
		overdue();
		let lost = Tally {
			received: Some(5),
			sent: None,
			lost_next: true,
		};
		assert_ok!(tell(0, 1, lost));
		let shown = || {
			let stages = Verification::stage_receipts(0).into_iter();
			stages.map(|stage| stage.tally).collect::<Vec<_>>()
		};
		assert_eq!(shown(), [None, Some(lost), None]);
		run_to(UNTIL + 1);
		assert_eq!(phase(0), Phase::Closed);
		assert_eq!(shown(), [None, Some(lost), None]);
	});
}
