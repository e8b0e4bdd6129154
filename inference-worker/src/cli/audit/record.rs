//! Step `record`: what is stored, what the runtime tells and what the events say of the job are one story.

use super::{
	evidence::Evidence,
	step::{Sheet, Step},
};
use crate::{
	chain::{address, Amount},
	cli::receipt::state_in_words,
};
use dllm_primitives::{job::JobState, verdict::Phase};

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
	sheet.same(
		"what was charged and came back",
		record.fee.checked_add(receipt.refunded),
		Some(record.max_price),
	);
}

/// The block announced the end as it is recorded.
fn events_agree(sheet: &mut Sheet, evidence: &Evidence) {
	let (record, events) = (&evidence.record, &evidence.events);
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
		JobState::Waiting | JobState::Running { .. } => {}
	}
}
