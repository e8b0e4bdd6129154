//! What workers measured of the way to each other: each keeps one report, which ages out, and goes with its
//! worker. Two ends that disagree are settled by [`dllm_primitives::links::merge`]; whom most of its neighbours
//! contradict loses rank.

use crate::{Config, Error, Event, LinkReports, Pallet, WorkerOf, Workers};
use alloc::{collections::BTreeSet, vec::Vec};
use dllm_primitives::{
	links::{is_contradicted, merge, Link, Links, Probed, Report},
	miner::WorkerState,
};
use frame_support::{ensure, traits::Get};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Saturating, DispatchResult};

/// A link of this runtime.
pub type LinkOf<T> = Link<<T as frame_system::Config>::AccountId, BlockNumberFor<T>>;

impl<T: Config> Pallet<T> {
	pub(crate) fn do_report_links(who: T::AccountId, links: Links<T::AccountId>) -> DispatchResult {
		let worker = Self::registered(&who)?;
		ensure!(worker.state == WorkerState::Active, Error::<T>::NotActive);
		let block = frame_system::Pallet::<T>::block_number();
		let rested = LinkReports::<T>::get(&who)
			.is_none_or(|last| block.saturating_sub(last.block) >= T::LinkReportPause::get());
		ensure!(rested, Error::<T>::TooEarly);
		Self::check_links(&who, &links)?;
		let mut witnesses = Vec::new();
		for link in &links {
			let peer = Workers::<T>::get(&link.peer).ok_or(Error::<T>::UnknownPeer)?;
			witnesses.extend(Self::witness(&who, &worker, link, peer));
		}

		if let Some(contradicted) = is_contradicted(witnesses) {
			Self::note_report(&who, contradicted);
		}
		let count = links.len() as u32;
		LinkReports::<T>::insert(&who, Report { block, links });
		Self::deposit_event(Event::LinksReported {
			worker: who,
			links: count,
		});
		Ok(())
	}

	/// The operator of the other end of a link, and whether what that end reported of late contradicts the
	/// link. None where it reports nothing of it, is of the same operator, or has no work to its name: an account
	/// with a bond and nothing else is no witness.
	fn witness(
		who: &T::AccountId,
		worker: &WorkerOf<T>,
		link: &Probed<T::AccountId>,
		peer: WorkerOf<T>,
	) -> Option<(T::AccountId, bool)> {
		if peer.operator == worker.operator || peer.passed == 0 {
			return None;
		}
		let now = frame_system::Pallet::<T>::block_number();
		let report = LinkReports::<T>::get(&link.peer)?;
		if now.saturating_sub(report.block) > T::LinkReportLifetime::get() {
			return None;
		}
		let back = report.links.iter().find(|back| back.peer == *who)?;
		Some((peer.operator, back.reading.contradicts(&link.reading)))
	}

	/// Whether a report can be true as far as it is alone.
	pub(crate) fn check_links(who: &T::AccountId, links: &Links<T::AccountId>) -> DispatchResult {
		let mut peers = BTreeSet::new();
		for link in links {
			ensure!(link.peer != *who, Error::<T>::LinkToItself);
			ensure!(peers.insert(&link.peer), Error::<T>::DuplicateLink);
			ensure!(
				link.reading.implausible().is_none(),
				Error::<T>::ImplausibleLink
			);
		}
		Ok(())
	}

	/// Whether a worker reported its links once and does so no longer: it is off, as far as the chain can see. Of who
	/// never reported nothing is known.
	pub(crate) fn has_stopped_reporting(who: &T::AccountId) -> bool {
		let now = frame_system::Pallet::<T>::block_number();
		let report = LinkReports::<T>::get(who);
		report.is_some_and(|last| now.saturating_sub(last.block) > T::LinkReportLifetime::get())
	}

	/// Links between registered workers that an end reported of late, and the workers that reported once, do
	/// so no longer, and are named by nobody who does. Reads every report.
	pub fn links() -> (Vec<LinkOf<T>>, Vec<T::AccountId>) {
		let now = frame_system::Pallet::<T>::block_number();
		let lifetime = T::LinkReportLifetime::get();
		let (fresh, stale): (Vec<_>, Vec<_>) = LinkReports::<T>::iter()
			.partition(|(_, report)| now.saturating_sub(report.block) <= lifetime);
		let mut links = merge(fresh);
		// A peer may have left since.
		links.retain(|link| link.ends.iter().all(Workers::<T>::contains_key));
		let answering = links.iter().flat_map(|link| &link.ends);
		let answering = answering.collect::<BTreeSet<_>>();
		let mut silent = stale.into_iter().map(|(who, _)| who).collect::<Vec<_>>();
		silent.retain(|who| !answering.contains(who));
		silent.sort();
		(links, silent)
	}
}
