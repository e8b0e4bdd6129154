//! Budgets: what counts against them, and what survives a restart.

use dllm_worker::gateway::{
	keys::{Key, Keys},
	spending::Spending,
	ApiError,
};
use std::{path::Path, sync::Arc};

const BUDGET: u128 = 100;

fn open(folder: &Path) -> Arc<Spending> {
	Spending::open(folder.join("spending.json")).unwrap()
}

fn key(folder: &Path) -> Key {
	let keys = Keys::open(folder.join("keys.json")).unwrap();
	let text = keys.add("k", Some(BUDGET), None).unwrap();
	keys.find(&text).unwrap()
}

fn left(spending: &Arc<Spending>, key: &Key) -> u128 {
	match spending.hold(key, u128::MAX) {
		Err(ApiError::BudgetSpent { left, .. }) => left,
		other => panic!("{:?}", other.map(|_| ())),
	}
}

#[tokio::test]
async fn only_what_ran_is_counted_in_the_end() {
	let folder = tempfile::tempdir().unwrap();
	let (spending, key) = (open(folder.path()), key(folder.path()));
	let mut hold = spending.hold(&key, 60).unwrap();
	assert_eq!(left(&spending, &key), 40, "the ceiling is held");
	hold.keep(1).await.unwrap();
	assert_eq!(left(&spending, &key), 40);
	hold.settle(25).await.unwrap();
	assert_eq!(left(&spending, &key), 75);
	assert_eq!(spending.spent(&key.id), 25);
}

#[test]
fn a_request_that_is_not_bought_costs_nothing() {
	let folder = tempfile::tempdir().unwrap();
	let (spending, key) = (open(folder.path()), key(folder.path()));
	drop(spending.hold(&key, BUDGET).unwrap());
	assert_eq!(left(&spending, &key), BUDGET);
}

#[test]
fn requests_at_once_cannot_exceed_the_budget_together() {
	let folder = tempfile::tempdir().unwrap();
	let (spending, key) = (open(folder.path()), key(folder.path()));
	let _first = spending.hold(&key, 60).unwrap();
	let second = spending.hold(&key, 41).err();
	assert_eq!(
		second,
		Some(ApiError::BudgetSpent {
			left: 40,
			price: 41
		})
	);
	let _third = spending.hold(&key, 40).unwrap();
	assert_eq!(left(&spending, &key), 0);
}

#[tokio::test]
async fn a_restart_forgets_neither_fees_nor_open_jobs() {
	let folder = tempfile::tempdir().unwrap();
	let key = key(folder.path());
	{
		let spending = open(folder.path());
		let mut settled = spending.hold(&key, 30).unwrap();
		settled.keep(1).await.unwrap();
		settled.settle(20).await.unwrap();
		let mut cut_off = spending.hold(&key, 50).unwrap();
		cut_off.keep(2).await.unwrap();
		// A fork gave the job another number.
		cut_off.keep(3).await.unwrap();
	}
	let spending = open(folder.path());
	assert_eq!(left(&spending, &key), 30, "20 spent, 50 held");
	let mut open_jobs = spending.left_open();
	assert_eq!(
		open_jobs.iter().map(|(job, _)| *job).collect::<Vec<_>>(),
		[3]
	);
	let (_, hold) = open_jobs.remove(0);
	hold.settle(5).await.unwrap();
	let spending = open(folder.path());
	assert_eq!(spending.spent(&key.id), 25);
	assert!(spending.left_open().is_empty());
}
