//! What was done survives a restart and is not done twice.

use crate::lab::*;
use codec::Encode;
use dllm_primitives::{api::AccountId32, commitment::Roots};
use dllm_worker::{
	commitment::{Leaves, Ledger, MadeBy, StageRecord},
	network::{frame::Side, Dtype},
	pipeline,
};
use tempfile::tempdir;

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_stage_is_not_run_again() {
	let job = 50;
	let entry = Worker::new(1).await.enter();
	let lead = Worker::new(2).await.hold(range(0, 3));
	let route = route(job, &entry, &[(&lead, range(0, 3))]);
	let limits = limits();
	let (answer, led) = tokio::join!(
		pipeline::entry::run(&entry.workshop, route.clone(), question(), &limits, |_| {}),
		pipeline::lead(&lead.workshop, route.clone(), ASKED, 1),
	);
	let (answer, led) = (answer.unwrap(), led.unwrap());
	let commitment = lead.commitment(job, 1);

	// Nobody is there any more: the results come from the ledger.
	entry.workshop.network.shutdown().await;
	lead.workshop.network.shutdown().await;
	let again = pipeline::lead(&lead.workshop, route.clone(), ASKED, 1)
		.await
		.unwrap();
	assert_eq!(again, led);
	let again = pipeline::entry::run(&entry.workshop, route, question(), &limits, |_| {})
		.await
		.unwrap();
	assert_eq!(again, answer);

	let reopened = Ledger::open(lead.folder.path().join("jobs")).unwrap();
	let account = &lead.workshop.account;
	assert_eq!(
		reopened.commitment(job, 1, account).unwrap(),
		Some(commitment)
	);
}

#[test]
fn a_record_is_absent_or_complete() {
	let folder = tempdir().unwrap();
	let ledger = Ledger::open(folder.path()).unwrap();
	let (job, stage) = (1, 2);
	let mut log = ledger
		.log(
			job,
			stage,
			Side::Output,
			Leaves::new(job, [1; 32], stage, 8),
		)
		.unwrap();
	log.append(0, &[5; 16]).unwrap();
	assert!(log.append(1, &[5; 8]).is_err(), "a row came twice");
	assert!(log.append(2, &[5; 7]).is_err(), "a row is not whole");
	let (root, rows) = log.finish().unwrap();
	assert_eq!(rows, 2);
	assert_eq!(ledger.opening(job, stage).unwrap(), None);

	let roots = Roots {
		output: root,
		rows,
		..Roots::default()
	};
	let record = StageRecord::new(ASKED, roots, [1; 32], 2, Dtype::F32);
	assert_ne!(
		record.opening.salt,
		StageRecord::new(ASKED, roots, [1; 32], 2, Dtype::F32)
			.opening
			.salt
	);
	ledger.close(job, stage, &record).unwrap();
	assert_eq!(ledger.record(job, stage).unwrap(), Some(record));
	let (one, other) = (AccountId32::new([1; 32]), AccountId32::new([2; 32]));
	let commitment = |account| ledger.commitment(job, stage, account).unwrap().unwrap();
	assert_ne!(commitment(&one), commitment(&other));

	std::fs::write(folder.path().join("1/2/record.scale"), [1, 2, 3]).unwrap();
	assert!(ledger.record(job, stage).is_err());
}

#[test]
fn a_record_says_as_whom_it_was_made_or_is_a_leads() {
	let folder = tempdir().unwrap();
	let ledger = Ledger::open(folder.path()).unwrap();
	let led = StageRecord::new(ASKED, Roots::default(), [1; 32], 2, Dtype::F32);
	let mut checked = led.clone();
	checked.made_by = MadeBy::Checker;
	for record in [&led, &checked] {
		ledger.close(1, 2, record).unwrap();
		assert_eq!(ledger.record(1, 2).unwrap().as_ref(), Some(record));
	}
	// Earlier versions did not say it.
	let path = folder.path().join("1/2/record.scale");
	let mut bytes = checked.encode();
	let last = bytes.len() - 1;
	std::fs::write(&path, &bytes[..last]).unwrap();
	assert_eq!(ledger.record(1, 2).unwrap(), Some(led));
	bytes[last] = 2;
	std::fs::write(&path, bytes).unwrap();
	assert!(ledger.record(1, 2).is_err());
}

#[test]
fn a_job_is_forgotten_alone() {
	let folder = tempdir().unwrap();
	let ledger = Ledger::open(folder.path()).unwrap();
	let record = StageRecord::new(ASKED, Roots::default(), [1; 32], 2, Dtype::F32);
	for job in [1, 2, 3] {
		ledger.close(job, 1, &record).unwrap();
	}
	ledger.forget(2).unwrap();
	ledger.forget(2).unwrap();
	let kept = [1, 2, 3].map(|job| ledger.opening(job, 1).unwrap().is_some());
	assert_eq!(kept, [true, false, true]);
}
