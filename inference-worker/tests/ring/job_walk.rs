//! A job from prompt to agreed roots: entry and two segments run it, three others check it.

use crate::lab::*;
use dllm_model::entry::Step;
use dllm_primitives::{
	api::{AccountId32, Route},
	commitment::{merkle_root, result_hash, row_leaf, shards_root, Roots},
	ids::{Digest, JobId, StageIndex, MAX_INLINE},
	job::Limits,
};
use dllm_worker::{
	network::frame::Side,
	pipeline::{
		self,
		entry::{posted, Answer, Wishes},
		Honest,
	},
};
use std::{ops::ControlFlow, sync::Arc};

/// The leads of a public job.
struct Leads {
	entry: Worker,
	first: Worker,
	second: Worker,
}

impl Leads {
	async fn new(listen: &str) -> Self {
		let worker = |number| Worker::with(number, listen, PATIENT, Arc::new(Honest));
		Self {
			entry: worker(1).await.enter(),
			first: worker(2).await.hold(range(0, 1)),
			second: worker(3).await.hold(range(1, 3)),
		}
	}

	fn route(&self, job: JobId) -> Route {
		route(
			job,
			&self.entry,
			&[(&self.first, range(0, 1)), (&self.second, range(1, 3))],
		)
	}

	/// Runs a job; gives what the entry answered, and the roots of both segments.
	async fn run(&self, job: JobId) -> (Answer, Roots, Roots) {
		let route = self.route(job);
		let mut seen = Vec::new();
		let mut shown = String::new();
		let limits = limits();
		let (answer, first, second) = tokio::join!(
			pipeline::entry::run(
				&self.entry.workshop,
				route.clone(),
				question(),
				&limits,
				|step| {
					seen.push(step.token);
					shown.push_str(&step.text);
				}
			),
			pipeline::lead(&self.first.workshop, route.clone(), ASKED, 1),
			pipeline::lead(&self.second.workshop, route.clone(), ASKED, 2),
		);
		let answer = answer.unwrap();
		assert_eq!(seen, answer.tokens);
		assert_eq!(shown, answer.text);
		(answer, first.unwrap(), second.unwrap())
	}

	fn committed(&self, job: JobId) -> Vec<(StageIndex, AccountId32, Digest)> {
		vec![
			self.entry.committed(job, 0),
			self.first.committed(job, 1),
			self.second.committed(job, 2),
		]
	}
}

async fn walk(listen: &str) {
	let job = 41;
	let leads = Leads::new(listen).await;
	let (answer, first, second) = leads.run(job).await;

	// The ring computes what one process computes, to the bit.
	let (tokens, rows) = reference();
	assert_eq!(answer.tokens, tokens);
	assert_eq!([answer.rows, first.rows, second.rows], [rows; 3]);

	// Every link carried the same rows at both ends.
	assert_eq!(answer.roots.output, first.input);
	assert_eq!(first.output, second.input);
	assert_eq!(second.output, answer.roots.input);
	let posted = answer.text.as_bytes();
	assert_eq!(
		answer.roots.result,
		result_hash(tokens.len() as u32, posted)
	);
	let manifest = manifest();
	assert_eq!(
		second.weights,
		shards_root(manifest.layers[1..].iter().map(|file| &file.blake3))
	);
	assert_eq!(
		answer.roots.weights,
		shards_root([&manifest.embed.blake3, &manifest.head.blake3])
	);

	// Others come to the same roots without having seen them, and commit to something else.
	let checkers = [
		Worker::new(4).await.enter(),
		Worker::new(5).await.hold(range(0, 1)),
		Worker::new(6).await.hold(range(1, 3)),
	];
	let leaders = [&leads.entry, &leads.first, &leads.second];
	for (stage, lead) in (0..).zip(leaders) {
		let peers = checkers.iter().map(|checker| checker.peer().id);
		lead.workshop.allow(job, stage, Side::Output, peers);
	}
	let committed = leads.committed(job);
	for (stage, checker) in (0..).zip(&checkers) {
		let prompt = (stage == 0).then(prompt);
		let workshop = &checker.workshop;
		let route = leads.route(job);
		let roots = check(workshop, &route, stage, prompt.as_ref(), &committed);
		let lead = leaders[usize::from(stage)];
		let led = lead
			.workshop
			.ledger
			.opening(job, stage)
			.unwrap()
			.unwrap()
			.roots;
		assert_eq!(roots.await.unwrap(), led, "stage {stage}");
		assert_ne!(checker.commitment(job, stage), lead.commitment(job, stage));
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_walks_round_the_ring_over_tcp() {
	walk(TCP).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_walks_round_the_ring_over_quic() {
	walk(QUIC).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_share_the_same_workers() {
	let leads = Leads::new(TCP).await;
	let (one, two) = tokio::join!(leads.run(1), leads.run(2));
	assert_eq!(one.0.tokens, two.0.tokens);
	// Each job has digests of its own: nobody can use the one to answer for the other.
	assert_ne!(one.1.output, two.1.output);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_the_entry_of_a_sealed_job() {
	let job = 7;
	let user = Worker::new(1).await.enter();
	let lead = Worker::new(2).await.hold(range(0, 3));
	let checker = Worker::new(3).await.hold(range(0, 3));
	let route = sealed_route(job, &user, &[(&lead, range(0, 3))]);
	let limits = limits();
	let (answer, roots) = tokio::join!(
		pipeline::entry::run(&user.workshop, route.clone(), question(), &limits, |_| {}),
		pipeline::lead(&lead.workshop, route.clone(), ASKED, 1),
	);
	let (answer, roots) = (answer.unwrap(), roots.unwrap());
	assert_eq!(answer.tokens, reference().0);
	assert!(answer.roots.result.is_zero(), "a user posts no reply");
	assert_eq!(
		(roots.input, roots.output),
		(answer.roots.output, answer.roots.input)
	);

	lead.workshop
		.allow(job, 1, Side::Input, [checker.peer().id]);
	let committed = [lead.committed(job, 1)];
	let checked = check(&checker.workshop, &route, 1, None, &committed).await;
	assert_eq!(checked.unwrap(), roots);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rows_of_a_prompt_come_back_as_one_vector_and_cost_no_other() {
	let user = Worker::new(1).await.enter();
	let first = Worker::new(2).await.hold(range(0, 2));
	let last = Worker::new(3).await.hold(range(2, 3));
	let route = sealed_route(8, &user, &[(&first, range(0, 2)), (&last, range(2, 3))]);
	let limits = Limits {
		max_tokens: 1,
		..limits()
	};
	let wishes = Wishes {
		likeliest: Some(3),
		pooled: true,
	};
	let mut told = Vec::new();
	let listen = |step: &Step| {
		told.push(step.clone());
		ControlFlow::Continue(())
	};
	let (answer, sent, returned) = tokio::join!(
		pipeline::entry::run_while(
			&user.workshop,
			route.clone(),
			question(),
			&limits,
			wishes,
			listen
		),
		pipeline::lead(&first.workshop, route.clone(), ASKED, 1),
		pipeline::lead(&last.workshop, route.clone(), ASKED, 2),
	);
	let (answer, _, returned) = (answer.unwrap(), sent.unwrap(), returned.unwrap());
	let (expected, tokens) = pooled_reference();
	assert_eq!((answer.rows, returned.rows), (tokens, tokens));
	let pooled = answer.pooled.unwrap();
	assert_eq!(pooled.len(), expected.len());
	let apart = pooled.iter().zip(&expected).map(|(a, b)| (a - b).abs());
	assert!(apart.fold(0.0, f32::max) < 1e-6, "{pooled:?} {expected:?}");

	let [step] = told.as_slice() else {
		panic!("{told:?}")
	};
	let likelihood = step.likelihood.as_ref().unwrap();
	assert_eq!(likelihood.chosen.token, step.token);
	assert_eq!(likelihood.likeliest.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_worker_holds_two_places() {
	let both = Worker::new(1).await.enter().hold(range(0, 1));
	let other = Worker::new(2).await.hold(range(1, 3));
	let route = route(9, &both, &[(&both, range(0, 1)), (&other, range(1, 3))]);
	let limits = limits();
	let (answer, first, second) = tokio::join!(
		pipeline::entry::run(&both.workshop, route.clone(), question(), &limits, |_| {}),
		pipeline::lead(&both.workshop, route.clone(), ASKED, 1),
		pipeline::lead(&other.workshop, route.clone(), ASKED, 2),
	);
	assert_eq!(answer.unwrap().tokens, reference().0);
	assert_eq!(first.unwrap().output, second.unwrap().input);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ledger_holds_the_bytes_that_were_hashed() {
	let job = 5;
	let leads = Leads::new(TCP).await;
	let (_, first, _) = leads.run(job).await;
	let ledger = &leads.first.workshop.ledger;
	let record = ledger.record(job, 1).unwrap().unwrap();
	let row_bytes = record.width as usize * record.dtype().bytes();
	for (side, boundary, root) in [
		(Side::Input, 0, first.input),
		(Side::Output, 1, first.output),
	] {
		let mut file = ledger.rows(job, 1, side).unwrap();
		let bytes = file.read(0, first.rows as usize, row_bytes).unwrap();
		let leaves = (0..)
			.zip(bytes.chunks(row_bytes))
			.map(|(position, row)| row_leaf(&record.job_key, job, boundary, position, row))
			.collect::<Vec<_>>();
		assert_eq!(merkle_root(&leaves), root);
		assert!(
			file.read(first.rows, 1, row_bytes).is_err(),
			"more rows than passed"
		);
	}
}

#[test]
fn a_long_reply_is_posted_as_far_as_it_fits() {
	let most = MAX_INLINE as usize;
	let fits = "a".repeat(most);
	assert_eq!(posted(&fits), fits);
	// A character of two bytes that would lie across the end is left out whole.
	let long = format!("{}é and more", &fits[1..]);
	assert_eq!(posted(&long), &fits[1..]);
	assert_eq!(posted(""), "");
}
