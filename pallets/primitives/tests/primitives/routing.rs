//! Three pipelines of one model at one price, simulated block by block: jobs are awarded by the auction, run
//! at the speed of their pipeline, and hold their slot while they are verified. One pipeline becomes three times
//! slower: its share has to fall within 20 jobs, and nearly all of what the three can do has to be done. Without
//! live loads neither happens.

use crate::dice::Dice;
use dllm_primitives::{
	auction::{award, Offer},
	job::WaitingJob,
	load::{Load, Run},
};
use std::collections::VecDeque;

/// Rows that a pipeline gets through in a block.
const SPEED: u64 = 60;
/// Blocks from the last commitment of a lead to the verdict.
const VERDICT_BLOCKS: u32 = 5;
const SLOTS: u8 = 8;

/// A job in a pipeline.
struct Running {
	rows: u32,
	left: u64,
	awarded: u32,
	/// Block in which it had run.
	ran: Option<u32>,
}

struct Pipeline {
	load: Load,
	speed: u64,
	jobs: Vec<Running>,
}

impl Pipeline {
	fn new() -> Self {
		Self {
			load: Load::default(),
			speed: SPEED,
			jobs: Vec::new(),
		}
	}

	/// Runs its jobs in the order of their awards for a block, and gives slots back. Answers rows and blocks
	/// since the award of every job that it finished running.
	fn block(&mut self, now: u32) -> Vec<(u32, u32)> {
		let mut power = self.speed;
		let mut done = Vec::new();
		for job in self.jobs.iter_mut().filter(|job| job.ran.is_none()) {
			let used = power.min(job.left);
			(power, job.left) = (power - used, job.left - used);
			if job.left == 0 {
				job.ran = Some(now);
				done.push((job.rows, now - job.awarded));
			}
		}
		let judged = |job: &Running| job.ran.is_some_and(|ran| ran + VERDICT_BLOCKS <= now);
		for job in self.jobs.iter().filter(|job| judged(job)) {
			self.load.learn(&Run {
				ceiling: job.rows,
				rows: job.rows,
				from: job.awarded,
				until: job.ran.expect("is judged"),
			});
		}
		self.jobs.retain(|job| !judged(job));
		done
	}
}

/// What the auction is told of a pipeline.
type Told = fn(&Load, u32) -> (u64, Option<u64>);

fn live(load: &Load, now: u32) -> (u64, Option<u64>) {
	(load.in_flight, load.row_time(now))
}

/// Nothing: the lowest number goes first.
fn blind(_: &Load, _: u32) -> (u64, Option<u64>) {
	(0, Some(0))
}

struct Network {
	now: u32,
	next: u64,
	dice: Dice,
	told: Told,
	pipelines: [Pipeline; 3],
	queue: VecDeque<WaitingJob<u128, u32>>,
	/// Pipelines of the jobs, in the order of the awards.
	awarded: Vec<u32>,
	/// Rows of the jobs that ran, and these jobs with the blocks from their award to that.
	done: u64,
	ran: (u64, u64),
	/// Rows that are due to arrive.
	due: i64,
}

impl Network {
	fn new(seed: u64, told: Told) -> Self {
		Self {
			now: 0,
			next: 0,
			dice: Dice::new(seed),
			told,
			pipelines: [(); 3].map(|()| Pipeline::new()),
			queue: VecDeque::new(),
			awarded: Vec::new(),
			done: 0,
			ran: (0, 0),
			due: 0,
		}
	}

	/// Rows that all pipelines could get through in a block.
	fn ideal(&self) -> u64 {
		self.pipelines.iter().map(|pipeline| pipeline.speed).sum()
	}

	/// Lets jobs of 20 to 99 rows arrive, `percent` of what the pipelines could do at their best.
	fn arrive(&mut self, percent: u64) {
		self.due += (self.ideal() * percent / 100) as i64;
		while self.due > 0 {
			let rows = 20 + self.dice.below(80) as u32;
			self.due -= i64::from(rows);
			self.queue.push_back(WaitingJob {
				id: self.next,
				model: 0,
				rows,
				max_price: u128::from(rows),
				own_entry: true,
				submitted: self.now,
				avoided: Vec::new(),
			});
			self.next += 1;
		}
	}

	fn auction(&mut self) {
		let told = self.told;
		let offers = (0..).zip(&self.pipelines).map(|(id, pipeline)| {
			let (in_flight, row_time) = told(&pipeline.load, self.now);
			Offer {
				pipeline: id,
				model: 0,
				free_slots: SLOTS - pipeline.jobs.len() as u8,
				in_flight,
				row_time,
			}
		});
		let offers = offers.collect::<Vec<_>>();
		let waiting = self.queue.make_contiguous();
		let awards = award(waiting, &offers, 64, |job, _| Some(job.rows.into()));
		for won in &awards {
			let pipeline = &mut self.pipelines[won.pipeline as usize];
			pipeline.load.take(won.rows);
			pipeline.jobs.push(Running {
				rows: won.rows,
				left: won.rows.into(),
				awarded: self.now,
				ran: None,
			});
			self.awarded.push(won.pipeline);
		}
		self.queue
			.retain(|job| awards.iter().all(|won| won.job != job.id));
	}

	/// Goes on until so many more jobs are awarded.
	fn award(&mut self, jobs: usize, percent: u64) {
		let until = self.awarded.len() + jobs;
		while self.awarded.len() < until {
			self.now += 1;
			let now = self.now;
			for (rows, blocks) in self
				.pipelines
				.iter_mut()
				.flat_map(|pipeline| pipeline.block(now))
			{
				self.done += u64::from(rows);
				self.ran = (self.ran.0 + 1, self.ran.1 + u64::from(blocks));
			}
			self.arrive(percent);
			self.auction();
		}
	}

	/// Percent of the jobs awarded since `from` that went to a pipeline.
	fn share(&self, pipeline: u32, from: usize) -> usize {
		let jobs = &self.awarded[from..];
		100 * jobs.iter().filter(|to| **to == pipeline).count() / jobs.len().max(1)
	}
}

/// After 120 jobs at full speed one pipeline gets through a third of its rows.
fn slowed(seed: u64, told: Told, percent: u64, slow: usize) -> Network {
	let mut network = Network::new(seed, told);
	network.award(120, percent);
	network.pipelines[slow].speed = SPEED / 3;
	network
}

/// What the network did from here on, over so many jobs: percent of what it could have done, and hundredths of
/// blocks from the award of a job until it had run.
fn over(network: &mut Network, jobs: usize, percent: u64) -> (u64, u64) {
	let (now, done, ran) = (network.now, network.done, network.ran);
	network.award(jobs, percent);
	let ideal = u64::from(network.now - now) * network.ideal();
	let (jobs, blocks) = (network.ran.0 - ran.0, network.ran.1 - ran.1);
	((network.done - done) * 100 / ideal, blocks * 100 / jobs)
}

#[test]
fn equals_share_alike_and_a_slowed_one_loses_its_share_within_twenty_jobs() {
	for (seed, percent) in (0..10).flat_map(|seed| [60, 80, 95].map(|percent| (seed, percent))) {
		for slow in 0..3 {
			let mut network = slowed(seed, live, percent, slow);
			for pipeline in 0..3 {
				let share = network.share(pipeline, 20);
				assert!(
					(24..=43).contains(&share),
					"{share} % of {pipeline} at {percent} %"
				);
			}
			network.award(20, percent);
			let from = network.awarded.len();
			network.award(100, percent);
			let share = network.share(slow as u32, from);
			// A third of the speed is a seventh of all there is.
			assert!(
				(8..=21).contains(&share),
				"{share} % of the slow one at {percent} %"
			);
		}
	}
}

#[test]
fn nine_tenths_of_the_ideal_throughput_are_reached_from_the_moment_of_the_slowing() {
	for seed in 0..10 {
		for slow in 0..3 {
			let mut network = slowed(seed, live, 100, slow);
			let (throughput, _) = over(&mut network, 150, 100);
			assert!(throughput >= 90, "{throughput} % of the ideal");
		}
	}
}

#[test]
fn without_live_loads_jobs_wait_for_the_slow_one() {
	for seed in 0..10 {
		let (_, lively) = over(&mut slowed(seed, live, 60, 0), 120, 60);
		let (_, blindly) = over(&mut slowed(seed, blind, 60, 0), 120, 60);
		assert!(
			2 * lively < blindly,
			"{lively} and {blindly} hundredths of blocks"
		);
	}
}

#[test]
fn one_that_recovers_gets_its_share_again() {
	for seed in 0..10 {
		let mut network = slowed(seed, live, 80, 1);
		network.award(60, 80);
		network.pipelines[1].speed = SPEED;
		network.award(60, 80);
		let from = network.awarded.len();
		network.award(100, 80);
		let share = network.share(1, from);
		assert!((24..=43).contains(&share), "{share} %");
	}
}
