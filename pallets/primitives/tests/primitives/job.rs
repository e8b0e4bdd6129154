//! Jobs: what is asked and what it may cost at most.

use dllm_primitives::{
	ids::{Digest, MAX_INLINE},
	job::{Body, JobState, Limits, OnFailure, Options, Refund, MAX_NEW_TOKENS, TEMPLATE_TOKENS},
};
use proptest::prelude::*;

fn limits() -> Limits {
	Limits {
		max_tokens: 10,
		temperature_milli: 700,
		top_p_milli: 900,
		seed: 1,
		stop: Default::default(),
	}
}

#[test]
fn limits_hold_at_their_edges_and_not_beyond() {
	let stop = |text: &[u8]| vec![text.to_vec().try_into().unwrap()].try_into().unwrap();
	let good = [
		limits(),
		Limits {
			max_tokens: 1,
			..limits()
		},
		Limits {
			max_tokens: MAX_NEW_TOKENS,
			..limits()
		},
		Limits {
			temperature_milli: 0,
			..limits()
		},
		Limits {
			temperature_milli: 5_000,
			..limits()
		},
		Limits {
			top_p_milli: 1,
			..limits()
		},
		Limits {
			top_p_milli: 1_000,
			..limits()
		},
		Limits {
			stop: stop(b"\n\n"),
			..limits()
		},
	];
	assert!(good.iter().all(Limits::is_valid));
	let bad = [
		Limits {
			max_tokens: 0,
			..limits()
		},
		Limits {
			max_tokens: MAX_NEW_TOKENS + 1,
			..limits()
		},
		Limits {
			temperature_milli: 5_001,
			..limits()
		},
		Limits {
			top_p_milli: 0,
			..limits()
		},
		Limits {
			top_p_milli: 1_001,
			..limits()
		},
		Limits {
			stop: stop(&[0xff]),
			..limits()
		},
		Limits {
			stop: stop(b""),
			..limits()
		},
	];
	assert!(!bad.iter().any(Limits::is_valid));
}

proptest! {
	#[test]
	fn the_ceiling_counts_every_byte_of_an_inline_prompt(len in 0..=MAX_INLINE as usize) {
		let body = Body::Inline(vec![b'x'; len].try_into().unwrap());
		let prompt = len as u32 + TEMPLATE_TOKENS;
		prop_assert_eq!(body.prompt_ceiling(), prompt);
		prop_assert_eq!(limits().rows_ceiling(&body), prompt + 10);
	}

	#[test]
	fn the_ceiling_of_a_sealed_prompt_is_what_its_user_declares(prompt_tokens: u32) {
		let body = Body::Sealed { hash: Digest::zero(), prompt_tokens, entry: Default::default() };
		prop_assert_eq!(body.prompt_ceiling(), prompt_tokens);
		prop_assert_eq!(limits().rows_ceiling(&body), prompt_tokens.saturating_add(10));
	}
}

#[test]
fn jobs_that_are_paid_refunded_or_run_again_are_final() {
	assert!(!JobState::Waiting.is_final());
	assert!(!JobState::Running { pipeline: 1 }.is_final());
	assert!(JobState::Settled.is_final());
	assert!(JobState::Refunded(Refund::Cancelled).is_final());
	let rerun = JobState::Rerun {
		by: 7,
		reason: Refund::Cheated,
	};
	assert!(rerun.is_final());
}

#[test]
fn a_job_that_workers_failed_may_run_again() {
	let all = [
		(Refund::Cancelled, false),
		(Refund::NotAwarded, false),
		(Refund::Unserved, true),
		(Refund::NoShow, false),
		(Refund::Cheated, true),
		(Refund::Indeterminate, true),
	];
	assert!(all.iter().all(|(why, may)| why.is_workers_fault() == *may));
	assert_eq!(Options::default().on_failure, OnFailure::Refund);
}
