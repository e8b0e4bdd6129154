//! The user of a sealed job signs for its rows as it sends them: nothing runs without that, and no checker takes
//! from the first segment what its user did not sign for.

use crate::{
	defence::{rows, Puppet, PATIENCE, WIDTH},
	hops::{hop, pledged, receipt, root_of_zeros, signed},
	lab::*,
	partings::{recorded, served},
};
use dllm_primitives::{
	api::Route,
	commitment::Roots,
	hop::{End, Hop, HopReceipt},
	ids::{Digest, JobId, StageIndex},
};
use dllm_worker::{
	network::{
		frame::{Frame, Open, Reason, Side},
		link::{Link, LinkError},
		Incoming,
	},
	pipeline::{self, entry::Question, Conduct, PipelineError, Ring},
	verification::CheckError,
};
use std::sync::{Arc, Mutex};

const ROW: usize = WIDTH as usize * 4;

/// How the first segment meets two rows of a user with what it says before them.
async fn refused(job: JobId, what: &str, said: impl FnOnce(&Puppet, Hop) -> Vec<Frame>) {
	let puppet = Puppet::sealed(job, PATIENT).await;
	let whole = hop(&puppet.route, 0, 2, root_of_zeros(job, 2));
	let mut frames = said(&puppet, whole);
	frames.push(rows(job, 0, 2, 2 * ROW));
	let play = async {
		let (mut forward, mut back) = puppet.play(&frames).await;
		let told = forward.receive(PATIENCE).await.unwrap_err();
		let by_rule = matches!(told, LinkError::Aborted(Reason::Protocol));
		assert!(by_rule, "{what}: {told}");
		let nothing = back.receive(PATIENCE).await;
		assert!(nothing.is_err(), "{what}: {nothing:?}");
	};
	let (result, ()) = tokio::join!(puppet.lead(), play);
	let error = result.unwrap_err();
	let unsigned = matches!(
		error,
		PipelineError::WrongRows {
			what: "not signed for",
			..
		}
	);
	assert!(unsigned && !error.is_retryable(), "{what}: {error}");
	// So nobody commits, and the chain takes the user for one that never came.
	assert_eq!(recorded(&puppet.lead, job, 1), None, "{what}");
	assert_eq!(receipt(&puppet.lead, job, 1, Side::Input), None, "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_runs_of_a_user_that_does_not_sign_for_it() {
	refused(200, "nothing", |_, _| Vec::new()).await;
	let others: [(&str, fn(Hop) -> Hop); 5] = [
		("another job", |hop| Hop {
			job: hop.job + 1,
			..hop
		}),
		("another run", |hop| Hop {
			run: Digest::repeat_byte(9),
			..hop
		}),
		("another link", |hop| Hop { boundary: 1, ..hop }),
		("another number of rows", |hop| Hop { rows: 1, ..hop }),
		("other rows", |hop| Hop {
			root: root_of_zeros(hop.job + 1, 2),
			..hop
		}),
	];
	for (job, (what, other)) in (201..).zip(others) {
		refused(job, what, |puppet, hop| {
			let own = signed(&puppet.user.workshop.network, &other(hop), End::Sender);
			vec![Frame::Signed(Box::new(own))]
		})
		.await;
	}
	refused(206, "the other end", |puppet, hop| {
		let own = signed(&puppet.user.workshop.network, &hop, End::Receiver);
		vec![Frame::Signed(Box::new(own))]
	})
	.await;
	let other = network(&[]).await;
	refused(207, "another user", |_, hop| {
		vec![Frame::Signed(Box::new(signed(&other, &hop, End::Sender)))]
	})
	.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_stops_to_sign_has_left_with_what_it_signed_for() {
	let job = 208;
	let puppet = Puppet::sealed(job, PATIENT).await;
	let play = async {
		let (mut forward, back) = served(&puppet).await;
		forward.send(&rows(job, 2, 1, ROW)).await.unwrap();
		let told = forward.receive(PATIENCE).await.unwrap_err();
		assert!(
			matches!(told, LinkError::Aborted(Reason::Protocol)),
			"{told}"
		);
		back
	};
	let (result, _back) = tokio::join!(puppet.lead(), play);
	let led = result.unwrap();
	assert_eq!(led.rows, 2);
	stands_for(&puppet, led);
}

/// Whether what a lead holds is its user's signature for the rows that it tells.
fn stands_for(puppet: &Puppet, led: Roots) {
	let kept = receipt(&puppet.lead, puppet.route.job, 1, Side::Input).unwrap();
	assert_eq!(kept.hop, hop(&puppet.route, 0, led.rows, led.input));
	let user = puppet.user.peer().id.to_bytes();
	let by_user = kept
		.hop
		.is_signed(End::Sender, &user, &kept.sender.unwrap());
	assert!(by_user);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_vanishes_has_signed_for_what_ran() {
	let job = 209;
	let puppet = Puppet::sealed(job, PATIENT).await;
	let checker = Worker::new(3).await.hold(range(0, 3));
	let play = async {
		let (mut forward, mut back) = served(&puppet).await;
		for frame in pledged(&puppet.user.workshop.network, &puppet.route, 2, 1) {
			forward.send(&frame).await.unwrap();
		}
		assert!(matches!(back.receive(PATIENCE).await, Ok(Frame::Rows(_))));
		puppet.user.workshop.network.shutdown().await;
	};
	let (result, ()) = tokio::join!(puppet.lead(), play);
	let led = result.unwrap();
	assert_eq!(led.rows, 3);
	stands_for(&puppet, led);

	let peers = [checker.peer().id];
	puppet.lead.workshop.allow(job, 1, Side::Input, peers);
	let checked = check(&checker.workshop, &puppet.route, 1, None, &[]).await;
	assert_eq!(checked.unwrap(), led);
	// It outlasts the lead's process.
	let kept = receipt(&puppet.lead, job, 1, Side::Input);
	let again = puppet.lead.restarted().await;
	assert!(kept.is_some());
	assert_eq!(receipt(&again, job, 1, Side::Input), kept);
}

/// Runs, and records, the rows of the first job that it leads in the place of those of every later one.
#[derive(Default)]
struct Repeater(Mutex<(Option<JobId>, Vec<u8>, usize)>);

impl Conduct for Repeater {
	fn input_rows(&self, job: JobId, _stage: StageIndex, came: &[u8]) -> Option<Vec<u8>> {
		let mut kept = self.0.lock().unwrap();
		let (first, rows, used) = &mut *kept;
		if *first.get_or_insert(job) == job {
			rows.extend_from_slice(came);
			return None;
		}
		*used += came.len();
		rows.get(*used - came.len()..*used).map(<[u8]>::to_vec)
	}

	fn records_unsigned(&self) -> bool {
		true
	}
}

async fn run(user: &Worker, lead: &Worker, route: &Route, question: Question) -> Roots {
	let limits = limits();
	let (answer, led) = tokio::join!(
		pipeline::entry::run(&user.workshop, route.clone(), question, &limits, |_| {}),
		pipeline::lead(&lead.workshop, route.clone(), ASKED, 1),
	);
	answer.unwrap();
	led.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_repeats_the_rows_of_another_job_hands_them_to_no_checker() {
	let (before, job) = (210, 211);
	let user = Worker::new(1).await.enter();
	let cheat = Arc::new(Repeater::default());
	let lead = Worker::with(2, TCP, PATIENT, cheat).await;
	let lead = lead.hold(range(0, 3));
	let checkers = [3, 4].map(|number| async move { Worker::new(number).await.hold(range(0, 3)) });
	let checkers = futures::future::join_all(checkers).await;
	let routes = [before, job].map(|job| sealed_route(job, &user, &[(&lead, range(0, 3))]));
	let longer = Question::Text("Tell me of another ring, and at somewhat more length.".into());
	let first = run(&user, &lead, &routes[0], longer).await;
	run(&user, &lead, &routes[1], question()).await;
	for job in [before, job] {
		let peers = checkers.iter().map(|checker| checker.peer().id);
		lead.workshop.allow(job, 1, Side::Input, peers);
	}

	// What it ran as it came holds; of what it repeated neither checker takes anything, and both tell the chain.
	let checked = check(&checkers[0].workshop, &routes[0], 1, None, &[]).await;
	assert_eq!(checked.unwrap(), first);
	let refused = || async {
		for checker in &checkers {
			let checked = check(&checker.workshop, &routes[1], 1, None, &[]).await;
			let error = checked.unwrap_err();
			assert!(matches!(error, CheckError::OtherRows { .. }), "{error}");
			assert!(error.is_withheld());
			assert_eq!(recorded(checker, job, 1), None);
		}
	};
	let ledger = &lead.workshop.ledger;
	let (kept, earlier) = (
		receipt(&lead, job, 1, Side::Input).unwrap(),
		receipt(&lead, before, 1, Side::Input).unwrap(),
	);
	assert_eq!(kept.sender, None, "its user did not sign for them");
	refused().await;
	// Whatever the user did sign is no better: for the rows of the other job, and for its own.
	let own = receipt(&user, job, 0, Side::Output).unwrap();
	assert_ne!(own.hop, kept.hop);
	let receiver = Some(signed(&lead.workshop.network, &own.hop, End::Receiver));
	let tried = [
		earlier,
		HopReceipt {
			sender: earlier.sender,
			..kept
		},
		HopReceipt {
			sender: own.sender,
			..kept
		},
		HopReceipt { receiver, ..own },
	];
	for receipt in tried {
		ledger.keep_receipt(job, 1, Side::Input, &receipt).unwrap();
		refused().await;
	}
}

/// What a user says first of its job: how it opens the first link, and what it sends there.
async fn first_words(incoming: &mut Incoming) -> (Open, [Frame; 2]) {
	let mut links = Vec::new();
	while links.len() < 2 {
		let (_, stream) = incoming.next().await.unwrap();
		let mut link = Link::new(stream);
		let Frame::Open(open) = link.receive(PATIENCE).await.unwrap() else {
			panic!("no opening")
		};
		link.send(&Frame::Ready).await.unwrap();
		links.push((open, link));
	}
	links.sort_by_key(|(open, _)| open.boundary);
	let (open, forward) = &mut links[0];
	let frames = [
		forward.receive(PATIENCE).await.unwrap(),
		forward.receive(PATIENCE).await.unwrap(),
	];
	let open = *open;
	for (_, mut link) in links {
		link.abort(Reason::PeerLost).await;
	}
	(open, frames)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_begins_anew_signs_the_same() {
	let (user, lead) = (Worker::new(1).await.enter(), network(&[TCP]).await);
	let mut incoming = lead.accept(pipeline::PROTOCOL).unwrap();
	let mut told = Vec::new();
	for job in [212, 212, 213] {
		let mut route = sealed_route(job, &user, &[(&user, range(0, 3))]);
		let peer = lead.as_peer();
		route.members[1].peer_id = peer.id.to_bytes();
		route.members[1].addresses = peer.addresses.iter().map(|a| a.to_string()).collect();
		let limits = limits();
		let (answer, words) = tokio::join!(
			pipeline::entry::run(&user.workshop, route.clone(), question(), &limits, |_| {}),
			first_words(&mut incoming),
		);
		assert!(answer.is_err());
		let (_, [before, sent]) = &words;
		let (Frame::Signed(own), Frame::Rows(prompt)) = (before, sent) else {
			panic!("{before:?}, {sent:?}")
		};
		// The whole prompt is in one frame here: it is signed for before anything ran.
		let leaves = (0..)
			.zip(prompt.payload.chunks(ROW))
			.map(|(at, row)| {
				let key = &words.0.job_key;
				dllm_primitives::commitment::row_leaf(key, job, 0, at, row)
			})
			.collect::<Vec<_>>();
		let root = dllm_primitives::commitment::merkle_root(&leaves);
		let hop = Ring::read(&route)
			.unwrap()
			.hop(0, leaves.len() as u32, root);
		let peer = user.peer().id.to_bytes();
		assert!(hop.is_signed(End::Sender, &peer, own));
		told.push(words);
	}
	assert_eq!(told[0], told[1]);
	assert_ne!(told[1].0.job_key, told[2].0.job_key);
}
