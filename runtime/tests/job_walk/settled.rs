//! The walk as it should go: asked, awarded in the same block, run, checked blind, opened, paid.

use crate::{
	cast::*,
	chain::{account, Chain},
};
use dllm_primitives::{
	api::Duty,
	job::JobState,
	plan::PipelineState,
	verdict::{Part, Phase, Verdict},
};
use dllm_runtime::{
	configs::pipeline::treasury_account, constants::money::DLLM, views, AccountId, Balance,
	RuntimeEvent,
};

/// Pay of a stage at 61 rows, 1 DLLM a GFLOP: the entry runs 2 MFLOP a row, a segment 4.
const ENTRY_PAY: Balance = 122_000_000_000;
const SEGMENT_PAY: Balance = 244_000_000_000;
/// 610 mDLLM of pay ÷ 0.75, rounded up.
const FEE: Balance = 813_333_333_334;
/// A tenth of the fee, rounded down: burned, and once more for the verifiers.
const TENTH: Balance = 81_333_333_333;
/// A fifth of that tenth for who checked the entry, two for each who checked a segment, rounded down.
const ENTRY_CHECK: Balance = 16_266_666_666;
const SEGMENT_CHECK: Balance = 32_533_333_333;

#[test]
fn a_public_prompt_is_paid_to_the_planck() {
	let mut chain = with_pipeline();
	let submitted = chain.block([submit_public()]);
	assert!(submitted.iter().any(|event| matches!(
		event,
		RuntimeEvent::Jobs(pallet_jobs::Event::Awarded { job: JOB, pipeline: PIPELINE, price_ceiling })
			// 2 GFLOP at the ceiling of 200 rows, divided by 0.75, rounded up.
			if *price_ceiling == 2_666_666_666_667
	)));

	let everybody = [
		"User", "Entry1", "Entry2", "Miner1", "Miner2", "Miner3", "Miner4",
	];
	let before = everybody.map(|who| wealth(&mut chain, &account(who)));
	let treasury = wealth(&mut chain, &treasury_account());

	let answered = chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner1", JOB, 1, roots(1)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	assert!(answered.iter().any(|event| matches!(
		event,
		RuntimeEvent::Jobs(pallet_jobs::Event::Answered { job: JOB, tokens: 3, reply })
			if reply.as_slice() == b"A list of blocks."
	)));
	checked(&mut chain, JOB);
	let settled = chain.block([
		reveal("Entry1", JOB, 0, roots(0)),
		reveal("Miner1", JOB, 1, roots(1)),
		reveal("Miner3", JOB, 2, roots(2)),
		reveal("Entry2", JOB, 0, roots(0)),
		reveal("Miner2", JOB, 1, roots(1)),
		reveal("Miner4", JOB, 2, roots(2)),
	]);
	assert!(settled.iter().any(|event| matches!(
		event,
		RuntimeEvent::Jobs(pallet_jobs::Event::Settled { job: JOB, rows: ROWS, fee: FEE, refunded, .. })
			if *refunded == MAX_PRICE - FEE
	)));

	let after = everybody.map(|who| wealth(&mut chain, &account(who)));
	let gains = [
		ENTRY_PAY,
		ENTRY_CHECK,
		SEGMENT_PAY,
		SEGMENT_CHECK,
		SEGMENT_PAY,
		SEGMENT_CHECK,
	];
	assert_eq!(after[0], before[0] - FEE, "user");
	for (at, gain) in gains.into_iter().enumerate() {
		assert_eq!(
			after[at + 1],
			before[at + 1] + gain,
			"{}",
			everybody[at + 1]
		);
	}
	let rest = FEE - TENTH - gains.into_iter().sum::<Balance>();
	assert_eq!(
		wealth(&mut chain, &treasury_account()),
		treasury + rest,
		"treasury"
	);
	let held = chain.read(|| views::worker(&account("Miner1")).unwrap());
	assert_eq!((held.bond, held.passed, held.open_jobs), (BOND, 1, 0));
}

#[test]
fn the_receipt_shows_all_that_stands_behind_the_reply() {
	let mut chain = with_pipeline();
	serve_public(&mut chain);
	let receipt = chain.read(|| views::receipt(JOB).unwrap());
	assert_eq!(receipt.job.state, JobState::Settled);
	assert_eq!(receipt.job.phase, Some(Phase::Closed));
	assert_eq!(receipt.job.reply.as_deref(), Some("A list of blocks."));
	assert_eq!(
		(receipt.job.fee, receipt.job.rows, receipt.job.tokens),
		(FEE, ROWS, 3)
	);
	assert_eq!(receipt.job.awarded, Some(receipt.job.submitted));
	assert_eq!(receipt.refunded, MAX_PRICE - FEE);
	assert_eq!(receipt.burned, TENTH);
	assert_eq!(receipt.pipeline, Some(PIPELINE));
	for (at, stage) in receipt.stages.iter().enumerate() {
		let parts: Vec<_> = stage
			.participants
			.iter()
			.map(|p| (p.part, p.worker.clone()))
			.collect();
		let [lead, replica] = STAGES[at].map(account);
		assert_eq!(parts, [(Part::Lead, lead), (Part::Replica, replica)]);
		for participant in &stage.participants {
			assert_eq!(participant.verdict, Some(Verdict::Pass));
			assert_eq!(participant.opening.unwrap().roots, roots(at as u8));
			assert!(participant.commitment.is_some());
		}
	}
	let paid = receipt
		.miners
		.iter()
		.chain(&receipt.verifiers)
		.map(|paid| paid.amount);
	assert_eq!(
		paid.sum::<Balance>() + receipt.treasury + receipt.burned,
		FEE
	);
}

#[test]
fn a_sealed_prompt_is_served_without_an_entry() {
	let mut chain = with_pipeline();
	chain.block([submit_sealed()]);
	let user = wealth(&mut chain, &account(USER));
	let route = chain.read(|| views::route(JOB).unwrap());
	assert_eq!(route.members[0].worker, None);
	assert_eq!(route.members[0].peer_id, peer(USER).into_inner());

	chain.block([
		commit("Miner1", JOB, 1, roots(1)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	drawn(&mut chain);
	chain.block([
		commit("Miner2", JOB, 1, roots(1)),
		commit("Miner4", JOB, 2, roots(2)),
	]);
	chain.block([
		reveal("Miner1", JOB, 1, roots(1)),
		reveal("Miner2", JOB, 1, roots(1)),
		reveal("Miner3", JOB, 2, roots(2)),
		reveal("Miner4", JOB, 2, roots(2)),
	]);
	let job = chain.read(|| views::job(JOB).unwrap());
	assert_eq!(
		(job.state, job.sealed, job.reply),
		(JobState::Settled, true, None)
	);
	// 488 mDLLM of pay ÷ 0.75, rounded up.
	assert_eq!(job.fee, 650_666_666_667);
	assert_eq!(wealth(&mut chain, &account(USER)), user - job.fee);
}

#[test]
fn duties_lead_every_worker_through_the_walk() {
	let mut chain = with_pipeline();
	let duties = |chain: &mut Chain, who: &str| {
		let all = chain.read(|| views::duties(&account(who)));
		all.into_iter()
			.filter(|duty| !matches!(duty, Duty::Host { .. }))
			.collect::<Vec<_>>()
	};
	assert!(duties(&mut chain, "Entry1").is_empty());
	chain.block([submit_public()]);
	match &duties(&mut chain, "Entry1")[..] {
		[Duty::Run {
			stage: 0,
			prompt: Some(prompt),
			committed: false,
			route,
		}] => {
			assert_eq!(prompt.text, PROMPT);
			assert_eq!(route.rows_ceiling, 200);
			let leads: Vec<_> = route
				.members
				.iter()
				.map(|member| member.worker.clone())
				.collect();
			assert_eq!(
				leads,
				["Entry1", "Miner1", "Miner3"].map(|who| Some(account(who)))
			);
		}
		other => panic!("{other:?}"),
	}
	assert!(duties(&mut chain, "Entry2").is_empty());
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner1", JOB, 1, roots(1)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	assert!(duties(&mut chain, "Miner2").is_empty(), "not drawn yet");
	drawn(&mut chain);
	assert!(matches!(
		&duties(&mut chain, "Miner2")[..],
		[Duty::Check { stage: 1, part: Part::Replica, prompt: None, commitments, .. }]
			if commitments.len() == 3
	));
	assert!(matches!(
		&duties(&mut chain, "Miner1")[..],
		[Duty::Serve { stage: 1, .. }]
	));
	chain.block([
		commit("Entry2", JOB, 0, roots(0)),
		commit("Miner2", JOB, 1, roots(1)),
		commit("Miner4", JOB, 2, roots(2)),
	]);
	assert!(matches!(
		&duties(&mut chain, "Miner4")[..],
		[Duty::Reveal { stage: 2, .. }]
	));
}

#[test]
fn two_prompts_at_once_are_led_by_different_workers() {
	let mut chain = with_pipeline();
	chain.block([submit_public(), submit_public()]);
	let leads = |job| {
		let members = views::route(job).unwrap().members;
		members
			.into_iter()
			.filter_map(|member| member.worker)
			.collect::<Vec<AccountId>>()
	};
	let (first, second) = chain.read(|| (leads(0), leads(1)));
	assert_eq!(first, ["Entry1", "Miner1", "Miner3"].map(account));
	assert_eq!(second, ["Entry2", "Miner2", "Miner4"].map(account));
	// The pipeline runs two jobs at once; the third waits for a slot.
	chain.block([submit_public()]);
	assert_eq!(
		chain.read(|| views::job(2).unwrap().state),
		JobState::Waiting
	);
	chain.block([
		commit_reply("Entry1", 0, roots(0)),
		commit("Miner1", 0, 1, roots(1)),
		commit("Miner3", 0, 2, roots(2)),
	]);
	check_and_reveal(&mut chain, 0);
	assert_eq!(
		chain.read(|| views::job(0).unwrap().state),
		JobState::Settled
	);
	let third = chain.read(|| views::job(2).unwrap());
	assert_eq!(third.state, JobState::Running { pipeline: PIPELINE });
}

#[test]
fn a_retired_model_takes_no_prompts_and_its_open_jobs_finish() {
	let mut chain = with_pipeline();
	chain.block([submit_public()]);
	let owner = wealth(&mut chain, &account("Alice"));
	let retire = pallet_models::Call::retire { model: MODEL };
	let events = chain.block([("Alice", retire.into())]);
	assert_eq!(
		wealth(&mut chain, &account("Alice")),
		owner - transaction_fee(&events),
		"the deposit only becomes free"
	);
	let (who, call) = submit_public();
	assert_eq!(
		chain.refuse(who, call),
		pallet_jobs::Error::<dllm_runtime::Runtime>::ModelNotActive.into()
	);
	chain.block([
		commit_reply("Entry1", JOB, roots(0)),
		commit("Miner1", JOB, 1, roots(1)),
		commit("Miner3", JOB, 2, roots(2)),
	]);
	check_and_reveal(&mut chain, JOB);
	assert_eq!(
		chain.read(|| views::job(JOB).unwrap().state),
		JobState::Settled
	);
}

#[test]
fn the_quote_is_what_a_prompt_of_that_size_costs() {
	let mut chain = with_pipeline();
	let quote = chain.read(|| views::quote(MODEL, 48, NEW_TOKENS, false));
	assert_eq!(quote, Some(2_666_666_666_667));
	// Without the entry's fifth.
	assert_eq!(
		chain.read(|| views::quote(MODEL, 48, NEW_TOKENS, true)),
		Some(2_133_333_333_334)
	);
	assert_eq!(chain.read(|| views::quote(1, 48, NEW_TOKENS, false)), None);
	let pipelines = chain.read(|| views::pipelines(MODEL));
	assert_eq!(pipelines.len(), 1);
	assert_eq!(pipelines[0].state, PipelineState::Live);
	assert!(pipelines[0]
		.stages
		.iter()
		.all(|s| s.workers == s.ready && s.price == DLLM));
}

#[test]
fn a_price_below_the_base_is_refused() {
	let mut chain = with_pipeline();
	let body = dllm_primitives::job::Body::Inline(PROMPT.to_vec().try_into().unwrap());
	let (who, call) = submit(body.clone(), 2_666_666_666_666, DEADLINE);
	assert_eq!(
		chain.refuse(who, call),
		pallet_jobs::Error::<dllm_runtime::Runtime>::PriceBelowBase.into()
	);
	chain.block([submit(body, 2_666_666_666_667, DEADLINE)]);
}
