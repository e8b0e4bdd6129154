//! The board keeps one task for each duty: what it starts, tries again, drops and frees. Its crew is played
//! by the test, which decides when a task ends and how.

use dllm_primitives::{
	api::{Duty, RingMember, Route},
	dispute::{self, Game, Record, Subject},
	ids::{Digest, JobId, ModelId, PipelineId, StageIndex},
	model::LayerRange,
	trace::{Layer, Shape},
	verdict::Part,
};
use dllm_worker::{
	duties::{Board, Crew, DutyError, Key, Pauses, Progress, Task},
	network::frame::Side,
};
use libp2p::PeerId;
use std::{
	collections::{HashMap, HashSet},
	sync::{Arc, Mutex},
	time::Duration,
};
use tokio::{sync::oneshot, task::yield_now};

type Result = std::result::Result<Progress, DutyError>;

/// No pause at all: what is due again is due at once.
const AT_ONCE: Pauses = Pauses {
	retry: (Duration::ZERO, Duration::ZERO),
	give_up: Duration::from_secs(3600),
	undone_after: Duration::from_secs(3600),
};
const MODEL: ModelId = 4;
const NOTHING: [Key; 0] = [];

/// A crew that notes what it is asked and works until the test says what came of it.
#[derive(Clone, Default)]
struct Puppets(Arc<Mutex<Notes>>);

#[derive(Default)]
struct Notes {
	/// Tasks that were begun, in order.
	begun: Vec<Task>,
	working: HashMap<Key, oneshot::Sender<Result>>,
	released: Vec<(ModelId, LayerRange)>,
	allowed: HashMap<(JobId, StageIndex, Side), Vec<PeerId>>,
}

impl Crew for Puppets {
	async fn perform(self, task: Task) -> Result {
		let ended = self.begin(task);
		ended.await.unwrap_or(Err(DutyError::ThreadDied))
	}

	fn allow(&self, job: JobId, stage: StageIndex, side: Side, peers: Vec<PeerId>) {
		self.0
			.lock()
			.unwrap()
			.allowed
			.insert((job, stage, side), peers);
	}

	fn release(&self, model: ModelId, layers: LayerRange) -> bool {
		self.0.lock().unwrap().released.push((model, layers));
		true
	}
}

impl Puppets {
	/// Notes that a task begins; gives what tells its end.
	fn begin(&self, task: Task) -> oneshot::Receiver<Result> {
		let (end, ended) = oneshot::channel();
		let key = task.key();
		let mut notes = self.0.lock().unwrap();
		notes.begun.push(task);
		let twice = notes.working.insert(key, end);
		assert!(
			twice.is_none_or(|earlier| earlier.is_closed()),
			"{key:?} was begun twice"
		);
		ended
	}
}

/// A board and its crew.
struct Desk {
	board: Board<Puppets>,
	crew: Puppets,
}

impl Desk {
	fn new(attended: &[JobId], pauses: Pauses) -> Self {
		let crew = Puppets::default();
		let attended = attended.iter().copied().collect::<HashSet<_>>();
		let board = Board::new(crew.clone(), attended, pauses);
		Self { board, crew }
	}

	/// A block with these duties; gives the tasks that were begun for it.
	async fn block(&mut self, duties: &[Duty]) -> Vec<Key> {
		let before = self.crew.0.lock().unwrap().begun.len();
		self.board.follow(duties);
		// Tasks begin when the runtime, which has one thread here, comes to them.
		for _ in 0..8 {
			yield_now().await;
		}
		let notes = self.crew.0.lock().unwrap();
		notes.begun[before..].iter().map(Task::key).collect()
	}

	/// Ends a task that is under way.
	async fn end(&mut self, key: Key, result: Result) {
		let working = self.crew.0.lock().unwrap().working.remove(&key);
		let working = working.unwrap_or_else(|| panic!("{key:?} is not under way"));
		assert!(working.send(result).is_ok(), "{key:?} was dropped");
		self.board.ended().await;
	}

	fn is_under_way(&self, key: Key) -> bool {
		let notes = self.crew.0.lock().unwrap();
		notes.working.get(&key).is_some_and(|end| !end.is_closed())
	}

	fn last(&self) -> Task {
		self.crew.0.lock().unwrap().begun.last().unwrap().clone()
	}
}

fn layers(start: u16, end: u16) -> LayerRange {
	LayerRange { start, end }
}

fn host(pipeline: PipelineId, stage: StageIndex, layers: LayerRange, ready: bool) -> Duty {
	Duty::Host {
		pipeline,
		model: MODEL,
		stage,
		layers,
		slots: 2,
		ready,
	}
}

fn route(job: JobId) -> Route {
	let member = |stage, layers| RingMember {
		stage,
		layers,
		worker: None,
		peer_id: Vec::new(),
		addresses: Vec::new(),
	};
	let members = vec![member(0, layers(0, 0)), member(1, layers(0, 3))];
	Route {
		job,
		asked: Digest::zero(),
		model: MODEL,
		adapter: None,
		rows_ceiling: 9,
		run_until: 50,
		members,
	}
}

fn run(job: JobId, committed: bool) -> Duty {
	Duty::Run {
		route: route(job),
		stage: 1,
		prompt: None,
		committed,
	}
}

fn check(job: JobId) -> Duty {
	Duty::Check {
		route: route(job),
		stage: 1,
		part: Part::Replica,
		prompt: None,
		commitments: Vec::new(),
		until: 77,
	}
}

/// A dispute in which `digest` stands for what has happened so far.
fn dispute(job: JobId, digest: Digest) -> Duty {
	let subject = Subject {
		job,
		stage: 1,
		worker: Digest::zero(),
		shape: Shape {
			hidden: 64,
			heads: 4,
			kv_heads: 2,
			head_dim: 16,
			inner: 96,
			bias: false,
			head_norm: false,
			epsilon: 0,
			factor: 0,
		},
		layers: vec![Layer::default(); 3],
		rows: 9,
		input: Digest::zero(),
		output: Digest::zero(),
	};
	let game = Game {
		trace: digest,
		..Game::new(&subject).unwrap()
	};
	Duty::Dispute {
		route: route(job),
		stage: 1,
		side: dispute::Side::Defender,
		record: Record {
			subject,
			game,
			shown: Vec::new(),
		},
		commitments: Vec::new(),
		until: 78,
	}
}

fn serve(job: JobId, to: &[PeerId]) -> Duty {
	let output_to = to.iter().map(|peer| peer.to_bytes()).collect();
	Duty::Serve {
		job,
		stage: 1,
		output_to,
		input_to: Vec::new(),
	}
}

fn failed_for_now() -> Result {
	Err(DutyError::ThreadDied)
}

fn failed_for_good() -> Result {
	Err(DutyError::ReplyTooLong { job: 1 })
}

#[tokio::test]
async fn a_duty_has_one_task_however_often_it_is_read() {
	let mut desk = Desk::new(&[], AT_ONCE);
	assert_eq!(desk.block(&[run(1, false)]).await, [Key::Run(1, 1)]);
	assert_eq!(
		desk.block(&[run(1, false), check(2)]).await,
		[Key::Check(2, 1)]
	);
	assert!(matches!(desk.last(), Task::Check { until: 77, .. }));
	desk.end(Key::Run(1, 1), Ok(Progress::Done)).await;
	assert_eq!(desk.block(&[run(1, false), check(2)]).await, NOTHING);
	// What is committed asks for nothing.
	let duties = [run(1, false), check(2), run(3, true)];
	assert_eq!(desk.block(&duties).await, NOTHING);
}

#[tokio::test]
async fn the_stages_of_a_pipeline_are_one_task() {
	let mut desk = Desk::new(&[], AT_ONCE);
	let duties = [
		host(7, 0, layers(0, 0), false),
		host(7, 2, layers(3, 6), false),
		host(8, 1, layers(0, 3), false),
	];
	assert_eq!(desk.block(&duties).await, [Key::Host(7), Key::Host(8)]);
	let notes = desk.crew.0.lock().unwrap();
	let Task::Host { stages, slots, .. } = &notes.begun[0] else {
		panic!("{:?}", notes.begun[0])
	};
	assert_eq!((stages, *slots), (&vec![layers(0, 0), layers(3, 6)], 2));
}

#[tokio::test]
async fn a_failure_that_can_pass_is_tried_again() {
	let mut desk = Desk::new(&[], AT_ONCE);
	let (duty, key) = ([run(1, false)], Key::Run(1, 1));
	for _ in 0..3 {
		assert_eq!(desk.block(&duty).await, [key]);
		desk.end(key, failed_for_now()).await;
		assert!(desk.board.next_attempt().is_some());
	}
}

#[tokio::test]
async fn a_failed_duty_pauses() {
	let hour = Duration::from_secs(3600);
	let pauses = Pauses {
		retry: (hour, 3 * hour),
		..AT_ONCE
	};
	let mut desk = Desk::new(&[], pauses);
	desk.block(&[run(1, false)]).await;
	desk.end(Key::Run(1, 1), failed_for_now()).await;
	let wait = desk.board.next_attempt().unwrap() - tokio::time::Instant::now();
	assert!(wait <= hour && wait > hour / 2, "{wait:?}");
	assert_eq!(desk.block(&[run(1, false)]).await, NOTHING, "it pauses");
}

#[tokio::test]
async fn a_failure_for_good_waits_long() {
	let mut desk = Desk::new(&[], AT_ONCE);
	desk.block(&[run(1, false)]).await;
	desk.end(Key::Run(1, 1), failed_for_good()).await;
	assert_eq!(desk.block(&[run(1, false)]).await, NOTHING);
	// A fork that takes the duty away takes the failure with it.
	desk.block(&[]).await;
	assert_eq!(desk.block(&[run(1, false)]).await, [Key::Run(1, 1)]);
}

#[tokio::test]
async fn what_is_done_and_still_stands_after_a_while_was_undone() {
	let pauses = Pauses {
		undone_after: Duration::ZERO,
		..AT_ONCE
	};
	let mut desk = Desk::new(&[], pauses);
	let duties = [run(1, false), host(7, 1, layers(0, 3), true)];
	desk.block(&duties).await;
	desk.end(Key::Run(1, 1), Ok(Progress::Done)).await;
	desk.end(Key::Host(7), Ok(Progress::Done)).await;
	// Shards that are loaded and declared stay so.
	assert_eq!(desk.block(&duties).await, [Key::Run(1, 1)]);
}

#[tokio::test]
async fn a_pipeline_that_is_gone_is_dropped_and_a_job_is_not() {
	let mut desk = Desk::new(&[], AT_ONCE);
	desk.block(&[run(1, false), host(7, 1, layers(0, 3), false)])
		.await;
	desk.block(&[]).await;
	assert!(!desk.is_under_way(Key::Host(7)), "its pipeline is gone");
	// Its duty may be gone because its commitment just reached a block.
	assert!(desk.is_under_way(Key::Run(1, 1)));
}

#[tokio::test]
async fn layers_are_freed_when_nothing_needs_them() {
	let mut desk = Desk::new(&[], AT_ONCE);
	desk.block(&[
		host(7, 1, layers(0, 3), true),
		host(7, 0, layers(0, 0), true),
	])
	.await;
	// The pipeline closes while a job still runs on the layers.
	desk.block(&[run(1, false)]).await;
	let entry = (MODEL, layers(0, 0));
	assert_eq!(desk.crew.0.lock().unwrap().released, [entry]);
	desk.block(&[]).await;
	let segment = (MODEL, layers(0, 3));
	assert_eq!(desk.crew.0.lock().unwrap().released, [entry, segment]);
}

#[tokio::test]
async fn rows_are_for_the_named_checkers_while_the_duty_stands() {
	let mut desk = Desk::new(&[], AT_ONCE);
	let checker = PeerId::random();
	let allowed = |desk: &Desk, side| desk.crew.0.lock().unwrap().allowed[&(1, 1, side)].clone();
	desk.block(&[serve(1, &[checker])]).await;
	assert_eq!(allowed(&desk, Side::Output), [checker]);
	assert!(allowed(&desk, Side::Input).is_empty());
	// A third worker is drawn blocks after the first checker has told what it found.
	let third = PeerId::random();
	desk.block(&[serve(1, &[checker, third])]).await;
	assert_eq!(allowed(&desk, Side::Output), [checker, third]);
	desk.block(&[]).await;
	assert!(allowed(&desk, Side::Output).is_empty());
}

/// A lot is drawn once for each draw, keeps no layers, and is no part in the job: who is not summoned has nothing to
/// close.
#[tokio::test]
async fn a_lot_is_drawn_once_for_each_draw() {
	let mut desk = Desk::new(&[], AT_ONCE);
	let lot = |seed| Duty::Summon {
		job: 3,
		stage: 1,
		seed: Digest::repeat_byte(seed),
		threshold: 7,
		until: 9,
	};
	let key = |seed| Key::Summon(3, 1, Digest::repeat_byte(seed));
	assert_eq!(desk.block(&[lot(1)]).await, [key(1)]);
	let due = Task::Summon {
		job: 3,
		stage: 1,
		seed: Digest::repeat_byte(1),
		threshold: 7,
	};
	assert_eq!(desk.last(), due);
	desk.end(key(1), Ok(Progress::Done)).await;
	assert_eq!(desk.block(&[lot(1)]).await, NOTHING);
	assert_eq!(
		desk.block(&[lot(2)]).await,
		[key(2)],
		"a fork has another seed"
	);
	desk.end(key(2), Ok(Progress::Done)).await;
	assert_eq!(desk.block(&[]).await, NOTHING);
}

#[tokio::test]
async fn a_receipt_is_shown_once_for_each_hop() {
	let mut desk = Desk::new(&[], AT_ONCE);
	let reconcile = |boundary| Duty::Reconcile {
		route: route(5),
		boundary,
		until: 78,
	};
	let duties = [reconcile(0), reconcile(1)];
	let mut begun = desk.block(&duties).await;
	begun.sort_by_key(|key| format!("{key:?}"));
	assert_eq!(begun, [Key::Reconcile(5, 0), Key::Reconcile(5, 1)]);
	assert!(matches!(desk.last(), Task::Reconcile { boundary: 1, .. }));
	for key in begun {
		desk.end(key, Ok(Progress::Done)).await;
	}
	assert_eq!(desk.block(&duties).await, NOTHING);
}

/// Rows are shown once for each draw of positions.
#[tokio::test]
async fn rows_are_shown_once_for_each_draw() {
	let mut desk = Desk::new(&[], AT_ONCE);
	let compare = |positions: &[u32]| {
		[Duty::Compare {
			job: 5,
			stage: 1,
			positions: positions.to_vec(),
			until: 78,
		}]
	};
	let begun = desk.block(&compare(&[0, 7])).await;
	let [key] = begun[..] else {
		panic!("{begun:?}")
	};
	assert!(matches!(key, Key::Compare(5, 1, _)));
	let due = Task::Compare {
		job: 5,
		stage: 1,
		positions: vec![0, 7],
	};
	assert_eq!(desk.last(), due);
	desk.end(key, failed_for_now()).await;
	assert_eq!(desk.block(&compare(&[0, 7])).await, [key]);
	desk.end(key, Ok(Progress::Done)).await;
	assert_eq!(desk.block(&compare(&[0, 7])).await, NOTHING);
	// A fork draws others.
	let begun = desk.block(&compare(&[0, 8])).await;
	let [other] = begun[..] else {
		panic!("{begun:?}")
	};
	assert!(matches!(other, Key::Compare(5, 1, _)) && other != key);
	desk.end(other, Ok(Progress::Done)).await;
	assert_eq!(desk.block(&[]).await, [Key::Close(5)]);
}

#[tokio::test]
async fn every_move_of_a_dispute_is_a_task_and_keeps_the_layers() {
	let mut desk = Desk::new(&[], AT_ONCE);
	let [first, second] = [1, 2].map(|byte| [dispute(5, Digest::repeat_byte(byte))]);
	let begun = desk.block(&first).await;
	let [key] = begun[..] else {
		panic!("{begun:?}")
	};
	assert!(matches!(key, Key::Dispute(5, 1, _)));
	assert!(matches!(desk.last(), Task::Dispute { until: 78, .. }));
	desk.end(key, Ok(Progress::Done)).await;
	assert_eq!(desk.block(&first).await, NOTHING);
	// Between its moves nothing is due, and the job is asked for.
	assert_eq!(desk.block(&[]).await, [Key::Close(5)]);
	desk.end(Key::Close(5), Ok(Progress::NotYet)).await;
	let begun = desk.block(&second).await;
	assert!(matches!(begun[..], [Key::Dispute(5, 1, _)]), "{begun:?}");
	assert_ne!(begun, [key]);
	// A fork undid the second move.
	assert_eq!(desk.block(&first).await, [key]);
	let released = desk.crew.0.lock().unwrap().released.clone();
	assert_eq!(
		released,
		[(MODEL, layers(0, 3))],
		"only while nothing was due"
	);
}

#[tokio::test]
async fn a_job_is_closed_once_it_asks_for_nothing() {
	let mut desk = Desk::new(&[5], AT_ONCE);
	// Job 5 is in the ledger from before a restart; job 1 still runs.
	assert_eq!(
		desk.block(&[run(1, false)]).await,
		[Key::Run(1, 1), Key::Close(5)]
	);
	desk.end(Key::Close(5), Ok(Progress::NotYet)).await;
	assert_eq!(desk.block(&[run(1, true)]).await, [Key::Close(5)]);
	desk.end(Key::Close(5), Ok(Progress::Done)).await;
	assert_eq!(desk.block(&[run(1, true)]).await, NOTHING);
	desk.end(Key::Run(1, 1), Ok(Progress::Done)).await;
	assert_eq!(desk.block(&[]).await, [Key::Close(1)]);
	desk.end(Key::Close(1), Ok(Progress::Done)).await;
	assert_eq!(desk.block(&[]).await, NOTHING);
	assert_eq!(desk.block(&[]).await, NOTHING, "a closed job is forgotten");
}
