//! Rows can be had from either end of a hop, and only those for which both ends stand.

use crate::{
	defence::{dial, open, rows, Puppet, PATIENCE, WIDTH},
	lab::*,
};
use dllm_primitives::{
	api::{AccountId32, Route},
	commitment::{merkle_root, row_leaf, Roots},
	hop::{End, Hop, HopReceipt, Shown, Signature},
	ids::{Digest, JobId, StageIndex},
};
use dllm_worker::{
	network::{
		dtype::Dtype,
		frame::{Frame, Record, Side},
		link::Link,
		Network,
	},
	pipeline::{self, contradicted, Conduct, Honest, PipelineError, Ring},
	verification::{self, Case, CheckError},
};
use std::{fs, sync::Arc};

const ROW: usize = WIDTH as usize * 4;

/// Hands no rows to checkers.
struct Refuser;

impl Conduct for Refuser {
	fn hands_out(&self, _stage: StageIndex) -> bool {
		false
	}
}

/// Tells the chain that it received other rows than came.
struct Denier;

impl Conduct for Denier {
	fn told(&self, _stage: StageIndex, honest: Roots) -> Roots {
		Roots {
			input: Digest::repeat_byte(66),
			..honest
		}
	}
}

/// The hop of a boundary over which rows with this root went.
pub fn hop(route: &Route, boundary: StageIndex, rows: u32, root: Digest) -> Hop {
	Ring::read(route).unwrap().hop(boundary, rows, root)
}

/// The root of rows of zeros that a [`Puppet`] sends to the first segment.
pub fn root_of_zeros(job: JobId, rows: u32) -> Digest {
	let leaf = |position| row_leaf(&[7; 32], job, 0, position, &[0; ROW]);
	merkle_root(&(0..rows).map(leaf).collect::<Vec<_>>())
}

/// What a network signs as one end of a hop.
pub fn signed(network: &Network, hop: &Hop, end: End) -> Signature {
	network.sign(&hop.message(end)).unwrap()
}

/// Rows of zeros as the user of a sealed job sends them to the first segment: signed for, with all before.
pub fn pledged(network: &Network, route: &Route, position: u32, count: u16) -> [Frame; 2] {
	let so_far = position + u32::from(count);
	let hop = hop(route, 0, so_far, root_of_zeros(route.job, so_far));
	let own = signed(network, &hop, End::Sender);
	let sent = rows(route.job, position, count, usize::from(count) * ROW);
	[Frame::Signed(Box::new(own)), sent]
}

/// Signs for `rows` rows of zeros that went to the first segment, and closes the link.
pub async fn part(network: &Network, link: &mut Link, route: &Route, rows: u32) {
	let hop = hop(route, 0, rows, root_of_zeros(route.job, rows));
	let own = signed(network, &hop, End::Sender);
	link.send(&Frame::Signed(Box::new(own))).await.unwrap();
	link.send(&Frame::Close { rows }).await.unwrap();
}

pub fn receipt(worker: &Worker, job: JobId, stage: StageIndex, side: Side) -> Option<HopReceipt> {
	let ledger = &worker.workshop.ledger;
	ledger.receipt(job, stage, side).unwrap()
}

/// A ring of an entry and two segments that has run a job, and a checker of the second segment.
struct Ran {
	entry: Worker,
	first: Worker,
	second: Worker,
	checker: Worker,
	route: Route,
	led: Roots,
}

impl Ran {
	async fn new(job: JobId, first: Arc<dyn Conduct>, second: Arc<dyn Conduct>) -> Self {
		let entry = Worker::new(1).await.enter();
		let with = |number, conduct| Worker::with(number, TCP, PATIENT, conduct);
		let first = with(2, first).await.hold(range(0, 1));
		let second = with(3, second).await.hold(range(1, 3));
		let checker = Worker::new(4).await.hold(range(1, 3));
		let route = route(
			job,
			&entry,
			&[(&first, range(0, 1)), (&second, range(1, 3))],
		);
		let limits = limits();
		let (answer, one, two) = tokio::join!(
			pipeline::entry::run(&entry.workshop, route.clone(), question(), &limits, |_| {}),
			pipeline::lead(&first.workshop, route.clone(), ASKED, 1),
			pipeline::lead(&second.workshop, route.clone(), ASKED, 2),
		);
		answer.unwrap();
		one.unwrap();
		let led = two.unwrap();
		let ran = Self {
			entry,
			first,
			second,
			checker,
			route,
			led,
		};
		ran.permit(true, true);
		ran
	}

	/// Whether each end of the hop into the second segment lets the checker in.
	fn permit(&self, sender: bool, receiver: bool) {
		let (job, checker) = (self.route.job, self.checker.peer().id);
		let peers = |permitted: bool| permitted.then_some(checker);
		let (first, second) = (&self.first.workshop, &self.second.workshop);
		first.allow(job, 1, Side::Output, peers(sender));
		second.allow(job, 2, Side::Input, peers(receiver));
	}

	fn commitments(&self) -> Vec<(StageIndex, AccountId32, Digest)> {
		let job = self.route.job;
		vec![self.first.committed(job, 1), self.second.committed(job, 2)]
	}

	async fn check(&self) -> Result<Roots, CheckError> {
		let workshop = &self.checker.workshop;
		check(workshop, &self.route, 2, None, &self.commitments()).await
	}

	/// Changes what the second segment keeps of the receipt of its rows.
	fn change(&self, change: impl FnOnce(&mut HopReceipt)) {
		let (job, ledger) = (self.route.job, &self.second.workshop.ledger);
		let mut kept = receipt(&self.second, job, 2, Side::Input).unwrap();
		change(&mut kept);
		ledger.keep_receipt(job, 2, Side::Input, &kept).unwrap();
	}
}

fn honest() -> Arc<dyn Conduct> {
	Arc::new(Honest)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_ends_of_every_hop_keep_what_both_have_signed() {
	let job = 80;
	let ran = Ran::new(job, honest(), honest()).await;
	let ring = [&ran.entry, &ran.first, &ran.second];
	for boundary in 0..3u8 {
		let (from, to) = (usize::from(boundary), usize::from(boundary + 1) % 3);
		let sent = receipt(ring[from], job, boundary, Side::Output).unwrap();
		let received = receipt(ring[to], job, to as StageIndex, Side::Input).unwrap();
		assert_eq!(sent, received);
		let opening = ring[from].workshop.ledger.opening(job, boundary).unwrap();
		let roots = opening.unwrap().roots;
		assert_eq!(
			sent.hop,
			hop(&ran.route, boundary, roots.rows, roots.output)
		);
		for (end, who, signature) in [
			(End::Sender, ring[from], sent.sender),
			(End::Receiver, ring[to], sent.receiver),
		] {
			let peer = who.peer().id.to_bytes();
			assert!(
				sent.hop.is_signed(end, &peer, &signature.unwrap()),
				"{end:?}"
			);
		}
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_signs_for_its_rows() {
	let job = 81;
	let user = Worker::new(1).await.enter();
	let lead = Worker::new(2).await.hold(range(0, 3));
	let route = sealed_route(job, &user, &[(&lead, range(0, 3))]);
	let limits = limits();
	let (answer, led) = tokio::join!(
		pipeline::entry::run(&user.workshop, route.clone(), question(), &limits, |_| {}),
		pipeline::lead(&lead.workshop, route.clone(), ASKED, 1),
	);
	answer.unwrap();
	let led = led.unwrap();
	let kept = receipt(&lead, job, 1, Side::Input).unwrap();
	assert_eq!(kept.hop, hop(&route, 0, led.rows, led.input));
	let signature = kept.sender.unwrap();
	let peer = user.peer().id.to_bytes();
	assert!(kept.hop.is_signed(End::Sender, &peer, &signature));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_refuses_the_checkers_of_the_next_stage_stops_no_check() {
	let ran = Ran::new(82, Arc::new(Refuser), honest()).await;
	assert_eq!(ran.check().await.unwrap(), ran.led);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_refuses_its_own_checkers_stops_no_check() {
	let ran = Ran::new(83, honest(), Arc::new(Refuser)).await;
	assert_eq!(ran.check().await.unwrap(), ran.led);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_the_entry_come_from_either_end_too() {
	let job = 84;
	let ran = Ran::new(job, honest(), Arc::new(Refuser)).await;
	let checker = Worker::new(5).await.enter();
	let entry = &ran.entry.workshop;
	entry.allow(job, 0, Side::Input, [checker.peer().id]);
	let prompt = prompt();
	let committed = ran.commitments();
	let roots = check(&checker.workshop, &ran.route, 0, Some(&prompt), &committed).await;
	let led = entry.ledger.opening(job, 0).unwrap().unwrap().roots;
	assert_eq!(roots.unwrap(), led);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_said_of_rows_that_nobody_hands_out() {
	let ran = Ran::new(85, honest(), honest()).await;
	ran.permit(false, false);
	let error = ran.check().await.unwrap_err();
	assert!(
		matches!(error, CheckError::NeitherEnd { stage: 2, .. }),
		"{error}"
	);
	assert!(
		error.is_retryable(),
		"either end may hear of its checkers later"
	);
	let ledger = &ran.checker.workshop.ledger;
	assert!(ledger.opening(85, 2).unwrap().is_none());
	ran.permit(false, true);
	assert_eq!(ran.check().await.unwrap(), ran.led);
}

/// How the lead under check hands out rows, or a receipt, that do not hold.
async fn refused(job: JobId, spoil: impl FnOnce(&Ran)) {
	let ran = Ran::new(job, honest(), honest()).await;
	ran.permit(false, true);
	spoil(&ran);
	let CheckError::NeitherEnd { receiver, .. } = ran.check().await.unwrap_err() else {
		panic!("the rows came from the lead");
	};
	assert!(
		matches!(*receiver, CheckError::OtherRows { .. }),
		"{receiver}"
	);
	let ledger = &ran.checker.workshop.ledger;
	assert!(ledger.opening(job, 2).unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_taken_from_a_lead_only_as_both_ends_signed_for_them() {
	// Other rows.
	refused(86, |ran| {
		let path = ran.second.folder.path().join("jobs/86/2/input.rows");
		let mut forged = fs::read(&path).unwrap();
		forged[5] ^= 1;
		fs::write(&path, forged).unwrap();
	})
	.await;
	// No receipt.
	refused(87, |ran| {
		fs::remove_file(ran.second.folder.path().join("jobs/87/2/input.receipt")).unwrap();
	})
	.await;
	// Without the stage before, which is a worker.
	refused(88, |ran| ran.change(|kept| kept.sender = None)).await;
	// Without the lead itself.
	refused(89, |ran| ran.change(|kept| kept.receiver = None)).await;
	// Signed by the lead for both ends.
	refused(90, |ran| {
		let network = &ran.second.workshop.network;
		ran.change(|kept| kept.sender = Some(signed(network, &kept.hop, End::Sender)));
	})
	.await;
	// The signature of the one end in place of that of the other.
	refused(91, |ran| {
		let network = &ran.first.workshop.network;
		ran.change(|kept| kept.sender = Some(signed(network, &kept.hop, End::Receiver)));
	})
	.await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segment_records_no_rows_of_a_worker_that_does_not_sign_for_them() {
	for signs in ["nothing", "for another run", "for fewer rows"] {
		let puppet = Puppet::new(93, PATIENT).await;
		let whole = hop(&puppet.route, 0, 2, root_of_zeros(93, 2));
		let hop = match signs {
			"nothing" => None,
			"for another run" => Some(Hop {
				run: Digest::repeat_byte(9),
				..whole
			}),
			_ => Some(hop(&puppet.route, 0, 1, root_of_zeros(93, 1))),
		};
		let network = &puppet.user.workshop.network;
		let play = async {
			let (mut forward, mut back) = puppet.play(&[rows(93, 0, 2, 2 * ROW)]).await;
			assert!(matches!(back.receive(PATIENCE).await, Ok(Frame::Rows(_))));
			if let Some(hop) = hop {
				let own = signed(network, &hop, End::Sender);
				forward.send(&Frame::Signed(Box::new(own))).await.unwrap();
			}
			forward.send(&Frame::Close { rows: 2 }).await.unwrap();
			(forward, back)
		};
		let (result, _links) = tokio::join!(puppet.lead(), play);
		let error = result.unwrap_err();
		let unsigned = matches!(
			error,
			PipelineError::WrongRows {
				what: "not signed for",
				..
			}
		);
		assert!(unsigned, "{hop:?}: {error}");
		let ledger = &puppet.lead.workshop.ledger;
		assert!(ledger.opening(93, 1).unwrap().is_none());
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_says_nothing_of_rows_for_which_nobody_signed() {
	let job = 94;
	let ran = Ran::new(job, honest(), honest()).await;
	let run = || {
		let (workshop, route) = (ran.entry.workshop.clone(), ran.route.clone());
		async move {
			let limits = limits();
			pipeline::entry::run(&workshop, route, question(), &limits, |_| {}).await
		}
	};
	assert!(run().await.is_ok());
	fs::remove_file(ran.entry.folder.path().join("jobs/94/0/input.receipt")).unwrap();
	let error = run().await.unwrap_err();
	assert!(matches!(error, PipelineError::WrongRows { .. }), "{error}");
}

/// The stage before sends so slowly that the check would never come to its end.
#[tokio::test(flavor = "multi_thread")]
async fn who_drips_its_rows_is_passed_over_in_time() {
	let (job, until) = (95, 500);
	let dripper = network(&[TCP]).await;
	let lead = Worker::new(2).await.hold(range(0, 3));
	let checker = Worker::new(3).await.hold(range(0, 3));
	let mut route = route(job, &lead, &[(&lead, range(0, 3))]);
	let peer = dripper.as_peer();
	route.members[0].peer_id = peer.id.to_bytes();
	route.members[0].addresses = peer.addresses.iter().map(|a| a.to_string()).collect();

	let play = async {
		let mut forward = dial(&dripper, &lead.peer()).await;
		let mut back = dial(&dripper, &lead.peer()).await;
		forward.send(&Frame::Open(open(job, 0))).await.unwrap();
		back.send(&Frame::Open(open(job, 1))).await.unwrap();
		assert_eq!(forward.receive(PATIENCE).await.unwrap(), Frame::Ready);
		assert_eq!(back.receive(PATIENCE).await.unwrap(), Frame::Ready);
		forward.send(&rows(job, 0, 2, 2 * ROW)).await.unwrap();
		assert!(matches!(back.receive(PATIENCE).await, Ok(Frame::Rows(_))));
		part(&dripper, &mut forward, &route, 2).await;
		(forward, back)
	};
	let (led, _links) = tokio::join!(
		pipeline::lead(&lead.workshop, route.clone(), ASKED, 1),
		play
	);
	let led = led.unwrap();
	lead.workshop
		.allow(job, 1, Side::Input, [checker.peer().id]);

	let opening = dllm_primitives::commitment::Opening {
		salt: Digest::repeat_byte(1),
		roots: Roots {
			output: led.input,
			rows: 2,
			..Roots::default()
		},
	};
	let account = AccountId32::new([2; 32]);
	let digest = dllm_primitives::commitment::commitment(job, 0, account.as_ref(), &opening);
	let mut incoming = dripper.accept(verification::PROTOCOL).unwrap();
	let workshop = checker.workshop.clone();
	let dripping = async {
		let (_, stream) = incoming.next().await.unwrap();
		let mut link = Link::new(stream);
		let asked = link.receive(PATIENCE).await.unwrap();
		assert!(matches!(asked, Frame::Ask(ask) if ask.side == Side::Output));
		let record = Record {
			job_key: [7; 32],
			rows: 2,
			width: WIDTH,
			dtype: Dtype::F32,
			opening: Some(opening),
			receipt: None,
		};
		link.send(&Frame::Record(Box::new(record))).await.unwrap();
		link.send(&rows(job, 0, 1, ROW)).await.unwrap();
		workshop.set_block(until / 2 + 1);
		link
	};
	let committed = [(0, account.clone(), digest)];
	let case = Case {
		route: &route,
		stage: 1,
		prompt: None,
		commitments: &committed,
		until,
	};
	let (result, _link) = tokio::join!(verification::check(&checker.workshop, case), dripping);
	assert_eq!(result.unwrap(), led);
}

/// What a receipt in a worker's ledger proves against others, by what the leads of the ring told.
fn proof(ran: &Ran, of: &Worker, stage: StageIndex, side: Side) -> Option<Shown> {
	let job = ran.route.job;
	let told = |stage: StageIndex| {
		let lead = [&ran.entry, &ran.first, &ran.second][usize::from(stage)];
		let opening = lead.workshop.ledger.opening(job, stage).unwrap();
		opening.map(|opening| opening.roots)
	};
	let held = receipt(of, job, stage, side)?;
	let ring = Ring::read(&ran.route).unwrap();
	contradicted(&ring, &held, told, of.peer().id)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_tells_other_rows_than_it_signed_for_is_convicted_by_what_its_neighbour_holds() {
	let ran = Ran::new(96, honest(), Arc::new(Denier)).await;
	assert_eq!(ran.led.input, Digest::repeat_byte(66));
	let shown = proof(&ran, &ran.first, 1, Side::Output).unwrap();
	assert_eq!((shown.boundary, shown.rows), (1, ran.led.rows));
	assert_eq!(shown.sender, None, "it told what it signed for");
	let held = receipt(&ran.first, 96, 1, Side::Output).unwrap();
	assert_eq!(shown.receiver, held.receiver.map(Into::into));
	// The chain's own check, with what the chain knows.
	let ring = Ring::read(&ran.route).unwrap();
	let claim = shown.claims().next().unwrap();
	let peer = ran.second.peer().id.to_bytes();
	assert!(claim.convicts((96, ring.run, 1), &ran.led, &peer));
	// Who lied has nothing against the other one, and does not accuse itself.
	assert_eq!(proof(&ran, &ran.second, 2, Side::Input), None);
	// Its other hop is as it was told.
	assert_eq!(proof(&ran, &ran.second, 2, Side::Output), None);
	assert_eq!(proof(&ran, &ran.entry, 0, Side::Input), None);
}

/// A lead hands its checker rows for which it and a friend upstream signed beside those that both told.
#[tokio::test(flavor = "multi_thread")]
async fn a_checker_keeps_the_receipt_of_the_rows_that_a_lead_handed_it() {
	let job = 97;
	let ran = Ran::new(job, honest(), honest()).await;
	ran.permit(false, true);
	let folder = ran.second.folder.path().join("jobs/97/2");
	let mut forged = fs::read(folder.join("input.rows")).unwrap();
	forged[5] ^= 1;
	fs::write(folder.join("input.rows"), &forged).unwrap();
	let record = ran.second.workshop.ledger.record(job, 2).unwrap().unwrap();
	let leaf = |(position, row): (u32, &[u8])| row_leaf(&record.job_key, job, 1, position, row);
	let leaves = (0..).zip(forged.chunks(ROW)).map(leaf).collect::<Vec<_>>();
	let other = hop(&ran.route, 1, ran.led.rows, merkle_root(&leaves));
	let (first, second) = (&ran.first.workshop.network, &ran.second.workshop.network);
	ran.change(|kept| {
		*kept = HopReceipt {
			hop: other,
			sender: Some(signed(first, &other, End::Sender)),
			receiver: Some(signed(second, &other, End::Receiver)),
		}
	});
	let checked = ran.check().await.unwrap();
	assert_eq!(checked.input, other.root);
	let shown = proof(&ran, &ran.checker, 2, Side::Input).unwrap();
	assert!(shown.sender.is_some() && shown.receiver.is_some());
	assert_eq!(shown.root, other.root);
	// A receipt of another run proves nothing here.
	let stale = HopReceipt {
		hop: Hop {
			run: Digest::repeat_byte(9),
			..other
		},
		sender: Some(signed(first, &other, End::Sender)),
		receiver: None,
	};
	let ledger = &ran.checker.workshop.ledger;
	ledger.keep_receipt(job, 2, Side::Input, &stale).unwrap();
	assert_eq!(proof(&ran, &ran.checker, 2, Side::Input), None);
}

/// What comes from the stage before matches its commitment, and needs no receipt.
#[tokio::test(flavor = "multi_thread")]
async fn honest_ends_prove_nothing_against_each_other() {
	let ran = Ran::new(98, honest(), honest()).await;
	ran.check().await.unwrap();
	for (who, stage, side) in [
		(&ran.entry, 0, Side::Output),
		(&ran.first, 1, Side::Input),
		(&ran.first, 1, Side::Output),
		(&ran.second, 2, Side::Input),
		(&ran.second, 2, Side::Output),
		(&ran.entry, 0, Side::Input),
	] {
		assert!(receipt(who, 98, stage, side).is_some());
		assert_eq!(proof(&ran, who, stage, side), None, "{stage} {side:?}");
	}
	assert_eq!(receipt(&ran.checker, 98, 2, Side::Input), None);
}
