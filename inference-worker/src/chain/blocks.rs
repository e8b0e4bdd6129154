//! The head of the chain, followed over lost connections.

use super::{ChainError, Rpc, RETRY_FROM, RETRY_UP_TO};
use codec::Encode;
use sp_core::{Blake2Hasher, Hasher, H256};
use std::time::Duration;
use subxt::config::{substrate::SubstrateHeader, Header};
use tokio::sync::watch;

/// The best block that the node knows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BestBlock {
	/// Its number.
	pub number: u32,
	/// Its hash.
	pub hash: H256,
}

impl BestBlock {
	fn of(header: &SubstrateHeader<H256>) -> Self {
		let number = u32::try_from(header.number()).unwrap_or(u32::MAX);
		Self {
			number,
			hash: Blake2Hasher::hash(&header.encode()),
		}
	}
}

/// Starts to follow the head. The task ends when nobody listens any more.
pub(super) async fn follow(rpc: Rpc) -> Result<watch::Receiver<BestBlock>, ChainError> {
	let header = rpc.chain_get_header(None).await;
	let header = header.map_err(|error| ChainError::from_rpc(error, "its best block"))?;
	let header = header.ok_or_else(|| ChainError::Refused {
		what: "its best block".into(),
		reason: "it has none".into(),
	})?;
	let (sender, receiver) = watch::channel(BestBlock::of(&header));
	tokio::spawn(run(rpc, sender));
	Ok(receiver)
}

async fn run(rpc: Rpc, sender: watch::Sender<BestBlock>) {
	let mut pause = RETRY_FROM;
	loop {
		tokio::select! {
			_ = sender.closed() => return,
			blocks = listen(&rpc, &sender) => {
				pause = if blocks == 0 { (pause * 2).min(RETRY_UP_TO) } else { RETRY_FROM };
			},
		}
		tracing::warn!("lost the node; trying again");
		tokio::select! {
			_ = sender.closed() => return,
			_ = tokio::time::sleep(jittered(pause)) => {},
		}
	}
}

/// Passes on heads until the subscription ends; how many there were.
async fn listen(rpc: &Rpc, sender: &watch::Sender<BestBlock>) -> u32 {
	let mut heads = 0;
	let Ok(mut subscription) = rpc.chain_subscribe_new_heads().await else {
		return heads;
	};
	while let Some(Ok(header)) = subscription.next().await {
		sender.send_replace(BestBlock::of(&header));
		heads += 1;
	}
	heads
}

/// Spreads the workers of one node over a quarter of the pause.
fn jittered(pause: Duration) -> Duration {
	pause + pause.mul_f64(f64::from(std::process::id() % 100) / 400.0)
}
