//! Where the node stands, once a block.

use super::metrics;
use crate::chain::{Chain, ChainError};
use std::time::Duration;
use tokio::time::timeout;

/// Without a new block the node is asked again after this time: four slots.
const ASK_AGAIN: Duration = Duration::from_secs(12);
/// A node that does not answer for this long counts as away. A read waits while the connection is made
/// again, so that a lost node shows as time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keeps the numbers about the node; never ends.
pub async fn watch_chain(chain: Chain) {
	let mut best = chain.best();
	loop {
		best.borrow_and_update();
		match timeout(PATIENCE, look(&chain)).await {
			Ok(Ok(())) => metrics().node_up.set(1),
			Ok(Err(error)) => {
				metrics().node_up.set(0);
				tracing::debug!(%error, "the node does not say where it stands");
			}
			Err(_) => metrics().node_up.set(0),
		}
		// The sender ends with the chain only, which this task holds; then there is only the pause.
		let _ = timeout(ASK_AGAIN, best.changed()).await;
	}
}

async fn look(chain: &Chain) -> Result<(), ChainError> {
	let best = u64::from(chain.best().borrow().number);
	let (milliseconds, final_block, highest) = tokio::try_join!(
		chain.timestamp(),
		chain.final_block(),
		chain.highest_known()
	)?;
	let metrics = metrics();
	metrics.best_block.set(best);
	metrics.final_block.set(final_block.number.into());
	metrics
		.lag_blocks
		.set(u64::from(highest).saturating_sub(best));
	metrics.best_block_time.set(milliseconds as f64 / 1000.0);
	Ok(())
}
