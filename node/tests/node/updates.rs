//! Which changes a subscriber is told of, and when a subscription ends.

use dllm_node::{rpc::updates::changes, service::Hash};
use dllm_primitives::{
	api::JobView,
	job::{Assurance, JobState, OnFailure, Refund},
};
use futures::{
	executor::block_on,
	stream::{self, BoxStream, StreamExt},
};
use std::collections::BTreeMap;

fn view(state: JobState) -> JobView {
	JobView {
		id: 7,
		client: [1; 32].into(),
		model: 0,
		state,
		phase: None,
		adapter: None,
		sealed: false,
		assurance: Assurance::Standard,
		on_failure: OnFailure::Refund,
		rerun_of: None,
		max_price: 10,
		fee: 0,
		tokens: 0,
		rows: 0,
		reply: None,
		submitted: 1,
		deadline: 20,
		awarded: None,
		ended: None,
	}
}

fn block(number: u64) -> Hash {
	Hash::from_low_u64_be(number)
}

/// Blocks 0, 1, 2, … and then silence: a stream that does not end, as on a live node.
fn live(blocks: u64) -> BoxStream<'static, Hash> {
	stream::iter(0..blocks)
		.map(block)
		.chain(stream::pending())
		.boxed()
}

/// Views told to a subscriber, where `states` says what each block holds.
fn told(blocks: BoxStream<'static, Hash>, states: Vec<Option<JobState>>) -> Vec<JobState> {
	let states: BTreeMap<Hash, Option<JobState>> = (0..).map(block).zip(states).collect();
	let views = changes(
		blocks,
		move |at| states[&at].map(view),
		|view| view.state.is_final(),
	);
	block_on(views.map(|view| view.state).collect())
}

#[test]
fn an_unchanged_view_is_told_once() {
	let running = JobState::Running { pipeline: 2 };
	let waiting = JobState::Waiting;
	let states = [waiting, waiting, running, running, JobState::Settled]
		.map(Some)
		.to_vec();
	assert_eq!(told(live(5), states), [waiting, running, JobState::Settled]);
}

#[test]
fn the_first_final_view_ends_the_subscription() {
	let refunded = JobState::Refunded(Refund::Cancelled);
	let states = [JobState::Waiting, refunded, JobState::Settled]
		.map(Some)
		.to_vec();
	assert_eq!(told(live(3), states), [JobState::Waiting, refunded]);
}

#[test]
fn a_job_that_is_final_already_is_told_once() {
	assert_eq!(
		told(live(1), vec![Some(JobState::Settled)]),
		[JobState::Settled]
	);
}

#[test]
fn a_block_without_the_job_is_passed_over() {
	let states = vec![
		Some(JobState::Waiting),
		None,
		Some(JobState::Waiting),
		Some(JobState::Settled),
	];
	assert_eq!(
		told(live(4), states),
		[JobState::Waiting, JobState::Settled]
	);
}

#[test]
fn the_subscription_ends_with_the_blocks() {
	let blocks = stream::iter(0..2).map(block).boxed();
	let states = vec![
		Some(JobState::Waiting),
		Some(JobState::Running { pipeline: 0 }),
	];
	assert_eq!(told(blocks, states).len(), 2);
}

#[test]
fn views_are_json_in_camel_case_with_planck_as_text() {
	let json = serde_json::to_value(view(JobState::Refunded(Refund::NotAwarded))).unwrap();
	assert_eq!(json["maxPrice"], "10");
	assert_eq!(json["state"]["kind"], "refunded");
	let back: JobView = serde_json::from_value(json).unwrap();
	assert_eq!(back.state, JobState::Refunded(Refund::NotAwarded));
}
