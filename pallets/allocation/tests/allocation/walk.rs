//! Pipelines under random calls: the invariants hold after every step, and no money is made or lost.

use crate::mock::*;
use dllm_primitives::{
	flow::{Ending, PipelineBook},
	load::Run,
	miner::WorkerState,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
	Submit {
		by: AccountId,
		first: AccountId,
		model: u32,
		slots: u8,
		price: u128,
	},
	Ready {
		worker: AccountId,
		pipeline: u32,
	},
	AllReady {
		pipeline: u32,
	},
	Leave {
		worker: AccountId,
		pipeline: u32,
	},
	Close {
		by: AccountId,
		pipeline: u32,
	},
	Reserve {
		pipeline: u32,
	},
	Release {
		pipeline: u32,
		served: bool,
	},
	Ban {
		worker: AccountId,
	},
	Pardon {
		worker: AccountId,
	},
	Blocks(u32),
}

fn step() -> impl Strategy<Value = Step> {
	let pipeline = 0..8u32;
	let worker = 11..=18u64;
	prop_oneof![
		3 => (ALICE..=POOR, 11..=17u64, 0..2u32, 0..4u8, 1..9u128).prop_map(
			|(by, first, model, slots, price)| Step::Submit { by, first, model, slots, price }
		),
		1 => (worker.clone(), pipeline.clone())
			.prop_map(|(worker, pipeline)| Step::Ready { worker, pipeline }),
		3 => pipeline.clone().prop_map(|pipeline| Step::AllReady { pipeline }),
		1 => (worker.clone(), pipeline.clone())
			.prop_map(|(worker, pipeline)| Step::Leave { worker, pipeline }),
		1 => (ALICE..=BOB, pipeline.clone()).prop_map(|(by, pipeline)| Step::Close { by, pipeline }),
		4 => pipeline.clone().prop_map(|pipeline| Step::Reserve { pipeline }),
		4 => (pipeline, any::<bool>())
			.prop_map(|(pipeline, served)| Step::Release { pipeline, served }),
		1 => worker.clone().prop_map(|worker| Step::Ban { worker }),
		2 => worker.prop_map(|worker| Step::Pardon { worker }),
		1 => (1..60u32).prop_map(Step::Blocks),
	]
}

/// Does the step; calls that are refused change nothing, which try-state checks as well.
fn take(step: Step) {
	let signed = RuntimeOrigin::signed;
	match step {
		Step::Submit {
			by,
			first,
			model,
			slots,
			price,
		} => {
			change(first, |worker| worker.spec.price = price);
			let mut plan = plan(&[first, first + 1], &[&[first, first + 1]]);
			(plan.model, plan.slots) = (model, slots);
			let _ = Allocation::submit_plan(signed(by), plan);
		}
		Step::Ready { worker, pipeline } => {
			let _ = Allocation::ready(signed(worker), pipeline);
		}
		Step::AllReady { pipeline } => {
			let Some(standing) = Allocation::standing(pipeline) else {
				return;
			};
			for worker in standing.members().into_keys() {
				let _ = Allocation::ready(signed(worker), pipeline);
			}
		}
		Step::Leave { worker, pipeline } => {
			let _ = Allocation::leave(signed(worker), pipeline);
		}
		Step::Close { by, pipeline } => {
			let _ = Allocation::close(signed(by), pipeline);
		}
		Step::Reserve { pipeline } => {
			let _ = Allocation::reserve(pipeline, 10);
		}
		Step::Release { pipeline, served } => {
			if Allocation::pipeline(pipeline).is_some_and(|pipeline| pipeline.open_jobs > 0) {
				let ending = if served {
					Ending::Served
				} else {
					Ending::Failed
				};
				Allocation::release(
					pipeline,
					ending,
					Run {
						ceiling: 10,
						..Run::default()
					},
				);
			}
		}
		Step::Ban { worker } => change(worker, |worker| worker.state = WorkerState::Banned),
		Step::Pardon { worker } => change(worker, |worker| worker.state = WorkerState::Active),
		Step::Blocks(count) => run_idle_blocks(count),
	}
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(96))]

	#[test]
	fn random_walks_keep_every_invariant(steps in prop::collection::vec(step(), 1..80)) {
		execute(|| {
			(11..=18).for_each(|who| change(who, |worker| worker.spec.memory = 60_000));
			let issued = Balances::total_issuance();
			for step in steps {
				let told = format!("{step:?}");
				take(step);
				let state = Allocation::do_try_state();
				prop_assert!(state.is_ok(), "{told} broke {state:?}");
				prop_assert_eq!(Balances::total_issuance(), issued, "{} moved issuance", told);
			}
			Ok(())
		})?;
	}
}
