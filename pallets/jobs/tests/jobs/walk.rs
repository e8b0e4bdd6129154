//! The job state machine under random calls: whatever happens, the invariants hold after every step, no
//! money is made or lost, and every job ends.

use crate::mock::*;
use dllm_primitives::{
	flow::{Conclusion, JobQueue, OnVerdict},
	ids::Digest,
	job::{JobState, OnFailure, Options, Refund, MAX_RERUNS},
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
	Submit {
		client: AccountId,
		sealed: bool,
		tokens: u32,
		price: u128,
		deadline: u32,
		on_failure: OnFailure,
	},
	Cancel {
		by: AccountId,
		job: u64,
	},
	Award {
		job: u64,
		pipeline: u32,
		refused: bool,
	},
	Answer {
		job: u64,
	},
	Serve {
		job: u64,
		rows: u32,
		unpayable: bool,
	},
	Fail {
		job: u64,
		reason: Refund,
	},
	Blocks(u32),
}

fn step() -> impl Strategy<Value = Step> {
	let job = 0..30u64;
	let client = ALICE..=BOB;
	let on_failure = prop_oneof![Just(OnFailure::Refund), Just(OnFailure::Rerun)];
	let reason = prop_oneof![
		Just(Refund::NoShow),
		Just(Refund::Unserved),
		Just(Refund::Cheated),
		Just(Refund::Indeterminate)
	];
	prop_oneof![
		4 => (client.clone(), any::<bool>(), 0..60u32, 0..400_000u128, 3..25u32, on_failure).prop_map(
			|(client, sealed, tokens, price, deadline, on_failure)| {
				Step::Submit { client, sealed, tokens, price, deadline, on_failure }
			}
		),
		1 => (client, job.clone()).prop_map(|(by, job)| Step::Cancel { by, job }),
		4 => (job.clone(), 0..3u32, any::<bool>())
			.prop_map(|(job, pipeline, refused)| Step::Award { job, pipeline, refused }),
		1 => job.clone().prop_map(|job| Step::Answer { job }),
		2 => (job.clone(), 0..300u32, any::<bool>())
			.prop_map(|(job, rows, unpayable)| Step::Serve { job, rows, unpayable }),
		1 => (job, reason).prop_map(|(job, reason)| Step::Fail { job, reason }),
		2 => (1..30u32).prop_map(Step::Blocks),
	]
}

/// Does the step; calls that are refused change nothing, which try-state checks as well.
fn take(step: Step) {
	match step {
		Step::Submit {
			client,
			sealed: is_sealed,
			tokens,
			price,
			deadline,
			on_failure,
		} => {
			let (body, limits) = match is_sealed {
				true => (sealed(tokens), limits(10)),
				false => (inline(b"question"), limits(tokens)),
			};
			let _ = Jobs::submit_with(
				RuntimeOrigin::signed(client),
				MODEL,
				body,
				limits,
				price,
				deadline,
				STANDARD,
				Options {
					on_failure,
					adapter: None,
				},
			);
		}
		Step::Cancel { by, job } => {
			let _ = Jobs::cancel(RuntimeOrigin::signed(by), job);
		}
		Step::Award {
			job,
			pipeline,
			refused,
		} => {
			TrialsRefuse::set(refused);
			let _ = <Jobs as JobQueue<u128, u32>>::award(job, pipeline, u128::from(job % 3) * 7);
		}
		Step::Answer { job } => {
			<Jobs as OnVerdict<AccountId>>::answered(job, 2, reply(b"so"));
		}
		Step::Serve {
			job,
			rows,
			unpayable,
		} => {
			PayoutsFail::set(unpayable);
			let conclusion = Conclusion::Served {
				rows,
				checked: true,
				result: Digest::repeat_byte(1),
				leads: vec![(0, 21), (1, 11)],
				checkers: vec![(0, 22), (1, 12)],
			};
			<Jobs as OnVerdict<AccountId>>::concluded(job, conclusion);
		}
		Step::Fail { job, reason } => {
			<Jobs as OnVerdict<AccountId>>::concluded(job, Conclusion::Failed(reason));
		}
		Step::Blocks(count) => run_blocks(count),
	}
}

/// Lets every open trial fail and every deadline pass.
fn finish_all() {
	for (id, job) in pallet_jobs::Jobs::<Test>::iter().collect::<Vec<_>>() {
		if matches!(job.state, JobState::Running { .. }) {
			let failed = Conclusion::Failed(Refund::Unserved);
			<Jobs as OnVerdict<AccountId>>::concluded(id, failed);
		}
	}
	run_blocks(200);
}

/// No job is given to a pipeline that failed it, and none is run more often than it may be.
fn runs_are_bounded() -> bool {
	pallet_jobs::Jobs::<Test>::iter_values().all(|job| {
		let failed = job.failed();
		let distinct = failed
			.iter()
			.collect::<std::collections::BTreeSet<_>>()
			.len() == failed.len();
		job.reruns() <= MAX_RERUNS && distinct
	})
}

proptest! {
	#![proptest_config(ProptestConfig::with_cases(96))]

	#[test]
	fn random_walks_keep_every_invariant(steps in prop::collection::vec(step(), 1..60)) {
		execute(|| {
			Pipelines::set(vec![pipeline(0, 3), pipeline(1, 90), sealed_pipeline(2, 5)]);
			let issued = Balances::total_issuance();
			for step in steps {
				let told = format!("{step:?}");
				take(step);
				let state = Jobs::do_try_state();
				prop_assert!(state.is_ok(), "{told} broke {state:?}");
				prop_assert_eq!(Balances::total_issuance(), issued, "{} moved issuance", told);
				prop_assert!(runs_are_bounded(), "{told}");
			}
			finish_all();
			prop_assert_eq!(pallet_jobs::Jobs::<Test>::iter_keys().count(), 0);
			prop_assert_eq!((escrow(ALICE), escrow(BOB)), (0, 0));
			Ok(())
		})?;
	}
}
