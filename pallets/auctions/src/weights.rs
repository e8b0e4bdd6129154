//! What the steps of an auction cost. The runtime has the measured figures.

use frame_support::weights::Weight;

/// Weights of the steps.
pub trait WeightInfo {
	/// Reads `j` waiting jobs, prices and sorts them.
	fn consider(j: u32) -> Weight;
	/// Reads a model and its pipelines.
	fn model() -> Weight;
	/// Takes a slot, awards the job and opens its trial.
	fn award() -> Weight;
}

/// For mocks: figures that tell the steps apart, and mean nothing.
impl WeightInfo for () {
	fn consider(j: u32) -> Weight {
		let each = Weight::from_parts(100, 1).saturating_mul(j.into());
		Weight::from_parts(1_000, 1).saturating_add(each)
	}
	fn model() -> Weight {
		Weight::from_parts(2_000, 2)
	}
	fn award() -> Weight {
		Weight::from_parts(3_000, 3)
	}
}
