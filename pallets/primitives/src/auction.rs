//! The job auction of a block, as a pure function: which waiting job goes to which pipeline.
//!
//! Pipelines post their price; a job takes the cheapest one that has a free slot and that its ceiling
//! can pay. Where slots are short, the jobs that offer most for a row come first, the earlier of two
//! equals before the later.

use crate::{
	ids::{JobId, ModelId, PipelineId},
	job::WaitingJob,
};
use alloc::vec::Vec;
use core::cmp::Ordering;

/// What a live pipeline offers in this block.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Offer {
	/// The pipeline.
	pub pipeline: PipelineId,
	/// Its model.
	pub model: ModelId,
	/// Slots that are free now.
	pub free_slots: u8,
}

/// A job that found a pipeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Award {
	/// The job.
	pub job: JobId,
	/// Its pipeline.
	pub pipeline: PipelineId,
}

/// Awards the waiting jobs of one block. The order of `jobs` and `offers` does not matter.
///
/// `fee` answers what a pipeline charges for a job at most, in planck; `None` where it cannot serve it.
pub fn award<BlockNumber: Ord + Copy>(
	jobs: &[WaitingJob<u128, BlockNumber>],
	offers: &[Offer],
	fee: impl Fn(&WaitingJob<u128, BlockNumber>, PipelineId) -> Option<u128>,
) -> Vec<Award> {
	let mut queue: Vec<_> = jobs.iter().collect();
	queue.sort_by(|a, b| by_bid(a, b));
	let mut offers = offers.to_vec();
	let mut awards = Vec::new();
	for job in queue {
		let cheapest = offers
			.iter_mut()
			.filter(|offer| offer.model == job.model && offer.free_slots > 0)
			.filter_map(|offer| fee(job, offer.pipeline).map(|fee| (fee, offer)))
			.filter(|(fee, _)| *fee <= job.max_price)
			.min_by_key(|(fee, offer)| (*fee, offer.pipeline));
		if let Some((_, offer)) = cheapest {
			offer.free_slots -= 1;
			awards.push(Award {
				job: job.id,
				pipeline: offer.pipeline,
			});
		}
	}
	awards
}

/// Highest bid for a row first, then the earlier block, then the lower number.
fn by_bid<B: Ord + Copy>(a: &WaitingJob<u128, B>, b: &WaitingJob<u128, B>) -> Ordering {
	let bid = |job: &WaitingJob<u128, B>| job.max_price / u128::from(job.rows.max(1));
	bid(b)
		.cmp(&bid(a))
		.then(a.submitted.cmp(&b.submitted))
		.then(a.id.cmp(&b.id))
}
