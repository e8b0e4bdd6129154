//! What is stored of a capacity round.

use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use dllm_primitives::{
	capacity::{Bid, RoundId, Terms},
	cost::DeviceFigures,
	ids::Digest,
};
use scale_info::TypeInfo;

/// Rounds in progress, and rounds whose unrevealed bids are not all burned, at most together.
pub const MAX_ROUNDS: u32 = 32;
/// Blocks after the wished one among which a free one is sought for a deadline; more than the deadlines of
/// all rounds.
pub const SEARCH_BLOCKS: u32 = 2 * MAX_ROUNDS + 1;

/// A round in progress.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Round<BlockNumber> {
	/// Its number.
	pub id: RoundId,
	/// What it asks for.
	pub terms: Terms,
	/// Last block in which a bid is sealed.
	pub commit_until: BlockNumber,
	/// Block that clears it; bids are revealed before.
	pub clears: BlockNumber,
	/// Block that closes its plan window.
	pub closes: BlockNumber,
	/// Bids that were sealed.
	pub sealed: u32,
	/// Whether it is cleared.
	pub cleared: bool,
}

/// A bid that is not revealed.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct SealedBid {
	/// [`dllm_primitives::capacity::seal`] of the offer.
	pub seal: Digest,
	/// Planck on hold until it is revealed.
	pub deposit: u128,
}

/// A bid that is revealed.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Revealed<AccountId> {
	/// What counts for the clearing.
	pub bid: Bid<AccountId>,
	/// What counts for the plans.
	pub device: DeviceFigures,
}
