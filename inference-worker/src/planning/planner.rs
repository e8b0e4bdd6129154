//! What a planner does after a block.
//!
//! It plans only for rounds in which its worker has won, and only when its turn has come: the winners have turns
//! in the first half of the plan window, in an order that nobody chose, so that one plan is submitted where all of
//! them find the same. Nothing is kept: what leads, what stands and what may be planned with is read at every
//! block, and a plan is made again where any of that has changed, so a restart or a fork costs time only.

use super::{spec_of, Contest, Desk, Loaded, Made, OnChain, PlanningError, Rules, Tender, View};
use crate::chain::{AccountId32, Amount, ChainError};
use codec::Encode;
use dllm_planning::{instance::Count, search};
use dllm_primitives::{
	api::{PipelineView, RoundPhase, RoundView, WorkerView},
	capacity::RoundId,
	cost::{FEMTOS_PER_MS, PPM},
	ids::{Digest, MAX_SEGMENTS},
};
use std::{
	collections::{BTreeSet, HashMap},
	time::Duration,
};
use tokio::task::{JoinError, JoinSet};

/// What one search may take: a slot. A plan takes three of them at most.
const SEARCH_TIME: Duration = Duration::from_secs(3);
/// Planck that stay free beside the deposit: a tenth of a DLLM pays for the fee and keeps the account alive.
const FOR_FEES: u128 = 100_000_000_000;
/// Blocks after which a plan that reached a block, and does not lead, was undone by a fork for good.
const UNDONE_AFTER: u32 = 2;
/// Longest pause before a call that failed is repeated, in blocks.
const LONGEST_PAUSE: u32 = 4;
/// Parts per million by which a plan has to be better than the one that leads: less is within the tolerance
/// with which the chain reads scores.
const LEAST_GAIN_PPM: u128 = 1;

/// What is to be done in a round.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
	/// Have a plan, and submit it where it is better.
	Plan,
	/// Nothing now.
	Wait,
}

/// What the next block can hold of a worker's plan for a round, after block `number`.
pub fn step(round: &RoundView, own: &AccountId32, number: u32) -> Step {
	let next = number.saturating_add(1);
	let open = round.phase == RoundPhase::Planning && next < round.closes;
	match turn(round, own) {
		Some(turn) if open && next >= turn => Step::Plan,
		_ => Step::Wait,
	}
}

/// The block from which on a winner may plan; none for others. The order follows from the number of the round, so
/// that no account is always the first.
pub fn turn(round: &RoundView, own: &AccountId32) -> Option<u32> {
	let lot = |who: &AccountId32| blake3::hash(&(round.id, who).encode());
	let winners = || round.winners.iter().map(|winner| &winner.worker);
	winners().find(|winner| *winner == own)?;
	let mine = lot(own);
	let before = winners().filter(|who| lot(who).as_bytes() < mine.as_bytes());
	let before = before.count() as u64;
	let half = u64::from(round.closes.saturating_sub(round.clears) / 2);
	let wait = before * half / (round.winners.len() as u64).max(1);
	Some(round.clears.saturating_add(1).saturating_add(wait as u32))
}

/// Plans for the rounds of one chain, by the rules of one worker.
pub struct Planner<D = OnChain> {
	desk: D,
	rules: Rules,
	tasks: JoinSet<(RoundId, Ended)>,
	states: HashMap<RoundId, State>,
	/// Why nothing is submitted in a round, as it was told last.
	told: HashMap<RoundId, String>,
	/// Block of the last look.
	number: u32,
}

/// What a task came to.
enum Ended {
	Made(Result<Box<Made>, PlanningError>),
	/// The block that holds the plan, and whether it leads.
	Sent(Result<(u32, bool), ChainError>),
}

/// Where the plan for a round stands.
#[derive(Default)]
struct State {
	/// What the plan is made from.
	inputs: Digest,
	/// The plan, or why there is none; nothing while it is being made.
	made: Option<Result<Box<Made>, PlanningError>>,
	/// Whether a search or a call is under way.
	busy: bool,
	/// Nothing is sent before this block.
	not_before: u32,
	failed: u32,
	/// The chain found another score: no plan of this worker is sent in this round any more.
	misjudged: bool,
}

impl<D: Desk> Planner<D> {
	/// A planner that has done nothing yet.
	pub fn new(desk: D, rules: Rules) -> Self {
		Self {
			desk,
			rules,
			tasks: JoinSet::new(),
			states: HashMap::new(),
			told: HashMap::new(),
			number: 0,
		}
	}

	/// Where it plans.
	pub fn desk(&self) -> &D {
		&self.desk
	}

	/// Whether a search or a call is under way.
	pub fn is_busy(&self) -> bool {
		!self.tasks.is_empty()
	}

	/// Looks at every round and begins what is due.
	pub async fn look(&mut self) -> Result<(), ChainError> {
		let view = self.desk.look().await?;
		self.number = view.number;
		for contest in &view.contests {
			if step(&contest.round, self.desk.planner(), view.number) == Step::Plan {
				if let Err(why) = self.plan(contest, &view) {
					self.tell(contest.round.id, why);
				}
			}
		}
		let going_on = view.contests.iter().map(|contest| contest.round.id);
		let going_on = going_on.collect::<BTreeSet<_>>();
		self.states
			.retain(|round, state| going_on.contains(round) || state.busy);
		self.told.retain(|round, _| going_on.contains(round));
		Ok(())
	}

	/// Waits for the end of a search or call and notes it; never ends while there is none.
	pub async fn ended(&mut self) {
		match self.tasks.join_next().await {
			Some(ended) => self.note(ended),
			None => std::future::pending().await,
		}
	}

	/// Makes the plan of a round, or submits it where it is made. Answers why neither is done, where people want
	/// to know.
	fn plan(&mut self, contest: &Contest, view: &View) -> Result<(), String> {
		let id = contest.round.id;
		let spec = spec_of(&contest.model).map_err(|error| error.to_string())?;
		let tender = Tender::new(&contest.round, &spec, &contest.pipelines, Loaded::Now);
		let inputs = inputs(&contest.round, &contest.pipelines, &view.workers);
		let state = self.states.entry(id).or_default();
		if state.busy {
			return Ok(());
		}
		if state.misjudged {
			return Err(
				"the chain found another score for its plan, and burned the deposit".into(),
			);
		}
		if state.inputs != inputs {
			(state.inputs, state.made, state.failed) = (inputs, None, 0);
		}
		let made = match &state.made {
			Some(made) => made.as_ref().map_err(|error| error.to_string())?,
			None => {
				self.search(contest, view);
				return Ok(());
			}
		};
		if state.not_before > view.number {
			return Ok(());
		}
		let score = made.terms.total();
		if let Some(leader) = &contest.round.plan {
			let ours = leader.submitter == *self.desk.planner();
			let needed = leader.score - leader.score / PPM * LEAST_GAIN_PPM;
			if score >= needed {
				return match ours {
					true => Ok(()),
					false => Err(format!("a plan of {} ms leads already", ms(leader.score))),
				};
			}
		}
		if let Some(stands) = tender.incumbent(&spec, &view.workers, &contest.pipelines) {
			if score >= stands {
				return Err(format!(
					"the standing pipeline with {} ms is no worse than the best plan with {} ms, moving included",
					ms(stands),
					ms(score)
				));
			}
		}
		let steady = Tender::is_steady(&contest.round, &spec, &contest.pipelines, &made.plan);
		if !steady.map_err(|error| error.to_string())? {
			return Err("a pipeline of the model is just being loaded or closed".into());
		}
		self.rules.afford(view)?;
		let (desk, plan) = (self.desk.clone(), made.plan.clone());
		state.busy = true;
		self.told.remove(&id);
		tracing::info!(round = id, score_ms = ms(score), "submits a plan");
		let call = async move { (id, Ended::Sent(desk.compete(plan, score).await)) };
		self.tasks.spawn(call);
		Ok(())
	}

	/// Begins the search of a plan, on a thread of its own.
	fn search(&mut self, contest: &Contest, view: &View) {
		let (contest, workers) = (contest.clone(), view.workers.clone());
		let id = contest.round.id;
		self.states.entry(id).or_default().busy = true;
		tracing::info!(
			round = id,
			winners = contest.round.winners.len(),
			"plans for a round"
		);
		self.tasks.spawn_blocking(move || {
			let made = spec_of(&contest.model).and_then(|spec| {
				let tender = Tender::new(&contest.round, &spec, &contest.pipelines, Loaded::Now);
				let options = search::Options {
					time_limit: SEARCH_TIME,
					..search::Options::default()
				};
				let count = Count::AtMost(MAX_SEGMENTS as usize);
				tender.make(&spec, &workers, count, &options)
			});
			(id, Ended::Made(made.map(Box::new)))
		});
	}

	fn note(&mut self, ended: Result<(RoundId, Ended), JoinError>) {
		/// What the chain answers where others were as good in the same block.
		const BEATEN: &str = "Allocation::NotBetter";
		let Ok((round, ended)) = ended else {
			// What panicked is begun again, once nothing else is under way.
			if self.tasks.is_empty() {
				self.states
					.values_mut()
					.for_each(|state| state.busy = false);
			}
			return;
		};
		let number = self.number;
		let state = self.states.entry(round).or_default();
		state.busy = false;
		match ended {
			Ended::Made(made) => state.made = Some(made),
			Ended::Sent(Ok((block, true))) => {
				tracing::info!(round, block, "its plan leads");
				state.not_before = block.saturating_add(UNDONE_AFTER + 1);
			}
			Ended::Sent(Ok((block, false))) => {
				tracing::error!(round, block, "the chain found another score for the plan");
				state.misjudged = true;
			}
			Ended::Sent(Err(error)) => {
				state.failed = state.failed.saturating_add(1);
				state.not_before = number.saturating_add(state.failed.min(LONGEST_PAUSE));
				match error.dispatch_error() {
					Some(BEATEN) => tracing::info!(round, "a plan that is no worse was first"),
					_ => tracing::warn!(round, %error, "a plan could not be submitted"),
				}
			}
		}
	}

	fn tell(&mut self, round: RoundId, why: String) {
		if self.told.get(&round) != Some(&why) {
			tracing::info!(round, why, "submits no plan");
			self.told.insert(round, why);
		}
	}
}

impl Rules {
	/// Fails where the deposit is too high, or cannot be paid.
	fn afford(&self, view: &View) -> Result<(), String> {
		let deposit = Amount(view.deposit);
		if view.deposit > self.deposit {
			return Err(format!(
				"the deposit of {deposit} is above planning.deposit"
			));
		}
		if view.free < view.deposit.saturating_add(FOR_FEES) {
			let free = Amount(view.free);
			return Err(format!("{free} free do not cover the deposit of {deposit} and the fee: send the account some DLLM"));
		}
		Ok(())
	}
}

/// A digest of everything that a plan and its score are made from. What changes with every job is left out.
fn inputs(round: &RoundView, pipelines: &[PipelineView], workers: &[WorkerView]) -> Digest {
	let winners = round.winners.iter();
	let winners = winners.map(|won| (&won.worker, won.slots, won.price, won.device));
	let workers = workers.iter().map(|worker| {
		let figures = (worker.memory, worker.promised, worker.price);
		(
			&worker.account,
			&worker.operator,
			worker.active,
			worker.roles,
			figures,
		)
	});
	let pipelines = pipelines.iter().map(|pipeline| {
		let stages = pipeline.stages.iter();
		let ready = stages.map(|stage| (stage.layers, &stage.ready));
		(pipeline.id, pipeline.state, ready.collect::<Vec<_>>())
	});
	let inputs = (
		(round.id, round.terms),
		winners.collect::<Vec<_>>(),
		workers.collect::<Vec<_>>(),
		pipelines.collect::<Vec<_>>(),
	);
	Digest::from(*blake3::hash(&inputs.encode()).as_bytes())
}

/// Femtoseconds as milliseconds.
fn ms(femtos: u128) -> f64 {
	femtos as f64 / FEMTOS_PER_MS as f64
}
