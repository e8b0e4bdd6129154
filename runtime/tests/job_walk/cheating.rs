//! Who cheats is outvoted by two other operators, convicted and slashed; the user is refunded or served.

use crate::{cast::*, chain::account, chain::Chain};
use dllm_primitives::{
	commitment::Roots,
	ids::{Digest, JobId, StageIndex},
	job::{JobState, Refund},
	verdict::Verdict,
};
use dllm_runtime::{views, Balances, Runtime, RuntimeCall};

/// Roots of a worker that sent other rows than the layers give.
pub fn altered(stage: StageIndex) -> Roots {
	Roots {
		output: Digest::repeat_byte(0xEE),
		..roots(stage)
	}
}

fn verdict(chain: &mut Chain, stage: usize, at: usize) -> Option<Verdict> {
	let receipt = chain.read(|| views::receipt(JOB).unwrap());
	receipt.stages[stage].participants[at].verdict
}

/// A public job in which its lead says `said` of the first segment, and all the others are honest; only a
/// third worker can end it.
pub fn disputed(chain: &mut Chain, job: JobId, said: Roots) {
	// The two workers of a stage lead by turns.
	let turn = (job % 2) as usize;
	let [entry, first, second] = STAGES.map(|workers| workers[turn]);
	let [entry_check, first_check, second_check] = STAGES.map(|workers| workers[1 - turn]);
	// The second segment receives what the first one sent, be it wrong.
	let second_roots = Roots {
		input: said.output,
		..roots(2)
	};
	chain.block([submit_public()]);
	chain.block([
		commit_reply(entry, job, roots(0)),
		commit(first, job, 1, said),
		commit(second, job, 2, second_roots),
	]);
	drawn(chain);
	chain.block([
		commit(entry_check, job, 0, roots(0)),
		commit(first_check, job, 1, roots(1)),
		commit(second_check, job, 2, second_roots),
	]);
	chain.block([
		reveal(entry, job, 0, roots(0)),
		reveal(first, job, 1, said),
		reveal(second, job, 2, second_roots),
		reveal(entry_check, job, 0, roots(0)),
		reveal(first_check, job, 1, roots(1)),
		reveal(second_check, job, 2, second_roots),
	]);
}

/// Miner1 leads the first segment of the first job and says `said` of it.
fn assert_convicted(said: Roots) {
	let mut chain = with_pipeline();
	disputed(&mut chain, JOB, said);
	let parties = ["User", "Miner1", "Miner2", VERIFIER].map(account);
	let before = parties.clone().map(|who| wealth(&mut chain, &who));
	let issued = chain.read(Balances::total_issuance);
	drawn(&mut chain);
	chain.block([attest(VERIFIER, JOB, 1, roots(1))]);
	let after = parties.map(|who| wealth(&mut chain, &who));

	let job = chain.read(|| views::job(JOB).unwrap());
	assert_eq!(job.state, JobState::Refunded(Refund::Cheated), "{said:?}");
	assert_eq!(verdict(&mut chain, 1, 0), Some(Verdict::Cheat));
	assert_eq!(verdict(&mut chain, 1, 1), Some(Verdict::Pass));
	assert_eq!(verdict(&mut chain, 1, 2), Some(Verdict::Pass));
	// As much as the stage would have cost to the user, nothing to the two that outvoted it, the rest is burned.
	assert_eq!(after[0], before[0] + MOST_PAY);
	assert_eq!(after[1], before[1] - OUTVOTED);
	assert_eq!(after[2..], before[2..]);
	let left = chain.read(Balances::total_issuance);
	assert_eq!(left, issued - (OUTVOTED - MOST_PAY));
	let miner = chain.read(|| views::worker(&account("Miner1")).unwrap());
	assert_eq!(
		(miner.cheats, miner.bond, miner.active),
		(0, BOND - OUTVOTED, false)
	);
}

#[test]
fn a_lead_that_alters_a_row_is_convicted_by_a_third_worker() {
	assert_convicted(altered(1));
}

/// Its own word convicts it: nobody else is asked.
#[test]
fn a_lead_that_answers_for_another_model_is_convicted() {
	let mut chain = with_pipeline();
	let said = Roots {
		weights: Digest::repeat_byte(0xEE),
		..altered(1)
	};
	disputed(&mut chain, JOB, said);
	let job = chain.read(|| views::job(JOB).unwrap());
	assert_eq!(job.state, JobState::Refunded(Refund::Cheated));
	assert_eq!(verdict(&mut chain, 1, 0), Some(Verdict::Cheat));
	let miner = chain.read(|| views::worker(&account("Miner1")).unwrap());
	assert_eq!((miner.cheats, miner.bond), (1, BOND - SLASH));
}

#[test]
fn an_honest_lead_is_cleared_and_its_false_accuser_convicted() {
	let mut chain = with_pipeline();
	chain.block([submit_public()]);
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner1", JOB, 1, roots(1)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	drawn(&mut chain);
	chain.block([
		commit("Entry2", JOB, 0, roots(0)),
		commit("Miner2", JOB, 1, altered(1)),
		commit("Miner4", JOB, 2, roots(2)),
	]);
	chain.block([
		reveal("Entry1", JOB, 0, roots(0)),
		reveal("Miner1", JOB, 1, roots(1)),
		reveal("Miner3", JOB, 2, roots(2)),
		reveal("Entry2", JOB, 0, roots(0)),
		reveal("Miner2", JOB, 1, altered(1)),
		reveal("Miner4", JOB, 2, roots(2)),
	]);
	drawn(&mut chain);
	chain.block([attest(VERIFIER, JOB, 1, roots(1))]);
	assert_eq!(
		chain.read(|| views::job(JOB).unwrap().state),
		JobState::Settled
	);
	assert_eq!(verdict(&mut chain, 1, 0), Some(Verdict::Pass));
	assert_eq!(verdict(&mut chain, 1, 1), Some(Verdict::Cheat));
	let receipt = chain.read(|| views::receipt(JOB).unwrap());
	let checkers: Vec<_> = receipt
		.verifiers
		.iter()
		.map(|paid| paid.to.clone())
		.collect();
	assert_eq!(checkers, ["Entry2", VERIFIER, "Miner4"].map(account));
}

#[test]
fn a_copied_commitment_cannot_be_opened_and_convicts() {
	let mut chain = with_pipeline();
	chain.block([submit_public()]);
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner1", JOB, 1, roots(1)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	let commitment = digest("Miner1", JOB, 1, roots(1));
	let copy = pallet_verification::Call::commit {
		job: JOB,
		stage: 1,
		commitment,
	};
	let copy: RuntimeCall = copy.into();
	drawn(&mut chain);
	chain.block([
		commit("Entry2", JOB, 0, roots(0)),
		("Miner2", copy),
		commit("Miner4", JOB, 2, roots(2)),
	]);
	let (who, call) = reveal("Miner2", JOB, 1, roots(1));
	assert_eq!(
		chain.refuse(who, call),
		pallet_verification::Error::<Runtime>::WrongOpening.into()
	);
	chain.block([
		reveal("Entry1", JOB, 0, roots(0)),
		reveal("Miner1", JOB, 1, roots(1)),
		reveal("Miner3", JOB, 2, roots(2)),
		reveal("Entry2", JOB, 0, roots(0)),
		reveal("Miner4", JOB, 2, roots(2)),
	]);
	chain.skip(21);
	drawn(&mut chain);
	chain.block([attest(VERIFIER, JOB, 1, roots(1))]);
	assert_eq!(
		chain.read(|| views::job(JOB).unwrap().state),
		JobState::Settled
	);
	assert_eq!(verdict(&mut chain, 1, 1), Some(Verdict::Cheat));
	assert_eq!(
		chain.read(|| views::worker(&account("Miner2")).unwrap().cheats),
		1
	);
}

#[test]
fn a_commitment_is_made_once_and_by_its_worker_only() {
	let mut chain = with_pipeline();
	chain.block([submit_public()]);
	chain.block([commit("Miner1", JOB, 1, roots(1))]);
	let refused = |chain: &mut Chain, who, job: JobId, stage| {
		let (who, call) = commit(who, job, stage, altered(1));
		chain.refuse(who, call)
	};
	type Error = pallet_verification::Error<Runtime>;
	assert_eq!(
		refused(&mut chain, "Miner1", JOB, 1),
		Error::AlreadyCommitted.into()
	);
	assert_eq!(
		refused(&mut chain, "Miner2", JOB, 1),
		Error::NotAParticipant.into()
	);
	assert_eq!(
		refused(&mut chain, "Miner3", JOB, 1),
		Error::NotAParticipant.into()
	);
	assert_eq!(refused(&mut chain, "Miner1", 9, 1), Error::NotFound.into());
}
