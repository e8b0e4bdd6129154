//! The check of plans: what is feasible passes and is priced, and every way to spoil it is named.

use crate::specimens::*;
use dllm_primitives::{
	ids::{ENTRY_STAGE, MAX_REPLICAS, MAX_SEGMENTS},
	model::{LayerRange, ModelSpec},
	plan::{check, stage_memory, Pipeline, PipelineState, Plan, PlanError, Quote, MAX_SLOTS},
};
use proptest::{collection::vec, prelude::*};

fn judge(plan: &Plan<Account>, model: &ModelSpec, workers: &Workers) -> Result<Quote, PlanError> {
	check(plan, model, |who| workers.get(who).cloned())
}

/// Lengths of segments, at least one.
fn lengths() -> impl Strategy<Value = Vec<u16>> {
	vec(1..=16u16, 1..=MAX_SEGMENTS as usize)
}

fn layers(lengths: &[u16]) -> u16 {
	lengths.iter().sum()
}

proptest! {
	#[test]
	fn passes_a_plan_that_covers_the_model_with_able_workers(lengths in lengths()) {
		let plan = plan(&lengths);
		let model = model(layers(&lengths));
		let quote = judge(&plan, &model, &workers_of(&plan)).unwrap();
		prop_assert_eq!(quote.stage_prices.len(), lengths.len() + 1);
	}

	#[test]
	fn prices_every_stage_at_its_dearest_worker(
		lengths in lengths(),
		prices in vec(0..1_000_000u128, 34),
	) {
		let plan = plan(&lengths);
		let model = model(layers(&lengths));
		let mut workers = workers_of(&plan);
		for (worker, price) in workers.values_mut().zip(&prices) {
			worker.price = *price;
		}
		let quote = judge(&plan, &model, &workers).unwrap();
		let mut cost = 0;
		for (stage, price) in (0..).zip(&quote.stage_prices) {
			let asked = plan.workers_of(stage).iter().map(|who| workers[who].price);
			prop_assert_eq!(Some(*price), asked.max());
			let flops = model.stage_flops(plan.layers_of(stage), stage == ENTRY_STAGE);
			cost += price * u128::from(flops);
		}
		prop_assert_eq!(quote.cost, cost);
	}

	#[test]
	fn refuses_a_model_of_any_other_depth(lengths in lengths(), other in 1..=256u16) {
		prop_assume!(other != layers(&lengths));
		let plan = plan(&lengths);
		prop_assert_eq!(judge(&plan, &model(other), &workers_of(&plan)), Err(PlanError::Coverage));
	}

	#[test]
	fn refuses_any_other_border_between_segments(
		lengths in lengths(),
		at in any::<prop::sample::Index>(),
		start in 0..=300u16,
		end in 0..=300u16,
	) {
		let mut plan = plan(&lengths);
		let model = model(layers(&lengths));
		let at = at.index(plan.segments.len());
		let spoiled = LayerRange { start, end };
		prop_assume!(plan.segments[at].layers != spoiled);
		plan.segments[at].layers = spoiled;
		let workers = workers_of(&plan);
		prop_assert_eq!(judge(&plan, &model, &workers), Err(PlanError::Coverage));
	}

	#[test]
	fn refuses_a_plan_in_which_one_worker_falls_short(
		lengths in lengths(),
		at in any::<prop::sample::Index>(),
		spoil in 0..4usize,
	) {
		let plan = plan(&lengths);
		let model = model(layers(&lengths));
		let mut workers = workers_of(&plan);
		let members: Vec<_> = plan.members().map(|(stage, who)| (stage, *who)).collect();
		let (stage, who) = *at.get(&members);
		let worker = workers.get_mut(&who).unwrap();
		let expected = match spoil {
			0 => {
				worker.active = false;
				PlanError::WorkerNotActive
			},
			1 => {
				worker.roles.entry &= stage != ENTRY_STAGE;
				worker.roles.miner &= stage == ENTRY_STAGE;
				PlanError::RoleNotOffered
			},
			2 => {
				worker.memory = stage_memory(&plan, &model, stage);
				PlanError::Memory
			},
			_ => {
				workers.remove(&who);
				PlanError::UnknownWorker
			},
		};
		prop_assert_eq!(judge(&plan, &model, &workers), Err(expected));
	}

	#[test]
	fn refuses_two_workers_of_one_operator_in_any_stage(
		lengths in lengths(),
		at in any::<prop::sample::Index>(),
	) {
		let plan = plan(&lengths);
		let model = model(layers(&lengths));
		let mut workers = workers_of(&plan);
		let stage = at.index(plan.stages()) as u8;
		for who in plan.workers_of(stage) {
			workers.get_mut(who).unwrap().operator = 99;
		}
		prop_assert_eq!(judge(&plan, &model, &workers), Err(PlanError::OperatorTwice));
	}

	#[test]
	fn allows_one_operator_in_different_stages(lengths in lengths()) {
		let plan = plan(&lengths);
		let model = model(layers(&lengths));
		let mut workers = workers_of(&plan);
		for (who, worker) in workers.iter_mut() {
			worker.operator = who % 2;
		}
		prop_assert!(judge(&plan, &model, &workers).is_ok());
	}
}

#[test]
fn refuses_no_slots_and_too_many() {
	let mut plan = plan(&[2, 2]);
	let workers = workers_of(&plan);
	for (slots, expected) in [
		(0, Err(PlanError::Slots)),
		(1, Ok(())),
		(MAX_SLOTS, Ok(())),
		(MAX_SLOTS + 1, Err(PlanError::Slots)),
	] {
		plan.slots = slots;
		assert_eq!(judge(&plan, &model(4), &workers).map(|_| ()), expected);
	}
}

#[test]
fn refuses_a_plan_without_segments() {
	let plan = plan(&[]);
	assert_eq!(
		judge(&plan, &model(4), &workers_of(&plan)),
		Err(PlanError::Coverage)
	);
}

#[test]
fn refuses_a_segment_without_layers() {
	for empty in 0..3 {
		let mut lengths = [2, 2, 2];
		lengths[empty] = 0;
		let plan = plan(&lengths);
		assert_eq!(
			judge(&plan, &model(4), &workers_of(&plan)),
			Err(PlanError::Coverage)
		);
	}
}

#[test]
fn refuses_a_lonely_replica_or_entry_but_not_a_plan_without_entries() {
	let mut lonely = plan(&[2, 2]);
	lonely.segments[1].replicas.truncate(1);
	assert_eq!(
		judge(&lonely, &model(4), &workers_of(&lonely)),
		Err(PlanError::TooFewReplicas)
	);

	let mut entries = plan(&[2, 2]);
	entries.entries.truncate(1);
	assert_eq!(
		judge(&entries, &model(4), &workers_of(&entries)),
		Err(PlanError::TooFewReplicas)
	);
	entries.entries.clear();
	let quote = judge(&entries, &model(4), &workers_of(&entries)).unwrap();
	assert_eq!(quote.stage_prices[0], 0);
}

#[test]
fn refuses_a_worker_in_two_segments_or_twice_as_entry() {
	let mut twice = plan(&[2, 2]);
	twice.segments[1].replicas[0] = twice.segments[0].replicas[0];
	assert_eq!(
		judge(&twice, &model(4), &workers_of(&twice)),
		Err(PlanError::WorkerTwice)
	);

	let mut same = plan(&[2, 2]);
	same.segments[1].replicas[0] = same.segments[1].replicas[1];
	assert_eq!(
		judge(&same, &model(4), &workers_of(&same)),
		Err(PlanError::WorkerTwice)
	);

	let mut entry = plan(&[2, 2]);
	entry.entries[0] = entry.entries[1];
	assert_eq!(
		judge(&entry, &model(4), &workers_of(&entry)),
		Err(PlanError::WorkerTwice)
	);
}

#[test]
fn charges_a_worker_for_its_entry_and_its_segment_together() {
	let mut both = plan(&[2, 2]);
	both.entries[0] = both.segments[0].replicas[0];
	let model = model(4);
	let mut workers = workers_of(&both);
	let who = both.entries[0];
	let need = stage_memory(&both, &model, 0) + stage_memory(&both, &model, 1);
	// 80 % of the memory may be filled; the memory is counted in whole hundreds.
	workers.get_mut(&who).unwrap().memory = need.div_ceil(80) * 100;
	assert!(judge(&both, &model, &workers).is_ok());
	workers.get_mut(&who).unwrap().memory = (need - 1) / 80 * 100;
	assert_eq!(judge(&both, &model, &workers), Err(PlanError::Memory));
}

#[test]
fn counts_a_full_cache_for_every_slot() {
	let mut plan = plan(&[2]);
	let model = model(2);
	let one = stage_memory(&plan, &model, 1);
	plan.slots = 3;
	let cache = 2 * 1024 * u64::from(model.max_context);
	assert_eq!(one, 2 * MIB + cache);
	assert_eq!(stage_memory(&plan, &model, 1), 2 * MIB + 3 * cache);
}

#[test]
fn holds_as_many_workers_and_segments_as_the_bounds_say() {
	let full: Vec<_> = (0..MAX_REPLICAS).map(|k| 100 + k).collect();
	let mut plan = plan(&[1; MAX_SEGMENTS as usize]);
	plan.segments[3].replicas = full.try_into().unwrap();
	assert!(judge(&plan, &model(MAX_SEGMENTS as u16), &workers_of(&plan)).is_ok());
}

#[test]
fn never_overflows_on_extreme_figures() {
	let plan = plan(&[2]);
	let mut model = model(2);
	model.max_context = u32::MAX;
	for layer in model.layers.iter_mut() {
		layer.bytes = u64::MAX;
		layer.flops_per_token = u64::MAX;
		layer.kv_bytes_per_token = u32::MAX;
	}
	let mut workers = workers_of(&plan);
	for worker in workers.values_mut() {
		worker.price = u128::MAX;
		worker.memory = u64::MAX;
	}
	assert_eq!(judge(&plan, &model, &workers), Err(PlanError::Memory));
}

fn pipeline(lengths: &[u16]) -> (Pipeline<Account>, ModelSpec) {
	let plan = plan(lengths);
	let model = model(layers(lengths));
	let Quote { stage_prices, cost } = judge(&plan, &model, &workers_of(&plan)).unwrap();
	let pipeline = Pipeline {
		id: 0,
		state: PipelineState::Live,
		plan,
		stage_prices,
		cost,
		open_jobs: 0,
		load: Default::default(),
	};
	(pipeline, model)
}

proptest! {
	/// The fee's miners' share covers every lead's pay, so that [`payout::split`] cuts nobody.
	#[test]
	fn asks_a_fee_that_covers_every_stage(lengths in lengths(), rows in 0..100_000u32, own: bool) {
		let (pipeline, model) = pipeline(&lengths);
		let fee = pipeline.fee(&model, rows, own);
		let first = u8::from(own);
		let stages = first..pipeline.plan.stages() as u8;
		let miners: Vec<_> = stages.map(|k| (k, pipeline.stage_pay(&model, k, rows))).collect();
		let split = dllm_primitives::payout::split(fee, &miners, &[]);
		prop_assert_eq!(split.miners, miners);
	}

	#[test]
	fn asks_more_for_more_rows(lengths in lengths(), rows in 0..100_000u32, own: bool) {
		let (pipeline, model) = pipeline(&lengths);
		prop_assert!(pipeline.fee(&model, rows, own) <= pipeline.fee(&model, rows + 1, own));
		prop_assert!(pipeline.fee(&model, rows, true) <= pipeline.fee(&model, rows, false));
	}
}

#[test]
fn offers_free_slots_only_while_it_is_live() {
	let (mut pipeline, _) = pipeline(&[2]);
	pipeline.plan.slots = 3;
	pipeline.open_jobs = 1;
	assert_eq!(pipeline.free_slots(), 2);
	pipeline.open_jobs = 5;
	assert_eq!(pipeline.free_slots(), 0);
	pipeline.open_jobs = 0;
	for state in [
		PipelineState::Preparing,
		PipelineState::Draining,
		PipelineState::Closed,
	] {
		pipeline.state = state;
		assert_eq!(pipeline.free_slots(), 0);
	}
}

#[test]
fn names_members_stage_by_stage() {
	let plan = plan(&[2, 1]);
	let members: Vec<_> = plan.members().map(|(stage, who)| (stage, *who)).collect();
	assert_eq!(
		members,
		vec![(0, 1), (0, 2), (1, 10), (1, 11), (2, 12), (2, 13)]
	);
	assert_eq!(plan.layers_of(2), LayerRange { start: 2, end: 3 });
	assert!(plan.workers_of(3).is_empty() && plan.layers_of(3).is_empty());
}
