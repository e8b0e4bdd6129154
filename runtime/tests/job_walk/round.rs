//! A capacity round from its opening to a paid job: miners seal and reveal bids, the chain clears them, a plan
//! with a score stands, and the job is charged at what the winners won.

use crate::{
	cast::*,
	chain::{account, Chain},
};
use dllm_primitives::{
	api::{BidState, RoundPhase, RoundView},
	capacity::{seal, Offer, Terms, Won},
	cost::{self, link::LinkFigures, DeviceFigures, Limits, Measurements, Weights, Workload},
	ids::{Digest, PipelineId},
	job::JobState,
	model::Shard,
	plan::Plan,
};
use dllm_runtime::{
	constants::money::DLLM, views, AccountId, Allocation, Runtime, RuntimeCall, RuntimeEvent,
};

const MINERS: [&str; 4] = ["Miner1", "Miner2", "Miner3", "Miner4"];
const SALT: Digest = Digest::repeat_byte(9);
const TERMS: Terms = Terms {
	replicas: 2,
	jobs: 2,
	reserve: 2 * DLLM as u64,
	deposit: DLLM,
	commit_blocks: 2,
	reveal_blocks: 2,
	plan_blocks: 3,
	workload: Workload {
		prompt_tokens: 48,
		new_tokens: 152,
		sessions: 1,
		row_bytes: 128,
		packet_bytes: 1_200,
	},
	link: LinkFigures {
		latency_us: 10_000,
		jitter_us: 500,
		loss_ppm: 100,
		bytes_per_second: 10_000_000,
		efficiency_ppm: 950_000,
	},
};

/// Two layers, for less than the reserve.
fn offer() -> Offer {
	Offer {
		ask: DLLM as u64 / 10,
		capacity: 2,
		device: DeviceFigures {
			flops_per_second: 1_000_000_000,
			memory_bytes_per_second: 1_000_000_000,
			download_bytes_per_second: 1_000_000,
			failure_ppm: 0,
		},
	}
}

/// A chain on which a round has just been opened.
fn opened() -> Chain {
	let mut chain = with_model();
	for pair in [ENTRIES, FIRST_SEGMENT, SECOND_SEGMENT] {
		chain.block(pair.map(register));
	}
	chain.block([open_round()]);
	chain
}

fn open_round() -> (&'static str, RuntimeCall) {
	let open = pallet_auctions::Call::open_round {
		model: MODEL,
		terms: TERMS,
	};
	("Alice", call(open))
}

/// The block in which the four miners seal their bids.
fn seal_bids(chain: &mut Chain) {
	let sealed = |name: &'static str| {
		let seal = seal(0, &account(name), &offer(), &SALT);
		(
			name,
			call(pallet_auctions::Call::commit { model: MODEL, seal }),
		)
	};
	chain.block(MINERS.map(sealed));
}

/// The block in which they reveal them.
fn reveal_bids(chain: &mut Chain) {
	let (model, offer, salt) = (MODEL, offer(), SALT);
	let revealed = |name| {
		(
			name,
			call(pallet_auctions::Call::reveal { model, offer, salt }),
		)
	};
	chain.block(MINERS.map(revealed));
}

/// A chain on which the four miners have won two layers each.
fn cleared() -> Chain {
	let mut chain = opened();
	seal_bids(&mut chain);
	chain.skip(1);
	reveal_bids(&mut chain);
	let events = chain.skip(2);
	assert!(events.iter().any(|event| matches!(
		event,
		RuntimeEvent::Auctions(pallet_auctions::Event::RoundCleared {
			winners: 4,
			slots: 8,
			..
		})
	)));
	chain
}

fn call(call: pallet_auctions::Call<Runtime>) -> RuntimeCall {
	call.into()
}

/// What a planner reads of a cleared round.
struct Planner(Vec<Won<AccountId>>);

impl Measurements<AccountId> for Planner {
	fn device(&self, who: &AccountId) -> Option<DeviceFigures> {
		self.0
			.iter()
			.find(|won| won.who == *who)
			.map(|won| won.device)
	}
	fn link(&self, _: Option<&AccountId>, _: Option<&AccountId>) -> LinkFigures {
		TERMS.link
	}
	fn price(&self, who: &AccountId) -> u128 {
		self.0
			.iter()
			.find(|won| won.who == *who)
			.map_or(0, |won| won.price)
	}
	fn holds(&self, _: &AccountId, _: &Shard) -> bool {
		false
	}
}

fn score(chain: &mut Chain, plan: &Plan<AccountId>) -> u128 {
	let winners = chain.read(|| pallet_auctions::Winners::<Runtime>::get(MODEL));
	// Newcomers have a quarter of the full rank: the reserve of 2 counts for them as a half.
	assert!(winners
		.iter()
		.all(|won| (won.slots, won.price) == (2, DLLM / 2)));
	let (planner, limits) = (Planner(winners.into_inner()), Limits::default());
	cost::score(
		plan,
		&model(),
		&TERMS.workload,
		&Weights::DLLM,
		&limits,
		&planner,
	)
	.expect("has a score")
	.total()
}

fn pipeline_of(events: &[RuntimeEvent]) -> Option<PipelineId> {
	events.iter().find_map(|event| match event {
		RuntimeEvent::Auctions(pallet_auctions::Event::RoundClosed { pipeline, .. }) => *pipeline,
		_ => None,
	})
}

#[test]
fn a_job_pays_what_the_winners_of_a_round_won() {
	let mut chain = cleared();
	let posted = pallet_allocation::Call::submit_plan { plan: plan() };
	let refused = pallet_allocation::Error::<Runtime>::RoundInProgress;
	assert_eq!(chain.refuse("Bob", posted.into()), refused.into());
	let score = score(&mut chain, &plan());
	let compete = pallet_allocation::Call::compete {
		plan: plan(),
		score,
	};
	chain.block([("Bob", compete.into())]);
	let events = chain.skip(2);
	let pipeline = pipeline_of(&events).expect("the plan stands");
	assert_eq!(pipeline, PIPELINE);
	let ready = |name| (name, pallet_allocation::Call::ready { pipeline }.into());
	chain.block(ENTRIES.map(ready));
	chain.block(MINERS.map(ready));

	let events = chain.block([submit_public()]);
	// 200 rows: 0.4 GFLOP of the entries at their posted 1 DLLM, 1.6 of the segments at 0.5; ÷ 0.75.
	let ceiling = events.iter().find_map(|event| match event {
		RuntimeEvent::Jobs(pallet_jobs::Event::Awarded { price_ceiling, .. }) => {
			Some(*price_ceiling)
		}
		_ => None,
	});
	assert_eq!(ceiling, Some(1_600_000_000_000));
	let rank = chain.read(|| views::worker(&account("Miner1")).unwrap().rank);
	assert_eq!(rank, 250_000);
}

#[test]
fn a_false_score_costs_the_deposit_and_the_chain_plans_by_itself() {
	let mut chain = cleared();
	let score = score(&mut chain, &plan()) * 2;
	let before = wealth(&mut chain, &account("Bob"));
	let compete = pallet_allocation::Call::compete {
		plan: plan(),
		score,
	};
	chain.block([("Bob", compete.into())]);
	let lost = before - wealth(&mut chain, &account("Bob"));
	let deposit = dllm_runtime::configs::pipeline::PlanDeposit::get();
	assert!((deposit..deposit + DLLM).contains(&lost), "{lost}");

	let events = chain.skip(3);
	let pipeline = pipeline_of(&events).expect("the chain's own plan stands");
	let standing = chain.read(|| Allocation::standing(pipeline).unwrap());
	// No miner offers to be an entry.
	assert!(standing.pipeline.plan.entries.is_empty());
	assert_eq!(standing.submitter, account("Alice"));
	let ready = |name| (name, pallet_allocation::Call::ready { pipeline }.into());
	chain.block(MINERS.map(ready));
	chain.block([submit_sealed()]);
	let job = chain.read(|| views::job(JOB).unwrap());
	assert_eq!(job.state, JobState::Running { pipeline });
}

/// The only round in progress.
fn view(chain: &mut Chain) -> RoundView {
	chain.read(|| {
		let rounds = views::rounds();
		assert_eq!(rounds.len(), 1);
		assert_eq!(views::round(rounds[0].id), rounds.first().cloned());
		rounds[0].clone()
	})
}

fn bid(chain: &mut Chain, name: &str) -> Option<BidState> {
	chain.read(|| views::bid(MODEL, &account(name)))
}

#[test]
fn views_tell_a_round_from_its_opening_to_its_end() {
	let mut chain = opened();
	let open = view(&mut chain);
	let now = chain.read(dllm_runtime::System::block_number);
	assert_eq!((open.id, open.model, open.terms), (0, MODEL, TERMS));
	assert_eq!(open.phase, RoundPhase::Committing);
	let blocks = (open.commit_until, open.clears, open.closes);
	assert_eq!(blocks, (now + 2, now + 5, now + 8));
	assert_eq!((open.bidders, open.revealed), (0, 0));
	assert!(open.winners.is_empty() && open.plan.is_none() && open.incumbent.is_none());
	assert_eq!(bid(&mut chain, "Miner1"), None);
	let json = serde_json::to_value(&open).unwrap();
	assert_eq!(json["phase"], "committing");
	assert_eq!(json["terms"]["reserve"], "2000000000000");
	assert_eq!(json["terms"]["link"]["latencyUs"], 10_000);
	assert_eq!(serde_json::from_value::<RoundView>(json).unwrap(), open);

	seal_bids(&mut chain);
	assert_eq!(view(&mut chain).phase, RoundPhase::Committing);
	assert_eq!(view(&mut chain).bidders, 4);
	let sealed = seal(0, &account("Miner1"), &offer(), &SALT);
	assert_eq!(bid(&mut chain, "Miner1"), Some(BidState::Sealed(sealed)));
	assert_eq!(bid(&mut chain, "Entry1"), None);

	// The next block seals no bid any more.
	chain.skip(1);
	assert_eq!(view(&mut chain).phase, RoundPhase::Revealing);
	reveal_bids(&mut chain);
	assert_eq!(view(&mut chain).revealed, 4);
	assert_eq!(bid(&mut chain, "Miner1"), Some(BidState::Revealed));
	chain.skip(1);
	assert_eq!(view(&mut chain).phase, RoundPhase::Revealing);

	chain.skip(1);
	let cleared = view(&mut chain);
	assert_eq!(cleared.phase, RoundPhase::Planning);
	assert_eq!((cleared.bidders, cleared.revealed), (4, 0));
	assert_eq!(bid(&mut chain, "Miner1"), None);
	for name in MINERS {
		let mut winners = cleared.winners.iter();
		let won = winners.find(|won| won.worker == account(name)).unwrap();
		assert_eq!(won.operator, account(name));
		assert_eq!(
			(won.slots, won.price, won.device),
			(2, DLLM / 2, offer().device)
		);
	}

	let score = score(&mut chain, &plan());
	let compete = pallet_allocation::Call::compete {
		plan: plan(),
		score,
	};
	chain.block([("Bob", compete.into())]);
	let leads = view(&mut chain).plan.unwrap();
	assert_eq!((leads.submitter, leads.score), (account("Bob"), score));
	let stages = leads.stages.iter().map(|stage| stage.workers.clone());
	let expected = STAGES.map(|names| names.map(account).to_vec());
	assert!(stages.eq(expected));
	let promised =
		|chain: &mut Chain| chain.read(|| views::worker(&account("Miner1")).unwrap().promised);
	assert_eq!(promised(&mut chain), 0);

	chain.skip(2);
	assert!(chain.read(views::rounds).is_empty());
	assert_eq!(chain.read(|| views::round(0)), None);
	// Two layers of 10⁶ bytes with two caches of 512 rows of a KiB.
	assert_eq!(promised(&mut chain), 2 * (1_000_000 + 2 * 512 * 1_024));
	chain.block([open_round()]);
	let next = view(&mut chain);
	assert_eq!((next.id, next.incumbent), (1, Some(PIPELINE)));
}
