//! A job whose workers fail it is run again by another pipeline: its price stays on hold, and the share of the slash
//! is the user's all the same.

use crate::{
	cast::*,
	chain::{account, Chain},
	cheating::altered,
	routing::{with_two_pipelines, OTHER},
};
use dllm_primitives::{
	commitment::{self, Roots},
	ids::{Digest, JobId, PipelineId},
	job::{JobState, OnFailure, Refund},
	model::LayerRange,
	plan::{Plan, Segment},
};
use dllm_runtime::{
	configs::pipeline::treasury_account, views, Balance, Balances, Runtime, RuntimeEvent,
};
use frame_support::traits::{fungible::InspectHold, Get};

/// Workers of a pipeline that has nobody in common with the first one, and serves sealed prompts only.
const OTHERS: [&str; 2] = ["Miner5", "Miner6"];
/// The job that runs the first one again; the second of two workers leads it.
const AGAIN: JobId = JOB + 1;
const CHEATED: JobState = JobState::Rerun {
	by: AGAIN,
	reason: Refund::Cheated,
};

/// Pay of a stage of four layers at 61 rows, 8 MFLOP a row, 1 DLLM a GFLOP.
const PAY: Balance = 488_000_000_000;
/// That ÷ 0.75, rounded up, and a tenth of it, rounded down.
const FEE: Balance = 650_666_666_667;
const TENTH: Balance = 65_066_666_666;

/// Lets a pipeline of one segment take jobs.
fn add_others(chain: &mut Chain, id: PipelineId) {
	chain.block(OTHERS.map(register));
	let segment = Segment {
		layers: LayerRange { start: 0, end: 4 },
		replicas: OTHERS.map(account).to_vec().try_into().unwrap(),
	};
	let plan = Plan {
		entries: Default::default(),
		segments: vec![segment].try_into().unwrap(),
		..plan()
	};
	let submit = pallet_allocation::Call::submit_plan { plan };
	chain.block([("Bob", submit.into())]);
	let ready = pallet_allocation::Call::ready { pipeline: id };
	chain.block(OTHERS.map(|who| (who, ready.clone().into())));
}

/// What an honest worker of that pipeline opens.
fn whole() -> Roots {
	let layers = model().layers;
	let hashes = layers.iter().map(|layer| layer.hash).collect::<Vec<_>>();
	Roots {
		weights: commitment::shards_root(&hashes),
		output: Digest::repeat_byte(0x77),
		..roots(1)
	}
}

/// The first pipeline runs the sealed job, and the lead of its first segment sends other rows than it should.
fn cheat(chain: &mut Chain) {
	let said = altered(1);
	// The second segment receives what the first one sent, be it wrong.
	let second = Roots {
		input: said.output,
		..roots(2)
	};
	chain.block([
		commit("Miner1", JOB, 1, said),
		commit("Miner3", JOB, 2, second),
	]);
	drawn(chain);
	chain.block([
		commit("Miner2", JOB, 1, roots(1)),
		commit("Miner4", JOB, 2, second),
	]);
	chain.block([
		reveal("Miner1", JOB, 1, said),
		reveal("Miner3", JOB, 2, second),
		reveal("Miner2", JOB, 1, roots(1)),
		reveal("Miner4", JOB, 2, second),
	]);
	drawn(chain);
	chain.block([attest(VERIFIER, JOB, 1, roots(1))]);
}

/// The other pipeline runs the job that takes its place.
fn serve_again(chain: &mut Chain) {
	let [checker, lead] = OTHERS;
	chain.block([commit(lead, AGAIN, 1, whole())]);
	drawn(chain);
	chain.block([commit(checker, AGAIN, 1, whole())]);
	chain.block([
		reveal(lead, AGAIN, 1, whole()),
		reveal(checker, AGAIN, 1, whole()),
	]);
}

fn state(chain: &mut Chain, job: JobId) -> JobState {
	chain.read(|| views::job(job).unwrap().state)
}

fn escrow(chain: &mut Chain) -> Balance {
	let reason = pallet_jobs::HoldReason::Escrow.into();
	chain.read(|| Balances::balance_on_hold(&reason, &account(USER)))
}

fn runs_on(chain: &mut Chain, job: JobId) -> Option<PipelineId> {
	chain.read(|| views::receipt(job).unwrap().pipeline)
}

#[test]
fn a_cheat_is_convicted_and_another_pipeline_serves_the_prompt() {
	let mut chain = with_pipeline();
	add_others(&mut chain, OTHER);
	chain.block([submit_sealed_rerun(DEADLINE)]);
	let everybody = ["User", "Miner1", "Miner2", VERIFIER, "Miner5", "Miner6"].map(account);
	let wealth_of_all = |chain: &mut Chain| everybody.clone().map(|who| wealth(chain, &who));
	let before = wealth_of_all(&mut chain);
	let treasury = wealth(&mut chain, &treasury_account());
	let promised = chain.read(|| views::job(JOB).unwrap().deadline);

	cheat(&mut chain);
	// In the same block: the verdict, the successor, its award. The user's share of the slash is paid.
	assert_eq!(state(&mut chain, JOB), CHEATED);
	assert_eq!(
		state(&mut chain, AGAIN),
		JobState::Running { pipeline: OTHER }
	);
	assert_eq!(escrow(&mut chain), MAX_PRICE);
	let convicted = wealth_of_all(&mut chain);
	assert_eq!(convicted[0], before[0] + MOST_PAY);

	serve_again(&mut chain);
	let after = wealth_of_all(&mut chain);
	assert_eq!(state(&mut chain, AGAIN), JobState::Settled);
	assert_eq!(escrow(&mut chain), 0);
	assert_eq!(after[0], before[0] + MOST_PAY - FEE, "user");
	assert_eq!(after[1], before[1] - OUTVOTED, "the cheat");
	assert_eq!(after[2..4], before[2..4], "who outvoted it");
	assert_eq!(after[4], before[4] + TENTH, "the checker of the second run");
	assert_eq!(after[5], before[5] + PAY, "the lead of the second run");
	let rest = FEE - PAY - 2 * TENTH;
	let gained = wealth(&mut chain, &treasury_account()) - treasury;
	assert_eq!(gained, rest, "treasury");

	let [first, again] = [JOB, AGAIN].map(|job| chain.read(|| views::receipt(job).unwrap()));
	assert_eq!(
		(first.job.fee, first.refunded, first.miners.len()),
		(0, 0, 0)
	);
	assert_eq!((again.job.fee, again.refunded), (FEE, MAX_PRICE - FEE));
	assert_eq!((first.job.rerun_of, again.job.rerun_of), (None, Some(JOB)));
	assert_eq!(again.job.on_failure, OnFailure::Rerun);
	assert_eq!(again.job.deadline, promised);
	let route = |job| chain.read(|| views::route(job));
	assert_eq!([JOB, AGAIN].map(route), [None, None]);
}

#[test]
fn the_user_is_the_entry_of_the_new_ring() {
	let mut chain = with_pipeline();
	add_others(&mut chain, OTHER);
	chain.block([submit_sealed_rerun(DEADLINE)]);
	let first = chain.read(|| views::route(JOB).unwrap());
	cheat(&mut chain);
	let again = chain.read(|| views::route(AGAIN).unwrap());
	assert_eq!(again.members[0].peer_id, first.members[0].peer_id);
	assert_eq!(again.members[1].worker, Some(account("Miner6")));
	assert_eq!((again.asked, again.model), (first.asked, first.model));
}

#[test]
fn who_shares_the_convicted_worker_does_not_get_it() {
	let mut chain = with_two_pipelines();
	add_others(&mut chain, OTHER + 1);
	chain.block([submit_sealed_rerun(DEADLINE)]);
	assert_eq!(runs_on(&mut chain, JOB), Some(PIPELINE));
	cheat(&mut chain);
	assert_eq!(runs_on(&mut chain, AGAIN), Some(OTHER + 1));
}

#[test]
fn where_nobody_else_is_live_it_waits_until_its_deadline_and_is_refunded() {
	let mut chain = with_pipeline();
	chain.block([submit_sealed_rerun(DEADLINE)]);
	let before = wealth(&mut chain, &account(USER));
	cheat(&mut chain);
	let deadline = chain.read(|| views::job(AGAIN).unwrap().deadline);
	chain.skip_to(deadline - 1);
	assert_eq!(state(&mut chain, AGAIN), JobState::Waiting);
	assert_eq!(escrow(&mut chain), MAX_PRICE);
	chain.skip(1);
	let refunded = JobState::Refunded(Refund::NotAwarded);
	assert_eq!(state(&mut chain, AGAIN), refunded);
	assert_eq!(escrow(&mut chain), 0);
	assert_eq!(wealth(&mut chain, &account(USER)), before + MOST_PAY);
}

/// The job goes to the other pipeline, for that reason.
fn assert_rerun(chain: &mut Chain, events: &[RuntimeEvent]) {
	let rerun = pallet_jobs::Event::<Runtime>::Rerun {
		job: JOB,
		by: AGAIN,
		client: account(USER),
		reason: Refund::Unserved,
	};
	assert!(events.contains(&RuntimeEvent::Jobs(rerun)));
	assert_eq!(state(chain, AGAIN), JobState::Running { pipeline: OTHER });
}

#[test]
fn silence_leaves_half_of_the_time_to_another_pipeline() {
	let mut chain = with_pipeline();
	add_others(&mut chain, OTHER);
	chain.block([submit_sealed_rerun(DEADLINE)]);
	let before = wealth(&mut chain, &account(USER));
	// One lead comes, so it is not the user who did not.
	chain.block([commit("Miner3", JOB, 2, roots(2))]);
	let ends = chain.read(|| views::route(JOB).unwrap().run_until);
	let job = chain.read(|| views::job(JOB).unwrap());
	// Without the blocks in which it is found that others were silent.
	let tally: u32 = <Runtime as pallet_verification::Config>::TallyBlocks::get();
	assert_eq!(ends, job.submitted + (DEADLINE - tally - 1) / 2);
	let events = overdue_in_silence(&mut chain, JOB);
	assert_rerun(&mut chain, &events);
	serve_again(&mut chain);
	assert_eq!(state(&mut chain, AGAIN), JobState::Settled);
	assert_eq!(wealth(&mut chain, &account(USER)), before - FEE);
}

#[test]
fn leads_that_tell_how_far_they_came_leave_the_other_pipeline_more_time() {
	let mut chain = with_pipeline();
	add_others(&mut chain, OTHER);
	chain.block([submit_sealed_rerun(DEADLINE)]);
	let before = wealth(&mut chain, &account(USER));
	overdue(&mut chain, JOB);
	let events = chain.block([
		report_tally("Miner1", JOB, 1, (ROWS, 1)),
		report_tally("Miner3", JOB, 2, (1, 1)),
	]);
	assert_rerun(&mut chain, &events);
	serve_again(&mut chain);
	assert_eq!(state(&mut chain, AGAIN), JobState::Settled);
	assert_eq!(wealth(&mut chain, &account(USER)), before - FEE);
}

#[test]
fn a_user_that_never_comes_is_not_run_again() {
	let mut chain = with_pipeline();
	add_others(&mut chain, OTHER);
	chain.block([submit_sealed_rerun(DEADLINE)]);
	overdue_in_silence(&mut chain, JOB);
	assert_eq!(state(&mut chain, JOB), JobState::Refunded(Refund::NoShow));
	assert_eq!(escrow(&mut chain), 0);
	assert!(chain.read(|| views::job(AGAIN)).is_none());
}
