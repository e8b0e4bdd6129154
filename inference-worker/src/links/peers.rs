//! Whom a worker measures the way to: the members of its own pipelines, then others.
//!
//! Where there are more workers than links in a report, each pair of them has a lot, the same for both, and the
//! lowest lots are drawn: whom one end chooses is likely to be chosen by the other one too, and both ends count.

use crate::{chain::AccountId32, network::Peer};
use codec::Encode;
use dllm_primitives::api::{PipelineView, WorkerView};
use std::collections::BTreeSet;

/// A worker to be probed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
	/// Its account.
	pub worker: AccountId32,
	/// Where it is.
	pub peer: Peer,
}

/// The workers that `own` probes, `most` of them.
pub fn choose(
	own: &AccountId32,
	workers: &[WorkerView],
	pipelines: &[PipelineView],
	most: usize,
) -> Vec<Target> {
	let close = companions(own, pipelines);
	let mut others = workers
		.iter()
		.filter(|worker| worker.active && worker.account != *own)
		.filter_map(|worker| {
			let peer = Peer::from_chain(&worker.peer_id, &worker.addresses).ok()?;
			let worker = worker.account.clone();
			(!peer.addresses.is_empty()).then_some(Target { worker, peer })
		})
		.collect::<Vec<_>>();
	others.sort_by_cached_key(|target| {
		let far = !close.contains(&target.worker);
		(far, lot(own, &target.worker))
	});
	others.truncate(most);
	others
}

/// Everybody in a pipeline with `own`.
fn companions<'a>(own: &AccountId32, pipelines: &'a [PipelineView]) -> BTreeSet<&'a AccountId32> {
	let members = |pipeline: &'a PipelineView| {
		let stages = pipeline.stages.iter();
		stages
			.flat_map(|stage| &stage.workers)
			.collect::<BTreeSet<_>>()
	};
	let rings = pipelines.iter().map(members);
	rings.filter(|ring| ring.contains(own)).flatten().collect()
}

/// The lot of two workers.
fn lot(a: &AccountId32, b: &AccountId32) -> [u8; 32] {
	let pair = (a.min(b), a.max(b)).encode();
	*blake3::hash(&pair).as_bytes()
}
