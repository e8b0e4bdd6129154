//! Rows that lead and checker of a float model keep: the chain asks for some of them where the two are in different
//! numerics classes, and nobody else gets those of a checker.

use crate::{defence::PATIENCE, lab::*};
use dllm_primitives::{
	api::{AccountId32, Route},
	commitment::{merkle_root_of, row_leaf, Roots},
	compare::ShownRow,
	ids::{Digest, JobId, StageIndex},
};
use dllm_worker::{
	commitment::{Leaves, Ledger, MadeBy, StageRecord},
	duties::shown_rows,
	network::{
		frame::{Ask, Frame, Reason, Side},
		link::{Link, LinkError},
		Dtype, Network,
	},
	pipeline::{self, Conduct, Honest},
	verification::{self, Case},
};
use std::{
	fs,
	path::{Path, PathBuf},
	sync::Arc,
};

const STAGE: StageIndex = 1;
const ALTERED_ROW: u32 = 3;

/// Changes one value of one row.
struct Forger;

impl Conduct for Forger {
	fn output_row(&self, _stage: StageIndex, position: u32, row: &mut [f32]) {
		if position == ALTERED_ROW {
			row[0] += 0.5;
		}
	}
}

fn honest() -> Arc<dyn Conduct> {
	Arc::new(Honest)
}

/// A ring of one segment that has run a job, and who is to check it.
struct Ran {
	entry: Worker,
	lead: Worker,
	checker: Worker,
	route: Route,
	led: Roots,
}

impl Ran {
	async fn new(job: JobId, model: &Path, lead: Arc<dyn Conduct>) -> Self {
		let entry = Worker::new(1).await.enter_of(model);
		let lead = Worker::with(2, TCP, PATIENT, lead).await;
		let lead = lead.hold_of(model, range(0, 3));
		let checker = Worker::new(3).await.hold_of(model, range(0, 3));
		let route = route(job, &entry, &[(&lead, range(0, 3))]);
		let limits = limits();
		let (answer, led) = tokio::join!(
			pipeline::entry::run(&entry.workshop, route.clone(), question(), &limits, |_| {}),
			pipeline::lead(&lead.workshop, route.clone(), ASKED, STAGE),
		);
		answer.unwrap();
		let reader = checker.peer().id;
		entry.workshop.allow(job, 0, Side::Output, [reader]);
		Self {
			entry,
			lead,
			checker,
			route,
			led: led.unwrap(),
		}
	}

	fn commitments(&self) -> Vec<(StageIndex, AccountId32, Digest)> {
		vec![self.entry.committed(self.route.job, 0)]
	}

	async fn check(&self) -> Roots {
		let (workshop, committed) = (&self.checker.workshop, self.commitments());
		let checked = check(workshop, &self.route, STAGE, None, &committed).await;
		checked.unwrap()
	}
}

/// The file of the rows that a worker sent as the lead of a stage.
fn output(worker: &Worker, job: JobId, stage: StageIndex) -> PathBuf {
	let path = format!("jobs/{job}/{stage}/output.rows");
	worker.folder.path().join(path)
}

/// The file of the rows that a worker computed as the checker of a stage.
fn computed(worker: &Worker, job: JobId, stage: StageIndex) -> PathBuf {
	output(worker, job, stage).with_file_name("computed.rows")
}

fn shown(worker: &Worker, job: JobId, positions: &[u32]) -> Option<Vec<ShownRow>> {
	shown_rows(&worker.workshop.ledger, (job, STAGE), positions).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checker_of_a_float_model_keeps_its_rows_until_the_job_is_over() {
	let job = 110;
	let ran = Ran::new(job, model(), honest()).await;
	let kept = computed(&ran.checker, job, STAGE);
	// A check that was cut short left more than there will be.
	fs::create_dir_all(kept.parent().unwrap()).unwrap();
	fs::write(&kept, vec![7; 1 << 20]).unwrap();
	assert_eq!(ran.check().await, ran.led);
	let sent = fs::read(output(&ran.lead, job, STAGE)).unwrap();
	assert!(fs::read(&kept).unwrap() == sent);
	assert!(!output(&ran.checker, job, STAGE).exists());
	ran.checker.workshop.forget(job).await.unwrap();
	assert!(!kept.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checker_of_an_exact_model_keeps_none() {
	let job = 111;
	let ran = Ran::new(job, exact_model(), honest()).await;
	assert_eq!(ran.check().await, ran.led);
	let none = computed(&ran.checker, job, STAGE);
	assert!(none.with_file_name("input.rows").exists());
	assert!(!none.exists() && !output(&ran.checker, job, STAGE).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_leads_to_the_root_at_every_position() {
	let job = 112;
	let ran = Ran::new(job, model(), Arc::new(Forger)).await;
	let checked = ran.check().await;
	assert_ne!(checked.output, ran.led.output);
	let positions = (0..checked.rows).collect::<Vec<_>>();
	let sides = [(&ran.lead, ran.led), (&ran.checker, checked)];
	let [lead, checker] = sides.map(|(worker, told)| {
		let record = worker.workshop.ledger.record(job, STAGE).unwrap().unwrap();
		let rows = shown(worker, job, &positions).unwrap();
		assert_eq!(rows.len(), told.rows as usize);
		for (position, row) in (0..).zip(&rows) {
			let leaf = row_leaf(&record.job_key, job, STAGE, position, &row.bytes);
			let root = merkle_root_of(leaf, position, told.rows, &row.path);
			assert_eq!(root, Some(told.output), "{position}");
			// As the chain looks at it, which has only the key of this row.
			assert!(row.is_at((job, STAGE), position, told.rows, told.output));
		}
		rows
	});
	let differs = |position: &u32| {
		let at = *position as usize;
		lead[at].bytes != checker[at].bytes
	};
	let differing = positions.iter().copied().filter(differs);
	assert_eq!(differing.collect::<Vec<_>>(), [ALTERED_ROW]);

	// Those that are asked for, in that order; none at all where one is not there.
	let some = vec![checker[5].clone(), checker[2].clone()];
	assert_eq!(shown(&ran.checker, job, &[5, 2]), Some(some.clone()));
	for outside in [checked.rows, u32::MAX] {
		assert_eq!(shown(&ran.checker, job, &[2, outside]), None);
	}
	let restarted = ran.checker.restarted().await;
	assert_eq!(shown(&restarted, job, &[5, 2]), Some(some));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_were_damaged_are_not_shown() {
	let job = 113;
	let ran = Ran::new(job, model(), honest()).await;
	ran.check().await;
	let files = [
		(&ran.lead, output(&ran.lead, job, STAGE)),
		(&ran.checker, computed(&ran.checker, job, STAGE)),
	];
	for (worker, path) in files {
		let whole = fs::read(&path).unwrap();
		let mut damaged = whole.clone();
		// Not in a row that is shown.
		*damaged.last_mut().unwrap() ^= 1;
		for bytes in [&damaged[..], &whole[..whole.len() - 1], &whole[..0]] {
			fs::write(&path, bytes).unwrap();
			assert_eq!(shown(worker, job, &[0, 1]), None);
		}
		fs::write(&path, whole).unwrap();
		assert!(shown(worker, job, &[0, 1]).is_some());
		fs::remove_file(&path).unwrap();
		assert_eq!(shown(worker, job, &[0, 1]), None);
	}
	assert_eq!(shown(&ran.lead, job + 1, &[0, 1]), None, "no such job");
	// A checker that executes the stage once more has them again.
	let committed = ran.commitments();
	let case = Case {
		route: &ran.route,
		stage: STAGE,
		prompt: None,
		commitments: &committed,
		until: ran.route.run_until,
	};
	let workshop = &ran.checker.workshop;
	let again = verification::again(workshop, case).await.unwrap();
	let rows = shown(&ran.checker, job, &[0, 1]).unwrap();
	for (position, row) in (0..).zip(&rows) {
		assert!(row.is_at((job, STAGE), position, again.rows, again.output));
	}
}

/// What a worker answers who asks it for rows.
async fn answer(
	asker: &Network,
	worker: &Worker,
	(job, stage, side): (JobId, StageIndex, Side),
) -> Result<Frame, LinkError> {
	let stream = asker.open(&worker.peer(), verification::PROTOCOL).await;
	let mut link = Link::new(stream.unwrap());
	let ask = Ask { job, stage, side };
	link.send(&Frame::Ask(ask)).await.unwrap();
	link.receive(PATIENCE).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_a_checker_are_served_to_nobody() {
	let job = 114;
	let entry = Worker::new(1).await.enter();
	let first = Worker::new(2).await.hold(range(0, 1));
	// Leads one stage of the job and checks another.
	let both = Worker::new(3).await.hold(range(1, 3)).hold(range(0, 1));
	let segments = [(&first, range(0, 1)), (&both, range(1, 3))];
	let route = route(job, &entry, &segments);
	let limits = limits();
	let (reply, one, two) = tokio::join!(
		pipeline::entry::run(&entry.workshop, route.clone(), question(), &limits, |_| {}),
		pipeline::lead(&first.workshop, route.clone(), ASKED, 1),
		pipeline::lead(&both.workshop, route.clone(), ASKED, 2),
	);
	reply.unwrap();
	two.unwrap();
	let led = fs::read(output(&both, job, 2)).unwrap();
	let reader = both.peer().id;
	entry.workshop.allow(job, 0, Side::Output, [reader]);
	let committed = [entry.committed(job, 0)];
	let checked = check(&both.workshop, &route, 1, None, &committed).await;
	assert_eq!(checked.unwrap(), one.unwrap());
	let files = [output(&first, job, 1), computed(&both, job, 1)];
	let [sent, again] = files.map(|file| fs::read(file).unwrap());
	assert!(sent == again);
	assert!(fs::read(output(&both, job, 2)).unwrap() == led);

	let sides = [Side::Input, Side::Output];
	let stranger = network(&[]).await;
	for side in sides {
		let refused = answer(&stranger, &both, (job, 1, side)).await;
		let refused = matches!(refused, Err(LinkError::Aborted(Reason::Refused)));
		assert!(refused, "{side:?}");
	}
	// Nor where it took itself for the lead of the stage that it checked.
	let guest = network(&[]).await;
	for stage in [1, 2] {
		for side in sides {
			both.workshop.allow(job, stage, side, [guest.peer_id()]);
			let answered = answer(&guest, &both, (job, stage, side)).await;
			let as_it_should = match (stage, &answered) {
				(1, Err(LinkError::Aborted(Reason::NotExpected))) => true,
				(2, Ok(Frame::Record(record))) => record.rows > 0,
				_ => false,
			};
			assert!(as_it_should, "{stage} {side:?}: {answered:?}");
		}
	}
}

/// A fork may make a checker of the lead of a stage: the rows of its lead's record stay whole, whatever it computes.
#[test]
fn what_a_checker_computes_leaves_the_rows_of_a_lead_alone() {
	let folder = tempfile::tempdir().unwrap();
	let ledger = Ledger::open(folder.path()).unwrap();
	let (job, key) = (115, [4; 32]);
	let leaves = || Leaves::new(job, key, STAGE, 8);
	let mut log = ledger.log(job, STAGE, Side::Output, leaves()).unwrap();
	log.append(0, &[5; 16]).unwrap();
	let (output, rows) = log.finish().unwrap();
	let record = |output, rows, made_by| {
		let roots = Roots {
			output,
			rows,
			..Roots::default()
		};
		let mut record = StageRecord::new(ASKED, roots, key, 2, Dtype::F32);
		record.made_by = made_by;
		record
	};
	let led = record(output, rows, MadeBy::Lead);
	ledger.close(job, STAGE, &led).unwrap();
	let shown = |position| {
		let rows = shown_rows(&ledger, (job, STAGE), &[position]).unwrap();
		rows.map(|rows| rows[0].bytes.to_vec())
	};

	// The check has begun, and the record is still that of the lead.
	let mut log = ledger.computed(job, STAGE, leaves()).unwrap();
	log.append(0, &[6; 8]).unwrap();
	let (output, rows) = log.finish().unwrap();
	let mut served = ledger.rows(job, STAGE, Side::Output).unwrap();
	assert_eq!(served.read(0, 2, 8).unwrap(), [5; 16]);
	assert_eq!(shown(1), Some(vec![5; 8]));

	let checked = record(output, rows, MadeBy::Checker);
	ledger.close(job, STAGE, &checked).unwrap();
	assert_eq!(shown(0), Some(vec![6; 8]));
	assert_eq!(shown(1), None);
}
