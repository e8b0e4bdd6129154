//! A worker's side of the capacity rounds: it seals a bid, keeps the salt, and reveals.
//!
//! A bid that is sealed and not revealed loses its deposit, so everything here serves the reveal: offer and
//! salt are on disk before the bid is sent, nothing is sealed whose reveal could not be paid for or would be
//! refused, and at every block the bidder reads where its bids stand and does what is still open. A restart,
//! a lost node or a fork therefore costs time only. What a round is and who wins it is the chain's affair
//! (`dllm_primitives::capacity`); plans for the winners are [`crate::planning`]'s.
//!
//! | file | duty |
//! |---|---|
//! | `options` | what the configuration says |
//! | `offer` | whether it bids in a round, and what |
//! | `safe` | offers and salts on disk |
//! | `bidder` | what is to be done after a block |
//! | `auctioneer` | the chain, as the bidder sees it |

mod auctioneer;
mod bidder;
mod offer;
mod options;
mod safe;

pub use auctioneer::{Auctioneer, OnChain, Seen, Sight};
pub use bidder::{step, Bidder, Step};
pub use offer::{offer, Declined, Means, FOR_FEES};
pub use options::{BadOption, Options, Rules};
pub use safe::{Record, Safe, SafeError};

use crate::chain::next_look;

/// Bids at every block; never ends. Without a bidder it only waits.
pub async fn follow(bidder: Option<Bidder>) {
	let Some(mut bidder) = bidder else {
		return std::future::pending().await;
	};
	let mut best = bidder.auctioneer().chain.best();
	loop {
		best.borrow_and_update();
		if let Err(error) = bidder.look().await {
			tracing::warn!(%error, "the capacity rounds cannot be read");
		}
		next_look(&mut best, bidder.ended()).await;
	}
}
