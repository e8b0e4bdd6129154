//! What the runtime API answers about prompts: each view put together from the pallets that know a part
//! of it. Nothing here writes.
//!
//! The lists (models, workers, duties) read a whole map. They are asked by a node for itself or for a
//! worker beside it, off chain; no transaction calls them.

use crate::{
	AccountId, Allocation, Auctions, Balance, BlockNumber, Jobs, Miners, Models, Rewards, Runtime,
	System, Verification,
};
use alloc::{string::String, vec::Vec};
use dllm_primitives::{
	api::{
		AdapterView, BidState, ContenderView, Duty, JobView, LinkView, LinksView, ModelView,
		PaymentView, PipelineView, PlannedStage, Receipt, RoundPhase, RoundView, Route, StageView,
		WinnerView, WorkerView,
	},
	capacity::{RoundId, Won},
	flow::ModelCatalog,
	ids::{JobId, ModelId, StageIndex},
	job::Body,
	links::Reading,
	miner::{Worker, WorkerState},
	model::{Adapter, Model},
	plan::Pipeline,
};
use pallet_allocation::{Contender, HostedStage, Standing};
use pallet_auctions::Round;
use pallet_miners::LinkOf;

/// Every model, in the order of registration.
pub fn models() -> Vec<ModelView> {
	let adapters = Models::all_adapters();
	Models::all()
		.into_iter()
		.map(|model| model_view(model, &adapters))
		.collect()
}

/// One model.
pub fn model(id: ModelId) -> Option<ModelView> {
	Models::model(id).map(|model| model_view(model, &Models::all_adapters()))
}

/// Every worker, in the order of the accounts.
pub fn workers() -> Vec<WorkerView> {
	Miners::all()
		.into_iter()
		.map(|(account, worker)| worker_view(account, worker))
		.collect()
}

/// One worker.
pub fn worker(who: &AccountId) -> Option<WorkerView> {
	let worker = pallet_miners::Workers::<Runtime>::get(who)?;
	Some(worker_view(who.clone(), worker))
}

/// The links that workers measured of late, in the order of their ends, and the workers that fell silent.
pub fn links() -> LinksView {
	let (links, silent) = Miners::links();
	LinksView {
		links: links.into_iter().map(link_view).collect(),
		silent,
	}
}

/// Pipelines of a model that are not closed, the oldest first.
pub fn pipelines(model: ModelId) -> Vec<PipelineView> {
	Allocation::pipelines_of(model)
		.into_iter()
		.map(pipeline_view)
		.collect()
}

/// Lowest fee for a prompt and a reply of so many tokens, over the live pipelines that serve such a job.
pub fn quote(
	model: ModelId,
	prompt_tokens: u32,
	max_tokens: u32,
	own_entry: bool,
) -> Option<Balance> {
	Auctions::quote(model, prompt_tokens, max_tokens, own_entry)
}

/// Capacity rounds in progress, in the order of their opening.
pub fn rounds() -> Vec<RoundView> {
	let rounds = pallet_auctions::Rounds::<Runtime>::iter();
	let mut rounds: Vec<_> = rounds
		.map(|(model, round)| round_view(model, round))
		.collect();
	rounds.sort_by_key(|round| round.id);
	rounds
}

/// One of them; at most a few dozen are in progress.
pub fn round(id: RoundId) -> Option<RoundView> {
	let (model, round) =
		pallet_auctions::Rounds::<Runtime>::iter().find(|(_, round)| round.id == id)?;
	Some(round_view(model, round))
}

/// The bid of a worker in the round of a model, until it is cleared.
pub fn bid(model: ModelId, who: &AccountId) -> Option<BidState> {
	let round = Auctions::round_id(model)?;
	if let Some(sealed) = pallet_auctions::Sealed::<Runtime>::get(round, who) {
		return Some(BidState::Sealed(sealed.seal));
	}
	let revealed = pallet_auctions::Bids::<Runtime>::get(model);
	let own = revealed.iter().any(|revealed| revealed.bid.who == *who);
	own.then_some(BidState::Revealed)
}

/// A job.
pub fn job(id: JobId) -> Option<JobView> {
	let job = Jobs::job(id)?;
	let facts = Jobs::facts(id);
	let assurance = facts
		.as_ref()
		.map_or_else(Default::default, |facts| facts.assurance);
	let options = facts
		.as_ref()
		.map_or_else(Default::default, |facts| facts.options);
	let sealed = facts.is_some_and(|facts| matches!(facts.body, Body::Sealed { .. }));
	Some(JobView {
		id,
		client: job.client,
		model: job.model,
		state: job.state,
		phase: Verification::phase(id),
		adapter: Jobs::options(id).and_then(|options| options.adapter),
		sealed,
		assurance,
		on_failure: options.on_failure,
		rerun_of: job.lineage.map(|lineage| lineage.of),
		max_price: job.max_price,
		fee: job.fee,
		tokens: job.tokens,
		rows: job.rows,
		reply: Jobs::reply(id).map(|reply| text(&reply)),
		submitted: job.submitted,
		deadline: job.deadline,
		awarded: job.awarded,
		ended: job.ended,
	})
}

/// All that stands behind a job.
pub fn receipt(id: JobId) -> Option<Receipt> {
	let record = Jobs::job(id)?;
	let payment = Rewards::payment(id);
	let (miners, verifiers, treasury, burned) = match payment {
		Some(paid) => (
			payments(paid.miners),
			payments(paid.verifiers),
			paid.treasury,
			paid.burned,
		),
		None => (Vec::new(), Vec::new(), 0, 0),
	};
	Some(Receipt {
		job: job(id)?,
		pipeline: record.pipeline,
		checked: Verification::is_checked(id),
		stages: Verification::stage_receipts(id),
		miners,
		verifiers,
		treasury,
		burned,
		refunded: record.refunded(),
	})
}

/// The ring of a running job.
pub fn route(id: JobId) -> Option<Route> {
	Verification::route(id)
}

/// What the chain expects of a worker now: first the shards that it hosts, then the trials that it is
/// part of.
pub fn duties(who: &AccountId) -> Vec<Duty> {
	let hosted = Allocation::duties_of(who).into_iter().map(host_duty);
	hosted.chain(Verification::duties(who)).collect()
}

fn host_duty(hosted: HostedStage) -> Duty {
	let HostedStage {
		pipeline,
		model,
		stage,
		layers,
		slots,
		ready,
	} = hosted;
	Duty::Host {
		pipeline,
		model,
		stage,
		layers,
		slots,
		ready,
	}
}

/// `adapters` are those of all models.
fn model_view(model: Model<AccountId>, adapters: &[Adapter<AccountId>]) -> ModelView {
	let Model {
		id,
		owner,
		state,
		spec,
	} = model;
	ModelView {
		id,
		owner,
		state,
		name: text(&spec.name),
		licence: text(&spec.licence),
		manifest_root: spec.manifest_root,
		tokenizer_hash: spec.tokenizer_hash,
		profile: spec.profile,
		hidden_size: spec.hidden_size,
		max_context: spec.max_context,
		embed: spec.embed,
		layers: spec.layers.into_inner(),
		head: spec.head,
		constants: spec.constants,
		adapters: adapters
			.iter()
			.filter(|adapter| adapter.model == id)
			.map(adapter_view)
			.collect(),
	}
}

fn adapter_view(adapter: &Adapter<AccountId>) -> AdapterView {
	let spec = &adapter.spec;
	AdapterView {
		id: adapter.id,
		owner: adapter.owner.clone(),
		retired: adapter.retired,
		name: text(&spec.name),
		licence: text(&spec.licence),
		manifest_root: spec.manifest_root,
		rank: spec.rank,
		bytes: spec.bytes,
	}
}

fn worker_view(account: AccountId, worker: Worker<AccountId, Balance, BlockNumber>) -> WorkerView {
	let rank = Miners::rank_of(&account);
	let promised = pallet_allocation::Hosted::<Runtime>::get(&account).memory;
	WorkerView {
		account,
		operator: worker.operator,
		active: worker.state == WorkerState::Active,
		state: state_words(&worker.state),
		bond: worker.bond,
		roles: worker.spec.roles,
		memory: worker.spec.memory,
		promised,
		price: worker.spec.price,
		peer_id: worker.spec.peer_id.into_inner(),
		addresses: worker
			.spec
			.addresses
			.iter()
			.map(|address| text(address))
			.collect(),
		open_jobs: worker.open_jobs,
		passed: worker.passed,
		faults: worker.faults,
		cheats: worker.cheats,
		rank,
	}
}

fn link_view(link: LinkOf<Runtime>) -> LinkView {
	let Reading {
		rtt_us,
		jitter_us,
		loss_ppm,
		bytes_per_second,
	} = link.reading;
	let now = System::block_number();
	LinkView {
		ends: link.ends,
		rtt_us,
		jitter_us,
		loss_ppm,
		bytes_per_second,
		ages: link
			.reported
			.map(|block| block.map(|block| now.saturating_sub(block))),
	}
}

fn state_words(state: &WorkerState<BlockNumber>) -> String {
	match state {
		WorkerState::Pending => "waits for its operator to accept it".into(),
		WorkerState::Active => "active".into(),
		WorkerState::Unbonding(free_from) => {
			alloc::format!("leaving; the bond is free from block {free_from}")
		}
		WorkerState::Banned => "banned".into(),
	}
}

fn pipeline_view(standing: Standing<AccountId, BlockNumber>) -> PipelineView {
	let Standing {
		pipeline, ready, ..
	} = standing;
	let Pipeline {
		id,
		state,
		plan,
		stage_prices,
		open_jobs,
		load,
		..
	} = pipeline;
	let stage_view = |stage: StageIndex| {
		let workers = plan.workers_of(stage);
		StageView {
			stage,
			layers: plan.layers_of(stage),
			workers: workers.to_vec(),
			ready: workers
				.iter()
				.filter(|who| ready.contains(who))
				.cloned()
				.collect(),
			price: stage_prices.get(usize::from(stage)).copied().unwrap_or(0),
		}
	};
	// A ring has at most 17 stages.
	let stages = 0..StageIndex::try_from(plan.stages()).unwrap_or(StageIndex::MAX);
	let stages = stages.map(stage_view).collect();
	PipelineView {
		id,
		model: plan.model,
		state,
		slots: plan.slots,
		open_jobs,
		in_flight: load.in_flight,
		pace: load.pace(System::block_number()),
		stages,
	}
}

fn round_view(model: ModelId, round: Round<BlockNumber>) -> RoundView {
	let phase = match round.cleared {
		true => RoundPhase::Planning,
		false if System::block_number() < round.commit_until => RoundPhase::Committing,
		false => RoundPhase::Revealing,
	};
	RoundView {
		id: round.id,
		model,
		phase,
		terms: round.terms,
		commit_until: round.commit_until,
		clears: round.clears,
		closes: round.closes,
		bidders: round.sealed,
		revealed: pallet_auctions::Bids::<Runtime>::decode_len(model).unwrap_or(0) as u32,
		winners: pallet_auctions::Winners::<Runtime>::get(model)
			.into_iter()
			.map(winner_view)
			.collect(),
		plan: Allocation::contender(model).map(contender_view),
		incumbent: pallet_allocation::Incumbents::<Runtime>::get(model),
	}
}

fn winner_view(won: Won<AccountId>) -> WinnerView {
	WinnerView {
		worker: won.who,
		operator: won.operator,
		slots: won.slots,
		price: won.price,
		device: won.device,
	}
}

fn contender_view(contender: Contender<AccountId>) -> ContenderView {
	let Contender {
		plan,
		submitter,
		score,
		..
	} = contender;
	// A ring has at most 17 stages.
	let stages = 0..StageIndex::try_from(plan.stages()).unwrap_or(StageIndex::MAX);
	let stages = stages.map(|stage| PlannedStage {
		stage,
		layers: plan.layers_of(stage),
		workers: plan.workers_of(stage).to_vec(),
	});
	ContenderView {
		submitter,
		score,
		stages: stages.collect(),
	}
}

fn payments(lines: impl IntoIterator<Item = (AccountId, Balance)>) -> Vec<PaymentView> {
	lines
		.into_iter()
		.map(|(to, amount)| PaymentView { to, amount })
		.collect()
}

/// Text as far as it is valid UTF-8; the pallets let no other text in.
fn text(bytes: &[u8]) -> String {
	String::from_utf8_lossy(bytes).into_owned()
}
