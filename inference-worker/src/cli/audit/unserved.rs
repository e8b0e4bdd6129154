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
	stall::{self, Tally, Word},
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
	match own_entry(evidence) && !stall::ran(&said(evidence)) {
		true => Refund::NoShow,
		false => Refund::Unserved,
	}
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
		match (committed, stage.tally) {
			(Some(_), _) => Word::Committed,
			(None, Some(tally)) => Word::Told(tally),
			(None, None) => Word::Silent,
		}
	};
	evidence.receipt.stages.iter().map(word).collect()
}

/// Why the lead at `place` is to blame: it was silent; or it is an end of a hop; or nobody else can be.
fn blame(words: &[Word], own_entry: bool, place: usize) -> &'static str {
	if words[place] == Word::Silent {
		return "it had not committed by its deadline, and told nothing of how far it came";
	}
	if let Some((fault, (from, to))) = broken_hop(words, own_entry) {
		if [from, to].contains(&place) {
			return fault.in_words(place == from);
		}
	}
	let tally = told(words[place]).unwrap_or_default();
	match place == 0 && !own_entry {
		true => "all rows came round to it, and it sent no more",
		false if tally.received != tally.sent => {
			"by its own word it did not send what it had received"
		}
		false => "the next stage committed, so it had the word that this was all, and kept silent",
	}
}

/// What was wrong with a hop both ends of which are to blame.
#[derive(Clone, Copy)]
enum Fault {
	NeverStood,
	GivenUp,
	LostRows,
	Unclosed,
}

impl Fault {
	/// What it means for one of the ends.
	fn in_words(self, is_sender: bool) -> &'static str {
		match (self, is_sender) {
			(Self::NeverStood, true) => "its hop to the next stage never stood",
			(Self::NeverStood, false) => "its hop from the stage before never stood",
			(Self::GivenUp, true) => "it lost the next stage, which had not lost its own",
			(Self::GivenUp, false) => "the stage before lost it, and it had not lost the next one",
			(Self::LostRows, true) => "its hop to the next stage lost rows",
			(Self::LostRows, false) => "its hop from the stage before lost rows",
			(Self::Unclosed, true) => "it did not commit, and the next stage alone did",
			(Self::Unclosed, false) => "it alone committed, and the stage before did not",
		}
	}
}

/// The hop both ends of which are to blame, and what was wrong with it; none where there is none. A ring of two
/// leads has two hops with the same ends, of which the rule names one.
fn broken_hop(words: &[Word], own_entry: bool) -> Option<(Fault, (usize, usize))> {
	let blamed = stall::blamed(words, own_entry);
	let stages = words.len();
	let ends = stages.saturating_sub(usize::from(own_entry));
	let hops = (0..ends).map(|from| (from, (from + 1) % stages));
	let hops = hops.filter(|(from, to)| from != to && blamed[*from] && blamed[*to]);
	let hops = hops.collect::<Vec<_>>();
	let never = hops.iter().find(|hop| is_unjoined(words, **hop));
	if let Some(hop) = never {
		return Some((Fault::NeverStood, *hop));
	}
	if told(words[0]).is_some_and(|tally| tally.lost_next) {
		return hops.first().map(|hop| (Fault::GivenUp, *hop));
	}
	let mut back = hops.into_iter().rev();
	back.find_map(|hop| lost(words, hop).map(|fault| (fault, hop)))
}

/// Whether an end of a hop says that it never stood.
fn is_unjoined(words: &[Word], (from, to): (usize, usize)) -> bool {
	let sent = told(words[from]).map(|tally| tally.sent);
	let received = told(words[to]).map(|tally| tally.received);
	sent == Some(None) || received == Some(None)
}

/// What two ends of a hop contradict each other in: the number of its rows, or whether all of them have passed; none
/// where they do not.
fn lost(words: &[Word], (from, to): (usize, usize)) -> Option<Fault> {
	match (told(words[from]), told(words[to])) {
		(Some(one), Some(other)) => (one.sent != other.received).then_some(Fault::LostRows),
		(Some(_), None) => Some(Fault::Unclosed),
		(None, Some(_)) => Some(Fault::LostRows),
		(None, None) => None,
	}
}

fn told(word: Word) -> Option<Tally> {
	match word {
		Word::Told(tally) => Some(tally),
		Word::Committed | Word::Silent => None,
	}
}
