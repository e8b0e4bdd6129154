//! The events of a block, sorted by job: a slash names none, and several trials may close in one block.

use super::account;
use codec::Encode;
use dllm_primitives::{
	compare::Likeness,
	ids::{Digest, JobId},
	job::Refund,
	verdict::{Part, Verdict},
};
use dllm_worker::{chain::PastEvent, cli::audit::events_of};

fn event(pallet: &str, name: &str, fields: impl Encode) -> PastEvent {
	PastEvent {
		pallet: pallet.into(),
		name: name.into(),
		fields: fields.encode(),
	}
}

fn slashed(worker: u8, amount: u128) -> PastEvent {
	let fields = (
		account(worker),
		amount,
		amount / 5,
		0u128,
		amount - amount / 5,
	);
	event("Miners", "Slashed", fields)
}

fn judged(job: JobId, worker: u8, verdict: Verdict) -> PastEvent {
	let fields = (job, 1u8, account(worker), Part::Lead, verdict);
	event("Verification", "Judged", fields)
}

fn failed(job: JobId) -> PastEvent {
	event("Verification", "Failed", (job, Refund::Cheated))
}

#[test]
fn a_slash_belongs_to_the_trial_whose_verdicts_follow() {
	let block = [
		event("System", "ExtrinsicSuccess", ()),
		slashed(1, 10),
		judged(7, 1, Verdict::Cheat),
		judged(7, 2, Verdict::Pass),
		failed(7),
		slashed(3, 20),
		event("Balances", "Burned", 1u8),
		slashed(4, 30),
		judged(8, 3, Verdict::Cheat),
		judged(8, 4, Verdict::Cheat),
		failed(8),
		judged(9, 5, Verdict::Pass),
	];
	let of = |job| {
		let events = events_of(job, &block).expect("events");
		let slashed = events.slashed.iter();
		(
			slashed.map(|one| one.amount).collect::<Vec<_>>(),
			events.judged.len(),
			events.failed,
		)
	};
	assert_eq!(of(7), (vec![10], 2, Some(Refund::Cheated)));
	assert_eq!(of(8), (vec![20, 30], 2, Some(Refund::Cheated)));
	assert_eq!(of(9), (vec![], 1, None));
	assert_eq!(of(10), (vec![], 0, None));
}

/// What a slash was taken of cannot be told from the block before where something else in the block changed the bond.
#[test]
fn bonds_that_the_block_changed_besides_are_noted() {
	let block = [
		event("Miners", "BondExtended", (account(1), 500u128)),
		event("Miners", "Acquitted", (account(2), 0u128)),
		event("Miners", "Unbonding", (account(3), 99u32)),
		slashed(4, 20),
		event("Miners", "Forfeited", (account(5), 9u128, 0u128, 9u128)),
		judged(7, 4, Verdict::Cheat),
		slashed(6, 10),
		judged(8, 6, Verdict::Cheat),
	];
	let of = |job| events_of(job, &block).expect("events").bonds_changed;
	assert_eq!(of(8), [1, 2, 4, 5].map(account));
	assert_eq!(of(7), [1, 2, 6].map(account));
	assert_eq!(of(9), [1, 2, 4, 5, 6].map(account));
}

#[test]
fn what_came_of_a_comparison_is_read_with_its_stage() {
	let compared = |job: JobId, stage: u8, likeness: Likeness| {
		event("Verification", "Compared", (job, stage, likeness))
	};
	let block = [
		compared(7, 1, Likeness::Alike),
		compared(8, 1, Likeness::Unshown),
		compared(7, 3, Likeness::Unlike),
	];
	let of = |job| {
		let compared = events_of(job, &block).expect("events").compared;
		let told = compared.iter().map(|one| (one.stage, one.likeness));
		told.collect::<Vec<_>>()
	};
	assert_eq!(of(7), [(1, Likeness::Alike), (3, Likeness::Unlike)]);
	assert_eq!(of(8), [(1, Likeness::Unshown)]);
	assert!(of(9).is_empty());
}

#[test]
fn money_is_read_to_the_planck() {
	let job: JobId = 7;
	let lines = vec![(account(1), 75u128)];
	let none: Vec<(dllm_worker::chain::AccountId32, u128)> = Vec::new();
	let block = [
		event(
			"Rewards",
			"Paid",
			(job, account(9), lines, none, 15u128, 10u128),
		),
		event(
			"Jobs",
			"Settled",
			(
				job,
				account(9),
				3u32,
				2u32,
				100u128,
				900u128,
				Digest::zero(),
			),
		),
		event("Verification", "Served", (job, 3u32)),
		event(
			"Jobs",
			"Refunded",
			(8u64, account(9), Refund::NoShow, 1u128),
		),
	];
	let events = events_of(job, &block).expect("events");
	let paid = events.paid.expect("paid");
	assert_eq!(
		(paid.miners[0].amount, paid.treasury, paid.burned),
		(75, 15, 10)
	);
	let settled = events.settled.expect("settled");
	assert_eq!((settled.rows, settled.tokens), (3, 2));
	assert_eq!((settled.fee, settled.refunded), (100, 900));
	assert_eq!(events.served, Some(3));
	assert_eq!(events.refunded, None);
}

#[test]
fn an_event_of_another_form_is_refused() {
	let longer = event("Verification", "Served", (7u64, 3u32, 0u8));
	let error = events_of(7, &[longer]).expect_err("another form");
	assert!(
		error
			.to_string()
			.contains("Verification.Served has other fields"),
		"{error}"
	);
}
