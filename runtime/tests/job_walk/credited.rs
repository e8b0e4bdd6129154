//! What a settled job does for block authors: its sunk fee is credit of the validators that countersigned
//! for its workers, and a conviction takes the credit of one, never its place.

use crate::{
	cast::*,
	chain::{account, Chain},
	cheating::{altered, disputed},
};
use dllm_primitives::{
	ids::JobId,
	job::{JobState, Refund},
	poaw::CreditView,
};
use dllm_runtime::{views, Balance, Poaw, Runtime, RuntimeCall, Session};
use frame_support::traits::Get;

/// Answers for the workers that lead the first job; the only validator of the chain.
const OURS: &str = "Alice";
/// Answers for those that check it.
const THEIRS: &str = "Bob";
const LEADS: [&str; 3] = ["Entry1", "Miner1", "Miner3"];
const CHECKERS: [&str; 3] = ["Entry2", "Miner2", "Miner4"];
/// The job after [`JOB`], which the checkers lead.
const NEXT_JOB: JobId = 1;

/// Links workers to a validator: they ask, it countersigns.
fn link<const N: usize>(chain: &mut Chain, workers: [&'static str; N], validator: &'static str) {
	chain.block(workers.map(|worker| propose(worker, validator)));
	chain.block(workers.map(|worker| accept(validator, worker)));
}

fn propose<'a>(worker: &'a str, validator: &str) -> (&'a str, RuntimeCall) {
	let validator = account(validator);
	(worker, pallet_poaw::Call::propose_link { validator }.into())
}

fn accept<'a>(validator: &'a str, worker: &str) -> (&'a str, RuntimeCall) {
	let worker = account(worker);
	(validator, pallet_poaw::Call::accept_link { worker }.into())
}

fn credit(chain: &mut Chain, validator: &str) -> CreditView {
	chain.read(|| Poaw::credit_view(account(validator)))
}

/// A chain with a pipeline whose workers are all linked.
fn linked() -> Chain {
	let mut chain = with_pipeline();
	link(&mut chain, LEADS, OURS);
	link(&mut chain, CHECKERS, THEIRS);
	chain
}

#[test]
fn what_is_lost_of_a_settled_fee_is_credit_in_proportion_to_pay() {
	let mut chain = linked();
	serve_public(&mut chain);
	let receipt = chain.read(|| views::receipt(JOB).unwrap());
	assert_eq!(receipt.job.state, JobState::Settled);
	let sunk = receipt.treasury + receipt.burned;
	let lines: Vec<_> = receipt.miners.iter().chain(&receipt.verifiers).collect();
	let paid: Balance = lines.iter().map(|line| line.amount).sum();
	let due = |workers: [&str; 3]| -> Balance {
		let workers = workers.map(account);
		let theirs = lines.iter().filter(|line| workers.contains(&line.to));
		theirs.map(|line| sunk * line.amount / paid).sum()
	};

	let ours = credit(&mut chain, OURS).earned;
	let theirs = credit(&mut chain, THEIRS).earned;
	assert_eq!((ours, theirs), (due(LEADS), due(CHECKERS)));
	assert!(theirs > 0 && ours > theirs, "{ours} {theirs}");
	// Each of the six lines is rounded down.
	let lost = sunk - ours - theirs;
	assert!(lines.len() == 6 && lost < 6, "{lost} of {sunk}");
}

#[test]
fn work_before_the_validator_countersigns_is_nobodys_credit() {
	let mut chain = with_pipeline();
	chain.block(LEADS.map(|worker| propose(worker, OURS)));
	serve_public(&mut chain);
	chain.block(LEADS.map(|worker| accept(OURS, worker)));
	assert_eq!(credit(&mut chain, OURS).earned, 0);
}

#[test]
fn a_refunded_job_credits_nobody() {
	let mut chain = linked();
	chain.block([submit_public()]);
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	overdue_in_silence(&mut chain, JOB);
	let state = chain.read(|| views::job(JOB).unwrap().state);
	assert_eq!(state, JobState::Refunded(Refund::Unserved));
	let ledger = chain.read(|| pallet_poaw::Ledger::<Runtime>::iter().count());
	assert_eq!(ledger, 0);
}

#[test]
fn a_conviction_takes_the_credit_of_the_validator_and_not_its_place() {
	// Miner2 checks the first job and leads the next.
	let mut chain = with_pipeline();
	link(&mut chain, ["Miner2"], OURS);
	link(&mut chain, ["Miner1"], THEIRS);
	serve_public(&mut chain);
	disputed(&mut chain, NEXT_JOB, altered(1));
	let theirs = credit(&mut chain, THEIRS);
	assert!(theirs.earned > 0 && credit(&mut chain, OURS).earned > 0);

	drawn(&mut chain);
	chain.block([attest(VERIFIER, NEXT_JOB, 1, roots(1))]);
	let state = chain.read(|| views::job(NEXT_JOB).unwrap().state);
	assert_eq!(state, JobState::Refunded(Refund::Cheated));
	let ban: u32 = <Runtime as pallet_poaw::Config>::BanSessions::get();
	let until = chain.read(Session::current_index) + ban;
	let ours = credit(&mut chain, OURS);
	assert_eq!((ours.credit, ours.earned, ours.counted), (0, 0, 0));
	assert_eq!(ours.banned_until, Some(until));
	assert_eq!(credit(&mut chain, THEIRS), theirs);
	assert_eq!(theirs.banned_until, None);
	chain.read(|| {
		assert_eq!(Session::validators(), [account(OURS)]);
		assert!(Session::disabled_validators().is_empty());
	});
}
