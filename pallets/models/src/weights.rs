//! What the calls cost. The runtime has the measured figures.

use frame_support::weights::Weight;

/// Weights of the calls.
pub trait WeightInfo {
	/// `register` of a model with `l` layers.
	fn register(l: u32) -> Weight;
	/// `activate`.
	fn activate() -> Weight;
	/// `retire`.
	fn retire() -> Weight;
	/// `register_adapter`.
	fn register_adapter() -> Weight;
	/// `retire_adapter`.
	fn retire_adapter() -> Weight;
}

/// For mocks: figures that tell the calls apart, and mean nothing.
impl WeightInfo for () {
	fn register(l: u32) -> Weight {
		let each = Weight::from_parts(100, 1).saturating_mul(l.into());
		Weight::from_parts(1_000, 1).saturating_add(each)
	}
	fn activate() -> Weight {
		Weight::from_parts(2_000, 2)
	}
	fn retire() -> Weight {
		Weight::from_parts(3_000, 3)
	}
	fn register_adapter() -> Weight {
		Weight::from_parts(4_000, 4)
	}
	fn retire_adapter() -> Weight {
		Weight::from_parts(5_000, 5)
	}
}
