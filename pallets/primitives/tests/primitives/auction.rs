//! The auction of a block: no order matters, no ceiling is passed, no slot is given twice.

use dllm_primitives::{
	auction::{award, Award, Offer},
	job::WaitingJob,
};
use proptest::{collection::vec, prelude::*};
use std::collections::{BTreeMap, BTreeSet};

type Job = WaitingJob<u128, u32>;

/// No bound on the awards of a block.
const ALL: usize = usize::MAX;

/// Price of a row, in planck; no pipeline serves a job whose number and its own are both multiples of 5.
fn fee(job: &Job, pipeline: u32) -> Option<u128> {
	let serves = !job.id.is_multiple_of(5) || !pipeline.is_multiple_of(5);
	serves.then(|| u128::from(job.rows) * u128::from(pipeline % 4 + 1))
}

fn jobs() -> impl Strategy<Value = Vec<Job>> {
	let job = (0..3u32, 0..50u32, 0..300u128, any::<bool>(), 0..4u32);
	vec(job, 0..24).prop_map(|jobs| {
		let number = |(id, (model, rows, max_price, own_entry, submitted))| Job {
			id,
			model,
			rows,
			max_price,
			own_entry,
			submitted,
			avoided: Vec::new(),
		};
		(0..).zip(jobs).map(number).collect()
	})
}

fn offers() -> impl Strategy<Value = Vec<Offer>> {
	let row_time = proptest::option::of(0..1_000u64);
	vec((0..3u32, 0..4u8, 0..100u64, row_time), 0..8).prop_map(|offers| {
		let number = |(pipeline, (model, free_slots, in_flight, row_time))| Offer {
			pipeline,
			model,
			free_slots,
			in_flight,
			row_time,
		};
		(0..).zip(offers).map(number).collect()
	})
}

/// Jobs and offers, each with a permutation.
fn shuffled<T: Clone + std::fmt::Debug>(
	items: impl Strategy<Value = Vec<T>>,
) -> impl Strategy<Value = (Vec<T>, Vec<T>)> {
	items.prop_flat_map(|items| (Just(items.clone()), Just(items).prop_shuffle()))
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(1_000))]

	#[test]
	fn does_not_depend_on_any_order(jobs in shuffled(jobs()), offers in shuffled(offers())) {
		let awards = award(&jobs.0, &offers.0, ALL, fee);
		prop_assert_eq!(awards, award(&jobs.1, &offers.1, ALL, fee));
	}

	#[test]
	fn keeps_ceilings_slots_models_and_services(jobs in jobs(), offers in offers()) {
		let jobs_by_id: BTreeMap<_, _> = jobs.iter().map(|job| (job.id, job)).collect();
		let mut served = BTreeSet::new();
		let mut taken: BTreeMap<u32, u8> = BTreeMap::new();
		for Award { job, pipeline, .. } in award(&jobs, &offers, ALL, fee) {
			prop_assert!(served.insert(job), "job {} twice", job);
			let job = jobs_by_id[&job];
			let offer = offers.iter().find(|offer| offer.pipeline == pipeline).unwrap();
			prop_assert_eq!(offer.model, job.model);
			prop_assert!(fee(job, pipeline).is_some_and(|fee| fee <= job.max_price));
			*taken.entry(pipeline).or_default() += 1;
		}
		for offer in offers {
			prop_assert!(taken.get(&offer.pipeline).is_none_or(|taken| *taken <= offer.free_slots));
		}
	}

	/// Nobody waits while a slot that it can pay stays free, or goes to a job that bids less for a row.
	#[test]
	fn leaves_no_job_behind_a_lower_bid(jobs in jobs(), offers in offers()) {
		let awards = award(&jobs, &offers, ALL, fee);
		let bid = |job: &Job| job.max_price / u128::from(job.rows.max(1));
		let bids: BTreeMap<_, _> = jobs.iter().map(|job| (job.id, bid(job))).collect();
		let waits = |job: &&Job| awards.iter().all(|award| award.job != job.id);
		for job in jobs.iter().filter(waits) {
			for offer in offers.iter().filter(|offer| offer.model == job.model) {
				let payable = fee(job, offer.pipeline).is_some_and(|fee| fee <= job.max_price);
				if !payable {
					continue;
				}
				let winners: Vec<_> =
					awards.iter().filter(|award| award.pipeline == offer.pipeline).collect();
				prop_assert_eq!(winners.len(), usize::from(offer.free_slots));
				prop_assert!(winners.iter().all(|award| bids[&award.job] >= bid(job)));
			}
		}
	}
}

fn job(id: u64, max_price: u128, submitted: u32) -> Job {
	Job {
		id,
		model: 0,
		rows: 10,
		max_price,
		own_entry: false,
		submitted,
		avoided: Vec::new(),
	}
}

fn offer(pipeline: u32, free_slots: u8) -> Offer {
	Offer {
		pipeline,
		model: 0,
		free_slots,
		in_flight: 0,
		row_time: None,
	}
}

fn winners(jobs: &[Job], offers: &[Offer]) -> Vec<(u64, u32)> {
	let flat = |_: &Job, pipeline: u32| Some(u128::from(pipeline % 2 + 1));
	award(jobs, offers, ALL, flat)
		.into_iter()
		.map(|award| (award.job, award.pipeline))
		.collect()
}

#[test]
fn serves_the_higher_bid_then_the_earlier_then_the_lower_number() {
	let jobs = [
		job(1, 100, 9),
		job(2, 200, 9),
		job(3, 100, 8),
		job(4, 100, 9),
	];
	let order = [(2, 0), (3, 0), (1, 0), (4, 0)];
	for slots in 0..=4 {
		assert_eq!(
			winners(&jobs, &[offer(0, slots)]),
			order[..usize::from(slots)]
		);
	}
}

#[test]
fn takes_the_cheapest_pipeline_then_the_lower_number() {
	// Even pipelines cost 1, odd ones 2.
	let offers = [offer(3, 1), offer(4, 1), offer(1, 1), offer(2, 1)];
	let jobs: Vec<_> = (0..5).map(|id| job(id, 100, 0)).collect();
	assert_eq!(
		winners(&jobs, &offers),
		vec![(0, 2), (1, 4), (2, 1), (3, 3)]
	);
}

/// Where each of five jobs of ten rows goes, over pipelines that ask the same.
fn spread(offers: [Offer; 2]) -> Vec<u32> {
	let jobs: Vec<_> = (0..5).map(|id| job(id, 100, 0)).collect();
	let awards = award(&jobs, &offers, ALL, |_, _| Some(1));
	awards.into_iter().map(|award| award.pipeline).collect()
}

#[test]
fn of_equal_prices_takes_where_the_job_is_over_first() {
	let timed = |pipeline, row_time| Offer {
		row_time,
		..offer(pipeline, 5)
	};
	let equal = [timed(1, Some(4)), timed(2, Some(4))];
	assert_eq!(spread(equal), [1, 2, 1, 2, 1]);
	// Over after 40 and 90, then 80 and 90, then 120 and 90.
	assert_eq!(
		spread([timed(1, Some(9)), timed(2, Some(4))]),
		[2, 2, 1, 2, 2]
	);
	let loaded = Offer {
		in_flight: 25,
		..timed(1, Some(4))
	};
	assert_eq!(spread([loaded, timed(2, Some(4))]), [2, 2, 2, 1, 2]);
}

#[test]
fn a_pipeline_of_which_nothing_is_known_is_tried_first_and_not_trusted_with_all() {
	let known = Offer {
		row_time: Some(4),
		..offer(1, 5)
	};
	assert_eq!(spread([known, offer(2, 5)]), [2, 1, 2, 1, 2]);
	assert_eq!(spread([offer(1, 5), offer(2, 5)]), [1, 2, 1, 2, 1]);
}

#[test]
fn one_that_gets_nothing_done_is_the_last_resort() {
	let stuck = Offer {
		row_time: Some(u64::MAX),
		..offer(1, 5)
	};
	let known = Offer {
		row_time: Some(4),
		..offer(2, 3)
	};
	assert_eq!(spread([stuck, known]), [2, 2, 2, 1, 1]);
}

#[test]
fn compares_bids_for_a_row_and_not_in_total() {
	let long = Job {
		rows: 100,
		..job(1, 300, 0)
	};
	let short = Job {
		rows: 1,
		..job(2, 200, 0)
	};
	assert_eq!(winners(&[long, short], &[offer(0, 1)]), vec![(2, 0)]);
}

#[test]
fn passes_on_a_slot_that_the_best_bid_cannot_pay() {
	let dear = |job: &Job, _: u32| Some(if job.id == 1 { 1_000 } else { 1 });
	let awards = award(&[job(1, 500, 0), job(2, 10, 0)], &[offer(0, 1)], ALL, dear);
	let winner = Award {
		job: 2,
		pipeline: 0,
		rows: 10,
		base: 1,
		price: 1,
	};
	assert_eq!(awards, vec![winner]);
}

#[test]
fn survives_a_job_without_rows() {
	assert_eq!(
		winners(
			&[Job {
				rows: 0,
				..job(1, 5, 0)
			}],
			&[offer(0, 1)]
		),
		vec![(1, 0)]
	);
}
