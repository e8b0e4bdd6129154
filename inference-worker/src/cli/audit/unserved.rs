//! A job that was over before every lead had committed: the chain's rule of who stopped its ring
//! ([`dllm_primitives::stall`]), applied again to what the leads said.

use super::{
	evidence::Evidence,
	shown::{everybody, part_of, who},
	step::Sheet,
};
use crate::cli::receipt::tally_in_words;
use dllm_primitives::{
	api::StageReceipt,
	ids::StageIndex,
	job::Refund,
	judge,
	stall::{self, Fault, Word},
	verdict::{Part, Verdict},
};

/// Whether the trial ended because a lead had not committed; then nothing was executed again.
pub(super) fn is_unserved(evidence: &Evidence) -> bool {
	everybody(evidence).any(|(_, one)| one.part == Part::Lead && one.commitment.is_none())
}

/// The verdicts that the rule gives the leads, in the order of the ring.
pub(super) fn judged(evidence: &Evidence) -> Vec<Verdict> {
	judge::judge_unserved(&said(evidence), own_entry(evidence), is_excused(evidence))
}

/// What the rule makes of such a job.
pub(super) fn refund(evidence: &Evidence) -> Refund {
	judge::refund_unserved(&said(evidence), own_entry(evidence))
}

/// Notes what a lead told of how far it came. The chain takes that of nobody who was in time, and of no more rows
/// than the job may have.
pub(super) fn check_tally(sheet: &mut Sheet, evidence: &Evidence, stage: &StageReceipt) {
	let (Some(tally), Some(lead)) = (stage.tally, part_of(stage, Part::Lead)) else {
		return;
	};
	let name = who(stage, lead);
	sheet.note(format!("{name}: {}", tally_in_words(tally)));
	sheet.expect(lead.commitment.is_none(), || {
		format!("{name} told how far it came, though it had committed")
	});
	let rows = tally.received.max(tally.sent).unwrap_or_default();
	sheet.expect(rows <= evidence.record.rows_ceiling, || {
		format!("{name} told of {rows} rows, more than the job may have")
	});
}

/// Why the rule gives the lead of this stage its verdict, for people.
pub(super) fn reason(evidence: &Evidence, stage: StageIndex, verdict: Verdict) -> &'static str {
	let words = said(evidence);
	let mut stages = evidence.receipt.stages.iter();
	let place = stages.position(|one| one.stage == stage);
	match (verdict, place) {
		(Verdict::WorkerFault, Some(place)) => blame(&words, own_entry(evidence), place),
		_ if is_excused(evidence) && !stall::ran(&words) => {
			"no rows came to anybody: its user may never have come, or nobody holds the adapter that it named"
		}
		_ => "a lead never committed, so nothing was executed again, and the fault is elsewhere",
	}
}

/// Whether nobody need be to blame where nothing ran.
fn is_excused(evidence: &Evidence) -> bool {
	own_entry(evidence) || evidence.asked.adapter.is_some()
}

fn own_entry(evidence: &Evidence) -> bool {
	evidence.record.own_entry
}

/// What the leads had said when the time of the job was over, in the order of the ring.
fn said(evidence: &Evidence) -> Vec<Word> {
	let word = |stage: &StageReceipt| {
		let committed = part_of(stage, Part::Lead).and_then(|lead| lead.commitment);
		Word::of(committed.is_some(), stage.tally)
	};
	evidence.receipt.stages.iter().map(word).collect()
}

/// Why the lead at `place` is to blame.
fn blame(words: &[Word], own_entry: bool, place: usize) -> &'static str {
	let found = stall::find(words, own_entry);
	let is_sender = found.places.first() == Some(&place);
	match (found.fault, is_sender) {
		(Fault::Silent, _) => {
			"it had not committed by its deadline, and told nothing of how far it came"
		}
		(Fault::Unjoined, true) => "its hop to the next stage never stood",
		(Fault::Unjoined, false) => "its hop from the stage before never stood",
		(Fault::GivenUp, true) => "it lost the next stage, which had not lost its own",
		(Fault::GivenUp, false) => "the stage before lost it, and it had not lost the next one",
		(Fault::Kept, _) => "by its own word it did not send what it had received",
		(Fault::Lost, true) => "its hop to the next stage lost rows",
		(Fault::Lost, false) => "its hop from the stage before lost rows",
		(Fault::Withheld, _) => {
			"the next stage committed, so it had the word that this was all, and kept silent"
		}
		(Fault::Unclosed, true) => "it did not commit, and the next stage alone did",
		(Fault::Unclosed, false) => "it alone committed, and the stage before did not",
		(Fault::Idle, _) => "all rows came round to it, and it sent no more",
		(Fault::Collapsed, _) => "every stage lost the next one",
	}
}
