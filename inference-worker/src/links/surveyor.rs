//! Measures the links of a worker, again and again, and reports them when the chain's own record asks for it.

use super::{choose, Rules, Target, Window};
use crate::{
	chain::{calls, AccountId32, Chain, ChainError, Submitter},
	network::{probes, Network},
};
use dllm_primitives::links::{Links, Probed, Report};
use futures::StreamExt;
use std::{
	collections::{BTreeMap, BTreeSet},
	time::{Duration, Instant},
};
use tokio::time::timeout;

/// Visits at once: few, so that they do not slow each other down.
const AT_ONCE: usize = 4;
/// Longest time for a visit: two attempts to connect, the pings and a transfer.
const VISIT_TIMEOUT: Duration = Duration::from_secs(45);
/// A report is renewed after this part of the blocks for which it counts.
const RENEWALS: u32 = 4;

/// How often the chain takes reports, in blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
	/// From one to the next at least.
	pub pause: u32,
	/// For which one counts.
	pub lifetime: u32,
}

/// The windows of a worker's links.
pub struct Surveyor {
	network: Network,
	rules: Rules,
	windows: BTreeMap<AccountId32, Window>,
}

impl Surveyor {
	/// Knows nothing yet.
	pub fn new(network: Network, rules: Rules) -> Self {
		Self {
			network,
			rules,
			windows: BTreeMap::new(),
		}
	}

	/// From one survey to the next.
	pub fn period(&self) -> Duration {
		self.rules.period
	}

	/// Visits every target once, but those that rest; forgets everybody else.
	pub async fn measure(&mut self, targets: Vec<Target>) {
		let chosen = targets.iter().map(|target| target.worker.clone());
		let chosen = chosen.collect::<BTreeSet<_>>();
		self.windows.retain(|worker, _| chosen.contains(worker));
		let now = Instant::now();
		let visits = targets.into_iter().filter_map(|Target { worker, peer }| {
			let (network, known) = (self.network.clone(), self.windows.get(&worker));
			let transfer = known.is_none_or(|window| window.wants_transfer(now));
			known
				.is_none_or(|window| window.is_due(now))
				.then_some(async move {
					let visit = probes::visit(&network, &peer, transfer);
					(worker, timeout(VISIT_TIMEOUT, visit).await)
				})
		});
		// Made before the windows are written to.
		let visits = visits.collect::<Vec<_>>();
		let mut visits = futures::stream::iter(visits).buffer_unordered(AT_ONCE);
		while let Some((worker, visit)) = visits.next().await {
			let (now, period) = (Instant::now(), self.rules.period);
			let window = self.windows.entry(worker.clone()).or_default();
			match visit {
				Ok(Ok(visit)) => window.add(&visit, now),
				Ok(Err(error)) if error.is_busy() => {
					tracing::debug!(%worker, "has no time for probes now");
					window.refuse(now, period);
				}
				Ok(Err(error)) => {
					tracing::debug!(%worker, %error, "does not answer probes");
					window.miss(now, period);
				}
				Err(_) => window.miss(now, period),
			}
		}
	}

	/// What is known now.
	pub fn links(&self) -> Links<AccountId32> {
		let now = Instant::now();
		let known = self.windows.iter().filter_map(|(peer, window)| {
			Some(Probed {
				peer: peer.clone(),
				reading: window.reading(now)?,
			})
		});
		// There are no more targets than links in a report.
		Links::truncate_from(known.collect())
	}

	/// Measures, and reports where a report is due.
	pub async fn survey(
		&mut self,
		chain: &Chain,
		submitter: &Submitter,
		pace: Pace,
	) -> Result<(), ChainError> {
		let own = submitter.account().id();
		let workers = chain.workers().await?;
		let active = |account: &AccountId32| {
			let mut workers = workers.iter();
			workers.any(|worker| worker.account == *account && worker.active)
		};
		if !active(own) {
			return Ok(());
		}
		let mut pipelines = Vec::new();
		for model in chain.models().await? {
			pipelines.extend(chain.pipelines(model.id).await?);
		}
		self.measure(choose(own, &workers, &pipelines, self.rules.peers))
			.await;
		let links = self.links();
		let last = chain.link_report(own).await?;
		let number = chain.best().borrow().number;
		if !is_due(last.as_ref(), &links, number, pace) {
			return Ok(());
		}
		let included = submitter.submit(&calls::report_links(&links)).await?;
		tracing::debug!(
			links = links.len(),
			block = included.block,
			"links reported"
		);
		Ok(())
	}
}

/// Whether a worker reports after block `number`: where its last report is missing or grows old, or names
/// others than those that answer.
pub fn is_due(
	last: Option<&Report<AccountId32, u32>>,
	links: &Links<AccountId32>,
	number: u32,
	pace: Pace,
) -> bool {
	let Some(last) = last else {
		return true;
	};
	let peers = |links: &Links<AccountId32>| {
		let peers = links.iter().map(|link| link.peer.clone());
		peers.collect::<BTreeSet<_>>()
	};
	let age = number.saturating_sub(last.block);
	let renewed = age >= pace.lifetime / RENEWALS || peers(&last.links) != peers(links);
	age >= pace.pause && renewed
}
