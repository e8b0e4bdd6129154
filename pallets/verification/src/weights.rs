//! What the calls and the deadlines of the pallet cost. The runtime has the measured figures.
//!
//! `s` is the number of stages. Whatever may end a trial counts as if it did so in the costliest way.

use frame_support::weights::Weight;

/// Weights for a trial of `s` stages.
pub trait WeightInfo {
	/// A commitment, the last one of its phase.
	fn commit(s: u32) -> Weight;
	/// The same with a reply.
	fn commit_reply(s: u32) -> Weight;
	/// An opening that ends the trial.
	fn reveal(s: u32) -> Weight;
	/// The attestation that ends the trial.
	fn attest(s: u32) -> Weight;
	/// A move of a dispute with 1,024 digests, as the costliest of those that show or choose some; without
	/// what follows when it ends the round.
	fn dispute_level() -> Weight;
	/// A claim about the longest product, as the costliest of all that tell a value; the same.
	fn dispute_claim() -> Weight;
	/// A receipt of a hop with the signatures of both ends.
	fn show_receipt(s: u32) -> Weight;
	/// Rows that are compared with those of the other worker, as many as may be, and end the trial.
	fn show_rows(s: u32) -> Weight;
	/// A winning lot, the last one of its phase.
	fn summon(s: u32) -> Weight;
	/// A block without a deadline.
	fn expire_none() -> Weight;
	/// The end of a breaker that holds nothing.
	fn uphold() -> Weight;
	/// The same, with so many workers that get back what they lost.
	fn pardon(r: u32) -> Weight;
	/// A deadline that ends the trial.
	fn expire(s: u32) -> Weight;
	/// A deadline after which a third worker is drawn for every stage.
	fn expire_and_draw(s: u32) -> Weight;
}

/// For mocks: figures that tell the calls apart, and mean nothing.
impl WeightInfo for () {
	fn commit(s: u32) -> Weight {
		Weight::from_parts(1_000, 1).saturating_mul(s.into())
	}
	fn commit_reply(s: u32) -> Weight {
		Weight::from_parts(2_000, 2).saturating_mul(s.into())
	}
	fn reveal(s: u32) -> Weight {
		Weight::from_parts(3_000, 3).saturating_mul(s.into())
	}
	fn attest(s: u32) -> Weight {
		Weight::from_parts(5_000, 5).saturating_mul(s.into())
	}
	fn dispute_level() -> Weight {
		Weight::from_parts(8_000, 8)
	}
	fn dispute_claim() -> Weight {
		Weight::from_parts(9_000, 9)
	}
	fn show_receipt(s: u32) -> Weight {
		Weight::from_parts(12_000, 12).saturating_mul(s.into())
	}
	fn show_rows(s: u32) -> Weight {
		Weight::from_parts(14_000, 14).saturating_mul(s.into())
	}
	fn summon(s: u32) -> Weight {
		Weight::from_parts(13_000, 13).saturating_mul(s.into())
	}
	fn expire_none() -> Weight {
		Weight::from_parts(100, 1)
	}
	fn uphold() -> Weight {
		Weight::from_parts(10_000, 10)
	}
	fn pardon(r: u32) -> Weight {
		Weight::from_parts(11_000, 11).saturating_mul(u64::from(r).saturating_add(1))
	}
	fn expire(s: u32) -> Weight {
		Weight::from_parts(6_000, 6).saturating_mul(s.into())
	}
	fn expire_and_draw(s: u32) -> Weight {
		Weight::from_parts(7_000, 7).saturating_mul(s.into())
	}
}
