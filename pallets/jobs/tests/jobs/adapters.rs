//! Jobs that name an adapter of their model.

use crate::mock::*;
use dllm_primitives::{
	flow::{Conclusion, Ending, JobBook, JobQueue, OnVerdict},
	ids::{AdapterId, Digest, JobId},
	job::{Options, Refund},
};
use frame_support::{assert_noop, assert_ok};
use pallet_jobs::{Error, Event, Requests};

fn of(adapter: Option<AdapterId>) -> Options {
	Options {
		adapter,
		..Default::default()
	}
}

fn ask(adapter: AdapterId) -> sp_runtime::DispatchResult {
	submit_with(of(Some(adapter)))
}

fn root(job: JobId) -> Option<Digest> {
	<Jobs as JobBook<AccountId>>::adapter(job)
}

#[test]
fn a_job_keeps_what_it_asked_for_besides() {
	execute(|| {
		assert_ok!(ask(ADAPTER));
		let submitted = Event::Submitted {
			job: 0,
			client: ALICE,
			model: MODEL,
			max_price: 5,
			deadline: 21,
		};
		assert_eq!(last_event(), submitted);
		let adapter = Some(ADAPTER);
		assert_eq!(Jobs::options(0), Some(of(adapter)));
		assert_eq!(root(0), Some(Digest::repeat_byte(ADAPTER as u8)));
	});
}

#[test]
fn the_plain_call_means_the_defaults() {
	execute(|| {
		submit(ALICE, 5, 20);
		assert_ok!(submit_with(Options::default()));
		assert_eq!(Jobs::options(0), Some(Options::default()));
		assert_eq!(Requests::<Test>::get(0), Requests::<Test>::get(1));
		assert_eq!((root(0), root(1)), (None, None));
		assert_eq!((Jobs::options(2), root(2)), (None, None));
	});
}

#[test]
fn what_was_asked_differs_by_the_adapter() {
	execute(|| {
		assert_ok!(submit_with(Options::default()));
		assert_ok!(ask(ADAPTER));
		let asked = |job| <Jobs as JobBook<AccountId>>::asked(job);
		assert_ne!(asked(0), asked(1));
	});
}

#[test]
fn refuses_adapters_that_cannot_be_added_to_the_model() {
	execute(|| {
		assert_noop!(ask(77), Error::<Test>::UnknownAdapter);
		assert_noop!(ask(OLD_ADAPTER), Error::<Test>::AdapterRetired);
		assert_noop!(ask(OTHER_ADAPTER), Error::<Test>::AdapterOfOtherModel);
	});
}

#[test]
fn an_adapter_that_nobody_could_add_is_not_held_against_the_pipeline() {
	for (adapter, reason, expected) in [
		(Some(ADAPTER), Refund::Unserved, Ending::Blameless),
		(Some(ADAPTER), Refund::Indeterminate, Ending::Failed),
		(None, Refund::Unserved, Ending::Failed),
	] {
		execute(|| {
			Pipelines::set(vec![pipeline(0, 3)]);
			let options = of(adapter);
			assert_ok!(submit_at(700, options));
			<Jobs as JobQueue<u128, u32>>::award(0, 0, 0).expect("is waiting");
			Jobs::concluded(0, Conclusion::Failed(reason));
			assert_eq!(Released::get()[0].1, expected, "{adapter:?} {reason:?}");
		});
	}
}

#[test]
fn is_subject_to_every_rule_of_a_plain_job() {
	execute(|| {
		let options = of(Some(ADAPTER));
		let ask = |origin, text, deadline| {
			let (body, limits) = (inline(text), limits(10));
			Jobs::submit_with(origin, MODEL, body, limits, 5, deadline, STANDARD, options)
		};
		let alice = || RuntimeOrigin::signed(ALICE);
		assert_noop!(ask(alice(), b"", 20), Error::<Test>::EmptyPrompt);
		assert_noop!(ask(alice(), b"hi", 4), Error::<Test>::DeadlineOutOfRange);
		assert_noop!(
			ask(RuntimeOrigin::none(), b"hi", 20),
			sp_runtime::DispatchError::BadOrigin
		);
	});
}
