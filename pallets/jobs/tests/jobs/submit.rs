//! Submission: what may be asked, and what goes on hold.

use crate::mock::*;
use dllm_primitives::{
	ids::Digest,
	job::{Body, JobState},
	plan::PipelineState,
};
use frame_support::{assert_noop, assert_ok, BoundedVec};
use pallet_jobs::{Agenda, Error, Event, Waiting, SEARCH_BLOCKS};

fn ask(body: Body, max_tokens: u32, price: u128) -> sp_runtime::DispatchResult {
	Jobs::submit(
		RuntimeOrigin::signed(ALICE),
		MODEL,
		body,
		limits(max_tokens),
		price,
		20,
		STANDARD,
	)
}

#[test]
fn holds_the_price_and_waits() {
	execute(|| {
		let id = submit(ALICE, 700, 20);
		let job = Jobs::job(id).expect("is stored");
		assert_eq!(job.state, JobState::Waiting);
		assert_eq!(
			(job.rows_ceiling, job.own_entry, job.max_price),
			(50, false, 700)
		);
		assert_eq!((job.submitted, job.deadline), (1, 21));
		assert_eq!((escrow(ALICE), free(ALICE)), (700, PURSE - 700));
		assert_eq!(Waiting::<Test>::get().to_vec(), [id]);
		assert_eq!(Agenda::<Test>::get(21).expect("is filed").to_vec(), [id]);
		let submitted = Event::Submitted {
			job: id,
			client: ALICE,
			model: MODEL,
			max_price: 700,
			deadline: 21,
		};
		assert_eq!(last_event(), submitted);
	});
}

#[test]
fn numbers_count_up_and_facts_are_kept() {
	execute(|| {
		assert_eq!((submit(ALICE, 1, 5), submit(BOB, 1, 6)), (0, 1));
		let facts = Jobs::facts(1).expect("is stored");
		assert_eq!((facts.client, facts.model), (BOB, MODEL));
		assert_eq!(
			(facts.body, facts.limits),
			(inline(b"question"), limits(10))
		);
		assert_eq!(Jobs::deadline(1), Some(7));
		assert_eq!(
			(Jobs::facts(2), Jobs::deadline(2), Jobs::reply(1)),
			(None, None, None)
		);
	});
}

#[test]
fn a_sealed_job_counts_the_declared_tokens() {
	execute(|| {
		assert_ok!(ask(sealed(30), 10, 5));
		let job = Jobs::job(0).expect("is stored");
		assert_eq!((job.rows_ceiling, job.own_entry), (40, true));
	});
}

#[test]
fn refuses_models_that_take_no_prompts() {
	execute(|| {
		let submit_to = |model| {
			let origin = RuntimeOrigin::signed(ALICE);
			Jobs::submit(origin, model, inline(b"hi"), limits(1), 5, 20, STANDARD)
		};
		assert_noop!(submit_to(77), Error::<Test>::UnknownModel);
		assert_noop!(submit_to(PROPOSED), Error::<Test>::ModelNotActive);
		assert_noop!(submit_to(RETIRED), Error::<Test>::ModelNotActive);
	});
}

#[test]
fn refuses_unsigned_origins() {
	execute(|| {
		let asked = Jobs::submit(
			RuntimeOrigin::none(),
			MODEL,
			inline(b"hi"),
			limits(1),
			5,
			20,
			STANDARD,
		);
		assert_eq!(asked, Err(sp_runtime::DispatchError::BadOrigin));
	});
}

#[test]
fn refuses_limits_that_no_sampler_obeys() {
	execute(|| {
		assert_noop!(ask(inline(b"hi"), 0, 5), Error::<Test>::InvalidLimits);
		assert_noop!(ask(inline(b"hi"), 2049, 5), Error::<Test>::InvalidLimits);
	});
}

#[test]
fn refuses_prompts_without_text_or_entry() {
	execute(|| {
		assert_noop!(ask(inline(b""), 1, 5), Error::<Test>::EmptyPrompt);
		assert_noop!(
			ask(inline(&[0xff, 0xfe]), 1, 5),
			Error::<Test>::PromptNotUtf8
		);
		assert_noop!(ask(sealed(0), 1, 5), Error::<Test>::EmptyPrompt);
		let nobody = Body::Sealed {
			hash: Digest::zero(),
			prompt_tokens: 3,
			entry: BoundedVec::default(),
		};
		assert_noop!(ask(nobody, 1, 5), Error::<Test>::NoEntryPeer);
	});
}

#[test]
fn prompt_and_reply_fit_the_context() {
	execute(|| {
		assert_ok!(ask(sealed(190), 10, 5));
		assert_noop!(ask(sealed(191), 10, 5), Error::<Test>::PromptTooLong);
		assert_ok!(ask(inline(&[b'a'; 158]), 10, 5));
		assert_noop!(
			ask(inline(&[b'a'; 159]), 10, 5),
			Error::<Test>::PromptTooLong
		);
		assert_noop!(ask(sealed(u32::MAX), 10, 5), Error::<Test>::PromptTooLong);
	});
}

#[test]
fn the_deadline_is_in_range() {
	execute(|| {
		let within = |blocks| {
			let origin = RuntimeOrigin::signed(ALICE);
			Jobs::submit(origin, MODEL, inline(b"hi"), limits(1), 5, blocks, STANDARD)
		};
		assert_noop!(within(4), Error::<Test>::DeadlineOutOfRange);
		assert_noop!(within(101), Error::<Test>::DeadlineOutOfRange);
		assert_ok!(within(5));
		assert_ok!(within(100));
	});
}

#[test]
fn the_price_covers_the_cheapest_live_pipeline() {
	execute(|| {
		// 50 rows × 3 GFLOP × 3 planck = 450 for the miners, whose share is three quarters: 600.
		Pipelines::set(vec![pipeline(0, 30), pipeline(1, 3), sealed_pipeline(2, 1)]);
		let body = || inline(b"question");
		assert_noop!(ask(body(), 10, 599), Error::<Test>::PriceBelowBase);
		assert_ok!(ask(body(), 10, 600));

		let mut drained = pipeline(1, 3);
		drained.state = PipelineState::Draining;
		Pipelines::set(vec![pipeline(0, 30), drained]);
		assert_noop!(ask(body(), 10, 600), Error::<Test>::PriceBelowBase);
	});
}

#[test]
fn a_sealed_job_does_not_pay_for_an_entry() {
	execute(|| {
		// 50 rows × 2 GFLOP × 3 planck = 300, so 400.
		Pipelines::set(vec![pipeline(0, 3)]);
		assert_noop!(ask(sealed(40), 10, 399), Error::<Test>::PriceBelowBase);
		assert_ok!(ask(sealed(40), 10, 400));
	});
}

#[test]
fn any_price_but_zero_may_wait_for_a_pipeline() {
	execute(|| {
		Pipelines::set(vec![sealed_pipeline(0, 1_000)]);
		assert_noop!(ask(inline(b"hi"), 1, 0), Error::<Test>::PriceBelowBase);
		assert_ok!(ask(inline(b"hi"), 1, 1));
	});
}

#[test]
fn the_balance_covers_the_price_and_the_existential_deposit() {
	execute(|| {
		let body = || inline(b"hi");
		assert_noop!(
			ask(body(), 1, PURSE - ED + 1),
			Error::<Test>::InsufficientFunds
		);
		assert_noop!(ask(body(), 1, u128::MAX), Error::<Test>::InsufficientFunds);
		assert_ok!(ask(body(), 1, PURSE - ED));
		assert_eq!(free(ALICE), ED);
	});
}

#[test]
fn a_full_agenda_moves_the_deadline_and_then_refuses() {
	execute(|| {
		for _ in 0..2 {
			assert_eq!(Jobs::deadline(submit(ALICE, 1, 20)), Some(21));
		}
		assert_eq!(Jobs::deadline(submit(ALICE, 1, 20)), Some(22));
		for _ in 3..2 * SEARCH_BLOCKS {
			submit(ALICE, 1, 20);
		}
		let last = 21 + SEARCH_BLOCKS - 1;
		assert_eq!(Agenda::<Test>::get(last).expect("is used").len(), 2);
		assert_noop!(ask(inline(b"hi"), 1, 1), Error::<Test>::AgendaFull);
		assert_eq!(Jobs::deadline(submit(ALICE, 1, 40)), Some(41));
	});
}

#[test]
fn a_full_queue_refuses() {
	execute(|| {
		for at in 0..40 {
			submit(ALICE, 1, 5 + at);
		}
		assert_noop!(ask(inline(b"hi"), 1, 1), Error::<Test>::QueueFull);
		assert_ok!(Jobs::cancel(RuntimeOrigin::signed(ALICE), 3));
		assert_ok!(ask(inline(b"hi"), 1, 1));
	});
}
