//! The capacity round: over 100 000 random markets no lie about an ask gains, nobody loses, no operator
//! passes its cap, and the demand is met as cheaply as can be. First prices do not pass the same check.

use crate::dice::Dice;
use dllm_primitives::capacity::{clear, highest_ask, Bid, Demand, Winner, FULL_RANK};

const MARKETS: usize = 100_000;
/// Highest reserve of the random markets.
const RESERVE: u64 = 12;
/// Their ranks divide one, so that effective asks are whole.
const RANKS: [u32; 3] = [FULL_RANK / 4, FULL_RANK / 2, FULL_RANK];

type Market = (Vec<Bid<u8>>, Demand);

fn random(dice: &mut Dice, ranks: &[u32]) -> Market {
	let bids = (0..dice.below(8) as u8)
		.map(|who| Bid {
			who,
			operator: dice.below(4) as u8,
			ask: dice.below(RESERVE + 2),
			capacity: dice.below(3) as u32,
			rank: dice.pick(ranks),
		})
		.collect();
	let demand = Demand {
		slots: dice.below(9) as u32,
		operator_slots: 1 + dice.below(4) as u32,
		reserve: dice.below(RESERVE + 1),
	};
	(bids, demand)
}

/// What a winner is paid for all its slots, in planck per GFLOP.
type Rule = fn(&Bid<u8>, &Winner<u8>) -> u128;

fn critical(_: &Bid<u8>, winner: &Winner<u8>) -> u128 {
	winner.pay
}

fn first_price(bid: &Bid<u8>, winner: &Winner<u8>) -> u128 {
	u128::from(bid.ask) * u128::from(winner.slots)
}

/// What a bidder gains whose work costs `cost` per GFLOP.
fn gain(bids: &[Bid<u8>], demand: &Demand, at: usize, cost: u64, rule: Rule) -> i128 {
	let bid = &bids[at];
	let winners = clear(bids, demand);
	let won = winners.iter().find(|winner| winner.who == bid.who);
	won.map_or(0, |won| {
		rule(bid, won) as i128 - i128::from(cost) * i128::from(won.slots)
	})
}

/// The first bidder that loses by telling the truth, or gains by a lie.
fn gains_by_lying((bids, demand): &Market, rule: Rule) -> Option<(usize, u64)> {
	for at in 0..bids.len() {
		let cost = bids[at].ask;
		let honest = gain(bids, demand, at, cost, rule);
		if honest < 0 {
			return Some((at, cost));
		}
		let mut lying = bids.clone();
		for lie in 0..RESERVE + 3 {
			lying[at].ask = lie;
			if gain(&lying, demand, at, cost, rule) > honest {
				return Some((at, lie));
			}
		}
	}
	None
}

#[test]
fn no_lie_about_an_ask_gains_and_nobody_loses() {
	let mut dice = Dice::new(11);
	for number in 0..MARKETS {
		// Every second market has ranks whose quotients do not come out even.
		let ranks = [RANKS, [333_333, 700_001, 0]][number % 2];
		let market = random(&mut dice, &ranks);
		let liar = gains_by_lying(&market, critical);
		assert_eq!(liar, None, "{market:?} {:?}", clear(&market.0, &market.1));
	}
}

#[test]
fn first_prices_are_caught_by_the_same_check() {
	let mut dice = Dice::new(11);
	let caught = (0..100).any(|_| {
		let market = random(&mut dice, &RANKS);
		gains_by_lying(&market, first_price).is_some()
	});
	assert!(caught, "a first price would pass for truthful");
}

#[test]
fn keeps_demand_caps_reserve_and_asks_in_any_order() {
	let mut dice = Dice::new(12);
	for _ in 0..MARKETS {
		let (mut bids, demand) = random(&mut dice, &RANKS);
		let winners = clear(&bids, &demand);
		let total: u32 = winners.iter().map(|winner| winner.slots).sum();
		assert!(total <= demand.slots);
		let mut operators = [0u32; 4];
		for winner in &winners {
			let bid = &bids[winner.who as usize];
			operators[bid.operator as usize] += winner.slots;
			assert!((1..=bid.capacity).contains(&winner.slots));
			assert!(winner.price() >= bid.ask.into());
			let most = highest_ask(&demand, bid.rank);
			assert!(winner.pay <= u128::from(most) * u128::from(winner.slots));
		}
		assert!(operators.iter().all(|won| *won <= demand.operator_slots));
		let spent: u128 = winners.iter().map(|winner| winner.pay).sum();
		assert!(spent <= u128::from(demand.reserve) * u128::from(demand.slots));

		dice.shuffle(&mut bids);
		assert_eq!(winners, clear(&bids, &demand));
	}
}

/// What a slot of a bid is worth: the reserve less its effective ask.
fn worth(bid: &Bid<u8>, demand: &Demand) -> i128 {
	i128::from(demand.reserve) - i128::from(bid.ask) * i128::from(FULL_RANK / bid.rank)
}

/// The most that bids from `at` on can be worth, by trying every number of slots of each.
fn best(bids: &[Bid<u8>], demand: &Demand, at: usize, left: u32, caps: &mut [u32]) -> i128 {
	let Some(bid) = bids.get(at) else {
		return 0;
	};
	let operator = bid.operator as usize;
	let most = bid.capacity.min(left).min(caps[operator]);
	let mut highest = i128::MIN;
	for slots in 0..=most {
		caps[operator] -= slots;
		let rest = best(bids, demand, at + 1, left - slots, caps);
		highest = highest.max(worth(bid, demand) * i128::from(slots) + rest);
		caps[operator] += slots;
	}
	highest
}

#[test]
fn winners_are_worth_as_much_as_any_choice() {
	let mut dice = Dice::new(13);
	for _ in 0..MARKETS {
		let (bids, demand) = random(&mut dice, &RANKS);
		let value = |winner: &Winner<u8>| {
			worth(&bids[winner.who as usize], &demand) * i128::from(winner.slots)
		};
		let welfare: i128 = clear(&bids, &demand).iter().map(value).sum();
		let mut caps = [demand.operator_slots; 4];
		let most = best(&bids, &demand, 0, demand.slots, &mut caps);
		assert_eq!(welfare, most, "{bids:?} {demand:?}");
	}
}

fn bid(who: u8, ask: u64, capacity: u32) -> Bid<u8> {
	Bid {
		who,
		operator: who,
		ask,
		capacity,
		rank: FULL_RANK,
	}
}

const DEMAND: Demand = Demand {
	slots: 4,
	operator_slots: 4,
	reserve: 100,
};

#[test]
fn pays_every_slot_what_displaces_it() {
	// Without bidder 0 the slots would go to 1 (two of them), 2 (one) and to nobody.
	let bids = [bid(0, 10, 4), bid(1, 20, 2), bid(2, 30, 1)];
	let expected = Winner {
		who: 0,
		slots: 4,
		pay: 20 + 20 + 30 + 100,
	};
	assert_eq!(expected.price(), 42);
	assert_eq!(clear(&bids, &DEMAND), [expected]);
}

#[test]
fn a_better_rank_beats_a_lower_ask() {
	// 30 at full rank against 20 at half of it, which counts as 40.
	let half = Bid {
		rank: FULL_RANK / 2,
		..bid(1, 20, 4)
	};
	let winner = Winner {
		who: 0,
		slots: 4,
		pay: 4 * 40,
	};
	assert_eq!(clear(&[half, bid(0, 30, 4)], &DEMAND), [winner]);
}

#[test]
fn wins_nothing_without_rank_capacity_or_a_fair_ask() {
	let unranked = Bid {
		rank: 0,
		..bid(0, 0, 4)
	};
	let bids = [unranked, bid(1, 1, 0), bid(2, 101, 4)];
	assert_eq!(clear(&bids, &DEMAND), []);
	assert_eq!(clear::<u8>(&[], &DEMAND), []);
}

#[test]
fn a_thousand_of_the_largest_bids_keep_within_their_types() {
	let bids: Vec<_> = (0..1_000u32)
		.map(|who| Bid {
			who,
			operator: who / 2,
			ask: u64::MAX - u64::from(who),
			capacity: u32::MAX,
			rank: FULL_RANK,
		})
		.collect();
	let demand = Demand {
		slots: u32::MAX,
		operator_slots: u32::MAX / 3,
		reserve: u64::MAX,
	};
	let winners = clear(&bids, &demand);
	let total: u64 = winners.iter().map(|winner| u64::from(winner.slots)).sum();
	assert_eq!(total, u64::from(u32::MAX));
	let fair = |winner: &Winner<u32>| winner.price() <= u128::from(u64::MAX);
	assert!(winners.iter().all(fair));
}
