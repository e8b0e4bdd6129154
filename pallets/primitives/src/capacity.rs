//! The capacity round, as a pure function: which bidders may host how many layers of a model, and at which
//! price.
//!
//! A sealed procurement auction. A bidder asks a price per GFLOP and offers layer slots (one layer of one
//! replica each). Bids are ranked by effective ask `e = a ⁄ q`, where the rank `q` in (0, 1] is the bidder's
//! verified quality; the cheapest are taken until the demand is filled, none above the reserve, and no
//! operator beyond its cap. This maximises `Σ (reserve − e_i)·x_i` (the demand is laminar: slots of a bidder,
//! of an operator, of all).
//!
//! Every slot is paid its critical price (Myerson 1981): the highest ask with which the bidder would still
//! have won it. Summed over the slots that is `a_i·x_i + ∫ x_i(z) dz` from `a_i` up, over the step function
//! `x_i(z)` of slots won with ask `z`. So a worker's ask decides what it wins and never what it is paid: no
//! lie gains, and no winner is paid less than it asks. This holds worker by worker; an operator that bids
//! with several workers may concert them, which its cap bounds.
//!
//! Asks are integers, and the critical price of a slot is the highest *integer* ask that wins it: the real
//! one rounded down. Rounding up would pay an ask that does not win, and would break the reserve's budget;
//! rounded down it is still no less than any ask that wins, so nobody loses.

use crate::{
	api::planck,
	cost::{link::LinkFigures, DeviceFigures, Workload},
	ids::{Digest, MAX_REPLICAS},
	model::Shard,
	plan::{MAX_SLOTS, MIN_REPLICAS},
};
use alloc::{collections::BTreeMap, vec::Vec};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use core::cmp::Ordering;
use scale_info::TypeInfo;
use serde::{Deserialize, Serialize};

/// Rank of a bidder whose verified work was flawless and fast, in parts per million.
pub const FULL_RANK: u32 = 1_000_000;

/// Number of a capacity round, counted up from 0.
pub type RoundId = u32;
/// Blocks that a window of a round may have at most: a day of 3 s slots.
pub const MAX_WINDOW_BLOCKS: u32 = 28_800;

const SEAL: &[u8] = b"dllm/capacity/v1";

/// What a round asks for: the layers of one pipeline of a model, each as often as there are replicas.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Serialize,
	Deserialize,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
#[serde(rename_all = "camelCase")]
pub struct Terms {
	/// Workers of every segment, on different operators.
	pub replicas: u8,
	/// Jobs that the pipeline runs at once.
	pub jobs: u8,
	/// Highest effective ask, in planck per GFLOP.
	#[serde(with = "planck")]
	pub reserve: u64,
	/// Planck on hold from the sealed bid to its reveal; burned where it is not revealed.
	#[serde(with = "planck")]
	pub deposit: u128,
	/// Blocks in which bids are sealed.
	pub commit_blocks: u32,
	/// Blocks in which they are revealed.
	pub reveal_blocks: u32,
	/// Blocks in which plans for the winners compete.
	pub plan_blocks: u32,
	/// The job that plans are compared on.
	pub workload: Workload,
	/// What plans are to assume of every link, until links are measured on chain.
	pub link: LinkFigures,
}

impl Terms {
	/// Whether a round can be held on them.
	pub fn are_valid(&self) -> bool {
		let window = 1..=MAX_WINDOW_BLOCKS;
		let windows = [self.commit_blocks, self.reveal_blocks, self.plan_blocks];
		let Workload {
			prompt_tokens,
			new_tokens,
			sessions,
			row_bytes,
			packet_bytes,
		} = self.workload;
		let workload = [prompt_tokens, new_tokens, sessions, row_bytes, packet_bytes];
		(MIN_REPLICAS..=MAX_REPLICAS as usize).contains(&usize::from(self.replicas))
			&& (1..=MAX_SLOTS).contains(&self.jobs)
			&& self.reserve > 0
			&& self.deposit > 0
			&& windows.iter().all(|blocks| window.contains(blocks))
			&& workload.iter().all(|figure| *figure > 0)
			&& self.link.implausible().is_none()
	}

	/// What is bought for a model of so many layers. No operator may win more slots than there are layers:
	/// then none has to hold a layer twice.
	pub fn demand(&self, layers: u32) -> Demand {
		Demand {
			slots: layers.saturating_mul(self.replicas.into()),
			operator_slots: layers,
			reserve: self.reserve,
		}
	}
}

/// What a worker offers, sealed until the reveal.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
pub struct Offer {
	/// What it asks, in planck per GFLOP.
	pub ask: u64,
	/// Layers that it would host at most.
	pub capacity: u32,
	/// What it measured of itself; plans are scored with it.
	pub device: DeviceFigures,
}

/// Bytes that a slot may take of a worker's memory: the largest of the layers with full caches of so many jobs.
pub fn slot_memory(layers: &[Shard], max_context: u32, jobs: u8) -> u64 {
	let rows = u64::from(max_context).saturating_mul(jobs.into());
	let bytes = layers.iter().map(|layer| {
		let cache = rows.saturating_mul(layer.kv_bytes_per_token.into());
		layer.bytes.saturating_add(cache)
	});
	bytes.max().unwrap_or(0)
}

/// The seal of an offer: blake3 of round, bidder, offer and salt. Without the salt it could be guessed.
pub fn seal<AccountId: Encode>(
	round: RoundId,
	bidder: &AccountId,
	offer: &Offer,
	salt: &Digest,
) -> Digest {
	let sealed = (SEAL, round, bidder, offer, salt).encode();
	Digest::from(*blake3::hash(&sealed).as_bytes())
}

/// A revealed bid.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Bid<AccountId> {
	/// The worker.
	pub who: AccountId,
	/// Who runs it.
	pub operator: AccountId,
	/// What it asks, in planck per GFLOP.
	pub ask: u64,
	/// Layers that it would host at most.
	pub capacity: u32,
	/// Its quality rank in parts per million, up to [`FULL_RANK`]; a bidder of rank 0 wins nothing.
	pub rank: u32,
}

/// What a round buys.
#[derive(
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
	Clone,
	Copy,
	PartialEq,
	Eq,
	Debug,
)]
pub struct Demand {
	/// Layer slots: pipelines × replicas × layers.
	pub slots: u32,
	/// Layer slots that one operator may win at most.
	pub operator_slots: u32,
	/// Highest effective ask, in planck per GFLOP.
	pub reserve: u64,
}

/// What a bidder won.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Winner<AccountId> {
	/// The worker.
	pub who: AccountId,
	/// Layer slots, at least one.
	pub slots: u32,
	/// Sum of the critical prices of its slots, in planck per GFLOP.
	pub pay: u128,
}

impl<AccountId> Winner<AccountId> {
	/// The price at which it is paid for every layer, in planck per GFLOP: the mean of its critical prices,
	/// rounded down. No less than its ask, because each of them is an integer no less than it.
	pub fn price(&self) -> u128 {
		self.pay.checked_div(self.slots.into()).unwrap_or(0)
	}
}

/// A winner, as plans see it.
#[derive(
	Encode, Decode, DecodeWithMemTracking, MaxEncodedLen, TypeInfo, Clone, PartialEq, Eq, Debug,
)]
pub struct Won<AccountId> {
	/// The worker.
	pub who: AccountId,
	/// Who runs it.
	pub operator: AccountId,
	/// Layers that it hosts at most.
	pub slots: u32,
	/// Its price in the plans of the round, in planck per GFLOP.
	pub price: u128,
	/// What it measured of itself.
	pub device: DeviceFigures,
}

/// Clears a round. Winners come in the order of their effective asks, ties by account; the order of `bids`
/// does not matter. Accounts bid once.
///
/// With `n` bids it takes `O((n + slots) log² n)` steps and no more memory than the bids.
pub fn clear<AccountId: Clone + Ord>(
	bids: &[Bid<AccountId>],
	demand: &Demand,
) -> Vec<Winner<AccountId>> {
	let field = Field::new(bids, demand);
	let mut winners = Vec::new();
	for (place, bid) in field.ranked.iter().enumerate() {
		let slots = field.won(place, place);
		if slots > 0 {
			winners.push(Winner {
				who: bid.who.clone(),
				slots,
				pay: field.pay(place, slots),
			});
		}
	}
	winners
}

/// The highest ask, in planck per GFLOP, with which a bidder of this rank passes the reserve.
pub fn highest_ask(demand: &Demand, rank: u32) -> u64 {
	let ask = u128::from(demand.reserve).saturating_mul(rank.into()) / u128::from(FULL_RANK);
	u64::try_from(ask).unwrap_or(u64::MAX)
}

/// The admitted bids in the order of their effective asks, with sums that answer what a bidder would win at
/// any place of it.
struct Field<'a, AccountId> {
	demand: &'a Demand,
	ranked: Vec<&'a Bid<AccountId>>,
	/// By place: slots that the bids before it take, each operator up to its cap.
	taken: Vec<u64>,
	/// By operator: the places of its bids, and the capacities of these up to and with each.
	operators: BTreeMap<&'a AccountId, Vec<(usize, u64)>>,
}

impl<'a, AccountId: Ord> Field<'a, AccountId> {
	fn new(bids: &'a [Bid<AccountId>], demand: &'a Demand) -> Self {
		let admitted = |bid: &&Bid<AccountId>| {
			bid.rank > 0 && bid.capacity > 0 && bid.ask <= highest_ask(demand, bid.rank)
		};
		let mut ranked: Vec<_> = bids.iter().filter(admitted).collect();
		ranked.sort_by(|a, b| by_effective_ask(a, b));

		let mut operators = BTreeMap::<_, Vec<(usize, u64)>>::new();
		let mut taken = Vec::with_capacity(ranked.len().saturating_add(1));
		let mut sum = 0u64;
		taken.push(sum);
		for (place, bid) in ranked.iter().enumerate() {
			let own = operators.entry(&bid.operator).or_default();
			let before = own.last().map_or(0, |(_, capacity)| *capacity);
			let with = before.saturating_add(bid.capacity.into());
			own.push((place, with));
			let cap = u64::from(demand.operator_slots);
			sum = sum.saturating_add(with.min(cap).saturating_sub(before.min(cap)));
			taken.push(sum);
		}
		Self {
			demand,
			ranked,
			taken,
			operators,
		}
	}

	/// Slots that the bid at `place` wins if exactly the others before place `before` come before it.
	fn won(&self, place: usize, before: usize) -> u32 {
		let Some(bid) = self.ranked.get(place) else {
			return 0;
		};
		let cap = u64::from(self.demand.operator_slots);
		let own_bids = self.operators.get(&bid.operator);
		let own = own_bids.map_or(0, |own| {
			let count = own.partition_point(|(at, _)| *at < before);
			let last = count.checked_sub(1).and_then(|last| own.get(last));
			last.map_or(0, |(_, capacity)| *capacity)
		});
		let itself = if place < before {
			u64::from(bid.capacity)
		} else {
			0
		};
		let siblings = own.saturating_sub(itself).min(cap);
		let all = self.taken.get(before).copied().unwrap_or(0);
		let strangers = all.saturating_sub(own.min(cap));
		let room = u64::from(self.demand.slots)
			.saturating_sub(strangers)
			.saturating_sub(siblings);
		let won = room
			.min(cap.saturating_sub(siblings))
			.min(bid.capacity.into());
		// No more than the capacity.
		won as u32
	}

	/// Sum of the critical prices of the slots that the bid at `place` wins.
	///
	/// What it wins falls in steps as it moves back. A slot that it holds just before another bid and loses
	/// behind it is worth the highest ask before that bid; one that it never loses, the reserve.
	fn pay(&self, place: usize, slots: u32) -> u128 {
		let Some(bid) = self.ranked.get(place) else {
			return 0;
		};
		let (mut pay, mut left, mut from) = (0u128, slots, place);
		while left > 0 {
			let before = self.first_below(place, left, from);
			let rival = before.checked_sub(1).and_then(|at| self.ranked.get(at));
			let (price, rest) = match rival {
				Some(rival) => (highest_before(bid, rival), self.won(place, before)),
				None => (highest_ask(self.demand, bid.rank), 0),
			};
			let lost = left.saturating_sub(rest);
			pay = pay.saturating_add(u128::from(price).saturating_mul(lost.into()));
			(left, from) = (rest, before);
		}
		pay
	}

	/// The first place from `from` on behind which the bid wins fewer than `slots`; one past the end where
	/// there is none.
	fn first_below(&self, place: usize, slots: u32, from: usize) -> usize {
		let (mut low, mut high) = (from, self.ranked.len().saturating_add(1));
		while low < high {
			let middle = low.midpoint(high);
			if self.won(place, middle) < slots {
				high = middle;
			} else {
				low = middle.saturating_add(1);
			}
		}
		low
	}
}

/// The lower effective ask first, then the lower account. `a ⁄ p < b ⁄ q` is `a·q < b·p`, below 2⁹⁶.
fn by_effective_ask<AccountId: Ord>(a: &Bid<AccountId>, b: &Bid<AccountId>) -> Ordering {
	scaled(a.ask, b.rank)
		.cmp(&scaled(b.ask, a.rank))
		.then_with(|| a.who.cmp(&b.who))
}

/// The highest ask with which `bid` comes before `rival`, where it does so at all.
fn highest_before<AccountId: Ord>(bid: &Bid<AccountId>, rival: &Bid<AccountId>) -> u64 {
	let product = scaled(rival.ask, bid.rank);
	let tie = u128::from(bid.who >= rival.who);
	let ask = product
		.saturating_sub(tie)
		.checked_div(rival.rank.into())
		.unwrap_or(0);
	u64::try_from(ask).unwrap_or(u64::MAX)
}

fn scaled(ask: u64, rank: u32) -> u128 {
	u128::from(ask).saturating_mul(rank.into())
}
