//! The index of workers that may be drawn to break a tie: the active ones in the verifier role, numbered
//! without a gap, so that a draw costs a bounded number of look-ups however large the pool is.

use crate::{Config, Pallet, VerifierAt, VerifierCount, VerifierNumber, Workers};
use dllm_primitives::ids::Digest;

/// Candidates that a draw looks at: enough to pass by the few that are excluded or too small, and
/// cheap enough for a block in which several ties are broken.
pub const MAX_LOOKS: u32 = 64;

impl<T: Config> Pallet<T> {
	/// The first fit candidate from a start that the seed names, round the index.
	pub(crate) fn draw(
		seed: Digest,
		excluded: &[T::AccountId],
		memory: u64,
	) -> Option<T::AccountId> {
		let count = VerifierCount::<T>::get();
		let start = start_of(seed, count)?;
		let numbers = (start..count).chain(0..start).take(MAX_LOOKS as usize);
		numbers.filter_map(VerifierAt::<T>::get).find(|who| {
			Workers::<T>::get(who).is_some_and(|worker| {
				worker.spec.memory >= memory && !excluded.contains(&worker.operator)
			})
		})
	}

	/// Takes a worker into the index or out of it; nothing changes where it is so already.
	pub(crate) fn index_verifier(who: &T::AccountId, drawable: bool) {
		match (VerifierNumber::<T>::get(who), drawable) {
			(None, true) => {
				let number = VerifierCount::<T>::get();
				VerifierAt::<T>::insert(number, who);
				VerifierNumber::<T>::insert(who, number);
				VerifierCount::<T>::put(number.saturating_add(1));
			}
			(Some(number), false) => Self::drop_verifier(who, number),
			_ => {}
		}
	}

	/// The last one of the index takes the number of the one that goes.
	fn drop_verifier(who: &T::AccountId, number: u32) {
		let last = VerifierCount::<T>::get().saturating_sub(1);
		VerifierCount::<T>::put(last);
		VerifierNumber::<T>::remove(who);
		let moved = VerifierAt::<T>::take(last);
		if let Some(moved) = moved.filter(|_| number != last) {
			VerifierNumber::<T>::insert(&moved, number);
			VerifierAt::<T>::insert(number, moved);
		}
	}
}

/// A number below `count`, all but evenly spread over the seeds; none where there is none.
fn start_of(seed: Digest, count: u32) -> Option<u32> {
	// In the runtime's wasm `H256` has no `to_low_u64_be`.
	let low = u64::from_be_bytes(*seed.0.last_chunk()?).checked_rem(count.into())?;
	u32::try_from(low).ok()
}
