//! Random plans against a second judge, which knows nothing of the first: it lays the workers on the layers
//! and looks.

use crate::mock::*;
use dllm_primitives::{
	miner::WorkerState,
	model::LayerRange,
	plan::{Plan, Segment},
};
use frame_support::BoundedVec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Memory is drawn in units of which eighty percent hold a layer with the cache of one slot.
const MEMORY_UNIT: u64 = 3_300;

/// A worker of the small world of these tests: operator, units of memory, active, miner, entry.
type Sketch = (u64, u64, bool, bool, bool);

fn sketch() -> impl Strategy<Value = Sketch> {
	let mostly = prop::bool::weighted(0.97);
	(0..60u64, 3..16u64, mostly, mostly, mostly)
}

/// Ranges that mostly cover the layers, and replicas that are mostly distinct.
fn random_plan() -> impl Strategy<Value = Plan<AccountId>> {
	let cuts = prop::sample::select(vec![
		vec![0u16, 4],
		vec![0, 2, 4],
		vec![0, 2, 4],
		vec![0, 1, 4],
		vec![0, 1, 2, 4],
		vec![0, 3, 4],
		vec![0, 1, 4],
		vec![0, 1, 3, 4],
		vec![0, 3],
		vec![1, 4],
		vec![0, 2, 2, 4],
		vec![0, 5],
	]);
	let order = Just((11..=24u64).collect::<Vec<_>>()).prop_shuffle();
	let entries = prop::sample::select(vec![0usize, 0, 0, 1, 2, 2, 2, 3]);
	let replicas = prop::collection::vec(
		prop::sample::select(vec![1usize, 2, 2, 2, 2, 2, 2, 2, 3, 3]),
		3,
	);
	let slots = prop::sample::select(vec![0u8, 1, 1, 1, 1, 1, 2, 3]);
	let doubled = prop::option::weighted(0.2, (0..14usize, 0..14usize));
	(cuts, order, entries, replicas, doubled, slots).prop_map(
		|(cuts, mut order, entries, replicas, doubled, slots)| {
			if let Some((from, to)) = doubled {
				order[to] = order[from];
			}
			let mut workers = order.into_iter();
			let mut take = |count: usize| {
				BoundedVec::truncate_from(workers.by_ref().take(count).collect::<Vec<_>>())
			};
			let entries = take(entries);
			let segments = cuts
				.windows(2)
				.zip(&replicas)
				.map(|(range, count)| Segment {
					layers: LayerRange {
						start: range[0],
						end: range[1],
					},
					replicas: take(*count),
				});
			let segments = BoundedVec::truncate_from(segments.collect::<Vec<_>>());
			Plan {
				model: 0,
				slots,
				entries,
				segments,
			}
		},
	)
}

/// Bytes that `who` would hold for the plan, counted layer by layer.
fn bytes_for(who: AccountId, plan: &Plan<AccountId>) -> u64 {
	let mut bytes = 0;
	for layer in 0..LAYERS {
		for segment in &plan.segments {
			let covers = segment.layers.start <= layer && layer < segment.layers.end;
			if covers && segment.replicas.contains(&who) {
				bytes += 1_000 + 8 * 200 * u64::from(plan.slots);
			}
		}
	}
	if plan.entries.contains(&who) {
		bytes += ENTRY_BYTES;
	}
	bytes
}

/// Whether the plan can stand beside what the workers have promised already.
fn is_feasible(
	plan: &Plan<AccountId>,
	workers: &BTreeMap<AccountId, Sketch>,
	promised: &BTreeMap<AccountId, u64>,
) -> bool {
	let mut next = 0;
	let mut in_segments = Vec::new();
	for segment in &plan.segments {
		if segment.layers.start != next || segment.layers.end <= next {
			return false;
		}
		next = segment.layers.end;
		in_segments.extend(segment.replicas.iter().copied());
	}
	let no_twins = |accounts: &[u64]| {
		accounts
			.iter()
			.enumerate()
			.all(|(at, who)| !accounts[..at].contains(who))
	};
	if next != LAYERS || !no_twins(&in_segments) || !(1..=8).contains(&plan.slots) {
		return false;
	}
	let stage_ok = |stage: &[AccountId], is_entry: bool| {
		let operators = stage.iter().map(|who| workers[who].0).collect::<Vec<_>>();
		let able = |who: &AccountId| {
			let (_, _, active, miner, entry) = workers[who];
			active && if is_entry { entry } else { miner }
		};
		stage.len() >= 2 && no_twins(&operators) && stage.iter().all(able)
	};
	let entries_ok = plan.entries.is_empty() || stage_ok(&plan.entries, true);
	if !entries_ok
		|| !plan
			.segments
			.iter()
			.all(|segment| stage_ok(&segment.replicas, false))
	{
		return false;
	}
	workers.iter().all(|(who, (_, layers, ..))| {
		let taken = promised.get(who).copied().unwrap_or(0);
		let bytes = bytes_for(*who, plan);
		bytes == 0 || (taken + bytes) * 100 <= layers * MEMORY_UNIT * 80
	})
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(256))]

	#[test]
	fn a_plan_stands_exactly_where_it_is_feasible(
		sketches in prop::collection::vec(sketch(), 14),
		plans in prop::collection::vec(random_plan(), 1..3),
	) {
		execute(|| {
			let workers = (11..=24u64).zip(sketches).collect::<BTreeMap<_, _>>();
			for (who, (operator, layers, active, miner, entry)) in &workers {
				change(*who, |worker| {
					worker.operator = *operator;
					worker.state = if *active { WorkerState::Active } else { WorkerState::Banned };
					worker.spec.roles.miner = *miner;
					worker.spec.roles.entry = *entry;
					worker.spec.memory = layers * MEMORY_UNIT;
				});
			}
			let mut promised = BTreeMap::new();
			for plan in plans {
				let expected = is_feasible(&plan, &workers, &promised);
				let origin = RuntimeOrigin::signed(ALICE);
				let stands = Allocation::submit_plan(origin, plan.clone());
				prop_assert_eq!(stands.is_ok(), expected, "{:?} of {:?}", stands, plan);
				if expected {
					for who in workers.keys() {
						*promised.entry(*who).or_default() += bytes_for(*who, &plan);
					}
				}
			}
			for (who, bytes) in promised {
				prop_assert_eq!(crate::mock::promised(who), bytes);
			}
			Ok(())
		})?;
	}
}
