//! What calls and hooks cost. The runtime has the measured figures. What an award costs is in the auction's
//! weights, and what the end of a trial costs in those of verification.

use frame_support::weights::Weight;

/// Weights of the calls and of the hook.
pub trait WeightInfo {
	/// `submit`.
	fn submit() -> Weight;
	/// `submit_with`.
	fn submit_with() -> Weight;
	/// `cancel`.
	fn cancel() -> Weight;
	/// The hook of a block that refunds `e` expired jobs and drops `p` old records.
	fn on_initialize(e: u32, p: u32) -> Weight;
}

/// For mocks: figures that tell the calls apart, and mean nothing.
impl WeightInfo for () {
	fn submit() -> Weight {
		Weight::from_parts(1_000, 1)
	}
	fn submit_with() -> Weight {
		Weight::from_parts(1_500, 1)
	}
	fn cancel() -> Weight {
		Weight::from_parts(2_000, 2)
	}
	fn on_initialize(e: u32, p: u32) -> Weight {
		Weight::from_parts(3_000, 3)
			.saturating_add(Weight::from_parts(400, 4).saturating_mul(e.into()))
			.saturating_add(Weight::from_parts(500, 5).saturating_mul(p.into()))
	}
}
