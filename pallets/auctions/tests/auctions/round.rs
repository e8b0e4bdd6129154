//! Who gets which slot.

use crate::mock::*;
use dllm_primitives::{load::Run, plan::PipelineState};
use pallet_auctions::Event;
use proptest::prelude::*;
use sp_runtime::DispatchError;

#[test]
fn a_job_goes_to_the_cheapest_pipeline() {
	let pipelines = vec![
		pipeline(0, 0, 9, 1),
		pipeline(1, 0, 3, 1),
		pipeline(2, 0, 5, 1),
	];
	execute(pipelines, vec![job(0, 0, 5_000)], || {
		idle();
		assert_eq!(awarded(), [(0, 1)]);
	});
}

#[test]
fn a_job_does_not_go_to_a_pipeline_that_it_avoids() {
	let again = |avoided: &[u32]| {
		let mut job = job(0, 0, 5_000);
		job.avoided = avoided.to_vec();
		vec![job]
	};
	let pipelines = || vec![pipeline(0, 0, 3, 1), pipeline(1, 0, 9, 1)];
	execute(pipelines(), again(&[0]), || {
		idle();
		assert_eq!(awarded(), [(0, 1)]);
	});
	execute(pipelines(), again(&[0, 1]), || {
		idle();
		assert!(awarded().is_empty());
	});
}

#[test]
fn a_job_goes_to_a_pipeline_of_its_model() {
	execute(
		vec![pipeline(0, 1, 1, 1), pipeline(1, 0, 9, 1)],
		vec![job(0, 0, 5_000)],
		|| {
			idle();
			assert_eq!(awarded(), [(0, 1)]);
		},
	);
}

#[test]
fn no_more_jobs_than_slots() {
	let jobs = (0..4).map(|id| job(id, 0, 5_000)).collect();
	execute(
		vec![pipeline(0, 0, 3, 2), pipeline(1, 0, 9, 1)],
		jobs,
		|| {
			idle();
			assert_eq!(awarded(), [(0, 0), (1, 0), (2, 1)]);
			idle();
			assert_eq!(awarded().len(), 3);
		},
	);
}

#[test]
fn a_slot_given_back_is_taken_by_who_waits() {
	use dllm_primitives::flow::{Ending, PipelineBook};
	execute(
		vec![pipeline(0, 0, 3, 1)],
		vec![job(0, 0, 900), job(1, 0, 800)],
		|| {
			idle();
			assert_eq!(awarded(), [(0, 0)]);
			Book::release(0, Ending::Served, Run::default());
			idle();
			assert_eq!(awarded(), [(0, 0), (1, 0)]);
			Book::reserve(0, 30).expect_err("is taken");
			Pipelines::mutate(|pipelines| pipelines.clear());
		},
	);
}

/// Pipelines 0 and 1 ask the same; this is what a job of 30 rows showed of each, in so many blocks.
fn shown(blocks: [u32; 2]) {
	use dllm_primitives::flow::{Ending, PipelineBook};
	for (id, until) in (0..).zip(blocks) {
		let run = Run {
			ceiling: 30,
			rows: 30,
			from: 0,
			until,
		};
		Book::reserve(id, 30).expect("is free");
		Book::release(id, Ending::Served, run);
	}
}

#[test]
fn of_equal_pipelines_the_faster_gets_more_jobs_and_never_at_another_price() {
	for (blocks, to) in [([1, 3], [3, 1]), ([3, 1], [1, 3])] {
		let pipelines = vec![pipeline(0, 0, 3, 4), pipeline(1, 0, 3, 4)];
		let jobs = (0..4).map(|id| job(id, 0, 5_000)).collect();
		execute(pipelines, jobs, || {
			shown(blocks);
			idle();
			assert_eq!([0, 1].map(open_jobs), to);
			assert_eq!([0, 1, 2, 3].map(surplus), [Some(0); 4]);
		});
	}
}

#[test]
fn a_cheaper_pipeline_goes_first_however_slow_it_is() {
	let pipelines = vec![pipeline(0, 0, 4, 4), pipeline(1, 0, 3, 2)];
	let jobs = (0..3).map(|id| job(id, 0, 5_000)).collect();
	execute(pipelines, jobs, || {
		shown([1, 90]);
		idle();
		assert_eq!([0, 1].map(open_jobs), [1, 2]);
	});
}

#[test]
fn a_pipeline_that_drains_takes_none() {
	let mut draining = pipeline(0, 0, 1, 4);
	draining.state = PipelineState::Draining;
	execute(vec![draining], vec![job(0, 0, 5_000)], || {
		idle();
		assert!(awarded().is_empty());
	});
}

#[test]
fn a_public_job_needs_entries_and_a_sealed_one_does_not() {
	let pipelines = vec![without_entries(pipeline(0, 0, 1, 4))];
	execute(
		pipelines,
		vec![job(0, 0, 5_000), sealed(1, 0, 5_000)],
		|| {
			idle();
			assert_eq!(awarded(), [(1, 0)]);
		},
	);
}

#[test]
fn the_price_ceiling_is_respected_to_the_planck() {
	// Public: 30 rows × 2 GFLOP × 3 ÷ 0.75 = 240; sealed: no entry, so 120.
	let jobs = vec![
		job(0, 0, 239),
		job(1, 0, 240),
		sealed(2, 0, 119),
		sealed(3, 0, 120),
	];
	execute(vec![pipeline(0, 0, 3, 8)], jobs, || {
		idle();
		assert_eq!(awarded(), [(1, 0), (3, 0)]);
	});
}

#[test]
fn scarce_slots_go_to_the_highest_bid_then_to_the_earliest() {
	let jobs = vec![
		job(0, 0, 300),
		job(1, 0, 900),
		job(2, 0, 600),
		job(3, 0, 600),
	];
	execute(vec![pipeline(0, 0, 3, 2)], jobs, || {
		idle();
		assert_eq!(awarded(), [(1, 0), (2, 0)]);
	});
}

#[test]
fn winners_of_scarce_slots_pay_the_highest_losing_bid() {
	// 240 is the fee of 30 rows; the best loser offers 14 a row, which both winners beat in a tie.
	let jobs = vec![
		job(0, 0, 300),
		job(1, 0, 900),
		job(2, 0, 600),
		job(3, 0, 420),
	];
	execute(vec![pipeline(0, 0, 3, 2)], jobs, || {
		idle();
		assert_eq!(awarded(), [(1, 0), (2, 0)]);
		assert_eq!((surplus(1), surplus(2)), (Some(180), Some(180)));
	});
}

#[test]
fn where_slots_are_left_the_price_is_the_base_price() {
	let jobs = vec![job(0, 0, 300), job(1, 0, 900)];
	execute(vec![pipeline(0, 0, 3, 3)], jobs, || {
		idle();
		assert_eq!((surplus(0), surplus(1)), (Some(0), Some(0)));
	});
}

#[test]
fn the_bound_of_a_block_counts_as_scarcity() {
	// Four awards a block: the fifth job offers 30 a row.
	let jobs = (0..5)
		.map(|id| job(id, 0, 900 + 30 * u128::from(id % 4)))
		.collect();
	execute(vec![pipeline(0, 0, 3, 8)], jobs, || {
		idle();
		assert_eq!(awarded().len(), 4);
		// Job 0 came before job 4, the others too: each wins a tie of 30 a row.
		assert_eq!(surplus(3), Some(900 - 240));
	});
}

#[test]
fn jobs_that_nobody_serves_do_not_stop_the_others() {
	let jobs = vec![job(0, 5, 9_000), job(1, 77, 9_000), job(2, 0, 900)];
	execute(vec![pipeline(0, 0, 3, 2)], jobs, || {
		idle();
		assert_eq!(awarded(), [(2, 0)]);
	});
}

#[test]
fn an_award_that_fails_leaves_slot_and_job_as_they_were() {
	let jobs = vec![job(0, 0, 900), job(1, 0, 800)];
	execute(vec![pipeline(0, 0, 3, 2)], jobs, || {
		Cursed::set(vec![0]);
		idle();
		assert_eq!((awarded(), open_jobs(0)), (vec![(1, 0)], 1));
		let error = DispatchError::Unavailable;
		assert_eq!(
			events(),
			[Event::AwardFailed {
				job: 0,
				pipeline: 0,
				error
			}]
		);
		Cursed::set(vec![]);
		idle();
		assert_eq!(awarded(), [(0, 0), (1, 0)]);
	});
}

#[test]
fn a_block_awards_a_bounded_number() {
	let jobs = (0..6).map(|id| job(id, 0, 5_000)).collect();
	execute(vec![pipeline(0, 0, 3, 8)], jobs, || {
		idle();
		assert_eq!(awarded().len(), 4);
		idle();
		assert_eq!(awarded().len(), 6);
	});
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(128))]

	/// Whatever waits: nobody is charged above its ceiling, and nobody who could pay for a slot that is
	/// still free is left waiting.
	#[test]
	fn awards_are_affordable_and_complete(
		prices in prop::collection::vec((0..2u32, 1..20u128, 0..4u8, any::<bool>()), 0..6),
		bids in prop::collection::vec((0..2u32, 0..3_000u128, any::<bool>()), 0..12),
	) {
		let pipelines = prices.iter().enumerate().map(|(id, (model, price, slots, entries))| {
			let full = pipeline(id as u32, *model, *price, *slots);
			if *entries { full } else { without_entries(full) }
		}).collect::<Vec<_>>();
		let jobs = bids.iter().enumerate().map(|(id, (model, bid, own))| {
			if *own { sealed(id as u64, *model, *bid) } else { job(id as u64, *model, *bid) }
		}).collect::<Vec<_>>();
		// 30 rows × price ÷ 0.75, for the layer alone or for layer and head.
		let fee = |job: usize, pipeline: usize| {
			let (model, price, _, entries) = prices[pipeline];
			let (wanted, _, own) = bids[job];
			let serves = model == wanted && (own || entries);
			serves.then_some(40 * price * if own { 1 } else { 2 })
		};
		execute(pipelines, jobs, || {
			(0..4).for_each(|_| idle());
			for (job, pipeline) in awarded() {
				let fee = fee(job as usize, pipeline as usize);
				prop_assert!(fee.is_some_and(|fee| fee <= bids[job as usize].1));
			}
			let waits = |id: &usize| awarded().iter().all(|(job, _)| *job != *id as u64);
			for job in (0..bids.len()).filter(waits) {
				for (id, (_, _, slots, _)) in prices.iter().enumerate() {
					let free = open_jobs(id as u32) < *slots;
					let payable = fee(job, id).is_some_and(|fee| fee <= bids[job].1);
					prop_assert!(!(free && payable), "job {} could have run on {}", job, id);
				}
			}
			Ok(())
		})?;
	}
}
