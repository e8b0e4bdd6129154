//! Rows of lead and replica that were compared by tolerance ([`dllm_primitives::compare`]), as far as public data tell:
//! whether these two could be compared, over how many rows, and what came of it.
//!
//! A receipt holds neither the seed that drew the rows nor the rows themselves, which stand in the blocks in which they
//! were shown. So which rows were drawn, and by how much they differ, is the chain's word here, as is that the chain had
//! that tolerance, or had none for two that were not compared.

use super::{
	evidence::Evidence,
	shown::{hex, part_of},
	step::Sheet,
	verdicts::showings_before,
};
use dllm_primitives::{
	api::{ComparisonView, StageReceipt},
	compare::{self, Comparing, Likeness, Tolerance},
	ids::{Digest, ENTRY_STAGE},
	judge::{self, StageShowings},
	verdict::Part,
};

/// Parts per billion, in which tolerances count, in one.
const BILLION: f64 = 1e9;

/// How the rows of lead and replica compare; none where they were not compared.
pub(super) fn likeness(stage: &StageReceipt) -> Option<Likeness> {
	stage.comparison.as_ref()?.likeness
}

/// Whether a worker was compared with the other of the two, and found to have sent rows like its.
pub(super) fn confirms(stage: &StageReceipt, part: Part) -> bool {
	part != Part::Tiebreak && likeness(stage) == Some(Likeness::Alike)
}

/// Notes what was compared, what came of it, and what of that nobody can tell from a receipt.
pub(super) fn explain(sheet: &mut Sheet, stage: &StageReceipt) {
	let Some(view) = &stage.comparison else {
		return;
	};
	let number = stage.stage;
	let told = match view.likeness {
		None => "that is not over",
		Some(Likeness::Alike) => "they differ by no more than the tolerance",
		Some(Likeness::Unlike) => "they differ by more than the tolerance",
		Some(Likeness::Unshown) => "one of the two showed none in time",
	};
	sheet.note(format!(
		"stage {number}: the two are of two numerics classes, and were to show {} that each sent: {told} ({}, calibration {})",
		extent(stage, view),
		in_words(&view.tolerance),
		hex(&view.tolerance.calibration)
	));
	sheet.note(format!(
		"stage {number}: which rows were drawn, and by how much they differ, is the chain's word, as the receipt holds neither their seed nor them"
	));
}

/// Checks that lead and replica could be compared, that this shows nothing of a sealed job, over as many rows as the
/// rule draws of so many, and that it is over once the job is.
pub(super) fn check(sheet: &mut Sheet, evidence: &Evidence, stage: &StageReceipt) {
	let Some(view) = &stage.comparison else {
		return;
	};
	let number = stage.stage;
	let before = showings_before(evidence, stage).map(|shown| StageShowings {
		comparison: None,
		..shown
	});
	let computed = number != ENTRY_STAGE;
	let could = before.is_some_and(|shown| computed && judge::is_comparable(&shown));
	sheet.expect(could, || {
		format!("stage {number} has a comparison without need: only who did the same work of a segment in two classes, and sent other rows, is compared")
	});
	sheet.expect(!evidence.record.own_entry, || {
		format!("stage {number} was compared, though the job is sealed: its rows stay between its workers")
	});
	sheet.expect(due_positions(evidence, stage, view) > 0, || {
		format!("stage {number} was compared without rows: it sent none, or too long ones")
	});
	sheet.expect(are_drawable(evidence, stage, view), || {
		format!("the positions compared of stage {number} can be no draw of its rows")
	});
	sheet.expect(view.tolerance.is_sound(), || {
		format!("the chain takes no tolerance like that of stage {number}")
	});
	sheet.expect(view.likeness.is_some(), || {
		format!("the comparison about stage {number} is not over")
	});
}

/// Checks that what the block announced of comparisons is what came of them. It need not have announced any: a trial may
/// go on after that, or wait for governance.
pub(super) fn check_announced(sheet: &mut Sheet, evidence: &Evidence) {
	let announced = &evidence.events.compared;
	for one in announced {
		let mut stages = evidence.receipt.stages.iter();
		let stage = stages.find(|stage| stage.stage == one.stage);
		let found = stage.and_then(likeness);
		let twice = announced.iter().filter(|other| other.stage == one.stage);
		sheet.expect(found == Some(one.likeness) && twice.count() == 1, || {
			format!(
				"the events Verification.Compared tell another end of the comparison about stage {} than the record",
				one.stage
			)
		});
	}
}

/// What the comparison of its stage says of a worker, for people; empty where it was not compared.
pub(super) fn reason(stage: &StageReceipt, part: Part) -> String {
	let other = match part {
		Part::Lead => "its checker",
		Part::Replica => "the lead",
		Part::Tiebreak => return String::new(),
	};
	let Some(view) = &stage.comparison else {
		return String::new();
	};
	let differ = match view.likeness {
		None => return String::new(),
		Some(Likeness::Alike) => "differ by no more than the tolerance",
		Some(Likeness::Unlike) => "differ by more than the tolerance",
		Some(Likeness::Unshown) => {
			return "one of the two that were to be compared showed no rows in time".into();
		}
	};
	format!(
		"its rows and those of {other}, of another numerics class, {differ}: {}, at {}",
		in_words(&view.tolerance),
		extent(stage, view)
	)
}

/// Whether the seed can have drawn these positions: as many as the rule shows of such rows, ascending, each once.
fn are_drawable(evidence: &Evidence, stage: &StageReceipt, view: &ComparisonView) -> bool {
	let positions = &view.positions;
	let ascending = positions.is_sorted_by(|one, next| one < next);
	let within = positions.iter().all(|one| *one < rows_of(stage));
	ascending && within && positions.len() == due_positions(evidence, stage, view)
}

/// How many rows the rule shows of such rows; none where it does not compare them.
fn due_positions(evidence: &Evidence, stage: &StageReceipt, view: &ComparisonView) -> usize {
	let model = &evidence.model;
	let comparing = Comparing {
		// It says which, not how many.
		seed: Digest::zero(),
		rows: rows_of(stage),
		row_bytes: compare::row_bytes(model.profile, model.hidden_size),
		tolerance: view.tolerance,
	};
	comparing.positions().len()
}

/// Rows that the lead of a stage sent, by its own word.
fn rows_of(stage: &StageReceipt) -> u32 {
	let opened = part_of(stage, Part::Lead).and_then(|lead| lead.opening);
	opened.map_or(0, |opening| opening.roots.rows)
}

/// How many rows were compared, for people.
fn extent(stage: &StageReceipt, view: &ComparisonView) -> String {
	format!("{} of {} rows", view.positions.len(), rows_of(stage))
}

/// A tolerance, for people.
fn in_words(tolerance: &Tolerance) -> String {
	let relative = |parts: u32| f64::from(parts) / BILLION;
	format!(
		"median {:e}, max {:e}, version {}",
		relative(tolerance.median),
		relative(tolerance.max),
		tolerance.version
	)
}
