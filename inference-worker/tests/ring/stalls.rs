//! A ring that stands still ends for everybody, and from what its leads tell then follows who stopped it.

use crate::lab::*;
use dllm_primitives::{
	api::Route,
	ids::{Digest, JobId, StageIndex},
	stall::{blamed, Tally, Word},
};
use dllm_worker::pipeline::{self, Conduct, Honest, PipelineError, Timings};
use futures::future::join_all;
use std::{sync::Arc, time::Duration};

/// A ring that stands still is given up after that time.
const BRIEF: Timings = Timings {
	idle: Duration::from_secs(5),
	..PATIENT
};
/// So is one that does not come to stand.
const HASTY: Timings = Timings {
	join: Duration::from_secs(4),
	ready: Duration::from_secs(3),
	early: Duration::from_secs(2),
	..BRIEF
};
const LAYERS: u16 = 3;

/// Keeps the rows from a position on.
struct Keeper(u32);

impl Conduct for Keeper {
	fn passes_on(&self, _stage: StageIndex, position: u32) -> bool {
		position < self.0
	}
}

/// An entry and three segments.
struct Crew {
	workers: Vec<Worker>,
	route: Route,
}

impl Crew {
	/// One of them keeps rows from a position on.
	async fn new(job: JobId, keeper: usize, from: u32) -> Self {
		Self::with(job, BRIEF, Some((keeper, from))).await
	}

	async fn with(job: JobId, timings: Timings, keeper: Option<(usize, u32)>) -> Self {
		let mut workers = Vec::new();
		for place in 0..=usize::from(LAYERS) {
			let conduct: Arc<dyn Conduct> = match keeper {
				Some((keeper, from)) if keeper == place => Arc::new(Keeper(from)),
				_ => Arc::new(Honest),
			};
			let worker = Worker::with(place as u8 + 1, TCP, timings, conduct).await;
			workers.push(match place {
				0 => worker.enter(),
				_ => worker.hold(layer(place)),
			});
		}
		let segments = (1..workers.len()).map(|place| (&workers[place], layer(place)));
		let route = route(job, &workers[0], &segments.collect::<Vec<_>>());
		Self { workers, route }
	}

	async fn run(&self, place: usize) -> Result<(), PipelineError> {
		let (workshop, route) = (&self.workers[place].workshop, self.route.clone());
		if place > 0 {
			let led = pipeline::lead(workshop, route, ASKED, place as StageIndex).await;
			return led.map(|_| ());
		}
		let limits = limits();
		let answer = pipeline::entry::run(workshop, route, question(), &limits, |_| {});
		answer.await.map(|_| ())
	}

	/// Runs the job until the time of who keeps the rows is over, which is after all others gave up.
	async fn stand_still(&self, keeper: usize) {
		let others = async {
			let others = (0..self.workers.len()).filter(|place| *place != keeper);
			let ended = join_all(others.map(|place| self.run(place))).await;
			assert!(ended.iter().all(|ended| ended.is_err()), "{ended:?}");
			self.workers[keeper]
				.workshop
				.set_block(self.route.run_until + 1);
		};
		let (kept, ()) = tokio::join!(self.run(keeper), others);
		assert!(
			matches!(kept, Err(PipelineError::Overdue { .. })),
			"{kept:?}"
		);
	}

	fn tally(&self, place: usize) -> Option<Tally> {
		let tallies = &self.workers[place].workshop.tallies;
		tallies.of(self.route.job, place as StageIndex)
	}

	fn tallies(&self) -> Vec<Tally> {
		let places = 0..self.workers.len();
		places.map(|place| self.tally(place).unwrap()).collect()
	}
}

fn layer(place: usize) -> dllm_primitives::model::LayerRange {
	let place = place as u16;
	range(place - 1, place)
}

/// Rows of the prompt.
fn prompt_rows() -> u32 {
	let manifest = manifest();
	let entry = dllm_model::entry::Entry::load(&manifest, model()).unwrap();
	question().tokens(&entry).unwrap().len() as u32
}

fn words(tallies: &[Tally]) -> Vec<Word> {
	tallies.iter().map(|tally| Word::Told(*tally)).collect()
}

/// Places of those to blame.
fn places(words: &[Word]) -> Vec<usize> {
	let blamed = blamed(words, false).into_iter().enumerate();
	blamed
		.filter(|(_, is)| *is)
		.map(|(place, _)| place)
		.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_the_rows_of_a_prompt_is_found_by_what_all_tell() {
	let stopped = (0..=3).map(|keeper| async move {
		let crew = Crew::new(90 + keeper as JobId, keeper, 0).await;
		crew.stand_still(keeper).await;
		(keeper, crew.tallies())
	});
	let prompt = prompt_rows();
	for (keeper, tallies) in join_all(stopped).await {
		for (place, tally) in tallies.iter().enumerate() {
			// The entry stands at both ends of the ring.
			let (received, sent) = match place {
				0 => (0, if keeper == 0 { 0 } else { prompt }),
				_ if keeper == 0 || place > keeper => (0, 0),
				_ if place == keeper => (prompt, 0),
				_ => (prompt, prompt),
			};
			let told = (tally.received, tally.sent);
			let due = (Some(received), Some(sent));
			assert_eq!(told, due, "{keeper} keeps, {place} tells");
		}
		assert_eq!(places(&words(&tallies)), [keeper]);

		let mut silent = words(&tallies);
		silent[keeper] = Word::Silent;
		assert_eq!(places(&silent), [keeper]);

		let mut denied = tallies;
		denied[keeper].sent = Some(prompt);
		let mut both = vec![keeper, (keeper + 1) % 4];
		both.sort_unstable();
		assert_eq!(places(&words(&denied)), both);
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_a_later_row_is_found_too() {
	let prompt = prompt_rows();
	let stopped = (1..=3).map(|keeper| async move {
		let crew = Crew::new(95 + keeper as JobId, keeper, prompt + 2).await;
		crew.stand_still(keeper).await;
		(keeper, crew.tallies())
	});
	for (keeper, tallies) in join_all(stopped).await {
		assert_eq!(tallies[0].sent, Some(prompt + 3));
		assert_eq!(tallies[0].received, Some(prompt + 2));
		assert_eq!(places(&words(&tallies)), [keeper]);
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_try_counts_on_from_the_one_before_and_another_run_does_not() {
	let prompt = prompt_rows();
	let crew = Crew::new(100, 2, 0).await;
	crew.stand_still(2).await;
	let first = crew.tallies();
	let lead = &crew.workers[1].workshop;

	// Nobody comes to the second try.
	let Crew { route, workers } = &crew;
	let alone = pipeline::lead(lead, route.clone(), ASKED, 1);
	let over = async { lead.set_block(route.run_until + 1) };
	assert!(tokio::join!(alone, over).0.is_err());
	assert_eq!(lead.tallies.of(100, 1), Some(first[1]));

	let other = Route {
		asked: Digest::repeat_byte(6),
		run_until: 2000,
		..route.clone()
	};
	let alone = pipeline::lead(lead, other, ASKED, 1);
	let over = async { lead.set_block(2001) };
	assert!(tokio::join!(alone, over).0.is_err());
	assert_eq!(lead.tallies.of(100, 1), Some(Tally::default()));
	lead.forget(100).await.unwrap();
	assert_eq!(lead.tallies.of(100, 1), None);
	assert_eq!(
		workers[0].workshop.tallies.of(100, 0).unwrap().sent,
		Some(prompt)
	);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_cannot_reach_the_next_stage_says_so() {
	let crew = Crew::with(101, HASTY, None).await;
	crew.workers[2].workshop.network.shutdown().await;
	let (entry, first, last) = tokio::join!(crew.run(0), crew.run(1), crew.run(3));
	assert!(entry.is_err() && first.is_err() && last.is_err());
	let first = crew.tally(1).unwrap();
	assert_eq!((first.received, first.sent), (Some(0), None));
	assert!(first.lost_next);
	let last = crew.tally(3).unwrap();
	assert_eq!(last, Tally::default());

	let mut told = [0, 1, 3]
		.map(|place| Word::Told(crew.tally(place).unwrap()))
		.to_vec();
	told.insert(2, Word::Silent);
	assert_eq!(places(&told), [2]);
	// Nobody can tell on which end of that hop the fault lies, if both speak.
	told[2] = Word::Told(Tally::default());
	assert_eq!(places(&told), [1, 2]);
}
