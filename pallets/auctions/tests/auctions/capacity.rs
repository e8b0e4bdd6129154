//! A capacity round is opened, bids are sealed and revealed.

use crate::mock::*;
use dllm_primitives::{
	capacity::{Offer, Terms},
	flow::{CapacityRounds, Footing},
	ids::Digest,
};
use frame_support::{assert_noop, assert_ok};
use pallet_auctions::{Bids, Error, Event, Rounds, MAX_ROUNDS};

fn run<R>(test: impl FnOnce() -> R) -> R {
	execute(vec![], vec![], test)
}

#[test]
fn a_round_has_its_deadlines_and_closes_the_direct_path() {
	run(|| {
		assert_eq!(Auctions::footing(0), Footing::Posted);
		open_round(0);
		let round = Auctions::round(0).expect("is open");
		assert_eq!(
			(round.commit_until, round.clears, round.closes),
			(6, 10, 14)
		);
		assert_eq!(Auctions::footing(0), Footing::Bidding);
		assert_eq!(Auctions::footing(1), Footing::Posted);
		let opened = Event::RoundOpened {
			round: 0,
			model: 0,
			terms: TERMS,
		};
		assert_eq!(events(), [opened]);
	});
}

#[test]
fn two_rounds_never_have_a_deadline_in_one_block() {
	run(|| {
		(0..3).for_each(open_round);
		let deadlines: Vec<_> = (0..3)
			.filter_map(Auctions::round)
			.map(|round| (round.clears, round.closes))
			.collect();
		assert_eq!(deadlines, [(10, 14), (11, 15), (12, 16)]);
	});
}

#[test]
fn refuses_to_open_what_cannot_be_held() {
	run(|| {
		let open = |who, model, terms| Auctions::open_round(signed(who), model, terms);
		assert_noop!(open(OWNER, 77, TERMS), Error::<Test>::UnknownModel);
		assert_noop!(open(OWNER, 9, TERMS), Error::<Test>::ModelNotActive);
		assert_noop!(open(2, 0, TERMS), Error::<Test>::NotModelOwner);
		let broken: [fn(&mut Terms); 9] = [
			|terms| terms.replicas = 1,
			|terms| terms.replicas = 5,
			|terms| terms.jobs = 0,
			|terms| terms.jobs = 9,
			|terms| terms.reserve = 0,
			|terms| terms.deposit = 0,
			|terms| terms.reveal_blocks = 0,
			|terms| terms.workload.sessions = 0,
			|terms| terms.link.bytes_per_second = 0,
		];
		for change in broken {
			let mut terms = TERMS;
			change(&mut terms);
			assert_noop!(open(OWNER, 0, terms), Error::<Test>::InvalidTerms);
		}
		open_round(0);
		assert_noop!(open(OWNER, 0, TERMS), Error::<Test>::RoundInProgress);
	});
}

#[test]
fn no_more_rounds_than_the_bound_are_open_or_overdue() {
	run(|| {
		let overdue = (100..100 + MAX_ROUNDS - 1).collect::<Vec<_>>();
		pallet_auctions::Overdue::<Test>::put(
			frame_support::BoundedVec::try_from(overdue).expect("fits"),
		);
		open_round(0);
		let another = Auctions::open_round(signed(OWNER), 1, TERMS);
		assert_noop!(another, Error::<Test>::TooManyRounds);
		pallet_auctions::Overdue::<Test>::kill();
	});
}

#[test]
fn a_bid_is_sealed_with_its_deposit_and_revealed_without() {
	run(|| {
		open_round(0);
		RanksOf::set(vec![(11, 400_000)]);
		commit(11, 0, offer(9, 1));
		assert_eq!((held(11), free(11)), (DEPOSIT, PURSE - DEPOSIT));
		run_to(7);
		assert_ok!(reveal(11, 0, offer(9, 1)));
		assert_eq!((held(11), free(11)), (0, PURSE));
		let bid = Bids::<Test>::get(0)[0].bid.clone();
		assert_eq!((bid.who, bid.operator, bid.ask), (11, 1_011, 9));
		assert_eq!((bid.capacity, bid.rank), (1, 400_000));
		let revealed = Event::BidRevealed {
			round: 0,
			bidder: 11,
			ask: 9,
			capacity: 1,
			rank: 400_000,
		};
		assert_eq!(
			events()[1..],
			[
				Event::BidSealed {
					round: 0,
					bidder: 11
				},
				revealed
			]
		);
	});
}

#[test]
fn refuses_to_seal_what_does_not_fit() {
	run(|| {
		let commit_as = |who| Auctions::commit(signed(who), 0, Digest::zero());
		assert_noop!(commit_as(11), Error::<Test>::NoRound);
		open_round(0);
		Inactive::set(vec![12]);
		assert_noop!(commit_as(12), Error::<Test>::NotMiner);
		assert_noop!(commit_as(UNSKILLED), Error::<Test>::NotMiner);
		assert_noop!(commit_as(500), Error::<Test>::NotMiner);
		assert_noop!(commit_as(POOR), Error::<Test>::InsufficientFunds);
		for who in [11, 13, 14, 15] {
			assert_ok!(commit_as(who));
		}
		assert_noop!(commit_as(11), Error::<Test>::AlreadySealed);
		assert_noop!(commit_as(17), Error::<Test>::TooManyBidders);
		run_to(7);
		assert_noop!(commit_as(17), Error::<Test>::NotCommitting);
	});
}

#[test]
fn the_last_block_of_a_window_counts() {
	run(|| {
		open_round(0);
		run_to(6);
		commit(11, 0, offer(9, 1));
		commit(12, 0, offer(9, 1));
		assert_noop!(reveal(11, 0, offer(9, 1)), Error::<Test>::NotRevealing);
		run_to(9);
		assert_ok!(reveal(11, 0, offer(9, 1)));
		assert_eq!(Bids::<Test>::get(0).len(), 1);
		run_to(10);
		assert_noop!(reveal(12, 0, offer(9, 1)), Error::<Test>::NoRound);
	});
}

#[test]
fn reveals_only_what_was_sealed() {
	run(|| {
		open_round(0);
		commit(11, 0, offer(9, 1));
		run_to(7);
		let broken = Error::<Test>::SealBroken;
		assert_noop!(reveal(11, 0, offer(8, 1)), broken);
		let with_salt = |salt| Auctions::reveal(signed(11), 0, offer(9, 1), salt);
		assert_noop!(with_salt(Digest::zero()), Error::<Test>::SealBroken);
		let mut faster = offer(9, 1);
		faster.device.flops_per_second += 1;
		assert_noop!(reveal(11, 0, faster), Error::<Test>::SealBroken);
		assert_noop!(reveal(12, 0, offer(9, 1)), Error::<Test>::NoSealedBid);
		assert_noop!(reveal(11, 1, offer(9, 1)), Error::<Test>::NoRound);
		assert_ok!(reveal(11, 0, offer(9, 1)));
		assert_noop!(reveal(11, 0, offer(9, 1)), Error::<Test>::NoSealedBid);
	});
}

#[test]
fn another_bidder_cannot_copy_a_seal() {
	run(|| {
		open_round(0);
		let copied = dllm_primitives::capacity::seal(0, &11u64, &offer(9, 1), &salt(11));
		assert_ok!(Auctions::commit(signed(12), 0, copied));
		run_to(7);
		let reveal = Auctions::reveal(signed(12), 0, offer(9, 1), salt(11));
		assert_noop!(reveal, Error::<Test>::SealBroken);
	});
}

#[test]
fn refuses_offers_that_a_worker_cannot_keep() {
	run(|| {
		let mut odd = offer(9, 1);
		odd.device.memory_bytes_per_second = 3;
		let offers: [(u64, Offer, Error<Test>); 3] = [
			(11, offer(9, 0), Error::CapacityOutOfRange),
			(12, offer(9, 2), Error::CapacityOutOfRange),
			(13, odd, Error::ImplausibleDevice),
		];
		open_round(0);
		offers
			.iter()
			.for_each(|(who, offer, _)| commit(*who, 0, *offer));
		commit(14, 0, offer(9, 1));
		run_to(7);
		for (who, offer, error) in offers {
			assert_noop!(reveal(who, 0, offer), error);
		}
		Inactive::set(vec![14]);
		assert_noop!(reveal(14, 0, offer(9, 1)), Error::<Test>::NotMiner);
	});
}

#[test]
fn the_memory_of_a_bidder_bounds_its_capacity() {
	run(|| {
		// One layer with the caches of two jobs takes 401 bytes, of eight jobs 1 601; 480 are usable.
		let terms = Terms { jobs: 8, ..TERMS };
		assert_ok!(Auctions::open_round(signed(OWNER), 0, terms));
		commit(11, 0, offer(9, 1));
		run_to(7);
		assert_noop!(
			reveal(11, 0, offer(9, 1)),
			Error::<Test>::CapacityBeyondMemory
		);
		assert!(Rounds::<Test>::contains_key(0));
	});
}
