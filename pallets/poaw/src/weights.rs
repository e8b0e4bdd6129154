//! What the calls cost. The runtime has the measured figures.

use frame_support::weights::Weight;

/// Weights of the calls.
pub trait WeightInfo {
	/// `propose_link`.
	fn propose_link() -> Weight;
	/// `accept_link`.
	fn accept_link() -> Weight;
	/// `end_link`.
	fn end_link() -> Weight;
	/// `set_rules`.
	fn set_rules() -> Weight;
	/// The turn of a session with `n` validators, beside what the session's own pallets do.
	fn turn(n: u32) -> Weight;
}

/// For mocks: figures that tell the calls apart, and mean nothing.
impl WeightInfo for () {
	fn propose_link() -> Weight {
		Weight::from_parts(1_000, 1)
	}
	fn accept_link() -> Weight {
		Weight::from_parts(2_000, 2)
	}
	fn end_link() -> Weight {
		Weight::from_parts(3_000, 3)
	}
	fn set_rules() -> Weight {
		Weight::from_parts(4_000, 4)
	}
	fn turn(n: u32) -> Weight {
		Weight::from_parts(5_000, 5).saturating_mul(n.into())
	}
}
