//! What the calls and steps of both markets cost. The runtime has the measured figures.

use frame_support::weights::Weight;

/// Weights of the calls and steps.
pub trait WeightInfo {
	/// Reads `j` waiting jobs, prices and sorts them.
	fn consider(j: u32) -> Weight;
	/// Reads a model and its pipelines.
	fn model() -> Weight;
	/// Takes a slot, awards the job and opens its trial.
	fn award() -> Weight;
	/// `open_round`.
	fn open_round() -> Weight;
	/// `commit`.
	fn commit() -> Weight;
	/// `reveal`.
	fn reveal() -> Weight;
	/// A block in which no round is due.
	fn no_deadline() -> Weight;
	/// Clears a round of `b` bids.
	fn clear_round(b: u32) -> Weight;
	/// Closes a round of `w` winners and lets a plan stand.
	fn close_round(w: u32) -> Weight;
	/// Burns the deposit of one bid.
	fn forfeit() -> Weight;
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
	fn open_round() -> Weight {
		Weight::from_parts(4_000, 4)
	}
	fn commit() -> Weight {
		Weight::from_parts(5_000, 5)
	}
	fn reveal() -> Weight {
		Weight::from_parts(6_000, 6)
	}
	fn no_deadline() -> Weight {
		Weight::from_parts(70, 1)
	}
	fn clear_round(b: u32) -> Weight {
		Weight::from_parts(8_000, 1)
			.saturating_add(Weight::from_parts(10, 1).saturating_mul(b.into()))
	}
	fn close_round(w: u32) -> Weight {
		Weight::from_parts(9_000, 1)
			.saturating_add(Weight::from_parts(20, 1).saturating_mul(w.into()))
	}
	fn forfeit() -> Weight {
		Weight::from_parts(900, 1)
	}
}
