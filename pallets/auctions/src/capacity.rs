//! A capacity round up to its clearing: opened by the owner of a model, bid for in secret, revealed.

use crate::{
	pallet::{
		Agenda, Bids, Config, Error, Event, HoldReason, NextRound, Overdue, Pallet, Rounds, Sealed,
		Winners,
	},
	Revealed, Round, SealedBid, MAX_ROUNDS, SEARCH_BLOCKS,
};
use dllm_primitives::{
	capacity::{self, Bid, Offer, RoundId, Terms},
	flow::{CapacityRounds, Footing, ModelCatalog, Tender, WorkerPool, WorkerRanks},
	ids::{Digest, ModelId},
	miner::WorkerState,
	model::{Model, ModelSpec, ModelState},
	plan,
};
use frame_support::{
	ensure,
	traits::{
		fungible::{InspectHold, MutateHold},
		tokens::Precision,
		Get,
	},
};
use frame_system::pallet_prelude::BlockNumberFor;
use sp_runtime::{traits::Saturating, DispatchError, DispatchResult};

/// A round of this runtime.
pub(crate) type RoundOf<T> = Round<BlockNumberFor<T>>;

impl<T: Config> Pallet<T> {
	/// Opens a round and sets its deadlines.
	pub(crate) fn do_open_round(
		owner: T::AccountId,
		model: ModelId,
		terms: Terms,
	) -> DispatchResult {
		let catalogued = T::Models::model(model).ok_or(Error::<T>::UnknownModel)?;
		ensure!(catalogued.owner == owner, Error::<T>::NotModelOwner);
		Self::ensure_active(&catalogued)?;
		ensure!(terms.are_valid(), Error::<T>::InvalidTerms);
		ensure!(
			!Rounds::<T>::contains_key(model),
			Error::<T>::RoundInProgress
		);
		let busy = Rounds::<T>::count().saturating_add(Overdue::<T>::get().len() as u32);
		ensure!(busy < MAX_ROUNDS, Error::<T>::TooManyRounds);

		let now = frame_system::Pallet::<T>::block_number();
		let commit_until = now.saturating_add(terms.commit_blocks.into());
		let reveal_end = commit_until.saturating_add(terms.reveal_blocks.into());
		let clears = Self::free_block(reveal_end.saturating_add(1u32.into()))?;
		Agenda::<T>::insert(clears, model);
		let closes = Self::free_block(clears.saturating_add(terms.plan_blocks.into()))?;
		Agenda::<T>::insert(closes, model);

		let id = NextRound::<T>::get();
		NextRound::<T>::put(id.saturating_add(1));
		let round = Round {
			id,
			terms,
			commit_until,
			clears,
			closes,
			sealed: 0,
			cleared: false,
		};
		Rounds::<T>::insert(model, round);
		Self::deposit_event(Event::RoundOpened {
			round: id,
			model,
			terms,
		});
		Ok(())
	}

	/// Takes a sealed bid and its deposit.
	pub(crate) fn do_commit(bidder: T::AccountId, model: ModelId, seal: Digest) -> DispatchResult {
		let mut round = Rounds::<T>::get(model).ok_or(Error::<T>::NoRound)?;
		let now = frame_system::Pallet::<T>::block_number();
		ensure!(now <= round.commit_until, Error::<T>::NotCommitting);
		ensure!(
			!Sealed::<T>::contains_key(round.id, &bidder),
			Error::<T>::AlreadySealed
		);
		ensure!(
			round.sealed < T::MaxBidders::get(),
			Error::<T>::TooManyBidders
		);
		Self::miner(&bidder)?;

		let (reason, deposit) = (HoldReason::Bid.into(), round.terms.deposit);
		ensure!(
			T::Currency::can_hold(&reason, &bidder, deposit),
			Error::<T>::InsufficientFunds
		);
		T::Currency::hold(&reason, &bidder, deposit)?;
		Sealed::<T>::insert(round.id, &bidder, SealedBid { seal, deposit });
		round.sealed = round.sealed.saturating_add(1);
		let id = round.id;
		Rounds::<T>::insert(model, round);
		Self::deposit_event(Event::BidSealed { round: id, bidder });
		Ok(())
	}

	/// Opens a sealed bid, ranks it, and gives the deposit back.
	pub(crate) fn do_reveal(
		bidder: T::AccountId,
		model: ModelId,
		offer: Offer,
		salt: Digest,
	) -> DispatchResult {
		let round = Rounds::<T>::get(model).ok_or(Error::<T>::NoRound)?;
		let now = frame_system::Pallet::<T>::block_number();
		let revealing = now > round.commit_until && now < round.clears;
		ensure!(revealing, Error::<T>::NotRevealing);
		let sealed = Sealed::<T>::get(round.id, &bidder).ok_or(Error::<T>::NoSealedBid)?;
		let seal = capacity::seal(round.id, &bidder, &offer, &salt);
		ensure!(seal == sealed.seal, Error::<T>::SealBroken);
		let catalogued = T::Models::model(model).ok_or(Error::<T>::UnknownModel)?;
		let operator = Self::check_offer(&bidder, &offer, &round.terms, &catalogued.spec)?;

		let rank = T::Workers::rank(&bidder);
		let bid = Bid {
			who: bidder.clone(),
			operator,
			ask: offer.ask,
			capacity: offer.capacity,
			rank,
		};
		let revealed = Revealed {
			bid,
			device: offer.device,
		};
		Bids::<T>::try_append(model, revealed).map_err(|()| Error::<T>::TooManyBidders)?;
		Sealed::<T>::remove(round.id, &bidder);
		Self::release_deposit(&bidder, sealed.deposit)?;
		Self::deposit_event(Event::BidRevealed {
			round: round.id,
			bidder,
			ask: offer.ask,
			capacity: offer.capacity,
			rank,
		});
		Ok(())
	}

	/// Checks that a worker can do what it offers, and answers who runs it.
	fn check_offer(
		bidder: &T::AccountId,
		offer: &Offer,
		terms: &Terms,
		model: &ModelSpec,
	) -> Result<T::AccountId, DispatchError> {
		let (operator, memory) = Self::miner(bidder)?;
		let layers = model.layers.len() as u32;
		ensure!(
			(1..=layers).contains(&offer.capacity),
			Error::<T>::CapacityOutOfRange
		);
		let slot = capacity::slot_memory(&model.layers, model.max_context, terms.jobs);
		let need = slot.saturating_mul(offer.capacity.into());
		ensure!(
			need <= plan::usable_memory(memory),
			Error::<T>::CapacityBeyondMemory
		);
		ensure!(
			offer.device.implausible().is_none(),
			Error::<T>::ImplausibleDevice
		);
		Ok(operator)
	}

	/// The operator and the memory of an active worker in the miner role.
	fn miner(who: &T::AccountId) -> Result<(T::AccountId, u64), Error<T>> {
		let worker = T::Workers::worker(who).ok_or(Error::<T>::NotMiner)?;
		let fit = worker.state == WorkerState::Active && worker.spec.roles.miner;
		ensure!(fit, Error::<T>::NotMiner);
		Ok((worker.operator, worker.spec.memory))
	}

	fn ensure_active(model: &Model<T::AccountId>) -> Result<(), Error<T>> {
		ensure!(
			model.state == ModelState::Active,
			Error::<T>::ModelNotActive
		);
		Ok(())
	}

	/// The first block from `wish` on in which no other round has a deadline.
	fn free_block(wish: BlockNumberFor<T>) -> Result<BlockNumberFor<T>, Error<T>> {
		(0..SEARCH_BLOCKS)
			.map(|offset| wish.saturating_add(offset.into()))
			.find(|block| !Agenda::<T>::contains_key(block))
			.ok_or(Error::<T>::TooManyRounds)
	}

	fn release_deposit(bidder: &T::AccountId, deposit: u128) -> DispatchResult {
		let reason = HoldReason::Bid.into();
		T::Currency::release(&reason, bidder, deposit, Precision::Exact).map(|_| ())
	}

	/// The round of a model that is in progress.
	pub fn round(model: ModelId) -> Option<RoundOf<T>> {
		Rounds::<T>::get(model)
	}

	/// The number of the round of a model that is in progress.
	pub fn round_id(model: ModelId) -> Option<RoundId> {
		Self::round(model).map(|round| round.id)
	}
}

impl<T: Config> CapacityRounds<T::AccountId> for Pallet<T> {
	fn footing(model: ModelId) -> Footing<T::AccountId> {
		match Rounds::<T>::get(model) {
			None => Footing::Posted,
			Some(round) if !round.cleared => Footing::Bidding,
			Some(round) => Footing::Competing(Tender {
				round: round.id,
				terms: round.terms,
				winners: Winners::<T>::get(model).into_inner(),
			}),
		}
	}
}
