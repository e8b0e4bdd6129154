//! Steps over what the workers have shown: `order`, `commitments`, `shards`, `agreement`, `links` and
//! `reply`.

use super::{
	comparison,
	evidence::Evidence,
	step::{Sheet, Step},
};
use crate::{
	chain::address,
	cli::{receipt::part_in_words, table::short},
};
use codec::Encode;
use dllm_primitives::{
	api::{ParticipantView, StageReceipt},
	commitment::{commitment, result_hash, shards_root, Roots},
	dispute::{Outcome, Standing},
	ids::{Digest, ENTRY_STAGE},
	judge::{self, Due},
	model::Shard,
	summons,
	verdict::{Part, Verdict},
};

/// A participant of a stage, in words.
pub(super) fn who(stage: &StageReceipt, one: &ParticipantView) -> String {
	let (part, worker) = (part_in_words(one.part), short(&address(&one.worker)));
	format!("stage {} {part} {worker}", stage.stage)
}

/// The worker that has a part in a stage.
pub(super) fn part_of(stage: &StageReceipt, part: Part) -> Option<&ParticipantView> {
	stage.participants.iter().find(|one| one.part == part)
}

/// Everybody that takes part, stage by stage.
pub(super) fn everybody(
	evidence: &Evidence,
) -> impl Iterator<Item = (&StageReceipt, &ParticipantView)> {
	let stages = evidence.receipt.stages.iter();
	stages.flat_map(|stage| stage.participants.iter().map(move |one| (stage, one)))
}

/// Commitments came in their phases: leads first, replicas after every lead.
pub(super) fn order(evidence: &Evidence) -> Step {
	let mut sheet = Sheet::new(
		"order",
		"leads committed while the job ran, drawn replicas after every lead, third workers not at all",
	);
	let record = &evidence.record;
	let first = record.awarded.unwrap_or(record.submitted);
	let committed = |part| {
		everybody(evidence).filter_map(move |(stage, one)| {
			let (_, block) = one.commitment.filter(|_| one.part == part)?;
			Some((who(stage, one), block))
		})
	};
	let leads = committed(Part::Lead).map(|(_, block)| block);
	let from = leads.max().unwrap_or(first);
	let due = committed(Part::Lead).map(|lead| (lead, first));
	let due = due.chain(committed(Part::Replica).map(|replica| (replica, from)));
	for ((who, block), from) in due {
		sheet.note(format!("{who} in block {block}"));
		sheet.expect((from..=evidence.block).contains(&block), || {
			format!(
				"{who} committed in block {block}, not from {from} to {}",
				evidence.block
			)
		});
	}
	for (who, _) in committed(Part::Tiebreak) {
		sheet.expect(false, || format!("{who} has a commitment"));
	}
	if everybody(evidence).all(|(_, one)| one.commitment.is_none()) {
		return sheet.nothing("nobody committed");
	}
	let silent =
		everybody(evidence).any(|(_, one)| one.part == Part::Lead && one.commitment.is_none());
	let early = committed(Part::Replica).next().is_some();
	sheet.expect(!(silent && early), || {
		"a replica committed though a lead had not".into()
	});
	sheet.close("every commitment stands in a block of its phase")
}

/// Every commitment is that of its opening, salted, for this job, stage and worker.
pub(super) fn commitments(evidence: &Evidence) -> Step {
	let mut sheet = Sheet::new(
		"commitments",
		"every commitment is the digest of job, stage, worker, salt and the roots that were opened",
	);
	let mut opened = 0;
	for (stage, one) in everybody(evidence) {
		let name = who(stage, one);
		match (one.opening, one.commitment) {
			(Some(opening), Some((digest, _))) => {
				opened += 1;
				let account = one.worker.encode();
				let found = commitment(evidence.receipt.job.id, stage.stage, &account, &opening);
				sheet.note(format!("{name}: {}", hex(&found)));
				sheet.expect(found == digest, || {
					format!(
						"{name} opened {}, which is not its commitment {}",
						hex(&found),
						hex(&digest)
					)
				});
			}
			// A third worker tells its roots in clear.
			(Some(opening), None) => {
				sheet.expect(one.part == Part::Tiebreak, || {
					format!("{name} opened what it had not committed to")
				});
				sheet.expect(opening.salt.is_zero(), || {
					format!("{name} has a salt without a commitment")
				});
				sheet.note(format!("{name}: told its roots in clear"));
			}
			(None, Some((digest, _))) => sheet.note(format!("{name}: {} not opened", hex(&digest))),
			(None, None) => sheet.note(format!("{name}: no commitment")),
		}
	}
	if opened == 0 {
		return sheet.nothing("nobody opened a commitment");
	}
	sheet.close(format!("{opened} commitments recomputed to the byte"))
}

/// Who passed executed the shards that are registered for the model.
pub(super) fn shards(evidence: &Evidence) -> Step {
	let mut sheet = Sheet::new(
		"shards",
		"who passed executed the files that are registered for the model",
	);
	let mut passed = 0;
	for (stage, one) in everybody(evidence) {
		let Some(opening) = one.opening else {
			continue;
		};
		let Some(due) = shards_of(evidence, stage) else {
			sheet.expect(false, || {
				format!("stage {} has layers beyond the model", stage.stage)
			});
			continue;
		};
		let name = who(stage, one);
		let same = opening.roots.weights == due;
		if matches!(one.verdict, Some(Verdict::Pass | Verdict::Unchecked)) {
			passed += 1;
			sheet.note(format!("{name}: {}", hex(&due)));
			sheet.expect(same, || {
				format!(
					"{name} executed {}, not {}",
					hex(&opening.roots.weights),
					hex(&due)
				)
			});
		} else if !same {
			let told = hex(&opening.roots.weights);
			sheet.note(format!(
				"{name} did not pass, and told other shards: {told}"
			));
		}
	}
	if passed == 0 {
		return sheet.nothing("nobody passed");
	}
	sheet.close(format!(
		"digests of {passed} workers that passed are those of the catalogue"
	))
}

/// Digest of the files of a stage; none where the model has no such layers.
pub(super) fn shards_of(evidence: &Evidence, stage: &StageReceipt) -> Option<Digest> {
	let model = &evidence.model;
	if stage.stage == ENTRY_STAGE {
		return Some(shards_root([&model.embed.hash, &model.head.hash]));
	}
	let layers = usize::from(stage.layers.start)..usize::from(stage.layers.end);
	let layers: &[Shard] = model.layers.get(layers)?;
	Some(shards_root(layers.iter().map(|layer| &layer.hash)))
}

/// Lead and replica told the same of every stage; where they did not, a dispute told who was right, their rows were
/// compared, or a third worker was asked.
pub(super) fn agreement(evidence: &Evidence) -> Step {
	let mut sheet = Sheet::new(
		"agreement",
		"who passed a stage told the same rows as another worker, in whatever class, sent rows that were found alike, or won its dispute, and a lead that was paid is among them",
	);
	let mut told = 0;
	for stage in &evidence.receipt.stages {
		let roots = |one: &ParticipantView| compared(evidence, one);
		told += stage.participants.iter().filter_map(roots).count();
		compare(&mut sheet, evidence, stage);
		let passed = stage
			.participants
			.iter()
			.filter(|one| one.verdict == Some(Verdict::Pass));
		let passed = passed.map(|one| (one, roots(one))).collect::<Vec<_>>();
		for (one, own) in &passed {
			let agrees = |(other, theirs): &(&ParticipantView, Option<Roots>)| {
				other.worker != one.worker && agree(*theirs, *own)
			};
			let confirmed = has_won(stage, one.part)
				|| comparison::confirms(stage, one.part)
				|| passed.iter().any(agrees);
			sheet.expect(own.is_some() && confirmed, || {
				format!(
					"{} passed, and nobody who passed told the same",
					who(stage, one)
				)
			});
		}
		let lead = passed.iter().any(|(one, _)| one.part == Part::Lead);
		let lead = lead || is_unchecked(stage);
		sheet.expect(lead || !evidence.is_settled(), || {
			format!(
				"stage {} was paid for without a lead that passed",
				stage.stage
			)
		});
	}
	if told == 0 {
		return sheet.nothing("nobody told any roots");
	}
	sheet.close("every worker that passed is confirmed by another one, by rows that are alike, or by a dispute")
}

/// Whether nobody was summoned to check a stage, and its lead was taken at its word.
fn is_unchecked(stage: &StageReceipt) -> bool {
	let lead = part_of(stage, Part::Lead).and_then(|lead| lead.verdict);
	went_unchecked(stage) && lead == Some(Verdict::Unchecked)
}

/// Whether it was left to lots who checks a stage, and none won.
pub(super) fn went_unchecked(stage: &StageReceipt) -> bool {
	stage.chance > 0 && part_of(stage, Part::Replica).is_none()
}

/// Who was summoned shows a lot that only it could draw, and that wins; the first one checked the stage.
pub(super) fn summons(evidence: &Evidence) -> Step {
	let mut sheet = Sheet::new(
		"summons",
		"where a check was left to lots, the checker of a stage is the first who showed one that is its own and wins",
	);
	let stages = &evidence.receipt.stages;
	if stages.iter().all(|stage| stage.chance == 0) {
		let none = stages.iter().all(|stage| stage.summons.is_empty());
		sheet.expect(none, || "lots were shown though none was drawn".into());
		return sheet.nothing("no check was left to lots");
	}
	for stage in stages {
		let number = stage.stage;
		let share = f64::from(stage.chance) / 10_000.0;
		sheet.note(format!(
			"stage {number}: to be summoned with {share} %, {} were",
			stage.summons.len()
		));
		sheet.expect(stage.chance > 0, || {
			format!("stage {number} alone was not left to lots")
		});
		for shown in &stage.summons {
			let at = (evidence.job, number);
			let lot = summons::lot(shown.seed, at, shown.worker.as_ref(), &shown.proof);
			let wins = lot.is_some_and(|lot| lot < shown.threshold);
			sheet.expect(wins, || {
				let who = short(&address(&shown.worker));
				format!("the lot of {who} over stage {number} is not its own, or does not win")
			});
		}
		let first = stage.summons.first().map(|shown| &shown.worker);
		let replica = part_of(stage, Part::Replica).map(|one| &one.worker);
		let checked = stage.refused.first().or(replica);
		sheet.expect(first == checked, || {
			format!("who was summoned first did not check stage {number}")
		});
	}
	sheet.close("every lot that was shown is its holder's, and won")
}

/// Whether a worker has won the dispute about its stage.
fn has_won(stage: &StageReceipt, part: Part) -> bool {
	matches!(
		(stage.dispute, part),
		(Some(Standing::Over(Outcome::Convicted)), Part::Replica)
			| (Some(Standing::Over(Outcome::Dismissed)), Part::Lead)
	)
}

/// What is compared of a worker's roots: of an exact model not the class.
fn compared(evidence: &Evidence, one: &ParticipantView) -> Option<Roots> {
	let roots = one.opening?.roots;
	let due = Due {
		shards: roots.weights,
		entry: true,
		exact: evidence.is_exact(),
	};
	Some(due.compared(roots))
}

/// Whether two told the same, in whatever class.
fn agree(one: Option<Roots>, other: Option<Roots>) -> bool {
	let both = one.zip(other);
	both.is_some_and(|(one, other)| judge::agree(&one, &other))
}

/// Notes whether lead and replica of a stage agree, and if not in what they differ.
fn compare(sheet: &mut Sheet, evidence: &Evidence, stage: &StageReceipt) {
	let roots = |part| part_of(stage, part).and_then(|one| compared(evidence, one));
	let (lead, replica, third) = (
		roots(Part::Lead),
		roots(Part::Replica),
		roots(Part::Tiebreak),
	);
	let told: String = match (lead, replica) {
		(Some(lead), Some(replica)) if lead == replica => "lead and replica told the same".into(),
		_ if agree(lead, replica) => {
			"lead and replica told the same rows, computed in two numerics classes".into()
		}
		(Some(lead), Some(replica)) => {
			format!(
				"lead and replica differ in {}",
				differences(&lead, &replica)
			)
		}
		(Some(_), None) => "only the lead told its roots".into(),
		(None, Some(_)) => "only the replica told its roots".into(),
		(None, None) => "neither lead nor replica told its roots".into(),
	};
	sheet.note(format!("stage {}: {told}", stage.stage));
	comparison::explain(sheet, stage);
	if let Some(third) = third {
		let with = match (agree(lead, Some(third)), agree(replica, Some(third))) {
			(true, _) => "the lead",
			(_, true) => "the replica",
			_ => "neither",
		};
		sheet.note(format!(
			"stage {}: the third worker agrees with {with}",
			stage.stage
		));
	}
}

/// The parts in which two workers' roots differ.
fn differences(one: &Roots, other: &Roots) -> String {
	let parts = [
		("class", one.class != other.class),
		("shards", one.weights != other.weights),
		("rows received", one.input != other.input),
		("rows sent", one.output != other.output),
		("reply", one.result != other.result),
		("number of rows", one.rows != other.rows),
	];
	let differing = parts.iter().filter(|(_, differs)| *differs);
	differing
		.map(|(part, _)| *part)
		.collect::<Vec<_>>()
		.join(", ")
}

/// What a stage sent is what the next one received.
pub(super) fn links(evidence: &Evidence) -> Step {
	let mut sheet = Sheet::new(
		"links",
		"the rows that a stage sent are those that the next one received, as many of them",
	);
	let stages = &evidence.receipt.stages;
	let opened = |stage: &StageReceipt| {
		let lead = part_of(stage, Part::Lead)?;
		Some((stage.stage, lead.opening?.roots))
	};
	let Some(leads) = stages.iter().map(opened).collect::<Option<Vec<_>>>() else {
		sheet.expect(!evidence.is_settled(), || {
			"a stage that was paid for has no opened lead".into()
		});
		return sheet.nothing("not every lead told its roots");
	};
	let ring = leads.iter().zip(leads.iter().skip(1));
	// Where the user is the entry the chain does not know what it sent or got back.
	let home = leads.last().zip(leads.first());
	let home = home.filter(|_| !evidence.record.own_entry);
	let mut broken = 0;
	for ((from, sent), (to, received)) in ring.chain(home) {
		let holds = sent.output == received.input && sent.rows == received.rows;
		sheet.note(format!(
			"stage {from} sent {} rows {}, stage {to} received {} rows {}",
			sent.rows,
			hex(&sent.output),
			received.rows,
			hex(&received.input)
		));
		broken += u32::from(!holds);
		sheet.expect(holds || !evidence.is_settled(), || {
			format!("the link from stage {from} to stage {to} carried different rows at its ends")
		});
	}
	let counted = leads
		.iter()
		.all(|(_, roots)| roots.rows == evidence.record.rows);
	sheet.expect(counted || !evidence.is_settled(), || {
		format!(
			"{} rows were charged, the leads told others",
			evidence.record.rows
		)
	});
	if !evidence.is_settled() {
		return sheet.nothing(format!(
			"nothing was charged, so no link has to hold; {broken} do not"
		));
	}
	sheet.close("both ends of every link committed to the same rows")
}

/// A public reply is the one that the entry's workers committed to; a sealed one is not on chain.
pub(super) fn reply(evidence: &Evidence) -> Step {
	let mut sheet = Sheet::new(
		"reply",
		"the digest of the posted reply and its number of tokens is the one that the entry opened",
	);
	let job = &evidence.receipt.job;
	if evidence.record.own_entry {
		sheet.expect(job.reply.is_none(), || {
			"a sealed job has a public reply".into()
		});
		sheet.expect(evidence.record.result.is_zero(), || {
			"a sealed job has a public digest of its reply".into()
		});
		return sheet.nothing("the user was the entry; the reply never left its machine");
	}
	let mut stages = evidence.receipt.stages.iter();
	let entry = stages.find(|stage| stage.stage == ENTRY_STAGE);
	let opened = entry
		.and_then(|stage| part_of(stage, Part::Lead))
		.and_then(|lead| lead.opening);
	let (Some(reply), Some(opening)) = (&job.reply, opened) else {
		sheet.expect(!evidence.is_settled(), || {
			"a settled public job lacks its reply, or the opening of its entry".into()
		});
		return sheet.nothing("there is no opened reply");
	};
	let found = result_hash(job.tokens, reply.as_bytes());
	sheet.note(format!(
		"{} tokens, {} bytes: {}",
		job.tokens,
		reply.len(),
		hex(&found)
	));
	sheet.expect(found == opening.roots.result, || {
		format!("the entry opened {}", hex(&opening.roots.result))
	});
	sheet.expect(
		!evidence.is_settled() || evidence.record.result == found,
		|| format!("the job is recorded with {}", hex(&evidence.record.result)),
	);
	sheet.close("the reply that everybody can read is the one that was checked")
}

/// A digest, shortened.
pub(super) fn hex(digest: &Digest) -> String {
	short(&format!("{digest:?}"))
}
