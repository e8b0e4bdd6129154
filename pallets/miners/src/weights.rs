//! What the calls cost. The runtime has the measured figures.

use frame_support::weights::Weight;

/// Weights of the calls.
pub trait WeightInfo {
	/// `register`.
	fn register() -> Weight;
	/// `accept_worker`.
	fn accept_worker() -> Weight;
	/// `update`.
	fn update() -> Weight;
	/// `bond_extra`.
	fn bond_extra() -> Weight;
	/// `unbond`.
	fn unbond() -> Weight;
	/// `rebond`.
	fn rebond() -> Weight;
	/// `withdraw`.
	fn withdraw() -> Weight;
	/// `report_links` with this many links.
	fn report_links(n: u32) -> Weight;
}

/// For mocks: figures that tell the calls apart, and mean nothing.
impl WeightInfo for () {
	fn register() -> Weight {
		Weight::from_parts(1_000, 1)
	}
	fn accept_worker() -> Weight {
		Weight::from_parts(2_000, 2)
	}
	fn update() -> Weight {
		Weight::from_parts(3_000, 3)
	}
	fn bond_extra() -> Weight {
		Weight::from_parts(4_000, 4)
	}
	fn unbond() -> Weight {
		Weight::from_parts(5_000, 5)
	}
	fn rebond() -> Weight {
		Weight::from_parts(6_000, 6)
	}
	fn withdraw() -> Weight {
		Weight::from_parts(7_000, 7)
	}
	fn report_links(n: u32) -> Weight {
		Weight::from_parts(8_000, 8)
			.saturating_add(Weight::from_parts(10, 0).saturating_mul(n.into()))
	}
}
