//! A planner and the rounds that its worker has won in. The desk is played by the test, which makes the blocks.

use crate::capacity::{account, model, round as cleared, worker};
use dllm_primitives::{
	api::{ContenderView, PipelineView, RoundPhase, RoundView, StageView},
	capacity::RoundId,
	ids::ENTRY_STAGE,
	model::LayerRange,
	plan::{PipelineState, Plan},
};
use dllm_worker::{
	chain::{AccountId32, ChainError, DLLM},
	planning::{step, turn, Contest, Desk, Planner, Rules, Step, View},
};
use std::{
	collections::BTreeSet,
	sync::{Arc, Mutex, MutexGuard},
};

const CLEARS: u32 = 100;
const CLOSES: u32 = 140;

/// The planner is the first winner.
fn own() -> AccountId32 {
	account(1)
}

fn round(id: RoundId) -> RoundView {
	RoundView {
		id,
		clears: CLEARS,
		closes: CLOSES,
		..cleared()
	}
}

/// Puts plans into the next block, as the chain would.
#[derive(Clone)]
struct House(Arc<Mutex<Notes>>);

struct Notes {
	view: View,
	sent: Vec<(Plan<AccountId32>, u128)>,
	fate: Fate,
}

/// What becomes of a plan.
#[derive(Clone, Copy, PartialEq)]
enum Fate {
	Leads,
	/// It leads, and a fork undoes that.
	Undone,
	Misjudged,
	Lost,
	Beaten,
}

impl House {
	fn notes(&self) -> MutexGuard<'_, Notes> {
		self.0.lock().unwrap()
	}
}

impl Desk for House {
	fn planner(&self) -> &AccountId32 {
		static OWN: AccountId32 = AccountId32::new([1; 32]);
		&OWN
	}

	async fn look(&self) -> Result<View, ChainError> {
		Ok(self.notes().view.clone())
	}

	async fn compete(
		&self,
		plan: Plan<AccountId32>,
		score: u128,
	) -> Result<(u32, bool), ChainError> {
		let mut notes = self.notes();
		notes.sent.push((plan, score));
		let block = notes.view.number + 1;
		match notes.fate {
			Fate::Undone => Ok((block, true)),
			Fate::Misjudged => Ok((block, false)),
			Fate::Lost => Err(ChainError::Lost {
				reason: "test".into(),
			}),
			Fate::Beaten => Err(ChainError::Failed {
				call: "allocation.compete".into(),
				error: "Allocation::NotBetter".into(),
				explanation: String::new(),
			}),
			Fate::Leads => {
				let submitter = own();
				notes.view.contests[0].round.plan = Some(contender(submitter, score));
				Ok((block, true))
			}
		}
	}
}

fn contender(submitter: AccountId32, score: u128) -> ContenderView {
	ContenderView {
		submitter,
		score,
		stages: Vec::new(),
	}
}

struct Office {
	planner: Planner<House>,
	house: House,
}

impl Office {
	/// At the planner's turn in a round.
	fn new() -> Self {
		let contest = Contest {
			round: round(3),
			model: model(),
			pipelines: Vec::new(),
		};
		let number = turn(&contest.round, &own()).expect("a winner") - 1;
		let view = View {
			number,
			contests: vec![contest],
			workers: (1..5).map(worker).collect(),
			free: 5 * DLLM,
			deposit: DLLM,
		};
		let house = House(Arc::new(Mutex::new(Notes {
			view,
			sent: Vec::new(),
			fate: Fate::Leads,
		})));
		Self {
			planner: Planner::new(house.clone(), rules()),
			house,
		}
	}

	fn with(change: impl FnOnce(&mut Notes)) -> Self {
		let office = Self::new();
		change(&mut office.house.notes());
		office
	}

	fn restart(&mut self) {
		self.planner = Planner::new(self.house.clone(), rules());
	}

	/// Looks at as many blocks as it takes to plan and to submit; answers the scores that were sent.
	async fn follow(&mut self, blocks: u32) -> Vec<u128> {
		let before = self.house.notes().sent.len();
		for _ in 0..blocks {
			self.planner.look().await.expect("the rounds can be read");
			while self.planner.is_busy() {
				self.planner.ended().await;
			}
			self.house.notes().view.number += 1;
		}
		let notes = self.house.notes();
		notes.sent[before..]
			.iter()
			.map(|(_, score)| *score)
			.collect()
	}
}

fn rules() -> Rules {
	Rules { deposit: 2 * DLLM }
}

/// What a planner with nothing in its way sends.
async fn best() -> (Plan<AccountId32>, u128) {
	let mut office = Office::new();
	assert_eq!(office.follow(3).await.len(), 1);
	let sent = office.house.notes().sent[0].clone();
	sent
}

/// The pipeline that a plan becomes.
fn pipeline(plan: &Plan<AccountId32>, state: PipelineState, ready: bool) -> PipelineView {
	let stages = (ENTRY_STAGE..plan.stages() as u8).map(|stage| StageView {
		stage,
		layers: plan.layers_of(stage),
		workers: plan.workers_of(stage).to_vec(),
		ready: if ready {
			plan.workers_of(stage).to_vec()
		} else {
			Vec::new()
		},
		price: 1,
	});
	PipelineView {
		id: 8,
		model: 4,
		state,
		slots: plan.slots,
		open_jobs: 0,
		in_flight: 0,
		pace: None,
		stages: stages.collect(),
	}
}

#[test]
fn turns_are_in_the_first_half_and_belong_to_winners() {
	let mut first = BTreeSet::new();
	for id in 0..40 {
		let round = round(id);
		let turns = (1..5).map(|number| turn(&round, &account(number)).expect("a winner"));
		let turns = turns.collect::<Vec<_>>();
		let sorted = turns.iter().copied().collect::<BTreeSet<_>>();
		assert_eq!(sorted.len(), 4, "each has one of its own: {turns:?}");
		let range = CLEARS + 1..=CLEARS + (CLOSES - CLEARS) / 2;
		assert!(turns.iter().all(|turn| range.contains(turn)), "{turns:?}");
		assert!(turns.contains(&(CLEARS + 1)), "nobody waits for nobody");
		first.insert(turns.iter().position(|turn| *turn == CLEARS + 1));
		assert_eq!(turn(&round, &account(9)), None);
	}
	assert_eq!(first.len(), 4, "everybody is the first at times");
}

#[test]
fn steps_keep_to_the_window() {
	let mut round = round(3);
	let mine = turn(&round, &own()).expect("a winner");
	assert_eq!(step(&round, &own(), mine - 2), Step::Wait);
	assert_eq!(step(&round, &own(), mine - 1), Step::Plan);
	assert_eq!(step(&round, &own(), CLOSES - 2), Step::Plan);
	assert_eq!(step(&round, &own(), CLOSES - 1), Step::Wait);
	assert_eq!(step(&round, &account(9), mine + 5), Step::Wait);
	round.phase = RoundPhase::Revealing;
	assert_eq!(step(&round, &own(), mine), Step::Wait);
}

#[tokio::test]
async fn a_winner_plans_once() {
	let mut office = Office::new();
	assert_eq!(office.follow(1).await, [], "the plan is made");
	let sent = office.follow(10).await;
	assert_eq!(sent.len(), 1);
	let notes = office.house.notes();
	let (plan, _) = &notes.sent[0];
	let halves = [(0, 2), (2, 4)].map(|(start, end)| LayerRange { start, end });
	let layers = plan.segments.iter().map(|segment| segment.layers);
	assert_eq!(
		layers.collect::<Vec<_>>(),
		halves,
		"two layers each were won"
	);
	assert_eq!((plan.slots, plan.entries.len()), (2, 2));
}

#[tokio::test]
async fn before_its_turn_it_waits() {
	let mut office = Office::with(|notes| notes.view.number -= 1);
	office.planner.look().await.expect("can be read");
	assert!(!office.planner.is_busy());
}

#[tokio::test]
async fn a_restart_does_not_plan_again() {
	let mut office = Office::new();
	assert_eq!(office.follow(3).await.len(), 1);
	office.restart();
	assert_eq!(office.follow(5).await, []);
}

#[tokio::test]
async fn what_a_fork_undid_is_sent_again() {
	let mut office = Office::with(|notes| notes.fate = Fate::Undone);
	assert_eq!(office.follow(2).await.len(), 1);
	assert_eq!(
		office.follow(2).await,
		[],
		"the pool may still bring it back"
	);
	office.house.notes().fate = Fate::Leads;
	assert_eq!(office.follow(5).await.len(), 1);
}

#[tokio::test]
async fn only_a_better_plan_is_sent() {
	let (_, score) = best().await;
	for (leader, sent) in [
		(score, 0),
		(score + score / 2_000_000, 0),
		(score + score / 100, 1),
	] {
		let plan = Some(contender(account(9), leader));
		let mut office = Office::with(|notes| notes.view.contests[0].round.plan = plan);
		assert_eq!(
			office.follow(5).await.len(),
			sent,
			"{leader} against {score}"
		);
	}
}

#[tokio::test]
async fn what_stands_has_to_be_beaten() {
	let (plan, _) = best().await;
	let stands = |state, ready| {
		let pipeline = pipeline(&plan, state, ready);
		move |notes: &mut Notes| {
			notes.view.contests[0].round.incumbent = Some(pipeline.id);
			notes.view.contests[0].pipelines = vec![pipeline];
		}
	};
	// The best plan is the one that stands: there is nothing to move.
	let mut office = Office::with(stands(PipelineState::Live, true));
	assert_eq!(office.follow(5).await, []);
	// Not all of its workers won enough to go on.
	let mut office = Office::with(stands(PipelineState::Live, true));
	office.house.notes().view.contests[0].round.winners[3].slots = 1;
	office.house.notes().view.contests[0].round.winners[0].slots = 3;
	office.house.notes().view.contests[0].round.winners[1].slots = 3;
	office.house.notes().view.contests[0].round.winners[2].slots = 1;
	assert_eq!(office.follow(5).await.len(), 1);
}

#[tokio::test]
async fn while_a_pipeline_is_loaded_no_score_is_claimed() {
	let (plan, _) = best().await;
	let loading = pipeline(&plan, PipelineState::Preparing, false);
	let mut office = Office::with(|notes| notes.view.contests[0].pipelines = vec![loading]);
	assert_eq!(office.follow(5).await, []);
	// What was planned with has changed, so it plans again.
	let live = pipeline(&plan, PipelineState::Live, true);
	office.house.notes().view.contests[0].pipelines = vec![live];
	assert_eq!(office.follow(3).await.len(), 1);
}

#[tokio::test]
async fn a_worker_that_leaves_is_planned_without() {
	let mut office = Office::with(|notes| notes.view.workers[3].active = false);
	assert_eq!(
		office.follow(5).await,
		[],
		"three cannot hold all layers twice"
	);
	office.house.notes().view.workers[3].active = true;
	assert_eq!(office.follow(3).await.len(), 1);
}

#[tokio::test]
async fn a_false_score_is_claimed_once() {
	let mut office = Office::with(|notes| notes.fate = Fate::Misjudged);
	assert_eq!(office.follow(10).await.len(), 1);
	// Not even where everything else has changed.
	office.house.notes().view.workers[3].promised = 5;
	assert_eq!(office.follow(10).await, []);
}

#[tokio::test]
async fn a_call_that_failed_is_repeated_ever_more_slowly() {
	for fate in [Fate::Lost, Fate::Beaten] {
		let mut office = Office::with(|notes| notes.fate = fate);
		let sent = office.follow(12).await.len();
		assert!((3..8).contains(&sent), "{sent} attempts in 12 blocks");
		office.house.notes().fate = Fate::Leads;
		assert_eq!(office.follow(6).await.len(), 1);
	}
}

#[tokio::test]
async fn a_deposit_is_paid_within_the_rules_only() {
	let mut office = Office::with(|notes| notes.view.deposit = 2 * DLLM + 1);
	assert_eq!(office.follow(4).await, []);
	let mut office = Office::with(|notes| notes.view.free = DLLM);
	assert_eq!(office.follow(4).await, [], "nothing is left for the fee");
	office.house.notes().view.free = 2 * DLLM;
	assert_eq!(office.follow(1).await.len(), 1);
}
