//! What always holds of payments: the parts of every one add up to its fee.

use crate::{Config, Pallet, Payments};
use frame_support::ensure;
use sp_runtime::TryRuntimeError;

impl<T: Config> Pallet<T> {
	/// Checks every payment that stands.
	pub fn do_try_state() -> Result<(), TryRuntimeError> {
		for record in Payments::<T>::iter_values() {
			let lines = record
				.miners
				.iter()
				.chain(record.verifiers.iter())
				.map(|(_, part)| *part);
			let mut parts = lines.chain([record.treasury, record.burned]);
			let sum = parts.try_fold(0u128, |sum, part| sum.checked_add(part));
			ensure!(
				sum == Some(record.fee),
				"the parts of a payment do not add up to its fee"
			);
		}
		Ok(())
	}
}
