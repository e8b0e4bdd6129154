//! A worker's side of the map of links: it probes others, keeps a window of samples of each, and reports what
//! they say on chain, where the planner reads it.
//!
//! Like duties and bids, reports are level-triggered: after every survey the worker reads its last report on
//! chain and makes a new one if that is missing, grows old, or names others than those that answer. A restart
//! costs the samples, a fork or a lost node some time. What of two ends' reports counts is the chain's affair
//! (`dllm_primitives::links`); how probes cross the network is [`crate::network::probes`].
//!
//! | file | duty |
//! |---|---|
//! | `options` | what the configuration says |
//! | `peers` | whom it probes |
//! | `window` | samples of a link, and what they say |
//! | `surveyor` | probes, and reports when that is due |

mod options;
mod peers;
mod surveyor;
mod window;

pub use options::{BadOption, Options, Rules};
pub use peers::{choose, Target};
pub use surveyor::{is_due, Pace, Surveyor};
pub use window::Window;

use crate::chain::{Chain, ChainError, Submitter};
use tokio::time::sleep;

/// Surveys again and again; never ends. Without a surveyor it only waits.
pub async fn follow(surveyor: Option<Surveyor>, chain: Chain, submitter: Submitter) {
	let Some(mut surveyor) = surveyor else {
		return std::future::pending().await;
	};
	loop {
		let surveyed = async {
			let pace = pace(&chain).await?;
			surveyor.survey(&chain, &submitter, pace).await
		};
		if let Err(error) = surveyed.await {
			tracing::warn!(%error, "links are not reported; they are measured again");
		}
		sleep(surveyor.period()).await;
	}
}

/// How often the chain takes reports.
async fn pace(chain: &Chain) -> Result<Pace, ChainError> {
	Ok(Pace {
		pause: chain.constant("Miners", "LinkReportPause").await?,
		lifetime: chain.constant("Miners", "LinkReportLifetime").await?,
	})
}
