//! What jobs pay: over 100 000 random markets no lie about a bid gains, nobody pays above its bid or below
//! the base price, and the jobs that are served are those that value it most. A rule that lets winners pay
//! their bid does not pass the same check.

use crate::dice::Dice;
use dllm_primitives::{
	auction::{award, Award, Offer},
	job::WaitingJob,
};

type Job = WaitingJob<u128, u32>;

const MARKETS: usize = 100_000;

/// A block of one model. Fees are by the row, so that bids and fees compare.
#[derive(Clone, Debug)]
struct Market {
	jobs: Vec<Job>,
	offers: Vec<Offer>,
	/// Planck a row, by pipeline; the entry comes on top for jobs without an own one.
	prices: Vec<u128>,
	/// Planck a row for the entry; none where the pipeline has none.
	entries: Vec<Option<u128>>,
	most: usize,
}

impl Market {
	/// Jobs with and without an own entry where `mixed`; else all with one.
	fn random(dice: &mut Dice, mixed: bool) -> Self {
		let pipelines = 1 + dice.below(3) as usize;
		let offer = |pipeline: usize, dice: &mut Dice| Offer {
			pipeline: pipeline as u32,
			model: 0,
			free_slots: dice.below(3) as u8,
			in_flight: dice.below(6),
			row_time: (dice.below(3) > 0).then(|| dice.below(4)),
		};
		let job = |id: u64, dice: &mut Dice| Job {
			id,
			model: 0,
			rows: 1 + dice.below(3) as u32,
			max_price: dice.below(30).into(),
			own_entry: !mixed || dice.below(2) == 0,
			submitted: dice.below(2) as u32,
			avoided: Vec::new(),
		};
		let jobs = dice.below(6);
		Self {
			jobs: (0..jobs).map(|id| job(id, dice)).collect(),
			offers: (0..pipelines).map(|at| offer(at, dice)).collect(),
			prices: (0..pipelines).map(|_| dice.below(9).into()).collect(),
			entries: (0..pipelines)
				.map(|_| (dice.below(3) > 0).then(|| dice.below(4).into()))
				.collect(),
			most: if dice.below(4) == 0 { 2 } else { 9 },
		}
	}

	fn fee(&self, job: &Job, pipeline: u32) -> Option<u128> {
		let at = pipeline as usize;
		let entry = if job.own_entry { 0 } else { self.entries[at]? };
		Some((self.prices[at] + entry) * u128::from(job.rows))
	}

	fn awards(&self) -> Vec<Award> {
		award(&self.jobs, &self.offers, self.most, |job, pipeline| {
			self.fee(job, pipeline)
		})
	}
}

/// What each winner pays.
type Rule = fn(&Market, &Award) -> u128;

fn critical(_: &Market, award: &Award) -> u128 {
	award.price
}

fn pay_your_bid(market: &Market, award: &Award) -> u128 {
	market.jobs[award.job as usize].max_price
}

/// What a job gains that is worth `value`; 0 where it is not served.
fn gain(market: &Market, job: u64, value: u128, rule: Rule) -> i128 {
	let awards = market.awards();
	let won = awards.iter().find(|award| award.job == job);
	won.map_or(0, |won| value as i128 - rule(market, won) as i128)
}

/// The first job that loses by telling the truth, or gains by a lie.
fn gains_by_lying(market: &Market, rule: Rule) -> Option<(u64, u128)> {
	for job in &market.jobs {
		let value = job.max_price;
		let honest = gain(market, job.id, value, rule);
		if honest < 0 {
			return Some((job.id, value));
		}
		for lie in 0..34 {
			let mut lying = market.clone();
			lying.jobs[job.id as usize].max_price = lie;
			if gain(&lying, job.id, value, rule) > honest {
				return Some((job.id, lie));
			}
		}
	}
	None
}

#[test]
fn no_lie_about_a_bid_gains() {
	let mut dice = Dice::new(1);
	for number in 0..MARKETS {
		let market = Market::random(&mut dice, number % 2 == 0);
		let liar = gains_by_lying(&market, critical);
		assert_eq!(liar, None, "{market:?} {:?}", market.awards());
	}
}

#[test]
fn paying_the_bid_is_caught_by_the_same_check() {
	let mut dice = Dice::new(1);
	let caught = (0..100).any(|number| {
		let market = Market::random(&mut dice, number % 2 == 0);
		gains_by_lying(&market, pay_your_bid).is_some()
	});
	assert!(caught, "a first price would pass for truthful");
}

#[test]
fn the_price_lies_between_base_and_bid_and_no_order_matters() {
	let mut dice = Dice::new(2);
	for number in 0..MARKETS {
		let market = Market::random(&mut dice, number % 2 == 0);
		let awards = market.awards();
		assert!(awards.len() <= market.most);
		for award in &awards {
			let job = &market.jobs[award.job as usize];
			assert_eq!(Some(award.base), market.fee(job, award.pipeline));
			assert!(award.base <= award.price, "{market:?} {award:?}");
			assert!(award.price <= job.max_price, "{market:?} {award:?}");
			assert_eq!(award.surplus(), award.price - award.base);
		}
		let mut other = market.clone();
		dice.shuffle(&mut other.jobs);
		dice.shuffle(&mut other.offers);
		assert_eq!(awards, other.awards());
	}
}

/// The most that jobs of one kind can be worth for a row above what their slots cost, by trying all.
fn best_welfare(market: &Market, job: usize, free: &mut [u8], left: usize) -> i128 {
	let Some(asked) = market.jobs.get(job) else {
		return 0;
	};
	let mut best = best_welfare(market, job + 1, free, left);
	for at in 0..free.len() {
		if free[at] == 0 || left == 0 {
			continue;
		}
		free[at] -= 1;
		let bid = asked.max_price / u128::from(asked.rows);
		let worth = bid as i128 - market.prices[at] as i128;
		best = best.max(worth + best_welfare(market, job + 1, free, left - 1));
		free[at] += 1;
	}
	best
}

#[test]
fn who_is_served_is_worth_most() {
	let mut dice = Dice::new(3);
	for _ in 0..MARKETS {
		let market = Market::random(&mut dice, false);
		let worth = |award: &Award| {
			let job = &market.jobs[award.job as usize];
			let bid = job.max_price / u128::from(job.rows);
			bid as i128 - market.prices[award.pipeline as usize] as i128
		};
		let welfare: i128 = market.awards().iter().map(worth).sum();
		let mut free: Vec<_> = market.offers.iter().map(|offer| offer.free_slots).collect();
		let best = best_welfare(&market, 0, &mut free, market.most);
		assert_eq!(welfare, best, "{market:?}");
	}
}

/// Jobs of one kind and of one size pay one price: the highest losing bid, or the base price of the
/// dearest slot in use; a winner that a loser would beat in a tie pays a planck a row more.
#[test]
fn jobs_of_one_kind_pay_one_price() {
	let mut dice = Dice::new(4);
	for _ in 0..MARKETS {
		let mut market = Market::random(&mut dice, false);
		market.most = usize::MAX;
		for job in &mut market.jobs {
			(job.rows, job.submitted) = (1, 0);
		}
		let awards = market.awards();
		let won = |job: &Job| awards.iter().any(|award| award.job == job.id);
		let losers = market.jobs.iter().filter(|job| !won(job));
		let loser = losers.max_by_key(|job| (job.max_price, std::cmp::Reverse(job.id)));
		let dearest = awards.iter().map(|award| award.base).max().unwrap_or(0);
		for award in &awards {
			let losing = loser.map_or(0, |loser| {
				loser.max_price + u128::from(loser.id < award.job)
			});
			assert_eq!(award.price, dearest.max(losing), "{market:?} {award:?}");
		}
	}
}
