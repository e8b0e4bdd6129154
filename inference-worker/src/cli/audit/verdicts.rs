//! Steps `verdicts` and `outcome`: the chain's rule of judgement, applied again to what was shown.

use super::{
	comparison,
	evidence::{Evidence, Judged},
	plan::drawn,
	shown::{everybody, hex, part_of, shards_of, went_unchecked, who},
	step::{Sheet, Step},
	unserved::{self, is_unserved},
};
use crate::cli::receipt::{part_in_words, state_in_words, verdict_in_words};
use dllm_primitives::{
	api::{AccountId32, ParticipantView, StageReceipt},
	dispute::{self, Standing},
	hop::{self, End},
	ids::{Digest, ENTRY_STAGE},
	job::{JobState, Refund},
	judge::{self, Due, Exhibit, LeadFinding, Outcome, Showing, StageShowings},
	model::LayerRange,
	slash::Ground,
	verdict::{Part, Verdict},
};

/// What the rule gives for a stage: a verdict for each of its parts.
type Verdicts = Vec<(Part, Verdict)>;

/// The verdict on every worker is the one that the rule gives.
pub(super) fn verdicts(evidence: &Evidence) -> Step {
	let mut sheet = Sheet::new(
		"verdicts",
		"the rule of judgement gives every worker the verdict that the chain recorded and announced",
	);
	let stages = &evidence.receipt.stages;
	if stages.is_empty() {
		sheet.same("verdicts announced", evidence.events.judged.len(), 0);
		comparison::check_announced(&mut sheet, evidence);
		return sheet.nothing("there was no trial");
	}
	for (stage, due) in stages.iter().zip(judged(evidence)) {
		let Some(due) = due else {
			sheet.expect(false, || format!("stage {} lacks a lead", stage.stage));
			continue;
		};
		sheet.same("workers of a stage", stage.participants.len(), due.len());
		check_dispute(&mut sheet, evidence, stage);
		comparison::check(&mut sheet, evidence, stage);
		check_contradiction(&mut sheet, evidence, stage);
		unserved::check_tally(&mut sheet, evidence, stage);
		let asked = part_of(stage, Part::Tiebreak).is_some();
		sheet.expect(!asked || is_tied(evidence, stage), || {
			format!("stage {} has a third worker without need", stage.stage)
		});
		for (part, verdict) in due {
			let Some(one) = part_of(stage, part) else {
				continue;
			};
			let why = reason(evidence, stage, one, verdict);
			sheet.note(format!("{}: {} – {why}", who(stage, one), words(verdict)));
			if is_pardoned(stage, one, verdict) {
				sheet.note(format!(
					"{}: pardoned, as governance found a fault that many had in common",
					who(stage, one)
				));
				continue;
			}
			sheet.expect(one.verdict == Some(verdict), || {
				format!(
					"the chain found {} of {}, the rule {}",
					verdict_in_words(one.verdict),
					who(stage, one),
					words(verdict)
				)
			});
		}
	}
	comparison::check_announced(&mut sheet, evidence);
	let recorded = everybody(evidence).filter_map(|(stage, one)| {
		Some(Judged {
			stage: stage.stage,
			worker: one.worker.clone(),
			part: one.part,
			verdict: one.verdict?,
		})
	});
	let announced = recorded.collect::<Vec<_>>() == evidence.events.judged;
	sheet.expect(announced, || {
		"the events Verification.Judged tell other verdicts than the record".into()
	});
	sheet.close("the same rule gives the same verdicts")
}

/// What becomes of the job is what the rule makes of its leads.
pub(super) fn outcome(evidence: &Evidence) -> Step {
	let mut sheet = Sheet::new(
		"outcome",
		"the rule makes of the verdicts on the leads what became of the job",
	);
	let (state, events) = (evidence.record.state, &evidence.events);
	sheet.note(format!("the chain: {}", state_in_words(state)));
	if evidence.receipt.stages.is_empty() {
		let early = matches!(
			state,
			JobState::Refunded(Refund::Cancelled | Refund::NotAwarded)
		);
		sheet.expect(early, || {
			"a job without a trial can only be refunded before its award".into()
		});
		let silent = events.served.is_none() && events.failed.is_none();
		sheet.expect(silent, || "the outcome of a trial was announced".into());
		return sheet.nothing("there was no trial");
	}
	let due = ruled(evidence);
	sheet.note(format!("the rule: {due:?}"));
	match due {
		Outcome::Served { rows, result } => {
			sheet.same("Verification.Served", events.served, Some(rows));
			sheet.same("Verification.Failed", events.failed, None);
			if events.payment_failed {
				sheet.same("state", state, JobState::Refunded(Refund::Indeterminate));
				return sheet.close("served, but the fee could not be divided: nobody was charged");
			}
			sheet.same("state", state, JobState::Settled);
			sheet.same("rows", evidence.record.rows, rows);
			sheet.same("result", evidence.record.result, result);
		}
		Outcome::Failed(refund) => {
			// Whether its client chose that is for the step `record`.
			let due = match state {
				JobState::Rerun { by, .. } => JobState::Rerun { by, reason: refund },
				_ => JobState::Refunded(refund),
			};
			sheet.same("state", state, due);
			sheet.same("Verification.Failed", events.failed, Some(refund));
			sheet.same("Verification.Served", events.served, None);
			sheet.expect(!events.payment_failed, || "a payment was tried".into());
		}
	}
	sheet.close("the outcome follows from the verdicts")
}

/// Whether governance pardoned what the rule blames a worker for: that it was convicted of what it opened, or
/// led, committed, was checked and did not open.
fn is_pardoned(stage: &StageReceipt, one: &ParticipantView, due: Verdict) -> bool {
	let withheld = one.part == Part::Lead
		&& one.commitment.is_some()
		&& one.opening.is_none()
		&& part_of(stage, Part::Replica).is_some();
	let blamed = match due {
		Verdict::Cheat => one.opening.is_some(),
		Verdict::WorkerFault => withheld,
		_ => false,
	};
	blamed && one.verdict == Some(Verdict::Pardoned)
}

/// What the rule gives for every stage; none for one without a lead.
fn judged(evidence: &Evidence) -> Vec<Option<Verdicts>> {
	let stages = evidence.receipt.stages.iter();
	if is_unserved(evidence) {
		// Nobody has been checked.
		let due = stages.zip(unserved::judged(evidence));
		let verdicts = due.map(|(stage, verdict)| {
			let lead = part_of(stage, Part::Lead);
			lead.map(|_| vec![(Part::Lead, verdict)])
		});
		return verdicts.collect();
	}
	stages
		.map(|stage| {
			let showings = showings(evidence, stage)?;
			let verdicts = judge::judge_stage(&showings);
			let lead = std::iter::once((Part::Lead, verdicts.lead));
			let replica = verdicts.replica.map(|replica| (Part::Replica, replica));
			let third = verdicts.tiebreak.map(|third| (Part::Tiebreak, third));
			Some(lead.chain(replica).chain(third).collect())
		})
		.collect()
}

/// On what it rests that the worker of a part was convicted; none where the stage cannot be judged.
pub(super) fn ground(evidence: &Evidence, stage: &StageReceipt, part: Part) -> Option<Ground> {
	showings(evidence, stage).map(|shown| shown.ground(part))
}

fn showings(evidence: &Evidence, stage: &StageReceipt) -> Option<StageShowings> {
	let showing = |part| shown(evidence, stage, part_of(stage, part)?);
	let starved = is_starved(stage).then_some(Showing::Starved);
	Some(StageShowings {
		lead: showing(Part::Lead)?,
		replica: starved.or_else(|| showing(Part::Replica)),
		tiebreak: showing(Part::Tiebreak),
		unchecked: went_unchecked(stage),
		dispute: stage.dispute,
		comparison: comparison::likeness(stage),
	})
}

/// The same as it was before anybody showed a receipt: a third worker may do so after disputes and ties have begun.
pub(super) fn showings_before(evidence: &Evidence, stage: &StageReceipt) -> Option<StageShowings> {
	let mut before = stage.clone();
	before.contradiction = None;
	showings(evidence, &before)
}

/// Whether two checkers of a stage said that they got no rows.
pub(super) fn is_starved(stage: &StageReceipt) -> bool {
	stage.refused.len() > 1
}

/// What a worker's part in a stage amounts to; none where the model has no such stage.
fn shown(evidence: &Evidence, stage: &StageReceipt, one: &ParticipantView) -> Option<Showing> {
	let all = everybody(evidence).map(|(stage, one)| exhibit(stage, one));
	let due = Due {
		shards: shards_of(evidence, stage)?,
		entry: stage.stage == ENTRY_STAGE,
		exact: evidence.is_exact(),
	};
	let all = all.collect::<Vec<_>>();
	Some(judge::showing(&exhibit(stage, one), &all, due))
}

/// Notes the receipt that convicts a lead, and checks it: a signature by its network key for other rows of this run
/// of the job than it opened.
fn check_contradiction(sheet: &mut Sheet, evidence: &Evidence, stage: &StageReceipt) {
	let (Some(proof), Some(lead)) = (stage.contradiction, part_of(stage, Part::Lead)) else {
		return;
	};
	let did = match proof.end {
		End::Sender => "sent",
		End::Receiver => "received",
	};
	sheet.note(format!(
		"{}: signed that it {did} {} rows {}, and told others",
		who(stage, lead),
		proof.rows,
		hex(&proof.root)
	));
	let last = evidence.receipt.stages.last().map(|last| last.stage);
	let boundary = match proof.end {
		End::Sender => stage.stage,
		End::Receiver => stage.stage.checked_sub(1).or(last).unwrap_or_default(),
	};
	let hop = (evidence.job, run_of(evidence), boundary);
	let roots = lead.opening.map(|opening| opening.roots);
	let peer = evidence.worker(&lead.worker).map(|worker| &worker.peer_id);
	let known = roots.zip(peer);
	let convicts = known.is_some_and(|(roots, peer)| proof.convicts(hop, &roots, peer));
	sheet.expect(convicts, || {
		format!(
			"the receipt that convicts {} is not signed by it, or not for other rows than it told",
			who(stage, lead)
		)
	});
}

/// Names the run of the job, as the ends of its hops did.
fn run_of(evidence: &Evidence) -> Digest {
	let user = (ENTRY_STAGE, LayerRange::default(), None);
	let user = evidence.record.own_entry.then_some(user).into_iter();
	let leads = evidence.receipt.stages.iter().map(|stage| {
		let lead = part_of(stage, Part::Lead).map(|lead| &lead.worker);
		let peer = |lead| evidence.worker(lead).map(|worker| worker.peer_id.clone());
		let named = lead.map(|lead| (lead, peer(lead).unwrap_or_default()));
		(stage.stage, stage.layers, named)
	});
	hop::run(evidence.asked.digest, user.chain(leads))
}

/// Notes a dispute. There is one exactly where the rule has one, and it is over once the job is.
fn check_dispute(sheet: &mut Sheet, evidence: &Evidence, stage: &StageReceipt) {
	let number = stage.stage;
	match stage.dispute {
		None => {}
		Some(Standing::Over(outcome)) => {
			let told = match outcome {
				dispute::Outcome::Convicted => "its lead was wrong, or did not answer",
				dispute::Outcome::Dismissed => "nothing was shown against its lead",
			};
			sheet.note(format!(
				"stage {number}: a dispute about one value, in which {told}"
			));
		}
		Some(Standing::Awaiting | Standing::Moved) => sheet.expect(false, || {
			format!("the dispute about stage {number} is not over")
		}),
	}
	let could = showings_before(evidence, stage);
	let could = could.is_some_and(|shown| judge::is_disputable(&shown));
	sheet.expect(could || stage.dispute.is_none(), || {
		format!("stage {number} has a dispute without need")
	});
	let due = is_arguable(evidence, stage) && has_constants(evidence, stage);
	sheet.expect(!due || stage.dispute.is_some(), || {
		format!("stage {number} has no dispute though lead and replica can have one")
	});
}

/// Whether lead and replica sent other rows after the same work.
fn is_arguable(evidence: &Evidence, stage: &StageReceipt) -> bool {
	let showings = showings(evidence, stage);
	showings.is_some_and(|shown| judge::is_disputable(&shown))
}

/// Whether the model names what a dispute about that many rows of the stage is judged by.
fn has_constants(evidence: &Evidence, stage: &StageReceipt) -> bool {
	let drawn = drawn(evidence).unwrap_or_default();
	let drawn = drawn.into_iter().find(|due| due.stage == stage.stage);
	let (Some(mut trial), Some(spec)) = (drawn, evidence.spec()) else {
		return false;
	};
	trial.lead.opening = part_of(stage, Part::Lead).and_then(|lead| lead.opening);
	dispute::Record::open(evidence.job, &trial, &spec).is_some()
}

/// Whether the rule asks for a third worker.
fn is_tied(evidence: &Evidence, stage: &StageReceipt) -> bool {
	let showings = showings_before(evidence, stage);
	!is_unserved(evidence) && showings.is_some_and(|shown| judge::needs_tiebreak(&shown))
}

fn exhibit<'a>(stage: &StageReceipt, one: &'a ParticipantView) -> Exhibit<'a, AccountId32> {
	Exhibit {
		contradicted: one.part == Part::Lead && stage.contradiction.is_some(),
		worker: &one.worker,
		commitment: one.commitment.map(|(digest, _)| digest),
		roots: one.opening.map(|opening| opening.roots),
	}
}

/// What the rule makes of the job, from the verdicts that it gives itself.
fn ruled(evidence: &Evidence) -> Outcome {
	let own_entry = evidence.record.own_entry;
	if is_unserved(evidence) {
		return Outcome::Failed(unserved::refund(evidence));
	}
	let stages = evidence.receipt.stages.iter().zip(judged(evidence));
	let leads = stages.map(|(stage, due)| {
		let verdict = due.and_then(|due| due.first().map(|(_, verdict)| *verdict));
		let lead = part_of(stage, Part::Lead);
		let opening = lead.and_then(|lead| lead.opening);
		let verdict = verdict.map(|due| {
			let pardoned = lead.is_some_and(|lead| is_pardoned(stage, lead, due));
			if pardoned {
				Verdict::Pardoned
			} else {
				due
			}
		});
		LeadFinding {
			verdict: verdict.unwrap_or(Verdict::Indeterminate),
			roots: opening.map(|opening| opening.roots),
		}
	});
	judge::outcome(
		&leads.collect::<Vec<_>>(),
		own_entry,
		evidence.record.rows_ceiling,
	)
}

fn words(verdict: Verdict) -> &'static str {
	verdict_in_words(Some(verdict))
}

/// Why the rule gives this verdict, for people.
fn reason(
	evidence: &Evidence,
	stage: &StageReceipt,
	one: &ParticipantView,
	verdict: Verdict,
) -> String {
	let showing = shown(evidence, stage, one).unwrap_or(Showing::Silent);
	if is_unserved(evidence) {
		return unserved::reason(evidence, stage.stage, verdict).into();
	}
	if showing == Showing::Contradicted {
		return "it signed for other rows of a hop than it told".into();
	}
	if let Some(Standing::Over(_)) = stage.dispute {
		return disputed(one.part, verdict);
	}
	if is_starved(stage) && matches!(showing, Showing::Silent | Showing::Opened(_)) {
		return match one.part {
			Part::Lead => {
				"two checkers, one drawn after the other, got no rows from either end of the hop"
					.into()
			}
			Part::Replica | Part::Tiebreak => "it got no rows, as the one drawn before it".into(),
		};
	}
	let confirmed = stage
		.participants
		.iter()
		.filter(|other| other.verdict == Some(Verdict::Pass) && other.worker != one.worker)
		.map(|other| part_in_words(other.part))
		.collect::<Vec<_>>()
		.join(" and ");
	match (verdict, showing) {
		(Verdict::Pass, _) if comparison::confirms(stage, one.part) => {
			comparison::reason(stage, one.part)
		}
		(Verdict::Pass, _) => format!("told the same as {confirmed}"),
		(Verdict::Cheat, Showing::Copied) => {
			"its commitment is another worker's, who opened it".into()
		}
		(Verdict::Cheat, Showing::Foreign) => {
			"by its own word it executed other shards than the model's, or gave a reply as a segment"
				.into()
		}
		(Verdict::Cheat, _) => {
			format!("{confirmed} told other roots of the same rows in the same class")
		}
		(Verdict::WorkerFault | Verdict::VerifierFault, _) => {
			"showed nothing by its deadline".into()
		}
		(Verdict::Unchecked, _) => {
			"nobody was summoned to check it, and it opened its commitment".into()
		}
		// The rule pardons nobody.
		(Verdict::Pardoned, _) => "governance pardoned it".into(),
		(Verdict::Indeterminate, _) => {
			let why = match confirmed.is_empty() {
				true => "no two workers agree".into(),
				false => format!(
					"differs from {confirmed}, but in its class or in the rows that it received"
				),
			};
			let compared = comparison::reason(stage, one.part);
			match compared.is_empty() {
				true => why,
				false => format!("{why}; {compared}"),
			}
		}
	}
}

/// Why a dispute gives this verdict on one of its sides.
fn disputed(part: Part, verdict: Verdict) -> String {
	let other = match part {
		Part::Lead => "replica",
		Part::Replica | Part::Tiebreak => "lead",
	};
	match verdict {
		Verdict::Pass => format!("won the dispute with the {other}"),
		_ => format!("lost the dispute with the {other}"),
	}
}
