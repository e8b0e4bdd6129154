//! Disputes between real workers: what they executed is argued to one value, move by move, as the chain would
//! let them.

use crate::lab::*;
use dllm_model::exact::trace;
use dllm_primitives::{
	api::{AccountId32, Route},
	commitment::{Opening, Roots},
	dispute::{Move, Outcome, Record, Side, Standing},
	ids::{Digest, JobId, StageIndex},
	judge::{is_disputable, Showing, StageShowings},
	model::{LayerRange, ModelConstants, ModelSpec},
	trace::{Binding, Blocks, Held, Operator},
	trial::{Participant, StageTrial},
};
use dllm_worker::{
	dispute::{next_move, Case, DisputeError},
	network::frame::Side as Rows,
	pipeline::{self, expect_constants, Conduct, Honest},
	verification,
};
use std::{fs, sync::Arc};

const STAGE: StageIndex = 1;
const ALTERED_ROW: u32 = 3;

/// Changes one value of one row; where it `lies`, in its trace too.
struct Forger {
	lies: bool,
}

impl Conduct for Forger {
	fn output_row(&self, _stage: StageIndex, position: u32, row: &mut [f32]) {
		if position == ALTERED_ROW {
			row[0] += 0.5;
		}
	}

	fn trace(&self, trace: &mut Held, binding: &Binding) {
		if !self.lies {
			return;
		}
		let layer = trace.layout.layers - 1;
		let (place, _) = trace.layout.leaf(ALTERED_ROW, layer, Operator::Leaving, 0);
		let row = trace.trace(place).unwrap();
		let value = f32::from_le_bytes(row[..4].try_into().unwrap()) + 0.5;
		for (byte, to) in value.to_le_bytes().into_iter().enumerate() {
			trace.set(binding, place, byte, to);
		}
	}
}

/// Changes one value in the middle of a layer, and nothing else.
struct Muddled;

impl Conduct for Muddled {
	fn output_row(&self, _stage: StageIndex, position: u32, row: &mut [f32]) {
		if position == ALTERED_ROW {
			row[0] += 0.5;
		}
	}

	fn trace(&self, trace: &mut Held, binding: &Binding) {
		let (place, byte) = trace.layout.leaf(1, 1, Operator::Residual, 8);
		let was = trace.trace(place).unwrap()[byte as usize];
		trace.set(binding, place, byte as usize, was ^ 1);
	}
}

/// Never moves.
struct Mute;

impl Conduct for Mute {
	fn output_row(&self, stage: StageIndex, position: u32, row: &mut [f32]) {
		Forger { lies: false }.output_row(stage, position, row);
	}

	fn dispute(&self, _honest: Move) -> Option<Move> {
		None
	}
}

fn honest() -> Arc<dyn Conduct> {
	Arc::new(Honest)
}

fn layers() -> LayerRange {
	range(0, 3)
}

fn spec() -> ModelSpec {
	let manifest = dllm_model::manifest::Manifest::load(exact_model()).unwrap();
	ModelSpec {
		constants: trace::constants(&manifest, exact_model()).unwrap(),
		..manifest.spec("MIT", None).unwrap()
	}
}

/// A job that was run and checked, whose only segment is in dispute.
struct Quarrel {
	lead: Worker,
	replica: Worker,
	entry: Worker,
	route: Route,
	commitments: Vec<(StageIndex, AccountId32, Digest)>,
	record: Record,
}

impl Quarrel {
	async fn new(job: JobId, lead: Arc<dyn Conduct>, replica: Arc<dyn Conduct>) -> Self {
		let entry = Worker::new(1).await.enter_of(exact_model());
		Self::in_ring(job, entry, false, lead, replica).await
	}

	async fn in_ring(
		job: JobId,
		entry: Worker,
		sealed: bool,
		lead: Arc<dyn Conduct>,
		replica: Arc<dyn Conduct>,
	) -> Self {
		let lead = Worker::with(2, TCP, PATIENT, lead).await;
		let lead = lead.hold_of(exact_model(), layers());
		let replica = Worker::with(3, TCP, PATIENT, replica).await;
		let replica = replica.hold_of(exact_model(), layers());
		let route = match sealed {
			true => sealed_route(job, &entry, &[(&lead, layers())]),
			false => route(job, &entry, &[(&lead, layers())]),
		};
		let limits = limits();
		let (answer, led) = tokio::join!(
			pipeline::entry::run(&entry.workshop, route.clone(), question(), &limits, |_| {}),
			pipeline::lead(&lead.workshop, route.clone(), ASKED, STAGE),
		);
		answer.unwrap();
		let commitments = match sealed {
			true => vec![lead.committed(job, STAGE)],
			false => vec![entry.committed(job, 0), lead.committed(job, STAGE)],
		};
		let hands_out = |worker: &Worker, stage, side| {
			worker.workshop.allow(job, stage, side, [replica.peer().id])
		};
		match sealed {
			true => hands_out(&lead, STAGE, Rows::Input),
			false => hands_out(&entry, 0, Rows::Output),
		}
		let checked = check(&replica.workshop, &route, STAGE, None, &commitments).await;
		let record = opened(job, &lead, &replica, (led.unwrap(), checked.unwrap()));
		Self {
			lead,
			replica,
			entry,
			route,
			commitments,
			record,
		}
	}

	/// Looks for the next move of a side, as its duty does.
	async fn seek(&self, side: Side) -> Result<Option<Move>, DisputeError> {
		let worker = match side {
			Side::Defender => &self.lead,
			Side::Challenger => &self.replica,
		};
		let held = worker.workshop.traces.holds(&self.record, side);
		let case = Case {
			record: self.record.clone(),
			side,
			layers: layers(),
			folder: (!held).then(|| exact_model().into()),
		};
		next_move(&worker.workshop, case).await
	}

	/// Makes the next move, or lets the deadline pass; gives how it ended, once it has.
	async fn step(&mut self) -> Option<Outcome> {
		let side = self.record.game.turn().unwrap();
		match self.seek(side).await.unwrap() {
			None => Some(self.record.game.silence()),
			Some(made) => match self.record.play(made).expect("it fits") {
				Standing::Over(outcome) => Some(outcome),
				_ => None,
			},
		}
	}

	/// Plays to the end; gives the number of moves too.
	async fn play(&mut self) -> (Outcome, usize) {
		for moves in 1.. {
			if let Some(outcome) = self.step().await {
				return (outcome, moves);
			}
			assert!(moves < 10, "{:?}", self.record.game.state);
		}
		unreachable!()
	}
}

/// The dispute that the chain opens after these roots.
fn opened(job: JobId, lead: &Worker, replica: &Worker, roots: (Roots, Roots)) -> Record {
	let spec = spec();
	let shown = |roots| Showing::Opened(roots);
	let showings = StageShowings {
		lead: shown(roots.0),
		replica: Some(shown(roots.1)),
		tiebreak: None,
		unchecked: false,
		dispute: None,
		comparison: None,
	};
	assert!(is_disputable(&showings), "{showings:?}");
	let participant = |worker: &Worker, roots| Participant::<_, u32> {
		opening: Some(Opening {
			salt: Digest::zero(),
			roots,
		}),
		..Participant::new(worker.workshop.account.clone())
	};
	let stage = StageTrial {
		stage: STAGE,
		layers: layers(),
		pay: 0,
		memory: 0,
		shards: roots.0.weights,
		lead: participant(lead, roots.0),
		tally: None,
		contradiction: None,
		chance: 0,
		summons: Default::default(),
		refused: None,
		replica: Some(participant(replica, roots.1)),
		dispute: None,
		comparison: None,
		tiebreak: None,
		holders: Default::default(),
	};
	Record::open(job, &stage, &spec).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_altered_a_row_is_convicted() {
	// Its trace is right, so it shows the rows that it committed to, and one is not that of the trace.
	let mut quarrel = Quarrel::new(60, Arc::new(Forger { lies: false }), honest()).await;
	assert_eq!(quarrel.play().await, (Outcome::Convicted, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_lies_in_its_trace_is_convicted_by_one_value() {
	let mut quarrel = Quarrel::new(61, Arc::new(Forger { lies: true }), honest()).await;
	let (outcome, moves) = quarrel.play().await;
	assert_eq!(outcome, Outcome::Convicted);
	assert!(moves >= 4, "{moves}");
	assert!(quarrel
		.record
		.shown
		.iter()
		.any(|(_, shown)| matches!(shown, Move::Step(_))));

	let mut quarrel = Quarrel::new(62, Arc::new(Muddled), honest()).await;
	assert_eq!(quarrel.play().await.0, Outcome::Convicted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_false_accuser_loses() {
	for lies in [false, true] {
		let mut quarrel = Quarrel::new(63, honest(), Arc::new(Forger { lies })).await;
		let (outcome, moves) = quarrel.play().await;
		assert_eq!(outcome, Outcome::Dismissed);
		// Without a lie there is nothing to say after the trace; with one it comes to a claim.
		assert_eq!(moves > 2, lies, "{moves}");
	}
	let mut quarrel = Quarrel::new(64, honest(), Arc::new(Muddled)).await;
	assert_eq!(quarrel.play().await.0, Outcome::Dismissed);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_silent_loses() {
	let mut quarrel = Quarrel::new(65, Arc::new(Mute), honest()).await;
	assert_eq!(quarrel.play().await, (Outcome::Convicted, 1));
	let mut quarrel = Quarrel::new(66, honest(), Arc::new(Mute)).await;
	assert_eq!(quarrel.play().await, (Outcome::Dismissed, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dispute_goes_on_after_restarts() {
	let mut quarrel = Quarrel::new(67, Arc::new(Forger { lies: true }), honest()).await;
	// The stage before is gone: both have what they need.
	quarrel.entry.workshop.network.shutdown().await;
	loop {
		quarrel.lead = quarrel.lead.restarted().await;
		quarrel.replica = quarrel.replica.restarted().await;
		if let Some(outcome) = quarrel.step().await {
			assert_eq!(outcome, Outcome::Convicted);
			break;
		}
	}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_that_hands_out_no_rows_any_more_wins_nothing() {
	let user = Worker::new(1).await.enter_of(exact_model());
	let forger = Arc::new(Forger { lies: true });
	let mut quarrel = Quarrel::in_ring(68, user, true, forger, honest()).await;
	let job = quarrel.route.job;
	quarrel.lead.workshop.allow(job, STAGE, Rows::Input, []);
	quarrel.replica = quarrel.replica.restarted().await;
	assert_eq!(quarrel.play().await.0, Outcome::Convicted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenger_without_rows_fetches_them_again() {
	let mut quarrel = Quarrel::new(69, Arc::new(Forger { lies: true }), honest()).await;
	assert_eq!(quarrel.step().await, None);
	let job = quarrel.route.job;
	quarrel.replica.workshop.forget(job).await.unwrap();
	let error = quarrel.seek(Side::Challenger).await.unwrap_err();
	assert!(
		matches!(error, DisputeError::NoRows { stage: STAGE, .. }) && !error.is_retryable(),
		"{error}"
	);
	let case = verification::Case {
		route: &quarrel.route,
		stage: STAGE,
		prompt: None,
		commitments: &quarrel.commitments,
		until: quarrel.route.run_until,
	};
	verification::again(&quarrel.replica.workshop, case)
		.await
		.unwrap();
	assert_eq!(quarrel.play().await.0, Outcome::Convicted);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_rows_that_were_committed_to_are_defended() {
	let quarrel = Quarrel::new(70, honest(), Arc::new(Forger { lies: false })).await;
	let job = quarrel.route.job;
	for file in ["input.rows", "output.rows"] {
		let path = format!("jobs/{job}/{STAGE}/{file}");
		let path = quarrel.lead.folder.path().join(path);
		let whole = fs::read(&path).unwrap();
		let mut damaged = whole.clone();
		damaged[5] ^= 1;
		for bytes in [&damaged[..], &whole[..64]] {
			fs::write(&path, bytes).unwrap();
			let error = quarrel.seek(Side::Defender).await.unwrap_err();
			assert!(matches!(error, DisputeError::NoRows { .. }), "{error}");
		}
		fs::write(&path, whole).unwrap();
	}
	assert!(quarrel.seek(Side::Defender).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_is_no_game_is_refused() {
	let mut quarrel = Quarrel::new(71, Arc::new(Forger { lies: true }), honest()).await;
	let error = quarrel.seek(Side::Challenger).await.unwrap_err();
	assert!(
		matches!(error, DisputeError::BadRecord { .. }),
		"not its turn: {error}"
	);
	assert_eq!(quarrel.step().await, None);
	let honest = quarrel.record.clone();
	quarrel.record.shown.clear();
	let error = quarrel.seek(Side::Challenger).await.unwrap_err();
	assert!(matches!(error, DisputeError::BadRecord { .. }), "{error}");
	quarrel.record = honest;
	assert_eq!(quarrel.play().await.0, Outcome::Convicted);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_is_kept_until_its_job_ends() {
	let mut quarrel = Quarrel::new(72, Arc::new(Forger { lies: true }), honest()).await;
	let traces = quarrel.lead.workshop.traces.clone();
	let holds = |quarrel: &Quarrel| traces.holds(&quarrel.record, Side::Defender);
	assert!(!holds(&quarrel));
	assert_eq!(quarrel.step().await, None);
	assert!(holds(&quarrel));
	assert!(!traces.holds(&quarrel.record, Side::Challenger));

	// The same worker in another dispute, as a fork would bring it: the first has to be computed again.
	let mut other = quarrel.record.clone();
	other.subject.output = Digest::zero();
	assert!(!traces.holds(&other, Side::Defender));
	let case = Case {
		record: quarrel.record.clone(),
		side: Side::Challenger,
		layers: layers(),
		folder: None,
	};
	let error = next_move(&quarrel.lead.workshop, case).await.unwrap_err();
	assert!(
		matches!(error, DisputeError::MadeRoom { .. }) && error.is_retryable(),
		"{error}"
	);
	assert!(!holds(&quarrel));
	assert_eq!(quarrel.play().await.0, Outcome::Convicted);
	quarrel.lead.workshop.forget(71).await.unwrap();
	assert!(holds(&quarrel));
	quarrel.lead.workshop.forget(72).await.unwrap();
	assert!(!holds(&quarrel));
}

#[test]
fn layers_with_other_constants_are_not_served() {
	let ModelSpec { constants, .. } = spec();
	let honest = constants.unwrap();
	expect_constants(exact_model(), layers(), &honest).unwrap();
	let refused = |constants: &ModelConstants| {
		let error = expect_constants(exact_model(), range(1, 3), constants).unwrap_err();
		assert!(!error.is_retryable());
		error.to_string()
	};
	for layer in [1, 2] {
		let mut wrong = honest.clone();
		wrong.layers[layer].weights = Digest::zero();
		let error = refused(&wrong);
		assert!(
			error.contains(&format!("constants of layer {layer}")),
			"{error}"
		);
		assert!(error.contains("tell its owner"), "{error}");
		wrong = honest.clone();
		wrong.layers[layer].window = 7;
		refused(&wrong);
	}
	// Layers of others are theirs to compare.
	let mut wrong = honest.clone();
	wrong.layers[0].weights = Digest::zero();
	expect_constants(exact_model(), range(1, 3), &wrong).unwrap();
	wrong = honest.clone();
	wrong.shape.epsilon ^= 1;
	assert!(refused(&wrong).contains("shape"));
	wrong = honest;
	wrong.layers.truncate(2);
	refused(&wrong);
}
