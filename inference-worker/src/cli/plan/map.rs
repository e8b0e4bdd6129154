//! The map of links that workers keep on chain, as the planner reads it.

use crate::chain::address;
use dllm_planning::topology::Reported;
use dllm_primitives::{
	api::{LinkView, LinksView, WorkerView},
	cost::link::LinkFigures,
	links::Reading,
};

/// The links by the addresses of their ends.
pub fn links(map: &LinksView) -> impl Iterator<Item = Reported> + '_ {
	map.links.iter().map(|link| Reported {
		ends: [0, 1].map(|end| address(&link.ends[end])),
		figures: figures(link),
		by_both: is_by_both(link),
	})
}

/// Whether both ends of a link reported it.
fn is_by_both(link: &LinkView) -> bool {
	link.ages.iter().all(Option::is_some)
}

fn figures(link: &LinkView) -> LinkFigures {
	let reading = Reading {
		rtt_us: link.rtt_us,
		jitter_us: link.jitter_us,
		loss_ppm: link.loss_ppm,
		bytes_per_second: link.bytes_per_second,
	};
	reading.figures()
}

/// The workers that may be planned with: all but the silent ones, which are named.
pub fn without_silent(mut workers: Vec<WorkerView>, map: &LinksView) -> Vec<WorkerView> {
	let left_out = |worker: &WorkerView| worker.active && map.silent.contains(&worker.account);
	let names = workers.iter().filter(|worker| left_out(worker));
	let names = names.map(|worker| address(&worker.account));
	let names = names.collect::<Vec<_>>();
	if !names.is_empty() {
		eprintln!(
			"{} active workers report no links any more and answer nobody: they are left out until they do ({})",
			names.len(),
			names.join(", ")
		);
	}
	workers.retain(|worker| !left_out(worker));
	workers
}

/// How many links between two of these addresses one end alone vouches for.
pub fn vouched_by_one(map: &LinksView, names: &[&str]) -> usize {
	let known = |link: &&LinkView| {
		let mut ends = link.ends.iter();
		ends.all(|end| names.contains(&address(end).as_str()))
	};
	let links = map.links.iter().filter(known);
	let alone = links.filter(|link| !is_by_both(link));
	alone.count()
}
