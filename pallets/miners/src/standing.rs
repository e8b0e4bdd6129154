//! What verified work says of the workers: the record behind their rank.

use crate::{Config, Event, Pallet, Qualities, Workers};
use dllm_primitives::{rank::Quality, verdict::Verdict};
use sp_runtime::SaturatedConversion;

impl<T: Config> Pallet<T> {
	/// The rank of a worker now, in parts per million; 0 for who is not registered.
	pub fn rank_of(who: &T::AccountId) -> u32 {
		if !Workers::<T>::contains_key(who) {
			return 0;
		}
		let now = Self::now();
		Qualities::<T>::get(who)
			.unwrap_or(Quality::new(now))
			.rank(now)
	}

	/// A pass raises the rank, a missed deadline lowers it, a conviction ends it.
	pub(crate) fn note_verdict(who: &T::AccountId, verdict: Verdict) {
		let says_nothing = matches!(
			verdict,
			Verdict::Indeterminate | Verdict::Unchecked | Verdict::Pardoned
		);
		if says_nothing || !Workers::<T>::contains_key(who) {
			return;
		}
		let now = Self::now();
		let mut quality = Qualities::<T>::get(who).unwrap_or(Quality::new(now));
		match verdict {
			Verdict::Pass => quality.pass(now),
			Verdict::WorkerFault | Verdict::VerifierFault => quality.fail(now),
			Verdict::Cheat => quality.convict(now),
			Verdict::Indeterminate | Verdict::Unchecked | Verdict::Pardoned => {}
		}
		Qualities::<T>::insert(who, quality);
	}

	/// Its neighbours contradicted a worker's report of its links, or did not.
	pub(crate) fn note_report(who: &T::AccountId, contradicted: bool) {
		let known = Qualities::<T>::get(who);
		if known.is_none() && !contradicted {
			return;
		}
		let mut quality = known.unwrap_or(Quality::new(Self::now()));
		quality.hear(contradicted);
		if contradicted {
			Self::deposit_event(Event::ReportContradicted {
				worker: who.clone(),
				doubt: quality.doubt,
			});
		}
		Qualities::<T>::insert(who, quality);
	}

	fn now() -> u32 {
		frame_system::Pallet::<T>::block_number().saturated_into()
	}
}
