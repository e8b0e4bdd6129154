//! Two pipelines of one model at one price: the chain learns from their jobs how fast they are, and sends the
//! next ones where they are over first.

use crate::{cast::*, chain::Chain};
use dllm_primitives::{
	ids::{JobId, PipelineId},
	job::JobState,
};
use dllm_runtime::views;

/// A second pipeline of the same workers, with the same prices and slots.
pub const OTHER: PipelineId = PIPELINE + 1;

pub fn with_two_pipelines() -> Chain {
	let mut chain = with_pipeline();
	let submit = pallet_allocation::Call::submit_plan { plan: plan() };
	chain.block([("Bob", submit.into())]);
	for who in STAGES.concat() {
		let ready = pallet_allocation::Call::ready { pipeline: OTHER };
		chain.block([(who, ready.into())]);
	}
	chain
}

/// Runs a job that waits for its leads: they commit in the last of so many blocks.
fn serve(chain: &mut Chain, job: JobId, blocks: u32) {
	let lead = (job % 2) as usize;
	let workers = |at: usize| STAGES.map(|stage| stage[at]);
	let [entry, first, second] = workers(lead);
	chain.skip(blocks - 1);
	chain.block([
		commit_reply(entry, job, roots(0)),
		commit(first, job, 1, roots(1)),
		commit(second, job, 2, roots(2)),
	]);
	drawn(chain);
	let [entry, first, second] = workers(1 - lead);
	chain.block([
		commit(entry, job, 0, roots(0)),
		commit(first, job, 1, roots(1)),
		commit(second, job, 2, roots(2)),
	]);
	for (stage, workers) in (0..).zip(STAGES) {
		chain.block(workers.map(|who| reveal(who, job, stage, roots(stage))));
	}
	let job = chain.read(|| views::job(job).unwrap());
	assert_eq!(job.state, JobState::Settled);
}

/// Rows in flight and pace of both pipelines.
fn loads(chain: &mut Chain) -> [(u64, Option<u64>); 2] {
	let pipelines = chain.read(|| views::pipelines(MODEL));
	let load = |at: usize| (pipelines[at].in_flight, pipelines[at].pace);
	[load(0), load(1)]
}

fn pipeline_of(chain: &mut Chain, job: JobId) -> Option<PipelineId> {
	chain.read(|| views::receipt(job).unwrap().pipeline)
}

#[test]
fn jobs_show_how_fast_their_pipeline_is_and_the_next_go_where_they_are_over_first() {
	let mut chain = with_two_pipelines();
	assert_eq!(loads(&mut chain), [(0, None), (0, None)]);

	// One block for 61 rows; the blocks of the verdict do not count.
	chain.block([submit_public()]);
	assert_eq!(loads(&mut chain), [(200, None), (0, None)]);
	serve(&mut chain, 0, 1);
	assert_eq!(loads(&mut chain), [(0, Some(61_000)), (0, None)]);

	// The other one is tried, and takes three.
	chain.block([submit_public()]);
	assert_eq!(pipeline_of(&mut chain, 1), Some(OTHER));
	serve(&mut chain, 1, 3);
	assert_eq!(loads(&mut chain), [(0, Some(61_000)), (0, Some(20_333))]);

	// Twice 200 rows are over sooner in the first than 200 in the other; then its slots are taken.
	chain.block([submit_public(), submit_public(), submit_public()]);
	let taken = [2, 3, 4].map(|job| pipeline_of(&mut chain, job));
	assert_eq!(taken, [Some(PIPELINE), Some(PIPELINE), Some(OTHER)]);
	let in_flight = loads(&mut chain).map(|(rows, _)| rows);
	assert_eq!(in_flight, [400, 200]);
}

#[test]
fn a_pipeline_whose_workers_do_not_deliver_is_known_to_get_nothing_done() {
	let mut chain = with_two_pipelines();
	chain.block([submit_public()]);
	// Its deadline passes, and the time to tell who stopped it.
	overdue_in_silence(&mut chain, 0);
	assert_eq!(loads(&mut chain), [(0, Some(0)), (0, None)]);
	chain.block([submit_public()]);
	assert_eq!(pipeline_of(&mut chain, 1), Some(OTHER));
	serve(&mut chain, 1, 3);
	chain.block([submit_public()]);
	assert_eq!(pipeline_of(&mut chain, 2), Some(OTHER));
}
