//! A job that its workers failed is run again by another pipeline, where its client chose that.

use crate::mock::*;
use dllm_primitives::{
	flow::{Conclusion, Ending, JobQueue, OnVerdict},
	ids::{Digest, JobId, PipelineId},
	job::{JobState, Refund, MAX_RERUNS},
};
use frame_support::{assert_noop, assert_ok, weights::Weight};
use pallet_jobs::{Agenda, Error, Event, NextJob, Waiting, WeightInfo, MIN_RUN_BLOCKS};

const CHEATED: Refund = Refund::Cheated;

fn award(job: JobId, pipeline: PipelineId) -> sp_runtime::DispatchResult {
	<Jobs as JobQueue<u128, u32>>::award(job, pipeline, 0)
}

fn fail(job: JobId, reason: Refund) {
	<Jobs as OnVerdict<AccountId>>::concluded(job, Conclusion::Failed(reason));
}

fn state(job: JobId) -> JobState {
	Jobs::job(job).expect("is on record").state
}

/// Pipelines that the auction may not give the only waiting job.
fn avoided() -> Vec<PipelineId> {
	let mut waiting = <Jobs as JobQueue<u128, u32>>::waiting(10);
	waiting.pop().expect("a job waits").avoided
}

/// Three pipelines without a worker in common.
fn three_pipelines() {
	Pipelines::set(vec![
		pipeline(0, 3),
		pipeline_with(1, 3, 31),
		pipeline_with(2, 3, 41),
	]);
}

/// A job of Alice's that ran on pipeline 0 and failed.
fn failed(reason: Refund) -> JobId {
	three_pipelines();
	let job = submit_rerun(ALICE, 700, 40);
	assert_ok!(award(job, 0));
	run_blocks(6);
	fail(job, reason);
	job
}

#[test]
fn a_failed_job_waits_again_as_another_one_with_its_hold_and_deadline() {
	for reason in [Refund::Unserved, Refund::Cheated, Refund::Indeterminate] {
		execute(|| {
			let job = failed(reason);
			let by = job + 1;
			assert_eq!(state(job), JobState::Rerun { by, reason });
			let told = Event::Rerun {
				job,
				by,
				client: ALICE,
				reason,
			};
			assert_eq!(last_event(), told);
			assert_eq!((escrow(ALICE), free(ALICE)), (700, PURSE - 700));
			let before = Jobs::job(job).expect("is on record");
			let next = Jobs::job(by).expect("is on record");
			assert_eq!((before.held(), before.refunded(), before.fee), (0, 0, 0));
			assert_eq!((next.held(), next.state), (700, JobState::Waiting));
			assert_eq!((next.deadline, next.submitted), (41, 1));
			assert_eq!(next.lineage.map(|lineage| lineage.of), Some(job));
			let asked = |job| pallet_jobs::Requests::<Test>::get(job);
			assert_eq!(asked(by), asked(job));
			assert_eq!(avoided(), [0]);
			// The slot is free, and the failure counts.
			let [(0, Ending::Failed, _)] = Released::get()[..] else {
				panic!("{:?}", Released::get());
			};
		});
	}
}

#[test]
fn the_other_pipeline_is_paid_and_the_rest_comes_back() {
	execute(|| {
		let job = failed(CHEATED);
		assert_ok!(award(job + 1, 1));
		let served = Conclusion::Served {
			rows: 20,
			checked: true,
			result: Digest::repeat_byte(9),
			leads: vec![(0, 33), (1, 31)],
			checkers: vec![(0, 34), (1, 32)],
		};
		<Jobs as OnVerdict<AccountId>>::concluded(job + 1, served);
		assert_eq!(state(job + 1), JobState::Settled);
		assert_eq!((escrow(ALICE), free(ALICE)), (0, PURSE - 240));
		assert_eq!((Paid::get().len(), Paid::get()[0].job), (1, job + 1));
		// What came before does not change any more.
		fail(job, Refund::Unserved);
		assert_eq!(
			state(job),
			JobState::Rerun {
				by: job + 1,
				reason: CHEATED
			}
		);
	});
}

#[test]
fn a_pipeline_that_failed_it_does_not_get_it_again() {
	execute(|| {
		let job = failed(CHEATED);
		assert_noop!(award(job + 1, 0), Error::<Test>::WrongPipeline);
		assert_ok!(award(job + 1, 1));
		fail(job + 1, CHEATED);
		for pipeline in [0, 1] {
			assert_noop!(award(job + 2, pipeline), Error::<Test>::WrongPipeline);
		}
		assert_eq!(avoided(), [0, 1]);
	});
}

#[test]
fn it_is_run_again_twice_and_then_refunded() {
	execute(|| {
		let job = failed(CHEATED);
		assert_ok!(award(job + 1, 1));
		fail(job + 1, Refund::Indeterminate);
		assert_ok!(award(job + 2, 2));
		assert_eq!(Jobs::job(job + 2).map(|job| job.reruns()), Some(MAX_RERUNS));
		fail(job + 2, Refund::Unserved);
		assert_eq!(state(job + 2), JobState::Refunded(Refund::Unserved));
		assert_eq!(NextJob::<Test>::get(), job + 3);
		assert_eq!((escrow(ALICE), free(ALICE)), (0, PURSE));
	});
}

#[test]
fn who_did_not_choose_it_is_refunded() {
	execute(|| {
		three_pipelines();
		let job = submit(ALICE, 700, 40);
		assert_ok!(award(job, 0));
		fail(job, CHEATED);
		assert_eq!(state(job), JobState::Refunded(CHEATED));
		assert_eq!((escrow(ALICE), NextJob::<Test>::get()), (0, job + 1));
	});
}

#[test]
fn a_user_that_never_came_is_refunded() {
	execute(|| {
		let job = failed(Refund::NoShow);
		assert_eq!(state(job), JobState::Refunded(Refund::NoShow));
		assert_eq!((escrow(ALICE), NextJob::<Test>::get()), (0, job + 1));
	});
}

#[test]
fn where_the_fee_cannot_be_divided_it_is_refunded() {
	execute(|| {
		three_pipelines();
		let job = submit_rerun(ALICE, 700, 40);
		assert_ok!(award(job, 0));
		PayoutsFail::set(true);
		let served = Conclusion::Served {
			rows: 20,
			checked: true,
			result: Digest::zero(),
			leads: vec![(0, 21), (1, 11)],
			checkers: vec![(0, 22), (1, 12)],
		};
		<Jobs as OnVerdict<AccountId>>::concluded(job, served);
		assert_eq!(state(job), JobState::Refunded(Refund::Indeterminate));
	});
}

#[test]
fn too_close_to_the_deadline_it_is_refunded() {
	for (failed_in, again) in [(41 - MIN_RUN_BLOCKS, true), (42 - MIN_RUN_BLOCKS, false)] {
		execute(|| {
			three_pipelines();
			let job = submit_rerun(ALICE, 700, 40);
			assert_ok!(award(job, 0));
			run_to(failed_in);
			fail(job, CHEATED);
			let rerun = matches!(state(job), JobState::Rerun { .. });
			assert_eq!(rerun, again, "in block {failed_in}");
			assert_eq!(escrow(ALICE), if again { 700 } else { 0 });
		});
	}
}

#[test]
fn where_no_other_pipeline_takes_it_it_is_refunded_at_its_deadline() {
	execute(|| {
		let job = failed(CHEATED);
		run_to(40);
		assert_eq!(state(job + 1), JobState::Waiting);
		run_to(41);
		assert_eq!(state(job + 1), JobState::Refunded(Refund::NotAwarded));
		assert_eq!((escrow(ALICE), free(ALICE)), (0, PURSE));
	});
}

#[test]
fn its_client_may_take_it_back_while_it_waits_again() {
	execute(|| {
		let job = failed(CHEATED);
		let alice = || RuntimeOrigin::signed(ALICE);
		assert_noop!(Jobs::cancel(alice(), job), Error::<Test>::NotWaiting);
		assert_ok!(Jobs::cancel(alice(), job + 1));
		assert_eq!((escrow(ALICE), free(ALICE)), (0, PURSE));
	});
}

#[test]
fn a_deadline_whose_block_is_full_moves_forward_and_never_back() {
	execute(|| {
		three_pipelines();
		let job = submit_rerun(ALICE, 700, 40);
		assert_ok!(award(job, 0));
		// Two places a block: those of the deadline and of the block before it are taken.
		for wish in [40, 40, 39, 39] {
			submit(BOB, 700, wish);
		}
		assert_eq!(Agenda::<Test>::get(40).map(|due| due.len()), Some(2));
		fail(job, CHEATED);
		let next = Waiting::<Test>::get().pop().expect("a job waits");
		assert_eq!(Jobs::job(next).map(|job| job.deadline), Some(39));
	});
}

#[test]
fn where_the_queue_is_full_it_is_refunded() {
	execute(|| {
		three_pipelines();
		let job = submit_rerun(ALICE, 700, 40);
		assert_ok!(award(job, 0));
		for at in 0..40 {
			submit(BOB, 700, 10 + 2 * (at / 2));
		}
		fail(job, CHEATED);
		assert_eq!(state(job), JobState::Refunded(CHEATED));
		assert_eq!((escrow(ALICE), NextJob::<Test>::get()), (0, job + 41));
	});
}

#[test]
fn who_shares_a_worker_to_blame_is_avoided_where_another_could_take_it() {
	// Pipelines 1 and 2 serve; 1 shares worker 12, which is to blame.
	let sharing = || {
		let mut pipeline = pipeline_with(1, 3, 31);
		let _ = pipeline.plan.segments[0].replicas.try_push(12);
		pipeline
	};
	let avoids = |others: Vec<dllm_primitives::plan::Pipeline<AccountId>>, expected: &[u32]| {
		execute(|| {
			Pipelines::set([vec![pipeline(0, 3)], others].concat());
			Blamed::set(vec![12]);
			let job = submit_rerun(ALICE, 700, 40);
			assert_ok!(award(job, 0));
			fail(job, CHEATED);
			assert_eq!(avoided(), expected);
		});
	};
	avoids(vec![sharing(), pipeline_with(2, 3, 41)], &[0, 1]);
	// Nobody else, nobody else that serves public prompts, nobody else for this price.
	avoids(vec![sharing()], &[0]);
	avoids(vec![sharing(), sealed_pipeline(2, 3)], &[0]);
	avoids(vec![sharing(), pipeline_with(2, 30, 41)], &[0]);
}

#[test]
fn half_of_the_time_is_kept_for_another_run() {
	let run_until = |others, on_failure_rerun: bool, deadline| {
		execute(|| {
			Pipelines::set([vec![pipeline(0, 3)], others].concat());
			let job = match on_failure_rerun {
				true => submit_rerun(ALICE, 700, deadline),
				false => submit(ALICE, 700, deadline),
			};
			assert_ok!(award(job, 0));
			Opened::get().pop().expect("is awarded").run_until
		})
	};
	let other = || vec![pipeline_with(1, 3, 31)];
	assert_eq!(run_until(other(), true, 40), 21);
	assert_eq!(run_until(other(), false, 40), 41);
	// Nobody else could take it, or too few blocks would be left for two runs.
	assert_eq!(run_until(Vec::new(), true, 40), 41);
	assert_eq!(run_until(vec![sealed_pipeline(1, 3)], true, 40), 41);
	assert_eq!(run_until(vec![pipeline_with(1, 30, 31)], true, 40), 41);
	assert_eq!(
		run_until(other(), true, 2 * MIN_RUN_BLOCKS),
		1 + MIN_RUN_BLOCKS
	);
	assert_eq!(run_until(other(), true, 5), 6);
	// What it takes to find out that the first one failed is nobody's.
	UnservedBlocks::set(7);
	assert_eq!(run_until(other(), true, 40), 1 + (40 - 7) / 2);
	assert_eq!(run_until(other(), true, 7 + 2 * MIN_RUN_BLOCKS - 1), 13);
	UnservedBlocks::set(0);
	// The last run has all the time that is left.
	execute(|| {
		let job = failed(CHEATED);
		assert_ok!(award(job + 1, 1));
		fail(job + 1, CHEATED);
		assert_ok!(award(job + 2, 2));
		let ends = Opened::get()
			.iter()
			.map(|award| award.run_until)
			.collect::<Vec<_>>();
		assert_eq!(ends, [21, 7 + 17, 41]);
	});
}

#[test]
fn what_it_costs_is_counted_beside_the_verdict() {
	let counted = |on_failure_rerun: bool| {
		execute(|| {
			three_pipelines();
			let job = match on_failure_rerun {
				true => submit_rerun(ALICE, 700, 40),
				false => submit(ALICE, 700, 40),
			};
			assert_ok!(award(job, 0));
			let before = System::block_weight().total();
			fail(job, CHEATED);
			System::block_weight().total() - before
		})
	};
	assert_eq!(counted(true), <() as WeightInfo>::rerun());
	assert_eq!(counted(false), Weight::zero());
}

#[test]
fn both_records_are_dropped_in_time() {
	execute(|| {
		let job = failed(CHEATED);
		assert_ok!(Jobs::cancel(RuntimeOrigin::signed(ALICE), job + 1));
		run_blocks(60);
		assert_eq!(Jobs::job(job), None);
		assert_eq!(Jobs::job(job + 1), None);
		assert_eq!(ForgottenTrials::get(), [job, job + 1]);
	});
}
