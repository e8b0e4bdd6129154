//! The queue as the auction sees it, and the award.

use crate::mock::*;
use dllm_primitives::{
	flow::JobQueue,
	job::{JobState, Refund, WaitingJob},
};
use frame_support::{assert_noop, assert_ok};
use pallet_jobs::{Agenda, Error, Event, Waiting, MIN_RUN_BLOCKS};
use sp_runtime::DispatchError;

fn waiting(limit: u32) -> Vec<WaitingJob<u128, u32>> {
	<Jobs as JobQueue<u128, u32>>::waiting(limit)
}

fn award(job: u64, pipeline: u32) -> sp_runtime::DispatchResult {
	<Jobs as JobQueue<u128, u32>>::award(job, pipeline, 0)
}

#[test]
fn shows_the_oldest_first_and_no_more_than_asked() {
	execute(|| {
		let ids = [
			submit(ALICE, 5, 90),
			submit(BOB, 7, 20),
			submit(ALICE, 6, 50),
		];
		let seen = waiting(2);
		assert_eq!(seen.iter().map(|job| job.id).collect::<Vec<_>>(), ids[..2]);
		let first = WaitingJob {
			id: ids[0],
			model: MODEL,
			rows: 50,
			max_price: 5,
			own_entry: false,
			submitted: 1,
			avoided: Vec::new(),
		};
		assert_eq!(seen[0], first);
		assert_eq!(waiting(10).len(), 3);
		assert!(waiting(0).is_empty());
	});
}

#[test]
fn a_job_too_close_to_its_deadline_is_not_offered() {
	execute(|| {
		submit(ALICE, 5, 20);
		run_to(21 - MIN_RUN_BLOCKS);
		assert_eq!(waiting(10).len(), 1);
		run_blocks(1);
		assert!(waiting(10).is_empty());
	});
}

#[test]
fn a_job_of_a_suspended_model_waits_or_is_refunded() {
	execute(|| {
		let model = Jobs::job(submit(ALICE, 5, 20)).expect("is stored").model;
		Suspended::set(vec![model + 1]);
		assert_eq!(waiting(10).len(), 1);
		Suspended::set(vec![model]);
		assert!(waiting(10).is_empty());
		run_to(21);
		assert_eq!(
			Jobs::job(0).expect("is stored").state,
			JobState::Refunded(Refund::NotAwarded)
		);
		assert_eq!(escrow(ALICE), 0);
	});
}

#[test]
fn an_award_opens_the_trial_and_keeps_the_hold() {
	execute(|| {
		Pipelines::set(vec![pipeline(4, 3)]);
		let id = submit(ALICE, 700, 20);
		run_blocks(2);
		assert_ok!(award(id, 4));
		let job = Jobs::job(id).expect("is stored");
		assert_eq!(job.state, JobState::Running { pipeline: 4 });
		assert_eq!((job.pipeline, job.awarded), (Some(4), Some(3)));
		assert_eq!(escrow(ALICE), 700);
		assert!(Waiting::<Test>::get().is_empty());
		assert_eq!(Agenda::<Test>::get(21), None);
		assert_eq!(
			last_event(),
			Event::Awarded {
				job: id,
				pipeline: 4,
				price_ceiling: 600
			}
		);

		let trial = Opened::get().pop().expect("was opened");
		assert_eq!((trial.job, trial.client, trial.run_until), (id, ALICE, 21));
		assert_eq!((trial.rows_ceiling, trial.own_entry), (50, false));
		assert_eq!(trial.pipeline, pipeline(4, 3));
	});
}

#[test]
fn an_awarded_job_is_not_refunded_at_its_deadline() {
	execute(|| {
		let id = submit_and_award(ALICE, 700);
		run_to(40);
		assert!(!Jobs::job(id).expect("is stored").state.is_final());
		assert_eq!(escrow(ALICE), 700);
	});
}

#[test]
fn refuses_what_does_not_fit() {
	execute(|| {
		let id = submit(ALICE, 700, 20);
		let mut other_model = pipeline(1, 3);
		other_model.plan.model = RETIRED;
		Pipelines::set(vec![pipeline(0, 3), other_model, sealed_pipeline(2, 3)]);
		assert_noop!(award(id, 9), Error::<Test>::WrongPipeline);
		assert_noop!(award(id, 1), Error::<Test>::WrongPipeline);
		assert_noop!(award(id, 2), Error::<Test>::WrongPipeline);
		assert_noop!(award(8, 0), Error::<Test>::UnknownJob);
		assert_ok!(award(id, 0));
		assert_noop!(award(id, 0), Error::<Test>::NotWaiting);
	});
}

#[test]
fn nothing_changes_where_the_trial_cannot_open() {
	execute(|| {
		Pipelines::set(vec![pipeline(0, 3)]);
		let id = submit(ALICE, 700, 20);
		TrialsRefuse::set(true);
		assert_noop!(award(id, 0), DispatchError::Other("no trial"));
		assert_eq!(waiting(10).len(), 1);
	});
}
