//! An auction does no more than the weight left in the block covers.

use crate::mock::*;
use frame_support::weights::Weight;
use pallet_auctions::WeightInfo;

fn consider(jobs: u32) -> Weight {
	<() as WeightInfo>::consider(jobs)
}

/// Weight of one model and `awards` awards.
fn market_and(awards: u64) -> Weight {
	<() as WeightInfo>::model() + <() as WeightInfo>::award() * awards
}

fn jobs(count: u64) -> Vec<dllm_primitives::job::WaitingJob<u128, u32>> {
	(0..count).map(|id| job(id, 0, 5_000)).collect()
}

#[test]
fn nothing_is_read_without_weight() {
	execute(vec![pipeline(0, 0, 3, 8)], jobs(1), || {
		assert_eq!(idle_with(Weight::zero()), Weight::zero());
		let short = (consider(1) + market_and(1)) - Weight::from_parts(1, 0);
		assert_eq!(idle_with(short), Weight::zero());
		assert_eq!((Looked::get(), awarded()), (None, vec![]));
	});
}

#[test]
fn the_least_weight_awards_one_job() {
	execute(vec![pipeline(0, 0, 3, 8)], jobs(3), || {
		let least = consider(1) + market_and(1);
		assert_eq!(idle_with(least), least);
		assert_eq!((Looked::get(), awarded()), (Some(1), vec![(0, 0)]));
	});
}

#[test]
fn awards_end_where_the_weight_ends() {
	execute(vec![pipeline(0, 0, 3, 8)], jobs(3), || {
		let two = consider(3) + market_and(2);
		let used = idle_with(two);
		assert!(used.all_lte(two));
		assert_eq!(awarded().len(), 2);
	});
}

#[test]
fn an_empty_queue_costs_one_look() {
	execute(vec![pipeline(0, 0, 3, 8)], vec![], || {
		let used = idle_with(Weight::from_parts(2_000_000_000_000, u64::MAX));
		assert_eq!((used, Looked::get()), (consider(0), Some(20)));
	});
}

#[test]
fn models_that_the_weight_does_not_cover_wait() {
	let one_of_each = vec![job(0, 0, 5_000), job(1, 1, 5_000)];
	execute(
		vec![pipeline(0, 0, 3, 8), pipeline(1, 1, 3, 8)],
		one_of_each,
		|| {
			let used = idle_with(consider(2) + market_and(1));
			assert_eq!(
				(used, awarded()),
				(consider(2) + market_and(1), vec![(0, 0)])
			);
			idle();
			assert_eq!(awarded(), [(0, 0), (1, 1)]);
		},
	);
}
