//! Who may not take part does not; who sends nonsense is found out; who cheats has other roots.

use crate::lab::*;
use dllm_primitives::{
	api::Route,
	commitment::Roots,
	ids::{Digest, JobId, StageIndex},
	model::LayerRange,
};
use dllm_worker::{
	commitment::Ledger,
	network::{
		dtype::Dtype,
		frame::{Ask, Frame, Open, Reason, Rows, Side},
		link::{Link, LinkError},
		Network, Peer,
	},
	pipeline::{self, Conduct, Honest, PipelineError, Timings},
	verification::{self, CheckError},
};
use libp2p::bytes::Bytes;
use std::{fs, sync::Arc, time::Duration};

pub const PATIENCE: Duration = Duration::from_secs(30);
pub const WIDTH: u32 = 64;

pub fn open(job: JobId, boundary: StageIndex) -> Open {
	let (job_key, dtype) = ([7; 32], Dtype::F32);
	Open {
		job,
		boundary,
		job_key,
		rows_ceiling: CEILING,
		width: WIDTH,
		dtype,
	}
}

pub fn rows(job: JobId, position: u32, count: u16, bytes: usize) -> Frame {
	let payload = Bytes::from(vec![0; bytes]);
	Frame::Rows(Rows {
		session: job,
		position,
		dtype: Dtype::F32,
		count,
		payload,
	})
}

pub async fn dial(network: &Network, peer: &Peer) -> Link {
	Link::new(network.open(peer, pipeline::PROTOCOL).await.unwrap())
}

/// A ring of one segment whose entry is played by the test.
pub struct Puppet {
	pub lead: Worker,
	pub user: Worker,
	pub route: Route,
}

impl Puppet {
	/// The entry is a worker.
	pub async fn new(job: JobId, timings: Timings) -> Self {
		let lead = Worker::with(2, TCP, timings, Arc::new(Honest))
			.await
			.hold(range(0, 3));
		let user = Worker::new(1).await;
		let route = route(job, &user, &[(&lead, range(0, 3))]);
		Self { lead, user, route }
	}

	/// The entry is the user of a sealed job.
	pub async fn sealed(job: JobId, timings: Timings) -> Self {
		let puppet = Self::new(job, timings).await;
		let route = sealed_route(job, &puppet.user, &[(&puppet.lead, range(0, 3))]);
		Self { route, ..puppet }
	}

	/// Joins both ends and says `frames`; gives the links.
	pub async fn play(&self, frames: &[Frame]) -> (Link, Link) {
		let (network, peer) = (&self.user.workshop.network, self.lead.peer());
		let mut forward = dial(network, &peer).await;
		let mut back = dial(network, &peer).await;
		forward
			.send(&Frame::Open(open(self.route.job, 0)))
			.await
			.unwrap();
		back.send(&Frame::Open(open(self.route.job, 1)))
			.await
			.unwrap();
		assert_eq!(forward.receive(PATIENCE).await.unwrap(), Frame::Ready);
		assert_eq!(back.receive(PATIENCE).await.unwrap(), Frame::Ready);
		for frame in frames {
			forward.send(frame).await.unwrap();
		}
		(forward, back)
	}

	pub async fn lead(&self) -> Result<Roots, PipelineError> {
		pipeline::lead(&self.lead.workshop, self.route.clone(), ASKED, 1).await
	}

	/// The error with which the lead meets these frames.
	async fn error_of(job: JobId, frames: &[Frame]) -> PipelineError {
		let puppet = Self::new(job, PATIENT).await;
		let (result, _links) = tokio::join!(puppet.lead(), puppet.play(frames));
		assert!(puppet
			.lead
			.workshop
			.ledger
			.opening(job, 1)
			.unwrap()
			.is_none());
		result.unwrap_err()
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_refused_and_the_job_goes_on() {
	let job = 3;
	let entry = Worker::new(1).await.enter();
	let timings = Timings {
		early: Duration::from_millis(300),
		..PATIENT
	};
	let lead = Worker::with(2, TCP, timings, Arc::new(Honest))
		.await
		.hold(range(0, 3));
	let stranger = network(&[]).await;
	let route = route(job, &entry, &[(&lead, range(0, 3))]);
	let leading = tokio::spawn({
		let (workshop, route) = (lead.workshop.clone(), route.clone());
		async move { pipeline::lead(&workshop, route, ASKED, 1).await }
	});

	// On both ends of the segment, and where nothing is expected.
	for boundary in [0, 1] {
		let mut link = dial(&stranger, &lead.peer()).await;
		link.send(&Frame::Open(open(job, boundary))).await.unwrap();
		let error = link.receive(PATIENCE).await.unwrap_err();
		assert!(
			matches!(error, LinkError::Aborted(Reason::Refused)),
			"{error}"
		);
	}
	let mut link = dial(&stranger, &lead.peer()).await;
	link.send(&Frame::Open(open(job + 1, 0))).await.unwrap();
	let error = link.receive(PATIENCE).await.unwrap_err();
	assert!(
		matches!(error, LinkError::Aborted(Reason::NotExpected)),
		"{error}"
	);

	let answer = pipeline::entry::run(&entry.workshop, route, question(), &limits(), |_| {})
		.await
		.unwrap();
	assert_eq!(answer.tokens, reference().0);
	let roots = leading.await.unwrap().unwrap();
	assert_eq!(roots.output, answer.roots.input);

	// Its rows are for its checkers alone.
	let mut link = Link::new(
		stranger
			.open(&lead.peer(), verification::PROTOCOL)
			.await
			.unwrap(),
	);
	let ask = Ask {
		job,
		stage: 1,
		side: Side::Output,
	};
	link.send(&Frame::Ask(ask)).await.unwrap();
	let error = link.receive(PATIENCE).await.unwrap_err();
	assert!(
		matches!(error, LinkError::Aborted(Reason::Refused)),
		"{error}"
	);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_that_nobody_expects_are_counted() {
	let lead = Worker::new(2).await;
	let stranger = network(&[]).await;
	let mut links = Vec::new();
	for job in 0..4 {
		let mut link = dial(&stranger, &lead.peer()).await;
		link.send(&Frame::Open(open(job, 0))).await.unwrap();
		links.push(link);
	}
	// Which of the five arrives last is open, but one of them is one too many.
	let mut fifth = dial(&stranger, &lead.peer()).await;
	fifth.send(&Frame::Open(open(9, 0))).await.unwrap();
	links.push(fifth);
	let waits = links
		.iter_mut()
		.map(|link| Box::pin(link.receive(PATIENCE)));
	let (first, _, _) = futures::future::select_all(waits).await;
	let error = first.unwrap_err();
	assert!(matches!(error, LinkError::Aborted(Reason::Busy)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_peer_does_not_crowd_out_the_others() {
	let lead = Worker::new(2).await;
	let crowd = network(&[]).await;
	let mut silent = Vec::new();
	for _ in 0..20 {
		silent.push(crowd.open(&lead.peer(), verification::PROTOCOL).await);
	}
	// Others are answered, here with what strangers are told.
	let other = network(&[]).await;
	let opened = other.open(&lead.peer(), verification::PROTOCOL).await;
	let mut asking = Link::new(opened.unwrap());
	let ask = Ask {
		job: 1,
		stage: 1,
		side: Side::Output,
	};
	asking.send(&Frame::Ask(ask)).await.unwrap();
	let error = asking.receive(PATIENCE).await.unwrap_err();
	let refused = matches!(error, LinkError::Aborted(Reason::Refused));
	assert!(refused, "{error}");

	let early = Duration::from_millis(10);
	let lead = Worker::with(3, TCP, Timings { early, ..PATIENT }, Arc::new(Honest)).await;
	for _ in 0..70 {
		silent.push(crowd.open(&lead.peer(), pipeline::PROTOCOL).await);
	}
	let mut joining = dial(&other, &lead.peer()).await;
	joining.send(&Frame::Open(open(1, 0))).await.unwrap();
	let error = joining.receive(PATIENCE).await.unwrap_err();
	let unknown = matches!(error, LinkError::Aborted(Reason::NotExpected));
	assert!(unknown, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_rows_end_a_segment() {
	let row = WIDTH as usize * 4;
	let job = 11;
	let wrong = [
		(rows(job, 1, 2, 2 * row), "their position"),
		(rows(job + 1, 0, 2, 2 * row), "their session"),
		(rows(job, 0, 2, row), "their width"),
		(Frame::Close { rows: 0 }, "their number"),
	];
	for (frame, expected) in wrong {
		let error = Puppet::error_of(job, &[frame]).await;
		let found = matches!(error, PipelineError::WrongRows { what, .. } if what == expected);
		assert!(found, "{error}");
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_ends_at_the_ceiling() {
	let (row, job) = (WIDTH as usize * 4, 12);
	let frames = [rows(job, 0, 128, 128 * row), rows(job, 128, 33, 33 * row)];
	let error = Puppet::error_of(job, &frames).await;
	let found = matches!(
		error,
		PipelineError::WrongRows {
			what: "more than the job allows",
			..
		}
	);
	assert!(found, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_are_no_numbers_end_a_segment() {
	let (row, job) = (WIDTH as usize, 13);
	let payload = Bytes::from(f32::NAN.to_le_bytes().repeat(row));
	let nan = Rows {
		session: job,
		position: 0,
		dtype: Dtype::F32,
		count: 1,
		payload,
	};
	let error = Puppet::error_of(job, &[Frame::Rows(nan)]).await;
	assert!(matches!(error, PipelineError::Engine(_)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_out_of_turn_ends_a_segment() {
	let error = Puppet::error_of(14, &[Frame::Ready]).await;
	let found = matches!(
		&error,
		PipelineError::Link {
			error: LinkError::OutOfTurn(_),
			..
		}
	);
	assert!(found, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ends_must_mean_the_same_session() {
	let puppet = Puppet::new(15, PATIENT).await;
	let say = async {
		let (network, peer) = (&puppet.user.workshop.network, puppet.lead.peer());
		let mut forward = dial(network, &peer).await;
		let other = Open {
			rows_ceiling: CEILING + 1,
			..open(15, 0)
		};
		forward.send(&Frame::Open(other)).await.unwrap();
		forward.receive(PATIENCE).await.unwrap_err()
	};
	let (result, told) = tokio::join!(puppet.lead(), say);
	let error = result.unwrap_err();
	assert!(
		matches!(error, PipelineError::OtherSession { .. }),
		"{error}"
	);
	assert!(
		matches!(told, LinkError::Aborted(Reason::Protocol)),
		"{told}"
	);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_upstream_is_noticed() {
	let puppet = Puppet::new(16, PATIENT).await;
	let row = WIDTH as usize * 4;
	let play = async {
		let (_forward, mut back) = puppet.play(&[rows(16, 0, 2, 2 * row)]).await;
		assert!(matches!(back.receive(PATIENCE).await, Ok(Frame::Rows(_))));
		puppet.user.workshop.network.shutdown().await;
	};
	let (result, ()) = tokio::join!(puppet.lead(), play);
	let error = result.unwrap_err();
	assert!(matches!(error, PipelineError::Link { .. }), "{error}");
	assert!(error.is_retryable());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_upstream_is_given_up() {
	let idle = Duration::from_millis(300);
	let puppet = Puppet::new(17, Timings { idle, ..PATIENT }).await;
	let play = async {
		let (mut forward, _back) = puppet.play(&[]).await;
		forward.receive(PATIENCE).await.unwrap_err()
	};
	let (result, told) = tokio::join!(puppet.lead(), play);
	let error = result.unwrap_err();
	// The entry gives up before any segment does.
	let silent = matches!(&error, PipelineError::Link { error: LinkError::Silent(waited), .. } if *waited > idle);
	assert!(silent, "{error}");
	assert!(matches!(told, LinkError::Aborted(Reason::Late)), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_segment_ends_the_entry() {
	let job = 18;
	let entry = Worker::new(1).await.enter();
	let first = Worker::new(2).await.hold(range(0, 1));
	let second = Worker::new(3).await.hold(range(1, 3));
	let route = route(
		job,
		&entry,
		&[(&first, range(0, 1)), (&second, range(1, 3))],
	);
	let mut tokens = 0;
	let (killing, killed) = std::sync::mpsc::channel();
	let killer = async {
		let killed = tokio::task::spawn_blocking(move || killed.recv());
		killed.await.unwrap().unwrap();
		second.workshop.network.shutdown().await;
	};
	let limits = limits();
	let (answer, one, two, ()) = tokio::join!(
		pipeline::entry::run(&entry.workshop, route.clone(), question(), &limits, |_| {
			tokens += 1;
			if tokens == 2 {
				killing.send(()).unwrap();
			}
		}),
		pipeline::lead(&first.workshop, route.clone(), ASKED, 1),
		pipeline::lead(&second.workshop, route.clone(), ASKED, 2),
		killer,
	);
	assert!(matches!(answer.unwrap_err(), PipelineError::Link { .. }));
	assert!(matches!(one.unwrap_err(), PipelineError::Link { .. }));
	assert!(matches!(
		two.unwrap_err(),
		PipelineError::Interrupted { .. } | PipelineError::Link { .. }
	));
	for (worker, stage) in [(&entry, 0), (&first, 1), (&second, 2)] {
		assert!(worker
			.workshop
			.ledger
			.opening(job, stage)
			.unwrap()
			.is_none());
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_that_nobody_joins_gives_up() {
	let join = Duration::from_millis(200);
	let puppet = Puppet::new(19, Timings { join, ..PATIENT }).await;
	let error = puppet.lead().await.unwrap_err();
	assert!(
		matches!(error, PipelineError::NobodyCame { boundary: 0, .. }),
		"{error}"
	);
	assert!(error.is_retryable());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_with_its_block() {
	let puppet = Puppet::new(20, PATIENT).await;
	puppet.lead.workshop.set_block(puppet.route.run_until);
	let overdue = async {
		let (forward, back) = puppet.play(&[]).await;
		puppet.lead.workshop.set_block(puppet.route.run_until + 1);
		(forward, back)
	};
	let (result, _links) = tokio::join!(puppet.lead(), overdue);
	let error = result.unwrap_err();
	assert!(
		matches!(error, PipelineError::Overdue { block: 1000, .. }),
		"{error}"
	);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_that_the_job_does_not_hold_is_refused() {
	let entry = Worker::new(1).await.enter();
	let lead = Worker::new(2).await;
	let mut route = route(21, &entry, &[(&lead, range(0, 3))]);
	route.rows_ceiling = MAX_TOKENS;
	let error = pipeline::entry::run(&entry.workshop, route, question(), &limits(), |_| {})
		.await
		.unwrap_err();
	let found = matches!(
		error,
		PipelineError::PromptTooLong {
			ceiling: MAX_TOKENS,
			..
		}
	);
	assert!(found, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_that_make_no_ring_are_refused() {
	let worker = Worker::new(1).await.enter().hold(range(0, 3));
	let good = route(22, &worker, &[(&worker, range(0, 3))]);
	let with = |change: &dyn Fn(&mut Route)| {
		let mut route = good.clone();
		change(&mut route);
		route
	};
	let routes = [
		with(&|route| route.members.truncate(1)),
		with(&|route| route.members.swap(0, 1)),
		with(&|route| route.members[1].layers = LayerRange::default()),
		with(&|route| route.rows_ceiling = 0),
		with(&|route| route.members[1].peer_id.truncate(3)),
	];
	for route in routes {
		let error = pipeline::lead(&worker.workshop, route, ASKED, 1)
			.await
			.unwrap_err();
		let bad = matches!(
			error,
			PipelineError::BadRoute { .. } | PipelineError::Network(_)
		);
		assert!(bad, "{error}");
	}
	let error = pipeline::lead(&worker.workshop, good.clone(), ASKED, 2)
		.await
		.unwrap_err();
	assert!(matches!(error, PipelineError::BadRoute { .. }), "{error}");
	let mut missing = good;
	missing.members[1].layers = range(0, 2);
	let error = pipeline::lead(&worker.workshop, missing, ASKED, 1)
		.await
		.unwrap_err();
	assert!(
		matches!(error, PipelineError::Host(_)) && error.is_retryable(),
		"{error}"
	);
}

/// Changes one value of one row.
struct Forger;

impl Conduct for Forger {
	fn output_row(&self, _stage: StageIndex, position: u32, row: &mut [f32]) {
		if position == 3 {
			row[0] += 0.5;
		}
	}
}

/// Leaves out the last layer that is due.
struct Skipper;

impl Conduct for Skipper {
	fn layers(&self, due: LayerRange) -> LayerRange {
		range(due.start, due.end - 1)
	}
}

/// The roots of a lead with that conduct, and those of an honest checker.
async fn judged(conduct: Arc<dyn Conduct>) -> (Roots, Roots) {
	let job = 30;
	let entry = Worker::new(1).await.enter();
	let lead = Worker::with(2, TCP, PATIENT, conduct)
		.await
		.hold(range(0, 3));
	let checker = Worker::new(3).await.hold(range(0, 3));
	let route = route(job, &entry, &[(&lead, range(0, 3))]);
	let limits = limits();
	let (answer, led) = tokio::join!(
		pipeline::entry::run(&entry.workshop, route.clone(), question(), &limits, |_| {}),
		pipeline::lead(&lead.workshop, route.clone(), ASKED, 1),
	);
	answer.unwrap();
	entry
		.workshop
		.allow(job, 0, Side::Output, [checker.peer().id]);
	let committed = [entry.committed(job, 0)];
	let checked = check(&checker.workshop, &route, 1, None, &committed).await;
	(led.unwrap(), checked.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn one_altered_value_changes_the_output_root() {
	let (led, checked) = judged(Arc::new(Forger)).await;
	assert_ne!(led.output, checked.output);
	assert_eq!(
		(led.input, led.rows, led.weights),
		(checked.input, checked.rows, checked.weights)
	);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_layer_changes_the_output_root() {
	let (led, checked) = judged(Arc::new(Skipper)).await;
	assert_ne!(led.output, checked.output);
	assert_eq!(
		led.weights, checked.weights,
		"it claims to have executed all of them"
	);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checker_takes_only_what_was_committed_to() {
	let job = 31;
	let entry = Worker::new(1).await.enter();
	let lead = Worker::new(2).await.hold(range(0, 3));
	let checker = Worker::new(3).await.hold(range(0, 3));
	let route = route(job, &entry, &[(&lead, range(0, 3))]);
	let limits = limits();
	let (answer, led) = tokio::join!(
		pipeline::entry::run(&entry.workshop, route.clone(), question(), &limits, |_| {}),
		pipeline::lead(&lead.workshop, route.clone(), ASKED, 1),
	);
	let (answer, led) = (answer.unwrap(), led.unwrap());
	let check = |commitments: Vec<_>| {
		let (workshop, route) = (checker.workshop.clone(), route.clone());
		async move { check(&workshop, &route, 1, None, &commitments).await }
	};
	let committed = entry.committed(job, 0);

	// The lead under check lets nobody in, so all depends on the entry.
	let by_entry = |error: CheckError| match error {
		CheckError::NeitherEnd { sender, .. } => *sender,
		error => panic!("{error}"),
	};
	let error = by_entry(check(vec![committed.clone()]).await.unwrap_err());
	assert!(
		matches!(error, CheckError::Link { .. }) && error.is_retryable(),
		"{error}"
	);
	entry
		.workshop
		.allow(job, 0, Side::Output, [checker.peer().id]);
	let error = by_entry(check(Vec::new()).await.unwrap_err());
	assert!(
		matches!(error, CheckError::NotCommitted { stage: 0, .. }),
		"{error}"
	);
	let other = (0, committed.1.clone(), Digest::repeat_byte(1));
	let error = by_entry(check(vec![other]).await.unwrap_err());
	assert!(matches!(error, CheckError::OtherOpening { .. }), "{error}");

	// The lead hands out rows that it did not commit to.
	let path = entry
		.folder
		.path()
		.join(format!("jobs/{job}/0/output.rows"));
	let honest = fs::read(&path).unwrap();
	let mut forged = honest.clone();
	forged[5] ^= 1;
	fs::write(&path, forged).unwrap();
	let error = by_entry(check(vec![committed.clone()]).await.unwrap_err());
	assert!(
		matches!(error, CheckError::OtherRows { .. }) && !error.is_retryable(),
		"{error}"
	);
	assert!(checker.workshop.ledger.opening(job, 1).unwrap().is_none());

	fs::write(&path, honest).unwrap();
	assert_eq!(check(vec![committed]).await.unwrap(), led);
	assert_eq!(led.input, answer.roots.output);
	assert!(Ledger::open(checker.folder.path().join("jobs"))
		.unwrap()
		.opening(job, 1)
		.unwrap()
		.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_prompt_or_another_seed_changes_the_entry() {
	let job = 32;
	let entry = Worker::new(1).await.enter();
	let lead = Worker::new(2).await.hold(range(0, 3));
	let route = route(job, &entry, &[(&lead, range(0, 3))]);
	let run = limits();
	let (answer, led) = tokio::join!(
		pipeline::entry::run(&entry.workshop, route.clone(), question(), &run, |_| {}),
		pipeline::lead(&lead.workshop, route.clone(), ASKED, 1),
	);
	let (answer, _) = (answer.unwrap(), led.unwrap());
	let committed = [lead.committed(job, 1)];
	let mut changes = vec![(prompt(), true)];
	changes.push((prompt(), false));
	changes[1].0.text[0] ^= 1;
	changes.push((prompt(), false));
	changes[2].0.limits.seed += 1;
	// A reply that was cut short is not the reply.
	changes.push((prompt(), false));
	changes[3].0.limits.max_tokens += 1;
	for (number, (prompt, same)) in (10..).zip(changes) {
		let checker = Worker::new(number).await.enter();
		lead.workshop
			.allow(job, 1, Side::Output, [checker.peer().id]);
		let workshop = &checker.workshop;
		let roots = check(workshop, &route, 0, Some(&prompt), &committed);
		assert_eq!(
			roots.await.unwrap() == answer.roots,
			same,
			"checker {number}"
		);
	}
}
