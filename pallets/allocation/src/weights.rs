//! What calls and hooks cost. The runtime has the measured figures.

use frame_support::weights::Weight;

/// Weights with the largest plan.
pub trait WeightInfo {
	/// `submit_plan`.
	fn submit_plan() -> Weight;
	/// `ready`.
	fn ready() -> Weight;
	/// `close`.
	fn close() -> Weight;
	/// `leave`.
	fn leave() -> Weight;
	/// `compete`.
	fn compete() -> Weight;
	/// One step of the sweep.
	fn sweep() -> Weight;
}

/// For mocks: figures that tell the calls apart, and mean nothing.
impl WeightInfo for () {
	fn submit_plan() -> Weight {
		Weight::from_parts(1_000, 1)
	}
	fn ready() -> Weight {
		Weight::from_parts(2_000, 2)
	}
	fn close() -> Weight {
		Weight::from_parts(3_000, 3)
	}
	fn leave() -> Weight {
		Weight::from_parts(4_000, 4)
	}
	fn compete() -> Weight {
		Weight::from_parts(6_000, 6)
	}
	fn sweep() -> Weight {
		Weight::from_parts(5_000, 5)
	}
}
