//! Step `record`: what is stored, what the runtime tells and what the events say of the job are one story.

use super::{
	evidence::Evidence,
	step::{Sheet, Step},
};
use crate::{
	chain::{address, Amount},
	cli::receipt::state_in_words,
};
use dllm_primitives::{
	ids::JobId,
	job::{JobState, OnFailure, Refund},
	verdict::Phase,
};

/// Checks that receipt, record, request and events agree.
pub(super) fn record(evidence: &Evidence) -> Step {
	let mut sheet = Sheet::new(
		"record",
		"receipt, stored record, request and events tell the same of the job",
	);
	let Evidence { record, asked, .. } = evidence;
	sheet.note(format!(
		"job {} of {}: {}, asked in block {}, ended in block {}",
		evidence.job,
		address(&record.client),
		state_in_words(record.state),
		record.submitted,
		evidence.block
	));
	sheet.note(format!(
		"on hold {}, charged {}, came back {}",
		Amount(record.max_price),
		Amount(record.fee),
		Amount(evidence.receipt.refunded)
	));
	sheet.note(format!(
		"{} rows of {} at most; the prompt is {}",
		record.rows,
		asked.rows_ceiling,
		if asked.sealed { "sealed" } else { "public" }
	));
	receipt_agrees(&mut sheet, evidence);
	sheet.same(
		"rows that the request allows",
		record.rows_ceiling,
		asked.rows_ceiling,
	);
	sheet.same("a sealed prompt", record.own_entry, asked.sealed);
	is_of_one_piece(&mut sheet, evidence);
	events_agree(&mut sheet, evidence);
	sheet.close(format!(
		"all of them agree, and block {} announced it",
		evidence.block
	))
}

/// The runtime's view is a copy of the record.
fn receipt_agrees(sheet: &mut Sheet, evidence: &Evidence) {
	let (record, receipt) = (&evidence.record, &evidence.receipt);
	let job = &receipt.job;
	sheet.same("number", job.id, evidence.job);
	sheet.same("client", &job.client, &record.client);
	sheet.same("model", job.model, record.model);
	sheet.same("state", job.state, record.state);
	sheet.same("sealed", job.sealed, record.own_entry);
	sheet.same("assurance", job.assurance, evidence.asked.assurance);
	sheet.same("on failure", job.on_failure, evidence.asked.on_failure);
	sheet.same("adapter", job.adapter, evidence.asked.adapter);
	let of = record.lineage.as_ref().map(|lineage| lineage.of);
	sheet.same("runs again", job.rerun_of, of);
	sheet.same("price ceiling", job.max_price, record.max_price);
	sheet.same("fee", job.fee, record.fee);
	sheet.same("tokens", job.tokens, record.tokens);
	sheet.same("rows", job.rows, record.rows);
	sheet.same("block of submission", job.submitted, record.submitted);
	sheet.same("deadline", job.deadline, record.deadline);
	sheet.same("block of the award", job.awarded, record.awarded);
	sheet.same("block of the end", job.ended, record.ended);
	sheet.same("pipeline", receipt.pipeline, record.pipeline);
}

/// The record makes sense by itself.
fn is_of_one_piece(sheet: &mut Sheet, evidence: &Evidence) {
	let (record, receipt) = (&evidence.record, &evidence.receipt);
	sheet.expect(record.state.is_final(), || "the job is not over".into());
	sheet.same("block of the end", record.ended, Some(evidence.block));
	sheet.same(
		"awarded",
		record.awarded.is_some(),
		record.pipeline.is_some(),
	);
	let closed = record.pipeline.map(|_| Phase::Closed);
	sheet.same("phase of the trial", receipt.job.phase, closed);
	let awarded = record.awarded.unwrap_or(record.submitted);
	let in_order = record.submitted <= awarded && awarded <= evidence.block;
	sheet.expect(in_order, || {
		format!(
			"submission in block {}, award in block {awarded} and end in block {} are not in order",
			record.submitted, evidence.block
		)
	});
	sheet.expect(record.submitted < record.deadline, || {
		"the deadline lies before the submission".into()
	});
	let goes_on = match record.state {
		JobState::Rerun { .. } => record.max_price,
		_ => 0,
	};
	let charged = record.fee.checked_add(receipt.refunded);
	sheet.same(
		"what was charged, came back and went on to another job",
		charged.and_then(|sum| sum.checked_add(goes_on)),
		Some(record.max_price),
	);
	runs_again(sheet, evidence);
}

/// A job that runs a failed one again came after it, and to another pipeline.
fn runs_again(sheet: &mut Sheet, evidence: &Evidence) {
	let record = &evidence.record;
	let Some(lineage) = &record.lineage else {
		return;
	};
	sheet.note(format!(
		"runs job {} again, which pipelines {:?} failed",
		lineage.of, lineage.failed
	));
	sheet.expect(lineage.of < evidence.job, || {
		"it runs a later job again".into()
	});
	let again = record.pipeline.filter(|id| lineage.failed.contains(id));
	sheet.expect(again.is_none(), || {
		"a pipeline was given what it had failed before".into()
	});
}

/// The block announced the end as it is recorded.
fn events_agree(sheet: &mut Sheet, evidence: &Evidence) {
	let (record, events) = (&evidence.record, &evidence.events);
	let rerun = matches!(record.state, JobState::Rerun { .. });
	sheet.expect(rerun || events.rerun.is_none(), || {
		"the block announced that another job runs it again".into()
	});
	match record.state {
		JobState::Settled => {
			sheet.expect(events.refunded.is_none(), || {
				"the block announced a refund of a settled job".into()
			});
			let Some(settled) = &events.settled else {
				return sheet.expect(false, || "no event Jobs.Settled".into());
			};
			sheet.same("Jobs.Settled, client", &settled.client, &record.client);
			sheet.same("Jobs.Settled, rows", settled.rows, record.rows);
			sheet.same("Jobs.Settled, tokens", settled.tokens, record.tokens);
			sheet.same("Jobs.Settled, fee", settled.fee, record.fee);
			let refunded = evidence.receipt.refunded;
			sheet.same("Jobs.Settled, refunded", settled.refunded, refunded);
			sheet.same("Jobs.Settled, result", settled.result, record.result);
		}
		JobState::Refunded(reason) => {
			sheet.expect(events.settled.is_none(), || {
				"the block announced a settlement of a refunded job".into()
			});
			let Some(refunded) = &events.refunded else {
				return sheet.expect(false, || "no event Jobs.Refunded".into());
			};
			sheet.same("Jobs.Refunded, client", &refunded.client, &record.client);
			sheet.same("Jobs.Refunded, reason", refunded.reason, reason);
			sheet.same("Jobs.Refunded, amount", refunded.amount, record.max_price);
			sheet.same("rows", record.rows, 0);
			sheet.expect(record.result.is_zero(), || {
				"a refunded job has no result".into()
			});
		}
		JobState::Rerun { by, reason } => rerun_agrees(sheet, evidence, by, reason),
		JobState::Waiting | JobState::Running { .. } => {}
	}
}

/// The block announced that another job runs it again, as its client chose.
fn rerun_agrees(sheet: &mut Sheet, evidence: &Evidence, by: JobId, reason: Refund) {
	let events = &evidence.events;
	sheet.expect(
		events.settled.is_none() && events.refunded.is_none(),
		|| "the block announced another end of a job that is run again".into(),
	);
	sheet.same("rows", evidence.record.rows, 0);
	sheet.expect(evidence.record.result.is_zero(), || {
		"a job that is run again has no result".into()
	});
	let Some(rerun) = &events.rerun else {
		return sheet.expect(false, || "no event Jobs.Rerun".into());
	};
	sheet.same("Jobs.Rerun, by", rerun.by, by);
	sheet.same("Jobs.Rerun, client", &rerun.client, &evidence.record.client);
	sheet.same("Jobs.Rerun, reason", rerun.reason, reason);
	sheet.same(
		"what its client chose",
		evidence.asked.on_failure,
		OnFailure::Rerun,
	);
	sheet.expect(reason.is_workers_fault(), || {
		"it is run again though its workers did not fail it".into()
	});
}
