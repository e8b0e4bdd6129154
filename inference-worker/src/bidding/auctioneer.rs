//! The chain, as a bidder sees it: rounds, its own bids in them, and what it has to bid with.

use crate::chain::{calls, AccountId32, Chain, ChainError, Submitter};
use dllm_primitives::{
	api::{BidState, ModelView, RoundView, WorkerView},
	capacity::{Offer, RoundId},
	ids::{Digest, ModelId},
};
use std::future::Future;

/// A round in progress.
#[derive(Clone, Debug)]
pub struct Seen {
	/// The round.
	pub round: RoundView,
	/// Its model.
	pub model: ModelView,
	/// This worker's bid in it.
	pub bid: Option<BidState>,
	/// Whether its opening is final. A seal names the round's number, which a fork could give to another one.
	pub settled: bool,
}

/// What there is to see after a block.
#[derive(Clone, Debug)]
pub struct Sight {
	/// Number of the block.
	pub number: u32,
	/// The rounds in progress.
	pub rounds: Vec<Seen>,
	/// This worker as the chain knows it.
	pub worker: Option<WorkerView>,
	/// Planck that it can spend.
	pub free: u128,
}

/// Shows rounds and takes bids. Clones are the same auctioneer.
pub trait Auctioneer: Clone + Send + Sync + 'static {
	/// Who bids.
	fn bidder(&self) -> &AccountId32;

	/// Everything that a bidder has to know, as of one block.
	fn look(&self) -> impl Future<Output = Result<Sight, ChainError>> + Send;

	/// Which of these rounds are over for good: no fork brings them back.
	fn over(
		&self,
		rounds: Vec<RoundId>,
	) -> impl Future<Output = Result<Vec<RoundId>, ChainError>> + Send;

	/// Seals a bid; answers the block that holds it.
	fn seal(
		&self,
		model: ModelId,
		seal: Digest,
	) -> impl Future<Output = Result<u32, ChainError>> + Send;

	/// Reveals one; answers the block that holds it.
	fn reveal(
		&self,
		model: ModelId,
		offer: Offer,
		salt: Digest,
	) -> impl Future<Output = Result<u32, ChainError>> + Send;
}

/// The chain behind a node.
#[derive(Clone)]
pub struct OnChain {
	/// The node.
	pub chain: Chain,
	/// Signs for this worker.
	pub submitter: Submitter,
}

impl Auctioneer for OnChain {
	fn bidder(&self) -> &AccountId32 {
		self.submitter.account().id()
	}

	async fn look(&self) -> Result<Sight, ChainError> {
		let block = *self.chain.best().borrow();
		let mut sight = Sight {
			number: block.number,
			rounds: Vec::new(),
			worker: None,
			free: 0,
		};
		let rounds = self.chain.rounds_at(block).await?;
		if rounds.is_empty() {
			return Ok(sight);
		}
		let settled = self.chain.final_block().await?;
		let settled = self.chain.rounds_at(settled).await?;
		for round in rounds {
			let bid = self.chain.bid_at(block, round.model, self.bidder()).await?;
			let same = |other: &RoundView| (other.id, other.model) == (round.id, round.model);
			let settled = settled.iter().any(same);
			// A model outlives its rounds.
			if let Some(model) = self.chain.model(round.model).await? {
				sight.rounds.push(Seen {
					round,
					model,
					bid,
					settled,
				});
			}
		}
		sight.worker = self.chain.worker(self.bidder()).await?;
		sight.free = self.chain.balance(self.bidder()).await?.free;
		Ok(sight)
	}

	async fn over(&self, rounds: Vec<RoundId>) -> Result<Vec<RoundId>, ChainError> {
		let block = self.chain.final_block().await?;
		let next = self.chain.next_round_at(block).await?;
		let going_on = self.chain.rounds_at(block).await?;
		let is_over = |id: &RoundId| *id < next && going_on.iter().all(|round| round.id != *id);
		Ok(rounds.into_iter().filter(is_over).collect())
	}

	async fn seal(&self, model: ModelId, seal: Digest) -> Result<u32, ChainError> {
		let included = self.submitter.submit(&calls::seal_bid(model, seal)).await?;
		Ok(included.block)
	}

	async fn reveal(&self, model: ModelId, offer: Offer, salt: Digest) -> Result<u32, ChainError> {
		let call = calls::reveal_bid(model, &offer, salt);
		Ok(self.submitter.submit(&call).await?.block)
	}
}
