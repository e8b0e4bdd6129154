//! Who leaves when: what a ring has run is recorded although its user goes without a word, and no job is
//! taken for another one.

use crate::{
	defence::{dial, open, rows, Puppet, PATIENCE, WIDTH},
	hops::{part, pledged},
	lab::*,
};
use dllm_primitives::{
	api::Route,
	commitment::Roots,
	ids::{Digest, JobId, StageIndex},
};
use dllm_worker::{
	network::{
		dtype::Dtype,
		frame::{Frame, Reason, Record, Side},
		link::{Link, LinkError},
	},
	pipeline::{self, entry::Question, PipelineError, Timings},
	verification::{self, Case, CheckError},
};
use std::time::Duration;

const ROW: usize = WIDTH as usize * 4;

pub fn recorded(worker: &Worker, job: JobId, stage: StageIndex) -> Option<Roots> {
	let opening = worker.workshop.ledger.opening(job, stage).unwrap();
	opening.map(|opening| opening.roots)
}

/// A user, or an entry that is a worker, whose two rows have come back.
pub async fn served(puppet: &Puppet) -> (Link, Link) {
	let route = &puppet.route;
	let frames = match route.members[0].worker {
		Some(_) => vec![rows(route.job, 0, 2, 2 * ROW)],
		None => pledged(&puppet.user.workshop.network, route, 0, 2).into(),
	};
	let (forward, mut back) = puppet.play(&frames).await;
	assert!(matches!(back.receive(PATIENCE).await, Ok(Frame::Rows(_))));
	(forward, back)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_user_had_run_is_recorded_when_it_vanishes() {
	let puppet = Puppet::sealed(60, PATIENT).await;
	let play = async {
		let _links = served(&puppet).await;
		puppet.user.workshop.network.shutdown().await;
	};
	let (result, ()) = tokio::join!(puppet.lead(), play);
	let roots = result.unwrap();
	assert_eq!(roots.rows, 2);
	assert_eq!(recorded(&puppet.lead, 60, 1), Some(roots));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_falls_silent_or_talks_nonsense_has_left_too() {
	let idle = Duration::from_secs(2);
	let silent = Puppet::sealed(61, Timings { idle, ..PATIENT }).await;
	let (result, _links) = tokio::join!(silent.lead(), served(&silent));
	assert_eq!(result.unwrap().rows, 2);

	for (job, nonsense) in [
		(62, Frame::Close { rows: 7 }),
		(63, rows(63, 9, 1, ROW)),
		(64, Frame::Ready),
	] {
		let puppet = Puppet::sealed(job, PATIENT).await;
		let play = async {
			let (mut forward, back) = served(&puppet).await;
			forward.send(&nonsense).await.unwrap();
			let told = forward.receive(PATIENCE).await.unwrap_err();
			assert!(
				matches!(told, LinkError::Aborted(Reason::Protocol)),
				"{told}"
			);
			back
		};
		let (result, _back) = tokio::join!(puppet.lead(), play);
		assert_eq!(result.unwrap().rows, 2, "{nonsense:?}");
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_stalls_is_closed_in_time_for_the_commitments() {
	let puppet = Puppet::sealed(65, PATIENT).await;
	let play = async {
		let links = served(&puppet).await;
		// The last block in which all stages can still commit.
		puppet.lead.workshop.set_block(puppet.route.run_until - 2);
		links
	};
	let (result, _links) = tokio::join!(puppet.lead(), play);
	assert_eq!(result.unwrap().rows, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_recorded_of_a_user_that_sent_nothing() {
	let puppet = Puppet::sealed(66, PATIENT).await;
	let play = async {
		let _links = puppet.play(&[]).await;
		puppet.user.workshop.network.shutdown().await;
	};
	let (result, ()) = tokio::join!(puppet.lead(), play);
	assert!(matches!(result.unwrap_err(), PipelineError::Link { .. }));
	assert_eq!(recorded(&puppet.lead, 66, 1), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_segment_records_the_same_though_the_way_back_is_cut() {
	let job = 67;
	let user = Worker::new(1).await;
	let first = Worker::new(2).await.hold(range(0, 1));
	let second = Worker::new(3).await.hold(range(1, 3));
	let route = sealed_route(job, &user, &[(&first, range(0, 1)), (&second, range(1, 3))]);
	let play = async {
		let network = &user.workshop.network;
		let mut forward = dial(network, &first.peer()).await;
		let mut back = dial(network, &second.peer()).await;
		forward.send(&Frame::Open(open(job, 0))).await.unwrap();
		back.send(&Frame::Open(open(job, 2))).await.unwrap();
		assert_eq!(forward.receive(PATIENCE).await.unwrap(), Frame::Ready);
		assert_eq!(back.receive(PATIENCE).await.unwrap(), Frame::Ready);
		for frame in pledged(network, &route, 0, 2) {
			forward.send(&frame).await.unwrap();
		}
		assert!(matches!(back.receive(PATIENCE).await, Ok(Frame::Rows(_))));
		// The user would make the last lead look as if it had given up.
		back.abort(Reason::CalledOff).await;
		for position in 2..5 {
			for frame in pledged(network, &route, position, 1) {
				forward.send(&frame).await.unwrap();
			}
		}
		forward.send(&Frame::Close { rows: 5 }).await.unwrap();
		forward
	};
	let (one, two, _forward) = tokio::join!(
		pipeline::lead(&first.workshop, route.clone(), ASKED, 1),
		pipeline::lead(&second.workshop, route.clone(), ASKED, 2),
		play
	);
	let (one, two) = (one.unwrap(), two.unwrap());
	assert_eq!([one.rows, two.rows], [5, 5]);
	assert_eq!(one.output, two.input);
	assert_eq!(recorded(&second, job, 2), Some(two));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_records_before_it_says_good_bye() {
	let puppet = Puppet::new(68, PATIENT).await;
	let play = async {
		let (mut forward, mut back) = served(&puppet).await;
		let network = &puppet.user.workshop.network;
		part(network, &mut forward, &puppet.route, 2).await;
		let signed = back.receive(PATIENCE).await.unwrap();
		assert!(matches!(signed, Frame::Signed(_)), "{signed:?}");
		let at_good_bye = recorded(&puppet.lead, 68, 1);
		assert_eq!(
			back.receive(PATIENCE).await.unwrap(),
			Frame::Close { rows: 2 }
		);
		at_good_bye
	};
	let (result, at_good_bye) = tokio::join!(puppet.lead(), play);
	assert_eq!(at_good_bye, Some(result.unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_session_of_a_recorded_stage_is_refused() {
	let puppet = Puppet::sealed(69, PATIENT).await;
	let play = async {
		let (mut forward, back) = served(&puppet).await;
		forward.send(&Frame::Close { rows: 2 }).await.unwrap();
		back
	};
	let (result, _back) = tokio::join!(puppet.lead(), play);
	let roots = result.unwrap();
	let refused = || async {
		for boundary in [0, 1] {
			let mut again = dial(&puppet.user.workshop.network, &puppet.lead.peer()).await;
			let said = again.send(&Frame::Open(open(69, boundary))).await;
			said.unwrap();
			let error = again.receive(PATIENCE).await.unwrap_err();
			let refused = matches!(error, LinkError::Aborted(Reason::Refused));
			assert!(refused, "boundary {boundary}: {error}");
		}
	};
	refused().await;
	// Asked again by the chain, the lead gives what it has and still takes nobody in.
	assert_eq!(puppet.lead().await.unwrap(), roots);
	refused().await;
	puppet.lead.workshop.forget(69).await.unwrap();
	assert_eq!(recorded(&puppet.lead, 69, 1), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_got_the_number_of_another_is_run_anew() {
	let join = Duration::from_millis(200);
	let puppet = Puppet::new(70, Timings { join, ..PATIENT }).await;
	let play = async {
		let (mut forward, back) = served(&puppet).await;
		let network = &puppet.user.workshop.network;
		part(network, &mut forward, &puppet.route, 2).await;
		(forward, back)
	};
	let (result, _links) = tokio::join!(puppet.lead(), play);
	let roots = result.unwrap();

	let lead = |route: Route, asked: Digest| {
		let workshop = puppet.lead.workshop.clone();
		async move { pipeline::lead(&workshop, route, asked, 1).await }
	};
	// Where it is due later, and where its members listen elsewhere, it is the same job.
	let mut same = puppet.route.clone();
	same.run_until += 5;
	same.members[0].addresses.clear();
	assert_eq!(lead(same, ASKED).await.unwrap(), roots);

	let mut longer = puppet.route.clone();
	longer.rows_ceiling += 1;
	let mut of_others = puppet.route.clone();
	of_others.members[0].worker = None;
	let others = [
		(puppet.route.clone(), Digest::repeat_byte(6)),
		(longer, ASKED),
		(of_others, ASKED),
	];
	for (route, asked) in others {
		let error = lead(route, asked).await.unwrap_err();
		assert!(matches!(error, PipelineError::NobodyCame { .. }), "{error}");
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn another_prompt_under_the_same_number_gets_its_own_answer() {
	let join = Duration::from_millis(200);
	let entry = Worker::with(
		1,
		TCP,
		Timings { join, ..PATIENT },
		std::sync::Arc::new(pipeline::Honest),
	)
	.await
	.enter();
	let lead = Worker::new(2).await.hold(range(0, 3));
	let route = route(71, &entry, &[(&lead, range(0, 3))]);
	let limits = limits();
	let run = |question: Question| {
		pipeline::entry::run(&entry.workshop, route.clone(), question, &limits, |_| {})
	};
	let (answer, led) = tokio::join!(
		run(question()),
		pipeline::lead(&lead.workshop, route.clone(), ASKED, 1),
	);
	led.unwrap();
	assert_eq!(run(question()).await.unwrap(), answer.unwrap());
	// Nobody runs this one: the answer to the other prompt must not come out of the ledger.
	let error = run(Question::Text("Something else.".into()))
		.await
		.unwrap_err();
	assert!(matches!(error, PipelineError::Link { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_ends_with_its_block_however_slowly_rows_come() {
	let job = 72;
	let lead = network(&[TCP]).await;
	let entry = Worker::new(1).await;
	let checker = Worker::new(3).await.hold(range(0, 3));
	let mut route = sealed_route(job, &entry, &[(&checker, range(0, 3))]);
	let peer = lead.as_peer();
	route.members[1].peer_id = peer.id.to_bytes();
	route.members[1].addresses = peer.addresses.iter().map(|a| a.to_string()).collect();

	let mut incoming = lead.accept(verification::PROTOCOL).unwrap();
	let (workshop, until) = (checker.workshop.clone(), 500);
	let dripping = async {
		let (_, stream) = incoming.next().await.unwrap();
		let mut link = Link::new(stream);
		let asked = link.receive(PATIENCE).await.unwrap();
		assert!(matches!(asked, Frame::Ask(ask) if ask.side == Side::Input));
		let record = Record {
			job_key: [1; 32],
			rows: 100,
			width: WIDTH,
			dtype: Dtype::F32,
			opening: None,
			receipt: None,
		};
		link.send(&Frame::Record(Box::new(record))).await.unwrap();
		// Row after row comes, each in time, until the block has passed after which nothing could be done with
		// them in time.
		for position in 0..3 {
			link.send(&rows(job, position, 1, ROW)).await.unwrap();
			workshop.set_block(until - 8 + position);
		}
		workshop.set_block(until - 5);
		link
	};
	let case = Case {
		route: &route,
		stage: 1,
		prompt: None,
		commitments: &[],
		until,
	};
	let (result, _link) = tokio::join!(verification::check(&checker.workshop, case), dripping);
	let error = result.unwrap_err();
	let overdue = matches!(
		&error,
		CheckError::Pipeline(PipelineError::Overdue { block: 494, .. })
	);
	assert!(overdue && error.is_withheld(), "{error}");
	assert_eq!(recorded(&checker, job, 1), None);
}
