//! A receipt as people read it.

use dllm_primitives::{
	api::{AccountId32, ComparisonView, JobView, Receipt, StageReceipt},
	compare::{Likeness, Tolerance},
	ids::Digest,
	job::{Assurance, JobState, OnFailure},
	model::LayerRange,
};
use dllm_worker::cli::receipt::Report;

const STAGE: u8 = 2;

/// A receipt with one stage, of which so many rows were compared.
fn receipt(compared: Option<(u32, Option<Likeness>)>) -> Receipt {
	let comparison = compared.map(|(rows, likeness)| ComparisonView {
		positions: (0..rows).collect(),
		tolerance: Tolerance {
			median: 1,
			max: 2,
			version: 1,
			calibration: Digest::zero(),
		},
		likeness,
	});
	let stage = StageReceipt {
		stage: STAGE,
		layers: LayerRange { start: 0, end: 3 },
		participants: Vec::new(),
		refused: Vec::new(),
		dispute: None,
		comparison,
		tally: None,
		contradiction: None,
		chance: 0,
		summons: Vec::new(),
	};
	let job = JobView {
		id: 7,
		client: AccountId32::new([1; 32]),
		model: 4,
		state: JobState::Settled,
		phase: None,
		adapter: None,
		sealed: false,
		assurance: Assurance::Full,
		on_failure: OnFailure::Refund,
		rerun_of: None,
		max_price: 0,
		fee: 0,
		tokens: 0,
		rows: 0,
		reply: None,
		submitted: 1,
		deadline: 9,
		awarded: Some(2),
		ended: None,
	};
	Receipt {
		job,
		pipeline: Some(1),
		checked: Some(true),
		stages: vec![stage],
		miners: Vec::new(),
		verifiers: Vec::new(),
		treasury: 0,
		burned: 0,
		refunded: 0,
	}
}

/// The words of every line.
fn lines(receipt: Receipt) -> Vec<String> {
	let text = Report::of("a".into(), receipt).readable();
	let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
	text.lines().map(words).collect()
}

#[test]
fn a_receipt_tells_how_rows_of_two_classes_compare() {
	for (likeness, words) in [
		(None, "2 16 being compared"),
		(Some(Likeness::Alike), "2 16 alike"),
		(Some(Likeness::Unlike), "2 16 unlike"),
		(Some(Likeness::Unshown), "2 16 not shown"),
	] {
		let lines = lines(receipt(Some((16, likeness))));
		assert!(lines.iter().any(|line| line == words), "{lines:?}");
	}
	let alone = lines(receipt(None));
	assert!(!alone.iter().any(|line| line.contains("rows")), "{alone:?}");
}
