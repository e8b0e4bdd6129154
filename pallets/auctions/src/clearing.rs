//! What the chain does of a capacity round by itself: it clears the bids, closes the plan window, and burns
//! the deposits of bids that were not revealed. At most one round has a deadline in a block.

use crate::{
	capacity::RoundOf,
	pallet::{Agenda, Bids, Config, Event, HoldReason, Overdue, Pallet, Rounds, Sealed, Winners},
	WeightInfo,
};
use alloc::{collections::BTreeMap, vec::Vec};
use dllm_primitives::{
	capacity::{self, Won},
	flow::{ModelCatalog, RoundPlans, Tender},
	ids::ModelId,
};
use frame_support::{
	defensive,
	traits::{
		fungible::MutateHold,
		tokens::{Fortitude, Precision},
	},
	weights::{Weight, WeightMeter},
	BoundedVec,
};
use frame_system::pallet_prelude::BlockNumberFor;

impl<T: Config> Pallet<T> {
	/// Takes the step that is due in this block, and answers what it weighs.
	pub(crate) fn keep_deadline(now: BlockNumberFor<T>) -> Weight {
		let due = Agenda::<T>::take(now).and_then(|model| Some((model, Rounds::<T>::get(model)?)));
		let Some((model, round)) = due else {
			return T::WeightInfo::no_deadline();
		};
		if round.cleared {
			let winners = Self::close(model, round);
			return T::WeightInfo::close_round(winners);
		}
		let bids = Self::clear(model, round);
		T::WeightInfo::clear_round(bids)
	}

	/// Clears the bids of a round; a round that cannot buy all that it asked for is over. Answers how many
	/// bids there were.
	fn clear(model: ModelId, mut round: RoundOf<T>) -> u32 {
		let revealed = Bids::<T>::take(model);
		let count = revealed.len() as u32;
		if round.sealed > count && Overdue::<T>::try_append(round.id).is_err() {
			defensive!("more rounds than may be open");
		}
		let layers = T::Models::active(model).map_or(0, |model| model.spec.layers.len() as u32);
		let demand = round.terms.demand(layers);
		let devices: BTreeMap<_, _> = revealed
			.iter()
			.map(|revealed| (&revealed.bid.who, revealed))
			.collect();
		let bids: Vec<_> = revealed.iter().map(|one| one.bid.clone()).collect();
		let winners: Vec<_> = capacity::clear(&bids, &demand)
			.into_iter()
			.filter_map(|winner| {
				let revealed = devices.get(&winner.who)?;
				Some(Won {
					price: winner.price(),
					slots: winner.slots,
					operator: revealed.bid.operator.clone(),
					device: revealed.device,
					who: winner.who,
				})
			})
			.collect();
		let bought = winners
			.iter()
			.fold(0u32, |sum, won| sum.saturating_add(won.slots));
		let wanted = demand.slots;
		if bought < wanted || wanted == 0 {
			Agenda::<T>::remove(round.closes);
			Rounds::<T>::remove(model);
			Self::deposit_event(Event::RoundFailed {
				round: round.id,
				model,
				bought,
				wanted,
			});
			return count;
		}
		Self::deposit_event(Event::RoundCleared {
			round: round.id,
			model,
			winners: winners.len() as u32,
			slots: bought,
		});
		Winners::<T>::insert(model, BoundedVec::truncate_from(winners));
		round.cleared = true;
		Rounds::<T>::insert(model, round);
		count
	}

	/// Ends a round with the best of its plans. Answers how many winners it had.
	fn close(model: ModelId, round: RoundOf<T>) -> u32 {
		let winners = Winners::<T>::take(model).into_inner();
		let count = winners.len() as u32;
		Rounds::<T>::remove(model);
		let tender = Tender {
			round: round.id,
			terms: round.terms,
			winners,
		};
		let pipeline = T::Book::close_window(model, tender);
		Self::deposit_event(Event::RoundClosed {
			round: round.id,
			model,
			pipeline,
		});
		count
	}

	/// Burns deposits of bids that were not revealed in time, the oldest round first, within the weight of
	/// `meter`.
	pub(crate) fn burn_overdue(meter: &mut WeightMeter) {
		while meter.can_consume(T::WeightInfo::forfeit()) {
			let Some(round) = Overdue::<T>::get().first().copied() else {
				return;
			};
			meter.consume(T::WeightInfo::forfeit());
			let Some((bidder, sealed)) = Sealed::<T>::drain_prefix(round).next() else {
				Overdue::<T>::mutate(|rounds| {
					rounds.retain(|other| *other != round);
				});
				continue;
			};
			let burned = T::Currency::burn_held(
				&HoldReason::Bid.into(),
				&bidder,
				sealed.deposit,
				Precision::BestEffort,
				Fortitude::Force,
			);
			Self::deposit_event(Event::BidForfeited {
				round,
				bidder,
				burned: burned.unwrap_or(0),
			});
		}
	}
}
