//! The quoted price.

use crate::mock::*;
use pallet_auctions::Pallet;

fn quote(model: u32, own_entry: bool) -> Option<u128> {
	Pallet::<Test>::quote(model, 20, 10, own_entry)
}

#[test]
fn is_the_lowest_fee_with_or_without_free_slots() {
	execute(
		vec![pipeline(0, 0, 3, 1), pipeline(1, 0, 9, 1)],
		vec![job(0, 0, 5_000)],
		|| {
			assert_eq!(quote(0, false), Some(240));
			idle();
			assert_eq!((awarded(), quote(0, false)), (vec![(0, 0)], Some(240)));
		},
	);
}

#[test]
fn leaves_out_the_entry_for_users_who_are_it() {
	let pipelines = vec![without_entries(pipeline(0, 0, 1, 1)), pipeline(1, 0, 3, 1)];
	execute(pipelines, vec![], || {
		assert_eq!((quote(0, true), quote(0, false)), (Some(40), Some(240)));
	});
}

#[test]
fn is_none_where_nobody_serves() {
	execute(
		vec![without_entries(pipeline(0, 0, 1, 1)), pipeline(1, 9, 1, 1)],
		vec![],
		|| {
			assert_eq!(quote(0, false), None);
			assert_eq!(quote(1, false), None);
			assert_eq!(quote(9, false), None, "a retired model takes no prompts");
			assert_eq!(quote(77, false), None);
		},
	);
}

#[test]
fn a_job_that_offers_the_quote_is_awarded() {
	execute(vec![pipeline(0, 0, 7, 1)], vec![], || {
		let price = quote(0, false).expect("is served");
		Submitted::set(vec![job(0, 0, price)]);
		idle();
		assert_eq!(awarded(), [(0, 0)]);
	});
}
